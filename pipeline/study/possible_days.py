"""Days on which nobody can have been scanned or treated: dates of birth and placeholders in a row of real days.

A person whose days all lie before there were MRI scans had them shifted for privacy, as BIDS asks, and keeps them.
What this module refuses: to put a visit or a treatment in order by such a day beside real ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from pipeline.core.findings import finding
from pipeline.core.records import Finding, Treatment
from pipeline.core.vocabulary import ANY_DAY
from pipeline.core.written_day import last_possible
from pipeline.study.visits import StudyVisit, by_date

FIRST_SCAN = date(1977, 7, 3)
"""The first MRI scan of a person (Damadian 1977, PMID 909957)."""
LONGEST_LIFE_YEARS = 110
"""Nobody was treated longer before a scan (a proposal)."""


def latest_of(days: Iterable[date | None]) -> date | None:
    """Return the last day on which there were MRI scans; None where all lie before, or none is known."""
    return max((day for day in days if day is not None and day >= FIRST_SCAN), default=None)


def is_before_scans(day: date | None) -> bool:
    """Say whether every day that may be meant lies before there were MRI scans."""
    return day is not None and (last_possible(day) or day) < FIRST_SCAN


def are_possible(days: tuple[date, date], treatments: Iterable[Treatment]) -> bool:
    """Say of the first and last day of a person's visits that all are of times with MRI, treatments within a lifetime.

    Then :func:`possible_treatments` and :func:`with_possible_days` change nothing, and need not see each visit.
    """
    first, last = days
    years = [(one.started_by or one.started_on).year for one in treatments]
    return first >= FIRST_SCAN and all(last.year - year <= LONGEST_LIFE_YEARS for year in years)


def in_words(day: date, beside: date) -> str:
    """Say what is wrong with a day that cannot be a scan's."""
    return f"expected the day of an MRI scan, found {day} beside {beside}; is it a date of birth or a placeholder?"


def with_possible_days(
    visits: Sequence[StudyVisit], treatments: Iterable[Treatment], findings: list[Finding]
) -> tuple[StudyVisit, ...]:
    """Return a patient's visits, those undated whose day lies before there were scans while others do not; by date."""
    latest = latest_of([*(visit.acquired_on for visit in visits), *(one.started_on for one in treatments)])
    if latest is None:
        return tuple(visits)
    placed = []
    for visit in visits:
        if visit.acquired_on is not None and is_before_scans(visit.acquired_on):
            subject = {"patient_id": visit.patient_id, "session_id": visit.session_id}
            message = f"{visit.patient_id} {visit.session_id}: {in_words(visit.acquired_on, latest)}"
            findings.append(finding("date_impossible", message, **subject))
            placed.append(replace(visit, acquired_on=None, acquired_at=None))
        else:
            placed.append(visit)
    return tuple(sorted(placed, key=by_date))


def possible_treatments(
    treatments: Sequence[Treatment], scanned_on: Iterable[date | None], findings: list[Finding], table: str
) -> tuple[Treatment, ...]:
    """Return a patient's treatments, on any day those a lifetime before the scans, or real ones of shifted scans.

    Parameters
    ----------
    scanned_on
        The days of the patient's scans, None where one is not known.
    table
        What the treatments were read from, in words.
    """
    days = [day for day in scanned_on if day is not None]
    is_shifted = bool(days) and all(map(is_before_scans, days))
    latest = max(days, default=None) if is_shifted else latest_of(days)
    possible = []
    for one in treatments:
        ended = one.started_by or one.started_on
        is_early = latest is not None and latest.year - ended.year > LONGEST_LIFE_YEARS
        if latest is None or not (is_early or (is_shifted and one.started_on >= FIRST_SCAN)):
            possible.append(one)
            continue
        words = f"expected the day of a treatment, found {one.started_on} for {one.kind} beside a scan of {latest}"
        message = f"{table}: {words} of {one.patient_id}; is one of them a placeholder, or shifted for privacy?"
        findings.append(finding("treatment_unplaced", message, table, patient_id=one.patient_id))
        first, last = ANY_DAY
        possible.append(replace(one, started_on=first, started_by=last, ended_on=None, ended_by=None, started_at=None))
    return tuple(possible)
