"""How a patient's history is divided into courses, each with the baseline its scans are compared with.

Surgery, radiotherapy, radiosurgery, the start of a line of systemic treatment and a pinned scan each open a further
course; none takes anything from the one before. Steroids and drainage open none. What this module refuses: guessing a
baseline where no scan satisfies the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from pipeline.core.vocabulary import SYSTEMIC, CourseKind, PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge.criteria import Baseline, ResponseCriteria
from pipeline.judge.epochs import Epoch, in_order, why_no_reference

OPENING = (TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY, TreatmentKind.RADIOSURGERY, *SYSTEMIC)
"""Treatments that open a course."""


def divided(course: PatientCourse, criteria: ResponseCriteria) -> tuple[Epoch, ...]:
    """Divide a history into courses and choose each one's baseline.

    A scan on the day a treatment begins shows the tumour before it.

    Parameters
    ----------
    course
        Visits and treatments in any order.
    criteria
        Whose baseline rule and metric apply.

    Returns
    -------
    tuple of Epoch
        In date order, those without scans included.
    """
    visits = in_order(course.visits)
    usable = [visit for visit in visits if why_no_reference(visit, criteria) is None]
    pins = [visit for visit in usable if visit.session_id in course.pinned_baselines]
    opened = _with_pins(list(_by_treatment(course.treatments, criteria.baseline)), pins)
    closed = [
        *(replace(epoch, ends_before=following.starts_on) for epoch, following in pairwise(opened)),
        opened[-1],
    ]
    found: list[Epoch] = []
    for number, epoch in enumerate(closed):
        own = tuple(visit for visit in visits if epoch.starts_on <= visit.acquired_on < epoch.ends_before)
        placed = replace(epoch, number=number, visits=own)
        found.append(replace(placed, baseline=_baseline(placed, usable)))
    return tuple(found)


def last_day(treatment: TreatmentEvent, rule: Baseline) -> date:
    """Return the last day of a treatment, assuming the longest course where it is not recorded."""
    return treatment.ended_on or treatment.started_on + timedelta(days=rule.radiotherapy_course_days)


def _by_treatment(treatments: Iterable[TreatmentEvent], rule: Baseline) -> Iterator[Epoch]:
    epoch = Epoch(0, "", date.min, date.max, date.min, None)
    yield epoch
    lines = 0
    for treatment in sorted(treatments, key=_by_day):
        if treatment.kind in OPENING and not _is_part_of(treatment, epoch):
            lines += treatment.kind in SYSTEMIC
            epoch = _opened_by(treatment, epoch, rule, lines)
            yield epoch


def _by_day(treatment: TreatmentEvent) -> tuple[date, int, str, str]:
    rank = OPENING.index(treatment.kind) if treatment.kind in OPENING else len(OPENING)
    return treatment.started_on, rank, str(treatment.ended_on), treatment.agent or ""


def _is_part_of(treatment: TreatmentEvent, epoch: Epoch) -> bool:
    """Say whether a treatment begins while the one before still waits for its baseline, as chemoradiotherapy does."""
    waits = treatment.kind not in (TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY)
    return waits and treatment.started_on < epoch.eligible_on


def _opened_by(treatment: TreatmentEvent, previous: Epoch, rule: Baseline, line: int) -> Epoch:
    epoch = replace(
        previous,
        starts_on=_day_after(treatment.started_on),
        opened_by=treatment,
        line=line if treatment.kind in SYSTEMIC else 0,
    )
    if treatment.kind == TreatmentKind.SURGERY:
        return replace(
            epoch,
            kind=CourseKind.AFTER_SURGERY,
            cause=f"the surgery of {treatment.started_on}",
            eligible_on=max(previous.eligible_on, _later(treatment.started_on, rule.after_surgery_days)),
            after_surgery_on=treatment.started_on,
        )
    if treatment.kind == TreatmentKind.RADIOTHERAPY:
        ended_on = last_day(treatment, rule)
        return replace(
            epoch,
            kind=CourseKind.AFTER_RADIOTHERAPY,
            cause=f"the radiotherapy that ended {'about ' if treatment.ended_on is None else ''}{ended_on}",
            eligible_on=max(previous.eligible_on, _later(ended_on, rule.after_radiotherapy_days)),
        )
    if treatment.kind == TreatmentKind.RADIOSURGERY:
        return replace(epoch, kind=CourseKind.AFTER_RADIOSURGERY, cause=f"the radiosurgery of {treatment.started_on}")
    words = f"the {treatment.agent or treatment.kind} begun {treatment.started_on}"
    return replace(epoch, kind=CourseKind.LINE, cause=words)


def _with_pins(opened: list[Epoch], pins: Iterable[VisitMeasure]) -> list[Epoch]:
    """Open a course at each pinned scan, beside those that treatments opened."""
    for pin in pins:
        before = max((e for e in opened if e.starts_on <= pin.acquired_on), key=lambda e: e.starts_on)
        further = replace(
            before,
            kind=CourseKind.PINNED,
            cause=f"the baseline pinned at {pin.acquired_on}",
            starts_on=_day_after(pin.acquired_on),
            eligible_on=pin.acquired_on,
            opened_by=None,
            line=0,
            baseline=pin,
        )
        opened = sorted([*opened, further], key=lambda e: (e.starts_on, not e.is_pinned))
    return opened


def _baseline(epoch: Epoch, usable: Sequence[VisitMeasure]) -> VisitMeasure | None:
    """Choose a course's baseline: the scan before it where the rule asks for that, else its first one late enough."""
    if epoch.baseline is not None:
        return epoch.baseline
    if epoch.kind in (CourseKind.AFTER_RADIOSURGERY, CourseKind.LINE):
        before = [v for v in usable if epoch.eligible_on <= v.acquired_on < epoch.starts_on]
        if before:
            return before[-1]
    return next((v for v in usable if v in epoch.visits and v.acquired_on >= epoch.eligible_on), None)


def _later(day: date, days: int) -> date:
    return min(day, date.max - timedelta(days=days)) + timedelta(days=days)


def _day_after(day: date) -> date:
    return _later(day, 1)
