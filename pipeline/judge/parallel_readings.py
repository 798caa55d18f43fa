"""What else the same scans say: solid tumour with its cyst counted, and enhancing beside T2 tumour.

Solid tumour alone decides. Beside it stand readings of other sizes, reached by the very function that judges the solid
tumour, from the same treatments and under the same criteria. Volumes add, diameters do not: with its cyst counted a
tumour is judged by volume only. A compartment that was not measured at a visit leaves that reading without a size
there, never with 0. What this module refuses: a cyst that is not the tumour's own (polar cysts and syrinx), and a
reading of a visit on whose day nobody had measured such a compartment yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.core.vocabulary import (
    ENHANCING,
    Category,
    DisplayState,
    MaskOrigin,
    PartSize,
    PatientCourse,
    ReadingKind,
    State,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.judge import epochs, mixed_rule
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.response import judge_visits

SHARED_ERROR = 0.25
"""Correlation of the errors of a solid tumour and its cyst on one scan.

One hand draws both on one scan: where the outline of the whole lies too far out, both are too large, while the wall
between them takes from one what it gives to the other. An error of the outline is proportional to the surface,
V^(2/3) (the closed form behind ``measurement_error.geometric_cv``); one outline around both then has the error of a sum
whose parts correlate by 0.21 (1 to 8) to 0.26 (equal parts). Independent errors (0) would be too sure of the sum; the
same error twice (1) would not see what a sum tells better than its parts.
"""

GROWN = (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)
NOT_LOOKED_FOR = "was not measured on this scan"
SUBJECTS = {
    ReadingKind.SOLID_AND_CYST: "solid tumour and cyst",
    ReadingKind.ENHANCING: ENHANCING,
    ReadingKind.T2: "T2 tumour",
}

UNREAD = {
    ReadingKind.SOLID_AND_CYST: "no cyst of the tumour was measured",
    ReadingKind.ENHANCING: "no enhancing tumour was measured",
    ReadingKind.T2: "no tumour was measured on a T2 scan beside enhancing tumour",
    ReadingKind.MIXED: "enhancing and T2 tumour were not both measured",
}
"""Why there is no such reading."""


@dataclass(frozen=True)
class ReadingVerdict:
    """The verdict of one reading at one visit.

    Attributes
    ----------
    measure
        What was judged; None of the mixed reading, which has no size of its own.
    differs
        It is evaluable and says another category or change than solid tumour alone, which is evaluable too.
    """

    reading: ReadingKind
    judgement: VisitJudgement
    measure: VisitMeasure | None
    differs: bool


def readings(
    course: PatientCourse, solid: Sequence[VisitJudgement], criteria: ResponseCriteria
) -> tuple[ReadingVerdict, ...]:
    """Judge what else the scans of a patient say, by visit and reading.

    Parameters
    ----------
    course
        As it was judged.
    solid
        The verdicts on solid tumour alone under the same criteria, one per visit.
    criteria
        The rules.

    Returns
    -------
    tuple of ReadingVerdict
        In date order from the first visit by whose day the compartments had been measured; none where they never were.
    """
    decided = {one.session_id: one for one in solid}
    verdicts = [*_with_cyst(course, decided, criteria), *_in_parallel(course, decided, criteria)]
    order = {visit.session_id: number for number, visit in enumerate(epochs.in_order(course.visits))}
    return tuple(
        sorted(verdicts, key=lambda one: (order[one.judgement.session_id], list(ReadingKind).index(one.reading)))
    )


def latest(
    course: PatientCourse, solid: Sequence[VisitJudgement], criteria: ResponseCriteria
) -> dict[ReadingKind, VisitJudgement]:
    """Return the latest verdict of each reading that there is."""
    return {one.reading: one.judgement for one in readings(course, solid, criteria)}


def compared(
    kind: ReadingKind, now: Mapping[ReadingKind, VisitJudgement], changed: Mapping[ReadingKind, VisitJudgement]
) -> tuple[VisitJudgement, VisitJudgement] | None:
    """Return a reading's latest verdict as it is and as it would be, one not evaluable where only the other is there.

    None where the reading is in neither.
    """
    before, after = now.get(kind), changed.get(kind)
    if before is None and after is None:
        return None
    return before or _unread(kind, after), after or _unread(kind, before)


def _unread(kind: ReadingKind, other: VisitJudgement | None) -> VisitJudgement:
    assert other is not None  # one of the two is there
    return replace(
        other,
        category=Category.NE,
        state=State.NOT_EVALUABLE,
        display_state=DisplayState.NOT_EVALUABLE,
        confirmed=True,
        provisional=False,
        change_ratio=None,
        reason=f"Not evaluable: {UNREAD[kind]}.",
        clauses="[]",
    )


def _with_cyst(
    course: PatientCourse, decided: dict[str, VisitJudgement], criteria: ResponseCriteria
) -> list[ReadingVerdict]:
    """Judge solid tumour and cyst together, from the first scan on that shows a cyst."""
    shown = _from_first(course, lambda visit: _has(visit.cyst))
    if criteria.metric != Metric.VOLUME or not shown:
        return []
    counted = {visit.session_id: with_cyst(visit) for visit in course.visits}
    undated = tuple(map(with_cyst, course.undated))
    together = judge_visits(replace(course, visits=tuple(counted.values()), undated=undated), criteria, shown)
    return [
        ReadingVerdict(ReadingKind.SOLID_AND_CYST, one, counted[one.session_id], _differs(one, decided[one.session_id]))
        for one in together
    ]


def _in_parallel(
    course: PatientCourse, decided: dict[str, VisitJudgement], criteria: ResponseCriteria
) -> list[ReadingVerdict]:
    """Judge enhancing and T2 tumour apart and together, from the first scan on by which both had been measured."""
    if criteria.mixed is None:
        return []
    shown = _from_first(course, lambda visit: _has(visit.enhancing))
    shown &= _from_first(course, lambda visit: _on_t2(visit).volume_mm3 is not None)
    if not shown:
        return []
    makes_tumours = epochs.makes_new_tumours(course.syndrome, criteria.new_lesion)
    enhancing = {visit.session_id: enhancing_part(visit, makes_tumours=makes_tumours) for visit in course.visits}
    t2 = {visit.session_id: _on_t2(visit) for visit in course.visits}
    unplaced = tuple(enhancing_part(visit, makes_tumours=makes_tumours) for visit in course.undated)
    alone = replace(course, visits=tuple(enhancing.values()), undated=unplaced, function_scores=(), is_enhancing=True)
    outline = replace(course, visits=tuple(t2.values()), undated=tuple(map(_on_t2, course.undated)), is_enhancing=False)
    verdicts = []
    parts, outlines = (judge_visits(one, criteria, shown) for one in (alone, outline))
    for part, other in zip(parts, outlines, strict=True):
        name = part.session_id
        both = mixed_rule.combined(part, other, criteria)
        verdicts += [
            ReadingVerdict(ReadingKind.ENHANCING, part, enhancing[name], differs=False),
            ReadingVerdict(ReadingKind.T2, other, t2[name], differs=False),
            ReadingVerdict(ReadingKind.MIXED, both, None, _adds(both, decided[name])),
        ]
    return verdicts


def _has(part: PartSize | None) -> bool:
    return part is not None and bool(part.volume_mm3 or part.product_mm2 or part.longest_mm)


def _from_first(course: PatientCourse, is_measured: Callable[[VisitMeasure], bool]) -> frozenset[str]:
    """Return the visits from the first one on of which something is true; what comes later opens no earlier one."""
    visits = epochs.in_order(course.visits)
    first = next((number for number, visit in enumerate(visits) if is_measured(visit)), len(visits))
    return frozenset(visit.session_id for visit in visits[first:])


def _differs(other: VisitJudgement, solid: VisitJudgement) -> bool:
    if Category.NE in (other.category, solid.category):
        return False
    return (other.category_shown, other.display_state) != (solid.category_shown, solid.display_state)


def _adds(mixed: VisitJudgement, solid: VisitJudgement) -> bool:
    """Say whether the parts together are another category, or one may have grown where the outline has not."""
    if Category.NE in (mixed.category, solid.category):
        return False
    grown = mixed.display_state in GROWN and solid.display_state not in GROWN
    return grown or mixed.category_shown != solid.category_shown


def with_cyst(visit: VisitMeasure) -> VisitMeasure:
    """Return a visit whose size is that of solid tumour and cyst together; None where either was not measured.

    Examples
    --------
    >>> from datetime import date
    >>> visit = VisitMeasure("ses-1", date(2020, 1, 1), 1000.0, 0.10, cyst=PartSize(2000.0, 0.08))
    >>> found = with_cyst(visit)
    >>> found.volume_mm3, round(found.volume_cv or 0, 3)
    (3000.0, 0.07)
    """
    counted = replace(visit, subject=SUBJECTS[ReadingKind.SOLID_AND_CYST], product_mm2=None)
    cyst = visit.cyst
    if visit.volume_mm3 is None:
        return counted
    if cyst is None or cyst.volume_mm3 is None:
        why = f": {cyst.missing_reason}" if cyst is not None and cyst.missing_reason else ""
        missing = f"the cyst {NOT_LOOKED_FOR}{why}"
        return replace(counted, volume_mm3=None, volume_cv=None, longest_mm=None, missing_reason=missing)
    total_mm3 = visit.volume_mm3 + cyst.volume_mm3
    return replace(
        counted,
        volume_mm3=total_mm3,
        volume_cv=_error_of_sum((visit.volume_mm3, visit.volume_cv), (cyst.volume_mm3, cyst.volume_cv)),
        cv_is_assumed=visit.cv_is_assumed or cyst.cv_is_assumed,
        slices_spanned=max(visit.slices_spanned or 0, cyst.slices_spanned or 0) or None,
        bound_reason=visit.bound_reason or cyst.bound_reason,
        **_origin(cyst),
    )


def _error_of_sum(*parts: tuple[float, float | None]) -> float | None:
    """Return the coefficient of variation of a sum; None of nothing, and where the error of one part is not known."""
    seen = [(volume_mm3, cv) for volume_mm3, cv in parts if volume_mm3]
    if not seen or any(cv is None for _, cv in seen):
        return None
    spreads_mm3 = [volume_mm3 * (cv or 0.0) for volume_mm3, cv in seen]
    squares_mm6 = sum(spread**2 for spread in spreads_mm3)
    shared = SHARED_ERROR * (sum(spreads_mm3) ** 2 - squares_mm6)
    return float((squares_mm6 + shared) ** 0.5) / sum(volume_mm3 for volume_mm3, _ in seen)


def _origin(part: PartSize) -> dict[str, Any]:
    """Return whose mask a size rests on: an unsigned automatic one makes the whole unsigned."""
    return {"mask_origin": MaskOrigin.AUTOMATIC, "signed_off": False} if part.is_unsigned else {}


def enhancing_part(visit: VisitMeasure, *, makes_tumours: bool = False) -> VisitMeasure:
    """Return a visit whose sizes are those of the part that enhances; marks and function belong to the whole tumour.

    Parameters
    ----------
    makes_tumours
        The patient's syndrome makes new tumours by itself: where there are some, nobody measured how much of what
        enhances is theirs.
    """
    part = visit.enhancing or PartSize(None)
    missing = part.missing_reason
    if part.volume_mm3 is None and missing is None:
        missing = f"enhancing tumour {NOT_LOOKED_FOR}"
    if makes_tumours and visit.new_tumour_mm3 and part.volume_mm3 is not None:
        part, missing = PartSize(None), "new tumours enhance too, and their part was not measured apart"
    measure = replace(
        visit,
        subject=SUBJECTS[ReadingKind.ENHANCING],
        volume_mm3=part.volume_mm3,
        volume_cv=part.volume_cv,
        cv_is_assumed=part.cv_is_assumed,
        product_mm2=part.product_mm2,
        longest_mm=part.longest_mm,
        slices_spanned=part.slices_spanned,
        bound_reason=part.bound_reason,
        missing_reason=missing,
        enhancing_mm3=part.volume_mm3,
        new_lesion=False,
        leptomeningeal=None,
        new_tumour_mm3=0.0,
        withdrawn_on=None,
        withdrawn_words=None,
    )
    return replace(measure, **_origin(part)) if part.is_unsigned else replace(measure, signed_off=True)


def _on_t2(visit: VisitMeasure) -> VisitMeasure:
    """Return a visit with its solid tumour as the T2 part; none where it was outlined on a T1-weighted scan."""
    outline = replace(visit, subject=SUBJECTS[ReadingKind.T2], enhancing_mm3=None)
    if visit.volume_mm3 is None or not (visit.contrast or "").startswith("T1"):
        return outline
    missing = f"the tumour was outlined on {visit.contrast}, not on a T2-weighted scan"
    return replace(outline, volume_mm3=None, volume_cv=None, product_mm2=None, longest_mm=None, missing_reason=missing)
