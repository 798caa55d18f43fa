"""What became of cyst, syrinx, oedema, cavity and haemorrhage, in words that can never be progression.

"Cystic recurrence and/or persistence are not synonymous with tumor recurrence" (Dauleac 2019,
10.1007/s11060-019-03241-9). What this module refuses: solid tumour, which is judged in ``response`` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.core.vocabulary import Compartment, VisitMeasure
from pipeline.judge import comparison, own_smallest
from pipeline.judge.comparison import Comparison
from pipeline.judge.explanation import percent, two_figures

JUDGED = (Compartment.TUMOUR, Compartment.ENHANCING)
"""Compartments of solid tumour: never described here."""


class CompartmentState(StrEnum):
    """What a compartment did since its own smallest or largest."""

    FIRST = "first measured"
    APPEARING = "appearing"
    GROWING = "growing"
    SHRINKING = "shrinking"
    VANISHED = "vanished"
    NO_CHANGE = "no change"
    NONE_SEEN = "none seen"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class CompartmentVisit:
    """One compartment at one visit; None with a reason where it was not measured.

    ``bound_reason`` says why the volume is a lower bound, which proves growth and nothing else. ``cv_is_assumed``: its
    error comes from the geometric model alone.
    """

    session_id: str
    acquired_on: date
    volume_mm3: float | None
    volume_cv: float | None = None
    missing_reason: str | None = None
    bound_reason: str | None = None
    cv_is_assumed: bool = False

    @property
    def measure(self) -> VisitMeasure:
        """The volume as judgement compares it."""
        return VisitMeasure(self.session_id, self.acquired_on, self.volume_mm3, self.volume_cv, self.cv_is_assumed)


@dataclass(frozen=True)
class CompartmentChange:
    """One compartment at one visit in a word and a sentence, with the visit it was compared with."""

    session_id: str
    course: CompartmentState
    compared_session_id: str | None
    change_ratio: float | None
    reason: str


def compartment_course(
    compartment: Compartment, visits: Sequence[CompartmentVisit], operated_on: Sequence[date] = ()
) -> tuple[CompartmentChange, ...]:
    """Describe a compartment that is followed but never judged.

    Growth counts from the compartment's own smallest reading since the last surgery, so that slow growth is not lost
    from scan to scan, and shrinkage from its largest; either must exceed the error of all its readings.

    Parameters
    ----------
    compartment
        Anything but solid tumour.
    visits
        In any order.
    operated_on
        Days of surgery; a scan of such a day is still before it.

    Returns
    -------
    tuple of CompartmentChange
        One per visit, in date order.

    Raises
    ------
    ValueError
        The compartment is solid tumour.
    """
    if compartment in JUDGED:
        msg = f"{compartment} is solid tumour: judge it with the criteria, this only describes what is not tumour"
        raise ValueError(msg)
    ordered = sorted(visits, key=lambda visit: (visit.acquired_on, visit.session_id))
    return tuple(
        _change(compartment, visit, ordered[:place], _last_surgery(visit, operated_on))
        for place, visit in enumerate(ordered)
    )


def _last_surgery(visit: CompartmentVisit, operated_on: Sequence[date]) -> date:
    return max((day for day in operated_on if day < visit.acquired_on), default=date.min)


def _change(
    compartment: Compartment, visit: CompartmentVisit, before: Sequence[CompartmentVisit], operated_on: date
) -> CompartmentChange:
    """Say what a compartment did by one visit."""
    earlier = [one for one in before if one.volume_mm3 is not None and one.bound_reason is None]
    since_none = _since_none_seen(earlier)
    after = [one for one in since_none if one.acquired_on > operated_on] or since_none[-1:]
    now, name = visit.volume_mm3, str(compartment).capitalize()
    smallest = own_smallest.since_smallest(visit.measure, [one.measure for one in after])
    largest = own_smallest.since_largest(visit.measure, [one.measure for one in since_none])
    course, against = _course(visit, earlier, smallest, largest)
    is_growth = course in (CompartmentState.GROWING, CompartmentState.APPEARING)
    if now is not None and visit.bound_reason is not None and not is_growth:
        why = f"only a lower bound, {visit.bound_reason}"
        return CompartmentChange(
            visit.session_id, CompartmentState.NOT_MEASURED, None, None, f"{name} not measured: {why}."
        )
    if now is None:
        why = visit.missing_reason or "nobody said why"
        return CompartmentChange(visit.session_id, course, None, None, f"{name} not measured: {why}.")
    size = f"{two_figures(now / 1000)} mL" if now else "none seen"
    words = f"{name} {size} on {visit.acquired_on}{_course_words(course, against, earlier, now)}"
    if is_growth and own_smallest.has_shrunk(largest) and largest is not None:
        words += (
            f", below the largest, {two_figures(largest.reference_value / 1000)} mL of {largest.reference.acquired_on}"
        )
    words += _as_before(visit, course, earlier)
    reason = f"{words}{'; never progression.' if now else '.'}"
    if against is None:
        other = earlier[-1].session_id if earlier else None
        return CompartmentChange(visit.session_id, course, other, None, reason)
    return CompartmentChange(visit.session_id, course, against.reference.session_id, against.ratio, reason)


def _since_none_seen(earlier: Sequence[CompartmentVisit]) -> list[CompartmentVisit]:
    """Return the readings after the last that showed none."""
    last = max((place for place, one in enumerate(earlier) if not one.volume_mm3), default=-1)
    return list(earlier[last + 1 :])


def _course(
    visit: CompartmentVisit,
    earlier: Sequence[CompartmentVisit],
    smallest: Comparison | None,
    largest: Comparison | None,
) -> tuple[CompartmentState, Comparison | None]:
    """Return what a compartment did, and the comparison that says so; None where no size is held against another."""
    if smallest is None or not visit.volume_mm3:
        return _course_without_size(visit.volume_mm3, earlier), None
    if own_smallest.has_grown(smallest):
        return CompartmentState.GROWING, smallest
    if own_smallest.has_shrunk(largest):
        return CompartmentState.SHRINKING, largest
    return CompartmentState.NO_CHANGE, smallest


def _course_without_size(now: float | None, earlier: Sequence[CompartmentVisit]) -> CompartmentState:
    """Return what a compartment did where no size is held against another."""
    if now is None:
        return CompartmentState.NOT_MEASURED
    if now:
        return CompartmentState.APPEARING if earlier else CompartmentState.FIRST
    return CompartmentState.VANISHED if earlier and earlier[-1].volume_mm3 else CompartmentState.NONE_SEEN


def _course_words(
    course: CompartmentState, against: Comparison | None, earlier: Sequence[CompartmentVisit], now: float
) -> str:
    if not earlier:
        return f", {course}" if now else ""
    if against is None:
        since = "as since" if course == CompartmentState.NONE_SEEN else f"{course} since"
        first = _first_of_last_kind(earlier)
        return f", {since} {first.acquired_on}"
    ratio = against.ratio
    change = "" if ratio is None else f" ({percent(ratio)})"
    if course == CompartmentState.NO_CHANGE:
        error = "of unknown error" if against.limit_ratio is None else "within error"
        return f", {error} since {against.reference.acquired_on}{change}"
    return f", {course} since {against.reference.acquired_on}{change}"


def _first_of_last_kind(earlier: Sequence[CompartmentVisit]) -> CompartmentVisit:
    """Return the latest reading, or where that showed none, the first of those in a row that did."""
    place = len(earlier) - 1
    while place > 0 and not earlier[place].volume_mm3 and not earlier[place - 1].volume_mm3:
        place -= 1
    return earlier[place]


def _as_before(visit: CompartmentVisit, course: CompartmentState, earlier: Sequence[CompartmentVisit]) -> str:
    """Say where growth or shrinkage did not go on since the scan before."""
    if course not in (CompartmentState.GROWING, CompartmentState.SHRINKING) or len(earlier) < 2:
        return ""
    series = [one.measure for one in earlier if one.volume_mm3]
    last = own_smallest.since_smallest(visit.measure, series[-1:]) if series else None
    if last is None or comparison.beyond_error(last):
        return ""
    return f", within error as on {last.reference.acquired_on}"
