"""Linear interpolation of many images at the same points: where the points lie is worked out once for all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

CORNERS = 8
"""Voxels around a point."""


def places(shape: tuple[int, ...], index: NDArray[np.float64]) -> sparse.csr_array:
    """Return the matrix that interpolates images of one grid at points.

    Parameters
    ----------
    shape
        Of the images, ``(I, J, K)``.
    index
        Shape ``(N, 3)``, voxels; points outside the grid get the nearest border value.

    Returns
    -------
    sparse array
        Shape ``(N, I J K)``; times images laid out by :func:`voxel_by_voxel` it gives their values ``(N, M)``.

    Examples
    --------
    >>> image = np.arange(8.0).reshape(1, 2, 2, 2)
    >>> (places((2, 2, 2), np.array([[0.5, 0, 0], [9, 1, 1]])) @ voxel_by_voxel(image)).ravel().tolist()
    [2.0, 7.0]
    """
    top = np.array(shape, dtype=np.int32)[:, None] - 1
    inside = np.clip(np.ascontiguousarray(index.T), 0, top)
    low = np.minimum(inside.astype(np.int32), np.maximum(top - 1, 0))
    share = inside - low
    sides = np.stack([1 - share, share])
    strides = np.array([shape[1] * shape[2], shape[2], 1], dtype=np.int32)
    first, across = low.T @ strides, np.minimum(top[:, 0], 1) * strides
    weights = np.empty((len(index), CORNERS))
    voxels = np.empty((len(index), CORNERS), dtype=np.int32)
    for column, corner in enumerate(np.ndindex(2, 2, 2)):
        x, y, z = (sides[side, axis] for axis, side in enumerate(corner))
        np.multiply(x * y, z, out=weights[:, column])
        np.add(first, np.int32(across @ corner), out=voxels[:, column])
    row_starts = np.arange(0, weights.size + 1, CORNERS, dtype=np.int32)
    return sparse.csr_array((weights.ravel(), voxels.ravel(), row_starts), shape=(len(index), int(np.prod(shape))))


def voxel_by_voxel(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay images ``(..., I, J, K)`` out as ``(I J K, M)``, all values of a voxel together."""
    return np.ascontiguousarray(images.reshape(-1, int(np.prod(images.shape[-3:]))).T)
