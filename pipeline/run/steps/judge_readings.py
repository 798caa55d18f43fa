"""Beside the verdict on solid tumour: what the same scans say with the cyst counted, and of enhancing and T2 tumour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin, PartSize, PatientCourse, VisitJudgement
from pipeline.judge import parallel_readings
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.parallel_readings import ReadingVerdict
from pipeline.measure.imported_sizes import NO_VOLUME
from pipeline.measure.measurement_error import ASSUMED
from pipeline.measure.own_cyst import CystPlace
from pipeline.refind import refinding
from pipeline.run.steps import measure_visits
from pipeline.run.steps.verdict_columns import verdict_columns
from pipeline.run.steps.visit_work import VisitWork

APART = "what was drawn as cyst lies away from the tumour, and is not its own"
WARPED = "its mask was only carried over from another visit, which cannot show growth or shrinkage"


def part_of(visit: VisitWork, compartment: Compartment) -> PartSize | None:
    """Return the size of a compartment that is judged beside the tumour; None where the patient never had it drawn.

    A mask that was only warped from another visit is no measurement until somebody accepts it as right.
    """
    row = next((one for one in visit.measured if one.compartment == compartment), None)
    if row is None:
        return None
    is_automatic = row.mask_origin == MaskOrigin.AUTOMATIC and compartment not in visit.decided.accepted
    mask = visit.masks.measured(compartment)
    if is_automatic and mask is not None and mask.method == refinding.CARRIED_OVER:
        return PartSize(None, missing_reason=WARPED)
    size = PartSize(
        row.volume_mm3,
        row.volume_cv,
        row.cv_source == ASSUMED,
        row.product_mm2,
        row.longest_mm,
        row.slices_spanned,
        is_automatic,
        None if row.missing_reason == NO_VOLUME else row.missing_reason,
        row.bound_reason,
    )
    place = measure_visits.cyst_place(visit) if compartment == Compartment.CYST and size.volume_mm3 else None
    return size if place is None else _own_part(size, place)


def _own_part(size: PartSize, place: CystPlace) -> PartSize:
    """Return the size of a cyst without what lies away from the tumour; none where all of it does.

    The error of a smaller volume is larger as that of a sphere is (V^(-1/3)); diameters are those of the whole.
    """
    if not place.apart_mm3:
        return size
    if not place.own_mm3:
        return PartSize(None, is_unsigned=size.is_unsigned, missing_reason=APART)
    share = place.own_share
    volume_mm3 = None if size.volume_mm3 is None else size.volume_mm3 * share
    cv = None if size.volume_cv is None else size.volume_cv * share ** (-1 / 3)
    return replace(size, volume_mm3=volume_mm3, volume_cv=cv)


def reading_rows(
    course: PatientCourse, solid: Sequence[VisitJudgement], criteria: ResponseCriteria
) -> list[records.ReadingAssessment]:
    """Return the verdicts of all readings beside solid tumour as rows of the store."""
    return [_row(course.patient_id, one) for one in parallel_readings.readings(course, solid, criteria)]


def _row(patient_id: str, verdict: ReadingVerdict) -> records.ReadingAssessment:
    judgement, measure = verdict.judgement, verdict.measure
    return records.ReadingAssessment(
        **verdict_columns(patient_id, judgement),
        reading=str(verdict.reading),
        is_different=verdict.differs,
        volume_mm3=measure.volume_mm3 if measure is not None else None,
        volume_cv=measure.volume_cv if measure is not None else None,
        change_low_ratio=judgement.change_low_ratio,
        change_high_ratio=judgement.change_high_ratio,
    )
