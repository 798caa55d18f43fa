"""A table's cyst and enhancing part judged beside solid tumour, in rows or in columns of their own. About 5 s."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.tools.assess import COLUMNS, JudgedTable, assess_table, write_readings
from pipeline.tools.assess_readings import BESIDE, READING_COLUMNS

AS_OF = date(2026, 1, 31)
LONG = """patient_id,date,compartment,volume_mm3,volume_cv
P1,2020-01-01,tumour,1000,0.05
P1,2020-01-01,cyst,3000,0.05
P1,2020-01-01,enhancing,600,0.05
P1,2021-01-01,tumour,1000,0.05
P1,2021-01-01,cyst,0,
P1,2021-01-01,enhancing,950,0.05
P1,2022-01-01,tumour,1000,0.05
"""
WIDE = """patient_id,date,volume_mm3,volume_cv,cyst_ml,cyst_cv,enhancing_mm3,enhancing_cv
P1,2020-01-01,1000,0.05,3,0.05,600,0.05
P1,2021-01-01,1000,0.05,0,,950,0.05
P1,2022-01-01,1000,0.05,,,,
"""


def judged(folder: Path, text: str, criteria_id: str = "rano2_vol") -> JudgedTable:
    path = folder / "volumes.csv"
    path.write_text(text, encoding="utf-8")
    return assess_table(path, None, criteria_id, AS_OF)


def by_day(table: JudgedTable, reading: str) -> list[tuple[str, str, Any]]:
    return [(str(r["date"]), r["category"], r["volume_mm3"]) for r in table.readings if r["reading"] == reading]


def test_the_readings_of_a_table_stand_beside_its_verdicts(tmp_path: Path) -> None:
    table = judged(tmp_path, LONG)
    assert [row["category"] for row in table.rows] == ["SD", "SD", "SD"]
    assert by_day(table, "solid_and_cyst") == [
        ("2020-01-01", "SD", 4000.0), ("2021-01-01", "PR?", 1000.0), ("2022-01-01", "NE", None),
    ]  # fmt: skip
    assert [one[:2] for one in by_day(table, "mixed")] == [
        ("2020-01-01", "SD"), ("2021-01-01", "PD"), ("2022-01-01", "NE"),
    ]  # fmt: skip
    second = table.rows[1]
    assert [second[name] for name in BESIDE] == ["PR?", "PR?", -75.0, "PD", 58.33, "SD", "PD", "PD"]
    assert set(BESIDE) < set(COLUMNS)
    assert {len(row) for row in table.rows} == {len(COLUMNS)}


def test_a_missing_cyst_says_so_and_is_not_zero(tmp_path: Path) -> None:
    last = [row for row in judged(tmp_path, LONG).readings if row["reading"] == "solid_and_cyst"][-1]
    assert last["reason"] == (
        "Not evaluable: the cyst was not measured on this scan: the imported table gives no cyst here."
    )


@pytest.mark.parametrize("criteria_id", ["rano2_vol", "imsct_adapted_v1"])
def test_columns_of_their_own_say_the_same_as_rows(tmp_path: Path, criteria_id: str) -> None:
    rows, columns = (judged(tmp_path, text, criteria_id) for text in (LONG, WIDE))
    assert columns.readings == rows.readings
    assert columns.rows == rows.rows
    assert columns.findings == rows.findings == ()


def test_a_cyst_beside_something_that_is_no_tumour_is_told_and_not_taken(tmp_path: Path) -> None:
    text = "patient_id,date,compartment,volume_mm3,cyst_mm3\nP1,2020-01-01,tumour,900,\nP1,2020-01-01,oedema,90,80\n"
    table = judged(tmp_path, text)
    assert [finding.code for finding in table.findings] == ["cells_differ"]
    assert table.readings == ()


def test_a_cyst_that_cannot_be_read_is_not_measured(tmp_path: Path) -> None:
    table = judged(tmp_path, WIDE.replace(",3,0.05,", ",drei,0.05,"))
    assert "number_malformed" in {finding.code for finding in table.findings}
    assert by_day(table, "solid_and_cyst") == []


def test_without_parts_nothing_stands_beside(tmp_path: Path) -> None:
    table = judged(tmp_path, "patient_id,date,volume_mm3\nP1,2020-01-01,900\nP1,2021-01-01,950\n")
    assert table.readings == ()
    assert {row[name] for row in table.rows for name in BESIDE} == {None}


def test_the_table_of_readings_is_written(tmp_path: Path) -> None:
    write_readings(judged(tmp_path, LONG), tmp_path / "readings.csv")
    head, *lines = (tmp_path / "readings.csv").read_text(encoding="utf-8").splitlines()
    assert tuple(head.split(",")) == READING_COLUMNS
    assert len(lines) == 12
