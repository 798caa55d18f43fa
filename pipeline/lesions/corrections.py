"""Lesions that a person recognised: what the matching said, corrected.

What this module refuses: guessing where a lesion went that a person took out of a match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from pipeline.journal.lesion_acts import LesionCorrection
from pipeline.lesions.matching import UNPLACED, LesionStatus, Sighting

Pieces = Mapping[tuple[str, int], str]
"""Session and number of a piece to the digest of its voxels."""


def corrected(
    sightings: Sequence[Sighting],
    corrections: Sequence[LesionCorrection],
    pieces: Pieces = MappingProxyType({}),
) -> tuple[Sighting, ...]:
    """Apply each correction in turn: from its visit on, the lesion is the one that the person named.

    Where the two are one, the visit at which it first bears the other's name is no longer its first; where the name
    is a new one, the lesion is new there, because a person says so. A correction that is bound to a piece speaks of
    that piece, whatever it is called now. A correction of a lesion that is not seen at its visit changes nothing; nor
    does one that names the lesion itself, by which a person confirms the match.

    Parameters
    ----------
    sightings
        Every lesion at every visit, in visit order, as ``lesions.link`` returns them.
    pieces
        What each piece is told by.

    Returns
    -------
    tuple of Sighting
        In the same order; a lesion seen in a piece is not also said to be gone.
    """
    known_so_far = tuple(sightings)
    for correction in corrections:
        known_so_far = _corrected(known_so_far, _as_called_now(known_so_far, correction, pieces))
    return known_so_far


def lesion_of(sightings: Sequence[Sighting], session_id: str, component_sha256: str, pieces: Pieces) -> str | None:
    """Return what a piece of a visit is called now; None where it is not followed."""
    bearers = (
        sighting.lesion_id
        for sighting in sightings
        if sighting.session_id == session_id
        and sighting.volume_mm3 is not None
        and pieces.get((session_id, sighting.component_id)) == component_sha256
    )
    return next(bearers, None)


def _as_called_now(sightings: Sequence[Sighting], correction: LesionCorrection, pieces: Pieces) -> LesionCorrection:
    if correction.component_sha256 is None:
        return correction
    name = lesion_of(sightings, correction.session_id, correction.component_sha256, pieces)
    return replace(correction, lesion_id=name or UNPLACED)


def _corrected(sightings: tuple[Sighting, ...], correction: LesionCorrection) -> tuple[Sighting, ...]:
    order = list(dict.fromkeys(s.session_id for s in sightings))
    here = [s for s in sightings if s.session_id == correction.session_id and s.lesion_id == correction.lesion_id]
    if correction.lesion_id == correction.same_as or not any(s.component_id for s in here):
        return sightings
    start = order.index(correction.session_id)
    is_known = any(s.lesion_id == correction.same_as for s in sightings if order.index(s.session_id) < start)
    status = LesionStatus.PERSISTENT if is_known else LesionStatus.NEW
    renamed = []
    for sighting in sightings:
        is_meant = sighting.lesion_id == correction.lesion_id and order.index(sighting.session_id) >= start
        is_first = is_meant and sighting.session_id == correction.session_id and sighting.component_id
        named = replace(sighting, lesion_id=correction.same_as) if is_meant else sighting
        renamed.append(replace(named, status=status) if is_first else named)
    seen = {(s.session_id, s.lesion_id) for s in renamed if s.component_id}
    once: dict[tuple[str, str, int], Sighting] = {}
    for sighting in renamed:
        if sighting.component_id or (sighting.session_id, sighting.lesion_id) not in seen:
            once.setdefault((sighting.session_id, sighting.lesion_id, sighting.component_id), sighting)
    return tuple(once.values())
