"""Signal of solid tumour against the same person's cord on one scan, and how even it is.

Ratios only: raw scanner units are never compared between scans or visits. What this module refuses: a ratio from too
few voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from pipeline.description.cord_reference import ONE_SIDE, CordReference, cord_reference
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.finding_terms import Described, LesionFinding, sure_if, unsaid
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene, voxels_near
from pipeline.measure.measurement_error import Z_95

ALIKE_MM3 = 8.0
"""Neighbouring voxels are alike (the scanner's blur, the tissue's grain): so much tissue counts as one reading, mm³."""

SURE_VOXELS = 24
FEW = "few voxels lie well within the tumour"
GRAIN_ON = frozenset({"T2w", "STIR"})
LEAST_READINGS = 15.0
WELL_READ = 40
"""Voxels that a median of uneven tissue rests on, where there are as many; the deepest ones."""

SHOWS_GRAIN_MM = 2.5
"""Voxels longer than this even out what makes a lesion heterogeneous, mm."""

TEN_TO_NINETY = 2.563
"""Distance from the 10th to the 90th percentile of a Gaussian, in standard deviations."""


def readings_of(voxels: CordVoxels, inside: NDArray[np.bool_]) -> float:
    """Return how many readings some voxels are worth, at least 1."""
    return max(float(inside.sum()) * min(1.0, voxels.voxel_mm3 / ALIKE_MM3), 1.0)


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
    if (voxels.solid >= 0.9).sum() < limits.signal.least_voxels:
        reaches = bool((voxels.solid > 0.2).any())
        return "too few voxels lie wholly in solid tumour" if reaches else "the scan does not reach the lesion"
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
    core = voxels.core(WELL_READ)
    relative = voxels.values[core] / reference.at(voxels.position_mm[core])
    ratio = float(np.median(relative))
    spread = 1.4826 * float(np.median(np.abs(relative - ratio))) / max(ratio, 1e-6)
    error = np.hypot(
        np.hypot(reference.error_at(float(voxels.position_mm[core].mean())), limits.reference.floor_ratio),
        1.253 * spread / np.sqrt(readings_of(voxels, core)),
    )
    low, high = ratio * float(np.exp(-Z_95 * error)), ratio * float(np.exp(Z_95 * error))
    bounds = (limits.signal.hypo_below, limits.signal.hyper_above)
    terms = ("hypointense", "isointense", "hyperintense")
    value = terms[int(np.searchsorted(bounds, ratio))]
    doubt = ONE_SIDE if reference.is_one_sided else FEW if core.sum() < SURE_VOXELS else None
    is_clear = np.searchsorted(bounds, low) == np.searchsorted(bounds, high) and doubt is None
    reason = None if is_clear else doubt or "its interval holds another term"
    return Described(finding, value, ratio, low, high, "ratio to cord", sure_if(bool(is_clear)), reason, (scan.path,))


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
        core = voxels.core(WELL_READ)
        relative = voxels.values[core] / reference.at(voxels.position_mm[core])
        spread = float(np.diff(np.percentile(relative, [10, 90]))[0]) / TEN_TO_NINETY
        error = np.hypot(spread, reference.spread) / np.sqrt(2 * readings_of(voxels, core))
        beyond, low, high = (
            float(np.sqrt(max(s**2 - reference.spread**2, 0.0)) / np.median(relative))
            for s in (spread, max(spread - Z_95 * error, 0.0), spread + Z_95 * error)
        )
        limit = limits.signal.heterogeneous_above
        value = "heterogeneous" if beyond > limit else "homogeneous"
        shows_grain = scan.contrast in GRAIN_ON and scan.image.spacing_mm.max() <= SHOWS_GRAIN_MM
        shows_grain = shows_grain and readings_of(voxels, core) >= LEAST_READINGS
        is_thick = beyond <= limit and not shows_grain
        is_clear = (low > limit) == (high > limit) and not is_thick
        words = (
            None
            if is_clear
            else "so little tissue, on this contrast or in slices this thick, may not show grain"
            if is_thick
            else "its interval holds the limit"
        )
        return Described(
            finding, value, beyond, low, high, "spread beyond cord / mean", sure_if(is_clear), words, (scan.path,)
        )
    return unsaid(finding, reason, tuple(scan.path for scan in scans))
