"""Which import first gave a visit of a table, so that rows which are added later never change what it is called.

An import adds its rows below all others and names itself in each. What this module refuses: to tell an order among rows
of one import, which came together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time

from pipeline.study.study_tables import TableRow, time_in

SOURCE = "source"
"""The column in which an import names itself, with its lines behind the word."""
LINES = " line "


@dataclass(frozen=True, slots=True)
class FirstGiven:
    """Which of the imports first gave a visit, counted from 0, and the earliest time of the rows that it gave."""

    order: int = 0
    at: time | None = None


def import_order(table_rows: Iterable[TableRow]) -> Mapping[int, int]:
    """Return for each line the number of the import that added it; a line that names none was added by itself."""
    numbers: dict[str | int, int] = {}
    order = {}
    for row in sorted(table_rows, key=lambda one: one.line):
        source = row.cells.get(SOURCE)
        key = row.line if source is None else source.rsplit(LINES, maxsplit=1)[0]
        order[row.line] = numbers.setdefault(key, len(numbers))
    return order


def first_given(
    lines: Iterable[int], rows_by_line: Mapping[int, TableRow], order: Mapping[int, int], column: str
) -> FirstGiven:
    """Return when a visit was first given.

    Parameters
    ----------
    lines
        Of the visit, at least one.
    order
        As :func:`import_order` returns it.
    column
        Where day and time stand.
    """
    here = list(lines)
    first = min(order[line] for line in here)
    times = (time_in(rows_by_line[line], column) for line in here if order[line] == first)
    return FirstGiven(first, min((clock for clock in times if clock is not None), default=None))
