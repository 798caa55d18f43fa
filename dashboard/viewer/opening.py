"""Where the viewer opens: the slice that matters, or the one that a link names."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboard.viewer.panes import Pane

AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The array axis that each plane is a slice across."""

VIEWS = (*AXES, "multiplanar", "render")
"""What can be looked at: a plane, all planes, or 3D; the plain viewer shows sagittal slices for the last two."""

MODES = ("side", "blend", "swipe", "difference")
"""How two visits are compared: side by side, or in one picture."""

WORDS = (4, 6, 8)
"""Words of a link: view and place; then also comparison and window; then also zoom and windows set by hand."""

ZOOMS = (0.5, 20.0)
"""Least and most that a picture is enlarged."""

Place = tuple[float, float, float]
"""Mm along the right, anterior and superior axes of the reference grid."""


@dataclass(frozen=True)
class Opening:
    """What a link keeps: view and place of the crosshair, how visits are compared, window and zoom.

    ``window`` is the name of a preset; one that these scans do not have is the same as none. ``zoom`` is about the
    crosshair. ``levels`` are the darkest and brightest grey value (0 to 255) of each picture where somebody set them
    by hand, else empty; they count only where there are as many pictures.
    """

    view: str
    place: Place
    mode: str = "side"
    window: str = ""
    zoom: float = 1.0
    levels: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class ViewLink:
    """What a link says, and what is done with the words of a new one when somebody asks for it.

    ``page_keys`` press a button of the page, by the name of its widget, and nothing in the viewer.
    """

    opening: Opening | None
    keep: Callable[[str], None]
    page_keys: Mapping[str, str] = field(default_factory=dict)


def opening_of(words: str | None) -> Opening | None:
    """Read what a link says about the viewer; None when it says nothing that can be shown.

    Examples
    --------
    >>> opening_of("axial_12.5_-4.0_33.1_blend_lesion").window
    'lesion'
    >>> opening_of("axial_12.5_-4.0_33.1").mode
    'side'
    >>> opening_of("axial_12.5_-4.0_33.1_side_full_2.5_20~180").levels
    ((20.0, 180.0),)
    >>> opening_of("axial_here")
    """
    parts = (words or "").split("_")
    if len(parts) not in WORDS:
        return None
    view, x, y, z, mode, window, zoom, levels = [*parts, *("side", "", "1", "")[len(parts) - 4 :]]
    try:
        place = float(x), float(y), float(z)
        by_hand = tuple(tuple(map(float, pair.split("~"))) for pair in levels.split(",") if pair)
        enlarged = float(zoom)
    except ValueError:
        return None
    numbers = (*place, enlarged, *(level for pair in by_hand for level in pair))
    if view not in VIEWS or mode not in MODES or not all(map(math.isfinite, numbers)):
        return None
    if any(len(pair) != 2 or not 0 <= pair[0] < pair[1] <= 255 for pair in by_hand):
        by_hand = ()
    return Opening(view, place, mode, window, min(max(enlarged, ZOOMS[0]), ZOOMS[1]), by_hand)


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
        for other, indices in zip(others, middle, strict=True):
            place[other] = round(float(indices.mean()))
    return place[0], place[1], place[2]


def place_of(pane: Pane, voxel: tuple[int, int, int]) -> Place:
    """Return where a voxel of a pane lies in the reference space, mm along the axes of the reference grid."""
    at = np.array(voxel, dtype=np.float64)
    if pane.link is not None:
        x, y, z = pane.link.to_reference.at(at[np.newaxis])[0]
    else:
        x, y, z = at * pane.spacing_mm + (pane.origin_mm or np.zeros(3))
    return float(x), float(y), float(z)


def largest_place(panes: Sequence[Pane], values: Collection[int], plane: str) -> Place:
    """Find the largest section of some labels, also among panes in their own grids, as :func:`place_of` says it."""
    if panes[0].link is None:
        return place_of(panes[0], largest_section(panes, values, plane))
    sections = [(pane, largest_section([pane], values, plane)) for pane in panes]
    return place_of(*max(sections, key=lambda section: _area_mm2(section[0], section[1], values, plane)))


def _area_mm2(pane: Pane, voxel: tuple[int, int, int], values: Collection[int], plane: str) -> float:
    axis = AXES[plane]
    marked = 0 if pane.labels is None else np.isin(pane.labels.take(voxel[axis], axis=axis), list(values)).sum()
    return float(marked * np.prod(pane.spacing_mm) / pane.spacing_mm[axis])
