"""Courses with pinned baselines, each worked by hand before it was tried. Under a second.

A pin opens a further course: the pinned visit is judged in the old one and is the baseline of the new one, progression
before it stays, and nothing that cannot be a baseline hides growth. Volumes in mm³ (CV 0.05), days from 2020-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pipeline.core.vocabulary import PatientCourse, TreatmentEvent, TreatmentKind
from pipeline.judge import course_text, criteria_files, endpoints
from pipeline.judge.response import judge
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit, written_course

RULES = criteria_files.load("imsct_adapted_v1")


@dataclass(frozen=True)
class Expected:
    """Categories in the order of the scans, and state and baseline of the last one."""

    categories: str
    state: str
    baseline: str | None


def pinned(*days: int) -> dict:
    names = tuple(f"ses-{day:04d}" for day in days)
    return {"pinned_baselines": names, "pinned_by": dict.fromkeys(names, "Dr A on 2024-01-01: new plan")}


GROWN = (visit(0, 1000.0), visit(365, 1600.0))
LINE = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(380), on(500))
SERIES: dict[str, tuple[PatientCourse, Expected]] = {
    "grown, pinned, quiet since": (
        course(*GROWN, visit(730, 1650.0), **pinned(365)),
        Expected("SD PD SD", "stable", "ses-0365"),
    ),
    "grown, pinned, grown again": (
        course(*GROWN, visit(730, 2400.0), **pinned(365)),
        Expected("SD PD PD", "progression", "ses-0365"),
    ),
    "two pins, the later one counts": (
        course(*GROWN, visit(730, 2300.0), visit(1100, 2350.0), **pinned(365, 730)),
        Expected("SD PD PD SD", "stable", "ses-0730"),
    ),
    "a pin on the latest scan changes nothing of it": (
        course(*GROWN, **pinned(365)),
        Expected("SD PD", "progression", "ses-0000"),
    ),
    "a pin on the first scan changes nothing": (
        course(*GROWN, visit(730, 1650.0), **pinned(0)),
        Expected("SD PD PD", "progression", "ses-0000"),
    ),
    "a pin, then surgery": (
        course(*GROWN, visit(600, 300.0), visit(900, 310.0), treatments=(surgery(450),), **pinned(365)),
        Expected("SD PD SD SD", "residual_stable", "ses-0600"),
    ),
    "a pin, then surgery, then growth of the rest": (
        course(*GROWN, visit(600, 300.0), visit(900, 450.0), treatments=(surgery(450),), **pinned(365)),
        Expected("SD PD SD PD", "progression", "ses-0600"),
    ),
    "a pin, then a line of treatment": (
        course(*GROWN, visit(700, 500.0), treatments=(LINE,), **pinned(365)),
        Expected("SD PD PR", "response", "ses-0365"),
    ),
    "a pinned visit that is excluded is no baseline, and hides no growth": (
        course(visit(0, 1000.0), visit(365, None), visit(730, 1500.0), **pinned(365)),
        Expected("SD NE PD", "progression", "ses-0000"),
    ),
    "the same with another pin before": (
        course(*GROWN, visit(730, None), visit(1100, 2400.0), **pinned(365, 730)),
        Expected("SD PD NE PD", "progression", "ses-0365"),
    ),
    "a pin on a scan of a year": (
        course(visit(0, 1000.0), visit(366, 1600.0, acquired_by=on(730)), visit(900, 1650.0), **pinned(366)),
        Expected("SD PD SD", "stable", "ses-0366"),
    ),
    "a pin on a scan of a year in which an operation lies": (
        course(
            visit(0, 4000.0), visit(366, 1000.0, acquired_by=on(730)), visit(900, 1050.0),
            treatments=(surgery(500),), **pinned(366),
        ),
        Expected("SD NE SD", "residual_stable", "ses-0366"),  # or itself the baseline: by each way stable disease
    ),
    "a pin on the scan that is the baseline after radiotherapy anyway": (
        course(
            visit(0, 1000.0), visit(110, 1450.0), visit(500, 2200.0),
            treatments=(radiotherapy(10, 50),), **pinned(110),
        ),
        Expected("SD SD PD", "progression", "ses-0110"),
    ),
    "a pin where nothing was seen": (
        course(visit(0, 1000.0), visit(365, 0.0), visit(730, 400.0, slices_spanned=4, longest_mm=9.0), **pinned(365)),
        Expected("SD CR PD", "recurrence", "ses-0365"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SERIES)
def test_a_course_with_pins_is_judged_as_worked_by_hand(name: str) -> None:
    patient, expected = SERIES[name]
    found = judge(patient, RULES)
    told = Expected(" ".join(one.category for one in found), str(found[-1].state), found[-1].baseline_session_id)
    assert told == expected, [(one.category_shown, str(one.state), one.reason) for one in found]


@pytest.mark.parametrize("name", SERIES)
def test_what_was_said_before_a_pin_stays_said(name: str) -> None:
    """Without its pins the scans up to the first of them are the same, and so is the first progression."""
    patient, _ = SERIES[name]
    plain = PatientCourse("sub-01", patient.visits, patient.treatments)
    first = min(patient.pinned_baselines)
    by_pins, without = judge(patient, RULES), judge(plain, RULES)
    for one, other in zip(by_pins, without, strict=True):
        if one.session_id < first:
            assert (one.category, one.state) == (other.category, other.state)
    ends = [{e.endpoint_id: e for e in endpoints.of_course(p, j)} for p, j in ((patient, by_pins), (plain, without))]
    if any(one.is_proven_progression and one.session_id <= first for one in without):
        assert ends[0]["ttp"].ended_on == ends[1]["ttp"].ended_on


WHO = "Dr A on 2024-01-01: new plan"
BOTH_WAYS = {
    "judged in the old course": (
        course(*GROWN, visit(730, 1650.0), **pinned(365)),
        ("+60 %", f"also the baseline from here on, pinned by {WHO}"),
    ),
    "too early in the old course": (
        course(visit(-30, 3000.0), visit(20, 500.0), visit(365, 510.0), treatments=(surgery(0),), **pinned(20)),
        (f"Baseline, pinned by {WHO}", "in the course before not judged, 22 days too soon after the surgery"),
    ),
    "not comparable in the old course": (
        course(visit(0, 1000.0, plane="sagittal"), visit(365, 1500.0, plane="axial"), **pinned(365)),
        (f"Baseline, pinned by {WHO}", "in the course before not evaluable: measured on axial slices"),
    ),
    "the baseline of the old course": (
        course(visit(0, 1000.0), visit(365, 1010.0), **pinned(0)),
        ("Baseline, first usable scan", f"also the baseline from here on, pinned by {WHO}"),
    ),
}


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_pinned_scan_says_what_it_is_in_either_course_and_who_pinned_it_once(name: str) -> None:
    patient, words = BOTH_WAYS[name]
    found = next(one for one in judge(patient, RULES) if one.session_id in patient.pinned_baselines)
    assert all(part in found.reason for part in words), found.reason
    assert found.reason.count(WHO) == 1
    assert "pin a new baseline" not in found.reason


@pytest.mark.parametrize(("kind", "begun"), [("chemotherapy", "begun"), ("radiosurgery", "of")])
def test_a_baseline_before_its_treatment_is_called_so(kind: str, begun: str) -> None:
    sizes = ["0 1000 plane=sagittal", "200 1500 plane=axial", "400 1550 plane=axial"]
    reason = judge(written_course({"visits": sizes, kind: [[210]]}), RULES)[1].reason
    assert f"last usable scan before the {kind} {begun} {on(210)}" in reason
    assert "none before it" not in reason


def test_a_pin_leaves_open_growth_to_be_answered_by_the_scans_behind_it() -> None:
    """Growth within the window of radiotherapy that a later scan still shows is confirmed, pinned or not."""
    scans = (visit(65, 1000.0), visit(100, 1500.0), visit(365, 1550.0))
    for day in ((), (100,)):
        found = judge(course(*scans, treatments=(radiotherapy(0, 40),), **pinned(*day)), RULES)
        assert (found[1].category_shown, found[1].category_then_shown) == ("PD", "PD?"), found[1].reason
    assert found[2].baseline_session_id == "ses-0100"
    gone = judge(course(*scans[:2], visit(365, 1100.0), treatments=(radiotherapy(0, 40),), **pinned(100)), RULES)
    assert (gone[1].category_shown, gone[2].baseline_session_id) == ("SD", "ses-0100")


def test_a_pin_made_later_changes_nothing_as_judged_then() -> None:
    plain = course(*GROWN, visit(730, 1650.0), visit(1100, 1700.0))
    by_pin = course(*plain.visits, **pinned(365), pinned_on={"ses-0365": on(900)})
    assert course_text.from_text(course_text.to_text(by_pin)) == by_pin
    before, after = judge(plain, RULES), judge(by_pin, RULES)
    for one, other in zip(before[:3], after[:3], strict=True):
        assert (one.category_then, one.state_then, one.reason_then) == (
            other.category_then, other.state_then, other.reason_then,
        )  # fmt: skip
    assert (after[2].category, after[2].category_then) == ("SD", "PD")
    assert (after[3].category, after[3].category_then) == ("SD", "SD")
