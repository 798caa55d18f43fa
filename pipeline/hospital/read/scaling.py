"""Philips' second scale: what displayed values are larger by than the signal, which may differ from slice to slice.

Philips scales stored values twice: rescale slope (0028,1053) and intercept give values for display, a private scale
slope (2005,100E) beside them the signal as it was measured (Chenevert 2014, doi:10.1016/j.tranon.2014.05.003):
signal = display / (rescale slope * scale slope). Display values of one series are comparable where that product is the
same for all of its slices.
"""

from __future__ import annotations

import math
from typing import Any

from pydicom.tag import BaseTag, Tag

from pipeline.hospital.read.header_values import number

CREATOR = "Philips MR Imaging DD 001"
BLOCKS = range(0x10, 0x14)
SCALE_SLOPE = 0x0E
PRIVATE_TAGS: tuple[BaseTag, ...] = tuple(
    tag for block in BLOCKS for tag in (Tag(0x2005, block), Tag(0x2005, block << 8 | SCALE_SLOPE))
)
"""Private elements to read: creators and values in the first blocks."""

ENHANCED = Tag(0x2005, 0x140F)
"""The private group of an enhanced object's frame that holds its scale slope."""


def gain_of(dataset: Any, rescale_slope: float | None = None) -> float | None:
    """Return by how much displayed values are larger than the signal; None where Philips' scale slope is not there.

    Parameters
    ----------
    rescale_slope
        The slope of a frame whose group ``dataset`` is; that of ``dataset`` itself when None.
    """
    rescale_slope = rescale_slope or number(dataset, "RescaleSlope") or 1.0
    for block in BLOCKS:
        creator, element = dataset.get(Tag(0x2005, block)), dataset.get(Tag(0x2005, block << 8 | SCALE_SLOPE))
        if element is None or str(getattr(creator, "value", "")).strip() != CREATOR:
            continue
        try:
            gain = float(element.value) * rescale_slope
        except (TypeError, ValueError):
            continue
        if math.isfinite(gain) and gain > 0:
            return gain
    return None
