"""The grid of a mask against the grid of a scan: the same voxels in another order, and how far apart the two lie.

A mask is never resampled: its voxels are taken for the scan's where none of them lies elsewhere by more than a tenth
of itself, which is what rounding by other programs makes of one and the same grid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import GRID_TOLERANCE_MM, Volume, to_voxel, to_world

LARGEST_SHIFT = 0.1
"""Share of a voxel by which a mask's voxels may lie beside the scan's, along any axis: programs round affines."""


class GridShift(NamedTuple):
    """How far the farthest voxel of one grid lies from the same voxel of another: mm, and share of a voxel."""

    distance_mm: float
    voxel_share: float

    @property
    def is_rounding(self) -> bool:
        """No voxel lies elsewhere by more than :data:`LARGEST_SHIFT` of itself."""
        return self.voxel_share <= LARGEST_SHIFT

    @property
    def is_nothing(self) -> bool:
        """Not worth a word: within :data:`pipeline.core.volume.GRID_TOLERANCE_MM`."""
        return self.distance_mm <= GRID_TOLERANCE_MM

    @property
    def words(self) -> str:
        """Say how far, in mm and per cent of a voxel."""
        return f"{self.distance_mm:.2g} mm ({100 * self.voxel_share:.0f} % of a voxel)"


def shift_between(volume: Volume, image: Volume) -> GridShift | None:
    """Return how far the voxels of a volume, in whatever order they are stored, lie from an image's.

    Returns
    -------
    GridShift or None
        None when the two have not the same number of voxels along the same axes.

    Examples
    --------
    >>> image = Volume(np.zeros((4, 5, 6)), np.eye(4))
    >>> moved = np.eye(4)
    >>> moved[0, 3] = 0.05
    >>> shift_between(image, Volume(image.array, moved)).words
    '0.05 mm (5 % of a voxel)'
    """
    if sorted(volume.shape) != sorted(image.shape):
        return None
    ordered = in_order_of(volume, image)
    if ordered.shape != image.shape:
        return None
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.shape])).reshape(3, -1).T
    places_mm = to_world(ordered.affine, corners)
    distances_mm = np.linalg.norm(places_mm - to_world(image.affine, corners), axis=-1)
    shares = np.abs(to_voxel(image.affine, places_mm) - corners)
    return GridShift(float(distances_mm.max()), float(shares.max()))


def lies_on(volume: Volume, image: Volume) -> bool:
    """Say whether a volume's voxels are an image's, but for rounding, be they stored in another order."""
    shift = shift_between(volume, image)
    return shift is not None and (shift.is_rounding or shift.is_nothing)


def in_order_of(volume: Volume, like: Volume) -> Volume:
    """Store the same voxels in the axis order and directions of another image; no value changes.

    Parameters
    ----------
    volume
        Any image.
    like
        The image whose axes are followed; where they are oblique to the volume's, the closest order is taken.

    Returns
    -------
    Volume
        The volume itself when its axes are in that order already.
    """
    turn = (volume.affine[:3, :3] / volume.spacing_mm).T @ (like.affine[:3, :3] / like.spacing_mm)
    order = np.abs(turn).argmax(axis=0)
    signs = np.sign(turn[order, range(3)])
    if sorted(order) != [0, 1, 2] or (order.tolist() == [0, 1, 2] and (signs > 0).all()):
        return volume
    steps = tuple(slice(None, None, -1) if sign < 0 else slice(None) for sign in signs)
    index_map = np.diag([0.0, 0.0, 0.0, 1.0])  # from the new voxel index to the old one
    for new, (old, sign) in enumerate(zip(order, signs, strict=True)):
        index_map[old, new] = sign
        index_map[old, 3] = volume.shape[old] - 1 if sign < 0 else 0
    return Volume(np.ascontiguousarray(volume.array.transpose(order)[steps]), volume.affine @ index_map)


def grid_words(volume: Volume) -> str:
    """Describe a grid for a person: size, spacing, first voxel and axes."""
    size = "x".join(map(str, volume.shape))
    spacing = "x".join(f"{length:.2f}" for length in volume.spacing_mm)
    corner = ", ".join(f"{round(coordinate, 1) + 0.0:.1f}" for coordinate in volume.affine[:3, 3])
    axes = "".join(_axis_letter(volume.affine[:3, axis]) for axis in range(3))
    return f"{size} voxels of {spacing} mm, first voxel at ({corner}) mm, axes {axes}"


def _axis_letter(direction: NDArray[np.float64]) -> str:
    world_axis = int(np.argmax(np.abs(direction)))
    return ("LR", "PA", "IS")[world_axis][int(direction[world_axis] > 0)]
