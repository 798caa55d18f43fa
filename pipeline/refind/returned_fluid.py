"""Whether fluid lies right beside a lesion where the masked visit explains none, as beside a cord that became thinner.

A tumour that shrank lets the cord around it become thinner, and fluid comes back beside it. Where its old place still
looks like tumour, as a scar does, a fit takes the whole place for tumour and finds it as large as it was, or larger;
the fluid stays unexplained. A tumour that truly kept its size or grew has pushed fluid away and leaves none.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from pipeline.refind.lesion_fit import Fit
from pipeline.refind.scene import Scene
from pipeline.refind.template import Template

BESIDE_MM = (0.7, 2.5)
"""Signal is read this far beyond the outline found, mm: off the edge itself, and no further than a cord gives way."""

OTHERS_SHARE = 0.05
"""Voxels that other compartments take to a larger share are theirs."""

FLUID_WITHIN_MM, FLUID_PERCENTILES = 6.0, (5, 95)
"""Fluid is the one of these percentiles of the signal around the lesion that is further from cord: dark on T1w."""

LEAST_VOXELS = 15
"""Fewer voxels show nothing."""


def returned_fluid(template: Template, scene: Scene, end: Fit, compartment: int) -> float | None:
    """Return how much like fluid the surroundings of a compartment are, beyond what the masked visit explains.

    Parameters
    ----------
    end
        Of the fit.
    compartment
        Its number in the template.

    Returns
    -------
    float or None
        Mean of the signal that stays unexplained right beside it, as the share of the step from cord to fluid: about 0
        where all is explained, negative where less fluid is there. None where too little of it is compared.
    """
    is_inside = end.occupancy[compartment] >= 0.5
    if not is_inside.any():
        return None
    away_mm = ndimage.distance_transform_edt(~is_inside, sampling=scene.spacing_mm)
    others = np.delete(end.occupancy, compartment, axis=0).sum(axis=0)
    beside = scene.is_active & (away_mm > BESIDE_MM[0]) & (away_mm < BESIDE_MM[1]) & (others < OTHERS_SHARE)
    if beside.sum() < LEAST_VOXELS:
        return None
    deep = template.distance_mm[compartment] <= template.distance_mm[compartment].min() / 2
    cord = float(np.median(template.background[deep]))
    around = template.background[template.distance_mm.min(axis=0) < FLUID_WITHIN_MM]
    step = max((float(signal) - cord for signal in np.percentile(around, FLUID_PERCENTILES)), key=abs)
    seen_step = float(np.median(end.gain[beside])) * step
    return float(end.left[beside].mean()) / seen_step if seen_step else None
