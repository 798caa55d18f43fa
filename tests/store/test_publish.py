"""The store as a file: whole or not at all, never newer than the reader, never in two hands. About 15 s alone."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipeline.core import records
from pipeline.errors import SettingsError, StoreError
from pipeline.store import publish, sql_files
from pipeline.store import reader as store_reader
from tests.factories import ADAPTED, publish_tiny, tiny_store
from tests.places import ROOT

HOLD = """
import sys
from pathlib import Path
from pipeline.store import publish
with publish.writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

PUBLISH_WITH_LITTLE_SPACE = """
import resource, sys
from pathlib import Path
from pipeline.errors import StoreError
from tests.factories import publish_tiny
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    publish_tiny(Path(sys.argv[1]))
except StoreError as error:
    print(error)
"""


@pytest.fixture
def own_sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the SQL folder that a test may change."""
    copy = tmp_path / "sql"
    shutil.copytree(sql_files.SQL, copy)
    monkeypatch.setattr(sql_files, "SQL", copy)
    return copy


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".cordtrack.lock", ".cordtrack.holder"}


def rows_as_they_lie(database: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute("from record.measurement").fetchall()


def run_python(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return done.stdout


def test_publishing_leaves_one_file_and_no_log_beside_it(database: Path) -> None:
    assert names_in(database.parent) == {"cordtrack.duckdb"}


def test_order_of_records_and_publishing_again_change_nothing(database: Path, tmp_path: Path) -> None:
    first = store_reader.fingerprint(database)
    shuffled = tiny_store()
    random.Random(7).shuffle(shuffled)
    publish.publish(tmp_path / "again", shuffled)
    again = store_reader.database_path(tmp_path / "again")
    assert store_reader.fingerprint(again) == first
    assert rows_as_they_lie(again) == rows_as_they_lie(database)


def test_one_process_publishes_into_many_folders_also_at_once_and_after_a_refusal(
    published: Path, tmp_path: Path
) -> None:
    """What holds the rules is kept from one publish to the next, and none of the rows that went through it."""
    expected = store_reader.fingerprint(published)
    with pytest.raises(StoreError, match="CHECK"):
        publish.publish(tmp_path / "refused", [*tiny_store(), records.Patient("sub-09", age_years=float("nan"))])
    with ThreadPoolExecutor(3) as threads:
        databases = list(threads.map(publish_tiny, [tmp_path / name for name in "abc"]))
    assert [store_reader.fingerprint(database) == expected for database in databases] == [True] * 3
    publish.publish(tmp_path / "nobody", [])
    assert store_reader.table(store_reader.database_path(tmp_path / "nobody"), "patient").empty
    for _ in range(2):
        publish.update(tmp_path / "a", {"sub-04"}, [])
    assert "sub-04" not in set(store_reader.table(databases[0], "patient")["patient_id"])
    assert store_reader.fingerprint(databases[1]) == expected
    assert names_in(tmp_path / "b") == {"cordtrack.duckdb"}


def test_fingerprint_sees_one_changed_number(database: Path, tmp_path: Path) -> None:
    first = store_reader.fingerprint(database)
    changed = [
        replace(row, volume_mm3=401.0) if isinstance(row, records.Measurement) and row.patient_id == "sub-04" else row
        for row in tiny_store()
    ]
    publish.publish(tmp_path, changed)
    second = store_reader.fingerprint(database)
    assert {name for name in first if first[name] != second[name]} == {"measurement"}


def test_every_table_of_the_store_has_its_record(database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'record' order by all"
        ).fetchall()
    expected = [(name, field) for kind, name in publish.TABLES.items() for field in kind.__dataclass_fields__]
    assert rows == sorted(expected)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (records.Visit("sub-99", "ses-01", None, False, "undated", "no date"), "foreign key"),
        (records.Visit("sub-01", "ses-01", None, False, "undated", "no date"), "(?i)duplicate key"),
        (records.Visit("sub-01", "ses-09", None, False, "failed"), "CHECK"),
        (records.Patient("sub-09", age_years=float("nan")), "CHECK"),
    ],
)
def test_a_row_that_breaks_a_rule_stops_and_leaves_the_previous_store(database: Path, wrong: object, rule: str) -> None:
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    with pytest.raises(StoreError, match=f"{rule}.*previous results stand"):
        publish.publish(database.parent, [*tiny_store(), wrong])
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert names_in(database.parent) == {"cordtrack.duckdb"}


def test_a_patient_that_comes_twice_in_two_parts_stops_too(database: Path) -> None:
    """Rows are held to the rules some at a time; a key has to be there once in the whole store all the same."""
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    with pytest.raises(StoreError, match="Duplicate key patient_id: sub-01 in table patient"):
        publish.publish_batches(database.parent, [tiny_store(), [records.Patient("sub-01")]])
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before


def test_a_store_that_became_smaller_is_not_taken_for_one_cut_short(database: Path) -> None:
    """DuckDB gives free room at the end of its file back after it has counted it in the header."""
    words = random.Random(1)
    long = [
        records.Finding("file_unreadable", "error", "study", None, None, None, words.randbytes(2000).hex(), "look")
        for _ in range(2000)
    ]
    publish.update(database.parent, (), long)
    publish.update(database.parent, (), [])
    publish.update(database.parent, (), [])
    assert not [one for one in store_reader.findings(database) if one.code == "file_unreadable"]


def test_a_working_copy_is_published_as_long_as_its_header_counts(database: Path) -> None:
    whole = database.stat().st_size
    os.truncate(database, whole - 4096)
    publish._make_as_long_as_counted(database)
    assert database.stat().st_size == whole


def test_a_full_disk_stops_and_leaves_the_previous_store(database: Path) -> None:
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    said = run_python(PUBLISH_WITH_LITTLE_SPACE, database.parent)
    assert "previous results stand. Free some space" in said
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert names_in(database.parent) == {"cordtrack.duckdb"}


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder", encoding="utf-8")
    with pytest.raises(StoreError, match="expected a folder that can be written"):
        publish_tiny(tmp_path / "out")


def test_leftovers_of_killed_runs_are_removed(tmp_path: Path) -> None:
    for name in (".cordtrack.99999.duckdb", ".cordtrack.99999.duckdb.wal"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / ".cordtrack.99999.duckdb.tmp").mkdir()
    publish_tiny(tmp_path)
    assert names_in(tmp_path) == {"cordtrack.duckdb"}


def test_a_second_pipeline_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid} on .* is writing here"):
            publish_tiny(tmp_path)
    finally:
        holder.communicate("")
    publish_tiny(tmp_path)


def test_whoever_holds_the_folder_may_publish(tmp_path: Path) -> None:
    with publish.writing(tmp_path):
        publish_tiny(tmp_path)
        with publish.writing(tmp_path):
            assert store_reader.database_path(tmp_path).is_file()


def test_readers_see_what_was_published_last_even_beside_an_older_reader(database: Path) -> None:
    with duckdb.connect(str(database), read_only=True) as older:
        publish.publish(database.parent, [row for row in tiny_store() if getattr(row, "patient_id", "") != "sub-04"])
        assert older.execute("select count(*) from patient").fetchone() == (7,)
        assert len(store_reader.table(database, "patient")) == 6


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("select * from read_text('/etc/hostname')", "Permission Error"),
        ("delete from record.finding", "read-only"),
        ("set enable_external_access = true", "(?i)cannot|locked"),
        ("copy record.patient to 'stolen.csv'", "Permission Error"),
    ],
)
def test_reading_can_neither_write_nor_reach_other_files(
    database: Path, own_sql: Path, statement: str, refusal: str
) -> None:
    (own_sql / "queries" / "hostile.sql").write_text(statement, encoding="utf-8")
    with pytest.raises(StoreError, match=refusal):
        store_reader.query(database, "hostile")


def test_parameters_are_values_never_sql(database: Path) -> None:
    hostile = "x' or 1=1; drop table record.patient; --"
    assert store_reader.query(database, "patient_visits", patient_id=hostile).empty
    assert len(store_reader.query(database, "patient_visits", patient_id="sub-01")) == 5


def test_unknown_names_and_parameters_are_refused_with_those_that_exist(database: Path) -> None:
    with pytest.raises(SettingsError, match="query bord: expected one of act_effects, board, "):
        store_reader.query(database, "bord")
    with pytest.raises(SettingsError, match=r"query board: expected the parameters \['criteria_id'\], got \[\]"):
        store_reader.query(database, "board")
    with pytest.raises(
        SettingsError,
        match="table patients; drop: expected one of acquisition, act_effect, assessment, best_response, board, ",
    ):
        store_reader.table(database, "patients; drop")


def test_a_missing_or_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    database = store_reader.database_path(tmp_path)
    with pytest.raises(StoreError, match="found no such file; run the pipeline"):
        store_reader.query(database, "board", criteria_id=ADAPTED)
    database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreError, match="delete the file and run the pipeline again"):
        store_reader.table(database, "patient")
    with pytest.raises(StoreError, match="delete the file and run the pipeline again"):
        publish_tiny(tmp_path)


def test_a_store_opened_for_writing_elsewhere_is_named(database: Path) -> None:
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(database)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=f"opened this file for writing .*{other.pid}"):
            store_reader.table(database, "patient")
    finally:
        other.communicate("")


def test_folders_with_quotes_and_spaces_work(tmp_path: Path) -> None:
    database = publish_tiny(tmp_path / "O'Brien's study ü")
    assert len(store_reader.table(database, "patient")) == 7


def test_importing_the_store_stays_light() -> None:
    script = "import sys, pipeline.store; print([m for m in ('pandas', 'pyarrow', 'openpyxl') if m in sys.modules])"
    assert run_python(script, Path(os.devnull)) == "[]\n"


def test_a_reader_sees_one_publication_and_a_new_one_the_next(database: Path) -> None:
    fewer = [row for row in tiny_store() if getattr(row, "patient_id", None) != "sub-07"]
    with store_reader.Reader(database) as before:
        assert len(before.table("patient")) == 7
        publish.publish(database.parent, fewer)
        assert len(before.table("patient")) == 7
        with store_reader.Reader(database) as after:
            assert len(after.table("patient")) == 6


def test_many_threads_read_through_one_reader(database: Path) -> None:
    with store_reader.Reader(database) as reader, ThreadPoolExecutor(8) as threads:
        names = [f"sub-{number % 7 + 1:02d}" for number in range(64)]
        found = list(threads.map(lambda name: reader.query("patient_visits", patient_id=name), names))
    assert [set(frame["patient_id"]) for frame in found] == [{name} for name in names]


def test_an_error_of_one_query_leaves_the_reader_usable(database: Path) -> None:
    with store_reader.Reader(database) as reader:
        with pytest.raises(StoreError, match="read-only"), reader.cursor() as cursor:
            cursor.execute("delete from record.finding")
        assert not reader.table("finding").empty
