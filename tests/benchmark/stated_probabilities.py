"""How well any probability of growth can come true in two cohorts at once, by the exact posterior of each.

Half of one cohort and nine of ten of another never change, the others grow by 8 +- 8 % a year; errors are as stated.
What the readings say is then known in full: how much likelier they are in somebody who grows (a ratio), and how
probable +40 % since the nadir visit is in such a person. Every method that sees one patient is a function of these two
numbers, so that a linear programme over them bounds what any method can reach. What sees the whole cohort can do
better: the share of people who grow is then learned from the others (a beta prior), tried here and not shipped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, eye, kron, vstack
from scipy.special import expit, logit, ndtr

from pipeline.judge.series_histories import Floats
from tests.benchmark.series_calls import ERRORS, FEW, FOLLOW_UPS, GROWTH, SEED

PEOPLE = 6_000
MEAN, SPREAD = 0.08, 0.08
GROWING = (0.5, 0.1)
"""Share of people who grow in each cohort."""
TOLERANCES = (0.05, 0.12)
"""How far what happens may lie from what is stated, in each cohort."""
CELLS = 24
PRIOR_GROWING, PRIOR_STATIC = 2.0, 3.0
"""Beta prior on the share of people who grow, its mean that of the shipped weights."""
SHARES = np.linspace(0.005, 0.995, 100)
COHORTS = (1, 5, 20, 50, 200)
DRAWN = 12_000
"""People drawn in all for each size of a cohort."""
LEVELS = np.arange(0.05, 1.0, 0.1)


@dataclass(frozen=True)
class Visits:
    """Follow-ups of people who grow and of as many who do not; all (v,).

    ``ratio`` is the logarithm of how much likelier the readings are in somebody who grows, ``grown`` the probability of
    +40 % in such a person, ``happened`` whether it is true.
    """

    grows: Floats
    ratio: Floats
    grown: Floats
    happened: Floats

    def weights(self, share: float | None) -> Floats:
        """Return the weight of each visit in a cohort of which a share grows; all alike for None; they add up to 1."""
        weights = np.ones(len(self.grows)) if share is None else np.where(self.grows, share, 1 - share)
        return np.asarray(weights / weights.sum())

    def posterior(self, share: float) -> Floats:
        """Return the exact probability of +40 % in a cohort of which a share grows."""
        return np.asarray(expit(self.ratio + logit(share)) * self.grown)


def simulated() -> Visits:
    """Return ten follow-ups of people at each error."""
    parts = []
    for error in ERRORS:
        source = np.random.default_rng([SEED, round(1000 * error), 1])
        grows = np.arange(2 * PEOPLE) < PEOPLE
        slope = source.normal(MEAN, SPREAD, 2 * PEOPLE) * grows
        readings = slope[:, None] * np.arange(FOLLOW_UPS + 1.0)
        readings += error * source.standard_normal(readings.shape)
        parts += [_visit(grows, slope, readings[:, : last + 1], error) for last in range(1, FOLLOW_UPS + 1)]
    return Visits(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _visit(grows: Floats, slope: Floats, readings: Floats, error: float) -> tuple[Floats, ...]:
    years = np.arange(float(readings.shape[1]))
    centred = years - years.mean()
    fitted = readings @ centred / (centred @ centred)
    alone, with_growth = error**2 / (centred @ centred), SPREAD**2 + error**2 / (centred @ centred)
    ratio = (fitted**2 / alone - (fitted - MEAN) ** 2 / with_growth - math.log(with_growth / alone)) / 2
    precision = SPREAD**-2 + 1 / alone
    expected = (MEAN * SPREAD**-2 + fitted / alone) / precision
    since = years[-1] - readings[:, :-1].argmin(axis=1)
    grown = ndtr((expected - GROWTH / since) * math.sqrt(precision))
    return grows, ratio, grown, slope * since >= GROWTH


def learned(visits: Visits, share: float, people: int) -> tuple[Visits, Floats]:
    """Return visits of people in cohorts of one size, and +40 % by the share learned from the others of each.

    Everybody else is known up to a follow-up of its own, from the first to the tenth.
    """
    source = np.random.default_rng([SEED, people, round(100 * share)])
    shape = (len(ERRORS), FOLLOW_UPS, 2 * PEOPLE)
    of_all = {name: getattr(visits, name).reshape(shape) for name in ("grows", "ratio", "grown", "happened")}
    prior = (PRIOR_GROWING - 1) * np.log(SHARES) + (PRIOR_STATIC - 1) * np.log1p(-SHARES)
    parts: list[tuple[Floats, ...]] = []
    for _ in range(max(DRAWN // people, 1)):
        error = source.integers(len(ERRORS), size=people)
        person = source.integers(PEOPLE, size=people) + PEOPLE * (source.random(people) >= share)
        seen = of_all["ratio"][error, source.integers(FOLLOW_UPS, size=people), person]
        likely = np.log1p(SHARES * np.expm1(np.minimum(seen, 50.0))[:, None])
        others = prior + likely.sum(axis=0) - likely
        weights = np.exp(others - others.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        for follow_up in range(FOLLOW_UPS):
            here = {name: column[error, follow_up, person] for name, column in of_all.items()}
            growing = np.sum(weights * expit(here["ratio"][:, None] + logit(SHARES)), axis=1)
            parts.append((*here.values(), growing * here["grown"]))
    *columns, stated = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Visits(*columns), np.asarray(stated)


def largest_gap(visits: Visits, stated: Floats, share: float | None) -> float:
    """Return how far what happens lies from what is stated, by tenths, where it is farthest."""
    weights, tenth = visits.weights(share), np.minimum((10 * stated).astype(int), 9)
    mass = np.bincount(tenth, weights, 10)
    gaps = np.bincount(tenth, weights * (visits.happened - stated), 10) / np.maximum(mass, 1e-12)
    counted = mass >= FEW / (1_500 * FOLLOW_UPS * len(ERRORS))
    return float(gaps[np.abs(np.where(counted, gaps, 0.0)).argmax()])


def error_of(visits: Visits, stated: Floats, share: float | None) -> float:
    """Return the mean squared distance between what is stated and what happens (Brier score)."""
    return float(np.sum(visits.weights(share) * (visits.happened - stated) ** 2))


def bound(visits: Visits) -> tuple[Floats, Floats]:
    """Return what each kind of visit has to be told for both tolerances, and which kind each visit is.

    The least squared distance in both cohorts together, over every way of telling each kind one or more of ten levels.
    """
    place = [np.clip(((z + 6) / 12 * CELLS).astype(int), 0, CELLS - 1) for z in (visits.ratio, _logit(visits.grown))]
    _, kind = np.unique(place[0] * CELLS + place[1], return_inverse=True)
    kinds = int(kind.max()) + 1
    cost, limits = np.zeros((kinds, len(LEVELS))), []
    for share, tolerance in zip(GROWING, TOLERANCES, strict=True):
        weights = visits.weights(share)
        mass, events = np.bincount(kind, weights, kinds), np.bincount(kind, weights * visits.happened, kinds)
        cost += mass[:, None] * LEVELS**2 - 2 * events[:, None] * LEVELS
        for number, level in enumerate(LEVELS):
            for sign in (1, -1):
                row = np.zeros_like(cost)
                row[:, number] = sign * (events - level * mass) - tolerance * mass
                limits.append(csr_matrix(row.ravel()))
    each_is_told = kron(eye(kinds), np.ones((1, len(LEVELS)))).tocsr()
    solved = linprog(cost.ravel(), vstack(limits), np.zeros(len(limits)), each_is_told, np.ones(kinds), (0, 1))
    return np.asarray(solved.x.reshape(kinds, -1)), kind


def _logit(share: Floats) -> Floats:
    return np.asarray(logit(np.clip(share, 1e-6, 1 - 1e-6)))


def main() -> None:
    visits = simulated()
    print("## What a stated probability can be in two cohorts\n")
    print("| method | half constant: largest distance | nine of ten | mean squared distance, half | nine of ten |")
    print("|---|---|---|---|---|")
    for share in (0.5, 0.4, 0.3, 0.2, 0.1):
        stated = visits.posterior(share)
        gaps = [f"{largest_gap(visits, stated, cohort):+.2f}" for cohort in GROWING]
        errors = [f"{error_of(visits, stated, cohort):.4f}" for cohort in GROWING]
        print(f"| exact, {100 * share:.0f} % growing | {' | '.join([*gaps, *errors])} |")
    for people in COHORTS:
        cells = [learned(visits, share, people) for share in GROWING]
        gaps = [f"{largest_gap(*cell, None):+.2f}" for cell in cells]
        errors = [f"{error_of(*cell, None):.4f}" for cell in cells]
        print(f"| share learned from the others of {people} | {' | '.join([*gaps, *errors])} |")
    told, kind = bound(visits)
    errors = []
    for cohort in GROWING:
        weights = visits.weights(cohort)[:, None] * told[kind]
        errors.append(f"{np.sum(weights * (visits.happened[:, None] - LEVELS) ** 2):.4f}")
    print(f"| any that keeps to 0.05 and 0.12, at its best | 0.05 | 0.12 | {' | '.join(errors)} |")
    weights = visits.weights(GROWING[0])
    tells = told[kind] @ LEVELS
    clear = (visits.posterior(0.5) > 0.45) & (visits.posterior(0.5) < 0.65)
    doubtful = clear & (expit(visits.ratio) < 0.8)
    for name, chosen in (
        ("growing for sure", clear & (expit(visits.ratio) > 0.97)),
        ("in doubt whether at all", doubtful),
    ):
        happened = np.average(visits.happened[chosen], weights=weights[chosen])
        spoken = np.average(tells[chosen], weights=weights[chosen])
        print(f"\nWhere the exact probability is 0.45 to 0.65, {name}: it tells {spoken:.2f}, {happened:.2f} happen.")
    print()


if __name__ == "__main__":
    main()
