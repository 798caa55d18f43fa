"""Where a point of one space lies in another, and how images follow.

A :class:`Transform` **moves points** from the space ``source`` to the space ``target``; both are RAS+ mm worlds.
To bring an *image* of the target space onto a grid of the source space, :func:`resample` looks up, for each grid
point of the source, the moved point in the target image. Hence an image is pulled by the transform that moves
points the opposite way: that is why functions that move points and functions that move images have different names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.interpolation import interpolated
from pipeline.core.signal_reach import padding_of
from pipeline.core.volume import Volume, is_within_faces, to_voxel, to_world, voxel_centres_mm

INVERSE_ITERATIONS = 30
INVERSE_TOLERANCE_MM = 1e-3
"""Fixed-point inversion stops when no point moves more than this; far below a voxel, mm."""


@dataclass(frozen=True, eq=False)
class Transform:
    """A rigid or affine matrix followed by an optional smooth displacement.

    ``moved = matrix @ point`` when there is no bend, else ``moved = matrix @ (point + bend(point))``.

    Attributes
    ----------
    source, target
        Names of the two spaces, such as ``ses-01`` and ``ses-02``.
    matrix
        Shape ``(4, 4)``, RAS+ mm of the source to RAS+ mm of the target.
    bend_mm
        Shape ``(I, J, K, 3)``, displacement in RAS+ mm sampled on a grid of the **source** space; None for none.
        Outside the grid the nearest border value is used, so that a bend never stops abruptly.
    bend_affine
        Shape ``(4, 4)``, voxel index of ``bend_mm`` to RAS+ mm of the source; None when there is no bend.
    """

    source: str
    target: str
    matrix: NDArray
    bend_mm: NDArray | None = None
    bend_affine: NDArray | None = None


def identity(source: str, target: str) -> Transform:
    """Return the transform that leaves every point where it is."""
    return Transform(source, target, np.eye(4))


def bend_at(transform: Transform, points_mm: NDArray) -> NDArray[np.float64]:
    """Return the displacement (RAS+ mm, shape ``(N, 3)``) of the bend at points ``(N, 3)`` of the source space."""
    if transform.bend_mm is None or transform.bend_affine is None:
        return np.zeros_like(points_mm)
    index = to_voxel(transform.bend_affine, points_mm).reshape(-1, 3)
    bend_mm = interpolated(transform.bend_mm.reshape(-1, 3), transform.bend_mm.shape[:3], index)
    return bend_mm.reshape(np.shape(points_mm))


def move_points(transform: Transform, points_mm: NDArray) -> NDArray[np.float64]:
    """Move points from the transform's source space to its target space.

    Parameters
    ----------
    transform
        Source to target.
    points_mm
        Shape ``(N, 3)``, RAS+ mm in the source space.

    Returns
    -------
    ndarray
        Shape ``(N, 3)``, RAS+ mm in the target space.

    Examples
    --------
    >>> shift = np.eye(4)
    >>> shift[2, 3] = 5.0
    >>> move_points(Transform("a", "b", shift), np.zeros((1, 3))).tolist()
    [[0.0, 0.0, 5.0]]
    """
    points_mm = np.asarray(points_mm, dtype=np.float64)
    return to_world(transform.matrix, points_mm + bend_at(transform, points_mm))


def inverse(transform: Transform) -> Transform:
    """Return the transform that moves points back, its bend sampled on the same grid moved by the matrix.

    The bend is inverted by fixed-point iteration (Chen et al. 2008, Med Phys 35:81, 10.1118/1.2816107), which
    converges for bends whose gradient stays below one, as every stiff alignment's does.
    """
    back = np.linalg.inv(transform.matrix)
    if transform.bend_mm is None or transform.bend_affine is None:
        return Transform(transform.target, transform.source, back)
    # moved = M (p + u(p)); with q = M^-1 moved we need p = q - u(p). As matrix-after-bend in the target space:
    # p = M^-1 (moved + w(moved)), so w(moved) = -M_linear u(p).
    grid = Volume(transform.bend_mm[..., 0], transform.matrix @ transform.bend_affine)
    rigid_back = to_world(back, voxel_centres_mm(grid).reshape(-1, 3))
    points = rigid_back.copy()
    for _ in range(INVERSE_ITERATIONS):
        previous = points
        points = rigid_back - bend_at(transform, points)
        if np.abs(points - previous).max() < INVERSE_TOLERANCE_MM:
            break
    bend = (points - rigid_back) @ transform.matrix[:3, :3].T
    return Transform(transform.target, transform.source, back, bend.reshape(transform.bend_mm.shape), grid.affine)


def compose(first: Transform, second: Transform) -> Transform:
    """Return one transform that moves points by ``first`` and then by ``second``.

    The joint bend is sampled on the grid of the first bend, or on the second's pulled back where the first has none.

    Raises
    ------
    ValueError
        The first does not end in the space where the second starts.
    """
    if first.target != second.source:
        msg = f"cannot join {first.source}->{first.target} with {second.source}->{second.target}"
        raise ValueError(msg)
    matrix = second.matrix @ first.matrix
    if first.bend_mm is not None and first.bend_affine is not None:
        grid = Volume(first.bend_mm[..., 0], first.bend_affine)
    elif second.bend_mm is not None and second.bend_affine is not None:
        grid = Volume(second.bend_mm[..., 0], np.linalg.inv(first.matrix) @ second.bend_affine)
    else:
        return Transform(first.source, second.target, matrix)
    points = voxel_centres_mm(grid).reshape(-1, 3)
    moved = move_points(second, move_points(first, points))
    bend = to_world(np.linalg.inv(matrix), moved) - points
    return Transform(first.source, second.target, matrix, bend.reshape(*grid.shape, 3), grid.affine)


def resample(volume: Volume, onto: Volume, transform: Transform, *, order: int, outside: float = 0.0) -> Volume:
    """Bring an image of the transform's target space onto a grid of its source space.

    For display and for finding things only: volumes are counted in an image's own grid.

    Parameters
    ----------
    volume
        Image in the target space.
    onto
        Grid in the source space; its array is not read.
    transform
        Moves points from the source (``onto``) to the target (``volume``).
    order
        Spline order: 0 nearest (labels), 1 linear, 3 cubic.
    outside
        Value beyond the outer voxel faces of the target image, which is where :func:`coverage` ends too.
    """
    return resample_together([volume], onto, transform, order=order, outside=outside)[0]


def resample_together(
    volumes: Sequence[Volume], onto: Volume, transform: Transform, *, order: int, outside: float = 0.0
) -> list[Volume]:
    """Bring several images that share one grid onto another grid, as :func:`resample` does one."""
    if not volumes:
        return []
    points = move_points(transform, voxel_centres_mm(onto).reshape(-1, 3))
    indices = to_voxel(volumes[0].affine, points)
    is_beyond = ~is_within_faces(indices, volumes[0].shape)
    pulled = []
    for volume in volumes:  # between the outer centres and the outer faces the border value goes on
        values = _looked_up_at(volume, indices, order)
        values[is_beyond] = outside
        pulled.append(Volume(values.reshape(onto.shape), onto.affine))
    return pulled


def _looked_up_at(volume: Volume, indices: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Return an image's values at indices ``(N, 3)``; beyond its grid those of the border."""
    if order == 1:
        is_real = volume.array.dtype in {np.dtype(np.float32), np.dtype(np.float64)}
        array = volume.array if is_real else volume.array.astype(np.float64)
        return interpolated(array.reshape(-1, 1), volume.shape, indices)[:, 0]
    return np.asarray(
        ndimage.map_coordinates(volume.array, indices.T, order=order, mode="nearest", prefilter=order > 1)
    )


def coverage(volume: Volume, onto: Volume, transform: Transform) -> Volume:
    """Mark the voxels of a source-space grid that lie inside the field of view of a target-space image.

    Returns
    -------
    Volume
        Boolean array on ``onto``'s grid; True where the moved point lies within the outer voxel faces, outside padding.
    """
    points_mm = voxel_centres_mm(onto).reshape(-1, 3)
    return Volume(is_covered(volume, points_mm, transform).reshape(onto.shape), onto.affine)


def is_covered(volume: Volume, points_mm: NDArray[np.float64], transform: Transform) -> NDArray[np.bool_]:
    """Say of points ``(N, 3)`` of the source space, RAS+ mm, what :func:`coverage` says of voxels; shape ``(N,)``."""
    index = to_voxel(volume.affine, move_points(transform, points_mm))
    inside = is_within_faces(index, volume.shape)
    padding = padding_of(volume)
    if padding is not None:
        i, j, k = np.clip(np.rint(index), 0, np.array(volume.shape) - 1).astype(np.intp).T
        inside &= ~padding[i, j, k]
    return inside
