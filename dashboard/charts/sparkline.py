"""Tiny courses for the rows of the board, as SVG: equal steepness means equal relative growth in every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dashboard.words import labels

WIDTH_PX = 132
HEIGHT_PX = 40
INSET_PX = 5
DECADES = 1.4
"""Height of every sparkline in powers of ten; flat courses look flat in all of them."""


@dataclass(frozen=True)
class Scale:
    """The time axis of a row, which its curves share."""

    first: pd.Timestamp
    last: pd.Timestamp

    def x(self, day: pd.Timestamp) -> float:
        """Return the horizontal place of a day, px."""
        span = max((self.last - self.first).days, 1)
        return INSET_PX + (WIDTH_PX - 2 * INSET_PX) * (day - self.first).days / span


def sparkline(
    dates: Sequence[pd.Timestamp],
    volumes_mm3: Sequence[float],
    scale: Scale,
    compartment: str,
    level_mm3: float | None = None,
    all_mm3: Sequence[float] | None = None,
) -> str:
    """Draw the measured volumes of one compartment; a volume of 0 is an open ring at the bottom.

    Parameters
    ----------
    dates, volumes_mm3
        In time order, without missing values.
    compartment
        Gives the colour.
    level_mm3
        Volume of a dashed line, where progression begins; None for none, and none is drawn beyond the upper edge.
    all_mm3
        All that was measured, drawn dashed, where ``volumes_mm3`` is what a rule compares; None where that is all.

    Returns
    -------
    str
        SVG markup that holds numbers only.
    """
    colour = labels.compartment(compartment).colour
    everything = list(volumes_mm3 if all_mm3 is None else all_mm3)
    seen = [math.log10(volume) for volume in (*volumes_mm3, *everything) if volume > 0]
    middle = (min(seen) + max(seen)) / 2 if seen else 0.0
    height = max(DECADES, (max(seen) - min(seen)) * 1.05) if seen else DECADES

    def placed(sizes: Sequence[float]) -> list[tuple[float, float]]:
        return [(scale.x(day), _y(volume, middle, height)) for day, volume in zip(dates, sizes, strict=True)]

    points = placed(volumes_mm3)
    dashed = "" if all_mm3 is None else _path(placed(everything), f'stroke="{colour}" stroke-dasharray="2 2"')
    dots = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3.2 if i == len(points) - 1 else 2.4 if volume == 0 else 1.6}" '
        f'fill="{"#ffffff" if volume == 0 else colour}" stroke="{colour}"/>'
        for i, ((x, y), volume) in enumerate(zip(points, volumes_mm3, strict=True))
    ]
    line = _dashed(level_mm3, middle, height)
    solid = _path(points, f'stroke="{colour}" stroke-width="1.5"')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{HEIGHT_PX}" '
        f'viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}">{line}'
        f"{solid}{dashed}{''.join(dots)}</svg>"
    )


def _path(points: Sequence[tuple[float, float]], stroke: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" {stroke}/>'


def _dashed(level_mm3: float | None, middle: float, height: float) -> str:
    if not level_mm3 or abs(math.log10(level_mm3) - middle) > height / 2:
        return ""
    y = _y(level_mm3, middle, height)
    red = labels.DISPLAY_STATES["growth"].colour
    ends = f'x1="0" x2="{WIDTH_PX}" y1="{y:.1f}" y2="{y:.1f}"'
    return f'<line {ends} stroke="{red}" stroke-width="1" stroke-dasharray="3 3"/>'


def _y(volume_mm3: float, middle: float, height: float) -> float:
    """Return the vertical place of a volume, px from the top."""
    share = 0.5 - (math.log10(volume_mm3) - middle) / height if volume_mm3 > 0 else 1.0
    return INSET_PX + (HEIGHT_PX - 2 * INSET_PX) * min(max(share, 0.0), 1.0)
