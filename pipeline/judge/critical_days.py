"""Which days of a span are tried: both ends, the middle, and every day next to one at which a rule changes its answer.

What this module refuses: to choose among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations

from pipeline.core.vocabulary import FunctionGrade, PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge.criteria import ResponseCriteria, Window


def of_treatment(
    treatment: TreatmentEvent, first: date, last: date, course: PatientCourse, criteria: ResponseCriteria
) -> tuple[date, ...]:
    """Return the days of a treatment's span at which something can change, and both its ends."""
    marks = {*_scan_days(course), *_score_days(course)}
    marks |= {day for t in course.treatments for day in (t.started_on, t.ended_on) if day is not None}
    near = {_after(mark, -wait) for mark in marks for wait in offsets(treatment, criteria)}
    if treatment.kind == TreatmentKind.SURGERY:
        target = criteria.baseline.surgery_target_days
        near |= {_after(day, -target) for day in _halfway(_scan_days(course))}
    return _tried(first, last, near)


def of_scan(visit: VisitMeasure, course: PatientCourse, criteria: ResponseCriteria) -> tuple[date, ...]:
    """Return the days of a scan's span at which something can change, both its ends and its middle."""
    first, last = visit.acquired_on, visit.acquired_by or visit.acquired_on
    near = set(_score_days(course))
    for treatment in course.treatments:
        for day in _days_of(treatment):
            near |= {_after(day, wait) for wait in offsets(treatment, criteria)}
    others = [one for one in course.visits if one.session_id != visit.session_id]
    other_days = [day for one in others for day in _ends(one.acquired_on, one.acquired_by)]
    waits = {0, *_waits(course, criteria)}
    near |= {_after(day, sign * wait) for day in other_days for wait in waits for sign in (-1, 1)}
    for surgery in (t for t in course.treatments if t.kind == TreatmentKind.SURGERY):
        for day in _days_of(surgery):
            target = _after(day, criteria.baseline.surgery_target_days)
            near |= {_after(target, (target - other).days) for other in other_days}
    return _tried(first, last, {*near, _after(first, (last - first).days // 2)})


def of_score(score: FunctionGrade, course: PatientCourse) -> tuple[date, ...]:
    """Return the days of a functional grade's span at which something can change, and both its ends."""
    others = (
        day for one in course.function_scores if one is not score for day in _ends(one.assessed_on, one.assessed_by)
    )
    near = {*others, *_scan_days(course), *(day for t in course.treatments for day in _days_of(t))}
    return _tried(score.assessed_on, score.assessed_by or score.assessed_on, near)


def offsets(treatment: TreatmentEvent, criteria: ResponseCriteria) -> tuple[int, ...]:
    """Return how many days before a scan a treatment's day makes a difference."""
    rule = criteria.baseline
    window = _window(treatment.kind, criteria)
    waits = {
        TreatmentKind.SURGERY: (rule.after_surgery_days,),
        TreatmentKind.RADIOTHERAPY: (rule.after_radiotherapy_days, rule.radiotherapy_course_days),
    }
    days = (0, *waits.get(treatment.kind, ()), *((window.days,) if window else ()))
    if treatment.kind == TreatmentKind.RADIOTHERAPY and treatment.started_by is not None:
        days = (*days, *(wait + rule.radiotherapy_course_days for wait in days))
    return days


def _window(kind: TreatmentKind, criteria: ResponseCriteria) -> Window | None:
    return {
        TreatmentKind.RADIOTHERAPY: criteria.radiotherapy_window,
        TreatmentKind.IMMUNOTHERAPY: criteria.immunotherapy_window,
        TreatmentKind.RADIOSURGERY: criteria.radiosurgery_window,
    }.get(kind)


def _waits(course: PatientCourse, criteria: ResponseCriteria) -> Iterator[int]:
    """Yield how far apart two scans must lie for one to confirm the other."""
    yield criteria.confirmation.days
    for kind in {treatment.kind for treatment in course.treatments}:
        window = _window(kind, criteria)
        if window is not None:
            yield window.confirmation_days


def _days_of(treatment: TreatmentEvent) -> set[date]:
    days = (treatment.started_on, treatment.started_by, treatment.ended_on, treatment.ended_by)
    return {day for day in days if day is not None}


def _ends(first: date, last: date | None) -> tuple[date, ...]:
    return (first,) if last is None else (first, last)


def _scan_days(course: PatientCourse) -> list[date]:
    return [day for visit in course.visits for day in _ends(visit.acquired_on, visit.acquired_by)]


def _score_days(course: PatientCourse) -> list[date]:
    return [day for score in course.function_scores for day in _ends(score.assessed_on, score.assessed_by)]


def _halfway(days: Iterable[date]) -> set[date]:
    return {_after(one, (other - one).days // 2) for one, other in combinations(sorted(days), 2)}


def _tried(first: date, last: date, near: Iterable[date]) -> tuple[date, ...]:
    """Return the ends of a span and, inside it, each day near a change with the days before and after."""
    inside = {_after(day, step) for day in near for step in (-1, 0, 1)}
    return tuple(sorted({first, last, *(day for day in inside if first <= day <= last)}))


def _after(day: date, days: int) -> date:
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))
