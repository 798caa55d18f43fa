"""Cohorts that people saved, in ``OUT_DIR/journal/cohorts.jsonl``: a name for filters, who gave it, and when.

What is kept is the question, not the answer: who belongs to a cohort is looked up when it is opened, and the number of
patients at the time of saving stands beside it. What this module refuses: a cohort without a name, without filters or
with a name that another one has. Deleting is a line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.journal import append_only

FILE = "journal/cohorts.jsonl"
SAVE, DELETE = "save", "delete"
LONGEST_NAME = 80
REQUIRED = ("entry_id", "previous", "written_at", "who", "act", "name")


@dataclass(frozen=True)
class SavedCohort:
    """Filters with a name.

    Attributes
    ----------
    filters
        Parameter of the address to its values.
    patient_count
        How many passed when it was saved.
    """

    entry_id: str
    saved_at: datetime
    who: str
    name: str
    filters: Mapping[str, tuple[str, ...]]
    patient_count: int


@dataclass(frozen=True)
class Saved:
    """The cohorts that were not deleted, in the order of saving, and what is wrong with the file, in words."""

    cohorts: tuple[SavedCohort, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _Line:
    undoes: str | None = None
    cohort: SavedCohort | None = None


def read(out_dir: Path) -> Saved:
    """Read what was saved and not deleted; nothing when nobody saved anything yet.

    Raises
    ------
    StoreError
        The file is there and cannot be opened.
    """
    lines_read = append_only.read(out_dir, FILE, _line)
    return Saved(_standing(lines_read.entries), (*lines_read.unusable, *lines_read.missing))


def save(
    out_dir: Path, name: str, filters: Mapping[str, Sequence[str]], patient_count: int, *, who: str, at: datetime
) -> SavedCohort:
    """Put a cohort on record.

    Parameters
    ----------
    filters
        Parameter of the address to its values.
    at
        Now, UTC without a time zone.

    Raises
    ------
    SettingsError
        It has no name, no filters or nobody who saves it, or another cohort has its name.
    StoreError
        The file cannot be written.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise SettingsError(f"a saved cohort: expected a name of 1 to {LONGEST_NAME} characters, found {len(name)}")
    if not filters:
        raise SettingsError(f"cohort {name}: expected at least one filter, found none; choose patients first")
    with append_only.writing(out_dir, FILE) as lines:
        lines_read = append_only.read(out_dir, FILE, _line)
        if name.casefold() in {cohort.name.casefold() for cohort in _standing(lines_read.entries)}:
            raise SettingsError(f"cohort {name}: another one has this name; take another name or delete that one")
        saved_filters = {parameter: list(values) for parameter, values in filters.items()}
        content = {"name": name, "filters": saved_filters, "patient_count": patient_count}
        lines.append(append_only.sealed(_by(SAVE, who, at) | content, lines_read.last))
    return _cohort(lines[0])


def delete(out_dir: Path, entry_id: str, *, who: str, at: datetime) -> None:
    """Take a cohort off the list by a line that names it; what was saved stays in the file.

    Raises
    ------
    SettingsError
        It is not on the list, or nobody deletes it.
    StoreError
        The file cannot be written.
    """
    with append_only.writing(out_dir, FILE) as lines:
        lines_read = append_only.read(out_dir, FILE, _line)
        standing = {cohort.entry_id: cohort for cohort in _standing(lines_read.entries)}
        if entry_id not in standing:
            raise SettingsError(f"saved cohort {entry_id}: expected one of the list, found none; somebody deleted it")
        content = {"name": standing[entry_id].name, "undoes": entry_id}
        lines.append(append_only.sealed(_by(DELETE, who, at) | content, lines_read.last))


def _by(act: str, who: str, at: datetime) -> dict[str, Any]:
    if not who.strip():
        raise SettingsError("a saved cohort: expected the name of the person who saves or deletes it, found none")
    return {"written_at": f"{at.isoformat(timespec='seconds')}Z", "who": who.strip(), "act": act}


def _standing(lines: Sequence[_Line]) -> tuple[SavedCohort, ...]:
    gone = {line.undoes for line in lines}
    return tuple(line.cohort for line in lines if line.cohort is not None and line.cohort.entry_id not in gone)


def _line(fields: Mapping[str, Any]) -> _Line:
    if not all(isinstance(fields.get(name), str) for name in REQUIRED):
        raise ValueError(f"expected the fields {', '.join(REQUIRED)}, found others")
    if fields["act"] == DELETE:
        return _Line(undoes=fields.get("undoes"))
    if fields["act"] != SAVE:
        raise ValueError(f"expected {SAVE} or {DELETE}, found {fields['act']} of another version")
    if not isinstance(fields.get("filters"), dict) or not isinstance(fields.get("patient_count"), int):
        raise ValueError("expected the fields filters, patient_count, found others")
    return _Line(cohort=_cohort(fields))


def _cohort(fields: Mapping[str, Any]) -> SavedCohort:
    return SavedCohort(
        entry_id=fields["entry_id"],
        saved_at=datetime.fromisoformat(fields["written_at"].removesuffix("Z")),
        who=fields["who"],
        name=fields["name"],
        filters={str(name): tuple(map(str, values)) for name, values in fields["filters"].items()},
        patient_count=fields["patient_count"],
    )
