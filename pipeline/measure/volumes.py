"""Volume and size of one compartment, counted in the grid it was drawn on.

Nothing here resamples: a mask that was warped or put on another grid measures the warp, not the tumour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from pipeline.core.volume import Volume, slice_axis
from pipeline.errors import InputError

OBJECT_PROBABILITY = 0.5
"""From this probability on a voxel belongs to the object whose pieces and diameters are measured."""

NEGLIGIBLE_PROBABILITY = 0.01
"""Smaller probabilities are not summed: a faint floor over millions of background voxels is not tumour."""

PROBABILITY_TOLERANCE = 1e-4
"""Rounding accepted outside 0..1; probability maps are often stored as scaled integers."""

EDGES = (("left", "right"), ("back", "front"), ("foot", "head"))
"""Names of the ends of the world's axes (RAS+), lower end first."""

NEIGHBOURS_26 = np.ones((3, 3, 3), dtype=bool)
"""Voxels that share a face, an edge or a corner are one piece."""


@dataclass(frozen=True)
class CompartmentMeasure:
    """What one mask of one compartment measures in its native grid.

    Attributes
    ----------
    volume_mm3
        Voxel count (masks) or sum of probabilities (probability maps) times the voxel volume; 0 for an
        empty mask.
    slices_spanned
        Acquired slices with at least one object voxel.
    axial_long_mm, axial_perpendicular_mm
        Longest diameter in any plane across the head-foot axis, and the width at right angles to it in that
        plane.
    product_mm2
        Long times perpendicular axial diameter, summed over the pieces.
    longest_mm
        Longest diameter in any direction, summed over the pieces.
    length_mm
        Head-foot extent from the lowest to the highest voxel face.
    component_count
        Number of 26-connected pieces.
    edges
        Where it does: left, right, back, front, foot or head, as far as the patient is concerned.
    """

    volume_mm3: float
    slices_spanned: int
    axial_long_mm: float
    axial_perpendicular_mm: float
    product_mm2: float
    longest_mm: float
    length_mm: float
    component_count: int
    edges: tuple[str, ...] = ()


def measure(probability: Volume, image: Volume | None = None) -> CompartmentMeasure:
    """Measure one compartment in its native grid.

    Diameters run between voxel faces and are taken per piece, never across the gap between two pieces. Axial
    planes are the array planes nearest to perpendicular to head-foot; in a thick-slice sagittal scan such a
    plane is fine from front to back and as coarse as the slices from left to right, and so are the diameters.

    Parameters
    ----------
    probability
        A mask (boolean, or 0 and 1) or a probability map (0..1), shape ``(I, J, K)``.
    image
        The scan on the same grid, which tells where its field of view ends (see :func:`edges_reached`).

    Returns
    -------
    CompartmentMeasure
        Volume in mm³, diameters in mm; zeros for an empty mask.

    Raises
    ------
    InputError
        Values below 0, above 1 or not finite: a label map or an image instead of a mask.

    Examples
    --------
    >>> block = np.zeros((6, 6, 6), dtype=bool)
    >>> block[1:3, 1:4, 1:5] = True
    >>> measured = measure(Volume(block, np.diag([3.0, 1.0, 1.0, 1.0])))
    >>> round(measured.volume_mm3, 6), measured.slices_spanned, measured.length_mm
    (72.0, 2, 4.0)
    """
    _refuse_non_probability(probability.array)
    pieces, count = ndimage.label(probability.array >= OBJECT_PROBABILITY, structure=NEIGHBOURS_26)
    boxes = ndimage.find_objects(pieces)
    diameters = [_piece_diameters(pieces[box] == i, probability.affine) for i, box in enumerate(boxes, start=1)]
    long_mm, across_mm = max(((d[0], d[1]) for d in diameters), default=(0.0, 0.0))
    indices = np.argwhere(pieces)
    return CompartmentMeasure(
        volume_mm3=_summed_probability(probability.array) * probability.voxel_mm3,
        slices_spanned=len(np.unique(indices[:, slice_axis(probability)])),
        axial_long_mm=long_mm,
        axial_perpendicular_mm=across_mm,
        product_mm2=float(sum(d[0] * d[1] for d in diameters)),
        longest_mm=float(sum(d[2] for d in diameters)),
        length_mm=_head_foot_extent_mm(indices, probability.affine),
        component_count=int(count),
        edges=edges_reached(probability, image),
    )


def edges_reached(probability: Volume, image: Volume | None = None) -> tuple[str, ...]:
    """Return the ends of the field of view that an object reaches, so that part of it may lie beyond.

    Parameters
    ----------
    probability
        A mask or probability map.
    image
        The scan, on the same grid. Where nothing but padding lies between the object and an end of the array (zeros,
        voxels that were not finite, or the one value that fills a whole slice at an end), the field of view ends at the
        object.

    Returns
    -------
    tuple of str
        Of left, right, back, front, foot and head, in this order.

    Examples
    --------
    >>> drawn = np.zeros((5, 5, 5), dtype=bool)
    >>> drawn[2, 2, 3:] = True
    >>> edges_reached(Volume(drawn, np.eye(4)))
    ('head',)
    """
    inside = np.asarray(probability.array >= OBJECT_PROBABILITY)
    indices = np.argwhere(inside)
    if not len(indices):
        return ()
    signal = None if image is None or not image.array.any() else _signal(image.array, inside)
    reached = set()
    for axis in range(3):
        first, last = _ends(signal, axis, inside.shape, indices)
        world = int(np.argmax(np.abs(probability.affine[:3, axis]) / probability.spacing_mm[axis]))
        names = EDGES[world] if probability.affine[world, axis] > 0 else EDGES[world][::-1]
        reached |= {names[0]} if (indices[:, axis] <= first).any() else set()
        reached |= {names[1]} if (indices[:, axis] >= last).any() else set()
    return tuple(name for pair in EDGES for name in pair if name in reached)


def _signal(array: NDArray, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark what is no padding; programs that crop or resample fill with zeros or with the lowest value of the scan.

    Where a scan shows one value all around the object, as a phantom does, that is its background: zeros alone count.
    """
    ends = (np.take(array, place, axis=axis) for axis in range(3) for place in (0, -1))
    padding = {0.0, *(float(end.flat[0]) for end in ends if (end == end.flat[0]).all())}
    is_signal = ~np.isin(array, list(padding))
    return is_signal if (is_signal & ~inside).any() else np.asarray(array != 0)


def _ends(
    signal: NDArray[np.bool_] | None, axis: int, shape: tuple[int, ...], indices: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | int, NDArray[np.int64] | int]:
    """Return the first and last index with signal along an axis, on the line through each object voxel."""
    if signal is None:
        return 0, shape[axis] - 1
    others = tuple(np.delete(indices, axis, axis=1).T)
    first = signal.argmax(axis=axis)[others]
    last = shape[axis] - 1 - np.flip(signal, axis=axis).argmax(axis=axis)[others]
    return first, last


def components(probability: Volume) -> tuple[Volume, dict[int, float]]:
    """Number the 26-connected pieces of a mask or probability map, largest first.

    Returns
    -------
    Volume
        Integer array on the same grid, 0 outside, 1 for the largest piece, 2 for the next...
    dict
        Piece number to its volume, mm³: the sum of the probabilities of its voxels and of those nearest to it that
        are only partly the object, so that the pieces together have the volume that :func:`measure` gives.
    """
    _refuse_non_probability(probability.array)
    pieces, count = ndimage.label(probability.array >= OBJECT_PROBABILITY, structure=NEIGHBOURS_26)
    owned = owners(probability.with_array(pieces), probability).array
    sums = ndimage.sum_labels(probability.array.astype(np.float64), owned, np.arange(1, count + 1))
    order = np.argsort(-np.asarray(sums), kind="stable")
    renumber = np.zeros(count + 1, dtype=np.int32)
    renumber[order + 1] = np.arange(1, count + 1)
    volumes = {rank: float(sums[i]) * probability.voxel_mm3 for rank, i in enumerate(order, start=1)}
    return probability.with_array(renumber[pieces]), volumes


def owners(pieces: Volume, probability: Volume) -> Volume:
    """Give every voxel that is at least partly the object the number of its nearest piece.

    Parameters
    ----------
    pieces
        As :func:`components` numbers them.
    probability
        The mask or probability map that they are pieces of.

    Returns
    -------
    Volume
        Integer array, 0 where there is nothing of the object, or no piece at all.
    """
    wanted = probability.array >= NEGLIGIBLE_PROBABILITY
    if not pieces.array.any() or not (wanted & (pieces.array == 0)).any():
        return pieces
    (box,) = ndimage.find_objects(wanted.astype(np.int8))
    near = pieces.array[box]
    nearest = ndimage.distance_transform_edt(
        near == 0, sampling=probability.spacing_mm, return_distances=False, return_indices=True
    )
    owned = pieces.array.copy()
    owned[box] = np.where(wanted[box], near[tuple(nearest)], 0)
    return pieces.with_array(owned)


def _refuse_non_probability(array: NDArray) -> None:
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    if not (low >= -PROBABILITY_TOLERANCE and high <= 1 + PROBABILITY_TOLERANCE):
        msg = (
            f"mask: expected values between 0 and 1, found {low:g} to {high:g}; "
            f"pick one compartment of a label map, or give its labels in dseg.tsv"
        )
        raise InputError(msg)


def _summed_probability(array: NDArray) -> float:
    if not np.issubdtype(array.dtype, np.floating):
        return float(np.count_nonzero(array))
    return float(np.sum(array, where=array >= NEGLIGIBLE_PROBABILITY, dtype=np.float64))


def _head_foot_extent_mm(indices: NDArray[np.int64], affine: NDArray[np.float64]) -> float:
    if not len(indices):
        return 0.0
    z_mm = indices @ affine[2, :3]
    return float(np.ptp(z_mm) + np.abs(affine[2, :3]).sum())


def _piece_diameters(piece: NDArray[np.bool_], affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return long axial, perpendicular axial and longest diameter of one cropped piece, mm."""
    steps_mm = affine[:3, :3]
    head_foot = int(np.argmax(np.abs(steps_mm[2]) / np.linalg.norm(steps_mm, axis=0)))
    planes = (np.argwhere(plane) for plane in np.moveaxis(piece, head_foot, 0))
    sides_mm = np.delete(np.linalg.norm(steps_mm, axis=0), head_foot)
    long_mm, across_mm = max(_plane_diameters(indices, sides_mm) for indices in planes)
    surface = piece & ~ndimage.binary_erosion(piece)
    faces_mm = _faces(np.argwhere(surface)) @ steps_mm.T
    return long_mm, across_mm, float(pdist(_hull(faces_mm)).max())


def _plane_diameters(indices: NDArray[np.int64], sides_mm: NDArray[np.float64]) -> tuple[float, float]:
    """Return the longest diameter of the pixels of one plane and their width across it, mm."""
    if not len(indices):
        return 0.0, 0.0
    outline_mm = _hull(_faces(indices) * sides_mm)
    distances_mm = squareform(pdist(outline_mm))
    start, end = np.unravel_index(int(np.argmax(distances_mm)), distances_mm.shape)
    along = (outline_mm[end] - outline_mm[start]) / distances_mm[start, end]
    across_mm = outline_mm @ np.array([-along[1], along[0]])
    return float(distances_mm[start, end]), float(np.ptp(across_mm))


def _faces(indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the centres of all faces of the given pixels or voxels, in index units."""
    return np.concatenate(list(_shifted(indices)))


def _shifted(indices: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    for half_step in np.eye(indices.shape[1]) / 2:
        yield indices - half_step
        yield indices + half_step


def _hull(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep the points on the convex hull: both ends of a longest diameter lie on it."""
    return points_mm[ConvexHull(points_mm).vertices]
