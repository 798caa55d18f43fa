"""How far each voxel lies from an outline: what outlines are averaged, interpolated and smoothed by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def signed_distance_mm(mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each voxel's middle from a mask's outline, mm, negative inside.

    Nothing marked is infinitely far away everywhere. The outline lies half a voxel beyond the outermost middles.

    Parameters
    ----------
    mask
        Shape of any number of axes.
    spacing_mm
        Distance between voxel centres along each axis, mm.

    Examples
    --------
    >>> signed_distance_mm(np.array([False, True, True, False, False]), np.array([2.0])).tolist()
    [1.0, -1.0, -1.0, 1.0, 3.0]
    """
    if not mask.any():
        return np.full(mask.shape, np.inf)
    if mask.all():
        return np.full(mask.shape, -np.inf)
    away = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    within = ndimage.distance_transform_edt(mask, sampling=spacing_mm)
    half_mm = float(np.min(spacing_mm)) / 2
    return np.asarray(np.where(mask, half_mm - within, away - half_mm))
