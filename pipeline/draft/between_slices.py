"""A mask that was drawn on some slices, filled in between them; and an outline made smooth.

Between two drawn slices the outline goes evenly from the one to the other: distances from both outlines are mixed by
how near each slice is (shape-based interpolation; Raya and Udupa 1990, doi:10.1109/42.52980).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume
from pipeline.draft.signed_distance import signed_distance_mm

SMOOTHED_MM = 1.0
"""Deviation over which an outline is smoothed, mm."""


def across_slices(mask: Volume) -> int:
    """Return the array axis across the slices: that of the widest spacing."""
    return int(np.argmax(mask.spacing_mm))


def filled_between(mask: Volume, axis: int) -> Volume:
    """Fill the empty slices between drawn ones.

    Parameters
    ----------
    mask
        A voxel belongs to it from 0.5 on; slices that hold something stay as they are.
    axis
        Array axis across the slices.

    Returns
    -------
    Volume
        Boolean; the mask itself where no two drawn slices have an empty one between them.
    """
    marked = np.moveaxis(mask.array >= 0.5, axis, 0).copy()
    spacing_mm = np.delete(mask.spacing_mm, axis)
    drawn = np.flatnonzero(marked.any(axis=(1, 2)))
    for first, last in pairwise(drawn):
        ends_mm = [signed_distance_mm(marked[n], spacing_mm) for n in (first, last)]
        for n in range(first + 1, last):
            share = (n - first) / (last - first)
            marked[n] = _mixed(ends_mm[0], ends_mm[1], share) < 0
    return mask.with_array(np.moveaxis(marked, 0, axis))


def smoothed(mask: Volume, over_mm: float = SMOOTHED_MM) -> Volume:
    """Make an outline smooth without making what it holds smaller or larger.

    Parameters
    ----------
    mask
        A voxel belongs to it from 0.5 on.
    over_mm
        Deviation of the smoothing, mm; across slices thicker than that nothing is smoothed.
    """
    marked = mask.array >= 0.5
    count = int(np.count_nonzero(marked))
    if not count or not over_mm or marked.all():
        return mask.with_array(marked)
    sigma = np.where(mask.spacing_mm <= 2 * over_mm, over_mm / mask.spacing_mm, 0.0)
    depth_mm = ndimage.gaussian_filter(signed_distance_mm(marked, mask.spacing_mm), sigma)
    level = np.partition(depth_mm.ravel(), count - 1)[count - 1]
    return mask.with_array(np.asarray(depth_mm <= level))


def _mixed(one_mm: NDArray[np.float64], other_mm: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return np.asarray((1 - share) * one_mm + share * other_mm)
