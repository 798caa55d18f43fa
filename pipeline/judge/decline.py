"""Loss of function caused by the tumour: when it counts as progression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from pipeline.core.vocabulary import FunctionGrade, PatientCourse
from pipeline.judge.criteria import Clinical
from pipeline.judge.epochs import Epoch


def declines(course: PatientCourse, epoch: Epoch, rule: Clinical | None) -> tuple[tuple[date, str], ...]:
    """Return each assessment of an epoch that proves or ends a loss of function caused by the tumour.

    Worse means by at least the rule's grades than the best grade of the epoch so far, at the rule's number of
    assessments in a row, all attributed to the tumour. Scales are never pooled.

    Returns
    -------
    tuple
        Dates in order, with the loss in words from that day on; empty words where it is over.
    """
    if rule is None:
        return ()
    own = [s for s in course.function_scores if epoch.starts_on <= s.assessed_on < epoch.ends_before]
    found = [
        change
        for scale_id in rule.scale_ids
        for change in _declines_on_scale([s for s in own if s.scale_id.lower() == scale_id], rule)
    ]
    return tuple(sorted(found))


def _declines_on_scale(scores: Sequence[FunctionGrade], rule: Clinical) -> Iterator[tuple[date, str]]:
    ordered = sorted(scores, key=lambda score: (score.assessed_on, score.grade))
    in_a_row = 0
    best = float("inf")
    for score in ordered:
        worse = score.tumour_related and score.grade >= best + rule.worse_by_grades
        in_a_row = in_a_row + 1 if worse else 0
        best = min(best, score.grade)
        words = f"{score.scale_id} grade {score.grade:g} on {score.assessed_on}, best {best:g}"
        yield score.assessed_on, words if in_a_row >= rule.assessments else ""


def decline_at(changes: Sequence[tuple[date, str]], on: date) -> str:
    """Return the loss of function proven by a day, in words; empty when there is none."""
    return next((words for day, words in reversed(changes) if day <= on), "")
