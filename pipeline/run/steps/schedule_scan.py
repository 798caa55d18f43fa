"""Beside judgement: when a published schedule would have the patient's next scan."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.context import surveillance
from pipeline.core import records
from pipeline.core.vocabulary import PatientCourse, TreatmentKind
from pipeline.judge import division
from pipeline.judge.criteria import Baseline
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import ReadVisit


def schedule(work: PatientWork) -> PatientWork:
    """Say when the patient's next scan is due."""
    plan = work.plan
    rule = plan.criteria[0].baseline
    return work.adding(*next_scans(plan.patient.patient, work.course, work.reads, rule, plan.schedules))


def next_scans(
    patient: records.Patient,
    course: PatientCourse,
    visits: Sequence[ReadVisit],
    rule: Baseline,
    schedules: surveillance.Surveillance,
) -> tuple[records.NextScan, ...]:
    """Return when the next scan is due; nothing for a patient with neither a dated scan nor a treatment.

    Parameters
    ----------
    course
        With the treatments.
    visits
        Every dated one counts as a scan, readable or not: the patient was there.
    rule
        Says how long a radiotherapy without a last day is taken to last.
    schedules
        The packaged schedules or a user's own.
    """
    treated = [t for t in course.treatments if t.kind in (TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY)]
    surgeries = [t for t in treated if t.kind == TreatmentKind.SURGERY]
    last_surgery = max(surgeries, key=lambda t: t.started_on, default=None)
    facts = surveillance.PatientFacts(
        patient.histology,
        patient.who_grade,
        last_surgery.extent if last_surgery else None,
        patient.syndrome,
        patient.age_years,
    )
    due_scan = surveillance.due(
        facts,
        max((visit.acquired_on for visit in visits if visit.acquired_on), default=None),
        max(
            (t.started_on if t.kind == TreatmentKind.SURGERY else division.last_day(t, rule) for t in treated),
            default=None,
        ),
        schedules,
    )
    return () if due_scan is None else (_record(patient.patient_id, due_scan, schedules.surveillance_id),)


def _record(patient_id: str, due_scan: surveillance.DueScan, surveillance_id: str) -> records.NextScan:
    return records.NextScan(
        patient_id=patient_id,
        surveillance_id=surveillance_id,
        schedule_id=due_scan.schedule_id,
        counted_from=due_scan.counted_from,
        due_on=due_scan.due_on,
        overdue_from=due_scan.overdue_from,
        interval_days=due_scan.interval_days,
        rule=due_scan.rule,
        source=due_scan.source,
    )
