"""How a DICOM file begins, for whoever only has to tell it from other files."""

from __future__ import annotations

from pathlib import Path

PREAMBLE_BYTES = 128
MARK = b"DICM"
"""What follows the preamble."""

FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
"""Groups that a DICOM file without preamble begins with, in either byte order."""


def looks_like_dicom(path: Path) -> bool:
    """Say whether a file begins as DICOM files do, with or without the 128 bytes of preamble."""
    with path.open("rb") as stream:
        start = stream.read(PREAMBLE_BYTES + len(MARK))
    return start[PREAMBLE_BYTES:] == MARK or start[:2] in FIRST_GROUPS
