"""How signal of one scan becomes signal of another: a smooth curve, shading, and a little freedom per compartment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from pipeline.refind.scene import Predicted, Scene

KNOTS = 5
"""Corners of the curve between the darkest and the brightest signal."""

EDGE_TOLERANCE_MM = 0.12
"""Edges may lie this far from where the model puts them before they count in full, mm; chosen on real
cords with known lesions. Where a tumour fills the cord, little but its edge to the fluid shows its size."""

FREEDOM = 5.0
"""Degrees of freedom of Student's t: how little odd voxels count."""

CHANGE_SD = 0.002
"""Expected change of a compartment's own signal, as a share of the whole range of signal: tumours may fade, but
whatever fading explains is no longer growth."""

CHANGEABLE = {"oedema": 3.0}
"""Compartments whose signal changes more readily, and how many times more."""

STILL = 1e-3
"""The same for compartments that are held still."""

FREER = 30.0
"""The same for compartments whose signal is set free, so that edges alone show their size: after contrast agent an
implant that kept its size and 40 % of its uptake was then found at 0.89 of that size, else at 0.66."""


@dataclass(frozen=True)
class Ease:
    """Compartments whose signal is not to change (``still``), and those whose signal may change at will (``free``)."""

    still: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()

    def of(self, name: str) -> float:
        """Return how many times more readily than others a compartment's signal changes."""
        if name in self.still:
            return STILL
        return FREER if name in self.free else CHANGEABLE.get(name, 1.0)


AS_USUAL = Ease()


@dataclass(frozen=True, eq=False)
class SignalCurve:
    """A fitted curve at N voxels.

    ``left`` is what stays unexplained, ``gain`` the curve's slope at each voxel, ``weight`` how much each voxel
    counts (1 over variance, less where odd), ``variance`` of what is left, ``trust`` the weight for the next curve, all
    ``(N,)``; ``noise`` is a number.
    """

    left: NDArray[np.float64]
    gain: NDArray[np.float64]
    weight: NDArray[np.float64]
    variance: NDArray[np.float64]
    trust: NDArray[np.float64]
    noise: float


def fit_curve(
    names: tuple[str, ...], seen: Scene, shown: Predicted, before: SignalCurve | None, ease: Ease = AS_USUAL
) -> SignalCurve:
    """Fit the curve by weighted least squares; ``before`` gives the weights of the last round."""
    hats, knots = hats_of(shown.signal)
    features = np.concatenate(
        [hats, shown.signal[:, None] * seen.place, shown.occupancy, shown.filled[:, None]], axis=1
    )
    trust = seen.nearness if before is None else before.trust
    noise = _spread(seen.signal) if before is None else before.noise
    rise = np.polyfit(shown.signal, seen.signal, 1)[0]
    change = CHANGE_SD * abs(rise) * (knots[-1] - knots[0]) * np.array([*map(ease.of, names), 1.0])
    free = np.concatenate([np.full(KNOTS + 3, 1e-3), (noise / np.maximum(change, 1e-9)) ** 2])
    weighted = features * trust[:, None]
    numbers = linalg.solve(weighted.T @ features + np.diag(free), weighted.T @ seen.signal, assume_a="pos")
    left = seen.signal - features @ numbers
    curve = numbers[:KNOTS]
    gain = (np.interp(shown.signal + 1, knots, curve) - np.interp(shown.signal - 1, knots, curve)) / 2
    gain += seen.place @ numbers[KNOTS : KNOTS + 3]
    noise = max(_spread(left), 1e-6 * float(np.ptp(seen.signal)) + 1e-12)
    variance = noise**2 + (EDGE_TOLERANCE_MM * gain) ** 2 * (shown.slope**2).sum(axis=1)
    odd = 1 / (1 + left**2 / variance / FREEDOM)
    trust = seen.nearness * odd * noise**2 / variance
    return SignalCurve(left, gain, trust / noise**2, variance, trust, noise)


def hats_of(signal: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the hat functions ``(N, KNOTS)`` of a signal ``(N,)``, which sum to 1, and their knots ``(KNOTS,)``."""
    low, high = np.percentile(signal, [1, 99])
    knots = np.linspace(low, high, KNOTS)
    return np.clip(1 - np.abs((np.clip(signal, low, high)[:, None] - knots) / (knots[1] - knots[0])), 0, None), knots


def _spread(values: NDArray[np.float64]) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
