"""Rows of a table of sizes that can be read, and hardly mean what they say: each is named, and stays as it is.

A year mistyped tears a scan out of its place among the rows; a program writes 9999 where it has no number; a last row
adds up the others. What this module refuses: to take such a row away, for each of them may be true.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from pipeline.core.records import Finding
from pipeline.study.own_number_rows import key_of
from pipeline.study.study_tables import TableRow
from pipeline.study.written_dates import parse_days

CODE = re.compile(r"(9{3,}|8{4,})([.,]0+)?", re.ASCII)
"""What programs write where they have no number."""
SIZE_COLUMNS = ("volume_mm3", "volume_ml", "product_mm2", "long_mm", "perpendicular_mm", "longest_mm")
OF_ALL = frozenset({
    "all", "average", "avg", "gesamt", "maximum", "mean", "median", "minimum", "mittelwert", "moyenne",
    "overall", "std", "sum", "summe", "total", "totals",
})  # fmt: skip
"""First words of what rows are called that speak of all people of a table; a name with a digit is a person's."""
LEAST_FALLING = 4
"""So many days of one person show that the latest comes first, but for one of them."""
MANY_SLICES, THIN_MM3 = 100, 3.0
"""A tumour on more slices than that, with less of it on each than a speck, is hardly there (proposals)."""


def odd_rows(table_rows: Sequence[TableRow], findings: list[Finding]) -> None:
    """Name rows that hardly mean what they say.

    Parameters
    ----------
    table_rows
        As the table has them, in its order.
    findings
        What is odd is added.
    """
    findings += (row.problem("row_of_all", _words(row)) for row in table_rows if _is_of_all(row))
    for row in table_rows:
        findings += (
            row.problem(
                "number_code", f"expected a size in {name}, found {row.cells[name]}, as programs write for none"
            )
            for name in SIZE_COLUMNS
            if CODE.fullmatch(row.cells.get(name) or "")
        )
        findings += _slices(row)
    by_person = defaultdict[str, list[tuple[date, TableRow]]](list)
    for row in table_rows:
        days = parse_days(row.cells.get("date") or "")
        if days is not None and days[0] == days[1] and row.cells.get("participant_id"):
            by_person[key_of(row)].append((days[0], row))
    for of_person in by_person.values():
        findings += _out_of_place(of_person)


def _is_of_all(row: TableRow) -> bool:
    name = (row.cells.get("participant_id") or "").casefold()
    return re.split(r"[^a-z]+", name)[0] in OF_ALL and not re.search(r"\d", name)


def _words(row: TableRow) -> str:
    return f"expected a person, found '{row.cells['participant_id']}', as rows are called that add up others"


def _slices(row: TableRow) -> Iterator[Finding]:
    slices, volume = (row.cells.get(name) or "" for name in ("slices_spanned", "volume_mm3"))
    try:
        is_thin = float(slices) > MANY_SLICES and 0 < float(volume) < THIN_MM3 * float(slices)
    except ValueError:
        return
    if is_thin:
        words = f"expected a tumour that fills its slices, found {volume} mm³ on {slices} slices"
        yield row.problem("slices_suspect", words)


def _out_of_place(of_person: Sequence[tuple[date, TableRow]]) -> Iterator[Finding]:
    """Yield a finding for the one day that breaks the order of a person's rows, and would fit in another year."""
    first_of_day = [one for number, one in enumerate(of_person) if not number or one[0] != of_person[number - 1][0]]
    days = [day for day, _ in first_of_day]
    if _rises(days) or _rises(days[::-1]):
        return
    for in_order in (first_of_day, first_of_day[::-1] if len(days) >= LEAST_FALLING else []):
        for place, (day, row) in list(enumerate(in_order))[1:-1]:
            meant = _in_other_year(day, in_order[place - 1][0], in_order[place + 1][0])
            if meant is not None and _rises([one for one, _ in (*in_order[:place], *in_order[place + 1 :])]):
                words = f"expected days in the order of the rows, found {day}, where {meant} would fit"
                yield row.problem("year_suspect", words)
                return


def _rises(days: Sequence[date]) -> bool:
    return all(one < other for one, other in pairwise(days))


def _in_other_year(day: date, first: date, last: date) -> date | None:
    """Return the day in the year between two others in which it fits; None where it fits in none."""
    for year in range(first.year, last.year + 1):
        is_leap_day = (day.month, day.day) == (2, 29) and not isleap(year)
        meant = None if is_leap_day else day.replace(year=year)
        if meant is not None and first < meant < last:
            return meant
    return None
