"""The views of a store, made in the order in which they read one another; those stored with their rows, kept of now."""

from __future__ import annotations

import re
from collections.abc import Collection
from graphlib import TopologicalSorter

import duckdb

from pipeline.store import sql_files

STORED = re.compile(r"^create or replace table (\w+) as\n(.*?);\n\ncomment on", re.DOTALL | re.MULTILINE)
"""How a view begins that is stored with its rows: its name, and what its rows are read by."""


def bring_views(connection: duckdb.DuckDBPyConnection, patients: Collection[str] | None = None) -> None:
    """Create the macros and all views; where those of the store are of this very SQL, only rows that are stored.

    Making all views takes longer than a patient's rows, and stored rows of everybody longer than those of a few.

    Parameters
    ----------
    connection
        Of a store that holds all its rows, as its default database ``store``.
    patients
        Whose rows changed: all stored rows are about one patient each, made of this patient's rows alone. None where
        any may have changed.
    """
    digest = sql_files.digest()
    noted = connection.execute(
        "select comment from duckdb_tables() where database_name = 'store' and table_name = 'store_version'"
    ).fetchone()
    if noted is None or noted[0] != digest:
        _create_all(connection)
        connection.execute(f"comment on table store.meta.store_version is '{digest}'")
    elif patients is None:
        _create_all(connection, is_of_rows_only=True)
    elif patients:
        _renew(connection, patients)


def _statements() -> list[str]:
    """Return the statements of each view, after those of the views that it reads."""
    statements = {file.stem: sql_files.text(file) for file in sorted((sql_files.SQL / "views").glob("*.sql"))}
    reads = {name: set(re.findall(r"\b(?:from|join) (\w+)\b(?!\.)", text)) for name, text in statements.items()}
    order = TopologicalSorter({name: sorted((reads[name] & set(statements)) - {name}) for name in statements})
    return [statements[name] for name in order.static_order()]


def _create_all(connection: duckdb.DuckDBPyConnection, *, is_of_rows_only: bool = False) -> None:
    """Create or replace macros and views, or only views that hold rows, in one transaction."""
    connection.begin()
    if not is_of_rows_only:
        connection.execute(sql_files.formulas())
    for text in _statements():
        if STORED.search(text) or not is_of_rows_only:
            connection.execute(text)
    connection.commit()


def _renew(connection: duckdb.DuckDBPyConnection, patients: Collection[str]) -> None:
    """Put stored rows of some patients in place of those there are.

    Their names stand in the query itself: only then are the other patients' rows not read for it.
    """
    names = ", ".join("'{}'".format(name.replace("'", "''")) for name in sorted(patients))
    connection.begin()
    for stored in filter(None, map(STORED.search, _statements())):
        view, query = stored.groups()  # of our own files
        connection.execute(f"delete from {view} where patient_id in ({names})")
        connection.execute(f"insert into {view} by name select * from ({query}) where patient_id in ({names})")
    connection.commit()
