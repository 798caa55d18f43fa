"""A clinic's own tables into a study: CSV, Excel and REDCap exports, mapped by a small TOML file.

Nothing is guessed: a column that the map does not name is not read, a word that it does not translate must be one of
the study's. Each row is checked as the study's own tables are, and a bad one costs that row. What stands in the study
stays: empty cells are filled, rows are added, a value that differs is reported.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline.core.records import Finding
from pipeline.errors import InputError
from pipeline.files import derivatives
from pipeline.hospital.importing.clinical_map import TARGETS, ClinicalMap, TableMap
from pipeline.hospital.oddities import oddity
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.pseudonyms import (
    OLDEST_AGE_YEARS,
    Identities,
    default_private_folder,
    open_private,
    read_mapping,
    read_private,
)
from pipeline.study import clinical
from pipeline.study.names import with_prefix
from pipeline.study.study_tables import DELIMITERS, MISSING, TableRow
from pipeline.study.table_append import append_rows, cell, rows_there
from pipeline.study.treatment_names import packaged

REPEAT_INSTRUMENT = "redcap_repeat_instrument"
KEYS = {"treatments": ("participant_id", "date", "kind"), "function": ("participant_id", "date", "scale_id")}
COLUMNS = {into: ("participant_id", *targets) for into, targets in TARGETS.items()}
DATES = ("date", "end_date", "died_on", "last_contact_on")
Given = list[tuple[int, dict[str, str]]]


@dataclass(frozen=True)
class TablesDone:
    """Rows added and cells filled by table, rows that could not be used, and what was odd."""

    added: Mapping[str, int]
    filled: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _People:
    """How a table's patients become the study's; dates are moved as the study's are."""

    ours: Callable[[str], str | None]
    identities: Identities


def import_clinical(
    table: Path,
    bids_dir: Path,
    mapping: ClinicalMap,
    as_of: date,
    patients: Path | None = None,
    private: Path | None = None,
) -> TablesDone:
    """Add what a clinic's table says to the tables of a study.

    Parameters
    ----------
    table
        CSV (commas, semicolons or tabs) or Excel.
    mapping
        From ``clinical_map.load``.
    as_of
        The day of reading; later dates are refused.
    patients
        Table of pseudonyms, as for ``import-dicom``; without it, patients are those imported from DICOM.

    Raises
    ------
    InputError
        The table cannot be read, or has not the columns of the map.
    """
    findings: list[Finding] = []
    given = _read(table, mapping)
    people = _people(bids_dir, mapping, patients, private)
    added: dict[str, int] = {}
    filled = 0
    for part in mapping.table:
        table_rows = list(_rows(given, part, mapping, people, table.name, findings))
        checked = _checked(part.into, table_rows, as_of, findings)
        shown = [_shown(row, people) for row in checked]
        if part.into == "participants":
            count, cells = _fill(bids_dir / "participants.tsv", shown, findings)
            filled += cells
        else:
            count = _add(bids_dir / f"{part.into}.tsv", part.into, shown, findings)
        added[part.into] = added.get(part.into, 0) + count
    return TablesDone(added, filled, tuple(dict.fromkeys(findings)))


def _people(bids_dir: Path, mapping: ClinicalMap, patients: Path | None, private: Path | None) -> _People:
    folder = private or default_private_folder(bids_dir)
    identities = Identities(
        open_private(folder, bids_dir),
        shifts_dates=bool(read_private(folder / "settings.json").get("shifts_dates")),
    )
    if mapping.patients_are == "study":
        return _People(lambda given: with_prefix("sub", given), identities)
    if patients is not None:
        return _People(read_mapping(patients).get, identities)
    return _People(lambda given: identity_links.pseudonym_of(folder, given), identities)


def _read(table: Path, mapping: ClinicalMap) -> Given:
    """Read rows with their line numbers; every column that the map names must be there."""
    if not table.is_file():
        raise InputError(f"{table}: expected a CSV or Excel file, found none; check the path")
    lines = _excel(table, mapping.sheet) if table.suffix.lower() in {".xlsx", ".xlsm"} else _csv(table)
    if not lines:
        raise InputError(f"{table.name}: expected a header and rows, found nothing")
    header = [name.strip() for name in lines[0][1]]
    wanted = {mapping.patient, *(column for part in mapping.table for column in part.column.values())}
    wanted |= {REPEAT_INSTRUMENT} if any(part.instrument is not None for part in mapping.table) else set()
    missing = sorted(wanted - set(header))
    if missing:
        raise InputError(f"{table.name}: expected the columns of the map, found no {', '.join(missing)}; correct one")
    return [(line, dict(zip(header, cells, strict=False))) for line, cells in lines[1:] if any(cells)]


def _csv(table: Path) -> list[tuple[int, list[str]]]:
    content = table.read_bytes()
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{table.name}: expected UTF-8 text, found other bytes; save it as CSV UTF-8") from error
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(DELIMITERS, key=first.count))
    try:
        return [(reader.line_num, [c.strip() for c in cells]) for cells in reader]
    except csv.Error as error:
        raise InputError(
            f"{table.name} line {reader.line_num}: expected CSV, found damaged quotes ({error})"
        ) from error


def _excel(table: Path, sheet: str | None) -> list[tuple[int, list[str]]]:
    import pandas as pd  # noqa: PLC0415  # slow to import, and only Excel files need it

    try:
        sheet_cells = pd.read_excel(table, sheet_name=sheet or 0, header=None, dtype=object)
    except Exception as error:  # the reader raises many kinds for damaged books
        raise InputError(
            f"{table.name}: expected an Excel sheet{f' {sheet!r}' if sheet else ''}, found none that can be read "
            f"({type(error).__name__}); save it as CSV"
        ) from error
    return [(n, [_excel_cell(v) for v in row]) for n, row in enumerate(sheet_cells.itertuples(index=False), start=1)]


def _excel_cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124  # NaN and NaT
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _rows(
    given: Given, part: TableMap, mapping: ClinicalMap, people: _People, name: str, findings: list[Finding]
) -> Iterable[TableRow]:
    """Yield the rows that a part of the map is about, in the study's own words."""
    for line, cells in given:
        if part.instrument is not None and cells.get(REPEAT_INSTRUMENT, "") != part.instrument:
            continue
        if any(cells.get(column, "") != value for column, value in part.only_where.items()):
            continue
        study_cells = {
            target: _word(target, cells.get(column, ""), part, mapping) for target, column in part.column.items()
        }
        if not any(study_cells.values()):
            continue  # an empty form
        patient_id = people.ours(cells.get(mapping.patient, ""))
        if patient_id is None:
            message = f"{name} line {line}: expected a patient of this study, found another or none"
            findings.append(oddity("table_patient", message, name))
            continue
        yield TableRow(name, line, {"participant_id": patient_id, **part.constant, **study_cells})


def _word(target: str, given: str, part: TableMap, mapping: ClinicalMap) -> str | None:
    if given.lower() in MISSING:
        return None
    translated = part.words.get(target, {}).get(given, given)
    if target not in DATES or mapping.date_format is None:
        return translated
    try:
        return datetime.strptime(translated, mapping.date_format).date().isoformat()  # noqa: DTZ007  # a day, no time
    except ValueError:
        return translated  # an ISO date, or what the check of the row will name


def _checked(into: str, table_rows: Sequence[TableRow], as_of: date, findings: list[Finding]) -> list[TableRow]:
    """Return the rows that the study could use; what is wrong with others is said by line."""
    checks: Mapping[str, Callable[[TableRow, list[Finding]], object]] = {
        "participants": lambda row, problems: clinical.read_participants([row], as_of, problems),
        "treatments": lambda row, problems: clinical.treatment_in(row, row.patient_id, as_of, problems, packaged()),
        "function": lambda row, problems: clinical.read_function_scores([row], as_of, problems),
    }
    usable_rows = []
    for row in table_rows:
        odd: list[Finding] = []
        usable = checks[into](row, odd)
        is_usable = bool(usable) and all(one.code == "treatment_unknown" for one in odd)  # kept as unknown
        findings += odd
        usable_rows += [row] if is_usable else []
    return usable_rows


def _shown(row: TableRow, people: _People) -> dict[str, str | None]:
    """Return a row as the study may show it: dates moved where they are, ages capped."""
    shown_cells = dict(row.cells)
    for name in DATES:
        if shown_cells.get(name):
            day = people.identities.shifted(date.fromisoformat(str(shown_cells[name])[:10]), str(row.patient_id))
            shown_cells[name] = str(day)
    age = shown_cells.get("age")
    if age and float(age) > OLDEST_AGE_YEARS:
        shown_cells["age"] = str(OLDEST_AGE_YEARS)
    return shown_cells


def _add(path: Path, into: str, table_rows: Sequence[Mapping[str, str | None]], findings: list[Finding]) -> int:
    """Add the rows that are not there yet; one that differs only in its further cells is reported."""
    there = {tuple(row.get(key, "") for key in KEYS[into]): row for row in rows_there(path, path.parent)}
    new: dict[tuple[str, ...], Mapping[str, str | None]] = {}
    for row in table_rows:
        key = tuple(cell(row.get(name)) for name in KEYS[into])
        row_there = there.get(key) or new.get(key)
        if row_there is None:
            new[key] = row
        elif differing := [c for c in COLUMNS[into] if row.get(c) and (row_there.get(c) or row[c]) != row[c]]:
            message = (
                f"{path.name} {' '.join(key)}: expected the {', '.join(differing)} that stands there, found another"
            )
            findings.append(oddity("table_differs", message, path.name, key[0]))
    return append_rows(path, COLUMNS[into], list(new.values()))


def _fill(path: Path, table_rows: Sequence[Mapping[str, str | None]], findings: list[Finding]) -> tuple[int, int]:
    """Add patients to participants.tsv and fill their empty cells; return how many of each."""
    there = {row["participant_id"]: row for row in rows_there(path, path.parent)}
    new = {str(row["participant_id"]): row for row in table_rows if row["participant_id"] not in there}
    filled = 0
    for row in table_rows:
        row_there = there.get(str(row["participant_id"]))
        for name, value in row.items() if row_there is not None else ():
            if value is None or name == "participant_id" or row_there is None:
                continue
            if not row_there.get(name):
                row_there[name] = value
                filled += 1
            elif row_there[name] != value:
                message = f"{path.name} {row['participant_id']}: expected {name} as it stands there, found another"
                findings.append(oddity("table_differs", message, path.name, str(row["participant_id"])))
    if filled:
        names = list(dict.fromkeys(name for row in there.values() for name in row))
        lines = ["\t".join(names), *("\t".join(cell(row.get(name)) for name in names) for row in there.values())]
        derivatives.write_text(path, "\n".join(lines) + "\n")
    return append_rows(path, COLUMNS["participants"], list(new.values())), filled
