"""What this person's healthy cord shows at each place of a scan: the signal that *isointense* means there.

The signal of the cord above and below all that was drawn, as a smooth profile along the cord carried on through the
lesion: the coil's fall-off along the spine is in the profile and so goes out of every ratio. What this module refuses:
a profile from too little cord, and a side of a few millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.description.description_limits import ReferenceLimits
from pipeline.description.lesion_scene import CordVoxels

ONE_SIDE = "cord on one side of the lesion only"
STEP = "signal above and below the lesion differs too much to be healthy cord on both sides"
TOO_LITTLE = "too little healthy cord above and below the lesion on this scan"


@dataclass(frozen=True, eq=False)
class CordReference:
    """The signal of healthy cord along a scan.

    Attributes
    ----------
    coefficients
        Of the polynomial of ln signal in centimetres from ``middle_mm``, lowest first.
    covariance
        Of the coefficients.
    spread
        Standard deviation of a voxel of healthy cord about the profile, as a share of it: noise and texture.
    voxels
        Marks the voxels that it was taken from.
    side_mm
        Middle of the healthy cord where it lies on one side of the lesion only; the profile is level then. Else None.
    carried_on_per_mm
        Error of a level profile by the distance from there, as a share for each millimetre.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    middle_mm: float
    spread: float
    voxels: NDArray[np.bool_]
    side_mm: float | None
    carried_on_per_mm: float

    @property
    def is_one_sided(self) -> bool:
        """There is cord on one side of the lesion only."""
        return self.side_mm is not None

    def at(self, position_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the signal of healthy cord at positions along the line, in the scan's own unit."""
        return np.asarray(np.exp(self._design(position_mm) @ self.coefficients))

    def error_at(self, position_mm: float) -> float:
        """Return the standard error of that signal at one position, as a share of it."""
        return float(self.errors_at(np.array([position_mm]))[0])

    def errors_at(self, position_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the standard error of that signal at positions ``(N,)``, as a share of it."""
        design = self._design(position_mm)
        of_fit = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", design, self.covariance, design), 0.0))
        side_mm = position_mm if self.side_mm is None else self.side_mm
        return np.asarray(np.hypot(of_fit, self.carried_on_per_mm * np.abs(position_mm - side_mm)))

    def _design(self, position_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = np.vander((position_mm - self.middle_mm) / 10.0, len(self.coefficients), increasing=True)
        return np.asarray(columns, dtype=np.float64)


def cord_reference(voxels: CordVoxels, extents_mm: tuple[float, float], limits: ReferenceLimits) -> CordReference | str:
    """Take the profile of healthy cord from one scan.

    Parameters
    ----------
    voxels
        Of that scan.
    extents_mm
        Lower and upper end of all that is no healthy cord, mm.

    Returns
    -------
    CordReference or str
        In words, why there is none. Where signal above and below differs too much, that of the side which is no fluid.
    """
    low_mm, high_mm = extents_mm[0] - limits.gap_mm, extents_mm[1] + limits.gap_mm
    core_mm = np.clip(limits.core_ratio * voxels.radius_mm, limits.least_core_mm, limits.core_most_mm)
    healthy = (voxels.away_mm <= core_mm) & (voxels.beside < 0.02) & (voxels.solid < 0.02) & (voxels.values > 0)
    below = healthy & (voxels.position_mm < low_mm) & (voxels.position_mm > low_mm - limits.reach_mm)
    above = healthy & (voxels.position_mm > high_mm) & (voxels.position_mm < high_mm + limits.reach_mm)
    lower = _whole_side(_stretches(voxels, below, limits)[::-1], limits)[::-1]
    upper = _whole_side(_stretches(voxels, above, limits), limits)
    levels = [float(np.median([level for _, level in side])) for side in (lower, upper) if side]
    step = abs(levels[0] - levels[-1]) if levels else 0.0
    if step > np.log(limits.most_jump):
        are_cord = [_is_apart_from_fluid(voxels, side, limits) for side in (below, above)]
        if are_cord[0] != are_cord[1]:
            lower, upper = (lower, []) if are_cord[0] else ([], upper)
        elif step > np.log(limits.most_step):
            return STEP
    below &= voxels.position_mm >= (lower[0][0] - limits.bin_mm if lower else np.inf)
    above &= voxels.position_mm <= (upper[-1][0] + limits.bin_mm if upper else -np.inf)
    places, logs = np.array([*lower, *upper]).reshape(-1, 2).T
    if len(places) < limits.least_bins:
        return TOO_LITTLE
    middle_mm = (extents_mm[0] + extents_mm[1]) / 2
    fewest = min(len(lower), len(upper))
    degree = 0 if not fewest else 2 if fewest >= limits.quadratic_from_bins else 1
    coefficients, covariance = _fit((places - middle_mm) / 10.0, logs, degree, limits.alike_bins)
    side_mm = float(np.median(places)) if degree == 0 else None
    profile = CordReference(coefficients, covariance, middle_mm, 0.0, below | above, side_mm, limits.one_sided_per_mm)
    relative = voxels.values[profile.voxels] / profile.at(voxels.position_mm[profile.voxels])
    spread = 1.4826 * float(np.median(np.abs(relative - np.median(relative))))
    return replace(profile, spread=spread)


def _is_apart_from_fluid(voxels: CordVoxels, side: NDArray[np.bool_], limits: ReferenceLimits) -> bool:
    """Say whether a side's signal is another than that around it: below a cord's end and in a syrinx both are fluid."""
    beyond_mm, places_mm = voxels.away_mm - voxels.radius_mm, voxels.position_mm[side]
    around = (beyond_mm >= limits.fluid_from_mm) & (beyond_mm <= limits.fluid_to_mm) & (voxels.values > 0)
    around &= (voxels.position_mm >= places_mm.min()) & (voxels.position_mm <= places_mm.max())
    if around.sum() < limits.least_bins * limits.least_in_bin:
        return False
    apart = np.log(np.median(voxels.values[side])) - np.log(np.median(voxels.values[around]))
    return bool(abs(apart) > np.log(limits.fluid_apart))


def _stretches(voxels: CordVoxels, side: NDArray[np.bool_], limits: ReferenceLimits) -> list[tuple[float, float]]:
    """Return middle and median ln signal of each stretch of cord that holds enough voxels."""
    position_mm, level = voxels.position_mm[side], np.log(voxels.values[side])
    cells = np.floor(position_mm / limits.bin_mm).astype(int)
    stretches = []
    for cell in np.unique(cells):
        here = cells == cell
        if here.sum() >= limits.least_in_bin:
            stretches.append((float(position_mm[here].mean()), float(np.median(level[here]))))
    return stretches


def _whole_side(stretches: list[tuple[float, float]], limits: ReferenceLimits) -> list[tuple[float, float]]:
    """Return the stretches of one side, nearest the lesion first, up to the first that is no cord as those before.

    A few millimetres are no side: below a lesion of the conus they are as likely its end.
    """
    whole = stretches
    for index in range(1, len(stretches)):
        usual = np.median([level for _, level in stretches[max(index - 3, 0) : index]])
        if abs(stretches[index][1] - usual) > np.log(limits.most_jump):
            whole = stretches[:index]
            break
    return whole if len(whole) >= limits.least_bins_of_side else []


def _fit(
    place: NDArray[np.float64], level: NDArray[np.float64], degree: int, alike: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a polynomial that a few odd stretches do not pull; return its coefficients and their covariance."""
    design = np.vander(place, degree + 1, increasing=True)
    weight = np.ones(len(place))
    coefficients: NDArray[np.float64] = np.zeros(degree + 1)
    scale = 0.0
    for _ in range(6):
        coefficients = np.asarray(np.linalg.lstsq(design * weight[:, None], level * weight, rcond=None)[0])
        left = level - design @ coefficients
        scale = max(1.4826 * float(np.median(np.abs(left))), 1e-6)
        weight = np.sqrt(np.minimum(1.0, 1.5 * scale / np.maximum(np.abs(left), 1e-9)))
    freedom = max(len(place) - degree - 1, 1)
    variance = max(float((weight**2 * left**2).sum()) / freedom, scale**2) * alike
    normal = design.T @ (weight[:, None] ** 2 * design)
    return coefficients, variance * np.linalg.pinv(normal)
