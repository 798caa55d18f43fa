"""Records as the columns of their tables: which table, which types, in Arrow's memory layout."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from pipeline.core import records

if TYPE_CHECKING:
    import pyarrow as pa

PARENTS = (records.Patient, records.Visit, records.Criteria)
"""Tables that others refer to, filled first."""

KINDS = [kind for kind in vars(records).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
TABLES: Mapping[type, str] = {
    kind: re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__).lower() for kind in dict.fromkeys((*PARENTS, *KINDS))
}
"""Record type to table name, parents before children."""


def columns(kind: type, rows: Sequence[Any]) -> pa.Table:
    """Return records of one kind as an Arrow table with the record's fields as columns; None becomes NULL."""
    import pyarrow as pa  # noqa: PLC0415 - only publishing needs it, and reading must start fast

    stored = {
        str: pa.string(),
        float: pa.float64(),
        int: pa.int64(),
        bool: pa.bool_(),
        date: pa.date32(),
        datetime: pa.timestamp("us"),
    }
    return pa.table(
        {
            name: pa.array(list(map(attrgetter(name), rows)), stored[_plain(hint)])
            for name, hint in get_type_hints(kind).items()
        }
    )


def _plain(hint: Any) -> type:
    """Return ``float`` for ``float`` and for ``float | None``."""
    return next(kind for kind in get_args(hint) or (hint,) if kind is not types.NoneType)
