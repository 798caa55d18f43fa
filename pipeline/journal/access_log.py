"""Who looked at whom, and what was taken away: one JSON line each in ``OUT_DIR/access/<year>-<month>.jsonl``.

Only ever added to, each line chained to the one before it as in the journal; a new file each month. It says who, when,
which patient and which kind of file, and nothing of what was read. It decides nothing, so a run does not hold to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.files.fingerprints import Identity, identity_of
from pipeline.journal import append_only
from pipeline.journal.append_only import Chain
from pipeline.journal.roles import Visitor

FOLDER = "access"
TAIL_BYTES = 4096
"""A line is far shorter; the last one is looked for within this."""


@dataclass(frozen=True)
class Access:
    """One line: who did what with whose data; ``patient_id`` is None where it was about many."""

    at: datetime
    who: str
    identity: str
    what: str
    patient_id: str | None


ReadMonths = MutableMapping[Path, tuple[Identity | None, Chain[Access]]]
"""What the files said when they were read, and which files that were."""


def note(out_dir: Path, person: Visitor, what: str, patient_id: str | None, at: datetime) -> None:
    """Add a line.

    Parameters
    ----------
    at
        Now, UTC without a time zone.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    file = f"{FOLDER}/{at:%Y-%m}.jsonl"
    fields = {
        "written_at": f"{at.isoformat(timespec='seconds')}Z",
        "who": person.name,
        "identity": person.identity,
        "what": what,
        **({"patient_id": patient_id} if patient_id else {}),
    }
    with append_only.writing(out_dir, file) as lines:
        lines.append(append_only.sealed(fields, _last_id(out_dir / file)))


def every(out_dir: Path, months: ReadMonths | None = None) -> tuple[tuple[Access, ...], tuple[str, ...]]:
    """Return all lines, the latest first, and what is wrong with the files that they stand in.

    Parameters
    ----------
    months
        Of an earlier call: a file that is the same since is not read again. Brought up to now.

    Raises
    ------
    StoreError
        A file is there and cannot be read.
    """
    lines: list[Access] = []
    problems: list[str] = []
    for path in sorted((out_dir / FOLDER).glob("*.jsonl"), reverse=True):
        chain = _month(out_dir, path, {} if months is None else months)
        lines += reversed(chain.entries)
        problems += [*chain.unusable, *chain.missing]
    return tuple(lines), tuple(problems)


def _month(out_dir: Path, path: Path, months: ReadMonths) -> Chain[Access]:
    identity = identity_of(path)  # of before it is read: a line that is added meanwhile is read next time
    before = months.get(path)
    if before is not None and before[0] == identity:
        return before[1]
    chain = append_only.read(out_dir, f"{FOLDER}/{path.name}", _access)
    months[path] = identity, chain
    return chain


def _access(fields: Mapping[str, Any]) -> Access:
    at = datetime.fromisoformat(str(fields["written_at"]).removesuffix("Z"))
    return Access(at, str(fields["who"]), str(fields["identity"]), str(fields["what"]), fields.get("patient_id"))


def _last_id(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - TAIL_BYTES))
        lines = [line for line in stream.read().split(b"\n") if line.strip()]
    try:
        return str(json.loads(lines[-1])["entry_id"]) if lines else ""
    except (ValueError, KeyError, TypeError):
        return ""  # torn: the line that follows says that it does not know the one before it
