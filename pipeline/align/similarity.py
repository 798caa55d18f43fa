"""How alike two images are, seen through a small window at every voxel.

Local correlation ignores gain, offset, slow shading and, when squared, even inverted contrast: what counts is
whether edges and texture lie in the same places (Cachier et al. 2003, Comput Vis Image Underst 89:272,
10.1016/S1077-3142(03)00002-X). Flat windows say nothing and count for little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FLAT = 0.15
"""Contrast added to every window's own, in deviations of the whole image, so that noise in flat tissue is not
blown up to full contrast."""

TRUNCATE = 2.5
"""Windows end at this many standard deviations."""


@dataclass(frozen=True, eq=False)
class LocalFit:
    """Two images as every voxel's window sees them; all arrays have shape ``(I, J, K)``.

    Attributes
    ----------
    correlation
        -1 to 1, pulled towards 0 where the window is flat.
    first, second
        The images less their local mean, in units of local contrast.
    first_contrast, second_contrast
        Local standard deviation, floored by :data:`FLAT`.
    """

    correlation: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    first_contrast: NDArray[np.float64]
    second_contrast: NDArray[np.float64]


def local_fit(
    first: NDArray[np.float64], second: NDArray[np.float64], weight: NDArray[np.float64], window_voxels: float
) -> LocalFit:
    """Compare two images through a Gaussian window at every voxel.

    Parameters
    ----------
    first, second
        Shape ``(I, J, K)``; intensities with deviation near 1.
    weight
        Shape ``(I, J, K)``; 0 where either image is unknown or must not count.
    window_voxels
        Standard deviation of the window, voxels.
    """

    def seen(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return ndimage.gaussian_filter(values, window_voxels, mode="constant", truncate=TRUNCATE)

    total = np.maximum(seen(weight), 1e-6)
    first_mean, second_mean = seen(weight * first) / total, seen(weight * second) / total
    first_contrast = _contrast(seen(weight * first * first) / total - first_mean**2)
    second_contrast = _contrast(seen(weight * second * second) / total - second_mean**2)
    together = seen(weight * first * second) / total - first_mean * second_mean
    return LocalFit(
        together / (first_contrast * second_contrast),
        (first - first_mean) / first_contrast,
        (second - second_mean) / second_contrast,
        first_contrast,
        second_contrast,
    )


@dataclass(frozen=True)
class Agreement:
    """How alike two images are: mean local correlation, the same without its sign, and one correlation over all."""

    local: float
    local_unsigned: float
    overall: float


def agreement(
    fit: LocalFit, first: NDArray[np.float64], second: NDArray[np.float64], weight: NDArray[np.float64]
) -> Agreement:
    """Sum up a comparison over all voxels that count; shapes as in :func:`local_fit`."""
    return Agreement(
        mean_local_correlation(fit.correlation, fit, weight),
        mean_local_correlation(np.abs(fit.correlation), fit, weight),
        _correlation(first, second, weight),
    )


def mean_local_correlation(correlation: NDArray[np.float64], fit: LocalFit, weight: NDArray[np.float64]) -> float:
    """Average local correlation, each window counting by the contrast of the first image; 0 when nothing counts."""
    share = weight * fit.first_contrast
    total = float(share.sum())
    return float((share * correlation).sum() / total) if total > 0 else 0.0


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the weighted correlation of two arrays; 0 when either is flat."""
    if not weight.any():
        return 0.0
    a, b = (values - np.average(values, weights=weight) for values in (first, second))
    spread = np.sqrt((weight * a * a).sum() * (weight * b * b).sum())
    return float((weight * a * b).sum() / spread) if spread > 0 else 0.0


def _contrast(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(variance, 0.0) + FLAT**2)
