"""Cells that somebody typed into a table and did not save: kept in their session, also while the table is not drawn.

An editor forgets its cells as soon as a page is drawn without it. So what was changed is noted at each drawing, by
whose it is and by the table's digest, and an editor drawn anew begins with it, under a key of its own. What was typed
into a version that is no longer the table's is never put into another one: it is shown, to be typed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dashboard.data import who

NOTED = "typed-tables"
BEGINS = "form-"
"""Beginning of the keys of tables that people edit."""
PARTS = ("edited_rows", "added_rows", "deleted_rows")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class TypedTable:
    """A table as an editor was given it, and how somebody changed it since."""

    saved: tuple[Row, ...]
    """As it stood on the disk then."""
    start: tuple[Row, ...]
    """As its editor was given it."""
    changes: Mapping[str, Any]
    drawing: int = 0
    is_brought_back: bool = False
    """It starts with what was typed before."""

    @property
    def is_typed(self) -> bool:
        """Whether it holds anything that is not saved."""
        return self.is_brought_back or any(self.changes.get(part) for part in PARTS)

    def again(self, drawing: int) -> TypedTable:
        """Return it for an editor that begins with what was typed."""
        return TypedTable(self.saved, tuple(as_left(self.start, self.changes)), {}, drawing, is_brought_back=True)


def as_left(start: Sequence[Row], changes: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a table as its editor left them.

    Parameters
    ----------
    changes
        As Streamlit keeps them of an editor: edited rows by number, added rows, numbers of deleted rows.
    """
    edited = {int(number): cells for number, cells in changes.get("edited_rows", {}).items()}
    gone = set(changes.get("deleted_rows", ()))
    stay = [{**row, **edited.get(number, {})} for number, row in enumerate(start) if number not in gone]
    return [*stay, *changes.get("added_rows", ())]


def rows_of(table: TypedTable) -> list[Row]:
    """Return the rows of a table with what was typed into it."""
    return as_left(table.start, table.changes)


def key_of(name: str, digest: str) -> str:
    """Return the key of a table's version: a saved table begins anew."""
    return f"{BEGINS}{name}-{digest[:12]}"


def begun(key: str, saved: Sequence[Row]) -> tuple[str, tuple[Row, ...]]:
    """Return the key and the rows with which the editor of a table's version is to be drawn now."""
    table = _noted().get(_whose(key), TypedTable(tuple(saved), tuple(saved), {}))
    if _drawn(key, table) not in st.session_state and table.is_typed:  # it was not drawn meanwhile
        table = table.again(table.drawing + 1)
    _noted()[_whose(key)] = table
    return _drawn(key, table), table.start


def note(key: str) -> TypedTable:
    """Note how the editor of a table's version, just drawn, was changed; return it."""
    table = _as_now(key, _noted()[_whose(key)])
    _noted()[_whose(key)] = table
    return table


def forget(key: str) -> None:
    """Let go of what was typed into a table's version, and let its editor begin anew."""
    table = _noted().get(_whose(key))
    if table is not None:
        _noted()[_whose(key)] = TypedTable(table.saved, table.saved, {}, table.drawing + 1)


def unsaved() -> dict[str, TypedTable]:
    """Return all that whoever is here typed and did not save, by the key of the table's version."""
    now = {key: _as_now(key, table) for (whose, key), table in _noted().items() if whose == who.identity()}
    return {key: table for key, table in now.items() if table.is_typed}


def put(key: str, table: TypedTable) -> None:
    """Take what the same person typed in another session; the editor drawn next begins with it."""
    here = _noted().get(_whose(key), table)
    _noted()[_whose(key)] = table.again(max(here.drawing, table.drawing) + 1)


def of_other_versions(name: str, key: str) -> dict[str, str]:
    """Return in words what was typed into versions of a table that are no longer the one of a key, by their keys."""
    others = {at: table for at, table in unsaved().items() if at.startswith(f"{BEGINS}{name}-") and at != key}
    return {at: _words(table) for at, table in others.items()}


def _words(table: TypedTable) -> str:
    before = [dict(row) for row in table.saved]
    typed = [row for row in as_left(table.start, table.changes) if dict(row) not in before]
    lines = [", ".join(f"{column} {cell}" for column, cell in row.items() if cell) for row in typed]
    return "; ".join(line for line in lines if line) or "rows taken away"


def _as_now(key: str, table: TypedTable) -> TypedTable:
    changes = st.session_state.get(_drawn(key, table))
    return replace(table, changes=deepcopy(dict(changes))) if isinstance(changes, Mapping) else table


def _drawn(key: str, table: TypedTable) -> str:
    return f"{key}-{table.drawing}"


def _whose(key: str) -> tuple[str, str]:
    return who.identity(), key


def _noted() -> dict[tuple[str, str], TypedTable]:
    noted: dict[tuple[str, str], TypedTable] = st.session_state.setdefault(NOTED, {})
    return noted
