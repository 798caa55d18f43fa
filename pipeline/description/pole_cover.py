"""How far a cap of blood covers each pole of a lesion on one scan: the signal that one would take away, found again.

A cap is a slab of low signal across the pole. Its share is fitted to all voxels of the pole at once, so that noise and
slices thicker than the cap do not hide it, and the same slab laid through the middle of the lesion tells how much of
such a share is the tumour's own grain. What this module refuses: a share where the tumour is as dark as blood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.description.description_limits import CapLimits
from pipeline.description.lesion_scene import CordVoxels
from pipeline.measure.measurement_error import Z_95

SLABS_MM, SHIFTS_MM = (2.0, 3.0, 4.0), (-1.0, 0.0, 1.0)
"""Thickness of a cap that is tried, and how far the outline may lie off the scan, mm."""


@dataclass(frozen=True)
class PoleCover:
    """Share of the upper and of the lower pole that a cap covers, 1 for a whole one; None where too little is seen.

    ``error`` is the standard error of a share, by how the tumour's own grain looks through the same slab, and
    ``dark_from`` the share from which on it is as dark as a cap on slices so thick.
    """

    upper: float | None
    lower: float | None
    error: float
    dark_from: float
    limits: CapLimits

    @property
    def shares(self) -> tuple[float, ...]:
        """What is known of the two."""
        return tuple(share for share in (self.upper, self.lower) if share is not None)

    @property
    def is_surely_present(self) -> bool:
        """One pole is covered by more than grain makes up, and as dark as blood."""
        most = max(self.shares, default=0.0)
        return most >= self.dark_from and most - self.limits.present_errors * self.error > self.limits.present_from

    @property
    def is_surely_absent(self) -> bool:
        """Both poles were seen and neither is covered."""
        limits = self.limits
        return len(self.shares) == 2 and max(self.shares) + limits.absent_errors * self.error < limits.absent_below

    def is_likely_absent(self, *, shows_blood: bool) -> bool:
        """Both poles were seen, and a cap that covers all of one would have shown; one of a part of it might not.

        Where the scan does not show blood well (T2w), even a part must be small beside what grain makes up.
        """
        if len(self.shares) < 2:
            return False
        if not shows_blood:
            return max(self.shares) + self.limits.absent_errors * self.error < self.limits.absent_on_t2_below
        return max(self.shares) < self.limits.absent_below and max(self.shares) + Z_95 * self.error < 1.0

    @property
    def is_hinted(self) -> bool:
        """One pole may be covered."""
        least = max(self.limits.absent_below, self.limits.hint_errors * self.error)
        return any(share > least for share in self.shares)


@dataclass(frozen=True, eq=False)
class LesionAlongCord:
    """The voxels of a lesion by their place along the cord; ``missing`` is signal beside what cord and tumour make."""

    position_mm: NDArray[np.float64]
    solid: NDArray[np.float64]
    missing: NDArray[np.float64]
    long_mm: float
    voxel_mm3: float
    least_mm3: float

    def share_of(self, low_mm: float, high_mm: float, depth: float) -> float | None:
        """Fit the share that a slab of blood takes; None where it holds too little tissue."""
        half_mm = self.long_mm / 2
        within_mm = np.minimum(self.position_mm + half_mm, high_mm) - np.maximum(self.position_mm - half_mm, low_mm)
        weight = self.solid * np.clip(within_mm / self.long_mm, 0.0, 1.0)
        held = float((weight**2).sum())
        if held * self.voxel_mm3 < self.least_mm3:
            return None
        return float((weight * self.missing).sum()) / held / depth


def cover_of(
    voxels: CordVoxels, relative: NDArray[np.float64], look: tuple[float, float], blood: float, limits: CapLimits
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
    counted = (voxels.solid >= limits.least_share) & (voxels.beside < limits.most_beside) & np.isfinite(relative)
    if depth < limits.least_depth or not counted.any():
        return None
    solid = np.minimum(voxels.solid[counted], 1.0)
    missing = solid * usual + (1.0 - solid) - relative[counted]
    long_mm = max(float(np.abs(voxels.scan.image.affine[2, :3]).max()), 0.1)
    lesion = LesionAlongCord(voxels.position_mm[counted], solid, missing, long_mm, voxels.voxel_mm3, limits.least_mm3)
    low_mm, high_mm = np.percentile(voxels.position_mm[voxels.solid >= limits.least_share], [1, 99])
    slabs = [(thick, shift) for thick in SLABS_MM for shift in SHIFTS_MM]
    upper = [
        lesion.share_of(high_mm - thick + shift, high_mm + shift + limits.beyond_mm, depth) for thick, shift in slabs
    ]
    lower = [
        lesion.share_of(low_mm - shift - limits.beyond_mm, low_mm + thick - shift, depth) for thick, shift in slabs
    ]
    thin = SLABS_MM[0]
    middles = np.arange(low_mm + 2 * thin, high_mm - 2 * thin, 1.0)
    inner = [lesion.share_of(middle - thin / 2, middle + thin / 2, depth) for middle in middles]
    of_grain = [share for share in inner if share is not None]
    spread = float(np.std(of_grain)) if len(of_grain) >= limits.least_places else 0.5 * grain / depth
    dark_from = limits.dark_from if long_mm <= limits.thin_slice_mm else limits.dark_from_thick
    return PoleCover(_most(upper), _most(lower), float(np.hypot(spread, limits.least_error)), dark_from, limits)


def _most(shares: list[float | None]) -> float | None:
    return max((share for share in shares if share is not None), default=None)
