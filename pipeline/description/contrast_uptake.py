"""How solid tumour takes up contrast agent: none, faint or vivid; its pattern; the smallest that could be seen.

Each T1w is held against the cord above and below on its own grid, so neither the coil's fall-off nor the scanner's
gain is in the rise; where only a scan after contrast agent is there, it is held against the cord alone, less surely.
What this module refuses: "none" without the size of what this scan could not have shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from pipeline.core.finding_terms import NEAR_LIMIT, Described, LesionFinding, is_clear_of, sure_if, unsaid
from pipeline.core.volume import to_world
from pipeline.description.cord_reference import CordReference
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene
from pipeline.description.scan_shift import earlier_signal
from pipeline.description.tissue_signal import laid_along, readings_of, smoothed, width_mm_of
from pipeline.measure.measurement_error import Z_95

DIAMETERS_MM = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)
IMPLANTS = 12
AT_THE_EDGE = "a focus at its edge rises: a nodule there, or fluid that moved between the scans"
SMALL_FOCUS = "a faint focus in what does not enhance elsewhere may be brighter and smaller, or noise"
NO_RISE = "too unsure to say that it enhances, for healthy cord looks so, too"
ONLY_AFTER = "only a scan after contrast agent: what is bright may have been bright before"
NO_PAIR = "no T1w after contrast agent at this visit"


@dataclass(frozen=True, eq=False)
class RiseMap:
    """The rise of signal by contrast agent in the voxels of the scan after it.

    Attributes
    ----------
    voxels, healthy
        Of the scan after contrast agent.
    rise
        Shape ``(N,)``; signal after less before, each as a ratio to the cord, over the lesion before; NaN
        where a scan does not reach.
    smooth
        The same smoothed along the scan's grid.
    error
        Standard error of a mean rise that all voxels share, from the two profiles.
    noise
        Standard deviation of ``smooth`` in healthy cord.
    """

    voxels: CordVoxels
    healthy: CordReference
    rise: NDArray[np.float64]
    smooth: NDArray[np.float64]
    error: float
    noise: float


def uptake_of(
    before: AlignedScan | None, after: AlignedScan | None, scene: LesionScene, limits: DescriptionLimits
) -> tuple[Described, ...]:
    """Describe uptake, its pattern and the smallest nodule that could have been seen."""
    if after is None:
        return tuple(unsaid(name, NO_PAIR) for name in NAMES)
    if before is None:
        return _after_only(after, scene, limits)
    paths = (before.path, after.path)
    rises = rise_map(before, after, scene, limits)
    if isinstance(rises, str):
        return tuple(unsaid(name, rises, paths) for name in NAMES)
    smallest = smallest_seen_mm(rises, limits)
    strength = _strength(rises, limits, smallest)
    pattern = _pattern(rises, limits, strength)
    words = None if smallest else f"not even {DIAMETERS_MM[-1]:g} mm on a scan so noisy or thick"
    size = (
        Described(NAMES[2], None, smallest, unit="mm", sureness=sure_if(True), scans=paths)
        if smallest
        else unsaid(NAMES[2], words or "", paths)
    )
    return (strength, pattern, size)


NAMES = (LesionFinding.ENHANCEMENT, LesionFinding.ENHANCEMENT_PATTERN, LesionFinding.SMALLEST_ENHANCING_SEEN)


def rise_map(before: AlignedScan, after: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> RiseMap | str:
    """Return the rise by contrast agent on the grid of the scan after it, or why there is none, in words."""
    laid, laid_before = laid_along(after, scene, limits), laid_along(before, scene, limits)
    if isinstance(laid, str):
        return f"after contrast agent: {laid}"
    if isinstance(laid_before, str):
        return f"before contrast agent: {laid_before}"
    voxels, healthy = laid
    _, healthy_before = laid_before
    relative = voxels.values / healthy.at(voxels.position_mm)
    relative_before = earlier_signal(before, voxels, relative, healthy_before, limits.shift)
    deep = voxels.core(limits.signal.least_voxels) & np.isfinite(relative_before)
    level = float(np.median(relative_before[deep])) if deep.any() else 0.0
    if level <= limits.uptake.least_before:
        return "before contrast agent the lesion has no signal to rise from"
    rise = (relative - relative_before) / level
    tissue = (voxels.away_mm <= voxels.radius_mm) | (voxels.solid > 0.5)
    smooth = smoothed(voxels, np.where(tissue, rise, np.nan), limits.signal)
    healthy_smooth = smooth[healthy.voxels & np.isfinite(smooth)]
    if len(healthy_smooth) < limits.signal.least_voxels:
        return "the scans before and after contrast agent do not show the same stretch of cord"
    place = float(voxels.position_mm[voxels.mostly(limits.signal.least_voxels)].mean())
    error = float(np.sqrt(healthy.error_at(place) ** 2 + healthy_before.error_at(place) ** 2))
    rise = rise - float(np.median(healthy_smooth))
    smooth = smooth - float(np.median(healthy_smooth))
    noise = 1.4826 * float(np.median(np.abs(healthy_smooth - np.median(healthy_smooth))))
    return RiseMap(voxels, healthy, rise, smooth, error, noise)


def focus_mm3(
    rises: RiseMap, smooth: NDArray[np.float64], where: NDArray[np.bool_], limits: DescriptionLimits
) -> float:
    """Return the volume of the largest connected focus that enhances within some voxels, mm³."""
    return float(_focus(rises, smooth, where, limits).sum()) * rises.voxels.voxel_mm3


def _focus(
    rises: RiseMap, smooth: NDArray[np.float64], where: NDArray[np.bool_], limits: DescriptionLimits
) -> NDArray[np.bool_]:
    """Mark the largest connected focus; none when it is smaller than a focus may be."""
    bright = where & (np.nan_to_num(smooth, nan=-1.0) > threshold(rises, limits))
    marked = np.zeros(len(smooth), dtype=bool)
    if not bright.any():
        return marked
    indices = rises.voxels.indices[bright]
    low = indices.min(axis=0)
    box = np.zeros(indices.max(axis=0) - low + 1, dtype=bool)
    box[tuple((indices - low).T)] = True
    pieces, _ = ndimage.label(box, structure=np.ones((3, 3, 3)))
    number = pieces[tuple((indices - low).T)]
    largest = int(np.argmax(np.bincount(number)[1:])) + 1
    here = np.flatnonzero(bright)[number == largest]
    if len(here) * rises.voxels.voxel_mm3 >= limits.uptake.focal_least_mm3 and len(here) > 1:
        marked[here] = True
    return marked


def threshold(rises: RiseMap, limits: DescriptionLimits) -> float:
    """Return the smoothed rise from which on a voxel enhances."""
    return max(limits.uptake.focal_rise, limits.uptake.focal_deviations * rises.noise)


def smallest_seen_mm(rises: RiseMap, limits: DescriptionLimits) -> float | None:
    """Return the diameter of the smallest sphere that this pair of scans shows, mm; None where not even the largest.

    Spheres of a nodule's usual rise are implanted at set places of the healthy cord, with the noise and grain that it
    has there, and looked for as in the lesion; one is seen when at least 95 of 100 would be.
    """
    healthy = np.flatnonzero(rises.healthy.voxels & np.isfinite(rises.rise))
    places = healthy[np.linspace(0, len(healthy) - 1, IMPLANTS).astype(int)]
    world_mm = to_world(rises.voxels.scan.image.affine, rises.voxels.indices)
    spacing_mm = rises.voxels.scan.image.spacing_mm
    shift = np.stack([np.cos(np.arange(IMPLANTS) * k) for k in (1.0, 2.0, 3.0)], axis=-1) * spacing_mm / 2
    for diameter_mm in DIAMETERS_MM:
        seen = 0
        for place, off_mm in zip(places, shift, strict=True):
            near = np.linalg.norm(world_mm - world_mm[place], axis=1) <= diameter_mm / 2 + 4 + spacing_mm.max()
            seen += _is_seen(rises, near, world_mm[place] + off_mm, diameter_mm, limits)
        if seen >= limits.uptake.seen_share * len(places):
            return diameter_mm
    return None


def _is_seen(
    rises: RiseMap,
    near: NDArray[np.bool_],
    centre_mm: NDArray[np.float64],
    diameter_mm: float,
    limits: DescriptionLimits,
) -> bool:
    """Say whether a sphere implanted among some voxels is seen there."""
    image = rises.voxels.scan.image
    counts = np.clip(np.ceil(image.spacing_mm / 0.7), 1, 5).astype(int)
    steps = [(np.arange(count) + 0.5) / count - 0.5 for count in counts]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    indices = rises.voxels.indices[near]
    inside = [
        np.linalg.norm(to_world(image.affine, indices + offset) - centre_mm, axis=1) <= diameter_mm / 2
        for offset in offsets
    ]
    part = rises.voxels
    local = CordVoxels(
        part.scan, indices, part.values[near], part.position_mm[near], part.away_mm[near], part.radius_mm[near],
        part.solid[near], part.beside[near], part.depth_mm[near],
    )  # fmt: skip
    tissue = part.away_mm[near] <= part.radius_mm[near]
    rise = np.where(tissue, rises.rise[near], np.nan) + np.mean(inside, axis=0) * limits.uptake.nodule_rise
    patch = RiseMap(local, rises.healthy, rise, rise, rises.error, rises.noise)
    return bool(_focus(patch, smoothed(local, rise, limits.signal), np.ones(len(rise), dtype=bool), limits).any())


def _strength(rises: RiseMap, limits: DescriptionLimits, smallest_mm: float | None) -> Described:
    """Say how strongly solid tumour enhances: over all of it, or in its brightest focus."""
    voxels, uptake = rises.voxels, limits.uptake
    core = voxels.core(limits.signal.least_voxels) & np.isfinite(rises.rise)
    paths: tuple[str, ...] = (voxels.scan.path,)
    if core.sum() < limits.signal.least_voxels:
        return unsaid(NAMES[0], "the T1w scans do not cover the lesion", paths)
    share = min(float(voxels.solid[core].mean()), 1.0)
    values = rises.rise[core] / share  # the rest of a voxel is cord
    mean = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - mean)))
    focus, is_at_edge = _brightest(rises, mean, limits)
    number = max(mean, float(np.percentile(rises.smooth[focus], 75)) if focus.any() else mean)
    grain = (
        rises.noise / np.sqrt(readings_of(voxels, focus, limits.signal))
        if focus.any()
        else spread / np.sqrt(readings_of(voxels, core, limits.signal))
    )
    error = float(np.hypot(rises.error, grain))
    bounds = (uptake.none_below, uptake.vivid_from)
    place = 1 + int(number >= uptake.vivid_from) if focus.any() else int(np.searchsorted(bounds, number))
    low, high = number - Z_95 * error, number + Z_95 * error
    if place and (like_healthy := _as_healthy_cord(rises, mean, number, low, limits)):
        return unsaid(NAMES[0], f"a rise of {number:.2f} ({low:.2f} to {high:.2f}): {like_healthy}", paths)
    reason = _uptake_doubt(rises, place, (mean, number, error, share), focus, limits)
    if place == 0 and (smallest_mm is None or smallest_mm > uptake.sure_none_shows_mm):
        reason = f"a nodule of {uptake.sure_none_shows_mm:g} mm would not surely show on scans so noisy or thick"
    if place < 2 and width_mm_of(voxels) < max(limits.signal.patch_mm, smallest_mm or 0.0):
        reason = f"a lesion {width_mm_of(voxels):.1f} mm wide dilutes what enhances in it"
    reason = AT_THE_EDGE if is_at_edge else reason
    return Described(
        NAMES[0], ("none", "faint", "vivid")[place], number, low, high, "rise / signal before",
        sure_if(reason is None), reason, paths,
    )  # fmt: skip


def _as_healthy_cord(rises: RiseMap, mean: float, number: float, low: float, limits: DescriptionLimits) -> str | None:
    """Say why a rise may be that of healthy cord, or None: no contrast agent rises by chance and by movement, too.

    ``number`` is the rise and ``low`` the lower end of its interval; where it is above the ``mean`` of all the lesion
    it is that of a focus, which is the brightest of many places and so must be clear of *none* and brighter than any
    that the same search finds in healthy cord.
    """
    if number <= mean:
        return NO_RISE if low <= 0.0 else None
    in_cord = _focus(rises, rises.smooth, rises.healthy.voxels, limits)
    if in_cord.any() and (rise := float(np.percentile(rises.smooth[in_cord], 75))) >= number:
        return f"the cord beside it has a focus that rises by {rise:.2f}"
    return NO_RISE if low <= limits.uptake.none_below else None


def _uptake_doubt(
    rises: RiseMap,
    place: int,
    reading: tuple[float, float, float, float],
    focus: NDArray[np.bool_],
    limits: DescriptionLimits,
) -> str | None:
    """Say why the term of a ``place`` among none, faint and vivid is not sure; None where it is.

    ``reading`` is the mean rise, the rise that the term goes by, its error, and the share of tumour in what is read.
    """
    uptake, (mean, number, error, share) = limits.uptake, reading
    is_clear = is_clear_of(number, error, (uptake.none_below, uptake.vivid_from), uptake.sure_deviations)
    if focus.any() and place == 1:  # a small or uneven focus is brighter than voxels of this size show
        brightest = float(np.percentile(rises.smooth[focus], 97)) + Z_95 * error
        is_thin = rises.voxels.scan.image.spacing_mm.max() <= uptake.thin_slice_mm
        is_clear = is_clear and brightest < uptake.vivid_from and bool(is_thin)
    if place == 1 and share < uptake.well_within:
        return "voxels so large dilute how strongly it enhances"
    if place == 1 and mean - uptake.sure_deviations * error < uptake.none_below:
        return SMALL_FOCUS
    return None if is_clear else NEAR_LIMIT


def _brightest(rises: RiseMap, mean: float, limits: DescriptionLimits) -> tuple[NDArray[np.bool_], bool]:
    """Mark the largest focus well within solid tumour or, where nothing rises there, at its edge; say which it is."""
    inner = _focus(rises, rises.smooth, rises.voxels.solid >= limits.uptake.well_within, limits)
    if inner.any() or mean >= limits.uptake.none_below:
        return inner, False
    edge = _focus(rises, rises.smooth, rises.voxels.solid >= limits.uptake.within_outline, limits)
    return edge, bool(edge.any())


def _pattern(rises: RiseMap, limits: DescriptionLimits, strength: Described) -> Described:
    """Say in which pattern solid tumour, with the cysts it encloses, enhances."""
    name, paths = NAMES[1], strength.scans
    if strength.value is None or strength.value == "none":
        return unsaid(name, strength.reason or "nothing enhances", paths)
    voxels = rises.voxels
    solid = (voxels.solid >= 0.5) & np.isfinite(rises.smooth)
    level = max(threshold(rises, limits), 0.4 * float(np.nanpercentile(rises.smooth[solid], 90)))
    if strength.value == "faint":
        level = max(min(level, 0.5 * (strength.number or 0.0)), 1.5 * rises.noise)
    bright = solid & (np.nan_to_num(rises.smooth, nan=-1.0) > level)
    of_noise = float(special.ndtr(((strength.number or level) - level) / max(rises.noise, 1e-6)))
    share = min(
        float(bright.sum() / max(solid.sum(), 1)) / max(of_noise, 0.5), 1.0
    )  # noise hides some of what enhances
    value = _pattern_term(rises, solid, bright, share, limits)
    if value == "heterogeneous" and share < limits.uptake.nodule_below and _is_nodule(voxels, bright):
        value = "nodule"
    error = 0.5 / float(np.sqrt(readings_of(voxels, solid, limits.signal)))
    low, high = max(share - Z_95 * error, 0.0), min(share + Z_95 * error, 1.0)
    surely_enhances = strength.low is not None and strength.low > limits.uptake.none_below
    is_clear = (
        surely_enhances
        and _is_clear_pattern(value, share, error, _depths(rises, solid, bright, limits), limits)
        and (value != "heterogeneous" or (strength.number or 0.0) >= limits.uptake.shows_grain_deviations * rises.noise)
    )
    reason = None if is_clear else "patterns pass into one another on scans of this size"
    dark_mm, least_mm = limits.uptake.dark_share * width_mm_of(voxels), _least_dark_mm(voxels, limits)
    if value == "homogeneous" and dark_mm < least_mm:
        is_clear, reason = (
            False,
            f"a dark middle of {dark_mm:.1f} mm would not show: below {least_mm:.1f} mm it is blurred",
        )
    return Described(name, value, share, low, high, "share enhancing", sure_if(is_clear), reason, paths)


def _least_dark_mm(voxels: CordVoxels, limits: DescriptionLimits) -> float:
    """Return the width across the cord below which a ring's dark middle is lost in voxel, smoothing and shift, mm."""
    across_mm = float(np.linalg.norm(voxels.scan.image.affine[:2, :3], axis=0).max())
    return limits.uptake.dark_times * float(
        np.linalg.norm([2.355 * limits.signal.smoothed_mm, across_mm, limits.uptake.laid_within_mm])
    )


def _pattern_term(
    rises: RiseMap, solid: NDArray[np.bool_], bright: NDArray[np.bool_], share: float, limits: DescriptionLimits
) -> str:
    """Tell a ring by its middle that rises far less than its rim, else by the share that enhances."""
    depths = _depths(rises, solid, bright, limits)
    if (
        depths is not None
        and depths.rim_share >= limits.uptake.ring_rim_from
        and depths.inner_ratio < limits.uptake.ring_core_below
    ):
        return "ring"
    return "homogeneous" if share >= limits.uptake.homogeneous_from else "heterogeneous"


@dataclass(frozen=True)
class UptakeByDepth:
    """Share of the rim that enhances, the middle's rise beside the rim's, and the share of the middle that does."""

    rim_share: float
    inner_ratio: float
    middle_share: float


def _depths(
    rises: RiseMap, solid: NDArray[np.bool_], bright: NDArray[np.bool_], limits: DescriptionLimits
) -> UptakeByDepth | None:
    """Hold the rim against the middle; None where the lesion has too few voxels for both."""
    depth_mm = rises.voxels.depth_mm
    deepest_mm = float(depth_mm[solid].max())
    rim, middle = solid & (depth_mm <= 0.4 * deepest_mm), solid & (depth_mm >= 0.7 * deepest_mm)
    if min(rim.sum(), middle.sum()) < limits.uptake.least_part_voxels:
        return None
    outer, inner = float(np.median(rises.smooth[rim])), float(np.median(rises.smooth[middle]))
    return UptakeByDepth(
        float((bright & rim).sum() / rim.sum()), inner / max(outer, 1e-6), float((bright & middle).sum() / middle.sum())
    )


def _is_clear_pattern(
    value: str, share: float, error: float, depths: UptakeByDepth | None, limits: DescriptionLimits
) -> bool:
    """Say whether a pattern is told from the others: by its share, and by what its depth does."""
    half = limits.uptake.sure_deviations * error
    if value == "homogeneous":
        return (
            share - half >= limits.uptake.almost_all
            and depths is not None
            and depths.inner_ratio >= limits.uptake.even_depth
        )
    if value == "heterogeneous":
        is_between = limits.uptake.nodule_below + half <= share <= limits.uptake.homogeneous_from - half
        return is_between and (depths is None or depths.middle_share <= limits.uptake.almost_all)
    return value == "ring" or share + half <= limits.uptake.nodule_below


def _is_nodule(voxels: CordVoxels, bright: NDArray[np.bool_]) -> bool:
    """Say whether what enhances is one compact piece that reaches over less than half of the lesion's length."""
    if bright.sum() < 2:
        return False
    solid_mm = np.ptp(voxels.position_mm[voxels.solid >= 0.5])
    return bool(np.ptp(voxels.position_mm[bright]) < 0.5 * solid_mm)


def _after_only(after: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> tuple[Described, ...]:
    """Say from a scan after contrast agent alone what can be said, never surely."""
    paths = (after.path,)
    laid = laid_along(after, scene, limits)
    if isinstance(laid, str):
        return tuple(unsaid(name, laid, paths) for name in NAMES)
    voxels, healthy = laid
    core = voxels.core(limits.signal.least_voxels)
    relative = voxels.values / healthy.at(voxels.position_mm)
    ratio = float(np.percentile(relative[core], 75))
    if ratio < limits.uptake.after_only_from:  # a ring leaves its depth dark
        ratio = max(ratio, float(np.percentile(relative[voxels.mostly(limits.signal.least_voxels)], 75)))
    error = float(np.hypot(healthy.error_at(float(voxels.position_mm[core].mean())), limits.reference.floor_ratio))
    low, high = ratio * np.exp(-Z_95 * error), ratio * np.exp(Z_95 * error)
    rest = "no T1w before contrast agent to hold it against"
    if ratio < limits.uptake.after_only_from:
        strength = unsaid(NAMES[0], "not brighter than the cord after contrast agent, and no T1w before it", paths)
    else:
        value = "vivid" if ratio >= 1 + 1.5 * limits.uptake.vivid_from else "faint"
        strength = Described(
            NAMES[0], value, ratio, float(low), float(high), "ratio to cord after", sure_if(False), ONLY_AFTER, paths
        )
    return (strength, _pattern_after(laid, strength, error, limits), unsaid(NAMES[2], rest, paths))


def _pattern_after(
    laid: tuple[CordVoxels, CordReference], strength: Described, error: float, limits: DescriptionLimits
) -> Described:
    """Say in which pattern a lesion is brighter than the cord after contrast agent, never surely."""
    if strength.value is None or strength.number is None or strength.low is None:
        return unsaid(NAMES[1], strength.reason or ONLY_AFTER, strength.scans)
    voxels, healthy = laid
    above = voxels.values / healthy.at(voxels.position_mm) - 1.0
    tissue = (voxels.away_mm <= voxels.radius_mm) | (voxels.solid > 0.5)
    smooth = smoothed(voxels, np.where(tissue, above, np.nan), limits.signal)
    of_cord = smooth[healthy.voxels & np.isfinite(smooth)]
    noise = 1.4826 * float(np.median(np.abs(of_cord - np.median(of_cord))))
    over_cord = replace(strength, number=strength.number - 1.0, low=strength.low - 1.0)
    pattern = _pattern(RiseMap(voxels, healthy, above, smooth, error, noise), limits, over_cord)
    return pattern if pattern.value is None else replace(pattern, sureness=sure_if(False), reason=ONLY_AFTER)
