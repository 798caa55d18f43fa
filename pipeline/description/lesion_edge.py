"""The edge of solid tumour: sharp or infiltrating, with its width beyond what the scan itself blurs.

Only where the tumour borders on cord: towards fluid an edge is always sharp and says nothing, and a tumour between
cord and fluid often has no clear edge at all. What this module refuses: a word where tumour and cord look alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from pipeline.core.volume import Volume, slice_axis
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.finding_terms import Described, LesionFinding, sure_if, unsaid
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene
from pipeline.description.tissue_signal import laid_along
from pipeline.measure.appearance import TEN_TO_NINETY, signed_distance_mm
from pipeline.measure.measurement_error import Z_95

NAME = LesionFinding.MARGIN
REACH_MM = 5.0
BOX_BLUR = 0.8
"""Width from 10 to 90 % that averaging over a pixel gives a step, in pixels."""

WITHIN_CORD = 0.7
"""Share of the cord's radius within which what borders on the tumour is cord and not fluid."""

LEAST_CONTRAST = 0.12
LEAST_VOXELS = 24
ALIKE_VOXELS = 4.0
"""Voxels along a boundary err together: so many of them count as one."""


def margin_finding(anchor: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> Described:
    """Describe the edge on the scan that the lesion was drawn on."""
    laid = laid_along(anchor, scene, limits)
    if isinstance(laid, str):
        return unsaid(NAME, laid, (anchor.path,))
    voxels, reference = laid
    relative = voxels.values / reference.at(voxels.position_mm)
    inside = float(np.median(relative[voxels.core(limits.signal.least_voxels)]))
    if abs(inside - 1.0) < max(LEAST_CONTRAST, 2 * reference.spread):
        return unsaid(NAME, "tumour and cord are too alike on this scan", (anchor.path,))
    fitted = _fitted(voxels, relative, scene.solid, inside)
    if fitted is None:
        return unsaid(NAME, "too little of the tumour borders on cord within the slices of this scan", (anchor.path,))
    width_mm, half_mm = fitted
    pixel_mm = float(np.delete(scene.solid.spacing_mm, slice_axis(scene.solid)).mean())
    blur_mm = BOX_BLUR * pixel_mm
    beyond, low, high = (
        float(np.sqrt(max(one**2 - blur_mm**2, 0.0)))
        for one in (width_mm, max(width_mm - half_mm, 0), width_mm + half_mm)
    )
    limit_mm = limits.edge.sharp_below_mm
    value = "sharp" if beyond < limit_mm else "infiltrating"
    is_clear = high < limit_mm
    doubt = "; an edge that runs aslant or was drawn beside itself looks the same" if value == "infiltrating" else ""
    reason = f"the scan's own blur is {blur_mm:.1f} mm{doubt}"
    return Described(NAME, value, beyond, low, high, "mm, 10 to 90 %", sure_if(is_clear), reason, (anchor.path,))


def _fitted(
    voxels: CordVoxels, relative: NDArray[np.float64], solid: Volume, inside: float
) -> tuple[float, float] | None:
    """Fit a blurred edge from the tumour's signal to the cord's; return its width (10 to 90 %) and half its interval.

    Distances are taken within the acquired slices: across them the slice itself blurs.
    """
    distance_mm = signed_distance_mm(solid.array, solid)[tuple(voxels.indices.T)]
    near = (
        (np.abs(distance_mm) <= REACH_MM) & (voxels.beside < 0.02) & (voxels.away_mm <= WITHIN_CORD * voxels.radius_mm)
    )
    if min((near & (distance_mm < 0)).sum(), (near & (distance_mm > 0)).sum()) < LEAST_VOXELS:
        return None
    at_mm, share = distance_mm[near], (relative[near] - 1.0) / (inside - 1.0)

    def edge(place: NDArray, inner: float, middle_mm: float, sigma_mm: float) -> NDArray:
        return inner * 0.5 * (1 - special.erf((place - middle_mm) / (np.sqrt(2) * sigma_mm)))

    bounds = ([0.5, -2.0, 0.1], [1.6, 2.0, 4.0])
    try:
        best, covariance = optimize.curve_fit(
            edge, at_mm, share, p0=[1.0, 0.0, 0.6], bounds=bounds, loss="soft_l1", f_scale=0.3
        )
    except RuntimeError:  # it did not settle
        return None
    error_mm = float(np.sqrt(max(covariance[2, 2], 0.0) * ALIKE_VOXELS))
    return TEN_TO_NINETY * float(best[2]), TEN_TO_NINETY * Z_95 * error_mm
