"""Curves of survival or incidence with band, ticks and numbers at risk that stand under the axis they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import theme
from dashboard.words import labels

CURVE_PX = 270
ROW_PX = 18
GAP_PX = 44
"""Between curve and numbers at risk: the axis' numbers and title stand here."""
COLOURS = ("#1F4E8C", "#9C6B1F", "#4E7F3B", "#7B4FA0", "#5F6B76")
"""For groups; none of them is a state's or a compartment's."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
"""For groups as well: two of the colours look alike to some readers, and on a grey print."""
LINE_SHARE = 0.075
"""Of the height of the curves, which a line of words takes."""
NAME_LETTERS = 18
"""Letters in a line of a name beside its curve."""


@dataclass(frozen=True)
class Group:
    """One curve.

    Attributes
    ----------
    steps
        Columns months, share, low, high: the curve from the time on, in time order, the first row at 0.
    censored, events
        Columns months, share, patients: where patients left without an event, and where they had one; who they are as
        a tuple of names. Empty where no single patient is to be shown.
    at_risk
        Number still followed at each of the figure's months, as it is written.
    """

    name: str
    steps: pd.DataFrame
    censored: pd.DataFrame
    events: pd.DataFrame
    at_risk: Sequence[str]


@dataclass(frozen=True)
class CurveWords:
    """What a share is of, such as ``without progression``, and the title of the time axis."""

    share: str = "without progression"
    time: str = "months since time zero"


PLAIN_WORDS = CurveWords()


def survival(
    groups: Sequence[Group],
    months: Sequence[float],
    band: str,
    limits: pd.DataFrame | None,
    words: CurveWords = PLAIN_WORDS,
) -> go.Figure:
    """Draw one curve per group.

    Parameters
    ----------
    months
        Ticks of the time axis, at which the numbers at risk are counted.
    band
        Name of the interval, such as ``95 % CI, log-log``.
    limits
        Columns months, low, high: what the scans allow when an event lies anywhere between two of them.
    words
        What the axes show.
    """
    written = ["<br>".join(wrap(group.name, NAME_LETTERS)) for group in groups] if len(groups) > 1 else []
    fig, table_share = _frame(groups, months, words.time, written)
    for group, colour, dash in zip(groups, COLOURS, DASHES, strict=False):
        _curve(fig, group, (colour, dash if written else "solid"), words.share)
    _names(fig, groups, written, max(months) * 1.02)
    if limits is not None:
        _limits(fig, limits)
    _at_risk(fig, groups, months, table_share)
    fig.add_annotation(
        xref="paper",
        x=0,
        yref="y domain",
        y=1,
        text=theme.plain(band),
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        font={"size": 11, "color": labels.GREY},
    )
    return fig.done()


def _frame(
    groups: Sequence[Group], months: Sequence[float], time: str, written: Sequence[str]
) -> tuple[theme.Sheet, float]:
    """Return an empty figure with room for the names beside it, and how much of its height is the numbers at risk."""
    table_px = ROW_PX * (len(groups) + 1)
    total = CURVE_PX + GAP_PX + table_px
    names = 40 + max(len(group.name) for group in groups) * theme.CHARACTER_PX
    beside = theme.room_for(line for name in written for line in name.split("<br>")) if written else 0.0
    fig = theme.Sheet(total + 24, {"l": max(100, names), "r": 24 + beside, "t": 16, "b": 8})
    fig.axis(
        "yaxis",
        domain=[(GAP_PX + table_px) / total, 1],
        range=[0, 1.03],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        ticktext=["0", "25\u202f%", "50\u202f%", "75\u202f%", "100\u202f%"],
    )
    fig.axis(
        "xaxis",
        range=[0, max(months) * 1.02],
        tickvals=list(months),
        title_text=time,
        anchor="y",
    )
    return fig, table_px / total


def _curve(fig: theme.Sheet, group: Group, look: tuple[str, str], share: str) -> None:
    steps, (colour, dash) = group.steps, look
    for column, fill in (("high", None), ("low", "tonexty")):
        fig.add_scatter(
            x=steps["months"],
            y=steps[column],
            mode="lines",
            line={"width": 0, "shape": "hv"},
            fill=fill,
            fillcolor=theme.fade(colour, 0.12),
            hoverinfo="skip",
        )
    fig.add_scatter(
        x=steps["months"],
        y=steps["share"],
        mode="lines",
        name=group.name,
        line={"color": colour, "width": 2.2, "shape": "hv", "dash": dash},
        hovertemplate=f"{theme.plain(group.name)}<br>%{{x:.0f}} months: %{{y:.0%}} {theme.plain(share)}<extra></extra>",
    )
    _patients(
        fig, group.censored, "last assessment, no event",
        {"symbol": "line-ns", "size": 9, "line": {"color": colour, "width": 1.6}},
    )  # fmt: skip
    _patients(fig, group.events, "event", {"symbol": "circle", "size": 12, "opacity": 0})  # the step itself is the mark


def _names(fig: theme.Sheet, groups: Sequence[Group], written: Sequence[str], right: float) -> None:
    """Write each group's name right of the figure, with a thin line to where its curve ends."""
    ends = [group.steps.iloc[-1] for group in groups][: len(written)]
    gap = LINE_SHARE * max((name.count("<br>") + 1 for name in written), default=1)
    places = theme.spread([float(end["share"]) for end in ends], gap, 0.0, 1.0)
    for end, place, name, colour in zip(ends, places, written, COLOURS, strict=False):
        fig.add_annotation(
            x=float(end["months"]), y=float(end["share"]), axref="x", ayref="y", ax=right, ay=float(place),
            text="<br>".join(theme.plain(line) for line in name.split("<br>")), xanchor="left", align="left",
            showarrow=True, arrowhead=0, arrowwidth=0.8, arrowcolor=theme.fade(colour, 0.6),
            font={"size": 12, "color": colour},
        )  # fmt: skip


def _patients(fig: theme.Sheet, days: pd.DataFrame, what: str, marker: dict[str, Any]) -> None:
    """Mark days of single patients, each with who it was."""
    fig.add_scatter(
        x=days["months"],
        y=days["share"],
        mode="markers",
        marker=marker,
        customdata=[names[0] for names in days["patients"]],
        hovertext=[
            f"<b>{theme.plain(', '.join(names))}</b><br>{month:.0f} months: {what}"
            for month, names in zip(days["months"], days["patients"], strict=True)
        ],
        hoverinfo="text",
    )


def _limits(fig: theme.Sheet, limits: pd.DataFrame) -> None:
    for column in ("low", "high"):
        fig.add_scatter(
            x=limits["months"],
            y=limits[column],
            mode="lines",
            line={"color": labels.GREY, "width": 1.1, "dash": "dash", "shape": "hv"},
            hovertemplate="%{x:.0f} months: %{y:.0%} at the limit of what the scans allow<extra></extra>",
        )


def _at_risk(fig: theme.Sheet, groups: Sequence[Group], months: Sequence[float], height: float) -> None:
    """Write the numbers at risk on an axis of their own that shares the time axis."""
    place_of = {
        group.name: (index + 1, colour) for index, (group, colour) in enumerate(zip(groups, COLOURS, strict=False))
    }
    fig.axis(
        "yaxis2",
        domain=[0, height],
        range=[len(groups) + 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        tickvals=[0, *(place for place, _ in place_of.values())],
        ticktext=["at risk", *(theme.plain(name) for name in place_of)],
        tickfont={"size": 12, "color": labels.GREY},
        ticks="outside",  # unseen, but they keep the names clear of the first number, half of which stands before 0
        ticklen=8 + max(len(group.at_risk[0]) for group in groups) * theme.CHARACTER_PX / 2,
        tickcolor="rgba(0,0,0,0)",
        anchor="x",
    )
    for group in groups:
        place, colour = place_of[group.name]
        fig.add_scatter(
            x=list(months),
            y=[place] * len(months),
            yaxis="y2",
            mode="text",
            text=list(group.at_risk),
            textfont={"color": colour, "size": 12},
            hoverinfo="skip",
            cliponaxis=False,
        )


def month_ticks(longest: float) -> list[float]:
    """Return about six round months from 0 to the longest follow-up."""
    step = next(step for step in (1, 3, 6, 12, 24, 36, 60, 120, 240) if longest / step <= 7)
    return [float(step * index) for index in range(int(longest // step) + 2)]
