"""A voxel array that never travels without its geometry, and the arithmetic of that geometry.

The one world convention of the project: **RAS+ millimetres**, the NIfTI world (x grows towards the patient's right,
y towards anterior, z towards superior). Arrays are indexed ``[i, j, k]`` and
``affine @ [i, j, k, 1]`` is the RAS+ position of that voxel's centre. No room but ``files`` knows another one;
``pipeline.files.images`` converts for libraries that use LPS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

ORTHOGONALITY_TOLERANCE = 1e-3
"""Largest accepted cosine between two voxel axes (dimensionless); scanners write about 1e-6."""

GRID_TOLERANCE_MM = 1e-2
"""Largest corner distance at which two grids still count as the same grid, in mm."""

FACE = 0.5 + 1e-6
"""Distance of a voxel's face from its centre, voxels, with room for rounding: a point on the face counts as inside."""


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D array with its place in the world.

    Attributes
    ----------
    array
        Shape ``(I, J, K)``; intensities, labels or probabilities.
    affine
        Shape ``(4, 4)``; voxel index to RAS+ mm.
    """

    array: NDArray
    affine: NDArray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along i, j, k."""
        i, j, k = self.array.shape
        return i, j, k

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance between neighbouring voxel centres along i, j, k, shape ``(3,)``, mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def with_array(self, array: NDArray) -> Volume:
        """Return another array on this grid.

        Parameters
        ----------
        array
            Shape ``(I, J, K)``, the same as this volume's.

        Raises
        ------
        ValueError
            The shape differs from the grid's.
        """
        if array.shape != self.array.shape:
            msg = f"array is {array.shape} but the grid is {self.array.shape}"
            raise ValueError(msg)
        return replace(self, array=array)


def to_world(affine: NDArray, indices: NDArray) -> NDArray[np.float64]:
    """Convert voxel indices to world positions.

    Parameters
    ----------
    affine
        Shape ``(4, 4)``, voxel to RAS+ mm.
    indices
        Shape ``(..., 3)``, voxels; fractions allowed.

    Returns
    -------
    ndarray
        Shape ``(..., 3)``, RAS+ mm.

    Examples
    --------
    >>> to_world(np.diag([2.0, 1.0, 1.0, 1.0]), np.array([[3, 0, 1]])).tolist()
    [[6.0, 0.0, 1.0]]
    """
    return _mapped(affine, np.asarray(indices, dtype=np.float64))


def to_voxel(affine: NDArray, points_mm: NDArray) -> NDArray[np.float64]:
    """Convert world positions to (fractional) voxel indices; the inverse of :func:`to_world`.

    Parameters
    ----------
    affine
        Shape ``(4, 4)``, voxel to RAS+ mm.
    points_mm
        Shape ``(..., 3)``, RAS+ mm.

    Returns
    -------
    ndarray
        Shape ``(..., 3)``, voxels.

    Examples
    --------
    >>> to_voxel(np.diag([2.0, 1.0, 1.0, 1.0]), np.array([[6.0, 0.0, 1.0]])).tolist()
    [[3.0, 0.0, 1.0]]
    """
    return _mapped(np.linalg.inv(affine), np.asarray(points_mm, dtype=np.float64))


def is_within_faces(indices: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Say which voxel indices ``(..., 3)`` lie within the outer voxel faces of an image, give or take rounding.

    Examples
    --------
    >>> is_within_faces(np.array([[0.0, 0.0, -0.5], [0.0, 0.0, 2.6]]), (1, 1, 3)).tolist()
    [True, False]
    """
    return np.asarray(np.all((indices >= -FACE) & (indices <= np.array(shape) - 1 + FACE), axis=-1))


def voxel_centres_mm(volume: Volume) -> NDArray[np.float64]:
    """Return the RAS+ mm position of every voxel of a grid, shape ``(I, J, K, 3)``."""
    return to_world(volume.affine, np.moveaxis(np.indices(volume.shape), 0, -1))


def same_grid(a: Volume, b: Volume) -> bool:
    """Say whether two volumes share shape and, within :data:`GRID_TOLERANCE_MM`, the position of every corner."""
    if a.shape != b.shape:
        return False
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in a.shape])).reshape(3, -1).T
    distance_mm = np.linalg.norm(to_world(a.affine, corners) - to_world(b.affine, corners), axis=-1)
    return bool(distance_mm.max() <= GRID_TOLERANCE_MM)


def slice_axis(volume: Volume) -> int:
    """Return the array axis along which slices are stacked: the one with the largest spacing (0, 1 or 2).

    Nearly isotropic grids (largest spacing under 1.3 times the smallest) have no slices; the axis closest to
    left-right is returned, as a sagittal acquisition would have it.

    Examples
    --------
    >>> slice_axis(Volume(np.zeros((3, 3, 3)), np.diag([0.7, 0.7, 3.3, 1.0])))
    2
    """
    spacing_mm = volume.spacing_mm
    if spacing_mm.max() < 1.3 * spacing_mm.min():
        return int(np.argmax(np.abs(volume.affine[0, :3]) / spacing_mm))
    return int(np.argmax(spacing_mm))


def plane(volume: Volume) -> str:
    """Name the acquisition plane: ``sagittal``, ``coronal``, ``axial``, or ``isotropic`` when there are no slices."""
    spacing_mm = volume.spacing_mm
    if spacing_mm.max() < 1.3 * spacing_mm.min():
        return "isotropic"
    normal = np.abs(volume.affine[:3, slice_axis(volume)])
    return ("sagittal", "coronal", "axial")[int(np.argmax(normal))]


def _mapped(matrix: NDArray, points: NDArray) -> NDArray[np.float64]:
    """Apply a 4x4 matrix to points ``(..., 3)`` as one flat product, far quicker than many small ones."""
    flat = points.reshape(-1, 3) @ matrix[:3, :3].T
    flat += matrix[:3, 3]
    return flat.reshape(points.shape)
