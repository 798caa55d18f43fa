"""How far a cap of blood covers each pole of a lesion on one scan: the signal that one would take away, found again.

A cap is a slab of low signal across the pole. Its share is fitted to all voxels of the pole at once, so that noise and
slices thicker than the cap do not hide it, and the same slab laid through the middle of the lesion tells how much of
such a share is the tumour's own grain. What this module refuses: a share where the tumour is as dark as blood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.description.lesion_scene import CordVoxels

SLABS_MM, SHIFTS_MM, BEYOND_MM = (2.0, 3.0, 4.0), (-1.0, 0.0, 1.0), 2.0
"""Thickness of a cap, how far the outline may lie off the scan, and how far past the pole a cap is looked for, mm."""

LEAST_MM3 = 6.0
"""Tissue that a slab must hold, each voxel by the square of its share in it, mm³."""

LEAST_SHARE, MOST_BESIDE = 0.5, 0.2
"""Share of a voxel in solid tumour, and in anything else that was drawn, for it to count."""

LEAST_DEPTH = 0.15
"""Signal that a cap must take away, as a ratio to the cord."""

FLOOR = 0.03
"""Standard error of a share that no scan goes below."""

LEAST_PLACES = 3
PRESENT_ERRORS, PRESENT_FROM = 2.5, 0.2
"""A cap is sure where its share less so many standard errors is above this: chosen on made-up visits."""

THIN_SLICE_MM, DARK_FROM, DARK_FROM_THICK = 1.5, 0.65, 0.45
"""Share from which on low signal is as dark as a cap: where slices are thinner than one, most of the way to blood; in
thicker ones half of it may be what lies next to it. A pole that is only less bright than the rest is none."""

ABSENT_ERRORS, ABSENT_BELOW = 1.0, 0.3
"""No cap is sure where both shares with so many standard errors are below this, and no other scan hints at one."""

HINT_ERRORS = 2.0


@dataclass(frozen=True)
class PoleCover:
    """Share of the upper and of the lower pole that a cap covers, 1 for a whole one; None where too little is seen.

    ``error`` is the standard error of a share, by how the tumour's own grain looks through the same slab, and
    ``dark_from`` the share from which on it is as dark as a cap on slices so thick.
    """

    upper: float | None
    lower: float | None
    error: float
    dark_from: float = DARK_FROM

    @property
    def shares(self) -> tuple[float, ...]:
        """What is known of the two."""
        return tuple(share for share in (self.upper, self.lower) if share is not None)

    @property
    def is_surely_present(self) -> bool:
        """One pole is covered by more than grain makes up, and as dark as blood."""
        most = max(self.shares, default=0.0)
        return most >= self.dark_from and most - PRESENT_ERRORS * self.error > PRESENT_FROM

    @property
    def is_surely_absent(self) -> bool:
        """Both poles were seen and neither is covered."""
        return len(self.shares) == 2 and max(self.shares) + ABSENT_ERRORS * self.error < ABSENT_BELOW

    @property
    def is_hinted(self) -> bool:
        """One pole may be covered."""
        return any(share > max(ABSENT_BELOW, HINT_ERRORS * self.error) for share in self.shares)


@dataclass(frozen=True, eq=False)
class LesionAlongCord:
    """The voxels of a lesion by their place along the cord; ``missing`` is signal beside what cord and tumour make."""

    position_mm: NDArray[np.float64]
    solid: NDArray[np.float64]
    missing: NDArray[np.float64]
    long_mm: float
    voxel_mm3: float

    def share_of(self, low_mm: float, high_mm: float, depth: float) -> float | None:
        """Fit the share that a slab of blood takes; None where it holds too little tissue."""
        half_mm = self.long_mm / 2
        within_mm = np.minimum(self.position_mm + half_mm, high_mm) - np.maximum(self.position_mm - half_mm, low_mm)
        weight = self.solid * np.clip(within_mm / self.long_mm, 0.0, 1.0)
        held = float((weight**2).sum())
        if held * self.voxel_mm3 < LEAST_MM3:
            return None
        return float((weight * self.missing).sum()) / held / depth


def cover_of(
    voxels: CordVoxels, relative: NDArray[np.float64], look: tuple[float, float], blood: float
) -> PoleCover | None:
    """Return how far caps cover the poles; None where blood would not stand out.

    Parameters
    ----------
    voxels
        Of one scan.
    relative
        Shape ``(N,)``; their signal as a ratio to the cord.
    look
        The tumour's own signal beside the cord, and the deviation of its voxels.
    blood
        Signal of blood beside the cord on a scan of this contrast.
    """
    usual, grain = look
    depth = usual - blood
    counted = (voxels.solid >= LEAST_SHARE) & (voxels.beside < MOST_BESIDE) & np.isfinite(relative)
    if depth < LEAST_DEPTH or not counted.any():
        return None
    solid = np.minimum(voxels.solid[counted], 1.0)
    missing = solid * usual + (1.0 - solid) - relative[counted]
    long_mm = max(float(np.abs(voxels.scan.image.affine[2, :3]).max()), 0.1)
    lesion = LesionAlongCord(voxels.position_mm[counted], solid, missing, long_mm, voxels.voxel_mm3)
    low_mm, high_mm = np.percentile(voxels.position_mm[voxels.solid >= LEAST_SHARE], [1, 99])
    slabs = [(thick, shift) for thick in SLABS_MM for shift in SHIFTS_MM]
    upper = [lesion.share_of(high_mm - thick + shift, high_mm + shift + BEYOND_MM, depth) for thick, shift in slabs]
    lower = [lesion.share_of(low_mm - shift - BEYOND_MM, low_mm + thick - shift, depth) for thick, shift in slabs]
    thin = SLABS_MM[0]
    middles = np.arange(low_mm + 2 * thin, high_mm - 2 * thin, 1.0)
    inner = [lesion.share_of(middle - thin / 2, middle + thin / 2, depth) for middle in middles]
    of_grain = [share for share in inner if share is not None]
    spread = float(np.std(of_grain)) if len(of_grain) >= LEAST_PLACES else 0.5 * grain / depth
    dark_from = DARK_FROM if long_mm <= THIN_SLICE_MM else DARK_FROM_THICK
    return PoleCover(_most(upper), _most(lower), float(np.hypot(spread, FLOOR)), dark_from)


def _most(shares: list[float | None]) -> float | None:
    return max((share for share in shares if share is not None), default=None)
