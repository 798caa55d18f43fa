"""Outcomes, clocks and comparisons of the Cohort page: who counts, from when, and what is not given. About 20 s."""

import numpy as np
import pandas as pd
import pytest

from dashboard.cohort import group_comparison, outcomes, survival_groups
from dashboard.cohort.outcomes import BASELINE, FIRST, LATE, ShownOutcome
from tests.dashboard.app_pages.test_pages import opened, text_of

COVARIATES = pd.DataFrame({"patient_id": list("abcde"), "centre": ["N", "N", "N", "S", "S"], "is_event": [None] * 5})
STORED = pd.DataFrame(
    {
        "patient_id": list("abcd"), "time_zero_on": pd.Timestamp("2020-01-01"), "entry_days": [90.0, 90.0, 0.0, None],
        "duration_days": [400, 90, 700, 800], "is_event": [True, False, True, False],
        "is_competing": [False, False, False, True],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "durations", "entries", "left_out"),
    [
        (FIRST, {"a": 400, "b": 90, "c": 700, "d": 800}, [0, 0, 0, 0], "1 patient without this outcome"),
        (
            LATE, {"a": 400, "c": 700}, [90, 0],
            "1 patient without this outcome, 1 patient without a baseline scan, 1 patient not followed beyond it",
        ),
        (
            BASELINE, {"a": 310, "c": 700}, [0, 0],
            "1 patient without this outcome, 1 patient without a baseline scan, 1 patient not followed beyond it",
        ),
    ],
)  # fmt: skip
def test_the_clock_decides_who_counts_from_when(clock, durations, entries, left_out):
    timed = outcomes.timed(COVARIATES, STORED, ShownOutcome("ttp", clock))
    assert dict(zip(timed.rows["patient_id"], timed.rows["duration_days"], strict=True)) == durations
    assert timed.rows["entry_days"].tolist() == entries
    assert timed.left_out == left_out
    assert timed.rows["is_event"].notna().all(), "what the cohort says of another outcome is gone"


def cohort(count: int = 120, seed: int = 4) -> pd.DataFrame:
    """Two groups of which the second has the event twice as fast; a third of all die of something else first."""
    rng = np.random.default_rng(seed)
    fast = np.arange(count) % 2 == 1
    failing, dying = rng.exponential(np.where(fast, 500, 1000)), rng.exponential(900, count)
    return pd.DataFrame(
        {
            "patient_id": [f"sub-{n}" for n in range(count)], "centre": np.where(fast, "South", "North"),
            "entry_days": 0.0, "duration_days": np.ceil(np.minimum(failing, dying)).clip(max=2000),
            "is_event": (failing <= dying) & (failing < 2000), "is_competing": (dying < failing) & (dying < 2000),
        }
    )  # fmt: skip


def test_competing_events_are_compared_by_gray_and_fine_and_gray():
    curves = survival_groups.estimate(cohort(), "centre", ShownOutcome("local_control"))
    comparison = group_comparison.compare(curves)
    assert comparison.sentence.startswith("Gray's test p = ")
    assert "Fine-Gray subdistribution hazard ratios against North" in comparison.sentence
    ((name, ratio, _),) = comparison.ratios
    assert name == "South"
    low, high = (float(word) for word in ratio.split("(")[1].removesuffix(")").split(" to "))
    assert low < float(ratio.split()[0]) < high
    assert survival_groups.header(curves)[3] == "competing"
    assert all("\u202f% (" in row[-2] for row in survival_groups.summary(curves)), "an interval at two years"
    text = survival_groups.method(curves, 120)
    assert "Aalen-Johansen estimate of incidence of local failure (n = 120 of 120, " in text
    assert "competing events)" in text


def test_survival_is_compared_by_log_rank_and_cox():
    curves = survival_groups.estimate(cohort(), "centre", ShownOutcome("pfs"))
    comparison = group_comparison.compare(curves)
    assert comparison.sentence.startswith("Log-rank p = ")
    assert "Cox hazard ratios against North" in comparison.sentence
    assert len(comparison.ratios) == 1


def test_too_few_events_for_a_ratio_are_said_and_not_counted_out():
    rows = cohort(24).assign(is_event=[n < 9 for n in range(24)], is_competing=False)
    for outcome in (ShownOutcome("local_control"), ShownOutcome("pfs")):
        comparison = group_comparison.compare(survival_groups.estimate(rows, "centre", outcome))
        assert "not given below 10 events for 2 groups." in comparison.sentence
        assert not comparison.ratios


def test_a_group_without_events_has_no_ratio():
    rows = cohort().assign(is_event=lambda t: t["centre"] == "South", is_competing=False)
    comparison = group_comparison.compare(survival_groups.estimate(rows, "centre", ShownOutcome("local_control")))
    assert "not given, since a group has no events" in comparison.sentence


def test_gray_and_fine_and_gray_are_not_given_with_late_entry():
    rows = cohort()
    rows["entry_days"] = np.where(np.arange(len(rows)) % 4 < 2, 0.0, np.minimum(30.0, rows["duration_days"] - 1))
    comparison = group_comparison.compare(survival_groups.estimate(rows, "centre", ShownOutcome("local_control", LATE)))
    assert "Gray's test: not given with left truncation" in comparison.sentence
    assert "Fine-Gray subdistribution hazard ratios: not given with left truncation" in comparison.sentence
    survival = group_comparison.compare(survival_groups.estimate(rows, "centre", ShownOutcome("pfs", LATE)))
    assert survival.sentence.startswith("Log-rank p")
    assert survival.ratios


def test_a_curve_that_would_stay_at_zero_is_refused_in_words():
    rows = cohort(4).assign(
        duration_days=[10.0, 500.0, 600.0, 700.0], entry_days=[0.0, 90.0, 90.0, 90.0], is_event=[True] * 4
    )
    curves = survival_groups.estimate(rows, None, ShownOutcome("ttp", LATE))
    assert not curves.by_name
    assert "everybody under observation on day 10 had the event" in curves.refused["all"]


def test_shared_tables_hide_small_counts_of_events_and_competing_events():
    rows = cohort(40).assign(is_event=[n < 12 for n in range(40)], is_competing=[12 <= n < 15 for n in range(40)])
    fine = survival_groups.estimate(rows, None, ShownOutcome("progression"))
    curves = survival_groups.to_share(fine, survival_groups.table_cells(rows, None, len(rows)))
    assert [row[1:4] for row in survival_groups.summary(curves)] == [("40", "12", "<5")]
    text = survival_groups.method(curves, 40, "1 patient without this outcome")
    assert "fewer than 5 competing events" in text
    assert "Left out" not in text


@pytest.mark.parametrize("endpoint_id", list(outcomes.OUTCOMES))
@pytest.mark.parametrize("clock", list(outcomes.CLOCKS))
def test_the_page_shows_every_outcome_by_every_clock(tiny, endpoint_id, clock):
    at = opened("cohort", outcome=endpoint_id, clock=clock, by="centre")
    assert not at.exception
    text = text_of(at)
    assert outcomes.OUTCOMES[endpoint_id].title in text
    assert ("estimate of" in text) or ("Nobody shown" in text)


def test_weighted_kappa_is_offered(tiny):
    text = text_of(opened("cohort", agreement="true", weights="linear"))
    assert "kappa with linear weights of the steps" in text
    assert "linear kappa (95 % CI)" in text


def test_overall_survival_says_its_own_limits_and_nothing_of_scans():
    text = survival_groups.method(survival_groups.estimate(cohort(), "centre", ShownOutcome("os")), 120)
    assert "Kaplan-Meier estimate of overall survival (n = 120 of 120, " in text
    assert (
        "to death from any cause; censored at the last day known alive, by a contact, scan, treatment or exam" in text
    )
    assert text.endswith("Where no last contact is written, a death after the last scan may be missed.")
    assert "assessment" not in text
    others = survival_groups.method(survival_groups.estimate(cohort(), "centre", ShownOutcome("pfs")), 120)
    assert "censored at the last adequate assessment" in others
    assert others.endswith("groups that are scanned less often look better.")
