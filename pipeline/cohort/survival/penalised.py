"""Cox model for few events: Firth's penalty keeps the estimates finite and less biased; the one user of firthmodels.

What this module refuses: fewer than five events, more than one covariate per five of them, and an interval where the
likelihood gives none.

References
----------
Heinze and Schemper 2001, Biometrics 57:114-119. Ties as Breslow; intervals and p values from the profile of the
penalised likelihood, since Wald's are wrong where an effect is separated.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from firthmodels import FirthCoxPH

from pipeline.cohort.survival.durations import checked
from pipeline.cohort.survival.hazards import design
from pipeline.errors import InputError, SettingsError

FEWEST_EVENTS = 5
"""Events that the model needs at least, and for each covariate; a proposal, half of what an ordinary one needs."""


@dataclass(frozen=True)
class PenalisedRatio:
    """One covariate; ``low`` and ``high`` are the 95 % profile interval, 0 or infinite where it is open."""

    covariate: str
    coefficient: float
    hazard_ratio: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class PenalisedCox:
    """A Cox model with Firth's penalty, and what a reader must know of it."""

    patient_count: int
    event_count: int
    ratios: tuple[PenalisedRatio, ...]
    method: str = "Cox model with Firth's penalty (few events), Breslow ties, profile likelihood intervals"


def penalised_cox(
    durations_days: Sequence[float], events: Sequence[bool], covariates: Mapping[str, Sequence[float]]
) -> PenalisedCox:
    """Fit a Cox model with Firth's penalty.

    Parameters
    ----------
    durations_days, events
        As ``kaplan_meier``.
    covariates
        Name to one number per patient; categories as 0 and 1.

    Raises
    ------
    InputError
        As ``kaplan_meier``; also no events, a missing, constant or ill-sized covariate, or no convergence.
    SettingsError
        Too few events.
    """
    durations, observed = checked(durations_days, events)
    event_count = int(observed.sum())
    covariate_table = design(covariates, len(durations), event_count)
    _refuse_too_few_events(event_count, [*covariates])
    model = FirthCoxPH(backend="numpy")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(covariate_table.to_numpy(), (observed, durations)).lrt()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an open end comes back as NaN and is said as such
            bounds = np.asarray(model.conf_int(method="pl"), dtype=np.float64)
    except (Warning, RuntimeError, ValueError, np.linalg.LinAlgError) as error:
        message = f"Cox model with Firth's penalty: it does not converge ({error}); drop one of {[*covariates]}"
        raise InputError(message) from error
    ratios = tuple(
        _ratio(name, float(b), bounds[i], float(model.lrt_pvalues_[i]))
        for i, (name, b) in enumerate(zip(covariates, model.coef_, strict=True))
    )
    return PenalisedCox(len(durations), event_count, ratios)


def _ratio(name: str, coefficient: float, bounds: np.ndarray, p_value: float) -> PenalisedRatio:
    low, high = (float(bound) for bound in bounds)
    return PenalisedRatio(
        covariate=name,
        coefficient=coefficient,
        hazard_ratio=math.exp(coefficient),
        low=0.0 if math.isnan(low) else math.exp(low),
        high=math.inf if math.isnan(high) else math.exp(high),
        p_value=p_value,
    )


def _refuse_too_few_events(event_count: int, names: Sequence[str]) -> None:
    if event_count < FEWEST_EVENTS * max(1, len(names)):
        message = (
            f"Cox model with Firth's penalty: expected {FEWEST_EVENTS} events for each covariate, found {event_count} "
            f"for {len(names)} ({', '.join(names)}); leave some out, or compare survival curves instead"
        )
        raise SettingsError(message)
