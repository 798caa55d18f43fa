"""Where the mask of a visit without one comes from: the masks of another visit, carried over and read again.

What this module returns is *automatic*: a proposal on the follow-up's own grid that waits for a person. It refuses
to answer for places the follow-up did not scan: such a compartment is left out and named in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.domain.grid import Volume
from pipeline.domain.transforms import Transform, coverage, inverse, resample

CARRIED_OVER = "carried over"
"""Method of masks that were only warped: they show where the lesion was, never whether it grew or shrank."""

COVERED_SHARE = 0.9
"""A compartment is assessable when at least this share of its carried-over volume lies in the field of view."""


@dataclass(frozen=True)
class MaskedVisit:
    """A visit with masks.

    Attributes
    ----------
    image
        The scan.
    masks
        Compartment name to a binary or probability mask (0..1) on the image's grid.
    """

    image: Volume
    masks: Mapping[str, Volume]


@dataclass(frozen=True)
class FollowUpMasks:
    """Automatic masks of a follow-up.

    Attributes
    ----------
    probabilities
        Compartment name to the share (0..1) of each voxel that belongs to it, on the follow-up's grid; compartments
        outside the follow-up's field of view are absent.
    method
        How the masks were made.
    notes
        What a reader of the masks must know, in words.
    """

    probabilities: dict[str, Volume]
    method: str
    notes: tuple[str, ...]


def carry_over(masked: MaskedVisit, follow_up: Volume, to_masked: Transform) -> dict[str, Volume]:
    """Warp the masks of one visit onto another visit's grid, unchanged: the simple alternative.

    Parameters
    ----------
    to_masked
        Moves points from the follow-up to the masked visit.
    """
    return {
        name: resample(mask.with_array(mask.array.astype(np.float32)), follow_up, to_masked, order=1)
        for name, mask in masked.masks.items()
    }


def follow_up_masks(masked: MaskedVisit, follow_up: Volume, to_masked: Transform) -> FollowUpMasks:
    """Give a visit without masks the compartments of a masked visit, on its own grid.

    Parameters
    ----------
    masked
        The visit whose masks a person drew.
    follow_up
        The scan to mask.
    to_masked
        Moves points from the follow-up to the masked visit.
    """
    carried = carry_over(masked, follow_up, to_masked)
    seen = coverage(follow_up, masked.image, inverse(to_masked)).array
    notes = []
    for name, mask in masked.masks.items():
        total = float(mask.array.sum())
        share = float(mask.array[seen].sum()) / total if total > 0 else 1.0
        if share < COVERED_SHARE:
            del carried[name]
            notes.append(f"{name}: only {share:.0%} of its place lies in this scan's field of view; not assessable")
    return FollowUpMasks(carried, CARRIED_OVER, tuple(notes))
