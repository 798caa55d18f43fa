"""Whether anything differs where an outline was proposed: a click in healthy cord gives an outline, too.

The cross-section of the outline is looked up along the cord, from above it to below it. Where the signal changes hardly
at all on the whole way, or evenly as it does towards the edge of a coil, the outline has no edge that anybody sees.
Below the end of the cord nothing is compared: nerves in fluid are no cord. It says what differs, never what it is, and
never that there is nothing: a lesion may have the signal of the cord.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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


EVEN_BESIDE_TREND = 0.16
"""Healthy cord changes by less than this over such a way once a straight line through the cord beside is taken away;
implanted tumours by 0.22 and more (docs/draft.md)."""

FEWEST_BESIDE = 5
"""Steps of cord above and below an outline from which on a straight line is laid through them."""

RING_MM, CORE_MM = 6.0, 1.5
"""Where the fluid around the cord is looked up, and its middle, mm from the line."""

ENDED_SHARE, ENDED_MM = 0.35, 40
"""Where the middle differs from the fluid by less than this share of what is usual, over so many mm and to the end of
the line, the cord has ended above; a lesion at the end of a scan was taken for that at 20 mm."""


@dataclass(frozen=True)
class SignalChange:
    """How much the signal of an outline's cross-section changes along the cord, as shares of the middle one.

    Attributes
    ----------
    along
        From the lowest to the highest part (5 to 95 %).
    beside_trend
        The same once a straight line through the cord beside the outline is taken away; None where it has too little
        of it on one side.
    """

    along: float
    beside_trend: float | None = None


def most(changes: Iterable[SignalChange | None]) -> SignalChange | None:
    """Return the change of several contrasts taken together: something differs where one of them shows it."""
    given = [change for change in changes if change is not None]
    if not given:
        return None
    trends = [change.beside_trend for change in given if change.beside_trend is not None]
    return SignalChange(max(change.along for change in given), max(trends) if len(trends) == len(given) else None)


def signal_change(scan: Volume, line_mm: NDArray, mask: Volume) -> SignalChange | None:
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
    SignalChange or None
        None where the outline is empty, reaches the end of the cord, or too little of the cord is seen.
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
    end = cord_end(scan, axis, len(line_mm))
    if end < len(line_mm) and high > end - FEWEST_BESIDE:
        return None
    last_mm = min(high + BESIDE_MM, end - 1.0)
    along = np.arange(max(low - BESIDE_MM, 0.0), last_mm + 1e-6)
    if not len(across) or not len(along):
        return None
    levels, is_seen = _levels(scan, axis, across, along)
    if is_seen.sum() < FEWEST_STEPS:
        return None
    smooth, steps = ndimage.median_filter(levels[is_seen], SMOOTHED_STEPS), along[is_seen]
    return SignalChange(_spread(smooth, smooth), _beside_trend(smooth, steps, low, high))


def _spread(values: NDArray, levels: NDArray) -> float:
    first, last = np.percentile(values, (5, 95))
    return float((last - first) / max(abs(float(np.median(levels))), 1e-9))


def _beside_trend(smooth: NDArray, steps: NDArray, low: float, high: float) -> float | None:
    """Return the change from a straight line through the cord above and below an outline; None without both."""
    above, below = steps < low - 1, steps > high + 1
    if min(above.sum(), below.sum()) < FEWEST_BESIDE:
        return None
    is_beside = above | below
    trend = np.polyval(np.polyfit(steps[is_beside], smooth[is_beside], 1), steps)
    return _spread(smooth - trend, smooth[is_beside])


def cord_end(scan: Volume, axis: CordCoordinates, length: int) -> int:
    """Return the step of the line below which its middle looks like the fluid around, to its end; else its length.

    A line goes on into the nerves below the cord. What lies there has the fluid's own signal, whatever the contrast.
    """
    turns = np.arange(8) * np.pi / 4
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    steps = np.arange(float(length))
    (core, is_core), (around, is_around) = (_levels(scan, axis, ring * mm, steps) for mm in (CORE_MM, RING_MM))
    is_seen = is_core & is_around
    if is_seen.sum() < 2 * ENDED_MM:
        return length
    differs = ndimage.median_filter((around - core)[is_seen], SMOOTHED_STEPS)
    usual = float(np.median(differs[: len(differs) // 2]))
    is_cord = differs * np.sign(usual) >= ENDED_SHARE * abs(usual)
    ended = len(differs) - int(is_cord.nonzero()[0].max(initial=-1)) - 1
    return int(steps[is_seen][len(differs) - ended]) if ENDED_MM <= ended < len(differs) else length


def words_of(change: SignalChange | None) -> str | None:
    """Say that nothing differs where an outline was proposed, with how little; None where something does.

    Examples
    --------
    >>> words_of(SignalChange(0.6)) is None, words_of(SignalChange(0.12))[:63]
    (True, 'nothing here differs from the cord beside it: over the outline ')
    """
    if change is None:
        little = "too little of the cord is seen, or it ends here"
        return f"whether anything here differs from the cord beside it cannot be told: {little}"
    is_even = change.beside_trend is not None and change.beside_trend < EVEN_BESIDE_TREND
    if change.along >= EVEN_SHARE and not is_even:
        return None
    how = f"by {change.along:.0%}, as in healthy cord (less than {EVEN_SHARE:.0%})"
    if change.along >= EVEN_SHARE and change.beside_trend is not None:
        how = f"evenly, as towards the edge of a coil: apart from that by {change.beside_trend:.0%}"
    return (
        f"nothing here differs from the cord beside it: over the outline and {BESIDE_MM:g} mm beyond its ends the "
        f"signal changes {how}; the outline is but a shape. Where something is seen on another scan or by eye, draw it"
    )


def _levels(
    scan: Volume, axis: CordCoordinates, across: NDArray, along: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the median of a cross-section at places along the cord, and where the scan reaches all of it."""
    places = np.concatenate([np.tile(across, (len(along), 1)), np.repeat(along, len(across))[:, None]], axis=1)
    voxels = to_voxel(scan.affine, axis.to_world(places))
    is_scanned = ((voxels > -0.5) & (voxels < np.array(scan.shape) - 0.5)).all(axis=1).reshape(len(along), -1)
    array = np.nan_to_num(scan.array.astype(np.float64, copy=False))
    values = ndimage.map_coordinates(array, voxels.T, order=1, mode="nearest").reshape(is_scanned.shape)
    return np.asarray(np.median(values, axis=1)), np.asarray(is_scanned.all(axis=1))
