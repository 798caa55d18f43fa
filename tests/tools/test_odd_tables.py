"""Tables as spreadsheets and people leave them: what is odd is said, and gives no sure verdict. About 3 s."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.tools.assess import JudgedTable, assess_table

AS_OF = date(2026, 11, 30)
HEADER = "patient_id,date,volume_mm3,volume_cv"
ROWS = ("P01,2020-01-06,1000,0.05", "P01,2020-07-06,1010,0.05", "P01,2021-01-04,1500,0.05")
CYRILLIC = f"{chr(0x420)}01"
TREATED = "patient_id,date,kind\n"


def judged(folder: Path, table: str | bytes, treatments: str | None = None) -> JudgedTable:
    """Judge a table, with treatments beside it."""
    path, beside = folder / "v.csv", None
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    if treatments is not None:
        beside = folder / "t.csv"
        beside.write_text(treatments, encoding="utf-8")
    return assess_table(path, beside, "imsct_adapted_v1", AS_OF)


def table_of(*lines: str, header: str = HEADER) -> str:
    return "\n".join((header, *lines)) + "\n"


def codes(table: JudgedTable) -> list[str]:
    return [one.code for one in table.findings]


def categories(table: JudgedTable) -> list[str]:
    return [str(row["category"]) for row in table.rows]


def test_the_table_without_oddities_ends_in_growth(tmp_path: Path) -> None:
    table = judged(tmp_path, table_of(*ROWS), f"{TREATED}P01,2019-01-01,other\n")
    assert (categories(table), codes(table)) == (["SD", "SD", "PD"], [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("P01", "p01"),
        ("P01", "P1"),
        ("P01", "P-01"),
        ("7", "007"),
        ("7", "7.0"),
        ("P01", "\u042001"),
        ("P01", "\u044001"),
    ],
)
def test_names_that_hardly_differ_give_no_verdict_on_either(tmp_path: Path, one: str, other: str) -> None:
    lines = [line.replace("P01", one) for line in ROWS[:2]]
    of_other = ROWS[2].replace("P01", other).replace("2021-01-04", "2020-01-06")
    table = judged(tmp_path, table_of(*lines, of_other, "Z9,2020-01-06,900,0.05"))
    assert sorted(categories(table)) == ["NE", "NE", "NE", "SD"]
    (odd,) = table.findings
    assert (odd.code, odd.severity) == ("patient_alike", "error")
    assert f"'{one}'" in odd.message
    assert f"'{other}'" in odd.message
    assert all("may be one person" in str(row["reason"]) for row in table.rows if row["category"] == "NE")


def test_a_name_that_hardly_differs_takes_back_nothing_of_the_days_before(tmp_path: Path) -> None:
    first = ("P01,2019-01-07,1000,0.05,,", "P01,2020-01-06,2500,0.05,,", "P01,2023-01-06,2600,0.05,,")
    later = ("p01,2022-01-04,300,0.05,,", "P01,2023-02-06,2700,0.05,yes,yes")
    header = f"{HEADER},new_lesion,leptomeningeal"
    before, after = (judged(tmp_path, table_of(*lines, header=header)) for lines in (first, (*first, *later)))
    of_before, of_after = ([row for row in table.rows if row["patient_id"] == "P01"] for table in (before, after))
    assert of_after[:2] == of_before[:2]
    assert [str(row["category_then"]) for row in of_after[:2]] == ["SD", "PD"]
    assert [(row["category"], row["volume_mm3"]) for row in of_after[2:]] == [("NE", None), ("PD", None)]
    assert "seeding along the meninges seen" in str(of_after[3]["reason"])
    assert [row["category"] for row in after.rows if row["patient_id"] == "p01"] == ["NE"]
    assert codes(after) == ["patient_alike"]


def test_names_of_two_people_are_two_people(tmp_path: Path) -> None:
    lines = [line.replace("P01", name) for name in ("1-11", "11-1", "111", "A1", "A2") for line in ROWS]
    assert codes(judged(tmp_path, table_of(*lines))) == []


@pytest.mark.parametrize("name", ["p01", "P1", "P-01"])
def test_a_treatment_of_a_name_that_hardly_differs_may_be_the_patient_s(tmp_path: Path, name: str) -> None:
    table = judged(tmp_path, table_of(*ROWS), f"{TREATED}{name},2020-08-01,surgery\n")
    assert (categories(table), table.undecided_count) == (["NE", "NE", "NE"], 3)
    (odd,) = table.findings
    assert odd.code == "row_unknown_patient"
    assert "it resembles P01" in odd.message
    mended = judged(tmp_path, table_of(*ROWS), f"{TREATED}P01,2020-08-01,surgery\n")
    assert (categories(mended), codes(mended)) == (["SD", "SD", "SD"], [])


def test_a_treatment_of_somebody_else_changes_nothing_and_is_said(tmp_path: Path) -> None:
    table = judged(tmp_path, table_of(*ROWS), f"{TREATED}P99,2020-08-01,surgery\n")
    assert (categories(table), codes(table)) == (["SD", "SD", "PD"], ["row_unknown_patient"])


@pytest.mark.parametrize(
    "treatments",
    [f"{TREATED}P01,2020-08-01,surgery,more,cells\n", "who,date,kind\nP01,2020-08-01,surgery\n", "PK\x03\x04"],
)
def test_treatments_that_cannot_be_read_leave_nobody_untreated(tmp_path: Path, treatments: str) -> None:
    table = judged(tmp_path, table_of(*ROWS), treatments)
    assert categories(table) == ["NE", "NE", "NE"]
    assert any(one.severity == "error" for one in table.findings)


@pytest.mark.parametrize("day", ["1900-01-01", "1961-04-05", "0021-01-04"])
def test_a_day_before_there_were_scans_is_not_the_day_of_one(tmp_path: Path, day: str) -> None:
    table = judged(tmp_path, table_of(*ROWS[:2], f"P01,{day},1500,0.05"))
    assert codes(table) == ["date_impossible"]
    (row,) = (one for one in table.rows if one["volume_mm3"] == 1500)
    assert (str(row["date"]), row["category"]) == (f"an unknown day ('{day}')", "NE")


def test_days_that_were_all_shifted_are_judged_unless_treatments_were_not(tmp_path: Path) -> None:
    shifted = table_of(*ROWS).replace("2020-", "1910-").replace("2021-", "1911-")
    assert categories(judged(tmp_path, shifted)) == ["SD", "SD", "PD"]
    table = judged(tmp_path, shifted, f"{TREATED}P01,2020-08-01,surgery\n")
    assert (categories(table), codes(table)) == (["NE", "NE", "NE"], ["treatment_unplaced"])


def test_a_real_treatment_of_far_shifted_scans_leaves_them_open(tmp_path: Path) -> None:
    shifted = table_of(*ROWS).replace("2020-", "1850-").replace("2021-", "1851-")
    table = judged(tmp_path, shifted, f"{TREATED}P01,2019-03-01,surgery\n")
    assert (categories(table), codes(table)) == (["NE", "NE", "NE"], ["treatment_unplaced"])
    unread = judged(tmp_path, shifted, f"{TREATED}P01,soon,surgery\n")
    assert categories(unread) == ["NE", "NE", "NE"]


def test_a_later_scan_does_not_take_back_a_course_shifted_into_the_time_of_scans(tmp_path: Path) -> None:
    lines = [f"P01,{1975 + year}-06-01,{size},0.05" for year, size in enumerate((1000, 500, 1000, 1010))]
    before, after = judged(tmp_path, table_of(*lines[:3])), judged(tmp_path, table_of(*lines))
    assert categories(before)[2] == "PD"
    assert categories(after)[:3] == categories(before)
    assert codes(after) == []


@pytest.mark.parametrize("unit", ["cm3", "mL", "cc", "cm\u00b3", "cm", "litres", "cubic cm"])
def test_a_unit_that_is_not_the_column_s_gives_no_number(tmp_path: Path, unit: str) -> None:
    lines = (f"{ROWS[0]},mm3", f"{ROWS[1]},mm\u00b3", f"P01,2021-01-04,300,0.05,{unit}")
    table = judged(tmp_path, table_of(*lines, header=f"{HEADER},unit"))
    assert (categories(table), codes(table)) == (["SD", "SD", "NE"], ["unit_differs"])
    assert f"found '{unit}' in unit" in table.findings[0].message


def test_the_column_s_own_unit_is_no_oddity(tmp_path: Path) -> None:
    lines = (f"{ROWS[0]},mm3", f"{ROWS[1]},\u00b5L", f"{ROWS[2]},\u03bcl")
    table = judged(tmp_path, table_of(*lines, header=f"{HEADER},Unit"))
    assert (categories(table), codes(table)) == (["SD", "SD", "PD"], [])


@pytest.mark.parametrize("unit", ["cubic mm", "Cubic millimetres", "mm", "microlitre", "microliters", "uL", "\u00b5l"])
def test_words_for_the_column_s_own_unit_are_understood(tmp_path: Path, unit: str) -> None:
    table = judged(tmp_path, table_of(*(f"{line},{unit}" for line in ROWS), header=f"{HEADER},unit"))
    assert (categories(table), codes(table)) == (["SD", "SD", "PD"], [])


@pytest.mark.parametrize("unit", ["mL", "cc", "millilitres", "milliliter", "mm3"])
def test_a_volume_in_both_units_is_in_the_one_that_its_row_names(tmp_path: Path, unit: str) -> None:
    lines = [f"{line},{ml},{unit}" for line, ml in zip(ROWS, ("1.0", "1.01", "1.5"), strict=True)]
    table = judged(tmp_path, table_of(*lines, header=f"{HEADER},volume_ml,unit"))
    assert (categories(table), codes(table)) == (["SD", "SD", "PD"], [])
    changed = [line.replace(",1.5,", ",1.9,") for line in lines]
    odd = judged(tmp_path, table_of(*changed, header=f"{HEADER},volume_ml,unit"))
    assert (categories(odd)[-1], codes(odd)) == ("NE", ["cells_differ"])


def test_the_unit_of_diameters_is_theirs(tmp_path: Path) -> None:
    lines = [f"{line},{longest},mm" for line, longest in zip(ROWS, (25, 25, 31), strict=True)]
    table = judged(tmp_path, table_of(*lines, header=f"{HEADER},longest_mm,unit"))
    assert (categories(table), codes(table)) == (["SD", "SD", "PD"], [])
    changed = [line.replace(",mm", ",cm") for line in lines]
    odd = judged(tmp_path, table_of(*changed, header=f"{HEADER},longest_mm,unit"))
    assert set(codes(odd)) == {"unit_differs"}
    assert "expected longest_mm in the unit" in odd.findings[0].message


def test_a_column_that_is_not_read_is_named(tmp_path: Path) -> None:
    table = judged(tmp_path, table_of(*(f"{line},7" for line in ROWS), header=f"{HEADER},volume_cm3"))
    assert codes(table) == ["column_unread"]
    assert "found also volume_cm3" in table.findings[0].message


def test_people_whose_letters_no_program_can_read_stay_apart(tmp_path: Path) -> None:
    lines = [
        line.replace("P01", name) for name in ("M\u00fcller", "M\u00e4ller", "\u0160ima", "\u017dima") for line in ROWS
    ]
    table = judged(tmp_path, table_of(*lines).encode("cp1252"))
    assert codes(table) == ["table_encoding"]
    assert len({row["patient_id"] for row in table.rows}) == 4


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1"])
def test_a_workbook_is_told_from_a_table(tmp_path: Path, start: bytes) -> None:
    (odd,) = judged(tmp_path, start + bytes(range(256))).findings
    assert odd.code == "file_unreadable"
    assert "save its sheet as CSV" in odd.message


@pytest.mark.parametrize(
    ("start", "remedy"),
    [
        (b"\x1f\x8b\x08\x00", "on the page Study"),
        (b"\x5c\x01\x00\x00", "on the page Study"),
        (b"\x00" * 128 + b"DICM", "import-dicom"),
        (b"%PDF-1.7", "write its table as CSV"),
    ],
)
def test_a_scan_in_a_table_s_place_is_sent_where_scans_come_in(tmp_path: Path, start: bytes, remedy: str) -> None:
    (odd,) = judged(tmp_path, start + bytes(range(256))).findings
    assert odd.code == "file_unreadable"
    assert remedy in odd.message


def test_rows_that_give_one_person_two_syndromes_give_none(tmp_path: Path) -> None:
    lines = (f"{ROWS[0]},VHL", f"{ROWS[1]},none", ROWS[2] + ",")
    table = judged(tmp_path, table_of(*lines, header=f"{HEADER},syndrome"))
    assert codes(table) == ["person_differs"]
    assert "found VHL in an earlier row and none here" in table.findings[0].message


@pytest.mark.parametrize(
    ("criteria", "columns", "sizes"),
    [
        ("recist_1_1", "longest_mm", ("25", "26", "2.5")),
        ("rano2_2d", "long_mm,perpendicular_mm", ("25,12", "26,12", "2.5,1.2")),
        ("rano2_2d", "product_mm2", ("300", "312", "3.1")),
    ],
)
def test_diameters_in_centimetres_among_millimetres_give_no_response(
    tmp_path: Path, criteria: str, columns: str, sizes: tuple[str, ...]
) -> None:
    days = ("2020-01-06", "2020-07-06", "2021-01-04")
    lines = [f"P01,{day},{size}" for day, size in zip(days, sizes, strict=True)]
    path = tmp_path / "v.csv"
    path.write_text(table_of(*lines, header=f"patient_id,date,{columns}"), encoding="utf-8")
    table = assess_table(path, None, criteria, AS_OF)
    assert (categories(table), codes(table)) == (["SD", "SD", "NE"], ["unit_doubtful"])
    speck = table_of(*(f"{line},{slices}" for line, slices in zip(lines, "991", strict=True)),
                     header=f"patient_id,date,{columns},slices_spanned")  # fmt: skip
    path.write_text(speck, encoding="utf-8")
    believed = assess_table(path, None, criteria, AS_OF)
    assert (categories(believed)[:2], codes(believed)) == (["SD", "SD"], [])
    assert categories(believed)[2] != "NE", "the remedy works"


def judged_sizes(folder: Path, criteria: str, column: str, sizes: str) -> tuple[JudgedTable, list[str]]:
    """Judge one scan a year with sizes as they are written; the table with its categories."""
    lines = [f"P01,{2015 + year}-01-06,{size}" for year, size in enumerate(sizes.split())]
    path = folder / "v.csv"
    path.write_text(table_of(*lines, header=f"patient_id,date,{column}"), encoding="utf-8")
    table = assess_table(path, None, criteria, AS_OF)
    return table, categories(table)


@pytest.mark.parametrize(
    ("criteria", "column", "sizes"),
    [
        ("recist_1_1", "longest_mm", "42.0 4.3 4.1 14.0"),
        ("recist_1_1", "longest_mm", "42 4 4 14"),
        ("rano2_2d", "product_mm2", "1500 18 16 300"),
        ("rano2_2d", "product_mm2", "1500.0 18.2 16.5 300.0"),
    ],
)
def test_a_size_written_as_the_others_are_is_the_smallest(
    tmp_path: Path, criteria: str, column: str, sizes: str
) -> None:
    table, of_scans = judged_sizes(tmp_path, criteria, column, sizes)
    assert (of_scans, codes(table)) == (["SD", "PR", "PR", "PD"], [])


@pytest.mark.parametrize(
    ("criteria", "column", "sizes"),
    [
        ("recist_1_1", "longest_mm", "42 4.3 4.1 14 70"),
        ("rano2_2d", "product_mm2", "1500 18.5 16.5 300 2500"),
        ("rano2_2d", "long_mm,perpendicular_mm", "50,30 5.1,3.2 5.0,3.0 20,15 60,45"),
        ("imsct_adapted_v1", "volume_mm3", "1100 1.2 1.1 300 9000"),
    ],
)
def test_a_scan_after_one_in_doubt_is_no_response_where_it_may_be_growth(
    tmp_path: Path, criteria: str, column: str, sizes: str
) -> None:
    table, of_scans = judged_sizes(tmp_path, criteria, column, sizes)
    assert of_scans == ["SD", "NE", "NE", "NE", "PD"], "what grew by either reading is said"
    assert codes(table) == ["unit_doubtful"] * 3
    assert "would be growth since" in str(table.rows[3]["reason"])
    assert "v.csv line 4, whose unit is in doubt" in table.findings[-1].message


def test_a_scan_in_the_unit_of_the_others_ends_a_doubt_of_the_same_size(tmp_path: Path) -> None:
    _, of_scans = judged_sizes(tmp_path, "recist_1_1", "longest_mm", "42 4.3 4 14")
    assert of_scans == ["SD", "NE", "PR?", "PD"]


def test_a_size_left_out_with_another_in_doubt_may_be_the_smallest(tmp_path: Path) -> None:
    _, of_scans = judged_sizes(tmp_path, "imsct_adapted_v1", "volume_mm3,longest_mm", "3000,42 700,4.3 1500,30")
    assert of_scans == ["SD", "NE", "NE"]


LESIONS = "patient_id,date,compartment,lesion,volume_mm3,volume_cv\n" + "".join(
    f"p1,{year}-01-01,tumour,{name},{size},0.05\n" for year in (2020, 2021) for name, size in (("L1", 500), ("L2", 300))
)


@pytest.mark.parametrize("name", ["total", "Sum", "all_lesions", "Gesamt"])
def test_a_row_of_all_lesions_is_the_whole_tumour_and_not_one_more_of_them(tmp_path: Path, name: str) -> None:
    steady = judged(tmp_path, LESIONS + f"p1,2021-01-01,tumour,{name},800,0.05\n")
    whole = [row for row in steady.rows if row.get("lesion") is None and row.get("lesion_id") is None]
    assert [row["category"] for row in whole] == ["SD", "SD"]
    grown = judged(tmp_path, LESIONS + f"p1,2021-01-01,tumour,{name},1600,0.05\n")
    assert [row["category"] for row in grown.rows][:2] == ["SD", "PD"], "what it says counts"


def test_a_lesion_that_is_the_sum_of_the_others_doubles_nothing(tmp_path: Path) -> None:
    steady = judged(tmp_path, LESIONS + "p1,2021-01-01,tumour,L1+L2,800,0.05\n")
    assert [row["category"] for row in steady.rows][:2] == ["SD", "NE"]
    assert any("measures what all others of this day do together" in str(row) for row in steady.rows)
    third = judged(tmp_path, LESIONS + "p1,2021-01-01,tumour,L3,700,0.05\n")
    assert [row["category"] for row in third.rows][:2] == ["SD", "PD"], "another lesion still grows the tumour"


@pytest.mark.parametrize(
    ("size", "remark", "is_said"),
    [
        ("0", "as before", True), ("900", "not in field of view", True), ("900", "read by AB", False), ("0", "", False),
        ("900", "uncertain outline", True), ("900", "mouvement", True), ("900", "non-enhancing", False),
        ("900", "promotion of AB", False), ("", "not in field of view", False),
    ],
)  # fmt: skip
def test_a_remark_that_may_take_a_size_back_is_said(tmp_path: Path, size: str, remark: str, is_said: bool) -> None:
    rows = ("p1,2020-01-01,1000,", f"p1,2021-01-01,{size},{remark}")
    text = table_of(*rows, header="patient_id,date,volume_mm3,comment")
    assert ("remark_unread" in codes(judged(tmp_path, text))) == is_said


def test_a_remark_beside_a_response_is_said_too(tmp_path: Path) -> None:
    rows = ("p1,2020-01-01,SD,", "p1,2021-01-01,PD,not evaluable")
    assert codes(judged(tmp_path, table_of(*rows, header="patient_id,date,response,comment"))) == ["remark_unread"]


def test_a_lesion_that_was_no_sum_before_is_none_by_chance_later(tmp_path: Path) -> None:
    days = ({"A": 0.2, "B": 0.4, "C": 0.3}, {"A": 1.0, "B": 0.4, "C": 0.6})
    rows = [f"p1,{2020 + n}-01-01,{name},{ml},0.05" for n, day in enumerate(days) for name, ml in day.items()]
    header = "patient_id,date,lesion,volume_ml,volume_cv"
    of_all = [str(row["category"]) for row in judged(tmp_path, table_of(*rows, header=header)).rows][:2]
    assert of_all == ["SD", "PD"], "its growth is not hidden by a doubt"
    turned = judged(tmp_path, table_of(*reversed(rows), header=header))
    assert [str(row["category"]) for row in turned.rows][:2] == of_all, "the order of the rows decides nothing"
    unsure = judged(tmp_path, table_of(*rows[3:], header=header)).rows[0]
    assert "if not, add a row total" in str(unsure["reason"])
    told = judged(tmp_path, table_of(*rows[3:], "p1,2021-01-01,total,2.0,0.05", header=header)).rows[0]
    assert (told["category"], told["volume_mm3"]) == ("SD", 2000.0)


@pytest.mark.parametrize("treatment", ["p1,,surgery", "p1,1650,surgery"])
def test_scans_shifted_by_centuries_wait_for_a_treatment_without_a_day_as_others_do(
    tmp_path: Path, treatment: str
) -> None:
    rows = (f"p1,{1650 + n}-01-01,{size},0.05" for n, size in enumerate((1000, 1010, 1700)))
    table = judged(tmp_path, table_of(*rows), f"{TREATED}{treatment}\n")
    assert categories(table)[-1] == "NE"
