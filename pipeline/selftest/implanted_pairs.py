"""One implanted pair of visits: drawn from its seed, scanned twice, and measured as a run would measure it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from pipeline.align import registration
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, plane, to_voxel
from pipeline.errors import SettingsError
from pipeline.measure import measurement_error, volumes
from pipeline.refind import refinding
from pipeline.selftest.detection import Pair, Reading, Way
from pipeline.selftest.host_scan import Source
from pipeline.selftest.implant import Implant, ImplantLine, Lesion, draw_lesion, grown, of_volume, volume_mm3
from pipeline.selftest.implant_scan import ImplantedVisit, lesion_reach, visit_of

GROWTHS = (-50.0, 0.0, 0.0, 20.0, 40.0, 100.0)
"""Growth of the later visit, percent; none twice, for false changes are counted on it."""

CYST_SHARE, CYST_SLENDER = 0.35, 1.5
"""Volume of the cyst that every other tumour has at a pole, as a share of the first tumour, and its shape."""

CORD_LEFT_MM = 2.0
"""Cord that must be left in the mask beyond either pole, mm."""

IN_VIEW = 0.98
"""Less of the implant than this in the field of view is not what was implanted."""


@dataclass(frozen=True)
class Plan:
    """One pair to implant: its number, first volume, growth of the later visit, and the seed of the whole test."""

    number: int
    volume_ml: float
    growth_percent: float
    seed: int


@dataclass(frozen=True)
class Measured:
    """One implanted pair with what was measured; mm³.

    ``grade`` is None where nothing was aligned because the first visit shows no voxel of tumour.
    """

    plan: Plan
    has_cyst: bool
    first_true_mm3: float
    later_true_mm3: float
    grade: str | None
    grade_reasons: str
    first: Reading
    given: Reading
    found: Reading
    method: str | None

    def read(self, way: Way) -> Pair:
        """Return the pair as one way of reading saw it."""
        later = self.given if way == Way.GIVEN else self.found
        plan = self.plan
        return Pair(
            way, plan.volume_ml, plan.growth_percent, self.first_true_mm3, self.later_true_mm3, self.first, later
        )


def plans(volumes_ml: Sequence[float], repeats: int, seed: int) -> tuple[Plan, ...]:
    """Return every volume with every growth, as often as asked for."""
    cells = product(range(repeats), volumes_ml, GROWTHS)
    return tuple(Plan(number, volume, growth, seed) for number, (_, volume, growth) in enumerate(cells, start=1))


def drawn(plan: Plan, course: ImplantLine, z_mm: float) -> tuple[Implant, Implant]:
    """Draw the lesion of a pair before and after its growth; the same plan draws the same."""
    rng = np.random.default_rng([plan.seed, plan.number, 0])
    first = draw_lesion(course, z_mm, 1000 * plan.volume_ml, rng)
    later = grown(course, first, 1 + plan.growth_percent / 100, rng)
    if plan.number % 2:
        return Implant(course, first), Implant(course, later)
    side = 1 if rng.uniform() < 0.5 else -1
    volume = CYST_SHARE * 1000 * plan.volume_ml
    return tuple(Implant(course, one, _cyst(one, side, volume)) for one in (first, later))  # type: ignore[return-value]


def _cyst(tumour: Lesion, side: int, volume: float) -> Lesion:
    """Return a cyst whose centre lies beyond a pole of the tumour; what the tumour covers of it is the tumour's."""
    width = (3 * volume / (4 * np.pi * CYST_SLENDER)) ** (1 / 3)
    width = min(width, 0.9 * min(tumour.across_mm))
    rough = of_volume(Lesion(0.0, tumour.axis_mm, (width, width), 10.0), volume)
    pole = tumour.poles_mm[1] if side > 0 else tumour.poles_mm[0]
    return Lesion(pole + side * 0.35 * rough.length_mm, rough.axis_mm, rough.across_mm, rough.length_mm)


def refuse_what_does_not_fit(source: Source, wanted: Sequence[Plan]) -> None:
    """Check that every implant lies in the masked cord and in the scan.

    Raises
    ------
    SettingsError
        One does not, with the room there is.
    """
    host = source.host
    low, high = host.course.reach_mm
    for plan in wanted:
        for implant in drawn(plan, host.course, host.z_mm):
            lowest, highest = lesion_reach(implant)
            is_seen = _is_inside(source.image, implant, lowest, highest)
            if lowest - CORD_LEFT_MM >= low and highest + CORD_LEFT_MM <= high and is_seen:
                continue
            middle = (low + high) / 2
            raise SettingsError(
                f"{source.name}: an implant that starts with {plan.volume_ml:g} mL and changes by "
                f"{plan.growth_percent:+.0f} % would reach from {lowest - middle:+.0f} to {highest - middle:+.0f} mm, "
                f"beyond {'the cord mask' if is_seen else 'the field of view'}, which has {low - middle:+.0f} to "
                f"{high - middle:+.0f} mm of cord; choose --at (0 is the middle), a longer cord mask, or smaller "
                f"tumours with --volume"
            )


def _is_inside(image: Volume, implant: Implant, lowest: float, highest: float) -> bool:
    heights = np.linspace(lowest, highest, 9)
    middle = np.stack([*implant.course.middle_at(heights), heights], axis=-1)
    half = max(implant.tumour.across_mm)
    corners = np.array([(x, y, 0) for x in (-half, half) for y in (-half, half)])
    index = to_voxel(image.affine, (middle[:, None, :] + corners).reshape(-1, 3))
    return bool(np.all((index >= 0) & (index <= np.array(image.shape) - 1)))


def scanned(source: Source, plan: Plan) -> tuple[ImplantedVisit, ImplantedVisit]:
    """Scan a person before and after growth; the same plan gives the same voxels."""
    rng = np.random.default_rng([plan.seed, plan.number, 1])
    tissue = int(np.random.default_rng([plan.seed, plan.number, 2]).integers(2**31))
    before, after = drawn(plan, source.host.course, source.host.z_mm)
    first = visit_of(source.host, before, tissue, source.grid, rng)
    return first, visit_of(source.host, after, tissue, source.grid, rng)


def measure_pair(source: Source, plan: Plan) -> Measured:
    """Scan a person before and after growth, align, find the tumour again, and measure as a run would."""
    before, after = drawn(plan, source.host.course, source.host.z_mm)
    first, later = scanned(source, plan)
    true = volume_mm3(before.tumour), volume_mm3(after.tumour)
    given = [_given(visit, wanted) for visit, wanted in zip((first, later), true, strict=True)]
    grade, reasons, refound, method = _found_again(first, later, given[0])
    return Measured(plan, before.cyst is not None, *true, grade, reasons, given[0], given[1], refound, method)


def drawn_masks(visit: ImplantedVisit) -> dict[str, Volume]:
    """Return the masks that a perfect reader would draw: voxels that are at least half the compartment."""
    parts = {Compartment.TUMOUR: visit.tumour, Compartment.CYST: visit.cyst}
    masks = {str(name): part.with_array(part.array >= volumes.OBJECT_PROBABILITY) for name, part in parts.items()}
    return {name: mask for name, mask in masks.items() if mask.array.any()}


def _given(visit: ImplantedVisit, true_mm3: float) -> Reading:
    seen = float(visit.tumour.array.sum()) * visit.tumour.voxel_mm3 / true_mm3
    if seen < IN_VIEW:
        return Reading(None, None, f"only {seen:.0%} of the implant lies in the field of view")
    mask = drawn_masks(visit).get(Compartment.TUMOUR)
    if mask is None:
        return Reading(None, None, "no voxel is at least half tumour")
    return _reading(mask, MaskOrigin.MANUAL)


def _found_again(
    first: ImplantedVisit, later: ImplantedVisit, given: Reading
) -> tuple[str | None, str, Reading, str | None]:
    """Return grade, its reasons, the later tumour as it was found again, and how."""
    if given.missing_reason is not None:
        return None, "", Reading(None, None, given.missing_reason), None
    masks = drawn_masks(first)
    region = first.scan.with_array(np.any([mask.array for mask in masks.values()], axis=0))
    aligned = registration.align(first.scan, later.scan, region=region, exclude=region)
    grade, reasons = aligned.quality.grade, "; ".join(aligned.quality.reasons)
    if grade == "C":
        return grade, reasons, Reading(None, None, f"alignment has grade C: {reasons}"), None
    masked = refinding.DonorVisit(first.scan, masks)
    follow_up = refinding.follow_up_masks(masked, later.scan, aligned.to_reference)
    mask, method = follow_up.probabilities.get(Compartment.TUMOUR), follow_up.methods.get(Compartment.TUMOUR)
    if mask is None:
        why = (*follow_up.untold.values(), *follow_up.notes)
        return grade, reasons, Reading(None, None, follow_up.refusal or "; ".join(why)), None
    if method == refinding.CARRIED_OVER:
        return grade, reasons, Reading(None, None, "the mask was only carried over, which shows no change"), method
    reading = _reading(mask, MaskOrigin.AUTOMATIC, less_sure=method == refinding.GROWN_LESS_SURELY)
    if reading.cv is None:
        return grade, reasons, reading, method
    cv, _ = measurement_error.largest_error(
        reading.cv,
        signal=follow_up.signal_cv[Compartment.TUMOUR],
        shrinkage=follow_up.shrinkage_cv.get(Compartment.TUMOUR),
        spread=measurement_error.mean_cv(follow_up.ways_mm3[Compartment.TUMOUR]),
    )
    return grade, reasons, replace(reading, cv=cv), method


def _reading(mask: Volume, origin: MaskOrigin, *, less_sure: bool = False) -> Reading:
    """Measure a tumour mask with the error of its outline."""
    sizes = volumes.measure(mask)
    again = Compartment.TUMOUR if origin == MaskOrigin.AUTOMATIC else None
    boundary_mm = measurement_error.boundary_error_mm(origin, None, again, less_sure=less_sure)
    cv = measurement_error.geometric_cv(
        sizes.volume_mm3, boundary_mm, slices_spanned=sizes.slices_spanned, plane=plane(mask)
    )
    if cv is None:
        return Reading(sizes.volume_mm3, None, "nothing of the tumour was found")
    return Reading(sizes.volume_mm3, cv, None)
