"""An ellipsoid along the cord that explains new signal best: how large new growth is, and how surely it is there.

Fitted by least squares to what an earlier scan leaves unexplained of a later one; the signal averages over slices as
the scanner did, and noise that neighbouring voxels share counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from pipeline.core.volume import Volume, to_world
from pipeline.draft.cord_coordinates import CordCoordinates

START_RADII_MM = (2.5, 3.5, 4.5)
USUAL_RADIUS_MM, USUAL_RATIO = 3.2, 2.2
"""Radius across the cord, and length over width, that new growth is expected to have ..."""

RADIUS_SPREAD, RATIO_SPREAD = 0.25, 0.3
"""... and how far it may be from that, deviation of the logarithms."""

CENTRE_SPREAD_MM = np.array([2.0, 2.0, 4.0])
"""How far the middle lies from where signal was seen, deviation across and along the cord, mm."""

ALONG_MM = 22.0
"""Voxels this far along the cord are explained, mm."""

EDGE_MM = 0.35
NOISE_MM3 = 6.0
"""Volume over which noise is alike, mm³."""

SLICED, LAYER_MM = 1.3, 1.0
MOST_STEPS = 40


@dataclass(frozen=True, eq=False)
class NewGrowth:
    """The fitted ellipsoid.

    Attributes
    ----------
    share
        Shape of the scan; how much of each voxel it takes, 0 to 1; 0 beyond :data:`ALONG_MM`.
    volume_mm3
        Of the whole ellipsoid.
    brightness
        Of all that it takes, in the unit of what was fitted.
    gain
        How much better the scan is explained with it than without, log-likelihood.
    """

    share: NDArray[np.float64]
    volume_mm3: float
    brightness: float
    gain: float


def fitted_growth(
    brightness: Volume, certainty: NDArray[np.float64], axis: CordCoordinates, start_mm: NDArray[np.float64]
) -> NewGrowth | None:
    """Fit an ellipsoid to signal that nothing else explains.

    Parameters
    ----------
    brightness
        What is unexplained, any unit, on the scan's grid.
    certainty
        Shape of the scan; 1 over the variance, 0 where nothing was compared.
    start_mm
        Shape ``(3,)``, RAS+ mm; where signal was seen.

    Returns
    -------
    NewGrowth or None
        None where too little was compared around that place.
    """
    voxels = np.argwhere(certainty > 0)
    start = axis.of(start_mm[None])[0]
    voxels = voxels[np.abs(axis.of(to_world(brightness.affine, voxels))[:, 2] - start[2]) < ALONG_MM]
    if len(voxels) < len(start) * 10:
        return None
    at = tuple(voxels.T)
    signal, weight = brightness.array[at], np.sqrt(certainty[at])
    deviation = 1.4826 * float(np.median(np.abs(signal - np.median(signal))))
    weight = weight / np.median(weight) / max(deviation, 1e-9) * np.sqrt(brightness.voxel_mm3 / NOISE_MM3)
    fit = _EllipsoidFit(_layers(brightness, axis, voxels), signal * weight, weight, start)
    ends = [
        optimize.least_squares(fit.misses, fit.begin(radius_mm), max_nfev=MOST_STEPS) for radius_mm in START_RADII_MM
    ]
    best = min(ends, key=lambda end: float(end.cost))
    share = np.zeros(brightness.shape)
    share[at] = fit.share(best.x)
    volume_mm3 = 4 / 3 * np.pi * float(np.exp(2 * best.x[3] + best.x[4]))
    gain = float((fit.signal**2).sum() / 2 - best.cost)
    return NewGrowth(share, volume_mm3, float(fit.amounts(best.x)[0]), gain)


@dataclass(frozen=True, eq=False)
class _EllipsoidFit:
    """What is fitted: layers ``(L, N, 3)`` in coordinates of the cord, weighted signal and weights ``(N,)``."""

    layers: NDArray[np.float64]
    signal: NDArray[np.float64]
    weight: NDArray[np.float64]
    start: NDArray[np.float64]

    def begin(self, radius_mm: float) -> NDArray[np.float64]:
        """Return middle, and logarithms of the radius across and half the length, mm, to begin from."""
        return np.array([*self.start, np.log(radius_mm), np.log(USUAL_RATIO * radius_mm)])

    def share(self, shape: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much of each voxel the ellipsoid takes, 0 to 1."""
        across, along = np.exp(shape[3:5])
        distance = np.linalg.norm((self.layers - shape[:3]) / (across, across, along), axis=-1)
        return np.asarray(special.expit((1 - distance) * across / EDGE_MM).mean(axis=0))

    def amounts(self, shape: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how bright the ellipsoid is, and how much brighter or darker everything is, none below 0."""
        return np.asarray(optimize.nnls(self._terms(shape), self.signal)[0])

    def misses(self, shape: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what stays unexplained of each voxel, and what the shape costs, in deviations."""
        price = [
            *((shape[:3] - self.start) / CENTRE_SPREAD_MM),
            (shape[3] - np.log(USUAL_RADIUS_MM)) / RADIUS_SPREAD,
            (shape[4] - shape[3] - np.log(USUAL_RATIO)) / RATIO_SPREAD,
        ]
        return np.concatenate([self._terms(shape) @ self.amounts(shape) - self.signal, price])

    def _terms(self, shape: NDArray[np.float64]) -> NDArray[np.float64]:
        everywhere = np.ones(len(self.weight))
        return np.stack([self.share(shape), everywhere, -everywhere], axis=1) * self.weight[:, None]


def _layers(scan: Volume, axis: CordCoordinates, voxels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return places of voxels in coordinates of the cord, thick slices as several layers, shape ``(L, N, 3)``."""
    across = int(np.argmax(scan.spacing_mm))
    is_sliced = scan.spacing_mm[across] > SLICED * scan.spacing_mm.min()
    count = max(1, round(scan.spacing_mm[across] / LAYER_MM)) if is_sliced else 1
    places = []
    for layer in range(count):
        offset = np.zeros(3)
        offset[across] = (layer + 0.5) / count - 0.5
        places.append(axis.of(to_world(scan.affine, voxels + offset)))
    return np.stack(places)
