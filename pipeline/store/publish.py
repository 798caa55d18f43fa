"""The database file ``OUT_DIR/cordtrack.duckdb``: put in place whole by the pipeline; who reads it asks ``reader``.

A run builds a working copy, from schema, rows and views or from the store before with some patients' rows replaced,
closes it and puts it in place in one step, so readers never wait and a killed run leaves the last good file. Rows are
held to the rules of the tables before they go in; the keys themselves are not published, for they take more room and
time than the rows. Nothing in it is precious: everything can be rebuilt, and comes out the same; so no table or column
is ever altered, and a store of an older version is simply replaced. What this module refuses: rows that break a rule of
the tables, and output folders of a newer version.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import types
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args, get_type_hints

import duckdb

from pipeline.core import records
from pipeline.errors import StoreError
from pipeline.files.atomic import put_in_place
from pipeline.files.out_folder import exclusive, sweep
from pipeline.store import sql_files
from pipeline.store.reader import (
    OFFLINE,
    bytes_of_blocks,
    database_path,
    first_line,
    quoted,
    refuse_newer,
    stored_version,
)
from pipeline.store.stored_values import as_stored
from pipeline.store.view_creation import bring_views

WORKING = ".cordtrack.{}.duckdb"

ROW_GROUP_ROWS = 8192
"""Rows that are read together: a patient's few lie close, and far fewer are passed over than with the usual 122,880."""

PARENTS = (records.Patient, records.Visit, records.Criteria)
"""Tables that others refer to, filled first."""

KINDS = [kind for kind in vars(records).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
TABLES: Mapping[type, str] = {
    kind: re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__).lower() for kind in dict.fromkeys((*PARENTS, *KINDS))
}
"""Record type to table name, parents before children."""

writing = exclusive
"""Hold the output folder against a second pipeline; ``publish`` enters it too."""


def check(out_dir: Path) -> None:
    """Refuse an output folder whose store this version must not replace.

    Raises
    ------
    StoreError
        A newer version wrote it, or it cannot be read.
    """
    database = database_path(out_dir)
    if database.is_file():
        refuse_newer(database, stored_version(database))


def is_current(out_dir: Path) -> bool:
    """Say whether there is a store of this version; one of another has to be published anew.

    Raises
    ------
    StoreError
        There is a file that cannot be read.
    """
    database = database_path(out_dir)
    return database.is_file() and stored_version(database) == sql_files.version()


def publish(out_dir: Path, result_rows: Iterable[Any]) -> None:
    """Build the store from the given records and put it in place of the previous one in one step.

    The order of the records is irrelevant: rows are stored sorted.

    Parameters
    ----------
    out_dir
        The output folder; made when it does not exist.
    result_rows
        Any of the dataclasses of ``pipeline.core.records``.

    Raises
    ------
    StoreError
        The folder is in use, cannot be written, is full, or was written by a newer version; or a record breaks a
        rule of the tables. The previous store is left as it was.
    """
    publish_batches(out_dir, [list(result_rows)])


def publish_batches(out_dir: Path, batches: Iterable[Sequence[Any]]) -> None:
    """Build the store as :func:`publish` does, from records that need not be in memory all at once.

    Parameters
    ----------
    batches
        Records of some patients each, by name; rows are sorted within a batch.

    Raises
    ------
    StoreError
        As :func:`publish`.
    """
    with _working_copy(out_dir) as working:
        build(working, batches)


def update(out_dir: Path, replaced: Collection[str], result_rows: Iterable[Any]) -> None:
    """Put the rows of some patients in place of theirs in the published store; all others stay as they are.

    Done on a copy that replaces the store in one step. Rows of the study itself (its name, run, criteria, journal
    heads, findings about nobody) are all replaced, and so are findings and acts about people who are not in the study.

    Parameters
    ----------
    replaced
        Patients whose rows are taken out: changed ones, and those who left the study.
    result_rows
        All rows of the changed patients, and those of the study.

    Raises
    ------
    StoreError
        As :func:`publish`; also there is no store of this version.
    """
    with _working_copy(out_dir) as working:
        shutil.copyfile(database_path(out_dir), working)
        with _attached(working) as connection:
            connection.execute("create temp table replaced (patient_id varchar)")
            if replaced:
                connection.executemany("insert into replaced values (?)", [[name] for name in sorted(replaced)])
            for kind in TABLES:
                _take_out(connection, kind)
            incoming = list(result_rows)
            _insert_all(connection, incoming)
            _refuse_repeated(connection)
            named = {str(row.patient_id) for row in incoming if getattr(row, "patient_id", None)}
            bring_views(connection, {*replaced, *named})
            connection.execute("checkpoint")


@contextmanager
def _working_copy(out_dir: Path) -> Iterator[Path]:
    """Hold the output folder, and put the file that is written meanwhile in place of the store."""
    with writing(out_dir):
        check(out_dir)
        sweep(out_dir, WORKING.format("*") + "*")
        working = out_dir / WORKING.format(os.getpid())
        try:
            yield working
            _make_as_long_as_counted(working)
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


def build(database: Path, batches: Iterable[Sequence[Any]]) -> None:
    """Write a complete store into a new file and close it, leaving no write-ahead log beside it."""
    _begin(database)
    with _attached(database) as connection:
        for batch in batches:
            _insert_all(connection, batch)
        _refuse_repeated(connection)
        bring_views(connection)
        connection.execute("checkpoint")


_EMPTY: dict[str, bytes] = {}
"""The file of a store without rows, by the digest of all SQL, once this process has made one."""


def _begin(database: Path) -> None:
    """Write a store without rows; who publishes again and again makes its tables and views once: they take longest."""
    digest = sql_files.digest()
    if digest in _EMPTY:
        database.write_bytes(_EMPTY[digest])
        return
    with _attached(database) as connection:
        _create_without_keys(connection)
        bring_views(connection)
        connection.execute("checkpoint")
    _EMPTY.clear()
    _EMPTY[digest] = database.read_bytes()


def _make_as_long_as_counted(database: Path) -> None:
    """Lengthen a closed file to what its header counts: DuckDB cuts free blocks off the end after it has written that.

    Readers take a file that is shorter than its blocks for a copy cut short.
    """
    with _attached(database, "read_only") as connection:
        counted = bytes_of_blocks(connection)
    if database.stat().st_size < counted:
        os.truncate(database, counted)


_IDLE: dict[tuple[int, str], list[duckdb.DuckDBPyConnection]] = {}
"""Databases in memory that nobody works in, by process and digest of all SQL; to make one takes time."""


@contextmanager
def _attached(database: Path, how: str = f"row_group_size {ROW_GROUP_ROWS}") -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend the store, and beside it an empty database ``checked`` in memory with all keys and checks of the schema."""
    idle = _IDLE.setdefault((os.getpid(), sql_files.digest()), [])
    try:
        instance = idle.pop()
    except IndexError:  # none, or another thread was quicker
        instance = _with_keys_and_checks()
    try:
        with instance.cursor() as connection:
            connection.execute(f"attach '{quoted(database)}' as store ({how})")
            connection.execute("use store; set enable_progress_bar = false")
            yield connection
        instance.execute("detach store")  # writes out what is left and closes the file
    except BaseException:
        instance.close()
        raise
    idle.append(instance)


def _with_keys_and_checks() -> duckdb.DuckDBPyConnection:
    instance = duckdb.connect(":memory:", config=OFFLINE)
    instance.execute("attach ':memory:' as checked; use checked")
    create_tables(instance)
    return instance


def _take_out(connection: duckdb.DuckDBPyConnection, kind: type) -> None:
    """Take the rows of replaced patients out of a table, and those that are about no patient of the study."""
    table = f"record.{TABLES[kind]}"  # names of our own tables
    columns_of_kind = {field.name for field in dataclasses.fields(kind)}
    if kind is records.Criteria:
        return  # verdicts refer to them; other criteria make every patient's verdicts anew, and then the whole store
    if "patient_id" not in columns_of_kind:
        connection.execute(f"delete from {table}")
    else:
        connection.execute(f"delete from {table} where patient_id in (from replaced)")
        if kind in (records.Finding, records.JournalEntry):
            connection.execute(
                f"delete from {table} where patient_id is null or patient_id not in "
                f"(select patient_id from record.patient)"
            )


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty tables of a new store, with its version."""
    connection.execute(sql_files.text(sql_files.SQL / "schema.sql"))


STORED_AS = {str: "varchar", float: "double", int: "bigint", bool: "boolean", date: "date", datetime: "timestamp"}
"""Type of a record's field to that of its column."""


def bring_in(connection: duckdb.DuckDBPyConnection, kind: type, kind_rows: Sequence[Any]) -> str:
    """Put records of one kind into a temporary table with the record's fields as columns; None becomes NULL.

    A list a column: a library for tables between would have to be loaded, which takes longer than some patients' rows.

    Returns
    -------
    str
        The table's name.

    Raises
    ------
    StoreError
        A field holds what :func:`pipeline.store.stored_values.as_stored` refuses.
    """
    table, hints = f"incoming_{TABLES[kind]}", get_type_hints(kind)
    columns = ", ".join(f'unnest(?::{STORED_AS[_plain(hint)]}[]) as "{name}"' for name, hint in hints.items())
    values = [
        as_stored(f"{kind.__name__}.{name}", list(map(attrgetter(name), kind_rows)), _plain(hint))
        for name, hint in hints.items()
    ]
    connection.execute(f"create temp table {table} as select {columns}", values)
    return table


def _create_without_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of a new store as the schema has them, but for its keys and checks."""
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'checked' order by all"
    ).fetchall()
    for schema, table in tables:  # names of our own tables
        connection.execute(f"create schema if not exists store.{schema}")
        connection.execute(f"create table store.{schema}.{table} as from checked.{schema}.{table}")


def _insert_all(connection: duckdb.DuckDBPyConnection, result_rows: Iterable[Any]) -> None:
    """Add records to their tables, once they have been held to the rules of the schema, parents first.

    All records of a patient have to come together: their keys are looked for among one another, and among the criteria.
    """
    by_kind: dict[type, list[Any]] = {kind: [] for kind in TABLES}
    for row in result_rows:
        by_kind[type(row)].append(row)
    kinds = {TABLES[kind]: kind for kind, same_kind in by_kind.items() if same_kind}
    incoming = {table: bring_in(connection, kind, by_kind[kind]) for table, kind in kinds.items()}
    connection.execute("use checked; begin")
    connection.execute("insert into record.criteria from store.record.criteria")
    for table, brought in incoming.items():
        connection.execute(f"insert into record.{table} by name from {brought}")
    connection.execute("rollback; use store; begin")  # held to its rules; the next ones are by themselves again
    for table, brought in incoming.items():  # sorted: any order of records gives the same store, a patient's lie close
        connection.execute(f"insert into record.{table} by name from {brought} order by all")
    connection.execute("commit")
    for brought in incoming.values():
        connection.execute(f"drop table {brought}")


def _refuse_repeated(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a store in which a key of one column is there twice: rows are held to the schema some at a time."""
    keys = connection.execute(
        "select table_name, constraint_column_names[1] from duckdb_constraints() where database_name = 'checked' "
        "and constraint_type = 'PRIMARY KEY' and len(constraint_column_names) = 1 order by all"
    ).fetchall()
    for table, column in keys:
        repeated = connection.execute(
            f"select {column} from record.{table} group by {column} having count(*) > 1 order by 1 limit 1"
        ).fetchone()
        if repeated:
            message = f"Constraint Error: Duplicate key {column}: {repeated[0]} in table {table}"
            raise duckdb.ConstraintException(message)


def _plain(hint: Any) -> type:
    """Return ``float`` for ``float`` and for ``float | None``."""
    return next(kind for kind in get_args(hint) or (hint,) if kind is not types.NoneType)
