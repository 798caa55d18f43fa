"""Dates that were moved apart, and two people under one number: no day is taken, and it is said. About 20 s."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.hospital.importing import day_evidence
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from pipeline.study.study_folder import read_study
from tests import dicom_files as dicom
from tests.hospital.importing.test_import import codes, run
from tests.hospital.importing.test_series_as_a_whole import volume as phantom

FIRST, LATER = date(2010, 2, 1), date(2020, 2, 1)
NOBODY: dict[str, Any] = {"PatientBirthDate": None, "PatientName": "ANON"}


def deliver(folder: Path, *visits: tuple[date, dict[str, Any]]) -> ImportDone:
    for number, (day, header) in enumerate(visits):
        dicom.save_all(dicom.slices(phantom(), day, **header), folder / "disc" / str(number))
    return run(folder / "disc", folder / "study")


def days(folder: Path) -> list[date | None]:
    study = read_study(folder / "study", as_of=date(2026, 1, 31))
    return [visit.acquired_on for patient in study.patients for visit in patient.visits]


AGES = {
    "grows with the days": ("050Y", "060Y", True),
    "typed a year off": ("050Y", "061Y", True),
    "three years in ten": ("050Y", "053Y", False),
    "another person": ("050Y", "033Y", False),
    "a blank filled with 0": ("050Y", "000Y", True),
    "cut off at 89": ("085Y", "089Y", True),
}


@pytest.mark.parametrize(("first", "later", "fits"), AGES.values(), ids=AGES)
def test_days_that_ages_contradict_are_none(first: str, later: str, fits: bool, tmp_path: Path) -> None:
    visits = ((FIRST, {**NOBODY, "PatientAge": first}), (LATER, {**NOBODY, "PatientAge": later}))
    done = deliver(tmp_path, *visits)
    if fits:
        assert (codes(done), days(tmp_path)) == ([], [FIRST, LATER])
        return
    assert codes(done) == ["days_contradict", "visit_without_date", "visit_without_date"]
    assert days(tmp_path) == [None, None]
    assert "two people may share one ID" in done.findings[0].message
    assert not any(str(day.year) in finding.message for day in (FIRST, LATER) for finding in done.findings)


def test_a_later_delivery_moved_by_other_days_has_no_day(tmp_path: Path) -> None:
    assert codes(deliver(tmp_path / "a", (FIRST, {**NOBODY, "PatientAge": "050Y"}))) == []
    later = tmp_path / "b"
    dicom.save_all(dicom.slices(phantom(), LATER, **NOBODY, PatientAge="053Y"), later)
    done = import_dicom(ImportSettings(later, tmp_path / "a" / "study"), lambda *_: None)
    assert codes(done) == ["days_contradict", "visit_without_date"]
    assert sorted(days(tmp_path / "a"), key=str) == [FIRST, None]  # what is there keeps its day
    again = import_dicom(ImportSettings(later, tmp_path / "a" / "study"), lambda *_: None)
    assert again.added == ()


def test_a_study_that_comes_again_with_another_day_leaves_new_visits_without(tmp_path: Path) -> None:
    uids = dicom.new_uids()
    images = dicom.slices(phantom(), date(2020, 2, 17), uids=uids)
    dicom.save_all(images, tmp_path / "first")
    settings = ImportSettings(tmp_path / "first", tmp_path / "study")
    assert codes(import_dicom(settings, lambda *_: None)) == []
    for image in images:
        image.StudyDate = "20200301"
    dicom.save_all(images, tmp_path / "second" / "old")
    dicom.save_all(dicom.slices(phantom(), date(2021, 3, 4)), tmp_path / "second" / "new")
    done = import_dicom(ImportSettings(tmp_path / "second", tmp_path / "study"), lambda *_: None)
    assert codes(done) == ["days_contradict", "series_other_day", "visit_without_date"]
    assert "the same study came with two days" in done.findings[0].message
    assert sorted(days(tmp_path), key=str) == [date(2020, 2, 17), None]


def test_a_series_that_came_without_a_day_and_comes_again_with_one_stays_and_is_said(tmp_path: Path) -> None:
    images = dicom.slices(phantom(), FIRST)
    names = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
    for number, told in enumerate(("", "20200217")):
        for image in images:
            image.update(dict.fromkeys(names, told))
        dicom.save_all(images, tmp_path / str(number))
    settings = ImportSettings(tmp_path / "0", tmp_path / "study")
    assert codes(import_dicom(settings, lambda *_: None)) == ["visit_without_date"]
    done = import_dicom(ImportSettings(tmp_path / "1", tmp_path / "study"), lambda *_: None)
    assert (codes(done), done.added) == (["series_other_day"], ())
    assert done.findings[0].message.endswith("expected no day, as when it was imported, found ses-20200217")
    assert days(tmp_path) == [None]


@pytest.mark.parametrize(("later", "said"), [("20210304", "days_moved"), ("20300304", "days_contradict")])
def test_makers_numbers_tell_days_that_were_moved(later: str, said: str, tmp_path: Path) -> None:
    root = "1.3.12.2.1107.5.2.43.66045."
    for number, (day, told) in enumerate(((date(1990, 2, 17), "20200217"), (date(1991, 3, 4), later))):
        images = dicom.slices(phantom(), day, PatientBirthDate=None)
        for image in images:
            image.SOPInstanceUID = f"{root}{told}1015{int(image.InstanceNumber):02d}123456"
        dicom.save_all(images, tmp_path / "disc" / str(number))
    done = run(tmp_path / "disc", tmp_path / "study")
    assert codes(done)[0] == said
    assert days(tmp_path) == ([date(1990, 2, 17), date(1991, 3, 4)] if said == "days_moved" else [None, None])


MOVED = {
    "age by another birth": ({"PatientAge": "050Y"}, date(2012, 2, 1)),
    "born after the scan": ({}, date(1935, 2, 1)),
}


@pytest.mark.parametrize(("header", "day"), MOVED.values(), ids=MOVED)
def test_days_that_were_moved_alike_are_said(header: dict[str, Any], day: date, tmp_path: Path) -> None:
    done = deliver(tmp_path, (day, header))
    assert codes(done) == ["days_moved"]
    assert days(tmp_path) == [day]
    assert "n/a" in (tmp_path / "study" / "participants.tsv").read_text(encoding="utf-8")  # no age out of two


NO_DATE = {
    "removed": {"StudyDate": "20000101", "LongitudinalTemporalInformationModified": "REMOVED"},
    "a placeholder": {"StudyDate": "19000101", "PatientBirthDate": None},
}


@pytest.mark.parametrize("header", NO_DATE.values(), ids=NO_DATE)
def test_dates_in_place_of_none_are_none_and_join_no_two_visits(header: dict[str, Any], tmp_path: Path) -> None:
    done = deliver(tmp_path, (FIRST, header), (LATER, header))
    assert codes(done) == ["visit_without_date"] * 2
    assert days(tmp_path) == [None, None]


def test_two_days_under_one_series_number_are_two_visits_without_a_day(tmp_path: Path) -> None:
    uids = dicom.new_uids()
    dicom.save_all(dicom.slices(phantom(), FIRST, uids=uids), tmp_path / "disc" / "a")
    dicom.save_all(dicom.slices(phantom(), LATER, uids=uids), tmp_path / "disc" / "b")
    done = run(tmp_path / "disc", tmp_path / "study")
    assert codes(done)[0] == "days_contradict"
    assert days(tmp_path) == [None, None]
    assert codes(run(tmp_path / "disc", tmp_path / "study"))[0] == "days_contradict"
    assert len(list((tmp_path / "study").glob("sub-*/ses-*"))) == 2


@pytest.mark.parametrize(
    ("who", "other", "said", "taken"),
    [
        ({**NOBODY, "PatientSex": "M"}, {**NOBODY, "PatientSex": "F"}, ["patient_mixed"], 0),
        ({"PatientSex": "M"}, {"PatientSex": "F"}, ["patient_sexes"], 2),
        ({**NOBODY, "PatientSex": "F"}, {**NOBODY, "PatientSex": "F"}, [], 2),
        ({**NOBODY, "PatientSex": "O"}, {**NOBODY, "PatientSex": "F"}, [], 2),
        ({**NOBODY, "PatientID": "ANONYMOUS"}, {**NOBODY, "PatientID": "0000"}, ["patient_unnamed"], 0),
        ({**NOBODY, "PatientID": "000"}, {**NOBODY, "PatientID": "001"}, [], 2),
        ({**NOBODY, "PatientID": "patient_00"}, {**NOBODY, "PatientID": "patient_07"}, [], 2),
        ({**NOBODY, "PatientID": "anon_017"}, {**NOBODY, "PatientID": "anon_017"}, [], 2),
        ({"PatientID": "unknown"}, {"PatientID": "unknown"}, [], 2),  # name and date of birth tell who it is
    ],
)
def test_two_people_under_one_number_are_not_one(
    who: dict[str, Any], other: dict[str, Any], said: list[str], taken: int, tmp_path: Path
) -> None:
    done = deliver(tmp_path, (FIRST, who), (LATER, other))
    assert (codes(done), len(done.added)) == (said, taken)


def test_a_word_in_place_of_a_number_is_taken_where_a_table_says_who(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(phantom(), FIRST, **NOBODY, PatientID="ANONYMOUS"), tmp_path / "disc")
    table = tmp_path / "map.csv"
    table.write_text("dicom_id,participant_id\nANONYMOUS,P01\n", encoding="utf-8")
    done = import_dicom(ImportSettings(tmp_path / "disc", tmp_path / "study", patients=table), lambda *_: None)
    assert (codes(done), len(done.added)) == ([], 1)


def test_ages_and_births_compare_in_years() -> None:
    study = day_evidence.DatedStudy("1", date(2020, 2, 1), 50.0)
    low, high = day_evidence.births_years(study)
    for born_on, is_fifty in ((date(1969, 3, 1), True), (date(1970, 1, 1), True), (date(1971, 1, 1), False)):
        assert (low <= born_on.toordinal() / day_evidence.YEAR_DAYS <= high) is is_fifty


def study_on(day: date, **facts: Any) -> day_evidence.DatedStudy:
    return day_evidence.DatedStudy(facts.pop("uid", str(day)), day, **facts)


LEGITIMATE = {
    "moved alike, numbers kept of one maker, steps moved with the days of another": [
        study_on(date(1990, 2, 1), made_on=date(2020, 2, 1)),
        study_on(date(1992, 2, 1), stepped_on=date(1992, 2, 1)),
    ],
    "one day in place of all steps": [study_on(day, stepped_on=date(2000, 5, 5)) for day in (FIRST, LATER)],
    "ages rounded to 5": [
        study_on(date(year, 2, 1), age_years=age) for year, age in ((2010, 50.0), (2014, 50.0), (2016, 55.0))
    ],
    "ages rounded to 10": [
        study_on(date(year, 2, 1), age_years=age, born_on=date(1966, 3, 1))
        for year, age in ((2010, 40.0), (2016, 50.0))
    ],
}


@pytest.mark.parametrize("studies", LEGITIMATE.values(), ids=LEGITIMATE)
def test_what_programs_do_to_headers_is_no_contradiction(studies: list[day_evidence.DatedStudy]) -> None:
    assert day_evidence.contradiction(studies) is None


def test_one_age_typed_wrong_costs_no_other_visit_its_day() -> None:
    born_on = date(1959, 6, 1)
    right = [study_on(date(2010 + n, 2, 1), age_years=50.0 + n, born_on=born_on) for n in range(3)]
    wrong = study_on(date(2015, 2, 1), age_years=5.0, born_on=born_on)
    assert day_evidence.contradiction([*right, wrong]) is not None
    assert day_evidence.contradicting([*right, wrong]) == {wrong.study_uid}
    nobody = [study_on(one.studied_on, age_years=one.age_years) for one in (*right, wrong)]
    assert len(day_evidence.contradicting(nobody)) == len(nobody)  # without a date of birth nobody can tell which


def test_more_of_a_study_that_comes_again_with_another_day_makes_no_second_visit_on_it(tmp_path: Path) -> None:
    uids = dicom.new_uids()
    dicom.save_all(dicom.slices(phantom(), date(2020, 2, 17), uids=uids), tmp_path / "first")
    run(tmp_path / "first", tmp_path / "study")
    more = dicom.slices(phantom(), date(2020, 3, 1))
    for image in more:
        image.StudyInstanceUID = dicom.slices(phantom(), date(2020, 2, 17), uids=uids)[0].StudyInstanceUID
    dicom.save_all(more, tmp_path / "second")
    assert codes(run(tmp_path / "second", tmp_path / "study"))[0] == "days_contradict"
    assert date(2020, 3, 1) not in days(tmp_path)
