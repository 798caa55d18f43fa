"""What an act would change before it counts: the latest verdict as it stands and with the act, by the same function."""

from __future__ import annotations

from dashboard.data import queries
from dashboard.words import acts_beside
from pipeline.core.vocabulary import VisitJudgement
from pipeline.judge import course_text, what_if

NOT_KNOWN = "What it changes is known after the next run."


def preview(patient_id: str, criteria_id: str, kind: str, session_id: str) -> str:
    """Say what an act about a visit would change of the latest verdict on the total.

    Parameters
    ----------
    kind
        A key of ``what_if.CHANGES``, or ``volume:`` and a volume in mm³ of a mask drawn anew.
    """
    effect = queries.derived(_effect, patient_id, criteria_id, kind, session_id)
    if effect is None:
        return NOT_KNOWN
    if effect.is_same:
        return f"The latest verdict stays: {_told(effect.after)}."
    return f"The latest verdict changes: {_told(effect.before)} → {_told(effect.after)}."


def _effect(patient_id: str, criteria_id: str, kind: str, session_id: str) -> what_if.Effect | None:
    courses = queries.query("patient_judged_course", patient_id=patient_id)
    criteria = queries.criteria_of(criteria_id)
    if courses.empty or criteria is None:
        return None
    course = course_text.from_text(str(courses.iloc[0]["course"]))
    if session_id not in {visit.session_id for visit in course.visits}:
        return None
    if kind.startswith("volume:"):
        changed = what_if.with_volume(course, session_id, float(kind.removeprefix("volume:")))
    elif kind == "accept_mask" and next(v for v in course.visits if v.session_id == session_id).volume_mm3 is None:
        return None  # a mask that was only carried over counts once it is accepted: its size is not judged yet
    else:
        changed = what_if.CHANGES[kind](course, session_id, "you")
    return what_if.effect(course, changed, criteria)


def _told(verdict: VisitJudgement) -> str:
    row = {
        "state": str(verdict.state),
        "display_state": str(verdict.display_state),
        "clauses": verdict.clauses,
        "is_provisional": verdict.provisional,
    }
    return f"{acts_beside.verdict(row)} on {verdict.acquired_on}"
