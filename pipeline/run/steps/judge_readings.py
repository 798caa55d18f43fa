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
        patient_id=patient_id,
        session_id=judgement.session_id,
        reading=str(verdict.reading),
        criteria_id=judgement.criteria_id,
        criteria_version=judgement.criteria_version,
        category=str(judgement.category),
        state=str(judgement.state),
        display_state=str(judgement.display_state),
        is_confirmed=judgement.confirmed,
        is_provisional=judgement.provisional,
        is_different=verdict.differs,
        epoch=judgement.epoch,
        course=str(judgement.course),
        baseline_session_id=judgement.baseline_session_id,
        nadir_session_id=judgement.nadir_session_id,
        volume_mm3=measure.volume_mm3 if measure is not None else None,
        volume_cv=measure.volume_cv if measure is not None else None,
        change_ratio=judgement.change_ratio,
        change_low_ratio=judgement.change_low_ratio,
        change_high_ratio=judgement.change_high_ratio,
        detection_limit_ratio=judgement.detection_limit_ratio,
        probability=judgement.probability,
        reason=judgement.reason,
        category_then=judgement.category_then_shown,
        state_then=str(judgement.state_then),
        reason_then=judgement.reason_then,
        clauses=judgement.clauses,
    )
