"""Which visits the masks of another one are found again from: its donors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, TreatmentKind
from pipeline.run.steps.read_visits import AS_FINE, thickest_mm
from pipeline.run.steps.visit_work import PlacedVisit, ReadVisit

SHRINK_NOTHING = (TreatmentKind.SURGERY, TreatmentKind.DRAINAGE, TreatmentKind.STEROID)
"""After these a tumour leaves no scar in its own outline: surgery makes another lesion, the others take fluid away."""

MOST_DONORS = 3
"""A mask is found again from this many visits at most: each costs a fit. Tried were two."""


def donors(visits: Sequence[PlacedVisit], treatments: Sequence[records.Treatment]) -> tuple[PlacedVisit, ...]:
    """Return the visits with the masks that automatic ones may come from: of the study folder, or corrected as a whole.

    A visit that nobody drew on in the study folder is one of them when its corrected masks name all that would be found
    there from another visit: else its other compartments would be lost at the visits after it.

    Parameters
    ----------
    visits
        By date, with the masks that people drew, excluded ones away.

    Returns
    -------
    tuple of PlacedVisit
        The same visits; those that offer nothing have no masks.
    """
    offering = {visit.session_id: visit for visit in visits}
    corrected = [visit for visit in visits if visit.masks.source is None]
    offering |= {visit.session_id: replace(visit, masks=replace(visit.masks, drawn={})) for visit in corrected}
    for visit in corrected:
        drawn = set(visit.masks.drawn)
        chosen = choose_donors(visit, tuple(offering.values()), treatments) if drawn else ()
        if not chosen or set(chosen[0].masks.primary) <= drawn:
            offering[visit.session_id] = visit
    return tuple(offering.values())


def choose_donors(
    visit: PlacedVisit, visits: Sequence[PlacedVisit], treatments: Sequence[records.Treatment]
) -> tuple[PlacedVisit, ...]:
    """Choose the visits whose masks are found again: earlier ones if any, or else the earliest later one.

    Of earlier visits that show the same lesion (no surgery in between, the compartments of the latest) in the same
    contrast, the latest on scans as fine as the finest: masks drawn on thick slices say little about shape. A visit
    with the cord alone says nothing of the lesion, and stands behind those that do. Later visits never displace an
    earlier one, so that adding a visit changes no number that was there; nor does a later visit that has only
    corrected masks displace one of the study folder.

    Parameters
    ----------
    visits
        By date, as :func:`donors` returns them; ``visit`` among them.

    Returns
    -------
    tuple of PlacedVisit
        The latest first, at most ``MOST_DONORS``; the first says which compartments there are. Empty where nobody
        drew any.
    """
    place = [other.session_id for other in visits].index(visit.session_id)
    earlier, later = _masked(visits[:place]), _masked(visits[place + 1 :])
    if not earlier or (_shows_lesion(later) and not _shows_lesion(earlier)):
        return tuple(sorted(later, key=lambda other: other.masks.source is None)[:1])
    latest = earlier[-1]
    same = [
        other
        for other in earlier
        if _shown(other) == _shown(latest) and not operated_between(visit.read, other.read, treatments)
    ]
    same = [other for other in same if other.read.contrast == visit.read.contrast] or same
    finest_mm = min((thickest_mm(other.read) for other in same), default=0.0)
    fine = [other for other in reversed(same) if thickest_mm(other.read) <= AS_FINE * finest_mm]
    return tuple(fine[:MOST_DONORS]) or (latest,)


def _masked(visits: Sequence[PlacedVisit]) -> list[PlacedVisit]:
    """Return the visits with masks; those where the cord alone was drawn only where no other has any."""
    masked = [visit for visit in visits if visit.masks.primary]
    return [visit for visit in masked if set(visit.masks.primary) - {Compartment.CORD}] or masked


def _shows_lesion(visits: Sequence[PlacedVisit]) -> bool:
    """Say whether more than the cord is drawn at any of some visits, be it an empty mask."""
    return any(set(visit.masks.primary) - {Compartment.CORD} for visit in visits)


def _shown(visit: PlacedVisit) -> set[Compartment]:
    return {compartment for compartment, mask in visit.masks.primary.items() if mask.array.any()}


def operated_between(visit: ReadVisit, donor: ReadVisit, treatments: Sequence[records.Treatment]) -> bool:
    """Say whether surgery lies between two visits; unknown dates count as if it did."""
    if visit.acquired_on is None or donor.acquired_on is None:
        return any(given.kind == TreatmentKind.SURGERY for given in treatments)
    first, second = sorted((visit.acquired_on, donor.acquired_on))
    return any(given.kind == TreatmentKind.SURGERY and first <= given.started_on <= second for given in treatments)


def treated_before(visit: ReadVisit, donor: ReadVisit, treatments: Sequence[records.Treatment]) -> bool:
    """Say whether a tumour may have shrunk after its mask was drawn because a treatment had begun before a visit.

    Shrinkage goes on for years, so a treatment before the mask counts as well; one that nobody understood counts.
    Unknown dates count as if it had begun.
    """
    if visit.acquired_on is not None and donor.acquired_on is not None and visit.acquired_on < donor.acquired_on:
        return False
    on = visit.acquired_on
    return any(given.kind not in SHRINK_NOTHING and (on is None or given.started_on < on) for given in treatments)
