"""Numbers as tables of other countries and programs write them: read where one thing only can be meant, else none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.core.records import Finding
from pipeline.study.own_numbers import read_volumes
from pipeline.study.own_treatments import read_treatment_table
from pipeline.study.written_numbers import readings, unmistakable

AS_OF = date(2026, 1, 31)
Sizes = list[float | None]


def sizes_of(folder: Path, column: str, *cells: str, mark: str = ";") -> tuple[Sizes, list[Finding]]:
    """Return the volumes of one patient's visits, a year apart, as read from a column, and what was odd."""
    rows = [f"p1{mark}{2001 + n}-03-01{mark}{cell}" for n, cell in enumerate(cells)]
    path = folder / "sizes.csv"
    path.write_text("\n".join([mark.join(("patient_id", "date", column)), *rows]) + "\n", encoding="utf-8")
    findings: list[Finding] = []
    visits = read_volumes(path, folder, AS_OF, findings).visits
    return [visit.measures[0].volume_mm3 for visit in visits], findings


def codes(findings: list[Finding]) -> list[str]:
    return [one.code for one in findings]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.234,5", "980,25"), [1234.5, 980.25]),
        (("1 234", "1\u00a0180,5"), [1234.0, 1180.5]),
        (("1\u202f234", "900"), [1234.0, 900.0]),
        (("1'234", "1\u2019180.5"), [1234.0, 1180.5]),
        (("1,234.5", "980.5"), [1234.5, 980.5]),
        (("12.345.678", "0"), [None, 0.0]),  # beyond any tumour
        (("40.812", "1234.567"), [40.812, 1234.567]),
        (("980,5", "1020,5"), [980.5, 1020.5]),
    ],
)
def test_what_can_mean_one_thing_only_is_read_as_that(tmp_path: Path, cells: tuple[str, ...], expected: Sizes) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3", *cells)
    assert sizes == expected
    assert set(codes(findings)) <= {"number_malformed", "unit_suspect"}


def test_a_decimal_comma_elsewhere_makes_the_point_a_mark_of_thousands_and_that_is_said_once(tmp_path: Path) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3", "1.234", "987,5", "1.410", "1.388")
    assert sizes == [1234.0, 987.5, 1410.0, 1388.0]
    (notation,) = findings
    assert notation.code == "number_notation"
    assert "found '1.234'; read as 1234, as every number like it in this column: other numbers have ','" in (
        notation.message
    )


def test_another_column_with_decimal_commas_tells_it_as_well(tmp_path: Path) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3;longest_mm", "1.234;14,5", "1.410;15,5")
    assert (sizes, codes(findings)) == ([1234.0, 1410.0], ["number_notation"])


def test_decimal_points_elsewhere_make_it_a_fraction_without_a_word(tmp_path: Path) -> None:
    assert sizes_of(tmp_path, "volume_mm3", "101.234", "98.5", "110.25") == ([101.234, 98.5, 110.25], [])


def test_where_marks_and_sizes_tell_different_things_there_is_no_number(tmp_path: Path) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3", "980.5", "1.234", "1100.5")
    assert (sizes, codes(findings)) == ([980.5, None, 1100.5], ["number_ambiguous"])
    assert "found '1.234', which is 1.234 or 1234" in findings[0].message
    assert "write 1234 for a thousand" in findings[0].remedy


def test_the_other_sizes_of_the_patient_tell_and_each_is_named(tmp_path: Path) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3", "980", "1.234", "1.410")
    assert sizes == [980.0, 1234.0, 1410.0]
    assert codes(findings) == ["number_notation"] * 2
    assert "near the other sizes of the patient" in findings[0].message


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.234", "2.410", "9.870"), [1234.0, 2410.0, 9870.0]),  # else 1 to 10 mm³: too small to be seen
        (("120.345", "130.210", "640.500"), [120.345, 130.210, 640.5]),  # else 120 mL: larger than a cord
    ],
)
def test_three_digits_everywhere_are_told_by_what_fits_into_a_cord(
    tmp_path: Path, cells: tuple[str, ...], expected: Sizes
) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3", *cells)
    assert sizes == expected
    assert codes(findings) == ["number_notation"], "never without a word"


@pytest.mark.parametrize("cells", [("50.234", "60.410"), ("50.234",), ("25,500", "30,125")])
def test_three_digits_everywhere_of_which_both_fit_are_refused(tmp_path: Path, cells: tuple[str, ...]) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3", *cells)
    assert sizes == [None] * len(cells)
    assert codes(findings) == ["number_ambiguous"] * len(cells)


def test_the_remedies_that_are_named_help(tmp_path: Path) -> None:
    assert sizes_of(tmp_path, "volume_mm3", "50234", "60410") == ([50234.0, 60410.0], [])
    assert sizes_of(tmp_path, "volume_mm3", "50.2340", "60.4100") == ([50.234, 60.41], [])


def test_millilitres_with_three_digits_are_millilitres(tmp_path: Path) -> None:
    assert sizes_of(tmp_path, "volume_ml", "1.234", "2.410") == ([1234.0, 2410.0], [])
    assert sizes_of(tmp_path, "volume_ml", "1,234", "2,410") == ([1234.0, 2410.0], [])


@pytest.mark.parametrize("mixed", [("980.5", "12,5"), ("12,5", "980.5")])
def test_a_decimal_comma_among_points_is_refused(tmp_path: Path, mixed: tuple[str, str]) -> None:
    sizes, findings = sizes_of(tmp_path, "volume_mm3", *mixed)
    assert sorted(size for size in sizes if size is not None) == [980.5]
    assert codes(findings) == ["number_malformed"]


def test_a_number_that_its_comma_parts_into_two_cells_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "sizes.csv"
    path.write_text("patient_id,date,volume_mm3,slices_spanned\np1,2020-01-01,1,234,\n", encoding="utf-8")
    findings: list[Finding] = []
    assert read_volumes(path, tmp_path, AS_OF, findings).visits == ()
    assert codes(findings) == ["row_long"]


@pytest.mark.parametrize(
    ("cell", "dose", "expected"),
    [("50,4", 50.4, []), ("50.400", 50.4, []), ("1.800,0", None, ["number_malformed"])],
)
def test_doses_in_gray(tmp_path: Path, cell: str, dose: float | None, expected: list[str]) -> None:
    assert treated(tmp_path, "dose_gy", cell) == (dose, expected)


@pytest.mark.parametrize(
    ("cell", "dose", "expected"),
    [("1.200", None, ["number_ambiguous"]), ("0,75", 0.75, []), ("4", 4.0, []), ("1.2000", 1.2, [])],
)
def test_doses_in_milligrams(tmp_path: Path, cell: str, dose: float | None, expected: list[str]) -> None:
    assert treated(tmp_path, "dose_mg", cell) == (dose, expected)


def treated(folder: Path, column: str, cell: str) -> tuple[float | None, list[str]]:
    (folder / "sizes.csv").write_text("patient_id;date;volume_mm3\np1;2020-01-01;900\n", encoding="utf-8")
    table = read_volumes(folder / "sizes.csv", folder, AS_OF, [])
    path = folder / "treatments.csv"
    path.write_text(f"patient_id;date;kind;{column}\np1;2020-02-01;steroid;{cell}\n", encoding="utf-8")
    findings: list[Finding] = []
    ((treatment,),) = read_treatment_table(path, table, AS_OF, findings).values()
    return getattr(treatment, column), codes(findings)


@pytest.mark.parametrize(
    "cell", ["1.23.4", "1,23,4", "12 34", "1.234.56", "1 2345", "1.234'567", "--5", "1.2e", "12 %"]
)
def test_what_is_no_number_in_any_country_is_none(cell: str) -> None:
    assert readings(cell) == ()


@pytest.mark.parametrize("value", [1.234, 812.345, 12.5, 0.125, 1234.567, 3.0])
def test_what_is_written_for_others_can_be_read_in_one_way(value: float) -> None:
    assert [one.value for one in readings(unmistakable(value) or "")] == [value]
