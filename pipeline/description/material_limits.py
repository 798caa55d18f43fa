"""What a mask, a scan or a spectrum must hold before anything is read from it, as frozen values (``limits_v1.toml``).

Parts of :class:`pipeline.description.description_limits.DescriptionLimits`. No limit has a value here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UnsignedLimits:
    """What a program marked by itself and nobody signed, before it is called present.

    Attributes
    ----------
    least_voxels, least_mm3
        A smaller piece is not told from noise and from the edge of what lies beside it.
    fluid_from
        Share of the way from the cord's signal to that of the fluid around it from which on a piece is fluid.
    least_fluid
        Fluid around the cord less bright than this beside it is not told from the cord on such a scan.
    mostly, least_read
        Share of a voxel in the piece for its signal to be read, and how many such voxels are enough.
    unread_mm3
        A smaller piece whose signal no scan tells is not called present either.
    """

    source: str
    least_voxels: int
    least_mm3: float
    fluid_from: float
    least_fluid: float
    mostly: float
    least_read: int
    unread_mm3: float


@dataclass(frozen=True)
class ShiftLimits:
    """The little by which two scans of a visit lie apart.

    Attributes
    ----------
    around_mm
        How far beyond the cord's surface signal is held against signal: the fluid shows the shift best.
    most_mm
        A person who moved further was not scanned in one place.
    least_voxels
        That tell a shift.
    """

    source: str
    around_mm: float
    most_mm: float
    least_voxels: int


@dataclass(frozen=True)
class WeightingLimits:
    """Diffusion-weighted scans that a coefficient can be fitted to.

    Attributes
    ----------
    least_spread
        Between the least and the largest b-value, s/mm²: less hardly lowers the signal.
    mono_up_to
        Beyond it ln S bends (kurtosis), s/mm²: what is weighted more is left out.
    low_share
        Voxels darker than this share of the bright ones on the least weighted volume are air.
    same_mm, same_b
        Grids and b-values (s/mm²) closer than this are the same.
    moved_more_by, moved_voxels, farthest_voxels
        A shift by so many voxels, looked for up to the third, that makes edges agree better by the first is a movement.
    """

    source: str
    least_spread: float
    mono_up_to: float
    low_share: float
    same_mm: float
    same_b: float
    moved_more_by: float
    moved_voxels: float
    farthest_voxels: int


@dataclass(frozen=True)
class SpectrumLimits:
    """Share of a spectrum's box in tumour from which on it is that of the tumour, and below which it is elsewhere."""

    source: str
    mostly: float
    not_there: float
