"""Reading the table of imported sizes: only rows that are new or odd, where an earlier reading was kept.

Rows of one patient never change what those of another say. So what is kept of a patient in whose rows nothing was odd
holds as long as these lines stand as they are, wherever in the table. What this module refuses: to keep rows of which
anything has to be said, for it is said in every run; and to take lines for the same by the time or size of their file.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import overload

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.study.imported_table import IMPORTED_TABLE, with_imported
from pipeline.study.names import alike_groups, with_prefix
from pipeline.study.own_numbers import (
    REQUIRED,
    GivenVisit,
    NameDoubt,
    doubtful_names,
    suspect_units,
    tumours_mm3,
    volumes_in,
    without_sizes,
)
from pipeline.study.study_tables import WrittenLines, lines_of
from pipeline.study.visits import StudyVisit, content_of


class ImportedVisits(Sequence[StudyVisit]):
    """The visits that a patient's rows make, by date; the rows are read when somebody looks at a visit.

    There is at least one. In another process they are a tuple.
    """

    def __init__(
        self, read: Callable[[], tuple[StudyVisit, ...]], days: tuple[date, date], sha256: str | None = None
    ) -> None:
        """Make them of what reads them, their first and last day, and the digest of their content where it is known."""
        self._read, self.days, self._sha256 = read, days, sha256

    @cached_property
    def visits(self) -> tuple[StudyVisit, ...]:
        """The visits, read."""
        return self._read()

    @cached_property
    def sha256(self) -> str:
        """Digest of their content, as :func:`visits.content_of` has it."""
        return self._sha256 or content_of(self.visits)

    @overload
    def __getitem__(self, index: int) -> StudyVisit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[StudyVisit, ...]: ...
    def __getitem__(self, index: int | slice) -> StudyVisit | tuple[StudyVisit, ...]:
        """Return one visit or some."""
        return self.visits[index]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.visits)

    def __bool__(self) -> bool:
        """Say that there is one, without reading."""
        return True

    def __eq__(self, other: object) -> bool:
        """Say whether these are the same visits, in a tuple or read otherwise."""
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        """Return what visits that are the same have in common."""
        return hash(self.sha256)

    def __reduce__(self) -> tuple[type, tuple[tuple[StudyVisit, ...]]]:
        """Let worker processes have the visits themselves."""
        return tuple, (self.visits,)


@dataclass(frozen=True)
class KeptReading:
    """What is kept of a patient's rows in which nothing was odd.

    Attributes
    ----------
    lines_sha256
        Of the patient's lines as they stand, and of the table's header.
    visits_sha256
        Of the visits that they make.
    days
        The first and the last of these visits; a run whose day of reading is earlier has to read the rows.
    tumours_mm3
        Volumes above 0 of the whole tumour.
    """

    lines_sha256: str
    visits_sha256: str
    days: tuple[date, date]
    tumours_mm3: tuple[float, ...]


@dataclass
class ImportedTable:
    """What the table says.

    Attributes
    ----------
    given
        Visits as the table gives them, by patient id, for :func:`with_imported`.
    alone
        All visits of patients of whom there is nothing else, in whose rows nothing is odd.
    readings
        What to keep of these.
    """

    given: dict[str, tuple[GivenVisit, ...]] = field(default_factory=dict)
    alone: dict[str, ImportedVisits] = field(default_factory=dict)
    readings: dict[str, KeptReading] = field(default_factory=dict)

    def visits_of(
        self, patient_id: str, others: tuple[StudyVisit, ...], findings: list[Finding]
    ) -> Sequence[StudyVisit]:
        """Return a patient's visits with those that only the table knows, by date."""
        if patient_id in self.alone:
            return self.alone[patient_id]
        return with_imported(patient_id, others, self.given.get(patient_id, ()), findings)


@dataclass(frozen=True)
class EarlierReading:
    """What may be taken from earlier readings by this very code, of patients who can have no other visits."""

    readings: Mapping[str, KeptReading]
    patient_ids: Container[str]


@dataclass(frozen=True)
class _Lines:
    """The table's lines, and the day of reading."""

    table: WrittenLines
    as_of: date

    def by_patient(self) -> dict[str, list[int]]:
        """Return the numbers of the lines by whom they are about: an id, else what stands in place of one."""
        whose: dict[str | None, str] = {}
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, cell in zip(self.table.numbers, self.table.cells("participant_id"), strict=True):
            if cell not in whose:
                whose[cell] = with_prefix("sub", cell or "") or cell or ""
            numbers[whose[cell]].append(number)
        return numbers

    def digest(self, numbers: Iterable[int]) -> str:
        """Return the SHA-256 of some lines below the header, wherever in the table they stand."""
        texts = [self.table.lines[number - 1] for number in (self.table.columns.line, *numbers)]
        return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()

    def read(self, numbers: Iterable[int], findings: list[Finding]) -> tuple[GivenVisit, ...]:
        """Return what some lines give; nothing where all are empty."""
        written_rows = self.table.rows(numbers, findings)
        return volumes_in(self.table.columns.table, written_rows, self.as_of, findings).visits if written_rows else ()

    def visits(self, patient_id: str, numbers: Iterable[int]) -> tuple[StudyVisit, ...]:
        """Return the visits of rows in which nothing is odd."""
        return with_imported(patient_id, (), self.read(numbers, []), [])


def read_imported(
    root: Path,
    patient_ids: Container[str],
    as_of: date,
    findings: list[Finding],
    earlier: EarlierReading | None = None,
) -> ImportedTable:
    """Read the imported visits of a study; nothing when there is no such table.

    Parameters
    ----------
    root
        The study folder, resolved.
    patient_ids
        Ids of the study's patients; rows of others become findings.
    earlier
        None where all rows are to be read, and nothing is kept.
    """
    path, table = root / IMPORTED_TABLE, ImportedTable()
    written = lines_of(path, root, REQUIRED, findings) if path.exists() else None
    if written is None:
        return table
    lines, sizes_mm3 = _Lines(written, as_of), list[float]()
    numbers_of = lines.by_patient()
    doubts = _doubts(lines, {name: numbers_of[name] for name in numbers_of if name in patient_ids}, findings)
    for patient_id, numbers in numbers_of.items():
        may_be_kept = earlier is not None and patient_id in earlier.patient_ids and patient_id not in doubts
        digest = lines.digest(numbers) if may_be_kept else ""
        reading = earlier.readings.get(patient_id) if earlier is not None and may_be_kept else None
        if reading is not None and reading.lines_sha256 == digest and reading.days[1] <= as_of:
            table.alone[patient_id] = ImportedVisits(
                partial(lines.visits, patient_id, numbers), reading.days, reading.visits_sha256
            )
            table.readings[patient_id] = reading
            sizes_mm3 += reading.tumours_mm3
            continue
        oddities: list[Finding] = []
        given = lines.read(numbers, oddities)
        sizes = tumours_mm3(given)
        given = tuple(without_sizes(visit, doubts.get(patient_id)) for visit in given)
        sizes_mm3 += sizes
        if given and may_be_kept and not oddities:
            days = min(one.acquired_on for one in given), max(one.acquired_on for one in given)
            visits = ImportedVisits(partial(with_imported, patient_id, (), given, []), days)
            table.alone[patient_id] = visits
            table.readings[patient_id] = KeptReading(digest, visits.sha256, days, tuple(sizes))
        elif patient_id in patient_ids:
            table.given[patient_id] = given
        else:
            oddities += map(_of_a_stranger, given)
        findings += oddities
    findings += suspect_units(written.columns.table, written.columns.names, sizes_mm3)
    return table


def _doubts(lines: _Lines, numbers_of: Mapping[str, Sequence[int]], findings: list[Finding]) -> dict[str, NameDoubt]:
    """Return the doubts about patients of the study whose names hardly differ; only the rows of these are read."""
    alike = {name for group in alike_groups(numbers_of) for name in group}
    days = {
        name: [visit.acquired_on for visit in lines.read(numbers_of[name], [])] for name in numbers_of if name in alike
    }
    return doubtful_names(days, lines.table.columns.table, findings)


def _of_a_stranger(visit: GivenVisit) -> Finding:
    where = f"{IMPORTED_TABLE} line {visit.lines[0]}"
    message = f"{where}: expected a patient of this study, found '{visit.patient_id}'"
    return finding("row_unknown_patient", message, IMPORTED_TABLE)
