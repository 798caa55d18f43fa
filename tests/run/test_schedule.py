"""From a patient's record to the next scan, by packaged schedules or a user's own. About 30 s."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline.context import schedule_files
from pipeline.core import records, vocabulary, written_day
from pipeline.core.vocabulary import TreatmentKind
from pipeline.errors import SettingsError
from pipeline.files import out_folder
from pipeline.judge import criteria_files
from pipeline.run import study_run
from pipeline.run.run_settings import RunSettings
from pipeline.run.steps import read_visits, schedule_scan
from pipeline.run.steps.visit_work import Copies, VisitDecisions, VisitWork
from pipeline.store import reader
from pipeline.study.import_numbers import import_table
from pipeline.study.study_folder import StudyVisit
from tests.factories import judged
from tests.judge.course_maker import course, on, visit

BASELINE = criteria_files.load("imsct_adapted_v1").baseline
PATIENT = records.Patient("sub-01", histology="ependymoma", who_grade="2")
KNOWN = replace(PATIENT, mycn="not amplified", syndrome="none")
SURGERY = vocabulary.TreatmentEvent(TreatmentKind.SURGERY, date(2020, 1, 1), date(2020, 1, 1), "GTR")
BIOPSY = vocabulary.TreatmentEvent(TreatmentKind.SURGERY, date(2019, 1, 1), date(2019, 1, 1), "biopsy")
CHEMOTHERAPY = vocabulary.TreatmentEvent(TreatmentKind.CHEMOTHERAPY, date(2021, 1, 1))
RADIOTHERAPY = vocabulary.TreatmentEvent(TreatmentKind.RADIOTHERAPY, date(2020, 3, 1))


def seen(session_id: str, on: date | None) -> read_visits.ReadVisit:
    return read_visits.ReadVisit(StudyVisit("sub-01", session_id, on, (), ()), "failed", "no image", None, None, (), ())


@pytest.mark.parametrize(
    ("treatments", "days", "expected"),
    [
        ((), (), None),
        ((), (None,), None),
        ((), (date(2020, 4, 1), None), ("ependymoma", date(2020, 4, 1), date(2020, 8, 1))),
        ((SURGERY,), (), ("ependymoma_resected", date(2020, 1, 1), date(2020, 4, 1))),
        ((BIOPSY, SURGERY), (date(2020, 4, 1),), ("ependymoma_resected", date(2020, 4, 1), date(2020, 10, 1))),
        ((SURGERY, CHEMOTHERAPY), (date(2020, 4, 1),), ("ependymoma_resected", date(2020, 4, 1), date(2020, 10, 1))),
        # radiotherapy without a last day is taken to end 49 days later, on 19 April
        ((SURGERY, RADIOTHERAPY), (date(2020, 4, 30),), ("ependymoma_resected", date(2020, 4, 19), date(2020, 7, 19))),
        ((BIOPSY,), (date(2019, 6, 1), date(2019, 4, 1)), ("ependymoma", date(2019, 6, 1), date(2019, 10, 1))),
    ],
)
def test_the_last_scan_and_the_last_treatment_of_the_tumour_count(
    treatments: tuple[vocabulary.TreatmentEvent, ...],
    days: tuple[date | None, ...],
    expected: tuple[str, date, date] | None,
) -> None:
    visits = [seen(f"ses-{number}", on) for number, on in enumerate(days)]
    found = schedule_scan.next_scans(PATIENT, course(treatments=treatments), visits, BASELINE, schedule_files.load())
    assert [(row.schedule_id, row.counted_from, row.due_on) for row in found] == (
        [] if expected is None else [expected]
    )


def test_the_day_of_a_copied_scan_is_no_scan_and_that_is_said() -> None:
    first, second = (seen("ses-01", date(2020, 4, 1)), seen("ses-02", date(2021, 4, 1)))
    works = (
        VisitWork(first, copies=Copies(frozenset({"ses-02"}))),
        VisitWork(second, copies=Copies(frozenset({"ses-01"}))),
    )
    of_copies = schedule_scan.Seen(copied=schedule_scan.copied_visits(works))
    visits, schedules = [first, second], schedule_files.load()
    (due,) = schedule_scan.next_scans(PATIENT, course(), visits, BASELINE, schedules, of_copies)
    assert (due.counted_from, due.due_on) == (date(2020, 4, 1), date(2020, 8, 1))
    assert "ses-02 was not counted: its scan is another visit's file" in (due.assumed or "")


@pytest.mark.parametrize(("excluded", "copied"), [("ses-01", {"ses-01"}), ("ses-02", {"ses-02"})])
def test_of_a_copied_scan_the_excluded_visit_is_no_scan(excluded: str, copied: set[str]) -> None:
    out = VisitDecisions(visits_out=frozenset({excluded}))
    works = [
        VisitWork(seen(name, date(2020, 4, 1)), copies=Copies(frozenset({other})), decided=out)
        for name, other in (("ses-01", "ses-02"), ("ses-02", "ses-01"))
    ]
    assert schedule_scan.copied_visits(works) == copied


OWN = """surveillance_id = "our_clinic"
version = "2"
overdue_ratio = 1.5
source = "our own board of 2024"
mark = "proposal"

[[schedules]]
schedule_id = "everybody"
title = "Everybody, every hundred days"
first_scan_days = 91
early_scan_days = 42
phases = [{ interval_days = 100 }]
source = "our own board of 2024"
mark = "proposal"
"""


def test_a_users_own_schedules_count_and_a_change_of_them_is_noticed(tmp_path: Path) -> None:
    table, study, out, own = (tmp_path / name for name in ("volumes.csv", "study", "out", "own.toml"))
    table.write_text("patient_id,date,compartment,volume_mm3\np1,2021-01-01,tumour,1000\n", encoding="utf-8")
    import_table(table, None, study, date(2022, 1, 1))
    own.write_text(OWN, encoding="utf-8")

    def due(file: Path | None, *, rebuild: bool = False) -> tuple[str, date, int]:
        at = datetime(2022, 1, 1)  # noqa: DTZ001
        settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, date(2022, 1, 1), at, file)
        done = study_run.run(settings, lambda *_: None, rebuild=rebuild)
        (row,) = reader.table(reader.database_path(out), "next_scan").to_dict("records")
        return row["surveillance_id"], row["due_on"].date(), len(done.computed)

    assert due(None)[0] == "surveillance_v1"
    assert due(own) == ("our_clinic", date(2021, 4, 11), 1)
    assert due(own)[2] == 0
    own.write_text(OWN.replace("= 100", "= 200"), encoding="utf-8")
    assert due(own) == ("our_clinic", date(2021, 7, 20), 1)
    assert out_folder.settings_of(out)["schedules"] == str(own.resolve())
    own.write_text(OWN.replace("= 100", "= -5"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"own\.toml"):
        due(own)


@pytest.mark.parametrize(
    ("verdicts", "treated_on", "expected"),
    [
        ((), None, None),
        (((0, "context", "not_evaluable", "NE"),), None, None),
        (((0, "stable", "no_change", "SD"),), None, False),
        (((0, "stable", "no_change", "SD"), (400, "stable", "possible_growth", "SD")), None, True),
        (((0, "stable", "growth", "SD"), (400, "stable", "no_change", "SD")), None, False),
        (((400, "progression", "growth", "PD"), (800, "not_evaluable", "not_evaluable", "NE")), None, True),
        (((400, "distant", "no_change", "PD"),), None, True),
        (((400, "progression", "growth", "PD"),), (TreatmentKind.SURGERY, 450), False),
        (((400, "progression", "growth", "PD"),), (TreatmentKind.STEROID, 450), True),
        (((400, "progression", "growth", "PD"),), (TreatmentKind.SURGERY, 100), True),
    ],
)
def test_a_tumour_is_growing_by_its_last_judged_scan_unless_it_was_treated_since(
    verdicts: tuple[tuple[int, str, str, str], ...], treated_on: tuple[TreatmentKind, int] | None, expected: bool | None
) -> None:
    visits = [visit(number, 1000.0) for number, *_ in verdicts]
    treatments = () if treated_on is None else (vocabulary.TreatmentEvent(treated_on[0], on(treated_on[1])),)
    rows = [judged("sub-01", f"ses-{day:04d}", category, state, shown) for day, state, shown, category in verdicts]
    assert schedule_scan.is_growing(course(*visits, treatments=treatments), rows) == expected


def test_radiosurgery_is_a_treatment_that_follow_up_is_counted_from() -> None:
    treated = vocabulary.TreatmentEvent(TreatmentKind.RADIOSURGERY, date(2020, 3, 1), date(2020, 3, 3))
    (row,) = schedule_scan.next_scans(PATIENT, course(treatments=(treated,)), [], BASELINE, schedule_files.load())
    assert row.counted_from == date(2020, 3, 3)
    assert row.assumed == "MYCN not known: every 91 days until it is (amplified: every 42 days)"


def due_row(
    *treatments: vocabulary.TreatmentEvent,
    days: tuple[date | None, ...] = (date(2020, 10, 10),),
    patient: records.Patient = KNOWN,
    extents: tuple[records.Resection, ...] = (),
) -> records.NextScan:
    visits = [seen(f"ses-{number}", day) for number, day in enumerate(days)]
    (row,) = schedule_scan.next_scans(
        patient,
        course(treatments=treatments),
        visits,
        BASELINE,
        schedule_files.load(),
        schedule_scan.Seen(None, extents),
    )
    return row


def resected(surgeon: str | None, mri: str | None, *, clash: bool) -> records.Resection:
    return records.Resection("sub-01", date(2020, 1, 1), surgeon, mri, None, "ses-0", clash, False, "Words.")


def test_nothing_is_due_of_a_patient_who_died() -> None:
    dead = replace(KNOWN, died_on=date(2021, 2, 1))
    assert schedule_scan.next_scans(dead, course(treatments=(SURGERY,)), [], BASELINE, schedule_files.load()) == ()


@pytest.mark.parametrize(
    ("surgeon", "mri", "clash", "schedule_id", "words"),
    [
        ("GTR", "GTR", False, "ependymoma_resected", None),
        ("GTR", "NTR", False, "ependymoma_resected", None),  # less than 0.1 mL contradicts no surgeon
        ("GTR", "PR", True, "ependymoma", "the surgeon reports GTR and the scan shows a residual: taken for PR"),
        ("GTR", None, True, "ependymoma", "the surgeon reports GTR and the scan shows a residual: taken for NTR"),
        ("STR", "GTR", True, "ependymoma", None),
        (None, "GTR", False, "ependymoma", "extent of resection not known: every 122 days until it is (GTR: every"),
        (None, "PR", False, "ependymoma", None),
    ],
)
def test_a_resection_is_total_where_surgeon_and_scan_say_so(
    surgeon: str | None, mri: str | None, clash: bool, schedule_id: str, words: str | None
) -> None:
    operation = replace(SURGERY, extent=surgeon)
    row = due_row(operation, extents=(resected(surgeon, mri, clash=clash),))
    assert row.schedule_id == schedule_id
    assert (row.assumed or "").startswith(words or "")
    assert (row.assumed is None) == (words is None)


def test_of_a_treatment_whose_day_is_not_known_the_soonest_due_date_stands_and_says_so() -> None:
    first, last = vocabulary.ANY_DAY
    undated = replace(SURGERY, started_on=first, ended_on=first, started_by=last)
    row = due_row(undated)
    assert (row.counted_from, row.due_on) == (date(2020, 10, 10), date(2021, 1, 9))
    assert row.assumed == (
        "day of the surgery not known: 91 days, the soonest that it may mean (365 days on other days)"
    )
    year = replace(SURGERY, started_on=date(2019, 1, 1), ended_on=date(2019, 1, 1), started_by=date(2019, 12, 31))
    row = due_row(year, days=(date(2022, 6, 1),))
    assert row.interval_days == 183
    assert row.assumed == (
        "day of the surgery (2019) not known: 183 days, the soonest that it may mean (365 days on other days)"
    )
    assert due_row(year, days=(date(2020, 6, 1),)).assumed is None  # every day of 2019 means the same then
    visits = [seen("ses-0", None)]
    assert schedule_scan.next_scans(KNOWN, course(treatments=(undated,)), visits, BASELINE, schedule_files.load()) == ()


def test_of_two_operations_one_of_unknown_day_neither_extent_is_the_last() -> None:
    year = replace(BIOPSY, started_on=date(2020, 1, 1), ended_on=date(2020, 1, 1), started_by=date(2020, 12, 31))
    both = due_row(SURGERY, year)
    assert both.schedule_id == "ependymoma"
    alike = due_row(SURGERY, replace(year, extent="GTR"))
    assert alike.schedule_id == "ependymoma_resected"


def test_a_radiotherapy_without_its_end_says_what_that_was_taken_for() -> None:
    row = due_row(SURGERY, RADIOTHERAPY)
    assert row.assumed == "end of the radiotherapy not known: taken for 2020-04-19"
    months = replace(RADIOTHERAPY, ended_on=date(2020, 3, 1), ended_by=date(2020, 12, 31))
    row = due_row(SURGERY, months)
    assert (row.due_on, row.interval_days) == (date(2021, 1, 9), 91)
    assert str(row.assumed).startswith("day of the radiotherapy (a day between 2020-03-01 and 2020-12-31) not known")


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2020, 9, 1), "what 'zap' of 2020-09-01 was is not known: not counted as a treatment"),
        (date(2021, 1, 10), "what 'zap' of 2021-01-10 was is not known: not counted as a treatment"),
        (date(2019, 9, 1), None),  # before the operation that is counted from
    ],
)
def test_a_treatment_of_unknown_kind_is_never_silently_left_out(day: date, words: str | None) -> None:
    unknown = vocabulary.TreatmentEvent(TreatmentKind.UNKNOWN, day, written="zap")
    row = due_row(SURGERY, unknown)
    assert (row.interval_days, row.assumed) == (183, words)


def test_a_scan_of_a_month_is_counted_from_its_first_day_and_one_without_date_is_named() -> None:
    month = written_day.written(date(2020, 10, 1), date(2020, 10, 1), date(2020, 10, 31))
    row = due_row(SURGERY, days=(date(2020, 4, 10), month, None))
    assert row.counted_from == date(2020, 10, 1)
    assert row.assumed == (
        "day of the last scan not known (2020-10): counted from the first that it may be; "
        "1 scan has no readable date: not counted"
    )
