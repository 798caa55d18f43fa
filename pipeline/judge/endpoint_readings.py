"""Times to an event where some days are known only as a month or a year: what every possible day agrees on.

Each way to place what is not known gives an outcome of its own. Where all end alike, the outcome stands, from the
shortest to the longest time; where some end with an event and others without, nobody can tell: it is censored at the
earliest end, and says so. What this module refuses: the first possible day as if it were the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.core.vocabulary import PatientCourse, VisitJudgement
from pipeline.core.written_day import WrittenDay, first_possible, last_possible
from pipeline.judge.endpoint_rules import ANY_LESION, RULES, EndpointRule
from pipeline.judge.endpoints import TimeToEvent, endpoint_of
from pipeline.judge.lesion_courses import LesionVerdict, proven_by_lesion

TTP, PFS = "ttp", "pfs"
"""Outcomes of the whole tumour that a lesion by itself may belie."""


@dataclass(frozen=True)
class OutcomeReading:
    """One way to place what has no day: the course, its verdicts, and the days on which losses were proven in it."""

    course: PatientCourse
    assessments: Sequence[VisitJudgement]
    losses: Sequence[tuple[date, str]] = ()


def naming_lesions(total: Sequence[TimeToEvent], any_lesion: TimeToEvent | None) -> tuple[TimeToEvent, ...]:
    """Return the outcomes of the whole tumour, those without event naming the lesion that progressed by itself."""
    if any_lesion is None or not any_lesion.is_event or any(one.is_event for one in total if one.endpoint_id == TTP):
        return tuple(total)
    words = any_lesion.reason.rpartition(" to ")[2]
    return tuple(
        replace(one, reason=f"{one.reason.removesuffix('.')}; not of the whole tumour: {words}")
        if one.endpoint_id in (TTP, PFS) and not one.is_event
        else one
        for one in total
    )


def of_any_lesion(
    reading: OutcomeReading, lesions: Mapping[str, Sequence[LesionVerdict]], total: Sequence[TimeToEvent]
) -> TimeToEvent | None:
    """Return the time to the first progression of the whole tumour or of one lesion judged by itself.

    Parameters
    ----------
    reading
        The course with the verdicts on its whole tumour.
    lesions
        Verdicts on single lesions by session; none where they are not judged apart.
    total
        The outcomes of the whole tumour; the time to its progression stands where no lesion is judged apart.

    Returns
    -------
    TimeToEvent or None
        None where nothing is known from time zero on.
    """
    if not lesions:
        to_progression = next((one for one in total if one.endpoint_id == TTP), None)
        return None if to_progression is None else replace(to_progression, endpoint_id=ANY_LESION.endpoint_id)
    led = [(one, *proven_by_lesion(one, lesions.get(one.session_id, ()))) for one in reading.assessments]
    outcome = endpoint_of(ANY_LESION, reading.course, [judged for _, judged, _ in led], reading.losses)
    if outcome is None or not outcome.is_event:
        return outcome
    name = next((lesion for one, _, lesion in led if lesion and one.acquired_on == outcome.ended_on), None)
    return outcome if name is None else replace(outcome, reason=f"{outcome.reason[:-1]}, of lesion {name} by itself.")


def of_readings(readings: Sequence[OutcomeReading], rules: Sequence[EndpointRule] = RULES) -> tuple[TimeToEvent, ...]:
    """Return every outcome of one patient as all readings of the course have it.

    Parameters
    ----------
    readings
        At least one.
    rules
        The outcomes asked for.

    Returns
    -------
    tuple of TimeToEvent
        In the order of the rules; those that no reading has are absent.
    """
    return tuple(_agreed(readings, rules))


def _agreed(readings: Sequence[OutcomeReading], rules: Sequence[EndpointRule]) -> Iterator[TimeToEvent]:
    for rule in rules:
        ways = [(course, one) for one in readings for course in _ends(one.course)]
        by_reading = [endpoint_of(rule, course, one.assessments, one.losses) for course, one in ways]
        outcomes = [outcome for outcome in by_reading if outcome is not None]
        if len(by_reading) == 1:
            yield from outcomes
        elif outcomes:
            yield _together(outcomes, is_complete=len(outcomes) == len(by_reading))


def _ends(course: PatientCourse) -> list[PatientCourse]:
    """Return the course with each day of death and of the last contact that decides: the first and last possible ones.

    What a death does turns once at most as its day moves on: after progression, after too long without a scan. A last
    contact only moves the day up to which somebody is known to have been alive.
    """
    return [
        replace(course, died_on=died_on, last_contact_on=contact_on)
        for died_on in _first_and_last(course.died_on)
        for contact_on in _first_and_last(course.last_contact_on)
    ]


def _first_and_last(day: date | None) -> tuple[date | None, ...]:
    last = last_possible(day)
    return (day,) if last is None else (day, WrittenDay(last.year, last.month, last.day, str(day), last))


def _together(outcomes: Sequence[TimeToEvent], *, is_complete: bool) -> TimeToEvent:
    days = [outcome.duration_days for outcome in outcomes]
    first = min(outcomes, key=lambda outcome: (outcome.ended_on, outcome.duration_days))
    first = replace(first, shortest_days=min(days), longest_days=max(days))
    if is_complete and len({(outcome.is_event, outcome.is_competing) for outcome in outcomes}) == 1:
        spread = f"; {min(days)} to {max(days)} days, by days that are not known"
        reason = first.reason if min(days) == max(days) else f"{first.reason.removesuffix('.')}{spread}."
        return replace(first, reason=reason)
    return replace(first, is_event=False, is_competing=False, reason=_undecided(outcomes, first))


def _undecided(outcomes: Sequence[TimeToEvent], first: TimeToEvent) -> str:
    """Say what the days that are not known decide, each way to end once."""
    ways = {(one.is_event, one.is_competing): one.reason.removesuffix(".") for one in reversed(outcomes)}
    way_words = " or ".join(f"{way[:1].lower()}{way[1:]}" for way in dict.fromkeys(ways.values()))
    where = f"censored at the earliest end, {first_possible(first.ended_on)}"
    return f"Not decided, it depends on days that are not known: {way_words}; {where}."
