"""What a patient was under on the day of a scan: windows after treatment, steroids, agents that hide or fake a change.

What this module refuses: an unknown dose as a low one, and a treatment that nobody understood as none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from pipeline.core.vocabulary import ANY_DAY, SYSTEMIC, PatientCourse, TreatmentEvent, TreatmentKind
from pipeline.judge.criteria import ResponseCriteria, Steroids, Window
from pipeline.judge.division import last_day

NAMED_BESIDE = (*SYSTEMIC, TreatmentKind.STEROID, TreatmentKind.DRAINAGE, TreatmentKind.OTHER)
"""Named beside a shrinkage that began under them."""

REBOUND = (*SYSTEMIC, TreatmentKind.STEROID)
"""Whose end is named beside growth after it."""


def growth_window(course: PatientCourse, on: date, criteria: ResponseCriteria) -> tuple[Window, TreatmentEvent] | None:
    """Return the window in which growth on a day is only preliminary, and the treatment that opened it."""
    for window, kind in (
        (criteria.radiotherapy_window, TreatmentKind.RADIOTHERAPY),
        (criteria.immunotherapy_window, TreatmentKind.IMMUNOTHERAPY),
        (criteria.radiosurgery_window, TreatmentKind.RADIOSURGERY),
    ):
        for treatment in sorted(course.treatments, key=lambda t: t.started_on, reverse=True):
            if window is not None and treatment.kind == kind and treatment.started_on < on:
                is_fractionated = kind == TreatmentKind.RADIOTHERAPY
                counted_from = last_day(treatment, criteria.baseline) if is_fractionated else treatment.started_on
                if on <= counted_from + timedelta(days=window.days):
                    return window, treatment
    return None


def running(course: PatientCourse, kind: TreatmentKind, since: date, on: date) -> TreatmentEvent | None:
    """Return a treatment of a kind that is given at a scan and began since the baseline; the latest of several.

    A drug against the tumour holds it down whenever it began.
    """
    begun = [
        t
        for t in course.treatments
        if t.kind == kind and (kind in SYSTEMIC or since <= t.started_on) and tells_at(t, on)
    ]
    return max(begun, key=lambda treatment: treatment.started_on, default=None)


def is_running(treatment: TreatmentEvent, on: date) -> bool:
    """Say whether a treatment is given on a day; one without a last day is taken to go on."""
    return treatment.started_on <= on and (treatment.ended_on is None or treatment.ended_on >= on)


def tells_at(treatment: TreatmentEvent, on: date) -> bool:
    """Say whether a scan of a day may show what a treatment does: one of its first day shows the tumour before it."""
    return is_running(treatment, on) and treatment.started_on < on


def not_understood(course: PatientCourse, on: date) -> TreatmentEvent | None:
    """Return the first treatment before a day of which nobody knows what it was."""
    unknown = [t for t in course.treatments if t.kind == TreatmentKind.UNKNOWN and t.started_on < on]
    return min(unknown, key=lambda treatment: treatment.started_on, default=None)


def name_of(treatment: TreatmentEvent) -> str:
    """Name a treatment by its drug, and by its kind where the drug does not say it.

    Examples
    --------
    >>> name_of(TreatmentEvent(TreatmentKind.BEVACIZUMAB, date(2020, 1, 1), agent="Avastin"))
    'Avastin (bevacizumab)'
    """
    agent, kind = treatment.agent, str(treatment.kind)
    if not agent or agent.lower() == kind:
        return agent or kind
    return f"{agent} ({kind})"


def unknown_words(treatment: TreatmentEvent) -> str:
    """Say that nobody knows what a treatment was."""
    name = f"'{treatment.written}'" if treatment.written else "the treatment"
    when = "" if treatment.started_on == ANY_DAY[0] else f" of {treatment.started_on}"
    return f"nobody here knows what {name}{when} was; say which kind it is"


def dose_mg(course: PatientCourse, on: date) -> float | None:
    """Return the daily steroid dose that a scan of a day tells of, dexamethasone, mg; 0 without, None when unknown."""
    given = [t for t in course.treatments if t.kind == TreatmentKind.STEROID and tells_at(t, on)]
    return max(given, key=lambda treatment: treatment.started_on).dose_mg if given else 0.0


def steroids_hinder(
    course: PatientCourse, since: date, on: date, rule: Steroids | None, *, complete: bool
) -> str | None:
    """Say why steroids leave no response of a scan, in words; None where they allow one.

    Parameters
    ----------
    since, on
        Days of the baseline and of the scan.
    complete
        A complete response, which needs a dose that is no more than physiologic.
    """
    if rule is None:
        return None
    now = [t for t in course.treatments if t.kind == TreatmentKind.STEROID and tells_at(t, on)]
    if not now:
        return None
    latest = max(now, key=lambda treatment: treatment.started_on)
    dose, before = dose_mg(course, on), dose_mg(course, since)
    same = tells_at(latest, since)
    low = dose is not None and dose <= rule.physiologic_mg
    if low or (not complete and (same or (dose is not None and before is not None and dose <= before))):
        return None
    if complete and same:
        most = f"{rule.physiologic_mg:g} mg of dexamethasone a day"
        return f"on {name_of(latest)} since {latest.started_on}, not known to be at most {most}"
    amount = "" if dose is None else f" at {dose:g} mg of dexamethasone a day"
    return f"{name_of(latest)} begun {latest.started_on}{amount} may explain it"


def named_beside(course: PatientCourse, since: date, on: date) -> Iterator[TreatmentEvent]:
    """Yield what began after one day and is given on another, which may explain a shrinkage."""
    for kind in NAMED_BESIDE:
        treatment = running(course, kind, since, on)
        if treatment is not None and not (kind == TreatmentKind.STEROID and _is_tapered(course, since, on)):
            yield treatment


def _is_tapered(course: PatientCourse, since: date, on: date) -> bool:
    """Say whether the steroid dose is known to be no more than it was: less of it explains no shrinkage."""
    before, now = dose_mg(course, since), dose_mg(course, on)
    return before is not None and now is not None and 0 < now <= before


def without_course(course: PatientCourse, on: date) -> Iterator[TreatmentEvent]:
    """Yield drainages done by a day and the steroid given on it: they open no course and are named at every scan."""
    for treatment in sorted(course.treatments, key=lambda one: one.started_on):
        if treatment.kind == TreatmentKind.DRAINAGE and treatment.started_on <= on:
            yield treatment
    given = [one for one in course.treatments if one.kind == TreatmentKind.STEROID and is_running(one, on)]
    yield from sorted(given, key=lambda one: one.started_on)[-1:]


def stopped_between(course: PatientCourse, since: date, on: date) -> Iterator[TreatmentEvent]:
    """Yield what ended between two days and may have held a tumour or its swelling down before."""
    for treatment in course.treatments:
        if treatment.kind in REBOUND and treatment.ended_on is not None and since <= treatment.ended_on < on:
            yield treatment
