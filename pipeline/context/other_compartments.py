"""What became of cyst, syrinx, oedema, cavity and haemorrhage, in words that can never be progression.

"Cystic recurrence and/or persistence are not synonymous with tumor recurrence" (Dauleac 2019,
10.1007/s11060-019-03241-9). What this module refuses: solid tumour, which is judged in ``response`` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from pipeline.core.vocabulary import Compartment
from pipeline.judge.explanation import percent, two_figures
from pipeline.measure.measurement_error import detection_limit_ratio

JUDGED = (Compartment.TUMOUR, Compartment.ENHANCING)
"""Compartments of solid tumour: never described here."""


class CompartmentState(StrEnum):
    """What a compartment did since it last changed."""

    FIRST = "first measured"
    APPEARING = "appearing"
    GROWING = "growing"
    SHRINKING = "shrinking"
    VANISHED = "vanished"
    NO_CHANGE = "no change"
    NONE_SEEN = "none seen"
    NOT_MEASURED = "not measured"


LAST_CHANGE = {
    CompartmentState.GROWING: "it had grown",
    CompartmentState.APPEARING: "it had appeared",
    CompartmentState.SHRINKING: "it had shrunk",
}
"""How an earlier change is told when nothing has changed since."""


@dataclass(frozen=True)
class CompartmentVisit:
    """One compartment at one visit; None with a reason where it was not measured.

    ``bound_reason`` says why the volume is a lower bound, which proves growth and nothing else.
    """

    session_id: str
    acquired_on: date
    volume_mm3: float | None
    volume_cv: float | None = None
    missing_reason: str | None = None
    bound_reason: str | None = None


@dataclass(frozen=True)
class CompartmentChange:
    """One compartment at one visit in a word and a sentence, with the visit it was compared with."""

    session_id: str
    course: CompartmentState
    compared_session_id: str | None
    change_ratio: float | None
    reason: str


def compartment_course(compartment: Compartment, visits: Sequence[CompartmentVisit]) -> tuple[CompartmentChange, ...]:
    """Describe a compartment that is followed but never judged.

    Each visit is compared with the one where the compartment last changed, so that slow growth is not lost from
    scan to scan; a change must exceed measurement error.

    Parameters
    ----------
    compartment
        Anything but solid tumour.
    visits
        In any order.

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
    return tuple(_changes(compartment, ordered))


def _changes(compartment: Compartment, visits: Sequence[CompartmentVisit]) -> Iterator[CompartmentChange]:
    anchor: CompartmentVisit | None = None
    last = CompartmentState.FIRST
    for measured in visits:
        visit, course = measured, _course(measured, anchor)
        if visit.bound_reason is not None and course not in (CompartmentState.GROWING, CompartmentState.APPEARING):
            visit = replace(visit, volume_mm3=None, missing_reason=f"only a lower bound, {visit.bound_reason}")
            course = _course(visit, anchor)
        yield _change(compartment, visit, anchor, course, last)
        if (
            course not in (CompartmentState.NOT_MEASURED, CompartmentState.NO_CHANGE, CompartmentState.NONE_SEEN)
            or anchor is None
        ):
            is_whole = visit.volume_mm3 is not None and visit.bound_reason is None
            anchor, last = (visit, course) if is_whole else (anchor, last)


def _course(visit: CompartmentVisit, anchor: CompartmentVisit | None) -> CompartmentState:
    now = visit.volume_mm3
    if now is None:
        return CompartmentState.NOT_MEASURED
    if anchor is None or anchor.volume_mm3 is None:
        return CompartmentState.FIRST if now else CompartmentState.NONE_SEEN
    if not anchor.volume_mm3:
        return CompartmentState.APPEARING if now else CompartmentState.NONE_SEEN
    return _change_of_size(visit, anchor) if now else CompartmentState.VANISHED


def _change_of_size(visit: CompartmentVisit, anchor: CompartmentVisit) -> CompartmentState:
    """Compare two volumes over 0; unknown error proves no change."""
    now, before = visit.volume_mm3 or 0.0, anchor.volume_mm3 or 0.0
    if visit.volume_cv is None or anchor.volume_cv is None:
        return CompartmentState.NO_CHANGE
    limit = detection_limit_ratio(anchor.volume_cv, visit.volume_cv)
    if now > limit * before:
        return CompartmentState.GROWING
    return CompartmentState.SHRINKING if before > limit * now else CompartmentState.NO_CHANGE


def _change(
    compartment: Compartment,
    visit: CompartmentVisit,
    anchor: CompartmentVisit | None,
    course: CompartmentState,
    last: CompartmentState,
) -> CompartmentChange:
    """Put one visit into words; ``last``, what it did at the anchor, keeps "no change" from hiding a tripled cyst."""
    name, now = str(compartment).capitalize(), visit.volume_mm3
    if now is None:
        why = visit.missing_reason or "nobody said why"
        return CompartmentChange(visit.session_id, course, None, None, f"{name} not measured: {why}.")
    size = f"{two_figures(now / 1000)} mL" if now else "none seen"
    words = f"{name} {size} on {visit.acquired_on}"
    end = "; never progression." if now else "."
    if anchor is None or anchor.volume_mm3 is None:
        became = f", {course}" if now else ""
        return CompartmentChange(visit.session_id, course, None, None, f"{words}{became}{end}")
    ratio = now / anchor.volume_mm3 if anchor.volume_mm3 else None
    since = (
        f"as since {anchor.acquired_on}"
        if course == CompartmentState.NONE_SEEN
        else f"{course} since {anchor.acquired_on}"
    )
    change = f" ({percent(ratio)})" if ratio else ""
    earlier = f", when {LAST_CHANGE[last]}" if course == CompartmentState.NO_CHANGE and last in LAST_CHANGE else ""
    reason = f"{words}, {since}{change}{earlier}{end}"
    return CompartmentChange(visit.session_id, course, anchor.session_id, ratio, reason)
