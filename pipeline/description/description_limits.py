"""The limits that make a term of a number, as one frozen value; ``limit_file`` reads them.

Each section says where its limits come from. What this module refuses: limits in the wrong order.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    one_sided_per_mm
        Error of a level profile carried on from one side, as a share for each millimetre.
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
    one_sided_per_mm: float
    least_core_mm: float
    core_ratio: float
    core_most_mm: float
    floor_ratio: float


@dataclass(frozen=True)
class SignalLimits:
    """Ratio to the cord below which a lesion is hypointense and above which it is hyperintense."""

    source: str
    hypo_below: float
    hyper_above: float
    least_voxels: int
    heterogeneous_above: float
    sure_deviations: float


@dataclass(frozen=True)
class UptakeLimits:
    """Rise of signal by contrast agent against the cord's own, as a share of the signal before."""

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
    """Width of an edge beyond what the scan blurs, mm."""

    source: str
    sharp_below_mm: float
    sure_deviations: float
    infiltrating_deviations: float


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
    """Low signal that may be blood, and the signals of its stages, as ratios to the cord."""

    source: str
    dark_below: float
    dark_susceptible_below: float
    cap_reach_mm: float
    least_mm3: float
    low_below: float
    high_above: float


@dataclass(frozen=True)
class DiffusionLimits:
    """From how many voxels on a diffusion coefficient is said, and is sure, and within which share of it."""

    source: str
    least_voxels: int
    sure_voxels: int
    sure_within: float
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
    diffusion: DiffusionLimits


def problems(limits: DescriptionLimits) -> list[str]:
    """Say which limits contradict each other; empty when none do."""
    pairs = {
        "signal: hypo_below and hyper_above": (limits.signal.hypo_below, limits.signal.hyper_above),
        "uptake: none_below and vivid_from": (limits.uptake.none_below, limits.uptake.vivid_from),
        "cord: thin_below and expanded_above": (limits.cord.thin_below, limits.cord.expanded_above),
        "diffusion: lowest_um2_ms and highest_um2_ms": (
            limits.diffusion.lowest_um2_ms,
            limits.diffusion.highest_um2_ms,
        ),
    }
    return [f"{names} must grow, found {low:g} and {high:g}" for names, (low, high) in pairs.items() if low >= high]
