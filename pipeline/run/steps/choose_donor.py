"""Which visits the masks of another one are found again from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, TreatmentKind
from pipeline.run.steps.mask_visits import MaskedVisit
from pipeline.run.steps.read_visits import AS_FINE, ReadVisit, thickest_mm

MOST_SOURCES = 3
"""A mask is found again from this many visits at most: each costs a fit. Tried were two."""


def sources(
    visits: Sequence[ReadVisit], offered: Mapping[str, MaskedVisit], treatments: Sequence[records.Treatment]
) -> dict[str, MaskedVisit]:
    """Return the masks that automatic ones may come from: those of the study folder, and whole visits people corrected.

    A visit that nobody drew on in the study folder is one of them when its corrected masks name all that would be found
    there from another visit: else its other compartments would be lost at the visits after it.

    Parameters
    ----------
    visits
        With an image, by date.
    offered
        Masks that people drew, excluded ones away.
    """
    nothing = {name: replace(masked, drawn={}) for name, masked in offered.items() if masked.source is None}
    known = {**offered, **nothing}
    for visit in (visit for visit in visits if visit.session_id in nothing):
        masked = offered[visit.session_id]
        chosen = choose_sources(visit, visits, known, treatments) if masked.drawn else ()
        if not chosen or set(known[chosen[0].session_id].primary) <= set(masked.drawn):
            known[visit.session_id] = masked
    return known


def choose_sources(
    visit: ReadVisit,
    visits: Sequence[ReadVisit],
    masked: Mapping[str, MaskedVisit],
    treatments: Sequence[records.Treatment],
) -> tuple[ReadVisit, ...]:
    """Choose the visits whose masks are found again: earlier ones if any, or else the earliest later one.

    Of earlier visits that show the same lesion (no surgery in between, the compartments of the latest) in the same
    contrast, the latest on scans as fine as the finest: masks drawn on thick slices say little about shape. Later
    visits never displace an earlier one, so that adding a visit changes no number that was there; nor does a later
    visit that has only corrected masks displace one of the study folder.

    Parameters
    ----------
    visits
        With an image, by date; ``visit`` among them.

    Returns
    -------
    tuple of ReadVisit
        The latest first, at most ``MOST_SOURCES``; the first says which compartments there are. Empty where nobody
        drew any.
    """
    place = [other.session_id for other in visits].index(visit.session_id)
    earlier = [other for other in visits[:place] if masked[other.session_id].primary]
    if not earlier:
        later = [other for other in visits[place + 1 :] if masked[other.session_id].primary]
        return tuple(sorted(later, key=lambda other: masked[other.session_id].source is None)[:1])
    wanted = _seen(masked[earlier[-1].session_id])
    same = [
        other
        for other in earlier
        if _seen(masked[other.session_id]) == wanted and not operated_between(visit, other, treatments)
    ]
    same = [other for other in same if other.contrast == visit.contrast] or same
    finest_mm = min((thickest_mm(other) for other in same), default=0.0)
    fine = [other for other in reversed(same) if thickest_mm(other) <= AS_FINE * finest_mm]
    return tuple(fine[:MOST_SOURCES]) or (earlier[-1],)


def _seen(masked: MaskedVisit) -> set[Compartment]:
    return {compartment for compartment, mask in masked.primary.items() if mask.array.any()}


def operated_between(visit: ReadVisit, source: ReadVisit, treatments: Sequence[records.Treatment]) -> bool:
    """Say whether surgery lies between two visits; unknown dates count as if it did."""
    if visit.acquired_on is None or source.acquired_on is None:
        return any(given.kind == TreatmentKind.SURGERY for given in treatments)
    first, second = sorted((visit.acquired_on, source.acquired_on))
    return any(given.kind == TreatmentKind.SURGERY and first <= given.started_on <= second for given in treatments)
