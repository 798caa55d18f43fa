"""Compare incidence where something else can happen first: Gray's test and Fine-Gray regression; the user of comprisk.

The log-rank test and Cox's model compare hazards of those who are still free of every event; these two compare the
shares that had the event, as the curves of ``incidence`` show them. What this module refuses: fewer than ten events for
each covariate, a model that does not converge, and left truncation, which comprisk cannot count with.

References
----------
Gray 1988, Ann Stat 16:1141-1154. Fine and Gray 1999, J Am Stat Assoc 94:496-509, with Breslow ties and the sandwich
variance, as R's ``cmprsk``. Events for each covariate: Austin, Allignol and Fine 2017, J Clin Epidemiol 83:75-84,
10.1016/j.jclinepi.2016.11.017: ten are enough where covariates are continuous or of moderate prevalence, else 40 to 50.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from pipeline.cohort.survival.durations import checked
from pipeline.cohort.survival.hazards import EVENTS_PER_COVARIATE, design
from pipeline.errors import InputError, SettingsError
from pipeline.measure.measurement_error import Z_95

EVENTS_IF_RARE = 40
"""Events for each covariate below which one that few or nearly all have is doubted (Austin 2017)."""

MODERATE = (0.2, 0.8)
"""Share of patients with a covariate of 0 and 1 between which it is no rare one; a proposal."""

LARGEST_COEFFICIENT = 10.0
"""Beyond this ln(hazard ratio) over a covariate's whole range no event was seen at one end: it is no estimate."""

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True)
class GrayTest:
    """Gray's test; chi-square 0 with 0 degrees of freedom and p 1 where no event was seen."""

    groups: tuple[str, ...]
    chi_square: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True)
class SubdistributionRatio:
    """One covariate of a Fine-Gray model, with its 95 % interval."""

    covariate: str
    coefficient: float
    standard_error: float
    hazard_ratio: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class FineGray:
    """A Fine-Gray model and what speaks against trusting it, in words."""

    patient_count: int
    event_count: int
    competing_count: int
    ratios: tuple[SubdistributionRatio, ...]
    warnings: tuple[str, ...]


def gray_test(
    durations_days: Sequence[float], events: Sequence[bool], competing: Sequence[bool], groups: Sequence[str]
) -> GrayTest:
    """Compare the cumulative incidence of an event between groups.

    Parameters
    ----------
    durations_days, events, competing
        As :func:`cumulative_incidence`.
    groups
        Name of the group of each patient.

    Raises
    ------
    InputError
        As :func:`cumulative_incidence`; also fewer than two groups, or lengths that differ.

    Examples
    --------
    >>> gray_test([1, 2, 3, 4], [False] * 4, [True, False, False, False], ["a", "a", "b", "b"]).p_value
    1.0
    """
    durations, causes = _causes(durations_days, events, competing)
    labels = np.asarray(groups, dtype=str)
    names = tuple(sorted(set(labels.tolist())))
    if len(labels) != len(durations) or len(names) < 2:
        msg = f"Gray's test: expected a group for each of {len(durations)} patients and two at least, got {names}"
        raise InputError(msg)
    if not (causes == EVENT).any():
        return GrayTest(names, 0.0, 0, 1.0)
    from comprisk import gray_test as of_comprisk  # noqa: PLC0415  # two seconds that only comparisons cost

    try:
        test = of_comprisk(durations, causes, labels, cause=EVENT)
    except np.linalg.LinAlgError:  # no variance
        return GrayTest(names, 0.0, 0, 1.0)
    return GrayTest(names, float(test.stat), int(test.df), float(test.pvalue))


def fine_gray(
    durations_days: Sequence[float],
    events: Sequence[bool],
    competing: Sequence[bool],
    covariates: Mapping[str, Sequence[float]],
) -> FineGray:
    """Fit a Fine-Gray model of the subdistribution hazard.

    Parameters
    ----------
    durations_days, events, competing
        As :func:`cumulative_incidence`.
    covariates
        Name to one number per patient; categories as 0 and 1.

    Raises
    ------
    InputError
        As :func:`cumulative_incidence`; also no events, a missing, constant or ill-sized covariate, or no convergence.
    SettingsError
        Fewer than ``EVENTS_PER_COVARIATE`` events per covariate.
    """
    durations, causes = _causes(durations_days, events, competing)
    event_count = int((causes == EVENT).sum())
    covariate_table = design(covariates, len(durations), event_count)
    names = [*covariates]
    if event_count < EVENTS_PER_COVARIATE * len(names):
        msg = (
            f"Fine-Gray model: expected {EVENTS_PER_COVARIATE} events for each covariate, got {event_count} for "
            f"{len(names)} ({', '.join(names)}); not given below that"
        )
        raise SettingsError(msg)
    values = covariate_table.to_numpy()
    coefficients, errors = _fitted(values, durations, causes, names)
    return FineGray(
        patient_count=len(durations),
        event_count=event_count,
        competing_count=int((causes == COMPETING).sum()),
        ratios=tuple(_ratio(*of) for of in zip(names, coefficients, errors, strict=True)),
        warnings=_doubts(names, values, event_count),
    )


def _causes(
    durations_days: Sequence[float], events: Sequence[bool], competing: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    durations, observed = checked(durations_days, events)
    others = checked(durations_days, competing)[1]
    if (observed & others).any():
        msg = f"competing events: expected an event or a competing one, found both for {(observed & others).sum()}"
        raise InputError(msg)
    return durations, np.where(observed, EVENT, np.where(others, COMPETING, CENSORED)).astype(np.int64)


def _fitted(
    values: NDArray[np.float64], durations: NDArray[np.float64], causes: NDArray[np.int64], names: Sequence[str]
) -> tuple[list[float], list[float]]:
    """Return the coefficients with their standard errors."""
    from comprisk import FineGrayRegression  # noqa: PLC0415

    remedy = f"drop one of {', '.join(names)}, or join groups"
    try:
        model = FineGrayRegression(cause=EVENT, robust_se=True).fit(values, time=durations, event=causes)
    except (RuntimeError, ValueError, np.linalg.LinAlgError) as error:
        raise InputError(f"Fine-Gray model: expected it to converge, but it does not ({error}); {remedy}") from error
    reach = np.abs(model.coef_) * np.ptp(values, axis=0)
    if not model.converged_ or not np.isfinite(model.se_).all() or reach.max() > LARGEST_COEFFICIENT:
        message = f"Fine-Gray model: expected it to converge, but a covariate separates the events; {remedy}"
        raise InputError(message)
    return model.coef_.tolist(), model.se_.tolist()


def _ratio(name: str, coefficient: float, error: float) -> SubdistributionRatio:
    half_width = Z_95 * error
    return SubdistributionRatio(
        covariate=name,
        coefficient=coefficient,
        standard_error=error,
        hazard_ratio=math.exp(coefficient),
        low=math.exp(coefficient - half_width),
        high=math.exp(coefficient + half_width),
        p_value=float(2 * norm.sf(abs(coefficient) / error)),
    )


def _doubts(names: Sequence[str], values: NDArray[np.float64], event_count: int) -> tuple[str, ...]:
    if event_count >= EVENTS_IF_RARE * len(names):
        return ()
    shares = {
        name: float(column.mean())
        for name, column in zip(names, values.T, strict=True)
        if set(np.unique(column)) == {0.0, 1.0}
    }
    return tuple(
        f"{name}: {100 * share:.0f} % of the patients; such groups ask for {EVENTS_IF_RARE} events, not {event_count}"
        for name, share in shares.items()
        if not MODERATE[0] <= share <= MODERATE[1]
    )
