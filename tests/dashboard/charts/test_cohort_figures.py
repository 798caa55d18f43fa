"""Figures of a cohort as dicts: what is drawn where, one by one and for more patients than that (about a second)."""

import math

import pandas as pd
import pytest

from dashboard.charts import cohort_figures, crowded_figures, theme
from dashboard.charts import growth_figure as growth_chart
from dashboard.charts import survival_figure as survival_chart
from dashboard.cohort import group_comparison, growth_rates, survival_groups
from pipeline.errors import SettingsError
from tests.dashboard.charts.test_figures import judged, treatments

COHORT = pd.DataFrame(
    {
        "patient_id": ["a", "b", "c", "d"],
        "judged_best_change_percent": [400.0, -70.0, 5.0, None],
        "state": ["progression", "response", "residual_stable", "not_evaluable"],
        "display_state": ["growth", "shrinkage", "no_change", "not_evaluable"],
        "time_zero_on": pd.to_datetime(["2020-01-01", "2020-01-01", "2021-01-01", None]),
        "last_scan_on": pd.to_datetime(["2022-01-01", "2021-01-01", "2023-01-01", "2023-01-01"]),
        "is_event": [True, False, False, None],
        "duration_days": [731.0, 366.0, 730.0, None],
        "who_grade": ["2", "2", "3", "3"],
    }
)


def test_the_waterfall_is_sorted_and_says_where_a_bar_is_cut():
    fig = cohort_figures.waterfall(COHORT, {"progression": 40.0, "response": -65.0}).to_dict()
    bars = [trace for trace in fig["data"] if trace["type"] == "bar"]
    assert [bar["x"][0] for bar in bars] == ["a", "c", "b"]
    assert [bar["y"][0] for bar in bars] == [cohort_figures.CAP_PERCENT, 5.0, -70.0]
    assert bars[0]["text"] == "▲ +400\u202f% (cut)"
    assert {shape["y0"] for shape in fig["layout"]["shapes"]} == {40.0, -65.0}


@pytest.mark.parametrize(("count", "is_upright", "is_named"), [(3, False, True), (20, True, True), (60, True, False)])
def test_names_and_numbers_of_the_waterfall_have_room_or_wait_under_the_pointer(count, is_upright, is_named):
    rows = pd.DataFrame({
        "patient_id": [f"sub-P{n:05d}" for n in range(count)],
        "judged_best_change_percent": [-100.0, *[30.0] * (count - 1)],
        "state": "stable", "display_state": "no_change",
    })  # fmt: skip
    fig = cohort_figures.waterfall(rows, {}).to_dict()
    bars = [trace for trace in fig["data"] if trace["type"] == "bar"]
    assert {bar["constraintext"] for bar in bars} == {"none"}, "numbers never shrink with their bars"
    assert {bar["textangle"] for bar in bars} == {-90 if is_upright else 0}
    assert {bar["textposition"] for bar in bars} == {"outside" if is_named else "none"}
    axis, layout = fig["layout"]["xaxis"], fig["layout"]
    assert (axis["showticklabels"], axis["dtick"]) == (is_named, 1), "every second name is not enough"
    assert all("sub-P" in bar["hovertext"] for bar in bars)
    if is_upright and is_named:
        low, high = layout["yaxis"]["range"]
        drawn_px = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]
        assert (-100 - low) / (high - low) * drawn_px > 50, "eight characters of 11 pixels below the longest bar"


def test_a_symbol_of_a_state_is_never_turned_with_the_number_beside_it():
    rows = pd.DataFrame({
        "patient_id": [f"sub-P{n:05d}" for n in range(20)], "judged_best_change_percent": [30.0] * 10 + [-30.0] * 10,
        "state": "stable", "display_state": ["growth"] * 10 + ["shrinkage"] * 10,
    })  # fmt: skip
    traces = cohort_figures.waterfall(rows, {}).to_dict()["data"]
    turned = [trace for trace in traces if trace.get("textangle")]
    assert len(turned) == 20
    assert not any(symbol in bar["text"] for bar in turned for symbol in "▲▼"), "turned it would point aside"
    (marks,) = [trace for trace in traces if trace["type"] == "scatter"]
    assert list(marks["marker"]["symbol"]) == ["triangle-up"] * 10 + ["triangle-down"] * 10
    assert all((y < 0) == (n < 10) for n, y in enumerate(marks["y"])), "beside zero, where no number stands"
    assert list(marks["customdata"]) == list(rows["patient_id"]), "a click on it leads to its patient"


def test_buttons_of_a_figure_stand_above_what_is_drawn():
    assert theme.Sheet(200, {"l": 0, "r": 0, "t": 10, "b": 0}).done().layout.margin.t == theme.BUTTONS_PX
    assert theme.Sheet(200, {"l": 0, "r": 0, "t": 10, "b": 0}).done().layout.height == 190 + theme.BUTTONS_PX


def test_words_at_the_margins_of_growth_have_the_room_they_need():
    notes = ("120 patients, 1200 scans", "doubles in 190 months")
    fig = growth_chart.growth([growth_chart.GrowthRow("pilocytic astrocytoma", 2, -1, 5, notes)])
    assert fig.layout.margin.r >= len(notes[0]) * theme.CHARACTER_PX
    assert fig.layout.margin.l >= len("pilocytic astrocytoma") * theme.CHARACTER_PX


def test_the_spider_shows_none_seen_at_the_lower_edge():
    courses = pd.DataFrame(
        {"patient_id": ["b"] * 3, "days_from_baseline": [0, 365, 730], "baseline_ratio": [1.0, 0.3, 0.0]}
    )
    fig = cohort_figures.spider(courses, COHORT, {"progression": 1.4})
    assert fig.layout.yaxis.ticktext[0] == "none seen"
    (line,) = fig.data
    assert math.log10(line.y[2]) == pytest.approx(fig.layout.yaxis.range[0])


def test_the_swimmer_marks_who_goes_on_and_leaves_out_who_has_no_time_zero():
    fig = cohort_figures.swimmer(COHORT, judged().assign(patient_id=""), treatments().assign(patient_id="")).to_dict()
    bars, arrows = fig["data"][0], fig["data"][-1]
    assert list(bars["y"]) == ["b", "c", "a"]
    assert list(arrows["y"]) == ["b", "c"]


def test_kaplan_meier_names_its_interval_and_aligns_the_numbers_at_risk():
    curves = survival_groups.estimate(COHORT, None)
    intervals = pd.DataFrame(
        {"patient_id": ["a", "b", "c"], "after_days": [366.0, 366.0, 730.0], "until_days": [731.0, None, None]}
    )
    fig = survival_groups.figure(curves, intervals).to_dict()
    numbers = [trace for trace in fig["data"] if trace["mode"] == "text"]
    assert numbers[0]["x"] == list(fig["layout"]["xaxis"]["tickvals"])
    assert numbers[0]["text"][0] == "3"
    assert numbers[0]["yaxis"] == "y2"
    assert "95\u202f% CI, log-log" in [note["text"] for note in fig["layout"]["annotations"]]
    assert "n = 3 of 4, 1 event" in survival_groups.method(curves, 4)
    assert "log-log" in survival_groups.method(curves, 4)


def test_a_single_curve_lies_within_the_limits_that_the_scans_allow():
    curves = survival_groups.estimate(COHORT, None)
    intervals = pd.DataFrame(
        {"patient_id": ["a", "b", "c"], "after_days": [366.0, 366.0, 730.0], "until_days": [731.0, None, None]}
    )
    dashed = [trace for trace in survival_groups.figure(curves, intervals).data if trace.line.dash == "dash"]
    low, high = (list(trace.y) for trace in dashed)
    assert all(below <= above for below, above in zip(low, high, strict=True))
    assert high[0] == low[0] == 1.0
    assert "Turnbull" in survival_groups.method(curves, 4)
    assert "Turnbull" not in survival_groups.method(survival_groups.estimate(COHORT, "who_grade"), 4)


def test_growth_is_drawn_by_histology_with_its_interval_and_few_patients_are_refused():
    rows = pd.DataFrame(
        [
            {
                "patient_id": f"p{patient}",
                "histology": "ependymoma",
                "epoch": 1,
                "acquired_on": pd.Timestamp(2020 + year, 1, 1),
                "volume_mm3": 1000.0 * (1.1 + 0.02 * patient) ** year * (1 + 0.01 * ((patient + year) % 3)),
                "volume_cv": 0.1,
            }
            for patient in range(6)
            for year in range(4)
        ]
    )
    found = growth_rates.estimate(rows)
    (row,) = growth_rates.rows_of(found)
    assert row.low_percent < row.rate_percent < row.high_percent
    assert row.rate_percent == pytest.approx(15, abs=3), "rates of 10 to 20 % a year were put in"
    assert row.notes[0] == "6 patients, 24 scans"
    assert row.notes[1].startswith("doubles in ")
    (mark,) = growth_chart.growth([row]).data
    assert mark.error_x.array[0] == pytest.approx(row.high_percent - row.rate_percent)
    with pytest.raises(SettingsError, match="expected 5 patients or more"):
        growth_rates.estimate(rows[rows["patient_id"] == "p1"])


def test_curves_by_group_count_everybody_once():
    curves = survival_groups.estimate(COHORT, "who_grade")
    assert {name: curve.patient_count for name, curve in curves.by_name.items()} == {"2": 2, "3": 1}
    assert "Log-rank p" in group_comparison.compare(curves).sentence


def test_survival_of_everybody_has_no_interval_and_nothing_is_said_beyond_the_follow_up():
    (row,) = survival_groups.summary(survival_groups.estimate(COHORT.iloc[1:3], None))
    assert row == ("all", "2", "0", "not reached", "100\u202f%", "not followed so long", "not followed so long")


def test_a_median_of_few_events_is_not_given_and_its_upper_end_may_not_be_reached():
    """One half of six is left from day 900 to day 1,200: the median is day 1,050, as in R."""
    durations = [300.0, 600.0, 900.0, 1200.0, 1400.0, 1460.0]
    events = [True, True, True, True, False, True]
    many = pd.DataFrame({"patient_id": list("abcdef"), "duration_days": durations, "is_event": events})
    few = many.assign(is_event=[False] * 4 + [True, True])
    assert survival_groups.summary(survival_groups.estimate(many, None))[0][3] == "34 months (10 to not reached)"
    assert survival_groups.summary(survival_groups.estimate(few, None))[0][3] == "not given below 5 events"


def test_nobody_with_an_outcome_gives_no_curve():
    assert survival_groups.estimate(COHORT.iloc[3:], None).by_name == {}


def test_month_ticks_are_few_and_reach_the_end():
    for longest in (0.5, 5, 11, 30, 100, 700):
        ticks = survival_chart.month_ticks(longest)
        assert 2 <= len(ticks) <= 9
        assert ticks[-1] >= longest


def test_many_courses_are_drawn_as_median_and_bands_of_the_last_scan_in_each_stretch():
    rows = pd.DataFrame(
        [
            (f"sub-{n:03d}", day, ratio)
            for n in range(101)
            for day, ratio in ((0, 1.0), (170, 9.0), (190, 0.5 + n / 100))
        ],
        columns=["patient_id", "days_from_baseline", "baseline_ratio"],
    )
    fig = crowded_figures.quantiles(crowded_figures.stretches(rows), {"progression": 1.4})
    median = fig.data[-1]
    assert list(median.x) == [0.0, 6.0]
    assert list(median.y) == pytest.approx([1.0, 1.0]), "the scan at 170 days is not the last of its stretch"
    tenths = fig.data[0]
    assert [tenths.y[1], tenths.y[2]] == pytest.approx([1.4, 0.6])


def test_stretches_with_few_patients_are_left_out():
    rows = pd.DataFrame({"patient_id": ["a", "b"], "days_from_baseline": [0, 0], "baseline_ratio": [1.0, 1.0]})
    assert len(crowded_figures.quantiles(crowded_figures.stretches(rows), {}).data[-1].x) == 0


def test_many_best_changes_are_ranked_and_cut_at_the_cap():
    fig = crowded_figures.ranked(pd.Series([400.0, *range(-100, 100)]), {"progression": 40.0})
    assert fig.data[0].y[0] == cohort_figures.CAP_PERCENT
    assert list(fig.data[0].y) == sorted(fig.data[0].y, reverse=True)
    assert fig.data[0].x[-1] == 100


def curve_of(name, *shares):
    steps = pd.DataFrame({"months": range(0, 12 * len(shares), 12), "share": shares, "low": shares, "high": shares})
    nobody = pd.DataFrame({"months": [], "share": [], "patients": []})
    return survival_chart.Group(name, steps, nobody, nobody, ["4", "2", "0"])


def test_groups_are_told_apart_without_their_colours():
    groups = [curve_of("gross total", 1.0, 0.5, 0.0), curve_of("subtotal and radiotherapy", 1.0, 0.2, 0.0)]
    figure = survival_chart.survival(groups, [0, 12, 24], "95 % CI", None)
    dashes = [line.line.dash for line in figure.data if line.name in {group.name for group in groups}]
    assert len(set(dashes)) == len(groups)
    notes = [note for note in figure.layout.annotations if note.showarrow]
    assert [note.text for note in notes] == ["gross total", "subtotal and<br>radiotherapy"]
    assert [(note.x, note.y) for note in notes] == [(24, 0.0), (24, 0.0)], "each leads to the end of its curve"
    assert abs(notes[0].ay - notes[1].ay) >= 2 * survival_chart.LINE_SHARE, (
        "names of curves that end together are apart"
    )
    alone = survival_chart.survival(groups[:1], [0, 12, 24], "95 % CI", None)
    assert not [note for note in alone.layout.annotations if note.showarrow]
    assert alone.data[2].line.dash == "solid"


def test_groups_of_operations_are_named_in_words_as_everywhere_else():
    patients = pd.DataFrame({
        "patient_id": ["a", "b", "c"], "duration_days": [100.0, 200.0, 300.0], "is_event": [True, False, True],
        "first_surgery_extent": ["PR", "PR", None],
    })  # fmt: skip
    curves = survival_groups.estimate(patients, "first_surgery_extent")
    assert list(curves.by_name) == ["partial"], "PR could be read as partial response; who has none is left out"
    assert len(curves.rows) == 2
