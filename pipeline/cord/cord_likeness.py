"""How much a place in a scan looks like the middle of a cord, from what lies around it: a small packaged network.

Two hidden layers of rectified units on the samples of :mod:`pipeline.cord.surroundings`; its numbers are in
``cord_likeness.npz`` and were made by the recipe of ``tests/benchmark/cord_training.py`` (which scans, and what they
were turned into, is said there and in ``docs/cord.md``). It knows no contrast by name: training turned signal over.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.cord.surroundings import UprightScan, brightness, padded, samples_at

LAYERS = Path(__file__).with_name("cord_likeness.npz")
AT_A_TIME = 60_000
"""Points looked at together, so that a whole spine needs no more memory than a neck."""

Layers = tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]


@cache
def packaged_layers() -> Layers:
    """Read the packaged network: weights ``(inputs, outputs)`` and offsets of each layer, first to last."""
    with np.load(LAYERS, allow_pickle=False) as stored:
        count = len(stored.files) // 2
        return tuple(
            (stored[f"weights_{n}"].astype(np.float32), stored[f"offsets_{n}"].astype(np.float32)) for n in range(count)
        )


def likeness_of(samples: NDArray[np.float32], layers: Layers) -> NDArray[np.float32]:
    """Return how much each row of samples looks like a cord's middle, 0 to 1, shape ``(P,)``."""
    values = samples
    for weights, offsets in layers[:-1]:
        values = np.maximum(values @ weights + offsets, 0.0)
    weights, offsets = layers[-1]
    raised = np.clip((values @ weights + offsets)[:, 0], -30.0, 30.0)
    return np.asarray(1.0 / (1.0 + np.exp(-raised)), dtype=np.float32)


def likeness_map(scan: UprightScan, layers: Layers) -> NDArray[np.float32]:
    """Return the likeness of every voxel of the upright grid, 0 where the scan does not reach or shows nothing."""
    array, bright = padded(scan), brightness(scan)
    points = np.argwhere(scan.known)
    likeness = np.zeros(scan.known.shape, dtype=np.float32)
    for first in range(0, len(points), AT_A_TIME):
        part = points[first : first + AT_A_TIME]
        samples, is_flat = samples_at(array, part, bright)
        likeness[tuple(part.T)] = np.where(is_flat, 0.0, likeness_of(samples, layers))
    return likeness
