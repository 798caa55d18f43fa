"""Several masks as one map of labels, for the eye only: nothing is ever measured on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.core.transform import Transform, resample_together
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume

LABELS = {compartment: index for index, compartment in enumerate(Compartment, start=1)}
"""Label of each compartment in the maps that are shown."""


def label_map(masks: Mapping[Compartment, Volume], onto: Volume, way: Transform) -> Volume:
    """Bring masks that share a grid onto another one as labels; the likeliest compartment of at least one half wins.

    Parameters
    ----------
    masks
        Boolean, or the share (0..1) of each voxel; at least one.
    onto
        The grid to show them on; its array is not read.
    way
        Moves points from ``onto`` to the masks.

    Returns
    -------
    Volume
        ``uint8`` on ``onto``'s grid: 0 or a value of :data:`LABELS`.
    """
    labels = np.zeros(onto.shape, dtype=np.uint8)
    strongest = np.full(onto.shape, 0.5)
    soft = [mask.with_array(mask.array.astype(np.float32)) for mask in masks.values()]
    for compartment, share in zip(masks, resample_together(soft, onto, way, order=1), strict=True):
        here = share.array >= strongest
        labels[here] = LABELS[compartment]
        strongest[here] = share.array[here]
    return onto.with_array(labels)
