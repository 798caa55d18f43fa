"""Scans as they were acquired: each in its own grid, never resampled, linked through the patient's alignments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dashboard.viewer.grid_links import Box, Link, box_of, corners_of, table_of
from dashboard.viewer.panes import Pane, pane_of, to_ras
from pipeline.core.transform import Transform, move_points
from pipeline.core.volume import Volume, to_voxel, to_world

FACE = 0.5
"""Distance of a voxel's face from its centre, voxels."""


@dataclass(frozen=True, eq=False)
class OwnScan:
    """A scan in its own grid.

    Attributes
    ----------
    mask
        Labels on the scan's grid; None when there are none.
    to_reference, from_reference
        Move points between the scan's world and that of the reference scan.
    """

    title: str
    sequence: str
    scan: Volume
    mask: Volume | None
    to_reference: Transform
    from_reference: Transform


def own_panes(
    scans: Sequence[OwnScan],
    reference: Volume,
    margin_mm: float | None,
    places: Sequence[tuple[float, float, float]] = (),
) -> tuple[Pane, ...]:
    """Cut the same region out of every scan and link the pieces.

    All pieces have the same size in mm to within a voxel, so that they are drawn at one scale; where a scan does not
    reach, a piece is filled with "not scanned".

    Parameters
    ----------
    reference
        The reference grid; its array is not read.
    margin_mm
        Kept around everything marked in any scan; None for all that any of them shows.
    places
        Places in mm along the axes of the reference grid that are kept, too.
    """
    axes = to_ras(reference).affine[:3, :3] / to_ras(reference).spacing_mm
    ways = [_Way(to_ras(scan.scan).affine, scan, axes) for scan in scans]
    panes = [replace(pane_of(scan.title, scan.scan, scan.mask), sequence=scan.sequence) for scan in scans]
    region = _region(panes, ways, margin_mm, places)
    boxes = [box_of(way.to_voxels(corners_of(region))) for way in ways]
    sizes_mm = [(high - low) * pane.spacing_mm for (low, high), pane in zip(boxes, panes, strict=True)]
    size_mm = np.max(sizes_mm, axis=0)
    cut, moved = [], []
    for (low, high), pane, way in zip(boxes, panes, ways, strict=True):
        count = np.ceil(size_mm / pane.spacing_mm - 1e-6).astype(int)
        first = np.round((low + high) / 2 - (count - 1) / 2).astype(int)
        cut.append(_cut(pane, first, count))
        moved.append(way.from_voxel(first))
    return _linked(cut, moved)


@dataclass(frozen=True, eq=False)
class _Way:
    """From the voxels of an upright scan to mm along the axes of the reference grid, and back."""

    affine: NDArray[np.float64]
    scan: OwnScan
    axes: NDArray[np.float64]

    def to_mm(self, voxels: NDArray) -> NDArray[np.float64]:
        return move_points(self.scan.to_reference, to_world(self.affine, voxels)) @ self.axes

    def to_voxels(self, mm: NDArray) -> NDArray[np.float64]:
        return to_voxel(self.affine, move_points(self.scan.from_reference, mm @ self.axes.T))

    def from_voxel(self, first: NDArray) -> _Way:
        affine = self.affine.copy()
        affine[:3, 3] = to_world(self.affine, first)
        return replace(self, affine=affine)


def _region(
    panes: Sequence[Pane], ways: Sequence[_Way], margin_mm: float | None, places: Sequence[tuple[float, float, float]]
) -> Box:
    """Return the box that is shown, in mm of the reference space: around what is marked, as far as any scan goes."""
    shown = [_extent(np.zeros(3), np.array(pane.image.shape) - 1, way) for pane, way in zip(panes, ways, strict=True)]
    low, high = box_of(np.concatenate(shown))
    marked = [
        _extent(*box_of(np.argwhere(pane.labels)), way)
        for pane, way in zip(panes, ways, strict=True)
        if pane.labels is not None and pane.labels.any()
    ]
    if margin_mm is None or not (marked or places):
        return low, high
    near = box_of(np.concatenate([*marked, np.reshape(places, (-1, 3))]))
    return np.maximum(low, near[0] - margin_mm), np.minimum(high, near[1] + margin_mm)


def _extent(low: NDArray, high: NDArray, way: _Way) -> NDArray[np.float64]:
    return way.to_mm(corners_of((low - FACE, high + FACE)))


def _cut(pane: Pane, first: NDArray, count: NDArray) -> Pane:
    """Return voxels ``first`` to ``first + count`` of a pane; what lies outside it is 0."""
    inside = [slice(max(0, f), min(n, f + c)) for f, c, n in zip(first, count, pane.image.shape, strict=True)]
    place = tuple(slice(s.start - f, s.stop - f) for s, f in zip(inside, first, strict=True))

    def piece(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
        empty = np.zeros(tuple(count), dtype=np.uint8)
        empty[place] = array[tuple(inside)]
        return empty

    labels = None if pane.labels is None else piece(pane.labels)
    assert pane.origin_mm is not None, "pane_of knows where a scan lies"
    x, y, z = np.array(pane.origin_mm) + first * np.array(pane.spacing_mm)
    return replace(pane, image=piece(pane.image), labels=labels, origin_mm=(float(x), float(y), float(z)))


def _linked(panes: Sequence[Pane], ways: Sequence[_Way]) -> tuple[Pane, ...]:
    boxes = [(np.full(3, -FACE), np.array(pane.image.shape) - FACE) for pane in panes]
    out = [
        table_of(way.to_mm, box, np.array(pane.spacing_mm)) for way, box, pane in zip(ways, boxes, panes, strict=True)
    ]
    whole = box_of(np.concatenate([table.values.reshape(-1, 3) for table in out]))
    back = [table_of(way.to_voxels, whole, np.ones(3)) for way in ways]
    return tuple(replace(pane, link=Link(*both)) for pane, *both in zip(panes, out, back, strict=True))
