"""Survival curves and follow-up; with ``hazards`` the only user of lifelines.

Intervals are log-log (lifelines' default; R's default is log), and every result names that. What this module refuses:
a median that was not reached, and survival at a time that nobody was followed to.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times

from pipeline.cohort.survival.durations import checked, floats

CI_TRANSFORM = "log-log"
"""Transform of the 95 % interval of survival; say it in every figure and table."""

DAYS_PER_YEAR = 365.25

YEARS = (1, 2, 5, 10)
"""When survival is reported."""


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve.

    Attributes
    ----------
    times_days, survival, low, high
        The curve steps to ``survival`` at each time and stays there; 95 % interval; the first time is 0.
    censored_days
        Times of censoring, for the ticks.
    durations_days
        How long each patient was observed, the shortest first.
    median_days, median_low_days, median_high_days
        None where it was not reached.
    ci_transform
        Name of the transform of the interval.
    """

    patient_count: int
    event_count: int
    times_days: tuple[float, ...]
    survival: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    censored_days: tuple[float, ...]
    durations_days: tuple[float, ...]
    median_days: float | None
    median_low_days: float | None
    median_high_days: float | None
    ci_transform: str = CI_TRANSFORM

    def at(self, time_days: float) -> tuple[float, float, float]:
        """Return survival and its interval at a time, days."""
        index = int(np.searchsorted(self.times_days, time_days, side="right")) - 1
        return self.survival[index], self.low[index], self.high[index]

    def at_risk(self, time_days: float) -> int:
        """Return how many were still under observation just before a time, days."""
        return self.patient_count - bisect_left(self.durations_days, time_days)


@dataclass(frozen=True)
class SurvivalAt:
    """Survival at one time.

    Attributes
    ----------
    survival, low, high
        Share and its 95 % interval; survival is None beyond the longest follow-up, the interval also where
        survival is 1 or 0 and the transform has none.
    at_risk
        Number under observation just before.
    reason
        Why a number is missing, in words; empty when none is.
    """

    years: float
    survival: float | None
    low: float | None
    high: float | None
    at_risk: int
    reason: str
    ci_transform: str = CI_TRANSFORM


def kaplan_meier(durations_days: Sequence[float], events: Sequence[bool]) -> KaplanMeier:
    """Estimate a survival curve.

    Parameters
    ----------
    durations_days
        Time from zero to event or censoring, days, 0 or more.
    events
        True for an event, False when censored.

    Raises
    ------
    InputError
        No patients, unequal lengths, or a negative or missing duration.

    Examples
    --------
    >>> curve = kaplan_meier([100, 200, 300], [True, False, True])
    >>> curve.median_days, curve.at_risk(0), curve.at_risk(150)
    (300.0, 3, 2)
    """
    durations, observed = checked(durations_days, events)
    fitter = KaplanMeierFitter().fit(durations, observed)
    table, interval = fitter.survival_function_, fitter.confidence_interval_survival_function_
    median = _reached(fitter.median_survival_time_)
    bounds = median_survival_times(interval)
    return KaplanMeier(
        patient_count=len(durations),
        event_count=int(observed.sum()),
        times_days=floats(table.index),
        survival=floats(table.iloc[:, 0]),
        low=floats(interval.iloc[:, 0]),
        high=floats(interval.iloc[:, 1]),
        censored_days=floats(np.sort(durations[~observed])),
        durations_days=floats(np.sort(durations)),
        median_days=median,
        median_low_days=_reached(bounds.iloc[0, 0]),
        median_high_days=_reached(bounds.iloc[0, 1]),
    )


def reverse_km_median(durations_days: Sequence[float], events: Sequence[bool]) -> float | None:
    """Return the median follow-up, days: Kaplan-Meier with events and censorings exchanged (Schemper 1996).

    Examples
    --------
    >>> reverse_km_median([100, 200, 300], [True, False, False])
    200.0
    """
    durations, observed = checked(durations_days, events)
    return _reached(KaplanMeierFitter().fit(durations, ~observed).median_survival_time_)


def at_years(curve: KaplanMeier, years: Sequence[float] = YEARS) -> tuple[SurvivalAt, ...]:
    """Return survival at whole years, each with its 95 % interval and the number still at risk.

    Examples
    --------
    >>> one, two = at_years(kaplan_meier([400, 500, 600], [True, False, False]), years=[1, 2])
    >>> one.survival, one.at_risk, two.survival, two.reason
    (1.0, 3, None, 'nobody was followed for 2 years')
    """
    return tuple(_at_year(curve, year) for year in years)


def _at_year(curve: KaplanMeier, year: float) -> SurvivalAt:
    at_risk = curve.at_risk(year * DAYS_PER_YEAR)
    if year * DAYS_PER_YEAR > curve.durations_days[-1]:
        return SurvivalAt(year, None, None, None, at_risk, f"nobody was followed for {year:g} years")
    survival, low, high = curve.at(year * DAYS_PER_YEAR)
    if survival in (0.0, 1.0):
        return SurvivalAt(year, survival, None, None, at_risk, "the log-log interval does not exist at 0 and 1")
    return SurvivalAt(year, survival, low, high, at_risk, "")


def _reached(days: float) -> float | None:
    return float(days) if np.isfinite(days) else None
