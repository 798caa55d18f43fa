"""A piece of tumour and the name it was given: what binds the name of a lesion to what somebody can look at.

Nothing here computes more than a distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SAME_PLACE_MM = 1.0
"""Centres of one and the same piece, counted twice, lie nearer than this, mm."""


@dataclass(frozen=True)
class PiecePlace:
    """What one connected piece of tumour is told by.

    Attributes
    ----------
    sha256
        Digest of its voxels and their grid: another outline is another piece.
    centre_mm
        RAS+ mm in the visit's own scan, which no alignment moves.
    """

    sha256: str
    centre_mm: tuple[float, float, float]

    def is_at(self, other: PiecePlace) -> bool:
        """Say whether the other is this very piece: the same voxels at the same place."""
        return self.sha256 == other.sha256 and math.dist(self.centre_mm, other.centre_mm) <= SAME_PLACE_MM


@dataclass(frozen=True)
class LesionName:
    """The name that a piece was given by a run, before any correction by a person; names are for good.

    Attributes
    ----------
    volume_mm3
        Of the piece when it was named, mm³.
    """

    patient_id: str
    session_id: str
    lesion_id: str
    place: PiecePlace
    volume_mm3: float


@dataclass(frozen=True)
class NamesGiven:
    """What names a patient's lesions have.

    Attributes
    ----------
    pieces
        In the order they were named.
    by_people
        Names that people gave in corrections, undone ones too: no other lesion ever gets one.
    """

    pieces: tuple[LesionName, ...] = ()
    by_people: frozenset[str] = frozenset()

    @property
    def taken(self) -> frozenset[str]:
        """Names that a new lesion cannot have."""
        return self.by_people | {name.lesion_id for name in self.pieces}
