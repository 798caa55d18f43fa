"""Compare survival between groups. What it refuses: fewer than two groups.

The test is that of statsmodels. Patients who were not under observation on the day of any event tell nothing of them
and are left out, as R's ``survdiff`` leaves out groups of only such patients; statsmodels cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from pipeline.cohort.survival.durations import checked, entered, under_observation
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


def log_rank(
    durations_days: Sequence[float],
    events: Sequence[bool],
    groups: Sequence[str],
    entries_days: Sequence[float] | None = None,
) -> LogRank:
    """Compare survival between groups.

    Parameters
    ----------
    durations_days, events, entries_days
        As :func:`kaplan_meier`.
    groups
        Name of the group of each patient.

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
    entries = entered(entries_days, durations)
    is_seen = np.zeros_like(observed)
    for time in np.unique(durations[observed]):
        is_seen |= under_observation(entries, durations, time)
    with_events = tuple(sorted(set(labels[is_seen].tolist())))
    seen = (durations[is_seen], observed[is_seen], labels[is_seen], entries[is_seen])
    statistic = _chi_square(*seen) if len(with_events) > 1 else None
    if statistic is None:
        return LogRank(with_events, 0.0, 0, 1.0)
    freedom = len(with_events) - 1
    return LogRank(with_events, statistic, freedom, float(chi2.sf(statistic, freedom)))


def _chi_square(
    durations: NDArray[np.float64],
    observed: NDArray[np.bool_],
    labels: NDArray[np.str_],
    entries: NDArray[np.float64],
) -> float | None:
    """Return the statistic of the test; None where everybody had the event on the same day."""
    from statsmodels.duration.survfunc import survdiff  # noqa: PLC0415  # a second that only comparisons cost

    before_zero = np.where(entries == 0, -1.0, entries)  # statsmodels counts nobody on the very day of entry
    try:
        statistic, _ = survdiff(durations, observed, labels, entry=before_zero if entries.any() else None)
    except np.linalg.LinAlgError:  # no variance
        return None
    return float(statistic)
