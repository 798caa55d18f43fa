"""What people decided, in ``OUT_DIR/journal/acts.jsonl``: one JSON object a line, only ever added to.

It is the one thing in an output folder that no run can make again: nothing here is rewritten or removed, and undoing
is a line of its own. Each line names the one before it and carries a digest of itself, so that a line that was
changed, lost or torn by a crash is noticed and said. Writers wait for one another; readers wait for nobody.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.domain.decisions import NEEDED, Act, ActKind, check
from pipeline.domain.records import Finding, JournalEntry
from pipeline.errors import StoreError
from pipeline.findings import finding

FILE = "journal/acts.jsonl"
LOCK = "journal/.lock"
PATIENCE_SECONDS = 10.0
"""How long a writer waits for another one; a line takes milliseconds."""

OPTIONAL = (
    "session_id", "compartment", "mask_sha256", "scan_sha256", "replaces_sha256", "lesion_id", "same_as", "reason",
    "undoes",
)  # fmt: skip
REQUIRED = ("entry_id", "previous", "written_at", "who", "act", "patient_id")


@dataclass(frozen=True)
class Journal:
    """All entries that can be read, in the order they were written, and what is wrong with the file."""

    entries: tuple[JournalEntry, ...] = ()
    findings: tuple[Finding, ...] = ()


def path_of(out_dir: Path) -> Path:
    """Return where the journal of an output folder is, whether anything was written yet or not."""
    return out_dir / FILE


def read(out_dir: Path) -> Journal:
    """Read the journal; empty when nobody wrote anything yet.

    A line that cannot be read or was changed is left out and said in a finding; so is a missing one.

    Raises
    ------
    StoreError
        The file is there and cannot be opened.
    """
    path = path_of(out_dir)
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise StoreError(f"{path}: expected the journal, but it cannot be read ({error.strerror})") from error
    entries: list[JournalEntry] = []
    findings: list[Finding] = []
    last = ""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = _fields(line)
            entry = _entry(fields)
        except (ValueError, TypeError) as error:
            findings.append(finding("journal_line_unusable", f"{FILE} line {number}: {error}", FILE))
            continue
        if fields["previous"] != last:
            message = f"{FILE} line {number}: expected the line before it to be {fields['previous'] or 'none'}, found "
            findings.append(finding("journal_line_missing", message + (last or "none"), FILE))
        last = entry.entry_id
        entries.append(entry)
    return Journal(tuple(entries), tuple(findings))


def append(out_dir: Path, acts: Sequence[Act], who: str, at: datetime) -> tuple[JournalEntry, ...]:
    """Add entries at the end of the journal, all or none of them.

    Parameters
    ----------
    acts
        What is to be put on record, in this order.
    who
        The person, as others know them.
    at
        Now, UTC without a time zone.

    Returns
    -------
    tuple of JournalEntry
        The entries as written, with their ids.

    Raises
    ------
    SettingsError
        An act says too little, or undoes what cannot be undone; nothing was written.
    StoreError
        The journal cannot be written.
    """
    path = path_of(out_dir)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out_dir / LOCK, timeout=PATIENCE_SECONDS):
            written = read(out_dir).entries
            fresh: list[JournalEntry] = []
            lines = b""
            for act in acts:
                check(act, who, (*written, *fresh))
                line = _line(act, who, at, (*written, *fresh)[-1].entry_id if written or fresh else "")
                fresh.append(_entry(_fields(line)))
                lines += line + b"\n"
            _add(path, lines)
    except Timeout as error:
        raise StoreError(f"{path}: another program is writing here and does not finish; try again later") from error
    except OSError as error:
        raise StoreError(
            f"{path}: the journal cannot be written ({error.strerror}); free some space or correct the folder's "
            f"permissions, then do it again"
        ) from error
    return tuple(fresh)


def _add(path: Path, lines: bytes) -> None:
    """Add whole lines and wait until they are on the disk; a torn line before them is closed first."""
    with path.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            lines = lines if stream.read(1) == b"\n" else b"\n" + lines
        stream.write(lines)
        stream.flush()
        os.fsync(stream.fileno())


def _line(act: Act, who: str, at: datetime, previous: str) -> bytes:
    said = {name: value for name, value in asdict(act).items() if name in OPTIONAL and value is not None}
    fields = {
        "previous": previous,
        "written_at": f"{at.isoformat(timespec='seconds')}Z",
        "who": who.strip(),
        "act": str(act.kind),
        "patient_id": act.patient_id,
        **said,
    }
    return json.dumps({"entry_id": _digest(fields), **fields}, ensure_ascii=False).encode()


def _fields(line: bytes) -> dict[str, Any]:
    """Return the fields of a line.

    Raises
    ------
    ValueError
        The line is torn, was changed, or says what this version does not know.
    """
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise ValueError("expected one JSON object, found a line that is broken off or damaged") from error
    if not isinstance(fields, dict) or not all(isinstance(fields.get(name), str) for name in REQUIRED):
        raise ValueError(f"expected the fields {', '.join(REQUIRED)}, found others")
    content = {name: value for name, value in fields.items() if name != "entry_id"}
    if _digest(content) != fields["entry_id"]:
        raise ValueError("its digest does not fit: it was changed after it was written")
    return fields


def _entry(fields: dict[str, Any]) -> JournalEntry:
    if fields["act"] not in set(ActKind) or not set(fields) <= {*REQUIRED, *OPTIONAL}:
        raise ValueError(f"expected one of {', '.join(NEEDED)}, found {fields['act']} of another version")
    return JournalEntry(
        entry_id=fields["entry_id"],
        written_at=datetime.fromisoformat(fields["written_at"].removesuffix("Z")),
        who=fields["who"],
        act=fields["act"],
        patient_id=fields["patient_id"],
        session_id=fields.get("session_id"),
        compartment=fields.get("compartment"),
        mask_sha256=fields.get("mask_sha256"),
        lesion_id=fields.get("lesion_id"),
        same_as=fields.get("same_as"),
        reason=fields.get("reason"),
        undoes=fields.get("undoes"),
        scan_sha256=fields.get("scan_sha256"),
        replaces_sha256=fields.get("replaces_sha256"),
    )


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
