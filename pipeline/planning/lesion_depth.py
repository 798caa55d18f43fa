"""How far a lesion lies from the surface of the cord, millimetre by millimetre along it.

Distances are taken across the cord, from the edge of the lesion to the edge of the cord as both were drawn. What this
module refuses: a distance where the cord was not drawn, one from slices too thick to tell, and one to the edge of a
hole that was left within the cord.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume
from pipeline.description.lesion_scene import CordCourse, along, object_points
from pipeline.planning.straight_cord import StraightFrame, frame_along, looked_up

VERSION = "2"
"""Of the rule by which distances are taken; a page names it."""

FINE_MM = 0.25
HALF_MM = 14.0
"""Step and half width of the sections on which edges are looked for, mm."""

MOST_ACROSS_MM, MOST_ALONG_MM = 4.0, 6.0
"""Voxels wider than this across the cord, or longer along it, tell no distance of a few mm. This project's own."""

EDGE = 0.5


@dataclass(frozen=True)
class NearestPlace:
    """The least of a distance, mm; where along the centre line, mm; and towards which side.

    ``voxel_mm`` is the size of a voxel in the directions that were looked along: the distance is no better known.
    """

    distance_mm: float
    position_mm: float
    side: str
    voxel_mm: float


@dataclass(frozen=True, eq=False)
class LesionDepth:
    """Distances of a lesion from the surface of its cord; arrays have shape ``(N,)``, head first, mm.

    Attributes
    ----------
    position_mm
        Along the centre line, towards the head.
    dorsal_mm
        From the lesion straight back to the dorsal surface, the least over its width; NaN where there is no lesion
        or the cord was not drawn.
    rim_mm
        Of cord between lesion and the nearest surface.
    undrawn_mm
        Length of lesion beside which no cord was drawn, or all of it was drawn as lesion, or behind which the cord
        goes on beyond a gap that nobody drew: no distance is known there.
    dorsal, rim
        Where each is least; None where it is nowhere known.
    """

    position_mm: NDArray[np.float64]
    dorsal_mm: NDArray[np.float64]
    rim_mm: NDArray[np.float64]
    undrawn_mm: float
    dorsal: NearestPlace | None
    rim: NearestPlace | None


def ends_mm(course: CordCourse, mask: Volume) -> tuple[float, float] | None:
    """Return the lower and upper end of a mask along a course, mm; None where it is empty."""
    points_mm = object_points(mask)
    if not len(points_mm):
        return None
    positions_mm, _ = along(course, points_mm)
    half_mm = float(np.abs(mask.affine[2, :3]).max()) / 2
    return float(positions_mm.min() - half_mm), float(positions_mm.max() + half_mm)


def too_coarse(grid: Volume) -> str | None:
    """Say why a scan tells no distances; None where it does."""
    across_mm, along_mm = _voxel_across_mm(grid).max(), float(np.linalg.norm(grid.affine[2, :3]))
    if across_mm > MOST_ACROSS_MM:
        return f"voxels are {across_mm:.1f} mm wide across the cord, more than {MOST_ACROSS_MM:g} mm"
    if along_mm > MOST_ALONG_MM:
        return f"voxels are {along_mm:.1f} mm long along the cord, more than {MOST_ALONG_MM:g} mm"
    return None


def lesion_depth(lesion: Volume, whole: Volume, drawn: Volume, course: CordCourse) -> LesionDepth | str:
    """Measure a lesion's distances from the surface of its cord.

    Parameters
    ----------
    lesion
        Mask of the solid tumour with the cysts in it that count as the lesion.
    whole
        Mask of the cord with all that lies in it, on the same grid.
    drawn
        Mask of the cord as it was drawn, on the same grid: beside the lesion it must be there.
    course
        The cord's, in the same world.

    Returns
    -------
    LesionDepth or str
        In words, why there is none.
    """
    ends = ends_mm(course, lesion)
    if ends is None:
        return "no lesion was drawn at this visit"
    coarse = too_coarse(lesion)
    if coarse is not None:
        return coarse
    straight = frame_along(course, *ends)
    steps_mm = np.arange(-HALF_MM, HALF_MM + 1e-9, FINE_MM)
    rightwards, forwards = np.meshgrid(steps_mm, steps_mm, indexing="ij")
    places_mm = straight.across(rightwards, forwards)
    inner, outer, cord = (looked_up(mask, places_mm, outside=0.0) >= EDGE for mask in (lesion, whole, drawn))
    holds = np.asarray(inner.any(axis=(1, 2)))
    cord &= outer  # a slip of the brush apart from the cord is none of it
    measurable = holds & np.asarray(cord.any(axis=(1, 2)))
    dorsal_mm, rim_mm, sides = np.full(len(holds), np.nan), np.full(len(holds), np.nan), [""] * len(holds)
    sizes_mm = _voxel_across_mm(lesion)
    for at in np.flatnonzero(measurable):
        filled = _filled(outer[at] | inner[at], sizes_mm)
        if _lies_in_a_gap(inner[at], filled, cord[at]):
            measurable[at] = False
            continue
        dorsal_mm[at] = _straight_back_mm(inner[at], filled)
        rim_mm[at], sides[at] = _rim(inner[at], filled)
    step_mm = float(abs(np.diff(straight.position_mm[:2]).sum()))
    return LesionDepth(
        straight.position_mm, dorsal_mm, rim_mm, float((holds & ~measurable).sum()) * step_mm,
        _nearest(straight, dorsal_mm, ["dorsal"] * len(holds), float(sizes_mm[1])),
        _nearest(straight, rim_mm, sides, float(sizes_mm.max())),
    )  # fmt: skip


def _voxel_across_mm(grid: Volume) -> NDArray[np.float64]:
    """Return how large a voxel is from right to left and from front to back, mm, however it is turned."""
    return np.asarray(np.linalg.norm(grid.affine[:2, :3], axis=1))


def _filled(cord: NDArray[np.bool_], sizes_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a section of the cord without holes in it, and without gaps no wider than a voxel: nobody's surface."""
    closed = cord
    for axis, size_mm in enumerate(sizes_mm):
        span = np.ones(np.where(np.arange(2) == axis, round(float(size_mm) / FINE_MM) + 1, 1), dtype=bool)
        reach = max(span.shape)
        padded = ndimage.binary_closing(np.pad(cord, reach), span)
        closed = closed | padded[reach:-reach, reach:-reach]
    return np.asarray(ndimage.binary_fill_holes(closed))


def _lies_in_a_gap(inner: NDArray[np.bool_], outer: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> bool:
    """Say whether the cord goes on behind the lesion beyond a gap: the gap's edge is no surface, nor is it known."""
    pieces, _ = ndimage.label(outer)
    main = pieces == np.bincount(pieces[drawn]).argmax()
    columns = inner.any(axis=1)
    behind = np.arange(inner.shape[1]) < inner[columns].argmax(axis=1)[:, None]
    cord_further_back = np.maximum.accumulate(main[columns], axis=1)
    return bool((behind & ~outer[columns] & cord_further_back).any())


def _straight_back_mm(inner: NDArray[np.bool_], outer: NDArray[np.bool_]) -> float:
    """Return the least way back from the lesion to where the cord ends, over the columns that hold lesion.

    What is drawn farther back, behind a gap, is none of the cord that the lesion lies in.
    """
    columns = inner.any(axis=1)
    edge_of_lesion = inner[columns].argmax(axis=1)
    behind = np.arange(inner.shape[1]) < edge_of_lesion[:, None]
    gaps = behind & ~outer[columns]
    edge_of_cord = np.where(gaps.any(axis=1), gaps.shape[1] - gaps[:, ::-1].argmax(axis=1), 0)
    return float((edge_of_lesion - edge_of_cord).min()) * FINE_MM


def _rim(inner: NDArray[np.bool_], outer: NDArray[np.bool_]) -> tuple[float, str]:
    """Return the least distance of the lesion from any edge of the cord, mm, and the side of that edge."""
    cord = np.pad(outer, 1)
    distance, nearest = ndimage.distance_transform_edt(cord, return_indices=True)
    distance = np.where(np.pad(inner, 1), distance, np.inf)
    place = np.unravel_index(int(np.argmin(distance)), distance.shape)
    rightwards, forwards = (int(nearest[axis][place]) - int(place[axis]) for axis in range(2))
    if abs(forwards) >= abs(rightwards):
        side = "ventral" if forwards > 0 else "dorsal"
    else:
        side = "right" if rightwards > 0 else "left"
    return (float(distance[place]) - 1.0) * FINE_MM, side


def _nearest(
    straight: StraightFrame, distances_mm: NDArray[np.float64], sides: list[str], voxel_mm: float
) -> NearestPlace | None:
    if not np.isfinite(distances_mm).any():
        return None
    at = int(np.nanargmin(distances_mm))
    return NearestPlace(float(distances_mm[at]), float(straight.position_mm[at]), sides[at], voxel_mm)
