"""Tables that tell lesions apart: each its own verdict, the worst leads the state, a missing row is not a zero."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.study.import_numbers import import_table
from pipeline.tools.assess import JudgedTable, assess_table

AS_OF = date(2024, 1, 1)
HEAD = "patient_id,date,lesion_id,volume_mm3,volume_cv,new_lesion,syndrome\n"


def judged(folder: Path, *rows: str, head: str = HEAD) -> JudgedTable:
    table = folder / "sizes.csv"
    table.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return assess_table(table, None, "imsct_adapted_v1", AS_OF)


def row(table: JudgedTable, day: str, lesion: str | None = None) -> Any:
    (found,) = [one for one in table.rows if str(one["date"]) == day and one["lesion_id"] == lesion]
    return found


def test_a_new_tumour_in_vhl_that_doubles_leads_the_state_and_not_the_category(tmp_path: Path) -> None:
    table = judged(
        tmp_path,
        "a,2020-01-01,L1,1000,0.05,,VHL",
        "a,2021-01-01,L1,1010,0.05,,VHL",
        "a,2021-01-01,L2,300,0.05,yes,VHL",
        "a,2022-01-01,L1,1000,0.05,,VHL",
        "a,2022-01-01,L2,600,0.05,,VHL",
    )
    total, lesion = row(table, "2022-01-01"), row(table, "2022-01-01", "L2")
    assert (total["category"], total["state"], total["display_state"]) == ("SD", "progression", "growth")
    assert total["reason"].startswith("Lesion L2 by itself: solid tumour 0.60 mL")
    assert "by total of L1, without L2" in total["reason"]
    assert (lesion["category"], str(lesion["baseline_date"])) == ("PD", "2021-01-01")
    assert row(table, "2022-01-01", "L1")["category"] == "SD"


def test_a_lesion_without_a_row_is_not_assessable_and_the_total_has_no_size(tmp_path: Path) -> None:
    table = judged(
        tmp_path,
        "b,2020-01-01,1,1000,0.05,,",
        "b,2020-01-01,2,500,0.05,,",
        "b,2021-01-01,1,200,0.05,,",
        "b,2022-01-01,1,200,0.05,,",
        "b,2022-01-01,2,900,0.05,,",
    )
    assert row(table, "2021-01-01", "2")["category"] == "NE"
    assert "no row for this lesion" in row(table, "2021-01-01", "2")["reason"]
    assert row(table, "2021-01-01")["category"] == "NE", "200 of 1,500 mm³ would read as a response"
    assert row(table, "2021-01-01", "1")["category"].startswith("PR")
    last = row(table, "2022-01-01")
    assert (last["category"], last["state"]) == ("SD", "progression")


def test_lesions_of_a_day_add_up_unless_a_row_gives_the_whole(tmp_path: Path) -> None:
    rows = ["c,2020-01-01,1,1000,0.05,,", "c,2020-01-01,2,500,0.05,,"]
    assert row(judged(tmp_path, *rows), "2020-01-01")["volume_mm3"] == 1500
    assert row(judged(tmp_path, *rows, "c,2020-01-01,,1520,0.05,,"), "2020-01-01")["volume_mm3"] == 1520


@pytest.mark.parametrize("column", ["lesion_id", "lesion"])
def test_one_lesion_alone_is_the_total_and_has_no_rows_of_its_own(tmp_path: Path, column: str) -> None:
    table = judged(tmp_path, "d,2020-01-01,1,1000,0.05,,", head=HEAD.replace("lesion_id", column, 1))
    assert [one["lesion_id"] for one in table.rows] == [None]


def test_a_study_keeps_each_lesion_of_a_day_and_the_sum_of_none(tmp_path: Path) -> None:
    table = tmp_path / "sizes.csv"
    rows = ["c,2020-01-01,1,1000,,,", "c,2020-01-01,2,500,,,", "c,2021-01-01,1,900,,,"]
    table.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    for _ in range(2):
        found = import_table(table, None, tmp_path / "study", AS_OF)
        assert found.findings == ()
    kept = (tmp_path / "study" / "phenotype" / "cordtrack_volumes.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[3:5] for line in kept[1:]] == [["1", "1000.0"], ["2", "500.0"], ["1", "900.0"]]


def test_a_new_lesion_marked_in_its_own_row_counts_beside_a_row_of_the_whole(tmp_path: Path) -> None:
    table = judged(
        tmp_path,
        "e,2020-01-01,,1000,0.05,,",
        "e,2021-01-01,,1300,0.05,,",
        "e,2021-01-01,1,1000,0.05,,",
        "e,2021-01-01,2,300,0.05,yes,",
    )
    assert row(table, "2021-01-01")["category"] == "PD"
