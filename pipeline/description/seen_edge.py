"""The cord's section at each millimetre by the edge that a scan shows, where nobody drew the cord.

A line that is found in a scan comes with a width that is smoothed over a vertebra, to place a region by; a widened
stretch of two centimetres is narrower in it than it is. Here the edge is looked for anew from what was drawn outwards:
where signal is half way from this person's cord to the fluid. What this module refuses: a contrast on which fluid is
darker than cord, for bone beyond it is darker still and fat brighter, so that the canal's wall would be taken for the
cord's edge; an edge where no fluid is seen around the cord; and a section that is not seen most of the way round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.transform import move_points
from pipeline.core.volume import to_voxel
from pipeline.description.cord_reference import cord_reference
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.lesion_scene import NEAR_MM, AlignedScan, CordCourse, LesionScene, voxels_near
from pipeline.measure.volumes import OBJECT_PROBABILITY

WET_ON = ("T2w", "STIR")
"""Contrasts on which fluid is brighter than cord and bone."""

DIRECTIONS, STEP_OUT_MM = 24, 0.25
"""In how many directions around the line, and in which steps outwards, mm."""

CORE_MM = 1.5
"""Within this distance of the line all is cord, mm."""

ALONG_MM = 1.0
"""Deviation of the smoothing of signal along the line, mm."""

FLUID_ALONG_MM = 5.0
"""Deviation of the smoothing of the fluid's signal along the line, mm."""

CENTRED, CENTRED_ALONG_MM = 3, 3.0
"""How often the line is moved to the middle of the edges seen from it, and the deviation of that along it, mm."""


def seen_areas_mm2(scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> NDArray[np.float64] | None:
    """Return the section of the cord with all that was drawn in it at each millimetre of the line, mm².

    Parameters
    ----------
    scan
        On its own grid.

    Returns
    -------
    ndarray or None
        Shape ``(N,)``; NaN where the edge is not seen, or lies far within the width that the line came with. None where
        fluid is not bright, or where the scan shows no healthy cord to tell its level by.
    """
    if scan.contrast not in WET_ON:
        return None
    course, extents_mm, voxels = scene.course, scene.extents_mm, voxels_near(scan, scene)
    if course is None or extents_mm is None or voxels is None:
        return None
    reference = cord_reference(voxels, extents_mm, limits.reference)
    if isinstance(reference, str):
        return None
    level = reference.at(np.clip(course.line.positions_mm, voxels.position_mm.min(), voxels.position_mm.max()))
    middles_mm, area_mm2 = course.line.points_mm, np.full(len(level), np.nan)
    for _ in range(CENTRED):  # a ray that starts at the cord's edge shows nothing
        points_mm, ways, out_mm = _rays(course, middles_mm)
        change = _sampled(scan, points_mm) / level[:, None, None] - 1.0
        change = ndimage.gaussian_filter1d(change, ALONG_MM, axis=0, mode="nearest")
        inner_mm = np.maximum(_drawn_mm(scene, points_mm, out_mm), CORE_MM)
        edge_mm = _edges_mm(change, inner_mm, out_mm, limits.reference.fluid_apart)
        area_mm2 = _areas(edge_mm, inner_mm, limits.cord.found_seen_around)
        middles_mm = middles_mm + _off_middle_mm(edge_mm, ways)
    is_odd = area_mm2 < limits.cord.found_least_of_rough * np.pi * course.radius_mm**2
    return np.where(is_odd, np.nan, area_mm2)


def _rays(
    course: CordCourse, middles_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return points on rays across the line ``(N, D, S, 3)``, the rays' ways ``(N, D, 3)`` and steps ``(S,)``, mm."""
    tangents = course.line.tangents
    out_mm = np.arange(0.0, NEAR_MM + 1e-9, STEP_OUT_MM, dtype=np.float64)
    right = np.array([1.0, 0.0, 0.0]) - tangents * tangents[:, :1]
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    front = np.cross(tangents, right)
    turns = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    ways = np.cos(turns)[None, :, None] * right[:, None] + np.sin(turns)[None, :, None] * front[:, None]
    return middles_mm[:, None, None] + ways[:, :, None] * out_mm[None, None, :, None], ways, out_mm


def _sampled(scan: AlignedScan, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scan's signal at points of the anchor's world, linear between its voxels."""
    places = to_voxel(scan.image.affine, move_points(scan.from_anchor, points_mm.reshape(-1, 3))).T
    values = ndimage.map_coordinates(scan.image.array.astype(np.float32), places, order=1, mode="nearest")
    return np.asarray(values.reshape(points_mm.shape[:3]), dtype=np.float64)


def _drawn_mm(scene: LesionScene, points_mm: NDArray[np.float64], out_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far out each ray leaves what was drawn, ``(N, D)``, mm; 0 where it meets nothing of it."""
    drawn = (scene.solid.array >= OBJECT_PROBABILITY) | scene.beside.array
    places = to_voxel(scene.solid.affine, points_mm.reshape(-1, 3)).T
    within = ndimage.map_coordinates(drawn.astype(np.float32), places, order=1, mode="constant")
    within = within.reshape(points_mm.shape[:3]) >= OBJECT_PROBABILITY
    return np.asarray(np.where(within, out_mm, 0.0).max(axis=2))


def _edges_mm(
    change: NDArray[np.float64], inner_mm: NDArray[np.float64], out_mm: NDArray[np.float64], apart: float
) -> NDArray[np.float64]:
    """Return how far out the edge lies on each ray ``(N, D)``, mm, NaN where it is not seen.

    Parameters
    ----------
    change
        Signal beside that of cord as a share of it, less one, shape ``(N, D, S)``.
    inner_mm
        From where on the edge is looked for, ``(N, D)``.
    apart
        Factor by which fluid must differ from cord.
    """
    change = np.where(out_mm >= inner_mm[..., None], change, -np.inf)
    most = change.max(axis=2)
    fluid = ndimage.gaussian_filter1d(np.median(most, axis=1), FLUID_ALONG_MM, mode="nearest")
    half = 0.5 * np.minimum(most, fluid[:, None])
    return np.where(most >= apart - 1.0, _crossing_mm(change, half, inner_mm, out_mm), np.nan)


def _areas(edge_mm: NDArray[np.float64], inner_mm: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return the sections within edges ``(N, D)``, mm², NaN where less than a share is seen."""
    is_seen = np.isfinite(edge_mm) & ((edge_mm > inner_mm) | (inner_mm > CORE_MM))
    count = is_seen.sum(axis=1)
    squares_mm2 = np.where(np.isfinite(edge_mm), edge_mm, 0.0) ** 2
    area_mm2 = np.pi * squares_mm2.sum(axis=1) / np.maximum(np.isfinite(edge_mm).sum(axis=1), 1)
    return np.asarray(np.where(count >= share * edge_mm.shape[1], area_mm2, np.nan))


def _off_middle_mm(edge_mm: NDArray[np.float64], ways: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the middle of what the edges ``(N, D)`` enclose lies from the line, ``(N, 3)``, mm; or 0."""
    is_seen = np.isfinite(edge_mm)
    if not is_seen.any():
        return np.zeros((len(edge_mm), 3))
    edge_mm = np.where(is_seen, edge_mm, np.median(edge_mm[is_seen]))
    cubes = (edge_mm[..., None] ** 3 * ways).mean(axis=1)
    off_mm = 2 / 3 * cubes / (edge_mm**2).mean(axis=1)[:, None]
    return np.asarray(ndimage.gaussian_filter1d(off_mm, CENTRED_ALONG_MM, axis=0, mode="nearest"))


def _crossing_mm(
    change: NDArray[np.float64], half: NDArray[np.float64], inner_mm: NDArray[np.float64], out_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where each ray first reaches a level from below, mm, between the steps outwards.

    Where what was drawn lies brighter than that on the ray's start, the rim's darkest point comes first.
    """
    peak = (change >= half[..., None] * 2 * 0.95).argmax(axis=2)
    steps = np.arange(len(out_mm))
    before = np.where((steps <= peak[..., None]) & np.isfinite(change), change, np.inf)
    dip = before.argmin(axis=2)
    reached = (change >= half[..., None]) & (steps >= dip[..., None])
    at = reached.argmax(axis=2)
    upper = np.take_along_axis(change, at[..., None], axis=2)[..., 0]
    lower = np.take_along_axis(change, np.maximum(at - 1, 0)[..., None], axis=2)[..., 0]
    is_between = (at > 0) & np.isfinite(lower) & (upper > lower) & (lower < half)
    lower, upper = np.where(is_between, lower, 0.0), np.where(is_between, upper, 1.0)
    share = np.where(is_between, (half - lower) / (upper - lower), 1.0)
    return np.maximum(out_mm[at] - (1.0 - share) * STEP_OUT_MM, inner_mm)
