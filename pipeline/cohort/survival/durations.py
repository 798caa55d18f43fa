"""Durations and events as arrays, checked once for every estimate. What it refuses: impossible durations."""

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


def floats(values: Sequence[float] | NDArray | pd.Series | pd.Index) -> tuple[float, ...]:
    """Return plain numbers, without the types of the libraries that made them."""
    return tuple(np.asarray(values, dtype=np.float64).tolist())
