"""First and last day of a row of treatments, where they contradict each other too.

An end before the start: one of the two days is wrong, and nobody here knows which, so the treatment began on any day
from the earliest that the end allows to the start given. A radiotherapy of years may have been on any days between
its two: either is wrong, or they are those of two courses. What this module refuses: to choose between days that
contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from pipeline.core.records import Finding, Treatment
from pipeline.core.vocabulary import ANY_DAY, TreatmentKind
from pipeline.study.study_tables import TableRow, days_in
from pipeline.study.written_dates import written_days

LONGEST_COURSE_DAYS, ANY_BETWEEN = 180, "it may have been on any days from {} to {}"
"""Radiotherapy with all its breaks takes less; a longer one has a date of another course or year (a proposal)."""

LONGEST_LINE_DAYS = 731
"""So long before its end another treatment may have begun, where the start given lies after it (a proposal)."""

LONGEST_DAYS: Mapping[TreatmentKind, int] = {
    TreatmentKind.SURGERY: 0,
    TreatmentKind.RADIOSURGERY: LONGEST_COURSE_DAYS,
    TreatmentKind.RADIOTHERAPY: LONGEST_COURSE_DAYS,
}
"""Days from the first to the last day of a treatment, at most, by kind."""

Days = tuple[date, date | None]
"""A day and the latest that it may be; None where it is known."""


def days_of(
    row: TableRow, kind: TreatmentKind, as_of: date, findings: list[Finding]
) -> tuple[Days, tuple[date | None, date | None]] | None:
    """Return the first day of a row's treatment and its last, each with the latest that it may be; None if to come."""
    started = days_in(row, "date", as_of, findings, "treatment_unplaced")
    if started is None:
        return None
    begun = (started[0], started[1] if started[1] != started[0] else None)
    at_once = (started[0], None) if kind == TreatmentKind.SURGERY else (None, None)
    given = days_in(row, "end_date", as_of, findings, "date_malformed") if row.cells.get("end_date") else None
    if given is None or given == ANY_DAY:
        return begun, at_once
    first, last = given
    if last < started[0]:
        return _ended_before_it_began(row, kind, started, given, findings)
    if kind == TreatmentKind.RADIOTHERAPY and (first - started[1]).days > LONGEST_COURSE_DAYS:
        message = f"expected radiotherapy of up to {LONGEST_COURSE_DAYS} days, found {(first - started[1]).days}"
        between = ANY_BETWEEN.format(started[0], last)
        findings.append(row.problem("date_order", f"{message}; a date is wrong, or it is two courses: {between}"))
        return (started[0], last), (None, None)
    first = max(first, started[0])
    return begun, (first, last if last != first else None)


def _ended_before_it_began(
    row: TableRow,
    kind: TreatmentKind,
    started: tuple[date, date],
    ended: tuple[date, date],
    findings: list[Finding],
) -> tuple[Days, tuple[date | None, date | None]]:
    """Return any day from the earliest that the end allows to the start, and no last day."""
    earliest = _earliest(kind, ended[0])
    words = f"expected end_date from {started[0]} on, found {ended[1]}; either may be wrong"
    findings.append(row.problem("date_order", f"{words}: it began on any day from {earliest} to {started[1]}"))
    return (earliest, started[1]), (earliest, None) if kind == TreatmentKind.SURGERY else (None, None)


def _earliest(kind: TreatmentKind, ended: date) -> date:
    days = LONGEST_DAYS.get(kind, LONGEST_LINE_DAYS)
    return date.fromordinal(max(ended.toordinal() - days, 1))


def first_written(treatment: Treatment) -> str:
    """Return the first day as a table has it, with its time where it is known."""
    if _began_after_its_end(treatment):
        return str(treatment.started_by)
    day = written_days(treatment.started_on, treatment.started_by)
    if day is None:
        return "n/a"
    return day if treatment.started_at is None else f"{day}T{treatment.started_at}"


def last_written(treatment: Treatment) -> str | None:
    """Return the last day as a table has it; none for surgery, which is over on its day."""
    if _began_after_its_end(treatment):
        days = LONGEST_DAYS.get(TreatmentKind(treatment.kind), LONGEST_LINE_DAYS)
        return (treatment.started_on + timedelta(days=days)).isoformat()
    is_one_day = treatment.kind == TreatmentKind.SURGERY and treatment.ended_on == treatment.started_on
    if treatment.ended_on is None or is_one_day:
        return None
    return written_days(treatment.ended_on, treatment.ended_by)


def _began_after_its_end(treatment: Treatment) -> bool:
    """Say whether the first day is no month, year or any day, but one between two that contradict each other."""
    first, last = treatment.started_on, treatment.started_by
    if last is None or (first, last) == ANY_DAY:
        return False
    is_year = (first.month, first.day, last.month, last.day, first.year) == (1, 1, 12, 31, last.year)
    is_month = first.day == 1 and (first.year, first.month) == (last.year, last.month) and _is_last_of_month(last)
    return not (is_year or is_month)


def _is_last_of_month(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1
