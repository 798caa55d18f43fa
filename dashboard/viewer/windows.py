"""Windows: which grey values are shown black and white, offered by name and explained.

MR intensities have no unit, so a window is made of percentiles of a region, for all scans of one sequence together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dashboard.viewer.panes import NOT_SCANNED, Pane, crop_to

LESION_WINDOW_MM = 15.0
"""How far around the marked tissue the lesion window looks, mm; covers the cord and the fluid around it."""

CORD_WINDOW_MM = 3.0
"""How far around the marked tissue cord is expected, mm; a cord is about 10 mm wide."""

FLUID_BRIGHT = "T2w"
"""Sequence whose name begins like this shows fluid bright."""

LEAST_WIDTH = 8
"""Grey values between black and white at the least."""

WHOLE = (1, 255)
"""Every grey value: from nearly the darkest to nearly the brightest of the scan."""

Window = tuple[int, int]
"""Grey values (1 to 255) shown black and white."""


@dataclass(frozen=True)
class Preset:
    """A window for each pane, with its name on the button and the words that explain it."""

    name: str
    windows: tuple[Window, ...]
    explained: str


def presets(panes: Sequence[Pane]) -> list[Preset]:
    """Offer windows: full, lesion and cord, and one for fluid where a T2w scan is among the panes."""
    lesion = _for_each(panes, narrow_window)
    offered = [
        Preset("full", tuple(WHOLE for _ in panes), "All greys of the scan"),
        Preset("lesion", lesion, f"More contrast: the greys within {LESION_WINDOW_MM:.0f} mm of what is marked"),
        Preset(
            "cord",
            _for_each(panes, cord_window),
            f"Brighter, for the cord itself: white from the upper quarter of the greys within {CORD_WINDOW_MM:.0f} mm "
            "of what is marked; fluid turns white",
        ),
    ]
    is_bright = [pane.sequence.startswith(FLUID_BRIGHT) for pane in panes]
    if any(is_bright):
        fluid = _for_each(panes, fluid_window)
        chosen = tuple(f if bright else other for f, other, bright in zip(fluid, lesion, is_bright, strict=True))
        words = "For cyst, syrinx and the fluid around the cord: the brighter half of the greys, T2w only"
        offered.append(Preset("fluid", chosen, words))
    return offered


def narrow_window(panes: Sequence[Pane]) -> Window:
    """Return the grey values (2nd and 98th percentile) around marked tissue, or the full range without marks."""
    return _between(_around(panes), 2, 98)


def cord_window(panes: Sequence[Pane]) -> Window:
    """Return the black of the lesion window, and as white the 75th percentile of marked tissue and what is next to it.

    The brightest quarter there is fluid, and may all be white; cord becomes a middle grey.
    """
    black, _ = narrow_window(panes)
    _, white = _between([_next_to_marks(pane) for pane in panes], 2, 75)
    return black, max(white, black + LEAST_WIDTH)


def fluid_window(panes: Sequence[Pane]) -> Window:
    """Return the brighter half of the grey values around marked tissue."""
    return _between(_around(panes), 50, 100)


def _for_each(panes: Sequence[Pane], window_of: Callable[[Sequence[Pane]], Window]) -> tuple[Window, ...]:
    """Return a window for each pane; those of one sequence share it."""
    alike = {name: [pane for pane in panes if pane.sequence == name] for name in {pane.sequence for pane in panes}}
    windows = {name: window_of(group) for name, group in alike.items()}
    return tuple(windows[pane.sequence] for pane in panes)


def _around(panes: Sequence[Pane]) -> list[NDArray[np.uint8]]:
    """Return the greys of the boxes around what is marked; nothing when nothing is."""
    if not any(_is_marked(pane) for pane in panes):
        return []
    if panes[0].link is None:
        return [pane.image for pane in crop_to(panes, LESION_WINDOW_MM)]
    return [crop_to([pane], LESION_WINDOW_MM)[0].image for pane in panes if _is_marked(pane)]


def _next_to_marks(pane: Pane) -> NDArray[np.uint8]:
    if not _is_marked(pane):
        return np.zeros(0, dtype=np.uint8)
    (near,) = crop_to([pane], CORD_WINDOW_MM)
    assert near.labels is not None, "marked panes have labels"
    distance_mm = ndimage.distance_transform_edt(near.labels == 0, sampling=near.spacing_mm)
    return near.image[distance_mm <= CORD_WINDOW_MM]


def _is_marked(pane: Pane) -> bool:
    return pane.labels is not None and bool(pane.labels.any())


def _between(greys: Sequence[NDArray[np.uint8]], low: float, high: float) -> Window:
    values = np.concatenate([grey[grey != NOT_SCANNED] for grey in greys]) if greys else np.zeros(0)
    if values.size == 0:
        return WHOLE
    black, white = np.percentile(values, [low, high])
    return int(black), max(int(white), int(black) + LEAST_WIDTH)
