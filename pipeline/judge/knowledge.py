"""What is known of a patient: on a day, and where some days are known only as a month or a year.

It knows nothing of sizes or criteria: a function that reaches the verdicts of a history is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.core.vocabulary import (
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
    """Return what was known of a patient on the day of a visit: nothing later, and no end that had not come."""
    visits = epochs.in_order(course.visits)
    until = visits[: visits.index(visit) + 1]
    names = {one.session_id for one in until}
    return replace(
        course,
        visits=until,
        treatments=tuple(_begun_by(t, visit) for t in course.treatments if t.started_on <= visit.acquired_on),
        function_scores=tuple(s for s in course.function_scores if s.assessed_on <= visit.acquired_on),
        pinned_baselines=tuple(name for name in course.pinned_baselines if name in names),
        died_on=None,
        last_contact_on=None,
    )


def _begun_by(treatment: TreatmentEvent, visit: VisitMeasure) -> TreatmentEvent:
    """Return a treatment as it was known on a day; one that went on then had no last day yet.

    A radiotherapy that goes on is not over on that day, whatever a usual course would take.
    """
    if treatment.ended_on is None or treatment.ended_on <= visit.acquired_on:
        return treatment
    return replace(treatment, ended_on=visit.acquired_on, ended_by=None)


def known(course: PatientCourse, criteria: ResponseCriteria, place: Place) -> list[Placed]:
    """Return a verdict for each visit in date order; where a day is not known, what all possible days agree on."""
    possible_histories = unplaced.possible_histories(course, criteria)
    if not possible_histories:
        return _after_too_much(course, criteria, place)
    by_reading = [place(history.course, criteria) for history in possible_histories]
    if len(possible_histories) == 1:
        return by_reading[0]
    return [_agreed(row, possible_histories) for row in zip(*by_reading, strict=True)]


def _agreed(row: Sequence[Placed], possible_histories: Sequence[PossibleHistory]) -> Placed:
    pairs = [(placed.verdict, reading) for placed, reading in zip(row, possible_histories, strict=True)]
    verdict, chosen = unplaced.agreed(pairs)
    place = row[next(number for number, reading in enumerate(possible_histories) if reading is chosen)]
    return replace(place, verdict=verdict)


def _after_too_much(course: PatientCourse, criteria: ResponseCriteria, place: Place) -> list[Placed]:
    """Judge only what lies before the first of too many treatments that cannot be placed."""
    first = unplaced.first_possible(course)
    before = replace(course, treatments=tuple(t for t in course.treatments if t.started_on < first))
    why = f"too many treatments from {first} on have no day; write when they were"
    found = []
    for placed in place(before, criteria):
        if placed.verdict.visit.acquired_on < first:
            found.append(placed)
        else:
            evidence = Evidence(unusable=why, undecided=True)
            unknown = DisplayState.NOT_EVALUABLE
            verdict = Verdict(placed.verdict.visit, Category.NE, State.NOT_EVALUABLE, unknown, evidence)
            found.append(replace(placed, verdict=verdict))
    return found
