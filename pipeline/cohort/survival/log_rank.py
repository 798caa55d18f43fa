"""Compare survival between groups, within strata. What it refuses: fewer than two groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from pipeline.cohort.survival.durations import checked, floats
from pipeline.errors import InputError


@dataclass(frozen=True)
class LogRank:
    """A (stratified) log-rank test: observed and expected events by group, chi-square, degrees of freedom and p."""

    groups: tuple[str, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    chi_square: float
    degrees_of_freedom: int
    p_value: float


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
    durations, observed = checked(durations_days, events)
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
    return LogRank(names, floats(counted), floats(expected), statistic, freedom, float(chi2.sf(statistic, freedom)))


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
