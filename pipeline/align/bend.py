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
from scipy import linalg, ndimage

from pipeline.align.sampling_window import Sample
from pipeline.align.similarity import local_fit
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


@dataclass(frozen=True, eq=False)
class Lattice:
    """Cubic B-splines along three axes: ``values[d]`` and ``slopes[d]`` have shape (samples, control points)."""

    values: tuple[NDArray[np.float64], ...]
    slopes: tuple[NDArray[np.float64], ...]


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
    control = _fitted(lattice, bend_at(begin, points_mm.reshape(-1, 3)).reshape(points_mm.shape))
    window = stiffness.window_mm / stiffness.step_mm
    for _ in range(stiffness.rounds):
        moved, is_inside = _look_up(follow_up, begin, points_mm + field_of(lattice, control))
        pull, curvature = _push(reference, moved, weight * is_inside, window, stiffness.step_mm)
        normal = normal_matrix(lattice, curvature)
        normal[np.diag_indices_from(normal)] += 1e-6 * np.trace(normal) / len(normal) + 1e-9
        right = gathered(lattice, pull).ravel() - price @ control.ravel()
        step = np.asarray(linalg.solve(normal + price, right, assume_a="pos")).reshape(control.shape)
        control += step
        if np.abs(field_of(lattice, step)).max() < SETTLED_MM:
            break
    return _as_transform(begin, control, grid, stiffness)


def _as_transform(begin: Transform, control: NDArray[np.float64], grid: Volume, stiffness: Stiffness) -> Transform:
    """Write the spline down as a displacement field on a grid of its own."""
    extent_mm = (np.array(grid.shape) - 1) * stiffness.step_mm
    places = [np.linspace(0.0, e, int(np.ceil(e / FIELD_STEP_MM)) + 1) for e in extent_mm]
    axes = [_splines(p, stiffness.control_mm) for p in places]
    field_mm = field_of(Lattice(tuple(a[0] for a in axes), tuple(a[1] for a in axes)), control)
    affine = np.diag([*(p[1] - p[0] for p in places), 1.0])
    affine[:3, 3] = grid.affine[:3, 3]
    return Transform(begin.source, begin.target, begin.matrix, field_mm, affine)


def _look_up(
    follow_up: Volume, begin: Transform, points_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the follow-up's value at bent points of the reference world, and whether it is known there."""
    rigid = Transform(begin.source, begin.target, begin.matrix)
    index = to_voxel(follow_up.affine, move_points(rigid, points_mm.reshape(-1, 3)))
    values = ndimage.map_coordinates(follow_up.array, index.T, order=1, mode="nearest", prefilter=False)
    is_inside = np.all((index >= -0.5) & (index <= np.array(follow_up.shape) - 0.5), axis=-1)
    return values.reshape(points_mm.shape[:3]), is_inside.reshape(points_mm.shape[:3])


def _push(
    reference: Sample, moved: NDArray[np.float64], weight: NDArray[np.float64], window: float, step_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ascent ``(3, I, J, K)`` of squared local correlation and its curvature ``(3, 3, I, J, K)``."""
    fit = local_fit(reference.values, moved, weight, window)
    slope = np.stack(np.gradient(moved, step_mm)) * (fit.correlation / fit.second_contrast)
    missing = weight * (fit.first - fit.correlation * fit.second)
    return missing * slope, weight * slope[:, None] * slope[None, :]


def lattice_of(shape: tuple[int, ...], spacing_mm: NDArray[np.float64], control_mm: float) -> Lattice:
    """Lay control points every ``control_mm`` under a grid of the given shape and spacing."""
    axes = [
        _splines(step * np.arange(n, dtype=np.float64), control_mm) for n, step in zip(shape, spacing_mm, strict=True)
    ]
    return Lattice(tuple(a[0] for a in axes), tuple(a[1] for a in axes))


def _splines(places_mm: NDArray[np.float64], control_mm: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cubic B-splines and their slopes (per mm) at places along one axis, shape (places, control points)."""
    count = int(np.ceil(places_mm[-1] / control_mm - 1e-9)) + 3
    offset = places_mm[:, None] / control_mm - (np.arange(count) - 1)[None, :]
    far = np.abs(offset)
    value = np.where(far < 1, 2 / 3 - far**2 + far**3 / 2, np.where(far < 2, (2 - far) ** 3 / 6, 0.0))
    slope = np.where(far < 1, -2 * far + 1.5 * far**2, np.where(far < 2, -0.5 * (2 - far) ** 2, 0.0))
    return value, np.sign(offset) * slope / control_mm


def field_of(lattice: Lattice, control: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the displacement ``(I, J, K, 3)`` of control values ``(3, P, Q, R)``."""
    x, y, z = lattice.values
    return np.einsum("cpqr,ip,jq,kr->ijkc", control, x, y, z, optimize=["einsum_path", (0, 1), (0, 2), (0, 1)])


def _fitted(lattice: Lattice, field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return control values whose field is nearest to a given one; the inverse of :func:`field_of`."""
    x, y, z = (np.linalg.pinv(values) for values in lattice.values)
    return np.einsum("ijkc,pi,qj,rk->cpqr", field, x, y, z, optimize=["einsum_path", (0, 1), (0, 2), (0, 1)])


def gathered(lattice: Lattice, pushes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum voxel-wise pushes ``(M, I, J, K)`` onto the control points, shape ``(M, P, Q, R)``."""
    x, y, z = lattice.values
    count, width = pushes.shape[:2]
    by_planes = np.matmul(x.T, pushes.reshape(count, width, -1)).reshape(count, -1, len(y), len(z))
    return np.asarray(np.matmul(y.T, by_planes) @ z)


def normal_matrix(lattice: Lattice, curvature: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gauss-Newton matrix over all control values, shape ``(3PQR, 3PQR)``."""
    sizes = [values.shape[1] for values in lattice.values]
    count = int(np.prod(sizes))
    px, py, pz = (np.einsum("ip,iq->ipq", v, v).reshape(len(v), -1) for v in lattice.values)
    matrix = np.empty((3, count, 3, count))
    for a, b in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
        t = np.tensordot(np.tensordot(np.tensordot(curvature[a, b], pz, (2, 0)), py, (1, 0)), px, (0, 0))
        t = t.reshape(sizes[2], sizes[2], sizes[1], sizes[1], sizes[0], sizes[0])
        matrix[a, :, b, :] = t.transpose(4, 2, 0, 5, 3, 1).reshape(count, count)
        matrix[b, :, a, :] = matrix[a, :, b, :].T
    return matrix.reshape(3 * count, 3 * count)


def elastic(lattice: Lattice) -> NDArray[np.float64]:
    """Return the quadratic form of the squared strain summed over all samples, shape ``(3PQR, 3PQR)``."""
    count = int(np.prod([values.shape[1] for values in lattice.values]))
    unit = np.eye(3, dtype=int)

    def product(first: NDArray[np.int_], second: NDArray[np.int_]) -> NDArray[np.float64]:
        x, y, z = (
            (lattice.values, lattice.slopes)[first[d]][d].T @ (lattice.values, lattice.slopes)[second[d]][d]
            for d in range(3)
        )
        return np.kron(np.kron(x, y), z)

    form = np.zeros((3, count, 3, count))
    for a in range(3):
        for b in range(3):
            # |strain|^2 sums ((d_b u_a + d_a u_b) / 2)^2 over a and b, which is half of each product below.
            form[a, :, a, :] += 0.5 * product(unit[b], unit[b])
            form[a, :, b, :] += 0.5 * product(unit[b], unit[a])
    matrix = form.reshape(3 * count, 3 * count)
    return (matrix + matrix.T) / 2
