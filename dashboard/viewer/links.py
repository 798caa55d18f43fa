"""The way from a scan's own voxels to the reference space and back, small enough to send to a browser.

A transform is written down at the points of a coarse grid. Between them positions are interpolated along straight
lines, which is exact for what is rigid, and off by about a tenth of a millimetre where an alignment bends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP_MM = 4.0
"""Between points of a table, mm; alignments bend over 20 mm and more."""

MOST_POINTS = 20_000
"""A table of a whole scan is coarser instead of larger: 60,000 numbers are 240 kB."""

Box = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Lowest and highest corner, each of shape ``(3,)``."""


@dataclass(frozen=True, eq=False)
class Table:
    """Positions at the points of a coarse grid.

    Attributes
    ----------
    first, step
        Shape ``(3,)``: the first point, and the distance to the next along each axis.
    values
        Shape ``(A, B, C, 3)``: where each point goes.
    """

    first: NDArray[np.float64]
    step: NDArray[np.float64]
    values: NDArray[np.float32]

    def at(self, points: NDArray) -> NDArray[np.float64]:
        """Return where points ``(N, 3)`` go; beyond the outer points the last straight line goes on."""
        along = (np.asarray(points, dtype=np.float64) - self.first) / self.step
        cell = np.clip(np.floor(along), 0, np.array(self.values.shape[:3]) - 2).astype(int)
        share = along - cell
        values_there = np.zeros_like(along)
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, share, 1 - share), axis=-1, keepdims=True)
            values_there += weight * self.values[tuple((cell + corner).T)]
        return values_there


@dataclass(frozen=True, eq=False)
class Link:
    """Both ways between the voxels of a pane and the reference space.

    Attributes
    ----------
    to_reference
        Voxel indices to mm along the right, anterior and superior axes of the reference grid.
    from_reference
        And back.
    """

    to_reference: Table
    from_reference: Table


def table_of(move: Callable[[NDArray], NDArray], box: Box, mm: NDArray) -> Table:
    """Write down where the points of a box go.

    Parameters
    ----------
    move
        Takes points ``(N, 3)`` and returns where they go.
    box
        In the space of those points.
    mm
        Shape ``(3,)``: millimetres in one unit of that space along each axis.
    """
    low, high = box
    size_mm = np.maximum((high - low) * mm, 1.0)
    step_mm = max(STEP_MM, float(np.cbrt(np.prod(size_mm) / MOST_POINTS)))
    counts = np.maximum(np.ceil(size_mm / step_mm).astype(int) + 1, 2)
    step = size_mm / mm / (counts - 1)
    points = low + np.moveaxis(np.indices(counts), 0, -1).reshape(-1, 3) * step
    return Table(low, step, move(points).reshape(*counts, 3).astype(np.float32))


def box_of(points: NDArray) -> Box:
    """Return the smallest box around points ``(..., 3)``."""
    flat = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    return flat.min(axis=0), flat.max(axis=0)


def corners_of(box: Box) -> NDArray[np.float64]:
    """Return the eight corners of a box, shape ``(8, 3)``."""
    low, high = box
    return np.array([np.where(corner, high, low) for corner in np.ndindex(2, 2, 2)])
