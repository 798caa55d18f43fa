"""The found cord as voxels of a scan, for what works around a region of it."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from pipeline.cord.cord_finding import FoundCord
from pipeline.core.volume import Volume, to_voxel, to_world

USUAL_RADIUS_MM = 5.0
"""Radius where the edge is not seen, mm: a healthy cord's is 3.5 to 6.5."""


def region_of(cord: FoundCord, scan: Volume) -> Volume | None:
    """Mark the voxels of a scan that lie in the found cord; None where there is no cord.

    Parameters
    ----------
    cord
        As found in this scan.
    scan
        Its grid is used; its array is not read.

    Returns
    -------
    Volume
        Boolean, on the scan's grid; a voxel is marked when its middle lies within the radius of the line, and the
        voxel that holds a point of the line always is.
    """
    if not cord.is_found:
        return None
    radius_mm = np.where(np.isnan(cord.radius_mm), USUAL_RADIUS_MM, cord.radius_mm)
    marked = np.zeros(scan.shape, dtype=bool)
    on_line = np.rint(to_voxel(scan.affine, cord.points_mm)).astype(int)
    on_line = on_line[((on_line >= 0) & (on_line < np.array(scan.shape))).all(axis=1)]
    marked[tuple(on_line.T)] = True
    reach = np.ceil(radius_mm.max() / scan.spacing_mm).astype(int) + 1
    first = np.maximum(on_line.min(axis=0) - reach, 0)
    last = np.minimum(on_line.max(axis=0) + reach + 1, scan.shape)
    indices = np.moveaxis(np.indices(tuple(last - first)), 0, -1).reshape(-1, 3) + first
    away_mm, nearest = cKDTree(cord.points_mm).query(
        to_world(scan.affine, indices), distance_upper_bound=float(radius_mm.max())
    )
    is_near = np.isfinite(away_mm)
    inside = indices[is_near][away_mm[is_near] <= radius_mm[nearest[is_near]]]
    marked[tuple(inside.T)] = True
    return scan.with_array(marked)
