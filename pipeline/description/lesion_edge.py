"""The edge of solid tumour: sharp or infiltrating, with its width beyond what the scan itself blurs.

A tumour between cord and fluid often has no clear edge on T2w, and then nothing is said. What this module refuses: a
word for an edge that does not explain the signal across it.
"""

from __future__ import annotations

import numpy as np

from pipeline.core.volume import slice_axis
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.finding_terms import Described, LesionFinding, sure_if, unsaid
from pipeline.description.lesion_scene import AlignedScan, LesionScene
from pipeline.measure.appearance import margin_of

NAME = LesionFinding.MARGIN
PIXEL_BLUR = 1.3
"""Width from 10 to 90 % of an edge that a scan of one millimetre's pixels shows of a step, in pixels: a box's blur."""


def margin_finding(anchor: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> Described:
    """Describe the edge on the scan that the lesion was drawn on."""
    margin = margin_of(anchor.image, scene.solid, scene.beside.array)
    if margin.width_mm is None:
        return unsaid(NAME, margin.missing_reason or "no clear edge", (anchor.path,))
    pixel_mm = float(np.delete(scene.solid.spacing_mm, slice_axis(scene.solid)).mean())
    blur_mm = PIXEL_BLUR * pixel_mm
    width_mm = float(np.sqrt(max(margin.width_mm**2 - blur_mm**2, 0.0)))
    limit_mm = limits.edge.sharp_below_mm
    value = "sharp" if width_mm < limit_mm else "infiltrating"
    half_mm = 0.35 * width_mm + 0.3 * pixel_mm
    low, high = max(width_mm - half_mm, 0.0), width_mm + half_mm
    is_clear = value == "sharp" and high < limit_mm
    reason = f"the scan's own blur is {blur_mm:.1f} mm"
    if value == "infiltrating":
        reason += "; an edge drawn beside itself looks the same"
    return Described(NAME, value, width_mm, low, high, "mm, 10 to 90 %", sure_if(is_clear), reason, (anchor.path,))
