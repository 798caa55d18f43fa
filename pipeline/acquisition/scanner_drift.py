"""Whether volumes repeat worse across a change of scanner: their changes, counted in their own stated errors.

If nothing truly changed and the stated errors hold, half of such numbers lie above 0.67. True growth is in them too, on
either side of the comparison, so only the difference between two groups speaks. Few numbers are given no median at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binom

FEWEST_PAIRS = 10
"""Pairs of visits below which no median is given: its interval would span nearly all of them."""

EXPECTED = 0.67
"""Median of the absolute value of a standard normal number: no true change, and errors that hold."""


@dataclass(frozen=True)
class Spread:
    """The median of a group with its 95 % interval; None where the group is too small."""

    count: int
    median: float | None = None
    low: float | None = None
    high: float | None = None


def spread(values: Sequence[float]) -> Spread:
    """Return the median and its exact interval by order statistics, which assumes no distribution.

    Parameters
    ----------
    values
        Absolute changes divided by their stated standard error, in any order.

    References
    ----------
    Conover, Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2 (interval of a quantile).

    Examples
    --------
    >>> spread([0.1 * n for n in range(1, 12)]).median
    0.6
    >>> spread([1.0] * 9)
    Spread(count=9, median=None, low=None, high=None)
    """
    count, ordered = len(values), sorted(values)
    if count < FEWEST_PAIRS:
        return Spread(count)
    rank = int(binom.ppf(0.025, count, 0.5))
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return Spread(count, round(middle, 10), ordered[rank - 1], ordered[count - rank])


def told_apart(same: Spread, changed: Spread) -> bool | None:
    """Say whether volumes repeat worse across a change: its interval lies above the other; None for too few pairs."""
    if same.high is None or changed.low is None:
        return None
    return changed.low > same.high
