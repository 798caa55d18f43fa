"""Numbers in the cells of a table: what can be told is read, what may mean two things is named and gives none."""

from __future__ import annotations

import math
import re

from pipeline.core.records import Finding
from pipeline.study.study_tables import WHOSE, TableRow
from pipeline.study.written_numbers import PLAIN, readings

SMALLEST = 1e-6
"""A number nearer to 0 was never measured, and no ratio can be formed with it."""
CAPPED_AGE = re.compile(r"[>≥]?=?\s*(\d{2,3})\s*\+?", re.ASCII)
"""Ages of which only the lower end is told, such as ``89+`` or ``>89``; plain numbers are told apart before."""


def age_in(row: TableRow, column: str, high: float, findings: list[Finding]) -> float | None:
    """Return an age, years; ``89+``, as ages are written that could name a person, counts as 89."""
    cell = row.cells.get(column) or ""
    capped = None if PLAIN.fullmatch(cell) else CAPPED_AGE.fullmatch(cell)
    if capped is None:
        return number_in(row, column, high, findings)
    findings.append(row.problem("age_capped", f"expected an age, found '{cell}'; it is taken as {capped[1]} or more"))
    return float(capped[1])


def number_in(row: TableRow, column: str, high: float, findings: list[Finding]) -> float | None:
    """Return a cell's number, 0 or from SMALLEST to ``high``; None when missing, not a number or out of range.

    Decimal commas and marks between thousands are read where they can mean one thing only
    (:mod:`pipeline.study.written_numbers`).
    """
    cell = row.cells.get(column)
    if cell is None:
        return None
    value = _value_of(cell, row, column, high, findings)
    if value is None or value == 0 or SMALLEST <= value <= high:
        return value
    findings.append(
        row.problem("number_malformed", f"expected a number from 0 to {high:g} in {column}, found '{cell}'")
    )
    return None


def _value_of(cell: str, row: TableRow, column: str, high: float, findings: list[Finding]) -> float | None:
    """Return what a cell means, NaN where it is no number; None, with a finding, where it may mean two things."""
    if row.numbers is None:
        return float(cell) if PLAIN.fullmatch(cell) else math.nan
    whose = tuple(map(row.cells.get, WHOSE))
    settled = row.numbers.settled(column, cell, whose, high)
    if row.numbers.is_news(column, row.line, settled):
        message = f"expected decimal points and no marks between thousands in {column}, found '{cell}'"
        others = ", as every number like it in this column" if settled.of_column else ""
        findings.append(row.problem("number_notation", f"{message}; read as {settled.value:g}{others}: {settled.why}"))
    if settled.value is not None:
        return settled.value
    meant = " or ".join(f"{one.value:g}" for one in readings(cell))
    if " or " not in meant:
        return math.nan
    findings.append(row.problem("number_ambiguous", f"expected a number in {column}, found '{cell}', which is {meant}"))
    return None
