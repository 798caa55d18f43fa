"""Putting what a table says of patients and treatments beside its sizes into a study: rows that are new, gaps filled.

A second table often knows what the first did not: a syndrome, the extent of an operation. What this module refuses: to
change a word that stands there. Where it differs, that is a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.syndromes import coded
from pipeline.study.clinical import YES_NO
from pipeline.study.study_tables import TableRow, read_table
from pipeline.study.table_append import append_rows, cell, fill_cells, rows_there
from pipeline.study.written_numbers import readings

SAME_DOSE = 1e-6
TELLS_APART = "agent"
"""Two treatments of one kind and day with other words here are two."""


def add_facts(
    path: Path,
    bids_dir: Path,
    columns: Sequence[str],
    given: Iterable[Mapping[str, Any]],
    keys: Callable[[Mapping[str, Any]], Iterable[tuple[str, ...]]],
    findings: list[Finding],
) -> int:
    """Add the rows that a table lacks, and fill the gaps of those that it has.

    Parameters
    ----------
    columns
        Of the table.
    given
        Rows, values of any kind by column.
    keys
        What a row may be known by, of one given or one that stands there.

    Returns
    -------
    int
        How many rows were added.
    """
    rows_there(path, bids_dir)  # refuses a table that rows cannot be added to
    written = read_table(path.resolve(), bids_dir.resolve(), (), []) if path.exists() else []
    there = {row.line: row for row in written}
    known_as = {row.line: set(keys({**row.cells, "participant_id": row.patient_id or ""})) for row in written}
    new, gaps = [], dict[int, dict[str, str]]()
    for row in given:
        values = {name: cell(row.get(name)) for name in columns}
        same = [there[line] for line, its_keys in known_as.items() if its_keys & set(keys(row))]
        odd = {one.line: _differing(one, values, columns) for one in same}
        fitting = next((one for one in same if not odd[one.line]), None)
        if fitting is not None:
            missing = {name: values[name] for name in columns if _is_gap(fitting, name) and values[name] != "n/a"}
            gaps[fitting.line] = gaps.get(fitting.line, {}) | missing
            there[fitting.line] = replace(fitting, cells={**fitting.cells, **missing})
        elif all(TELLS_APART in odd[one.line] and one.cells.get(TELLS_APART) for one in same):
            new.append(row)
        else:
            findings.append(_contradiction(same[0], values, odd[same[0].line]))
    fill_cells(path, {line: cells for line, cells in gaps.items() if cells})
    return append_rows(path, columns, new)


def _is_gap(row: TableRow, name: str) -> bool:
    return name in row.cells and row.cells[name] is None


def _differing(row: TableRow, values: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """Return the columns of which row and values say different things; those by which they are known are alike."""
    return [name for name in columns[1:] if name not in ("date", "kind") and not _agree(name, row, values[name])]


def _agree(name: str, row: TableRow, value: str) -> bool:
    here = row.cells.get(name)
    if here is None or value == "n/a":
        return value == "n/a" or _is_gap(row, name)  # a column that the table lacks cannot be filled
    if here.casefold() == value.casefold():
        return True
    if name == "syndrome":
        return coded(here) == coded(value)
    if name == "enhancing_tumour":
        return YES_NO.get(here.casefold()) == YES_NO.get(value.casefold())
    return any(abs(one.value - other.value) < SAME_DOSE for one in readings(here) for other in readings(value))


def _contradiction(row: TableRow, values: Mapping[str, str], odd: Sequence[str]) -> Finding:
    here = ", ".join(f"{name} {row.cells.get(name) or 'not there'}" for name in odd)
    words = f"expected {here} as it stands, found {', '.join(values[name] for name in odd)} in the imported table"
    return finding("import_contradicts", f"{row.where}: {words}", row.table, patient_id=row.patient_id)
