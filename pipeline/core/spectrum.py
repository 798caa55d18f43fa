"""What a program fitted to a spectrum: one metabolite with its bound, and the box in the person that it comes from."""

from __future__ import annotations

from dataclasses import dataclass

UNRELIABLE_FROM_PERCENT = 20.0
"""Cramer-Rao bound from which on a value is shown as unreliable (Provencher, LCModel manual; consensus of Wilson 2019,
10.1002/mrm.27742, warns that a bound alone also hides low values)."""


@dataclass(frozen=True, slots=True)
class SpectrumVoxel:
    """The box that a spectrum comes from.

    Attributes
    ----------
    path
        NIfTI-MRS file relative to the study folder.
    sha256
        Digest of the file.
    affine
        Sixteen numbers, row by row: from the box's own middle-based voxel index to the world of the scanner, RAS+ mm.
    """

    path: str
    sha256: str
    affine: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MetaboliteValue:
    """One metabolite as fitted elsewhere; None is not recorded.

    ``ratio_to`` names the metabolite it is a ratio to, None where it is a concentration as the program writes it;
    ``crlb_percent`` is the Cramer-Rao lower bound (SD) in percent.
    """

    metabolite: str
    value: float
    ratio_to: str | None = None
    crlb_percent: float | None = None
    te_ms: float | None = None
    field_tesla: float | None = None
    program: str | None = None
    voxel: SpectrumVoxel | None = None

    @property
    def unit(self) -> str:
        """What it is counted in, with what must be alike to compare it: echo time and field."""
        beside = [f"ratio to {self.ratio_to}" if self.ratio_to else "as fitted"]
        beside += [] if self.te_ms is None else [f"TE {self.te_ms:g} ms"]
        beside += [] if self.field_tesla is None else [f"{self.field_tesla:g} T"]
        return ", ".join(beside)
