"""What a header says of diffusion: b-value and direction, standard elements first, then the makers' own.

A b-value of 0 is a statement only where there is a diffusion sequence: Philips writes it into everything
(rordenlab/dcm2niix, report 449). Directions come in three kinds of axes, and leave in the patient's (LPS):

- the patient's: (0018,9089), Siemens (0019,xx0E), Philips (2005,xxB0) to (2005,xxB2);
- the image's rows, columns and normal: United Imaging (0065,xx37) (dcm2niix, report 225);
- those of encoding: GE (0019,xxBB) to (0019,xxBD), frequency, phase and slice. They are read where dcm2niix has checked
  them against known fibres: axial images, head first and supine, phase along the columns. There frequency runs along
  the rows, phase along the columns and slice against the normal. Elsewhere there is no direction.
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
GE_DIRECTION = "GEMS_ACQU_01"
ELEMENTS = (
    (0x0019, (0x0C, 0x0E, 0xBB, 0xBC, 0xBD)), (0x0043, (0x39,)), (0x2001, (0x03, 0x04, 0x18)),
    (0x2005, (0xB0, 0xB1, 0xB2)), (0x0065, (0x09, 0x37)), (0x0021, (0x4F,)),
)  # fmt: skip
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

GE_SCALED = (0.03, 0.97)
"""Lengths of a GE direction by which its b-value is scaled: b times the square of the length (dcm2niix, report 163)."""

AXIAL_COSINE = 0.7
"""Cosine between an image's normal and the body's axis from which on the image counts as axial."""


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
    if not ge:
        return None
    value = ge[0] % GE_OFFSET % 100_000 if ge[0] >= GE_OFFSET else ge[0]
    length = math.hypot(*_ge_encoded(dataset))
    return value * length**2 if GE_SCALED[0] < length < GE_SCALED[1] else value


def direction_of(dataset: Any) -> Triple | None:
    """Return the direction of diffusion in the patient's axes (LPS, unit length); None when none is stated."""
    stated = numbers(dataset, "DiffusionGradientOrientation", 3)
    stated = stated or _three(_private(dataset, 0x0019, SIEMENS, 0x0E))
    if stated is None:
        axes = [_private(dataset, 0x2005, PHILIPS_DIRECTION, offset) for offset in (0xB0, 0xB1, 0xB2)]
        stated = _three([values[0] for values in axes if values])
    stated = stated or _along_image(dataset, _three(_private(dataset, 0x0065, UNITED, 0x37)))
    if stated is not None:
        length = math.hypot(*stated)
        return None if abs(length - 1) > UNIT_LENGTH else _unit(stated)
    return _ge_direction(dataset)


def _ge_encoded(dataset: Any) -> Triple:
    """Return GE's direction along frequency, phase and slice; zeros when none is stated."""
    parts = [_private(dataset, 0x0019, GE_DIRECTION, offset) for offset in (0xBB, 0xBC, 0xBD)]
    return _three([values[0] for values in parts if values]) or (0.0, 0.0, 0.0)


def _ge_direction(dataset: Any) -> Triple | None:
    """Return GE's direction in the patient's axes, where its own axes are known; None elsewhere."""
    frequency, phase, along = _ge_encoded(dataset)
    axes = numbers(dataset, "ImageOrientationPatient", 6)
    is_told = text(dataset, "InPlanePhaseEncodingDirection").upper().startswith("COL")
    is_told = is_told and text(dataset, "PatientPosition").upper() == "HFS"
    if axes is None or not is_told or math.hypot(frequency, phase, -along) <= GE_SCALED[0]:
        return None
    if abs(_across(axes)[2]) < AXIAL_COSINE:
        return None
    return _unit(_along_image(dataset, (frequency, phase, -along)) or (0.0, 0.0, 0.0))


def _along_image(dataset: Any, parts: Triple | None) -> Triple | None:
    """Return a direction along rows, columns and normal of an image in the patient's axes."""
    axes = numbers(dataset, "ImageOrientationPatient", 6)
    if parts is None or axes is None:
        return None
    image_axes = (axes[:3], axes[3:], _across(axes))
    x, y, z = (sum(part * axis[n] for part, axis in zip(parts, image_axes, strict=True)) for n in range(3))
    return x, y, z


def _across(axes: tuple[float, ...]) -> Triple:
    a, b, c, d, e, f = axes
    return b * f - c * e, c * d - a * f, a * e - b * d


def _unit(direction: Triple) -> Triple:
    length = math.hypot(*direction)
    return direction[0] / length, direction[1] / length, direction[2] / length


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
    try:
        return _numbers(_element(dataset, group, creator, offset))
    except (ValueError, TypeError):
        return []


def _private_text(dataset: Any, group: int, creator: str, offset: int) -> str:
    value = _element(dataset, group, creator, offset)
    words = value.decode("ascii", "ignore") if isinstance(value, bytes) else str(value or "")
    return words.replace("\0", "").strip()


def _element(dataset: Any, group: int, creator: str, offset: int) -> Any:
    """Return the value of a private element from whichever block its creator has; None without it."""
    for block in BLOCKS:
        try:
            if str(dataset[group, block].value).strip() == creator:
                return dataset[group, block << 8 | offset].value
        except (KeyError, ValueError, TypeError, AttributeError):
            continue
    return None


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
    """Return DIRECTIONAL, ISOTROPIC, BMATRIX or NONE as the header has it; empty when it says nothing.

    Philips' own element begins with ``I`` for an isotropic image.
    """
    stated = text(dataset, "DiffusionDirectionality").upper()
    makers_word = "" if stated else _private_text(dataset, 0x2001, PHILIPS, 0x04).upper()
    return "ISOTROPIC" if makers_word.startswith("I") else stated
