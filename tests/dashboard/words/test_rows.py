"""Rows as dictionaries: what pandas itself would give, whatever is missing."""

import pytest

from dashboard.data import queries
from dashboard.words.table_rows import as_rows


def test_rows_of_every_view_are_those_of_pandas(tiny):
    views = sorted(queries.dictionary()["view"].unique())
    assert len(views) > 20
    for view in views:
        table = queries.table(view)
        assert repr(table.pipe(as_rows)) == repr(table.to_dict("records")), view


def test_what_is_missing_is_nothing_and_can_be_asked(tiny):
    rows = queries.table("protocol_change").pipe(as_rows)
    missing = [value for row in rows for value in row.values() if value is None]
    assert missing
    assert not any(missing)


@pytest.mark.parametrize("columns", [[], ["patient_id"]])
def test_a_table_without_rows_has_none(tiny, columns):
    assert queries.table("patient").iloc[:0][columns].pipe(as_rows) == []
