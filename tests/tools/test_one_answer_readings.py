"""The same cysts and enhancing parts give the same readings by assess and by import with a run of the study. 15 s."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.store import reader
from pipeline.tools import assess
from tests.study_folder import run_of_numbers

VOLUMES = """patient_id,date,compartment,volume_mm3,volume_cv,slices_spanned,syndrome,cyst_mm3,cyst_cv,enhancing_ml
p1,2020-01-01,tumour,1000,0.05,,,,,
p1,2020-01-01,cyst,3000,,,,,,
p1,2020-01-01,enhancing,600,0.05,4,,,,
p1,2021-01-01,tumour,1010,,,,,,
p1,2021-01-01,cyst,0,,,,,,
p1,2021-01-01,enhancing,0,,,,,,
p1,2022-01-01,tumour,1000,0.05,,,,,
p1,2023-01-01,tumour,n/a,,,,,,
p1,2023-01-01,cyst,900,0.05,,,,,
p2,2020-04-01,tumour,2000,0.06,,,4000,0.04,0.5
p2,2021-05,tumour,2100,0.06,,,6000,,0.9
p2,2022-01-01,tumour,2900,0.06,,,n/a,,
p3,2020-04-01,tumour,300,0.1,,VHL,2500,0.05,0.3
p3,2021-04-01,tumour,310,0.1,,VHL,4500,0.05,0.35
"""
TREATMENTS = "patient_id,date,kind,extent\np2,2020,surgery,STR\np1,2022-06-01,bevacizumab,\n"
SAME = ("criteria_id", "reading", "category", "category_then", "state", "state_then", "display_state", "course",
        "is_different", "volume_mm3", "volume_cv", "reason", "reason_then")  # fmt: skip


def cell(value: Any) -> str:
    if str(value) in ("None", "nan", "<NA>"):
        return "None"
    if isinstance(value, float):
        return f"{value:.4f}"
    return {"True": "yes", "False": "no"}.get(str(value), str(value))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[list[str]], list[list[str]]]:
    folder: Path = tmp_path_factory.mktemp("readings")
    run_of_numbers(folder, VOLUMES, TREATMENTS)
    (folder / "v.csv").write_text(VOLUMES, encoding="utf-8")
    (folder / "t.csv").write_text(TREATMENTS, encoding="utf-8")
    judged = assess.assess_table(folder / "v.csv", folder / "t.csv", assess.ALL_CRITERIA, date(2026, 1, 31))
    stored = reader.table(reader.database_path(folder / "out"), "reading_assessment").to_dict("records")
    mine = [
        [str(row["patient_id"]), f"{row['date']}-01"[:10], *(cell(row[name]) for name in SAME)]
        for row in judged.readings
    ]
    theirs = [
        [row["patient_id"].removeprefix("sub-"), str(row["acquired_on"])[:10]]
        + [cell({**row, "category": row["category_shown"]}[name]) for name in SAME]
        for row in stored
    ]
    return sorted(mine), sorted(theirs)


def test_readings_are_the_same_by_both_paths(answers):
    mine, theirs = answers
    assert len(mine) > 40
    assert mine == theirs


def test_the_cases_reach_every_reading_and_most_categories(answers):
    mine, _ = answers
    assert {row[3] for row in mine} == {"solid_and_cyst", "enhancing", "t2", "mixed"}
    assert {row[4] for row in mine} >= {"SD", "PD", "NE"}
    assert any(row[4].startswith(("PR", "CR")) for row in mine)
