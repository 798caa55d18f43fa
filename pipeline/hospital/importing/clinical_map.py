"""The TOML file that says which column of a clinic's table means what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, SettingsError
from pipeline.files.toml_rules import parse

TARGETS: Mapping[str, tuple[str, ...]] = {
    "participants": (
        "sex",
        "age",
        "histology",
        "who_grade",
        "level",
        "syndrome",
        "centre",
        "died_on",
        "last_contact_on",
    ),
    "treatments": ("date", "kind", "end_date", "extent", "dose_gy", "agent"),
    "function": ("date", "scale_id", "grade", "tumour_related"),
}
TOP = {"patient", "patients_are", "date_format", "sheet", "table"}
PART = {"into", "instrument", "only_where", "column", "constant", "words"}


@dataclass(frozen=True)
class TableMap:
    """One table of the study and where its columns come from.

    Attributes
    ----------
    into
        participants, treatments or function.
    column, constant
        By the study's column: the given column, or one word for all rows.
    words
        By the study's column: what a given word means.
    instrument
        Only rows of this repeating instrument of REDCap; "" for those of none.
    only_where
        Only rows that have these words in these columns.
    """

    into: str
    column: Mapping[str, str]
    constant: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    instrument: str | None = None
    only_where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ClinicalMap:
    """A whole map; ``patients_are`` is ``dicom`` (ids of the hospital) or ``study`` (participant ids)."""

    patient: str
    table: tuple[TableMap, ...]
    patients_are: str = "dicom"
    date_format: str | None = None
    sheet: str | None = None


def load(path: Path) -> ClinicalMap:
    """Read a map.

    Raises
    ------
    InputError
        There is no such file.
    SettingsError
        It is no TOML, or a key or column is not understood; the message names it.
    """
    try:
        content = parse(path.read_bytes(), path.name)
    except OSError as error:
        raise InputError(f"{path}: expected a map (TOML), found none; check the path") from error
    where = path.name
    _only(content, TOP, where)
    parts = content.get("table")
    if not isinstance(content.get("patient"), str) or not isinstance(parts, list) or not parts:
        raise SettingsError(f"{where}: expected patient (the column with the patient) and [[table]] sections")
    patients_are = content.get("patients_are", "dicom")
    if patients_are not in {"dicom", "study"}:
        raise SettingsError(f"{where}: expected patients_are = 'dicom' or 'study', found {patients_are!r}")
    tables = tuple(_part(part, f"{where}: table {number}") for number, part in enumerate(parts, start=1))
    return ClinicalMap(content["patient"], tables, patients_are, content.get("date_format"), content.get("sheet"))


def _part(part: Any, where: str) -> TableMap:
    if not isinstance(part, dict):
        raise SettingsError(f"{where}: expected a section, found something else")
    _only(part, PART, where)
    into = str(part.get("into"))
    if into not in TARGETS:
        raise SettingsError(f"{where}: expected into = one of {', '.join(TARGETS)}, found {into!r}")
    column, constant = _texts(part, "column", where), _texts(part, "constant", where)
    words = part.get("words", {})
    for named in (column, constant, words):
        _only(named, set(TARGETS[into]), f"{where}: {into}")
    if not column:
        raise SettingsError(f"{where}: expected [table.column] with the columns of {into}, found none")
    translated = {target: _texts(words, target, where) for target in words}
    return TableMap(into, column, constant, translated, part.get("instrument"), _texts(part, "only_where", where))


def _texts(part: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    texts = part.get(key, {})
    if not isinstance(texts, dict) or not all(isinstance(value, str) for value in texts.values()):
        raise SettingsError(f"{where}: expected texts in {key}, found something else; put words in quotes")
    return dict(texts)


def _only(given: Mapping[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise SettingsError(f"{where}: unknown {unknown[0]!r}; expected only {', '.join(sorted(allowed))}")
