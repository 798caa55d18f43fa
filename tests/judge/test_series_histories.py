"""The histories of a lesion, listed a second time by plain loops, and the numbers they were calibrated with.

Whoever changes a number here has to run the simulations of ``tests/benchmark/series_calls.py`` again: false alarms and
coverage were measured with these. Milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from pipeline.judge import series_model
from pipeline.judge.series_calls import ALL_TELL, APART, LesionSeries, SeriesChange, Thresholds
from pipeline.judge.series_histories import ALARM_LIMIT_GROWTH, ALARM_LIMIT_SHRINKAGE, Stance, histories
from pipeline.judge.series_model import SeriesAnswer, designed, fitted, student_cdf

Effect = tuple[int, float, float]
"""Column of an effect, and what is expected of it: mean and standard deviation."""

DAY = 1 / 365.25
YEARS = np.array([0.0, 1.0, 1.0, 3.0, 10.0])
"""A year, the same day again, two years, and seven: as long as five for a jump."""


ONE_KIND: dict[Stance, dict[tuple[Effect, ...], float]] = {
    Stance.STILL: {(): 1.0},
    Stance.STEADY: {((0, 0.08, 0.08),): 0.3},
    Stance.OTHERWISE: {((0, 0.0, 0.35),): 0.03, ((0, 0.0, 2.0),): 0.01},
}
"""Kinds without a jump."""
BOTH_WAYS = ((0.75, 0.0, 0.5), (0.25, 0.0, 1.5))
"""Jumps up or down: share, mean, standard deviation."""


def jumps(
    years: np.ndarray,
    per_year: float,
    lines: list[tuple[float, Effect | None]],
    sizes: Sequence[tuple[float, float, float]] = BOTH_WAYS,
) -> dict:
    """Return one and two jumps on each line; two only where the line has a quarter of the weight or more."""
    odds = {
        scan: math.expm1(per_year * min(max(years[scan] - years[scan - 1], DAY), 5.0)) for scan in range(1, len(years))
    }
    weights = {}
    for share, line in lines:
        for count in (1, 2) if share >= 0.25 else (1,):
            for places in combinations(odds, count):
                for part, mean, sd in sizes:
                    effects = [*([line] if line else []), *((place, mean, sd) for place in places)]
                    weights[tuple(effects)] = share * part * math.prod(odds[place] for place in places)
    return weights


def listed(years: np.ndarray, stance: Stance) -> dict[tuple[Effect, ...], float]:
    """Return the weight of each history by its effects."""
    if stance == Stance.PEOPLE:
        slopes: list[tuple[float, Effect]] = [(0.30, (0, 0.08, 0.08)), (0.03, (0, 0.0, 0.35)), (0.01, (0, 0.0, 2.0))]
        straight = {(): 0.6, **{(slope,): share for share, slope in slopes}}
        return straight | jumps(years, 0.07, [(0.6, None), *slopes])
    if stance == Stance.ANYBODY:
        slopes = [(0.5, (0, 0.0, 0.5)), (0.3, (0, 0.0, 3.0))]
        return {(slope,): share for share, slope in slopes} | jumps(years, 1.0, [*slopes])
    if stance in ONE_KIND:
        return ONE_KIND[stance]
    if stance == Stance.BY_JUMPS:
        return jumps(years, 0.15, [(1.0, None)], [(1.0, 0.5, 0.35)])
    last = len(years) - 1
    before = dict.fromkeys(range(1, last + 1), 0.05 / last)
    late = before | {last - k: before[last - k] + more for k, more in enumerate((0.45, 0.35, 0.15)) if last - k > 0}
    one = {((scan, 0.0, 0.7),): late[scan] for scan in late}
    two = {
        ((first, 0.0, 0.7), (second, 0.0, 0.7)): 0.1 * late[second] / (second - 1)
        for first, second in combinations(late, 2)
    }
    return {(): 1.0, ((0, 0.08, 0.08),): 0.2, ((0, 0.0, 0.25),): 0.03, **one, **two}


def found(years: np.ndarray, stance: Stance) -> dict[tuple[Effect, ...], float]:
    courses, none = histories(years, stance), len(years)
    weights = {}
    for columns, means, precisions, weight in zip(
        courses.columns, courses.means, courses.precisions, courses.weights, strict=True
    ):
        there = [effect for effect in zip(columns, means, precisions**-0.5, strict=True) if effect[0] != none]
        weights[tuple((int(column), float(mean), round(float(sd), 9)) for column, mean, sd in there)] = float(weight)
        assert all(
            mean == 0 and precision == 1
            for column, mean, precision in zip(columns, means, precisions, strict=True)
            if column == none
        ), "an absent effect changes nothing"
    assert len(weights) == len(courses.weights), "each history once"
    return weights


@pytest.mark.parametrize("stance", list(Stance))
@pytest.mark.parametrize("scans", [2, 3, 5])
def test_the_histories_are_those_that_the_rule_lists(stance: Stance, scans: int) -> None:
    assert found(YEARS[:scans], stance) == pytest.approx(listed(YEARS[:scans], stance), rel=1e-9)


@pytest.mark.parametrize(
    ("stance", "walks"),
    [
        (Stance.PEOPLE, [(0.02, 0.15), (0.01, 0.6)]),
        (Stance.ANYBODY, [(0.1, 0.15), (0.1, 0.6)]),
        (Stance.ALARM, [(0.02, 0.3)]),
    ],
)
def test_courses_that_wander_have_their_share_and_step(stance: Stance, walks: list[tuple[float, float]]) -> None:
    """Readings without any news leave each walk its share, but for what its own width costs."""
    years, errors = np.array([0.0, 2.0]), np.full(2, 0.1)
    families = designed(years, errors, stance).families[1:]
    for family, (share, sd) in zip(families, walks, strict=True):
        assert family.precisions == pytest.approx(np.array([[1 / (sd**2 * 2.0)]]))
        normal = 1 / (2 * 0.1**2) + 1 / (sd**2 * 2.0)
        cost = (math.log(1 / (sd**2 * 2.0)) - math.log(normal)) / 2
        assert family.log_evidence[0] == pytest.approx(math.log(share) + cost)


def test_two_scans_of_one_day_wander_as_if_a_day_apart() -> None:
    same, apart = (designed(np.array([0.0, gap]), np.full(2, 0.1), Stance.ALARM).families[1] for gap in (0.0, DAY))
    assert same.precisions == pytest.approx(apart.precisions)


def mixture() -> SeriesAnswer:
    return SeriesAnswer(np.array([[0.0, 0.4, -0.3]]), np.array([[0.1, 0.2, 0.05]]), 12.0, np.array([[0.5, 0.3, 0.2]]))


@pytest.mark.parametrize("share", [0.025, 0.5, 0.975])
def test_a_quantile_is_where_the_distribution_reaches_its_share(share: float) -> None:
    answer = mixture()

    def reached(value: float) -> float:
        z = (value - answer.mean[0]) / answer.sd[0]
        return float(np.sum(answer.weights[0] * student_cdf(12.0, z))) - share

    assert answer.quantile(share)[0] == pytest.approx(brentq(reached, -5, 5), abs=1e-8)
    assert answer.probability_above(answer.quantile(share))[0] == pytest.approx(1 - share, abs=1e-8)
    assert answer.expected()[0] == pytest.approx(0.06)


def test_a_history_without_spread_is_above_a_limit_or_is_not() -> None:
    certain = SeriesAnswer(np.array([[0.0, 0.2]]), np.zeros((1, 2)), 9.0, np.array([[0.7, 0.3]]))
    assert certain.probability_above(0.1)[0] == pytest.approx(0.3)
    assert certain.probability_above(0.3)[0] == 0.0
    assert certain.probability_above(0.0)[0] == pytest.approx(0.3), "what does not exceed is not above"


def test_the_density_of_student_is_the_slope_of_its_distribution() -> None:
    z = np.linspace(-4, 4, 9)
    value, density = series_model._cdf_and_density(9.0, z)
    step = 1e-6
    slope = (student_cdf(9.0, z + step) - student_cdf(9.0, z - step)) / (2 * step)
    assert value == pytest.approx(student_cdf(9.0, z))
    assert density == pytest.approx(slope, abs=1e-6)
    widened = norm.cdf(2.0 * (1 - 1 / 36) / math.sqrt(1 + 4 / 18))
    assert student_cdf(9.0, np.array([2.0]))[0] == pytest.approx(widened)
    assert student_cdf(9.0, np.array([-np.inf, np.inf])).tolist() == [0.0, 1.0]


def test_a_sum_over_the_volumes_has_the_spread_of_a_plain_regression() -> None:
    """Of a tumour that can only jump at the last scan, in closed form by the two readings' weights."""
    years, errors = np.array([0.0, 1.0]), np.array([0.1, 0.2])
    fit = fitted(designed(years, errors, Stance.ALARM, freedom=1e9), np.array([[0.0, 0.5]]))
    answer = fit.answer(np.array([[-1.0, 1.0]]))
    jump = 3  # after the static one and two slopes
    precision, prior = 1 / (0.1**2 + 0.2**2), 1 / 0.7**2
    assert answer.mean[0][jump] == pytest.approx(0.5 * precision / (precision + prior))
    assert answer.sd[0][jump] == pytest.approx((precision + prior) ** -0.5, rel=1e-3)
    assert answer.mean[0][0] == pytest.approx(0.0), "a static tumour has not changed, whatever is read"
    level = fit.answer(np.array([[1.0, 0.0]]))
    assert level.mean[0][0] == pytest.approx(0.5 * 25 / 125)
    assert level.sd[0][0] == pytest.approx(125**-0.5, rel=1e-3)


def test_histories_of_hardly_any_weight_are_left_out_and_change_nothing() -> None:
    years, errors, logs = np.array([0.0, 1.0, 2.0]), np.full(3, 0.05), np.array([[0.0, 1.0, 2.0]])
    fit = fitted(designed(years, errors, Stance.PEOPLE), logs)
    sums = np.array([[-1.0, 0.0, 1.0]])
    alone = fit.answer(sums)
    beside = fitted(fit.design, np.tile(logs, (2, 1))).answer(np.tile(sums, (2, 1)))
    assert alone.weights.min() > 1e-6
    assert beside.weights.shape[1] > alone.weights.shape[1]
    assert alone.probability_above(1.0)[0] == pytest.approx(beside.probability_above(1.0)[0], abs=1e-4)


def test_degrees_of_freedom_are_two_hundred_of_stated_and_eight_of_assumed_errors_and_one_a_further_scan() -> None:
    for is_assumed, behind in ((False, 200.0), (True, 8.0)):
        series = LesionSeries((0, 365, 730), (1000.0, 1100.0, 1050.0), (0.1,) * 3, is_assumed=is_assumed)
        assert series._answer(Stance.PEOPLE, series._sum({0: 1.0})).freedom == behind + 2


# What is asked of a series -------------------------------------------------------------------------------------------


PAIR = LesionSeries((0, 365.25), (1000.0, 1500.0), (0.1, 0.1))


def test_years_are_counted_in_mean_years_and_logs_from_the_first_scan() -> None:
    late = LesionSeries((730.5, 0, 365.25), (300.0, 100.0, 200.0), (0.1, 0.2, 0.3))
    assert late._years.tolist() == [0.0, 1.0, 2.0]
    assert late._logs[0] == pytest.approx(np.log([1, 2, 3]))
    assert late._errors.tolist() == [0.2, 0.3, 0.1]
    length = LesionSeries((0, 9), (10.0, 20.0), (0.1, 0.1), share=1 / 3)
    assert length._logs[0] == pytest.approx([0.0, 3 * math.log(2)])
    assert length._errors == pytest.approx([0.3, 0.3])


@pytest.mark.parametrize(("error", "taken"), [(0.005, 0.005), (0.004, 0.005), (0.006, 0.006)])
def test_no_outline_is_drawn_to_half_a_percent(error: float, taken: float) -> None:
    assert LesionSeries((0, 1), (9.0, 9.0), (error, error))._errors[0] == taken


def test_of_one_day_the_smaller_size_comes_first() -> None:
    assert LesionSeries((5, 5, 0), (30.0, 20.0, 10.0), (0.1,) * 3)._order == (2, 1, 0)


def test_the_probability_of_growth_falls_with_its_threshold_and_that_of_shrinkage_rises() -> None:
    for sizes, ratio in (((1000.0, 1400.0), 1.4), ((1000.0, 1000.0 / 1.4), 1 / 1.4)):
        series = LesionSeries((0, 365), sizes, (0.1, 0.1))
        lower, higher = (series.probability(1, 0, ratio * factor) for factor in (0.999, 1.001))
        at = series.probability(1, 0, ratio)
        assert (lower > at > higher) if ratio > 1 else (lower < at < higher)


def _sureness(series: LesionSeries, scan: int, reference: int, direction: int) -> float:
    """Return the weight of all histories of growth (1) or shrinkage (-1) since a reference."""
    sums = series._sum({scan: 1.0, reference: -1.0}) * direction
    alarm = series_model.fitted(series._design(Stance.ALARM), series._logs)
    return float(alarm.answer(sums[None]).probability_above(0.0)[0])


def test_growth_is_called_from_its_least_weight_on() -> None:
    for direction, least, call in (
        (1, ALARM_LIMIT_GROWTH, LesionSeries.has_grown),
        (-1, ALARM_LIMIT_SHRINKAGE, LesionSeries.has_shrunk),
    ):
        weights = []
        for ratio in np.exp(direction * np.linspace(0.24, 0.6, 60)):  # all more than APART deviations of the two
            series = LesionSeries((0, 365), (1000.0, 1000.0 * ratio), (0.1, 0.1))
            weights.append(_sureness(series, 1, 0, direction))
            assert call(series, 1, 0) == (weights[-1] >= least)
        assert min(weights) < least < max(weights)
    assert (ALARM_LIMIT_GROWTH, ALARM_LIMIT_SHRINKAGE) == (0.81, 0.78)


@given(
    st.lists(st.floats(600.0, 2600.0), min_size=2, max_size=7),
    st.sampled_from([0.08, 0.14, 0.2, 0.3]),
    st.sampled_from([90.0, 365.0, 800.0]),
)
@settings(max_examples=60, deadline=None)
def test_the_interval_of_a_growth_that_is_called_excludes_none(sizes: list[float], cv: float, apart: float) -> None:
    last, days = len(sizes) - 1, tuple(apart * n for n in range(len(sizes)))
    series = LesionSeries(days, tuple(sizes), (cv,) * len(sizes))
    nadir = min(range(last), key=lambda scan: sizes[scan])
    if series.has_grown(last, nadir):
        assert series.change_interval(last, nadir).low >= 1 - 1e-6
        assert sizes[last] >= series.growth_limit(last, nadir) * sizes[nadir] * (1 - 1e-9)


def test_a_growth_that_may_be_none_by_all_readings_is_only_possible() -> None:
    """Seven scans that rose and fell: no history is without a change, and all readings allow -12 to +149 %."""
    sizes = (990.0, 1130.0, 730.0, 1590.0, 1640.0, 2210.0, 1250.0)
    series = LesionSeries(tuple(365.25 * year for year in range(7)), sizes, (0.2,) * 7)
    assert _sureness(series, 6, 2, 1) >= ALARM_LIMIT_GROWTH
    assert series.change_interval(6, 2).low < 1
    assert series.call(6, 0, 2, Thresholds(1.4, 1 / 1.4)) == "possible growth"


def _went_and_came_back(last: float) -> LesionSeries:
    """Return a tumour of 1,000 that stood higher or lower at two scans before the last."""
    way = 1.8 if last < 1000 else 1 / 1.8
    sizes = (1000.0, 1000.0, 1000.0 * way, 1000.0 * way, last)
    return LesionSeries(tuple(365.25 * year for year in range(5)), sizes, (0.1,) * 5)


@pytest.mark.parametrize("last", [900.0, 1140.0])
def test_a_tumour_that_is_as_before_a_rise_or_a_fall_has_not_changed(last: float) -> None:
    series, direction = _went_and_came_back(last), 1 if last > 1000 else -1
    least = ALARM_LIMIT_GROWTH if direction > 0 else ALARM_LIMIT_SHRINKAGE
    assert _sureness(series, 4, 0, direction) >= least, "no history is without a change"
    assert not series.has_grown(4, 0)
    assert not series.has_shrunk(4, 0)
    limit = SeriesChange(series, 4, 0).limit_ratio or 1.0
    assert (last / 1000 < limit) if direction > 0 else (last / 1000 > limit), "the limit shown agrees"


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_two_readings_tell_where_nine_in_ten_unchanged_ones_differ_by_less(factor: float) -> None:
    apart = math.exp(-APART * math.hypot(0.1, 0.1) * factor)
    series = _went_and_came_back(1000.0 * apart)
    at_all = series_model.fitted(series._design(Stance.ANYBODY), series._logs)
    tell = at_all.answer(series._sum({4: -1.0, 0: 1.0})[None]).probability_above(0.0)[0]
    assert tell < ALL_TELL
    assert series.has_shrunk(4, 0) == (factor > 1)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (1400.0, "possible growth"), (1400.0 * (1 - 1e-10), "possible growth"), (1399.99, "no change"),
        (500.0, "possible shrinkage"), (500.0 * (1 + 1e-10), "possible shrinkage"),
    ],
)  # fmt: skip
def test_a_threshold_is_met_within_the_rounding_of_voxel_counts(now: float, expected: str) -> None:
    unsure = LesionSeries((0, 365), (1000.0, now), (0.9, 0.9))
    unsure._answers[Stance.ANYBODY, unsure._sum({1: 1.0, 0: -1.0}).tobytes()] = SeriesAnswer(
        np.array([[5.0]]), np.array([[0.1]]), 9.0, np.array([[1.0]])
    )  # the median of all readings says nothing of a fall
    assert unsure.call(1, 0, 0, Thresholds(1.4, 0.5)) == expected


@pytest.mark.parametrize(("mean", "is_down"), [(math.log(0.5) - 1e-6, True), (math.log(0.5) + 1e-6, False)])
def test_a_series_is_down_to_a_ratio_where_half_of_what_may_be_is(mean: float, is_down: bool) -> None:
    series = LesionSeries((0, 365), (1000.0, 700.0), (0.1, 0.1))
    answer = SeriesAnswer(np.array([[mean]]), np.array([[0.1]]), 9.0, np.array([[1.0]]))
    series._answers[Stance.ANYBODY, series._sum({1: 1.0, 0: -1.0}).tobytes()] = answer
    assert series.is_down_to(1, 0, 0.5) == is_down


def test_the_limit_of_a_pair_is_where_its_alarm_turns() -> None:
    def sureness(ratio: float, direction: int) -> float:
        return _sureness(LesionSeries((0, 365.25), (1000.0, 1000.0 * ratio), (0.1, 0.1)), 1, 0, direction)

    for direction, least, limit in (
        (1, ALARM_LIMIT_GROWTH, PAIR.growth_limit(1, 0)),
        (-1, ALARM_LIMIT_SHRINKAGE, PAIR.shrinkage_limit(1, 0)),
    ):
        root = brentq(lambda log, d=direction, w=least: sureness(math.exp(d * log), d) - w, 0.01, 1.0)
        assert math.log(limit) * direction == pytest.approx(root, abs=8 * math.hypot(0.1, 0.1) / 23**2 * 1.01)
        assert math.log(limit) * direction >= root - 1e-9, "on the side where it is called"


def test_a_change_has_the_limit_of_its_own_side_and_none_against_itself() -> None:
    assert SeriesChange(PAIR, 1, 1).limit_ratio is None
    up, down = SeriesChange(PAIR, 1, 0), SeriesChange(PAIR, 0, 1)
    assert (up.is_growth, down.is_growth) == (True, False)
    assert (up.limit_ratio or 0) > 1 > (down.limit_ratio or 9)
    same = LesionSeries((0, 365), (1000.0, 1000.0), (0.1, 0.1))
    assert not SeriesChange(same, 1, 0).is_growth
    assert (up.is_beyond_error, SeriesChange(same, 1, 0).is_beyond_error) == (True, False)


def test_the_rate_is_the_slope_of_the_regression_on_years() -> None:
    exact = LesionSeries((0, 365.25, 730.5, 1826.25), (100.0, 110.0, 121.0, 100.0 * 1.1**5), (0.01,) * 4)
    rate = exact.rate()
    assert rate is not None
    assert rate.value == pytest.approx(1.1, abs=1e-3)
    shuffled = LesionSeries((730.5, 0, 1826.25, 365.25), (121.0, 100.0, 100.0 * 1.1**5, 110.0), (0.01,) * 4).rate()
    assert shuffled is not None
    assert shuffled.value == pytest.approx(rate.value)


def test_a_smoothed_size_has_the_unit_of_the_readings_and_its_interval_95_percent() -> None:
    alone = LesionSeries((0, 365), (1000.0, 1000.0), (0.1, 0.1)).smoothed(1)
    assert alone.value == pytest.approx(1000.0, rel=1e-3)
    answer = PAIR._answer(Stance.ANYBODY, PAIR._sum({1: 1.0, 0: -1.0}))
    low, high = PAIR.change_interval(1, 0).low, PAIR.change_interval(1, 0).high
    assert answer.probability_above(math.log(low))[0] == pytest.approx(0.975, abs=1e-6)
    assert answer.probability_above(math.log(high))[0] == pytest.approx(0.025, abs=1e-6)
    assert PAIR.change(1, 0).interval == PAIR.change_interval(1, 0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf])
def test_a_size_without_end_or_below_one_is_no_reading(wrong: float) -> None:
    with pytest.raises(ValueError, match="sizes and errors above 0"):
        LesionSeries((0, 365), (1000.0, wrong), (0.1, 0.1))


def test_each_kind_is_weighed_by_all_its_histories_as_they_are_met() -> None:
    """Kinds that together are another foretell what their shares make of them."""
    years, errors, logs = YEARS[:3], np.array([0.1, 0.2, 0.15]), np.array([[0.0, 0.3, 0.1]])
    seen = {kind: fitted(designed(years, errors, kind), logs).log_likelihood for kind in Stance}
    straight = designed(years, errors, Stance.PEOPLE)
    weights = fitted(straight, logs).weights[0]
    still, steady = weights[0], weights[1]
    odds = math.exp(float(seen[Stance.STILL][0] - seen[Stance.STEADY][0]))
    assert odds == pytest.approx((still / 0.6) / (steady / 0.3))
    assert math.exp(float(seen[Stance.PEOPLE][0] - seen[Stance.STILL][0])) == pytest.approx(
        0.6 / still / straight.weight
    )
