"""A scan along its cord: straight sections that keep millimetres along the line and across it (curved reformation).

Across the cord the frame follows the patient's right and front, so that it never twists. What this module refuses: a
value where nobody scanned, and a line from neither a mask nor a cord that was found.

References
----------
Kanitsar A et al. 2002, CPR: curved planar reformation, IEEE Visualization, 10.1109/VISUAL.2002.1183754.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.transform import identity
from pipeline.core.volume import Volume, to_voxel
from pipeline.description.lesion_scene import CordCourse
from pipeline.measure import cord

STEP_MM = 0.5
"""Between two rows, and two points of a row, mm."""

HALF_WIDTH_MM = 18.0
"""How far a section goes to each side of the line, mm."""

SECTIONS = ("sagittal", "coronal")


@dataclass(frozen=True, eq=False)
class StraightFrame:
    """Points along the cord from head to foot, with the directions across it; all arrays have N rows.

    Attributes
    ----------
    points_mm, right, front
        Shape ``(N, 3)``; RAS+ mm, and unit vectors at right angles to the line and to each other.
    position_mm
        Shape ``(N,)``; along the centre line, mm towards the head.
    """

    points_mm: NDArray[np.float64]
    right: NDArray[np.float64]
    front: NDArray[np.float64]
    position_mm: NDArray[np.float64]

    def across(self, rightwards_mm: NDArray[np.float64], forwards_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the places at offsets from every point; shape ``(N, *offsets, 3)``, RAS+ mm."""
        shape = (len(self.points_mm), *(1,) * rightwards_mm.ndim, 3)
        sideways = rightwards_mm[None, ..., None] * self.right.reshape(shape)
        return np.asarray(
            self.points_mm.reshape(shape) + sideways + forwards_mm[None, ..., None] * self.front.reshape(shape)
        )


def frame_along(course: CordCourse, low_mm: float, high_mm: float) -> StraightFrame:
    """Return the frame between two positions on a course, as far as the course goes, head first."""
    line = course.line
    first, last = max(low_mm, line.positions_mm[0]), min(high_mm, line.positions_mm[-1])
    position_mm = np.arange(last, first - 1e-9, -STEP_MM)
    points_mm, tangents = (
        np.stack([np.interp(position_mm, line.positions_mm, values[:, axis]) for axis in range(3)], axis=-1)
        for values in (line.points_mm, line.tangents)
    )
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    right = np.array([1.0, 0.0, 0.0]) - tangents[:, :1] * tangents
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    front = np.asarray(np.cross(tangents, right), dtype=np.float64)
    return StraightFrame(points_mm, right, front, np.asarray(position_mm, dtype=np.float64))


def offsets_mm() -> NDArray[np.float64]:
    """Return where the points of a row lie beside the line, mm."""
    half = round(HALF_WIDTH_MM / STEP_MM)
    return np.arange(-half, half + 1, dtype=np.float64) * STEP_MM


def section(volume: Volume, straight: StraightFrame, which: str, *, outside: float = np.nan) -> NDArray[np.float32]:
    """Look a scan or a mask up along the cord; shape ``(N, M)``, head first.

    Parameters
    ----------
    which
        ``sagittal`` (front on the left) or ``coronal`` (the patient's right on the left).
    outside
        Stands where the volume does not reach.
    """
    beside_mm = -offsets_mm()
    nowhere = np.zeros_like(beside_mm)
    offsets = (nowhere, beside_mm) if which == "sagittal" else (beside_mm, nowhere)
    return looked_up(volume, straight.across(*offsets), outside=outside)


def looked_up(volume: Volume, places_mm: NDArray[np.float64], *, outside: float) -> NDArray[np.float32]:
    """Return what a volume holds at places ``(..., 3)``, linear between voxels."""
    indices = to_voxel(volume.affine, places_mm.reshape(-1, 3)).T
    values = ndimage.map_coordinates(
        volume.array.astype(np.float32), indices, order=1, mode="grid-constant", cval=outside
    )
    return np.asarray(values.reshape(places_mm.shape[:-1]), dtype=np.float32)


def drawn_course(whole: Volume) -> CordCourse:
    """Return the course of a cord that was drawn.

    Parameters
    ----------
    whole
        Mask of the cord with all that lies in it.

    Raises
    ------
    ValueError
        The mask is empty.
    """
    here = identity("scan", "scan")
    mask = whole.with_array(whole.array.astype(np.float32))
    line = cord.line_of_cord(mask, here)
    areas_mm2 = cord.areas_mm2(cord.stretches_of(mask, here, line), line)
    usual_mm2 = float(np.median(areas_mm2[areas_mm2 > 0]))
    return CordCourse(line, np.sqrt(np.where(areas_mm2 > 0, areas_mm2, usual_mm2) / np.pi), is_drawn=True)
