"""Survival when an event is only known to lie between two scans; to be shown beside Kaplan-Meier, not in its place.

Kaplan-Meier puts each progression on the scan that showed it, so a group that is scanned less often looks better.
The nonparametric estimate for intervals (Turnbull) has no such bias. What this module refuses: survival inside an
interval where the data say nothing (it gives two bounds), and a confidence interval, which has no closed form.

References
----------
Turnbull 1976, J R Stat Soc B 38:290-295; the innermost intervals are those of Peto 1973, Appl Stat 22:86-91; long
steps as in Varadhan and Roland 2008, Scand J Stat 35:335-353.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

TOLERANCE = 1e-9
"""The estimate stands when no share changes by more than this in one step."""

MOST_STEPS = 50_000

# What comes first of several bounds on one day: a point begins, then intervals end, then open intervals begin.
_POINT, _END, _OPEN = 0, 1, 2


@dataclass(frozen=True)
class Turnbull:
    """Survival with interval-censored events.

    Attributes
    ----------
    low_days, high_days
        Innermost intervals, in order; all events lie in them, but where inside one is unknown. Equal for an event
        whose day is known; the last may be infinite.
    share
        Share of patients with their event in each.
    has_converged
        False when the estimate was still moving after the last step.
    """

    patient_count: int
    event_count: int
    low_days: tuple[float, ...]
    high_days: tuple[float, ...]
    share: tuple[float, ...]
    has_converged: bool

    def at(self, time_days: float) -> tuple[float, float]:
        """Return the lowest and highest survival at a time that the data allow; equal outside the intervals."""
        begun = sum(
            share
            for low, high, share in zip(self.low_days, self.high_days, self.share, strict=True)
            if low < time_days or high <= time_days
        )
        over = sum(share for high, share in zip(self.high_days, self.share, strict=True) if high <= time_days)
        return max(0.0, 1 - begun), max(0.0, 1 - over)

    @property
    def median_days(self) -> tuple[float, float] | None:
        """The interval that survival falls to one half in, days; None where it was not reached."""
        total = 0.0
        for low, high, share in zip(self.low_days, self.high_days, self.share, strict=True):
            total += share
            if total >= 0.5 - 1e-6:
                return (low, high) if math.isfinite(high) else None
        return None


def turnbull(low_days: Sequence[float], high_days: Sequence[float]) -> Turnbull:
    """Estimate survival from intervals by self-consistency: each step shares every patient out over its intervals.

    Parameters
    ----------
    low_days, high_days
        The event lies after the first and not after the second, days from time zero: last scan without and first
        scan with progression. Equal for a known day; ``high`` infinite when no event was seen (censored at ``low``).

    Raises
    ------
    InputError
        No patients, unequal lengths, or an interval that ends before it begins.

    Examples
    --------
    Six intervals whose likelihood is x^2 (1 - x)^4, largest at x = 1/3.

    >>> estimate = turnbull([0, 0, 0, 1, 1, 2], [1, 2, 2, 3, 3, 3])
    >>> estimate.high_days, [round(share, 6) for share in estimate.share]
    ((1.0, 2.0, 3.0), [0.333333, 0.333333, 0.333333])
    """
    low, high = _checked(low_days, high_days)
    cells = _innermost(low, high)
    starts, stops = np.array([cell[0] for cell in cells]), np.array([cell[1] for cell in cells])
    holds = _holds(low, high, starts, stops)
    kinds, counts = np.unique(holds, axis=0, return_counts=True)
    share, has_converged = _self_consistent(kinds.astype(np.float64), counts.astype(np.float64))
    return Turnbull(
        patient_count=len(low),
        event_count=int(np.isfinite(high).sum()),
        low_days=tuple(starts.tolist()),
        high_days=tuple(stops.tolist()),
        share=tuple(share.tolist()),
        has_converged=has_converged,
    )


def _checked(low_days: Sequence[float], high_days: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = np.asarray(low_days, dtype=np.float64), np.asarray(high_days, dtype=np.float64)
    if not len(low) or len(low) != len(high):
        msg = f"intervals: expected a first and a last day for each patient, got {len(low)} and {len(high)}"
        raise InputError(msg)
    wrong = ~((low >= 0) & np.isfinite(low) & (high >= low))
    if wrong.any():
        first = int(np.argmax(wrong))
        msg = (
            f"intervals: expected days from 0 on, the last not before the first, got {low[first]:g} to "
            f"{high[first]:g}; correct the dates"
        )
        raise InputError(msg)
    return low, high


def _innermost(low: NDArray[np.float64], high: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the intervals from a beginning to the next end without another beginning between."""
    is_day = low == high
    bounds = {(day, _POINT if point else _OPEN) for day, point in zip(low.tolist(), is_day.tolist(), strict=True)}
    bounds |= {(day, _END) for day in high.tolist()}
    cells, begun = [], None
    for day, kind in sorted(bounds):
        if kind != _END:
            begun = day
        elif begun is not None:
            cells.append((begun, day))
            begun = None
    return cells


def _holds(
    low: NDArray[np.float64], high: NDArray[np.float64], starts: NDArray[np.float64], stops: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Say for each patient and innermost interval whether the patient's interval holds it."""
    points = starts == stops
    low, high = low[:, None], high[:, None]
    begins = np.where(points & (low < high), starts > low, starts >= low)
    return begins & (stops <= high) & (points | (low < high))


def _self_consistent(kinds: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Return the share of each interval, from equal shares on; and whether it came to rest.

    Two steps foretell a longer one, which is taken where it makes the data likelier (Varadhan and Roland 2008).
    """
    share = np.full(kinds.shape[1], 1 / kinds.shape[1])
    for _ in range(MOST_STEPS):
        once = _step(share, kinds, counts)
        twice = _step(once, kinds, counts)
        if np.abs(twice - once).max() < TOLERANCE:
            return twice, True
        further = _further(share, once, twice)
        share = twice
        if (kinds @ further > 0).all():
            further = _step(further / further.sum(), kinds, counts)
            if counts @ np.log(kinds @ further) >= counts @ np.log(kinds @ twice):
                share = further
    return share, False


def _step(share: NDArray[np.float64], kinds: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share every patient out over the intervals that may hold its event, and count anew."""
    return share * (kinds.T @ (counts / (kinds @ share))) / counts.sum()


def _further(share: NDArray[np.float64], once: NDArray[np.float64], twice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where two steps point to; shares below 0 become 0."""
    change = once - share
    bend = twice - once - change
    length = max(float(np.linalg.norm(change)) / max(float(np.linalg.norm(bend)), 1e-300), 1.0)
    return np.maximum(share + 2 * length * change + length**2 * bend, 0.0)
