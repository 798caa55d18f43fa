"""Minutes of a meeting as a PDF: a table of words on as many A4 pages as it needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from dashboard.packet.document import typeset

PAGE = Path(__file__).with_name("minutes.typ")


def pdf(title: str, head: Sequence[str], table_rows: Sequence[Sequence[str]], provenance: str) -> bytes:
    """Set the minutes.

    Parameters
    ----------
    head, rows
        Plain text; as many cells in each row as in the head.
    provenance
        What stands at the foot of each page: notice, study, run and versions.
    """
    content = {"title": title, "head": list(head), "rows": [list(row) for row in table_rows], "provenance": provenance}
    return typeset(PAGE, json.dumps(content))
