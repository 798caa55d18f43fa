"""Beside the verdict on solid tumour: what the same scans say with the cyst counted, and of enhancing and T2 tumour."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin, PartSize, PatientCourse, VisitJudgement
from pipeline.judge import parallel_readings
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.parallel_readings import ReadingVerdict
from pipeline.measure.imported_sizes import NO_VOLUME
from pipeline.measure.measurement_error import ASSUMED
from pipeline.refind import refinding
from pipeline.run.steps.verdict_columns import verdict_columns
from pipeline.run.steps.visit_work import VisitWork

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
    return PartSize(
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
