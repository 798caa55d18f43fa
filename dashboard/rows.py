"""Rows of a table as plain dictionaries, which is how most of the pages read them."""

from __future__ import annotations

from typing import Any

import pandas as pd


def as_rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return one dictionary a row, to be used as ``table.pipe(as_rows)``.

    The same as ``to_dict("records")``, several times as quickly for few rows of many columns.

    >>> pd.DataFrame({"a": [1, 2], "b": ["x", None]}).pipe(as_rows)
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': None}]
    """
    names = list(table.columns)
    return [dict(zip(names, values, strict=True)) for values in table.to_numpy(dtype=object).tolist()]
