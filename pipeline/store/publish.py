"""The database file ``OUT_DIR/cordtrack.duckdb``: written whole by the pipeline, read by everyone else.

A run builds a working copy from migrations, rows and views, closes it and puts it in place in one step, so readers
never wait and a killed run leaves the last good file. Nothing in it is precious: everything can be rebuilt, and
comes out the same. What this module refuses: rows that break a rule of the tables, output folders of a newer
version, and reading with anything but named queries and views.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.errors import StoreError
from pipeline.files.atomic import put_in_place
from pipeline.files.out_folder import exclusive, sweep
from pipeline.store.reader import OFFLINE, SQL, Reader, first_line, quoted
from pipeline.store.record_rows import TABLES, columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "OFFLINE",
    "SQL",
    "Reader",
    "build",
    "check",
    "create_views",
    "database_path",
    "dictionary",
    "fingerprint",
    "migrate",
    "publish",
    "query",
    "sql_sha256",
    "table",
    "views",
    "writing",
]

FILE_NAME = "cordtrack.duckdb"
WORKING = ".cordtrack.{}.duckdb"

ROW_GROUP_ROWS = 8192
"""Rows that are read together: a patient's few lie close, and far fewer are passed over than with the usual 122,880."""

writing = exclusive
"""Hold the output folder against a second pipeline; ``publish`` enters it too."""


def database_path(out_dir: Path) -> Path:
    """Return where the store of an output folder is, whether it exists or not."""
    return out_dir / FILE_NAME


def check(out_dir: Path) -> None:
    """Refuse an output folder whose store this version must not replace.

    Raises
    ------
    StoreError
        A newer version wrote it, or it cannot be read.
    """
    database = database_path(out_dir)
    if database.is_file():
        with Reader(database) as reader, reader.cursor() as cursor:
            _refuse_unknown(_applied(cursor), str(database))


def publish(out_dir: Path, records: Iterable[Any]) -> None:
    """Build the store from the given records and put it in place of the previous one in one step.

    The order of the records is irrelevant: rows are stored sorted.

    Parameters
    ----------
    out_dir
        The output folder; made when it does not exist.
    records
        Any of the dataclasses of ``pipeline.core.records``.

    Raises
    ------
    StoreError
        The folder is in use, cannot be written, is full, or was written by a newer version; or a record breaks a
        rule of the tables. The previous store is left as it was.
    """
    with writing(out_dir):
        check(out_dir)
        sweep(out_dir, WORKING.format("*") + "*")
        working = out_dir / WORKING.format(os.getpid())
        try:
            build(working, records)
            put_in_place(working, database_path(out_dir))
        except duckdb.ConstraintException as error:
            message = (
                f"{out_dir}: a result breaks a rule of the tables ({first_line(error)}); nothing was published and "
                f"the previous results stand. Correct the named visit, or report the message"
            )
            raise StoreError(message) from error
        except (duckdb.Error, OSError) as error:
            message = (
                f"{out_dir}: expected to write the results, but it stopped ({first_line(error)}); the previous "
                f"results stand. Free some space or correct the folder's permissions, then run again"
            )
            raise StoreError(message) from error
        finally:
            sweep(out_dir, WORKING.format("*") + "*")


def build(database: Path, records: Iterable[Any]) -> None:
    """Write a complete store into a new file and close it, leaving no write-ahead log beside it."""
    rows: dict[type, list[Any]] = {kind: [] for kind in TABLES}
    for record in records:
        rows[type(record)].append(record)
    with duckdb.connect(":memory:", config=OFFLINE) as connection:
        connection.execute(f"attach '{quoted(database)}' as store (row_group_size {ROW_GROUP_ROWS})")
        connection.execute("use store; set enable_progress_bar = false")
        migrate(connection)
        for kind, found in rows.items():
            _insert(connection, kind, found)
        create_views(connection)
        connection.execute("checkpoint")


def sql_sha256() -> str:
    """Return the digest of all SQL: when it changes, the same rows make another store."""
    files = sorted(SQL.rglob("*.sql"))
    return hashlib.sha256("\n".join(f"{file.name}\n{_text(file)}" for file in files).encode()).hexdigest()


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the tables to the present form: each numbered file once, in one transaction with its own entry.

    Raises
    ------
    StoreError
        A migration that was applied has changed since, or one was applied that this version does not know.
    """
    connection.execute(_text(SQL / "migration_table.sql"))
    applied = _applied(connection)
    _refuse_unknown(applied, "this store")
    for number, file in _migrations().items():
        statements = _text(file)
        checksum = hashlib.sha256(statements.encode()).hexdigest()
        if applied.get(number, checksum) != checksum:
            message = (
                f"sql/migrations/{file.name} was changed after it had been applied; restore the file and put the "
                f"change into a new migration"
            )
            raise StoreError(message)
        if number not in applied:
            connection.begin()
            connection.execute(statements)
            connection.execute("insert into meta.migration values (?, ?, ?)", [number, file.name, checksum])
            connection.commit()


def create_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create or replace the macros and all views, each after the views it reads, in one transaction."""
    connection.begin()
    connection.execute(_text(SQL / "macros.sql"))
    statements = {file.stem: _text(file) for file in sorted((SQL / "views").glob("*.sql"))}
    reads = {name: set(re.findall(r"\b(?:from|join) (\w+)\b(?!\.)", text)) for name, text in statements.items()}
    order = TopologicalSorter({name: sorted((reads[name] & set(statements)) - {name}) for name in statements})
    for name in order.static_order():
        connection.execute(statements[name])
    connection.commit()


def query(database: Path, name: str, **parameters: Any) -> pd.DataFrame:
    """Open the published file, run one named query and close it (see ``Reader.query``)."""
    with Reader(database) as reader:
        return reader.query(name, **parameters)


def views(database: Path) -> list[str]:
    """Return the names of all views, sorted."""
    return sorted(dictionary(database)["view"].unique())


def table(database: Path, view_name: str) -> pd.DataFrame:
    """Return a whole view, rows in a fixed order (see ``Reader.table``)."""
    with Reader(database) as reader:
        return reader.table(view_name)


def dictionary(database: Path) -> pd.DataFrame:
    """Return one row per column of each view: view, column, type and comment (meaning and unit)."""
    with Reader(database) as reader:
        return reader.dictionary()


def fingerprint(database: Path) -> dict[str, str]:
    """Return a digest of the content of each record table; equal digests mean equal rows."""
    with Reader(database) as reader:
        return {name: reader.digest(name) for name in TABLES.values()}


def _insert(connection: duckdb.DuckDBPyConnection, kind: type, found: list[Any]) -> None:
    """Add all rows of one table, sorted: any order of records gives the same store, and a patient's rows lie close."""
    if found:
        connection.register("incoming", columns(kind, found))
        connection.execute(f"insert into record.{TABLES[kind]} by name select * from incoming order by all")
        connection.unregister("incoming")


def _refuse_unknown(applied: Mapping[int, str], where: str) -> None:
    unknown = sorted(set(applied) - set(_migrations()))
    if unknown:
        message = (
            f"{where} was written by a newer version of cordtrack (migration {unknown[0]} is unknown here); install "
            f"that version, or choose another output folder"
        )
        raise StoreError(message)


def _applied(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    return dict(connection.execute("select number, sha256 from meta.migration").fetchall())


def _migrations() -> dict[int, Path]:
    return {int(file.name.split("_")[0]): file for file in sorted((SQL / "migrations").glob("[0-9]*_*.sql"))}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
