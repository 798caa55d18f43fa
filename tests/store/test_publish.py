"""The store as a file: whole or not at all, never newer than the reader, never in two hands. About 15 s alone."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipeline.core import records
from pipeline.errors import SettingsError, StoreError
from pipeline.store import publish, sql_files, view_creation
from pipeline.store import reader as store_reader
from pipeline.store.stored_values import as_stored
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


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_tiny(tmp_path_factory.mktemp("published"))


@pytest.fixture
def database(published: Path, tmp_path: Path) -> Path:
    """A copy of a published store that a test may spoil."""
    return Path(shutil.copy(published, tmp_path))


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


def test_replaced_rows_bring_the_views_of_other_sql_anew(database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop view study; comment on table meta.store_version is 'of other SQL'")
    publish.update(database.parent, (), [])
    assert "study" in store_reader.views(database)


def test_what_is_stored_beside_the_rows_is_made_of_the_rows_of_now(database: Path) -> None:
    """The pages read volumes from ``trajectory``, a view stored as a table: never those of the run before."""
    before = _volumes(database)
    assert len(before) > 3
    about_one = [
        replace(row, volume_mm3=row.volume_mm3 * 2) if isinstance(row, records.Measurement) and row.volume_mm3 else row
        for row in tiny_store()
        if getattr(row, "patient_id", None) == "sub-01"
    ]
    publish.update(database.parent, {"sub-01"}, about_one)
    assert _volumes(database) == {visit: 2 * volume for visit, volume in before.items()}


@pytest.mark.parametrize("view", ["board", "cohort", "patient_state", "trajectory"])
def test_stored_rows_renewed_for_some_are_those_of_a_whole_store(database: Path, tmp_path: Path, view: str) -> None:
    """Some replaced, one gone, one new: no row of anybody differs from a store that was built of all rows at once."""
    gone, halved = {"sub-04"}, {"sub-01", "sub-03"}
    later = [
        replace(row, volume_mm3=row.volume_mm3 / 2)
        if isinstance(row, records.Measurement) and row.volume_mm3 and row.patient_id in halved
        else row
        for row in tiny_store()
        if getattr(row, "patient_id", None) not in gone
    ]
    later += [records.Patient("sub-9", histology="ependymoma")]
    publish.publish(tmp_path / "whole", later)
    changed = [row for row in later if getattr(row, "patient_id", None) in {*halved, "sub-9"}]
    publish.update(database.parent, {*gone, *halved}, changed)
    whole, renewed = (_table(file, view) for file in (store_reader.database_path(tmp_path / "whole"), database))
    assert len(whole) > 5
    assert renewed == whole


@pytest.mark.parametrize("view", ["board", "cohort", "patient_state", "trajectory"])
@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_rows_stored_some_patients_at_a_time_are_those_of_the_view_over_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str, at_once: int
) -> None:
    """Memory must not grow with the study, and no row may know who was looked at together; a quoted name is no end."""
    monkeypatch.setattr(view_creation, "AT_ONCE", at_once)
    rows_of_all = [*tiny_store(), records.Patient("sub-o'9", histology="ependymoma")]
    publish.publish(tmp_path, rows_of_all)
    asked = {
        match[1]: match[2] for match in filter(None, map(view_creation.STORED.search, view_creation._statements()))
    }
    with duckdb.connect(str(store_reader.database_path(tmp_path)), read_only=True) as connection:
        stored = connection.execute(f"from {view} order by all").fetchall()
        over_everybody = connection.execute(f"from ({asked[view]}) order by all").fetchall()
    assert len(stored) > 3
    assert stored == over_everybody


def test_rows_of_a_store_made_with_other_views_are_stored_anew(database: Path) -> None:
    """Also where nobody's rows changed: a view that was reworded is asked of everybody."""
    before = _table(database, "trajectory")
    with duckdb.connect(str(database)) as connection:
        connection.execute("comment on table meta.store_version is 'other views'; delete from trajectory")
    publish.update(database.parent, set(), [])
    assert _table(database, "trajectory") == before


def test_a_record_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    """Missing stays missing, a whole number in a column of lengths is a length, and no digit of a number is lost."""
    measured = next(row for row in tiny_store() if isinstance(row, records.Measurement))
    given = [replace(measured, volume_mm3=volume) for volume in (None, 0, 1e-300, 0.1 + 0.2)]
    with duckdb.connect() as connection:
        brought = publish.bring_in(connection, records.Measurement, given)
        stored = connection.execute(f"from {brought}").fetchall()
        types = "select column_name, data_type from duckdb_columns() where table_name = ?"
        kinds = dict(connection.execute(types, [brought]).fetchall())
    assert [records.Measurement(*row) for row in stored] == given
    assert (kinds["volume_mm3"], kinds["session_id"]) == ("DOUBLE", "VARCHAR")


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (records.Measurement, "volume_mm3", "12"), (records.Measurement, "volume_mm3", True),
        (records.Measurement, "session_id", 3), (records.Measurement, "slices_spanned", 1.5),
        (records.Visit, "acquired_on", "x"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name_and_neither_rounded_nor_read_as_one(
    kind: type[records.Measurement | records.Visit], field: str, value: object
) -> None:
    given = next(row for row in tiny_store() if isinstance(row, kind))
    with duckdb.connect() as connection, pytest.raises(StoreError, match=rf"{kind.__name__}\.{field}: expected "):
        publish.bring_in(connection, kind, [given, replace(given, **{field: value})])  # type: ignore[arg-type]


def test_numbers_of_a_library_are_stored_as_such_and_a_time_with_a_zone_as_that_of_utc() -> None:
    measured = next(row for row in tiny_store() if isinstance(row, records.Measurement))
    given = replace(measured, volume_mm3=np.float32(1.5))  # type: ignore[arg-type]
    zoned = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    assert as_stored("JournalEntry.written_at", [zoned, None], datetime) == [datetime(2026, 3, 1, 7), None]  # noqa: DTZ001
    with duckdb.connect() as connection:
        brought = publish.bring_in(connection, records.Measurement, [given])
        assert connection.execute(f"select volume_mm3 from {brought}").fetchall() == [(1.5,)]


def test_stored_rows_of_some_are_made_beside_what_is_said_of_nobody(database: Path) -> None:
    """What a study's finding without a patient says of all of them is there for each."""
    findings = [
        records.Finding("file_unreadable", "error", "study", None, name, None, f"of {name!r}", "look")
        for name in (None, "", "sub-01", "sub-03")
    ]
    publish.update(database.parent, {"sub-01", "sub-03"}, findings)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as store (read_only); attach ':memory:' as few; use store")
        view_creation._copy_rows(connection, "in ('sub-01')", ())
        copied = connection.execute(
            "select message from few.record.finding where code = 'file_unreadable' order by message"
        ).fetchall()
    assert copied == [("of ''",), ("of 'sub-01'",), ("of None",)]


def test_every_view_that_holds_rows_is_known_as_one() -> None:
    """One that was not would keep the rows of the run before."""
    texts = [file.read_text(encoding="utf-8").lower() for file in (sql_files.SQL / "views").glob("*.sql")]
    holding = [text for text in texts if "replace table" in text]
    assert len(holding) == 4
    assert all(view_creation.STORED.search(text) for text in holding)


def _table(database: Path, view: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(f"from {view} order by all").fetchall()


def _volumes(database: Path) -> dict[str, float]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return dict(
            connection.execute(
                "select session_id, volume_mm3 from trajectory where patient_id = 'sub-01' and compartment = 'tumour' "
                "and criteria_id = ? and volume_mm3 is not null",
                [ADAPTED],
            ).fetchall()
        )


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
