"""What all figures share: type, grid, margins, volume axes and the way labels keep clear of each other."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.words.labels import GREY, GRID, INK, PALE, Look
from dashboard.words.markup import straight

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "pan2d", "zoomIn2d", "zoomOut2d"],
}
"""For every figure shown or exported: no logo, and no button that sends patient data anywhere."""
FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
FONT_SIZE = 13
CHARACTER_PX = 6.6
"""Mean width of a character at the font size above."""


PNG_SCALE = 3
"""Pixels of a saved picture for each on screen: about 300 to the inch."""


BUTTONS_PX = 32
"""Left free above what is drawn, so that the buttons that come with the pointer cover no word."""
TITLE: dict[str, Any] = {"font": {"size": 12, "color": GREY}, "standoff": 6}
"""Of every axis."""


def as_file(name: str, *, is_png: bool) -> dict[str, Any]:
    """Return the settings of a figure that its camera saves under a name, as SVG or as PNG in print quality."""
    image = {"format": "png", "scale": PNG_SCALE} if is_png else {"format": "svg", "scale": 1}
    return CONFIG | {"toImageButtonOptions": {**image, "filename": name}}


def _layout(height: int, margin: Mapping[str, float]) -> dict[str, Any]:
    room = max(0.0, BUTTONS_PX - margin["t"])
    axis = {"showgrid": True, "gridcolor": GRID, "zeroline": False, "linecolor": GRID, "ticks": "", "title": TITLE}
    return {
        "height": height + room,
        "margin": {"pad": 4, **margin, "t": margin["t"] + room},
        "font": {"family": FONT, "size": FONT_SIZE, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {**axis, "tickfont": {"color": GREY}},
        "yaxis": {**axis, "tickfont": {"color": GREY}},
        "hoverlabel": {"bgcolor": "#FFFFFF", "font": {"family": FONT, "size": FONT_SIZE}, "align": "left"},
        "showlegend": False,
        "dragmode": "pan",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": INK},
    }


class Sheet:
    """A figure in the making, as plain values: Plotly checks them once, when it is done, not at every mark added."""

    def __init__(self, height: int, margin: Mapping[str, float]) -> None:
        self.layout = _layout(height, margin)
        self.traces: list[dict[str, Any]] = []
        self.shapes: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []

    def add(self, kind: str, **values: Any) -> None:
        """Add a trace of a kind, such as ``bar`` or ``heatmap``."""
        self.traces.append({"type": kind, **values})

    def add_scatter(self, **values: Any) -> None:
        """Add marks or lines."""
        self.add("scatter", **values)

    def add_shape(self, **values: Any) -> None:
        """Add a line or a rectangle."""
        self.shapes.append(values)

    def add_annotation(self, **values: Any) -> None:
        """Add words."""
        self.notes.append(values)

    def axis(self, name: str, **values: Any) -> None:
        """Set properties of an axis such as ``xaxis`` or ``yaxis2``; its title as ``title_text``."""
        if "title_text" in values:
            values["title"] = {**TITLE, "text": values.pop("title_text")}
        self.layout[name] = {**self.layout.get(name, {}), **values}

    def done(self) -> go.Figure:
        """Return the figure."""
        return go.Figure({
            "data": self.traces,
            "layout": {**self.layout, "shapes": self.shapes, "annotations": self.notes},
        })  # fmt: skip


def threshold(fig: Sheet, value: float, text: str, label_at: float) -> None:
    """Draw a dashed line with its name in the right margin; on a logarithmic axis labels are placed by the exponent."""
    style = {"color": PALE, "width": 1.2, "dash": "dash"}
    fig.add_shape(type="line", xref="x domain", x0=0, x1=1, y0=value, y1=value, line=style, layer="below")
    fig.add_annotation(
        xref="paper", x=1, y=label_at, text=plain(text), showarrow=False, xanchor="left", xshift=8,
        font={"size": 12, "color": GREY},
    )  # fmt: skip


def room_for(words: Iterable[str]) -> float:
    """Return the width of the longest of some labels, px; of narrow letters it is more than they need."""
    return CHARACTER_PX * max((len(straight(word)) for word in words), default=0) + 8


def plain(text: str) -> str:
    """Escape text from the data: Plotly reads a little HTML in labels."""
    return html.escape(straight(text), quote=False)


def state_marker(style: Look, *, is_unsigned: bool) -> dict[str, Any]:
    """Return how a state is marked in a figure; on a mask that nobody signed pale, with a thin edge.

    What is told of such a point may change once somebody looks, so it never looks as sure as the others.
    """
    inside = 0.65 if "open" in style.marker else 0.28  # an open mark is nothing but its edge
    colour = fade(style.colour, inside) if is_unsigned else style.colour
    edge = {"width": 1 if is_unsigned else 2, "color": fade(style.colour, 0.75) if is_unsigned else style.colour}
    return {"symbol": style.marker, "color": colour, "line": edge}


def fade(colour: str, alpha: float) -> str:
    """Return a ``#rrggbb`` colour with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values inside a positive range: more per decade the narrower the range is."""
    decades_shown = math.log10(high / low)
    steps = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if decades_shown < 1 else (1.0, 2.0, 5.0) if decades_shown < 3 else (1.0,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = (step * 10.0**decade for decade in decades for step in steps)
    return [tick for tick in ticks if low <= tick <= high]


def volume_axis(volumes_mm3: Sequence[float], is_log: bool) -> dict[str, Any]:
    """Describe a volume axis in mL over the given volumes, with zero named in words when it shows.

    Parameters
    ----------
    volumes_mm3
        Everything that must be inside, mm³; zeros are left out of a logarithmic axis.
    is_log
        Logarithmic axis.
    """
    values_ml = [v / 1000 for v in volumes_mm3 if v > 0 or not is_log] or [0.1, 1.0]
    if is_log:
        low, high = min(values_ml) / 1.35, max(values_ml) * 1.35
        if high / low < 6:  # a flat course must not look like a mountain range
            middle = math.sqrt(low * high)
            low, high = middle / math.sqrt(6), middle * math.sqrt(6)
        ticks = log_ticks(low, high)
        return {
            "type": "log",
            "range": [math.log10(low), math.log10(high)],
            "tickvals": ticks,
            "ticktext": [f"{tick:g}" for tick in ticks],
        }
    high = max(values_ml) * 1.12 or 1.0
    step = 10 ** math.floor(math.log10(high))
    step = next(s for s in (step / 5, step / 2, step, 2 * step) if high / s <= 6.5)
    ticks = [round(i * step, 10) for i in range(int(high / step) + 1)]
    texts = ["none seen", *(f"{tick:g}" for tick in ticks[1:])]
    return {"type": "linear", "range": [-0.04 * high, high], "tickvals": ticks, "ticktext": texts}


def axis_fraction(axis: dict[str, Any], value_ml: float) -> float:
    """Return where a value lies on an axis made above: 0 at its lower end, 1 at its upper."""
    low, high = axis["range"]
    shown = math.log10(value_ml) if axis["type"] == "log" else value_ml
    return (shown - low) / (high - low)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Move positions apart so that neighbours are at least a gap apart, as little as needed, keeping order.

    Parameters
    ----------
    wanted
        Where each label would like to be.
    gap
        Smallest distance between two labels.
    low, high
        Limits; they give way only when all labels together need more room.

    Returns
    -------
    NDArray
        Positions in the order given.
    """
    order = np.argsort(wanted, kind="stable")
    offsets = gap * np.arange(len(order))
    free = np.asarray(wanted, dtype=float)[order] - offsets
    placed = np.clip(_pool(free), low, max(low, high - offsets[-1] if len(order) else low)) + offsets
    result = np.empty(len(order))
    result[order] = placed
    return result


def _pool(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the closest non-decreasing sequence (pool adjacent violators)."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    return np.array([np.mean(block) for block in blocks for _ in block])
