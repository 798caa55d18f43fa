"""Responses that a reader put into words: nothing is measured again, only the rules of confirmation are applied.

A response counts as confirmed when a later scan of the same stretch without surgery or radiotherapy says it again; a
progression soon after radiotherapy or immunotherapy needs a second scan. What this module refuses: a percentage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, VisitJudgement, VisitMeasure
from pipeline.judge import best_response, clauses, division, explanation, exposure
from pipeline.judge.clauses import Clause, ClauseKind, beside
from pipeline.judge.comparison import Comparison
from pipeline.judge.confirmation import confirmed
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.epochs import Epoch
from pipeline.judge.knowledge import Place, Placed, agreed, judgement_of, readings, then
from pipeline.judge.response import JudgedCourse
from pipeline.judge.verdict import Evidence, Verdict
from pipeline.measure.imported_sizes import NO_VOLUME

MEANING = {
    Category.CR: (State.NO_EVIDENCE, DisplayState.NONE_SEEN),
    Category.PR: (State.RESPONSE, DisplayState.SHRINKAGE),
    Category.MR: (State.RESPONSE, DisplayState.SHRINKAGE),
    Category.SD: (State.STABLE, DisplayState.NO_CHANGE),
    Category.PD: (State.PROGRESSION, DisplayState.GROWTH),
    Category.NE: (State.NOT_EVALUABLE, DisplayState.NOT_EVALUABLE),
}


def confirm_stated(course: PatientCourse, words: dict[str, Category], criteria: ResponseCriteria) -> JudgedCourse:
    """Apply the rules of confirmation to a reader's words.

    Parameters
    ----------
    course
        Visits (no sizes needed) and treatments.
    words
        The reader's category by session.
    criteria
        Whose windows and waits apply.

    Returns
    -------
    JudgedCourse
        One verdict per visit, in date order, without any size; a progression that a later scan did not confirm is
        stable disease.
    """

    def place(history: PatientCourse, rules: ResponseCriteria) -> list[Placed]:
        return [
            Placed(verdict, epoch, history)
            for epoch in division.divided(history, rules)
            for verdict in confirmed(tuple(_verdicts(history, epoch, words, rules)), rules)
        ]

    by_reading = readings(course, criteria, place)
    placed = agreed(by_reading, course, criteria, place)
    judgements = tuple(_with_then(one, course, criteria, place) for one in placed)
    return JudgedCourse(judgements, best_response.of_readings(by_reading, criteria))


def _with_then(placed: Placed, course: PatientCourse, criteria: ResponseCriteria, place: Place) -> VisitJudgement:
    visit = next(v for v in course.visits if v.session_id == placed.verdict.visit.session_id)
    by_then = then(course, visit, criteria, place).verdict
    return replace(
        judgement_of(placed, criteria, _clauses(placed.verdict, criteria)),
        acquired_on=visit.acquired_on,
        category_then=by_then.category,
        confirmed_then=by_then.confirmed,
        state_then=by_then.state,
        reason_then=clauses.sentence(_clauses(by_then, criteria)),
    )


def _verdicts(
    course: PatientCourse, epoch: Epoch, words: dict[str, Category], criteria: ResponseCriteria
) -> Iterator[Verdict]:
    for visit in epoch.visits:
        category = words[visit.session_id]
        unknown = exposure.not_understood(course, visit.acquired_on)
        if unknown is not None:
            category = Category.NE
        window = exposure.growth_window(course, visit.acquired_on, criteria)
        evidence = Evidence(nadir=None if category == Category.NE else _compared(visit), window=window)
        if unknown is not None:
            evidence = replace(evidence, unusable=exposure.unknown_words(unknown), undecided=True)
        state, display = MEANING[category]
        preliminary = category == Category.PD and window is not None
        yield Verdict(
            visit,
            category,
            state,
            display,
            evidence,
            preliminary=preliminary,
            wait_days=window[0].confirmation_days if window else 0,
            quiet_state=State.STABLE,
        )


def _compared(visit: VisitMeasure) -> Comparison:
    """Return what marks a visit as judged by the reader; the reader's sizes are not known."""
    return Comparison(visit, 0.0, 0.0, None, None)


def _clauses(verdict: Verdict, criteria: ResponseCriteria) -> tuple[Clause, ...]:
    on = verdict.visit.acquired_on
    if verdict.category == Category.NE:
        missing = verdict.evidence.unusable or verdict.visit.missing_reason
        why = "as the reader says" if missing in (None, NO_VOLUME) else str(missing)
        return (Clause(ClauseKind.NOT_EVALUABLE, f"Not evaluable on {on}", why, on=on),)
    word = Category.PD if verdict.is_refuted else verdict.category
    main = Clause(ClauseKind.READ, f"Read as {word} on {on}, size not known here", on=on)
    return (main, *beside(ClauseKind.CONFIRMATION, explanation.second_look(verdict, criteria)))
