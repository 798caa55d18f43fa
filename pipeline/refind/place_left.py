"""Whether the place that a shrunken lesion has left differs from it at all.

Where a lesion gives room the model draws cord there. When that place reads almost like the lesion itself, as a scar or
oedema does, nothing tells where the lesion ends: the fit takes part of the place for lesion, and the shrinkage is
understated. On thick slices lesion and cord mix in a voxel, and this tells nothing.
"""

from __future__ import annotations

import numpy as np

from pipeline.refind.lesion_fit import Fit
from pipeline.refind.scene import Scene, looked_up
from pipeline.refind.template import Template

LEFT_MM = (-1.0, -0.3)
"""The place that a lesion has left: this far from its old outline, mm, negative inside."""

LEFT_SHARE, OTHERS_SHARE, MIDDLE_SHARE = 0.35, 0.05, 0.9
"""A voxel of it holds at most so much of the lesion now, and of others; one of the lesion's middle at least so much."""

LEFT_VOXELS = 15
"""Fewer voxels of either show nothing."""

LEFT_PERCENTILE = 30
"""Of the signal there, percent: below the middle, since fluid that comes back is no sign of lesion."""


def contrast_to_cord(template: Template, compartment: int) -> float:
    """Return how much brighter a compartment is on the masked scan than the cord that is drawn where it is not."""
    deep = template.distance_mm[compartment] <= template.distance_mm[compartment].min() / 2
    weight = template.occupancy[compartment] ** 2
    signal = float((template.texture[compartment] * weight).sum() / weight.sum())
    return signal - float(np.median(template.background[deep]))


def left_contrast(template: Template, scene: Scene, end: Fit, compartment: int) -> float | None:
    """Return how far the place that a compartment has left differs from it, as a share of what the model draws there.

    Parameters
    ----------
    end
        Of the fit.
    compartment
        Its number in the template.

    Returns
    -------
    float or None
        Near 1 the place shows cord as the model draws it, and the compartment's edge is there to be found; near 0 it
        looks like the compartment itself. None where it left no place large enough, or does not differ from cord.
    """
    share = end.occupancy[compartment][scene.is_active]
    others = end.occupancy.sum(axis=0)[scene.is_active] - share
    old_mm = looked_up(template.distance_mm[compartment], template, np.mean(scene.layers, axis=0))
    middle = share > MIDDLE_SHARE
    left = (old_mm > LEFT_MM[0]) & (old_mm < LEFT_MM[1]) & (share < LEFT_SHARE) & (others < OTHERS_SHARE)
    if min(left.sum(), middle.sum()) < LEFT_VOXELS:
        return None
    gain = float(np.median(end.gain[scene.is_active][middle]))
    drawn_step = gain * contrast_to_cord(template, compartment)
    if not drawn_step:
        return None
    seen_step = float(np.median(scene.signal[middle]) - np.percentile(scene.signal[left], LEFT_PERCENTILE))
    return seen_step / drawn_step
