"""Values of a record's field as its column holds them: the database would round, parse or shift in silence.

A fraction in a column of whole numbers, a text in one of lengths, a time with a zone in one without: each would come
back as another value than was given. What this module refuses: values that are not of the field's type.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from numbers import Integral, Real
from types import NoneType
from typing import Any

from pipeline.errors import StoreError

AS_THEY_ARE: Mapping[type, frozenset[type]] = {
    str: frozenset({str}),
    float: frozenset({float, int}),
    int: frozenset({int}),
    bool: frozenset({bool}),
    date: frozenset({date}),
    datetime: frozenset(),
}
"""Type of a field to those of values that need no second look, besides None."""

ALIKE: Mapping[type, type] = {str: str, float: Real, int: Integral, date: date, datetime: datetime}
"""Type of a field to that of values which say the same, such as a library's own numbers, which are made plain ones."""


def as_stored(field: str, values: list[Any], kind: type) -> list[Any]:
    """Return values that a column takes without changing them; a time with a zone becomes that of UTC.

    Parameters
    ----------
    field
        Record and field, for the error's words.
    values
        Of one field, a record each; None where it is missing.
    kind
        The field's type.

    Raises
    ------
    StoreError
        A value is of another type.

    Examples
    --------
    >>> as_stored("Scan.slices", [3, None], int)
    [3, None]
    >>> as_stored("Scan.slices", [2.5], int)
    Traceback (most recent call last):
    ...
    pipeline.errors.StoreError: Scan.slices: expected int, but it holds 2.5 (float); nothing was published and the \
previous results stand. Report this message
    """
    odd = set(map(type, values)) - AS_THEY_ARE[kind] - {NoneType}
    if not odd:
        return values
    wrong = {one for one in odd if not _is_alike(one, kind)}
    if wrong:
        value = next(value for value in values if type(value) in wrong)
        message = (
            f"{field}: expected {kind.__name__}, but it holds {value!r} ({type(value).__name__}); nothing was "
            f"published and the previous results stand. Report this message"
        )
        raise StoreError(message)
    return [None if value is None else _plainly(value, kind) for value in values]


def _is_alike(one: type, kind: type) -> bool:
    if kind is bool:
        return one.__module__ == "numpy" and one.__name__ in {"bool", "bool_"}
    return issubclass(one, ALIKE[kind]) and not (issubclass(one, bool) and kind in {int, float})


def _plainly(value: Any, kind: type) -> Any:
    if kind is datetime:
        return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return kind(value) if kind in {int, float, bool} else value
