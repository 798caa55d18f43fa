"""Days that are known only as a month or a year: every one is tried, and a verdict that they share stands.

A radiotherapy whose last day is not recorded is one: it may have ended on any day of its longest course. What this
module refuses: choosing a day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby, product

from pipeline.core.vocabulary import (
    ANY_DAY,
    Category,
    DisplayState,
    PatientCourse,
    State,
    TreatmentEvent,
    TreatmentKind,
)
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.verdict import Evidence, Verdict

MOST_READINGS = 300
"""So many ways to place what is not known are tried; beyond that nothing is judged after the first possible day."""

MOST_DAYS_NAMED = 3
"""So many changes of a verdict along the possible days are written out."""


@dataclass(frozen=True)
class Unplaced:
    """One treatment whose first or last day is not known, with the days that are tried.

    ``words`` names it; ``days`` and ``options`` belong together.
    """

    words: str
    days: tuple[date, ...]
    options: tuple[TreatmentEvent, ...]


@dataclass(frozen=True)
class PossibleHistory:
    """A course with everything placed, and the days it was placed on, by what was not known."""

    course: PatientCourse
    days: Mapping[str, date]


def possible_histories(course: PatientCourse, criteria: ResponseCriteria) -> tuple[PossibleHistory, ...]:
    """Return the course once for each way to place what is not known; empty when there are too many."""
    fixed: list[TreatmentEvent] = []
    open_ones: list[Unplaced] = []
    for treatment in course.treatments:
        unplaced = _unplaced(treatment, course, criteria)
        if unplaced is None:
            fixed.append(treatment)
        else:
            open_ones.append(unplaced)
    count = 1
    for one in open_ones:
        count *= len(one.days)
    if count > MOST_READINGS:
        return ()
    found = []
    for chosen in product(*(range(len(one.days)) for one in open_ones)):
        placed = [one.options[number] for one, number in zip(open_ones, chosen, strict=True)]
        days = {one.words: one.days[number] for one, number in zip(open_ones, chosen, strict=True)}
        found.append(PossibleHistory(replace(course, treatments=(*fixed, *placed)), days))
    return tuple(found)


def first_possible(course: PatientCourse) -> date:
    """Return the first day from which something that cannot be placed may have happened."""
    return min(t.started_on for t in course.treatments if t.started_by is not None or _lacks_end(t))


def agreed(verdicts: Sequence[tuple[Verdict, PossibleHistory]]) -> tuple[Verdict, PossibleHistory]:
    """Return what all possible_histories say of one visit; not evaluable, with the days that decide, where they differ.

    Parameters
    ----------
    verdicts
        Of one visit, at least one, with the reading each comes from.
    """
    first, *_ = verdicts
    if len({(v.category, v.confirmed) for v, _ in verdicts}) > 1:
        unusable = f"it depends on a day that is not known ({'; '.join(_days_that_decide(verdicts))})"
        evidence = Evidence(unusable=unusable, undecided=True)
        display = DisplayState.NOT_EVALUABLE
        return Verdict(first[0].visit, Category.NE, State.NOT_EVALUABLE, display, evidence), first[1]
    chosen = next((pair for pair in verdicts if pair[0].state != State.BASELINE), first)
    if len({v.state for v, _ in verdicts}) == len(verdicts) == 1:
        return chosen
    return replace(chosen[0], days_that_decide=" and ".join(first[1].days)), chosen[1]


def _days_that_decide(verdicts: Sequence[tuple[Verdict, PossibleHistory]]) -> Iterator[str]:
    """Say for each thing that is not known which category its days lead to."""
    for words in verdicts[0][1].days:
        by_day: dict[date, set[str]] = {}
        for verdict, reading in verdicts:
            by_day.setdefault(reading.days[words], set()).add(_shown(verdict))
        runs = [
            ("/".join(sorted(categories)), [day for day, _ in run])
            for categories, run in groupby(sorted(by_day.items()), key=lambda item: frozenset(item[1]))
        ]
        if len(runs) < 2:
            continue
        ends = [f"{category} up to {days[-1]}" for category, days in runs[:-1]][:MOST_DAYS_NAMED]
        yield f"{words}: {', '.join(ends)}, then {runs[len(ends)][0]}"


def _shown(verdict: Verdict) -> str:
    settled = verdict.confirmed or verdict.category in (Category.SD, Category.NE)
    return f"{verdict.category}{'' if settled else '?'}"


def _lacks_end(treatment: TreatmentEvent) -> bool:
    return treatment.kind == TreatmentKind.RADIOTHERAPY and treatment.ended_on is None


def _unplaced(treatment: TreatmentEvent, course: PatientCourse, criteria: ResponseCriteria) -> Unplaced | None:
    """Return a treatment's possible days; None when it is placed.

    A start and an end that are both unknown move together: the days between them are not known better.
    """
    is_unknown = treatment.kind == TreatmentKind.UNKNOWN
    name = treatment.agent or (treatment.written if is_unknown else None) or str(treatment.kind)
    if treatment.started_by is not None:
        days = _critical(treatment.started_on, treatment.started_by, course, _offsets(treatment, criteria))
        words = f"the {name} {period(treatment.started_on, treatment.started_by)}"
        return Unplaced(words, days, tuple(_starting(treatment, day, criteria) for day in days))
    if _lacks_end(treatment):
        last = _after(treatment.started_on, criteria.baseline.radiotherapy_course_days)
        days = _critical(treatment.started_on, last, course, _offsets(treatment, criteria))
        words = f"the last day of the {name} begun {treatment.started_on}"
        return Unplaced(words, days, tuple(replace(treatment, ended_on=day) for day in days))
    if treatment.ended_by is not None and treatment.ended_on is not None:
        days = _critical(treatment.ended_on, treatment.ended_by, course, _offsets(treatment, criteria))
        words = f"the last day of the {name} {period(treatment.ended_on, treatment.ended_by)}"
        return Unplaced(words, days, tuple(replace(treatment, ended_on=day, ended_by=None) for day in days))
    return None


def _starting(treatment: TreatmentEvent, day: date, criteria: ResponseCriteria) -> TreatmentEvent:
    """Return a treatment that began on a day; one that ends before it began ended on that day."""
    ended_on = treatment.ended_on
    if treatment.kind == TreatmentKind.SURGERY:
        ended_on = day
    elif _lacks_end(treatment):
        ended_on = _after(day, criteria.baseline.radiotherapy_course_days)
    elif treatment.ended_by is not None:
        ended_on = treatment.ended_by
    if ended_on is not None:
        ended_on = max(ended_on, day)
    return replace(treatment, started_on=day, ended_on=ended_on, started_by=None, ended_by=None)


def period(first: date, last: date) -> str:
    """Write a span of possible days as it was written: a year, a month, two days, or no date at all.

    Examples
    --------
    >>> period(date(2012, 1, 1), date(2012, 12, 31)), period(date(2012, 2, 1), date(2012, 2, 29))
    ('of 2012', 'of 2012-02')
    """
    if (first, last) == ANY_DAY:
        return "without a readable date"
    if (first.month, first.day, last.month, last.day, first.year) == (1, 1, 12, 31, last.year):
        return f"of {first.year:04d}"
    whole_month = first.day == 1 and last == first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return f"of {first:%Y-%m}" if whole_month else f"between {first} and {last}"


def _offsets(treatment: TreatmentEvent, criteria: ResponseCriteria) -> tuple[int, ...]:
    """Return how many days before a scan a treatment's day makes a difference."""
    rule = criteria.baseline
    windows = {
        TreatmentKind.RADIOTHERAPY: criteria.radiotherapy_window,
        TreatmentKind.IMMUNOTHERAPY: criteria.immunotherapy_window,
        TreatmentKind.RADIOSURGERY: criteria.radiosurgery_window,
    }
    window = windows.get(treatment.kind)
    waits = {
        TreatmentKind.SURGERY: (rule.after_surgery_days,),
        TreatmentKind.RADIOTHERAPY: (rule.after_radiotherapy_days, rule.radiotherapy_course_days),
    }
    offsets = (0, *waits.get(treatment.kind, ()), *((window.days,) if window else ()))
    if treatment.kind == TreatmentKind.RADIOTHERAPY and treatment.started_by is not None:
        offsets = (*offsets, *(wait + rule.radiotherapy_course_days for wait in offsets))
    return offsets


def _critical(first: date, last: date, course: PatientCourse, offsets: tuple[int, ...]) -> tuple[date, ...]:
    """Return the days of a span at which something can change, and both its ends."""
    marks = {visit.acquired_on for visit in course.visits}
    marks |= {day for t in course.treatments for day in (t.started_on, t.ended_on) if day is not None}
    marks |= {score.assessed_on for score in course.function_scores}
    near = {_after(mark, step - wait) for mark in marks for wait in offsets for step in (-1, 0, 1)}
    return tuple(sorted({first, last, *(day for day in near if first <= day <= last)}))


def _after(day: date, days: int) -> date:
    ordinal = min(max(day.toordinal() + days, 1), date.max.toordinal())
    return date.fromordinal(ordinal)
