"""Some slices of a scan side by side as a small picture, so that a person can see what a series is."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SHOWN = (0.25, 0.5, 0.75)
"""Slices of a picture, as shares of the way through the stack."""

MOST_PIXELS = 256
"""Longest edge of one slice in a picture."""

GREYS = (1.0, 99.0)
"""Percentiles that are shown black and white."""


def side_by_side(array: NDArray, most_pixels: int = MOST_PIXELS) -> bytes:
    """Return slices of a stack ``[column, row, slice]`` side by side, as a PNG of 8 bits."""
    places = [round(share * (array.shape[2] - 1)) for share in SHOWN]
    step = max(1, -(-max(array.shape[:2]) // most_pixels))
    shown = np.hstack([array[::step, ::step, place].T for place in dict.fromkeys(places)]).astype(np.float64)
    low, high = np.percentile(shown, GREYS)
    grey = np.clip((shown - low) / max(high - low, 1e-9), 0, 1) * 255
    return png(np.rint(grey).astype(np.uint8))


def png(grey: NDArray[np.uint8]) -> bytes:
    """Return an image ``[row, column]`` of 8 bits as a PNG (ISO/IEC 15948, colour type 0)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row_count, column_count = grey.shape
    lines = np.hstack([np.zeros((row_count, 1), np.uint8), grey]).tobytes()
    head = struct.pack(">IIBBBBB", column_count, row_count, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
