"""Interval-censored survival against hand-worked and published answers and Kaplan-Meier. About three seconds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cohort.interval_censoring import turnbull
from pipeline.cohort.survival import kaplan_meier
from pipeline.errors import InputError

NEVER = math.inf


def test_two_overlapping_intervals_and_a_censored_patient():
    # p1 (p1 + p2) p2 is largest at one half each
    found = turnbull([0, 1, 2], [2, 3, NEVER])
    assert (found.low_days, found.high_days) == ((1.0, 2.0), (2.0, 3.0))
    assert found.share == pytest.approx((0.5, 0.5))
    assert (found.patient_count, found.event_count, found.has_converged) == (3, 2, True)


def test_survival_inside_an_interval_is_given_as_bounds():
    found = turnbull([0, 1, 2], [2, 3, NEVER])
    assert found.at(1.0) == pytest.approx((1.0, 1.0))
    assert found.at(1.5) == pytest.approx((0.5, 1.0))
    assert found.at(2.0) == pytest.approx((0.5, 0.5))
    assert found.at(3.0) == pytest.approx((0.0, 0.0))
    assert found.median_days == (1.0, 2.0)


def test_the_published_estimate_of_the_cosmesis_trial():
    # radiotherapy alone, months (Finkelstein and Wolfe 1985, Biometrics 41:933)
    seen = [
        (6, 10), (0, 7), (7, 16), (7, 14), (37, 44), (0, 8), (4, 11), (11, 15), (25, 37), (26, 40), (27, 34), (36, 44),
        (36, 48), (17, 25), (11, 18), (5, 12), (0, 5), (5, 11), (19, 35), (17, 25), (19, 26),
    ]  # fmt: skip
    unseen = [45, 46, 46, 17, 15, 22, 46, 46, 46, 46, 46, 37, 40, 46, 38, 37, 18, 24, 36, 24, 32, 33, 37, 34, 36]
    found = turnbull([low for low, _ in seen] + unseen, [high for _, high in seen] + [NEVER] * len(unseen))
    assert found.patient_count == 46
    published = {
        (4, 5): 0.0463, (6, 7): 0.0334, (7, 8): 0.0887, (11, 12): 0.0708, (24, 25): 0.0926, (33, 34): 0.0818,
        (38, 40): 0.1209, (46, 48): 0.4656,
    }  # fmt: skip
    shares = dict(zip(zip(found.low_days, found.high_days, strict=True), found.share, strict=True))
    assert {cell: round(share, 4) for cell, share in shares.items() if share > 5e-5} == published


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=30))
def test_known_days_give_kaplan_meier(patients):
    days = [float(day) for day, _ in patients]
    events = [event for _, event in patients]
    found = turnbull(days, [day if event else NEVER for day, event in patients])
    curve = kaplan_meier(days, events)
    followed = max(days)
    for time in (0.5, 10, 10.5, 25, 40):
        if time <= followed:
            lowest, highest = found.at(time)
            assert highest == pytest.approx(curve.at(time)[0], abs=1e-5)
            assert lowest == pytest.approx(highest, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 20), st.booleans()), min_size=1, max_size=25))
def test_shares_add_up_and_satisfy_the_condition_of_the_maximum(patients):
    low = [first for first, _, _ in patients]
    high = [first + length if event else NEVER for first, length, event in patients]
    found = turnbull(low, high)
    assert sum(found.share) == pytest.approx(1.0)
    # at the maximum no interval could gain: the mean of 1 / P(patient) over those that hold it is at most 1
    cells = list(zip(found.low_days, found.high_days, found.share, strict=True))
    chances = [sum(p for a, b, p in cells if lo <= a and b <= hi) for lo, hi in zip(low, high, strict=True)]
    for a, b, share in cells:
        gains = [1 / c for c, lo, hi in zip(chances, low, high, strict=True) if lo <= a and b <= hi]
        gain = sum(gains) / len(patients)
        assert gain < 1.01
        if share > 0.01:
            assert gain == pytest.approx(1.0, abs=0.01)


def test_rarer_scans_do_not_make_a_group_look_better():
    # true times equal in both groups; one is scanned every 6, the other every 24 months
    random = np.random.default_rng(2)
    true = random.exponential(40, 400)
    often, seldom = (np.ceil(true / gap) * gap for gap in (6, 24))
    late = kaplan_meier(seldom, [True] * 400).at(36)[0] - kaplan_meier(often, [True] * 400).at(36)[0]
    lowest, highest = turnbull(seldom - 24, seldom).at(36)
    assert late > 0.1
    assert lowest < math.exp(-36 / 40) < highest


def test_a_median_that_was_not_reached_is_none():
    assert turnbull([10, 20, 30], [12, NEVER, NEVER]).median_days is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        ([], [], "got 0 and 0"),
        ([1.0], [], "got 1 and 0"),
        ([5.0], [4.0], "got 5 to 4"),
        ([-1.0], [4.0], "got -1 to 4"),
        ([NEVER], [NEVER], "got inf to inf"),
        ([0.0], [math.nan], "got 0 to nan"),
    ],
)
def test_impossible_intervals_are_refused(low, high, words):
    with pytest.raises(InputError, match=words):
        turnbull(low, high)
