"""TOML files as frozen dataclasses: rules that people may edit.

A file is refused whole when a key is unknown or missing or a type is wrong: a misspelt rule must never be a rule that
silently does not apply.
"""

from __future__ import annotations

import re
import tomllib
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from importlib import resources
from typing import Any, Union, get_args, get_origin, get_type_hints

from pipeline.errors import SettingsError

SMALLEST, LARGEST = 1e-9, 1e15
"""No rule has a number nearer to 0 or larger; infinity and what is no number (nan) would make one that silently never
holds, and by 1e-320 nothing can be divided."""

IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.+-]{0,63}", re.ASCII)


def parse(content: bytes, where: str) -> dict[str, Any]:
    """Read the bytes of a TOML file.

    Raises
    ------
    SettingsError
        It is no TOML, or the key ``sha256`` is in it, which is always computed.
    """
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # TOML, UTF-8, numbers of thousands of digits; nesting without end
        msg = f"{where}: expected a TOML file, but reading stopped: {error}; correct the file"
        raise SettingsError(msg) from error
    if "sha256" in table:
        msg = f"{where}: unknown key 'sha256'; remove it, the hash is computed"
        raise SettingsError(msg)
    return table


def packaged(room: str, name: str) -> dict[str, Any]:
    """Read a TOML file that lies in a room of the program, such as ``pipeline.study``.

    Raises
    ------
    SettingsError
        It is no TOML.
    """
    return parse((resources.files(room) / name).read_bytes(), name)


def fill(kind: type[Any], table: dict[str, Any], where: str) -> Any:
    """Fill a dataclass from a TOML table, refusing what it does not know.

    Parameters
    ----------
    kind
        A dataclass of texts, numbers, dataclasses, and lists of texts or dataclasses.
    table
        From :func:`parse`, with a section or a list of sections for each dataclass inside.
    where
        The file, as messages name it.

    Raises
    ------
    SettingsError
        A key is unknown or missing, or a value has the wrong type; the message names it.
    """
    field_by_name = {field.name: field for field in fields(kind)}
    unknown = sorted(set(table) - set(field_by_name))
    if unknown:
        allowed = ", ".join(sorted(field_by_name.keys() - {"sha256"}))
        msg = f"{where}: unknown key {unknown[0]!r}; expected only {allowed}"
        raise SettingsError(msg)
    missing = sorted(name for name, field in field_by_name.items() if name not in table and _required(field))
    if missing:
        msg = f"{where}: {missing[0]!r} is missing; add it"
        raise SettingsError(msg)
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], value, f"{where}: {name}") for name, value in table.items()}
    for name, value in values.items():
        _check_text(name, value, where)
    return kind(**values)


def _check_text(name: str, value: Any, where: str) -> None:
    """Refuse an id that is none, since ids become parts of file names and addresses, and text that no page can show."""
    if not isinstance(value, str):
        return
    if name.endswith("_id") and not (IDENTIFIER.fullmatch(value) and ".." not in value):
        expected = "an id of letters, digits, - _ . + (64 at most, a letter or digit first)"
        raise SettingsError(_mistyped(f"{where}: {name}", expected, value))
    if any(ord(character) < ord(" ") and character not in "\n\t" for character in value):
        raise SettingsError(_mistyped(f"{where}: {name}", "text without control characters", value))


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(choice for choice in get_args(kind) if choice is not type(None))
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise SettingsError(_mistyped(where, "a section", value))
        return fill(kind, value, where)  # type: ignore[arg-type]  # a dataclass type, as just checked
    if get_origin(kind) is tuple and is_dataclass(get_args(kind)[0]):
        return _sections(get_args(kind)[0], value, where)
    if get_origin(kind) is tuple and get_args(kind)[0] is int:
        if not isinstance(value, list):
            raise SettingsError(_mistyped(where, "a list of whole numbers", value))
        return tuple(_number_or_text(int, item, where) for item in value)
    if get_origin(kind) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise SettingsError(_mistyped(where, "a list of texts", value))
        return tuple(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise SettingsError(_mistyped(where, f"one of {', '.join(kind)}", value))
        return kind(value)
    return _number_or_text(kind, value, where)


def _sections(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise SettingsError(_mistyped(where, "a list of sections", value))
    return tuple(fill(kind, item, f"{where} {number}") for number, item in enumerate(value, start=1))


def _number_or_text(kind: type, value: Any, where: str) -> Any:
    words = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}[kind]
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
        raise SettingsError(_mistyped(where, words, value))
    if isinstance(value, int | float) and not (value == 0 or SMALLEST <= abs(value) <= LARGEST):  # nan neither
        raise SettingsError(_mistyped(where, f"{words} that can be compared", value))
    return kind(value)


def _mistyped(where: str, expected: str, value: Any) -> str:
    return f"{where}: expected {expected}, found {value!r}; correct the file"
