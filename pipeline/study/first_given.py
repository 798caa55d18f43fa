"""Which import first gave a visit of a table, so that rows which are added later never change what it is called.

An import adds its rows below all others, names itself in each, and writes what the visit is called. What this module
refuses: to tell an order among rows of one import, which came together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time

from pipeline.files import fingerprints
from pipeline.study.study_tables import TableRow, time_in

NAME = "session_id"
"""The column in which an import writes what the visit of a row is called, for good."""
SOURCE = "source"
"""The column in which an import names itself, with its lines behind the word."""
LINES = " line "


@dataclass(frozen=True, slots=True)
class FirstGiven:
    """Which of the imports first gave a visit, counted from 0, and the earliest time of the rows that it gave.

    ``times`` are those of all its rows, ``names`` what the rows say that it is called, in the order of their lines.
    """

    order: int = 0
    at: time | None = None
    times: tuple[time, ...] = ()
    names: tuple[str, ...] = ()


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
    """Return when a visit was first given, and what its rows call it.

    Parameters
    ----------
    lines
        Of the visit, at least one.
    order
        As :func:`import_order` returns it.
    column
        Where day and time stand.
    """
    here = sorted(lines)
    first = min(order[line] for line in here)
    clocks = {line: clock for line in here if (clock := time_in(rows_by_line[line], column)) is not None}
    at = min((clock for line, clock in clocks.items() if order[line] == first), default=None)
    names = dict.fromkeys(name for line in here if (name := rows_by_line[line].cells.get(NAME)))
    return FirstGiven(first, at, tuple(sorted(set(clocks.values()))), tuple(names))


def scan_digest(day: str, clock: time) -> str:
    """Return what an act on a scan of a table is bound to: the SHA-256 of its day and time.

    Parameters
    ----------
    day
        YYYY-MM-DD, or as much of it as is known.
    """
    return fingerprints.of_values("scan of a table", day, f"{clock:%H:%M:%S}")
