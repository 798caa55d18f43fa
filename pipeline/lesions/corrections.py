"""Lesions that a person recognised: what the matching said, corrected.

What this module refuses: guessing where a lesion went that a person took out of a match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.journal.decisions import LesionCorrection
from pipeline.lesions.matching import LesionStatus, Sighting


def corrected(sightings: Sequence[Sighting], corrections: Sequence[LesionCorrection]) -> tuple[Sighting, ...]:
    """Apply each correction in turn: from its visit on, the lesion is the one that the person named.

    Where the two are one, the visit at which it first bears the other's name is no longer its first; where the name
    is a new one, the lesion is new there, because a person says so. A correction of a lesion that is not seen at its
    visit changes nothing; nor does one that names the lesion itself, by which a person confirms the match.

    Parameters
    ----------
    sightings
        Every lesion at every visit, in visit order, as ``lesions.link`` returns them.

    Returns
    -------
    tuple of Sighting
        In the same order; a lesion seen in a piece is not also said to be gone.
    """
    found = tuple(sightings)
    for correction in corrections:
        found = _corrected(found, correction)
    return found


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
