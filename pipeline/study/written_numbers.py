"""What a number in a table may mean: decimal points and commas, and marks between thousands.

``1.234`` is one and a bit in one country and a thousand in another. Which it is is read from how the column, else the
other columns of sizes, write what can only mean one thing; from the sizes of the same patient; from what a size can be
at all. Where these do not tell, or tell different things, there is no number: nothing is guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

SIZES_AT_LEAST: Mapping[str, tuple[float, float]] = {
    "volume_mm3": (20.0, 100_000.0),
    "product_mm2": (4.0, 5_000.0),
    "longest_mm": (1.0, 600.0),
    "long_mm": (1.0, 100.0),
    "perpendicular_mm": (1.0, 100.0),
}
"""Between what half of a column's tumours lie: a cord is some 10 mm wide and 450 mm long. Proposals."""

NUMBER_COLUMNS = frozenset({*SIZES_AT_LEAST, "volume_ml", "volume_cv", "dose_gy", "dose_mg"})
"""Columns whose cells show how a table writes numbers."""

SLIP = {"dose_mg": 10.0}
"""Columns of which a number may be so many times too large and still be what was meant; others are never so large."""

NEAR = 10.0
"""A reading belongs to a patient's other sizes when it is at most so many times larger or smaller than their median;
the other reading is a hundred times away then."""

PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
WITH_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
GROUPED = re.compile(
    r"[+-]?[1-9]\d{0,2}(?:(?P<mark>[.,'\u2019 \u00a0\u2009\u202f])\d{3})(?:(?P=mark)\d{3})*(?:(?P<decimal>[.,])\d+)?",
    re.ASCII,
)

Where = tuple[str | None, ...]


@dataclass(frozen=True)
class NumberReading:
    """One thing that a cell may mean; the marks of fractions and of thousands, None where it has none."""

    value: float
    decimal: str | None = None
    thousands: str | None = None


@dataclass(frozen=True)
class Settled:
    """What a cell means, None where it cannot be told.

    ``why`` says how it was told where that took more than the cell itself, ``of_column`` that all cells like it were
    told by the same.
    """

    value: float | None
    why: str | None = None
    of_column: bool = False


def readings(cell: str) -> tuple[NumberReading, ...]:
    """Return everything that a cell may mean; nothing where it is no number.

    Examples
    --------
    >>> [reading.value for reading in readings("1.234")], [reading.value for reading in readings("1.234,5")]
    ([1.234, 1234.0], [1234.5])
    >>> [[reading.value for reading in readings(cell)] for cell in ("0.123", "1 234", "12,5", "1.23.4", "12 %")]
    [[0.123], [1234.0], [12.5], [], []]
    """
    meant = []
    if PLAIN.fullmatch(cell):
        meant.append(NumberReading(float(cell), decimal="." if "." in cell else None))
    elif WITH_COMMA.fullmatch(cell):
        meant.append(NumberReading(float(cell.replace(",", ".")), decimal=","))
    grouped = GROUPED.fullmatch(cell)
    if grouped is not None and grouped["decimal"] != grouped["mark"]:
        mark, decimal = grouped["mark"], grouped["decimal"]
        digits = cell.replace(mark, "")
        value = float(digits if decimal is None else digits.replace(decimal, "."))
        other = {".": ",", ",": "."}.get(mark)
        meant.append(NumberReading(value, decimal=decimal or other, thousands=mark))
    return tuple(meant)


@dataclass(frozen=True)
class NumberColumn:
    """The cells of one column of a table, each with its line and whose size it is."""

    cells: Sequence[tuple[int, Where, str]]

    @cached_property
    def decimals(self) -> frozenset[str]:
        """The decimal marks of cells that can only mean one thing."""
        marks = (meant[0].decimal for _, _, cell in self.cells if len(meant := readings(cell)) == 1)
        return frozenset(mark for mark in marks if mark)

    @cached_property
    def _by_place(self) -> Mapping[Where, list[str]]:
        by_place: dict[Where, list[str]] = defaultdict(list)
        for _, place, cell in self.cells:
            by_place[place].append(cell)
        return by_place

    def sizes_beside(self, place: Where, decimals: frozenset[str]) -> list[float]:
        """Return a patient's other sizes, as far as each can be told, but for 0."""
        settled = (_by_convention(readings(cell), decimals) for cell in self._by_place[place])
        return [reading.value for reading in settled if reading is not None and reading.value > 0]

    @cached_property
    def middle(self) -> tuple[float, float] | None:
        """The median of the cells that can be read twice: as fractions, and as thousands; None where there are none."""
        pairs = [meant for _, _, cell in self.cells if len(meant := readings(cell)) == 2]
        return (median(p[0].value for p in pairs), median(p[1].value for p in pairs)) if pairs else None

    @cached_property
    def first_line(self) -> int | None:
        """The line of the first cell that can be read twice."""
        return next((line for line, _, cell in self.cells if len(readings(cell)) > 1), None)


@dataclass(frozen=True)
class WrittenNumbers:
    """How the columns of one table write numbers; ``has_comma_columns`` where a comma parts the columns themselves."""

    columns: Mapping[str, NumberColumn] = field(default_factory=dict)
    has_comma_columns: bool = False

    def decimals(self, column: str) -> frozenset[str]:
        """Return the decimal marks of a column, else those of the table's columns of sizes."""
        of_column = self.columns[column].decimals
        return of_column or frozenset[str]().union(*(self.columns[name].decimals for name in self.columns))

    def settled(self, column: str, cell: str, place: Where, high: float) -> Settled:
        """Tell what a cell means.

        Parameters
        ----------
        column
            Its column.
        place
            Whose size it is.
        high
            What the column's numbers can be at most.
        """
        most = SLIP.get(column, 1.0) * high
        meant = [one for one in readings(cell) if abs(one.value) <= most] or list(readings(cell))[:1]
        if len(meant) < 2 or column not in self.columns:
            is_odd = len(meant) == 1 and meant[0].decimal == "," and self._has_points(column)
            return Settled(meant[0].value if len(meant) == 1 and not is_odd else None)
        fraction, thousand = meant
        decimals = self.decimals(column)
        by_marks = _by_convention(meant, decimals)
        near = self._near(column, place, meant, decimals)
        if by_marks is not None and near in (by_marks, None):
            (mark,) = decimals
            is_thousand = by_marks is thousand
            return Settled(
                by_marks.value, f"other numbers have '{mark}' before fractions" if is_thousand else None, True
            )
        if by_marks is None and near is not None:
            return Settled(near.value, "it lies near the other sizes of the patient")
        probable = self._of_probable_size(column, fraction, thousand) if by_marks is None else None
        return Settled(None) if probable is None else Settled(probable.value, "no size of a cord fits otherwise", True)

    def _has_points(self, column: str) -> bool:
        """Say whether a decimal comma would be odd: the table writes points, or its columns are parted by commas."""
        return self.has_comma_columns or (column in self.columns and "." in self.decimals(column))

    def is_news(self, column: str, line: int, settled: Settled) -> bool:
        """Say whether how a cell was read must be said here: once for a column whose cells were all read alike."""
        return settled.why is not None and (not settled.of_column or line == self.columns[column].first_line)

    def _near(
        self, column: str, place: Where, meant: Sequence[NumberReading], decimals: frozenset[str]
    ) -> NumberReading | None:
        """Return the reading that lies near the patient's other sizes; None without any, or where none does."""
        sizes = self.columns[column].sizes_beside(place, decimals) if column in SIZES_AT_LEAST else []
        alone = [size for size in sizes if size not in [one.value for one in meant]]
        if not alone:
            return None
        middle = median(alone)
        return next((one for one in meant if middle <= NEAR * one.value and one.value <= NEAR * middle), None)

    def _of_probable_size(self, column: str, fraction: NumberReading, thousand: NumberReading) -> NumberReading | None:
        """Return the only reading by which half of the column's sizes are those of something in a cord."""
        middle = self.columns[column].middle
        if column not in SIZES_AT_LEAST or middle is None:
            return None
        low, high = SIZES_AT_LEAST[column]
        fits = [low <= one <= high for one in middle]
        return None if all(fits) or not any(fits) else fraction if fits[0] else thousand


def numbers_in(lines: Iterable[tuple[int, Where, Mapping[str, str | None]]]) -> WrittenNumbers:
    """Return how a table writes numbers, from its lines: number, whose sizes they are, cells by column."""
    cells: dict[str, list[tuple[int, Where, str]]] = defaultdict(list)
    for number, place, row in lines:
        for column in NUMBER_COLUMNS & row.keys():
            cell = row[column]
            if cell is not None:
                cells[column].append((number, place, cell))
    return WrittenNumbers({column: NumberColumn(column_cells) for column, column_cells in cells.items()})


def _by_convention(meant: Sequence[NumberReading], decimals: frozenset[str]) -> NumberReading | None:
    """Return what a cell means where only one mark stands before fractions; None where that does not tell."""
    if len(meant) == 1:
        return meant[0]
    fitting = [one for one in meant if {one.decimal} == decimals]
    return fitting[0] if len(fitting) == 1 else None


def unmistakable(value: float | None) -> str | None:
    """Write a number so that it can be read in one way only.

    Examples
    --------
    >>> unmistakable(1.234), unmistakable(12.5), unmistakable(None)
    ('1.2340', '12.5', None)
    """
    if value is None:
        return None
    return f"{value}0" if len(readings(str(value))) > 1 else str(value)
