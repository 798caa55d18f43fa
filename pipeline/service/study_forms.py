"""The tables of a study changed by a form: one function that checks, keeps the old version, and puts it on record.

A table is saved as a whole, by whoever saw it as it is now: one that was changed meanwhile, by another form or by hand,
is not overwritten. What a run would call an error, and did not before, is refused with the run's own words. The old and
the new version lie in ``OUT_DIR/journal/tables``, each named by its digest; ``journal/tables.jsonl`` says who and when.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.core.neuraxis_form import ITEMS, LEVELS
from pipeline.core.records import Finding
from pipeline.errors import InputError, SettingsError
from pipeline.files import atomic
from pipeline.journal import append_only
from pipeline.journal.sign_off import Signature
from pipeline.study import study_folder
from pipeline.study.table_append import cell

RECORD, VERSIONS = "journal/tables.jsonl", "journal/tables"
SESSIONS = re.compile(r"(sub-[0-9A-Za-z+]+)/\1_sessions\.tsv")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "participants.tsv": (
        "participant_id", "sex", "age", "histology", "who_grade", "level", "syndrome", "centre", "died_on",
        "last_contact_on",
    ),
    "treatments.tsv": ("participant_id", "date", "end_date", "kind", "extent", "dose_gy", "dose_mg", "agent"),
    "function.tsv": ("participant_id", "date", "scale_id", "grade"),
    "neuraxis.tsv": ("participant_id", "session_id", *LEVELS, "contrast", *ITEMS, "reader"),
    "sessions": ("session_id", "acq_date", "leptomeningeal"),
}  # fmt: skip
"""What a table that is not there yet is made with; further columns of one that is there stay."""


@dataclass(frozen=True)
class FormTable:
    """A table as a form shows it.

    Attributes
    ----------
    name
        Relative to the study folder.
    columns
        As they stand in its header.
    rows
        By column; an empty text is a missing cell.
    sha256
        Of the file as it was read; empty where there is none yet.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    sha256: str


def sessions_of(patient_id: str) -> str:
    """Return the name of a patient's table of visits."""
    return f"{patient_id}/{patient_id}_sessions.tsv"


def read(bids_dir: Path, name: str) -> FormTable:
    """Read a table for a form.

    Raises
    ------
    SettingsError
        It is none of the tables that forms change.
    InputError
        It cannot be read as it would have to be written.
    """
    content = _content(bids_dir, name)
    usual = COLUMNS.get(name, COLUMNS["sessions"])
    if content is None:
        return FormTable(name, usual, (), "")
    try:
        lines = [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: expected UTF-8 text, found other bytes; save it again as UTF-8") from error
    if not lines:
        return FormTable(name, usual, (), _digest(content))
    columns = tuple(text.strip() for text in lines[0].split("\t"))
    if len(set(columns)) < len(columns) or not all(columns):
        raise InputError(f"{name}: expected one name for each column, found others; correct the header by hand")
    cells = [line.split("\t") for line in lines[1:]]
    if any(len(row) > len(columns) for row in cells):
        raise InputError(f"{name}: expected {len(columns)} cells a row, found more; correct it by hand")
    missing = tuple(column for column in usual if column not in columns)
    rows_there = tuple({column: _shown(text) for column, text in zip(columns, row, strict=False)} for row in cells)
    return FormTable(name, columns + missing, rows_there, _digest(content))


def save(
    places: tuple[Path, Path],
    shown: FormTable,
    new_rows: Sequence[Mapping[str, Any]],
    signed: Signature,
    as_of: date,
) -> str:
    """Write a table as a form left it; return what is said of it.

    Parameters
    ----------
    places
        The study folder and the output folder.
    shown
        The table as it was shown.
    new_rows
        All its rows as they shall be, by column.

    Raises
    ------
    SettingsError
        Nobody signs, nothing changed, the table was changed meanwhile, or a run would call something in it an error.
    StoreError
        It cannot be written, or not put on record.
    """
    bids_dir, out_dir = places
    if not signed.who.strip():
        raise SettingsError("expected the name of the person who changes the study, found none; nothing was written")
    content = _text(shown.columns, new_rows)
    new = _new_findings(bids_dir, shown.name, content, as_of)
    problems = [one for one in new if one.severity == "error" and one.path == shown.name]
    if problems:
        sentences = (_of_row(one, shown, new_rows) for one in problems)
        raise SettingsError(" ".join((*sentences, "Nothing was written.")))
    with append_only.writing(out_dir, RECORD) as lines:
        before = _content(bids_dir, shown.name)
        if (_digest(before) if before is not None else "") != shown.sha256:
            raise SettingsError(f"{shown.name} was changed since it was shown; look at it again. Nothing was written.")
        if content in (before, _text(shown.columns, ()) if before is None else None):
            raise SettingsError(f"{shown.name} is as it was; nothing was written.")
        for version in filter(None, (before, content)):
            atomic.write_bytes(out_dir / VERSIONS / f"{_digest(version)}.tsv", version)
        last = append_only.read(out_dir, RECORD, dict).last
        fields = _said(shown, content, signed)
        lines.append(append_only.sealed(fields, last))
        (bids_dir / shown.name).parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(bids_dir / shown.name, content)
    doubts = [one for one in new if one.severity != "note"]
    words = " ".join(("To look at:", *(_of_row(one, shown, new_rows) for one in doubts))) if doubts else ""
    return " ".join(filter(None, (f"{shown.name} is saved; the version before is kept.", words)))


def history(out_dir: Path) -> tuple[dict[str, Any], ...]:
    """Return who changed which table when, the latest first."""
    return tuple(reversed(append_only.read(out_dir, RECORD, dict).entries))


def _said(shown: FormTable, content: bytes, signed: Signature) -> dict[str, Any]:
    identity = {"identity": signed.identity} if signed.identity else {}
    return {
        "written_at": f"{signed.at.isoformat(timespec='seconds')}Z",
        "who": signed.who.strip(),
        **identity,
        "act": "save_table",
        "table": shown.name,
        "before_sha256": shown.sha256,
        "after_sha256": _digest(content),
    }


def _text(columns: Sequence[str], new_rows: Sequence[Mapping[str, Any]]) -> bytes:
    filled = (new_rows[place] for place in _filled(columns, new_rows))
    lines = ["\t".join(columns), *("\t".join(cell(row.get(column)) for column in columns) for row in filled)]
    return ("\n".join(lines) + "\n").encode()


def _filled(columns: Sequence[str], new_rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the places of the rows that say anything: the others are not written."""
    return [
        place for place, row in enumerate(new_rows) if any(str(row.get(column) or "").strip() for column in columns)
    ]


def _of_row(finding: Finding, shown: FormTable, new_rows: Sequence[Mapping[str, Any]]) -> str:
    """Say a finding by the row of the form: the first line of the file is its header, and empty rows are none of it."""
    places = dict(enumerate(_filled(shown.columns, new_rows), start=2))
    words = re.sub(
        rf"^{re.escape(shown.name)} line (\d+)",
        lambda line: f"{shown.name} row {places[int(line[1])] + 1}" if int(line[1]) in places else line[0],
        finding.message,
    )
    return f"{words}; {finding.remedy}."


def _new_findings(bids_dir: Path, name: str, content: bytes, as_of: date) -> list[Finding]:
    """Return what a run would say once a table is so and does not say now; read by the run's own function.

    What stands in another line only, since a row was put in or taken out above it, is said now.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder)
        for table in (*bids_dir.glob("*.tsv"), *bids_dir.glob("*.json"), *bids_dir.glob("sub-*/*_sessions.tsv")):
            target = trial / table.relative_to(bids_dir)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(table, target)
        for patient in bids_dir.glob("sub-*"):
            (trial / patient.name).mkdir(exist_ok=True)
        before = Counter(_without_line(one) for one in study_folder.read_study(trial, as_of=as_of).findings)
        (trial / name).parent.mkdir(exist_ok=True)
        (trial / name).write_bytes(content)
        new = []
        for one in study_folder.read_study(trial, as_of=as_of).findings:
            if before[_without_line(one)] <= 0:
                new.append(one)
            before[_without_line(one)] -= 1
        return new


def _without_line(finding: Finding) -> Finding:
    return replace(finding, message=re.sub(r"\bline \d+", "line", finding.message))


def _content(bids_dir: Path, name: str) -> bytes | None:
    if name not in COLUMNS and not SESSIONS.fullmatch(name):
        raise SettingsError(f"{name}: expected a table that forms change, found another")
    path = bids_dir / name
    if not path.exists() and not path.is_symlink():
        return None
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{name}: expected a plain file, found something else; change it by hand")
    return path.read_bytes()


def _shown(text: str) -> str:
    plain = text.strip()
    return "" if plain.lower() in {"n/a", "na", "nan", "null"} else plain


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
