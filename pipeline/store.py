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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.errors import SettingsError, StoreError
from pipeline.out_folder import exclusive, put_in_place, sweep
from pipeline.rows import TABLES, columns

if TYPE_CHECKING:
    import pandas as pd

SQL = Path(__file__).parent.parent / "sql"
FILE_NAME = "cordtrack.duckdb"
WORKING = ".cordtrack.{}.duckdb"
OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
"""No extension is ever fetched, and no Python variable is ever taken for a table."""

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
        with _reading(database) as connection:
            _refuse_unknown(_applied(connection), str(database))


def publish(out_dir: Path, records: Iterable[Any]) -> None:
    """Build the store from the given records and put it in place of the previous one in one step.

    The order of the records is irrelevant: rows are stored sorted.

    Parameters
    ----------
    out_dir
        The output folder; made when it does not exist.
    records
        Any of the dataclasses of ``pipeline.domain.records``.

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
                f"{out_dir}: a result breaks a rule of the tables ({_first_line(error)}); nothing was published and "
                f"the previous results stand. Correct the named visit, or report the message"
            )
            raise StoreError(message) from error
        except (duckdb.Error, OSError) as error:
            message = (
                f"{out_dir}: expected to write the results, but it stopped ({_first_line(error)}); the previous "
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
    with duckdb.connect(str(database), config=OFFLINE) as connection:
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
    """Run the named query ``sql/queries/NAME.sql``, read-only.

    Parameters
    ----------
    database
        The published file.
    parameters
        Values of the query's ``$name`` parameters, all of them.

    Raises
    ------
    SettingsError
        No query has this name, or the parameters are not those of the query.
    StoreError
        There is no store, or it cannot be read.
    """
    file = SQL / "queries" / f"{name}.sql"
    names = sorted(known.stem for known in file.parent.glob("*.sql"))
    if name not in names:
        message = f"query {name}: expected one of {', '.join(names)}"
        raise SettingsError(message)
    statement = _text(file)
    expected = set(re.findall(r"\$(\w+)", statement))
    if expected != set(parameters):
        message = f"query {name}: expected the parameters {sorted(expected)}, got {sorted(parameters)}"
        raise SettingsError(message)
    with _reading(database) as connection:
        return connection.execute(statement, parameters or None).df()


def views(database: Path) -> list[str]:
    """Return the names of all views, sorted."""
    return sorted(dictionary(database)["view"].unique())


def table(database: Path, view_name: str) -> pd.DataFrame:
    """Return a whole view, rows in a fixed order.

    Raises
    ------
    SettingsError
        There is no such view.
    """
    known = views(database)
    if view_name not in known:
        message = f"table {view_name}: expected one of {', '.join(known)}"
        raise SettingsError(message)
    with _reading(database) as connection:
        return connection.execute(f"select * from {view_name} order by all").df()


def dictionary(database: Path) -> pd.DataFrame:
    """Return one row per column of each view: view, column, type and comment (meaning and unit)."""
    with _reading(database) as connection:
        return connection.execute(_text(SQL / "dictionary.sql")).df()


def fingerprint(database: Path) -> dict[str, str]:
    """Return a digest of the content of each record table; equal digests mean equal rows."""
    with _reading(database) as connection:
        return {name: _digest(connection, name) for name in TABLES.values()}


def _digest(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    rows = connection.execute(f"select * from record.{name} order by all").fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@contextmanager
def _reading(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file read-only, with nothing else in reach, and close it at once.

    Attached to an instance of its own: connecting to the path itself would hand out the file that was there before
    a publish for as long as any other thread still reads it.
    """
    if not database.is_file():
        message = f"{database}: expected the results of a run, found no such file; run the pipeline on the study first"
        raise StoreError(message)
    with duckdb.connect(":memory:", config=OFFLINE) as connection:
        try:
            connection.execute(f"attach '{_quoted(database)}' as store (read_only)")
            connection.execute("use store; set enable_external_access = false; set lock_configuration = true")
            yield connection
        except duckdb.Error as error:
            raise _unreadable(database, error) from error


def _unreadable(database: Path, error: duckdb.Error) -> StoreError:
    if "lock" in str(error):
        return StoreError(
            f"{database}: another program has opened this file for writing ({_first_line(error)}); close it there"
        )
    return StoreError(
        f"{database}: expected a store of this version, but it cannot be read ({_first_line(error)}); it holds "
        f"nothing that a run cannot rebuild: delete the file and run the pipeline again"
    )


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


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
