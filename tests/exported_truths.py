"""What the tables of an export tell of each patient, gathered for statements of pages to be held against."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OF_CRITERIA = tuple(
    sign * value for value in (20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 65.0, 73.0, 95.0) for sign in (1, -1)
)
"""Percentages that rules and intervals are defined by, which a page may name of anybody."""
SMALLEST_GROWTH_MM3 = 100.0
"""Growth by less than this much is looked at again before it counts."""


DAYS = ("_on", "_at", "_by", "_from")
"""How the names of columns end that hold days."""
NUMBERS = (
    "_mm3", "_ratio", "_cv", "_sd", "probability", "probability_low", "probability_high",
    "probability_in_cohort", "growing_share", "growing_low_share",
    "growing_high_share", "_percent", "_percent_per_year",
)  # fmt: skip
"""How the names of columns end that hold numbers which a page may print."""


SHARES = ("_cv", "_sd", "probability", "probability_low", "probability_high", "probability_in_cohort")
"""How the names of those end that are shares of 1."""


@dataclass
class Export:
    """The tables of an export. What is looked up of every patient is gathered column by column, once for all."""

    tables: Mapping[str, pd.DataFrame]
    criteria_id: str
    as_of: date
    _by_patient: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict)
    _truths: dict[str, Truth] = field(default_factory=dict)

    def of(self, patient_id: str) -> Truth:
        """Return what the export tells about one patient, the same for each page: it is worked out once."""
        if patient_id not in self._truths:
            self._truths[patient_id] = Truth(self, patient_id, self.as_of)
        return self._truths[patient_id]

    def rows(self, table: str, patient_id: str) -> pd.DataFrame:
        """Return the rows of a table about a patient, without columns where there are none."""
        if table not in self._by_patient:
            groups = self.tables[table].groupby("patient_id", sort=False) if table in self.tables else ()
            self._by_patient[table] = {str(name): rows for name, rows in groups}
        return self._by_patient[table].get(patient_id, pd.DataFrame())

    @cached_property
    def days(self) -> dict[str, set[str]]:
        """Every day by patient, of all columns that hold days."""
        days: dict[str, set[str]] = defaultdict(set)
        for _, patient_id, day in self._values(DAYS):
            days[patient_id].add(str(day)[:10])
        return days

    @cached_property
    def numbers(self) -> dict[str, dict[str, set[float]]]:
        """Every number by patient and name of its column, of all columns that hold printed numbers."""
        numbers: dict[str, dict[str, set[float]]] = defaultdict(lambda: defaultdict(set))
        for name, patient_id, value in self._values(NUMBERS):
            numbers[patient_id][name].add(float(value))
        return numbers

    def _values(self, endings: tuple[str, ...]) -> Iterator[tuple[str, str, Any]]:
        """Yield name of the column, patient and value of each column with such an ending, where there is a value."""
        for table in self.tables.values():
            for name in table.columns if "patient_id" in table else ():
                if name.endswith(endings):
                    filled = table[["patient_id", name]].dropna().drop_duplicates()
                    for patient_id, value in zip(filled["patient_id"], filled[name], strict=True):
                        yield name, str(patient_id), value


@dataclass
class Truth:
    """What the export tells about one patient."""

    export: Export
    patient_id: str
    as_of: date

    @property
    def criteria_id(self) -> str:
        """The criteria shown."""
        return self.export.criteria_id

    def rows(self, table: str, **wanted: Any) -> pd.DataFrame:
        """Return rows of a table with the values wanted; none where the patient has none."""
        rows = self.export.rows(table, self.patient_id)
        for name, value in wanted.items() if len(rows) else ():
            rows = rows[rows[name] == value]
        return rows

    @cached_property
    def board(self) -> pd.Series:
        """The row of the board by the criteria shown."""
        return self.rows("board", criteria_id=self.criteria_id).iloc[0]

    @cached_property
    def clauses(self) -> list[dict[str, Any]]:
        """The parts of every verdict and reading, as data."""
        names = ("assessment", "lesion_assessment", "reading_assessment")
        texts = [text for name in names for text in self.rows(name).get("clauses", ())]
        return [part for text in texts if isinstance(text, str) for part in json.loads(text)]

    @cached_property
    def days(self) -> set[str]:
        """Every day of this patient, and of every verdict."""
        of_verdicts = {str(part[name]) for part in self.clauses for name in ("on", "reference_on") if part.get(name)}
        return self.export.days[self.patient_id] | of_verdicts

    @cached_property
    def assumed(self) -> str:
        """What the next scan's day takes for granted, in words."""
        return "; ".join(map(str, self.rows("next_scan").get("assumed", ())))

    def sizes(self, day: str) -> list[float]:
        """Every volume of one day, mL: measured, judged, of a lesion or of a reading."""
        return self._sizes_by_day.get(day, [])

    @cached_property
    def _sizes_by_day(self) -> dict[str, list[float]]:
        sizes: dict[str, list[float]] = {}
        for name in ("measurement", "lesion", "lesion_assessment", "reading_assessment", "trajectory"):
            measured = self.rows(name)
            if len(measured):
                measured = measured[measured["volume_mm3"].notna()]
                for day, volume in zip(measured["acquired_on"], measured["volume_mm3"], strict=True):
                    sizes.setdefault(str(day)[:10], []).append(volume / 1000)
        for part in self.clauses:
            for on, value in (("on", "value"), ("reference_on", "reference_value")):
                if part.get("unit") == "mm³" and part.get(value) is not None:
                    sizes.setdefault(str(part.get(on)), []).append(part[value] / 1000)
        return sizes

    @cached_property
    def volumes(self) -> NDArray[np.float64]:
        """Every volume and end of an interval, mL, and sizes from which a change would exceed its error."""
        volumes = [part[name] for part in self.clauses for name in ("value", "reference_value") if part.get(name)]
        volumes += [
            part["reference_value"] * part["limit_ratio"]
            for part in self.clauses
            if part.get("reference_value") and part.get("limit_ratio")
        ]
        return np.sort([*volumes, *self._numbers("_mm3"), SMALLEST_GROWTH_MM3]) / 1000

    @cached_property
    def percents(self) -> NDArray[np.float64]:
        """Every change, limit, error and probability, percent, and changes between any two scans."""
        names = ("ratio", "low_ratio", "high_ratio", "limit_ratio", "rule_ratio")
        ratios = [part[name] for part in self.clauses for name in names if part.get(name) is not None]
        measured = self.rows("measurement")
        for _, rows in measured.groupby("compartment") if len(measured) else ():
            sizes = rows["volume_mm3"].dropna().to_numpy(float)
            sizes = sizes[sizes > 0]
            ratios += list((sizes[:, None] / sizes).ravel())
        for sizes in self._sets_of_lesions():
            ratios += list((sizes[:, None] / sizes).ravel())
        ratios += self._numbers("_ratio")
        shares = self._numbers(*SHARES)
        shares += self._numbers("growing_share", "growing_low_share", "growing_high_share")
        changes = self._numbers("_percent", "_percent_per_year")
        shares += self._described(
            "share of section", "share enhancing", "spread beyond cord / mean", "rise / signal before"
        )
        ratios += self._described("section / cord beside it", "section / healthy people's median")
        return np.sort([*changes, *(100 * (x - 1) for x in ratios), *(100 * x for x in shares), *OF_CRITERIA])

    def _sets_of_lesions(self) -> Iterator[NDArray[np.float64]]:
        """Yield the sizes of each lesion, and those of what the rule compares, of which a page may tell a change."""
        lesions = self.rows("lesion_assessment")
        for _, rows in lesions.groupby("lesion_id") if len(lesions) else ():
            sizes = rows["volume_mm3"].dropna().unique()
            yield sizes[sizes > 0].astype(float)
        judged = {part[name] for part in self.clauses for name in ("value", "reference_value") if part.get(name)}
        yield np.array(sorted(judged), dtype=float)

    def _described(self, *units: str) -> list[float]:
        """Return what the scans say of the lesions in some units."""
        described = self.rows("description")
        return (
            [float(x) for x in described.loc[described["unit"].isin(units), "number"].dropna()]
            if len(described)
            else []
        )

    def _numbers(self, *endings: str) -> list[float]:
        """Return the numbers of all columns with such an ending, which must be one of `NUMBERS`."""
        assert set(endings) <= set(NUMBERS)
        by_column = self.export.numbers[self.patient_id]
        return [value for name, values in by_column.items() if name.endswith(endings) for value in values]
