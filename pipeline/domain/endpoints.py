"""Time to progression of one patient: when the clock starts, what ends it and when it is only stopped.

Time zero is the first surgery, else the first scan. The event is the earliest of a progression (by size, new lesion
or function) at the scan where it was first seen, unless it still awaits confirmation, and another surgery after an
assessment that already showed growth. Without an event the time is censored at the last adequate assessment, never
at the last contact; a new therapy without progression censors at the last one before it. What this module refuses:
death, of which a study folder says nothing, and hence progression-free survival.

References
----------
FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics, appendices 2 and 3 (table A).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.domain.entities import (
    Assessment,
    Category,
    DisplayState,
    PatientCourse,
    State,
    Treatment,
    TreatmentKind,
)

NEW_THERAPY = (
    TreatmentKind.SURGERY,
    TreatmentKind.RADIOTHERAPY,
    TreatmentKind.CHEMOTHERAPY,
    TreatmentKind.BEVACIZUMAB,
    TreatmentKind.IMMUNOTHERAPY,
)
"""Begun without progression, these change what is waited for."""

FIRST_TREATMENT_DAYS = 183
"""Therapy begun this early belongs to the first treatment (radiotherapy after surgery); a proposal, days."""


@dataclass(frozen=True)
class Endpoint:
    """One time-to-event outcome of one patient.

    Attributes
    ----------
    endpoint_id
        ``ttp`` time to progression, or ``rfs`` recurrence-free time of those with no tumour at their baseline.
    time_zero_on, ended_on
        Start of the clock and the day it stopped.
    is_event
        Stopped by an event; False when censored.
    reason
        What started and stopped it, in one sentence.
    """

    endpoint_id: str
    time_zero_on: date
    ended_on: date
    is_event: bool
    reason: str

    @property
    def duration_days(self) -> int:
        """Days from time zero to the end."""
        return (self.ended_on - self.time_zero_on).days


def of_course(course: PatientCourse, assessments: Sequence[Assessment]) -> tuple[Endpoint, ...]:
    """Return every endpoint that one patient's course has.

    Parameters
    ----------
    course
        The course that was judged.
    assessments
        What ``response.judge`` made of it.

    Returns
    -------
    tuple of Endpoint
        Time to progression, and recurrence-free time where it applies; empty for a course without scans.
    """
    found = (time_to_progression(course, assessments), recurrence_free_time(course, assessments))
    return tuple(endpoint for endpoint in found if endpoint is not None)


def time_to_progression(course: PatientCourse, assessments: Sequence[Assessment]) -> Endpoint | None:
    """Return the time from the first surgery, else the first scan, to progression.

    Returns
    -------
    Endpoint or None
        None when there is no dated scan, or none on or after time zero.
    """
    start = _time_zero(course, assessments)
    return _endpoint("ttp", start, course, assessments) if start is not None else None


def recurrence_free_time(course: PatientCourse, assessments: Sequence[Assessment]) -> Endpoint | None:
    """Return the time to progression of a patient whose first baseline after surgery showed no tumour.

    Returns
    -------
    Endpoint or None
        None for everybody else: those with residual tumour were never free of it.
    """
    start = _time_zero(course, assessments)
    first = next((a for a in assessments if a.state == State.BASELINE), None)
    operated = any(t.kind == TreatmentKind.SURGERY for t in course.treatments)
    if start is None or first is None or not operated or first.display_state != DisplayState.NONE_SEEN:
        return None
    return _endpoint("rfs", start, course, assessments)


def _time_zero(course: PatientCourse, assessments: Sequence[Assessment]) -> tuple[date, str] | None:
    """Return the start of the clock with its name; None when no scan lies on or after it."""
    if not assessments:
        return None
    surgeries = [t.started_on for t in course.treatments if t.kind == TreatmentKind.SURGERY]
    on, name = (min(surgeries), "first surgery") if surgeries else (assessments[0].acquired_on, "first scan")
    return (on, name) if assessments[-1].acquired_on >= on else None


def _endpoint(
    endpoint_id: str, start: tuple[date, str], course: PatientCourse, assessments: Sequence[Assessment]
) -> Endpoint:
    zero_on, name = start
    counted = [a for a in assessments if a.acquired_on >= zero_on]
    therapy = _new_therapy(course, zero_on)
    event = min(_events(course, counted, zero_on), default=None)
    if event is not None and (therapy is None or event[0] <= therapy.started_on):
        return Endpoint(endpoint_id, zero_on, event[0], True, f"From the {name} on {zero_on} to {event[1]}.")
    words = ""
    if therapy is not None:
        counted = [a for a in counted if a.acquired_on <= therapy.started_on]
        words = f", before {therapy.kind} began on {therapy.started_on} without progression"
    ended_on, why = _last_adequate(counted, zero_on)
    return Endpoint(endpoint_id, zero_on, ended_on, False, f"From the {name} on {zero_on}, {why}{words}.")


def _new_therapy(course: PatientCourse, zero_on: date) -> Treatment | None:
    """Return the first therapy that cannot belong to the first treatment; None when there was none."""
    begun = (
        treatment
        for treatment in course.treatments
        if treatment.kind in NEW_THERAPY and (treatment.started_on - zero_on).days > FIRST_TREATMENT_DAYS
    )
    return min(begun, key=lambda treatment: treatment.started_on, default=None)


def _events(course: PatientCourse, assessments: Sequence[Assessment], zero_on: date) -> Iterator[tuple[date, str]]:
    """Yield every event with its date and words; the earliest one counts."""
    for found in assessments:
        if found.category == Category.PD and found.confirmed:
            yield found.acquired_on, f"progression on {found.acquired_on} ({found.session_id})"
    for surgery in course.treatments:
        if surgery.kind == TreatmentKind.SURGERY and surgery.started_on > zero_on:
            before = [a for a in assessments if a.acquired_on <= surgery.started_on]
            if _was_for_growth(surgery, before):
                yield surgery.started_on, f"another surgery for growth on {surgery.started_on}"


def _was_for_growth(surgery: Treatment, before: Sequence[Assessment]) -> bool:
    """Say whether the last judged scan before a surgery already showed growth, sure, possible or preliminary."""
    judged = [a for a in before if a.state not in (State.CONTEXT, State.NOT_EVALUABLE)]
    if surgery.extent == "biopsy" or not judged:
        return False
    last = judged[-1]
    return last.category == Category.PD or last.display_state in (
        DisplayState.GROWTH,
        DisplayState.POSSIBLE_GROWTH,
    )


def _last_adequate(assessments: Sequence[Assessment], zero_on: date) -> tuple[date, str]:
    judged = [a for a in assessments if a.state not in (State.CONTEXT, State.NOT_EVALUABLE)]
    if not judged:
        return zero_on, "censored at once: no scan since could be judged"
    last = judged[-1]
    words = f"no progression up to the last adequate assessment on {last.acquired_on} ({last.session_id})"
    if last.category == Category.PD:
        words = f"progression on {last.acquired_on} awaits confirmation; censored there"
    return last.acquired_on, words
