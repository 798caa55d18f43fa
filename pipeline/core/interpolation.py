"""Linear interpolation of many images at the same points, all values of a voxel at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.compiled import compiled


def interpolated(
    values: NDArray[np.floating], shape: tuple[int, ...], index: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Look images of one grid up at points.

    Parameters
    ----------
    values
        Shape ``(I J K, M)``, as :func:`voxel_by_voxel` lays images out.
    shape
        Of the images, ``(I, J, K)``.
    index
        Shape ``(N, 3)``, voxels; points outside the grid get the nearest border value, those that are no number none.

    Returns
    -------
    ndarray
        Shape ``(N, M)``.

    Examples
    --------
    >>> image = np.arange(8.0).reshape(1, 2, 2, 2)
    >>> interpolated(voxel_by_voxel(image), (2, 2, 2), np.array([[0.5, 0, 0], [9, 1, 1]])).ravel().tolist()
    [2.0, 7.0]
    """
    if len(values) != int(np.prod(shape)) or not len(values):
        msg = f"values of {len(values)} voxels do not make images of shape {shape}"
        raise ValueError(msg)
    i, j, k = (int(size) for size in shape)
    result = np.zeros((len(index), values.shape[1]))
    _add_interpolated(np.ascontiguousarray(values), i, j, k, np.ascontiguousarray(index, dtype=np.float64), result)
    return result


def voxel_by_voxel(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay images ``(..., I, J, K)`` out as ``(I J K, M)``, all values of a voxel together."""
    return np.ascontiguousarray(images.reshape(-1, int(np.prod(images.shape[-3:]))).T)


@compiled
def _add_interpolated(
    values: NDArray[np.floating], i: int, j: int, k: int, index: NDArray[np.float64], result: NDArray[np.float64]
) -> None:
    top = (i - 1, j - 1, k - 1)
    stride = (j * k, k, 1)
    side = np.empty((3, 2))
    low = np.empty(3, np.int64)
    across = np.empty(3, np.int64)
    for n in range(index.shape[0]):
        for axis in range(3):
            place = index[n, axis]
            if place < 0.0:
                place = 0.0
            elif place > top[axis]:
                place = float(top[axis])
            corner = 0 if place != place else min(int(place), max(top[axis] - 1, 0))  # noqa: PLR0124  # no number
            low[axis] = corner
            across[axis] = stride[axis] if top[axis] > 0 else 0
            side[axis, 1] = place - corner
            side[axis, 0] = 1.0 - side[axis, 1]
        first = low[0] * stride[0] + low[1] * stride[1] + low[2]
        for x in range(2):
            for y in range(2):
                for z in range(2):
                    weight = side[0, x] * side[1, y] * side[2, z]
                    voxel = first + x * across[0] + y * across[1] + z * across[2]
                    for m in range(values.shape[1]):
                        result[n, m] += weight * values[voxel, m]
