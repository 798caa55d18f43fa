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
from pipeline.judge import comparison, decline
from pipeline.judge.criteria import Baseline, ResponseCriteria
from pipeline.judge.epochs import Epoch, in_order, is_unsigned, why_no_reference

OPENING = (TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY, TreatmentKind.RADIOSURGERY, *SYSTEMIC)
"""Treatments that open a course."""


def divided(course: PatientCourse, criteria: ResponseCriteria) -> tuple[Epoch, ...]:
    """Divide a history into courses and choose each one's baseline.

    A scan on the day a treatment begins shows the tumour before it, unless the times of both say otherwise.

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
    placed_epochs: list[Epoch] = []
    for number, epoch in enumerate(closed):
        following = closed[number + 1] if number + 1 < len(closed) else None
        epoch_visits = tuple(v for v in visits if _is_since(v, epoch) and not (following and _is_since(v, following)))
        placed = replace(epoch, number=number, visits=epoch_visits)
        placed_epochs.append(_with_baseline(placed, usable, course, criteria))
    return tuple(placed_epochs)


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
            cause=_radiotherapy(treatment, ended_on),
            eligible_on=max(previous.eligible_on, _later(ended_on, rule.after_radiotherapy_days)),
        )
    if treatment.kind == TreatmentKind.RADIOSURGERY:
        return replace(epoch, kind=CourseKind.AFTER_RADIOSURGERY, cause=f"the radiosurgery of {treatment.started_on}")
    words = f"the {treatment.agent or treatment.kind} begun {treatment.started_on}"
    return replace(epoch, kind=CourseKind.LINE, cause=words)


def _radiotherapy(treatment: TreatmentEvent, ended_on: date) -> str:
    if treatment.is_ongoing:
        return f"the radiotherapy begun {treatment.started_on}"
    return f"the radiotherapy that ended {'about ' if treatment.ended_on is None else ''}{ended_on}"


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


def _with_baseline(
    epoch: Epoch, usable: Sequence[VisitMeasure], course: PatientCourse, criteria: ResponseCriteria
) -> Epoch:
    """Choose a course's baseline: the scan before it where the rule asks for that, else its first one late enough.

    After surgery a later one that is nearer to the day of the rule takes its place.
    """
    if epoch.baseline is not None:
        return epoch
    if epoch.kind in (CourseKind.AFTER_RADIOSURGERY, CourseKind.LINE):
        before = [v for v in usable if epoch.eligible_on <= v.acquired_on and not _is_since(v, epoch)]
        if before:
            return replace(epoch, baseline=before[-1])
    late_enough = [v for v in epoch.visits if v.acquired_on >= epoch.eligible_on]
    first = next((number for number, visit in enumerate(late_enough) if visit in usable), None)
    if first is None:
        return epoch
    if epoch.kind != CourseKind.AFTER_SURGERY or epoch.after_surgery_on is None:
        return replace(epoch, baseline=late_enough[first])
    target = _later(epoch.after_surgery_on, criteria.baseline.surgery_target_days)
    losses = decline.declines(course, epoch, criteria.clinical)
    chosen = [late_enough[first]]
    for visit in late_enough[first + 1 :]:
        nearer = abs((visit.acquired_on - target).days) < abs((chosen[-1].acquired_on - target).days)
        worse = visit.new_lesion or visit.leptomeningeal or decline.decline_at(losses, visit.acquired_on)
        if not nearer or worse or visit not in usable or not _takes_place_of(visit, chosen[-1], criteria):
            break
        chosen.append(visit)
    return replace(epoch, baseline=chosen[-1], superseded=tuple(chosen[:-1]))


def _is_since(visit: VisitMeasure, epoch: Epoch) -> bool:
    """Say whether a scan was made in a course or later."""
    if visit.acquired_on >= epoch.starts_on:
        return True
    opened = epoch.opened_by
    if opened is None or opened.started_on != visit.acquired_on:
        return False
    return bool(visit.acquired_at and opened.started_at and visit.acquired_at > opened.started_at)


def _takes_place_of(visit: VisitMeasure, baseline: VisitMeasure, criteria: ResponseCriteria) -> bool:
    """Say whether a scan nearer to the day of the rule may be the baseline in place of an earlier one.

    Not where it shows growth by the rule already, which it would hide, nor unsigned in place of a signed one.
    """
    if is_unsigned(visit) and not is_unsigned(baseline):
        return False
    if comparison.series_break(visit, baseline) is not None:
        return False
    scan_pair = comparison.compare(visit, baseline, criteria.metric)
    if scan_pair.reference_value == 0:
        return scan_pair.value == 0
    return not comparison.grew_by(scan_pair, criteria.progression.ratio)


def _later(day: date, days: int) -> date:
    return min(day, date.max - timedelta(days=days)) + timedelta(days=days)


def _day_after(day: date) -> date:
    return _later(day, 1)
