"""A patient's course as text and back: what judgement looked at, kept so that it can be asked again.

What this module refuses: to lose what was written of a day of which only the month or the year is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import date, time
from typing import Any

from pipeline.core.exchange import Exchange
from pipeline.core.vocabulary import (
    FunctionGrade,
    MaskOrigin,
    PartSize,
    PatientCourse,
    TreatmentEvent,
    TreatmentKind,
    VisitMeasure,
)
from pipeline.core.written_day import WrittenDay

PARTS = {
    "visits": VisitMeasure,
    "undated": VisitMeasure,
    "treatments": TreatmentEvent,
    "function_scores": FunctionGrade,
}
WITHIN = {"cyst": PartSize, "enhancing": PartSize}
"""Values that are records themselves, by the names of their fields."""


LESIONS = "lesions_of_table"
"""What stands beside the fields of a course: sizes that a table gives of single lesions, for whoever asks by name."""


SCANS = "lesions_of_scans"
"""The same of lesions that were followed in scans."""


def to_text(
    course: PatientCourse, lesions: Mapping[str, Any] | None = None, of_scans: Mapping[str, Any] | None = None
) -> str:
    """Write a course as JSON; fields at their usual value are left out.

    Parameters
    ----------
    lesions
        What a table gives of single lesions, of records, days and plain values; None where there is nothing.
    of_scans
        The same of lesions of scans.
    """
    written = {name: value for name, value in asdict(course).items() if name not in PARTS}
    for name in PARTS:
        written[name] = [_without_usual(part) for part in getattr(course, name)]
    beside = {LESIONS: lesions, SCANS: of_scans}
    written |= {name: values for name, values in beside.items() if values is not None}
    return json.dumps(written, ensure_ascii=False, default=_plain)


def from_text(text: str) -> PatientCourse:
    """Read a course as :func:`to_text` wrote it.

    >>> course = PatientCourse("sub-01", (VisitMeasure("ses-01", date(2020, 1, 2), 500.0, 0.1),))
    >>> from_text(to_text(course)) == course
    True
    """
    read: dict[str, Any] = json.loads(text)
    for name in (LESIONS, SCANS):
        read.pop(name, None)
    for name, kind in PARTS.items():
        read[name] = tuple(_part(kind, values) for values in read.get(name, ()))
    read["pinned_baselines"] = tuple(read["pinned_baselines"])
    read["pinned_on"] = {name: _day(day) for name, day in read.get("pinned_on", {}).items()}
    for name in ("died_on", "last_contact_on"):
        read[name] = _day(read[name])
    return PatientCourse(**read)


def lesions_in(text: str, of: str = LESIONS) -> dict[str, Any] | None:
    """Return what :func:`to_text` wrote of a table's lesions, or of those of scans; None where it wrote nothing.

    Records are mappings, days as :func:`written_day` reads them.
    """
    lesions: dict[str, Any] | None = json.loads(text).get(of)
    return lesions


def written_day(value: Any) -> date | None:
    """Return a day as :func:`to_text` wrote it."""
    return _day(value)


def _without_usual(part: Any) -> dict[str, Any]:
    return {one.name: getattr(part, one.name) for one in fields(part) if getattr(part, one.name) != one.default}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _without_usual(value)
    if isinstance(value, WrittenDay):
        return [value.isoformat(), value.written, value.last.isoformat()]
    if isinstance(value, date | time):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset | set) else dict(value)


def _part(kind: type, values: Mapping[str, Any]) -> Any:
    read = dict(values)
    for name, value in values.items():
        if name.endswith(("_on", "_by")):
            read[name] = _day(value)
        elif name.endswith("_at"):
            read[name] = time.fromisoformat(value)
        elif name in WITHIN:
            read[name] = WITHIN[name](**value)
        elif name == "exchanges":
            read[name] = tuple(_exchange(one) for one in value)
        elif name == "contrasts":
            read[name] = frozenset(value)
        elif name == "mask_origin":
            read[name] = MaskOrigin(value)
        elif name == "kind":
            read[name] = TreatmentKind(value)
    return kind(**read)


def _exchange(values: Mapping[str, Any]) -> Exchange:
    days = {name: _day(values[name]) for name in ("on", "read_on") if name in values}
    names = {name: tuple(values[name]) for name in ("lesions", "unread") if name in values}
    return Exchange(**{**values, **days, **names})


def _day(value: Any) -> date | None:
    if isinstance(value, list):
        first, written, last = value
        day = date.fromisoformat(first)
        return WrittenDay(day.year, day.month, day.day, written, date.fromisoformat(last))
    return None if value is None else date.fromisoformat(value)
