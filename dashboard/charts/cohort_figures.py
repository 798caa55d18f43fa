"""Figures of many patients: waterfall, spider and swimmer; one row or line is one patient."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import lanes, theme
from dashboard.words import labels
from dashboard.words.table_rows import as_rows

CAP_PERCENT = 150.0
"""Bars of the waterfall end here; longer ones are cut and say so."""
ROW_PX = 26
MOST_LEVEL, MOST_NAMED = 6, 30
"""Bars of the waterfall up to which their numbers lie level, and up to which bars have name and number at all."""
LEVEL_NAMES_PX = 340
"""Width that names beside each other have on a narrow screen."""
DAYS_PER_MONTH = 30.4375


def waterfall(cohort: pd.DataFrame, thresholds_percent: dict[str, float]) -> go.Figure:
    """Draw each patient's best change from baseline, largest growth first, cut at the cap.

    Parameters
    ----------
    cohort
        Columns patient_id, judged_best_change_percent, state, display_state; rows without a change are left out.
    thresholds_percent
        Dashed lines by name, in percent.
    """
    best = "judged_best_change_percent"
    with_change = cohort.dropna(subset=[best]).sort_values(best, ascending=False)
    count = len(with_change)
    is_named, names = count <= MOST_NAMED, theme.room_for(with_change["patient_id"])
    is_crowded = count > MOST_LEVEL or count * names > LEVEL_NAMES_PX
    is_upright = is_crowded and is_named
    fig = theme.Sheet(420 if is_upright else 340, {"l": 64, "r": 150, "t": 24, "b": names + 20 if is_upright else 34})
    for row in with_change.pipe(as_rows):
        _bar(fig, row, textangle=-90 if is_crowded else 0, textposition="outside" if is_named else "none")
    for name, value in thresholds_percent.items():
        theme.threshold(fig, value, f"{name} {labels.percent(value)}", value)
    span = _waterfall_range(with_change["judged_best_change_percent"], is_crowded=is_upright)
    if is_upright:
        _states_beside_zero(fig, with_change, 0.035 * (span[1] - span[0]))
    fig.axis(
        "yaxis",
        range=span,
        tickvals=list(range(-100, int(CAP_PERCENT) + 1, 50)),
        title_text="best change from baseline, %",
        zeroline=True,
        zerolinecolor=labels.PALE,
    )
    fig.axis("xaxis", type="category", showgrid=False, tickangle=-90 if is_crowded else 0, showticklabels=is_named,
        dtick=1, tickfont={"size": 11, "color": labels.GREY})  # fmt: skip
    if not is_named:
        fig.axis("xaxis", title_text=f"{count} patients; name and change of a bar under the pointer")
    return fig.done()


def _bar(fig: theme.Sheet, row: Mapping[str, Any], textangle: int, textposition: str) -> None:
    """Draw one patient's change, with its number; the state's symbol beside it where it stands level."""
    style, change = labels.look_of(row), row["judged_best_change_percent"]
    is_cut = change > CAP_PERCENT
    fig.add(
        "bar",
        x=[row["patient_id"]],
        y=[min(change, CAP_PERCENT)],
        marker={"color": theme.fade(style.colour, 0.85), "line": {"color": style.colour, "width": 1}},
        text=f"{'' if textangle else f'{style.symbol} '}{labels.percent(change)}{' (cut)' if is_cut else ''}",
        textposition=textposition,
        textangle=textangle,
        constraintext="none",
        textfont={"color": style.ink, "size": 11},
        cliponaxis=False,
        customdata=[row["patient_id"]],
        hovertext=f"<b>{theme.plain(row['patient_id'])}</b><br>best change {labels.percent(change)}<br>"
        f"now {style.symbol} {style.word}",
        hoverinfo="text",
    )


def _states_beside_zero(fig: theme.Sheet, bars: pd.DataFrame, away_percent: float) -> None:
    """Mark each state on the other side of zero than its bar: turned with the number, a symbol would point aside."""
    looks = [labels.look_of(row) for row in bars.pipe(as_rows)]
    fig.add_scatter(
        x=list(bars["patient_id"]),
        y=[-away_percent if change >= 0 else away_percent for change in bars["judged_best_change_percent"]],
        mode="markers",
        marker={
            "symbol": [look.marker for look in looks],
            "size": 7,
            "color": [look.colour for look in looks],
            "line": {"width": 1, "color": [look.colour for look in looks]},
        },
        customdata=list(bars["patient_id"]),
        hovertext=[
            f"<b>{theme.plain(name)}</b><br>now {look.symbol} {look.word}"
            for name, look in zip(bars["patient_id"], looks, strict=True)
        ],
        hoverinfo="text",
    )


def _waterfall_range(changes: pd.Series, *, is_crowded: bool) -> list[float]:
    """Return the range of the bars with room for their numbers, which stand upright where bars are many."""
    top = min(CAP_PERCENT, max([45.0, *changes]))
    if not is_crowded:
        return [-112, top * 1.15]
    height = top + 112
    above = (0.46 if top == CAP_PERCENT else 0.3) * height  # "(cut)" is longer
    return [min(-112.0, min(changes) - 0.3 * height), top + above]


def spider(courses: pd.DataFrame, patients: pd.DataFrame, thresholds: dict[str, float]) -> go.Figure:
    """Draw every patient's tumour volume relative to baseline over time, on a logarithmic axis.

    Parameters
    ----------
    courses
        Columns patient_id, days_from_baseline, baseline_ratio; rows without a ratio are left out. A ratio of 0 stands
        at the lower edge as an open ring.
    patients
        Columns patient_id, state, display_state; colour and symbol of the last point.
    thresholds
        Dashed lines by name, as ratios to baseline.
    """
    with_ratio = courses.dropna(subset=["baseline_ratio", "days_from_baseline"])
    with_ratio = with_ratio.assign(months=with_ratio["days_from_baseline"] / DAYS_PER_MONTH)
    fig = theme.Sheet(360, {"l": 76, "r": 150, "t": 16, "b": 48})
    floor = _spider_axes(fig, with_ratio["baseline_ratio"], thresholds)
    looks = {row["patient_id"]: labels.look_of(row) for row in patients.pipe(as_rows)}
    for patient_id, course in with_ratio.groupby("patient_id"):
        _spider_line(fig, str(patient_id), course.sort_values("months"), looks[patient_id], floor)
    return fig.done()


def _spider_line(fig: theme.Sheet, patient_id: str, course: pd.DataFrame, style: labels.Look, floor: float) -> None:
    symbols = ["circle-open" if ratio == 0 else "circle" for ratio in course["baseline_ratio"]]
    symbols[-1] = style.marker
    unsigned = list(course["is_provisional"].fillna(False).astype(bool)) if "is_provisional" in course else []
    unsigned = unsigned or [False] * len(course)
    colours = [theme.fade(style.colour, 0.28) if is_pale else style.colour for is_pale in unsigned]
    fig.add_scatter(
        x=course["months"],
        y=course["baseline_ratio"].clip(lower=floor),
        mode="lines+markers",
        name=patient_id,
        line={"color": theme.fade(style.colour, 0.75), "width": 1.6},
        marker={
            "symbol": symbols,
            "size": [5] * (len(course) - 1) + [11],
            "color": colours,
            "line": {"width": 1, "color": style.colour},
        },
        customdata=[patient_id] * len(course),
        cliponaxis=False,
        hoverinfo="text",
        hovertext=[
            f"<b>{theme.plain(patient_id)}</b> {row['months']:.0f} months<br>"
            + ("none seen" if row["baseline_ratio"] == 0 else f"×{labels.two_figures(row['baseline_ratio'])} baseline")
            + (", unsigned" if is_pale else "")
            for row, is_pale in zip(course.pipe(as_rows), unsigned, strict=True)
        ],
    )


def _spider_axes(fig: theme.Sheet, ratios: pd.Series, thresholds: dict[str, float]) -> float:
    """Set both axes and draw the thresholds; return the ratio at the lower edge, where none seen stands."""
    seen = [*ratios[ratios > 0], *thresholds.values(), 1.0]
    has_zero = bool((ratios == 0).any())
    low, high = min(seen) / (1.6 if has_zero else 1.25), max(seen) * 1.25
    ticks = [
        tick for tick in (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20, 50) if low * 1.2 <= tick <= high
    ]
    fig.axis(
        "yaxis",
        type="log",
        range=[math.log10(low), math.log10(high)],
        tickvals=[low, *ticks] if has_zero else ticks,
        ticktext=[*(["none seen"] if has_zero else []), *(f"×{tick:g}" for tick in ticks)],
        title_text="volume relative to baseline",
    )
    fig.axis("xaxis", title_text="months since baseline", rangemode="tozero")
    for name, ratio in thresholds.items():
        theme.threshold(fig, ratio, f"{name} ×{ratio:g}", math.log10(ratio))
    return low


def swimmer(patients: pd.DataFrame, judged: pd.DataFrame, treatments: pd.DataFrame) -> go.Figure:
    """Draw each patient's follow-up as a bar of months from time zero, with treatments and states on it.

    Parameters
    ----------
    patients
        Columns patient_id, time_zero_on, last_scan_on, is_event; rows without time zero are left out.
    judged, treatments
        Rows of the assessment and treatment views.
    """
    followed = patients.dropna(subset=["time_zero_on", "last_scan_on"]).copy()
    followed["months"] = _months(followed["last_scan_on"], followed["time_zero_on"])
    followed = followed.sort_values("months")
    zero = followed.set_index("patient_id")["time_zero_on"]
    fig = theme.Sheet(len(followed) * ROW_PX + 70, {"l": 92, "r": 40, "t": 10, "b": 48})
    fig.add(
        "bar",
        x=followed["months"],
        y=followed["patient_id"],
        orientation="h",
        marker={"color": labels.SHADE, "line": {"width": 0}},
        width=0.62,
        customdata=list(followed["patient_id"]),
        hovertext=[
            f"<b>{theme.plain(name)}</b> followed for {months:.0f} months"
            for name, months in zip(followed["patient_id"], followed["months"], strict=True)
        ],
        hoverinfo="text",
    )
    _swimmer_treatments(fig, lanes.placed(treatments[treatments["patient_id"].isin(zero.index)]), zero)
    _swimmer_states(fig, judged[judged["patient_id"].isin(zero.index)], zero)
    ongoing = followed[followed["is_event"] != True]  # noqa: E712  # an unknown outcome is no event
    fig.add_scatter(
        x=ongoing["months"],
        y=ongoing["patient_id"],
        mode="text",
        text="\u2003→",  # beside the last mark, at whatever width
        textposition="middle right",
        textfont={"color": labels.GREY, "size": 15},
        customdata=list(ongoing["patient_id"]),
        hovertext="no event so far, follow-up goes on",
        hoverinfo="text",
        cliponaxis=False,
    )
    fig.axis("xaxis", title_text="months since time zero")
    fig.axis("yaxis", showgrid=False, type="category")
    return fig.done()


def _swimmer_treatments(fig: theme.Sheet, treatments: pd.DataFrame, zero: pd.Series) -> None:
    """Draw one trace for each kind: diamonds for operations, bars for what lasts."""
    for kind, given in treatments.groupby("kind"):
        word, colour = labels.TREATMENTS[str(kind)]
        treatment_rows = given.pipe(as_rows)
        months: list[float | None] = []
        names: list[str | None] = []
        words: list[str | None] = []
        is_point = kind == "surgery"
        for row in treatment_rows:
            starts = _month(row["started_on"], zero[row["patient_id"]])
            last = row["ended_on"] if labels.is_known(row["ended_on"]) else row["started_on"]
            ends = max(_month(last, zero[row["patient_id"]]), starts + 0.6)
            day_words = f"{word} {labels.day(row['started_on'])}"
            months += [starts] if is_point else [starts, ends, None]
            names += [row["patient_id"]] if is_point else [row["patient_id"], row["patient_id"], None]
            words += [day_words] if is_point else [day_words, day_words, None]
        fig.add_scatter(
            x=months,
            y=names,
            mode="markers" if is_point else "lines",
            marker={"symbol": "diamond", "size": 9, "color": colour},
            line={"color": theme.fade(colour, 0.75), "width": 5},
            customdata=names,
            hovertext=words,
            hoverinfo="text",
        )


def _swimmer_states(fig: theme.Sheet, judged: pd.DataFrame, zero: pd.Series) -> None:
    """Draw one trace for each state."""
    shown = judged[judged["state"] != "context"]
    days = pd.to_datetime(shown["acquired_on"])
    shown = shown.assign(
        month=_months(days, pd.to_datetime(shown["patient_id"].map(zero))), day=days.dt.strftime("%Y-%m-%d")
    )
    shown["finer_state"] = [labels.finer_state(row) for row in shown.pipe(as_rows)]
    shown["is_unsigned"] = shown["is_provisional"].fillna(False).astype(bool) if "is_provisional" in shown else False
    kinds = shown.groupby(["state", "finer_state", "is_unsigned"], dropna=False)
    for (state, display, is_unsigned), in_state in kinds:
        style = labels.look(state, display)
        names = list(in_state["patient_id"])
        fig.add_scatter(
            x=in_state["month"],
            y=names,
            mode="markers",
            marker={**theme.state_marker(style, is_unsigned=bool(is_unsigned)), "size": 10},
            customdata=names,
            hovertext=[
                f"<b>{theme.plain(name)}</b> {day}<br>{style.symbol} {style.word}{', unsigned' if is_unsigned else ''}"
                for name, day in zip(names, in_state["day"], strict=True)
            ],
            hoverinfo="text",
        )


def _month(day: Any, zero: Any) -> float:
    return (pd.Timestamp(day) - pd.Timestamp(zero)).days / DAYS_PER_MONTH


def _months(days: pd.Series, zeros: pd.Series) -> pd.Series:
    return (pd.to_datetime(days) - pd.to_datetime(zeros)).dt.days / DAYS_PER_MONTH
