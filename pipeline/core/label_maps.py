"""Several masks as one map of labels, for the eye only: nothing is ever measured on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from pipeline.core.transform import Transform, resample_together
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume

LABELS = {compartment: index for index, compartment in enumerate(Compartment, start=1)}
"""Label of each compartment in the maps that are shown."""


def label_map(
    masks: Mapping[Compartment, Volume], onto: Volume, way: Transform, behind: Collection[Compartment] = ()
) -> Volume:
    """Bring masks that share a grid onto another one as labels; the likeliest compartment of at least one half wins.

    Parameters
    ----------
    masks
        Boolean, or the share (0..1) of each voxel; at least one.
    onto
        The grid to show them on; its array is not read.
    way
        Moves points from ``onto`` to the masks.
    behind
        Compartments that hide no other one: a mask that does not count, painted over tumour, would take it away.

    Returns
    -------
    Volume
        ``uint8`` on ``onto``'s grid: 0 or a value of :data:`LABELS`.
    """
    labels = np.zeros(onto.shape, dtype=np.uint8)
    is_behind = np.zeros(len(LABELS) + 1, dtype=bool)
    is_behind[[LABELS[compartment] for compartment in behind]] = True
    strongest, ordered = np.full(onto.shape, 0.5), sorted(masks, key=lambda compartment: compartment not in behind)
    soft = [masks[compartment].with_array(masks[compartment].array.astype(np.float32)) for compartment in ordered]
    for compartment, share in zip(ordered, resample_together(soft, onto, way, order=1), strict=True):
        here = share.array >= (strongest if compartment in behind else np.where(is_behind[labels], 0.5, strongest))
        labels[here] = LABELS[compartment]
        strongest[here] = share.array[here]
    return onto.with_array(labels)
