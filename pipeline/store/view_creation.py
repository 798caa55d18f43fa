"""The views of a store, made in the order in which they read one another; those stored with their rows, kept of now."""

from __future__ import annotations

import re
from collections.abc import Collection
from graphlib import TopologicalSorter

import duckdb

from pipeline.store import sql_files

SAID = ";\n\ncomment on"
"""Where in a view's file what is said of it and its columns begins: a millisecond each, and there are dozens."""
STORED = re.compile(rf"^create or replace table (\w+) as\n(.*?){SAID}", re.DOTALL | re.MULTILINE)
"""How a view begins that is stored with its rows: its name, and what its rows are read by."""
WITHOUT_ROWS = rf"create or replace table \1 as select * from (\2) limit 0{SAID}"

AT_ONCE = 1000
"""Patients whose stored rows are made at the same time."""


def bring_views(connection: duckdb.DuckDBPyConnection, patients: Collection[str] | None = None) -> None:
    """Create the macros and all views; where those of the store are of this very SQL, only rows that are stored.

    Making all views takes longer than a patient's rows, and stored rows of everybody longer than those of a few. So a
    view that is stored may read rows of its own patient and of no patient, never those of another one.

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
        patients = None
        connection.execute(f"comment on table store.meta.store_version is '{digest}'")
    if patients is None:
        _fill(connection)
    elif patients:
        _renew(connection, f"in ({', '.join(map(_quoted, sorted(patients)))})")


def _statements(needed_by: Collection[str] | None = None) -> list[str]:
    """Return the statements of each view, after those of the views that it reads.

    Parameters
    ----------
    needed_by
        Views that are wanted with those that they read, directly or through others; None for all.
    """
    statements = {file.stem: sql_files.text(file) for file in sorted((sql_files.SQL / "views").glob("*.sql"))}
    named = {name: set(re.findall(r"\b(?:from|join) (\w+)\b(?!\.)", text)) for name, text in statements.items()}
    reads = {name: sorted((named[name] & set(statements)) - {name}) for name in statements}
    wanted, ahead = set(), list(statements if needed_by is None else needed_by)
    while ahead:
        name = ahead.pop()
        if name not in wanted:
            wanted.add(name)
            ahead += reads[name]
    return [statements[name] for name in TopologicalSorter(reads).static_order() if name in wanted]


def _create_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Create or replace macros and views, those that hold rows without any, in one transaction."""
    connection.begin()
    connection.execute(sql_files.formulas())
    for text in _statements():
        connection.execute(STORED.sub(WITHOUT_ROWS, text))
    connection.commit()


def _fill(connection: duckdb.DuckDBPyConnection) -> None:
    """Put stored rows of everybody in place of those there are.

    The tables stay, with what is said of their columns: to say it again takes longer than the rows of a few patients.
    Rows of a large study are made some patients at a time, so that memory does not grow with it.
    """
    names = [name for (name,) in connection.execute("select patient_id from record.patient order by all").fetchall()]
    connection.begin()
    for view, query in _stored():  # of our own files
        connection.execute(f"delete from {view}")
        if len(names) <= AT_ONCE:
            connection.execute(f"insert into {view} by name {query}")
    connection.commit()
    if len(names) > AT_ONCE:
        for first in range(0, len(names), AT_ONCE):
            some = names[first : first + AT_ONCE]
            _renew(connection, f"between {_quoted(some[0])} and {_quoted(some[-1])}")


def _quoted(name: str) -> str:
    return "'{}'".format(name.replace("'", "''"))


def _stored() -> list[tuple[str, str]]:
    """Return the name of each view that is stored and what its rows are read by, after those that it reads."""
    return [(view[1], view[2]) for view in filter(None, map(STORED.search, _statements()))]


def _renew(connection: duckdb.DuckDBPyConnection, whose: str) -> None:
    """Put stored rows of some patients in place of those there are.

    The views are read in a database in memory that holds these patients' rows alone: asked of the whole store, some
    of them would be computed for everybody first, which takes seconds and a gigabyte where there are 10,000 patients.

    Parameters
    ----------
    whose
        What holds for ``patient_id`` of theirs and of nobody else's, in SQL.
    """
    stored = [view for view, _ in _stored()]
    connection.execute("attach ':memory:' as few")
    _copy_rows(connection, whose, stored)
    connection.execute("use few")
    connection.execute(sql_files.formulas())
    for text in _statements(stored):
        connection.execute(text.split(SAID, 1)[0])
    connection.execute("use store")
    connection.begin()
    for view in stored:  # of our own files
        connection.execute(f"delete from {view} where patient_id {whose}")
        connection.execute(f"insert into {view} by name from few.{view}")
    connection.commit()
    connection.execute("detach few")


def _copy_rows(connection: duckdb.DuckDBPyConnection, whose: str, stored: Collection[str]) -> None:
    """Copy what the tables of a store say of some patients, and of no patient, into the database ``few``."""
    tables = connection.execute(
        "select schema_name, table_name, bool_or(column_name = 'patient_id') from duckdb_columns() "
        "semi join duckdb_tables() using (database_name, schema_name, table_name) "
        "where database_name = 'store' group by all order by all"
    ).fetchall()
    for schema, table, is_of_patients in tables:  # names of our own tables
        if table not in stored:
            chosen = f"where patient_id {whose} or patient_id is null or patient_id = ''" if is_of_patients else ""
            connection.execute(f"create schema if not exists few.{schema}")
            connection.execute(f"create table few.{schema}.{table} as from store.{schema}.{table} {chosen}")
