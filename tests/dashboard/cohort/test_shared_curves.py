"""An attack on what is offered for sharing: from curve, table and axis nobody can be picked out."""

import numpy as np
import pandas as pd
import pytest

from dashboard.cohort import first_findings, group_comparison, survival_groups, table_one
from dashboard.cohort.outcomes import ShownOutcome
from dashboard.cohort.shared_curves import counts, rounded
from pipeline.cohort import disclosure
from pipeline.cohort.survival import DAYS_PER_YEAR

DAYS_PER_MONTH = 30.4375


def to_share(rows, by, total=None, outcome=None, missing=0):
    """Curves of all rows but the first few, which have no outcome; the table beside them is of all."""
    curves = survival_groups.estimate(rows[missing:], by, outcome)
    return survival_groups.to_share(curves, survival_groups.table_cells(rows, by, total or len(rows)))


def patients(count, seed):
    chance = np.random.default_rng(seed)
    return pd.DataFrame({
        "patient_id": [f"sub-{n}" for n in range(count)],
        "duration_days": np.round(chance.exponential(1100, count)) + 20,
        "is_event": chance.random(count) < 0.6,
        "is_competing": False,
        "centre": chance.choice(["north", "south"], count),
    })  # fmt: skip


@pytest.mark.parametrize("outcome", [ShownOutcome("ttp"), ShownOutcome("progression")], ids=str)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by", [None, "centre"])
def test_no_step_end_or_axis_of_a_shared_curve_is_that_of_fewer_than_five(seed, by, outcome):
    rows = patients(12 + 8 * seed, seed)
    fine = survival_groups.estimate(rows, by, outcome)
    shared = to_share(rows, by, outcome=outcome)
    for name, curve in shared.by_name.items():
        group = fine.rows[fine.rows["group"].astype(str) == name]
        events = np.sort(group.loc[group["is_event"], "duration_days"])
        shares = curve.incidence if outcome.wording.is_competing else curve.survival
        turns = [day for day, a, b in zip(curve.times_days[1:], shares, shares[1:], strict=False) if a != b]
        for since, day in zip([-1.0, *turns], turns, strict=False):
            assert np.count_nonzero((events > since) & (events <= day)) >= 5, "a step stands for five or more"
            assert (day / DAYS_PER_MONTH) % 1 == pytest.approx(0, abs=1e-9), "and tells no day"
        assert np.count_nonzero(group["duration_days"] >= curve.times_days[-1]) >= 5 or len(curve.times_days) == 1
        assert set(curve.times_days).isdisjoint(group["duration_days"])
        assert not getattr(curve, "censored_days", ())
    if shared.by_name:
        drawn = survival_groups.figure(shared, None)
        assert all(float(month).is_integer() for month in drawn.layout.xaxis.tickvals)
        at_risk = [trace.text for trace in drawn.data if trace.text][-1]
        assert all(text == "<5" or int(text) % 5 == 0 for text in at_risk)


def test_a_share_is_given_only_where_no_event_waits_for_its_step():
    rows = patients(40, 1).assign(is_event=False, duration_days=2000.0)
    rows.loc[:6, ["is_event", "duration_days"]] = [True, 200.0]
    rows.loc[7, ["is_event", "duration_days"]] = [True, 500.0]
    (line,) = survival_groups.summary(to_share(rows, None))
    assert line[4].startswith("82"), "seven of forty within the first year"
    assert line[3] == "not shown", "nobody can say that it was not reached"
    assert line[5:] == ("not shown", "not shown"), "one more in the second year would be told by its share"
    exact = survival_groups.summary(survival_groups.estimate(rows, None))[0]
    assert exact[5].startswith("80")
    assert DAYS_PER_YEAR * 2 < 2000


def test_counts_out_of_a_total_do_not_tell_of_a_few_by_what_is_left():
    assert counts(20, 18) == ("not shown",)
    assert counts(20, 12) == ("12",)
    assert counts(40, 12, 3) == ("12", "<5")
    assert [rounded(n) for n in (0, 1, 4, 5, 9, 23)] == ["0", "<5", "<5", "5", "5", "20"]


def test_quartiles_of_few_patients_would_be_their_own_numbers():
    few = pd.DataFrame({"age_years": [31.0, 42, 53, 64, 75, 33, 47]})
    assert table_one._median(few["age_years"], is_shared=True) == "not shown"
    assert table_one._median(few["age_years"], is_shared=False).startswith("47")


@pytest.mark.parametrize("untold", [0, 1, 4, 5])
@pytest.mark.parametrize("small", [0, 2, 4, 7])
@pytest.mark.parametrize("outcome_missing", [0, 1, 3, 6])
def test_table_and_curves_by_a_finding_together_give_no_few_away(untold, small, outcome_missing):
    rows = patients(46, 3)
    groups = ["present"] * (46 - untold - small) + ["absent"] * small + ["not told"] * untold
    rows["mri_syrinx"] = groups
    told, _ = first_findings.for_curves(rows, "mri_syrinx")
    curves = to_share(told, "mri_syrinx", len(rows), missing=outcome_missing)
    sizes = [int(line[1]) for line in survival_groups.summary(curves)]
    assert not sizes or not disclosure.is_small(len(rows) - sum(sizes)), "the rest of the table"
    assert not set(sizes) & {1, 2, 3, 4}
    order = [group for group in ("present", "absent", "not told") if group in groups]
    cells = dict(zip(order, table_one._finding_cells(rows["mri_syrinx"], order, is_shared=True), strict=False))
    for name, size in zip(curves.by_name, sizes, strict=True):
        cell = cells[name.removeprefix("syrinx ")]
        assert cell[0].isdigit(), f"the table hides {name}: {cell}"
        assert not disclosure.is_small(int(cell.split()[0]) - size), "who of it has no outcome"
    text = survival_groups.method(curves, len(rows), f"{untold} patients of whom syrinx was not told")
    assert "not told" not in text
    assert f"of {len(rows)}" not in text


@pytest.mark.parametrize(("missing", "n", "told"), [(0, 140, "140"), (2, 140, "not shown"), (6, 140, "134")])
def test_the_curve_of_all_does_not_tell_of_the_few_without_the_outcome(missing, n, told):
    rows = patients(n, 4)
    curves = to_share(rows, None, missing=missing)
    assert survival_groups.summary(curves)[0][1] == told
    text = survival_groups.method(curves, n, f"{missing} patients without this outcome")
    assert ("n not shown" in text) is (told == "not shown")
    assert (" events)" in text) is (told != "not shown"), "events and their percent would tell n"
    assert "without this outcome" not in text
    (curve,) = curves.by_name.values()
    assert all(share == round(share, 2) for share in curve.survival), "a fraction would tell of how many it is"


def test_two_groups_beside_each_other_each_keep_their_own_few():
    rows = pd.concat([patients(130, 5).assign(compared="1: a_b"), patients(130, 6).assign(compared="2: b")])
    curves = to_share(rows, "compared", missing=3)
    assert [line[1:3] for line in survival_groups.summary(curves)] == [("130", "75"), ("not shown", "not shown")]
    assert "events" not in survival_groups.method(curves, 260).split("95")[0]
    for few in (14, 90):
        assert not to_share(patients(few, 5), None, missing=3).by_name, "fractions of few tell"


def test_where_the_number_is_not_shown_competing_events_are_not_either():
    rows = patients(140, 7)
    rows["is_competing"] = ~rows["is_event"]
    curves = to_share(rows, None, outcome=ShownOutcome("progression"), missing=2)
    assert [line[1:4] for line in survival_groups.summary(curves)] == [("not shown",) * 3]
    assert "(n not shown), from" in survival_groups.method(curves, 140)


def test_the_events_of_all_do_not_tell_of_the_few_on_one_curve():
    rows = patients(60, 8).assign(centre=["north"] * 30 + ["south"] * 30, is_event=[True] * 12 + [False] * 48)
    rows.loc[30:32, "is_event"] = True
    curves = to_share(rows, "centre")
    assert [line[2] for line in survival_groups.summary(curves)] == ["12", "<5"]
    assert "(n = 60), from" in survival_groups.method(curves, 60), "15 less 12 would be 3"


def test_a_curve_that_the_table_does_not_name_is_not_let_through():
    rows = patients(60, 9)
    with pytest.raises(KeyError):
        survival_groups.to_share(survival_groups.estimate(rows, "centre"), survival_groups.table_cells(rows, None, 60))
    odd = rows.assign(centre="north_east")
    assert list(to_share(odd, "centre").by_name) == ["north east"], "under the words of both"


def test_of_equal_cells_each_may_be_the_one_that_the_table_hides():
    rows = patients(41, 2).assign(centre=["a"] * 9 + ["b"] * 9 + ["c"] * 3 + ["d"] * 20)
    assert list(to_share(rows, "centre").by_name) == ["d"]


@pytest.mark.parametrize("outcome", [ShownOutcome("ttp"), ShownOutcome("local_control")], ids=str)
def test_p_and_hazard_ratio_do_not_tell_the_day_of_the_one_whom_an_attacker_does_not_know(outcome):
    rows = patients(60, 3).assign(centre=["north"] * 33 + ["south"] * 27)
    who = rows.index[rows["is_event"]][0]

    def answers(day, share):
        changed = rows.assign(duration_days=rows["duration_days"].where(rows.index != who, day))
        return group_comparison.compare(share(changed))

    days = [185.0, 200.0, 230.0, 260.0, 273.0]  # of one quarter
    shared = [answers(day, lambda all_rows: to_share(all_rows, "centre", outcome=outcome)) for day in days]
    assert shared[0].ratios
    assert "rounded up to whole quarters" in shared[0].sentence
    assert len(set(shared)) == 1, "whatever the day was"
    fine = [answers(day, lambda all_rows: survival_groups.estimate(all_rows, "centre", outcome)) for day in days]
    assert len(set(fine)) > 1, "from exact days the numbers differ"


@pytest.mark.parametrize("entry_days", [40.0, 200.0])
def test_left_truncation_is_that_of_the_exact_days_and_only_numbers_are_said_to_be_rounded(entry_days):
    rows = patients(60, 3).assign(centre=["north"] * 33 + ["south"] * 27, entry_days=entry_days)
    rows = rows.assign(duration_days=rows["duration_days"] + 300)
    competing = to_share(rows, "centre", outcome=ShownOutcome("progression"))
    told = group_comparison.compare(competing)
    assert "Gray's test: not given with left truncation" in told.sentence
    assert "ratios: not given with left truncation" in told.sentence
    assert ("For sharing" in told.sentence, told.ratios) == (False, ())
    told = group_comparison.compare(to_share(rows, "centre"))
    assert told.ratios
    assert told.sentence.endswith("from days rounded up to whole quarters of a year, those of an entry down.")
    at_zero = group_comparison.compare(to_share(rows.assign(entry_days=0.0), "centre"))
    assert at_zero.sentence.endswith("from days rounded up to whole quarters of a year.")
