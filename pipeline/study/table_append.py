"""Adding rows to a tab-separated table of a study, and words where none stand: all else stays, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.core.records import Finding
from pipeline.errors import InputError
from pipeline.files import atomic
from pipeline.files.spreadsheet import harmless_cell
from pipeline.study.study_tables import COLUMN_ALIASES, MISSING, read_table

ANY_LINE_END = re.compile(r"(\r\n|\r|\n)")
Rows = Sequence[Mapping[str, Any]]


def rows_there(path: Path, bids_dir: Path) -> list[dict[str, str]]:
    """Return a table's rows as they stand; a patient is named with ``sub-``.

    Raises
    ------
    InputError
        The table cannot be read, so nothing may be added to it.
    """
    findings: list[Finding] = []
    table_rows = read_table(path.resolve(), bids_dir.resolve(), ("participant_id",), findings) if path.exists() else []
    broken = next((f for f in findings if f.severity == "error" and f.code != "row_long"), None)
    if broken is not None:
        raise InputError(f"{broken.message}; correct the table before rows are added to it")
    return [
        {**{k: v or "" for k, v in row.cells.items()}, "participant_id": row.patient_id or ""} for row in table_rows
    ]


def append_rows(path: Path, columns: Sequence[str], new_rows: Rows, later: Sequence[str] = ()) -> int:
    """Add rows to a tab-separated table under the columns that it has; a table that is not there is made.

    Parameters
    ----------
    later
        Columns that are added, behind all others and without a value, where the table lacks them.

    Returns
    -------
    int
        How many rows were added.
    """
    if not new_rows:
        return 0
    text = _text_there(path) if path.exists() else "\t".join(columns) + "\n"
    end = "\r\n" if "\r\n" in text else "\n"
    added = [name for name in later if name not in _columns_of(text)]
    text = _widened(text, added) if added else text
    wanted = _columns_of(text)
    lost = sorted({name for row in new_rows for name in columns if name not in wanted and cell(row.get(name)) != "n/a"})
    if lost:
        raise InputError(f"{path.name}: expected a column {', '.join(lost)} for the rows to add, found none; add it")
    lines = ["\t".join(cell(row.get(name)) for name in wanted) + end for row in new_rows]
    gap = "" if text.endswith(("\n", "\r")) else end
    atomic.write_text(path, text + gap + "".join(lines))
    return len(new_rows)


def fill_cells(path: Path, cells: Mapping[int, Mapping[str, str]]) -> None:
    """Write into cells of a tab-separated table that are empty or ``n/a``; all others stay, byte for byte.

    Parameters
    ----------
    cells
        By line, counted from 1, and column.
    """
    if not cells:
        return
    text = _text_there(path)
    names, parts = _columns_of(text), ANY_LINE_END.split(text)
    for line, values in cells.items():
        written = parts[2 * (line - 1)].split("\t")
        for column, value in values.items():
            place = names.index(column) if column in names else len(written)
            if place < len(written) and written[place].strip().lower() in MISSING:
                written[place] = cell(value)
        parts[2 * (line - 1)] = "\t".join(written)
    atomic.write_text(path, "".join(parts))


def _columns_of(text: str) -> list[str]:
    header = next(line for line in text.splitlines() if line.strip())
    names = [name.strip().strip('"\ufeff').lower() for name in header.split("\t")]
    return [COLUMN_ALIASES.get(name, name) for name in names]


def _widened(text: str, added: Sequence[str]) -> str:
    """Return a table with columns behind all others; rows with more or fewer cells than its header stay as they are."""
    lines = text.splitlines(keepends=True)
    header = next(number for number, line in enumerate(lines) if line.strip())
    cells = lines[header].count("\t")
    for number, line in enumerate(lines):
        bare = line.rstrip("\r\n")
        if number >= header and bare.strip() and bare.count("\t") == cells:
            further = added if number == header else ["n/a"] * len(added)
            lines[number] = "\t".join([bare, *further]) + line[len(bare) :]
    return "".join(lines)


def _text_there(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name}: expected UTF-8 text to add rows to, found other bytes; save it again"
        ) from error
    if not text.strip():
        raise InputError(f"{path.name}: expected a header to add rows under, found an empty file; remove it")
    return text


def cell(value: Any) -> str:
    """Return a cell's text; missing is ``n/a``, tabs and line ends would make other cells of it."""
    if value is None or value == "":
        return "n/a"
    return str(harmless_cell(" ".join(str(value).split()))) if isinstance(value, str) else str(value)
