"""Criteria files: packaged ones by name, or a user's own by path, read into a frozen ``Criteria``.

A file is refused whole when a key is unknown or missing, a type is wrong, a threshold impossible or a source
absent: a misspelt rule must never be a rule that silently does not apply.
"""

from __future__ import annotations

import hashlib
import tomllib
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from pipeline.domain.criterion import Criteria, problems
from pipeline.errors import SettingsError

__all__ = ["DEFAULT_CRITERIA_ID", "Criteria", "load", "load_all", "names"]

DEFAULT_CRITERIA_ID = "imsct_adapted_v1"
"""What judges unless somebody chooses otherwise."""


def names() -> tuple[str, ...]:
    """Return the ids of the packaged criteria, the default first."""
    found = (entry.name for entry in resources.files(__name__).iterdir())
    ids = sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))
    return (DEFAULT_CRITERIA_ID, *(name for name in ids if name != DEFAULT_CRITERIA_ID))


def load(name_or_path: str) -> Criteria:
    """Read one set of criteria.

    Parameters
    ----------
    name_or_path
        Id of packaged criteria (see :func:`names`), or the path of a ``.toml`` file.

    Returns
    -------
    Criteria
        Checked rules, with the hash of the file.

    Raises
    ------
    SettingsError
        No such criteria, or a file that cannot be used as it is.

    Examples
    --------
    >>> load("imsct_adapted_v1").progression.ratio
    1.4
    """
    if name_or_path in names():
        return _packaged(name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        msg = (
            f"criteria {name_or_path!r}: expected a .toml file or one of {', '.join(names())}, found neither; "
            f"correct the name"
        )
        raise SettingsError(msg)
    return _parse(path.read_bytes(), path.name)


def load_all(name_or_path: str = DEFAULT_CRITERIA_ID) -> tuple[Criteria, ...]:
    """Read the criteria asked for, first, and all other packaged ones.

    Raises
    ------
    SettingsError
        As :func:`load`; also when a user's file claims the id of packaged criteria.
    """
    chosen = load(name_or_path)
    if name_or_path not in names() and chosen.criteria_id in names():
        msg = (
            f"{Path(name_or_path).name}: expected a criteria_id of its own, found {chosen.criteria_id!r}, "
            f"which is packaged; give the changed rules another name"
        )
        raise SettingsError(msg)
    return (chosen, *(load(name) for name in names() if name != chosen.criteria_id))


@cache
def _packaged(name: str) -> Criteria:
    return _parse((resources.files(__name__) / f"{name}.toml").read_bytes(), f"{name}.toml")


def _parse(content: bytes, where: str) -> Criteria:
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{where}: expected a TOML file, but reading stopped: {error}; correct the file"
        raise SettingsError(msg) from error
    if "sha256" in table:
        msg = f"{where}: unknown key 'sha256'; remove it, the hash is computed"
        raise SettingsError(msg)
    criteria: Criteria = _build(Criteria, {**table, "sha256": hashlib.sha256(content).hexdigest()}, where)
    found = problems(criteria)
    if found:
        msg = f"{where}: {'; '.join(found)}; correct the file"
        raise SettingsError(msg)
    return criteria


def _build(kind: type[Any], table: dict[str, Any], where: str) -> Any:
    """Fill a dataclass from a TOML table, refusing what it does not know."""
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(set(table) - set(known))
    if unknown:
        allowed = ", ".join(sorted(known.keys() - {"sha256"}))
        msg = f"{where}: unknown key {unknown[0]!r}; expected only {allowed}"
        raise SettingsError(msg)
    missing = sorted(name for name, field in known.items() if name not in table and _required(field))
    if missing:
        msg = f"{where}: {missing[0]!r} is missing; add it"
        raise SettingsError(msg)
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value, f"{where}: {name}") for name, value in table.items()})


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(choice for choice in get_args(kind) if choice is not type(None))
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise SettingsError(_mistyped(where, "a section", value))
        return _build(kind, value, where)  # type: ignore[arg-type]  # a dataclass type, as just checked
    if get_origin(kind) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise SettingsError(_mistyped(where, "a list of texts", value))
        return tuple(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise SettingsError(_mistyped(where, f"one of {', '.join(kind)}", value))
        return kind(value)
    return _number_or_text(kind, value, where)


def _number_or_text(kind: type, value: Any, where: str) -> Any:
    words = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}[kind]
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
        raise SettingsError(_mistyped(where, words, value))
    return kind(value)


def _mistyped(where: str, expected: str, value: Any) -> str:
    return f"{where}: expected {expected}, found {value!r}; correct the file"
