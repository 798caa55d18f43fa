"""From which day follow-up is counted where a day, a kind of treatment or the extent of a resection is not known.

Of a treatment that may have been on any day of a month, a year or of all, every day is tried on which the next scan
could be due at another time. What this module refuses: to count from a day that nobody wrote down without saying so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.context.resection import lesser_extent
from pipeline.context.surveillance import DueScan
from pipeline.core.records import Resection
from pipeline.core.vocabulary import ANY_DAY, TreatmentEvent, TreatmentKind
from pipeline.core.written_day import last_possible, span
from pipeline.judge import division
from pipeline.judge.criteria import Baseline

FOLLOWED = (TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY, TreatmentKind.RADIOSURGERY)
"""Treatments that follow-up is counted from."""


@dataclass(frozen=True)
class EndedTreatment:
    """One treatment that follow-up is counted from, and the days between which its last one lies."""

    treatment: TreatmentEvent
    first_on: date
    last_on: date


@dataclass(frozen=True)
class LastTreatment:
    """A day that may be the last of the last treatment."""

    day: date
    is_surgery: bool


def ended_treatments(treatments: Sequence[TreatmentEvent], rule: Baseline) -> tuple[EndedTreatment, ...]:
    """Return the treatments that follow-up is counted from with their last days.

    Parameters
    ----------
    rule
        Says how long a radiotherapy without a last day is taken to last.
    """
    return tuple(_ended(one, rule) for one in treatments if one.kind in FOLLOWED)


def last_treatments(ended: Sequence[EndedTreatment], last_scan_on: date | None) -> tuple[LastTreatment | None, ...]:
    """Return the days to try for the last treatment: the earliest it can be, and what may be later and matter.

    Returns
    -------
    tuple
        ``None`` alone where nothing was done; empty where nothing is known to count from.
    """
    if not ended:
        return (None,)
    sure = max(ended, key=lambda one: one.first_on)
    tried = {(sure.first_on, sure.treatment.kind == TreatmentKind.SURGERY)}
    for one in ended:
        for day in (one.last_on, last_scan_on):
            if day is not None and sure.first_on < day and one.first_on <= day <= one.last_on:
                tried.add((day, one.treatment.kind == TreatmentKind.SURGERY))
    if last_scan_on is None:
        tried = {(day, is_surgery) for day, is_surgery in tried if day not in ANY_DAY}
    return tuple(LastTreatment(day, is_surgery) for day, is_surgery in sorted(tried))


def last_extent(treatments: Sequence[TreatmentEvent], extents: Sequence[Resection]) -> tuple[str | None, str | None]:
    """Return the extent of the last operation, and in words where surgeon and scan clash.

    The extent is None where nobody operated, where it is not known, and where it is not known which of two operations
    with different ones came last.
    """
    surgeries = [one for one in treatments if one.kind == TreatmentKind.SURGERY]
    if not surgeries:
        return None, None
    sure_on = max(one.started_on for one in surgeries)
    last_ones = [one for one in surgeries if (one.started_by or one.started_on) >= sure_on]
    last_extents = {_extent(one, extents) for one in last_ones}
    return last_extents.pop() if len(last_extents) == 1 else (None, None)


def open_treatments(ended: Sequence[EndedTreatment], planned: Sequence[DueScan], soonest: DueScan) -> Iterator[str]:
    """Say which treatment's day is not known, where that moves the due date; and which end is only assumed."""
    if len({one.due_on for one in planned}) > 1:
        names = " and ".join(_dated(one) for one in ended if one.first_on != one.last_on)
        others = {_interval(one) for one in planned if one.due_on != soonest.due_on} - {_interval(soonest)}
        others_words = f" ({' or '.join(sorted(others))} on other days)" if others else ""
        yield f"day of {names} not known: {_interval(soonest)}, the soonest that it may mean{others_words}"
    last = max(ended, key=lambda one: one.first_on, default=None)
    if last is None or last.first_on != last.last_on:
        return
    if last.treatment.kind == TreatmentKind.RADIOTHERAPY and last.treatment.ended_on is None:
        yield f"end of the radiotherapy not known: taken for {last.first_on}"


def unknown_treatments(
    treatments: Sequence[TreatmentEvent],
    ended: Sequence[EndedTreatment],
    soonest: DueScan,
    due_after: Callable[[LastTreatment], DueScan | None],
) -> Iterator[str]:
    """Say which treatment nobody knows the kind of, where the due date would be another if it were an operation."""
    counted_on = max((one.first_on for one in ended), default=date.min)
    for one in treatments:
        last_on = one.started_by or one.started_on
        if one.kind != TreatmentKind.UNKNOWN or last_on <= counted_on:
            continue
        other = due_after(LastTreatment(last_on, is_surgery=True))
        if other is not None and (other.counted_from, other.due_on) != (soonest.counted_from, soonest.due_on):
            when = "on an unknown day" if _is_any_day(one) else f"of {span(one.started_on, last_on)}"
            yield f"what '{one.written or one.kind}' {when} was is not known: not counted as a treatment"


def open_scans(scans: Sequence[date | None], last_scan_on: date | None) -> Iterator[str]:
    """Say where the last scan's own day is not known, and that scans without any are not counted."""
    open_ones = [day for day in scans if day is not None and day == last_scan_on and last_possible(day) is not None]
    if open_ones:
        yield f"day of the last scan not known ({open_ones[0]}): counted from the first that it may be"
    undated = sum(day is None for day in scans)
    if undated:
        yield f"{undated} {'scan has' if undated == 1 else 'scans have'} no readable date: not counted"


def _ended(treatment: TreatmentEvent, rule: Baseline) -> EndedTreatment:
    started_by = treatment.started_by or treatment.started_on
    if treatment.kind == TreatmentKind.RADIOTHERAPY and treatment.ended_on is None:
        assumed = timedelta(days=rule.radiotherapy_course_days)
        return EndedTreatment(treatment, division.last_day(treatment, rule), started_by + assumed)
    first_on = treatment.ended_on or treatment.started_on
    return EndedTreatment(treatment, first_on, max(treatment.ended_by or first_on, started_by, first_on))


def _extent(surgery: TreatmentEvent, extents: Sequence[Resection]) -> tuple[str | None, str | None]:
    seen = next((one for one in extents if one.operated_on == surgery.started_on), None)
    if seen is None:
        return surgery.extent, None
    extent = lesser_extent(surgery.extent, seen.extent_mri, is_contradiction=seen.is_contradiction)
    if extent == surgery.extent or surgery.extent is None:
        return extent, None
    return extent, f"the surgeon reports {surgery.extent} and the scan shows a residual: taken for {extent}"


def _dated(one: EndedTreatment) -> str:
    name = f"the {one.treatment.kind}"
    return name if _is_any_day(one.treatment) else f"{name} ({span(one.first_on, one.last_on)})"


def _is_any_day(treatment: TreatmentEvent) -> bool:
    return (treatment.started_on, treatment.started_by) == ANY_DAY


def _interval(planned: DueScan) -> str:
    return f"{planned.interval_days} days" if planned.interval_days else "a schedule that has ended"
