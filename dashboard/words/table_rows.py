"""Rows of a table as plain dictionaries, which is how most of the pages read them."""

from __future__ import annotations

from typing import Any

import pandas as pd

MAY_LACK = ("boolean", "Int8", "Int16", "Int32", "Int64")
"""Kinds of columns in which pandas writes what is missing as NA."""


def as_rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return one dictionary a row, to be used as ``table.pipe(as_rows)``.

    The same as ``to_dict("records")``, several times as quickly for few rows of many columns.

    >>> pd.DataFrame({"a": [1, 2], "b": pd.array([True, None], "boolean")}).pipe(as_rows)
    [{'a': 1, 'b': True}, {'a': 2, 'b': None}]
    """
    names = list(table.columns)
    records: list[dict[Any, Any]] = [
        dict(zip(names, values, strict=True)) for values in table.to_numpy(dtype=object).tolist()
    ]
    for name in (name for name, kind in table.dtypes.items() if kind in MAY_LACK):
        for row in records:
            row[name] = None if row[name] is pd.NA else row[name]  # NA is neither true nor false: asking it fails
    return records
