"""Cells of tables at the limit of what each may say: days, numbers, sizes, letters. Milliseconds."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from pipeline.core.records import Finding
from pipeline.core.vocabulary import ANY_DAY, Compartment
from pipeline.core.written_day import WrittenDay
from pipeline.measure.imported_sizes import NO_VOLUME
from pipeline.study import clinical, own_number_rows, study_tables, table_numbers, table_text, written_dates
from pipeline.study.lesion_rows import new_tumours, total_of, with_unseen
from pipeline.study.own_number_rows import ImportedMeasure
from pipeline.study.study_tables import TableRow

TODAY = date(2024, 5, 6)


def row(line: int = 2, **cells: str | None) -> TableRow:
    return TableRow("t.tsv", line, {"participant_id": "sub-01", **cells})


def codes(findings: list[Finding]) -> list[str]:
    return [one.code for one in findings]


# Days ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "is_read"), [("2024-05-06", True), ("2024-05-07", False)])
def test_today_is_not_the_future_and_tomorrow_is(cell: str, is_read: bool) -> None:
    findings: list[Finding] = []
    assert (study_tables.date_in(row(day=cell), "day", TODAY, findings) is not None) == is_read
    assert codes(findings) == ([] if is_read else ["date_future"])
    both = study_tables.days_in(row(day=cell), "day", TODAY, [], "x")
    assert (both is not None) == is_read


@pytest.mark.parametrize(("cell", "is_read"), [("2024-05", True), ("2024-06", False), ("2024", True), ("2025", False)])
def test_a_month_or_a_year_that_has_begun_is_not_the_future(cell: str, is_read: bool) -> None:
    findings: list[Finding] = []
    assert (study_tables.span_in(row(day=cell), "day", TODAY, findings) is not None) == is_read
    assert (study_tables.days_in(row(day=cell), "day", TODAY, findings, "x") is not None) == is_read
    assert codes(findings) == ["date_partial" if is_read else "date_future"] * 2


def test_a_span_lasts_until_its_end_and_never_beyond_today() -> None:
    whole = study_tables.span_in(row(day="2024-03"), "day", TODAY, [])
    assert isinstance(whole, WrittenDay)
    assert (whole, whole.last) == (date(2024, 3, 1), date(2024, 3, 31))
    begun = study_tables.span_in(row(day="2024-05"), "day", TODAY, [])
    assert isinstance(begun, WrittenDay)
    assert begun.last == TODAY


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1900", ("1900-01-01", "1900-12-31")), ("1899", None), ("2200", ("2200-01-01", "2200-12-31")), ("2201", None),
        ("2020-01", ("2020-01-01", "2020-01-31")), ("2020-12", ("2020-12-01", "2020-12-31")), ("2020-13", None),
        ("2020-00", ("2020-01-01", "2020-12-31")), ("2020-xx", ("2020-01-01", "2020-12-31")),
        ("2019-02", ("2019-02-01", "2019-02-28")), ("2020-02-00", ("2020-02-01", "2020-02-29")),
        ("2020-02-29", ("2020-02-29", "2020-02-29")), ("2019-02-29", None),
    ],
)  # fmt: skip
def test_a_day_a_month_or_a_year_is_read_as_its_first_and_last_day(text: str, days: tuple[str, str] | None) -> None:
    found = written_dates.parse_days(text)
    assert (None if found is None else tuple(map(str, found))) == days


def test_a_cell_without_a_date_may_be_any_day_and_says_what_was_found() -> None:
    findings: list[Finding] = []
    assert study_tables.days_in(row(day="soon"), "day", TODAY, findings, "treatment_unplaced") == ANY_DAY
    assert study_tables.days_in(row(), "day", TODAY, findings, "treatment_unplaced") == ANY_DAY
    assert [one.message.split("found ")[-1] for one in findings] == ["'soon'", "none"]


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        (date(2020, 2, 1), date(2020, 2, 29), "2020-02"), (date(2020, 1, 1), date(2020, 12, 31), "2020"),
        (date(2020, 2, 3), None, "2020-02-03"), (date(2020, 2, 3), date(2020, 2, 3), "2020-02-03"), (*ANY_DAY, None),
    ],
)  # fmt: skip
def test_days_are_written_as_they_were_read(first: date, last: date | None, written: str | None) -> None:
    assert written_dates.written_days(first, last) == written


@pytest.mark.parametrize(
    ("cell", "clock"),
    [
        ("2020-01-02T09:30", time(9, 30)), ("2020-01-02 09:30:15.5", time(9, 30, 15)), ("2020-01-02T00:00", None),
        ("2020-01-02T00:00:01", time(0, 0, 1)), ("2020-01-02T24:01", None), ("2020-01-02", None),
        ("2020-01-02T09:30Z", None), (None, None),
    ],
)  # fmt: skip
def test_a_time_of_day_is_one_beside_a_date_in_its_own_zone(cell: str | None, clock: time | None) -> None:
    assert study_tables.time_in(row(day=cell), "day") == clock


# Numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0.0), ("1e-6", 1e-6), ("9.9e-7", None), ("200", 200.0), ("200.1", None), ("-1", None), ("1,5", None),
        ("nan", None), (".5", 0.5), ("5.", 5.0), ("1e3", None),
    ],
)  # fmt: skip
def test_a_number_is_nothing_or_from_a_millionth_up_to_its_limit(cell: str, value: float | None) -> None:
    findings: list[Finding] = []
    assert table_numbers.number_in(row(dose=cell), "dose", 200, findings) == value
    assert codes(findings) == ([] if value is not None else ["number_malformed"])


@pytest.mark.parametrize(
    ("cell", "age", "is_capped"),
    [
        ("89+", 89.0, True), (">89", 89.0, True), (">= 89", 89.0, True), ("≥90", 90.0, True), ("89", 89.0, False),
        ("100+", 100.0, True), ("9+", None, False), ("130", 130.0, False), ("131", None, False),
    ],
)  # fmt: skip
def test_an_age_of_which_the_lower_end_is_told_is_taken_and_said(cell: str, age: float | None, is_capped: bool) -> None:
    findings: list[Finding] = []
    assert table_numbers.age_in(row(age=cell), "age", clinical.HIGHEST_AGE_YEARS, findings) == age
    assert ("age_capped" in codes(findings)) == is_capped


@pytest.mark.parametrize(
    ("one", "other", "agree"), [(100.0, 99.0, True), (100.0, 98.99, False), (99.0, 100.0, True), (0.0, 0.0, True)]
)
def test_two_cells_say_the_same_within_one_percent_of_the_larger(one: float, other: float, agree: bool) -> None:
    assert own_number_rows._same(one, other) == agree


@pytest.mark.parametrize(
    ("column", "highest"),
    [
        ("volume_mm3", 1e6), ("volume_ml", 1e3), ("product_mm2", 1e5), ("long_mm", 1e3), ("perpendicular_mm", 1e3),
        ("longest_mm", 1e4), ("slices_spanned", 1e3),
    ],
)  # fmt: skip
def test_a_size_up_to_what_it_can_be_is_taken(column: str, highest: float) -> None:
    def measure(value: float) -> tuple[ImportedMeasure, list[Finding]]:
        findings: list[Finding] = []
        return own_number_rows.one_measure(Compartment.TUMOUR, [row(**{column: f"{value:.1f}"})], findings), findings

    taken, none_odd = measure(highest)
    assert none_odd == []
    assert taken.missing_reason in (None, NO_VOLUME)
    refused, odd = measure(highest + 0.5)
    assert codes(odd) == ["number_malformed"]
    assert refused.missing_reason == f"{column} could not be used (t.tsv line 2)"


@pytest.mark.parametrize(
    ("cv", "is_taken"), [("0.999", True), ("1", False), ("0", False), ("0.001", True), ("12", False)]
)
def test_an_error_lies_between_nothing_and_the_whole(cv: str, is_taken: bool) -> None:
    measure = own_number_rows.one_measure(Compartment.TUMOUR, [row(volume_mm3="500", volume_cv=cv)], [])
    assert (measure.volume_mm3 == 500.0) == is_taken


@pytest.mark.parametrize(
    ("cells", "volume_mm3", "product_mm2"),
    [
        ({"volume_ml": "1.5"}, 1500.0, None), ({"volume_mm3": "1500", "volume_ml": "1.5"}, 1500.0, None),
        ({"long_mm": "10", "perpendicular_mm": "8"}, None, 80.0), ({"long_mm": "10"}, None, None),
        ({"product_mm2": "81", "long_mm": "10", "perpendicular_mm": "8"}, None, None),
        ({"product_mm2": "0"}, 0.0, 0.0), ({"longest_mm": "0"}, 0.0, None), ({"longest_mm": "1"}, None, None),
        ({"volume_mm3": "1500", "volume_ml": "1.6"}, None, None), ({"volume_mm3": "0", "longest_mm": "5"}, None, None),
        ({"volume_mm3": "0", "longest_mm": "0"}, 0.0, None), ({"volume_mm3": "9", "longest_mm": "0"}, None, None),
    ],
)  # fmt: skip
def test_sizes_of_one_row_stand_for_one_another_where_they_agree(
    cells: dict[str, str], volume_mm3: float | None, product_mm2: float | None
) -> None:
    measure = own_number_rows.one_measure(Compartment.TUMOUR, [row(**cells)], [])
    assert (measure.volume_mm3, measure.product_mm2) == (volume_mm3, product_mm2)


def test_rows_that_say_the_same_count_once_and_rows_that_differ_not_at_all() -> None:
    findings: list[Finding] = []
    same = [row(line, volume_mm3="5") for line in (2, 3, 4)]
    assert own_number_rows.one_measure(Compartment.TUMOUR, same, findings).volume_mm3 == 5.0
    assert [one.message.split(":")[0] for one in findings] == ["t.tsv line 3", "t.tsv line 4"]
    odd: list[Finding] = []
    differing = own_number_rows.one_measure(Compartment.TUMOUR, [*same[:2], row(9, volume_mm3="6")], odd)
    assert differing.missing_reason == "lines 2 and 3 and 9 of t.tsv differ for this visit"
    assert odd[0].message.endswith("found line 2, 3 too")


def measured(volume_mm3: float | None, cv: float | None = 0.1, **more: float | bool | None) -> ImportedMeasure:
    return ImportedMeasure(
        Compartment.TUMOUR, volume_mm3, cv, missing_reason=None if volume_mm3 is not None else "why", **more
    )  # type: ignore[arg-type]


def test_a_sum_of_lesions_has_the_error_of_independent_ones() -> None:
    both = total_of({"L1": measured(300.0), "L2": measured(400.0)})
    assert both.volume_cv == pytest.approx(50.0 / 700.0)
    assert total_of({"L1": measured(300.0), "L2": measured(400.0, None)}).volume_cv is None
    assert total_of({"L1": measured(300.0), "L2": measured(0.0, None)}).volume_cv == pytest.approx(0.1)
    assert total_of({"L1": measured(0.0, None)}).volume_cv is None


def test_a_sum_of_lesions_has_what_all_of_them_have() -> None:
    one, other = measured(3.0, product_mm2=4.0, longest_mm=2.0, slices_spanned=3), measured(4.0, longest_mm=5.0)
    both = total_of({"L1": one, "L2": other})
    assert (both.product_mm2, both.longest_mm, both.slices_spanned) == (None, 7.0, 3)
    assert total_of({"L1": one, "L2": measured(None)}).missing_reason == "lesion L2: why"
    marked = total_of({"L1": measured(3.0, new_lesion=True), "L2": measured(None, leptomeningeal=False)})
    assert (marked.new_lesion, marked.leptomeningeal, marked.volume_mm3) == (True, False, None)


def test_a_lesion_of_earlier_days_without_a_row_is_not_gone() -> None:
    whole = with_unseen({"L2": measured(3.0)}, {"L1": measured(5.0), "L2": measured(9.0)})
    assert [(name, one.volume_mm3) for name, one in whole.items()] == [("L1", None), ("L2", 3.0)]


# How a table is written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_two_byte_letters_are_told_by_their_zeros(encoding: str) -> None:
    assert table_text._encoding_of("participant_id\tage".encode(encoding)) == encoding
    assert table_text._encoding_of(b"abc\tdef") == "utf-8-sig"
    assert table_text._encoding_of(b"") == "utf-8-sig"
    assert table_text._encoding_of(b"a\0b\0c") == "utf-8-sig", "an odd number of bytes is no text of two-byte letters"


@pytest.mark.parametrize(("plain", "is_wide"), [(8, False), (9, True)])
def test_more_than_four_fifths_of_the_other_bytes_are_zero_in_two_byte_letters(plain: int, is_wide: bool) -> None:
    text = "a" * plain + "\u0416" * (10 - plain)
    assert (table_text._encoding_of(text.encode("utf-16-le")) == "utf-16-le") == is_wide


@pytest.mark.parametrize(
    ("cell", "cleaned"),
    [('" a "', "a"), ('"', '"'), ('""', ""), ("\u200fa\u200b", "a"), (" a\u00a0", "a"), ('a"', 'a"'), ('"a', '"a')],
)
def test_a_cell_is_what_a_person_sees_of_it(cell: str, cleaned: str) -> None:
    assert study_tables._clean(cell) == cleaned


def read(text: str, tmp_path: Path, required: tuple[str, ...] = ("a",)) -> tuple[list[TableRow], list[str]]:
    (tmp_path / "t.tsv").write_text(text, encoding="utf-8")
    findings: list[Finding] = []
    return study_tables.read_table(tmp_path / "t.tsv", tmp_path, required, findings), codes(findings)


def test_lines_are_counted_from_the_first_of_the_file(tmp_path: Path) -> None:
    rows, odd_codes = read("\n\na\tb\n\n1\t2\n", tmp_path)
    assert [(one.line, dict(one.cells)) for one in rows] == [(5, {"a": "1", "b": "2"})]
    assert odd_codes == []


def test_a_row_of_another_length_is_said_and_only_a_longer_one_with_something_in_it_is_lost(tmp_path: Path) -> None:
    rows, odd_codes = read("a\tb\n1\n1\t2\t\n1\t2\t3\n", tmp_path)
    assert [dict(one.cells) for one in rows] == [{"a": "1", "b": None}, {"a": "1", "b": "2"}]
    assert odd_codes == ["row_short", "row_long"]


def test_columns_there_twice_agree_or_say_nothing(tmp_path: Path) -> None:
    rows, odd_codes = read("a\tb\tb\tb\n1\t2\t2\tn/a\n1\t2\t3\t2\n", tmp_path)
    assert [one.cells["b"] for one in rows] == ["2", None]
    assert odd_codes == ["column_repeated", "columns_differ"]


def test_an_unnamed_column_there_twice_is_nobodys_concern(tmp_path: Path) -> None:
    rows, odd_codes = read("a\t\t\n1\t2\t3\n", tmp_path)
    assert (rows[0].cells["a"], odd_codes) == ("1", [])


def test_a_header_of_one_column_with_other_marks_in_it_is_no_table_of_tabs(tmp_path: Path) -> None:
    assert read("a,b\n1,2\n", tmp_path) == ([], ["table_delimiter"])
    assert read("a\n1\n", tmp_path)[1] == []
    assert read("b\tc\n1\t2\n", tmp_path)[1] == ["column_missing"]


def test_a_cell_that_a_required_column_lacks_is_said_once_for_all_rows(tmp_path: Path) -> None:
    rows, _ = read("b\tc\n1\t2\n", tmp_path)
    findings: list[Finding] = []
    assert not study_tables.is_complete(rows[0], ("a",), findings)
    assert findings == []
    assert not study_tables.is_complete(rows[0], ("a", "d"), findings)
    assert codes(findings) == ["row_incomplete"]
    assert study_tables.is_complete(rows[0], ("b",), [])


def sized(volume_mm3: float | None, **more: bool) -> ImportedMeasure:
    return ImportedMeasure(Compartment.TUMOUR, volume_mm3=volume_mm3, **more)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([{"A": sized(300.0), "B": sized(150.0)}], set()),
        ([{"A": sized(300.0)}, {"A": sized(300.0), "B": sized(150.0)}], {"B"}),
        ([{"A": sized(300.0)}, {"B": sized(150.0)}], {"B"}),
        ([{"A": sized(300.0), "B": sized(None)}, {"B": sized(150.0)}], set()),  # nobody measured it before
        ([{"A": sized(300.0), "B": sized(0.0)}, {"B": sized(150.0)}], set()),  # known and gone, then there again
        ([{"A": sized(None)}, {"A": sized(300.0), "B": sized(150.0)}], set()),  # the first sizes of all
        ([{"A": sized(300.0, new_lesion=True)}], {"A"}),
    ],
)
def test_a_lesion_first_seen_after_others_is_a_tumour_of_its_own(
    days: list[dict[str, ImportedMeasure]], expected: set[str]
) -> None:
    assert new_tumours(days) == expected
