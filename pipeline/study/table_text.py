"""The text of a table or of a JSON file of a study, in whichever way it is written down.

What this module refuses: to read a file outside the study folder, or a pointer to a file's content as the content.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.files.content_pointers import pointer_in
from pipeline.study.names import is_inside, relative_to

WORKBOOKS = {b"PK\x03\x04": "a spreadsheet's workbook (.xlsx or .ods)", b"\xd0\xcf\x11\xe0": "a workbook (.xls)"}
"""First bytes of what is no table but named like one."""
SCAN = "a scan or an archive; scans come by import-dicom, or on the page Study (cordtrack serve), each with its day"
SCANS = (b"\x1f\x8b", b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c", b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c")
"""First bytes of a gzip archive and of NIfTI-1 and -2 in either order of bytes."""
PREAMBLE = 128
"""Bytes before the mark of a DICOM file."""
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MOSTLY_ZERO = 0.8
"""Share of every other byte that is zero in a table of ASCII letters written as UTF-16."""


def text_of(path: Path, root: Path, findings: list[Finding]) -> str | None:
    """Return a file's text; None, with a finding, where it is none, or lies outside ``root``."""
    table = relative_to(root, path)
    if not is_inside(path, root, findings):
        return None
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError as error:
        findings.append(finding("file_unreadable", f"{table}: expected text, found: {error.strerror}", table))
        return None
    if content is None:
        findings.append(finding("file_unreadable", f"{table}: expected a file, found something else", table))
        return None
    other = _other_than_text(content)
    if other is not None:
        findings.append(finding("file_unreadable", f"{table}: expected text, found {other}", table))
        return None
    encoding = _encoding_of(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        message = f"{table}: expected UTF-8 text, found other bytes; letters beyond ASCII may be read as others"
        findings.append(finding("table_encoding", message, table))
        # letters that differ stay different, so that no two people become one
        return content.decode("cp1252" if encoding == "utf-8-sig" else encoding, errors="replace")


def _other_than_text(content: bytes) -> str | None:
    """Say what a file is that is no text, and what to do; None for text."""
    pointer = pointer_in(content)
    if pointer is not None:
        return f"{pointer.what}; {pointer.remedy}"
    if content.startswith(SCANS) or content[PREAMBLE : PREAMBLE + 4] == b"DICM":
        return SCAN
    if content.startswith(b"%PDF"):
        return "a PDF; write its table as CSV (UTF-8)"
    workbook = next((name for start, name in WORKBOOKS.items() if content.startswith(start)), None)
    return None if workbook is None else f"{workbook}; save its sheet as CSV (UTF-8)"


def _encoding_of(content: bytes) -> str:
    """Return how a text is written: UTF-16 by its mark, or by the zeros beside its ASCII letters; UTF-8 else."""
    if content.startswith(UTF16_MARKS):
        return "utf-16"
    halves = {"utf-16-le": content[1::2], "utf-16-be": content[::2]}
    zeros = {name: half.count(0) / max(len(half), 1) for name, half in halves.items()}
    likely = max(zeros, key=lambda name: zeros[name])
    return likely if len(content) % 2 == 0 and zeros[likely] > MOSTLY_ZERO else "utf-8-sig"
