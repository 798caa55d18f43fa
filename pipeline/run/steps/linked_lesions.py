"""Each lesion of the scans as people said: what matching found, with names corrected and lesions withdrawn.

It needs no image, so that what an act would change can be told before a run. What this module refuses: to match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.core import records
from pipeline.core.piece_names import PiecePlace
from pipeline.journal.lesion_acts import LesionCorrection, LesionWithdrawal
from pipeline.lesions import corrections as identities
from pipeline.lesions import matching, new_lesions
from pipeline.run.steps.patient_work import FollowedLesions, LinkedLesions


def as_people_said(
    linked: LinkedLesions, corrections: Sequence[LesionCorrection], withdrawals: Sequence[LesionWithdrawal]
) -> FollowedLesions:
    """Return each lesion at each visit, after people's corrections and withdrawals.

    A recurrence after nothing was left is no *new lesion* here: the volume rules speak for it.
    """
    dated = {session_id for session_id, _ in linked.visits}
    every = identities.corrected((*linked.sightings, *linked.undated), corrections, linked.digests)
    sightings = tuple(one for one in every if one.session_id in dated)
    excluded = _without_earlier_tumour(sightings)
    new = frozenset(
        one for one in new_lesions.unequivocal_new(sightings) if one[0] in linked.by_hand and one[0] not in excluded
    )
    raw = {(s.session_id, s.component_id): s.lesion_id for s in linked.sightings if s.volume_mm3 is not None}
    component_rows = [_record(linked.patient_id, one, linked.places, raw) for one in sightings]
    beside = new_lesions.new_tumours(sightings)
    undated = tuple(_record(linked.patient_id, one, linked.places, raw) for one in every if one.session_id not in dated)
    return FollowedLesions(
        (*component_rows, *_not_looked_at(linked, component_rows)),
        frozenset(session_id for session_id, _ in new),
        {**new_lesions.new_tumour_volumes(sightings), **_new_volumes(linked, undated, sightings)},
        linked.sizes,
        beside,
        linked.by_hand,
        *_withdrawn(withdrawals, sightings, new, linked.digests),
        settled=_settled(corrections, sightings, linked.digests),
        undated_components=undated,
        linked=linked,
    )


def _new_volumes(
    linked: LinkedLesions, undated: Sequence[records.LesionComponent], sightings: Sequence[matching.Sighting]
) -> dict[str, float]:
    """Return how much of each scan without a day is tumour that is new beside that of the first dated one, mm³."""
    first = linked.first_looked
    at_first = {one.lesion_id for one in sightings if one.session_id == first and one.volume_mm3}
    volumes: dict[str, float] = {}
    for row in undated:
        if row.status == matching.LesionStatus.NEW and row.lesion_id not in at_first and row.volume_mm3:
            volumes[row.session_id] = volumes.get(row.session_id, 0.0) + row.volume_mm3
    return volumes


def _settled(
    corrections: Sequence[LesionCorrection],
    sightings: Sequence[matching.Sighting],
    digests: Mapping[tuple[str, int], str],
) -> frozenset[tuple[str, str]]:
    """Return visit and lesion of which a person said that it is this lesion, by another name or by its own."""
    settled = set()
    for one in corrections:
        digest = one.component_sha256
        bearer = digest and identities.lesion_of(sightings, one.session_id, digest, digests)
        settled.add((one.session_id, bearer or one.same_as))
    return frozenset(settled)


def _withdrawn(
    withdrawals: Sequence[LesionWithdrawal],
    sightings: Sequence[matching.Sighting],
    new: frozenset[tuple[str, str]],
    digests: Mapping[tuple[str, int], str],
) -> tuple[dict[str, LesionWithdrawal], dict[str, LesionWithdrawal]]:
    """Return what was withdrawn: visits at which no new lesion or tumour is left, and lesions by name."""
    visits: dict[str, LesionWithdrawal] = {}
    lesions: dict[str, LesionWithdrawal] = {}
    for withdrawal in withdrawals:
        session_id, digest = withdrawal.session_id, withdrawal.component_sha256
        name = withdrawal.lesion_id if digest is None else identities.lesion_of(sightings, session_id, digest, digests)
        if name is not None:
            lesions[name] = withdrawal
        elif withdrawal.lesion_id is None:
            visits[session_id] = withdrawal
    beside = new_lesions.new_tumours(sightings)
    for session_id in dict.fromkeys(sighting.session_id for sighting in sightings):
        here = {s.lesion_id for s in sightings if s.session_id == session_id and s.volume_mm3}
        asked = (here & beside) | {lesion for visit, lesion in new if visit == session_id}
        if asked and asked <= lesions.keys():
            visits[session_id] = max((lesions[name] for name in asked), key=lambda one: one.withdrawn_on)
    return visits, lesions


def _without_earlier_tumour(sightings: Sequence[matching.Sighting]) -> frozenset[str]:
    """Return the visits before which no tumour had been seen."""
    order = list(dict.fromkeys(sighting.session_id for sighting in sightings))
    first = next((order.index(s.session_id) for s in sightings if s.component_id), len(order))
    return frozenset(order[: first + 1])


def _not_looked_at(
    linked: LinkedLesions, component_rows: Sequence[records.LesionComponent]
) -> Iterator[records.LesionComponent]:
    """Yield each lesion seen before at each dated visit that took no part, not assessable with the reason."""
    last: dict[str, records.LesionComponent] = {}
    for session_id, why in linked.visits:
        if why is None:
            last |= {row.lesion_id: row for row in component_rows if row.session_id == session_id}
        else:
            for name, row in last.items():
                if name != matching.UNPLACED:
                    yield replace(
                        row,
                        session_id=session_id,
                        component_id=0,
                        status=str(matching.LesionStatus.NOT_ASSESSABLE),
                        volume_mm3=None,
                        component_sha256=None,
                        scan_x_mm=None,
                        scan_y_mm=None,
                        scan_z_mm=None,
                        missing_reason=why,
                    )


def _record(
    patient_id: str,
    sighting: matching.Sighting,
    places: Mapping[tuple[str, int], PiecePlace],
    raw: Mapping[tuple[str, int], str],
) -> records.LesionComponent:
    x, y, z = sighting.centre_mm or (None, None, None)
    key = (sighting.session_id, sighting.component_id)
    place = places.get(key) if sighting.volume_mm3 is not None else None
    scan_x, scan_y, scan_z = place.centre_mm if place else (None, None, None)
    is_named = place is not None and raw.get(key) != matching.UNPLACED
    return records.LesionComponent(
        patient_id=patient_id,
        session_id=sighting.session_id,
        lesion_id=sighting.lesion_id,
        component_id=sighting.component_id,
        status=str(sighting.status),
        volume_mm3=sighting.volume_mm3,
        centre_x_mm=x,
        centre_y_mm=y,
        centre_z_mm=z,
        component_sha256=place.sha256 if place else None,
        scan_x_mm=scan_x,
        scan_y_mm=scan_y,
        scan_z_mm=scan_z,
        named_as=raw.get(key) if is_named else None,
        missing_reason=sighting.reason,
    )
