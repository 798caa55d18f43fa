"""How often an event happens when something else can happen first. What it refuses: an event that is both.

Where death or a new lesion elsewhere comes before local failure, one minus Kaplan-Meier counts failures that can no
longer happen; the cumulative incidence does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.cohort.survival.durations import checked, entered, floats, under_observation
from pipeline.errors import InputError
from pipeline.measure.measurement_error import Z_95

CI_TRANSFORM = "log-log of one minus the incidence"

ROUNDING = 1e-12
"""An incidence this close to 1 is 1: a sum of shares may miss it by its last digit."""


@dataclass(frozen=True)
class CumulativeIncidence:
    """Share of patients with the event by each time.

    Attributes
    ----------
    times_days, incidence, low, high
        The curve steps to ``incidence`` at each time and stays there; 95 % interval; the first time is 0.
    durations_days, entries_days
        When each patient's observation ended and began.
    ci_transform
        Name of the transform of the interval.
    """

    patient_count: int
    event_count: int
    competing_count: int
    durations_days: tuple[float, ...]
    entries_days: tuple[float, ...]
    times_days: tuple[float, ...]
    incidence: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    ci_transform: str = CI_TRANSFORM

    def at(self, time_days: float) -> tuple[float, float, float]:
        """Return incidence and its interval at a time, days."""
        index = int(np.searchsorted(self.times_days, time_days, side="right")) - 1
        return self.incidence[index], self.low[index], self.high[index]

    def at_risk(self, time_days: float) -> int:
        """Return how many had neither event and were under observation just before a time, days."""
        entries, durations = np.array(self.entries_days), np.array(self.durations_days)
        return int(np.count_nonzero(under_observation(entries, durations, time_days)))


def cumulative_incidence(
    durations_days: Sequence[float],
    events: Sequence[bool],
    competing: Sequence[bool],
    entries_days: Sequence[float] | None = None,
) -> CumulativeIncidence:
    """Estimate the cumulative incidence of an event with competing events (Aalen-Johansen).

    Parameters
    ----------
    durations_days
        Time from zero to event, competing event or censoring, days, 0 or more.
    events, competing
        Which of the two ended it; neither for a censored patient.
    entries_days
        Day from which each patient was under observation (left truncation); None for time zero.

    Raises
    ------
    InputError
        No patients, unequal lengths, a negative duration, a patient with both, or an entry that is not before the end.

    References
    ----------
    Variance by the delta method, Marubini and Valsecchi 1995, Analysing Survival Data, ch. 10: that of statsmodels'
    ``CumIncidenceRight``, which gives none (0 / 0) at the last step when nobody is left, where incidence is read most.

    Examples
    --------
    >>> cumulative_incidence([1, 2, 3, 4], [True, False, True, False], [False, True, False, False]).incidence
    (0.0, 0.25, 0.25, 0.5)
    """
    durations, observed = checked(durations_days, events)
    others = checked(durations_days, competing)[1]
    if (observed & others).any():
        msg = f"cumulative incidence: expected an event or a competing one, found both for {(observed & others).sum()}"
        raise InputError(msg)
    entries = entered(entries_days, durations)
    times = np.unique(durations[observed | others])
    at_risk = np.array([under_observation(entries, durations, t).sum() for t in times], dtype=np.float64)
    caused = np.array([(observed & (durations == time)).sum() for time in times], dtype=np.float64)
    every = caused + np.array([(others & (durations == time)).sum() for time in times], dtype=np.float64)
    before = np.concatenate([[1.0], np.cumprod(1 - every / at_risk)])[:-1]
    incidence = np.cumsum(before * caused / at_risk)
    errors = np.sqrt(_variances(incidence, before, at_risk, caused, every))
    low, high = _interval(incidence, errors)
    return CumulativeIncidence(
        patient_count=len(durations),
        event_count=int(observed.sum()),
        competing_count=int(others.sum()),
        durations_days=floats(durations),
        entries_days=floats(entries),
        times_days=(0.0, *floats(times)),
        incidence=(0.0, *floats(incidence)),
        low=(0.0, *floats(low)),
        high=(0.0, *floats(high)),
    )


def _variances(
    incidence: NDArray[np.float64],
    before: NDArray[np.float64],
    at_risk: NDArray[np.float64],
    caused: NDArray[np.float64],
    every: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the variance of the incidence at each time of the curve."""
    left = at_risk * np.maximum(at_risk - every, 1.0)  # nobody left: the last step, where the gap below is 0
    variances = np.empty_like(incidence)
    for index, value in enumerate(incidence):
        upto = slice(index + 1)
        gap = value - incidence[upto]
        spread = gap**2 * every[upto] / left[upto]
        binomial = before[upto] ** 2 * caused[upto] * (at_risk[upto] - caused[upto]) / at_risk[upto] ** 3
        shared = 2 * gap * before[upto] * caused[upto] / at_risk[upto] ** 2
        variances[index] = np.sum(spread + binomial - shared)
    return np.maximum(variances, 0.0)


def _interval(
    incidence: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the limits, log-log on one minus the incidence; the incidence itself where it is 0 or 1."""
    low, high = incidence.copy(), incidence.copy()
    inside = (incidence > 0) & (incidence < 1 - ROUNDING)
    free = 1 - incidence[inside]
    factor = np.exp(Z_95 * errors[inside] / (free * -np.log(free)))
    low[inside], high[inside] = 1 - free ** (1 / factor), 1 - free**factor
    return low, high
