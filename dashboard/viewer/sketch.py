"""Drawing on one scan in its own grid, in the browser: clicks that are answered with an outline, brush, eraser, undo.

What is drawn stays in the browser until somebody uses it; then it comes back as runs of voxels, with the clicks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.viewer import assets
from dashboard.viewer.panes import to_ras, window_to_uint8
from dashboard.viewer.payload import one_cell
from pipeline.core.volume import Volume, to_voxel, to_world

AROUND_MM = 30.0
"""Shown on every side of the places that matter, mm."""

HEIGHT_PX = 520

_sketch = st.components.v2.component(
    "cordtrack_sketch",
    html=assets.text("sketch.html"),
    css=assets.text("slices.css", "sketch.css"),
    js=assets.script("showSketch", "draw.js", "controls.js", "sketch.js"),
)


@dataclass(frozen=True, eq=False)
class SketchSheet:
    """The part of a scan that is drawn on, upright: i, j, k grow towards right, anterior and superior.

    Attributes
    ----------
    image
        Grey values, uint8, with the part's own affine.
    whole
        The upright scan's grid; its array is not read.
    first
        Voxel of ``whole`` at which ``image`` begins.
    second
        Grey values of another contrast at the same places, and its name; None where there is none.
    """

    image: Volume
    whole: Volume
    first: NDArray[np.intp]
    second: tuple[NDArray[np.uint8], str] | None = None

    def places(self, voxels: NDArray) -> NDArray[np.float64]:
        """Return voxels of the sheet, shape ``(N, 3)``, in RAS+ mm."""
        return to_world(self.image.affine, voxels)

    def cut(self, mask: Volume) -> NDArray[np.uint8]:
        """Return the sheet's part of a mask on the scan's own grid, 0 and 1."""
        return np.ascontiguousarray(to_ras(mask).array[self._box] > 0, dtype=np.uint8)

    def drawn(self, runs: list[int]) -> Volume:
        """Return what was drawn, from starts and lengths of runs of marked voxels, on the whole upright grid.

        Raises
        ------
        ValueError
            A run that does not lie on the sheet.
        """
        array = np.zeros(self.whole.shape, dtype=np.uint8)
        array[self._box] = self.part(runs).array
        return self.whole.with_array(array)

    def part(self, runs: list[int]) -> Volume:
        """Return the same on the sheet alone.

        Raises
        ------
        ValueError
            A run that does not lie on the sheet.
        """
        flat = np.zeros(self.image.array.size, dtype=np.uint8)
        for start, length in zip(runs[::2], runs[1::2], strict=True):
            if not 0 <= start < start + length <= flat.size:
                msg = f"expected runs of voxels within {flat.size}, got {start} to {start + length}"
                raise ValueError(msg)
            flat[start : start + length] = 1
        return self.image.with_array(flat.reshape(self.image.shape))

    @property
    def _box(self) -> tuple[slice, ...]:
        ends = zip(self.first, self.first + self.image.shape, strict=True)
        return tuple(slice(int(low), int(high)) for low, high in ends)


def sheet_of(scan: Volume, around_mm: NDArray, second: tuple[Volume, str] | None = None) -> SketchSheet:
    """Cut out what is drawn on: :data:`AROUND_MM` around some places ``(N, 3)``, RAS+ mm; all where there is none.

    Parameters
    ----------
    second
        Another contrast on the same grid, and its name.
    """
    upright = to_ras(scan)
    grey = window_to_uint8(upright.array)
    low, high = np.zeros(3), np.array(upright.shape) - 1.0
    if len(around_mm):
        at, margin = to_voxel(upright.affine, around_mm), AROUND_MM / upright.spacing_mm
        low, high = np.maximum(at.min(axis=0) - margin, low), np.minimum(at.max(axis=0) + margin, high)
    first, last = np.floor(low).astype(int), np.ceil(high).astype(int) + 1
    affine = upright.affine.copy()
    affine[:3, 3] = to_world(upright.affine, first)
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    beside = None
    if second is not None:
        beside = np.ascontiguousarray(window_to_uint8(to_ras(second[0]).array)[box]), second[1]
    return SketchSheet(Volume(np.ascontiguousarray(grey[box]), affine), upright, first, beside)


@dataclass(frozen=True, eq=False)
class SketchAnswer:
    """What the server says to clicks: an outline, 0 and 1 on the sheet, or why there is none."""

    serial: int
    words: str = ""
    outline: NDArray[np.uint8] | None = None
    refusal: str | None = None


@dataclass(frozen=True, eq=False)
class SketchStart:
    """What is on a sheet at first.

    Attributes
    ----------
    labels
        0 and 1 on the sheet; None where nothing is drawn yet.
    voxel
        Of the sheet, to open at.
    colour
        CSS colour of the outline.
    hint
        What to do, in words.
    takes_focus
        Keys go to it at once.
    """

    labels: NDArray[np.uint8] | None
    voxel: tuple[int, int, int]
    colour: str
    hint: str
    takes_focus: bool = False


def sketch(
    sheet: SketchSheet,
    start: SketchStart,
    answer: SketchAnswer | None,
    *,
    key: str,
    asked: Callable[[Mapping[str, Any]], None],
    done: Callable[[Mapping[str, Any]], None],
) -> None:
    """Show a sheet to draw on.

    Parameters
    ----------
    answer
        To the clicks that came last.
    asked, done
        Called with what the browser says: clicks that want an outline; what is to be used.
    """
    labels = start.labels
    digest = hashlib.blake2b(sheet.image.array.tobytes(), digest_size=16)
    digest.update(b"" if labels is None else labels.tobytes())
    data = {
        "image": one_cell(sheet.image.array.tobytes()),
        "labels": None if labels is None else one_cell(labels.tobytes()),
        "second": None if sheet.second is None else one_cell(sheet.second[0].tobytes()),
        "second_name": None if sheet.second is None else sheet.second[1],
        "shape": [int(n) for n in sheet.image.shape],
        "spacing_mm": [float(mm) for mm in sheet.image.spacing_mm],
        "start": [int(at) for at in start.voxel],
        "colour": start.colour,
        "hint": start.hint,
        "takes_focus": start.takes_focus,
        "height": HEIGHT_PX,
        "signature": f"{key}-{digest.hexdigest()}",
        "answer": None
        if answer is None
        else {"serial": answer.serial, "words": answer.words, "refusal": answer.refusal},
        "outline": None if answer is None or answer.outline is None else one_cell(answer.outline.tobytes()),
    }
    callbacks = {"asked": asked, "done": done}

    def hear(name: str) -> Callable[[], None]:
        def tell() -> None:
            words = st.session_state[key][name]
            if words:
                callbacks[name](words)

        return tell

    _sketch(key=key, data=data, height="content", on_asked_change=hear("asked"), on_done_change=hear("done"))
