"""Criteria files: packaged ones by name, or a user's own by path, read into a frozen ``Criteria``.

A file is refused whole when a key is unknown or missing, a type is wrong, a threshold impossible or a source
absent: a misspelt rule must never be a rule that silently does not apply.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.files import toml_rules
from pipeline.judge.criteria import ResponseCriteria, problems

__all__ = ["DEFAULT_CRITERIA_ID", "ResponseCriteria", "load", "load_all", "names"]

DEFAULT_CRITERIA_ID = "imsct_adapted_v1"
"""What judges unless somebody chooses otherwise."""


def names() -> tuple[str, ...]:
    """Return the ids of the packaged criteria, the default first."""
    file_names = (entry.name for entry in resources.files("pipeline.judge").joinpath("criteria_tables").iterdir())
    ids = sorted(name.removesuffix(".toml") for name in file_names if name.endswith(".toml"))
    return (DEFAULT_CRITERIA_ID, *(name for name in ids if name != DEFAULT_CRITERIA_ID))


def load(name_or_path: str) -> ResponseCriteria:
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


def load_all(name_or_path: str = DEFAULT_CRITERIA_ID) -> tuple[ResponseCriteria, ...]:
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
def _packaged(name: str) -> ResponseCriteria:
    return _parse((resources.files("pipeline.judge") / "criteria_tables" / f"{name}.toml").read_bytes(), f"{name}.toml")


def _parse(content: bytes, where: str) -> ResponseCriteria:
    table = toml_rules.parse(content, where)
    criteria: ResponseCriteria = toml_rules.fill(
        ResponseCriteria, {**table, "sha256": hashlib.sha256(content).hexdigest()}, where
    )
    mistakes = problems(criteria)
    if mistakes:
        msg = f"{where}: {'; '.join(mistakes)}; correct the file"
        raise SettingsError(msg)
    return criteria
