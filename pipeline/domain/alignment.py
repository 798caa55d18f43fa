"""How well a follow-up lies on the reference: the measures, the grade and its reasons in words.

A grade says what the alignment may be used for: **A** compare at will; **B** look before relying on it; **C** do
not use, the two scans could not be brought together. Grades rest on the images alone, never on the result wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.grid import Volume, voxel_centres_mm
from pipeline.domain.transforms import Transform, move_points

Grade = Literal["A", "B", "C"]

CORRELATION_A = 0.50
CORRELATION_C = 0.35
"""Mean local correlation: at least the first for A, below the second C."""

CORRELATION_WITHIN_VISIT_A = 0.38
"""As :data:`CORRELATION_A` for two contrasts of one visit, without the sign; unrelated images reach about 0.2."""

MARGIN_A = 0.05
"""Lead in local correlation over the next best place along the spine that grade A asks for."""

INCONSISTENCY_A_MM = 1.0
INCONSISTENCY_C_MM = 4.0
"""Distance after going to the follow-up and back by two independent bends: at most the first for A, above the
second C, mm."""

JACOBIAN_RANGE = (0.5, 2.0)
"""Local volume change a spine can plausibly show between visits; beyond it the bend is not believed."""

COVERAGE_A = 0.95
COVERAGE_C = 0.25
"""Share of the reference region inside the follow-up's field of view."""


@dataclass(frozen=True)
class Measures:
    """What was measured on a finished alignment, before it is judged.

    Attributes
    ----------
    local_correlation
        Mean local correlation after the bend, each place counting by its contrast, -1 to 1.
    similarity
        Correlation over the whole box after the bend, -1 to 1.
    runner_up_correlation
        Local correlation of the next best place at least half a vertebra away, after its own coarse bend; None when
        there was no other place.
    winner_correlation
        Local correlation of the chosen place at that same coarse stage.
    inverse_consistency_mm
        Mean distance over the region after going to the follow-up and back by two independently found bends, mm.
    jacobian_min, jacobian_max
        Extremes of the local volume ratio of the bend.
    coverage_ratio
        Share of the reference region inside the follow-up's field of view, 0 to 1.
    spacing_ratio
        Coarsest voxel edge of one scan over that of the other, at least 1.
    """

    local_correlation: float
    similarity: float
    runner_up_correlation: float | None
    winner_correlation: float
    inverse_consistency_mm: float
    jacobian_min: float
    jacobian_max: float
    coverage_ratio: float
    spacing_ratio: float


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
    """

    to_follow_up: Transform
    to_reference: Transform
    quality: AlignmentQuality
    method: str


def judged(measures: Measures, good_correlation: float = CORRELATION_A) -> AlignmentQuality:
    """Grade an alignment by its measures: the worst of its findings decides.

    ``good_correlation`` is the local correlation that a good pair reaches; pairs of different contrast reach less.
    """
    findings = _findings(measures, good_correlation)
    grade: Grade = max((found for found, _ in findings), default="A")
    return AlignmentQuality(**vars(measures), grade=grade, reasons=tuple(reason for _, reason in findings))


def _findings(m: Measures, good_correlation: float) -> list[tuple[Grade, str]]:
    """Return every shortcoming with the grade it allows at best."""
    found: list[tuple[Grade, str]] = []
    if m.local_correlation < good_correlation:
        worst: Grade = "C" if m.local_correlation < good_correlation * CORRELATION_C / CORRELATION_A else "B"
        found.append((worst, f"the two scans agree poorly once aligned (local correlation {m.local_correlation:.2f})"))
    if m.runner_up_correlation is not None and m.winner_correlation - m.runner_up_correlation < MARGIN_A:
        found.append(("B", "another place along the spine fits almost as well; the match may be one vertebra off"))
    if m.inverse_consistency_mm > INCONSISTENCY_A_MM:
        worst = "C" if m.inverse_consistency_mm > INCONSISTENCY_C_MM else "B"
        found.append((worst, f"going there and back misses by {m.inverse_consistency_mm:.1f} mm"))
    if m.jacobian_min < JACOBIAN_RANGE[0] or m.jacobian_max > JACOBIAN_RANGE[1]:
        found.append(("C", f"the bend is implausible (local volume {m.jacobian_min:.2f} to {m.jacobian_max:.2f})"))
    if m.coverage_ratio < COVERAGE_A:
        worst = "C" if m.coverage_ratio < COVERAGE_C else "B"
        found.append((worst, f"the follow-up covers only {m.coverage_ratio:.0%} of the lesion region"))
    return found


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
