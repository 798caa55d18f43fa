"""Views that are stored with their rows: always those of the rows of now, however many patients are made at once."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipeline.core import records
from pipeline.store import publish, sql_files, view_creation
from pipeline.store import reader as store_reader
from tests.factories import ADAPTED, tiny_store


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
