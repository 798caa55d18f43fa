"""What each tissue shows on each kind of scan, and the canvas that it is painted on.

Signals are in units in which cerebrospinal fluid has 100 on T2w and subcutaneous fat 100 on T1w; the diffusion
coefficient is in 10^-6 mm²/s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.shapes import Array

CHANNELS = ("T2w", "T1w_ce", "T1w", "T2starw", "ADC")
SIGNAL = {
    "air": (0.5, 0.5, 0.5, 0.5, 0),
    "skin": (30, 38, 38, 30, 900),
    "fat": (84, 100, 100, 60, 150),
    "muscle": (22, 36, 36, 34, 1500),
    "ligament": (20, 26, 26, 16, 1100),
    "cortex": (5, 5, 5, 3, 300),
    "marrow": (44, 58, 58, 26, 400),
    "vein": (62, 62, 34, 30, 1800),
    "annulus": (13, 24, 24, 20, 1300),
    "nucleus": (58, 33, 33, 62, 1800),
    "epidural": (80, 88, 84, 56, 400),
    "dura": (14, 32, 24, 20, 1000),
    "csf": (100, 12, 12, 96, 3000),
    "root": (45, 34, 32, 50, 1300),
    "white": (37, 42, 42, 46, 900),
    "grey": (43, 38, 38, 52, 850),
    "tumour": (64, 92, 40, 66, 1350),
    "dark tumour": (64, 92, 31, 66, 1350),
    "still tumour": (64, 40, 40, 66, 1350),
    "still dark tumour": (64, 31, 31, 66, 1350),
    "cap": (14, 30, 30, 5, 700),
    "cyst": (92, 20, 18, 88, 2600),
    "cavity": (97, 14, 14, 92, 2900),
    "syrinx": (95, 14, 14, 90, 2900),
    "oedema": (60, 36, 36, 62, 1500),
    "scar": (50, 58, 44, 40, 1200),
}
"""Tissue to what it shows in each of :data:`CHANNELS`; ratios as on ordinary scans at 1.5 to 3 tesla.

*Still* tumour takes up no contrast agent; *dark* tumour is darker than the cord on T1w before it.
"""

EVEN = frozenset({"ADC"})
"""Channels in which a tissue has no texture, so that what is true of it is one number."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """Signals at the points of a scan.

    Attributes
    ----------
    values
        Shape ``(C, ...)``.
    channels
        Names of the ``C`` channels.
    """

    values: Array
    channels: tuple[str, ...]


def paint(
    canvas: Canvas, where: Array | float, tissue: str, factor: Array | float = 1.0, only: str | None = None
) -> None:
    """Cover a canvas with a tissue's signals, in place, by its membership; ``only`` names one channel to be covered."""
    for row, channel in enumerate(canvas.channels):
        if only in (None, channel):
            signal = np.float32(SIGNAL[tissue][CHANNELS.index(channel)])
            textured = signal * np.float32(1.0 if channel in EVEN else factor)
            canvas.values[row] += where * (textured - canvas.values[row])
