"""Findings of the first described scan as filters, groups of curves and rows of the first table (about 10 s)."""

import duckdb
import pandas as pd
import pytest

from dashboard.cohort import first_findings, table_one
from pipeline.store import reader
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.factories import ADAPTED, copy_tiny


def first(*stated):
    """Rows of the cohort_finding query: patient, finding, value, sureness, what a reader says."""
    return pd.DataFrame(stated, columns=["patient_id", "finding", "value", "sureness", "corrected_to"])


def cohort(*stated, count=4):
    people = pd.DataFrame({"patient_id": [f"sub-{n}" for n in range(count)]})
    return first_findings.joined(people, first(*stated))


def test_patients_without_a_described_scan_are_not_told_of_and_never_absent():
    rows = cohort(
        ("sub-0", "polar_cyst_above", "absent", "sure", None), ("sub-0", "polar_cyst_below", "absent", "sure", None),
        ("sub-1", "polar_cyst_above", "absent", "sure", None), ("sub-1", "polar_cyst_below", None, None, None),
        ("sub-2", "polar_cyst_above", None, None, "present"), ("sub-2", "polar_cyst_below", None, None, None),
    )  # fmt: skip
    assert rows["mri_polar_cyst"].tolist() == ["absent", "not told", "present", "not told"]
    assert set(rows["mri_enhancement"]) == {"not told"}
    assert first_findings.told(rows) == {"mri_polar_cyst": ["present", "absent", "not told"]}


def test_a_finding_that_stands_twice_is_refused():
    row = ("sub-0", "margin", "sharp", "sure", None)
    with pytest.raises(ValueError, match="duplicate"):
        cohort(row, row)


def test_nobody_described_gives_no_rows_and_no_filters():
    rows = cohort()
    assert first_findings.told(rows) == {}
    assert table_one.finding_rows({"all": rows}).empty


def test_the_first_table_keeps_sure_unsure_and_untold_apart():
    rows = cohort(
        ("sub-0", "enhancement", "vivid", "sure", None), ("sub-1", "enhancement", "vivid", "unsure", None),
        ("sub-2", "enhancement", "none", "sure", None), count=5,
    )  # fmt: skip
    lines = table_one.finding_rows({"all": rows}).set_index("characteristic")["all"].str.replace("\u202f", " ")
    assert lines.to_dict() == {
        "Enhancement: none": "1 (33 %)", "Enhancement: vivid": "1 (33 %)", "Enhancement: vivid (not sure)": "1 (33 %)",
        "Enhancement: not told": "2",
    }  # fmt: skip


def test_for_sharing_small_cells_and_what_would_give_them_away_are_hidden():
    several = [(f"sub-{n}", "margin", "sharp" if n < 12 else "infiltrating", "sure", None) for n in range(14)]
    rows = cohort(*several, count=24)
    lines = table_one.finding_rows({"all": rows}, is_shared=True).set_index("characteristic")["all"]
    assert lines.to_dict() == {
        "Edge: sharp": "12",
        "Edge: infiltrating": "fewer than 5",
        "Edge: not told": "not shown",
    }, "a share beside the count would tell the total, and with it the two"
    assert table_one.finding_rows({"few": rows[:4]}, is_shared=True).empty


def test_curves_leave_out_whom_nothing_was_told_of_and_say_how_many():
    rows = cohort(("sub-0", "margin", "sharp", "unsure", None))
    shown, words = first_findings.for_curves(rows, "mri_margin")
    assert shown["mri_margin"].tolist() == ["edge sharp (not sure)"]
    assert words == "3 patients of whom edge was not told"


def test_what_counts_is_the_first_described_scan_no_later_than_the_baseline(tiny):
    rows = reader.query(reader.database_path(tiny), "cohort_finding", criteria_id=ADAPTED).set_index("finding")
    assert set(rows["patient_id"]) == {"sub-01"}
    assert set(rows["session_id"]) == {"ses-02"}, "the later scan, vivid by then, says nothing of the start"
    assert rows.loc["enhancement", "value"] == "none"


def test_what_was_first_described_after_the_baseline_says_nothing_of_the_start(tmp_path):
    database = copy_tiny(tmp_path)
    with duckdb.connect(str(database)) as connection:
        connection.execute("delete from record.description where session_id = 'ses-02'")
    assert reader.query(database, "cohort_finding", criteria_id=ADAPTED).empty


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"mri_enhancement": "none"}, "Enhancement none: n = 1 of 7"),
        ({"mri_enhancement": "not told"}, "Enhancement not told: n = 6 of 7"),
        ({"mri_enhancement": "vivid"}, "All patients: n = 7"),  # nobody's first scan says so: no choice
        ({"mri_expansion": "expanded (not sure)", "histology": "ependymoma"}, "Ependymoma, cord expanded (not sure)"),
    ],
)
def test_findings_filter_from_the_address(tiny, address, words):
    assert words in text_of(opened("cohort", **address))


def test_findings_are_chosen_in_the_panel_and_split_the_curve(tiny):
    at = opened("cohort", choose="true", by="mri_enhancement")
    assert "6 patients of whom enhancement was not told" in text_of(at)
    at.multiselect(key="mri_tumoral_cyst").set_value(["absent"]).run()
    assert "Tumoral cyst absent: n = 1 of 7" in text_of(at)
    assert at.query_params["mri_tumoral_cyst"] == "absent"
    assert "Tumoral cyst: absent" in text_of(at)
