"""Responses that a reader put into words: nothing is measured again, only the rules of confirmation are applied.

A response counts as confirmed when a later scan of the same stretch without surgery or radiotherapy says it again; a
progression soon after radiotherapy or immunotherapy needs a second scan. What this module refuses: a percentage.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, VisitJudgement, VisitMeasure
from pipeline.judge import epochs, explanation
from pipeline.judge.comparison import Comparison
from pipeline.judge.confirmation import confirmed
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.epochs import Epoch
from pipeline.judge.verdict import Evidence, Verdict

MEANING = {
    Category.CR: (State.NO_EVIDENCE, DisplayState.NONE_SEEN),
    Category.PR: (State.RESPONSE, DisplayState.SHRINKAGE),
    Category.MR: (State.RESPONSE, DisplayState.SHRINKAGE),
    Category.SD: (State.RESIDUAL_STABLE, DisplayState.NO_CHANGE),
    Category.PD: (State.PROGRESSION, DisplayState.GROWTH),
    Category.NE: (State.NOT_EVALUABLE, DisplayState.NOT_EVALUABLE),
}


def confirm_stated(
    course: PatientCourse, words: dict[str, Category], criteria: ResponseCriteria
) -> tuple[VisitJudgement, ...]:
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
    tuple of Assessment
        One per visit, in date order, without any size; a progression that a later scan did not confirm is stable
        disease.
    """
    return tuple(
        _assessment(verdict, epoch, criteria)
        for epoch in epochs.epochs(course, criteria)
        for verdict in confirmed(tuple(_verdicts(course, epoch, words, criteria)), criteria)
    )


def _verdicts(
    course: PatientCourse, epoch: Epoch, words: dict[str, Category], criteria: ResponseCriteria
) -> Iterator[Verdict]:
    for visit in epoch.visits:
        category = words[visit.session_id]
        window = epochs.growth_window(course, visit.acquired_on, criteria)
        evidence = Evidence(nadir=None if category == Category.NE else _compared(visit), window=window)
        state, display = MEANING[category]
        preliminary = category == Category.PD and window is not None
        yield Verdict(visit, category, state, display, evidence, preliminary=preliminary)


def _compared(visit: VisitMeasure) -> Comparison:
    """Return what marks a visit as judged by the reader; the reader's sizes are not known."""
    return Comparison(visit, 0.0, 0.0, None, None)


def _assessment(verdict: Verdict, epoch: Epoch, criteria: ResponseCriteria) -> VisitJudgement:
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
        epoch=epoch.number,
        baseline_session_id=None,
        nadir_session_id=None,
        previous_session_id=None,
        change_ratio=None,
        detection_limit_ratio=None,
        probability=None,
        reason=_reason(verdict, criteria),
    )


def _reason(verdict: Verdict, criteria: ResponseCriteria) -> str:
    on = verdict.visit.acquired_on
    if verdict.category == Category.NE:
        return f"Not evaluable on {on}: {verdict.visit.missing_reason or 'as the reader says'}."
    word = Category.PD if verdict.is_refuted else verdict.category
    parts = (f"Read as {word} on {on}, size not known here", explanation.second_look(verdict, criteria))
    return "; ".join(part for part in parts if part) + "."
