"""How fast tumours of each histology grow: a rate with its 95 % interval, one row per histology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.charts import theme
from dashboard.words import labels

ROW_PX = 40
COLOUR = "#1F4E8C"
"""Neither a state's nor a compartment's colour."""


@dataclass(frozen=True)
class GrowthRow:
    """One histology: growth in percent a year with its 95 % interval, and lines of words for the right margin."""

    name: str
    rate_percent: float
    low_percent: float
    high_percent: float
    notes: tuple[str, ...]


def growth(growth_rows: Sequence[GrowthRow]) -> go.Figure:
    """Draw one row per histology, with no growth as a line."""
    names = theme.room_for(row.name for row in growth_rows)
    notes = theme.room_for(note for row in growth_rows for note in row.notes)
    fig = theme.Sheet(ROW_PX * len(growth_rows) + 70, {"l": names + 20, "r": notes + 20, "t": 10, "b": 48})
    for row in growth_rows:
        fig.add_scatter(
            x=[row.rate_percent],
            y=[theme.plain(row.name)],
            mode="markers",
            marker={"symbol": "square", "size": 10, "color": COLOUR},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row.high_percent - row.rate_percent],
                "arrayminus": [row.rate_percent - row.low_percent],
                "color": COLOUR,
                "thickness": 1.6,
            },
            hoverinfo="text",
            hovertext=f"<b>{theme.plain(row.name)}</b><br>{labels.percent(row.rate_percent)} a year "
            f"({labels.percent_interval(row.low_percent, row.high_percent)})",
        )
        fig.add_annotation(
            xref="paper",
            x=1,
            y=theme.plain(row.name),
            text="<br>".join(map(theme.plain, row.notes)),
            align="left",
            showarrow=False,
            xanchor="left",
            xshift=10,
            font={"size": 12, "color": labels.GREY},
        )
    line = {"color": labels.PALE, "width": 1}
    fig.add_shape(type="line", x0=0, x1=0, yref="y domain", y0=0, y1=1, line=line)
    fig.axis("xaxis", title_text="growth of solid tumour volume, % a year", ticksuffix="\u202f%")
    fig.axis("yaxis", showgrid=False, type="category", autorange="reversed")
    return fig.done()
