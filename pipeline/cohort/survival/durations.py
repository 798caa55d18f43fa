"""Durations, events and entries as arrays, checked once for every estimate. What it refuses: impossible durations.

Left truncation: somebody who is in the cohort only because of something that happened after time zero (a first scan
to compare with, three months after surgery) cannot have had the event before it, and is counted as under observation
from then on only. Of an event and an entry on one day the event comes first, as in R's ``survival``; who enters at
time zero is under observation from the start.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.errors import InputError


def checked(durations_days: Sequence[float], events: Sequence[bool]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return durations and event flags as arrays.

    Raises
    ------
    InputError
        No patients, unequal lengths, or a negative or missing duration.
    """
    durations, observed = np.asarray(durations_days, dtype=np.float64), np.asarray(events, dtype=bool)
    if not len(durations) or len(durations) != len(observed):
        msg = f"survival: expected one event flag for each duration, got {len(durations)} and {len(observed)}"
        raise InputError(msg)
    if not (np.isfinite(durations).all() and durations.min() >= 0):
        msg = f"survival: expected durations of 0 days or more, got {durations.min():g}; correct the dates"
        raise InputError(msg)
    return durations, observed


def entered(entries_days: Sequence[float] | None, durations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the day from which each patient was under observation; 0 for all without left truncation.

    Raises
    ------
    InputError
        Another number of entries, or one that is missing, before time zero, or not before the end.

    Examples
    --------
    >>> entered(None, np.array([5.0, 9.0])).tolist(), entered([2.0, 0.0], np.array([5.0, 0.0])).tolist()
    ([0.0, 0.0], [2.0, 0.0])
    """
    if entries_days is None:
        return np.zeros_like(durations)
    entries = np.asarray(entries_days, dtype=np.float64)
    if len(entries) != len(durations):
        msg = f"survival: expected a day of entry for each duration, got {len(entries)} and {len(durations)}"
        raise InputError(msg)
    is_possible = np.isfinite(entries) & (entries >= 0) & ((entries < durations) | (entries == 0))
    if not is_possible.all():
        entry, end = entries[~is_possible][0], durations[~is_possible][0]
        msg = (
            f"survival: expected entry at time zero or later and before the end, got entry on day {entry:g} and end on "
            f"day {end:g}; leave out who was not under observation after entry"
        )
        raise InputError(msg)
    return entries


def under_observation(
    entries: NDArray[np.float64], durations: NDArray[np.float64], time_days: float
) -> NDArray[np.bool_]:
    """Say for each patient whether an event at a time, days, would have been seen."""
    return ((entries < time_days) | (entries == 0)) & (durations >= time_days)


def floats(values: Sequence[float] | NDArray | pd.Series | pd.Index) -> tuple[float, ...]:
    """Return plain numbers, without the types of the libraries that made them."""
    return tuple(np.asarray(values, dtype=np.float64).tolist())
