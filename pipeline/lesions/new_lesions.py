"""Which lesions were new, and how large: what criteria ask about new lesions beside the volume of all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pipeline.lesions.matching import LesionStatus, Sighting

NEW_LESION_MM3 = 65.4
"""Volume of a 5 mm sphere, the smallest that is called a new lesion by itself, mm³; a proposal."""


def new_lesion_sessions(sightings: Sequence[Sighting], min_volume_mm3: float = NEW_LESION_MM3) -> frozenset[str]:
    """Return the visits at which a lesion large enough to be unequivocal was new.

    Only meaningful for masks that a person drew or signed: an automatic mask invents pieces.
    """
    new = (s for s in sightings if s.status == LesionStatus.NEW)
    return frozenset(s.session_id for s in new if s.volume_mm3 is not None and s.volume_mm3 >= min_volume_mm3)


def new_tumour_volumes(sightings: Sequence[Sighting]) -> dict[str, float]:
    """Return the volume at each visit of tumours that were new beside another one, then or earlier, mm³.

    The first tumour after none was seen is not beside another: it may be the old one again.
    """
    beside: set[str] = set()
    volumes: dict[str, float] = {}
    tumour_seen = False
    for session_id, group in groupby(sightings, key=lambda s: s.session_id):
        own = [s for s in group if s.volume_mm3]
        beside |= {s.lesion_id for s in own if tumour_seen and s.status == LesionStatus.NEW}
        new_mm3 = sum(s.volume_mm3 or 0.0 for s in own if s.lesion_id in beside)
        volumes |= {session_id: new_mm3} if new_mm3 else {}
        tumour_seen = tumour_seen or bool(own)
    return volumes
