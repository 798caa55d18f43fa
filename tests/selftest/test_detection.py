"""The arithmetic of the self-test against rows worked by hand."""

from __future__ import annotations

import math

import pytest

from pipeline.selftest.detection import Pair, Reading, Told, Way, performance, performances

CV = 0.1
LIMIT = math.exp(1.96 * math.hypot(CV, CV))  # 1.319


def pair(
    growth_percent: float, first: float, later: float | None, way: Way = Way.GIVEN, volume_ml: float = 0.5
) -> Pair:
    true = 1000 * volume_ml
    reading = Reading(later, CV) if later is not None else Reading(None, None, "alignment has grade C")
    return Pair(way, volume_ml, growth_percent, true, true * (1 + growth_percent / 100), Reading(first, CV), reading)


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (500 * LIMIT * 1.001, Told.GROWTH), (500 * LIMIT * 0.999, Told.NOTHING), (500 / LIMIT * 1.001, Told.NOTHING),
        (500 / LIMIT * 0.999, Told.SHRINKAGE), (None, Told.FAILED), (0.0, Told.FAILED),
    ],
)  # fmt: skip
def test_what_is_told_turns_at_the_stated_limit(later: float | None, told: Told) -> None:
    assert pair(0, 500, later).told == told


def test_a_missing_first_volume_gives_no_change_with_its_reason() -> None:
    one = Pair(Way.FOUND, 0.1, 0, 100, 100, Reading(None, None, "no voxel is at least half tumour"), Reading(99, CV))
    assert one.missing_reason == "no voxel is at least half tumour"


def test_bias_spread_and_counts_by_hand() -> None:
    rows = [
        pair(0, 500, 550),  # +10 %, nothing told
        pair(0, 500, 700),  # +40 %, a false change, outside its interval of 1.319
        pair(100, 500, 1000),  # exact, told
        pair(40, 500, 630),  # 0.9 of the truth, not told
        pair(-50, 500, None),
    ]
    found = performance(rows)
    errors = [math.log(1.1), math.log(1.4), 0.0, math.log(0.9)]
    mean = sum(errors) / 4
    spread = math.sqrt(sum((error - mean) ** 2 for error in errors) / 3)
    assert found.bias_percent == pytest.approx(100 * (math.exp(mean) - 1))
    assert found.spread_percent == pytest.approx(100 * (math.exp(spread) - 1))
    assert (found.pairs, found.failed, found.unchanged, found.false_changes) == (5, 1, 2, 1)
    assert found.changes_held == 3
    assert found.volumes_held == 3  # e^0.196 = 1.217
    assert found.told == {-50: (0, 1), 40: (0, 1), 100: (1, 1)}
    assert found.stated_limit_percent == pytest.approx(100 * (LIMIT - 1))
    assert (found.found_from_percent, found.limit_note) == (None, "too few pairs could be measured")


def test_without_error_growth_is_found_from_the_stated_limit() -> None:
    rows = [pair(growth, 500, 500 * (1 + growth / 100)) for growth in (-50, 0, 20, 40, 100)]
    found = performance(rows)
    assert found.slope == pytest.approx(1.0)
    assert found.found_from_percent == pytest.approx(100 * (LIMIT - 1), rel=1e-6)


def test_change_that_is_half_hidden_must_be_larger_to_be_found() -> None:
    rows = [pair(growth, 500, 500 * math.sqrt(1 + growth / 100)) for growth in (-50, 0, 20, 40, 100)]
    found = performance(rows)
    assert found.slope == pytest.approx(0.5)
    assert found.found_from_percent == pytest.approx(100 * (LIMIT**2 - 1), rel=1e-6)


def test_a_limit_beyond_what_was_tried_is_not_made_up() -> None:
    rows = [pair(growth, 500, 500 * (1 + growth / 100) ** 0.3) for growth in (-50, 0, 20, 40, 100)]
    found = performance(rows)
    assert found.found_from_percent is None
    assert found.limit_note == "more than the 100 % that were tried"


def test_change_that_is_hidden_has_no_limit() -> None:
    found = performance([pair(growth, 500, 500) for growth in (-50, 0, 20, 40, 100)])
    assert found.limit_note == "measured change hardly follows true change"


def test_rows_are_kept_apart_by_way_and_volume_and_none_is_lost() -> None:
    rows = [
        pair(0, 500, None, Way.FOUND), pair(0, 500, 500), pair(0, 100, 100, volume_ml=0.1),
        pair(0, 100, 100, Way.FOUND, 0.1),
    ]  # fmt: skip
    found = performances(rows)
    assert [(one.way, one.volume_ml) for one in found] == [
        (Way.GIVEN, 0.1), (Way.GIVEN, 0.5), (Way.FOUND, 0.1), (Way.FOUND, 0.5)
    ]  # fmt: skip
    assert sum(one.pairs for one in found) == 4
    assert found[-1].failed == 1
    assert found[-1].bias_percent is None
