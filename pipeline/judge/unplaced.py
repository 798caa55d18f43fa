"""Days that are known only as a month or a year: every one is tried, and a verdict that they share stands.

A radiotherapy whose last day is not recorded is one: it may have ended on any day of its longest course. What this
module refuses: choosing a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby, pairwise, product
from math import prod
from typing import Any

from pipeline.core.vocabulary import (
    ANY_DAY,
    Category,
    DisplayState,
    FunctionGrade,
    PatientCourse,
    State,
    TreatmentEvent,
    TreatmentKind,
    VisitMeasure,
)
from pipeline.core.written_day import WrittenDay, span, written
from pipeline.judge import critical_days
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.epochs import SeenBefore
from pipeline.judge.verdict import Evidence, Verdict

MOST_READINGS = 300
"""So many ways to place what is not known are tried; beyond that nothing is judged after the first possible day."""

MOST_DAYS_NAMED = 3
"""So many changes of a verdict along the possible days are written out."""


DAYS_TOGETHER = 28
"""Where possible, numbers are those of a reading in which scans lie at least so many days apart."""


@dataclass(frozen=True)
class Unplaced:
    """One treatment, scan or functional grade whose first or last day is not known, with the days that are tried.

    ``words`` names it; ``days`` and ``options`` belong together.
    """

    words: str
    days: tuple[date, ...]
    options: tuple[TreatmentEvent, ...] | tuple[VisitMeasure, ...] | tuple[FunctionGrade, ...]


@dataclass(frozen=True)
class PossibleHistory:
    """A course with everything placed, and the days it was placed on, by what was not known."""

    course: PatientCourse
    days: Mapping[str, date]


def possible_histories(course: PatientCourse, criteria: ResponseCriteria) -> tuple[PossibleHistory, ...]:
    """Return the course once for each way to place what is not known; empty when there are too many."""
    waiting = {
        **{("treatment", n): _unplaced(one, course, criteria) for n, one in enumerate(course.treatments)},
        **{("visit", n): _unplaced_scan(one, course, criteria) for n, one in enumerate(course.visits)},
        **{("score", n): _unplaced_score(one, course, criteria) for n, one in enumerate(course.function_scores)},
    }
    open_ones = {place: one for place, one in waiting.items() if one is not None}
    if prod(len(one.days) for one in open_ones.values()) > MOST_READINGS:
        return ()
    names = _distinct([one.words for one in open_ones.values()])
    histories = []
    for chosen in product(*(range(len(one.days)) for one in open_ones.values())):
        placed = {place: one.options[k] for (place, one), k in zip(open_ones.items(), chosen, strict=True)}
        days = {name: one.days[k] for name, one, k in zip(names, open_ones.values(), chosen, strict=True)}
        histories.append(PossibleHistory(_with_placed(course, placed), days))
    return tuple(histories)


def _with_placed(course: PatientCourse, placed: Mapping[tuple[str, int], Any]) -> PatientCourse:
    def chosen(kind: str, given: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(placed.get((kind, number), one) for number, one in enumerate(given))

    return replace(
        course,
        treatments=chosen("treatment", course.treatments),
        visits=chosen("visit", course.visits),
        function_scores=chosen("score", course.function_scores),
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Number names that are there more than once, so that none stands for two things."""
    return [
        name if names.count(name) == 1 else f"{name} (number {names[: at + 1].count(name)})"
        for at, name in enumerate(names)
    ]


def first_possible(course: PatientCourse) -> date:
    """Return the first day from which something that cannot be placed may have happened."""
    return min(
        [
            *(t.started_on for t in course.treatments if t.started_by is not None or _lacks_end(t)),
            *(t.ended_on for t in course.treatments if t.ended_by is not None and t.ended_on is not None),
            *(v.acquired_on for v in course.visits if v.acquired_by is not None),
            *(s.assessed_on for s in course.function_scores if s.assessed_by is not None),
        ]
    )


def agreed(verdicts: Sequence[tuple[Verdict, PossibleHistory]]) -> tuple[Verdict, PossibleHistory]:
    """Return what all possible_histories say of one visit; not evaluable, with the days that decide, where they differ.

    Where only some of them take its tumour for the first of a person, it is not taken for that.

    Parameters
    ----------
    verdicts
        Of one visit, at least one, with the reading each comes from.
    """
    first, *_ = verdicts
    if len({(v.category, v.confirmed) for v, _ in verdicts}) > 1:
        deciding = "; ".join(_days_that_decide(verdicts)) or " and ".join(first[1].days)
        unusable = f"it depends on a day that is not known ({deciding})"
        evidence = Evidence(unusable=unusable, undecided=True)
        display = DisplayState.NOT_EVALUABLE
        return Verdict(first[0].visit, Category.NE, State.NOT_EVALUABLE, display, evidence), first[1]
    judged = [pair for pair in verdicts if pair[0].state != State.BASELINE]
    is_open = len({_says_first(v) for v, _ in verdicts}) > 1
    judged = [pair for pair in judged if not (is_open and _says_first(pair[0]))] or judged
    verdict, history = next(
        (pair for pair in judged if not _has_scans_together(pair[1])), judged[0] if judged else first
    )
    if is_open:
        state = State.PROGRESSION if verdict.state == State.RECURRENCE else verdict.state
        return replace(verdict, state=state, evidence=_perhaps_seen(verdict.evidence)), history
    return replace(verdict, days_that_decide=_days_by_then(verdicts)), history


def _perhaps_seen(evidence: Evidence) -> Evidence:
    return replace(evidence, seen_before=SeenBefore.NOT_KNOWN)


def _says_first(verdict: Verdict) -> bool:
    """Say whether a verdict takes tumour for the first of a person: that is no recurrence."""
    is_first = verdict.evidence.seen_before == SeenBefore.NO
    return is_first and (verdict.category == Category.PD or verdict.is_seen_where_none_was)


def _has_scans_together(history: PossibleHistory) -> bool:
    """Say whether two scans lie within days of each other, where all would be error and nothing change."""
    days = sorted(visit.acquired_on for visit in history.course.visits)
    return any((later - earlier).days < DAYS_TOGETHER for earlier, later in pairwise(days))


def _days_by_then(verdicts: Sequence[tuple[Verdict, PossibleHistory]]) -> str:
    """Name what is not known and may lie before a scan, or be it; the first few of many."""
    until = max(verdict.visit.acquired_on for verdict, _ in verdicts)
    by_then = [words for words in verdicts[0][1].days if min(h.days[words] for _, h in verdicts) <= until]
    more = len(by_then) - MOST_DAYS_NAMED
    return " and ".join([*by_then[:MOST_DAYS_NAMED], *([f"{more} more"] if more > 0 else [])])


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

    A start and an end that are both of a month or a year move together: the days between them are not known better. An
    end that nobody wrote down lies anywhere from the start on to the end of the longest course.
    """
    if treatment.started_by is not None and _lacks_end(treatment):
        return _without_either_day(treatment, treatment.started_by, course, criteria)
    is_unknown = treatment.kind == TreatmentKind.UNKNOWN
    name = treatment.agent or (treatment.written if is_unknown else None) or str(treatment.kind)
    if treatment.started_by is not None:
        days = critical_days.of_treatment(treatment, treatment.started_on, treatment.started_by, course, criteria)
        words = f"the {name} {period(treatment.started_on, treatment.started_by)}"
        return Unplaced(words, days, tuple(_starting(treatment, day) for day in days))
    if _lacks_end(treatment):
        last = treatment.started_on + timedelta(days=criteria.baseline.radiotherapy_course_days)
        days = critical_days.of_treatment(treatment, treatment.started_on, last, course, criteria)
        words = f"the last day of the {name} begun {treatment.started_on}"
        ends = (_assumed_end(day, treatment, criteria) for day in days)
        return Unplaced(words, days, tuple(replace(treatment, ended_on=end) for end in ends))
    if treatment.ended_by is not None and treatment.ended_on is not None:
        days = critical_days.of_treatment(treatment, treatment.ended_on, treatment.ended_by, course, criteria)
        words = f"the last day of the {name} {period(treatment.ended_on, treatment.ended_by)}"
        ends = (written(day, treatment.ended_on, treatment.ended_by) for day in days)
        return Unplaced(words, days, tuple(replace(treatment, ended_on=end, ended_by=None) for end in ends))
    return None


def _without_either_day(
    treatment: TreatmentEvent, started_by: date, course: PatientCourse, criteria: ResponseCriteria
) -> Unplaced:
    """Return the possible last days of a radiotherapy whose first day is not known and whose last nobody wrote down."""
    first, longest = treatment.started_on, timedelta(days=criteria.baseline.radiotherapy_course_days)
    last = started_by + longest
    ending = replace(treatment, started_by=None)
    starting = replace(ending, kind=TreatmentKind.CHEMOTHERAPY)  # from whose start on nothing is waited for
    starts = critical_days.of_treatment(starting, first, started_by, course, criteria)
    ends = critical_days.of_treatment(ending, first, last, course, criteria)
    pairs = {(start, end) for start in starts for end in (start, start + longest)}
    pairs |= {(max(first, end - longest), end) for end in ends} | {(min(end, started_by), end) for end in ends}
    placed = sorted(pairs, key=lambda pair: (pair[1], pair[0]))
    options = tuple(
        replace(
            treatment,
            started_on=written(start, first, started_by),
            ended_on=_assumed_end(end, treatment, criteria, last),
            started_by=None,
            ended_by=None,
        )
        for start, end in placed
    )
    words = f"the last day of the {treatment.agent or treatment.kind} {period(first, started_by)}"
    return Unplaced(words, tuple(end for _, end in placed), options)


def _starting(treatment: TreatmentEvent, day: date) -> TreatmentEvent:
    """Return a treatment that began on a day; one that ends before it began ended on that day."""
    ended_on = treatment.ended_on
    if treatment.kind == TreatmentKind.SURGERY:
        ended_on = written(day, treatment.started_on, treatment.started_by or treatment.started_on)
    elif treatment.ended_by is not None and treatment.ended_on is not None:
        ended_on = written(treatment.ended_by, treatment.ended_on, treatment.ended_by)
    if ended_on is not None:
        ended_on = max(ended_on, day)
    assert treatment.started_by is not None  # such are placed here
    started_on = written(day, treatment.started_on, treatment.started_by)
    return replace(treatment, started_on=started_on, ended_on=ended_on, started_by=None, ended_by=None)


def _assumed_end(day: date, treatment: TreatmentEvent, criteria: ResponseCriteria, last: date | None = None) -> date:
    """Return a last day that nobody recorded, ``last`` at the latest, which in text says so."""
    begun = (treatment.started_on, treatment.started_by or treatment.started_on)
    words = f"within {criteria.baseline.radiotherapy_course_days} days of {span(*begun)}"
    return WrittenDay(day.year, day.month, day.day, "on a day not recorded" if begun == ANY_DAY else words, last or day)


def period(first: date, last: date) -> str:
    """Name a span of possible days.

    Examples
    --------
    >>> period(date(2012, 1, 1), date(2012, 12, 31)), period(*ANY_DAY)
    ('of 2012', 'without a readable date')
    """
    return "without a readable date" if (first, last) == ANY_DAY else f"of {span(first, last)}"


def _unplaced_scan(visit: VisitMeasure, course: PatientCourse, criteria: ResponseCriteria) -> Unplaced | None:
    """Return a scan's possible days; None when its day is known."""
    if visit.acquired_by is None:
        return None
    first, last = visit.acquired_on, visit.acquired_by
    days = critical_days.of_scan(visit, course, criteria)
    words = f"the scan {period(first, last)}{_order_words(visit, course)}"
    placed = (replace(visit, acquired_on=written(day, first, last), acquired_by=None) for day in days)
    return Unplaced(words, days, tuple(placed))


def _order_words(visit: VisitMeasure, course: PatientCourse) -> str:
    """Say that the order of two scans is not known."""
    last = visit.acquired_by or visit.acquired_on
    others = [
        span(other.acquired_on, other.acquired_by or other.acquired_on) if other.acquired_by else str(other.acquired_on)
        for other in course.visits
        if other.session_id != visit.session_id
        and other.acquired_on <= last
        and visit.acquired_on <= (other.acquired_by or other.acquired_on)
    ]
    return f", before or after that of {' and '.join(others)}" if others else ""


def _unplaced_score(score: FunctionGrade, course: PatientCourse, criteria: ResponseCriteria) -> Unplaced | None:
    """Return a functional grade's possible days; None when its day is known or its scale proves nothing here."""
    if score.assessed_by is None or criteria.clinical is None:
        return None
    if score.scale_id.lower() not in criteria.clinical.scale_ids:
        return None
    first, last = score.assessed_on, score.assessed_by
    days = critical_days.of_score(score, course)
    words = f"the {score.scale_id} grade {score.grade:g} {period(first, last)}"
    placed = (replace(score, assessed_on=written(day, first, last), assessed_by=None) for day in days)
    return Unplaced(words, days, tuple(placed))
