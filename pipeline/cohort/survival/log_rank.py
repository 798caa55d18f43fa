"""Compare survival between groups. What it refuses: fewer than two groups.

The test is that of statsmodels. Patients who were no longer seen when the first event happened tell nothing of it and
are left out, as R's ``survdiff`` leaves out groups of only such patients; statsmodels cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from pipeline.cohort.survival.durations import checked
from pipeline.errors import InputError


@dataclass(frozen=True)
class LogRank:
    """A log-rank test.

    Attributes
    ----------
    groups
        Those compared: with somebody under observation when an event happened.
    chi_square, degrees_of_freedom, p_value
        0, 0 and 1 where no event tells groups apart: only one of them was left, or all had it on the same day.
    """

    groups: tuple[str, ...]
    chi_square: float
    degrees_of_freedom: int
    p_value: float


def log_rank(durations_days: Sequence[float], events: Sequence[bool], groups: Sequence[str]) -> LogRank:
    """Compare survival between groups.

    Raises
    ------
    InputError
        As :func:`kaplan_meier`; also fewer than two groups, or lengths that differ.

    References
    ----------
    Mantel 1966, Cancer Chemother Rep 50:163-170; covariance of the hypergeometric distribution.

    Examples
    --------
    Expected in group a: 1/2 + 1/3 of an event where 2 happened; variance 1/4 + 2/9.

    >>> test = log_rank([1, 2, 3, 4], [True] * 4, ["a", "a", "b", "b"])
    >>> round(test.chi_square, 3), test.degrees_of_freedom, round(test.p_value, 3)
    (2.882, 1, 0.09)
    """
    durations, observed = checked(durations_days, events)
    labels = np.asarray(groups, dtype=str)
    names = tuple(sorted(set(labels.tolist())))
    if len(labels) != len(durations) or len(names) < 2:
        msg = f"log-rank: expected a group for each of {len(durations)} patients and two groups at least, got {names}"
        raise InputError(msg)
    is_seen = durations >= durations[observed].min(initial=np.inf)  # when the first event happened
    compared = tuple(sorted(set(labels[is_seen].tolist())))
    statistic = _chi_square(durations[is_seen], observed[is_seen], labels[is_seen]) if len(compared) > 1 else None
    if statistic is None:
        return LogRank(compared, 0.0, 0, 1.0)
    freedom = len(compared) - 1
    return LogRank(compared, statistic, freedom, float(chi2.sf(statistic, freedom)))


def _chi_square(durations: NDArray[np.float64], observed: NDArray[np.bool_], labels: NDArray[np.str_]) -> float | None:
    """Return the statistic of the test; None where everybody had the event on the same day."""
    from statsmodels.duration.survfunc import survdiff  # noqa: PLC0415  # a second that only comparisons cost

    try:
        statistic, _ = survdiff(durations, observed, labels)
    except np.linalg.LinAlgError:  # no variance
        return None
    return float(statistic)
