"""Do several criteria, or several readers, call the same visits the same? Kappa, and where they differ.

Visits of one patient resemble one another, so intervals come from leaving out one patient at a time, not one visit.
What this module refuses: a kappa where everybody always says the same word (chance alone would agree fully), an
interval from fewer than five patients, and visits that somebody called not evaluable, which it leaves out and counts.

References
----------
Cohen 1960, Educ Psychol Meas 20:37-46. Fleiss 1971, Psychol Bull 76:378-382. Jackknife: Efron 1982, SIAM CBMS 38.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from pipeline.core.vocabulary import Category

FEWEST_PATIENTS = 5
"""Patients that an interval needs; a proposal."""


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
    observed, expected
        Share of pairs of ratings that agree, and the share that would by chance.
    value, low, high
        Kappa with its 95 % interval (jackknife over patients); None where it cannot be said.
    reason
        Why a number is missing, in words; empty when none is.
    """

    raters: tuple[str, ...]
    visit_count: int
    patient_count: int
    observed: float | None
    expected: float | None
    value: float | None
    low: float | None
    high: float | None
    reason: str


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


def panel(ratings: Iterable[Rating]) -> Panel:
    """Compare all raters with one another.

    Parameters
    ----------
    ratings
        One per rater and visit, in any order; baselines, which every criteria call stable, are better left out.

    Returns
    -------
    Panel
        Agreement overall and by pair, and each visit in dispute.
    """
    visits: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for rating in ratings:
        visits[rating.patient_id, rating.session_id][rating.rater] = rating.category
    raters = tuple(sorted({rater for found in visits.values() for rater in found}))
    evaluable = {key: found for key, found in sorted(visits.items()) if Category.NE not in found.values()}
    return Panel(
        overall=_agreement(evaluable, raters),
        pairs=tuple(_agreement(evaluable, pair) for pair in combinations(raters, 2)),
        disagreements=tuple(
            Disagreement(*key, dict(sorted(found.items())))
            for key, found in evaluable.items()
            if len(set(found.values())) > 1
        ),
        not_evaluable_count=len(visits) - len(evaluable),
    )


def disagreements_by_patient(found: Panel) -> dict[str, int]:
    """Return the number of visits in dispute by patient, most first."""
    counts: defaultdict[str, int] = defaultdict(int)
    for disagreement in found.disagreements:
        counts[disagreement.patient_id] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Return Cohen's kappa of two raters; None without visits or where both always say the same one word.

    Raises
    ------
    ValueError
        Lengths that differ.

    Examples
    --------
    >>> first = ["yes"] * 25 + ["no"] * 25
    >>> second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    >>> round(cohen_kappa(first, second), 3)
    0.4
    """
    found = {("", str(i)): {"a": a, "b": b} for i, (a, b) in enumerate(zip(first, second, strict=True))}
    return _agreement(found, ("a", "b")).value


def _agreement(visits: Mapping[tuple[str, str], Mapping[str, str]], raters: tuple[str, ...]) -> Kappa:
    """Return the kappa of some raters over the visits that all of them rated."""
    rated = {key: found for key, found in visits.items() if all(rater in found for rater in raters)}
    patients = sorted({patient_id for patient_id, _ in rated})
    if len(raters) < 2 or not rated:
        why = "fewer than two raters" if len(raters) < 2 else "no visit that all of them rated"
        return Kappa(raters, len(rated), len(patients), None, None, None, None, None, why)
    agreeing, pairs, named = _sums(rated, raters, patients)
    shares = _shares(agreeing.sum(), pairs.sum(), named.sum(axis=0))
    value, low, high, reason = _kappa(*shares), None, None, ""
    if value is None:
        reason = "every rater uses one and the same word for all visits"
    elif len(patients) < FEWEST_PATIENTS:
        reason = f"an interval needs {FEWEST_PATIENTS} patients, found {len(patients)}"
    else:
        without = (agreeing.sum() - agreeing, pairs.sum() - pairs, named.sum(axis=0) - named)
        left = [_kappa(*_shares(*part)) for part in zip(*without, strict=True)]
        low, high, reason = _jackknife(value, [k for k in left if k is not None], len(patients))
    return Kappa(raters, len(rated), len(patients), *shares, value, low, high, reason)


def _sums(
    rated: Mapping[tuple[str, str], Mapping[str, str]], raters: tuple[str, ...], patients: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return, by patient, agreeing pairs of ratings, all pairs, and how often each rater used each word."""
    row = {patient_id: index for index, patient_id in enumerate(patients)}
    word = {name: index for index, name in enumerate(sorted({c for f in rated.values() for c in f.values()}))}
    agreeing, pairs = np.zeros(len(patients)), np.zeros(len(patients))
    named = np.zeros((len(patients), len(raters), len(word)))
    for (patient_id, _), found in rated.items():
        called = [word[found[rater]] for rater in raters]
        agreeing[row[patient_id]] += sum(a == b for a, b in combinations(called, 2))
        pairs[row[patient_id]] += math.comb(len(raters), 2)
        named[row[patient_id], range(len(raters)), called] += 1
    return agreeing, pairs, named


def _shares(agreeing: float, pairs: float, named: NDArray[np.float64]) -> tuple[float, float]:
    """Return the observed and the chance agreement: by each rater's own use of words for two, the pooled for more."""
    use = named / named.sum(axis=1, keepdims=True)
    pooled = use.mean(axis=0)
    expected = use[0] @ use[1] if len(use) == 2 else pooled @ pooled
    return float(agreeing / pairs), float(expected)


def _kappa(observed: float, expected: float) -> float | None:
    return (observed - expected) / (1 - expected) if expected < 1 - 1e-12 else None


def _jackknife(value: float, left: Sequence[float], count: int) -> tuple[float | None, float | None, str]:
    """Return the interval from the kappas that leave out one patient each."""
    if len(left) < count:
        return None, None, "all disagreement is in one patient, so no interval can be given"
    spread = math.sqrt((count - 1) / count * float(np.sum((np.array(left) - np.mean(left)) ** 2)))
    half_width = float(student.ppf(0.975, count - 1)) * spread
    return max(-1.0, value - half_width), min(1.0, value + half_width), ""
