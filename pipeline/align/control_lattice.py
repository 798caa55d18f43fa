"""Cubic B-splines on a lattice of control points under a grid, and what is summed over the grid for them.

A voxel touches four control points along each axis. Sums go line by line, then plane by plane, so that each voxel is
met once along its line only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.core.compiled import compiled

REACH = 4
"""Control points along an axis that a sample touches."""

COMPONENTS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Pairs of directions in the order of a curvature's six columns."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Cubic B-splines along three axes: ``values[d]`` and ``slopes[d]`` have shape (samples, control points)."""

    values: tuple[NDArray[np.float64], ...]
    slopes: tuple[NDArray[np.float64], ...]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Number of control points along each axis."""
        x, y, z = (values.shape[1] for values in self.values)
        return x, y, z

    @cached_property
    def supports(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The first control point that samples along each axis touch, ``(3, n)``, and weights, ``(3, n, REACH)``."""
        longest = max(len(values) for values in self.values)
        first, weights = np.zeros((3, longest), dtype=np.int64), np.zeros((3, longest, REACH))
        for axis, values in enumerate(self.values):
            begins = np.minimum((values != 0).argmax(axis=1), values.shape[1] - REACH)
            first[axis, : len(values)] = begins
            weights[axis, : len(values)] = np.take_along_axis(values, begins[:, None] + np.arange(REACH), axis=1)
        return first, weights


def lattice_of(shape: tuple[int, ...], spacing_mm: NDArray[np.float64], control_mm: float) -> Lattice:
    """Lay control points every ``control_mm`` under a grid of the given shape and spacing."""
    places_mm = [step * np.arange(n, dtype=np.float64) for n, step in zip(shape, spacing_mm, strict=True)]
    return lattice_at(places_mm, control_mm)


def lattice_at(places_mm: Sequence[NDArray[np.float64]], control_mm: float) -> Lattice:
    """Lay control points every ``control_mm`` under samples at places along each of three axes, mm from the first."""
    axes = [_splines(along_mm, control_mm) for along_mm in places_mm]
    return Lattice(tuple(a[0] for a in axes), tuple(a[1] for a in axes))


def _splines(places_mm: NDArray[np.float64], control_mm: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cubic B-splines and their slopes (per mm) at places along one axis, shape (places, control points).

    There are never fewer control points than a sample touches: the compiled sums write to so many, unchecked.
    """
    count = max(int(np.ceil(places_mm[-1] / control_mm - 1e-9)) + 3, REACH)
    offset = places_mm[:, None] / control_mm - (np.arange(count) - 1)[None, :]
    far = np.abs(offset)
    value = np.where(far < 1, 2 / 3 - far**2 + far**3 / 2, np.where(far < 2, (2 - far) ** 3 / 6, 0.0))
    slope = np.where(far < 1, -2 * far + 1.5 * far**2, np.where(far < 2, -0.5 * (2 - far) ** 2, 0.0))
    return value, np.sign(offset) * slope / control_mm


def field_of(lattice: Lattice, control: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the displacement ``(I, J, K, 3)`` of control values ``(3, P, Q, R)``."""
    x, y, z = lattice.values
    return np.einsum("cpqr,ip,jq,kr->ijkc", control, x, y, z, optimize=["einsum_path", (0, 1), (0, 2), (0, 1)])


def control_of(lattice: Lattice, field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return control values whose field is nearest to a given one; the inverse of :func:`field_of`."""
    x, y, z = (np.linalg.pinv(values) for values in lattice.values)
    return np.einsum("ijkc,pi,qj,rk->cpqr", field, x, y, z, optimize=["einsum_path", (0, 1), (0, 2), (0, 1)])


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


def gathered(
    lattice: Lattice, voxels: NDArray[np.int64], pushes: NDArray[np.float64], pulls: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum the products of two kinds of numbers of voxels onto the control points.

    Parameters
    ----------
    voxels
        Shape ``(N, 3)``; in the order of ``argwhere`` they are summed fastest, a line and a plane at a time.
    pushes, pulls
        Shapes ``(N, A)`` and ``(N, M)``.

    Returns
    -------
    ndarray
        Shape ``(A, P, Q, R, M)``.
    """
    a, m = pushes.shape[1], pulls.shape[1]
    p, q, r = lattice.sizes
    onto = np.zeros(p * q * r * a * m)
    parts = (np.ascontiguousarray(pushes), np.ascontiguousarray(pulls))
    _gather(voxels, *parts, *lattice.supports, np.zeros(r * a * m), np.zeros(q * r * a * m), onto)
    return np.moveaxis(onto.reshape(p, q, r, a, m), 3, 0)


def add_normal_matrix(
    lattice: Lattice, voxels: NDArray[np.int64], curvature: NDArray[np.float64], matrix: NDArray[np.float64]
) -> None:
    """Add the Gauss-Newton matrix over all control values to the upper left of a matrix.

    Parameters
    ----------
    voxels
        Shape ``(N, 3)``, as for :func:`gathered`.
    curvature
        Shape ``(N, 6)``; its components as :data:`COMPONENTS` says.
    matrix
        At least ``(3 P Q R, 3 P Q R)``; changed in place.
    """
    p, q, r = lattice.sizes
    line = np.zeros(r * REACH * len(COMPONENTS))
    plane = np.zeros(q * REACH * line.size)
    sums = np.zeros(p * REACH * plane.size)
    _gather_pairs(voxels, np.ascontiguousarray(curvature), *lattice.supports, line, plane, sums)
    _add_pairs(sums, p, q, r, REACH, matrix)


@compiled
def _gather(  # noqa: C901, PLR0913, PLR0917  # what is compiled takes plain arrays
    voxels: NDArray[np.int64],
    pushes: NDArray[np.float64],
    pulls: NDArray[np.float64],
    first: NDArray[np.int64],
    weights: NDArray[np.float64],
    line: NDArray[np.float64],
    plane: NDArray[np.float64],
    onto: NDArray[np.float64],
) -> None:
    count, reach, width, along = voxels.shape[0], weights.shape[2], pulls.shape[1], line.size
    for n in range(count):
        i, j, k = voxels[n, 0], voxels[n, 1], voxels[n, 2]
        for t in range(reach):
            for a in range(pushes.shape[1]):
                weight = weights[2, k, t] * pushes[n, a]
                start = ((first[2, k] + t) * pushes.shape[1] + a) * width
                onto_control, pull = line[start : start + width], pulls[n]
                for m in range(width):
                    onto_control[m] += weight * pull[m]
        is_last_of_plane = n + 1 == count or voxels[n + 1, 0] != i
        if is_last_of_plane or voxels[n + 1, 1] != j:
            for t in range(reach):
                weight, start = weights[1, j, t], (first[1, j] + t) * along
                for m in range(along):
                    plane[start + m] += weight * line[m]
            for m in range(along):
                line[m] = 0.0
        if is_last_of_plane:
            for t in range(reach):
                weight, start = weights[0, i, t], (first[0, i] + t) * plane.size
                for m in range(plane.size):
                    onto[start + m] += weight * plane[m]
            for m in range(plane.size):
                plane[m] = 0.0


@compiled
def _gather_pairs(  # noqa: C901, PLR0912, PLR0913, PLR0917  # what is compiled takes plain arrays
    voxels: NDArray[np.int64],
    curvature: NDArray[np.float64],
    first: NDArray[np.int64],
    weights: NDArray[np.float64],
    line: NDArray[np.float64],
    plane: NDArray[np.float64],
    onto: NDArray[np.float64],
) -> None:
    """Sum curvature for each control point and the one so many places further along each axis."""
    count, reach, width, along = voxels.shape[0], weights.shape[2], curvature.shape[1], line.size
    for n in range(count):
        i, j, k = voxels[n, 0], voxels[n, 1], voxels[n, 2]
        for t in range(reach):
            for u in range(t, reach):
                weight = weights[2, k, t] * weights[2, k, u]
                start = ((first[2, k] + t) * reach + u - t) * width
                for c in range(width):
                    line[start + c] += weight * curvature[n, c]
        is_last_of_plane = n + 1 == count or voxels[n + 1, 0] != i
        if is_last_of_plane or voxels[n + 1, 1] != j:
            for t in range(reach):
                for u in range(t, reach):
                    weight, start = weights[1, j, t] * weights[1, j, u], ((first[1, j] + t) * reach + u - t) * along
                    for m in range(along):
                        plane[start + m] += weight * line[m]
            for m in range(along):
                line[m] = 0.0
        if is_last_of_plane:
            for t in range(reach):
                for u in range(t, reach):
                    weight = weights[0, i, t] * weights[0, i, u]
                    start = ((first[0, i] + t) * reach + u - t) * plane.size
                    for m in range(plane.size):
                        onto[start + m] += weight * plane[m]
            for m in range(plane.size):
                plane[m] = 0.0


@compiled
def _add_pairs(
    sums: NDArray[np.float64], p_size: int, q_size: int, r_size: int, reach: int, matrix: NDArray[np.float64]
) -> None:
    """Lay the sums of :func:`_gather_pairs` out as rows and columns of a symmetric matrix."""
    count = p_size * q_size * r_size
    for row in range(count):
        p, q, r = row // (q_size * r_size), row // r_size % q_size, row % r_size
        for other_p in range(max(p - reach + 1, 0), min(p + reach, p_size)):
            for other_q in range(max(q - reach + 1, 0), min(q + reach, q_size)):
                for other_r in range(max(r - reach + 1, 0), min(r + reach, r_size)):
                    column = (other_p * q_size + other_q) * r_size + other_r
                    along_x = min(p, other_p) * reach + abs(p - other_p)
                    along_y = min(q, other_q) * reach + abs(q - other_q)
                    along_z = min(r, other_r) * reach + abs(r - other_r)
                    place = ((along_x * q_size * reach + along_y) * r_size * reach + along_z) * 6
                    for a in range(3):
                        for b in range(3):
                            low, high = min(a, b), max(a, b)
                            component = low * (5 - low) // 2 + high
                            matrix[a * count + row, b * count + column] += sums[place + component]
