"""One patient's course: volumes over therapy over function, on one time axis."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import lanes, theme, volume_lines
from dashboard.words import labels
from dashboard.words.table_rows import as_rows

VOLUME_PX = 330
GAP_PX = 14
AXIS_PX = 26
TOP_PX = 18
LABEL_PX = 15
LEADER_PX = 26
LEAST_VOLUME_PX = 100
"""Of the volumes where a screen is low: the names of seven lines still stand apart."""
LEAST_SPAN = pd.Timedelta(days=180)
MONTHS = ((0.25, "M1"), (0.75, "M2"), (2, "M6"))
"""Years that a figure shows less than, and the months between its ticks."""
YEARS = ((3, 1), (8, 2), (20, 5))
"""The same in years: a figure of 110 px, half of a small screen, must hold them."""
"""Shown around a single day, so that one visit stands in time and not in an empty frame."""


@dataclass(frozen=True)
class VolumeLevel:
    """A horizontal line worth naming: baseline, nadir or a threshold."""

    text: str
    volume_mm3: float
    colour: str


@dataclass(frozen=True)
class TreatmentSpan:
    """A stretch of time in which scans are not judged."""

    starts_on: pd.Timestamp
    ends_on: pd.Timestamp
    text: str


@dataclass(frozen=True)
class CourseFigure:
    """What the timeline shows.

    Attributes
    ----------
    volumes
        Rows of the measurement view of one patient with a date, one per visit and compartment.
    judged
        Rows of the assessment view of the same patient under one set of criteria.
    treatments, scores
        Rows of the treatment and function views.
    all_tumour
        Rows like those of ``volumes``, where more tumour was measured than is judged; empty where not.
    """

    volumes: pd.DataFrame
    judged: pd.DataFrame
    treatments: pd.DataFrame
    scores: pd.DataFrame
    levels: Sequence[VolumeLevel] = field(default=())
    windows: Sequence[TreatmentSpan] = field(default=())
    all_tumour: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Room:
    """How high a course may be drawn.

    Attributes
    ----------
    volume_px
        Of the volumes, where there is room for all.
    most_px
        Of the whole figure, None for as high as it needs; lanes that it has no room for are not drawn.
    """

    volume_px: int = VOLUME_PX
    most_px: int | None = None


UNBOUNDED = Room()


def timeline(
    course: CourseFigure, is_log: bool, compared_sessions: Sequence[str] = (), room: Room = UNBOUNDED
) -> go.Figure:
    """Draw the course.

    Every mark carries its session in ``customdata``, so that a click can lead to the visit.

    Parameters
    ----------
    is_log
        Logarithmic volume axis; a volume of 0 can only be seen on a linear one.
    compared_sessions
        Sessions of the scans shown beside the figure; marked by a fine vertical line.
    room
        How high; treatments and scores come below the volumes.
    """
    start, end = _span(course)
    therapy, scales, heights = _lanes(course, room)
    volume_px = heights[0]
    total = TOP_PX + sum(heights) + GAP_PX * (len(heights) - 1) + AXIS_PX
    fig = theme.Sheet(total, {"l": 84, "r": 180, "t": TOP_PX, "b": AXIS_PX})
    domains = _domains(heights)
    more = _shown(course.all_tumour) if len(course.all_tumour) else []
    axis = theme.volume_axis([*_shown(course.volumes), *more, *(level.volume_mm3 for level in course.levels)], is_log)
    fig.axis("yaxis", **axis, domain=domains[0], title_text="volume, mL")
    lowest = f"y{len(heights)}" if len(heights) > 1 else "y"
    fig.axis("xaxis", range=[start, end], anchor=lowest, **_ticks(start, end))
    operated = course.treatments.loc[course.treatments["kind"] == "surgery", "started_on"].dropna()
    _windows(fig, course.windows)
    _upright(fig, operated, {"color": labels.INK, "width": 1})
    shown = course.judged["session_id"].isin(list(compared_sessions))
    _upright(fig, course.judged.loc[shown, "acquired_on"], {"color": labels.PALE, "width": 1, "dash": "dot"})
    for name in labels.COMPARTMENTS:
        compartment_volumes = course.volumes[course.volumes["compartment"] == name]
        if len(compartment_volumes):
            volume_lines.add_compartment(fig, compartment_volumes, [pd.Timestamp(day) for day in operated], axis)
    if len(course.all_tumour):
        volume_lines.add_all_tumour(fig, course.all_tumour)
    _states(fig, course, axis)
    _margin(fig, course, axis, volume_px)
    if therapy:
        lanes.add_therapy(fig, therapy, "y2", domains[1])
    for index, scale in enumerate(scales, start=len(heights) - len(scales)):
        lanes.add_scores(fig, course.scores[course.scores["scale_id"] == scale], f"y{index + 1}", domains[index])
    for trace in fig.traces:
        trace["unselected"] = {"marker": {"opacity": 1}}  # a clicked mark must not dim the others
    return fig.done()


def not_drawn(course: CourseFigure, room: Room) -> list[str]:
    """Return what a low screen has no room for, in words."""
    therapy, scales, _ = _lanes(course, room)
    words = ["treatments"] if len(course.treatments) and not therapy else []
    return words + [labels.scale_name(scale) for scale in lanes.scales(course.scores) if scale not in scales]


def _lanes(course: CourseFigure, room: Room) -> tuple[list[lanes.Bar], list[str], list[int]]:
    """Return treatments and scales that there is room for, treatments first, and the height of each row from top."""
    therapy = lanes.pack(course.treatments, *_span(course))
    scales = lanes.scales(course.scores)
    wanted = [*([lanes.therapy_px(therapy)] if therapy else []), *(lanes.SCORE_PX for _ in scales)]
    if room.most_px is None:
        return therapy, scales, [room.volume_px, *wanted]
    left, heights = room.most_px - theme.BUTTONS_PX - AXIS_PX, []
    for height in wanted:
        if left - height - GAP_PX < LEAST_VOLUME_PX:
            break
        heights.append(height)
        left -= height + GAP_PX
    volume_px = max(LEAST_VOLUME_PX, min(room.volume_px, left))
    shown = len(heights) - bool(therapy)
    return (therapy if heights else []), scales[: max(0, shown)], [volume_px, *heights]


def _shown(volumes: pd.DataFrame) -> list[float]:
    columns = volumes[["volume_mm3", "volume_low_mm3", "volume_high_mm3"]].to_numpy(dtype=float).ravel()
    return [float(value) for value in columns[~np.isnan(columns)]]


def _span(course: CourseFigure) -> tuple[pd.Timestamp, pd.Timestamp]:
    columns = (
        course.volumes["acquired_on"],
        course.judged["acquired_on"],
        course.treatments["started_on"],
        course.treatments["ended_on"],
        course.scores["assessed_on"],
    )
    days = [pd.Timestamp(day) for column in columns for day in column.dropna()]
    dates = pd.Series(days, dtype="datetime64[s]")  # days shifted by centuries have no place in nanoseconds
    first, last = dates.min(), dates.max()
    room = max((last - first) * 0.03, LEAST_SPAN / 2 if first == last else pd.Timedelta(days=20)).as_unit("s")
    return first - room, last + room


def _ticks(start: pd.Timestamp, end: pd.Timestamp) -> dict[str, Any]:
    """Mark months, or years in a long course; few enough to stand upright in a narrow figure, never one twice."""
    years = (end - start).days / 365
    if years < 2:
        return {
            "tickformat": "%Y-%m",
            "tickangle": 0,
            "dtick": next(step for most, step in MONTHS if years < most),
        }
    step = next((step for most, step in YEARS if years < most), 10)
    every_year = {"dtick": "M12", "showgrid": step <= 2, "gridcolor": labels.GRID}
    return {"tickformat": "%Y", "tickangle": 0, "dtick": f"M{12 * step}", "minor": every_year}


def _domains(heights: Sequence[int]) -> list[list[float]]:
    """Turn row heights in pixels, top first, into axis domains."""
    total = sum(heights) + GAP_PX * (len(heights) - 1)
    domains, top = [], float(total)
    for height in heights:
        domains.append([max(0.0, (top - height) / total), top / total])
        top -= height + GAP_PX
    return domains


def _windows(fig: theme.Sheet, windows: Sequence[TreatmentSpan]) -> None:
    for window in windows:
        fig.add_shape(
            type="rect",
            x0=window.starts_on,
            x1=window.ends_on,
            yref="y domain",
            y0=0,
            y1=1,
            layer="below",
            fillcolor=labels.SHADE,
            line={"width": 0},
        )
        fig.add_annotation(
            x=window.starts_on,
            yref="y domain",
            y=1,
            text=theme.plain(window.text),
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            yshift=-2,
            font={"size": 11, "color": labels.GREY},
        )


def _upright(fig: theme.Sheet, days: Iterable[Any], line: dict[str, Any]) -> None:
    """Draw a line over the whole height of the volumes at each of some days: surgeries, and the scans shown beside."""
    for day in days:
        fig.add_shape(type="line", x0=day, x1=day, yref="y domain", y0=0, y1=1, layer="below", line=line)


def _states(fig: theme.Sheet, course: CourseFigure, axis: dict[str, Any]) -> None:
    """Mark each judged visit on the tumour line; where there is no volume, at the lower edge."""
    tumour = course.volumes[course.volumes["compartment"] == "tumour"].set_index("session_id")["volume_mm3"].dropna()
    for row in course.judged.sort_values("acquired_on").pipe(as_rows):
        volume = tumour.get(row["session_id"])
        is_drawn = volume is not None and (volume > 0 or axis["type"] == "linear")
        style = labels.look_of(row)
        fig.add_scatter(
            x=[row["acquired_on"]],
            y=[volume / 1000 if is_drawn and volume is not None else volume_lines.floor(axis)],
            mode="markers",
            cliponaxis=False,
            marker={**theme.state_marker(style, is_unsigned=bool(row.get("is_provisional"))), "size": 13},
            customdata=[row["session_id"]],
            hoverinfo="text",
            name=style.word,
            hovertext=_wrap(
                f"<b>{labels.day(row['acquired_on'])}</b> {style.symbol} {style.word}"
                + (", provisional" if row.get("is_provisional") else ""),
                row["reason"],
            ),
        )


def _wrap(head: str, reason: str, width: int = 70) -> str:
    lines, line = [head], ""
    for word in reason.split():
        if len(line) + len(word) > width:
            lines.append(theme.plain(line))
            line = ""
        line = f"{line} {word}".strip()
    return "<br>".join([*lines, theme.plain(line)])


def _margin(fig: theme.Sheet, course: CourseFigure, axis: dict[str, Any], volume_px: int) -> None:
    """Name levels and last volumes in the right margin, each tied to its height by a fine line."""
    for level in course.levels:
        height = level.volume_mm3 / 1000
        line = {"color": level.colour, "width": 1.2, "dash": "dash"}
        fig.add_shape(type="line", xref="x domain", x0=0, x1=1, y0=height, y1=height, layer="below", line=line)
    notes = [(level.volume_mm3, level.text, level.colour) for level in course.levels] + _last_volumes(course, axis)
    fig.layout["margin"]["r"] = LEADER_PX + 10 + max((_width(text) for _, text, _ in notes), default=0.0)
    wanted = [theme.axis_fraction(axis, volume / 1000) * volume_px for volume, _, _ in notes]
    for (_, text, colour), at, placed in zip(
        notes, wanted, theme.spread(wanted, LABEL_PX + 2, 0, volume_px), strict=True
    ):
        fig.add_annotation(
            xref="paper",
            x=1,
            yref="y domain",
            y=at / volume_px,
            ax=LEADER_PX,
            ay=float(at - placed),
            text=text,
            xanchor="left",
            showarrow=True,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=theme.fade(colour, 0.6),
            font={"color": colour, "size": 12},
            standoff=2,
        )


def _last_volumes(course: CourseFigure, axis: dict[str, Any]) -> list[tuple[float, str, str]]:
    """Return the last volume of each compartment in words, with its day where a later scan does not show it."""
    last_on = course.judged["acquired_on"].max()
    notes = []
    for name, compartment_volumes in course.volumes.dropna(subset=["volume_mm3"]).groupby("compartment"):
        last = compartment_volumes.sort_values("acquired_on").iloc[-1]
        if last["volume_mm3"] > 0 or axis["type"] == "linear":
            style = labels.compartment(str(name))
            day = "" if last["acquired_on"] >= last_on else f", {labels.day(last['acquired_on'])}"
            words = f"<b>{style.word} {labels.ml(last['volume_mm3'])}</b>{day}"
            notes.append((float(last["volume_mm3"]), words, style.ink))
    everything = course.all_tumour
    if len(everything):
        last = everything.dropna(subset=["volume_mm3"]).sort_values("acquired_on").iloc[-1]
        words = f"all tumour {labels.ml(last['volume_mm3'])}, dashed"
        notes.append((float(last["volume_mm3"]), words, labels.compartment("tumour").ink))
    return notes


def _width(text: str) -> float:
    """Return the pixels that a note takes; bold letters are wider."""
    bold = sum(len(part) for part in re.findall("<b>(.*?)</b>", text))
    return (len(re.sub("<.*?>", "", text)) + 0.15 * bold) * theme.CHARACTER_PX
