"""Movement during a scan, as it comes about: lines of k-space, one by one, from a person who does not lie still.

Lines follow one another along the phase direction, head-foot, from one end of k-space to the other. The person shifts
as a whole; what a scanner would reconstruct is returned, as a magnitude.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pipeline.core.volume import Volume
from tests.benchmark.alignment import Pair
from tests.benchmark.broken_pairs import FORWARD, UPRIGHT, axis_along

MIDDLE = 0.01
"""Lines this near to the middle of k-space, of its whole width, keep their strength."""


def unsteady(pair: Pair, weaker: float, every: int = 4) -> Pair:
    """Return the pair with a follow-up of which every n-th line is weaker by a share: as many ghosts of the picture."""
    scan = pair.second
    axis = axis_along(scan, UPRIGHT)
    count = scan.shape[axis]
    strength = np.ones(count)
    strength[(np.arange(count) % every == 0) & (np.abs(fft.fftfreq(count)) > MIDDLE)] -= weaker
    lines = fft.fft(scan.array.astype(float), axis=axis) * _along(strength, axis)
    return replace(pair, second=scan.with_array(np.abs(fft.ifft(lines, axis=axis))))


def shaken(pair: Pair, amplitude_mm: float, period: float = 7.3) -> Pair:
    """Return the pair with a follow-up of a person who swings from front to back, once in so many lines."""
    count = pair.second.shape[axis_along(pair.second, UPRIGHT)]
    shift_mm = np.zeros((count, 3))
    shift_mm[:, axis_along(pair.second, FORWARD)] = amplitude_mm * np.sin(2 * np.pi * (np.arange(count) / period + 0.3))
    return replace(pair, second=_scanned(pair.second, shift_mm))


def startled(pair: Pair, distance_mm: float, when: float = 0.6) -> Pair:
    """Return the pair with a follow-up of a person who moved once, down and to the front, late in the scan."""
    count = pair.second.shape[axis_along(pair.second, UPRIGHT)]
    shift_mm = np.zeros((count, 3))
    for world in (UPRIGHT, FORWARD):
        shift_mm[round(when * count) :, axis_along(pair.second, world)] = distance_mm / np.sqrt(2)
    return replace(pair, second=_scanned(pair.second, shift_mm))


def _scanned(scan: Volume, shift_mm: NDArray[np.float64]) -> Volume:
    """Return the scan made of lines at each of which the person is shifted along the array's axes, ``(lines, 3)``."""
    phase = axis_along(scan, UPRIGHT)
    frequencies = [fft.fftfreq(count) for count in scan.shape]
    turn = np.argsort(np.argsort(frequencies[phase]))
    cycles = sum(
        _along(frequencies[axis], axis) * _along(shift_mm[turn, axis] / scan.spacing_mm[axis], phase)
        for axis in range(3)
    )
    lines = fft.fftn(scan.array.astype(float)) * np.exp(-2j * np.pi * cycles)
    return scan.with_array(np.abs(fft.ifftn(lines)))


def _along(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return values.reshape([-1 if one == axis else 1 for one in range(3)])
