"""Tables with one row per day and a column for each compartment: the cyst and the enhancing part beside the tumour.

A row of solid tumour may give them in columns of its own, such as ``cyst_mm3`` and ``enhancing_ml``; it is read as if
each had a row. An empty cell is no row: not measured. What this module refuses: such columns in a row of something
else, where nobody could say what they are part of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.study.label_names import compartment_named
from pipeline.study.study_tables import TableRow

PARTS = (Compartment.CYST, Compartment.ENHANCING)
ENDINGS = {"mm3": "volume_mm3", "ml": "volume_ml", "cv": "volume_cv"}
COLUMNS = tuple(f"{part}_{ending}" for part in PARTS for ending in ENDINGS)
OF_VISIT = ("participant_id", "date")


def in_rows(table_rows: Iterable[TableRow], findings: list[Finding]) -> list[TableRow]:
    """Return rows of one compartment each, in the order of the table.

    Parameters
    ----------
    findings
        Cells that cannot be used are added.
    """
    return [one for row in table_rows for one in _apart(row, findings)]


def _apart(row: TableRow, findings: list[Finding]) -> Iterator[TableRow]:
    yield row
    given = [name for name in COLUMNS if row.cells.get(name) is not None]
    if not given:
        return
    if not _is_tumour(row):
        words = f"expected {', '.join(given)} in a row of solid tumour, found it beside '{row.cells['compartment']}'"
        findings.append(row.problem("cells_differ", words))
        return
    for part in PARTS:
        sizes = {name: row.cells.get(f"{part}_{ending}") for ending, name in ENDINGS.items()}
        if any(cell is not None for cell in sizes.values()):
            visit = {name: row.cells.get(name) for name in OF_VISIT}
            yield replace(row, cells={**visit, "compartment": str(part), **sizes})


def _is_tumour(row: TableRow) -> bool:
    name = row.cells.get("compartment")
    return "compartment" not in row.cells or (name is not None and compartment_named(name) == Compartment.TUMOUR)
