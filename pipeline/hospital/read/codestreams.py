"""How large a compressed frame says it is, read from its own first bytes.

A codec sets memory aside for the size in the code stream, whatever the DICOM header says: so the two are compared
before anything is unpacked (JPEG and JPEG-LS: ITU-T T.81 B.2.2 and T.87 C.2.2; JPEG 2000: ITU-T T.800 A.5.1).
"""

from __future__ import annotations

from typing import Any

from pydicom.encaps import generate_frames

from pipeline.errors import InputError
from pipeline.hospital.read.instances import Pixels

JPEG_START = b"\xff\xd8"
CODESTREAM_START = b"\xff\x4f\xff\x51"
SIZE_MARKERS = frozenset({0xF7, *(code for code in range(0xC0, 0xD0) if code not in {0xC4, 0xC8, 0xCC})})


def refuse_other_size(dataset: Any, pixels: Pixels) -> None:
    """Refuse frames whose own size is not that of the header, or cannot be told.

    Raises
    ------
    InputError
        See above; also when there are fewer frames than announced.
    """
    count = 0
    for codestream in generate_frames(dataset.PixelData, number_of_frames=pixels.frames):
        size = size_of(codestream)
        if size != (pixels.rows, pixels.columns):
            words = "an unknown coding" if size is None else f"{size[0]} x {size[1]}"
            raise InputError(f"expected compressed frames of {pixels.rows} x {pixels.columns} pixels, found {words}")
        count += 1
    if count < pixels.frames:
        raise InputError(f"expected {pixels.frames} compressed frames, found {count} (the file is truncated)")


def size_of(codestream: bytes) -> tuple[int, int] | None:
    """Return rows and columns of a compressed frame; None when it is neither JPEG, JPEG-LS nor JPEG 2000."""
    if codestream.startswith(JPEG_START):
        return _jpeg_size(codestream)
    at = codestream.find(CODESTREAM_START, 0, 4096)  # a JP2 file has boxes before its code stream
    if at < 0 or len(codestream) < at + 24:
        return None
    sizes = [int.from_bytes(codestream[at + n : at + n + 4], "big") for n in (8, 12, 16, 20)]
    return sizes[1] - sizes[3], sizes[0] - sizes[2]


def _jpeg_size(codestream: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(codestream):
        if codestream[at] != 0xFF:
            return None
        marker = codestream[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in SIZE_MARKERS:
            return int.from_bytes(codestream[at + 5 : at + 7], "big"), int.from_bytes(
                codestream[at + 7 : at + 9], "big"
            )
        at += 2 + int.from_bytes(codestream[at + 2 : at + 4], "big")
    return None
