"""How often each kind of tumour is met in one cohort, learned from its people, and what that makes of a probability.

A stated probability rests on how often tumours change everywhere (``judge.series_histories``). Where fewer or more of a
cohort's people grow it is off, and only the cohort can tell. So the shares of five kinds are learned from all people of
it (empirical Bayes), and a number of its own says how probable a change is *in this cohort*, beside the stated one.
What this module refuses: to be asked by anything that decides a verdict, a state or an event, for one patient's
scan moves another's number here; and shares from fewer than :data:`LEAST_PEOPLE` people.

References
----------
Shares of a mixture by EM under a Dirichlet prior, the components given: Stephens 2017, False discovery rates: a new
deal, 10.1093/biostatistics/kxw041; empirical Bayes: Efron 2010, Large-Scale Inference, chapter 1. Interval by profile
likelihood: Venzon and Moolgavkar 1988, 10.2307/2347496.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.core.cohort_records import CohortShare, KindEvidence

Floats = npt.NDArray[np.float64]

VERSION = "1"
"""Raised whenever the same people give other numbers."""

LEAST_PEOPLE = 20
"""Fewer people leave the shares too uncertain to be worth a number (see the benchmarks); a proposal."""

BEFORE = np.array([0.2, 0.4, 0.2, 0.1, 0.1])
"""Shares that are expected before anybody was seen: usual, still, steady, by jumps, otherwise; a proposal."""

PEOPLE_BEFORE = 3.0
"""How many people that expectation weighs as much as."""

USUAL_ELSEWHERE = 0.05
MANY, FEW = 0.9, 0.1
ELSEWHERE = np.array(
    [
        [USUAL_ELSEWHERE, *((1 - USUAL_ELSEWHERE) * part for part in (still, steady, by_jumps, 0.0))]
        for still, steady, by_jumps in ((MANY, FEW, 0.0), (MANY, 0.0, FEW), (FEW, MANY, 0.0), (FEW, 0.0, MANY))
    ]
)
"""Cohorts among which a probability may lie: one in ten or nine in ten grow, steadily or by jumps, and a few as they do
everywhere. Chosen on simulated people whose seed is none of those reported (see the benchmarks); a proposal."""

GROWING = np.array([False, False, True, True, False])
"""Kinds that grow, steadily or by jumps."""

STEPS = 2000
STEPS_OF_INTERVAL = 100
WITHIN = 1e-9
"""EM ends after so many steps, or once no share moves by more than this."""

TRIED = np.linspace(0.01, 0.99, 99)
"""Shares of growing people among which the ends of the interval are looked for."""

FALL = 1.9207
"""Fall of the log likelihood at the ends of a 95 % interval: half of the 95 % point of chi square with one degree."""


@dataclass(frozen=True)
class KindShares:
    """Shares of the kinds in the order of :data:`BEFORE`, and of people who grow with its 95 % interval; 0 to 1."""

    shares: tuple[float, ...]
    growing: float
    growing_low: float
    growing_high: float


def cohort_shares(evidence: Iterable[KindEvidence]) -> tuple[CohortShare, ...]:
    """Return the shares of every cohort: people in one kind of course, by one set of criteria.

    Several sets of criteria often have the same people and likelihoods, of which the shares are learned once.

    Parameters
    ----------
    evidence
        At most one of each patient and set of criteria, in any order; the order changes nothing.
    """
    cohorts: dict[tuple[str, str], list[KindEvidence]] = defaultdict(list)
    for one in evidence:
        cohorts[one.criteria_id, one.course].append(one)
    before: dict[tuple[tuple[float, ...], ...], KindShares] = {}
    return tuple(_share(name, people, before) for name, people in sorted(cohorts.items()))


def learned(likelihoods: Sequence[Sequence[float]]) -> KindShares:
    """Learn the shares from how well each kind fits each person.

    Parameters
    ----------
    likelihoods
        One row per person, (n, 5), relative; n of 1 or more, in any order.

    Examples
    --------
    >>> shares = learned([(0.2, 1.0, 0.01, 0.01, 0.01)] * 30)
    >>> shares.growing < 0.1, shares.growing_low, round(sum(shares.shares), 9)
    (True, 0.0, 1.0)
    """
    people = np.array(sorted(tuple(one) for one in likelihoods), dtype=np.float64)
    shares = _shares(people)
    low, high = _interval(people, shares)
    return KindShares(tuple(shares.tolist()), float(shares[GROWING].sum()), low, high)


def probability_in(share: CohortShare, one: KindEvidence) -> float | None:
    """Return how probable the change of a person is in a cohort; None where its shares are not known.

    The view ``cohort_probability`` computes the same.
    """
    if share.usual_share is None:
        return None
    weights = np.array(_of_kinds(share, "share")) * _of_kinds(one, "likelihood")
    return float(weights @ np.array(_of_kinds(one, "probability")) / weights.sum())


def probability_range(one: KindEvidence) -> tuple[float, float]:
    """Return between which numbers the probability of a change lies in cohorts of which few or most people grow.

    The stated one is always within. The view ``probability_range`` computes the same.
    """
    stated, *_ = probabilities = np.array(_of_kinds(one, "probability"))
    weights = ELSEWHERE * _of_kinds(one, "likelihood")
    elsewhere = weights @ probabilities / weights.sum(axis=1)
    return float(min(stated, elsewhere.min())), float(max(stated, elsewhere.max()))


def in_words(share: CohortShare) -> str:
    """Say in a sentence what cohort a number is of, or why there is none.

    Examples
    --------
    >>> in_words(CohortShare("a", "watched", 40, "1", *(0.2,) * 5, 0.4, 0.25, 0.5, None))
    '40 people, growing 40 % (95 % interval 25 to 50 %)'
    """
    if share.growing_share is None or share.growing_low_share is None or share.growing_high_share is None:
        return str(share.reason)
    low, high = f"{100 * share.growing_low_share:.0f}", f"{100 * share.growing_high_share:.0f}"
    return f"{share.people} people, growing {100 * share.growing_share:.0f} % (95 % interval {low} to {high} %)"


def _share(
    cohort: tuple[str, str],
    people: Sequence[KindEvidence],
    before: dict[tuple[tuple[float, ...], ...], KindShares],
) -> CohortShare:
    criteria_id, course = cohort
    if len(people) < LEAST_PEOPLE:
        course_words = course.replace("_", " ")
        reason = f"{len(people)} people in this cohort ({course_words}), fewer than {LEAST_PEOPLE}"
        return CohortShare(
            criteria_id, course, len(people), VERSION, None, None, None, None, None, None, None, None, reason
        )
    likelihoods = tuple(sorted(_of_kinds(one, "likelihood") for one in people))
    shares = before[likelihoods] = before.get(likelihoods) or learned(likelihoods)
    usual, still, steady, by_jumps, otherwise = shares.shares
    return CohortShare(
        criteria_id, course, len(people), VERSION, usual, still, steady, by_jumps, otherwise,
        shares.growing, shares.growing_low, shares.growing_high, None,
    )  # fmt: skip


def _of_kinds(row: KindEvidence | CohortShare, what: str) -> tuple[float, ...]:
    return tuple(getattr(row, f"{kind}_{what}") for kind in ("usual", "still", "steady", "by_jumps", "otherwise"))


def _shares(people: Floats) -> Floats:
    shares = BEFORE
    for _ in range(STEPS):
        before, shares = shares, _counts(people, shares[None])[0] / (len(people) + PEOPLE_BEFORE)
        if np.abs(shares - before).max() < WITHIN:
            break
    return shares


def _counts(people: Floats, shares: Floats) -> Floats:
    """Return how many people are of each kind, and those before them, for each of some ways to share, (g, 5)."""
    whole = people @ shares.T
    return np.asarray(shares * ((1 / whole).T @ people) + PEOPLE_BEFORE * BEFORE)


def _interval(people: Floats, shares: Floats) -> tuple[float, float]:
    """Return the least and largest share of growing people that the cohort allows, all other shares at their best.

    The likelihood of shares has one top and falls to both sides (it is concave), so each end is found by halving.
    """
    at = float(shares[GROWING].sum())
    least = float(_log_likelihood(people, shares[None])[0]) - FALL

    def is_allowed(place: int) -> bool:
        return _best_likelihood(people, shares, TRIED[place]) >= least

    below = int(np.searchsorted(TRIED, at, side="right"))
    first = bisect_left(range(below), 1, key=is_allowed)
    beyond = below + bisect_left(range(below, len(TRIED)), 1, key=lambda place: not is_allowed(place))
    if first == beyond:  # between two of those that were tried
        return float(np.max(TRIED[at > TRIED], initial=0.0)), float(np.min(TRIED[at < TRIED], initial=1.0))
    low, high = float(TRIED[first]), float(TRIED[beyond - 1])
    return (0.0 if low == TRIED[0] else low), (1.0 if high == TRIED[-1] else high)


def _best_likelihood(people: Floats, shares: Floats, growing: float) -> float:
    """Return the log likelihood of a share of growing people, all other shares at their best."""
    whole_of_part = np.where(GROWING, growing, 1 - growing)
    tried = whole_of_part * _within_its_part(shares[None])
    for _ in range(STEPS_OF_INTERVAL):
        tried = whole_of_part * _within_its_part(_counts(people, tried))
    return float(_log_likelihood(people, tried)[0])


def _within_its_part(counts: Floats) -> Floats:
    """Return each kind's share among those that grow, or among those that do not."""
    grown = counts[:, GROWING].sum(axis=1, keepdims=True)
    return np.asarray(counts / np.where(GROWING, grown, counts.sum(axis=1, keepdims=True) - grown))


def _log_likelihood(people: Floats, shares: Floats) -> Floats:
    prior = PEOPLE_BEFORE * (np.log(shares) @ BEFORE)
    return np.asarray(np.log(people @ shares.T).sum(axis=0) + prior)
