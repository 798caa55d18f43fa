"""Rows added to a table of a study: what stands there stays as it is, and what cannot be read is not added to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.study.table_append import append_rows, cell, rows_there

COLUMNS = ("participant_id", "date", "kind")
NEW = [{"participant_id": "sub-02", "date": "2020-05-01", "kind": "surgery"}]


def table(folder: Path, content: bytes) -> Path:
    path = folder / "treatments.tsv"
    path.write_bytes(content)
    return path


def test_a_table_that_is_not_there_is_made_and_has_no_rows_yet(tmp_path: Path) -> None:
    path = tmp_path / "treatments.tsv"
    assert rows_there(path, tmp_path) == []
    assert append_rows(path, COLUMNS, NEW) == 1
    assert path.read_bytes() == b"participant_id\tdate\tkind\nsub-02\t2020-05-01\tsurgery\n"
    assert append_rows(path, COLUMNS, []) == 0
    assert rows_there(path, tmp_path) == NEW


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("is_closed", [True, False])
def test_what_stands_there_stays_byte_for_byte_with_its_columns_and_line_ends(
    tmp_path: Path, end: str, is_closed: bool
) -> None:
    content = end.join(["Date\tpatient_id\tnotes\tkind", "2019-01-01\t01\tas told\tsurgery"]) + (
        end if is_closed else ""
    )
    path = table(tmp_path, content.encode())
    append_rows(path, COLUMNS, NEW)
    assert path.read_bytes().startswith(content.encode())
    assert path.read_bytes().decode().split(end)[2:] == ["2020-05-01\tsub-02\tn/a\tsurgery", ""]


def test_rows_are_read_with_the_prefix_of_the_patient_and_empty_cells(tmp_path: Path) -> None:
    path = table(tmp_path, b"participant_id\tdate\tkind\n01\t2019-01-01\tn/a\n")
    assert rows_there(path, tmp_path) == [{"participant_id": "sub-01", "date": "2019-01-01", "kind": ""}]


@pytest.mark.parametrize("content", [b"date\tkind\n2019-01-01\tsurgery\n", b"\xff\xfe\x00\xd8broken"])
def test_a_table_that_cannot_be_read_is_not_added_to(tmp_path: Path, content: bytes) -> None:
    path = table(tmp_path, content)
    with pytest.raises(InputError, match="correct the table before rows are added to it"):
        rows_there(path, tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"participant_id\tdate\tkind\n01\t2019-01-01\tsurgery\tmore\n", b"participant_id\tdate\tkind\n01\t2019-01-01\n"],
    ids=["a long row", "a short row"],
)
def test_a_row_of_another_length_is_no_reason_to_refuse_the_table(tmp_path: Path, content: bytes) -> None:
    assert rows_there(table(tmp_path, content), tmp_path) is not None


def test_a_value_without_a_column_for_it_is_never_dropped(tmp_path: Path) -> None:
    path = table(tmp_path, b"participant_id\tdate\n")
    with pytest.raises(InputError, match="expected a column kind for the rows to add, found none; add it"):
        append_rows(path, COLUMNS, NEW)
    assert path.read_bytes() == b"participant_id\tdate\n"
    assert append_rows(path, COLUMNS, [{**NEW[0], "kind": None}]) == 1, (
        "nothing is lost of a row that says nothing there"
    )


@pytest.mark.parametrize(
    ("content", "words"), [(b" \n", "found an empty file"), (b"participant_id\xff\n", "expected UTF-8 text")]
)
def test_what_is_no_table_is_not_added_to(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        append_rows(table(tmp_path, content), COLUMNS, NEW)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "n/a"), ("", "n/a"), (0, "0"), (1.5, "1.5"), ("a\tb\nc", "a b c"), ("=1+1", "'=1+1")]
)
def test_a_cell_is_one_cell_and_missing_is_never_zero(value: object, text: str) -> None:
    assert cell(value) == text
