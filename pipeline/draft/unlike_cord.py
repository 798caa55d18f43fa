"""Whether anything differs where an outline was proposed: a click in healthy cord gives an outline, too.

The cross-section of the outline is looked up along the cord, from above it to below it. Where the signal changes hardly
at all on the whole way, the outline has no edge that anybody could see. It says what differs, never what it is, and
never that there is nothing: a lesion may have the signal of the cord.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.draft.cord_coordinates import CordCoordinates

BESIDE_MM = 15.0
"""The cord beside an outline is looked at so far beyond its ends, mm."""

SMOOTHED_STEPS = 5
"""Steps of 1 mm over which the median is taken along the cord."""

FEWEST_STEPS = 12
"""A way shorter than this, mm, tells nothing."""

LINE_POINTS = 40
"""Places of a cross-section that are looked up at each step."""

EVEN_SHARE = 0.25
"""Healthy cord changes by less than this over such a way, as a share of its signal (docs/draft.md)."""


def signal_change(scan: Volume, line_mm: NDArray, mask: Volume) -> float | None:
    """Return how much the signal of an outline's cross-section changes along the cord, from above it to below it.

    Parameters
    ----------
    scan
        Intensities.
    line_mm
        Shape ``(N, 3)``; the cord's centre line, RAS+ mm, a point every millimetre.
    mask
        The outline, on any grid of the same world.

    Returns
    -------
    float or None
        From the lowest to the highest part (5 to 95 %), as a share of the middle one; None where the outline is empty
        or too little of the cord is seen.
    """
    voxels = np.argwhere(mask.array)
    if not len(voxels):
        return None
    axis = CordCoordinates(line_mm)
    places = axis.of(to_world(mask.affine, voxels))
    low, high = places[:, 2].min(), places[:, 2].max()
    middle = np.abs(places[:, 2] - (low + high) / 2) <= max((high - low) / 6, 1.0)
    across = places[middle, :2]
    across = across[np.linspace(0, len(across) - 1, min(LINE_POINTS, len(across))).astype(int)]
    along = np.arange(max(low - BESIDE_MM, 0.0), min(high + BESIDE_MM, len(line_mm) - 1.0) + 1e-6)
    if not len(across) or not len(along):
        return None
    levels = _levels(scan, axis, across, along)
    if len(levels) < FEWEST_STEPS:
        return None
    smooth = ndimage.median_filter(levels, SMOOTHED_STEPS)
    first, last = np.percentile(smooth, (5, 95))
    return float((last - first) / max(abs(float(np.median(smooth))), 1e-9))


def words_of(change: float | None) -> str | None:
    """Say that nothing differs where an outline was proposed, with how little; None where something does.

    Examples
    --------
    >>> words_of(0.6) is None, words_of(0.12)[:63]
    (True, 'nothing here differs from the cord beside it: over the outline ')
    """
    if change is None:
        return "whether anything here differs from the cord beside it cannot be told: too little of the cord is seen"
    if change >= EVEN_SHARE:
        return None
    return (
        f"nothing here differs from the cord beside it: over the outline and {BESIDE_MM:g} mm beyond its ends the "
        f"signal changes by {change:.0%}, as in healthy cord (less than {EVEN_SHARE:.0%}); the outline is but a shape. "
        f"Where something is seen on another scan or by eye, draw it"
    )


def _levels(scan: Volume, axis: CordCoordinates, across: NDArray, along: NDArray) -> NDArray[np.float64]:
    """Return the median of a cross-section at places along the cord; where the scan reaches all of it."""
    places = np.concatenate([np.tile(across, (len(along), 1)), np.repeat(along, len(across))[:, None]], axis=1)
    voxels = to_voxel(scan.affine, axis.to_world(places))
    is_scanned = ((voxels > -0.5) & (voxels < np.array(scan.shape) - 0.5)).all(axis=1).reshape(len(along), -1)
    array = np.nan_to_num(scan.array.astype(np.float64, copy=False))
    values = ndimage.map_coordinates(array, voxels.T, order=1, mode="nearest").reshape(is_scanned.shape)
    return np.asarray(np.median(values, axis=1)[is_scanned.all(axis=1)])
