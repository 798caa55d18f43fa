"""Cox models: hazard ratios, and whether they may be believed; with ``curves`` the only user of lifelines.

What this module refuses: more covariates than the events can carry, and a model that does not converge.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from lifelines.statistics import proportional_hazard_test

from pipeline.cohort.survival.durations import checked, entered
from pipeline.errors import InputError, SettingsError

EVENTS_PER_COVARIATE = 10
"""Fewest events per covariate of a Cox model (Peduzzi 1995, J Clin Epidemiol 48:1503)."""

PROPORTIONAL_P = 0.05
"""Below this p of the Schoenfeld test (rank time) a constant hazard ratio is doubted."""


@dataclass(frozen=True)
class HazardRatio:
    """One covariate of a Cox model.

    ``proportional_p`` tests that its hazard ratio is constant (Schoenfeld); None with left truncation, for which
    lifelines has no residuals.
    """

    covariate: str
    coefficient: float
    hazard_ratio: float
    low: float
    high: float
    p_value: float
    proportional_p: float | None


@dataclass(frozen=True)
class Cox:
    """A Cox model (Efron ties) and what speaks against trusting it, in words."""

    patient_count: int
    event_count: int
    ratios: tuple[HazardRatio, ...]
    concordance: float
    warnings: tuple[str, ...]
    ci_transform: str = "log"


def cox(
    durations_days: Sequence[float],
    events: Sequence[bool],
    covariates: Mapping[str, Sequence[float]],
    entries_days: Sequence[float] | None = None,
) -> Cox:
    """Fit a Cox model and check it.

    Parameters
    ----------
    durations_days, events, entries_days
        As :func:`kaplan_meier`.
    covariates
        Name to one number per patient; categories as 0 and 1.

    Raises
    ------
    InputError
        As :func:`kaplan_meier`; also no events, a missing, constant or ill-sized covariate, or no convergence.
    SettingsError
        Fewer than ``EVENTS_PER_COVARIATE`` events per covariate.
    """
    durations, observed = checked(durations_days, events)
    patients = design(covariates, len(durations), int(observed.sum()))
    _refuse_too_few_events(int(observed.sum()), [*covariates])
    entries = entered(entries_days, durations)
    patients = patients.assign(duration_days=durations, event=observed)
    if entries.any():
        at_risk_from = np.where(entries == 0, -1.0, entries)  # on the day itself nobody is at risk
        patients = patients.assign(entry_days=at_risk_from)
    fitter = CoxPHFitter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            fitter.fit(patients, "duration_days", "event", entry_col="entry_days" if entries.any() else None)
    except (ConvergenceError, ConvergenceWarning) as error:
        msg = f"Cox model: expected it to converge, but a covariate separates the events; drop one of {[*covariates]}"
        raise InputError(msg) from error
    tests = {} if entries.any() else proportional_hazard_test(fitter, patients, time_transform="rank").summary["p"]
    ratios = tuple(_hazard_ratio(name, fitter.summary.loc[name], tests.get(name)) for name in covariates)
    return Cox(len(durations), int(observed.sum()), ratios, float(fitter.concordance_index_), _doubts(ratios))


def design(covariates: Mapping[str, Sequence[float]], patient_count: int, event_count: int) -> pd.DataFrame:
    """Return the covariates as a table, one row per patient.

    Raises
    ------
    InputError
        No events, or a missing, constant or ill-sized covariate.
    """
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


def _hazard_ratio(name: str, row: pd.Series, proportional_p: float | None) -> HazardRatio:
    return HazardRatio(
        covariate=name,
        coefficient=float(row["coef"]),
        hazard_ratio=float(row["exp(coef)"]),
        low=float(row["exp(coef) lower 95%"]),
        high=float(row["exp(coef) upper 95%"]),
        p_value=float(row["p"]),
        proportional_p=None if proportional_p is None else float(proportional_p),
    )


def _doubts(ratios: Sequence[HazardRatio]) -> tuple[str, ...]:
    return tuple(
        f"{ratio.covariate}: the hazard ratio changes over time (Schoenfeld p {ratio.proportional_p:.2g})"
        for ratio in ratios
        if ratio.proportional_p is not None and ratio.proportional_p < PROPORTIONAL_P
    )


def _refuse_too_few_events(event_count: int, names: Sequence[str]) -> None:
    allowed = event_count // EVENTS_PER_COVARIATE
    if len(names) > allowed:
        remedy = f"leave out {len(names) - allowed} of them" if allowed else "compare survival curves"
        msg = (
            f"Cox model: expected {EVENTS_PER_COVARIATE} events for each covariate, found {event_count} events for "
            f"{len(names)} ({', '.join(names)}); {remedy}, use Firth's penalty, or take in more patients"
        )
        raise SettingsError(msg)
