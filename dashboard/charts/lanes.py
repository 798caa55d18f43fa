"""The lanes under the timeline: treatments that never cover each other's names, and function scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard.charts import theme
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.core.vocabulary import ANY_DAY

LANE_PX = 22
SCORE_PX = 74
PLOT_PX = 620
"""Width the plot is assumed to have when label lengths are turned into days; wider screens only gain room."""


@dataclass(frozen=True)
class Bar:
    """One treatment in its lane.

    Attributes
    ----------
    lane
        0 is the top lane.
    """

    starts_on: pd.Timestamp
    ends_on: pd.Timestamp
    kind: str
    text: str
    lane: int
    is_ongoing: bool


def is_placed(row: Mapping[Any, Any]) -> bool:
    """Say whether anything is known of when a treatment began: one without a readable date has no place in a figure."""
    if not labels.is_known(row.get("started_by")):
        return labels.is_known(row["started_on"])
    return tuple(pd.Timestamp(row[name]).date() for name in ("started_on", "started_by")) != ANY_DAY


def placed(treatments: pd.DataFrame) -> pd.DataFrame:
    """Return the treatments that have a place in time, so that a figure can show them."""
    return treatments[np.array([is_placed(row) for row in treatments.pipe(as_rows)], dtype=bool)]


def unplaced_words(treatments: pd.DataFrame) -> list[str]:
    """Name the treatments that no figure shows, for nobody wrote when they were."""
    return [f"{describe(row)}, on an unknown day" for row in treatments.pipe(as_rows) if not is_placed(row)]


def pack(treatments: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> list[Bar]:
    """Give every treatment the first lane in which its bar and its name touch no other."""
    day_px = PLOT_PX / (end - start).days
    free_from: list[float] = []
    bars = []
    for row in treatments.sort_values("started_on").pipe(as_rows):
        begins = pd.Timestamp(row["started_on"])
        is_point = row["kind"] == "surgery"
        is_ongoing = not is_point and not labels.is_known(row["ended_on"])
        ends = begins if is_point else end if is_ongoing else pd.Timestamp(row["ended_on"])
        text = describe(row)
        left = (begins - start).days * day_px
        right = max((ends - start).days * day_px, left + 10) + 8 + len(text) * theme.CHARACTER_PX
        lane = next((i for i, free in enumerate(free_from) if free < left - 8), len(free_from))
        free_from[lane : lane + 1] = [right]
        bars.append(Bar(begins, ends, row["kind"], text, lane, is_ongoing))
    return bars


def describe(row: dict[Any, Any]) -> str:
    """Say what a treatment was: kind, extent or agent, dose."""
    word, _ = labels.TREATMENTS[row["kind"]]
    parts = [row["agent"] if labels.is_known(row["agent"]) else word]
    if labels.is_known(row["extent"]):
        parts.append(labels.EXTENTS.get(row["extent"], row["extent"]))
    if labels.is_known(row["dose_gy"]):
        parts.append(f"{row['dose_gy']:g}{labels.NARROW}Gy")
    return ", ".join(str(part) for part in parts)


def therapy_px(bars: list[Bar]) -> int:
    """Return the height the lanes need."""
    return LANE_PX * (1 + max(bar.lane for bar in bars))


def add_therapy(fig: theme.Sheet, bars: list[Bar], axis: str, domain: list[float]) -> None:
    """Draw bars, diamonds for surgery, and each name to the right of its mark."""
    lanes = 1 + max(bar.lane for bar in bars)
    _axis(fig, axis, domain, {"range": [lanes - 0.5, -0.5], "showticklabels": False, "showgrid": False})
    _title(fig, axis, "therapy", is_right=False)
    for bar in bars:
        _, colour = labels.TREATMENTS[bar.kind]
        is_point = bar.starts_on == bar.ends_on
        symbol = "diamond" if is_point else "line-ns"
        fig.add_scatter(
            x=[bar.starts_on] if is_point else [bar.starts_on, bar.ends_on],
            y=[bar.lane] * (1 if is_point else 2),
            yaxis=axis,
            mode="markers" if is_point else "lines",
            line={"color": colour, "width": 9},
            marker={"symbol": symbol, "size": 10, "color": colour},
            hoverinfo="text",
            name=bar.kind,
            hovertext=f"{theme.plain(bar.text)}<br>{labels.day(bar.starts_on)}"
            + ("" if is_point else " to now" if bar.is_ongoing else f" to {labels.day(bar.ends_on)}"),
        )
        fig.add_annotation(
            x=bar.ends_on,
            y=bar.lane,
            yref=axis,
            text=theme.plain(bar.text),
            showarrow=False,
            xanchor="left",
            xshift=8,
            font={"size": 12, "color": colour},
        )


def scales(scores: pd.DataFrame) -> list[str]:
    """Return the function scales present, in alphabetical order; each has its own lane."""
    return sorted(scores["scale_id"].unique())


def add_scores(fig: theme.Sheet, scores: pd.DataFrame, axis: str, domain: list[float]) -> None:
    """Draw the grades of one scale as steps; better is up on scales that count deficits."""
    scores = scores.sort_values("assessed_on")
    scale = str(scores["scale_id"].iloc[0])
    name, grades = labels.scale_name(scale), labels.SCALES.get(scale.lower(), ("", ()))[1]
    if grades:
        ticks = {
            "tickvals": list(range(1, len(grades) + 1)),
            "ticktext": list(grades),
            "range": [len(grades) + 0.4, 0.6],
        }
    else:
        ticks = {"nticks": 4}
    _axis(fig, axis, domain, {**ticks, "tickfont": {"size": 10, "color": labels.GREY}})
    _title(fig, axis, name, is_right=True)
    fig.add_scatter(
        x=scores["assessed_on"],
        y=scores["grade"],
        yaxis=axis,
        mode="lines+markers",
        name=name,
        line={"color": labels.INK, "width": 1.6, "shape": "hv"},
        marker={"size": 6, "color": labels.INK},
        hoverinfo="text",
        hovertext=[
            f"{labels.day(row['assessed_on'])} {theme.plain(name)} {_grade(row['grade'], grades)}"
            for row in scores.pipe(as_rows)
        ],
    )


def _grade(grade: float, grades: tuple[str, ...]) -> str:
    return grades[int(grade) - 1] if grades and 1 <= grade <= len(grades) else f"{grade:g}"


def _axis(fig: theme.Sheet, axis: str, domain: list[float], settings: dict[str, Any]) -> None:
    base = {"domain": domain, "anchor": "x", "gridcolor": labels.GRID, "zeroline": False, "linecolor": labels.GRID}
    fig.axis(f"yaxis{axis[1:]}", **base, **settings)


def _title(fig: theme.Sheet, axis: str, text: str, is_right: bool) -> None:
    """Write the lane's name level beside it: turned letters are hard to read."""
    fig.add_annotation(
        xref="paper",
        x=1 if is_right else 0,
        yref=f"{axis} domain",
        y=0.5,
        yanchor="middle",
        xanchor="left" if is_right else "right",
        xshift=26 if is_right else -8,
        text=theme.plain(text),
        showarrow=False,
        font={"size": 12, "color": labels.GREY},
    )
