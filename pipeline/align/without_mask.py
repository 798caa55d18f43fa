"""Two scans brought together where nobody drew a lesion: around the cord that is found on the reference.

It refuses to pass for more than it is: without a cord the middle of the scan is what is aligned, as if nothing were
known, and the grade is B at best. With a cord, the worst stretch of it counts, and where the follow-up's own cord lies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from pipeline.align import registration
from pipeline.align.certificate import (
    ACROSS_CONTRASTS,
    BETWEEN_VISITS,
    Alignment,
    judged_around_cord,
    judged_without_cord,
)
from pipeline.cord.cord_finding import FoundCord, find_cord
from pipeline.cord.cord_region import region_of
from pipeline.core.signal_reach import without_padding
from pipeline.core.transform import Transform, move_points
from pipeline.core.volume import Volume

SEEN_LIKENESS = 0.5
"""Points of a centre line that look less like a cord than this were carried on and are not compared."""

COMPARED_OVER_POINTS = 5.0
"""Deviation of the smoothing of distances along the line, points of 1 mm: one point off is no finding."""

LEAST_COMPARED = 10
"""Points that both lines must see to be compared."""


@dataclass(frozen=True, eq=False)
class CordRegion:
    """The cord of a reference scan, and the voxels it takes there; None where no cord was found."""

    cord: FoundCord
    region: Volume | None


def cord_of(reference: Volume) -> CordRegion:
    """Find the cord of a reference scan that nobody drew a lesion on."""
    cord = find_cord(without_padding(reference))
    return CordRegion(cord, region_of(cord, reference))


def align_around(cord: CordRegion, reference: Volume, follow_up: Volume, *, same_contrast: bool = True) -> Alignment:
    """Lay a follow-up scan onto the reference scan around the reference's cord.

    Parameters
    ----------
    cord
        As :func:`cord_of` found it on the reference.
    reference, follow_up, same_contrast
        As :func:`pipeline.align.registration.align` takes them.
    """
    alignment = registration.align(reference, follow_up, region=cord.region, exclude=None, same_contrast=same_contrast)
    limits = BETWEEN_VISITS if same_contrast else ACROSS_CONTRASTS
    if cord.cord.reason is not None:
        quality = judged_without_cord(alignment.quality, limits, cord.cord.reason)
        return replace(alignment, quality=quality, around="the middle of the scan")
    apart_mm = _apart_mm(cord.cord, find_cord(without_padding(follow_up)), alignment.to_follow_up)
    around = f"the cord found over {len(cord.cord.points_mm)} mm (sureness {cord.cord.sureness:.2f})"
    return replace(alignment, quality=judged_around_cord(alignment.quality, limits, apart_mm), around=around)


def _apart_mm(here: FoundCord, there: FoundCord, to_follow_up: Transform) -> float | None:
    """Return the largest distance of the moved line from the follow-up's own, mm; None where either is not seen."""
    if not there.is_found:
        return None
    moved_mm = move_points(to_follow_up, here.points_mm)[here.likeness >= SEEN_LIKENESS]
    heights = there.points_mm[there.likeness >= SEEN_LIKENESS, 2]
    if heights.size == 0:
        return None
    moved_mm = moved_mm[(moved_mm[:, 2] >= heights.min()) & (moved_mm[:, 2] <= heights.max())]
    if len(moved_mm) < LEAST_COMPARED:
        return None
    away_mm = cKDTree(there.points_mm).query(moved_mm)[0]
    return float(np.max(ndimage.gaussian_filter1d(away_mm, COMPARED_OVER_POINTS)))
