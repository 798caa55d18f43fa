"""A lesion in its cord, and the voxels of each scan of the visit that lie near the cord, told by where they lie.

Everything is in the world of the scan that the masks were drawn on (the anchor). A scan stays on its own grid: the
masks are looked up at the places of its voxels, so that no signal is ever interpolated. What this module refuses:
voxels that nobody scanned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from pipeline.core.signal_reach import padding_of
from pipeline.core.transform import Transform, inverse, move_points
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.measure.cord import CentreLine, LineSource
from pipeline.measure.volumes import OBJECT_PROBABILITY

NEAR_MM = 12.0
"""How far from the centre line a voxel is looked at, mm: beyond lies no cord, however wide."""

SAMPLED_MM = 1.3
"""A voxel is looked up in the masks at points no further apart than this, mm."""

MOST_POINTS = 4
USUAL_RADIUS_MM = 5.0
SHARES = (0.9, 0.75, 0.6)
"""Share of a voxel that must be solid tumour, lowered where a thick scan of a small lesion has too few."""


@dataclass(frozen=True, eq=False)
class CordCourse:
    """The cord's centre line in the visit's own world, with its radius along it.

    Attributes
    ----------
    line
        Every millimetre from foot to head.
    radius_mm
        Shape ``(N,)``; radius of a circle of the cord's section, mm.
    is_drawn
        It comes from a mask of the cord, not from the scan alone.
    """

    line: CentreLine
    radius_mm: NDArray[np.float64]
    is_drawn: bool

    @classmethod
    def of_points(cls, points_mm: NDArray[np.float64], radius_mm: NDArray[np.float64]) -> CordCourse:
        """Return the course along points a millimetre apart, ``(N, 3)`` from foot to head, with radii, NaN unknown."""
        tangents = np.gradient(points_mm, axis=0)
        tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
        positions_mm = np.arange(len(points_mm), dtype=np.float64) - len(points_mm) // 2
        line = CentreLine(points_mm, tangents, positions_mm, LineSource.FOUND)
        return cls(line, np.where(np.isfinite(radius_mm), radius_mm, USUAL_RADIUS_MM), is_drawn=False)

    @cached_property
    def tree(self) -> cKDTree:
        """The points of the line, to find the nearest."""
        return cKDTree(self.line.points_mm)


@dataclass(frozen=True, eq=False)
class AlignedScan:
    """One scan of the visit on its own grid; ``from_anchor`` moves points from the anchor's world into its own.

    ``made_from`` says in words what a map was computed from; None for what the scanner sent.
    """

    image: Volume
    from_anchor: Transform
    path: str
    contrast: str
    made_from: str | None = None

    @cached_property
    def to_anchor(self) -> Transform:
        """Moves points from the scan's world into the anchor's."""
        return inverse(self.from_anchor)


@dataclass(frozen=True, eq=False)
class LesionScene:
    """One lesion with all that was drawn around it, on the anchor's grid.

    Attributes
    ----------
    solid
        Mask of the lesion's solid tumour, boolean.
    others
        Masks by compartment; other lesions' tumour among them. Compartments that somebody looked for and that are not
        there are empty masks.
    course
        None with ``no_course_reason`` where no cord was found.
    unsigned
        Compartments that a program marked by itself and nobody signed.
    """

    solid: Volume
    others: Mapping[Compartment, Volume]
    course: CordCourse | None
    no_course_reason: str | None = None
    unsigned: frozenset[Compartment] = frozenset()

    @cached_property
    def depth_mm(self) -> NDArray[np.float32]:
        """Depth of each voxel within the solid tumour, mm; 0 outside, shape ``(I, J, K)``."""
        depth = np.zeros(self.solid.shape, dtype=np.float32)
        box = box_of(self.solid.array, 2)
        if box is not None:
            half_mm = float(self.solid.spacing_mm.min()) / 2
            inner = ndimage.distance_transform_edt(self.solid.array[box], sampling=self.solid.spacing_mm)
            depth[box] = np.maximum(inner - half_mm, 0) * self.solid.array[box]
        return depth

    def ends_mm(self, mask: Volume) -> tuple[float, float] | None:
        """Return the lower and upper end of a mask along the cord, mm; None when it is empty or there is no line."""
        return self.ends_of_voxels_mm(np.argwhere(mask.array >= OBJECT_PROBABILITY), mask.affine)

    def ends_of_voxels_mm(self, places: NDArray[np.intp], affine: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the lower and upper end of voxels ``(N, 3)`` along the cord, mm; None of none and without a line."""
        if self.course is None or not len(places):
            return None
        positions_mm, _ = along(self.course, to_world(affine, places))
        half_mm = float(np.abs(affine[2, :3]).sum()) / 2
        return float(positions_mm.min() - half_mm), float(positions_mm.max() + half_mm)

    @cached_property
    def extents_mm(self) -> tuple[float, float] | None:
        """Lower and upper end of all that is no healthy cord, mm."""
        ends = [self.ends_mm(mask) for mask in (self.solid, *self._lesions)]
        placed = [one for one in ends if one is not None]
        return (min(low for low, _ in placed), max(high for _, high in placed)) if placed else None

    @property
    def _lesions(self) -> list[Volume]:
        return [mask for compartment, mask in self.others.items() if compartment != Compartment.CORD]

    @property
    def beside(self) -> Volume:
        """Mask of everything drawn that is neither this solid tumour nor cord."""
        union = np.zeros(self.solid.shape, dtype=bool)
        for mask in self._lesions:
            union |= mask.array >= OBJECT_PROBABILITY
        return self.solid.with_array(union & ~self.solid.array)


@dataclass(frozen=True, eq=False)
class CordVoxels:
    """The voxels of one scan near the cord; all arrays have shape ``(N,)``.

    Attributes
    ----------
    indices
        Shape ``(N, 3)``; in the scan's own array.
    values
        Signal, in the scan's own unit.
    position_mm, away_mm
        Along the centre line and from it, mm.
    radius_mm
        Of the cord there, mm.
    solid, beside
        Share of the voxel in the lesion's solid tumour, and in anything else that was drawn, 0 to 1.
    depth_mm
        Of its middle within the solid tumour, mm.
    """

    scan: AlignedScan
    indices: NDArray[np.intp]
    values: NDArray[np.float64]
    position_mm: NDArray[np.float64]
    away_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    solid: NDArray[np.float64]
    beside: NDArray[np.float64]
    depth_mm: NDArray[np.float64]

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, mm³."""
        return self.scan.image.voxel_mm3

    def core(self, least: int) -> NDArray[np.bool_]:
        """Mark the voxels well within the solid tumour: the deepest set of which there are enough."""
        for share, depth_mm in ((0.99, 2.0), (0.99, 1.5), (0.97, 1.0), (0.95, 0.5)):
            inner = (self.solid >= share) & (self.depth_mm >= depth_mm)
            if inner.sum() >= 3 * least:
                return inner
        return self.mostly(least)

    def mostly(self, least: int) -> NDArray[np.bool_]:
        """Mark the voxels that lie wholly in the solid tumour, or where those are too few for the most part."""
        for share in SHARES:
            inner = self.solid >= share
            if inner.sum() >= least:
                return inner
        return self.solid >= SHARES[-1]


def box_of(inside: NDArray, margin: int) -> tuple[slice, ...] | None:
    """Return the box around what is set, wider by some voxels; None when nothing is."""
    places = ndimage.find_objects((inside >= OBJECT_PROBABILITY).astype(np.int8))
    if not places:
        return None
    return tuple(
        slice(max(part.start - margin, 0), min(part.stop + margin, size))
        for part, size in zip(places[0], inside.shape, strict=True)
    )


def object_points(mask: Volume) -> NDArray[np.float64]:
    """Return the middles of a mask's voxels, RAS+ mm, shape ``(N, 3)``."""
    return to_world(mask.affine, np.argwhere(mask.array >= OBJECT_PROBABILITY))


def along(course: CordCourse, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the positions of points along the cord, mm, and the point of the line that each is nearest to."""
    _, nearest = course.tree.query(points_mm)
    return _positions(course, points_mm, nearest), nearest


def _positions(course: CordCourse, points_mm: NDArray[np.float64], nearest: NDArray[np.intp]) -> NDArray[np.float64]:
    offset_mm = np.einsum("ni,ni->n", points_mm - course.line.points_mm[nearest], course.line.tangents[nearest])
    return np.asarray(course.line.positions_mm[nearest] + offset_mm)


def voxels_near(scan: AlignedScan, scene: LesionScene) -> CordVoxels | None:
    """Lay a scan's voxels along the cord; None where there is no centre line or the scan does not reach it."""
    if scene.course is None:
        return None
    course = scene.course
    indices = _candidates(scan, course)
    if not len(indices):
        return None
    points_mm = move_points(scan.to_anchor, to_world(scan.image.affine, indices))
    distance_mm, nearest = course.tree.query(points_mm, distance_upper_bound=NEAR_MM)
    near = np.isfinite(distance_mm)
    if not near.any():
        return None
    indices, points_mm, nearest = indices[near], points_mm[near], nearest[near]
    position_mm = _positions(course, points_mm, nearest)
    sideways_mm = points_mm - course.line.points_mm[nearest]
    offset_mm = position_mm - course.line.positions_mm[nearest]
    away_mm = np.linalg.norm(sideways_mm - offset_mm[:, None] * course.line.tangents[nearest], axis=1)
    return CordVoxels(
        scan, indices, scan.image.array[tuple(indices.T)].astype(np.float64), position_mm, away_mm,
        course.radius_mm[nearest], _share(scan, scene.solid, points_mm), _share(scan, scene.beside, points_mm),
        _looked_up(scene.solid.with_array(scene.depth_mm), points_mm),
    )  # fmt: skip


def share_in(
    scan: AlignedScan, mask: Volume, indices: NDArray[np.intp], off_mm: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the share of some of a scan's voxels ``(N, 3)`` that lies in a mask on the anchor's grid, 0 to 1.

    ``off_mm`` is how far the scan is taken to lie from where it was laid, in the anchor's world.
    """
    places_mm = move_points(scan.to_anchor, to_world(scan.image.affine, indices))
    return _share(scan, mask, places_mm if off_mm is None else places_mm + off_mm)


def _candidates(scan: AlignedScan, course: CordCourse) -> NDArray[np.intp]:
    """Return the voxels in the box around the line that were scanned, shape ``(N, 3)``."""
    on_line = to_voxel(scan.image.affine, move_points(scan.from_anchor, course.line.points_mm))
    reach = NEAR_MM / scan.image.spacing_mm
    size = np.array(scan.image.shape)
    inside = np.all((on_line >= -reach) & (on_line <= size - 1 + reach), axis=1)
    if not inside.any():
        return np.zeros((0, 3), dtype=np.intp)
    low = np.maximum(np.floor(on_line[inside].min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(on_line[inside].max(axis=0) + reach) + 1, size).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    scanned = np.isfinite(scan.image.array[box])
    padding = padding_of(scan.image)
    if padding is not None:
        scanned &= ~padding[box]
    return np.argwhere(scanned) + low


def _share(scan: AlignedScan, mask: Volume, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each of the scan's voxels that lies in a mask, 0 to 1, looked up at points within it."""
    box = box_of(mask.array, 1)
    share = np.zeros(len(points_mm))
    if box is None:
        return share
    edges_mm = scan.to_anchor.matrix[:3, :3] @ scan.image.affine[:3, :3]
    corners = np.array([[part.start - 1, part.stop] for part in box]).T
    centre_mm = to_world(mask.affine, corners).mean(axis=0)
    reach_mm = np.linalg.norm(np.diff(to_world(mask.affine, corners), axis=0)) / 2 + np.abs(edges_mm).sum()
    near = np.linalg.norm(points_mm - centre_mm, axis=1) <= reach_mm
    counts = np.clip(np.ceil(scan.image.spacing_mm / SAMPLED_MM), 1, MOST_POINTS).astype(int)
    steps = [(np.arange(count) + 0.5) / count - 0.5 for count in counts]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    for offset in offsets:
        share[near] += _looked_up(mask, points_mm[near] + edges_mm @ offset) / len(offsets)
    return share


def _looked_up(mask: Volume, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what an array holds at points, 0 outside."""
    indices = to_voxel(mask.affine, points_mm).T
    values = mask.array if mask.array.dtype == np.float32 else mask.array.astype(np.float32)
    return np.asarray(ndimage.map_coordinates(values, indices, order=1, mode="constant"), dtype=np.float64)
