"""Write ``docs/data-model.md`` from the comments of the views: ``python -m tests.data_model`` (or ``make docs``)."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from pipeline.measure.measurement_error import Z_95
from pipeline.store import reader, sql_files
from tests.factories import publish_tiny
from tests.places import ROOT

TARGET = ROOT / "docs" / "data-model.md"

INTRODUCTION = f"""# Data model

Written by `python -m tests.data_model` from `sql/views`; do not edit. `cordtrack export OUT_DIR --table NAME` writes
any of these tables, `cordtrack export OUT_DIR --dictionary` this list.

Volumes are in mm³, lengths in mm, days are dates. Empty means unknown, and a reason says why; 0 means looked for and
not there. A 95 % interval of a volume is v·exp(±{Z_95:g}·cv), of a change exp(ln(v₂/v₁) ± {Z_95:g}·√(cv₁² + cv₂²));
both are empty where an error is unknown or a volume is 0. What was read and computed lies in the schema `record`
(`sql/schema.sql`); the tables below join it and hold every number that is shown.
"""


def markdown(database: Path) -> str:
    """Return the data dictionary of a store as a page, one table for each view."""
    dictionary = reader.dictionary(database)
    parts = [INTRODUCTION]
    for name, columns in dictionary.groupby("view", sort=True):
        parts += [f"\n## {name}\n\n{_one_row_is(str(name))}.\n\n| column | type | meaning |\n|---|---|---|\n"]
        parts += [
            f"| {row['column']} | {row['type'].lower()} | {row['comment']} |\n" for row in columns.to_dict("records")
        ]
    return "".join(parts)


def _one_row_is(name: str) -> str:
    text = (sql_files.SQL / "views" / f"{name}.sql").read_text(encoding="utf-8")
    found = re.search(rf"comment on (?:view|table) {name} is '((?:[^']|'')+)'", text)
    assert found, f"sql/views/{name}.sql: expected a comment that says what one row is"
    return found[1].replace("''", "'")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        TARGET.write_text(markdown(publish_tiny(Path(folder))), encoding="utf-8")
