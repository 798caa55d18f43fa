"""Days that cannot be a scan's beside days that can, and visits whose dates go against their numbers."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.study.study_folder import StudyFolder
from tests.study_folder import codes, study_of

SESSIONS = "sub-01/sub-01_sessions.tsv"


def study_on(folder: Path, *days: str, treatments: str = "") -> StudyFolder:
    """A study with one visit on each day, named ses-01, ses-02 ..., without oddities of its scans."""
    names = [f"ses-{number:02d}" for number in range(1, len(days) + 1)]
    listed = "".join(f"{name}\t{day}\n" for name, day in zip(names, days, strict=True))
    scans = {f"sub-01/{name}/anat/sub-01_{name}_T2w.nii.gz": b"never opened" for name in names}
    treated = f"participant_id\tdate\tkind\n{treatments}"
    return study_of(folder, {**scans, SESSIONS: f"session_id\tacq_date\n{listed}", "treatments.tsv": treated})


@pytest.mark.parametrize("day", ["1900-01-01", "1961-04-05", "1970-01-01", "1900", "0021-01-04"])
def test_a_day_before_there_were_scans_is_no_scan_s_beside_real_ones(tmp_path: Path, day: str) -> None:
    study = study_on(tmp_path, "2019-06-11", day)
    assert [visit.acquired_on for visit in study.patients[0].visits] == [date(2019, 6, 11), None]
    (odd,) = (one for one in study.findings if one.code == "date_impossible")
    assert (odd.session_id, odd.severity) == ("ses-02", "error")
    assert f"found {day} beside 2019-06-11" in odd.message


def test_the_remedy_of_an_impossible_day_works(tmp_path: Path) -> None:
    assert "write the day of the scan" in next(
        one.remedy for one in study_on(tmp_path, "2019-06-11", "1900-01-01").findings if one.code == "date_impossible"
    )
    assert codes(study_on(tmp_path, "2019-06-11", "2019-12-10")) == []


def test_days_that_were_all_shifted_for_privacy_are_kept(tmp_path: Path) -> None:
    study = study_on(tmp_path, "1910-01-06", "1911-01-04", treatments="sub-01\t1909-12-01\tsurgery\n")
    assert [visit.acquired_on for visit in study.patients[0].visits] == [date(1910, 1, 6), date(1911, 1, 4)]
    assert codes(study) == []


def test_a_treatment_on_its_real_day_has_no_place_among_shifted_scans(tmp_path: Path) -> None:
    study = study_on(tmp_path, "1910-01-06", "1911-01-04", treatments="sub-01\t2020-08-01\tsurgery\n")
    assert [one.started_by for one in study.patients[0].treatments] == [date(2200, 12, 31)]
    assert codes(study) == ["treatment_unplaced"]


def test_a_treatment_a_lifetime_before_the_scans_may_have_been_on_any_day(tmp_path: Path) -> None:
    study = study_on(tmp_path, "2019-06-11", treatments="sub-01\t1900-01-01\tsurgery\nsub-01\t1961-08-01\tsurgery\n")
    early, placeholder = sorted(study.patients[0].treatments, key=lambda one: one.started_on, reverse=True)
    assert (early.started_on, early.started_by) == (date(1961, 8, 1), None)
    assert (placeholder.started_by, placeholder.ended_on) == (date(2200, 12, 31), None)
    assert codes(study) == ["treatment_unplaced"]


def test_visits_whose_dates_go_against_their_numbers_are_said(tmp_path: Path) -> None:
    study = study_on(tmp_path, "2019-12-10", "2019-06-11", "2020-12-15")
    (odd,) = study.findings
    assert (odd.code, odd.session_id) == ("visit_order", "ses-02")
    assert "found ses-01 on 2019-12-10 and ses-02 on 2019-06-11" in odd.message
    assert codes(study_on(tmp_path, "2019-06-11", "2019-12-10", "2020-12-15")) == []


def test_rows_of_one_person_that_differ_say_nothing(tmp_path: Path) -> None:
    rows = "sub-01\tF\t40\tnone\t2020-05\nsub-01\tn/a\t41\tVHL\t2020-06-01\n"
    study = study_of(tmp_path, {"participants.tsv": f"participant_id\tsex\tage\tsyndrome\tlast_contact_on\n{rows}"})
    person = study.patients[0].patient
    assert (person.sex, person.age_years, person.syndrome) == ("F", None, "unknown")
    assert (person.last_contact_on, person.last_contact_by) == (None, None)
    assert codes(study).count("person_differs") == 2
    assert any("expected one syndrome of sub-01, found none in an earlier row and VHL here" in one.message
               for one in study.findings)  # fmt: skip


def test_a_third_row_does_not_bring_back_what_two_rows_differ_in(tmp_path: Path) -> None:
    rows = "".join(
        f"sub-01\t{age}\t{name}\t{died}\n"
        for age, name, died in (
            (30, "astrocytoma", "2020-01-01"), (31, "ependymoma", "2021-01-01"), (32, "astrocytoma", "2020-01-01"),
        )
    )  # fmt: skip
    study = study_of(tmp_path, {"participants.tsv": f"participant_id\tage\thistology\tdied_on\n{rows}"})
    person = study.patients[0].patient
    assert (person.histology, person.died_on, person.died_by, person.age_years) == (None, None, None, None)
    assert codes(study).count("person_differs") == 2, "an age that rises from scan to scan is no error"


def test_ages_that_no_follow_up_explains_differ(tmp_path: Path) -> None:
    rows = "participant_id\tage\nsub-01\t12\nsub-01\t61\n"
    study = study_of(tmp_path, {"participants.tsv": rows})
    assert (study.patients[0].patient.age_years, codes(study).count("person_differs")) == (None, 1)


def test_a_shifted_course_that_goes_on_into_the_time_of_scans_is_kept(tmp_path: Path) -> None:
    days = ("1975-06-01", "1976-06-01", "1977-06-01", "1978-06-01")
    study = study_on(tmp_path, *days, treatments="sub-01\t1977-09-01\tsurgery\n")
    assert [str(visit.acquired_on) for visit in study.patients[0].visits] == list(days)
    assert (study.patients[0].treatments[0].started_by, codes(study)) == (None, [])


def test_two_placeholders_do_not_make_each_other_possible(tmp_path: Path) -> None:
    study = study_on(tmp_path, "2019-06-11", "1900-01-01", "1900-01-02")
    assert [visit.acquired_on for visit in study.patients[0].visits] == [date(2019, 6, 11), None, None]


def test_a_treatment_just_after_the_last_shifted_scan_has_its_day(tmp_path: Path) -> None:
    study = study_on(tmp_path, "1975-06-01", "1976-06-01", treatments="sub-01\t1978-01-02\tsurgery\n")
    assert (study.patients[0].treatments[0].started_by, codes(study)) == (None, [])


@pytest.mark.parametrize("day", ["1900-01-01", "1899-12-30"])
def test_a_placeholder_is_no_day_of_a_treatment_within_a_lifetime_either(tmp_path: Path, day: str) -> None:
    study = study_on(tmp_path, "2004-06-11", "2006-06-11", treatments=f"sub-01\t{day}\tsurgery\n")
    assert study.patients[0].treatments[0].started_by == date(2200, 12, 31)
    assert codes(study) == ["treatment_unplaced"]


def test_a_treatment_of_any_day_may_lie_before_scans_shifted_far(tmp_path: Path) -> None:
    study = study_on(tmp_path, "1850-01-06", "1851-01-04", treatments="sub-01\t2019-03-01\tsurgery\n")
    assert study.patients[0].treatments[0].started_on < date(1850 - 110, 1, 6)
