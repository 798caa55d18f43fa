"""Beside judgement: when a published schedule would have the patient's next scan."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.context import surveillance
from pipeline.core import records
from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, TreatmentKind
from pipeline.core.written_day import first_possible
from pipeline.judge import division
from pipeline.judge.criteria import Baseline
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import ReadVisit

NO_ANSWER = (TreatmentKind.STEROID, TreatmentKind.DRAINAGE, TreatmentKind.OTHER, TreatmentKind.UNKNOWN)
"""Treatments that leave a growing tumour as it is."""


def schedule(work: PatientWork) -> PatientWork:
    """Say when the patient's next scan is due."""
    plan = work.plan
    rule = plan.criteria[0]
    of_all = [row for row in work.rows if isinstance(row, records.Assessment)]
    growing = is_growing(work.course, [row for row in of_all if row.criteria_id == rule.criteria_id])
    due = next_scans(plan.patient.patient, work.course, work.reads, rule.baseline, plan.schedules, growing)
    return work.adding(*due)


def is_growing(course: PatientCourse, verdicts: Sequence[records.Assessment]) -> bool | None:
    """Say whether the tumour grew, perhaps within error, on the last judged scan, with no treatment since.

    Returns
    -------
    bool or None
        None where no scan was judged, so that nobody knows.
    """
    days = {visit.session_id: visit.acquired_on for visit in course.visits}
    judged = [v for v in verdicts if v.session_id in days and v.state not in (State.CONTEXT, State.NOT_EVALUABLE)]
    last = max(judged, key=lambda verdict: (days[verdict.session_id], verdict.session_id), default=None)
    if last is None:
        return None
    if any(t.started_on >= days[last.session_id] and t.kind not in NO_ANSWER for t in course.treatments):
        return False
    grown = (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)
    return last.display_state in grown or last.category == Category.PD


def next_scans(
    patient: records.Patient,
    course: PatientCourse,
    visits: Sequence[ReadVisit],
    rule: Baseline,
    schedules: surveillance.Surveillance,
    growing: bool | None = None,
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
    growing
        Whether the tumour grew on the last judged scan; None where nobody knows.
    """
    surgeries = [t for t in course.treatments if t.kind == TreatmentKind.SURGERY]
    irradiations = [t for t in course.treatments if t.kind == TreatmentKind.RADIOTHERAPY]
    radiosurgeries = [t for t in course.treatments if t.kind == TreatmentKind.RADIOSURGERY]
    ended_on = [
        *(t.started_on for t in surgeries),
        *(division.last_day(t, rule) for t in irradiations),
        *(t.ended_on or t.started_on for t in radiosurgeries),
    ]
    last_surgery = max(surgeries, key=lambda t: t.started_on, default=None)
    facts = surveillance.PatientFacts(
        patient.histology,
        patient.who_grade,
        last_surgery.extent if last_surgery else None,
        patient.syndrome,
        patient.age_years,
        mycn=patient.mycn,
        h3_k27=patient.h3_k27,
        is_growing=growing,
        is_operated=last_surgery is not None,
    )
    due_scan = surveillance.due(
        facts,
        max((first_possible(visit.acquired_on) for visit in visits if visit.acquired_on), default=None),
        max(ended_on, default=None),
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
        closer_reason=due_scan.closer_reason,
        assumed=due_scan.assumed,
    )
