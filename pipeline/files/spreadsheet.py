"""Cells that people open in a spreadsheet: text is never run as a formula."""

from __future__ import annotations

import re
from typing import Any

FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]")
"""Starts of text that Excel, LibreOffice or Google Sheets read as a formula (OWASP, CSV injection)."""


def harmless_cell(value: Any) -> Any:
    """Return a value with an apostrophe before it where it is text that a spreadsheet would run.

    Examples
    --------
    >>> harmless_cell("=cmd()"), harmless_cell("-65 %"), harmless_cell(-65.0), harmless_cell("sub-01")
    ("'=cmd()", "'-65 %", -65.0, 'sub-01')
    """
    return f"'{value}" if isinstance(value, str) and FORMULA.search(value) else value
