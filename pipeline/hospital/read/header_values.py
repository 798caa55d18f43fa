"""Single values out of a DICOM data set: missing, empty or malformed is None or empty text, never an exception."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any


def text(dataset: Any, keyword: str) -> str:
    """Return an element as text, several values joined by a backslash; empty when missing."""
    try:
        value = dataset.get(keyword)
    except Exception:  # pydicom converts on access and raises many kinds for malformed values
        return ""
    if value is None:
        return ""
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return str(value).replace("\x00", "").strip()
    if hasattr(value, "original_string"):  # a person's name
        return str(value).strip()
    return "\\".join(str(part).strip() for part in value)


def texts(dataset: Any, keyword: str) -> tuple[str, ...]:
    """Return the values of an element as texts."""
    return tuple(part for part in text(dataset, keyword).split("\\") if part)


def number(dataset: Any, keyword: str) -> float | None:
    """Return an element as a finite number; the first one when there are several."""
    first = text(dataset, keyword).split("\\", 1)[0]
    try:
        value = float(first)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def numbers(dataset: Any, keyword: str, count: int) -> Any:
    """Return exactly ``count`` finite numbers as a tuple; None otherwise."""
    try:
        values = tuple(float(part) for part in text(dataset, keyword).split("\\"))
    except ValueError:
        return None
    return values if len(values) == count and all(map(math.isfinite, values)) else None


def whole(dataset: Any, keyword: str) -> int | None:
    """Return an element as a whole number."""
    value = number(dataset, keyword)
    return int(value) if value is not None and abs(value) < 2**53 else None


def day(dataset: Any, keyword: str) -> date | None:
    """Return a date (YYYYMMDD, or YYYY.MM.DD as old files have it); None for anything that is no day."""
    match = re.fullmatch(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", text(dataset, keyword))
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None
