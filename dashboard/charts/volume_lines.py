"""The volumes of the timeline: a line with its 95 % band for each compartment, honest about gaps and zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.charts import theme
from dashboard.words import labels
from dashboard.words.table_rows import as_rows


def ever_seen(volumes: pd.DataFrame) -> pd.DataFrame:
    """Keep solid tumour, and of the other compartments those that some visit shows."""
    seen = set(volumes.loc[volumes["volume_mm3"] > 0, "compartment"]) | {"tumour"}
    return volumes[volumes["compartment"].isin(seen)]


def has_no_tumour(volumes: pd.DataFrame) -> bool:
    """Tell whether tumour was looked for and not there at some visit: then a linear axis shows more."""
    return bool(((volumes["volume_mm3"] == 0) & (volumes["compartment"] == "tumour")).any())


def add_compartment(
    fig: theme.Sheet, volumes: pd.DataFrame, surgeries: Sequence[pd.Timestamp], axis: dict[str, Any]
) -> None:
    """Draw one compartment, broken where surgery lies between two scans.

    Parameters
    ----------
    volumes
        Rows of the measurement view of one compartment of one patient, with a date.
    surgeries
        Days of operations.
    axis
        The volume axis, as made by ``theme.volume_axis``.
    """
    style = labels.compartment(str(volumes["compartment"].iloc[0]))
    volumes = volumes.sort_values("acquired_on")
    if axis["type"] == "log":
        _none_seen(fig, volumes[volumes["volume_mm3"] == 0], axis)
        volumes = volumes.assign(volume_mm3=volumes["volume_mm3"].where(volumes["volume_mm3"] != 0))
    for part in pieces(volumes, surgeries):
        _interval(fig, part.dropna(subset=["volume_low_mm3", "volume_high_mm3"]), style.colour)
        fig.add_scatter(
            x=part["acquired_on"],
            y=part["volume_mm3"] / 1000,
            mode="lines+markers",
            name=style.word,
            line={"color": style.colour, "dash": style.dash, "width": style.width},
            marker={"color": style.colour, "size": 5},
            customdata=part["session_id"],
            hovertext=[_hover(row) for row in part.pipe(as_rows)],
            hoverinfo="text",
        )


def add_all_tumour(fig: theme.Sheet, volumes: pd.DataFrame) -> None:
    """Draw all tumour as a thin dashed line beside the tumour that is judged.

    Parameters
    ----------
    volumes
        Rows of the measurement view of solid tumour, with a date.
    """
    style = labels.compartment("tumour")
    seen = volumes[volumes["volume_mm3"] > 0].sort_values("acquired_on")
    fig.add_scatter(
        x=seen["acquired_on"],
        y=seen["volume_mm3"] / 1000,
        mode="lines",
        name="all tumour",
        line={"color": style.colour, "dash": "dash", "width": 1.4},
        hovertext=[f"all tumour {labels.ml(row['volume_mm3'])}" for row in seen.pipe(as_rows)],
        hoverinfo="text",
    )


def _none_seen(fig: theme.Sheet, volumes: pd.DataFrame, axis: dict[str, Any]) -> None:
    """Put visits without this tissue as small rings on the lower edge of a logarithmic axis, which has no zero."""
    for row in volumes.pipe(as_rows):
        fig.add_scatter(
            x=[row["acquired_on"]],
            y=[floor(axis)],
            mode="markers",
            cliponaxis=False,
            marker={"symbol": "circle-open", "size": 6, "color": labels.compartment(row["compartment"]).colour},
            customdata=[row["session_id"]],
            hovertext=_hover(row),
            hoverinfo="text",
        )


def floor(axis: dict[str, Any]) -> float:
    """Return the volume at the lower edge of an axis, mL: where marks without a volume stand."""
    return float(10 ** axis["range"][0] * 1.06 if axis["type"] == "log" else axis["range"][0])


def _interval(fig: theme.Sheet, volumes: pd.DataFrame, colour: str) -> None:
    """Draw the 95 % interval: a band, or a whisker where a visit stands alone."""
    low, high = volumes["volume_low_mm3"] / 1000, volumes["volume_high_mm3"] / 1000
    line: dict[str, Any]
    filled: dict[str, Any] = {}
    if len(volumes) == 1:
        x, y, line = [volumes["acquired_on"].iloc[0]] * 2, [low.iloc[0], high.iloc[0]], {"width": 6}
    else:
        x, y = [*volumes["acquired_on"], *volumes["acquired_on"][::-1]], [*high, *low[::-1]]
        line, filled = {"width": 0}, {"fill": "toself", "fillcolor": theme.fade(colour, 0.12)}
    line["color"] = theme.fade(colour, 0.2)
    fig.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", **filled)


def pieces(volumes: pd.DataFrame, surgeries: Sequence[pd.Timestamp]) -> list[pd.DataFrame]:
    """Split the visits of one compartment wherever a surgery lies between two of them, or a volume is missing."""
    before = sum((volumes["acquired_on"] >= day).astype(int) for day in surgeries) if surgeries else 0
    missing = volumes["volume_mm3"].isna()
    part = missing.cumsum() * 1000 + before
    return [group for _, group in volumes[~missing].groupby(part[~missing])]


def _hover(values: dict[Any, Any]) -> str:
    style = labels.compartment(values["compartment"])
    interval = labels.ml_interval(values["volume_low_mm3"], values["volume_high_mm3"])
    origin = labels.MASK_ORIGINS.get(values["mask_origin"], "")
    lines = [
        f"<b>{labels.day(values['acquired_on'])}</b> {theme.plain(values['session_id'])}",
        f"{style.word} {labels.ml(values['volume_mm3'])}"
        + (f" (95{labels.NARROW}% CI {interval})" if interval else ""),
        f"mask {origin}" if origin else "",
    ]
    return "<br>".join(line for line in lines if line)
