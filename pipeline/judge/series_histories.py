"""How the true volume of one lesion may have gone: static, steady, saltatory, wandering; and three ways to weigh that.

Each history is a straight line of the log volume with at most two jumps, so that its probability and what it says of
the volumes have closed forms. The same histories are weighed three times, since three questions are asked of them:

=============  =====================================================================================================
``PEOPLE``     how often each history is met: for probabilities, which are to come true as often as they say
``ANYBODY``    no history favoured, none without change: for intervals, which are to hold for every kind of tumour
``ALARM``      static against the changes a reader looks for, late ones first: for calls, whose false alarms are
               limited over ten follow-ups of a tumour that never changes
=============  =====================================================================================================

Four more stances hold one kind of tumour alone (:data:`KINDS`), for what a cohort says of how often each is met.

What this module refuses: a share of people learned from the study at hand, which would let one patient's scan change
another patient's verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Stance(IntEnum):
    """Which question the histories are weighed for."""

    PEOPLE = 0
    ANYBODY = 1
    ALARM = 2
    STILL = 3
    STEADY = 4
    BY_JUMPS = 5
    OTHERWISE = 6


KINDS = (Stance.PEOPLE, Stance.STILL, Stance.STEADY, Stance.BY_JUMPS, Stance.OTHERWISE)
"""Kinds of people of whom a cohort may be made: those met everywhere, whose tumour never changes, grows steadily, grows
by jumps alone, or changes fast."""


@dataclass(frozen=True)
class Normal:
    """A share of the histories, and what is expected of the log volume in it: mean and standard deviation."""

    share: float
    mean: float
    sd: float


STATIC_SHARE = 0.6
"""Of people whose tumour does not change but for jumps. Half of spinal haemangioblastomas were static (Lonser 2014,
10.3171/2014.1.JNS131431), of NF2 tumours 29 % grew by less than 20 % (PMID 27208873); a proposal."""

SLOPES = (Normal(0.30, 0.08, 0.08), Normal(0.03, 0.0, 0.35), Normal(0.01, 0.0, 2.0))
"""Change of the log volume per year in the others. Schwannoma 5 %/y (quartiles 0 and 14), NF2 tumours of the cord 6 %/y
over five years (PMID 27208873), haemangioblastoma 21 %/y; the wide ones hold malignant growth (a doubling in months)
and what treatment does. A proposal."""

JUMPS_PER_YEAR = 0.07
"""Sudden changes in everybody: growth of haemangioblastomas was saltatory in 72 % of those that grew (Lonser 2014)."""

JUMPS = (Normal(0.75, 0.0, 0.5), Normal(0.25, 0.0, 1.5))
"""How large a jump of the log volume is: ln 2 = 0.69 is a doubling, -0.69 a halving; a proposal."""

SHORTEST_YEARS = 1 / 365.25
"""Two scans of one day are treated as a day apart: between them nothing is likely to happen, yet not impossible."""

LONGEST_YEARS = 5.0
"""A longer time between two scans makes a jump no likelier, lest the histories without one are lost."""

TWO_JUMPS_FROM = 0.25
"""Two jumps are thought of on lines with at least this share; the rest is left to wandering."""

WANDERING = (Normal(0.02, 0.0, 0.15), Normal(0.01, 0.0, 0.6))
"""Courses that no line with two jumps describes: a random walk, standard deviation after one year."""

ANYBODY_SLOPES = (Normal(0.5, 0.0, 0.5), Normal(0.3, 0.0, 3.0))
ANYBODY_JUMPS_PER_YEAR = 1.0
ANYBODY_WANDERING = (Normal(0.1, 0.0, 0.15), Normal(0.1, 0.0, 0.6))
"""Wide enough that no answer is pulled towards none; chosen so that intervals hold in each simulated cohort alone."""

ALARM_SLOPES = (Normal(0.2, 0.08, 0.08), Normal(0.03, 0.0, 0.25))
ALARM_JUMP_SD = 0.7
ALARM_LATEST = (0.45, 0.35, 0.15)
ALARM_EARLIER = 0.05
ALARM_TWO_JUMPS = 0.1
ALARM_WANDERING = (Normal(0.02, 0.0, 0.3),)
"""Weights against 1 for a static tumour: of a slope, of one jump before the latest, last but one and third last scan
and before any, and of one more jump before that. Chosen on simulations (``tests/benchmark/series_calls.py``)."""


ALARM_LIMIT_GROWTH = 0.81
ALARM_LIMIT_SHRINKAGE = 0.78
"""Least weight of all histories of growth (of shrinkage), seen in the stance ``ALARM``, at which it is called beyond
measurement error: false in 6 of 100 people with a tumour that never changes over ten follow-ups at the worst error
(less at others, and of shrinkages), measured on simulations whose seeds are not those of the benchmark."""


GROWTH_JUMPS_PER_YEAR = 0.15
GROWTH_JUMP = Normal(1.0, 0.5, 0.35)
"""Jumps of people in whom growth is saltatory, once in some seven years, by 65 % (median); a proposal."""

ONE_KIND = {
    Stance.STILL: (1.0, ()),
    Stance.STEADY: (0.0, SLOPES[:1]),
    Stance.OTHERWISE: (0.0, SLOPES[1:]),
}
"""Share of static tumours and the slopes of the others, of kinds without a jump."""


@dataclass(frozen=True)
class Histories:
    """Histories of one series of scans; ``h`` of them, each with up to three effects.

    Attributes
    ----------
    columns
        Effect columns, (h, 3): 0 the slope, ``j`` a jump before scan ``j``, ``n`` none.
    means, precisions
        What is expected of each effect, (h, 3); an absent effect has mean 0 and precision 1.
    weights
        Prior weights, (h,); only their ratios count.
    """

    columns: Integers
    means: Floats
    precisions: Floats
    weights: Floats


def histories(years: Floats, stance: Stance) -> Histories:
    """List the histories of scans at given times.

    Parameters
    ----------
    years
        Times of two or more scans, ascending, years.
    stance
        Which question they are weighed for.

    Examples
    --------
    >>> len(histories(np.array([0.0, 1.0, 2.0]), Stance.ALARM).weights)
    6
    """
    if stance == Stance.ALARM:
        blocks = [*_straight(len(years), 1.0, ALARM_SLOPES), _watched_jumps(len(years))]
    elif stance == Stance.PEOPLE:
        lines = [(STATIC_SHARE, None), *((slope.share, slope) for slope in SLOPES)]
        blocks = [*_straight(len(years), STATIC_SHARE, SLOPES), *_rare_jumps(years, JUMPS_PER_YEAR, lines)]
    elif stance in ONE_KIND:
        blocks = [*_straight(len(years), *ONE_KIND[stance])]
    elif stance == Stance.BY_JUMPS:
        blocks = [*_rare_jumps(years, GROWTH_JUMPS_PER_YEAR, [(1.0, None)], (GROWTH_JUMP,))]
    else:
        lines = [(slope.share, slope) for slope in ANYBODY_SLOPES]
        blocks = [*_straight(len(years), 0.0, ANYBODY_SLOPES), *_rare_jumps(years, ANYBODY_JUMPS_PER_YEAR, lines)]
    return Histories(
        columns=np.concatenate([block.columns for block in blocks]),
        means=np.concatenate([block.means for block in blocks]),
        precisions=np.concatenate([block.precisions for block in blocks]),
        weights=np.concatenate([block.weights for block in blocks]),
    )


def _straight(scans: int, static: float, slopes: tuple[Normal, ...]) -> Iterator[Histories]:
    """Yield the histories without a jump."""
    nowhere = np.full((1, 2), scans)
    if static:
        yield _block(nowhere, scans, None, None, np.array([static]))
    for slope in slopes:
        yield _block(nowhere, scans, slope, None, np.array([slope.share]))


def _rare_jumps(
    years: Floats, per_year: float, lines: list[tuple[float, Normal | None]], jumps: tuple[Normal, ...] = JUMPS
) -> Iterator[Histories]:
    """Yield one and two jumps on each line; a jump is the likelier the longer the time between two scans."""
    scans = len(years)
    gaps = np.minimum(np.maximum(np.diff(years), SHORTEST_YEARS), LONGEST_YEARS)
    odds = np.append(np.expm1(per_year * gaps), 1.0)  # of a jump before scan 1, 2, ... and of none
    for share, line in lines:
        places = _places(scans, 2 if share >= TWO_JUMPS_FROM else 1)
        chances = share * np.prod(odds[places - 1], axis=1)
        for jump in jumps:
            yield _block(places, scans, line, jump, jump.share * chances)


def _watched_jumps(scans: int) -> Histories:
    """Return one and two jumps of a tumour that is else static, late ones first.

    Of two jumps the later one is as likely as it is alone, and the other is before any scan until then alike.
    """
    chances = np.full(scans, ALARM_EARLIER / (scans - 1))
    latest = ALARM_LATEST[: scans - 1]
    chances[scans - 1 - np.arange(1, len(latest) + 1)] += latest
    places = _places(scans, 2)
    first, last = places[:, 0], places[:, 1]
    latest_jump = np.where(last == scans, first, last)
    one_more = np.where(last == scans, 1.0, ALARM_TWO_JUMPS / np.maximum(last - 1, 1))
    weights = chances[latest_jump - 1] * one_more
    return _block(places, scans, None, Normal(1.0, 0.0, ALARM_JUMP_SD), weights)


def _places(scans: int, jumps: int) -> Integers:
    """Return the scans before which one or two jumps happen, (k, 2); ``scans`` stands for no second one."""
    first, last = np.triu_indices(scans + 1, 1)
    places = np.stack([first, last], axis=1)[first > 0]
    return places if jumps == 2 else places[places[:, 1] == scans]


def _block(places: Integers, none: int, line: Normal | None, jump: Normal | None, weights: Floats) -> Histories:
    count = len(places)
    columns = np.column_stack([np.full(count, 0 if line else none), places])
    means, precisions = np.zeros((count, 3)), np.ones((count, 3))
    if line:
        means[:, 0], precisions[:, 0] = line.mean, line.sd**-2
    if jump:
        means[:, 1:] = np.where(places < none, jump.mean, 0.0)
        precisions[:, 1:] = np.where(places < none, jump.sd**-2, 1.0)
    return Histories(columns, means, precisions, weights)
