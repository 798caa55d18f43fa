"""Where a scan shows anything at all: blocks of one exact value at its ends are padding, not dark tissue.

Scanners, converters and resampling fill up what was not scanned with one value, mostly zero, after a rescaling any
other. Such places are unknown: nothing there has vanished, and nobody moved. Single voxels of that value, as in air,
are signal like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume

BLOCK_VOXELS = 7
"""A face of the array begins padding where a square of so many voxels of one value, or its whole width, lies on it."""


_PADDING: WeakKeyDictionary[Volume, NDArray[np.bool_] | None] = WeakKeyDictionary()
"""What was found of each scan, for as long as somebody else holds the scan."""


def padding_of(scan: Volume) -> NDArray[np.bool_] | None:
    """Return the voxels of a scan that nobody scanned, shape ``(I, J, K)``; None where there are none.

    They are the voxels of one value that hang together with a block of it on a face of the array. A scan of nothing
    but one value has no padding: it is blank.
    """
    if scan not in _PADDING:
        _PADDING[scan] = _padding(scan)
    return _PADDING[scan]


def _padding(scan: Volume) -> NDArray[np.bool_] | None:
    padding = np.zeros(scan.shape, dtype=bool)
    for value in _flat_values(scan):
        is_value = scan.array == value
        seeds = np.zeros(scan.shape, dtype=bool)
        for face in _faces(scan.shape):
            plane = is_value[face]
            seeds[face] |= ndimage.binary_opening(plane, np.ones(_block(plane.shape)))
        padding |= ndimage.binary_propagation(seeds, mask=is_value)
    return padding if padding.any() and not padding.all() else None


def _flat_values(scan: Volume) -> set[float]:
    """Return the values of which a whole block lies on a face of the array."""
    values: set[float] = set()
    for face in _faces(scan.shape):
        plane = scan.array[face]
        size = _block(plane.shape)
        is_flat = ndimage.maximum_filter(plane, size) == ndimage.minimum_filter(plane, size)
        inside = tuple(slice(m // 2, n - m + m // 2 + 1) for n, m in zip(plane.shape, size, strict=True))
        values.update(np.unique(plane[inside][is_flat[inside]]).tolist())
    return values


def _block(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(BLOCK_VOXELS, n) for n in shape)


def without_padding(scan: Volume) -> Volume:
    """Return a scan cut down to the upright box of what was scanned; zeros that stay in its corners are filled."""
    padding = padding_of(scan)
    if padding is None:
        return scan
    (box,) = ndimage.find_objects((~padding).astype(np.int8))
    affine = scan.affine.copy()
    affine[:3, 3] = scan.affine[:3, :3] @ [part.start for part in box] + scan.affine[:3, 3]
    return Volume(continued(scan).array[box], affine)


_CONTINUED: WeakKeyDictionary[Volume, Volume] = WeakKeyDictionary()


def continued(scan: Volume) -> Volume:
    """Return a scan whose padding goes on as the nearest voxel that was scanned, so that no edge lies between them."""
    padding = padding_of(scan)
    if padding is None:
        return scan
    if scan not in _CONTINUED:
        nearest = ndimage.distance_transform_edt(
            padding, sampling=scan.spacing_mm, return_distances=False, return_indices=True
        )
        _CONTINUED[scan] = scan.with_array(scan.array[tuple(nearest)])
    return _CONTINUED[scan]


def _faces(shape: tuple[int, int, int]) -> Iterator[tuple[slice | int, ...]]:
    for axis in range(len(shape)):
        for end in (0, -1):
            yield tuple(end if one == axis else slice(None) for one in range(len(shape)))
