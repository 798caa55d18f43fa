"""Survival against an independent estimate and hand-solved examples. About six seconds, most of it the import of
lifelines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from statsmodels.duration.survfunc import CumIncidenceRight

from pipeline.cohort.disclosure import suppress_small
from pipeline.cohort.survival import at_years, cox, cumulative_incidence, kaplan_meier, log_rank, reverse_km_median
from pipeline.errors import InputError, SettingsError

PATIENTS = st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=40)


def naive_survival(patients: list[tuple[int, bool]], at: float) -> float:
    """Multiply the shares that survive each event time: Kaplan-Meier as in its first paper."""
    left = 1.0
    for time in sorted({t for t, event in patients if event and t <= at}):
        at_risk = sum(t >= time for t, _ in patients)
        left *= 1 - sum(event and t == time for t, event in patients) / at_risk
    return left


@settings(max_examples=15, deadline=None)
@given(PATIENTS)
def test_survival_agrees_with_a_naive_estimate(patients):
    curve = kaplan_meier([t for t, _ in patients], [e for _, e in patients])
    for time in (0.5, 50, 123, 400):
        assert curve.at(time)[0] == pytest.approx(naive_survival(patients, time))
    assert list(curve.survival) == sorted(curve.survival, reverse=True)


def test_the_published_ovarian_table_is_reproduced():
    # R survival, ovarian rx = 1: events, then censored times
    times = [59, 115, 156, 268, 329, 431, 638, 448, 477, 803, 855, 1040, 1106]
    curve = kaplan_meier(times, [True] * 7 + [False] * 6)
    expected = {59: 0.923, 115: 0.846, 156: 0.769, 268: 0.692, 329: 0.615, 431: 0.538, 638: 0.431}
    assert {t: round(curve.at(t)[0], 3) for t in expected} == expected
    assert [curve.at_risk(day) for day in (0, 431, 639)] == [13, 8, 4]
    assert curve.median_days == 638.0
    assert (curve.patient_count, curve.event_count, curve.ci_transform) == (13, 7, "log-log")


def test_the_interval_is_log_log():
    # one event among four: S = 3/4, Greenwood sum = 1 / (4 * 3)
    _, low, high = kaplan_meier([10, 20, 30, 40], [True, False, False, False]).at(10)
    spread = 1.959964 * math.sqrt(1 / 12) / abs(math.log(0.75))
    assert low == pytest.approx(0.75 ** math.exp(spread), rel=1e-4)
    assert high == pytest.approx(0.75 ** math.exp(-spread), rel=1e-4)


def test_a_median_that_was_not_reached_is_none():
    curve = kaplan_meier([10, 20, 30], [False, False, True][::-1])
    assert curve.median_days is None
    assert kaplan_meier([10, 20], [False, False]).median_high_days is None


def test_where_the_last_at_risk_has_the_event_no_interval_is_made_up():
    # a cohort of 8 with events at 46 and 48 months: one half from 46 on, so the middle, as R takes it (its minmin)
    curve = kaplan_meier([10, 20, 30, 40, 41, 42, 46, 48], [False] * 6 + [True, True])
    assert (curve.median_days, curve.median_low_days, curve.median_high_days) == (47.0, 46.0, None)
    alone = kaplan_meier([10, 20, 30, 48], [False, False, False, True])
    assert (alone.median_days, alone.median_low_days, alone.median_high_days) == (48.0, None, None)


def test_follow_up_is_the_reverse_estimate():
    assert reverse_km_median([100, 200, 300], [True, False, False]) == 250.0
    assert reverse_km_median([100, 200], [True, True]) is None


@pytest.mark.parametrize(
    ("durations", "events", "words"),
    [
        ([], [], "got 0 and 0"),
        ([1.0], [True, False], "got 1 and 2"),
        ([-1.0], [True], "0 days or more"),
        ([math.nan], [True], "0 days or more"),
    ],
)
def test_impossible_durations_are_refused(durations, events, words):
    with pytest.raises(InputError, match=words):
        kaplan_meier(durations, events)


def naive_log_rank(patients: list[tuple[float, bool, str]]) -> float:
    """Chi-square of Mantel: events less their expectation in all groups but one, against their covariance."""
    groups = sorted({group for _, _, group in patients})
    excess, covariance = np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for time in sorted({t for t, event, _ in patients if event}):
        at_risk = np.array([sum(t >= time and g == name for t, _, g in patients) for name in groups])
        dying = np.array([sum(e and t == time and g == name for t, e, g in patients) for name in groups])
        share, total = at_risk / at_risk.sum(), at_risk.sum()
        excess += dying - dying.sum() * share
        spread = dying.sum() * (total - dying.sum()) / max(total - 1, 1)
        covariance += spread * (np.diag(share) - np.outer(share, share))
    return float(excess[1:] @ np.linalg.pinv(covariance[1:, 1:]) @ excess[1:])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("abcd")), min_size=2, max_size=30))
def test_log_rank_agrees_with_a_naive_test_also_with_ties_and_groups_that_left_early(patients):
    times, events, groups = zip(*[*patients, (5, True, "a"), (7, False, "b")], strict=True)
    test = log_rank(times, events, groups)
    assert test.chi_square == pytest.approx(naive_log_rank(list(zip(times, events, groups, strict=True))), abs=1e-9)
    assert 0 <= test.p_value <= 1
    assert test.degrees_of_freedom in {0, len(test.groups) - 1}


def test_log_rank_of_two_equal_groups_finds_nothing():
    test = log_rank([5, 10, 20, 5, 10, 20], [True, True, False] * 2, ["a"] * 3 + ["b"] * 3)
    assert test.chi_square == pytest.approx(0.0, abs=1e-12)
    assert test.p_value == pytest.approx(1.0)


def test_a_group_that_was_gone_before_the_first_event_changes_nothing():
    times, events, groups = [3, 5, 6, 8, 9], [True, True, False, True, True], ["a", "b", "a", "b", "b"]
    with_gone = log_rank([*times, 1, 2], [*events, False, False], [*groups, "c", "c"])
    assert with_gone == log_rank(times, events, groups)
    assert (with_gone.groups, with_gone.degrees_of_freedom) == (("a", "b"), 1)


@pytest.mark.parametrize(
    ("times", "events"),
    [
        ([1, 2, 3, 4], [False] * 4),
        ([5, 5, 5, 5], [True] * 4),
        ([1, 1, 3, 4], [False, False, True, True]),
    ],
)
def test_events_that_tell_no_groups_apart_are_no_difference(times, events):
    test = log_rank(times, events, ["a", "a", "b", "b"])
    assert (test.chi_square, test.degrees_of_freedom, test.p_value) == (0.0, 0, 1.0)


def test_a_tiny_p_is_not_zero():
    times = [*np.linspace(1, 50, 300), *np.linspace(1000, 2000, 300)]
    assert 0 < log_rank(times, [True] * 600, ["a"] * 300 + ["b"] * 300).p_value < 1e-60


def test_one_group_cannot_be_compared():
    with pytest.raises(InputError, match="two groups at least"):
        log_rank([1, 2], [True, True], ["a", "a"])


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        ({"age": [1.0, 2.0]}, "age needs one number for each of 4 patients"),
        ({"age": [1.0, 2.0, math.nan, 3.0]}, "age needs one number"),
        ({"age": [1.0] * 4}, "age is the same for all patients"),
        ({}, "no covariate"),
    ],
)
def test_a_cox_model_that_cannot_be_is_refused(covariates, words):
    with pytest.raises(InputError, match=words):
        cox([1, 2, 3, 4], [True, True, False, False], covariates)


def test_a_covariate_that_separates_the_events_is_refused():
    times, events = [*range(1, 21), *range(30, 50)], [True] * 20 + [False] * 20
    with pytest.raises(InputError, match="separates the events; drop one of"):
        cox(times, events, {"sex": [float(event) for event in events]})


@pytest.mark.parametrize(
    ("event_count", "names", "words"),
    [
        (9, ["age"], r"found 9 events for 1 \(age\); compare survival curves, use Firth"),
        (19, ["age", "grade"], r"found 19 events for 2 \(age, grade\); leave out 1 of them"),
    ],
)
def test_too_few_events_for_the_covariates_are_refused(event_count, names, words):
    random = np.random.default_rng(3)
    events = [index < event_count for index in range(40)]
    with pytest.raises(SettingsError, match=words):
        cox(random.integers(1, 900, 40), events, {name: random.normal(size=40) for name in names})


def test_ten_events_carry_one_covariate():
    random = np.random.default_rng(3)
    events = [index < 10 for index in range(40)]
    found = cox(random.permutation(40) + 1, events, {"age": random.normal(size=40)})
    assert (found.event_count, found.ci_transform) == (10, "log")
    assert found.ratios[0].low < found.ratios[0].hazard_ratio < found.ratios[0].high


def test_a_hazard_ratio_that_turns_around_is_doubted():
    # the exposed die first until day 100 and last after it
    times = [*range(1, 31), *range(100, 160)]
    exposed = [1.0] * 30 + [0.0] * 30 + [1.0] * 30
    found = cox(times, [True] * 90, {"exposed": exposed})
    assert found.ratios[0].proportional_p < 0.01
    assert found.warnings == (
        f"exposed: the hazard ratio changes over time (Schoenfeld p {found.ratios[0].proportional_p:.2g})",
    )


def partial_likelihood(beta: float, patients: list[tuple[float, bool, float]], *, efron: bool) -> float:
    """Log partial likelihood of one covariate, term by term as in the papers of Breslow and Efron."""
    total = 0.0
    for time in sorted({t for t, event, _ in patients if event}):
        dying = [x for t, event, x in patients if event and t == time]
        risks = sum(math.exp(beta * x) for t, _, x in patients if t >= time)
        of_dying = sum(math.exp(beta * x) for x in dying)
        for k, x in enumerate(dying):
            total += beta * x - math.log(risks - (k / len(dying) * of_dying if efron else 0.0))
    return total


def best_beta(patients: list[tuple[float, bool, float]], *, efron: bool) -> float:
    found = minimize_scalar(lambda beta: -partial_likelihood(beta, patients, efron=efron), (-1, 1), tol=1e-9)
    return float(found.x)


def test_the_likelihood_of_these_tests_has_the_hand_solved_answer():
    patients = list(zip([9, 1, 1, 6, 6, 8], [True, True, False, True, True, False], [0, 1, 1, 1, 0, 0], strict=True))
    assert best_beta(patients, efron=False) == pytest.approx(math.log(1.5 + math.sqrt(33) / 2), abs=1e-6)


def test_a_cox_model_maximises_that_likelihood():
    random = np.random.default_rng(11)
    exposed = random.integers(0, 2, 60).astype(float)
    times = np.ceil(random.exponential(20, 60) * np.exp(-0.7 * exposed))  # many ties
    events = random.random(60) > 0.3
    patients = [(float(t), bool(e), float(x)) for t, e, x in zip(times, events, exposed, strict=True)]
    found = cox(times, events, {"exposed": exposed}).ratios[0].coefficient
    assert found == pytest.approx(best_beta(patients, efron=True), abs=1e-5)
    assert found != pytest.approx(best_beta(patients, efron=False), abs=1e-2)


def test_survival_at_years_with_its_interval():
    # one event in the first year among four: S = 3/4; two of three left are followed beyond the second
    one, two, five = at_years(kaplan_meier([300, 400, 800, 900], [True, False, False, False]), years=[1, 2, 5])
    assert (one.survival, one.at_risk, one.ci_transform) == (pytest.approx(0.75), 3, "log-log")
    spread = 1.959964 * math.sqrt(1 / 12) / abs(math.log(0.75))
    assert one.low == pytest.approx(0.75 ** math.exp(spread), rel=1e-4)
    assert one.high == pytest.approx(0.75 ** math.exp(-spread), rel=1e-4)
    assert (two.survival, two.at_risk, two.reason) == (pytest.approx(0.75), 2, "")
    assert (five.survival, five.low, five.at_risk, five.reason) == (None, None, 0, "nobody was followed for 5 years")


def test_survival_of_one_or_none_has_no_interval():
    sure, _ = at_years(kaplan_meier([500, 600], [True, True]), years=[1, 1.5])
    gone = at_years(kaplan_meier([500, 800], [True, True]), years=[2.19])
    assert (sure.survival, sure.low, sure.high) == (1.0, None, None)
    assert "does not exist" in sure.reason
    assert gone[0].survival == pytest.approx(0.5)


def naive_incidence(patients: list[tuple[int, str]], at: float) -> float:
    """Expected share by redistributing each patient: chance to be free so far times chance to fail now."""
    free, found = 1.0, 0.0
    for time in sorted({t for t, ending in patients if ending != "censored" and t <= at}):
        at_risk = [ending if t == time else "later" for t, ending in patients if t >= time]
        found += free * at_risk.count("event") / len(at_risk)
        free *= 1 - (at_risk.count("event") + at_risk.count("competing")) / len(at_risk)
    return found


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.sampled_from(["event", "competing", "censored"])), min_size=1, max_size=30
    )
)
def test_incidence_agrees_with_a_naive_estimate(patients):
    times, endings = zip(*patients, strict=True)
    found = cumulative_incidence(times, [e == "event" for e in endings], [e == "competing" for e in endings])
    other = cumulative_incidence(times, [e == "competing" for e in endings], [e == "event" for e in endings])
    curve = kaplan_meier(times, [e != "censored" for e in endings])
    for time in (0.5, 20, 45, 60):
        share, low, high = found.at(time)
        assert share == pytest.approx(naive_incidence(patients, time), abs=1e-12)
        assert low <= share + 1e-12
        assert share <= high + 1e-12
        assert share + other.at(time)[0] + curve.at(time)[0] == pytest.approx(1.0)


def test_without_competing_events_incidence_is_what_kaplan_meier_leaves():
    random = np.random.default_rng(5)
    times, events = random.integers(1, 500, 40), random.random(40) > 0.4
    curve, found = kaplan_meier(times, events), cumulative_incidence(times, events, [False] * 40)
    for time in (100, 250, 400):
        survival, low, high = curve.at(time)
        assert found.at(time) == pytest.approx((1 - survival, 1 - high, 1 - low), abs=2e-5)  # z of 1.96 and 1.959964


def test_variance_of_incidence_is_binomial_without_censoring():
    # no censoring: the incidence is a proportion, 3 of 10
    found = cumulative_incidence(range(1, 11), [i < 3 for i in range(10)], [i >= 3 for i in range(10)])
    error = math.sqrt(0.3 * 0.7 / 10)
    factor = math.exp(1.96 * error / (0.7 * -math.log(0.7)))
    assert found.at(20) == pytest.approx((0.3, 1 - 0.7 ** (1 / factor), 1 - 0.7**factor))
    assert (found.event_count, found.competing_count) == (3, 7)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from(["event", "competing", "censored"])), min_size=1, max_size=30
    )
)
def test_errors_of_incidence_are_those_of_an_independent_program_where_it_has_any(patients):
    times, endings = (np.array(column) for column in zip(*patients, (9, "event"), strict=True))
    ours = cumulative_incidence(times, list(endings == "event"), list(endings == "competing"))
    kinds = np.select([endings == "event", endings == "competing"], [1, 2], 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        other = CumIncidenceRight(times, kinds)
    for time, share, error in zip(other.times, other.cinc[0], other.cinc_se[0], strict=True):
        value, low, high = ours.at(time)
        assert value == pytest.approx(share)
        if 1e-9 < share < 1 - 1e-9 and not math.isnan(error):
            factor = math.exp(1.96 * error / ((1 - share) * -math.log(1 - share)))
            assert (low, high) == pytest.approx((1 - (1 - share) ** (1 / factor), 1 - (1 - share) ** factor), abs=1e-6)


@pytest.mark.parametrize("count", [1, 5, 15, 23, 26])
def test_an_incidence_of_all_has_no_interval_whatever_its_last_digit(count):
    curve = cumulative_incidence(range(1, count + 1), [True] * count, [False] * count)
    assert curve.at(count) == pytest.approx((1.0, 1.0, 1.0))


def test_an_ending_cannot_be_both():
    with pytest.raises(InputError, match="found both for 1"):
        cumulative_incidence([1, 2], [True, True], [True, False])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, {}),
        ({"a": 5, "b": 9}, {"a": 5, "b": 9}),
        ({"a": 4, "b": 9, "c": 5}, {"a": None, "b": 9, "c": None}),
        ({"a": 4, "b": 0, "c": 5}, {"a": None, "b": None, "c": 5}),
        ({"a": 4}, {"a": None}),
    ],
)
def test_small_counts_and_what_would_give_them_away_are_withheld(counts, expected):
    assert suppress_small(counts) == expected


def test_numbers_at_risk_count_those_still_under_observation():
    random = np.random.default_rng(7)
    times = random.integers(1, 100, 30)
    curve = kaplan_meier(times, random.random(30) > 0.5)
    assert [curve.at_risk(t) for t in (0, 10, 50, 99)] == [int(sum(times >= t)) for t in (0, 10, 50, 99)]


@pytest.mark.parametrize(
    ("times", "events", "median"),
    [
        (
            range(1, 21),
            [True] * 20,
            10.5,
        ),  # the example of R's quantile.survfit: (19/20)(18/19) ... (10/11) is one half
        ((1, 2, 3, 4), [True, True, True, False], 2.5),
        ((1, 2, 3, 4), [True, True, False, False], 2.0),  # flat to its end: R's minmin gives the first time
        ((1, 2, 5, 9), [True, True, False, True], 5.5),  # a censoring within the flat stretch does not end it
        ((1, 2, 3), [True] * 3, 2.0),  # passes one half without being it
    ],
)
def test_a_median_in_a_flat_stretch_is_its_middle_as_in_r(times, events, median):
    """R, survival: "the midpoint of the horizontal segment is returned" (quantile.survfit); first time at the end."""
    assert kaplan_meier(list(times), events).median_days == median
    late = kaplan_meier([100, *(100 + time for time in times)], [False, *events], [99.5, *(0.0 for _ in times)])
    alone = kaplan_meier([100 + time for time in times], events)
    assert late.median_days == alone.median_days == 100 + median
