"""Every named query runs, says what it is for and keeps to the house style. About 3 s alone."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.core import records
from pipeline.core.vocabulary import ANY_DAY
from pipeline.store import publish, sql_files
from pipeline.store import reader as store_reader
from tests import data_model
from tests.factories import ADAPTED, tiny_store

QUERIES = sorted((sql_files.SQL / "queries").glob("*.sql"))
STATEMENTS = sorted(sql_files.SQL.rglob("*.sql"))
VALUES: dict[str, Any] = {
    "criteria_id": ADAPTED,
    "patient_id": "sub-01",
    "compartment": "tumour",
    "most": 300,
    "endpoint_id": "ttp",
    "min_change_mm3": 100.0,
    "reference": "nadir",
    "as_of": date(2024, 1, 1),
}
EMPTY_FOR_SUB_01 = {"courses_with_new_tumour", "patient_findings", "patient_new_signal"}


def parameters_of(file: Path) -> dict[str, Any]:
    return {name: VALUES[name] for name in re.findall(r"\$(\w+)", file.read_text(encoding="utf-8"))}


def body_of(file: Path) -> str:
    """The file without its comments."""
    return re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_every_query_runs(tiny: Path, file: Path) -> None:
    frame = store_reader.query(tiny, file.stem, **parameters_of(file))
    assert frame.empty == (file.stem in EMPTY_FOR_SUB_01)
    assert frame.columns.is_unique


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_every_query_is_short_and_begins_with_what_it_is_for(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("-- ")
    assert len(lines) <= 60


@pytest.mark.parametrize("file", STATEMENTS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_sql_is_lower_case_and_begins_with_a_comment(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("-- ")
    words = re.sub(r"'(?:[^']|'')*'", "", body_of(file))
    assert words == words.lower()


@pytest.mark.parametrize("file", STATEMENTS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_columns_are_named_except_where_a_query_hands_a_whole_view_on(file: Path) -> None:
    statement = re.sub(r"'(?:[^']|'')*'", "", body_of(file))
    stars = [match.start() for match in re.finditer(r"\w\.\*|select\s+\*|\n\s*\*\s*,", statement)]
    if file.parent.name == "queries":
        last = statement.rindex("\nselect")
        stars = [place for place in stars if place <= last]
    assert not stars, statement[stars[0] - 40 : stars[0] + 40]


@pytest.mark.parametrize("file", [f for f in STATEMENTS if f.parent.name == "views"], ids=lambda file: file.stem)
def test_the_statement_of_a_view_is_short(file: Path) -> None:
    statement = file.read_text(encoding="utf-8").split("\ncomment on ")[0]
    most = 70 if file.stem == "trajectory" else 60  # three references, each with seven numbers
    assert len(statement.strip().splitlines()) <= most


def test_board_begins_with_the_most_urgent(tiny: Path) -> None:
    frame = store_reader.query(tiny, "board", criteria_id=ADAPTED)
    assert frame["patient_id"].tolist() == ["sub-02", "sub-01", "sub-03", "sub-06", "sub-07", "sub-05", "sub-04"]


def test_sparklines_hold_dated_tumour_and_cyst_only(tiny: Path) -> None:
    frame = store_reader.query(tiny, "board_sparkline")
    assert set(frame["compartment"]) == {"tumour", "cyst"}
    assert frame["acquired_on"].notna().all()
    assert frame[frame["patient_id"] == "sub-01"]["volume_mm3"].tolist() == [3000, 1000, 800, 900, 1400]


def test_a_state_of_shrinkage_stands_beside_its_fall_and_not_beside_a_change_since_the_nadir(tmp_path: Path) -> None:
    def less(row: object) -> object:
        if isinstance(row, records.Measurement) and (row.patient_id, row.session_id) == ("sub-01", "ses-05"):
            return replace(row, volume_mm3=820.0) if row.compartment == "tumour" else row
        if isinstance(row, records.Assessment) and (row.patient_id, row.session_id) == ("sub-01", "ses-05"):
            return replace(row, change_ratio=820.0 / 800.0, display_state="shrinkage", clauses="[]")
        return row

    publish.publish(tmp_path, [less(row) for row in tiny_store()])
    database = store_reader.database_path(tmp_path)
    frame = store_reader.query(database, "board_change", criteria_id=ADAPTED).set_index("patient_id")
    assert frame.loc["sub-01", "against"] == "baseline"
    assert float(frame.loc["sub-01", "change_percent"]) == pytest.approx(-18.0), "not +2.5 % beside the word shrinking"


def test_header_is_one_row_even_for_a_patient_nobody_could_judge(tiny: Path) -> None:
    for patient_id in ("sub-01", "sub-07"):
        assert len(store_reader.query(tiny, "patient_header", patient_id=patient_id, criteria_id=ADAPTED)) == 1


def test_visits_without_a_date_come_last(tiny: Path) -> None:
    frame = store_reader.query(tiny, "patient_visits", patient_id="sub-06")
    assert frame["session_id"].tolist() == ["ses-01", "ses-02", "ses-03"]
    assert frame["status"].tolist() == ["usable", "usable", "undated"]


def test_scans_name_alignment_and_mask(tiny: Path) -> None:
    frame = store_reader.query(tiny, "patient_scans", patient_id="sub-05").set_index("session_id")
    assert frame["grade"].tolist() == [None, "C", None]
    assert frame.loc["ses-02", "aligned_path"] == "sub-05/ses-02/anat/sub-05_ses-02_space-reference_T2w.nii.gz"
    assert frame["mask_folder"].tolist() == ["study", "study", None]
    assert "0 bytes" in str(frame.loc["ses-03", "unreadable_reason"])


def test_trajectory_of_a_patient_carries_the_verdict_beside_each_volume(tiny: Path) -> None:
    frame = store_reader.query(tiny, "patient_trajectory", patient_id="sub-01", criteria_id=ADAPTED)
    assert frame["session_id"].tolist() == ["ses-01", "ses-02", "ses-03", "ses-04", "ses-05", "ses-05"]
    assert frame["compartment"].tolist() == ["tumour"] * 5 + ["cord"]
    assert frame["category_shown"].tolist() == ["NE", "SD", "SD", "SD", "PD", "PD"]


def test_spider_lines_begin_at_the_baseline(tiny: Path) -> None:
    frame = store_reader.query(tiny, "cohort_course", criteria_id=ADAPTED, compartment="tumour")
    mine = frame[frame["patient_id"] == "sub-01"]
    assert mine["days_from_baseline"].tolist() == [0, 365, 730, 1095]
    assert mine["change_from_baseline_percent"].tolist() == [0, -20, -10, 40]


def test_review_ends_with_masks_to_sign_and_begins_with_the_oldest(tiny: Path) -> None:
    frame = store_reader.query(tiny, "quality_review")
    is_mask = frame["kind"] == "unsigned automatic mask"
    assert 0 < is_mask.sum() < len(frame)
    assert is_mask.is_monotonic_increasing
    for _, kind in frame.groupby(is_mask):
        assert kind["acquired_on"].dropna().is_monotonic_increasing
    assert frame["acquired_on"].isna().tolist()[:2] == [True, True]


def test_findings_begin_with_errors(tiny: Path) -> None:
    assert store_reader.query(tiny, "quality_findings")["severity"].tolist() == ["error", "error", "warning", "warning"]


def test_study_info_counts_what_is_stored(tiny: Path) -> None:
    row = store_reader.query(tiny, "study_info").iloc[0]
    assert (row["patient_count"], row["visit_count"], row["usable_visit_count"]) == (7, 18, 15)
    assert (row["error_count"], row["warning_count"], row["cordtrack_version"]) == (2, 2, "0.1.0")
    assert bool(row["is_synthetic"])


def test_a_result_is_what_duckdbs_own_conversion_gives(tiny: Path) -> None:
    asked = [(file.read_text(encoding="utf-8"), parameters_of(file)) for file in QUERIES]
    asked += [(f"select * from {name} order by all", {}) for name in store_reader.views(tiny)]
    with store_reader.Reader(tiny) as reader, reader.cursor() as cursor:
        for statement, parameters in asked:
            expected = cursor.execute(statement, parameters or None).df()
            found = store_reader._frame(cursor.execute(statement, parameters or None))
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
            for name in found.select_dtypes("object"):
                assert [type(value) for value in found[name]] == [type(value) for value in expected[name]], name


def test_status_says_how_far_each_patient_came(tiny: Path) -> None:
    frame = store_reader.query(tiny, "status").set_index("patient")
    row = frame[["visits", "measured", "failed", "misaligned", "category", "errors"]].loc["sub-05"]
    assert row.tolist() == [3, 2, 1, 1, "NE", 1]


def test_status_calls_a_verdict_that_nobody_signed_provisional(tiny: Path) -> None:
    category = store_reader.query(tiny, "status").set_index("patient")["category"]
    assert (category["sub-06"], category["sub-01"]) == ("PD? provisional", "PD")


def test_the_page_on_the_data_model_is_current(tiny: Path) -> None:
    written = data_model.TARGET.read_text(encoding="utf-8")
    assert written == data_model.markdown(tiny), "docs/data-model.md is out of date: python -m tests.data_model"


def test_a_scan_is_overdue_from_the_day_the_record_names(tiny: Path) -> None:
    for day, expected in ((date(2024, 1, 9), False), (date(2024, 1, 10), True)):
        assert store_reader.query(tiny, "next_scans", as_of=day)["is_overdue"].tolist() == [expected]


def test_a_treatment_that_may_have_been_at_any_day_is_not_the_last_before_a_scan(tmp_path: Path) -> None:
    first, last = ANY_DAY
    undated = records.Treatment("sub-01", first, "surgery", first, started_by=last)
    rows_stored = [row for row in tiny_store() if not isinstance(row, records.Treatment)]
    publish.publish(tmp_path, [*rows_stored, undated])
    since = store_reader.query(store_reader.database_path(tmp_path), "board_since", criteria_id=ADAPTED)
    assert since.set_index("patient_id").loc["sub-01", ["treated_by", "days_since_treatment"]].isna().all()
