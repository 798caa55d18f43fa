"""Beside judgement: when a published schedule would have the patient's next scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.context import open_days, surveillance
from pipeline.context.patient_facts import PatientFacts
from pipeline.core import records
from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, TreatmentKind
from pipeline.core.written_day import first_possible
from pipeline.judge.criteria import Baseline
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import ReadVisit, VisitWork

NO_ANSWER = (TreatmentKind.STEROID, TreatmentKind.DRAINAGE, TreatmentKind.OTHER, TreatmentKind.UNKNOWN)
"""Treatments that leave a growing tumour as it is."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a tumour that its schedule depends on.

    Attributes
    ----------
    is_growing
        It grew on the last judged scan; None where nobody knows.
    extents
        What surgeon and scans say of each resection.
    copied
        Visits whose scan is an earlier visit's very file, or was excluded as a copy: nobody was scanned twice.
    """

    is_growing: bool | None = None
    extents: tuple[records.Resection, ...] = ()
    copied: frozenset[str] = frozenset()


NOTHING_SEEN = Seen()


def schedule(work: PatientWork) -> PatientWork:
    """Say when the patient's next scan is due."""
    plan = work.plan
    rule = plan.criteria[0]
    of_all = [row for row in work.rows if isinstance(row, records.Assessment)]
    growing = is_growing(work.course, [row for row in of_all if row.criteria_id == rule.criteria_id])
    extents = tuple(row for row in work.rows if isinstance(row, records.Resection))
    seen = Seen(growing, extents, copied_visits(work.visits))
    due = next_scans(plan.patient.patient, work.course, work.reads, rule.baseline, plan.schedules, seen)
    return work.adding(*due)


def copied_visits(visits: Sequence[VisitWork]) -> frozenset[str]:
    """Return the visits whose day is no scan's: of one file at several visits the earliest in use counts."""
    earlier, copied = set[str](), set[str]()
    for visit in visits:
        is_taken_out = bool(visit.copies.scan_of) and visit.session_id in visit.decided.visits_out
        if is_taken_out or visit.shares_scan_with & earlier:
            copied.add(visit.session_id)
        earlier.add(visit.session_id)
    return frozenset(copied)


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
    seen: Seen = NOTHING_SEEN,
) -> tuple[records.NextScan, ...]:
    """Return when the next scan is due.

    Nothing is due of a patient who died, nor where neither a dated scan nor a treatment is known. Of a day that is not
    known every one that matters is tried; the soonest due date stands and says so.

    Parameters
    ----------
    course
        With the treatments.
    visits
        Every dated one counts as a scan, readable or not: the patient was there; but not one whose scan is a copy.
    rule
        Says how long a radiotherapy without a last day is taken to last, and how soon after surgery no scan counts.
    schedules
        The packaged schedules or a user's own.
    seen
        What the verdicts and the scans after surgery say.
    """
    if patient.died_on is not None:
        return ()
    extent, clash = open_days.last_extent(course.treatments, seen.extents)
    facts = PatientFacts(
        patient.histology,
        patient.who_grade,
        extent,
        patient.syndrome,
        patient.age_years,
        mycn=patient.mycn,
        h3_k27=patient.h3_k27,
        is_growing=seen.is_growing,
        is_operated=any(t.kind == TreatmentKind.SURGERY for t in course.treatments),
    )
    scans = [visit.acquired_on for visit in visits if visit.session_id not in seen.copied]
    last_scan_on = max((first_possible(day) for day in scans if day), default=None)

    def due_after(treated: open_days.LastTreatment | None) -> surveillance.DueScan | None:
        early_days = rule.after_surgery_days if treated is not None and treated.is_surgery else 0
        return surveillance.due(facts, last_scan_on, treated.day if treated else None, schedules, early_days)

    ended = open_days.ended_treatments(course.treatments, rule)
    tried = [due_after(one) for one in open_days.last_treatments(ended, last_scan_on)]
    planned = [one for one in tried if one is not None]
    if not planned:
        return ()
    soonest = min(planned, key=lambda one: one.due_on or date.max)
    assumed = [
        *([clash] if clash else []),
        *open_days.open_treatments(ended, planned, soonest),
        *open_days.unknown_treatments(course.treatments, ended, soonest, due_after),
        *open_days.open_scans(scans, last_scan_on),
        *(f"{session_id} was not counted: its scan is another visit's file" for session_id in sorted(seen.copied)),
        *([soonest.assumed] if soonest.assumed else []),
    ]
    due_scan = replace(soonest, assumed="; ".join(assumed) or None)
    return (_record(patient.patient_id, due_scan, schedules.surveillance_id),)


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
