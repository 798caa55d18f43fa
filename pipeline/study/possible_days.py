"""Days on which nobody can have been scanned or treated: dates of birth and placeholders in a row of real days.

A person whose days all lie before there were MRI scans had them shifted for privacy, as BIDS asks, and keeps them; so
does one whose shifted days go on into the time of MRI.
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
AGE_SLACK_YEARS = 20
"""An age without its day may be that of a visit so many years later (docs/study-folder.md)."""
PLACEHOLDERS = frozenset({date(1899, 12, 30), date(1900, 1, 1)})
"""Day 0 of spreadsheets, and what programs write for no day."""
FOLLOWED_APART_YEARS = 10
"""Two scans of one course, or a treatment and a scan, are not further apart where the first is of a shifted day (a
proposal)."""


def latest_of(days: Iterable[date | None]) -> date | None:
    """Return the last day on which there were MRI scans; None where all lie before, or none is known."""
    return max((day for day in days if day is not None and day >= FIRST_SCAN), default=None)


def is_before_scans(day: date | None) -> bool:
    """Say whether every day that may be meant lies before there were MRI scans."""
    return day is not None and (last_possible(day) or day) < FIRST_SCAN


def impossible_days(days: Iterable[date | None]) -> frozenset[date]:
    """Return those of a person's days that cannot be a scan's: before there were scans, and far from the next day.

    Examples
    --------
    >>> sorted(map(str, impossible_days([date(1961, 4, 5), date(1900, 1, 1), date(2019, 6, 11)])))
    ['1900-01-01', '1961-04-05']
    >>> impossible_days([date(1975, 6, 1), date(1976, 6, 1), date(1978, 6, 1)])
    frozenset()
    """
    placed = sorted({day for day in days if day is not None and (day, last_possible(day)) != ANY_DAY}, reverse=True)
    following = latest_of(placed)
    impossible = set[date]()
    for day in placed if following is not None else ():
        if is_before_scans(day) and following is not None and _are_far(last_possible(day) or day, following):
            impossible.add(day)
        else:
            following = day
    return frozenset(impossible)


def _are_far(day: date, later: date) -> bool:
    return (later - day).days > FOLLOWED_APART_YEARS * 365.25


def lived_years(age_years: float | None) -> float:
    """Return how long before the first scan somebody may have been treated, years; ``age_years`` may be of any visit.

    >>> lived_years(None), lived_years(40.0), lived_years(100.0)
    (110, 60.0, 110)
    """
    return LONGEST_LIFE_YEARS if age_years is None else min(LONGEST_LIFE_YEARS, age_years + AGE_SLACK_YEARS)


def are_possible(days: tuple[date, date], treatments: Iterable[Treatment], age_years: float | None = None) -> bool:
    """Say of the first and last day of a person's visits that all are of times with MRI, treatments within a lifetime.

    Then :func:`possible_treatments` and :func:`with_possible_days` change nothing, and need not see each visit.
    """
    first, last = days
    ends = [(one.started_by or one.started_on) for one in treatments]
    lived = lived_years(age_years)
    are_real = all(
        last.year - one.year <= LONGEST_LIFE_YEARS and first.year - one.year <= lived and one not in PLACEHOLDERS
        for one in ends
    )
    return first >= FIRST_SCAN and are_real


def in_words(day: date, beside: date) -> str:
    """Say what is wrong with a day that cannot be a scan's."""
    return f"expected the day of an MRI scan, found {day} beside {beside}; is it a date of birth or a placeholder?"


def with_possible_days(
    visits: Sequence[StudyVisit], treatments: Iterable[Treatment], findings: list[Finding]
) -> tuple[StudyVisit, ...]:
    """Return a patient's visits, those undated whose day lies before there were scans while others do not; by date."""
    days = [*(visit.acquired_on for visit in visits), *(one.started_on for one in treatments)]
    latest, impossible = latest_of(days), impossible_days(days)
    placed = []
    for visit in visits:
        if visit.acquired_on is not None and latest is not None and visit.acquired_on in impossible:
            subject = {"patient_id": visit.patient_id, "session_id": visit.session_id}
            message = f"{visit.patient_id} {visit.session_id}: {in_words(visit.acquired_on, latest)}"
            findings.append(finding("date_impossible", message, **subject))
            placed.append(replace(visit, acquired_on=None, acquired_at=None))
        else:
            placed.append(visit)
    return tuple(sorted(placed, key=by_date))


def possible_treatments(
    treatments: Sequence[Treatment],
    scanned_on: Iterable[date | None],
    findings: list[Finding],
    table: str,
    age_years: float | None = None,
) -> tuple[Treatment, ...]:
    """Return a patient's treatments, on any day placeholders and those too far from the scans to be real.

    Parameters
    ----------
    scanned_on
        The days of the patient's scans, None where one is not known.
    table
        What the treatments were read from, in words.
    age_years
        The patient's, at any visit; nobody was treated long before birth.
    """
    days = [day for day in scanned_on if day is not None]
    is_shifted = bool(days) and all(map(is_before_scans, days))
    latest = max(days, default=None) if is_shifted else latest_of(days)
    first = min((day for day in days if is_shifted or day >= FIRST_SCAN), default=None)
    possible = []
    for one in treatments:
        ended = one.started_by or one.started_on
        is_early = latest is not None and latest.year - ended.year > LONGEST_LIFE_YEARS
        is_early |= ended in PLACEHOLDERS and not is_shifted
        is_early |= first is not None and first.year - ended.year > lived_years(age_years)
        is_real = (
            is_shifted and one.started_on >= FIRST_SCAN and latest is not None and _are_far(latest, one.started_on)
        )
        if latest is None or not (is_early or is_real):
            possible.append(one)
            continue
        words = f"expected the day of a treatment, found {one.started_on} for {one.kind} beside a scan of {latest}"
        message = f"{table}: {words} of {one.patient_id}; is one of them a placeholder, of another year, or shifted?"
        findings.append(finding("treatment_unplaced", message, table, patient_id=one.patient_id))
        possible.append(
            replace(one, started_on=ANY_DAY[0], started_by=ANY_DAY[1], ended_on=None, ended_by=None, started_at=None)
        )
    return tuple(possible)
