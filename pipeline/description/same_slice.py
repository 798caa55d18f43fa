"""One plane through a patient's reference space, looked up in any scan that was aligned to it; for the eye only.

The signal of this person's healthy cord on the same scan gives the greys a meaning that scans share. What this module
refuses: a value where nobody scanned, and a cord signal from too little cord.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.signal_reach import padding_of
from pipeline.core.transform import Transform, move_points
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import FACE, Volume, is_within_faces, to_voxel, to_world
from pipeline.description.cord_reference import ONE_SIDE, cord_reference
from pipeline.description.description_limits import ReferenceLimits
from pipeline.description.lesion_scene import AlignedScan, CordCourse, LesionScene, voxels_near

PIXEL_MM = 0.25
"""Distance between two points of a plane, mm."""

NO_COURSE = "no cord was found to hold its signal against"
NOT_REACHED = "the scan does not reach the cord"


@dataclass(frozen=True)
class HealthySignal:
    """The signal of healthy cord in a scan's own unit, and in words what makes it less sure; None for nothing."""

    level: float
    doubt: str | None


@dataclass(frozen=True, eq=False)
class SlicePlane:
    """A rectangle in the reference space.

    Attributes
    ----------
    centre_mm
        Shape ``(3,)``, RAS+ mm.
    across, down
        Shape ``(3,)``, unit length and at right angles; towards the picture's right and its lower edge.
    width_mm, height_mm
        Its size.
    """

    centre_mm: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    width_mm: float
    height_mm: float

    @property
    def points_mm(self) -> NDArray[np.float64]:
        """Middle of each pixel, row by row from the top; shape ``(rows, columns, 3)``, RAS+ mm."""
        right, below = (
            (np.arange(round(size / PIXEL_MM)) + 0.5) * PIXEL_MM - size / 2 for size in (self.width_mm, self.height_mm)
        )
        offsets = below[:, None, None] * self.down + right[None, :, None] * self.across
        return np.asarray(self.centre_mm + offsets)


def signal_on(plane: SlicePlane, scan: Volume, from_reference: Transform) -> NDArray[np.float32]:
    """Look a scan up on a plane; shape ``(rows, columns)``, NaN where nobody scanned.

    Parameters
    ----------
    scan
        On its own grid, in any unit.
    from_reference
        Moves points from the reference space into the scan's world.
    """
    points_mm = plane.points_mm
    indices = to_voxel(scan.affine, move_points(from_reference, points_mm.reshape(-1, 3)))
    last = np.array(scan.shape) - 1
    is_within = is_within_faces(indices, scan.shape)
    values = np.full(len(indices), np.nan, dtype=np.float32)
    array, padding = scan.array.astype(np.float32), padding_of(scan)
    if padding is not None:
        array = np.where(padding, np.float32(np.nan), array)
    nearest = np.clip(indices[is_within], 0, last)
    values[is_within] = ndimage.map_coordinates(array, nearest.T, order=1, mode="nearest")
    return values.reshape(points_mm.shape[:2])


def labels_on(plane: SlicePlane, labels: Volume) -> NDArray[np.uint8]:
    """Look labels of the reference space up on a plane; shape ``(rows, columns)``, 0 for none."""
    points_mm = plane.points_mm
    indices = to_voxel(labels.affine, points_mm.reshape(-1, 3))
    values = ndimage.map_coordinates(np.rint(labels.array).astype(np.uint8), indices.T, order=0, mode="constant")
    return np.asarray(values.reshape(points_mm.shape[:2]), dtype=np.uint8)


def box_on(plane: SlicePlane, box: NDArray[np.float64], from_reference: Transform) -> NDArray[np.bool_]:
    """Mark where a plane lies in the box of a spectrum; shape ``(rows, columns)``.

    Parameters
    ----------
    box
        Shape ``(4, 4)``; from the box's own index, its middle 0 and its faces at a half, to the visit's world, mm.
    from_reference
        Moves points from the reference space into that world.
    """
    points_mm = plane.points_mm
    places = to_voxel(box, move_points(from_reference, points_mm.reshape(-1, 3)))
    return np.asarray(np.all(np.abs(places) <= FACE, axis=1).reshape(points_mm.shape[:2]))


def plane_at(upright: Volume, centre_mm: NDArray[np.float64], view: str, size_mm: tuple[float, float]) -> SlicePlane:
    """Return the plane through a place ``(3,)``, RAS+ mm, along the axes of an upright grid; see `section_plane`."""
    right, front, head = (upright.affine[:3, :3] / upright.spacing_mm).T
    across, down = (-front, -head) if view == "sagittal" else (-right, -front)
    return SlicePlane(centre_mm, across, down, *size_mm)


def section_plane(upright: Volume, lesion: NDArray[np.bool_], view: str, size_mm: tuple[float, float]) -> SlicePlane:
    """Return the plane through a lesion's largest section.

    Parameters
    ----------
    upright
        Grid whose axes run most nearly to the right, to the front and to the head.
    lesion
        Shape of the grid; the voxels of the lesion, at least one.
    view
        ``sagittal`` (front to the left) or ``axial`` (the patient's right to the left).
    size_mm
        Width and height.
    """
    axis = {"sagittal": 0, "axial": 2}[view]
    areas = lesion.sum(axis=tuple(other for other in range(3) if other != axis))
    at = int(areas.argmax())
    middle = np.insert(np.argwhere(np.take(lesion, at, axis=axis)).mean(axis=0), axis, at)
    return plane_at(upright, to_world(upright.affine, middle[None])[0], view, size_mm)


def scene_of(masks: Sequence[Volume], numbers: Sequence[int], others: Sequence[int], course: CordCourse) -> LesionScene:
    """Put all that was drawn at any visit into one scene of the reference space.

    Parameters
    ----------
    masks
        Labels of the visits on one grid, at least one.
    numbers, others
        Labels of solid tumour, and of all else that is no healthy cord.
    course
        Of the cord, in the same space.
    """
    tumour, beside = (
        np.any([np.isin(np.rint(mask.array), list(wanted)) for mask in masks], axis=0) for wanted in (numbers, others)
    )
    first = masks[0]
    drawn = {Compartment.OEDEMA: first.with_array((beside & ~tumour).astype(np.float32))}
    return LesionScene(first.with_array(tumour), drawn, course)


def healthy_signal(scan: AlignedScan, scene: LesionScene | None, limits: ReferenceLimits) -> HealthySignal | str:
    """Return the signal that healthy cord would have at the middle of the lesions.

    Returns
    -------
    HealthySignal or str
        In words, why it is not known.
    """
    if scene is None or scene.extents_mm is None:
        return NO_COURSE
    voxels = voxels_near(scan, scene)
    if voxels is None:
        return NOT_REACHED
    profile = cord_reference(voxels, scene.extents_mm, limits)
    if isinstance(profile, str):
        return profile
    middle_mm = sum(scene.extents_mm) / 2
    doubt = ONE_SIDE if profile.is_one_sided else None
    error = profile.error_at(middle_mm)
    if doubt is None and error > limits.most_grey_error:
        doubt = f"the cord's signal there is known to ±{100 * error:.0f} % only"
    return HealthySignal(float(profile.at(np.array([middle_mm]))[0]), doubt)


def piece_at(mask: Volume, place_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the connected piece of a boolean mask that is nearest to a place, ``(3,)``, RAS+ mm; none of none.

    Examples
    --------
    >>> mask = Volume(np.array([[[True, False, True, True]]]), np.eye(4))
    >>> piece_at(mask, np.array([0.0, 0.0, 2.6]))
    array([[[False, False,  True,  True]]])
    """
    pieces, count = ndimage.label(mask.array, structure=np.ones((3, 3, 3)))
    if not count:
        return np.asarray(mask.array)
    voxels = np.argwhere(mask.array)
    nearest = np.linalg.norm(to_world(mask.affine, voxels) - place_mm, axis=1).argmin()
    return np.asarray(pieces == pieces[tuple(voxels[nearest])])
