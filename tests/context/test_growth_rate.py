"""Growth rates against closed forms. Runs in about a second."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress, t

from pipeline.context.growth_rate import (
    by_epoch,
    doubling_time_days,
    length_velocity,
    of_visits,
)
from pipeline.judge import criteria_files
from pipeline.judge.response import judge
from tests.judge.course_maker import course, on, surgery, visit

YEAR = 365.25


@pytest.mark.parametrize(
    ("volume_ml", "mm_per_year", "percent_per_year", "doubling_years"),
    [(1, 1, 26, 2.98), (1, 2, 57, 1.55), (5, 2, 31, 2.56)],
)
def test_a_growing_diameter_gives_the_published_rates(volume_ml, mm_per_year, percent_per_year, doubling_years):
    # spheres, printed to whole percent and hundredths of a year
    first = 1000.0 * volume_ml
    last = math.pi / 6 * ((6 * first / math.pi) ** (1 / 3) + mm_per_year) ** 3
    assert 100 * (last / first - 1) == pytest.approx(percent_per_year, abs=0.5)
    found = of_visits([visit(0, first), visit(365, last)])
    assert found is not None
    assert found.doubling_time_days is not None
    assert found.doubling_time_days / 365 == pytest.approx(doubling_years, abs=0.01)


def test_doubling_in_a_year():
    assert doubling_time_days(math.log(2)) == pytest.approx(YEAR)
    assert doubling_time_days(-math.log(2)) == pytest.approx(-YEAR)
    assert doubling_time_days(0.0) is None


@given(rate=st.floats(-2, 2), first=st.floats(50, 5000), days=st.lists(st.integers(30, 2000), min_size=1, unique=True))
def test_exact_exponential_growth_is_recovered(rate, first, days):
    visits = [visit(day, first * math.exp(rate * day / YEAR)) for day in (0, *sorted(days))]
    found = of_visits(visits)
    assert found is not None
    assert found.specific_per_year.value == pytest.approx(rate, abs=1e-9)
    assert found.relative_percent_per_year.value == pytest.approx(100 * math.expm1(rate), abs=1e-6)


def test_the_interval_of_two_scans_is_that_of_their_ratio():
    found = of_visits([visit(0, 1000.0, volume_cv=0.1), visit(365, 1300.0, volume_cv=0.1)])
    assert found is not None
    years = 365 / YEAR
    half = 1.96 * math.hypot(0.1, 0.1) / years
    assert found.specific_per_year.interval is not None
    assert found.specific_per_year.interval.low == pytest.approx(math.log(1.3) / years - half)
    assert found.specific_per_year.interval.high == pytest.approx(math.log(1.3) / years + half)


def test_scatter_beyond_the_error_widens_the_interval():
    smooth = of_visits([visit(d, v) for d, v in ((0, 1000.0), (200, 1100.0), (400, 1210.0), (600, 1331.0))])
    rough = of_visits([visit(d, v) for d, v in ((0, 1000.0), (200, 1700.0), (400, 800.0), (600, 1331.0))])
    assert smooth is not None
    assert rough is not None

    def width(growth):
        return growth.specific_per_year.interval.high - growth.specific_per_year.interval.low

    assert width(rough) > 3 * width(smooth)


def test_an_unknown_error_gives_a_rate_without_an_interval():
    found = of_visits([visit(0, 1000.0, volume_cv=None), visit(365, 1300.0)])
    assert found is not None
    assert found.specific_per_year.interval is None
    assert found.relative_percent_per_year.interval is None


def test_without_known_errors_the_scatter_of_three_scans_gives_the_interval():
    days, volumes = (0, 300, 700, 1100), (1000.0, 1300.0, 1250.0, 1900.0)
    found = of_visits([visit(day, volume, volume_cv=None) for day, volume in zip(days, volumes, strict=True)])
    line = linregress([day / YEAR for day in days], [math.log(volume) for volume in volumes])
    assert found is not None
    assert found.specific_per_year.interval is not None
    half = t.ppf(0.975, 2) * line.stderr
    assert found.specific_per_year.value == pytest.approx(line.slope)
    assert found.specific_per_year.interval.low == pytest.approx(line.slope - half)
    assert found.specific_per_year.interval.high == pytest.approx(line.slope + half)
    assert found.error_sd is None


def test_scatter_is_held_against_the_error_of_measurement():
    # ln V of 0, 1, 0 at equal times: line flat at 1/3, squares 1/9 + 4/9 + 1/9, one degree of freedom
    found = of_visits([visit(0, 1000.0), visit(200, 1000.0 * math.e), visit(400, 1000.0)])
    assert found is not None
    assert found.residual_sd == pytest.approx(math.sqrt(2 / 3))
    assert found.error_sd == pytest.approx(0.05)
    two = of_visits([visit(0, 1000.0, volume_cv=0.3), visit(400, 1200.0, volume_cv=0.4)])
    assert two is not None
    assert (two.residual_sd, two.error_sd) == (None, pytest.approx(math.sqrt(0.125)))


def test_length_velocity_is_the_slope_of_the_length():
    found = length_velocity([on(0), on(365), on(731)], [40.0, 43.0, 44.0])
    line = linregress([0, 365 / YEAR, 731 / YEAR], [40.0, 43.0, 44.0])
    assert found is not None
    assert found.value == pytest.approx(line.slope)
    assert length_velocity([on(0)], [40.0]) is None
    assert length_velocity([on(0), on(20)], [40.0, 41.0]) is None


@pytest.mark.parametrize(
    "visits",
    [
        [],
        [visit(0, 1000.0)],
        [visit(0, 1000.0), visit(100, 0.0)],
        [visit(0, 1000.0), visit(27, 1100.0)],
    ],
)
def test_too_little_gives_no_rate(visits):
    assert of_visits(visits) is None


def test_growth_never_crosses_surgery():
    patient = course(
        visit(0, 5000.0),
        visit(195, 800.0),
        visit(395, 1000.0),
        visit(700, 3000.0),
        visit(900, 300.0),
        visit(1100, None),
        visit(1300, 330.0),
        treatments=(surgery(100), surgery(800)),
    )
    found = by_epoch(patient, judge(patient, criteria_files.load("imsct_adapted_v1")))
    assert {epoch: (g.first_session_id, g.last_session_id, g.scan_count) for epoch, g in found.items()} == {
        1: ("ses-0195", "ses-0700", 3),
        2: ("ses-0900", "ses-1300", 2),
    }
    assert found[2].relative_percent_per_year.value == pytest.approx(100 * (1.1 ** (YEAR / 400) - 1))
