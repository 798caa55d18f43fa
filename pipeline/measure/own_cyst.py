"""Which part of a mask named cyst belongs to the tumour: the pieces that lie in it or touch it.

A cyst in the tumour or at its wall is part of it; a polar cyst or a syrinx away from it is not (Dauleac 2019,
10.1007/s11060-019-03241-9). What this module refuses: to tell a polar cyst that caps the tumour from one of its own; a
person does, by naming it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from pipeline.core.volume import Volume
from pipeline.measure.volumes import NEIGHBOURS_26, OBJECT_PROBABILITY

TOUCHING_MM = 1.5
"""A wall so thick that nobody drew may lie between a tumour and its cyst; on thicker slices none. A proposal."""


@dataclass(frozen=True)
class CystPlace:
    """How much of a cyst lies in or at the tumour and how much lies away from it, mm³."""

    own_mm3: float
    apart_mm3: float

    @property
    def own_share(self) -> float:
        """Share of the cyst that is the tumour's; 1 for an empty mask."""
        total_mm3 = self.own_mm3 + self.apart_mm3
        return self.own_mm3 / total_mm3 if total_mm3 else 1.0


def place_of(cyst: Volume, tumour: Volume) -> CystPlace:
    """Divide a cyst into what lies in or at the tumour and what does not, piece by piece.

    Parameters
    ----------
    cyst, tumour
        Masks or probability maps on one grid, shape ``(I, J, K)``.

    Examples
    --------
    >>> line = np.zeros((9, 1, 1))
    >>> tumour, cyst = line.copy(), line.copy()
    >>> tumour[:2], cyst[2:4], cyst[7:] = 1, 1, 1
    >>> place = place_of(Volume(cyst, np.eye(4)), Volume(tumour, np.eye(4)))
    >>> place.own_mm3, place.apart_mm3
    (2.0, 2.0)
    """
    pieces, count = ndimage.label(cyst.array >= OBJECT_PROBABILITY, structure=NEIGHBOURS_26)
    solid = tumour.array >= OBJECT_PROBABILITY
    sizes = np.bincount(pieces.ravel(), minlength=count + 1) * cyst.voxel_mm3
    touching = np.zeros(count + 1, dtype=bool)
    if solid.any():
        touching[np.unique(pieces[_within_reach(solid, cyst)])] = True
    touching[0] = False
    own_mm3 = float(sizes[touching].sum())
    return CystPlace(own_mm3, float(sizes[1:].sum()) - own_mm3)


def _within_reach(solid: np.ndarray, grid: Volume) -> np.ndarray:
    """Return the voxels next to a mask, and those within the thickness of a wall that nobody drew."""
    reach = [int(TOUCHING_MM / spacing) + 1 for spacing in grid.spacing_mm]
    box = tuple(
        slice(max(int(where.min()) - step, 0), int(where.max()) + step + 1)
        for where, step in zip(np.nonzero(solid), reach, strict=True)
    )
    near = np.zeros_like(solid)
    near[box] = ndimage.binary_dilation(solid[box], np.ones([2 * step + 1 for step in reach], dtype=bool))
    return near
