"""Values of records as the store holds them: none rounded, read as another type, or shifted by a zone."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipeline.core import records
from pipeline.errors import StoreError
from pipeline.store import publish
from pipeline.store.stored_values import as_stored
from tests.factories import tiny_store


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
