"""From patients with a time to progression to curves, their figure and the words that say how they were made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import survival_figure as chart
from dashboard.charts.cohort_figures import DAYS_PER_MONTH
from dashboard.words import labels
from pipeline.cohort import disclosure, interval_censoring, survival
from pipeline.cohort.survival import KaplanMeier, SurvivalAt

EVERYONE = "all"
MOST_GROUPS = len(chart.COLOURS)
YEARS = (1, 2, 5)
MOST_LIMITED = 500
"""Patients up to which the limits by Turnbull are computed; their time grows with the square of the number."""
MOST_TICKED = 200
"""Patients up to which each that was censored has a tick; of more the ticks would run into one."""
LIMITS_NOTE = "Dashed: the limits that the scans allow, since true progression lies between two of them (Turnbull)."
BIAS_NOTE = "True progression lies between two scans, so groups that are scanned less often look better."


@dataclass(frozen=True)
class Curves:
    """Curves and the patients on them.

    Attributes
    ----------
    rows
        The patients on any curve; the column ``group`` names their curve.
    by_name
        The curves, the largest group first.
    months
        Ticks of the time axis, at which the numbers at risk are counted.
    is_shared
        Small counts are hidden.
    """

    rows: pd.DataFrame
    by_name: Mapping[str, KaplanMeier]
    months: Sequence[float]
    is_shared: bool = False


def estimate(patients: pd.DataFrame, column: str | None) -> Curves:
    """Estimate one curve for all, or one for each value of a covariate (the largest groups where there are many).

    Parameters
    ----------
    patients
        Columns duration_days and is_event, and the covariate; rows without one of them are left out.
    """
    rows = patients.dropna(subset=["duration_days", "is_event"])
    rows = rows.assign(group=EVERYONE if column is None else rows[column])
    if column is not None:
        rows = rows[rows["group"].isin(rows["group"].value_counts().index[:MOST_GROUPS])]
    if rows.empty:
        return Curves(rows, {}, ())
    months = chart.month_ticks(float(rows["duration_days"].max()) / DAYS_PER_MONTH)
    outcomes = rows[["group", "duration_days", "is_event"]]
    found = {str(name): _curve(outcomes[outcomes["group"] == name]) for name in outcomes["group"].value_counts().index}
    return Curves(rows, found, months)


def to_share(curves: Curves) -> Curves:
    """Leave out the curves of so few patients that they could point at a person."""
    kept = {name: curve for name, curve in curves.by_name.items() if curve.patient_count >= disclosure.FEWEST}
    rows = curves.rows[curves.rows["group"].astype(str).isin(kept)]
    return Curves(rows, kept, curves.months, is_shared=True)


def figure(curves: Curves, intervals: pd.DataFrame) -> go.Figure:
    """Draw the curves; a single one with the limits that the days between scans allow.

    Parameters
    ----------
    intervals
        Rows of the cohort_interval query: patient_id, after_days, until_days (missing when no event was seen).
    """
    groups = [_group(name, curves) for name in curves.by_name]
    limits = _limits(curves, intervals) if _has_limits(curves) else None
    return chart.survival(groups, curves.months, f"95\u202f% CI, {survival.CI_TRANSFORM}", limits)


def _has_limits(curves: Curves) -> bool:
    return len(curves.by_name) == 1 and len(curves.rows) <= MOST_LIMITED and not curves.is_shared


def _has_ticks(curves: Curves) -> bool:
    return len(curves.rows) <= MOST_TICKED and not curves.is_shared


def _limits(curves: Curves, intervals: pd.DataFrame) -> pd.DataFrame:
    own = intervals[intervals["patient_id"].isin(curves.rows["patient_id"])]
    until = own["until_days"].fillna(math.inf)
    found = interval_censoring.turnbull([float(x) for x in own["after_days"]], [float(x) for x in until])
    last = float(curves.rows["duration_days"].max())
    turns = {0.0, last, *found.low_days, *found.high_days}
    days = sorted({day + step for day in turns for step in (0.0, 0.01) if day + step <= last})
    shares = [found.at(day) for day in days]
    return pd.DataFrame(
        {"months": days, "low": [low for low, _ in shares], "high": [high for _, high in shares]}, dtype=float
    ).assign(months=lambda table: table["months"] / DAYS_PER_MONTH)


def method(curves: Curves, total: int) -> str:
    """Say how the curves were made and what limits them."""
    if not curves.by_name:
        return ""
    durations, events = _outcomes(curves.rows)
    is_hidden = curves.is_shared and disclosure.is_small(sum(events))
    seen = f"{disclosure.HIDDEN} events" if is_hidden else labels.count(sum(events), "event")
    ticks = " (ticks)" if _has_ticks(curves) else ""
    made = (
        f"Kaplan-Meier estimate of time to progression (n = {len(durations)} of {total}, {seen}), from time zero to "
        f"the first scan on which progression could be declared, censored at the last adequate assessment{ticks}; "
        f"95\u202f% band by the {survival.CI_TRANSFORM} transform. Median follow-up by reverse Kaplan-Meier: "
        f"{months(follow_up_days(curves.rows))}."
    )
    if len(curves.by_name) == 1:
        return f"{made} {LIMITS_NOTE if _has_limits(curves) else BIAS_NOTE}"
    test = survival.log_rank(durations, events, list(curves.rows["group"]))
    return f"{made} Log-rank p = {labels.two_figures(test.p_value)}, adjusted for nothing. {BIAS_NOTE}"


def summary(curves: Curves) -> list[tuple[str, ...]]:
    """Return each curve's name, n, events, median and survival at the years, with 95 % intervals, in words."""
    return [
        (
            labels.words(name),
            str(curve.patient_count),
            _count(curve.event_count, is_shared=curves.is_shared),
            _median(curve),
            *map(_at, survival.at_years(curve, YEARS)),
        )
        for name, curve in curves.by_name.items()
    ]


def follow_up_days(patients: pd.DataFrame) -> float | None:
    """Return the median follow-up of patients with a known outcome (reverse Kaplan-Meier); None if not reached."""
    durations, events = _outcomes(patients)
    return _follow_up_days(tuple(durations), tuple(events))


@lru_cache(maxsize=8)
def _follow_up_days(durations: tuple[float, ...], events: tuple[bool, ...]) -> float | None:
    """Remember what was found: figure and table of one page ask for the same patients."""
    return survival.reverse_km_median(durations, events)


def months(days: float | None) -> str:
    """Write a time in months, or that it was not reached."""
    return "not reached" if days is None else f"{days / DAYS_PER_MONTH:.0f} months"


def _median(curve: KaplanMeier) -> str:
    if curve.median_days is None:
        return "not reached"
    low, high = months(curve.median_low_days), months(curve.median_high_days)
    return f"{months(curve.median_days)} ({low.removesuffix(' months')} to {high.removesuffix(' months')})"


def _at(found: SurvivalAt) -> str:
    if found.survival is None:
        return "not followed so long"
    share = f"{100 * found.survival:.0f}\u202f%"
    if found.low is None or found.high is None:
        return share
    return f"{share} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def _curve(rows: pd.DataFrame) -> KaplanMeier:
    return survival.kaplan_meier(*_outcomes(rows))


def _outcomes(rows: pd.DataFrame) -> tuple[list[float], list[bool]]:
    return rows["duration_days"].astype(float).tolist(), rows["is_event"].astype(bool).tolist()


def _group(name: str, curves: Curves) -> chart.Group:
    curve, is_shared = curves.by_name[name], curves.is_shared
    steps = pd.DataFrame(
        {"months": curve.times_days, "survival": curve.survival, "low": curve.low, "high": curve.high}, dtype=float
    )
    days = sorted(set(curve.censored_days))  # a tick for each day, however many were censored on it
    place = np.searchsorted(np.asarray(curve.times_days, dtype=float), days, side="right") - 1
    left = np.where(place < 0, 1.0, np.asarray(curve.survival, dtype=float)[np.maximum(place, 0)])
    censored = pd.DataFrame({"months": days, "survival": left}, dtype=float)
    for table in (steps, censored):
        table["months"] /= DAYS_PER_MONTH
    at_risk = [_count(curve.at_risk(month * DAYS_PER_MONTH), is_shared=is_shared) for month in curves.months]
    return chart.Group(labels.words(name), steps, censored if _has_ticks(curves) else censored.iloc[:0], at_risk)


def _count(number: int, *, is_shared: bool) -> str:
    return f"<{disclosure.FEWEST}" if is_shared and disclosure.is_small(number) else str(number)
