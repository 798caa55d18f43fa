"""Beside the volumes: where along the cord each compartment lies, its sections there, and how it looks on the scans.

Positions are those of one centre line in the patient's reference space; areas, signal and margin come from the
visit's own grid. Nothing here is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.measure import appearance, cord, vertebral_levels
from pipeline.measure.volumes import OBJECT_PROBABILITY
from pipeline.run.steps.align_visits import scans_on_anchor
from pipeline.run.steps.patient_work import PatientWork, attempt
from pipeline.run.steps.place_levels import NO_LINE, FoundLevels, find_levels
from pipeline.run.steps.visit_work import AlignedVisit, MaskedVisit, ReadVisit, ScannedVisit, VisitWork

UNKNOWN = "x"
"""Stands in a profile for a millimetre that the scan does not reach."""

NOT_ALIGNED = "alignment of grade C or none: its place along the cord is not known"
UNLABELLED = "an end lies between two disc labels with a disc between them that has none"
CONTRASTS = frozenset({"T1w", "T1w_ce", "ADC"})
"""Scans beside the anchor that are looked at."""

LIT = (Compartment.TUMOUR, Compartment.ENHANCING)
"""Compartments whose uptake of contrast agent is described."""

Section = tuple[cord.Stretches, NDArray[np.float64]]
"""A compartment's voxels along the line, and its area in every millimetre, mm²."""

Fields = Mapping[str, float | str | None]


@dataclass(frozen=True)
class FoundLine:
    """The patient's centre line and the visit whose mask it was taken from."""

    line: cord.CentreLine
    session_id: str


def describe(work: PatientWork) -> PatientWork:
    """Lay the patient's compartments along one centre line, name their levels, and describe how each looks."""
    out_dir = work.plan.out_dir
    line = centre_line(work.visits, work.reference)
    levels = find_levels(work.visits, work.reference, line.line if line else None)
    shape_rows: list[records.CordProfile | records.Shape | records.Level] = []
    findings: list[records.Finding] = []
    for visit in work.visits:
        read, masks = visit.read, visit.counted
        if not isinstance(read, ScannedVisit) or not masks.primary:
            continue
        scans, not_read = attempt(partial(scans_on_anchor, read, visit.sequences, CONTRASTS, out_dir), read, "shape")
        findings += not_read
        if scans is not None:
            look = partial(describe_visit, read, masks, visit.place, line, levels, scans)
            described, not_described = attempt(look, read, "shape")
            shape_rows += described or ()
            findings += not_described
    return work.adding(*shape_rows, *levels.rows, *levels.findings, *findings)


def centre_line(visits: Sequence[VisitWork], reference: ReadVisit | None) -> FoundLine | None:
    """Take the patient's centre line from the first visit that has a mask: the reference visit, else by date.

    Masks that people drew go before automatic ones, and within a visit the cord's before the lesions'. A visit added
    later thus never changes the line. None when no visit has one.
    """
    if reference is None:
        return None
    usable = [visit for visit in visits if visit.is_comparable and visit.counted.primary]
    usable.sort(key=lambda visit: visit.session_id != reference.session_id)  # else by date: sorting keeps the order
    usable.sort(key=lambda visit: visit.counted.origin == MaskOrigin.AUTOMATIC)
    for visit in usable:
        line = _line_of(visit.counted, visit.place) if visit.place else None
        if line is not None:
            return FoundLine(line, visit.session_id)
    return None


def describe_visit(
    visit: ScannedVisit,
    masked: MaskedVisit,
    aligned: AlignedVisit | None,
    line: FoundLine | None,
    found_levels: FoundLevels,
    scans: Mapping[str, Volume],
) -> tuple[records.CordProfile | records.Shape | records.Level, ...]:
    """Describe every compartment of one visit that was drawn; an empty one has only a profile, of zeros.

    Nothing comes back for a visit without masks. ``scans`` are the visit's by contrast on the anchor's grid, NaN where
    one does not reach.
    """
    lesions = _lesions(masked)
    if aligned is None or aligned.grade == "C" or line is None:
        reason = NOT_ALIGNED if aligned is None or aligned.grade == "C" else NO_LINE
        nowhere = FoundLevels(None, None, reason)
        looks = [_shape(visit, masked, c, {"missing_reason": reason}, scans) for c in lesions]
        return (*looks, *(_level(visit, c, None, nowhere) for c in lesions))
    sections = _sections(masked, aligned, line)
    reached = cord.is_covered(line.line, visit.image, aligned.from_reference)
    profiles = [_profile(visit, c, sections[c][1], line, reached) for c in sorted(sections)]
    shapes = [_shape(visit, masked, c, _place(c, sections, line), scans) for c in lesions]
    spans = [_level(visit, c, cord.ends_along_mm(sections[c][0]), found_levels) for c in lesions]
    return (*profiles, *shapes, *spans)


def _lesions(masked: MaskedVisit) -> list[Compartment]:
    drawn = (c for c, mask in masked.primary.items() if (mask.array >= OBJECT_PROBABILITY).any())
    return sorted(c for c in drawn if c != Compartment.CORD)


def _line_of(masked: MaskedVisit, aligned: AlignedVisit) -> cord.CentreLine | None:
    whole = _whole_cord(masked)
    if whole is not None:
        return cord.line_of_cord(whole, aligned.to_reference)
    drawn = [mask for mask in masked.primary.values() if (mask.array >= OBJECT_PROBABILITY).any()]
    tumour = masked.primary.get(Compartment.TUMOUR)
    if tumour is not None and (tumour.array >= OBJECT_PROBABILITY).any():
        return cord.line_of_lesion(tumour, aligned.to_reference)
    if not drawn:
        return None
    union = np.max([mask.array for mask in drawn], axis=0)
    return cord.line_of_lesion(drawn[0].with_array(union), aligned.to_reference)


def _whole_cord(masked: MaskedVisit) -> Volume | None:
    """Return the cord with all that lies in it; None without a cord mask."""
    drawn = masked.primary.get(Compartment.CORD)
    if drawn is None or not (drawn.array >= OBJECT_PROBABILITY).any():
        return None
    total = np.sum([mask.array.astype(np.float64) for mask in masked.primary.values()], axis=0)
    return drawn.with_array(np.minimum(total, 1.0))


def _sections(masked: MaskedVisit, aligned: AlignedVisit, line: FoundLine) -> dict[Compartment, Section]:
    """Return each compartment's voxels along the line and its areas, mm²; the cord's with all that lies in it."""
    masks = dict(masked.primary)
    whole = _whole_cord(masked)
    if whole is not None:
        masks[Compartment.CORD] = whole
    laid = {c: cord.stretches_of(mask, aligned.to_reference, line.line) for c, mask in masks.items()}
    return {c: (section, cord.areas_mm2(section, line.line)) for c, section in laid.items()}


def _profile(
    visit: ReadVisit,
    compartment: Compartment,
    areas: NDArray[np.float64],
    line: FoundLine,
    reached: NDArray[np.bool_],
) -> records.CordProfile:
    words = [f"{max(area, 0.0):.1f}" if here else UNKNOWN for area, here in zip(areas, reached, strict=True)]
    return records.CordProfile(
        **visit.subject,
        compartment=str(compartment),
        line_source=str(line.line.source),
        line_session_id=line.session_id,
        start_mm=float(line.line.positions_mm[0]),
        areas_mm2=" ".join(words),
    )


def _place(compartment: Compartment, sections: Mapping[Compartment, Section], line: FoundLine) -> Fields:
    """Return the fields of a shape that say where the compartment lies along the cord."""
    section, areas = sections[compartment]
    largest = int(np.argmax(areas))
    return {
        "line_source": str(line.line.source),
        "along_length_mm": cord.length_along_mm(section),
        "centre_position_mm": float(np.average(section.positions_mm, weights=section.volumes_mm3)),
        "largest_area_mm2": float(areas[largest]),
        "largest_area_position_mm": float(line.line.positions_mm[largest]),
        "cord_share_ratio": _cord_share(areas, sections.get(Compartment.CORD), line),
    }


def _level(
    visit: ReadVisit, compartment: Compartment, ends_mm: tuple[float, float] | None, found_levels: FoundLevels
) -> records.Level:
    """Name the levels at both ends of a compartment; an end without one has a reason."""
    lower_mm, upper_mm = ends_mm or (None, None)
    upper, lower = (
        vertebral_levels.level_at(found_levels.levels, end_mm)
        if found_levels.levels is not None and end_mm is not None
        else None
        for end_mm in (upper_mm, lower_mm)
    )
    return records.Level(
        **visit.subject,
        compartment=str(compartment),
        upper_end_mm=upper_mm,
        lower_end_mm=lower_mm,
        upper_level=upper,
        lower_level=lower,
        label_session_id=found_levels.session_id,
        missing_reason=found_levels.reason or (None if upper and lower else UNLABELLED),
    )


def _cord_share(areas: NDArray[np.float64], whole: Section | None, line: FoundLine) -> float | None:
    """Return the largest share of the cord's cross-section, within the stretch where the cord itself was drawn."""
    if whole is None:
        return None
    drawn_mm = whole[0].positions_mm[whole[0].is_object]
    within = (line.line.positions_mm >= drawn_mm.min()) & (line.line.positions_mm <= drawn_mm.max()) & (whole[1] > 0)
    return float(np.clip(areas[within] / whole[1][within], 0.0, 1.0).max()) if within.any() else None


def _shape(
    visit: ScannedVisit,
    masked: MaskedVisit,
    compartment: Compartment,
    place: Fields,
    scans: Mapping[str, Volume],
) -> records.Shape:
    mask = masked.primary[compartment]
    inside = mask.array >= OBJECT_PROBABILITY
    lesions: dict[Compartment, NDArray[np.bool_]] = {
        c: m.array >= OBJECT_PROBABILITY for c, m in masked.primary.items() if c != Compartment.CORD
    }
    others = np.any([array for c, array in lesions.items() if c != compartment] or [np.zeros_like(inside)], axis=0)
    signal = appearance.signal_of(visit.image, mask)
    margin = appearance.margin_of(visit.image, mask, others)
    light = _enhancement(lesions, compartment, scans)
    adc = scans.get("ADC")
    known_adc = adc.array[inside & np.isfinite(adc.array)] if adc is not None else np.zeros(0)
    return records.Shape(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        **place,  # type: ignore[arg-type]  # the fields named in _place
        signal_mean=signal.mean if signal else None,
        signal_spread_ratio=signal.cv if signal else None,
        margin_width_mm=margin.width_mm,
        margin=margin.margin and str(margin.margin),
        margin_reason=margin.missing_reason,
        enhancing_ratio=light.ratio,
        enhancement=light.pattern and str(light.pattern),
        enhancement_reason=light.missing_reason,
        adc_mean=float(known_adc.mean()) if len(known_adc) >= appearance.LEAST_VOXELS else None,
    )


def _enhancement(
    lesions: Mapping[Compartment, NDArray[np.bool_]], compartment: Compartment, scans: Mapping[str, Volume]
) -> appearance.EnhancementMeasure:
    before, after = scans.get("T1w"), scans.get("T1w_ce")
    if compartment not in LIT:
        return appearance.EnhancementMeasure(None, None, "described for solid tumour only")
    if before is None or after is None:
        return appearance.EnhancementMeasure(None, None, "no aligned pair of T1w before and after contrast agent")
    enclosed = [lesions[c] for c in (compartment, Compartment.CYST, Compartment.CAVITY) if c in lesions]
    return appearance.enhancement_of(before, after, np.any(enclosed, axis=0))
