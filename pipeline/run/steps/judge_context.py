"""Beside judgement, and never deciding it: what became of cyst and oedema, what surgery left, how fast tumour grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from pipeline.context import growth_rate, neuraxis, other_compartments, resection, surveillance
from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, PatientCourse, State, VisitMeasure
from pipeline.judge import epochs
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import judge
from pipeline.run.steps.patient_work import PatientWork


def describe_context(work: PatientWork) -> PatientWork:
    """Put beside the verdicts what a board asks with them."""
    forms = (
        neuraxis.record(work.plan.patient.patient.patient_id, read.session_id, read.visit.neuraxis)
        for read in work.reads
        if read.visit.neuraxis is not None
    )
    return work.adding(*forms, *beside(work.course, work.measured, work.plan.criteria[0]))


def beside(
    course: PatientCourse, measurements: Sequence[records.Measurement], criteria: ResponseCriteria
) -> tuple[records.CompartmentCourse | records.Resection | records.GrowthRate | records.Finding, ...]:
    """Describe one patient's course beside its verdicts.

    Parameters
    ----------
    course
        As it was judged.
    measurements
        Of all compartments of all visits.
    criteria
        Those shown first: their baselines divide the course and say which scan after surgery may be compared.
    """
    extents = resection.resections(course, criteria)
    return (
        *_compartments(course, measurements),
        *(_resection(course.patient_id, one) for one in extents),
        *_growth(course, measurements, criteria),
        *(_contradiction(course.patient_id, one) for one in extents if one.is_contradiction),
    )


def _compartments(
    course: PatientCourse, measurements: Sequence[records.Measurement]
) -> Iterator[records.CompartmentCourse]:
    days = {visit.session_id: visit.acquired_on for visit in course.visits}
    measured = {row.compartment for row in measurements}
    for compartment in (
        c for c in Compartment if c in measured and c not in (*other_compartments.JUDGED, Compartment.CORD)
    ):
        visits = [
            other_compartments.CompartmentVisit(
                row.session_id,
                days[row.session_id],
                row.volume_mm3,
                row.volume_cv,
                row.missing_reason,
                row.bound_reason,
            )
            for row in measurements
            if row.compartment == compartment and row.session_id in days
        ]
        for change in other_compartments.compartment_course(compartment, visits):
            yield records.CompartmentCourse(
                patient_id=course.patient_id,
                session_id=change.session_id,
                compartment=str(compartment),
                course=str(change.course),
                compared_session_id=change.compared_session_id,
                reason=change.reason,
            )


def _resection(patient_id: str, extent: resection.ExtentOfResection) -> records.Resection:
    return records.Resection(
        patient_id=patient_id,
        operated_on=extent.operated_on,
        extent_surgeon=extent.extent_surgeon,
        extent_mri=extent.extent_mri,
        before_session_id=extent.before.session_id if extent.before else None,
        after_session_id=extent.after.session_id if extent.after else None,
        is_contradiction=extent.is_contradiction,
        is_provisional=extent.is_provisional,
        reason=extent.reason,
    )


def _contradiction(patient_id: str, extent: resection.ExtentOfResection) -> records.Finding:
    message = f"{patient_id}: surgery of {extent.operated_on}: {extent.reason}"
    session_id = extent.after.session_id if extent.after else None
    return finding("extent_contradiction", message, patient_id=patient_id, session_id=session_id)


def _growth(
    course: PatientCourse, measurements: Sequence[records.Measurement], criteria: ResponseCriteria
) -> Iterator[records.GrowthRate]:
    followed = epochs.followed_tumours(course, criteria)
    assessments = judge(course, criteria)
    visits = {visit.session_id: visit for visit in followed.visits}
    lengths = {row.session_id: row.length_mm for row in measurements if row.compartment == Compartment.TUMOUR}
    judged = [a for a in assessments if a.state not in (State.CONTEXT, State.NOT_EVALUABLE)]
    for epoch, rate in growth_rate.by_epoch(followed, assessments).items():
        seen = [visits[a.session_id] for a in judged if a.epoch == epoch]
        used = [v for v in seen if v.volume_mm3 and v.bound_reason is None and v.acquired_by is None]
        long = [(visit.acquired_on, mm) for visit in used if (mm := lengths.get(visit.session_id)) is not None]
        along = growth_rate.length_velocity([day for day, _ in long], [mm for _, mm in long])
        row = _growth_rate(course.patient_id, criteria.criteria_id, epoch, rate, along)
        unsigned = any(epochs.is_unsigned(visit) for visit in used)
        yield replace(row, detectable_on=_detectable_on(rate, used[-1]), is_provisional=unsigned)


def _detectable_on(rate: growth_rate.Growth, last: VisitMeasure) -> date | None:
    """Return when tumour growing on as now would differ from the last scan by more than the error, measured alike.

    None where it is not certain that it grows at all.
    """
    sure = rate.specific_per_year.interval
    if not last.volume_cv or sure is None or sure.low <= 0:
        return None
    per_day = rate.specific_per_year.value / growth_rate.DAYS_PER_YEAR
    return surveillance.detectable_on(per_day, last.volume_cv, last.volume_cv, last.acquired_on)


def _growth_rate(
    patient_id: str, criteria_id: str, epoch: int, rate: growth_rate.Growth, along: growth_rate.Rate | None
) -> records.GrowthRate:
    return records.GrowthRate(
        patient_id=patient_id,
        criteria_id=criteria_id,
        epoch=epoch,
        first_session_id=rate.first_session_id,
        last_session_id=rate.last_session_id,
        scan_count=rate.scan_count,
        days=rate.days,
        specific_per_year=rate.specific_per_year.value,
        specific_low_per_year=_low(rate.specific_per_year),
        specific_high_per_year=_high(rate.specific_per_year),
        doubling_time_days=rate.doubling_time_days,
        diameter_mm_per_year=rate.diameter_mm_per_year.value,
        diameter_low_mm_per_year=_low(rate.diameter_mm_per_year),
        diameter_high_mm_per_year=_high(rate.diameter_mm_per_year),
        length_mm_per_year=along.value if along else None,
        length_low_mm_per_year=_low(along),
        length_high_mm_per_year=_high(along),
        residual_sd=rate.residual_sd,
        error_sd=rate.error_sd,
        detectable_on=None,
        is_provisional=False,
    )


def _low(rate: growth_rate.Rate | None) -> float | None:
    return rate.interval.low if rate is not None and rate.interval is not None else None


def _high(rate: growth_rate.Rate | None) -> float | None:
    return rate.interval.high if rate is not None and rate.interval is not None else None
