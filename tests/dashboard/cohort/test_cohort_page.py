"""The cohort page: who passes the filters, two groups, the first table, agreement, files (about 10 s)."""

import io
import re

import pandas as pd
import pytest

from dashboard.cohort import courses, criteria_agreement, patients_table, survival_groups, table_one
from dashboard.data import queries
from pipeline.cohort import disclosure
from tests.dashboard.app_pages.test_pages import opened, text_of, words_of

NO_INTERVALS = {"patient_id": [], "after_days": [], "until_days": []}


def patients(**columns):
    plain = {
        "age_years": 40.0, "sex": "F", "histology": "ependymoma", "who_grade": "2", "first_surgery_extent": "STR",
        "syndrome": None, "centre": "North", "had_radiotherapy": False, "baseline_volume_mm3": 1000.0,
        "patient_id": "sub-01", "usable_visit_count": 4, "duration_days": 365.25, "is_event": False,
    }  # fmt: skip
    return pd.DataFrame({name: columns.get(name, [value] * 4) for name, value in plain.items()})


def cell(made, row, column):
    return made.set_index("characteristic").loc[row, column].replace("\u202f", " ")


def test_the_first_table_counts_and_takes_medians_as_by_hand():
    rows = patients(
        age_years=[10.0, 20.0, 30.0, None], who_grade=["1", "2", "2", None], syndrome=["NF2", None, None, None],
        baseline_volume_mm3=[0.0, 500.0, 1000.0, 1500.0], had_radiotherapy=[True, False, False, False],
    )  # fmt: skip
    made = table_one.table_one({"all": rows, "other": patients()})
    assert cell(made, "patients", "all") == "4"
    assert cell(made, "age, years", "all") == "20 (15 to 25)"
    assert cell(made, "WHO grade: 2", "all") == "2 (67 %)", "percent of those whose grade is known"
    assert cell(made, "WHO grade: not known", "all") == "1"
    assert cell(made, "Syndrome: NF2", "all") == "1 (25 %)", "no syndrome is an answer too"
    assert cell(made, "radiotherapy", "all") == "1 (25 %)"
    assert cell(made, "tumour at baseline, mL", "all") == "0.75 (0.38 to 1.1)"
    assert cell(made, "follow-up, months", "other") == "12"
    assert cell(made, "WHO grade: 1", "other") == "0 (0 %)"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"histology": "ependymoma", "radiotherapy": "yes"}, "Ependymoma, radiotherapy: n = 1 of 7"),
        ({"radiotherapy": "no"}, "No radiotherapy: n = 5 of 7"),
        ({"age": "30-50"}, "30 to 50 years: n = 3 of 7"),
        ({"years": "2022-2023"}, "First scan 2022 to 2023: n = 3 of 7"),
        ({"age": "nonsense", "histology": "<b>"}, "All patients: n = 7"),
    ],
)
def test_filters_come_from_the_address_and_are_said_with_n(tiny, address, words):
    assert words in text_of(opened("cohort", **address))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"radiotherapy": "no"}, "No radiotherapy: n = 5"),
        ({"radiotherapy": "yes"}, "Radiotherapy: n = fewer than 5"),
        ({}, "All patients: n = 7"),
    ],
)
def test_for_sharing_no_sentence_tells_how_few_are_chosen_or_left(tiny, address, words):
    said = text_of(opened("cohort", share="true", **address))
    assert f"{words}<" in said
    assert "of 7" not in said


@pytest.mark.parametrize("panel", [{}, {"choose": "true"}])
def test_for_sharing_a_group_within_another_is_not_shown_beside_it(tiny, panel):
    at = opened("cohort", share="true", b_radiotherapy="yes", **panel)
    text = text_of(at)
    assert "some patients are in both" in text
    assert "n = " not in text, "seven less two are five, but each cell less a cell can be fewer"
    assert "Who they are" not in text


def test_for_sharing_two_groups_are_not_counted_out_of_all(tiny, monkeypatch):
    monkeypatch.setattr(disclosure, "FEWEST", 2)  # of seven, so that two are enough to be counted
    assert "No radiotherapy: n = 5 of 7<" in text_of(opened("cohort", share="true", radiotherapy="no"))
    text = text_of(opened("cohort", share="true", radiotherapy="no", b_radiotherapy="yes"))
    assert "No radiotherapy: n = 5; compared with Radiotherapy: n = 2<" in text


def test_for_sharing_no_range_tells_who_is_oldest_or_the_first_year(tiny):
    at = opened("cohort", choose="true", age="30-61")
    assert (at.slider(key="age").min, at.slider(key="age").max) == (8, 61)
    at.toggle(key="share").set_value(True).run()
    assert not at.exception
    assert (at.slider(key="age").min, at.slider(key="age").max) == (0, 70)
    assert at.slider(key="age").value == (30, 70), "61 would be the age of the oldest"
    assert {at.slider(key="years").min % 10, at.slider(key="years").max % 10} == {0}
    assert "30 to 70 years" in text_of(at)
    assert "30 to 70 years" in text_of(opened("cohort", share="true", age="30-61"))
    assert "All patients" in text_of(opened("cohort", share="true", age="8-61"))
    at.toggle(key="share").set_value(False).run()
    assert at.slider(key="age").value == (30, 61)


def test_enter_on_an_open_filter_takes_one_word_and_all_that_are_taken_are_seen(tiny):
    filters = [box.proto for box in opened("cohort", choose="true").multiselect]
    assert len(filters) > 3
    assert not any(box.select_all for box in filters), "all words of a filter choose nobody"
    assert all(box.wrap for box in filters)


def test_words_of_the_survival_table_are_broken_off_nowhere(tiny):
    tables = [each.body for each in opened("cohort").get("html") if "not given below 5 events" in each.body]
    assert len(tables) == 1
    assert '<span style="overflow-wrap:normal">not given below 5 events' in tables[0]


def test_back_undoes_a_choice_and_a_fresh_choice_stays(tiny):
    at = opened("cohort", histology="ependymoma", by="sex", age="30-61", choose="true")
    at.multiselect(key="histology").set_value(["astrocytoma"]).run()
    assert "astrocytoma" in at.query_params["histology"], "what was chosen now is kept in the address"
    assert "Astrocytoma, 30 to 61 years: n = 1 of 7" in text_of(at)
    at.query_params["histology"] = "ependymoma"  # as Back does
    at.query_params.pop("by")
    at.query_params.pop("age")
    at.run()
    assert not at.exception
    assert "Ependymoma: n = 3 of 7" in text_of(at)
    assert "by" not in at.query_params
    assert at.slider(key="age").value == (8, 61), "a slider follows Back"


@pytest.mark.parametrize("panel", [{}, {"choose": "true"}])
def test_filters_hold_whether_they_stand_beside_the_figures_or_not(tiny, panel):
    text = text_of(opened("cohort", histology="ependymoma", age="30-50", b_centre="South", **panel))
    assert "Ependymoma, 30 to 50 years: n = 2 of 7; compared with South: n = 3 of 7" in text


def test_every_figure_of_two_groups_says_whom_it_shows(tiny):
    titles = re.findall(
        '<h2 class="ct-section[^"]*">(.*?) <span', text_of(opened("cohort", centre="North", b_centre="South"))
    )
    for title in ("Best change", "Course from baseline", "Growth by histology", "Follow-up", "Cysts"):
        assert {f"{title}, 1: North", f"{title}, 2: South"} <= set(titles), title
        assert title not in titles


def test_the_table_of_two_groups_says_who_is_in_which(tiny):
    at = opened("cohort", histology="ependymoma", b_centre="South")
    at.session_state["table"] = True
    at.run()
    readable = at.dataframe[0].value
    assert set(readable["group"]) == {"1", "2", "1 and 2"}
    assert not readable["patient"].duplicated().any()


def test_two_groups_are_named_counted_and_compared(tiny):
    text = text_of(opened("cohort", histology="ependymoma", b_centre="South"))
    assert "Ependymoma: n = 3 of 7; compared with South: n = 3 of 7" in text
    assert "1 patient is in both groups" in text
    assert "1: ependymoma" in text
    assert "2: South" in text
    assert "Log-rank p" in text


def test_agreement_is_computed_when_asked_for(tiny):
    assert "Cohen" not in text_of(opened("cohort"))
    text = text_of(opened("cohort", agreement="true"))
    assert "imsct_adapted_v1 and rano2_vol" in text
    assert "over 3 visits of 1 patient" in text


def test_criteria_that_always_agree_say_so():
    rows = [(f"sub-{n}", "ses-02", rule, "PD" if n % 2 else "SD") for n in range(6) for rule in ("a", "b")]
    found = criteria_agreement.compare(
        pd.DataFrame(rows, columns=["patient_id", "session_id", "criteria_id", "category"])
    )
    assert criteria_agreement.table(found).loc[0, "kappa (95 % CI)"].startswith("1.00")
    assert criteria_agreement.table(found, "c").empty


def test_figure_data_is_read_back_from_parquet_and_csv():
    rows = pd.DataFrame({"patient_id": ["sub-01", "=1+1"], "best_change_percent": [12.5, None]})
    back = pd.read_parquet(io.BytesIO(queries.file_of(rows, "parquet")))
    assert back["best_change_percent"].tolist()[0] == 12.5
    assert back["best_change_percent"].isna().tolist() == [False, True]
    assert "\n=1" not in queries.file_of(rows, "csv").decode()


def many(count, **columns):
    return pd.concat([patients(**columns)] * ((count + 3) // 4)).head(count).reset_index(drop=True)


def test_a_table_to_share_hides_small_counts_and_what_would_give_them_away():
    rows = many(20, is_event=[True, False, False, False]).assign(
        histology=["ependymoma"] * 17 + ["astrocytoma"] * 3, who_grade=["1"] * 8 + ["2"] * 9 + ["3"] * 3,
        had_radiotherapy=[True] * 17 + [False] * 3,
    )  # fmt: skip
    made = table_one.table_one({"all": rows, "tiny": patients()}, is_shared=True)
    assert "tiny" not in made.columns, "a group of four is left out whole"
    assert cell(made, "Histology: astrocytoma", "all") == "fewer than 5"
    assert cell(made, "Histology: ependymoma", "all") == "not shown", "20 less 17 would be 3"
    assert cell(made, "WHO grade: 3", "all") == "fewer than 5"
    assert cell(made, "WHO grade: 1", "all") == "not shown", "the smallest other one"
    assert cell(made, "WHO grade: 2", "all") == "9 (45 %)"
    assert cell(made, "radiotherapy", "all") == "not shown", "3 without"
    assert cell(made, "patients", "all") == "20"


def test_curves_to_share_leave_out_small_groups_and_hide_few_at_risk():
    rows = many(12, duration_days=[100.0, 400.0, 800.0, 1200.0], is_event=[True, False, False, False])
    rows["centre"] = ["North"] * 9 + ["South"] * 3
    rows = pd.concat([rows, rows[:9].assign(centre="East"), rows[:9].assign(centre="East")])
    beside = survival_groups.table_cells(rows, "centre", len(rows))
    curves = survival_groups.to_share(survival_groups.estimate(rows, "centre"), beside)
    assert list(curves.by_name) == ["East"], "with North the three of South could be had from the number of all"
    assert [row[:3] for row in survival_groups.summary(curves)] == [("East", "18", "6")]
    assert "n = 18, 6 events" in survival_groups.method(curves, len(rows))
    numbers = [trace.text for trace in survival_groups.figure(curves, pd.DataFrame(NO_INTERVALS)).data if trace.text]
    assert "<5" in numbers[-1]
    assert not {"1", "2", "3", "4"} & set(numbers[-1])


def test_a_page_for_sharing_offers_nothing_about_one_person(tiny):
    at = opened("cohort", share="true")
    assert not at.exception
    text = text_of(at)
    assert "Counts below 5 are hidden" in text
    assert "All patients: n = 7" in text
    assert "sub-0" not in text
    assert [button.proto.label for button in at.get("download_button")] == ["CSV", "Parquet"], "the table alone"


def test_the_table_of_all_patients_is_sent_when_somebody_opens_it(tiny):
    at = opened("cohort")
    assert not at.dataframe
    at.session_state["table"] = True
    at.run()
    assert len(at.dataframe[0].value) == 7


def test_the_table_of_the_patients_has_words_days_and_nothing_where_unknown():
    rows = pd.DataFrame({
        "patient_id": ["a", "b"], "first_scan_on": pd.to_datetime(["2019-06-11", None]), "syndrome": [None, "NF2"],
        "best_change_percent": [-18.4, float("nan")], "baseline_volume_mm3": [549.8, 1000.0], "criteria_id": "x",
        "first_surgery_extent": ["PR", None], "state": ["recurrence", "stable"],
        "display_state": ["growth", "no_change"], "shown_state": ["growth", "too_uncertain"],
    })  # fmt: skip
    table = patients_table.patients_table(rows)
    assert list(table["first scan"]) == ["2019-06-11", ""]
    assert list(table["syndrome"]) == ["", "NF2"]
    assert list(table["best change, %"]) == ["−18", ""]
    assert list(table["tumour at baseline, mL"]) == [0.55, 1.0]
    assert list(table["extent"]) == ["partial", ""], "PR could be read as partial response"
    assert list(table["state by volume"]) == ["recurrence", "too uncertain to tell"]
    assert not any("_" in str(name) for name in table)


def test_an_operation_to_filter_by_is_no_code(tiny):
    at = opened("cohort", first_surgery_extent="STR")
    assert "subtotal" in text_of(at)
    assert not re.search(r"\bSTR\b", words_of(at))


def test_courses_are_those_of_the_patients_that_are_shown(tiny):
    chosen = courses.courses("imsct_adapted_v1", "tumour", pd.Series(["sub-01", "sub-99"]))
    assert chosen.patient_count == 1, "nobody is called sub-99"
    assert chosen.scans()["days_from_baseline"].tolist() == [0, 365, 730, 1095]
    assert set(chosen.stretches()["patient_id"]) == {"sub-01"}


@pytest.mark.parametrize(("count", "has_ticks"), [(4, True), (survival_groups.MOST_TICKED + 1, False)])
def test_censored_patients_have_a_tick_each_unless_there_are_too_many(count, has_ticks):
    rows = pd.concat([patients()] * (count // 4 + 1))[:count].reset_index(drop=True)
    rows["patient_id"] = [f"sub-{n}" for n in range(count)]
    curves = survival_groups.estimate(rows, None)
    intervals = pd.DataFrame({"patient_id": rows["patient_id"], "after_days": 365.0, "until_days": float("nan")})
    drawn = survival_groups.figure(curves, intervals).data
    ticks = [trace for trace in drawn if trace.mode == "markers"]
    assert any(trace.x is not None and len(trace.x) for trace in ticks) == has_ticks
    assert ("(ticks)" in survival_groups.method(curves, count)) == has_ticks
