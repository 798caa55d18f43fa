"""Functional grades and steroids beside a table, as clinics write them. A few seconds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.tools.assess import JudgedTable, assess_table

STABLE = "patient_id,date,volume_mm3,volume_cv\np,2019-06-01,1000,0.08\np,2021-06-01,1000,0.08\n"
HEAD = "patient_id,date,scale_id,grade,tumour_related\n"


def judged(folder: Path, function: str, sizes: str = STABLE, treatments: str | None = None) -> JudgedTable:
    paths = [folder / name for name in ("sizes.csv", "function.csv", "treatments.csv")]
    for path, text in zip(paths, (sizes, function, treatments or "patient_id,date,kind\n"), strict=True):
        path.write_text(text, encoding="utf-8")
    return assess_table(paths[0], paths[2] if treatments else None, "rano2_vol", date(2026, 1, 31), paths[1])


def lines(scale: str, grades: tuple[str, str, str], related: str = "yes") -> str:
    days = ("2019-06-01", "2020-09-01", "2020-12-01")
    rows = [f"p,{day},{scale},{grade},{related}" for day, grade in zip(days, grades, strict=True)]
    return HEAD + "\n".join(rows) + "\n"


@pytest.mark.parametrize("scale", ["mmccormick", "Modified McCormick", "mMcCormick scale", "McCormick (modified)"])
@pytest.mark.parametrize("grades", [("1", "3", "3"), ("I", "III", "iii")])
def test_a_loss_of_function_counts_however_scale_and_grade_are_spelt(
    tmp_path: Path, scale: str, grades: tuple[str, str, str]
) -> None:
    last = judged(tmp_path, lines(scale, grades)).rows[-1]
    assert (last["category"], last["state"]) == ("PD", "progression")
    assert "modified McCormick grade 3 on 2020-12-01, best 1" in last["reason"]


def test_spellings_of_one_scale_are_one_scale(tmp_path: Path) -> None:
    mixed = HEAD + (
        "p,2019-06-01,Modified McCormick,1,yes\np,2020-09-01,mmccormick,3,yes\np,2020-12-01,mMcCormick,III,yes\n"
    )
    assert judged(tmp_path, mixed).rows[-1]["category"] == "PD"


@pytest.mark.parametrize("related", ["no", ""])
def test_a_loss_that_is_not_put_down_to_the_tumour_is_told_and_does_not_count(tmp_path: Path, related: str) -> None:
    last = judged(tmp_path, lines("mmccormick", ("1", "3", "3"), related)).rows[-1]
    assert last["category"] == "SD"
    assert "function is worse, not counted since it is not put down to the tumour" in last["reason"]


def test_grades_that_nobody_can_read_are_counted(tmp_path: Path) -> None:
    assert judged(tmp_path, lines("mmccormick", ("1", "bad", "3"))).lost_rows == 1
    assert judged(tmp_path, lines("mmccormick", ("1", "2", "3"))).lost_rows == 0


@pytest.mark.parametrize(
    ("now", "words"), [("8", "may explain it"), ("2", "on dexamethasone (steroid) begun 2020-01-01")]
)
def test_less_steroid_explains_no_shrinkage(tmp_path: Path, now: str, words: str) -> None:
    shrunk = "patient_id,date,volume_mm3,volume_cv\np,2019-06-01,1000,0.08\np,2020-06-01,300,0.08\n"
    doses = (
        "patient_id,date,kind,extent,agent,dose_mg\np,2019-01-01,surgery,STR,,\n"
        f"p,2019-02-01,steroid,,dexamethasone,4\np,2020-01-01,steroid,,dexamethasone,{now}\n"
    )
    last = judged(tmp_path, HEAD, shrunk, doses).rows[-1]
    assert words in last["reason"]
    assert ("may explain it" in last["reason"]) == (now == "8")
