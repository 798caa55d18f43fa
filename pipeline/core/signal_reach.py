"""Where a scan shows anything at all: blocks of exact zeros at its ends are padding, not dark tissue.

Scanners, converters and resampling fill up what was not scanned with zeros. Such places are unknown: nothing there has
vanished, and nobody moved. Single zeros, as in air, are signal like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume

BLOCK_VOXELS = 7
"""A face of the array begins padding where a square of so many zeros, or the whole width of the face, lies on it."""


_PADDING: WeakKeyDictionary[Volume, NDArray[np.bool_] | None] = WeakKeyDictionary()
"""What was found of each scan, for as long as somebody else holds the scan."""


def padding_of(scan: Volume) -> NDArray[np.bool_] | None:
    """Return the voxels of a scan that nobody scanned, shape ``(I, J, K)``; None where there are none.

    They are the zeros that hang together with a block of zeros on a face of the array. A scan of nothing but zeros
    has no padding: it is blank.
    """
    if scan not in _PADDING:
        _PADDING[scan] = _padding(scan)
    return _PADDING[scan]


def _padding(scan: Volume) -> NDArray[np.bool_] | None:
    is_zero = scan.array == 0
    seeds = np.zeros(scan.shape, dtype=bool)
    for face in _faces(scan.shape):
        plane = is_zero[face]
        size = tuple(min(BLOCK_VOXELS, n) for n in plane.shape)
        seeds[face] |= ndimage.binary_opening(plane, np.ones(size))
    if not seeds.any() or is_zero.all():
        return None
    return np.asarray(ndimage.binary_propagation(seeds, mask=is_zero))


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
