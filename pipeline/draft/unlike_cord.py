"""Whether what an outline holds differs from the cord beside it: a click in healthy cord proposes an outline, too.

The cross-section of the outline is looked up again above and below it, and a straight line between both says what cord
would look like in between, so that a signal that changes along the spine is no lesion. It says what differs, never what
it is, and never that there is none: a lesion may have the signal of the cord.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.draft.cord_coordinates import CordCoordinates

GAP_MM, BESIDE_MM = 3.0, 15.0
"""The cord beside an outline is that from here to there beyond its ends, mm."""

STEP_MM = 1.0
FEWEST_STEPS = 4
"""A side of fewer steps tells nothing."""

LINE_POINTS = 40
"""Places of a cross-section that are looked up at each step."""


@dataclass(frozen=True)
class Unlikeness:
    """How an outline differs from the cord beside it.

    Attributes
    ----------
    share
        Difference of the signal as a share of the cord's; negative where the outline is darker.
    deviations
        The same in deviations of the signal within one cross-section.
    sides
        On how many sides cord was seen, 1 or 2.
    """

    share: float
    deviations: float
    sides: int


def unlike_cord(scan: Volume, line_mm: NDArray, mask: Volume) -> Unlikeness | None:
    """Compare the signal within an outline with that of the same cross-section of cord above and below.

    Parameters
    ----------
    scan
        Intensities.
    line_mm
        Shape ``(N, 3)``; the cord's centre line, RAS+ mm, a point every millimetre.
    mask
        The outline, on the scan's grid.

    Returns
    -------
    Unlikeness or None
        None where the outline is empty, or no cord is seen on either side of it.
    """
    axis = CordCoordinates(line_mm)
    voxels = np.argwhere(mask.array)
    if not len(voxels):
        return None
    places = axis.of(to_world(scan.affine, voxels))
    low, high = places[:, 2].min(), places[:, 2].max()
    middle = np.abs(places[:, 2] - (low + high) / 2) <= max((high - low) / 6, STEP_MM)
    across = places[middle, :2]
    across = across[np.linspace(0, len(across) - 1, min(LINE_POINTS, len(across))).astype(int)]
    inside = np.arange(low + (high - low) / 4, high - (high - low) / 4 + 1e-6, STEP_MM)
    profiles = [_profile(scan, axis, across, at) for at in (inside, *_beside(low, high, len(line_mm)))]
    here, sides = profiles[0], [side for side in profiles[1:] if len(side.at) >= FEWEST_STEPS]
    if not sides or not len(here.at):
        return None
    heights = np.array([np.median(side.at) for side in sides])
    levels = np.array([np.median(side.level) for side in sides])
    order = np.argsort(heights)
    expected = np.interp(here.at, heights[order], levels[order])
    difference = float(np.median(here.level - expected))
    spread = float(np.median(np.concatenate([side.spread for side in sides])))
    cord = float(np.median(np.abs(expected)))
    return Unlikeness(difference / max(cord, 1e-9), difference / max(spread, 0.03 * cord, 1e-9), len(sides))


@dataclass(frozen=True, eq=False)
class _Profile:
    """Medians and deviations of a cross-section at places along the cord."""

    at: NDArray[np.float64]
    level: NDArray[np.float64]
    spread: NDArray[np.float64]


def _beside(low: float, high: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    above = np.arange(low - BESIDE_MM, low - GAP_MM + 1e-6, STEP_MM)
    below = np.arange(high + GAP_MM, high + BESIDE_MM + 1e-6, STEP_MM)
    return above[above >= 0], below[below <= count - 1]


def _profile(scan: Volume, axis: CordCoordinates, across: NDArray, along: NDArray) -> _Profile:
    """Look a cross-section up at places along the cord; those that the scan does not reach are left out."""
    if not len(along):
        return _Profile(along, along, along)
    places = np.concatenate([np.tile(across, (len(along), 1)), np.repeat(along, len(across))[:, None]], axis=1)
    voxels = to_voxel(scan.affine, axis.to_world(places))
    is_scanned = ((voxels > -0.5) & (voxels < np.array(scan.shape) - 0.5)).all(axis=1)
    values = ndimage.map_coordinates(
        np.nan_to_num(scan.array.astype(np.float64, copy=False)), voxels.T, order=1, mode="nearest"
    ).reshape(len(along), len(across))
    whole = is_scanned.reshape(values.shape).all(axis=1)
    level = np.median(values, axis=1)
    spread = 1.4826 * np.median(np.abs(values - level[:, None]), axis=1)
    return _Profile(along[whole], level[whole], spread[whole])
