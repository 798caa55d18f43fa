"""What is known of a patient: on a day, and where some days are known only as a month or a year.

It knows nothing of sizes or criteria: a function that reaches the verdicts of a history is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.core.vocabulary import (
    ANY_DAY,
    Category,
    DisplayState,
    PatientCourse,
    State,
    TreatmentEvent,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.judge import clauses, epochs, unplaced
from pipeline.judge.clauses import Clause
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.epochs import Epoch
from pipeline.judge.unplaced import PossibleHistory
from pipeline.judge.verdict import Evidence, Verdict


@dataclass(frozen=True)
class Placed:
    """One verdict in the course it was reached in, with the history as it was read for it."""

    verdict: Verdict
    epoch: Epoch
    history: PatientCourse


@dataclass(frozen=True)
class PlacedHistory:
    """One way to place what has no day, with the verdicts reached by it, one per visit."""

    history: PossibleHistory
    placed: tuple[Placed, ...]


def judgement_of(placed: Placed, criteria: ResponseCriteria, parts: tuple[Clause, ...]) -> VisitJudgement:
    """Return the record of a verdict with its sentence, without any size."""
    verdict = placed.verdict
    return VisitJudgement(
        session_id=verdict.visit.session_id,
        acquired_on=verdict.visit.acquired_on,
        criteria_id=criteria.criteria_id,
        criteria_version=criteria.version,
        category=verdict.category,
        state=verdict.state,
        display_state=verdict.display,
        confirmed=verdict.confirmed,
        provisional=False,
        epoch=placed.epoch.number,
        baseline_session_id=None,
        nadir_session_id=None,
        previous_session_id=None,
        change_ratio=None,
        detection_limit_ratio=None,
        probability=None,
        reason=clauses.sentence(parts),
        clauses=clauses.to_json(parts),
        course=placed.epoch.kind,
        is_undecided=verdict.evidence.undecided,
    )


Place = Callable[[PatientCourse, ResponseCriteria], list[Placed]]
"""Reaches the verdicts of a history in which every day is known, one per visit in date order."""


def known_by(course: PatientCourse, visit: VisitMeasure) -> PatientCourse:
    """Return what was known of a patient on the day of a visit: nothing later, no end to come, no later pin."""
    visits = epochs.in_order(course.visits)
    return _cut(course, visits[: visits.index(visit) + 1], visit.acquired_on)


def _possibly_known_by(course: PatientCourse, visit: VisitMeasure) -> PatientCourse:
    """Return what may have been known on the last day that a visit may have been made."""
    if visit.acquired_by is None and not any(one.acquired_by for one in course.visits):
        return known_by(course, visit)
    last = visit.acquired_by or visit.acquired_on
    until = [v for v in epochs.in_order(course.visits) if v.acquired_on <= last]
    return _cut(course, until, last)


def _cut(course: PatientCourse, visits: Sequence[VisitMeasure], on: date) -> PatientCourse:
    names = {one.session_id for one in visits}
    return replace(
        course,
        visits=tuple(visits),
        treatments=tuple(_begun_by(t, on) for t in course.treatments if t.started_on <= on),
        function_scores=tuple(s for s in course.function_scores if s.assessed_on <= on),
        pinned_baselines=tuple(
            name for name in course.pinned_baselines if name in names and course.pinned_on.get(name, on) <= on
        ),
        died_on=None,
        last_contact_on=None,
    )


def then(course: PatientCourse, visit: VisitMeasure, criteria: ResponseCriteria, place: Place) -> Placed:
    """Return the verdict on a visit as judged on its day, whatever day that was.

    Parameters
    ----------
    visit
        As the course has it.
    """
    last = visit.acquired_by or visit.acquired_on
    by_then = without_withdrawn(_possibly_known_by(course, visit), last)
    possible_histories = unplaced.possible_histories(by_then, criteria)
    if not possible_histories:
        return _one_of(_after_too_much(by_then, criteria, place), visit)
    row = []
    for history in possible_histories:
        visit_then = next(one for one in history.course.visits if one.session_id == visit.session_id)
        row.append(_one_of(place(known_by(history.course, visit_then), criteria), visit))
    return row[0] if len(row) == 1 else _agreed(row, possible_histories)


def _one_of(placed: Sequence[Placed], visit: VisitMeasure) -> Placed:
    return next(one for one in placed if one.verdict.visit.session_id == visit.session_id)


def without_withdrawn(course: PatientCourse, day: date) -> PatientCourse:
    """Return a history without the new lesions that had been withdrawn by a day: they were no tumour."""
    return replace(course, visits=tuple(_without_withdrawn(visit, day) for visit in course.visits))


def _without_withdrawn(visit: VisitMeasure, day: date) -> VisitMeasure:
    if visit.withdrawn_on is None:
        return visit
    if visit.withdrawn_on <= day:
        return replace(visit, new_lesion=False)
    return replace(visit, withdrawn_on=None, withdrawn_words=None)


def _begun_by(treatment: TreatmentEvent, on: date) -> TreatmentEvent:
    """Return a treatment as it was known on a day; one that went on then had no last day yet.

    A radiotherapy that goes on is not over on that day, whatever a usual course would take.
    """
    if treatment.ended_on is None or treatment.ended_on <= on:
        return treatment
    return replace(treatment, ended_on=on, ended_by=None, is_ongoing=True)


def readings(course: PatientCourse, criteria: ResponseCriteria, place: Place) -> tuple[PlacedHistory, ...]:
    """Return the verdicts by every way to place what has no day; empty when there are too many."""
    return tuple(
        PlacedHistory(history, tuple(place(history.course, criteria)))
        for history in unplaced.possible_histories(course, criteria)
    )


def known(course: PatientCourse, criteria: ResponseCriteria, place: Place) -> list[Placed]:
    """Return a verdict for each visit in date order; where a day is not known, what all possible days agree on."""
    return agreed(readings(course, criteria, place), course, criteria, place)


def agreed(
    by_reading: Sequence[PlacedHistory], course: PatientCourse, criteria: ResponseCriteria, place: Place
) -> list[Placed]:
    """Return what all readings of a course agree on, one verdict per visit in date order."""
    if not by_reading:
        return _after_too_much(course, criteria, place)
    if len(by_reading) == 1:
        return list(by_reading[0].placed)
    possible_histories = [reading.history for reading in by_reading]
    return [
        _agreed([_one_of(reading.placed, visit) for reading in by_reading], possible_histories)
        for visit in epochs.in_order(course.visits)
    ]


def _agreed(row: Sequence[Placed], possible_histories: Sequence[PossibleHistory]) -> Placed:
    pairs = [(placed.verdict, reading) for placed, reading in zip(row, possible_histories, strict=True)]
    verdict, chosen = unplaced.agreed(pairs)
    place = row[next(number for number, reading in enumerate(possible_histories) if reading is chosen)]
    return replace(place, verdict=verdict)


def _last_possible_day(visit: VisitMeasure) -> date:
    return visit.acquired_by or visit.acquired_on


def _after_too_much(course: PatientCourse, criteria: ResponseCriteria, place: Place) -> list[Placed]:
    """Judge a history in which too many treatments, scans or grades cannot be placed, as far as it can be.

    It is judged as on the day of the latest scan by which what may have been known was not too much: so nothing that
    surely came later takes away what was said. Later scans are not evaluable.
    """
    visits = epochs.in_order(course.visits)
    until: list[Placed] = []
    for visit in sorted(visits, key=_last_possible_day, reverse=True):
        by_then = _possibly_known_by(course, visit)
        by_reading = readings(by_then, criteria, place)
        if by_reading:
            last = _last_possible_day(visit)
            surely_by_then = {one.session_id for one in visits if _last_possible_day(one) <= last}
            until = agreed(by_reading, by_then, criteria, place)
            until = [one for one in until if one.verdict.visit.session_id in surely_by_then]
            break
    judged = {placed.verdict.visit.session_id: placed for placed in until}
    first = unplaced.first_possible(course)
    since = "" if first == ANY_DAY[0] else f" from {first} on"
    why = f"too many treatments, scans or grades{since} have no day; write when they were"
    evidence = Evidence(unusable=why, undecided=True)
    nothing = until[-1].epoch if until else Epoch(0, "", date.min, date.max, date.min, None)
    verdicts = (Verdict(v, Category.NE, State.NOT_EVALUABLE, DisplayState.NOT_EVALUABLE, evidence) for v in visits)
    return [judged.get(one.visit.session_id) or Placed(one, nothing, course) for one in verdicts]
