"""A store is never altered: one of another version is recognised, refused to readers and made anew. About 5 s alone."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import StoreError
from pipeline.store import publish, reader, sql_files
from tests.factories import publish_tiny, tiny_store

SHAPES = {
    14: "f7a42a3f48f9", 16: "6ad42d1defd4", 17: "29b4a56e52ee", 18: "77b697f308ad", 21: "08ef3edcdf76",
    22: "35701b077bad", 24: "da1a5d074dd8", 25: "69cb5bfb5d28", 26: "741a766f33a0", 27: "0fc8164fbedf",
    28: "b418e3e094a2", 29: "b418e3e094a2", 30: "ecff8186604d", 31: "8636077959a3", 32: "659a31e2e4a9",
    33: "54e2e2bb20db", 34: "0a1d5328539c", 35: "c21ac49c35a3", 36: "0dac862b76b3",
    37: "ae2d892a93c6",
}  # fmt: skip
"""Version of the store to the digest of all that its readers meet: tables, columns and their types."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_tiny(tmp_path_factory.mktemp("versions"))


@pytest.fixture
def database(published: Path, tmp_path: Path) -> Path:
    """A copy of a published store that a test may spoil."""
    return Path(shutil.copy(published, tmp_path))


def give_version(database: Path, number: int) -> None:
    """Make the file one of another version; up to 13 the version was the number of the last migration."""
    with duckdb.connect(str(database)) as connection:
        if number > 13:
            connection.execute("update meta.store_version set version = ?", [number])
        else:
            connection.execute("drop table meta.store_version; create table meta.migration (number integer)")
            connection.execute("insert into meta.migration values (1), (?)", [number])


def test_a_store_has_the_version_of_the_schema(database: Path) -> None:
    assert reader.stored_version(database) == sql_files.version()
    assert reader.query(database, "study_info").iloc[0]["store_version"] == sql_files.version()
    assert publish.is_current(database.parent)


def test_a_changed_table_or_column_needs_a_new_version(database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name, data_type "
            "from duckdb_columns() where not internal order by all"
        ).fetchall()
    shape = hashlib.sha256(repr(columns).encode()).hexdigest()[:12]
    assert SHAPES.get(sql_files.version()) == shape, (
        f"tables or columns are not those of version {sql_files.version()}: raise the version in sql/schema.sql and "
        f"put it here with {shape}"
    )


@pytest.mark.parametrize("number", [1, 13])
def test_a_reader_of_an_older_store_is_told_how_it_is_made_anew(database: Path, number: int) -> None:
    give_version(database, number)
    with pytest.raises(
        StoreError,
        match=rf"version {sql_files.version()}, found version {number}, .*`cordtrack rebuild {database.parent}`",
    ):
        reader.table(database, "patient")


def test_an_older_store_is_made_anew_by_publishing(database: Path) -> None:
    before = reader.fingerprint(database)
    give_version(database, 13)
    assert not publish.is_current(database.parent)
    publish.publish(database.parent, tiny_store())
    assert publish.is_current(database.parent)
    assert reader.fingerprint(database) == before


def test_a_store_of_a_newer_version_is_refused_and_kept(database: Path) -> None:
    give_version(database, 9999)
    before = database.read_bytes()
    told = f"version {sql_files.version()} or older, found version 9999, written by a newer version of cordtrack"
    with pytest.raises(StoreError, match=told):
        reader.table(database, "study")
    with pytest.raises(StoreError, match=told):
        publish.check(database.parent)
    with pytest.raises(StoreError, match=told):
        publish_tiny(database.parent)
    assert database.read_bytes() == before
    assert not publish.is_current(database.parent)


@pytest.mark.parametrize(
    "spoil",
    [
        "drop table meta.store_version",
        "drop table meta.store_version; create table meta.other (version integer)",
        "delete from meta.store_version",
        "insert into meta.store_version values (3)",
        "drop table meta.store_version; create table meta.migration (number integer)",
    ],
)
def test_a_database_of_something_else_is_neither_read_nor_replaced(database: Path, spoil: str) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute(spoil)
    before = database.read_bytes()
    for attempt in (lambda: reader.table(database, "patient"), lambda: publish_tiny(database.parent)):
        with pytest.raises(StoreError, match="expected a store of cordtrack with its version, found another database"):
            attempt()
    assert database.read_bytes() == before


def test_check_accepts_a_new_folder_and_one_of_this_version(database: Path, tmp_path: Path) -> None:
    publish.check(tmp_path / "nothing_yet")
    publish.check(database.parent)
    assert not (tmp_path / "nothing_yet").exists()
    assert not publish.is_current(tmp_path / "nothing_yet")


def test_a_damaged_file_has_no_version(tmp_path: Path) -> None:
    database = reader.database_path(tmp_path)
    database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreError, match="delete the file and run the pipeline again"):
        publish.is_current(tmp_path)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_store_cut_short_is_damaged_also_where_its_first_rows_can_be_read(database: Path, share: float) -> None:
    content = database.read_bytes()
    database.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(StoreError, match=r"cut short.*delete the file and run the pipeline again"):
        reader.published_patients(database)
    with pytest.raises(StoreError, match="delete the file and run the pipeline again"):
        publish.is_current(database.parent)


def test_the_sql_is_found_in_the_repository_and_in_an_installed_copy(tmp_path: Path) -> None:
    package = tmp_path / "pipeline"
    package.mkdir()
    with pytest.raises(StoreError, match="install cordtrack again"):
        sql_files.find_sql(package)
    (package.parent / "sql").mkdir()  # a folder of somebody else's
    with pytest.raises(StoreError, match="install cordtrack again"):
        sql_files.find_sql(package)
    shutil.copytree(sql_files.SQL, package.parent / "sql", dirs_exist_ok=True)
    assert sql_files.find_sql(package) == package.parent / "sql"
    shutil.copytree(sql_files.SQL, package / "sql")
    assert sql_files.find_sql(package) == package / "sql"


def test_the_digest_of_the_sql_sees_each_file_and_the_constant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "sql"
    shutil.copytree(sql_files.SQL, copy)
    monkeypatch.setattr(sql_files, "SQL", copy)
    digests = {sql_files.digest()}
    for name in ("schema.sql", "macros.sql", "views/patient.sql", "queries/board.sql"):
        with (copy / name).open("a", encoding="utf-8") as file:
            file.write("-- one more word\n")
        digests.add(sql_files.digest())
    monkeypatch.setattr("pipeline.measure.measurement_error.Z_95", 1.9)
    digests.add(sql_files.digest())
    assert len(digests) == 6


def test_a_schema_without_a_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "schema.sql").write_text("create schema record;", encoding="utf-8")
    monkeypatch.setattr(sql_files, "SQL", tmp_path)
    with pytest.raises(StoreError, match=r"schema\.sql: expected the version of the store, found none"):
        sql_files.version()
