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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.vocabulary import ANY_DAY
from pipeline.core.written_day import WrittenDay, span
from pipeline.study.names import relative_to, with_prefix
from pipeline.study.table_text import text_of
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


@dataclass(frozen=True)
class TableColumns:
    """A table and its columns, those that it should have and lacks, and the line of its header."""

    table: str
    names: list[str]
    absent: frozenset[str]
    line: int

    @cached_property
    def repeated(self) -> list[str]:
        """The columns that are there more than once, also those without a name."""
        return [name for name in dict.fromkeys(self.names) if self.names.count(name) > 1]


@dataclass(frozen=True)
class WrittenLines:
    """A table of which only the header was read; ``lines`` holds all of it, line 1 first."""

    columns: TableColumns
    delimiter: str
    lines: Sequence[str]

    @property
    def numbers(self) -> range:
        """The numbers of the lines below the header."""
        return range(self.columns.line + 1, len(self.lines) + 1)

    def rows(self, numbers: Iterable[int], findings: list[Finding]) -> list[TableRow]:
        """Return the rows of some lines, with decimal points and no marks between thousands in their numbers."""
        lines = ((number, _parted(self.lines[number - 1], self.delimiter)) for number in numbers)
        return _rows(self.columns, lines, findings)

    def cells(self, column: str) -> list[str | None]:
        """Return what the lines below the header have in one column; None where a line, or the column, is too short."""
        place = self.columns.names.index(column) if column in self.columns.names else len(self.columns.names)
        parted = (_parted(self.lines[number - 1], self.delimiter, place + 1) for number in self.numbers)
        written = [cells[place] if place < len(cells) else None for cells in parted]
        cleaned = {cell: _clean(cell) for cell in set(written) if cell is not None}
        return [None if cell is None else cleaned[cell] for cell in written]


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
    text = text_of(path, root, findings)
    if text is None:
        return []
    table, lines = relative_to(root, path), enumerate((line.split("\t") for line in LINE_END.split(text)), start=1)
    columns = _columns(table, lines, required, findings)
    table_rows = [] if columns is None else _rows(columns, lines, findings)
    return _written_by(table_rows, _numbers(table_rows))


def read_delimited(path: Path, root: Path, required: tuple[str, ...], findings: list[Finding]) -> list[TableRow]:
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
    """
    lines = lines_of(path, root, required, findings)
    if lines is None:
        return []
    table_rows = lines.rows(lines.numbers, findings)
    return _written_by(table_rows, replace(_numbers(table_rows), has_comma_columns=lines.delimiter == ","))


def lines_of(path: Path, root: Path, required: tuple[str, ...], findings: list[Finding]) -> WrittenLines | None:
    """Return a table as :func:`read_delimited` takes it, its rows not read yet; None, with a finding, without any."""
    text = text_of(path, root, findings)
    if text is None:
        return None
    written = LINE_END.split(text)
    header = next((line for line in written if line.strip()), "")
    delimiter = next((mark for mark in DELIMITERS if mark in header), DELIMITERS[0])
    numbered = enumerate((_parted(line, delimiter) for line in written), start=1)
    columns = _columns(relative_to(root, path), numbered, required, findings)
    return None if columns is None else WrittenLines(columns, delimiter, written)


def _numbers(table_rows: Iterable[TableRow]) -> WrittenNumbers:
    return numbers_in((row.line, tuple(map(row.cells.get, WHOSE)), row.cells) for row in table_rows)


def _written_by(table_rows: Iterable[TableRow], numbers: WrittenNumbers) -> list[TableRow]:
    """Return the rows with how their table writes numbers."""
    return [TableRow(row.table, row.line, row.cells, row.absent, numbers) for row in table_rows]


def _parted(line: str, delimiter: str, most: int = -1) -> list[str]:
    """Return the cells of a line; where ``most`` is given, at least so many, and the rest of it may be left whole."""
    if '"' not in line:
        return line.split(delimiter, most) if line else []
    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:  # a cell longer than the reader takes
        return line.split(delimiter)


def _columns(
    table: str, lines: Iterable[tuple[int, list[str]]], required: tuple[str, ...], findings: list[Finding]
) -> TableColumns | None:
    """Return the columns of a table from its first line that is not empty; None, with a finding, without usable ones.

    Parameters
    ----------
    lines
        Each with its number; those up to the header are taken.
    """
    cleaned = ((number, list(map(_clean, cells))) for number, cells in lines)
    line, header = next(((number, cells) for number, cells in cleaned if any(cells)), (0, None))
    if header is None:
        findings.append(finding("table_empty", f"{table}: expected a header and rows, found nothing", table))
        return None
    names = [COLUMN_ALIASES.get(name, name) for name in map(str.lower, header)]
    if not _header_is_usable(names, required, table, findings):
        return None
    return TableColumns(table, names, frozenset(required) - frozenset(names), line)


def _rows(columns: TableColumns, lines: Iterable[tuple[int, list[str]]], findings: list[Finding]) -> list[TableRow]:
    """Return the rows of numbered lines below a header; how their table writes numbers is not said yet."""
    cleaned = ((number, list(map(_clean, cells))) for number, cells in lines)
    optional_rows = (_row(columns, number, cells, findings) for number, cells in cleaned if any(cells))
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
    text = text_of(path, root, findings) if path.exists() or path.is_symlink() else None
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


def _row(columns: TableColumns, line: int, cells: list[str], findings: list[Finding]) -> TableRow | None:
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
