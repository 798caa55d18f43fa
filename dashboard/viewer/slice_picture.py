"""A small picture of one slice: greys by this person's own cord, thin outlines, and a bar that says how long it is.

Nothing is ever measured on it. What it refuses: a grey for a place that nobody scanned.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dashboard.viewer.colours import COMPARTMENT_COLOURS

WHITE_AT = 2.5
"""Signal shown white, in signals of healthy cord; black is none."""

BAR_MM = 10.0
UNSCANNED = (88, 96, 112)
"""Colour of what nobody scanned: no grey, so that it is never taken for dark tissue."""

OUTLINED = {number for number, (name, _) in COMPARTMENT_COLOURS.items() if name not in ("cord", "enhancing")}
"""Labels that are drawn; the cord's would lie over the edge that one looks for."""

PERCENTILES = (1.0, 99.5)
"""Greys of a scan that shows too little healthy cord: its own darkest and brightest."""


def slice_picture(
    signal: NDArray[np.float32],
    cord_signal: float | None,
    labels: NDArray[np.uint8] | None,
    pixel_mm: float,
    excluded: Collection[int] = (),
    box: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Draw a slice; shape ``(rows, columns, 3)``.

    Parameters
    ----------
    signal
        Shape ``(rows, columns)``, NaN where nobody scanned; in the scan's own unit.
    cord_signal
        Signal of healthy cord on the same scan; None where it is not known, for greys of this slice alone.
    labels
        Same shape, label values; None for none.
    pixel_mm
        Size of a pixel, mm.
    excluded
        Labels that are not drawn.
    box
        Same shape as ``signal``; what lies in the box of a spectrum, whose edge is drawn white in black; None for none.
    """
    scanned = np.isfinite(signal)
    black, white = 0.0, WHITE_AT * (cord_signal or 1.0)
    if cord_signal is None and scanned.any():
        black, white = (float(level) for level in np.percentile(signal[scanned], PERCENTILES))
    share = (np.nan_to_num(signal) - black) / max(white - black, 1e-12)
    grey = np.rint(255 * np.clip(share, 0.0, 1.0)).astype(np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=2)
    picture[~scanned] = UNSCANNED
    if labels is not None:
        for number in sorted(OUTLINED - set(excluded)):
            inside = labels == number
            picture[inside & ~ndimage.binary_erosion(inside, border_value=1)] = _rgb(COMPARTMENT_COLOURS[number][1])
    if box is not None:
        inner = ndimage.binary_erosion(box, iterations=2, border_value=1)
        picture[ndimage.binary_dilation(box, iterations=1) & ~inner] = 0
        picture[box & ~ndimage.binary_erosion(box, border_value=1)] = 255
    return _with_bar(picture, pixel_mm)


def _with_bar(picture: NDArray[np.uint8], pixel_mm: float) -> NDArray[np.uint8]:
    """Draw a bar of :data:`BAR_MM` at the lower left, white in black."""
    length, thick, edge = round(BAR_MM / pixel_mm), max(2, round(0.6 / pixel_mm)), max(3, round(2.0 / pixel_mm))
    below, left = picture.shape[0] - edge, edge
    picture[below - thick - 1 : below + 1, left - 1 : left + length + 1] = 0
    picture[below - thick : below, left : left + length] = 255
    return picture


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
