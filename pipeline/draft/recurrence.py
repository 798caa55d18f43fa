"""A draft outline of a tumour that came back where one was taken out, between three ways of looking for it.

The earlier scan shows the bed without tumour, so whatever the later one has more than that explains is new. Three ways
look at it: an ellipsoid fitted to what is new, the outline that a click in its middle proposes on the scan, and the
same with what is new as a second contrast. Alone each is wrong in its own way: the first takes new oedema for tumour,
the second everything that is brighter than cord, the third only what is brightest. The draft lies half the way between
the ellipsoid and what two of the three hold for tumour, and is the ellipsoid where new signal is clear.

It refuses where what is new is small, hardly explains the scan better, or does not stand out from what else stays
unexplained, as after movement. A draft is an automatic mask that nobody signed; no draft is no proof of no tumour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.cord.cord_finding import FoundCord
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_world
from pipeline.draft.cord_coordinates import CordCoordinates
from pipeline.draft.new_growth import NewGrowth, fitted_growth
from pipeline.draft.proposal import Clicks, propose
from pipeline.draft.signed_distance import signed_distance_mm
from pipeline.errors import SettingsError

METHOD = "draft of a recurrence 1"
"""What goes on record as the way in which the mask was made."""

LEAST_REGION_MM3 = 100.0
"""New signal at least half as bright as where it is brightest takes at least this volume, mm³."""

LEAST_GAIN = 20.0
"""It explains the scan better by at least this log-likelihood."""

CLEARLY = 2.2
"""New signal stands out when it is this many times brighter than what stays unexplained elsewhere. On real cords true
recurrences were 2.4 to 5.0 times; visits without one that were flagged on scans made with movement 1.4 to 4.3 times."""

LEAST_BRIGHTNESS = 0.06
"""The fitted ellipsoid is brighter than cord by at least this share of the step from cord to fluid. True recurrences in
real cords were 0.08 to 0.26, clean beds of the same people 0.04 to 0.05 where anything was large enough to count."""

MOST_RATIO = 2.5
"""It is at most this many times larger than the region in which new signal is bright; true ones were 0.4 to 1.4
times. Not asked of what is clear, for the region is cut short beside a cavity."""

CLEAR_GAIN = 150.0
"""From this gain on the ellipsoid alone counts: its edges are seen, and what a click proposes is too small there."""

LEAST_MM3 = 80.0
"""A smaller outline is not proposed, mm³."""

EVEN_MM = 0.6
"""Distances are evened at this scale, mm, so that half the way between two outlines can be less than a voxel."""

MOSTLY_CORD, TAKEN = 0.5, 0.3
"""Voxels are explained where at least this share was cord, and at most this share is fluid."""


@dataclass(frozen=True, eq=False)
class UnexplainedSignal:
    """What an earlier scan without tumour leaves unexplained of a later one, on a crop ``(I, J, K)`` of it.

    Attributes
    ----------
    crop
        Where the crop lies in the later scan.
    left, averaged
        Shape of the crop; unexplained signal, and the same averaged over a lesion's size where it was searched, both
        as the share of the step from cord to fluid.
    certainty
        Shape of the crop; 1 over the variance of ``left``, 0 where nothing was compared.
    is_searched
        Shape of the crop; cord, away from what is known.
    cord_share, fluid_share
        Shape of the crop; share of each voxel that was cord, and that fluid compartments take now.
    elsewhere
        How much stays unexplained away from the searched cord, root mean square, averaged like ``averaged``.
    """

    crop: tuple[slice, slice, slice]
    left: NDArray[np.float64]
    averaged: NDArray[np.float64]
    certainty: NDArray[np.float64]
    is_searched: NDArray[np.bool_]
    cord_share: NDArray[np.float64]
    fluid_share: NDArray[np.float64]
    elsewhere: float

    @property
    def searched_share(self) -> float:
        """How much of the cord near the bed was searched, 0 to 1: the rest shares voxels, or lies by known fluid."""
        return float(self.cord_share[self.is_searched].sum() / max(self.cord_share.sum(), 1e-9))


@dataclass(frozen=True, eq=False)
class RecurrenceDraft:
    """A drafted outline.

    Attributes
    ----------
    mask
        Boolean, on the later scan's grid.
    ways_mm3
        Volume by each of the three ways, mm³.
    brightness, elsewhere
        Where it is brightest, averaged, and how much stays unexplained elsewhere; shares of the step cord to fluid.
    centre_mm
        RAS+ mm.
    """

    mask: Volume
    ways_mm3: tuple[float, float, float]
    brightness: float
    elsewhere: float
    centre_mm: tuple[float, float, float]

    @property
    def volume_mm3(self) -> float:
        """Volume of the outline, mm³."""
        return float(np.count_nonzero(self.mask.array)) * self.mask.voxel_mm3


def draft_recurrence(scan: Volume, cord: FoundCord, seen: UnexplainedSignal) -> RecurrenceDraft | None:
    """Draft the outline of new tumour.

    Parameters
    ----------
    scan
        The later scan.
    cord
        As found in it.
    seen
        What the earlier scan leaves unexplained.

    Returns
    -------
    RecurrenceDraft or None
        None where nothing is new enough to be outlined, or no cord was found.
    """
    place = _brightest(scan, seen)
    if place is None or not cord.is_found:
        return None
    middle_mm, brightness, region_mm3 = place
    is_compared = (seen.cord_share > MOSTLY_CORD) & (seen.fluid_share < TAKEN)
    certainty = _on(scan, seen, np.where(is_compared, seen.certainty, 0.0))
    unexplained = scan.with_array(_on(scan, seen, seen.left))
    growth = fitted_growth(unexplained, certainty, CordCoordinates(cord.points_mm), middle_mm)
    if growth is None or not _is_sure(growth, region_mm3):
        return None
    clicks = Clicks(((float(middle_mm[0]), float(middle_mm[1]), float(middle_mm[2])),))
    try:
        outlines = [propose(scan, cord, clicks, Compartment.TUMOUR, more).mask for more in (None, unexplained)]
    except SettingsError:
        return None  # what is brightest does not lie in the cord
    is_free = _on(scan, seen, seen.fluid_share) < 0.5
    ways = [way & is_free for way in (growth.share >= 0.5, *(outline.array for outline in outlines))]
    mask = _one_piece(_between(ways[0], np.sum(ways, axis=0) >= 2, growth.gain / CLEAR_GAIN, scan) & is_free)
    if np.count_nonzero(mask) * scan.voxel_mm3 < LEAST_MM3:
        return None
    x, y, z = (float(at) for at in to_world(scan.affine, np.argwhere(mask).mean(axis=0)))
    first, second, third = (float(np.count_nonzero(way)) * scan.voxel_mm3 for way in ways)
    return RecurrenceDraft(scan.with_array(mask), (first, second, third), brightness, seen.elsewhere, (x, y, z))


def _is_sure(growth: NewGrowth, region_mm3: float) -> bool:
    is_seen = growth.gain >= LEAST_GAIN and growth.brightness >= LEAST_BRIGHTNESS
    return is_seen and (growth.gain >= CLEAR_GAIN or growth.volume_mm3 <= MOST_RATIO * region_mm3)


def _brightest(scan: Volume, seen: UnexplainedSignal) -> tuple[NDArray[np.float64], float, float] | None:
    """Return the middle of the brightest new signal, RAS+ mm, its brightness, and the volume of its region, mm³.

    None where it is small or does not stand out.
    """
    averaged = np.where(seen.is_searched, seen.averaged, -np.inf)
    brightest = float(averaged.max(initial=-np.inf))
    if brightest <= CLEARLY * seen.elsewhere:
        return None
    pieces, _ = ndimage.label(averaged > brightest / 2)
    piece = pieces == pieces[np.unravel_index(int(np.argmax(averaged)), averaged.shape)]
    region_mm3 = float(np.count_nonzero(piece)) * scan.voxel_mm3
    if region_mm3 < LEAST_REGION_MM3:
        return None
    weight = seen.averaged[piece]
    voxel = (np.argwhere(piece) * weight[:, None]).sum(axis=0) / weight.sum()
    return to_world(scan.affine, voxel + [cut.start for cut in seen.crop]), brightest, region_mm3


def _on(scan: Volume, seen: UnexplainedSignal, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put values of the crop on the whole scan, 0 elsewhere."""
    whole = np.zeros(scan.shape)
    whole[seen.crop] = values
    return whole


def _between(
    ellipsoid: NDArray[np.bool_], majority: NDArray[np.bool_], clearness: float, scan: Volume
) -> NDArray[np.bool_]:
    """Return the outline between two: half the way, nearer to the ellipsoid the clearer it is (1: the ellipsoid)."""
    weight = float(np.clip(clearness, 0.5, 1.0))
    if weight == 1.0 or not majority.any():
        return ellipsoid
    distances_mm = (signed_distance_mm(one, scan.spacing_mm) for one in (ellipsoid, majority))
    distance_mm = sum(share * one for share, one in zip((weight, 1 - weight), distances_mm, strict=True))
    return np.asarray(ndimage.gaussian_filter(distance_mm, EVEN_MM / scan.spacing_mm) < 0)


def _one_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces, count = ndimage.label(mask)
    if not count:
        return mask
    return np.asarray(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)
