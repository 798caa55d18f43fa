"""Where along the cord something lies: cross-section by millimetre, one line per visit, and visit by place as a map."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import theme
from dashboard.words import labels
from dashboard.words.table_rows import as_rows

HEIGHT_PX = 330
SHARE = 0.46
"""Part of the width that the lines take; the map has the rest."""
BETWEEN = 0.21
"""Share of the width between lines and map: room for a day beside the widest line and for names of vertebrae."""
ROOM_MM = 6.0
"""Kept above and below what is to be seen, mm."""
FAINTEST = 0.25
LEAST_NAMED_MM = 4.0
"""Of a vertebra at the edge of the figure this much must be seen for its name, mm."""
ROOM_FOR_DAYS = 1.3
"""Width of the lines' axis as a multiple of the widest line: the days of the first and last line stand beside them."""


def profile(profile_rows: pd.DataFrame, compartment: str, discs: pd.DataFrame) -> go.Figure:
    """Draw cross-sections along the cord, head up; places that a scan does not reach stay empty.

    Parameters
    ----------
    profile_rows
        Rows of the cord_profile view of one patient with a date: session_id, acquired_on, compartment, position_mm,
        area_mm2.
    compartment
        What is drawn; the cord itself as a thin line beside it.
    discs
        Labelled discs along the same line: number, name, position_mm; empty where no visit has labels. They are drawn
        across, and the vertebrae between them stand at the axis of the map in place of millimetres.
    """
    compartment_rows = profile_rows[profile_rows["compartment"] == compartment].sort_values(
        ["acquired_on", "session_id", "position_mm"]
    )
    low, high = _range(compartment_rows)
    fig = theme.Sheet(HEIGHT_PX, {"l": 62, "r": 74, "t": 22, "b": 62})
    across = [0, ROOM_FOR_DAYS * _widest(compartment_rows, profile_rows)]
    fig.axis("xaxis", domain=[0, SHARE], title_text="cross-section, mm²", range=across)
    fig.axis("yaxis", range=[low, high], title_text="mm along the cord, head up")
    bare = {"showgrid": False, "zeroline": False, "ticks": "", "tickfont": {"color": labels.GREY}}
    fig.axis("xaxis2", domain=[SHARE + BETWEEN, 1], anchor="y2", **bare)
    fig.axis("yaxis2", range=[low, high], anchor="x2", **bare)
    _vertebrae(fig, discs, (low, high))
    _cord(fig, profile_rows, compartment)
    _lines(fig, compartment_rows, labels.compartment(compartment))
    _days(fig, compartment_rows, labels.compartment(compartment).ink)
    _map(fig, compartment_rows, labels.compartment(compartment))
    return fig.done()


def _widest(compartment_rows: pd.DataFrame, profile_rows: pd.DataFrame) -> float:
    """Return the largest cross-section that is drawn, the cord's included, mm²."""
    cord = profile_rows.loc[profile_rows["compartment"] == "cord", "area_mm2"]
    widest_mm2 = pd.concat([compartment_rows["area_mm2"], cord]).max()
    return float(widest_mm2) if widest_mm2 > 0 else 1.0


def _range(compartment_rows: pd.DataFrame) -> tuple[float, float]:
    """Return the stretch in which any visit shows something, with some room."""
    seen = compartment_rows.loc[compartment_rows["area_mm2"] > 0, "position_mm"]
    places = seen if len(seen) else compartment_rows["position_mm"]
    return float(places.min()) - ROOM_MM, float(places.max()) + ROOM_MM


def _vertebrae(fig: theme.Sheet, discs: pd.DataFrame, seen_mm: tuple[float, float]) -> None:
    """Draw the discs that can be seen, and name the vertebra between two neighbours at the axis of the map."""
    low, high = seen_mm
    for place in discs.loc[discs["position_mm"].between(low, high), "position_mm"]:
        for axes in ({"xref": "x domain", "yref": "y"}, {"xref": "x2 domain", "yref": "y2"}):
            line = {"color": labels.PALE, "width": 0.8, "dash": "dot"}
            fig.add_shape(type="line", x0=0, x1=1, y0=place, y1=place, layer="above", line=line, **axes)
    names: dict[str, float] = {}
    for above, below in pairwise(discs.sort_values("number").pipe(as_rows)):
        top, foot = min(above["position_mm"], high), max(below["position_mm"], low)
        if below["number"] == above["number"] + 1 and top - foot >= LEAST_NAMED_MM:
            names[above["name"].split("/")[1]] = (top + foot) / 2
    if names:
        fig.axis("yaxis2", tickvals=list(names.values()), ticktext=list(names))


def _cord(fig: theme.Sheet, profile_rows: pd.DataFrame, compartment: str) -> None:
    cord = profile_rows[(profile_rows["compartment"] == "cord") & profile_rows["area_mm2"].notna()]
    if compartment == "cord" or cord.empty:
        return
    last = cord[cord["acquired_on"] == cord["acquired_on"].max()].sort_values("position_mm")
    fig.add_scatter(
        x=last["area_mm2"],
        y=last["position_mm"],
        mode="lines",
        line={"color": labels.compartment("cord").colour, "width": 1},
        name="cord",
        hovertemplate="cord %{x:.0f} mm² at %{y:.0f} mm<extra></extra>",
    )


def _lines(fig: theme.Sheet, compartment_rows: pd.DataFrame, style: labels.CompartmentLook) -> None:
    """Draw one line per visit, the later the heavier."""
    visits = list(compartment_rows.groupby(["acquired_on", "session_id"], sort=True))
    for number, ((day, session), part) in enumerate(visits):
        share = FAINTEST + (1 - FAINTEST) * (number + 1) / len(visits)
        area = part["area_mm2"]
        is_beside = (area.shift(1) > 0) | (area.shift(-1) > 0)
        fig.add_scatter(
            x=area.where((area > 0) | is_beside),
            y=part["position_mm"],
            mode="lines",
            connectgaps=False,
            line={"color": theme.fade(style.colour, share), "width": 0.8 + 2.2 * share, "dash": "solid"},
            name=labels.day(day),
            customdata=[session] * len(part),
            hovertemplate=f"{labels.day(day)} {style.word} %{{x:.0f}} mm² at %{{y:.0f}} mm<extra></extra>",
        )


def _days(fig: theme.Sheet, compartment_rows: pd.DataFrame, ink: str) -> None:
    """Write the day of the first and of the last line that shows anything beside its widest place."""
    seen = compartment_rows[compartment_rows["area_mm2"] > 0]
    if seen.empty:
        return
    ends = [seen[seen["acquired_on"] == day] for day in sorted({seen["acquired_on"].min(), seen["acquired_on"].max()})]
    widest = [part.loc[part["area_mm2"].idxmax()] for part in ends]
    outermost = max(float(row["area_mm2"]) for row in widest)
    for row in widest:
        is_outside = row["area_mm2"] == outermost
        fig.add_annotation(
            x=row["area_mm2"],
            y=row["position_mm"],
            text=labels.month(row["acquired_on"]),
            showarrow=False,
            xanchor="left" if is_outside else "right",  # the inner line has room inside
            xshift=6 if is_outside else -6,
            font={"size": 11, "color": ink},
        )


def _map(fig: theme.Sheet, compartment_rows: pd.DataFrame, style: labels.CompartmentLook) -> None:
    """Draw one column per visit, evenly spaced: the lines beside it have no time axis either."""
    visits = list(compartment_rows.groupby(["acquired_on", "session_id"], sort=True))
    places = sorted(compartment_rows["position_mm"].unique())
    columns = [part.set_index("position_mm")["area_mm2"].reindex(places).to_numpy(dtype=float) for _, part in visits]
    area = np.stack(columns, axis=1)
    days = [labels.month(day) if len(visits) > 3 else labels.day(day) for (day, _), _ in visits]
    angle = -40 if len(days) > 1 else 0  # a whole day is wider than half of the map on a low screen
    fig.axis("xaxis2", tickvals=list(range(len(days))), ticktext=days, tickangle=angle)
    fig.add(
        "heatmap",
        x=list(range(len(days))),
        y=places,
        z=area,
        text=[days] * len(places),
        xaxis="x2",
        yaxis="y2",
        zmin=0,
        zmax=float(np.nanmax(area)) if (area > 0).any() else 1.0,
        colorscale=[[0, theme.fade(style.colour, 0.04)], [1, style.colour]],
        hoverongaps=False,
        xgap=2,
        colorbar={"title": {"text": "mm²", "side": "top"}, "thickness": 10, "outlinewidth": 0, "len": 0.9},
        hovertemplate="%{text} at %{y:.0f} mm: %{z:.0f} mm²<extra></extra>",
    )
