"""Which lesions were new, and how large: what criteria ask about new lesions beside the volume of all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pipeline.lesions.matching import NEW_LESION_MM3, LesionStatus, Sighting


def new_lesion_sessions(sightings: Sequence[Sighting], min_volume_mm3: float = NEW_LESION_MM3) -> frozenset[str]:
    """Return the visits at which a lesion large enough to be unequivocal was new.

    Only meaningful for masks that a person drew or signed: an automatic mask invents pieces.
    """
    return frozenset(session_id for session_id, _ in unequivocal_new(sightings, min_volume_mm3))


def unequivocal_new(
    sightings: Sequence[Sighting], min_volume_mm3: float = NEW_LESION_MM3
) -> frozenset[tuple[str, str]]:
    """Return session and name of each lesion that was new and large enough to be unequivocal."""
    new = (s for s in sightings if s.status == LesionStatus.NEW)
    large = (s for s in new if s.volume_mm3 is not None and s.volume_mm3 >= min_volume_mm3)
    return frozenset((s.session_id, s.lesion_id) for s in large)


def new_tumour_volumes(sightings: Sequence[Sighting]) -> dict[str, float]:
    """Return the volume at each visit of tumours that were new beside another one, then or earlier, mm³.

    The first tumour after none was seen is not beside another: it may be the old one again.
    """
    beside = new_tumours(sightings)
    volumes: dict[str, float] = {}
    for session_id, group in groupby(sightings, key=lambda s: s.session_id):
        new_mm3 = sum(s.volume_mm3 or 0.0 for s in group if s.lesion_id in beside)
        volumes |= {session_id: new_mm3} if new_mm3 else {}
    return volumes


def new_tumours(sightings: Sequence[Sighting]) -> frozenset[str]:
    """Return the names of tumours that were new beside another one."""
    beside: set[str] = set()
    tumour_seen = False
    for _, group in groupby(sightings, key=lambda s: s.session_id):
        with_size = [s for s in group if s.volume_mm3]
        beside |= {s.lesion_id for s in with_size if tumour_seen and s.status == LesionStatus.NEW}
        tumour_seen = tumour_seen or bool(with_size)
    return frozenset(beside)
