"""Loss of function caused by the tumour: when it counts as progression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from pipeline.core.function_scales import scale_name
from pipeline.core.vocabulary import FunctionGrade, PatientCourse
from pipeline.judge.criteria import Clinical
from pipeline.judge.epochs import Epoch


def declines(
    course: PatientCourse, epoch: Epoch, rule: Clinical | None, *, by_tumour: bool = True
) -> tuple[tuple[date, str], ...]:
    """Return each assessment of an epoch that proves or ends a loss of function caused by the tumour.

    Worse means by at least the rule's grades than the best grade since the last surgery, at the rule's number of
    assessments in a row, all attributed to the tumour. A loss that was proven before the epoch is where it starts
    from. Scales are never pooled.

    Parameters
    ----------
    course, epoch, rule
        The patient's, the course within it, and what is asked for; None asks for nothing.
    by_tumour
        Only losses count that are put down to the tumour; else all.

    Returns
    -------
    tuple
        Dates in order, with the loss in words from that day on; empty words where it is over.
    """
    if rule is None:
        return ()
    since = epoch.after_surgery_on or date.min
    scores = [s for s in course.function_scores if since < s.assessed_on < epoch.ends_before]
    changes = [
        change
        for scale_id in rule.scale_ids
        for change in _declines_on_scale(
            [
                replace(s, tumour_related=s.tumour_related or not by_tumour)
                for s in scores
                if s.scale_id.lower() == scale_id
            ],
            epoch,
            rule,
        )
    ]
    return tuple(sorted(changes))


def _declines_on_scale(scores: Sequence[FunctionGrade], epoch: Epoch, rule: Clinical) -> Iterator[tuple[date, str]]:
    ordered = sorted(scores, key=lambda score: (score.assessed_on, score.grade))
    in_a_row = 0
    best = last = float("inf")
    is_inside = False
    for score in ordered:
        if score.assessed_on >= epoch.starts_on and not is_inside:
            is_inside = True
            if in_a_row >= rule.assessments:
                in_a_row, best = 0, last
        worse = score.tumour_related and score.grade >= best + rule.worse_by_grades
        in_a_row = in_a_row + 1 if worse else 0
        best, last = min(best, score.grade), score.grade
        words = f"{scale_name(score.scale_id)} grade {score.grade:g} on {score.assessed_on}, best {best:g}"
        if is_inside:
            yield score.assessed_on, words if in_a_row >= rule.assessments else ""


def proven(course: PatientCourse, epochs: Iterable[Epoch], rule: Clinical | None) -> tuple[tuple[date, str], ...]:
    """Return the days on which a loss of function was proven, scanned or not, with the loss in words."""
    return tuple((day, words) for epoch in epochs for day, words in declines(course, epoch, rule) if words)


def unattributed_at(course: PatientCourse, epoch: Epoch, rule: Clinical | None, on: date) -> str:
    """Return the loss of function by a day that nobody put down to the tumour, in words; empty where there is none."""
    if decline_at(declines(course, epoch, rule), on):
        return ""
    return decline_at(declines(course, epoch, rule, by_tumour=False), on)


def seen_once(course: PatientCourse, epoch: Epoch, rule: Clinical | None, on: date) -> str:
    """Return the loss that the last assessment of all shows, by a day, too few times to count; empty for none."""
    is_last = all(score.assessed_on <= on for score in course.function_scores)
    if rule is None or not is_last or decline_at(declines(course, epoch, rule), on):
        return ""
    return decline_at(declines(course, epoch, replace(rule, assessments=1)), on)


def proven_after(course: PatientCourse, epoch: Epoch, rule: Clinical | None, on: date) -> tuple[date | None, str]:
    """Return when a loss of function was proven after a day, and it in words, where it stands since; else none."""
    changes = declines(course, epoch, rule)
    if decline_at(changes, on) or not decline_at(changes, date.max):
        return None, ""
    over = [number for number, (_, words) in enumerate(changes) if not words]
    return changes[over[-1] + 1 if over else 0]


def decline_at(changes: Sequence[tuple[date, str]], on: date) -> str:
    """Return the loss of function proven by a day, in words; empty when there is none."""
    return next((words for day, words in reversed(changes) if day <= on), "")
