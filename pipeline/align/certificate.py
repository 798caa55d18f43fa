"""How well a follow-up lies on the reference: the measures, the grade and its reasons in words.

A grade says what the alignment may be used for: **A** compare at will; **B** look before relying on it; **C** do
not use, the two scans could not be brought together. Grades rest on the images alone, never on the result wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.transform import Transform, move_points
from pipeline.core.volume import Volume, voxel_centres_mm

Grade = Literal["A", "B", "C"]


@dataclass(frozen=True)
class Limits:
    """What a good pair reaches: at least ``correlation_a`` in mean local correlation for A, ``correlation_c`` for B."""

    correlation_a: float
    correlation_c: float


BETWEEN_VISITS = Limits(0.70, 0.60)
"""Same contrast, after the fine bend. Good pairs reached 0.82 and more, places that were wrong and not caught
otherwise 0.55 and less; the first number is the middle between them on Fisher's scale."""

WITHIN_VISIT = Limits(0.38, 0.27)
"""Two contrasts of one visit, without the sign and without a bend; unrelated images reach about 0.2."""

ACROSS_CONTRASTS = Limits(0.95, 0.42)
"""Visits of different contrast, by their edges. Most right pairs reached 0.41 to 0.66 (one 0.36), wrong patients 0.22
and heavy motion 0.44 at most; another region reached 0.64, with no lead over its mirror image. So there is no A."""

HEADER_MM, CORRELATION_WITH_HEADER_C, LEAD_WITH_HEADER = 5.0, 0.22, 0.04
"""Scans of different contrast and one sitting lie where the scanner says. Where a search over all shifts, which knows
nothing of that, comes within the first of it, mm, and leads the next best place by the third, the edges need to agree
by the second only. Right pairs came within 2.1 mm with 0.24 to 0.36; scans of other people 10 mm away or more."""

POOR = "the two scans agree poorly once aligned"

MIRROR_A = 0.10
MIRROR_C = -0.05
"""Lead over the follow-up's own mirror image on Fisher's scale: at least the first for A, below the second C.
Without any evidence the lead is 0; right pairs led by 0.21 and more, flipped ones trailed by 0.28 and more."""

MOST_DOUBTS_OF_LIKENESS = 1
MOST_DOUBTS = 2
"""With more shortcomings of grade B than this, each from another measure, the alignment is not believed at all. Poor
agreement, an equally good mirror image and an equally good other place each say that the images do not speak for this
place: two of them together leave nothing that does."""

MARGIN_A = 0.05
"""Lead in local correlation over the next best place along the spine that grade A asks for."""

INCONSISTENCY_A_MM = 1.0
INCONSISTENCY_C_MM = 4.0
"""Distance after going to the follow-up and back by two independent bends: at most the first for A, above the
second C, mm."""

ALONG_CORD_A_MM = 2.0
"""Largest miss anywhere along the cord, mm, that grade A allows where the whole cord is what was aligned: going there
and back over a stretch of it, and between the cord as moved and the cord found on the follow-up."""

STRETCH_MM = 5.0
"""Length of the stretches of a region that are looked at one by one, mm."""

CLOSURE_A_MM = 1.0
"""Distance after going to the visit by way of an earlier one, at most for A, mm. Above it one of three alignments is
wrong and nothing says which, so it is a doubt and no verdict. Good triples closed within 0.34 mm."""

JACOBIAN_RANGE = (0.5, 2.0)
"""Local volume change a spine can plausibly show between visits; beyond it the bend is not believed."""

COVERAGE_A = 0.95
COVERAGE_C = 0.25
"""Share of the reference region inside the follow-up's field of view."""

COVERAGE_OF_CORD_A = 0.5
"""The same where the region is all of the cord that the reference shows: two scans rarely begin and end alike,
and what only one of them covers is judged nowhere."""

NO_CORD = "nobody drew a lesion and no cord was found on the fixed scan ({reason}): aligned around the scan's middle"


@dataclass(frozen=True)
class Measures:
    """What was measured on a finished alignment, before it is judged.

    Attributes
    ----------
    local_correlation
        Mean local correlation after the bend, each place counting by its contrast, -1 to 1.
    similarity
        Correlation over the whole box after the bend, -1 to 1.
    mirrored_correlation
        Local correlation of the follow-up's mirror image at the same place, aligned as well as the scan itself; None
        when it was not tried.
    runner_up_correlation
        Local correlation of the next best place at least half a vertebra away, after its own coarse bend; None when
        there was no other place.
    winner_correlation
        Local correlation of the chosen place at that same coarse stage.
    inverse_consistency_mm
        Mean distance over the region after going to the follow-up and back by two independently found bends, mm; None
        for a rigid alignment, which is found one way only.
    jacobian_min, jacobian_max
        Extremes of the local volume ratio of the bend.
    coverage_ratio
        Share of the reference region inside the follow-up's field of view, 0 to 1.
    spacing_ratio
        Coarsest voxel edge of one scan over that of the other, at least 1.
    closure_mm
        Mean distance over the region between going to the follow-up straight and by way of an earlier visit, mm; None
        when there was no earlier visit to go by.
    worst_inconsistency_mm
        As ``inverse_consistency_mm``, over that stretch of the region's length where it is largest; None as there. It
        lowers a grade only where the region is the whole cord.
    is_whole_cord
        The region is not a lesion but all of the cord found on the reference, which a follow-up need not cover.
    cord_apart_mm
        Largest distance between the reference's cord as moved and the cord found on the follow-up, mm; None when not
        compared.
    header_apart_mm
        Distance at the middle of the box between the place that a search over all shifts chose and the one that the
        scanner's positions mean, mm; None where it was not compared.
    no_cord_reason
        Why the middle of the scan had to do for a region: nobody drew a lesion and no cord was found. None otherwise.
    """

    local_correlation: float
    similarity: float
    mirrored_correlation: float | None
    runner_up_correlation: float | None
    winner_correlation: float
    inverse_consistency_mm: float | None
    jacobian_min: float
    jacobian_max: float
    coverage_ratio: float
    spacing_ratio: float
    closure_mm: float | None
    worst_inconsistency_mm: float | None = field(default=None, kw_only=True)
    is_whole_cord: bool = field(default=False, kw_only=True)
    cord_apart_mm: float | None = field(default=None, kw_only=True)
    no_cord_reason: str | None = field(default=None, kw_only=True)
    header_apart_mm: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class AlignmentQuality(Measures):
    """Measures with the grade they earn and why it is not better.

    Attributes
    ----------
    grade
        ``A``, ``B`` or ``C``.
    reasons
        One sentence per shortcoming; empty for grade A.
    """

    grade: Grade
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Alignment:
    """A follow-up laid on the reference.

    Attributes
    ----------
    to_follow_up
        Moves points from the reference to the follow-up; pulls the follow-up onto the reference grid.
    to_reference
        Its inverse.
    quality
        Measures, grade and reasons.
    method
        Name and version of the recipe.
    around
        What it was aligned around, in words, where that was not a mask somebody drew; else empty.
    """

    to_follow_up: Transform
    to_reference: Transform
    quality: AlignmentQuality
    method: str
    around: str = ""


def judged(measures: Measures, limits: Limits = BETWEEN_VISITS) -> AlignmentQuality:
    """Grade an alignment by its measures: the worst of its findings decides, and many doubts together are a C."""
    likeness, geometry = _of_likeness(measures, limits), _of_geometry(measures)
    grade: Grade = max((doubted for doubted, _ in (*likeness, *geometry)), default="A")
    reasons = [reason for _, reason in (*likeness, *geometry)]
    spare = 2 if agrees_with_header(measures) else 0  # it answers for the place, and for left and right
    too_many = len(likeness) > MOST_DOUBTS_OF_LIKENESS + spare or len(reasons) > MOST_DOUBTS + spare
    if grade == "B" and too_many:
        grade = "C"
        reasons.append("so many doubts together are too many")
    if measures.no_cord_reason is not None:  # no doubt about what was found: it says where to look was a guess
        grade = max(grade, "B")
        reasons.append(NO_CORD.format(reason=measures.no_cord_reason))
    return AlignmentQuality(**vars(measures), grade=grade, reasons=tuple(reasons))


def judged_with_closure(quality: AlignmentQuality, closure_mm: float) -> AlignmentQuality:
    """Grade an alignment again with its closure over an earlier visit."""
    return _judged_anew(quality, BETWEEN_VISITS, closure_mm=closure_mm)


def judged_around_cord(quality: AlignmentQuality, limits: Limits, apart_mm: float | None) -> AlignmentQuality:
    """Grade an alignment around the whole cord by its worst stretch, not by its mean alone.

    Parameters
    ----------
    quality
        As :func:`judged` gave it.
    limits
        The limits that it was judged by.
    apart_mm
        Largest distance between the reference's cord as moved and the cord found on the follow-up, mm; None where
        no cord was found there.
    """
    return _judged_anew(quality, limits, is_whole_cord=True, cord_apart_mm=apart_mm)


def judged_without_cord(quality: AlignmentQuality, limits: Limits, reason: str) -> AlignmentQuality:
    """Grade an alignment around the middle of a scan on which no cord was found: B at best, and C stays C."""
    return _judged_anew(quality, limits, no_cord_reason=reason)


def _judged_anew(quality: AlignmentQuality, limits: Limits, **more: Any) -> AlignmentQuality:
    """Judge the measures of a quality again, with some of them changed."""
    measured = {measure.name: getattr(quality, measure.name) for measure in fields(Measures)}
    return judged(Measures(**{**measured, **more}), limits)


def _of_likeness(m: Measures, limits: Limits) -> list[tuple[Grade, str]]:
    """Return what is wrong with how alike the scans are, each with the grade it allows at best."""
    doubts: list[tuple[Grade, str]] = []
    if m.winner_correlation <= 0.0:
        doubts.append(("C", "no place was found where the follow-up shows this part of the spine"))
    if m.local_correlation < limits.correlation_a:
        least = limits.correlation_c
        if limits is ACROSS_CONTRASTS and agrees_with_header(m):
            least = CORRELATION_WITH_HEADER_C
        worst: Grade = "C" if m.local_correlation < least else "B"
        what = "scans of different contrast, compared by their edges alone" if limits is ACROSS_CONTRASTS else POOR
        doubts.append((worst, f"{what} (local correlation {m.local_correlation:.2f})"))
    lead = mirror_lead(m.local_correlation, m.mirrored_correlation)
    if lead is not None and lead < MIRROR_C:
        doubts.append(("C", f"its mirror image fits better ({_both(m)}): left and right may be swapped"))
    elif lead is not None and lead < MIRROR_A:
        doubts.append(("B", f"its mirror image fits as well ({_both(m)}): left and right cannot be told apart"))
    if m.runner_up_correlation is not None and m.winner_correlation - m.runner_up_correlation < MARGIN_A:
        doubts.append(("B", "another place along the spine fits almost as well; the match may be one vertebra off"))
    return doubts


def agrees_with_header(m: Measures) -> bool:
    """Say whether the images, searched without it, led clearly to the place that the scanner's positions mean."""
    lead = m.winner_correlation - (m.runner_up_correlation or 0.0)
    return m.header_apart_mm is not None and m.header_apart_mm <= HEADER_MM and lead >= LEAD_WITH_HEADER


def _of_geometry(m: Measures) -> list[tuple[Grade, str]]:
    """Return what is wrong with the transform itself, each with the grade it allows at best."""
    doubts: list[tuple[Grade, str]] = []
    if m.inverse_consistency_mm is not None and m.inverse_consistency_mm > INCONSISTENCY_A_MM:
        worst: Grade = "C" if m.inverse_consistency_mm > INCONSISTENCY_C_MM else "B"
        doubts.append((worst, f"going there and back misses by {m.inverse_consistency_mm:.1f} mm"))
    if m.closure_mm is not None and m.closure_mm > CLOSURE_A_MM:
        doubts.append(("B", f"going there by way of an earlier visit misses by {m.closure_mm:.1f} mm"))
    if m.jacobian_min < JACOBIAN_RANGE[0] or m.jacobian_max > JACOBIAN_RANGE[1]:
        doubts.append(("C", f"the bend is implausible (local volume {m.jacobian_min:.2f} to {m.jacobian_max:.2f})"))
    if m.coverage_ratio < (COVERAGE_OF_CORD_A if m.is_whole_cord else COVERAGE_A):
        worst = "C" if m.coverage_ratio < COVERAGE_C else "B"
        of_what = "cord" if m.is_whole_cord else "lesion region"
        doubts.append((worst, f"the follow-up covers only {m.coverage_ratio:.0%} of the {of_what}"))
    return [*doubts, *_along_cord(m)]


def _along_cord(m: Measures) -> list[tuple[Grade, str]]:
    """Return what is wrong somewhere along the cord, where the whole of it is what was aligned."""
    doubts: list[tuple[Grade, str]] = []
    worst_mm = m.worst_inconsistency_mm
    if m.is_whole_cord and worst_mm is not None and worst_mm > ALONG_CORD_A_MM:
        doubts.append(("B", f"going there and back misses by {worst_mm:.1f} mm somewhere along the cord"))
    if m.is_whole_cord and m.cord_apart_mm is not None and m.cord_apart_mm > ALONG_CORD_A_MM:
        doubts.append(("B", f"the cord lies up to {m.cord_apart_mm:.1f} mm from the cord found on the follow-up"))
    return doubts


def mirror_lead(local_correlation: float, mirrored_correlation: float | None) -> float | None:
    """Return by how much a scan fits better than its own mirror image, on Fisher's scale; None when not tried.

    Fisher's scale (inverse hyperbolic tangent) makes equal steps of a correlation mean equally much near 1 and near 0.

    Examples
    --------
    >>> round(mirror_lead(0.84, 0.73), 2), mirror_lead(0.84, None)
    (0.29, None)
    """
    if mirrored_correlation is None:
        return None
    first, second = np.clip([local_correlation, mirrored_correlation], -0.999, 0.999)
    return float(np.arctanh(first) - np.arctanh(second))


def mirror_across(centre_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix ``(4, 4)`` that swaps left and right about a point, RAS+ mm."""
    matrix = np.diag([-1.0, 1.0, 1.0, 1.0])
    matrix[0, 3] = 2.0 * centre_mm[0]
    return matrix


def _both(m: Measures) -> str:
    return f"local correlation {m.mirrored_correlation:.2f} against {m.local_correlation:.2f}"


def jacobian_range(transform: Transform) -> tuple[float, float]:
    """Return the smallest and largest local volume ratio of a transform's bend; (1, 1) when there is none."""
    if transform.bend_mm is None or transform.bend_affine is None:
        return 1.0, 1.0
    spacing_mm = np.linalg.norm(transform.bend_affine[:3, :3], axis=0)
    gradients = np.gradient(transform.bend_mm, *spacing_mm, axis=(0, 1, 2))
    ratio = np.linalg.det(np.eye(3) + np.stack(gradients, axis=-1))
    return float(ratio.min()), float(ratio.max())


def round_trip_mm(there: Transform, back: Transform, points_mm: NDArray[np.float64]) -> float:
    """Return the mean distance between points ``(N, 3)`` and where going there and back leaves them, mm."""
    returned = move_points(back, move_points(there, points_mm))
    return float(np.linalg.norm(returned - points_mm, axis=-1).mean())


def worst_round_trip_mm(there: Transform, back: Transform, points_mm: NDArray[np.float64]) -> float:
    """Return the largest mean of :func:`round_trip_mm` over stretches of :data:`STRETCH_MM` from foot to head, mm."""
    missed_mm = np.linalg.norm(move_points(back, move_points(there, points_mm)) - points_mm, axis=-1)
    stretch = np.floor((points_mm[:, 2] - points_mm[:, 2].min()) / STRETCH_MM).astype(int)
    count = np.bincount(stretch)
    return float((np.bincount(stretch, weights=missed_mm) / np.maximum(count, 1)).max())


def halfway(there: Transform, back: Transform) -> Transform:
    """Return ``there`` corrected by half of what ``back``, found independently, disagrees.

    Parameters
    ----------
    there
        Moves points from the reference to the follow-up; must hold a bend.
    back
        Moves points from the follow-up to the reference.
    """
    if there.bend_mm is None or there.bend_affine is None:
        return there
    points_mm = voxel_centres_mm(Volume(there.bend_mm[..., 0], there.bend_affine)).reshape(-1, 3)
    missed = move_points(back, move_points(there, points_mm)) - points_mm
    bend_mm = there.bend_mm - 0.5 * missed.reshape(there.bend_mm.shape)
    return Transform(there.source, there.target, there.matrix, bend_mm, there.bend_affine)


def spacing_ratio(reference: Volume, follow_up: Volume) -> float:
    """Return the coarsest voxel edge of one scan over that of the other, at least 1."""
    edges_mm = sorted((float(reference.spacing_mm.max()), float(follow_up.spacing_mm.max())))
    return edges_mm[1] / edges_mm[0]
