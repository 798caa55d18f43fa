"""Rows of a table that can be read and hardly mean what they say are named with a remedy. A few seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.study.import_numbers import import_table
from tests.tools.test_odd_tables import AS_OF, ROWS, categories, codes, judged, table_of

WITH_SLICES = "patient_id,date,volume_mm3,slices_spanned"
DAYS = ("2020-01-06", "2020-04-06", "2020-07-06", "2020-10-06", "2021-01-04")


def on(*days: str) -> tuple[str, ...]:
    return tuple(f"P01,{day},{1000 + number},0.05" for number, day in enumerate(days))


@pytest.mark.parametrize(
    ("days", "place", "meant"),
    [
        ((*DAYS[:3], "2012-10-06", DAYS[4]), 5, "2020-10-06"),
        ((DAYS[0], "2019-04-06", DAYS[2]), 3, "2020-04-06"),
        ((*DAYS[:4], "2012-01-04"), 6, None),  # a last row in another year may be an older scan, come later
        ((DAYS[4], DAYS[3], "2012-07-06", DAYS[1], DAYS[0]), 4, "2020-07-06"),
        (DAYS, 0, None),
        (DAYS[::-1], 0, None),
        ((DAYS[0], DAYS[2], DAYS[1], DAYS[3]), 0, None),  # exchanged rows of one year have their days
        ((DAYS[3], "2017-10-06", DAYS[0], "2016-01-04", DAYS[2], "2015-01-04"), 0, None),  # no order at all
    ],
)
def test_a_year_that_tears_a_scan_out_of_its_place_is_named(
    tmp_path: Path, days: tuple[str, ...], place: int, meant: str | None
) -> None:
    table = judged(tmp_path, table_of(*on(*days)))
    odd = [one.message for one in table.findings if one.code == "year_suspect"]
    assert len(odd) == (meant is not None)
    assert all(f"line {place}" in words and f"where {meant} would fit" in words for words in odd)


@pytest.mark.parametrize(
    ("cell", "is_code"), [("9999", True), ("999.0", True), ("88888", True), ("990", False), ("99", False)]
)
def test_a_number_that_stands_for_none_is_named(tmp_path: Path, cell: str, is_code: bool) -> None:
    table = judged(tmp_path, table_of(*ROWS, f"P01,2022-01-04,{cell},0.05"))
    assert ("number_code" in codes(table)) == is_code


@pytest.mark.parametrize(
    ("name", "is_of_all"),
    [("Total", True), ("Mean (SD)", True), ("sum", True), ("SD01", False), ("Mean01", False), ("Max", False)],
)
def test_a_row_of_all_people_is_named(tmp_path: Path, name: str, is_of_all: bool) -> None:
    table = judged(tmp_path, table_of(*ROWS, f"{name},2021-01-04,1170,"))
    assert ("row_of_all" in codes(table)) == is_of_all


@pytest.mark.parametrize(("size", "slices", "is_odd"), [(1000, 400, True), (1000, 60, False), (9000, 120, False)])
def test_a_tumour_on_more_slices_than_it_can_fill_is_named(
    tmp_path: Path, size: int, slices: int, is_odd: bool
) -> None:
    table = judged(tmp_path, table_of(f"P01,2020-01-06,{size},{slices}", header=WITH_SLICES))
    assert ("slices_suspect" in codes(table)) == is_odd


@pytest.mark.parametrize("before", [ROWS, ()])
def test_a_volume_below_a_voxel_is_no_response(tmp_path: Path, before: tuple[str, ...]) -> None:
    table = judged(tmp_path, table_of(*before, "P01,2022-01-04,0.00015,0.05"))
    assert categories(table)[-1] == "NE"
    assert "unit_doubtful" in codes(table)
    assert "less than a voxel" in str(table.rows[-1]["reason"])


def test_an_import_names_them_too(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text(table_of(*on(*DAYS[:3], "2012-10-06", DAYS[4]), "Total,2021-01-04,9999,"), encoding="utf-8")
    done = import_table(path, None, tmp_path / "study", AS_OF)
    assert {"year_suspect", "row_of_all", "number_code"} <= {one.code for one in done.findings}
