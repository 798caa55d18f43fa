"""Figures of more patients than lines or bars can show one by one: ranks and quantiles instead of names."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.charts import theme
from dashboard.charts.cohort_figures import CAP_PERCENT, DAYS_PER_MONTH
from dashboard.words import labels

COLOUR = "#1F4E8C"
"""Neither a state's nor a compartment's colour."""
STEP_MONTHS = 6
FEWEST = 20
"""Patients that a stretch of time needs to be drawn."""
POINTS = 400
"""Ranks that are drawn at most."""
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


def ranked(changes_percent: pd.Series, thresholds_percent: dict[str, float]) -> go.Figure:
    """Draw best changes from the largest growth to the largest shrinkage over the share of patients.

    Parameters
    ----------
    changes_percent
        One per patient; cut at the cap.
    thresholds_percent
        Dashed lines by name, percent.
    """
    ordered = np.sort(changes_percent.dropna().to_numpy(dtype=float))[::-1]
    shares = np.linspace(0, 1, min(POINTS, len(ordered)))
    heights = np.minimum(ordered[np.round(shares * (len(ordered) - 1)).astype(int)], CAP_PERCENT)
    fig = theme.Sheet(340, {"l": 64, "r": 150, "t": 24, "b": 48})
    fig.add_scatter(
        x=100 * shares,
        y=heights,
        mode="lines",
        fill="tozeroy",
        line={"color": COLOUR, "width": 1.5},
        fillcolor=theme.fade(COLOUR, 0.15),
        hovertemplate="%{x:.0f} % of patients grew at least %{y:.0f} %<extra></extra>",
    )
    for name, value in thresholds_percent.items():
        theme.threshold(fig, value, f"{name} {labels.percent(value)}", value)
    fig.axis("xaxis", title_text="share of patients, %", range=[0, 100])
    fig.axis("yaxis", title_text="best change from baseline, %")
    return fig.done()


def stretches(courses: pd.DataFrame) -> pd.DataFrame:
    """Keep the last scan of each patient in each stretch of time.

    Parameters
    ----------
    courses
        Columns patient_id, days_from_baseline, baseline_ratio, in time order for each patient.

    Returns
    -------
    DataFrame
        Columns patient_id, step (the number of the stretch), baseline_ratio; by step, then by ratio.
    """
    with_ratio = courses.dropna(subset=["baseline_ratio", "days_from_baseline"])
    step = (with_ratio["days_from_baseline"] / DAYS_PER_MONTH / STEP_MONTHS).round().astype(int)
    with_ratio = with_ratio[["patient_id", "baseline_ratio"]].assign(step=step)
    return with_ratio.drop_duplicates(["patient_id", "step"], keep="last").sort_values(["step", "baseline_ratio"])


def quantiles(courses_by_step: pd.DataFrame, thresholds: dict[str, float]) -> go.Figure:
    """Draw the median and two bands (quartiles, tenths) of the volume relative to baseline over time.

    Parameters
    ----------
    courses_by_step
        Rows of ``stretches``, of whom is to be shown, in their order.
    thresholds
        Dashed lines by name, as ratios to baseline.
    """
    shares, months = _shares(
        courses_by_step["step"].to_numpy(), courses_by_step["baseline_ratio"].to_numpy(dtype=float)
    )
    floor = float(shares[shares > 0].min().min()) / 1.2 if (shares > 0).any(axis=None) else 0.1
    shares = shares.clip(lower=floor)
    fig = theme.Sheet(360, {"l": 76, "r": 150, "t": 16, "b": 48})
    for low, high, alpha in ((0.1, 0.9, 0.10), (0.25, 0.75, 0.18)):
        fig.add_scatter(
            x=[*months, *months[::-1]], y=[*shares[high], *shares[low][::-1]], mode="lines", fill="toself",
            fillcolor=theme.fade(COLOUR, alpha), line={"width": 0}, hoverinfo="skip",
        )  # fmt: skip
    fig.add_scatter(
        x=months, y=shares[0.5], mode="lines+markers", line={"color": COLOUR, "width": 2}, marker={"size": 5},
        hovertemplate="%{x:.0f} months: median ×%{y:.2f}<extra></extra>",
    )  # fmt: skip
    top = float(shares.max().max()) if len(shares) else 2.0
    shown = [floor, top, *thresholds.values()]
    ticks = [
        tick for tick in (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 3, 5, 10, 20, 50) if floor <= tick <= max(shown)
    ]
    fig.axis(
        "yaxis", type="log", range=[math.log10(min(shown) / 1.2), math.log10(max(shown) * 1.2)], tickvals=ticks,
        ticktext=[f"×{tick:g}" for tick in ticks], title_text="volume relative to baseline",
    )  # fmt: skip
    fig.axis("xaxis", title_text="months since baseline", rangemode="tozero")
    for name, ratio in thresholds.items():
        theme.threshold(fig, ratio, f"{name} ×{ratio:g}", math.log10(ratio))
    return fig.done()


def _shares(steps: NDArray[np.int64], ratios: NDArray[np.float64]) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the quantiles of each stretch that enough patients have, and its month."""
    numbers, starts = np.unique(steps, return_index=True)
    parts = zip(numbers, np.split(ratios, starts[1:]), strict=True) if len(numbers) else ()
    enough = {int(number): np.quantile(part, SHARES) for number, part in parts if len(part) >= FEWEST}
    return pd.DataFrame(enough, index=list(SHARES)).T, np.array(list(enough), dtype=float) * STEP_MONTHS
