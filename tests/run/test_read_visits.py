"""Which visit all others are laid on: one that shows what surgery left, not its swelling, and the same one for good."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.records import Treatment
from pipeline.core.volume import Volume
from pipeline.run.steps import read_visits
from pipeline.run.steps.visit_work import ReadVisit, ScannedVisit
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit

OPERATED_ON = date(2020, 1, 1)
GRID = Volume(np.zeros((2, 2, 2)), np.eye(4))


def on_day(days: int, status: str = "usable") -> ScannedVisit:
    """A visit so many days after the operation."""
    name = f"ses-{days}"
    anchor = ScanFile(Path(name), f"{name}_T2w.nii.gz", "sub-01", name, "T2w")
    visit = StudyVisit("sub-01", name, OPERATED_ON + timedelta(days=days), (anchor,), ())
    return ScannedVisit(visit, status, None, anchor, GRID, (), ())


def unreadable(days: int) -> ReadVisit:
    read = on_day(days)
    return ReadVisit(read.visit, "failed", "damaged", read.anchor, None, (), ())


def treated(kind: str = "surgery", started_on: date = OPERATED_ON, ended_on: date | None = None) -> Treatment:
    return Treatment("sub-01", started_on, kind, ended_on)


def chosen(*visits: ReadVisit, treatments: tuple[Treatment, ...] = (treated(),)) -> str | None:
    reference = read_visits.choose_reference(visits, treatments)
    return reference.session_id if reference else None


def test_the_six_weeks_after_surgery_are_passed_over_while_a_later_scan_exists() -> None:
    assert chosen(on_day(-30), on_day(2), on_day(41), on_day(42), on_day(200)) == "ses-42"
    assert chosen(on_day(-30), on_day(2), on_day(41)) == "ses-2", "a swollen scan is better than none after surgery"
    assert chosen(on_day(-30), on_day(-5)) == "ses--30"


def test_what_cannot_be_read_or_dated_is_never_the_reference() -> None:
    assert chosen(on_day(2), unreadable(50), on_day(60, "undated"), on_day(70)) == "ses-70"
    assert chosen(unreadable(50)) is None


def test_six_weeks_are_counted_from_the_end_of_the_first_treatment_of_the_tumour() -> None:
    ended = treated("radiotherapy", ended_on=OPERATED_ON + timedelta(days=45))
    assert chosen(on_day(2), on_day(60), on_day(87), treatments=(ended,)) == "ses-87"
    second = treated(started_on=OPERATED_ON + timedelta(days=400))
    assert chosen(on_day(50), on_day(450), treatments=(treated(), second)) == "ses-50", "chosen for good"
    assert chosen(on_day(2), on_day(60), treatments=(treated("chemotherapy"),)) == "ses-2"


@pytest.mark.parametrize("later", [300, 900])
def test_a_visit_added_later_never_changes_the_choice(later: int) -> None:
    assert chosen(on_day(2), on_day(50)) == chosen(on_day(2), on_day(50), on_day(later))
