"""What people decided, in ``OUT_DIR/journal/acts.jsonl``: one JSON object a line, only ever added to.

It is the one thing in an output folder that no run can make again: nothing here is rewritten or removed, and undoing
is a line of its own. ``append_only`` says how a line that was changed, lost or torn is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline.core.findings import finding
from pipeline.core.records import Finding, JournalEntry
from pipeline.journal import append_only
from pipeline.journal.decisions import NEEDED, Act, ActKind, check, understood

FILE = "journal/acts.jsonl"

OPTIONAL = (
    "session_id", "compartment", "mask_sha256", "scan_sha256", "replaces_sha256", "lesion_id", "same_as", "reason",
    "undoes", "meeting_on", "component_sha256", "component_at_mm", "drawn_how",
    "finding", "corrected_to",
)  # fmt: skip
VERIFIED = "identity"
"""Issuer and subject of whoever signed in; in the file alone, for the database has the name."""
REQUIRED = ("entry_id", "previous", "written_at", "who", "act", "patient_id")


@dataclass(frozen=True)
class Journal:
    """All entries that can be read, in the order they were written, and what is wrong with the file."""

    entries: tuple[JournalEntry, ...] = ()
    findings: tuple[Finding, ...] = ()


def read(out_dir: Path) -> Journal:
    """Read the journal; empty when nobody wrote anything yet.

    A line that cannot be read or was changed is left out and said in a finding; so is a missing one.

    Raises
    ------
    StoreError
        The file is there and cannot be opened.
    """
    lines_read = append_only.read(out_dir, FILE, _entry)
    findings = [finding("journal_line_unusable", message, FILE) for message in lines_read.unusable]
    findings += [finding("journal_line_missing", message, FILE) for message in lines_read.missing]
    return Journal(lines_read.entries, tuple(findings))


def append(out_dir: Path, acts: Sequence[Act], who: str, at: datetime, identity: str = "") -> tuple[JournalEntry, ...]:
    """Add entries at the end of the journal, all or none of them.

    Parameters
    ----------
    acts
        What is to be put on record, in this order.
    who
        The person, as others know them.
    at
        Now, UTC without a time zone.
    identity
        Issuer and subject of the person's sign-in; empty where names are typed.

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
    fresh: list[JournalEntry] = []
    with append_only.writing(out_dir, FILE) as lines:
        lines_read = append_only.read(out_dir, FILE, _entry)
        for act in acts:
            check(act, who, (*lines_read.entries, *fresh))
            fields = _said(act, who, at) | ({VERIFIED: identity} if identity else {})
            lines.append(append_only.sealed(fields, fresh[-1].entry_id if fresh else lines_read.last))
            fresh.append(_entry(append_only.without_seal(lines[-1])))
    return tuple(fresh)


def _said(act: Act, who: str, at: datetime) -> dict[str, Any]:
    optional_values = {name: value for name, value in asdict(act).items() if name in OPTIONAL and value is not None}
    return {
        "written_at": f"{at.isoformat(timespec='seconds')}Z",
        "who": who.strip(),
        "act": str(act.kind),
        "patient_id": act.patient_id,
        **optional_values,
    }


def _entry(fields: Mapping[str, Any]) -> JournalEntry:
    if not all(isinstance(fields.get(name), str) for name in REQUIRED):
        raise ValueError(f"expected the fields {', '.join(REQUIRED)}, found others")
    if fields["act"] not in set(ActKind) or not set(fields) <= {*REQUIRED, *OPTIONAL, VERIFIED}:
        raise ValueError(f"expected one of {', '.join(NEEDED)}, found {fields['act']} of another version")
    meeting_on = fields.get("meeting_on")
    entry = JournalEntry(
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
        meeting_on=None if meeting_on is None else date.fromisoformat(meeting_on),
        component_sha256=fields.get("component_sha256"),
        component_at_mm=fields.get("component_at_mm"),
        drawn_how=fields.get("drawn_how"),
        finding=fields.get("finding"),
        corrected_to=fields.get("corrected_to"),
    )
    return understood(entry)
