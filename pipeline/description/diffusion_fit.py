"""The apparent diffusion coefficient from diffusion-weighted scans, where the scanner sent no map.

Signal falls as S0 exp(-b ADC): a straight line through ln S over b in each voxel, each reading weighted by the square
of its expected signal, since noise in ln S grows as signal falls. Directions of one b-value are averaged by the same
line. What this module refuses: a map from one weighting, from scans of different grids, or of a person who moved.

References
----------
Salvador 2005, 10.1002/hbm.20076 (weights of the log-linear fit).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume
from pipeline.description.material_limits import WeightingLimits
from pipeline.files.diffusion_files import WeightedVolumes

MM2_S_TO_UM2_MS = 1e3


def fitted_map(series: Sequence[WeightedVolumes], limits: WeightingLimits) -> tuple[Volume, str] | str:
    """Fit the coefficient in each voxel.

    Parameters
    ----------
    series
        The files of one series, such as one for each b-value.
    limits
        What can be fitted to.

    Returns
    -------
    tuple of Volume and str
        The map on the scans' own grid, 10^-3 mm²/s, NaN in air; and what it was fitted from, in words.
    str
        Why there is none, in words.
    """
    first = series[0]
    odd = next((one for one in series[1:] if not _is_same_grid(one, first, limits)), None)
    if odd is not None:
        return f"{odd.name} lies on another grid than {first.name}, so no ADC is fitted"
    b_values = np.concatenate([one.b_values for one in series])
    array = np.concatenate([one.array for one in series], axis=-1).astype(np.float64)
    is_used = b_values <= limits.mono_up_to
    if np.ptp(b_values) < limits.least_spread:
        return f"{_words(b_values)} only: two weightings {limits.least_spread:g} s/mm² apart are needed to fit an ADC"
    if not is_used.any() or np.ptp(b_values[is_used]) < limits.least_spread:
        return (
            f"{_words(b_values)}: no ADC holds beyond b = {limits.mono_up_to:g} s/mm², and there is no second one below"
        )
    array, b_values = array[..., is_used], b_values[is_used]
    tissue = _tissue(array, b_values, limits)
    reason = _disorder(array, b_values, tissue, limits) or _movement(array, b_values, first.affine, limits)
    if reason is not None:
        return reason
    values = np.full(array.shape[:3], np.nan)
    values[tissue] = coefficients(array[tissue], b_values)
    left_out = "" if is_used.all() else f", b above {limits.mono_up_to:g} left out"
    words = f"fitted from the DWI at {_words(b_values)}{left_out}"
    return Volume(values.astype(np.float32), first.affine), words


def coefficients(signals: NDArray[np.float64], b_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit ADC, 10^-3 mm²/s, shape ``(M,)``, to signals ``(M, N)`` at b-values ``(N,)``, s/mm²; NaN without signal.

    Examples
    --------
    >>> b = np.array([0.0, 500.0, 1000.0])
    >>> coefficients(100 * np.exp(-b * 1.2e-3)[None], b).round(6)
    array([1.2])
    """
    has_signal = (signals > 0) & np.isfinite(signals)
    logs = np.log(np.where(has_signal, signals, 1.0))
    weights = has_signal.astype(np.float64)
    slope, level = _line(logs, b_values, weights)
    expected = np.exp(np.clip(2 * (level[:, None] + slope[:, None] * b_values), -60, 60))
    slope, _ = _line(logs, b_values, weights * expected / expected.max(axis=1, keepdims=True))
    return np.asarray(np.where(has_signal.sum(axis=1) >= 2, -slope * MM2_S_TO_UM2_MS, np.nan))


def _line(
    logs: NDArray[np.float64], b_values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slope and level of each row's weighted line, shapes ``(M,)``."""
    total = np.maximum(weights.sum(axis=1), 1e-12)
    b_mean, log_mean = (weights * b_values).sum(axis=1) / total, (weights * logs).sum(axis=1) / total
    off = b_values - b_mean[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (weights * off * logs).sum(axis=1) / (weights * off**2).sum(axis=1)
    return slope, log_mean - slope * b_mean


def _is_same_grid(one: WeightedVolumes, other: WeightedVolumes, limits: WeightingLimits) -> bool:
    return one.array.shape[:3] == other.array.shape[:3] and np.allclose(one.affine, other.affine, atol=limits.same_mm)


def _tissue(array: NDArray[np.float64], b_values: NDArray[np.float64], limits: WeightingLimits) -> NDArray[np.bool_]:
    least = array[..., b_values <= b_values.min() + limits.same_b].mean(axis=-1)
    return np.asarray(np.isfinite(least) & (least > limits.low_share * np.nanpercentile(least, 95)))


def _by_weighting(
    array: NDArray[np.float64], b_values: NDArray[np.float64], limits: WeightingLimits
) -> dict[float, NDArray[np.float64]]:
    """Return the mean volume of each weighting, the least first."""
    means: dict[float, NDArray[np.float64]] = {}
    for b in np.sort(b_values):
        if not means or b > max(means) + limits.same_b:
            means[float(b)] = array[..., np.abs(b_values - b) <= limits.same_b].mean(axis=-1)
    return means


def _disorder(
    array: NDArray[np.float64], b_values: NDArray[np.float64], tissue: NDArray[np.bool_], limits: WeightingLimits
) -> str | None:
    """Say that signal does not fall from one weighting to the next, as where b-values stand in a wrong order."""
    levels = {b: float(np.median(mean[tissue])) for b, mean in _by_weighting(array, b_values, limits).items()}
    weightings = sorted(levels)
    for low, high in pairwise(weightings):
        if high - low >= limits.least_spread / 2 and levels[high] >= levels[low]:
            return (
                f"signal does not fall from b = {low:g} to {high:g} s/mm²: the b-values are not those of these "
                f"volumes, or stand in another order; no ADC is fitted"
            )
    return None


def _movement(
    array: NDArray[np.float64],
    b_values: NDArray[np.float64],
    affine: NDArray[np.float64],
    limits: WeightingLimits,
) -> str | None:
    """Say that the person moved between the least weighted volume and another."""
    means = _by_weighting(array, b_values, limits)
    least, *others = sorted(means)
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    edges = _edges(means[least])
    for b in others:
        shift = _shift(edges, _edges(means[b]), limits)
        if np.linalg.norm(shift) >= limits.moved_voxels:
            away_mm = float(np.linalg.norm(shift * spacing_mm))
            return f"the person moved by about {away_mm:.0f} mm between b = {least:g} and {b:g} s/mm²; no ADC is fitted"
    return None


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where signal changes, whichever side is brighter: fluid is bright without weighting and dark with it."""
    even = ndimage.gaussian_filter(np.nan_to_num(values), 1.0)
    slopes = [np.gradient(even, axis=axis) for axis in range(3) if even.shape[axis] > 1]
    size = np.sqrt(np.sum(np.square(slopes), axis=0))
    return np.asarray((size - size.mean()) / (size.std() + 1e-9))


def _shift(one: NDArray[np.float64], other: NDArray[np.float64], limits: WeightingLimits) -> NDArray[np.float64]:
    """Return by how many voxels along each axis two pictures of edges lie apart; 0 where no shift is clearly better."""
    agreement = np.fft.irfftn(np.conj(np.fft.rfftn(one)) * np.fft.rfftn(other), s=one.shape, axes=(0, 1, 2)) / one.size
    far = [min(limits.farthest_voxels, n // 4) for n in one.shape]
    reach = [np.r_[0 : most + 1, -most:0] for most in far]
    near = agreement[np.ix_(*reach)]
    best = np.unravel_index(int(np.argmax(near)), near.shape)
    if near[best] < near[0, 0, 0] + limits.moved_more_by:
        return np.zeros(3)
    return np.array([float(axis[place]) for axis, place in zip(reach, best, strict=True)])


def _words(b_values: NDArray[np.float64]) -> str:
    return "b = " + ", ".join(f"{b:g}" for b in np.unique(b_values.round())) + " s/mm²"
