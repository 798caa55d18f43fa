"""Time-to-event analysis of a cohort: Kaplan-Meier, follow-up, log-rank and Cox; the only user of lifelines.

Intervals of survival are log-log (lifelines' default; R's default is log), and every result names that. What this
module refuses: a Cox model on more covariates than its events can carry, and a median that was not reached.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from lifelines.statistics import proportional_hazard_test
from lifelines.utils import median_survival_times
from numpy.typing import NDArray
from scipy.stats import chi2

from pipeline.errors import InputError

CI_TRANSFORM = "log-log"
"""Transform of the 95 % interval of survival; say it in every figure and table."""

EVENTS_PER_COVARIATE = 10
"""Fewest events per covariate of a Cox model (Peduzzi 1995, J Clin Epidemiol 48:1503)."""


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve.

    Attributes
    ----------
    times_days, survival, low, high
        The curve steps to ``survival`` at each time and stays there; 95 % interval; the first time is 0.
    censored_days
        Times of censoring, for the ticks.
    at_risk
        Number still under observation just before each requested time.
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
    at_risk: tuple[tuple[float, int], ...]
    median_days: float | None
    median_low_days: float | None
    median_high_days: float | None
    ci_transform: str = CI_TRANSFORM

    def at(self, time_days: float) -> tuple[float, float, float]:
        """Return survival and its interval at a time, days."""
        index = int(np.searchsorted(self.times_days, time_days, side="right")) - 1
        return self.survival[index], self.low[index], self.high[index]


@dataclass(frozen=True)
class LogRank:
    """A (stratified) log-rank test: observed and expected events by group, chi-square, degrees of freedom and p."""

    groups: tuple[str, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    chi_square: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True)
class HazardRatio:
    """One covariate of a Cox model; ``proportional_p`` tests that its hazard ratio is constant (Schoenfeld)."""

    covariate: str
    coefficient: float
    hazard_ratio: float
    low: float
    high: float
    p_value: float
    proportional_p: float


@dataclass(frozen=True)
class Cox:
    """A Cox model (Efron ties) and what speaks against trusting it, in words."""

    patient_count: int
    event_count: int
    ratios: tuple[HazardRatio, ...]
    concordance: float
    warnings: tuple[str, ...]


def kaplan_meier(durations_days: Sequence[float], events: Sequence[bool], at_days: Sequence[float] = ()) -> KaplanMeier:
    """Estimate a survival curve.

    Parameters
    ----------
    durations_days
        Time from zero to event or censoring, days, 0 or more.
    events
        True for an event, False when censored.
    at_days
        Times for the numbers at risk.

    Raises
    ------
    InputError
        No patients, unequal lengths, or a negative or missing duration.

    Examples
    --------
    >>> curve = kaplan_meier([100, 200, 300], [True, False, True], at_days=[0, 150])
    >>> curve.median_days, curve.at_risk
    (300.0, ((0.0, 3), (150.0, 2)))
    """
    durations, observed = _checked(durations_days, events)
    fitter = KaplanMeierFitter().fit(durations, observed)
    table, interval = fitter.survival_function_, fitter.confidence_interval_survival_function_
    median = _reached(fitter.median_survival_time_)
    bounds = median_survival_times(interval)
    return KaplanMeier(
        patient_count=len(durations),
        event_count=int(observed.sum()),
        times_days=_floats(table.index),
        survival=_floats(table.iloc[:, 0]),
        low=_floats(interval.iloc[:, 0]),
        high=_floats(interval.iloc[:, 1]),
        censored_days=_floats(np.sort(durations[~observed])),
        at_risk=tuple((float(time), int((durations >= time).sum())) for time in at_days),
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
    durations, observed = _checked(durations_days, events)
    return _reached(KaplanMeierFitter().fit(durations, ~observed).median_survival_time_)


def log_rank(
    durations_days: Sequence[float],
    events: Sequence[bool],
    groups: Sequence[str],
    strata: Sequence[str] | None = None,
) -> LogRank:
    """Compare survival between groups, within strata such as centres when given.

    Raises
    ------
    InputError
        As :func:`kaplan_meier`; also fewer than two groups, or lengths that differ.

    References
    ----------
    Mantel 1966; covariance of the hypergeometric distribution, summed over strata.
    """
    durations, observed = _checked(durations_days, events)
    layers = np.asarray(strata if strata is not None else [""] * len(durations), dtype=str)
    labels = np.asarray(groups, dtype=str)
    names = tuple(sorted(set(labels.tolist())))
    if len(labels) != len(durations) or len(layers) != len(durations) or len(names) < 2:
        msg = f"log-rank: expected a group for each of {len(durations)} patients and two groups at least, got {names}"
        raise InputError(msg)
    members = labels[:, None] == np.array(names)
    parts = [_log_rank_sums(durations[layers == s], observed[layers == s], members[layers == s]) for s in set(layers)]
    counted, expected, covariance = (np.sum([part[i] for part in parts], axis=0) for i in range(3))
    excess = (counted - expected)[:-1]
    statistic = float(excess @ np.linalg.pinv(covariance[:-1, :-1]) @ excess)
    freedom = len(names) - 1
    return LogRank(names, _floats(counted), _floats(expected), statistic, freedom, float(chi2.sf(statistic, freedom)))


def cox(durations_days: Sequence[float], events: Sequence[bool], covariates: Mapping[str, Sequence[float]]) -> Cox:
    """Fit a Cox model and check it.

    Parameters
    ----------
    durations_days, events
        As :func:`kaplan_meier`.
    covariates
        Name to one number per patient; categories as 0 and 1.

    Raises
    ------
    InputError
        As :func:`kaplan_meier`; also no events, a missing, constant or ill-sized covariate, or no convergence.
    """
    durations, observed = _checked(durations_days, events)
    frame = _design(covariates, len(durations), int(observed.sum()))
    frame = frame.assign(duration_days=durations, event=observed)
    fitter = CoxPHFitter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            fitter.fit(frame, "duration_days", "event")
    except (ConvergenceError, ConvergenceWarning) as error:
        msg = f"Cox model: expected it to converge, but a covariate separates the events; drop one of {[*covariates]}"
        raise InputError(msg) from error
    tests = proportional_hazard_test(fitter, frame, time_transform="rank").summary["p"]
    ratios = tuple(_hazard_ratio(name, fitter.summary.loc[name], float(tests.loc[name])) for name in covariates)
    return Cox(len(durations), int(observed.sum()), ratios, float(fitter.concordance_index_), _doubts(ratios, observed))


def _checked(durations_days: Sequence[float], events: Sequence[bool]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    durations, observed = np.asarray(durations_days, dtype=np.float64), np.asarray(events, dtype=bool)
    if not len(durations) or len(durations) != len(observed):
        msg = f"survival: expected one event flag for each duration, got {len(durations)} and {len(observed)}"
        raise InputError(msg)
    if not (np.isfinite(durations).all() and durations.min() >= 0):
        msg = f"survival: expected durations of 0 days or more, got {durations.min():g}; correct the dates"
        raise InputError(msg)
    return durations, observed


def _log_rank_sums(
    durations: NDArray[np.float64], observed: NDArray[np.bool_], members: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return observed and expected events by group and their covariance within one stratum."""
    count = members.shape[1]
    expected, covariance = np.zeros(count), np.zeros((count, count))
    for time in np.unique(durations[observed]):
        at_risk = members[durations >= time].sum(axis=0)
        total, deaths = at_risk.sum(), int((observed & (durations == time)).sum())
        shares = at_risk / total
        expected += deaths * shares
        if total > 1:
            spread = deaths * (total - deaths) / (total - 1)
            covariance += spread * (np.diag(shares) - np.outer(shares, shares))
    return members[observed].sum(axis=0).astype(np.float64), expected, covariance


def _design(covariates: Mapping[str, Sequence[float]], patient_count: int, event_count: int) -> pd.DataFrame:
    problem = "no events to explain" if not event_count else "no covariate" if not covariates else None
    for name, values in covariates.items():
        numbers = np.asarray(values, dtype=np.float64)
        if len(numbers) != patient_count or not np.isfinite(numbers).all():
            problem = f"{name} needs one number for each of {patient_count} patients"
        elif np.ptp(numbers) == 0:
            problem = f"{name} is the same for all patients"
    if problem is not None:
        msg = f"Cox model: {problem}; choose other covariates or patients"
        raise InputError(msg)
    return pd.DataFrame({name: np.asarray(values, dtype=np.float64) for name, values in covariates.items()})


def _hazard_ratio(name: str, row: pd.Series, proportional_p: float) -> HazardRatio:
    return HazardRatio(
        covariate=name,
        coefficient=float(row["coef"]),
        hazard_ratio=float(row["exp(coef)"]),
        low=float(row["exp(coef) lower 95%"]),
        high=float(row["exp(coef) upper 95%"]),
        p_value=float(row["p"]),
        proportional_p=proportional_p,
    )


def _doubts(ratios: Sequence[HazardRatio], observed: NDArray[np.bool_]) -> tuple[str, ...]:
    found = [
        f"{ratio.covariate}: the hazard ratio changes over time (Schoenfeld p {ratio.proportional_p:.2g})"
        for ratio in ratios
        if ratio.proportional_p < 0.05
    ]
    events = int(observed.sum())
    if events < EVENTS_PER_COVARIATE * len(ratios):
        found.append(f"{events} events carry {events // EVENTS_PER_COVARIATE} covariates, not {len(ratios)}")
    return tuple(found)


def _reached(days: float) -> float | None:
    return float(days) if np.isfinite(days) else None


def _floats(values: Sequence[float] | NDArray | pd.Series | pd.Index) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
