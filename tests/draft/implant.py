"""A lesion of known outline put into the cord of the packaged phantom, on the phantom's own grid or on thick slices."""

from __future__ import annotations

import numpy as np

from pipeline.cord.cord_finding import find_cord
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.draft.cord_coordinates import CordCoordinates
from pipeline.files import images
from tests.benchmark.cord_truth import PHANTOM

RADIUS_MM, HALF_LENGTH_MM = 3.2, 9.0


def with_lesion(thickness: int = 1, contrast: float = 0.45, size: float = 1.0) -> tuple[Volume, Volume, np.ndarray]:
    """Return a scan, the truth on its grid, and the middle of the lesion; slices are ``thickness`` voxels thick.

    ``contrast`` is the lesion's signal on the way from cord (0) to fluid (1), ``size`` its length beside the usual one.
    """
    scan = images.load(PHANTOM / "synthetic_T2w.nii.gz")
    cord = find_cord(scan)
    axis = CordCoordinates(cord.points_mm)
    middle = np.array([0.0, 0.0, len(cord.points_mm) / 2])
    middle_mm = axis.to_world(middle[None])[0]
    points_mm = voxel_centres_mm(scan).reshape(-1, 3)
    near = np.linalg.norm(points_mm - middle_mm, axis=1) < 2 * size * HALF_LENGTH_MM
    away = np.full(len(points_mm), np.inf)
    away[near] = np.linalg.norm(
        (axis.of(points_mm[near]) - middle) / (RADIUS_MM, RADIUS_MM, size * HALF_LENGTH_MM), axis=1
    )
    inside = 1 / (1 + np.exp((away.reshape(scan.shape) - 1) * 8))
    array = scan.array.astype(np.float64)
    shell = (away.reshape(scan.shape) > 1) & (away.reshape(scan.shape) < 1.6)
    dark, bright = np.percentile(array[shell], [20, 95])
    array = array * (1 - inside) + (dark + contrast * (bright - dark)) * inside
    return (*thickened(scan.with_array(array), scan.with_array(inside), thickness), middle_mm)


def thickened(scan: Volume, share: Volume, count: int) -> tuple[Volume, Volume]:
    """Return scan and truth with that many slices averaged from left to right."""
    across = int(np.argmax(np.abs(scan.affine[0, :3])))
    length = scan.shape[across] // count * count
    affine = scan.affine.copy()
    affine[:3, 3] += affine[:3, across] * (count - 1) / 2
    affine[:3, across] *= count
    scan_array, share_array = (
        np.add.reduceat(np.take(each.array, range(length), axis=across), range(0, length, count), axis=across) / count
        for each in (scan, share)
    )
    return Volume(scan_array, affine), Volume(share_array > 0.5, affine)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))
