"""The best way head-foot through a map of likeness: dynamic programming with a price on every sidestep.

It knows nothing of images: a map of numbers goes in, voxels come out. It refuses to join what does not touch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.2
"""Likeness of a slice that speaks neither for nor against going on: below it a path loses, above it gains."""

MOST_ASIDE, MOST_FORWARD = 1, 2
"""Voxels that a path may move left-right and front-back from one slice of the upright grid to the next: 45 degrees."""

PRICE = 0.03
"""Likeness lost by a step aside of one voxel; it grows with the square of the step."""

UNREACHABLE = -1e9


@dataclass(frozen=True, eq=False)
class CordPath:
    """The best path of a map.

    Attributes
    ----------
    voxels
        Shape ``(N, 3)``; one per slice, from foot to head.
    gain
        Sum of what the slices speak for it, less the price of its sidesteps; at least 0.
    """

    voxels: NDArray[np.intp]
    gain: float


def best_path(likeness: NDArray[np.float32]) -> CordPath:
    """Return the path through consecutive slices that gains most; it begins and ends where going on would lose.

    Parameters
    ----------
    likeness
        Shape ``(I, J, K)``; 0 to 1, K from foot to head.

    References
    ----------
    The recursion is that of local alignment (Smith and Waterman 1981, J Mol Biol 147:195,
    10.1016/0022-2836(81)90087-5), along one axis.
    """
    gain = likeness - FLOOR
    total = np.empty_like(gain)
    came_by = np.full(gain.shape, -1, dtype=np.int16)
    moves = [
        (aside, forward)
        for aside in range(-MOST_ASIDE, MOST_ASIDE + 1)
        for forward in range(-MOST_FORWARD, MOST_FORWARD + 1)
    ]
    total[..., 0] = gain[..., 0]
    for k in range(1, gain.shape[2]):
        before = np.zeros(gain.shape[:2], dtype=gain.dtype)
        for number, (aside, forward) in enumerate(moves):
            offered = _moved(total[..., k - 1], aside, forward) - PRICE * (aside**2 + forward**2)
            is_better = offered > before
            before[is_better] = offered[is_better]
            came_by[is_better, k] = number
        total[..., k] = before + gain[..., k]
    i, j, k = (int(n) for n in np.unravel_index(int(np.argmax(total)), total.shape))
    best = float(total[i, j, k])
    voxels = [(i, j, k)]
    while (number := int(came_by[i, j, k])) >= 0:
        i, j, k = i - moves[number][0], j - moves[number][1], k - 1
        voxels.append((i, j, k))
    return CordPath(np.array(voxels[::-1], dtype=np.intp), max(best, 0.0))


def _moved(plane: NDArray[np.float32], aside: int, forward: int) -> NDArray[np.float32]:
    """Shift a plane, so that each place holds what lay the given steps before it; unreachable beyond the border."""
    moved = np.full_like(plane, UNREACHABLE)
    row_count, column_count = plane.shape
    if abs(aside) < row_count and abs(forward) < column_count:
        moved[max(aside, 0) : row_count + min(aside, 0), max(forward, 0) : column_count + min(forward, 0)] = plane[
            max(-aside, 0) : row_count + min(-aside, 0), max(-forward, 0) : column_count + min(-forward, 0)
        ]
    return moved
