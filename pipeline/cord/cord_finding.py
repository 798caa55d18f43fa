"""The cord of a scan, or why there is none: likeness of every place, the best way head-foot, the middle refined.

What it refuses: a cord shorter than :data:`LEAST_LENGTH_MM`, and one that looks less like a cord than
:data:`LEAST_SURENESS` along its way. It marks where along the way it was only carried on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.cord.cord_likeness import likeness_map, packaged_layers
from pipeline.cord.cord_path import CordPath, best_path
from pipeline.cord.cord_width import radii_along
from pipeline.cord.surroundings import STEP_MM, UprightScan, upright
from pipeline.core.volume import Volume, to_world

LEAST_LENGTH_MM = 35.0
"""A way shorter than this is any round thing, mm; noise has looked like a cord over 28 mm."""

LEAST_SCAN_RATIO = 0.8
"""A scan that is itself too short for that must show a cord over this share of it, and over 15 mm."""

LEAST_SHORT_MM = 15.0

LEAST_SURENESS = 0.55
"""Below this nothing is called a cord. Cords reached 0.58 (magnetisation transfer), else 0.73 and more; noise, limbs
and a line in the wrong place, on a part of the spine that training had not shown, 0.52 at most."""

FULL_LIKENESS = 0.75
"""Mean likeness along the way at which nothing is left to doubt: the middle of a cord reaches 0.8 to 0.95."""

APART_MM = 20.0
"""Another way counts as elsewhere when it keeps at least this far from the first, mm."""

REFINED_WITHIN_MM = 6.0
"""The middle is the centre of likeness within this distance of the way, mm."""

SMOOTHED_MM = 5.0
"""Deviation of the weights by which the middle is smoothed along the cord, mm."""

POINT_STEP_MM = 1.0


@dataclass(frozen=True, eq=False)
class FoundCord:
    """Where the cord lies.

    Attributes
    ----------
    points_mm
        Shape ``(N, 3)``, RAS+ mm; the centre line from head to foot, a point every millimetre. N is 0 where there is
        no cord.
    radius_mm
        Shape ``(N,)``; radius of a circle of the cord's cross-section, mm, rough: to place a region, not to measure
        by. NaN where its edge is not seen.
    likeness
        Shape ``(N,)``; how much each point looks like the middle of a cord, 0 to 1. Low where a lesion hides it and
        the line was only carried on.
    sureness
        0 to 1, over the whole line.
    reason
        Why there is no cord here; None where there is one.
    """

    points_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    likeness: NDArray[np.float64]
    sureness: float
    reason: str | None

    @property
    def is_found(self) -> bool:
        """Say whether there is a cord."""
        return self.reason is None


def find_cord(scan: Volume) -> FoundCord:
    """Find the cord in a scan of any plane, spacing and contrast.

    Parameters
    ----------
    scan
        Intensities; its affine says which way is head.

    Returns
    -------
    FoundCord
        With ``reason`` set where there is no cord to be seen.
    """
    if not np.isfinite(scan.array).any() or float(np.nanmax(scan.array)) <= float(np.nanmin(scan.array)):
        return _none("the scan is blank", 0.0)
    look = upright(scan)
    likeness = likeness_map(look, packaged_layers())
    path = best_path(likeness)
    length_mm = float(len(path.voxels) * STEP_MM[2])
    sureness = _sureness(likeness, path)
    scan_mm = float(look.volume.shape[2] * STEP_MM[2])
    if length_mm < max(min(LEAST_LENGTH_MM, LEAST_SCAN_RATIO * scan_mm), LEAST_SHORT_MM):
        return _none(f"nothing looks like a cord over more than {length_mm:.0f} mm", 0.0)
    if sureness < LEAST_SURENESS:
        return _none(f"what looks most like a cord does so too little (sureness {sureness:.2f})", sureness)
    points_mm, along = _centre_line(look, likeness, path)
    return FoundCord(points_mm, radii_along(scan, points_mm), along, sureness, None)


def _none(reason: str, sureness: float) -> FoundCord:
    return FoundCord(np.zeros((0, 3)), np.zeros(0), np.zeros(0), sureness, reason)


def _sureness(likeness: NDArray[np.float32], path: CordPath) -> float:
    """Return the mean likeness along the way beside what is full, less for a rival elsewhere that gains as much."""
    mean = float(likeness[tuple(path.voxels.T)].mean())
    elsewhere = likeness.copy()
    reach = np.ceil(APART_MM / STEP_MM[:2]).astype(int)
    for i, j, k in path.voxels:
        elsewhere[max(i - reach[0], 0) : i + reach[0] + 1, max(j - reach[1], 0) : j + reach[1] + 1, k] = 0.0
    rival = best_path(elsewhere).gain / path.gain if path.gain > 0 else 1.0
    return min(mean / FULL_LIKENESS, 1.0) * (1.0 - 0.5 * min(rival, 1.0) ** 2)


def _centre_line(
    look: UprightScan, likeness: NDArray[np.float32], path: CordPath
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the refined points from head to foot, a millimetre apart, and the likeness along them."""
    reach = np.ceil(REFINED_WITHIN_MM / STEP_MM[:2]).astype(int)
    middles, weights = [], []
    for i, j, k in path.voxels:
        low = (max(i - reach[0], 0), max(j - reach[1], 0))
        patch = likeness[low[0] : i + reach[0] + 1, low[1] : j + reach[1] + 1, k].astype(np.float64)
        if patch.sum() > 0:
            shift = ndimage.center_of_mass(patch)
            middles.append((low[0] + shift[0], low[1] + shift[1], float(k)))
        else:
            middles.append((float(i), float(j), float(k)))
        weights.append(float(patch.max()) ** 2 + 1e-3)
    centres_mm = to_world(look.volume.affine, np.array(middles))
    smooth_mm = _smoothed(centres_mm, np.array(weights))
    steps_mm = np.linalg.norm(np.diff(smooth_mm, axis=0), axis=1)
    way_mm = np.concatenate([[0.0], np.cumsum(steps_mm)])
    at_mm = np.arange(0.0, way_mm[-1] + 1e-6, POINT_STEP_MM)[::-1]
    points_mm = np.stack([np.interp(at_mm, way_mm, smooth_mm[:, axis]) for axis in range(3)], axis=-1)
    peak = np.sqrt(np.maximum(np.array(weights) - 1e-3, 0.0))
    return points_mm, np.interp(at_mm, way_mm, peak)


def _smoothed(points_mm: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each point moved onto a straight line through its neighbours, near and likely ones counting most."""
    heights = points_mm[:, 2]
    smooth_mm = points_mm.copy()
    for n, height in enumerate(heights):
        near = weights * np.exp(-0.5 * ((heights - height) / SMOOTHED_MM) ** 2)
        away = heights - height
        design = np.stack([np.ones_like(away), away], axis=1)
        normal = design.T @ (near[:, None] * design) + np.diag([0.0, 1e-3])
        smooth_mm[n, :2] = np.linalg.solve(normal, design.T @ (near[:, None] * points_mm[:, :2]))[0]
    return smooth_mm
