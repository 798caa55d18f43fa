"""Signal of solid tumour against the same person's cord on one scan, and how even it is.

Ratios only: raw scanner units are never compared between scans or visits. What this module refuses: a ratio from too
few voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.finding_terms import NEAR_LIMIT, Described, LesionFinding, is_clear_of, sure_if, unsaid
from pipeline.description.cord_reference import ONE_SIDE, CordReference, cord_reference
from pipeline.description.description_limits import DescriptionLimits, SignalLimits
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene, voxels_near
from pipeline.measure.measurement_error import Z_95

TEN_TO_NINETY = 2.563
"""Distance from the 10th to the 90th percentile of a Gaussian, in standard deviations."""


def readings_of(voxels: CordVoxels, inside: NDArray[np.bool_], limits: SignalLimits) -> float:
    """Return how many readings some voxels are worth, at least 1."""
    return max(float(inside.sum()) * min(1.0, voxels.voxel_mm3 / limits.alike_mm3), 1.0)


_LAID: WeakKeyDictionary[LesionScene, dict[AlignedScan, tuple[CordVoxels, CordReference] | str]] = WeakKeyDictionary()
"""What was laid along the cord, for as long as somebody else holds the scene: several findings ask for it."""


def laid_along(
    scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits
) -> tuple[CordVoxels, CordReference] | str:
    """Return a scan's voxels near the cord and its healthy cord, or why there are none, in words."""
    of_scene = _LAID.setdefault(scene, {})
    if scan not in of_scene:
        of_scene[scan] = _lay(scan, scene, limits)
    return of_scene[scan]


def _lay(scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> tuple[CordVoxels, CordReference] | str:
    if scene.course is None or scene.extents_mm is None:
        return scene.no_course_reason or "no lesion drawn"
    voxels = voxels_near(scan, scene)
    if voxels is None:
        return "the scan does not reach the lesion"
    if voxels.mostly(limits.signal.least_voxels).sum() < limits.signal.least_voxels:
        reaches = bool((voxels.solid > 0.2).any())
        return (
            "too few voxels lie for the most part in solid tumour" if reaches else "the scan does not reach the lesion"
        )
    reference = cord_reference(voxels, scene.extents_mm, limits.reference)
    return reference if isinstance(reference, str) else (voxels, reference)


def signal_of_scan(
    finding: LesionFinding, scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits
) -> Described:
    """Say whether solid tumour is hypo-, iso- or hyperintense to the cord on one scan."""
    laid = laid_along(scan, scene, limits)
    if isinstance(laid, str):
        return unsaid(finding, laid, (scan.path,))
    voxels, reference = laid
    core = read_at(voxels, reference, limits)
    relative = voxels.values[core] / reference.at(voxels.position_mm[core])
    share = min(float(voxels.solid[core].mean()), 1.0)
    diluted = float(np.median(relative))
    ratio = max(1.0 + (diluted - 1.0) / share, 0.01)  # the rest of a voxel is cord
    spread = 1.4826 * float(np.median(np.abs(relative - diluted))) / max(diluted, 1e-6)
    grain = _grain_of(voxels, core, reference, limits.signal) / max(diluted, 1e-6)
    stretches = max(float(core.sum()) * voxels.voxel_mm3 / limits.signal.grain_mm3, 1.0)
    error = float(
        np.linalg.norm([
            reference.error_at(float(voxels.position_mm[core].mean())), limits.reference.floor_ratio,
            1.253 * spread / np.sqrt(readings_of(voxels, core, limits.signal)), 1.253 * grain / np.sqrt(stretches),
            1.0 - share,
        ])
    )  # fmt: skip
    low, high = ratio * float(np.exp(-Z_95 * error)), ratio * float(np.exp(Z_95 * error))
    bounds = (limits.signal.hypo_below, limits.signal.hyper_above)
    terms = ("hypointense", "isointense", "hyperintense")
    value = terms[int(np.searchsorted(bounds, ratio))]
    is_clear = is_clear_of(float(np.log(ratio)), error, tuple(np.log(bounds)), limits.signal.sure_deviations)
    is_clear = is_clear and not reference.is_one_sided and not (low < bounds[0] and high > bounds[1])
    reason = None if is_clear else ONE_SIDE if reference.is_one_sided else NEAR_LIMIT
    return Described(finding, value, ratio, low, high, "ratio to cord", sure_if(is_clear), reason, (scan.path,))


def _grain_of(voxels: CordVoxels, core: NDArray[np.bool_], reference: CordReference, limits: SignalLimits) -> float:
    """Return how far patches of tissue differ, as a standard deviation of the ratio to the cord without the noise."""
    relative = np.where(core, voxels.values / reference.at(voxels.position_mm), np.nan)
    patches = smoothed(voxels, relative, limits)[core]
    return float(np.diff(np.percentile(patches, [10, 90]))[0]) / TEN_TO_NINETY


def read_at(voxels: CordVoxels, reference: CordReference, limits: DescriptionLimits) -> NDArray[np.bool_]:
    """Mark the voxels that a lesion's signal is read in: its depth, or all of it where it is uneven.

    An infiltrated rim is half cord and is left out; of uneven tissue the depth alone would be one patch.
    """
    deep = voxels.core(limits.signal.well_read_voxels)
    level = float(np.median(voxels.values[deep] / reference.at(voxels.position_mm[deep])))
    wide = voxels.mostly(limits.signal.well_read_voxels)
    return (
        wide
        if _grain_of(voxels, wide, reference, limits.signal) > 2 * limits.signal.heterogeneous_above * abs(level)
        else deep
    )


def heterogeneity_of(scans: Sequence[AlignedScan], scene: LesionScene, limits: DescriptionLimits) -> Described:
    """Say whether solid tumour is homogeneous or heterogeneous on the first scan that can tell.

    The spread of the lesion's signal beyond that of healthy cord on the same scan, as a share of the lesion's signal.
    """
    finding = LesionFinding.HETEROGENEITY
    reason = "no scan of the visit shows signal in solid tumour"
    for scan in scans:
        laid = laid_along(scan, scene, limits)
        if isinstance(laid, str):
            reason = laid
            continue
        voxels, reference = laid
        return _evenness(scan, voxels, reference, limits)
    return unsaid(finding, reason, tuple(scan.path for scan in scans))


def _evenness(scan: AlignedScan, voxels: CordVoxels, reference: CordReference, limits: DescriptionLimits) -> Described:
    core = voxels.core(limits.signal.well_read_voxels)
    relative = voxels.values / reference.at(voxels.position_mm)
    tissue, cord = (
        smoothed(voxels, np.where(part, relative, np.nan), limits.signal)[part] for part in (core, reference.voxels)
    )
    spread, usual = (float(np.diff(np.percentile(one, [10, 90]))[0]) / TEN_TO_NINETY for one in (tissue, cord))
    error = float(np.hypot(spread, usual)) / float(np.sqrt(2 * readings_of(voxels, core, limits.signal)))
    limit = limits.signal.heterogeneous_above
    beyond, low, high, least, most = (
        float(np.sqrt(max(max(spread + times * error, 0.0) ** 2 - usual**2, 0.0)) / np.median(tissue))
        for times in (0.0, -Z_95, Z_95, -limits.signal.grain_deviations, limits.signal.grain_deviations)
    )
    value = "heterogeneous" if beyond > limit else "homogeneous"
    is_clear = (least > limit) == (most > limit)
    doubt = None if is_clear else NEAR_LIMIT
    if readings_of(voxels, core, limits.signal) < limits.signal.least_readings and value == "homogeneous":
        doubt = "so little tissue may not show grain"
    if value == "homogeneous" and width_mm_of(voxels) < limits.signal.patch_mm:
        doubt = f"a lesion {width_mm_of(voxels):.1f} mm wide may not show patches of {limits.signal.patch_mm:g} mm"
    return Described(
        LesionFinding.HETEROGENEITY, value, beyond, low, high, "spread beyond cord / mean", sure_if(doubt is None),
        doubt, (scan.path,),
    )  # fmt: skip


def width_mm_of(voxels: CordVoxels) -> float:
    """Return how wide the solid tumour is where it is widest, as far as the middles of a scan's voxels tell, mm."""
    depth_mm = voxels.depth_mm[voxels.solid > 0.5]
    return 2.0 * float(depth_mm.max()) + float(voxels.scan.image.spacing_mm.min()) if len(depth_mm) else 0.0


def smoothed(voxels: CordVoxels, values: NDArray[np.float64], limits: SignalLimits) -> NDArray[np.float64]:
    """Smooth what is known along the scan's grid, shape ``(N,)``; NaN where it is not known or nothing is near."""
    low = voxels.indices.min(axis=0)
    shape = tuple(voxels.indices.max(axis=0) - low + 1)
    at = tuple((voxels.indices - low).T)
    weight, total = np.zeros(shape), np.zeros(shape)
    reached = np.isfinite(values)
    weight[at], total[at] = reached, np.where(reached, values, 0.0)
    sigma = limits.smoothed_mm / voxels.scan.image.spacing_mm
    sigma[sigma < 0.3] = 0.0
    weight, total = (ndimage.gaussian_filter(one, sigma, mode="constant") for one in (weight, total))
    box = np.where(weight > 1e-3, total / np.maximum(weight, 1e-9), np.nan)
    return np.asarray(np.where(reached, box[at], np.nan))
