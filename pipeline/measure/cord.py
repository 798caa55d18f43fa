"""The cord's centre line, and how much of what lies in each millimetre along it.

Positions are measured along a line in the reference space; areas come from the voxels of a visit's own grid, each
voxel's volume spread over the stretch of line that it covers, so that the area over all millimetres adds up to the
native volume. What this module refuses: a line from an empty mask, and an area where the scan does not reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline
from scipy.spatial import cKDTree

from pipeline.core.transform import Transform, move_points
from pipeline.core.volume import Volume, is_within_faces, to_voxel, to_world
from pipeline.measure.volumes import NEGLIGIBLE_PROBABILITY, OBJECT_PROBABILITY

STEP_MM = 1.0
"""Length of one stretch of the profile, mm."""

SMOOTHED_MM = 25.0
"""Wiggles of a cord mask's centre shorter than this are a reader's hand or voxels, not the spine's course, mm."""

LEAST_PLANES = 5
"""Planes that a cord mask must cross to give a curved line; fewer give a straight one."""

MOST_LEAN = 0.7
"""An axis of a lesion that leans further from head-foot than this cosine is not the cord's direction."""

BEYOND_LESION_MM = 40.0
BEYOND_CORD_MM = 10.0
"""How far the line goes on straight beyond a lesion, and beyond a cord mask, mm: later visits may have grown."""


class LineSource(StrEnum):
    """What a centre line was taken from."""

    CORD = "cord mask"
    LESION = "lesion axis"
    FOUND = "found in the scan"  # to hold a lesion against its cord, never in a table


@dataclass(frozen=True, eq=False)
class CentreLine:
    """Points every millimetre along the cord, from foot to head, in the reference space.

    Attributes
    ----------
    points_mm
        Shape ``(N, 3)``, RAS+ mm; the middle of each stretch.
    tangents
        Shape ``(N, 3)``, unit length, towards the head.
    positions_mm
        Shape ``(N,)``; distance along the line from the middle of the mask it was taken from, mm, towards the head.
    source
        What the line was taken from.
    """

    points_mm: NDArray[np.float64]
    tangents: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    source: LineSource


@dataclass(frozen=True, eq=False)
class Stretches:
    """The voxels of one mask along a line: where each one's middle lies, how far it reaches, and its volume.

    All arrays have shape ``(N,)``; mm and mm³. ``is_object`` marks voxels that are more in than out.
    """

    positions_mm: NDArray[np.float64]
    reach_mm: NDArray[np.float64]
    volumes_mm3: NDArray[np.float64]
    is_object: NDArray[np.bool_]


def line_of_cord(cord: Volume, to_reference: Transform) -> CentreLine:
    """Return the smoothed line through the middle of a cord mask, carried on straight at both ends.

    Parameters
    ----------
    cord
        Mask of the whole cord cross-section on a visit's grid.
    to_reference
        Moves points from the visit to the reference space.

    Raises
    ------
    ValueError
        The mask is empty.
    """
    centres = move_points(to_reference, _plane_centres(cord))
    if len(centres) < LEAST_PLANES:
        return _straight(centres, BEYOND_CORD_MM, LineSource.CORD)
    order = np.argsort(centres[:, 2])
    heights, places = np.unique(centres[order, 2], return_index=True)
    sides = centres[order][places, :2]
    spacing_mm = float(np.median(np.diff(heights)))
    price = (SMOOTHED_MM / (2 * np.pi)) ** 4 / spacing_mm
    fine = np.arange(heights[0], heights[-1] + 0.125, 0.25)
    smooth = [make_smoothing_spline(heights, sides[:, side], lam=price)(fine) for side in range(2)]
    return _every_step(np.stack([*smooth, fine], axis=-1), BEYOND_CORD_MM, LineSource.CORD)


def line_of_lesion(lesion: Volume, to_reference: Transform) -> CentreLine:
    """Return the straight line along a lesion: its own longest axis where that runs head-foot, else head-foot.

    Raises
    ------
    ValueError
        The mask is empty.
    """
    return _straight(move_points(to_reference, _object_points(lesion)), BEYOND_LESION_MM, LineSource.LESION)


def stretches_of(mask: Volume, to_reference: Transform, line: CentreLine) -> Stretches:
    """Lay the voxels of a mask or probability map along the line, with their native volumes."""
    indices = np.argwhere(mask.array >= NEGLIGIBLE_PROBABILITY)
    shares = mask.array[tuple(indices.T)].astype(np.float64)
    points_mm = move_points(to_reference, to_world(mask.affine, indices))
    positions_mm, tangents = _along(points_mm, line)
    edges_mm = to_reference.matrix[:3, :3] @ mask.affine[:3, :3]
    return Stretches(
        positions_mm, np.abs(tangents @ edges_mm).sum(axis=1), shares * mask.voxel_mm3, shares >= OBJECT_PROBABILITY
    )


def areas_mm2(stretches: Stretches, line: CentreLine) -> NDArray[np.float64]:
    """Return the mean cross-section in every stretch of the line, shape ``(N,)``, mm².

    Each voxel's volume is spread evenly over its reach: a 4 mm slice is known no better than that.

    Examples
    --------
    >>> line = CentreLine(np.zeros((4, 3)), np.zeros((4, 3)), np.arange(4.0), LineSource.CORD)
    >>> one = Stretches(np.array([1.0]), np.array([2.0]), np.array([10.0]), np.array([True]))
    >>> areas_mm2(one, line).tolist()
    [2.5, 5.0, 2.5, 0.0]
    """
    edges_mm = np.append(line.positions_mm - STEP_MM / 2, line.positions_mm[-1] + STEP_MM / 2)
    below = np.zeros(len(edges_mm))
    reach_mm = np.maximum(stretches.reach_mm, 1e-6)
    for number, edge_mm in enumerate(edges_mm):
        share = np.clip((edge_mm - stretches.positions_mm) / reach_mm + 0.5, 0.0, 1.0)
        below[number] = float((share * stretches.volumes_mm3).sum())
    return np.asarray(np.diff(below) / STEP_MM)


def ends_along_mm(stretches: Stretches) -> tuple[float, float] | None:
    """Return the positions of an object's lowest and highest voxel face along the line, mm; None when empty."""
    if not stretches.is_object.any():
        return None
    middle, half = stretches.positions_mm[stretches.is_object], stretches.reach_mm[stretches.is_object] / 2
    return float((middle - half).min()), float((middle + half).max())


def length_along_mm(stretches: Stretches) -> float:
    """Return how far an object reaches along the line, from its lowest to its highest voxel face, mm; 0 when empty."""
    ends_mm = ends_along_mm(stretches)
    return ends_mm[1] - ends_mm[0] if ends_mm else 0.0


def is_covered(line: CentreLine, image: Volume, from_reference: Transform) -> NDArray[np.bool_]:
    """Say for every stretch of the line whether its middle lies in a visit's field of view."""
    indices = to_voxel(image.affine, move_points(from_reference, line.points_mm))
    return is_within_faces(indices, image.shape)


def _object_points(mask: Volume) -> NDArray[np.float64]:
    indices = np.argwhere(mask.array >= OBJECT_PROBABILITY)
    if not len(indices):
        msg = "a centre line needs a mask with at least one voxel"
        raise ValueError(msg)
    return to_world(mask.affine, indices)


def _plane_centres(mask: Volume) -> NDArray[np.float64]:
    """Return the middle of the mask in every array plane nearest to across the head-foot axis, RAS+ mm."""
    points_mm = _object_points(mask)
    indices = np.argwhere(mask.array >= OBJECT_PROBABILITY)
    head_foot = int(np.argmax(np.abs(mask.affine[2, :3]) / mask.spacing_mm))
    planes, which = np.unique(indices[:, head_foot], return_inverse=True)
    counts = np.bincount(which, minlength=len(planes))
    sums = [np.bincount(which, weights=points_mm[:, axis], minlength=len(planes)) for axis in range(3)]
    return np.asarray(np.stack(sums, axis=-1) / counts[:, None])


def _straight(points_mm: NDArray[np.float64], beyond_mm: float, source: LineSource) -> CentreLine:
    centre_mm = points_mm.mean(axis=0)
    _, _, axes = np.linalg.svd(points_mm - centre_mm, full_matrices=False)
    axis = axes[0] if len(axes) and abs(axes[0][2]) >= MOST_LEAN else np.array([0.0, 0.0, 1.0])
    axis = axis * (1.0 if axis[2] > 0 else -1.0)
    along = (points_mm - centre_mm) @ axis
    ends = centre_mm + np.outer([along.min() - 0.5, along.max() + 0.5], axis)
    return _every_step(ends, beyond_mm, source)


def _every_step(course_mm: NDArray[np.float64], beyond_mm: float, source: LineSource) -> CentreLine:
    """Return a line of equal steps along a course ``(N, 3)``, carried on straight beyond both ends."""
    ends = [course_mm[min(20, len(course_mm) - 1)] - course_mm[0], course_mm[-1] - course_mm[-min(21, len(course_mm))]]
    first, last = (end / np.linalg.norm(end) for end in ends)
    whole = np.vstack([course_mm[0] - beyond_mm * first, course_mm, course_mm[-1] + beyond_mm * last])
    along_mm = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(whole, axis=0), axis=1))])
    middle_mm = along_mm[-1] / 2
    half = int(middle_mm // STEP_MM)
    positions_mm = np.arange(-half, half + 1, dtype=np.float64) * STEP_MM
    points = np.stack([np.interp(positions_mm + middle_mm, along_mm, whole[:, axis]) for axis in range(3)], axis=-1)
    tangents = np.gradient(points, axis=0)
    return CentreLine(points, tangents / np.linalg.norm(tangents, axis=1, keepdims=True), positions_mm, source)


def _along(points_mm: NDArray[np.float64], line: CentreLine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the positions along the line nearest to points, mm, and the line's direction there."""
    if not len(points_mm):
        return np.zeros(0), np.zeros((0, 3))
    _, nearest = cKDTree(line.points_mm).query(points_mm)
    tangents = line.tangents[nearest]
    offset_mm = np.einsum("ni,ni->n", points_mm - line.points_mm[nearest], tangents)
    return line.positions_mm[nearest] + offset_mm, tangents
