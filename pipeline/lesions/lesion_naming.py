"""Which pieces bear a name already: a name once published belongs to its piece for good.

What this module refuses: giving one piece's name to another because the two are alike; where a mask was drawn anew, a
new piece has an old one's name only where it lies at its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from pipeline.core.piece_names import LesionName, PiecePlace
from pipeline.lesions.matching import VisitComponents

LEAST_REACH_MM = 2.0
"""How far the centre of a small piece may move when its mask is drawn anew, mm. A proposal."""


def names_of_pieces(visits: Iterable[VisitComponents], names: Sequence[LesionName]) -> dict[tuple[str, int], str]:
    """Return the names that pieces bear, by session and number of the piece.

    A piece with the voxels of a named one at the same place is that one. Of a mask that was drawn anew, each old piece
    that is gone hands its name to the nearest new one, if the centres are no further apart than the larger of the two
    is thick (radius of a sphere of its volume). All others are left to the matching.

    Parameters
    ----------
    visits
        The pieces as they are now.
    names
        On record, in the order they were given.
    """
    name_of_piece: dict[tuple[str, int], str] = {}
    for visit in visits:
        here = [name for name in names if name.session_id == visit.session_id]
        unchanged = _unchanged(visit.places, here)
        moved = _moved(visit, [name for name in here if name.lesion_id not in unchanged.values()], unchanged)
        name_of_piece |= {(visit.session_id, number): name for number, name in (unchanged | moved).items()}
    return name_of_piece


def _unchanged(places: Mapping[int, PiecePlace], names: Sequence[LesionName]) -> dict[int, str]:
    return {
        number: [name.lesion_id for name in names if name.place.is_at(place)][-1]
        for number, place in places.items()
        if any(name.place.is_at(place) for name in names)
    }


def _moved(visit: VisitComponents, names: Sequence[LesionName], unchanged: Mapping[int, str]) -> dict[int, str]:
    """Give the names of pieces that are gone to new pieces at their place, the nearest first."""
    pairs = sorted(
        (math.dist(place.centre_mm, name.place.centre_mm), number, name.lesion_id)
        for number, place in visit.places.items()
        if number not in unchanged
        for name in names
        if math.dist(place.centre_mm, name.place.centre_mm) <= _reach_mm(visit.volumes_mm3[number], name.volume_mm3)
    )
    moved: dict[int, str] = {}
    for _, number, lesion_id in pairs:
        if number not in moved and lesion_id not in moved.values():
            moved[number] = lesion_id
    return moved


def _reach_mm(*volumes_mm3: float) -> float:
    """Return the radius of a sphere as large as the larger piece, mm, and never less than the least reach."""
    return max(LEAST_REACH_MM, (3 * max(volumes_mm3) / (4 * math.pi)) ** (1 / 3))
