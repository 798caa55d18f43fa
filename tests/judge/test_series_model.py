"""The model of the true volume over time: closed forms against plain integration, and laws of its calls."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_t
from scipy.stats import t as student

from pipeline.judge import series_histories, series_model
from pipeline.judge.series_calls import ChangeCall, LesionSeries, Thresholds
from pipeline.judge.series_histories import Stance, histories

RANO = Thresholds(1.4, 1 / 1.4)
MIRROR = {
    ChangeCall.GROWTH: ChangeCall.SHRINKAGE,
    ChangeCall.POSSIBLE_GROWTH: ChangeCall.POSSIBLE_SHRINKAGE,
    ChangeCall.NO_CHANGE: ChangeCall.NO_CHANGE,
}
READINGS = st.lists(st.tuples(st.integers(0, 6000), st.floats(50, 5000), st.floats(0.03, 0.4)), min_size=2, max_size=9)


def yearly(*sizes: float, error: float = 0.14, **more: Any) -> LesionSeries:
    days = tuple(365.25 * year for year in range(len(sizes)))
    return LesionSeries(days, tuple(map(float, sizes)), (error,) * len(sizes), **more)


def last_call(series: LesionSeries) -> ChangeCall:
    last = len(series.days) - 1
    nadir = min(range(last), key=lambda scan: series.sizes[scan])
    return series.call(last, 0, nadir, RANO)


@pytest.mark.parametrize("stance", list(Stance))
def test_histories_are_weighed_as_the_full_covariance_of_the_readings_says(stance: Stance) -> None:
    """Each history is a multivariate t of the readings: contrasts of them leave the free level out."""
    years, errors = np.array([0.0, 1.0, 2.5, 3.0]), np.array([0.1, 0.14, 0.2, 0.1])
    logs = np.array([[0.0, 0.1, 0.45, 0.6]])
    fit = series_model.fitted(series_model.designed(years, errors, stance, freedom=12.0), logs)
    courses = histories(years, stance)
    basis = np.column_stack([years, np.tri(4)[:, 1:], np.zeros(4)])
    contrasts = np.array([[-1.0, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]])
    densities = []
    for columns, means, precisions, weight in zip(
        courses.columns, courses.means, courses.precisions, courses.weights, strict=True
    ):
        effects = contrasts @ basis[:, columns]
        covariance = contrasts @ np.diag(errors**2) @ contrasts.T + effects @ np.diag(1 / precisions) @ effects.T
        density = multivariate_t(effects @ means, covariance, df=12.0).pdf(contrasts @ logs[0])
        densities.append(weight * density)
    found = fit.weights[0][: len(densities)]
    assert found / found.sum() == pytest.approx(np.array(densities) / sum(densities), rel=1e-8, abs=1e-12)


def test_a_random_walk_is_weighed_as_its_covariance_says() -> None:
    years, errors = np.array([0.0, 1.0, 3.0]), np.full(3, 0.1)
    logs = np.array([[0.0, 0.3, 0.1]])
    fit = series_model.fitted(series_model.designed(years, errors, Stance.ALARM, freedom=20.0), logs)
    walk = series_histories.ALARM_WANDERING[0]
    contrasts = np.array([[-1.0, 1, 0], [-1, 0, 1]])
    noise = contrasts @ np.diag(errors**2) @ contrasts.T
    wandering = multivariate_t([0, 0], noise + walk.sd**2 * np.array([[1.0, 1.0], [1.0, 3.0]]), df=20.0)
    static = multivariate_t([0, 0], noise, df=20.0)
    expected = walk.share * wandering.pdf([0.3, 0.1]) / static.pdf([0.3, 0.1])
    assert fit.weights[0][-1] / fit.weights[0][0] == pytest.approx(expected, rel=1e-8)


def test_the_probability_of_two_scans_is_that_of_plain_integration() -> None:
    """Draw histories and readings; of those like the ones seen, count the true changes beyond the threshold."""
    source = np.random.default_rng(8)
    years = np.array([0.0, 3.0])
    courses = histories(years, Stance.PEOPLE)
    walks = series_histories.WANDERING
    shares = np.append(courses.weights, [walk.share for walk in walks])
    count = 3_000_000
    kind = source.choice(len(shares), count, p=shares / shares.sum())
    means, deviations = _pair_changes(years, walks)
    true = means[kind] + deviations[kind] * source.standard_normal(count)
    read = true + 0.14 * math.sqrt(2) * source.standard_normal(count)
    like = np.abs(read - math.log(1.5)) < 0.02
    series = LesionSeries((0.0, 3 * 365.25), (1000.0, 1500.0), (0.14, 0.14))
    assert series.probability(1, 0, 1.4) == pytest.approx(np.mean(true[like] >= math.log(1.4)), abs=0.02)
    interval = series.change(1, 0).interval
    assert interval.low < 1.5 < interval.high


def _pair_changes(years: np.ndarray, walks: Any) -> tuple[np.ndarray, np.ndarray]:
    courses = histories(years, Stance.PEOPLE)
    basis = np.column_stack([years, [0.0, 1.0], [0.0, 0.0]])
    effects = (basis[1] - basis[0])[courses.columns]
    mean = (effects * courses.means).sum(axis=1)
    variance = (effects**2 / courses.precisions).sum(axis=1)
    far = [walk.sd * math.sqrt(3.0) for walk in walks]
    return np.append(mean, np.zeros(len(far))), np.append(np.sqrt(variance), far)


def test_student_is_close_to_the_exact_one() -> None:
    z = np.linspace(-6, 6, 241)
    assert np.abs(series_model.student_cdf(9.0, z) - student.cdf(z, 9.0)).max() < 0.0013


@settings(max_examples=40, deadline=None)
@given(READINGS, st.floats(0.001, 1000), st.randoms(use_true_random=False))
def test_neither_order_nor_unit_nor_first_day_changes_anything(readings: Any, factor: float, source: Any) -> None:
    days, sizes, errors = zip(*readings, strict=True)
    series = LesionSeries(days, sizes, errors)
    places = list(range(len(readings)))
    source.shuffle(places)
    other = LesionSeries(
        tuple(days[place] + 1000 for place in places),
        tuple(sizes[place] * factor for place in places),
        tuple(errors[place] for place in places),
    )
    if len({(day, size) for day, size, _ in readings}) < len(readings):
        return  # the same reading twice is no order
    scan, reference = 0, 1
    moved, moved_reference = places.index(0), places.index(1)
    assert other.probability(moved, moved_reference, 1.4) == pytest.approx(
        series.probability(scan, reference, 1.4), abs=1e-6
    )
    assert other.change(moved, moved_reference).value == pytest.approx(series.change(scan, reference).value, rel=1e-4)
    assert other.smoothed(moved).value == pytest.approx(factor * series.smoothed(scan).value, rel=1e-4)


@settings(max_examples=40, deadline=None)
@given(READINGS)
def test_every_answer_is_a_number_and_every_interval_holds_its_value(readings: Any) -> None:
    series = LesionSeries(*zip(*readings, strict=True))
    last = len(readings) - 1
    for estimate in (series.change(last, 0), series.smoothed(last)):
        assert 0 < estimate.interval.low <= estimate.value <= estimate.interval.high < math.inf
    assert 0 <= series.probability(last, 0, 1.4) <= series.probability(last, 0, 1.1) <= 1
    assert series.probability(last, 0, 1.1) + series.probability(last, 0, 1 / 1.1) <= 1 + 1e-9
    assert series.growth_limit(last, 0) >= 1 >= series.shrinkage_limit(last, 0) > 0


@pytest.mark.parametrize("factor", [1.3, 1.6, 2.0, 3.0])
@pytest.mark.parametrize("error", [0.08, 0.14, 0.2])
def test_the_limit_is_where_the_call_turns(factor: float, error: float) -> None:
    quiet = [1000, 1040, 970, 1010, 990]
    series = yearly(*quiet, 970 * factor, error=error)
    limit = series.growth_limit(5, 2)
    assert series.has_grown(5, 2) == (factor >= limit)
    above = yearly(*quiet, 970 * limit * 1.01, error=error)
    below = yearly(*quiet, 970 * limit * 0.99, error=error)
    assert (above.has_grown(5, 2), below.has_grown(5, 2)) == (True, False)
    fall = series.shrinkage_limit(5, 0)
    assert yearly(*quiet, 1000 * fall * 0.99, error=error).has_shrunk(5, 0)
    assert not yearly(*quiet, 1000 * fall * 1.01, error=error).has_shrunk(5, 0)


def test_a_jump_after_a_quiet_decade_is_not_smoothed_away() -> None:
    quiet = [1000, 1060, 950, 1020, 990, 1010, 1080, 960, 1000, 1030, 980]
    for error in (0.08, 0.11, 0.14):
        assert last_call(yearly(*quiet, 2000, error=error)) == ChangeCall.GROWTH
    worst = yearly(*quiet, 1700, error=0.2)
    assert last_call(worst) == ChangeCall.POSSIBLE_GROWTH
    assert last_call(yearly(*quiet, 1700, 1750, error=0.2)) == ChangeCall.GROWTH
    assert worst.smoothed(11).interval.high > 1700


def test_slow_growth_is_called_from_the_whole_series() -> None:
    sizes = [1000 * 1.07**year for year in range(11)]
    pairs = yearly(sizes[0], sizes[-1], error=0.2)
    assert not pairs.has_grown(1, 0)
    series = yearly(*sizes, error=0.2)
    assert last_call(series) == ChangeCall.GROWTH
    rate = series.rate()
    assert rate is not None
    assert rate.value == pytest.approx(1.07, abs=0.005)
    assert 1 < rate.interval.low < rate.interval.high < 1.15


def test_fall_and_regrowth_are_measured_from_the_fall() -> None:
    series = yearly(4000, 1500, 1450, 1550, 2400, 2500, error=0.1)
    assert series.call(5, 0, 2, RANO) == ChangeCall.GROWTH
    assert series.has_shrunk(5, 0)
    assert series.change(5, 0).interval.high < 1 < series.change(5, 2).interval.low


@pytest.mark.parametrize(
    "sizes", [(1000, 2100), (1000, 1500), (1000, 1040, 2300), (1000, 1000, 1010, 990, 1450), (1000, 1020, 980)]
)
def test_calls_of_shrinkage_mirror_those_of_growth_unless_they_are_easier(sizes: tuple[float, ...]) -> None:
    growth, fall = last_call(yearly(*sizes)), last_call(yearly(*(1e6 / size for size in sizes)))
    easier = growth == ChangeCall.POSSIBLE_GROWTH and fall == ChangeCall.SHRINKAGE
    assert fall == MIRROR[growth] or easier


def test_two_scans_of_one_day_are_readings_of_one_volume() -> None:
    twice = LesionSeries((0, 0), (1000, 1400), (0.14, 0.14))
    years_apart = LesionSeries((0, 1500), (1000, 1400), (0.14, 0.14))
    assert twice.probability(1, 0, 1.4) < 0.01 < years_apart.probability(1, 0, 1.4)
    assert twice.rate() is None


@pytest.mark.parametrize("gap", [1, 30, 365, 3650, 20000])
def test_no_gap_is_too_long_or_too_short(gap: float) -> None:
    days = (0.0, 400.0, 800.0, 800.0 + gap)
    quiet = LesionSeries(days, (1000, 1030, 980, 1010), (0.1,) * 4)
    tripled = LesionSeries(days, (1000, 1030, 980, 3000), (0.1,) * 4)
    assert last_call(quiet) == ChangeCall.NO_CHANGE
    assert last_call(tripled) == ChangeCall.GROWTH


def test_a_badly_measured_scan_says_little() -> None:
    sizes = (1000, 1020, 990, 1600)
    days = (0, 365, 730, 1096)
    assert last_call(LesionSeries(days, sizes, (0.08,) * 4)) == ChangeCall.GROWTH
    assert last_call(LesionSeries(days, sizes, (0.08, 0.08, 0.08, 0.35))) == ChangeCall.POSSIBLE_GROWTH


def test_lengths_and_areas_are_judged_as_the_volumes_they_stand_for() -> None:
    volumes = (1000.0, 1050.0, 980.0, 1900.0)
    whole = yearly(*volumes)
    length = yearly(*(volume ** (1 / 3) for volume in volumes), error=0.14 / 3, share=1 / 3)
    assert length.probability(3, 2, 1.4 ** (1 / 3)) == pytest.approx(whole.probability(3, 2, 1.4), abs=1e-9)
    assert length.growth_limit(3, 2) ** 3 == pytest.approx(whole.growth_limit(3, 2), rel=1e-6)
    assert length.change(3, 2).interval.high ** 3 == pytest.approx(whole.change(3, 2).interval.high, rel=1e-6)


def test_assumed_errors_are_learned_from_and_stated_ones_are_not() -> None:
    calm, rough = (1000, 1002, 1001, 999, 1000), (1000, 1500, 700, 1450, 800)

    def width(sizes: tuple[float, ...], *, is_assumed: bool) -> float:
        interval = yearly(*sizes, is_assumed=is_assumed).change(4, 0).interval
        return math.log(interval.high / interval.low)

    assert width(calm, is_assumed=True) < 0.95 * width(calm, is_assumed=False)
    assert width(rough, is_assumed=True) > width(rough, is_assumed=False)


def test_a_scan_against_itself_has_not_changed() -> None:
    series = yearly(1000, 1500)
    assert series.change(1, 1).interval.low == series.change(1, 1).value == 1.0
    assert not series.has_grown(1, 1)
    assert not series.has_shrunk(1, 1)


@pytest.mark.parametrize(
    ("sizes", "errors", "expected"),
    [
        ((1000, 0), (0.1, 0.1), "sizes and errors above 0"),
        ((1000, 900), (0.1, 0.0), "sizes and errors above 0"),
        ((1000, math.nan), (0.1, 0.1), "sizes and errors above 0"),
        ((1000,), (0.1, 0.1), "one each is needed"),
    ],
)
def test_what_is_no_reading_is_refused(sizes: Any, errors: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        LesionSeries((0, 365), sizes, errors)


def test_more_certain_readings_narrow_the_band() -> None:
    widths = []
    for error in (0.3, 0.2, 0.1, 0.05):
        band = yearly(1000, 1100, 1050, 1000, error=error).smoothed(3).interval
        widths.append(band.high / band.low)
    assert all(wide > narrow for wide, narrow in pairwise(widths))
