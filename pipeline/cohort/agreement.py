"""Do several criteria, or several readers, call the same visits the same? Kappa, and where they differ.

Visits of one patient resemble one another, so intervals come from leaving out one patient at a time, not one visit.
Plain kappa calls CR against PD as wrong as CR against PR; weighted kappa of two raters counts how many steps lie
between their words in the order of the scale (linear), or the square of them (quadratic). Words that neither rater uses
are no step, as in R's ``irr``, so a scale without minor responses is not stretched by them.
What this module refuses: a kappa where everybody always says the same word (chance alone would agree fully), an
interval from fewer than five patients, and visits that somebody called not evaluable, which it leaves out and counts.

References
----------
Cohen 1960, Educ Psychol Meas 20:37-46; weighted: Cohen 1968, Psychol Bull 70:213-220. Fleiss 1971, Psychol Bull
76:378-382 (all by statsmodels). Jackknife: Efron 1982, SIAM CBMS 38.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from pipeline.core.vocabulary import Category

FEWEST_PATIENTS = 5
"""Patients that an interval needs; a proposal."""

SCALE = (Category.CR, Category.PR, Category.MR, Category.SD, Category.PD)
"""Categories from best to worst, the order that weights count steps in."""


class Weights(StrEnum):
    """How much a disagreement of two raters counts: any the same, by steps, or by their square."""

    NONE = "none"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


@dataclass(frozen=True)
class Rating:
    """What one rater (criteria or reader) calls one visit."""

    patient_id: str
    session_id: str
    rater: str
    category: str


@dataclass(frozen=True)
class Kappa:
    """Agreement beyond chance.

    Attributes
    ----------
    raters
        Two for Cohen's kappa, more for Fleiss's.
    observed
        Share of pairs of ratings that are the same word.
    value, low, high
        Kappa with its 95 % interval (jackknife over patients); None where it cannot be said.
    reason
        Why a number is missing, in words; empty when none is.
    weights
        How disagreements were weighted; ``observed`` is not weighted.
    """

    raters: tuple[str, ...]
    visit_count: int
    patient_count: int
    observed: float | None
    value: float | None
    low: float | None
    high: float | None
    reason: str
    weights: Weights = Weights.NONE


@dataclass(frozen=True)
class Disagreement:
    """One visit that the raters call by different names."""

    patient_id: str
    session_id: str
    categories: Mapping[str, str]


@dataclass(frozen=True)
class Panel:
    """Agreement of all raters.

    Attributes
    ----------
    overall
        All raters together, over the visits that all of them rated.
    pairs
        Each two raters, over the visits that both rated.
    disagreements
        In the order of patients and visits.
    not_evaluable_count
        Visits left out because a rater could not evaluate them.
    """

    overall: Kappa
    pairs: tuple[Kappa, ...]
    disagreements: tuple[Disagreement, ...]
    not_evaluable_count: int


def panel(ratings: Iterable[Rating], weights: Weights = Weights.NONE) -> Panel:
    """Compare all raters with one another.

    Parameters
    ----------
    ratings
        One per rater and visit, in any order; baselines, which every criteria call stable, are better left out.
    weights
        For each two raters; all together have no weighted kappa, which is defined for two.

    Returns
    -------
    Panel
        Agreement overall and by pair, and each visit in dispute.
    """
    visits: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for rating in ratings:
        visits[rating.patient_id, rating.session_id][rating.rater] = rating.category
    raters = tuple(sorted({rater for words in visits.values() for rater in words}))
    evaluable = {key: words for key, words in sorted(visits.items()) if Category.NE not in words.values()}
    return Panel(
        overall=_agreement(evaluable, raters),
        pairs=tuple(_agreement(evaluable, pair, weights) for pair in combinations(raters, 2)),
        disagreements=tuple(
            Disagreement(*key, dict(sorted(words.items())))
            for key, words in evaluable.items()
            if len(set(words.values())) > 1
        ),
        not_evaluable_count=len(visits) - len(evaluable),
    )


def _agreement(
    visits: Mapping[tuple[str, str], Mapping[str, str]], raters: tuple[str, ...], weights: Weights = Weights.NONE
) -> Kappa:
    """Return the kappa of some raters over the visits that all of them rated."""
    rated = {key: words for key, words in visits.items() if all(rater in words for rater in raters)}
    patients = sorted({patient_id for patient_id, _ in rated})
    if len(raters) < 2 or not rated:
        why = "fewer than two raters" if len(raters) < 2 else "no visit that all of them rated"
        return Kappa(raters, len(rated), len(patients), None, None, None, None, why, weights)
    numbers = _numbered([[ratings[rater] for rater in raters] for ratings in rated.values()])
    value, without_one = _kappas(numbers, _rows_of(np.array([patient_id for patient_id, _ in rated])), weights)
    low, high, reason = None, None, ""
    if value is None:
        reason = "every rater uses one and the same word for all visits"
    elif len(patients) < FEWEST_PATIENTS:
        reason = f"an interval needs {FEWEST_PATIENTS} patients, found {len(patients)}"
    else:
        low, high, reason = _jackknife(value, [k for k in without_one if k is not None], len(patients))
    return Kappa(raters, len(rated), len(patients), _same_share(numbers), value, low, high, reason, weights)


def _numbered(words: Sequence[Sequence[str]]) -> NDArray[np.intp]:
    """Return the place of each word among those used, in the order of the scale; words of no scale come last."""
    used = {word for row in words for word in row}
    places = {word: place for place, word in enumerate([*(w for w in SCALE if w in used), *sorted(used - {*SCALE})])}
    return np.array([[places[word] for word in row] for row in words], dtype=np.intp)


def _same_share(numbers: NDArray[np.intp]) -> float:
    """Return the share of pairs of ratings of one visit that are the same word."""
    return float(np.mean([numbers[:, i] == numbers[:, j] for i, j in combinations(range(numbers.shape[1]), 2)]))


def _kappas(
    numbers: NDArray[np.intp], patients: Sequence[NDArray[np.intp]], weights: Weights
) -> tuple[float | None, list[float | None]]:
    """Return the kappa, and without each patient: Cohen's of two raters, Fleiss's of more.

    Parameters
    ----------
    numbers
        A row for each visit, a column for each rater: the number of the word that was used.
    patients
        The rows of each patient.
    """
    count = int(numbers.max()) + 1
    if numbers.shape[1] > 2:
        use = (numbers[:, :, None] == np.arange(count)).sum(axis=1)
        return _fleiss(use), [_fleiss(np.delete(use, patient_rows, axis=0)) for patient_rows in patients]
    pairs = numbers[:, 0] * count + numbers[:, 1]
    tables = [np.bincount(pairs[patient_rows], minlength=count**2).reshape(count, count) for patient_rows in patients]
    total = np.sum(tables, axis=0)
    return _cohen(total, weights), [_cohen(total - table, weights) for table in tables]


def _cohen(table: NDArray[np.intp], weights: Weights) -> float | None:
    """Return the kappa of a square table of two raters; None where both use the same one word."""
    from statsmodels.stats.inter_rater import cohens_kappa  # noqa: PLC0415  # a second that only comparisons cost

    if np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)) < 2:
        return None
    wt = None if weights == Weights.NONE else str(weights)
    return float(cohens_kappa(table, return_results=False, wt=wt))


def _fleiss(use: NDArray[np.intp]) -> float | None:
    """Return the kappa of how often each visit (row) was called by each word; None where one word is all there is."""
    from statsmodels.stats.inter_rater import fleiss_kappa  # noqa: PLC0415

    return float(fleiss_kappa(use)) if np.count_nonzero(use.sum(axis=0)) > 1 else None


def _rows_of(patients: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    """Return the rows of each patient."""
    order = np.argsort(patients, kind="stable")
    return np.split(order, np.flatnonzero(patients[order][1:] != patients[order][:-1]) + 1)


def _jackknife(value: float, left: Sequence[float], count: int) -> tuple[float | None, float | None, str]:
    """Return the interval from the kappas that leave out one patient each."""
    if len(left) < count:
        return None, None, "all disagreement is in one patient, so no interval can be given"
    spread = math.sqrt((count - 1) / count * float(np.sum((np.array(left) - np.mean(left)) ** 2)))
    half_width = float(student.ppf(0.975, count - 1)) * spread
    return max(-1.0, value - half_width), min(1.0, value + half_width), ""
