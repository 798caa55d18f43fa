"""What a header says of diffusion: b-value and direction, standard elements first, then the makers' own.

A b-value of 0 is a statement only where there is a diffusion sequence: Philips writes it into everything
(rordenlab/dcm2niix, report 449). Directions are read where they are in the patient's axes: (0018,9089), Siemens
(0019,xx0E) and Philips (2005,xxB0) to (2005,xxB2). Those of GE's own elements are in the scanner's axes of encoding,
which depend on more than the header says; they are not read.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from pydicom.tag import BaseTag, Tag

from pipeline.hospital.read.header_values import number, numbers, text
from pipeline.hospital.read.instances import Triple

BLOCKS = range(0x10, 0x14)
SIEMENS, GE, PHILIPS = "SIEMENS MR HEADER", "GEMS_PARM_01", "Philips Imaging DD 001"
PHILIPS_DIRECTION, UNITED = "Philips MR Imaging DD 001", "Image Private Header"
ELEMENTS = ((0x0019, (0x0C, 0x0E)), (0x0043, (0x39,)), (0x2001, (0x03, 0x18)), (0x2005, (0xB0, 0xB1, 0xB2)),
            (0x0065, (0x09, 0x37)), (0x0021, (0x4F,)))  # fmt: skip
PRIVATE_TAGS: tuple[BaseTag, ...] = tuple(
    tag
    for group, offsets in ELEMENTS
    for block in BLOCKS
    for tag in (Tag(group, block), *(Tag(group, block << 8 | offset) for offset in offsets))
)
"""Private elements to read: creators and values in the first blocks."""

GE_OFFSET = 1_000_000_000
UNIT_LENGTH = 0.05
"""How far the length of a direction may be from 1."""


def b_value_of(dataset: Any) -> float | None:
    """Return the b-value of a classic image as its maker has it, s/mm²; None when none is stated."""
    standard = number(dataset, "DiffusionBValue")
    if standard is not None:
        return standard
    siemens, philips = _private(dataset, 0x0019, SIEMENS, 0x0C), _private(dataset, 0x2001, PHILIPS, 0x03)
    united = _private(dataset, 0x0065, UNITED, 0x09)
    stated = next((values[0] for values in (siemens, philips, united) if values), None)
    if stated is not None:
        return stated
    ge = _private(dataset, 0x0043, GE, 0x39)
    return ge[0] % GE_OFFSET % 100_000 if ge and ge[0] >= GE_OFFSET else (ge[0] if ge else None)


def direction_of(dataset: Any) -> Triple | None:
    """Return the direction of diffusion in the patient's axes (LPS, unit length); None when none is stated."""
    stated = numbers(dataset, "DiffusionGradientOrientation", 3)
    stated = stated or _three(_private(dataset, 0x0019, SIEMENS, 0x0E))
    stated = stated or _three(_private(dataset, 0x0065, UNITED, 0x37))
    if stated is None:
        axes = [_private(dataset, 0x2005, PHILIPS_DIRECTION, offset) for offset in (0xB0, 0xB1, 0xB2)]
        stated = _three([values[0] for values in axes if values])
    length = math.hypot(*stated) if stated else 0.0
    if stated is None or abs(length - 1) > UNIT_LENGTH:
        return None
    return stated[0] / length, stated[1] / length, stated[2] / length


def slices_stated(dataset: Any) -> int | None:
    """Return how many slices a stack is said to have, by NumberOfSlices or the makers' own elements."""
    stated = [number(dataset, "NumberOfSlices")]
    for group, creator, offset in ((0x2001, PHILIPS, 0x18), (0x0021, "GEMS_RELA_01", 0x4F)):
        values = _private(dataset, group, creator, offset)
        stated += [values[0]] if values else []
    return next((int(value) for value in stated if value and 0 < value < 100_000), None)


def _three(values: list[float]) -> Triple | None:
    return (values[0], values[1], values[2]) if len(values) == 3 else None


def _private(dataset: Any, group: int, creator: str, offset: int) -> list[float]:
    """Return the numbers of a private element, whatever representation it came in; empty without it."""
    for block in BLOCKS:
        try:
            if str(dataset[group, block].value).strip() != creator:
                continue
            element = dataset[group, block << 8 | offset]
            return _numbers(element.value)
        except (KeyError, ValueError, TypeError, AttributeError):
            continue
    return []


def _numbers(value: Any) -> list[float]:
    if isinstance(value, bytes):  # implicit files: the representation is not known
        words = value.decode("ascii", "ignore").replace("\0", "").strip()
        try:
            return [float(part) for part in words.split("\\")]
        except ValueError:
            kind = {4: "<f", 8: "<d", 24: "<3d", 12: "<3f"}.get(len(value))
            return [float(part) for part in struct.unpack(kind, value)] if kind else []
    parts = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    return [float(part) for part in parts]


def directionality_of(dataset: Any) -> str:
    """Return DIRECTIONAL, ISOTROPIC, BMATRIX or NONE as the header has it; empty when it says nothing."""
    return text(dataset, "DiffusionDirectionality").upper()
