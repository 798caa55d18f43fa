"""Survival curves and follow-up; with ``hazards`` the only user of lifelines.

Intervals are log-log (lifelines' default; R's default is log), and every result names that. A median where the curve
is one half over a stretch is the middle of it, as in R's ``survival``. What this module refuses:
a median that was not reached, survival at a time that nobody was followed to, and a curve with left truncation that
fell to 0 while others were still to come under observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from lifelines import KaplanMeierFitter
from numpy.typing import NDArray

from pipeline.cohort.survival.durations import checked, entered, floats, under_observation
from pipeline.errors import SettingsError
from pipeline.measure.measurement_error import Z_95

CI_TRANSFORM = "log-log"
"""Transform of the 95 % interval of survival; say it in every figure and table."""

DAYS_PER_YEAR = 365.25

ROUNDING = 1e-9
"""A product of shares such as 5/6 · 4/5 · 3/4 ends a little beside one half."""

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
    durations_days, entries_days
        When each patient's observation ended and began, the shortest duration first; entries are 0 without left
        truncation.
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
    entries_days: tuple[float, ...]
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
        entries, durations = np.array(self.entries_days), np.array(self.durations_days)
        return int(np.count_nonzero(under_observation(entries, durations, time_days)))

    @property
    def first_event_days(self) -> float | None:
        """First time of an event, days; None without events."""
        return next((t for t, share in zip(self.times_days, self.survival, strict=True) if share < 1), None)


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


def kaplan_meier(
    durations_days: Sequence[float], events: Sequence[bool], entries_days: Sequence[float] | None = None
) -> KaplanMeier:
    """Estimate a survival curve.

    Parameters
    ----------
    durations_days
        Time from zero to event or censoring, days, 0 or more.
    events
        True for an event, False when censored.
    entries_days
        Day from which each patient was under observation (left truncation); None for time zero.

    Raises
    ------
    InputError
        No patients, unequal lengths, a negative or missing duration, or an entry that is not before the end.
    SettingsError
        Everybody under observation had the event while others were still to enter: no later time can be read.

    References
    ----------
    Left truncation: Tsai, Jewell and Wang 1987, Biometrika 74:883-886.

    Examples
    --------
    >>> curve = kaplan_meier([100, 200, 300], [True, False, True])
    >>> curve.median_days, curve.at_risk(0), curve.at_risk(150)
    (300.0, 3, 2)
    """
    durations, observed = checked(durations_days, events)
    entries = entered(entries_days, durations)
    _refuse_early_end(entries, durations, observed)
    times, survival, low, high = _estimate(entries, durations, observed)
    low, high = _without_end(survival, low, high)
    order = np.argsort(durations, kind="stable")
    return KaplanMeier(
        patient_count=len(durations),
        event_count=int(observed.sum()),
        times_days=floats(times),
        survival=floats(survival),
        low=floats(low),
        high=floats(high),
        censored_days=floats(np.sort(durations[~observed])),
        durations_days=floats(durations[order]),
        entries_days=floats(entries[order]),
        median_days=_half(times, survival),
        median_low_days=_half(times, low),
        median_high_days=_half(times, high),
    )


def reverse_km_median(
    durations_days: Sequence[float], events: Sequence[bool], entries_days: Sequence[float] | None = None
) -> float | None:
    """Return the median follow-up, days: Kaplan-Meier with events and censorings exchanged (Schemper 1996).

    With left truncation it is None where everybody under observation left before others entered.

    Examples
    --------
    >>> reverse_km_median([100, 200, 300], [True, False, False])
    250.0
    """
    durations, observed = checked(durations_days, events)
    entries = entered(entries_days, durations)
    if _early_end(entries, durations, ~observed) is not None:
        return None
    times, survival, _, _ = _estimate(entries, durations, ~observed)
    return _half(times, survival)


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


def _early_end(
    entries: NDArray[np.float64], durations: NDArray[np.float64], observed: NDArray[np.bool_]
) -> float | None:
    """Return the day on which all under observation had the event although others were to enter; None if never."""
    for time in np.unique(durations[observed & (durations < entries.max())]):
        dying = np.count_nonzero(observed & (durations == time))
        if dying == np.count_nonzero(under_observation(entries, durations, time)):
            return float(time)
    return None


def _refuse_early_end(
    entries: NDArray[np.float64], durations: NDArray[np.float64], observed: NDArray[np.bool_]
) -> None:
    time = _early_end(entries, durations, observed)
    if time is not None:
        msg = (
            f"survival: everybody under observation on day {time:g} had the event, and others entered later, so the "
            f"curve would stay at 0; start the clock at entry instead, or take in more patients"
        )
        raise SettingsError(msg)


def _estimate(
    entries: NDArray[np.float64], durations: NDArray[np.float64], observed: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], ...]:
    """Return times, survival and its limits, from time 0 on; by lifelines, or with late entries by statsmodels.

    lifelines gives no curve where for a while nobody is under observation, which late entries bring about.
    """
    if not entries.any():
        fitter = KaplanMeierFitter().fit(durations, observed)
        table, interval = fitter.survival_function_, fitter.confidence_interval_survival_function_
        columns = (table.index, table.iloc[:, 0], interval.iloc[:, 0], interval.iloc[:, 1])
        return tuple(np.asarray(column, dtype=np.float64) for column in columns)
    if not observed.any():
        return np.array([0.0, durations.max()]), *(np.ones(2),) * 3
    from statsmodels.duration.survfunc import SurvfuncRight  # noqa: PLC0415  # a second that only late entries cost

    curve = SurvfuncRight(durations, observed, entry=np.where(entries == 0, -1.0, entries))
    times, survival = np.asarray(curve.surv_times), np.asarray(curve.surv_prob)
    low, high = _limits(survival, np.asarray(curve.surv_prob_se))
    starts = (np.array([] if times[0] == 0 else [first]) for first in (0.0, 1.0, 1.0, 1.0))
    ends = (np.array([durations.max()]), survival[-1:], low[-1:], high[-1:])
    parts = zip(starts, (times, survival, low, high), ends, strict=True)
    return tuple(np.concatenate(part) for part in parts)


def _limits(
    survival: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log-log interval; survival itself where it is 0 or 1 and there is none."""
    low, high = survival.copy(), survival.copy()
    inside = (survival > 0) & (survival < 1)
    share = survival[inside]
    factor = np.exp(Z_95 * errors[inside] / (share * -np.log(share)))
    low[inside], high[inside] = share**factor, share ** (1 / factor)
    return low, high


def _without_end(
    survival: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Let the interval stay as it last was where the curve falls to 0: there the transform has none (R: NA)."""
    inside = np.flatnonzero(survival > 0)
    last = inside[-1] if len(inside) else 0
    places = np.minimum(np.arange(len(survival)), last)
    return low[places], high[places]


def _half(times: NDArray[np.float64], shares: NDArray[np.float64]) -> float | None:
    """Return the time at which a share is one half; None where it is never one half or less.

    Where it is one half for a while and falls later it is the middle of that while, as in R's ``survfit``; where it
    never falls later, the first time, for nobody knows how long the while is.
    """
    reached, later = times[shares <= 0.5 + ROUNDING], times[shares < 0.5 - ROUNDING]
    if not len(reached):
        return None
    is_flat = len(later) > 0 and later[0] > reached[0] and shares[times == reached[0]][-1] >= 0.5 - ROUNDING
    return float((reached[0] + later[0]) / 2 if is_flat else reached[0])
