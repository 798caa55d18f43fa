"""Who added which scans to a study by the pages, in ``OUT_DIR/journal/deliveries.jsonl``; only ever added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.journal import append_only
from pipeline.journal.roles import Visitor

RECORD = "journal/deliveries.jsonl"


def record(out_dir: Path, person: Visitor, added: Sequence[str], decided: Mapping[str, str], at: datetime) -> None:
    """Put on record who added files to the study, and what they called series that the import was not sure of.

    Parameters
    ----------
    added
        Relative to the study folder.
    decided
        Contrast by the series' token.
    at
        Now, UTC without a time zone.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    fields = {
        "written_at": f"{at.isoformat(timespec='seconds')}Z",
        "who": person.name,
        **({"identity": person.identity} if person.identity else {}),
        "act": "add_scans",
        "added": list(added),
        "decided": dict(decided),
    }
    with append_only.writing(out_dir, RECORD) as lines:
        lines.append(append_only.sealed(fields, append_only.read(out_dir, RECORD, dict).last))
