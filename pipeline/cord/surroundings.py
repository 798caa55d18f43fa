"""What lies around a point of a scan: samples on rings of the axial plane and above and below, on an upright grid.

Scans of any plane and spacing are brought to one upright grid, so that a sagittal, an axial and an isotropic scan are
looked at on equal terms. The samples of a point are taken relative to one another, never in a scanner's unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_world

STEP_MM = np.array([1.5, 1.5, 3.0])
"""Step of the upright grid (left-right, front-back, head-foot), mm: the cord is 6 mm and more across, and long."""

RING_RADII_MM = (3.0, 4.5, 6.0, 7.5, 9.0, 12.0, 16.5, 22.5)
"""Radii of the rings, mm: in the cord, at its edge, in the fluid, at the wall of the canal, in the bones."""

NEAR_ABOVE_MM, FAR_ABOVE_MM = 6.0, 15.0
"""How far above and below the neighbourhood is looked at again, mm."""

LEAST_SPREAD_RATIO = 0.02
"""Spread of a point's samples below this share of the scan's own brightness is flat: air, or a blank image."""


@dataclass(frozen=True, eq=False)
class UprightScan:
    """A scan on an upright grid of :data:`STEP_MM`.

    Attributes
    ----------
    volume
        Intensities; the nearest one where the scan does not reach.
    known
        Boolean, same shape: inside the scan's field of view.
    """

    volume: Volume
    known: NDArray[np.bool_]


def upright(scan: Volume, step_mm: NDArray[np.float64] = STEP_MM) -> UprightScan:
    """Bring a scan to an upright grid, blurred just enough not to alias.

    Parameters
    ----------
    scan
        Any plane and spacing.
    step_mm
        Shape ``(3,)``; step of the grid, mm.
    """
    axes = np.abs(scan.affine[:3, :3] / scan.spacing_mm)
    wanted_mm = axes.T @ step_mm
    sigma = 0.5 * np.sqrt(np.maximum(wanted_mm**2 - scan.spacing_mm**2, 0.0)) / scan.spacing_mm
    blurred = ndimage.gaussian_filter(np.nan_to_num(scan.array.astype(np.float32)), sigma)
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in scan.shape])).reshape(3, -1).T
    corners_mm = to_world(scan.affine, corners)
    lower_mm, upper_mm = corners_mm.min(axis=0), corners_mm.max(axis=0)
    count = np.maximum(np.floor((upper_mm - lower_mm) / step_mm).astype(int), 1)
    affine = np.diag([*step_mm, 1.0])
    affine[:3, 3] = (lower_mm + upper_mm) / 2 - (count - 1) / 2 * step_mm
    to_index = np.linalg.inv(scan.affine) @ affine
    values = ndimage.affine_transform(
        blurred, to_index[:3, :3], to_index[:3, 3], output_shape=tuple(count), order=1, mode="nearest"
    )
    is_inside = np.ones(tuple(count), dtype=bool)
    i, j, k = np.ogrid[tuple(slice(n) for n in count)]
    for row, size in zip(to_index[:3], scan.shape, strict=True):
        index = row[0] * i + row[1] * j + row[2] * k + row[3]
        is_inside &= (index >= -0.5) & (index <= size - 0.5)
    return UprightScan(Volume(values, affine), is_inside)


def _offsets() -> NDArray[np.intp]:
    """Return the sampled offsets in voxels of the upright grid, shape ``(N, 3)``; the first is the point itself."""
    across = STEP_MM[0]
    places = [(0.0, 0.0, 0.0)]
    for radius in RING_RADII_MM:
        turns = np.arange(8) * np.pi / 4
        places += [(radius * np.cos(turn), radius * np.sin(turn), 0.0) for turn in turns]
    for height in (-NEAR_ABOVE_MM, NEAR_ABOVE_MM):
        places.append((0.0, 0.0, height))
        places += [(side, 0.0, height) for side in (-9.0, -4.5, 4.5, 9.0)]
        places += [(0.0, side, height) for side in (-9.0, -4.5, 4.5, 9.0)]
    for height in (-FAR_ABOVE_MM, FAR_ABOVE_MM):
        places += [(0.0, side, height) for side in (-6.0, 0.0, 6.0)]
    return np.rint(np.array(places) / np.array([across, across, STEP_MM[2]])).astype(np.intp)


OFFSETS = _offsets()
"""Where around a point samples are taken, voxels of the upright grid, shape ``(N, 3)``."""

REACH = np.abs(OFFSETS).max(axis=0)
"""Furthest offset along each axis, voxels."""


def padded(scan: UprightScan) -> NDArray[np.float32]:
    """Return the intensities with the border carried on as far as :data:`REACH`, as :func:`samples_at` wants them."""
    return np.pad(scan.volume.array.astype(np.float32), [(n, n) for n in REACH], mode="edge")


def brightness(scan: UprightScan) -> float:
    """Return what counts as bright in a scan: the 95th percentile of its known voxels, in its own unit."""
    inside = scan.volume.array[scan.known]
    return float(np.percentile(np.abs(inside), 95)) if inside.size else 0.0


def samples_at(
    array: NDArray[np.float32], points: NDArray[np.intp], bright: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return what lies around some points, free of the scanner's scale and offset.

    Parameters
    ----------
    array
        As :func:`padded` returns it.
    points
        Shape ``(P, 3)``; voxels of the upright grid, without the padding.
    bright
        As :func:`brightness` returns it.

    Returns
    -------
    samples
        Shape ``(P, N)``; each row with mean 0 and deviation 1.
    is_flat
        Shape ``(P,)``; True where there is nothing to see.
    """
    strides = np.array([array.shape[1] * array.shape[2], array.shape[2], 1])
    base = (points + REACH) @ strides
    samples = array.ravel()[base[:, None] + (OFFSETS @ strides)[None, :]]
    samples = samples - samples.mean(axis=1, keepdims=True)
    spread = samples.std(axis=1, keepdims=True)
    is_flat = spread[:, 0] <= LEAST_SPREAD_RATIO * bright
    return samples / np.where(is_flat[:, None], 1.0, spread) * ~is_flat[:, None], is_flat
