"""The cord around a lesion widened or thin: its section beside that of the same person's cord above and below.

A healthy cord's section changes along the spine: by a half from the neck to the chest, to nothing below T12. Where
discs are labelled, healthy people's course by level is taken out, so that one side, or none, can serve; where none are,
the error grows with the distance. What this module refuses: a thin or widened cord by one side alone that a taper
explains, cord beside a syrinx or in oedema as undisturbed, and sureness where the cord tapers by nature and no healthy
people's sections are known, or where these say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.finding_terms import NEAR_LIMIT, Described, LesionFinding, is_clear_of, sure_if, unsaid
from pipeline.description.cord_sections import NO_CORD_MASK, CordSections
from pipeline.description.description_limits import CordFormLimits, DescriptionLimits
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import AlignedScan, LesionScene
from pipeline.description.seen_edge import seen_areas_mm2
from pipeline.measure.cord_area import disc_numbers, normal_mm2, z_of
from pipeline.measure.measurement_error import Z_95
from pipeline.measure.vertebral_levels import vertebra

NAME = LesionFinding.EXPANSION
BESIDE, PEOPLE = "section / cord beside it", "section / healthy people's median"
"""What the number is counted in: beside the person's own cord, or where none of that is seen, healthy people's."""

TERMS = ("thin", "none", "expanded")
NO_BAND = "part of it lies where a healthy cord tapers and no healthy people's sections are known (C1, T12 and below)"
TAPERS = "the cord tapers from one side of the lesion to the other, as above the conus"
NO_CORD_BESIDE = "beside healthy people's median: no cord above or below"
CONTRADICTS = "which speaks against it"
ONE_SIDE = "with cord on one side alone, such a section is not told from that of a cord that changes by nature"


@dataclass(frozen=True, eq=False)
class SectionProfile:
    """A cord's sections along its line, mm²; arrays have shape ``(N,)``.

    Attributes
    ----------
    within
        Where the lesion lies and the section is known.
    sides
        Where the section is that of undisturbed cord, below and above.
    discs
        How far down the spine, counted in discs (:func:`pipeline.measure.cord_area.disc_numbers`).
    """

    position_mm: NDArray[np.float64]
    area_mm2: NDArray[np.float64]
    within: NDArray[np.bool_]
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    discs: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class UsualSection:
    """What the section would be without the lesion, at each millimetre of it.

    Attributes
    ----------
    area_mm2, error
        Shape ``(M,)``; the section, and how far a healthy one strays from it, as a share.
    sides
        Sides of the lesion that it comes from, "below" and "above"; none where healthy people's median stands for them.
    is_by_level
        Healthy people's course by level is taken out.
    doubt
        Why nothing that rests on it is sure; None where nothing speaks against it.
    """

    area_mm2: NDArray[np.float64]
    error: NDArray[np.float64]
    sides: tuple[str, ...]
    is_by_level: bool
    doubt: str | None = None

    def may_be_nature(self, value: str, is_clear: bool) -> bool:
        """Say whether one side alone, at no known level, may differ so by nature: a cord is thinner further down."""
        if self.is_by_level or len(self.sides) != 1 or value == "none":
            return False
        return not is_clear or value == "thin" or self.sides == ("below",)


@dataclass(frozen=True)
class SectionReading:
    """A section beside the usual one: the number that is said, that which the term rests on, and the usual's error."""

    number: float
    held: float
    strays: float

    def value(self, limits: CordFormLimits) -> str:
        """Return the term."""
        return TERMS[int(np.searchsorted((limits.thin_below, limits.expanded_above), self.held))]

    def interval(self, error: float) -> tuple[float, float]:
        """Return the 95 % interval of the number by its error as a share."""
        return self.number * float(np.exp(-Z_95 * error)), self.number * float(np.exp(Z_95 * error))

    def is_clear(self, error: float, deviations: float, limits: CordFormLimits) -> bool:
        """Say whether the term is clear of both limits."""
        bounds = (float(np.log(limits.thin_below)), float(np.log(limits.expanded_above)))
        return is_clear_of(float(np.log(self.held)), error, bounds, deviations)

    def contradicted_by(self, z: float | None, limits: CordFormLimits) -> bool:
        """Say whether the section's place among healthy people's speaks against the term."""
        if z is None:
            return False
        return {"thin": z >= 0, "expanded": z <= 0}.get(self.value(limits), abs(z) > Z_95)


def expansion_of(
    scene: LesionScene, sections: CordSections | None, here: LevelsHere, scan: AlignedScan, limits: DescriptionLimits
) -> Described:
    """Say whether the cord is widened or thin; by the masks, or where nobody drew the cord by the edge that is seen.

    Parameters
    ----------
    sections
        None where nobody drew the cord.
    here
        The patient's levels and the lesion's ends along the patient's line, by which both lines are laid on each other.
    scan
        That of the masks.
    """
    path = scan.path
    if sections is not None:
        if not (sections.drawn & (sections.lesion > 0)).any():
            return unsaid(NAME, "the cord was not drawn where the lesion lies", (path,))
        return by_masks(_profile_of_masks(scene, sections, here, limits), path, limits.cord)
    profile = _profile_seen(scan, scene, here, limits)
    if profile is None:
        return unsaid(NAME, NO_CORD_MASK, (path,))
    return _by_edge(profile, path, limits.cord)


def by_masks(profile: SectionProfile, path: str, limits: CordFormLimits) -> Described:
    """Hold the section from masks against that beside the lesion, or where none is seen against healthy people's."""
    usual = usual_section(profile, limits)
    if usual is None:
        return unsaid(NAME, "no cord drawn above or below the lesion to hold it against", (path,))
    relative = profile.area_mm2[profile.within] / usual.area_mm2
    relative = ndimage.uniform_filter1d(relative, limits.largest_over_mm, mode="nearest")
    at, mean = int(np.argmax(relative)), float(relative.mean())
    largest, strays = float(relative[at]), float(usual.error[at])
    is_wide = largest > limits.expanded_above
    reading = SectionReading(largest, largest, strays) if is_wide else SectionReading(mean, mean, usual.error.mean())
    value, widest = reading.value(limits), SectionReading(largest, largest, strays)
    if value == "none":
        reading = SectionReading(largest, mean, strays)
    error, z = float(np.hypot(limits.section_cv, reading.strays)), _z_among_people(profile, at)
    beside = "" if usual.sides else f"; {NO_CORD_BESIDE}"
    reason = f"mean {100 * (mean - 1):+.0f} % over the lesion{beside}{_among_people(profile, at, z)}"
    low, high = reading.interval(error)
    is_sure = reading.is_clear(error, limits.sure_deviations, limits) and usual.doubt is None
    is_sure = is_sure and (value != "none" or widest.is_clear(error, limits.sure_deviations, limits))
    if usual.may_be_nature(value, is_sure):
        return unsaid(NAME, f"the section is {reading.number:.2f} of that on one side: {ONE_SIDE}", (path,))
    is_against = reading.contradicted_by(z, limits)
    reason = f"{reason}, {CONTRADICTS}" if is_against else reason
    if not is_sure:
        reason = f"{reason}; {usual.doubt or NEAR_LIMIT}"
    is_sure = is_sure and not is_against
    unit = BESIDE if usual.sides else PEOPLE
    return Described(NAME, value, reading.number, low, high, unit, sure_if(is_sure), reason, (path,))


def _by_edge(profile: SectionProfile, path: str, limits: CordFormLimits) -> Described:
    """Hold the section by the edge that the scan shows against that above and below; nobody drew the cord."""
    usual = usual_section(profile, limits)
    if profile.within.sum() < limits.largest_over_mm or usual is None or not usual.sides:
        reason = f"{NO_CORD_MASK}, and the scan does not show its edge at the lesion and beside it"
        return unsaid(NAME, reason, (path,))
    relative = profile.area_mm2[profile.within] / usual.area_mm2
    widest = ndimage.uniform_filter1d(relative, limits.largest_over_mm, mode="nearest")
    mean, number = float(relative.mean()), float(widest.max())
    reading = SectionReading(number, number, float(usual.error.mean()))
    value, error = reading.value(limits), float(np.hypot(limits.found_cv, reading.strays))
    low, high = reading.interval(error)
    reason = f"mean {100 * (mean - 1):+.0f} % over the lesion; {NO_CORD_MASK}: its edge as the scan shows it"
    is_sure = reading.is_clear(error, limits.found_sure_deviations, limits) and usual.doubt is None
    is_nature = usual.may_be_nature(value, is_sure)
    is_sure = is_sure and value != "thin" and not is_nature
    if not is_sure:
        reason = f"{reason}; {usual.doubt or (ONE_SIDE if is_nature else NEAR_LIMIT)}"
    if value != "none" and not is_sure:  # healthy cords look so, too
        section = f"the widest section is {number:.2f} of that beside it ({low:.2f} to {high:.2f})"
        return unsaid(NAME, f"{section}, {reason}: too unsure to call it {value}", (path,))
    return Described(NAME, value, number, low, high, BESIDE, sure_if(is_sure), reason, (path,))


def _z_among_people(profile: SectionProfile, at: int) -> float | None:
    """Return the z of the section at one place of the lesion among healthy people's; None where none are known."""
    discs, area_mm2 = profile.discs[profile.within][at], float(profile.area_mm2[profile.within][at])
    return z_of(int(discs), area_mm2) if np.isfinite(discs) else None


def _among_people(profile: SectionProfile, at: int, z: float | None) -> str:
    """Say how that section stands among healthy people's; empty where none are known."""
    if z is None:
        return ""
    return f"; z {z:+.1f} among healthy people's at {vertebra(int(profile.discs[profile.within][at]))}"


def usual_section(profile: SectionProfile, limits: CordFormLimits) -> UsualSection | None:
    """Carry the section of the cord beside a lesion on through it; None where there is too little of it and no level.

    By healthy people's course along the levels where all of the lesion and a side have one, else along a straight line.
    """
    normal = normal_mm2(profile.discs)
    has_band = np.isfinite(normal)
    if has_band[profile.within].all():
        of_people = normal[profile.within]
        share = _carried_on(profile, profile.area_mm2 / np.where(has_band, normal, 1.0), has_band, limits)
        if share is None:
            return UsualSection(of_people, np.full(len(of_people), limits.people_cv), (), is_by_level=True)
        values, away_mm, levels = share
        per_root = (limits.strays_one_side_by_level, limits.strays_two_sides_by_level)[len(levels) - 1]
        return UsualSection(values * of_people, per_root * np.sqrt(away_mm), tuple(levels), is_by_level=True)
    plain = _carried_on(profile, profile.area_mm2, np.ones(len(normal), dtype=bool), limits)
    if plain is None:
        return None
    values, away_mm, levels = plain
    per_mm = (limits.strays_one_side_per_mm, limits.strays_two_sides_per_mm)[len(levels) - 1]
    beyond = np.isfinite(normal_mm2(profile.discs)) | np.isnan(profile.discs)
    doubt = NO_BAND if not beyond[profile.within].all() else None
    if doubt is None and len(levels) == 2 and min(levels.values()) < limits.tapers_below * max(levels.values()):
        doubt = TAPERS
    return UsualSection(values, per_mm * away_mm, tuple(levels), is_by_level=False, doubt=doubt)


def _carried_on(
    profile: SectionProfile, values: NDArray[np.float64], usable: NDArray[np.bool_], limits: CordFormLimits
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, float]] | None:
    """Carry what both sides show on through the lesion as a straight line, or that of one as it is.

    Returns
    -------
    tuple or None
        Values within the lesion, their distance to the nearer side's middle in mm, and the level of each side.
    """
    enough = {
        name: side & usable
        for name, side in zip(("below", "above"), profile.sides, strict=True)
        if (side & usable).sum() >= limits.least_neighbour_mm
    }
    if not enough:
        return None
    within_mm = profile.position_mm[profile.within]
    places = [float(profile.position_mm[side].mean()) for side in enough.values()]
    levels = {name: float(np.median(values[side])) for name, side in enough.items()}
    away_mm = np.min([np.abs(within_mm - place) for place in places], axis=0)
    return np.interp(within_mm, places, list(levels.values())), away_mm, levels


def _profile_of_masks(
    scene: LesionScene, sections: CordSections, here: LevelsHere, limits: DescriptionLimits
) -> SectionProfile:
    """Return the sections from masks; a side starts beyond all that was drawn on from the lesion without a break."""
    within = sections.drawn & (sections.lesion > 0)
    disturbed = (sections.lesion > 0) | (sections.beside > 0)
    gap = round(limits.reference.gap_mm)
    near = ndimage.binary_dilation(disturbed, iterations=gap)
    runs, _ = ndimage.label(near)
    at_lesion_mm = sections.position_mm[np.isin(runs, np.unique(runs[within]))]
    ends_mm = float(at_lesion_mm.min()) + gap, float(at_lesion_mm.max()) - gap
    healthy = sections.drawn & (sections.cord > 0) & ~near
    sides = _sides(sections.position_mm, healthy, ends_mm, limits)
    discs = _discs(scene, sections.position_mm, here)
    return SectionProfile(sections.position_mm, sections.cord, within, sides, discs)


def _profile_seen(
    scan: AlignedScan, scene: LesionScene, here: LevelsHere, limits: DescriptionLimits
) -> SectionProfile | None:
    """Return the sections within the edge that the scan shows; None where much of it at the lesion is not seen."""
    ends_mm, extents_mm = scene.ends_mm(scene.solid), scene.extents_mm
    if scene.course is None or scene.course.is_drawn:  # then the mask that the line comes from does not count here
        return None
    area_mm2 = seen_areas_mm2(scan, scene, limits)
    if ends_mm is None or extents_mm is None or area_mm2 is None:
        return None
    position_mm, is_seen = scene.course.line.positions_mm, np.isfinite(area_mm2)
    at_lesion = (position_mm >= ends_mm[0]) & (position_mm <= ends_mm[1])
    if (at_lesion & is_seen).sum() < limits.cord.found_seen_share * at_lesion.sum():
        return None
    area_mm2, sides = np.where(is_seen, area_mm2, 0.0), _sides(position_mm, is_seen, extents_mm, limits)
    return SectionProfile(position_mm, area_mm2, at_lesion & is_seen, sides, _discs(scene, position_mm, here))


def _sides(
    position_mm: NDArray[np.float64],
    healthy: NDArray[np.bool_],
    ends_mm: tuple[float, float],
    limits: DescriptionLimits,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the undisturbed cord below and above what lies between two ends."""
    half_mm = limits.cord.neighbour_mm / 2
    away_mm = limits.reference.gap_mm + half_mm
    below, above = (
        healthy & (np.abs(position_mm - end - sign * away_mm) <= half_mm)
        for end, sign in zip(ends_mm, (-1, 1), strict=True)
    )
    return below, above


def _discs(scene: LesionScene, position_mm: NDArray[np.float64], here: LevelsHere) -> NDArray[np.float64]:
    """Return how far down the spine the places of the visit's own line lie, counted in discs; NaN where none tells.

    The visit's line and the patient's are laid on each other by the lesion's middle.
    """
    ends_mm = scene.ends_mm(scene.solid)
    if here.levels is None or here.ends_mm is None or ends_mm is None:
        return np.full(len(position_mm), np.nan)
    shift_mm = (sum(here.ends_mm) - sum(ends_mm)) / 2
    return disc_numbers(here.levels, position_mm + shift_mm)
