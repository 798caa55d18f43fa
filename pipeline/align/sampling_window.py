"""The window in which two scans are compared: a box of the reference world, and images sampled on regular grids of it.

Comparing happens on isotropic copies, so that a sagittal, an axial and an isotropic scan meet on equal terms.
Every sample says whether the scan was there at all: what lies beyond a scan's field of view is unknown, not dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_world

HALF_EXTENT_MM = np.array([16.0, 40.0, 60.0])
"""Half the smallest box (left-right, front-back, head-foot), mm: wide enough to hold vertebral bodies and spinous
processes, which tell one level from the next better than the cord does."""

REGION_MARGIN_MM = np.array([8.0, 20.0, 30.0])
"""The box reaches at least this far beyond the region, mm, however long the lesion is."""


EDGE_MM, AROUND_EDGE_MM, FAINTEST_EDGE = 0.8, 8.0, 0.02
"""Scale of an edge and of its surroundings, mm; edges fainter than this share of the strongest are not brought up."""


@dataclass(frozen=True, eq=False)
class Box:
    """An upright box in RAS+ mm; ``lower_mm`` and ``upper_mm`` have shape ``(3,)``."""

    lower_mm: NDArray[np.float64]
    upper_mm: NDArray[np.float64]

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """Middle of the box, shape ``(3,)``, RAS+ mm."""
        return (self.lower_mm + self.upper_mm) / 2

    def grown(self, margin_mm: float) -> Box:
        """Return the box grown by a margin on every side."""
        return Box(self.lower_mm - margin_mm, self.upper_mm + margin_mm)


@dataclass(frozen=True, eq=False)
class Sample:
    """An image sampled on a grid, and where it is known.

    Attributes
    ----------
    values
        Shape ``(I, J, K)``; mean 0 and standard deviation 1 where known.
    known
        Shape ``(I, J, K)``; True inside the scan's field of view.
    affine
        Shape ``(4, 4)``; voxel index to RAS+ mm of the grid.
    """

    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    affine: NDArray[np.float64]


def field_of_view(volume: Volume) -> Box:
    """Return the upright box that holds every voxel of a scan."""
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in volume.shape])).reshape(3, -1).T
    corners_mm = to_world(volume.affine, corners)
    return Box(corners_mm.min(axis=0), corners_mm.max(axis=0))


def box_around(reference: Volume, region: Volume | None) -> Box:
    """Return the box to compare in: around the region (else the image centre), within the reference's field of view.

    Parameters
    ----------
    reference
        The reference scan.
    region
        Boolean, on the reference's grid; an empty region counts as none.
    """
    whole = field_of_view(reference)
    if region is None or not region.array.any():
        points_mm = whole.centre_mm[None]
    else:
        points_mm = to_world(region.affine, np.argwhere(region.array))
    centre_mm = points_mm.mean(axis=0)
    lower_mm = np.minimum(centre_mm - HALF_EXTENT_MM, points_mm.min(axis=0) - REGION_MARGIN_MM)
    upper_mm = np.maximum(centre_mm + HALF_EXTENT_MM, points_mm.max(axis=0) + REGION_MARGIN_MM)
    return Box(np.maximum(lower_mm, whole.lower_mm), np.minimum(upper_mm, whole.upper_mm))


def regular_grid(box: Box, step_mm: float) -> Volume:
    """Return an upright grid of the given step that spans a box; its array is a placeholder of zeros."""
    count = np.ceil((box.upper_mm - box.lower_mm) / step_mm - 1e-6).astype(int) + 1
    affine = np.diag([step_mm, step_mm, step_mm, 1.0])
    affine[:3, 3] = box.lower_mm
    return Volume(np.broadcast_to(np.float64(0), tuple(count)), affine)


def blurred(volume: Volume, step_mm: float) -> Volume:
    """Blur a scan just enough to be sampled every ``step_mm`` without aliasing, axis by axis."""
    sigma = np.where(volume.spacing_mm < step_mm, 0.5 * step_mm / volume.spacing_mm, 0.0)
    return volume.with_array(ndimage.gaussian_filter(volume.array.astype(np.float64), sigma))


def edges(volume: Volume) -> Volume:
    """Return the strength of a scan's edges, each beside that of the edges around it: alike in scans of any contrast.

    Length of the gradient at ``EDGE_MM``, divided by its root mean square within ``AROUND_EDGE_MM``; no unit.
    """
    array, spacing_mm = volume.array.astype(np.float64), volume.spacing_mm
    slopes = [
        ndimage.gaussian_filter(array, EDGE_MM / spacing_mm, order=np.eye(3, dtype=int)[axis]) / spacing_mm[axis]
        for axis in range(3)
    ]
    strength = np.linalg.norm(slopes, axis=0)
    around = np.sqrt(ndimage.gaussian_filter(strength**2, AROUND_EDGE_MM / spacing_mm))
    floor = FAINTEST_EDGE * float(strength.max()) or 1.0
    return volume.with_array((strength / (around + floor)).astype(np.float32))


def sample(volume: Volume, grid: Volume, matrix: NDArray[np.float64]) -> Sample:
    """Look a scan up at the points of a grid after a matrix has moved them into the scan's world.

    Parameters
    ----------
    volume
        A scan, blurred as the grid asks for.
    grid
        Shape ``(I, J, K)``; its array is not read.
    matrix
        Shape ``(4, 4)``; RAS+ mm of the grid's world to RAS+ mm of the scan's.
    """
    values, is_inside = _looked_up(volume, grid, matrix)
    return Sample(_standardised(values, values[is_inside]), is_inside, grid.affine)


def _looked_up(
    volume: Volume, grid: Volume, matrix: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the values at the moved grid points, the nearest where unknown, and where they are known."""
    to_index = np.linalg.inv(volume.affine) @ matrix @ grid.affine
    values = ndimage.affine_transform(
        volume.array, to_index[:3, :3], to_index[:3, 3], output_shape=grid.shape, order=1, mode="nearest"
    )
    is_inside = np.ones(grid.shape, dtype=bool)
    i, j, k = np.ogrid[tuple(slice(n) for n in grid.shape)]
    for row, size in zip(to_index[:3], volume.shape, strict=True):
        index = row[0] * i + row[1] * j + row[2] * k + row[3]
        is_inside &= (index >= -0.5) & (index <= size - 0.5)
    return values, is_inside


def _standardised(values: NDArray[np.float64], judged_by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift and scale so that the second array would get mean 0 and deviation 1; blank ones give all zeros."""
    spread = judged_by.std() if judged_by.size else 0.0
    return (values - judged_by.mean()) / spread if spread > 0 else np.zeros_like(values)


def standardised(volume: Volume, grid: Volume, matrix: NDArray[np.float64]) -> Volume:
    """Shift and scale a scan so that :func:`sample` with the same arguments would leave it as it is."""
    raw, is_inside = _looked_up(volume, grid, matrix)
    return volume.with_array(_standardised(volume.array, raw[is_inside]))
