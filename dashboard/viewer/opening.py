"""Where the viewer opens: the slice that matters, and the grey values around what is marked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from dashboard.viewer.panes import NOT_SCANNED, Pane, crop_to

LESION_WINDOW_MM = 15.0
"""How far around the marked tissue the narrow window looks, mm; covers the cord and the fluid around it."""

AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The array axis that each plane is a slice across."""


def largest_section(panes: Sequence[Pane], values: Collection[int], plane: str = "sagittal") -> tuple[int, int, int]:
    """Find the slice of a plane with the largest marked area in any pane, and the middle of that area.

    Parameters
    ----------
    panes
        On one grid.
    values
        Labels that count, in any order.
    plane
        Key of ``AXES``.

    Returns
    -------
    tuple of int
        Voxel (i, j, k); the middle of the grid when none of the labels is present.
    """
    axis = AXES[plane]
    others = tuple(other for other in range(3) if other != axis)
    marked = [np.isin(pane.labels, list(values)) for pane in panes if pane.labels is not None]
    areas = [mask.sum(axis=others) for mask in marked]
    place = [n // 2 for n in panes[0].image.shape]
    if areas and max(int(area.max()) for area in areas) > 0:
        largest = max(range(len(marked)), key=lambda pane: int(areas[pane].max()))
        place[axis] = int(areas[largest].argmax())
        middle = np.nonzero(marked[largest].take(place[axis], axis=axis))
        for other, found in zip(others, middle, strict=True):
            place[other] = round(float(found.mean()))
    return place[0], place[1], place[2]


def place_of(pane: Pane, voxel: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return where a voxel of a pane lies in the reference space, mm along the axes of the reference grid."""
    at = np.array(voxel, dtype=np.float64)
    if pane.link is not None:
        x, y, z = pane.link.to_reference.at(at[np.newaxis])[0]
    else:
        x, y, z = at * pane.spacing_mm + (pane.origin_mm or np.zeros(3))
    return float(x), float(y), float(z)


def largest_place(panes: Sequence[Pane], values: Collection[int], plane: str) -> tuple[float, float, float]:
    """Find the largest section of some labels, also among panes in their own grids, as :func:`place_of` says it."""
    if panes[0].link is None:
        return place_of(panes[0], largest_section(panes, values, plane))
    sections = [(pane, largest_section([pane], values, plane)) for pane in panes]
    return place_of(*max(sections, key=lambda section: _area_mm2(section[0], section[1], values, plane)))


def _area_mm2(pane: Pane, voxel: tuple[int, int, int], values: Collection[int], plane: str) -> float:
    axis = AXES[plane]
    marked = 0 if pane.labels is None else np.isin(pane.labels.take(voxel[axis], axis=axis), list(values)).sum()
    return float(marked * np.prod(pane.spacing_mm) / pane.spacing_mm[axis])


def narrow_window(panes: Sequence[Pane]) -> tuple[int, int]:
    """Return the grey values (2nd and 98th percentile) around marked tissue, or the full range without marks."""
    near = crop_to(panes, LESION_WINDOW_MM) if panes[0].link is None else [_near(pane) for pane in panes]
    marked = [pane for pane in near if pane.labels is not None and pane.labels.any()]
    shown = near if panes[0].link is None else marked
    values = np.concatenate([pane.image[pane.image != NOT_SCANNED] for pane in shown]) if marked else np.zeros(0)
    if values.size == 0:
        return 1, 255
    low, high = np.percentile(values, [2, 98])
    return int(low), max(int(high), int(low) + 8)


def _near(pane: Pane) -> Pane:
    return crop_to([pane], LESION_WINDOW_MM)[0]
