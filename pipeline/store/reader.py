"""The published database file ``OUT_DIR/cordtrack.duckdb``, opened to read: named queries and whole views only.

What it refuses: stores of another version, and whatever is no named query or view. A reader sees one publication for
as long as it lives, even when a run puts another file in its place; whoever keeps one has to look whether the file is
still the same. Keeping one is worth it: starting DuckDB costs more than most queries.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import cache, lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
from numpy.typing import NDArray

from pipeline.core.records import Finding, JournalHead, KindEvidence, PublishedPatient
from pipeline.errors import SettingsError, StoreError
from pipeline.store import sql_files

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FILE_NAME = "cordtrack.duckdb"

OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
"""No extension is ever fetched, and no Python variable is ever taken for a table."""

LOCKED = re.compile(r"could not set lock on file|conflicting lock", re.IGNORECASE)
"""What DuckDB says when another process has the file open to write (not of damage: a file has blocks)."""

FEWEST_SHARED = 5000
"""Rows from which on equal texts of a column are held once; in fewer there is little to win."""


def database_path(out_dir: Path) -> Path:
    """Return where the store of an output folder is, whether it exists or not."""
    return out_dir / FILE_NAME


class Reader:
    """One publication, open for reading by any number of threads.

    Attached to an instance of its own: connecting to the path itself would hand out the file that was there before
    a publish for as long as any other thread still reads it.

    Parameters
    ----------
    database
        The published file.

    Raises
    ------
    StoreError
        There is no store, it cannot be read, or it is of another version.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._connection = _opened(database)
        try:
            _refuse_other_version(database, _version(database, self._connection))
        except StoreError:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; queries of other threads on this reader end with an error."""
        self._connection.close()

    def query(self, name: str, **parameters: Any) -> pd.DataFrame:
        """Run the named query ``sql/queries/NAME.sql``.

        Parameters
        ----------
        parameters
            Values of the query's ``$name`` parameters, all of them.

        Raises
        ------
        SettingsError
            No query has this name, or the parameters are not those of the query.
        StoreError
            The store cannot be read.
        """
        statement = _named(name, parameters)
        with self.cursor() as cursor:
            return _frame(cursor.execute(statement, parameters or None))

    def record_tables(self) -> list[str]:
        """Return the names of the tables of records, sorted."""
        with self.cursor() as cursor:
            names = "select table_name from duckdb_tables() where database_name = 'store' and schema_name = 'record'"
            return sorted(name for (name,) in cursor.execute(names).fetchall())

    def table(self, view_name: str) -> pd.DataFrame:
        """Return a whole view, rows in a fixed order.

        Raises
        ------
        SettingsError
            There is no such view.
        """
        if view_name not in _statements(sql_files.SQL / "views"):
            message = f"table {view_name}: expected one of {', '.join(sorted(self.dictionary()['view'].unique()))}"
            raise SettingsError(message)
        with self.cursor() as cursor:
            return _frame(cursor.execute(f"select * from {view_name} order by all"))

    def typed(self, view_name: str) -> pa.Table:
        """Return a view of :meth:`dictionary` with the store's own types, also of columns that hold nothing yet."""
        with self.cursor() as cursor:
            return cursor.sql(f"select * from {view_name} order by all").to_arrow_table()

    def dictionary(self) -> pd.DataFrame:
        """Return one row per column of each view: view, column, type and comment (meaning and unit)."""
        with self.cursor() as cursor:
            return _frame(cursor.execute(sql_files.text(sql_files.SQL / "dictionary.sql")))

    def digest(self, table: str) -> str:
        """Return a digest of the content of a record table; equal digests mean equal rows."""
        with self.cursor() as cursor:
            table_rows = cursor.execute(f"select * from record.{table} order by all").fetchall()
        return hashlib.sha256(repr(table_rows).encode()).hexdigest()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a connection of this thread's own."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("use store")
            yield cursor
        except duckdb.Error as error:
            raise _unreadable(self._database, error) from error
        finally:
            cursor.close()


def query(database: Path, name: str, **parameters: Any) -> pd.DataFrame:
    """Open the published file, run one named query and close it (see ``Reader.query``)."""
    with Reader(database) as reader:
        return reader.query(name, **parameters)


def table(database: Path, view_name: str) -> pd.DataFrame:
    """Return a whole view, rows in a fixed order (see ``Reader.table``)."""
    with Reader(database) as reader:
        return reader.table(view_name)


def views(database: Path) -> list[str]:
    """Return the names of all views, sorted."""
    return sorted(dictionary(database)["view"].unique())


def dictionary(database: Path) -> pd.DataFrame:
    """Return one row per column of each view: view, column, type and comment (meaning and unit)."""
    with Reader(database) as reader:
        return reader.dictionary()


def fingerprint(database: Path) -> dict[str, str]:
    """Return a digest of the content of each record table; equal digests mean equal rows."""
    with Reader(database) as reader:
        return {name: reader.digest(name) for name in reader.record_tables()}


def stored_version(database: Path) -> int:
    """Return the version of a published store, also where this program cannot read it.

    Raises
    ------
    StoreError
        There is no store, it cannot be read, or the file holds something else.
    """
    try:
        state = database.stat()
    except OSError:
        state = None
    return _stored_version(database, state and (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=8)
def _stored_version(database: Path, _state: tuple[int, int, int] | None) -> int:
    """Return the version of a file as it is now: a publish asks several times, and a store is never altered."""
    connection = _opened(database)
    try:
        return _version(database, connection)
    finally:
        connection.close()


def journal_heads(database: Path) -> tuple[JournalHead, ...]:
    """Return how far the journal went when a store was published, whatever its version; none where it does not say.

    Raises
    ------
    StoreError
        There is no store, or it cannot be read.
    """
    connection = _opened(database)
    try:
        query = "select file, line_count, size_bytes, sha256 from store.record.journal_head order by file"
        return tuple(JournalHead(*row) for row in connection.execute(query).fetchall())
    except duckdb.CatalogException:  # an older store has no such table
        return ()
    except duckdb.Error as error:
        raise _unreadable(database, error) from error
    finally:
        connection.close()


def published_patients(database: Path) -> dict[str, PublishedPatient]:
    """Return what each patient's rows in a store of this version were published from.

    Raises
    ------
    StoreError
        There is no store of this version, or it cannot be read.
    """
    query = "select patient_id, input_sha256, beside_sha256, content_sha256 from store.record.published_patient"
    with Reader(database) as reader, reader.cursor() as cursor:
        return {row[0]: PublishedPatient(*row) for row in cursor.execute(query).fetchall()}


def kind_evidence(database: Path) -> tuple[KindEvidence, ...]:
    """Return what each kind of tumour says of each patient in a store of this version.

    Raises
    ------
    StoreError
        There is no store of this version, or it cannot be read.
    """
    columns = ", ".join(field.name for field in fields(KindEvidence))
    query = f"select {columns} from store.record.kind_evidence order by patient_id, criteria_id"
    with Reader(database) as reader, reader.cursor() as cursor:
        return tuple(KindEvidence(*row) for row in cursor.execute(query).fetchall())


def findings(database: Path) -> tuple[Finding, ...]:
    """Return the findings of a store of this version: of each patient by visit, then of nobody.

    Raises
    ------
    StoreError
        There is no store of this version, or it cannot be read.
    """
    query = (
        "select code, severity, step, path, patient_id, session_id, message, remedy from store.record.finding "
        "order by patient_id nulls last, session_id nulls first, code, path, message"
    )
    with Reader(database) as reader, reader.cursor() as cursor:
        return tuple(Finding(*row) for row in cursor.execute(query).fetchall())


def refuse_newer(database: Path, stored: int) -> None:
    """Refuse a store that a newer version of cordtrack wrote.

    Raises
    ------
    StoreError
        The message says what to do.
    """
    if stored > sql_files.version():
        message = (
            f"{database}: expected a store of version {sql_files.version()} or older, found version {stored}, written "
            f"by a newer version of cordtrack; install that one, or choose another output folder"
        )
        raise StoreError(message)


def first_line(error: Exception) -> str:
    """Return the first line of an error, in which DuckDB says what is wrong."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _frame(result: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return a result as DuckDB's own ``df()`` does, several times as quickly for few rows of many columns."""
    import pandas as pd  # noqa: PLC0415  # commands that only count need not load it

    return pd.DataFrame({name: _column(values) for name, values in result.fetchnumpy().items()}, copy=False)


def _column(values: Any) -> Any:
    """Return one column; where something is missing, in the form that pandas has for it."""
    import pandas as pd  # noqa: PLC0415

    if not isinstance(values, np.ma.MaskedArray):
        return _shared(values)
    data: NDArray[Any] = np.asarray(values.data)
    missing: NDArray[np.bool_] = np.broadcast_to(values.mask, data.shape)
    if not missing.any():
        return _shared(data)
    if data.dtype.kind == "b":
        return pd.arrays.BooleanArray(data.copy(), missing.copy())
    if data.dtype.kind in "iu":
        return pd.arrays.IntegerArray(data.copy(), missing.copy())
    nothing: Any = {"f": np.nan, "M": np.datetime64("NaT")}.get(data.dtype.kind)
    return np.where(missing, nothing, _shared(data))


def _shared(values: NDArray[Any]) -> NDArray[Any]:
    """Hold each text of a long column once instead of once a row: most of them are names that come back."""
    import pandas as pd  # noqa: PLC0415

    if len(values) < FEWEST_SHARED or not isinstance(next((one for one in values if one is not None), None), str):
        return values
    places, texts = pd.factorize(values)
    return np.array([*texts, None], dtype=object)[places]  # the place of what is missing is -1, the last


def _named(name: str, parameters: Mapping[str, Any]) -> str:
    statements = _statements(sql_files.SQL / "queries")
    if name not in statements:
        message = f"query {name}: expected one of {', '.join(statements)}"
        raise SettingsError(message)
    statement = statements[name]
    expected = set(re.findall(r"\$(\w+)", statement))
    if expected != set(parameters):
        message = f"query {name}: expected the parameters {sorted(expected)}, got {sorted(parameters)}"
        raise SettingsError(message)
    return statement


@cache
def _statements(folder: Path) -> dict[str, str]:
    """Return the text of every named query of a folder, by name."""
    return {file.stem: sql_files.text(file) for file in sorted(folder.glob("*.sql"))}


def _opened(database: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection that reads this file and nothing else."""
    if not database.is_file():
        message = f"{database}: expected the results of a run, found no such file; run the pipeline on the study first"
        raise StoreError(message)
    connection = duckdb.connect(":memory:", config=OFFLINE)
    try:
        connection.execute(f"attach '{quoted(database)}' as store (read_only)")
        _refuse_cut(database, connection)
        connection.execute("set enable_external_access = false; set lock_configuration = true")
    except duckdb.Error as error:
        connection.close()
        raise _unreadable(database, error) from error
    return connection


HEADER_BYTES = 3 * 4096
"""Before the first block of a DuckDB file: the file's header and two of the database."""


def bytes_of_blocks(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how long the file of the attached store has to be at least, for all the blocks that its header counts."""
    sizes = connection.execute(
        "select total_blocks * block_size from pragma_database_size() where database_name = 'store'"
    ).fetchone()
    return HEADER_BYTES + (sizes[0] if sizes else 0)


def _refuse_cut(database: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a file that is shorter than its blocks: a copy cut short, of which the first rows can still be read."""
    expected, actual = bytes_of_blocks(connection), database.stat().st_size
    if actual < expected:
        message = f"expected {expected} bytes, found {actual}: a copy cut short"
        raise duckdb.IOException(message)


VERSION_STATEMENTS = (
    "select version from store.meta.store_version",
    "select max(number) from store.meta.migration",  # up to 13 it was the number of the last migration
)
"""Asked one after the other: to list the tables first takes longer than all else that opens a store."""


def _version(database: Path, connection: duckdb.DuckDBPyConnection) -> int:
    """Return the version of the attached store."""
    versions: list[tuple[int | None]] = []
    try:
        for statement in VERSION_STATEMENTS:
            with suppress(duckdb.CatalogException):  # there is no such table
                versions = connection.execute(statement).fetchall()
                break
    except duckdb.Error as error:
        raise _unreadable(database, error) from error
    if len(versions) != 1 or versions[0][0] is None:
        message = (
            f"{database}: expected a store of cordtrack with its version, found another database; move it away or "
            f"choose another output folder, then run the pipeline again"
        )
        raise StoreError(message)
    return int(versions[0][0])


def _refuse_other_version(database: Path, stored: int) -> None:
    refuse_newer(database, stored)
    if stored < sql_files.version():
        message = (
            f"{database}: expected a store of version {sql_files.version()}, found version {stored}, written by an "
            f"older version of cordtrack; run the pipeline again, or `cordtrack rebuild {database.parent}`: the store "
            f"is made anew from finished steps and journal, and nothing is lost"
        )
        raise StoreError(message)


def _unreadable(database: Path, error: duckdb.Error) -> StoreError:
    if isinstance(error, duckdb.IOException) and LOCKED.search(str(error).replace(str(database), "")):
        return StoreError(
            f"{database}: another program has opened this file for writing ({first_line(error)}); close it there"
        )
    return StoreError(
        f"{database}: expected a store of this version, but it cannot be read ({first_line(error)}); it holds "
        f"nothing that a run cannot rebuild: delete the file and run the pipeline again"
    )


def quoted(path: Path) -> str:
    """Return a path as it may stand between quotation marks in SQL."""
    return str(path).replace("'", "''")
