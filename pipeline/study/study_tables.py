"""Tables read row by row with their line numbers; a bad cell costs that cell, never the table.

The tables of a study are tab-separated; those of other programs (:func:`read_delimited`) may have commas or semicolons
between their columns. Quotation marks never group lines: an unclosed one would swallow the rows after it. Cells are
stripped of surrounding spaces and of one matching pair of quotation marks. A date's order is not guessed.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.vocabulary import ANY_DAY
from pipeline.core.written_day import WrittenDay, span
from pipeline.files.content_pointers import pointer_in
from pipeline.study.names import is_inside, relative_to, with_prefix
from pipeline.study.written_dates import parse_date, parse_days
from pipeline.study.written_numbers import NUMBER_COLUMNS, WrittenNumbers, numbers_in

Word = TypeVar("Word")

MISSING = frozenset({"", "n/a", "na", "nan", "null"})
"""Cells that mean *not known*, in any case. ``none`` is not among them: no syndrome is an answer."""

COLUMN_ALIASES = {
    "age_years": "age",
    "center": "centre",
    "date_of_death": "died_on",
    "h3_k27_status": "h3_k27",
    "h3_k27m": "h3_k27",
    "h3_status": "h3_k27",
    "h3k27": "h3_k27",
    "h3k27_status": "h3_k27",
    "h3k27m": "h3_k27",
    "h3_k27_altered": "h3_k27",
    "k27m": "h3_k27",
    "death_date": "died_on",
    "last_contact": "last_contact_on",
    "last_contact_date": "last_contact_on",
    "mycn_amplification": "mycn",
    "mycn_amplified": "mycn",
    "mycn_status": "mycn",
    "n_myc": "mycn",
    "nmyc": "mycn",
    "patient_id": "participant_id",
    "site": "centre",
    "tumor_related": "tumour_related",
}
CLOCK = re.compile(r"\d{4}-\d{2}-\d{2}[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?", re.ASCII)
WHOSE = ("participant_id", "compartment", "lesion_id")
"""Columns that say whose size a row gives."""
LINE_END = re.compile(r"\r\n|\r|\n")
DELIMITERS = ("\t", ";", ",")
WORKBOOKS = {b"PK\x03\x04": "a spreadsheet's workbook (.xlsx or .ods)", b"\xd0\xcf\x11\xe0": "a workbook (.xls)"}
"""First bytes of what is no table but named like one."""
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MOSTLY_ZERO = 0.8
"""Share of every other byte that is zero in a table of ASCII letters written as UTF-16."""

INVISIBLE = frozenset({"Cf", "Cc"})
"""Unicode categories of letters that nobody sees: marks of direction, joiners, control characters."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a table.

    Attributes
    ----------
    table
        Path relative to the study folder, with ``/``.
    line
        Counted from 1, the header being line 1.
    cells
        By column name, lower case; a missing cell is None.
    absent
        Required columns that the table lacks, which is said once for all rows.
    numbers
        How the table writes numbers; None where it is known to write decimal points.
    """

    table: str
    line: int
    cells: Mapping[str, str | None]
    absent: frozenset[str] = frozenset()
    numbers: WrittenNumbers | None = field(default=None, compare=False, repr=False)

    @property
    def where(self) -> str:
        """The place as a reader of the table would look for it."""
        return f"{self.table} line {self.line}"

    @property
    def patient_id(self) -> str | None:
        """The patient of the row, with ``sub-``; None when missing or not a BIDS label."""
        cell = self.cells.get("participant_id")
        return None if cell is None else with_prefix("sub", cell)

    def problem(self, code: str, message: str) -> Finding:
        """Return a finding about this row."""
        return finding(code, f"{self.where}: {message}", self.table, patient_id=self.patient_id)


def read_table(path: Path, root: Path, required: tuple[str, ...], findings: list[Finding]) -> list[TableRow]:
    """Read a table's rows; empty, with a finding, when it cannot be used.

    Parameters
    ----------
    path
        A file inside ``root``.
    required
        Columns without which no row is complete; one that is missing costs what depends on it, never the other cells.
    findings
        What is odd is added.
    """
    text = _text(path, root, findings)
    if text is None:
        return []
    lines = (line.split("\t") for line in LINE_END.split(text))
    table_rows = _rows(relative_to(root, path), lines, required, findings)
    return _written_by(table_rows, _numbers(table_rows))


def read_delimited(
    path: Path, root: Path, required: tuple[str, ...], findings: list[Finding], *, has_points: bool = False
) -> list[TableRow]:
    """Read the rows of another program's table, whose columns are parted by tabs, semicolons or commas.

    What stands in the header decides, tabs before semicolons before commas; a quoted cell may hold the delimiter.

    Parameters
    ----------
    path
        A file inside ``root``.
    required
        Columns without which the table is useless.
    findings
        What is odd is added.
    has_points
        The table is known to write fractions with decimal points and no marks between thousands.
    """
    text = _text(path, root, findings)
    if text is None:
        return []
    written = LINE_END.split(text)
    header = next((line for line in written if line.strip()), "")
    delimiter = next((mark for mark in DELIMITERS if mark in header), DELIMITERS[0])
    lines = (_parted(line, delimiter) for line in written)
    table_rows = _rows(relative_to(root, path), lines, required, findings)
    if has_points:
        return table_rows
    return _written_by(table_rows, replace(_numbers(table_rows), has_comma_columns=delimiter == ","))


def _numbers(table_rows: Iterable[TableRow]) -> WrittenNumbers:
    return numbers_in((row.line, tuple(map(row.cells.get, WHOSE)), row.cells) for row in table_rows)


def _written_by(table_rows: Iterable[TableRow], numbers: WrittenNumbers) -> list[TableRow]:
    """Return the rows with how their table writes numbers."""
    return [TableRow(row.table, row.line, row.cells, row.absent, numbers) for row in table_rows]


def _parted(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter) if line else []
    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:  # a cell longer than the reader takes
        return line.split(delimiter)


def _rows(table: str, lines: Iterable[list[str]], required: tuple[str, ...], findings: list[Finding]) -> list[TableRow]:
    """Return the rows of a table's lines; how it writes numbers is not said yet."""
    cleaned = ((number, [_clean(cell) for cell in cells]) for number, cells in enumerate(lines, start=1))
    written = ((number, cells) for number, cells in cleaned if any(cells))
    _, header = next(written, (0, None))
    if header is None:
        findings.append(finding("table_empty", f"{table}: expected a header and rows, found nothing", table))
        return []
    columns = [COLUMN_ALIASES.get(name, name) for name in map(str.lower, header)]
    if not _header_is_usable(columns, required, table, findings):
        return []
    place = _Columns(table, columns, frozenset(required) - frozenset(columns))
    optional_rows = (_row(place, line, cells, findings) for line, cells in written)
    return [row for row in optional_rows if row is not None]


def unread_columns(table_rows: Iterable[TableRow], read: frozenset[str]) -> list[Finding]:
    """Name the columns of a table that are not read: a date of death under another name would be no death."""
    lines = list(table_rows)
    unread = sorted({name for row in lines for name in row.cells if name} - read)
    if not unread or any(row.absent for row in lines):  # else the columns that are missing are said
        return []
    table = lines[0].table
    message = f"{table}: expected {', '.join(sorted(read))}, found also {', '.join(unread)}"
    return [finding("column_unread", message, table)]


def is_complete(row: TableRow, columns: tuple[str, ...], findings: list[Finding]) -> bool:
    """Say whether every named cell of a row is filled; a finding names those that are not, but for absent columns."""
    missing = [column for column in columns if row.cells.get(column) is None]
    if set(missing) - row.absent:
        findings.append(row.problem("row_incomplete", f"expected {', '.join(columns)}, found no {', '.join(missing)}"))
    return not missing


def date_in(row: TableRow, column: str, as_of: date, findings: list[Finding]) -> date | None:
    """Return a cell's date (a time of day is dropped); None when missing, malformed or after ``as_of``."""
    cell = row.cells.get(column)
    if cell is None:
        return None
    day = parse_date(cell)
    if day is None:
        findings.append(row.problem("date_malformed", f"expected a date YYYY-MM-DD in {column}, found '{cell}'"))
        return None
    if day > as_of:
        findings.append(row.problem("date_future", f"expected {column} up to {as_of}, found {day}"))
        return None
    return day


def span_in(row: TableRow, column: str, as_of: date, findings: list[Finding]) -> date | None:
    """Return a cell's date, as :func:`date_in`; of a month or a year its first day, which knows what was written."""
    days = parse_days(row.cells.get(column) or "")
    if days is None or days[0] == days[1]:
        return date_in(row, column, as_of, findings)
    if days[0] > as_of:
        findings.append(row.problem("date_future", f"expected {column} up to {as_of}, found {row.cells[column]}"))
        return None
    findings.append(row.problem("date_partial", f"expected a whole date in {column}, found '{row.cells[column]}'"))
    first, last = days
    return WrittenDay(first.year, first.month, first.day, span(first, last), min(last, as_of))


def days_in(row: TableRow, column: str, as_of: date, findings: list[Finding], code: str) -> tuple[date, date] | None:
    """Return the first and the last day that a cell may mean; every day there is when it cannot be read at all.

    Parameters
    ----------
    code
        Of the finding for a cell without a readable date.

    Returns
    -------
    tuple or None
        None, with a finding, for what is yet to come.
    """
    cell = row.cells.get(column)
    days = None if cell is None else parse_days(cell)
    if days is None:
        written = "none" if cell is None else f"'{cell}'"
        findings.append(row.problem(code, f"expected a date YYYY-MM-DD, YYYY-MM or YYYY in {column}, found {written}"))
        return ANY_DAY
    if days[0] > as_of:
        findings.append(row.problem("date_future", f"expected {column} up to {as_of}, found {cell}"))
        return None
    if days[0] != days[1]:
        findings.append(row.problem("date_partial", f"expected a whole date in {column}, found '{cell}'"))
    return days


def time_in(row: TableRow, column: str) -> time | None:
    """Return the time of day that a date has beside it; None where there is none, at midnight, or in another zone.

    Midnight is what programs write that know only the day.
    """
    match = CLOCK.fullmatch(row.cells.get(column) or "")
    try:
        clock = time.fromisoformat(match[1]) if match else None
    except ValueError:  # a time that no clock has
        return None
    return None if clock == time.min else clock


def word_in(row: TableRow, column: str, words: Mapping[str, Word], findings: list[Finding]) -> Word | None:
    """Return what a cell's word stands for (any case); None when missing or not among ``words``."""
    cell = row.cells.get(column)
    if cell is None:
        return None
    if cell.lower() in words:
        return words[cell.lower()]
    findings.append(row.problem("word_unknown", f"expected one of {', '.join(words)} in {column}, found '{cell}'"))
    return None


def read_json(path: Path, root: Path, findings: list[Finding]) -> dict[str, Any]:
    """Read a JSON object; empty when the file is not there, or, with a finding, when it holds something else."""
    text = _text(path, root, findings) if path.exists() or path.is_symlink() else None
    if text is None:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    relative = relative_to(root, path)
    findings.append(finding("json_unreadable", f"{relative}: expected a JSON object, found something else", relative))
    return {}


def _text(path: Path, root: Path, findings: list[Finding]) -> str | None:
    table = relative_to(root, path)
    if not is_inside(path, root, findings):
        return None
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError as error:
        findings.append(finding("file_unreadable", f"{table}: expected text, found: {error.strerror}", table))
        return None
    if content is None:
        findings.append(finding("file_unreadable", f"{table}: expected a file, found something else", table))
        return None
    other = _other_than_text(content)
    if other is not None:
        findings.append(finding("file_unreadable", f"{table}: expected text, found {other}", table))
        return None
    encoding = _encoding_of(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        message = f"{table}: expected UTF-8 text, found other bytes; letters beyond ASCII may be read as others"
        findings.append(finding("table_encoding", message, table))
        # letters that differ stay different, so that no two people become one
        return content.decode("cp1252" if encoding == "utf-8-sig" else encoding, errors="replace")


def _other_than_text(content: bytes) -> str | None:
    """Say what a file is that is no text, and what to do; None for text."""
    pointer = pointer_in(content)
    if pointer is not None:
        return f"{pointer.what}; {pointer.remedy}"
    workbook = next((name for start, name in WORKBOOKS.items() if content.startswith(start)), None)
    return None if workbook is None else f"{workbook}; save its sheet as CSV (UTF-8)"


def _encoding_of(content: bytes) -> str:
    """Return how a text is written: UTF-16 by its mark, or by the zeros beside its ASCII letters; UTF-8 else."""
    if content.startswith(UTF16_MARKS):
        return "utf-16"
    halves = {"utf-16-le": content[1::2], "utf-16-be": content[::2]}
    zeros = {name: half.count(0) / max(len(half), 1) for name, half in halves.items()}
    likely = max(zeros, key=lambda name: zeros[name])
    return likely if len(content) % 2 == 0 and zeros[likely] > MOSTLY_ZERO else "utf-8-sig"


def _header_is_usable(columns: list[str], required: tuple[str, ...], table: str, findings: list[Finding]) -> bool:
    """Say whether rows can be told apart into cells; what single columns lack is said and costs only those."""
    if len(columns) == 1 and re.search(r"[,; ]", columns[0]):
        message = f"{table}: expected tabs between columns, found '{columns[0]}'"
        findings.append(finding("table_delimiter", message, table))
        return False
    missing = [column for column in required if column not in columns]
    repeated = sorted({column for column in columns if column and columns.count(column) > 1})
    if missing:
        message = f"{table}: expected the columns {', '.join(required)}, found no {', '.join(missing)}"
        findings.append(finding("column_missing", message, table))
    if repeated:
        message = f"{table}: expected each column once, found {', '.join(repeated)} more than once"
        findings.append(finding("column_repeated", message, table))
    return True


@dataclass(frozen=True)
class _Columns:
    """A table and its columns, and those that it should have and lacks."""

    table: str
    names: list[str]
    absent: frozenset[str]

    @cached_property
    def repeated(self) -> list[str]:
        """The columns that are there more than once, also those without a name."""
        return [name for name in dict.fromkeys(self.names) if self.names.count(name) > 1]


def _row(columns: _Columns, line: int, cells: list[str], findings: list[Finding]) -> TableRow | None:
    names = columns.names
    values = [None if cell.lower() in MISSING else sys.intern(cell) for cell in cells]
    values += [None] * (len(names) - len(values))
    merged = _merged(names, values) if columns.repeated else dict(zip(names, values, strict=False))
    row = TableRow(columns.table, line, merged, columns.absent)
    if len(cells) == len(names) and not columns.repeated:
        return row
    counted = f"expected {len(names)} cells, found {len(cells)}"
    if any(cells[len(names) :]) or (len(cells) > len(names) and _parts_a_number(names, cells)):
        findings.append(row.problem("row_long", counted))
        return None
    if len(cells) < len(names):
        findings.append(row.problem("row_short", counted))
    for column in columns.repeated:
        values_given = {
            value for name, value in zip(names, values, strict=False) if name == column and value is not None
        }
        if column and len(values_given) > 1:
            words = f"expected one value of {column}, found {' and '.join(sorted(values_given))}; neither is used"
            findings.append(row.problem("columns_differ", words))
    return row


def _parts_a_number(columns: list[str], cells: list[str]) -> bool:
    """Say whether a decimal comma may have parted a number into two cells, of which the row then has one too many."""
    pairs = zip(columns, cells[:-1], cells[1:], strict=False)
    return any(name in NUMBER_COLUMNS and one.isdigit() and other.isdigit() for name, one, other in pairs)


def _merged(columns: list[str], values: list[str | None]) -> dict[str, str | None]:
    """Return the cells by column; of columns that are there twice what they agree on, None where they differ."""
    values_by_column: dict[str, list[str]] = {column: [] for column in columns}
    for column, value in zip(columns, values, strict=False):
        if value is not None and value not in values_by_column[column]:
            values_by_column[column].append(value)
    return {
        column: column_values[0] if len(column_values) == 1 else None
        for column, column_values in values_by_column.items()
    }


def _clean(cell: str) -> str:
    if not cell.isascii() or not cell.isprintable():  # what a person sees in the table is what is read
        cell = "".join(letter for letter in cell if unicodedata.category(letter) not in INVISIBLE)
    cell = cell.strip()
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell
