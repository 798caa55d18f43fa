"""Late entry against hand-worked risk sets, a naive estimate and numbers of R's survival package.

``LATE`` is data set 2 of Therneau and Grambsch, Modeling Survival Data, appendix E; its risk sets and the model are as
printed in ``tests/book4.Rout.save`` of R's survival.
"""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cohort.survival import cox, cumulative_incidence, hazards, kaplan_meier, log_rank, reverse_km_median
from pipeline.errors import InputError, SettingsError
from tests.places import SHARED

HEART = SHARED / "keys" / "lifelines" / "stanford_heart.csv"

LATE = {
    "entries": [1, 2, 5, 2, 1, 7, 3, 4, 8, 8],
    "durations": [2, 3, 6, 7, 8, 9, 9, 9, 14, 17],
    "events": [True] * 7 + [False] * 3,
    "x": [1.0, 0, 0, 1, 0, 1, 1, 1, 0, 0],
}
PEOPLE = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 9), st.booleans()), min_size=1, max_size=25)


def naive_survival(people: list[tuple[int, int, bool]], at: float) -> float:
    left = 1.0
    for time in sorted({end for _, end, event in people if event and end <= at}):
        at_risk = sum((entry < time or entry == 0) and end >= time for entry, end, _ in people)
        left *= 1 - sum(event and end == time for _, end, event in people) / at_risk
    return left


def test_the_curve_follows_the_risk_sets_that_r_prints():
    curve = kaplan_meier(LATE["durations"], LATE["events"], LATE["entries"])
    days = (2, 3, 6, 7, 8, 9)
    assert [curve.at_risk(day) for day in days] == [2, 3, 5, 4, 4, 5]
    expected = np.cumprod([1 / 2, 2 / 3, 4 / 5, 3 / 4, 3 / 4, 3 / 5])
    assert [curve.at(day)[0] for day in days] == pytest.approx(expected)
    greenwood = 1 / (2 * 1) + 1 / (3 * 2)
    spread = 1.959964 * math.sqrt(greenwood) / abs(math.log(1 / 3))
    assert curve.at(3)[1:] == pytest.approx(((1 / 3) ** math.exp(spread), (1 / 3) ** math.exp(-spread)), rel=1e-3)
    assert curve.first_event_days == 2


def test_the_model_is_that_of_r(monkeypatch):
    monkeypatch.setattr(hazards, "EVENTS_PER_COVARIATE", 7)
    late = cox(LATE["durations"], LATE["events"], {"x": LATE["x"]}, LATE["entries"]).ratios[0]
    assert late.coefficient == pytest.approx(-0.0211052, abs=1e-4)
    error = math.log(late.high / late.hazard_ratio) / 1.959964
    assert error == pytest.approx(2 * 0.3975884, rel=1e-4)  # R prints that of half the coefficient
    assert late.proportional_p is None
    assert abs(cox(LATE["durations"], LATE["events"], {"x": LATE["x"]}).ratios[0].coefficient) > 0.1


@pytest.mark.skipif(not HEART.is_file(), reason=f"published heart transplant data not found at {HEART}")
def test_the_stanford_hearts_give_the_model_of_r():
    """R: coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, heart), Efron ties."""
    with HEART.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    covariates = {name: [float(row[name]) for row in rows] for name in ("age", "year", "surgery", "transplant")}
    entries, ends = ([float(row[name]) for row in rows] for name in ("start", "stop"))
    events = [row["event"] == "1" for row in rows]
    model = cox(ends, events, covariates, entries)
    assert [round(one.coefficient, 4) for one in model.ratios] == [0.0272, -0.1463, -0.6372, -0.0103]
    curve = kaplan_meier(ends, events, entries)
    people = list(zip(entries, ends, events, strict=True))
    assert [curve.at(day)[0] for day in (30, 100, 365)] == pytest.approx(
        [naive_survival(people, day) for day in (30, 100, 365)]
    )


@settings(max_examples=60, deadline=None)
@given(PEOPLE)
def test_the_curve_agrees_with_a_naive_estimate_or_is_refused_where_it_would_stay_at_zero(people):
    people = [(entry, entry + stay, event) for entry, stay, event in people]
    entries, durations, events = zip(*people, strict=True)
    ends = [end for _, end, _ in people]
    ends_early = any(naive_survival(people, time) == 0 and time < max(entries) for time in ends)
    if ends_early:
        with pytest.raises(SettingsError, match="others entered later, so the curve would stay at 0"):
            kaplan_meier(durations, events, entries)
        return
    curve = kaplan_meier(durations, events, entries)
    for time in (0, 1, 2.5, 5, 9, 17):
        assert curve.at(time)[0] == pytest.approx(naive_survival(people, time))
    incidence = cumulative_incidence(durations, events, [False] * len(events), entries)
    assert incidence.at(17)[0] == pytest.approx(1 - naive_survival(people, 17))


def test_entry_at_time_zero_is_no_late_entry():
    plain, late = kaplan_meier([0, 5, 9], [True, True, False]), kaplan_meier([0, 5, 9], [True, True, False], [0, 0, 0])
    assert plain == late
    assert [late.at_risk(day) for day in (0, 5, 9)] == [3, 2, 1]


def test_people_who_could_not_have_been_seen_earlier_do_not_make_it_look_better():
    """Half enter at day 50 only because they got that far: counted from day 0 they hide the early events."""
    rng = np.random.default_rng(5)
    times = rng.exponential(60, 4000)
    seen = (np.arange(4000) % 2 == 0) | (times > 50)
    entries = np.where(np.arange(4000) % 2 == 0, 0.0, 50.0)[seen]
    ends = times[seen]
    honest, naive = kaplan_meier(ends, [True] * len(ends), entries), kaplan_meier(ends, [True] * len(ends))
    assert honest.at(60)[0] == pytest.approx(math.exp(-1), abs=0.03)
    assert naive.at(60)[0] > math.exp(-1) + 0.1


def test_log_rank_counts_late_entries():
    """Hand-worked: risk sets (a, b) at 2, 4, 6 are (1, 1), (1, 2) and (0, 2); expected in a: 1/2 + 1/3."""
    test = log_rank([2, 6, 4, 8], [True, True, True, False], ["a", "b", "a", "b"], [0, 0, 3, 3])
    variance = 1 / 4 + 2 / 9
    assert test.chi_square == pytest.approx((2 - 1 / 2 - 1 / 3) ** 2 / variance)
    assert test.degrees_of_freedom == 1


def test_follow_up_with_late_entry_is_the_reverse_estimate_or_none():
    assert reverse_km_median([100, 200, 300], [True, False, False], [0, 0, 150]) == 250.0
    assert reverse_km_median([100, 300], [False, False], [0, 150]) is None


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([1.0], "a day of entry for each duration, got 1 and 2"),
        ([-1.0, 0.0], "entry on day -1"),
        ([5.0, 0.0], "entry on day 5 and end on day 5"),
        ([math.nan, 0.0], "entry on day nan"),
    ],
)
def test_impossible_entries_are_refused(entries, words):
    with pytest.raises(InputError, match=words):
        kaplan_meier([5.0, 9.0], [True, False], entries)
