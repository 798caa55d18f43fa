"""The bend of the spine between two visits: smooth, stiff, found by making local correlation as high as it gets.

The displacement is a cubic B-spline on a coarse lattice of control points. Gauss-Newton steps raise the squared
local correlation; an elastic price on stretch and shear (none on turning) keeps vertebrae whole. The lattice is a
product of three axes, so the normal equations are three small tensor contractions, and a step costs about as much
as warping the image once. Everything is plain deterministic arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from pipeline.align.control_lattice import (
    COMPONENTS,
    add_normal_matrix,
    control_of,
    elastic,
    field_of,
    gathered,
    lattice_at,
    lattice_of,
)
from pipeline.align.sampling_window import Sample
from pipeline.align.similarity import local_fit
from pipeline.core.interpolation import interpolated
from pipeline.core.transform import Transform, bend_at, move_points
from pipeline.core.volume import Volume, to_voxel, voxel_centres_mm

FIELD_STEP_MM = 3.0
"""Spacing at which a finished bend is written down, mm: linear steps between are within 0.02 mm of the spline's."""

SETTLED_MM = 0.1
"""Steps end when no point moves more than this, mm."""


@dataclass(frozen=True)
class Stiffness:
    """How a bend may move.

    Attributes
    ----------
    step_mm
        Spacing of the samples compared, mm.
    control_mm
        Spacing of the control points, mm: nothing shorter can bend.
    window_mm
        Standard deviation of the window of local correlation, mm.
    strain
        Price of stretch and shear against correlation, dimensionless.
    rounds
        Gauss-Newton steps at most.
    """

    step_mm: float
    control_mm: float
    window_mm: float
    strain: float
    rounds: int


COARSE = Stiffness(step_mm=2.0, control_mm=40.0, window_mm=6.0, strain=2.0, rounds=12)
FINE = Stiffness(step_mm=1.0, control_mm=20.0, window_mm=4.0, strain=2.0, rounds=5)


def bend(
    reference: Sample, weight: NDArray[np.float64], follow_up: Volume, begin: Transform, stiffness: Stiffness
) -> Transform:
    """Improve the bend of a transform; its matrix stays as it is.

    Parameters
    ----------
    reference
        The reference sampled every ``stiffness.step_mm``.
    weight
        Shape of the sample; 0 where the reference is unknown or excluded.
    follow_up
        The follow-up scan in its own grid, standardised to deviation near 1 and blurred as the step asks for.
    begin
        Moves points from the reference to the follow-up.
    stiffness
        What the bend may do.

    Returns
    -------
    Transform
        As ``begin``, with the bend sampled every :data:`FIELD_STEP_MM` over the reference sample's box.
    """
    grid = Volume(reference.values, reference.affine)
    lattice = lattice_of(reference.values.shape, np.full(3, stiffness.step_mm), stiffness.control_mm)
    points_mm = voxel_centres_mm(grid)
    price = stiffness.strain * elastic(lattice)
    control = control_of(lattice, bend_at(begin, points_mm.reshape(-1, 3)).reshape(points_mm.shape))
    window = stiffness.window_mm / stiffness.step_mm
    voxels, ones = np.argwhere(np.ones(weight.shape, dtype=bool)), np.ones((weight.size, 1))
    for _ in range(stiffness.rounds):
        moved, is_inside = _look_up(follow_up, begin, points_mm + field_of(lattice, control))
        pull, curvature = _push(reference, moved, weight * is_inside, window, stiffness.step_mm)
        normal = price.copy()
        add_normal_matrix(lattice, voxels, curvature.reshape(-1, len(COMPONENTS)), normal)
        normal[np.diag_indices_from(normal)] += 1e-6 * np.trace(normal - price) / len(normal) + 1e-9
        pulled = gathered(lattice, voxels, pull.reshape(-1, 3), ones)
        right = pulled.ravel() - price @ control.ravel()
        step = np.asarray(linalg.solve(normal, right, assume_a="pos")).reshape(control.shape)
        control += step
        if np.abs(field_of(lattice, step)).max() < SETTLED_MM:
            break
    return _as_transform(begin, control, grid, stiffness)


def _as_transform(begin: Transform, control: NDArray[np.float64], grid: Volume, stiffness: Stiffness) -> Transform:
    """Write the spline down as a displacement field on a grid of its own."""
    extent_mm = (np.array(grid.shape) - 1) * stiffness.step_mm
    places = [np.linspace(0.0, e, int(np.ceil(e / FIELD_STEP_MM)) + 1) for e in extent_mm]
    field_mm = field_of(lattice_at(places, stiffness.control_mm), control)
    affine = np.diag([*(p[1] - p[0] for p in places), 1.0])
    affine[:3, 3] = grid.affine[:3, 3]
    return Transform(begin.source, begin.target, begin.matrix, field_mm, affine)


def _look_up(
    follow_up: Volume, begin: Transform, points_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the follow-up's value at bent points of the reference world, and whether it is known there."""
    rigid = Transform(begin.source, begin.target, begin.matrix)
    index = to_voxel(follow_up.affine, move_points(rigid, points_mm.reshape(-1, 3)))
    values = interpolated(follow_up.array.reshape(-1, 1), follow_up.shape, index)
    is_inside = np.all((index >= -0.5) & (index <= np.array(follow_up.shape) - 0.5), axis=-1)
    return values.reshape(points_mm.shape[:3]), is_inside.reshape(points_mm.shape[:3])


def _push(
    reference: Sample, moved: NDArray[np.float64], weight: NDArray[np.float64], window: float, step_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ascent ``(I, J, K, 3)`` of squared local correlation and its curvature ``(I, J, K, 6)``."""
    fit = local_fit(reference.values, moved, weight, window)
    slope = np.stack(np.gradient(moved, step_mm), axis=-1) * (fit.correlation / fit.second_contrast)[..., None]
    missing = weight * (fit.first - fit.correlation * fit.second)
    curvature = np.stack([weight * slope[..., a] * slope[..., b] for a, b in COMPONENTS], axis=-1)
    return missing[..., None] * slope, curvature
