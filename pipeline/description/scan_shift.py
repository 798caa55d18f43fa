"""One scan looked up at the voxels of another of the same visit, once the little by which they are apart is out.

A person moves by a millimetre between two scans; at an edge of the lesion that looks like a rise of signal. The shift
is told from cord and fluid around the lesion, never from the lesion itself. What this module refuses: a shift that
does not make the two more alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.transform import move_points
from pipeline.core.volume import to_voxel, to_world
from pipeline.description.cord_reference import CordReference
from pipeline.description.lesion_scene import AlignedScan, CordVoxels
from pipeline.description.material_limits import ShiftLimits

ROUNDS = 4
PROBE_MM = 0.5


def earlier_signal(
    before: AlignedScan,
    voxels: CordVoxels,
    relative: NDArray[np.float64],
    healthy: CordReference,
    limits: ShiftLimits,
) -> NDArray[np.float64]:
    """Return another scan's signal as a ratio to its cord at some voxels, shape ``(N,)``; NaN where it does not reach.

    Parameters
    ----------
    before
        The other scan.
    voxels, relative
        Those of this scan, and its own signal there as a ratio to its cord.
    healthy
        The other scan's cord.
    """
    points_mm = move_points(voxels.scan.to_anchor, to_world(voxels.scan.image.affine, voxels.indices))
    usual = healthy.at(voxels.position_mm)
    values = before.image.array.astype(np.float64)

    def at(shift_mm: NDArray[np.float64], part: NDArray[np.bool_]) -> NDArray[np.float64]:
        indices = to_voxel(before.image.affine, move_points(before.from_anchor, points_mm[part] + shift_mm)).T
        return np.asarray(ndimage.map_coordinates(values, indices, order=1, mode="constant", cval=np.nan) / usual[part])

    around = (voxels.away_mm <= voxels.radius_mm + limits.around_mm) & (voxels.solid < 0.02) & (voxels.beside < 0.02)
    shift_mm = np.zeros(3)
    best_mm, least = shift_mm, _unlike(relative[around] - at(shift_mm, around))
    for _ in range(ROUNDS if around.sum() >= limits.least_voxels else 0):
        step_mm = _step_mm(relative[around], at, around, shift_mm, limits.least_voxels)
        shift_mm = np.clip(shift_mm + step_mm, -limits.most_mm, limits.most_mm)
        left = _unlike(relative[around] - at(shift_mm, around))
        if left < least:
            best_mm, least = shift_mm, left
    return at(best_mm, np.ones(len(relative), dtype=bool))


def _unlike(difference: NDArray[np.float64]) -> float:
    reached = np.abs(difference[np.isfinite(difference)])
    return float(np.minimum(reached, 1.0).mean()) if len(reached) else np.inf


def _step_mm(relative, at, around, shift_mm, least_voxels) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    """Return the further shift, mm, that explains most of what is left, shape ``(3,)``."""
    left = relative - at(shift_mm, around)
    slopes = np.stack(
        [(at(shift_mm + PROBE_MM * way, around) - at(shift_mm - PROBE_MM * way, around)) / (2 * PROBE_MM)
         for way in np.eye(3)], axis=-1,
    )  # fmt: skip
    reached = np.isfinite(left) & np.isfinite(slopes).all(axis=1)
    if reached.sum() < least_voxels:
        return np.zeros(3)
    scale = 1.4826 * float(np.median(np.abs(left[reached]))) + 1e-9
    weight = np.minimum(1.0, 2 * scale / np.maximum(np.abs(left[reached]), 1e-9)) ** 0.5
    design = slopes[reached] * weight[:, None]
    normal = design.T @ design + 1e-3 * np.eye(3)
    return np.asarray(np.linalg.solve(normal, design.T @ (left[reached] * weight)))
