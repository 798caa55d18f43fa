"""How a lesion and the tissue around it move when compartments grow, shrink and shift.

Each compartment has twelve numbers: a matrix of growth (its trace is the growth in volume) and a shift. They make a
smooth flow that carries the compartment as a whole and fades with distance, as displaced tissue does around a growing
sphere. The flow is followed in small steps, so that parts neither fold nor overlap, however much they grow. Growing
evenly costs least: a scan with thick slices says little about some directions, and then they follow the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from pipeline.core.compiled import compiled
from pipeline.core.interpolation import interpolated, voxel_by_voxel
from pipeline.core.volume import to_voxel, to_world
from pipeline.refind.template import Template

EVEN_SD, UNEVEN_SD, TURN_SD, SHIFT_SD_MM = 0.35, 0.08, 0.08, 1.5
"""Expected size of even growth (of length, natural log), of uneven growth, of turning (radians) and of shift."""

STEPS = 4
"""Steps in which a flow is followed."""

FIELD_STEP_MM = 2.0
"""Spacing at which a flow is written down, mm; it is smooth at this scale."""

SMALLEST_RADIUS_MM = 2.0
"""Displacement never fades faster than around a sphere of this radius, mm."""


@dataclass(frozen=True, eq=False)
class Flows:
    """What does not change while a lesion is fitted.

    Attributes
    ----------
    windows
        Shape ``(C, I, J, K)`` on the template's grid; 1 inside a compartment, fading outside.
    centres_mm
        Shape ``(C, 3)``, RAS+ mm of the masked visit.
    affine
        Of the coarse grid on which a flow is written down.
    points_mm
        Shape ``(P, Q, R, 3)``; its points.
    """

    windows: NDArray[np.float64]
    centres_mm: NDArray[np.float64]
    template_affine: NDArray[np.float64]
    affine: NDArray[np.float64]
    points_mm: NDArray[np.float64]

    @property
    def windows_by_voxel(self) -> NDArray[np.float64]:
        """Shape ``(I J K, C)``; the same numbers, which are kept in this order."""
        return voxel_by_voxel(self.windows)


def flows_of(template: Template) -> Flows:
    """Prepare the flows of a template's compartments."""
    radii_mm = np.maximum(SMALLEST_RADIUS_MM, -template.distance_mm.min(axis=(1, 2, 3)))
    windows = (1 + np.maximum(template.distance_mm, 0) / radii_mm[:, None, None, None]) ** -3.0
    centres_mm = np.stack(
        [to_world(template.affine, np.argwhere(part < 0)).mean(axis=0) for part in template.distance_mm]
    )
    count = np.ceil((np.array(template.background.shape) - 1) * template.step_mm / FIELD_STEP_MM).astype(int) + 1
    affine = np.diag([FIELD_STEP_MM] * 3 + [1.0])
    affine[:3, 3] = template.affine[:3, 3]
    points_mm = to_world(affine, np.moveaxis(np.indices(tuple(count)), 0, -1))
    laid_out = voxel_by_voxel(windows).T.reshape(windows.shape)  # as windows_by_voxel gives them, with no second copy
    return Flows(laid_out, centres_mm, template.affine, affine, points_mm)


def numbers_of(flows: Flows, growth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return growth ``(C, 4, 3)`` as numbers of the same shape: a point and 1 times them is the velocity, mm."""
    turned = growth[:, :3].transpose(0, 2, 1)
    shift = growth[:, 3] - np.einsum("cd,cde->ce", flows.centres_mm, turned)
    return np.concatenate([turned, shift[:, None]], axis=1)


def came_from(
    flows: Flows, growth: NDArray[np.float64], shares: Sequence[float], layers_mm: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Return where the flow of a growth takes points **from**, ``(S, N, 3)`` for each layer of points, RAS+ mm.

    The flow is followed from the coarse points around them alone, and read off between these.

    Parameters
    ----------
    growth
        Shape ``(C, 4, 3)``; three rows of the growth matrix, then the shift, mm.
    shares
        S numbers: how much of the flow is followed: 1 for the lesion, less for tissue that gives way or is grown over.
    layers_mm
        Each of shape ``(N, 3)``, RAS+ mm of the masked visit.
    """
    shape = flows.points_mm.shape[:3]
    indices = [to_voxel(flows.affine, points_mm) for points_mm in layers_mm]
    is_used = np.zeros(shape, dtype=bool)
    for index in indices:
        _mark_around(index, is_used)
    used_mm = flows.points_mm[is_used]
    moved_mm = np.zeros((*shape, len(shares), 3))
    for number, share in enumerate(shares):
        moved_mm[is_used, number] = _followed(flows, growth, share, used_mm) - used_mm
    origins = []
    for index, points_mm in zip(indices, layers_mm, strict=True):
        shifts_mm = interpolated(moved_mm.reshape(-1, 3 * len(shares)), shape, index).reshape(-1, len(shares), 3)
        origins.append(points_mm + shifts_mm.transpose(1, 0, 2))
    return origins


def _followed(
    flows: Flows, growth: NDArray[np.float64], share: float, points_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Follow the flow backwards from points ``(N, 3)``, step by step."""
    numbers = numbers_of(flows, growth)
    for _ in range(STEPS):
        windows = interpolated(
            flows.windows_by_voxel, flows.windows.shape[1:], to_voxel(flows.template_affine, points_mm)
        )
        points_mm = points_mm - share / STEPS * _velocity(points_mm, windows, numbers)
    return points_mm


def _velocity(
    points_mm: NDArray[np.float64], windows: NDArray[np.float64], numbers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the outward velocity ``(N, 3)``, mm, at points where windows are ``(N, C)``."""
    at_points = np.concatenate([points_mm, np.ones((len(points_mm), 1))], axis=1)
    return np.asarray((windows[:, :, None] * at_points[:, None]).reshape(len(points_mm), -1) @ numbers.reshape(-1, 3))


@compiled
def _mark_around(index: NDArray[np.float64], is_used: NDArray[np.bool_]) -> None:
    """Mark the corners of the cells in which points lie; beyond the grid those of the border."""
    corner = np.empty(3, np.int64)
    for n in range(index.shape[0]):
        for axis in range(3):
            corner[axis] = min(max(int(index[n, axis]), 0), max(is_used.shape[axis] - 2, 0))
        for x in range(corner[0], min(corner[0] + 2, is_used.shape[0])):
            for y in range(corner[1], min(corner[1] + 2, is_used.shape[1])):
                for z in range(corner[2], min(corner[2] + 2, is_used.shape[2])):
                    is_used[x, y, z] = True


def expectation(compartments: int) -> NDArray[np.float64]:
    """Return the precision matrix of what growth is expected, shape ``(12 C, 12 C)``."""
    even = np.eye(3).reshape(9, 1) @ np.eye(3).reshape(1, 9) / 3
    swap = np.eye(9).reshape(3, 3, 9).transpose(1, 0, 2).reshape(9, 9)
    stretch, turn = (np.eye(9) + swap) / 2 - even, (np.eye(9) - swap) / 2
    one = np.zeros((12, 12))
    one[:9, :9] = even / 3 / EVEN_SD**2 + stretch / UNEVEN_SD**2 + turn / (2 * TURN_SD**2)
    one[9:, 9:] = np.eye(3) / SHIFT_SD_MM**2
    return np.asarray(linalg.block_diag(*[one] * compartments))
