"""Apparent diffusion coefficient of solid tumour, against the same person's cord, in 10^-3 mm²/s.

Maps come in several units; which one is told by their size in tissue and said. What this module refuses: a number from
fewer voxels than the limit, a map whose unit cannot be told, and to be sure of a mean that hangs on where it was laid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.core.finding_terms import Described, LesionFinding, sure_if, unsaid
from pipeline.core.volume import to_world
from pipeline.description.cord_reference import CordReference
from pipeline.description.description_limits import DescriptionLimits, DiffusionLimits
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene, share_in
from pipeline.description.tissue_signal import laid_along, readings_of
from pipeline.measure.measurement_error import Z_95
from pipeline.measure.volumes import OBJECT_PROBABILITY

NAMES = (LesionFinding.ADC, LesionFinding.ADC_RATIO, LesionFinding.ADC_P10)
UNIT = "10^-3 mm²/s"
NO_MAP = "no ADC map at this visit"
UNITS = ((1e-3, "10^-6 mm²/s"), (1.0, "10^-3 mm²/s"), (1e3, "mm²/s"))
"""What a map's number is multiplied with to be in 10^-3 mm²/s, and how its unit is written; tried in turn."""


def unit_of(values: NDArray[np.float64], limits: DiffusionLimits) -> tuple[float, str] | None:
    """Tell a map's unit by the middle of its values near the cord; None where none is possible.

    Examples
    --------
    >>> from pipeline.description.limit_file import packaged
    >>> unit_of(np.array([900.0, 1000.0]), packaged().diffusion)
    (0.001, '10^-6 mm²/s')
    >>> unit_of(np.array([0.0009]), packaged().diffusion)
    (1000.0, 'mm²/s')
    """
    inside = values[np.isfinite(values) & (values > 0)]
    middle = float(np.median(inside)) if len(inside) else 0.0
    for factor, words in UNITS:
        if limits.lowest_um2_ms <= middle * factor <= limits.highest_um2_ms:
            return factor, words
    return None


def diffusion_of(
    adc: AlignedScan | None, scene: LesionScene, limits: DescriptionLimits, no_map: str = NO_MAP
) -> tuple[Described, ...]:
    """Describe mean, ratio to the cord and 10th percentile of the diffusion coefficient; ``no_map`` is why none is."""
    if adc is None:
        return tuple(unsaid(name, no_map) for name in NAMES)
    paths = (adc.path,)
    laid = laid_along(adc, scene, limits)
    if isinstance(laid, str):
        return tuple(unsaid(name, laid, paths) for name in NAMES)
    voxels, _ = laid
    unit = unit_of(voxels.values[voxels.away_mm <= voxels.radius_mm], limits.diffusion)
    if unit is None:
        return tuple(unsaid(name, "the unit of the ADC map cannot be told from its values", paths) for name in NAMES)
    core = voxels.core(limits.diffusion.least_voxels) & (voxels.values > 0)
    if core.sum() < limits.diffusion.least_voxels:
        count, least = int(core.sum()), limits.diffusion.least_voxels
        reason = f"too small: {count} voxels lie wholly in solid tumour, {least} are needed"
        return tuple(unsaid(name, reason, paths) for name in NAMES)
    place = _place_error(voxels, scene, core, limits.diffusion)
    return _numbers(laid, core, place, unit, limits)


def _place_error(voxels: CordVoxels, scene: LesionScene, core: NDArray[np.bool_], limits: DiffusionLimits) -> float:
    """Return how far the mean over some voxels errs by where the map was laid, as a share of it.

    A map that lies a little off has what is around the tumour in the voxels near its edge: they lose so much of it,
    times how far the map's values there differ. Neither the direction of the shift nor its length is known.
    """
    scan, indices = voxels.scan, voxels.indices
    lost = [
        1.0 - float(np.minimum(share_in(scan, scene.solid, indices[core], limits.laid_within_mm * way), 1.0).mean())
        for way in (*np.eye(3), *-np.eye(3))
    ]
    places_mm = to_world(scan.image.affine, indices)
    outside = np.flatnonzero((voxels.solid < 0.02) & np.isfinite(voxels.values))
    away_mm, _ = cKDTree(places_mm[voxels.solid >= OBJECT_PROBABILITY]).query(places_mm[outside])
    mean = float(voxels.values[core].mean())
    around = voxels.values[outside[away_mm <= limits.around_mm]]
    differs = float(np.sqrt(np.mean((around - mean) ** 2))) / mean if len(around) else 1.0
    return float(np.mean(lost)) / 2.0 * differs


def _doubt(count: int, grain: float, place: float, limits: DiffusionLimits) -> str | None:
    """Say why a mean over some voxels is not sure; None where it is.

    ``grain`` and ``place`` are its standard errors as a share of it: by noise, and by where the map was laid.
    """
    if count < limits.sure_voxels:
        return f", fewer than the {limits.sure_voxels} that are sure"
    most = f"more than the {100 * limits.sure_within:g} % that are sure"
    if Z_95 * grain > limits.sure_within:
        return f", which err by {100 * Z_95 * grain:.0f} %, {most}"
    both = Z_95 * float(np.hypot(grain, place))
    if both > limits.sure_within:
        return f", so near its edge that a map {limits.laid_within_mm:g} mm off errs by {100 * both:.0f} %, {most}"
    return None


def _numbers(
    laid: tuple[CordVoxels, CordReference],
    core: NDArray[np.bool_],
    place: float,
    unit: tuple[float, str],
    limits: DescriptionLimits,
) -> tuple[Described, ...]:
    voxels, reference = laid
    values = voxels.values[core] * unit[0]
    mean, lowest = float(values.mean()), float(np.percentile(values, 10))
    error = float(np.hypot(values.std(ddof=1) / np.sqrt(readings_of(voxels, core, limits.signal)), place * mean))
    grain = float(values.std(ddof=1) / np.sqrt(len(values)))  # noise of a map that nobody resampled is each voxel's own
    doubt = _doubt(len(values), grain / mean, place, limits.diffusion)
    is_enough = doubt is None
    source = voxels.scan.made_from or f"map in {unit[1]}"
    reason = f"{source}; median {np.median(values):.2f}; {int(core.sum())} voxels" + (doubt or "")
    scans = (voxels.scan.path,)
    cord = float(reference.at(np.array([voxels.position_mm[core].mean()]))[0]) * unit[0]
    cord_error = np.hypot(reference.error_at(float(voxels.position_mm[core].mean())), limits.reference.floor_ratio)
    ratio = mean / cord
    ratio_error = float(np.hypot(error / mean, cord_error))
    at_ends = (ratio * float(np.exp(-Z_95 * ratio_error)), ratio * float(np.exp(Z_95 * ratio_error)))
    half = Z_95 * error
    is_sure, is_held = sure_if(is_enough), sure_if(is_enough and not reference.is_one_sided)
    return (
        Described(NAMES[0], None, mean, mean - half, mean + half, UNIT, is_sure, reason, scans),
        Described(NAMES[1], None, ratio, *at_ends, "ratio to cord", is_held, f"cord {cord:.2f} {UNIT}", scans),
        Described(NAMES[2], None, lowest, lowest - 2 * half, lowest + 2 * half, UNIT, is_sure, reason, scans),
    )
