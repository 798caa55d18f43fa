"""The median of few numbers and its interval, against published order statistics."""

from __future__ import annotations

import pytest

from pipeline.acquisition.scanner_drift import EXPECTED, FEWEST_PAIRS, Spread, spread, told_apart


@pytest.mark.parametrize(
    ("count", "ranks"),
    # the usual ranks of the sign test: at most 2.5 % of a binomial with p = 0.5 lies beyond either
    [(10, (2, 9)), (15, (4, 12)), (20, (6, 15)), (25, (8, 18))],
)
def test_the_interval_of_the_median_is_that_of_the_ranks(count: int, ranks: tuple[int, int]) -> None:
    found = spread([float(n) for n in range(count, 0, -1)])
    assert (found.low, found.high) == ranks
    assert found.median == (count + 1) / 2


def test_few_pairs_are_counted_and_nothing_more() -> None:
    few = spread([0.5] * (FEWEST_PAIRS - 1))
    assert few == Spread(FEWEST_PAIRS - 1)
    assert told_apart(few, spread([5.0] * 20)) is None
    assert told_apart(spread([5.0] * 20), few) is None
    assert spread([]) == Spread(0)


def test_only_intervals_apart_tell_groups_apart() -> None:
    low, high = spread([0.1 * n for n in range(20)]), spread([3 + 0.1 * n for n in range(20)])
    assert told_apart(low, high) is True
    assert told_apart(high, low) is False
    assert told_apart(low, low) is False


def test_the_expected_median_is_that_of_a_normal_error() -> None:
    assert pytest.approx(0.6745, abs=0.005) == EXPECTED
