"""The limits that make a term of a number, as one frozen value; ``limit_file`` reads them.

Each section says where its limits come from. What this module refuses: limits in the wrong order.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.description.material_limits import ShiftLimits, SpectrumLimits, UnsignedLimits, WeightingLimits


@dataclass(frozen=True)
class ReferenceLimits:
    """Which cord a lesion is held against: how far beyond it, over how much, and how near to the middle.

    Attributes
    ----------
    least_bins, least_bins_of_side
        Stretches of cord that make a profile, and those that make a side of it: fewer on a side are left out.
    least_in_bin
        Voxels that make a stretch.
    quadratic_from_bins
        Stretches on each side from which on the profile may bend.
    alike_bins
        Neighbouring stretches err together: so many of them count as one.
    most_jump, most_step
        Factor by which signal may differ from one stretch to the next, and between both sides.
    fluid_apart, fluid_from_mm, fluid_to_mm
        Factor by which cord differs from the fluid around it, and where that lies, from the cord's surface.
    one_sided_per_mm
        Error of a level profile carried on from one side, as a share for each millimetre.
    most_grey_error
        Standard error of the cord's signal, as a share of it, from which on greys of two scans compare less surely.
    """

    source: str
    gap_mm: float
    reach_mm: float
    bin_mm: float
    least_bins: int
    least_bins_of_side: int
    least_in_bin: int
    quadratic_from_bins: int
    alike_bins: float
    most_jump: float
    most_step: float
    fluid_apart: float
    fluid_from_mm: float
    fluid_to_mm: float
    one_sided_per_mm: float
    least_core_mm: float
    core_ratio: float
    core_most_mm: float
    floor_ratio: float
    most_grey_error: float


@dataclass(frozen=True)
class SignalLimits:
    """Ratio to the cord below which a lesion is hypointense and above which it is hyperintense.

    Attributes
    ----------
    smoothed_mm
        Standard deviation by which a scan is smoothed before grain or a focus is looked for: noise goes, those stay.
    alike_mm3, grain_mm3
        Tissue that counts as one reading of its signal, and of how bright an uneven lesion is.
    patch_mm
        Width of a patch of uneven tissue: a narrower lesion may be one patch across.
    well_read_voxels
        Voxels that a median of uneven tissue rests on, where there are as many; the deepest ones.
    least_readings, grain_deviations
        Readings from which on even tissue is sure, and standard errors by which grain must lie from its limit.
    """

    source: str
    hypo_below: float
    hyper_above: float
    least_voxels: int
    heterogeneous_above: float
    sure_deviations: float
    smoothed_mm: float
    alike_mm3: float
    grain_mm3: float
    patch_mm: float
    well_read_voxels: int
    least_readings: float
    grain_deviations: float


@dataclass(frozen=True)
class UptakeLimits:
    """Rise of signal by contrast agent against the cord's own, as a share of the signal before.

    Attributes
    ----------
    least_before
        A lesion darker than this share of the cord gives no signal to take a share of.
    well_within, within_outline
        Share of a voxel in solid tumour for a focus in its depth, and for one at its edge.
    seen_share
        Of implanted nodules, from which on a size is one that the scans show.
    thin_slice_mm
        Thickest voxel on which a focus is surely no brighter than it looks.
    shows_grain_deviations
        Deviations of the noise by which what enhances must rise to be surely uneven.
    least_part_voxels
        In rim and middle, to hold them against each other.
    almost_all, even_depth
        Share that a homogeneous pattern enhances by at the least to be sure, and its middle's rise beside its rim's.
    dark_share, dark_times, laid_within_mm
        A ring's dark middle as a share of the lesion's width; how many times its blur it must be wide; how far two
        scans may lie beside each other.
    """

    source: str
    none_below: float
    vivid_from: float
    focal_rise: float
    focal_deviations: float
    focal_least_mm3: float
    homogeneous_from: float
    ring_rim_from: float
    ring_core_below: float
    nodule_below: float
    after_only_from: float
    nodule_rise: float
    sure_none_shows_mm: float
    sure_deviations: float
    least_before: float
    well_within: float
    within_outline: float
    seen_share: float
    thin_slice_mm: float
    shows_grain_deviations: float
    least_part_voxels: int
    almost_all: float
    even_depth: float
    dark_share: float
    dark_times: float
    laid_within_mm: float


@dataclass(frozen=True)
class CordFormLimits:
    """When a cord is expanded or thin, a lesion eccentric.

    Attributes
    ----------
    neighbour_mm, least_neighbour_mm
        Length of cord on each side that a section is held against, and the least that makes a side.
    largest_over_mm
        Length over which a section is averaged before the largest is taken.
    section_cv, found_cv, people_cv
        Error of a section as a share: from a mask, from the edge that a scan shows, and beside healthy people's median.
    found_seen_share
        Share of the lesion's length at which the scan must show the cord's edge where nobody drew it.
    found_seen_around
        Share of the directions around the line in which that edge must be seen at a place.
    found_least_of_rough
        Below this share of the section by the line's own rough width something within the cord was taken for its edge.
    strays_two_sides_per_mm, strays_one_side_per_mm
        How far a healthy section strays from what the cord beside it tells, as a share for each millimetre to it.
    strays_two_sides_by_level, strays_one_side_by_level
        The same with healthy people's course by level taken out, for the root of the distance in millimetres.
    tapers_below
        Section of one side as a share of the other's, below which the cord tapers by nature between both.
    found_middle_mm
        How far the middle of a line found in the scan may lie from the cord's.
    bulge_mm, carried_on_share
        How far beyond its ends a lesion may push that line aside, and how far one carried on through a lesion strays
        from the cord's middle, as a share of the lesion's length.
    """

    source: str
    expanded_above: float
    thin_below: float
    eccentric_mm: float
    eccentric_without_mask_mm: float
    neighbour_mm: float
    least_neighbour_mm: float
    largest_over_mm: int
    section_cv: float
    found_cv: float
    found_seen_share: float
    found_seen_around: float
    found_least_of_rough: float
    people_cv: float
    strays_two_sides_per_mm: float
    strays_one_side_per_mm: float
    strays_two_sides_by_level: float
    strays_one_side_by_level: float
    tapers_below: float
    sure_deviations: float
    found_sure_deviations: float
    found_middle_mm: float
    bulge_mm: float
    carried_on_share: float


@dataclass(frozen=True)
class EdgeLimits:
    """Width of an edge beyond what the scan blurs, mm, and what it is read from.

    Attributes
    ----------
    reach_mm, within_cord
        How far from the outline the edge is read, and within which share of the cord's radius, so that what borders on
        the tumour is no fluid.
    most_beside
        Share of a voxel that may lie in anything else that was drawn.
    clear_of_edge_mm
        Where the signal of oedema is read, from the outline on.
    least_contrast, least_voxels
        Between tumour and what it borders on, as a ratio to the cord; on each side of the outline.
    alike_voxels
        Voxels along a boundary err together: so many of them count as one.
    halo_from_mm, halo_to_mm, halo_share, least_halo
        Share of the step that is left so far out, from which on it is oedema that nobody drew; in how many voxels.
    rim_leaves
        Two sharp steps with a rim between them leave less than this share of what a wide one leaves unexplained.
    least_error_mm, sure_error_mm, most_error_mm
        Of a width.
    deep_from, most_uneven, least_part_voxels
        Share of the depth from which on voxels are the tumour's depth; by how much of the step each third of it, and
        what lies further out, may differ from the whole; in how many voxels.
    """

    source: str
    sharp_below_mm: float
    sure_deviations: float
    infiltrating_deviations: float
    reach_mm: float
    within_cord: float
    most_beside: float
    clear_of_edge_mm: float
    least_contrast: float
    least_voxels: int
    alike_voxels: float
    halo_from_mm: float
    halo_to_mm: float
    halo_share: float
    least_halo: int
    rim_leaves: float
    least_error_mm: float
    sure_error_mm: float
    most_error_mm: float
    deep_from: float
    most_uneven: float
    least_part_voxels: int


@dataclass(frozen=True)
class CavityLimits:
    """How cysts and oedema lie to the tumour."""

    source: str
    inside_from: float
    pole_gap_mm: float
    longest_polar_mm: float
    least_mm: float


@dataclass(frozen=True)
class BloodLimits:
    """Low signal that may be blood, and the signals of its stages, as ratios to the cord.

    Attributes
    ----------
    grains
        Deviations of the tumour's own grain by which blood is darker.
    inner_cord
        Share of the cord's radius within which darkness beyond the outline counts: further out lies the cord's edge.
    mostly
        Share of a voxel in drawn blood for its signal to be read.
    least_tissue_voxels
        Voxels of tumour that its own look is told from.
    """

    source: str
    dark_below: float
    dark_susceptible_below: float
    cap_reach_mm: float
    least_mm3: float
    low_below: float
    high_above: float
    grains: float
    inner_cord: float
    mostly: float
    least_tissue_voxels: int


@dataclass(frozen=True)
class CapLimits:
    """How much of a pole a cap of blood covers, and when there is one.

    Attributes
    ----------
    blood_signal, blood_signal_susceptible
        Signal of a cap beside the cord, on T2w and on T2*w or SWI.
    beyond_mm
        How far past the pole a cap is looked for.
    least_mm3
        Tissue that a slab must hold, each voxel by the square of its share in it.
    least_share, most_beside
        Share of a voxel in solid tumour, and in anything else that was drawn, for it to count.
    least_depth
        Signal that a cap must take away, as a ratio to the cord.
    least_places, least_error
        Places within the tumour that tell its grain, and the standard error that no share goes below.
    thin_slice_mm, dark_from, dark_from_thick
        Share from which on low signal is as dark as a cap, in slices up to that thickness and in thicker ones.
    present_errors, present_from
        A cap is sure where its share less so many standard errors is above this.
    absent_errors, absent_below, absent_on_t2_below
        No cap is sure where both shares with so many standard errors are below this, and no other scan hints at one;
        on T2w alone none is likely (never sure) below the lower one.
    hint_errors, likely_from
        Standard errors from which on a share hints at a cap, and the share from which on one is likelier than none.
    """

    source: str
    blood_signal: float
    blood_signal_susceptible: float
    beyond_mm: float
    least_mm3: float
    least_share: float
    most_beside: float
    least_depth: float
    least_places: int
    least_error: float
    thin_slice_mm: float
    dark_from: float
    dark_from_thick: float
    present_errors: float
    present_from: float
    absent_errors: float
    absent_below: float
    absent_on_t2_below: float
    hint_errors: float
    likely_from: float


@dataclass(frozen=True)
class DiffusionLimits:
    """From how many voxels on a diffusion coefficient is said, and is sure, and within which share of it.

    Attributes
    ----------
    laid_within_mm
        How far a map may lie from where it was laid: a voxel so near to the tumour's edge may hold what lies outside.
    around_mm
        How far out what lies outside is read.
    """

    source: str
    least_voxels: int
    sure_voxels: int
    sure_within: float
    laid_within_mm: float
    around_mm: float
    lowest_um2_ms: float
    highest_um2_ms: float


@dataclass(frozen=True)
class DescriptionLimits:
    """All limits of the description."""

    version: str
    reference: ReferenceLimits
    signal: SignalLimits
    uptake: UptakeLimits
    cord: CordFormLimits
    edge: EdgeLimits
    cavities: CavityLimits
    blood: BloodLimits
    cap: CapLimits
    diffusion: DiffusionLimits
    unsigned: UnsignedLimits
    shift: ShiftLimits
    weighting: WeightingLimits
    spectrum: SpectrumLimits


def problems(limits: DescriptionLimits) -> list[str]:
    """Say which limits contradict each other; empty when none do."""
    pairs = {
        "signal: hypo_below and hyper_above": (limits.signal.hypo_below, limits.signal.hyper_above),
        "uptake: none_below and vivid_from": (limits.uptake.none_below, limits.uptake.vivid_from),
        "cord: thin_below and expanded_above": (limits.cord.thin_below, limits.cord.expanded_above),
        "edge: halo_from_mm and halo_to_mm": (limits.edge.halo_from_mm, limits.edge.halo_to_mm),
        "cap: absent_below and dark_from": (limits.cap.absent_below, limits.cap.dark_from),
        "reference: fluid_from_mm and fluid_to_mm": (limits.reference.fluid_from_mm, limits.reference.fluid_to_mm),
        "weighting: least_spread and mono_up_to": (limits.weighting.least_spread, limits.weighting.mono_up_to),
        "spectrum: not_there and mostly": (limits.spectrum.not_there, limits.spectrum.mostly),
        "diffusion: lowest_um2_ms and highest_um2_ms": (
            limits.diffusion.lowest_um2_ms,
            limits.diffusion.highest_um2_ms,
        ),
    }
    return [f"{names} must grow, found {low:g} and {high:g}" for names, (low, high) in pairs.items() if low >= high]
