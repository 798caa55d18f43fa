"""Minutes of a meeting as a PDF: a table of words on as many A4 pages as it needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dashboard.packet.document import typeset

PAGE = Path(__file__).with_name("minutes.typ")


@dataclass(frozen=True)
class Meeting:
    """What stands around the table of the minutes.

    Attributes
    ----------
    title
        Heads the first page.
    attendees
        Who was there, as typed; empty for a line to write on.
    provenance
        What stands at the foot of each page: notice, study, run and versions.
    printed_on
        The day on which it was set.
    """

    title: str
    attendees: str
    provenance: str
    printed_on: str


def pdf(meeting: Meeting, head: Sequence[str], table_rows: Sequence[Sequence[str]]) -> bytes:
    """Set the minutes.

    Parameters
    ----------
    head, table_rows
        Plain text; as many cells in each row as in the head.
    """
    content = {**asdict(meeting), "head": list(head), "rows": [list(row) for row in table_rows]}
    return typeset(PAGE, json.dumps(content))
