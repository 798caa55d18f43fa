"""Places told by the cord: how far right and in front of its centre line, and how far along it, mm.

A lesion that follows a bent cord is straight in these coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

SMOOTHED_POINTS = 3.0
"""Deviation of the smoothing of the line's direction, points of 1 mm."""


@dataclass(frozen=True, eq=False)
class CordCoordinates:
    """The centre line as an axis.

    Attributes
    ----------
    line_mm
        Shape ``(N, 3)``; RAS+ mm from head to foot, a point every millimetre.
    """

    line_mm: NDArray[np.float64]

    def of(self, points_mm: NDArray) -> NDArray[np.float64]:
        """Return points ``(M, 3)``, RAS+ mm, as mm across (left-right, front-back) and along the line."""
        nearest = self._tree.query(points_mm)[1]
        away = points_mm - self.line_mm[nearest]
        right, front, along = (axis[nearest] for axis in self._frames)
        return np.stack([(away * right).sum(1), (away * front).sum(1), nearest + (away * along).sum(1)], axis=-1)

    def to_world(self, places: NDArray) -> NDArray[np.float64]:
        """Return places ``(M, 3)`` in RAS+ mm; the inverse of :meth:`of` near the line."""
        at = np.clip(places[:, 2], 0, len(self.line_mm) - 1)
        base_mm, right, front, along = (
            np.stack([np.interp(at, np.arange(len(self.line_mm)), values[:, axis]) for axis in range(3)], axis=-1)
            for values in (self.line_mm, *self._frames)
        )
        return base_mm + places[:, :1] * right + places[:, 1:2] * front + (places[:, 2] - at)[:, None] * along

    def directions_at(self, along_mm: float) -> NDArray[np.float64]:
        """Return the three axes at a place of the line, shape ``(3, 3)``, one a row, unit vectors of the world."""
        at = int(np.clip(round(along_mm), 0, len(self.line_mm) - 1))
        return np.stack([axis[at] for axis in self._frames])

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.line_mm)

    @cached_property
    def _frames(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        along = ndimage.gaussian_filter1d(np.gradient(self.line_mm, axis=0), SMOOTHED_POINTS, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        front = np.cross(along, [1.0, 0.0, 0.0])
        front /= np.linalg.norm(front, axis=1, keepdims=True)
        return np.cross(front, along), front, along
