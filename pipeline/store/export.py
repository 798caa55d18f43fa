"""Tables for other programs: CSV, Parquet and Excel files, each with the meaning and unit of its columns.

Text that a spreadsheet would run as a formula is made harmless in CSV and Excel; Parquet keeps every value as it is.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import SettingsError, StoreError
from pipeline.files import atomic
from pipeline.files.spreadsheet import harmless_cell
from pipeline.store import reader, sql_files

if TYPE_CHECKING:
    import pandas as pd

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Characters that no Excel file can hold."""


def export_table(database: Path, name: str, file_format: str, target: Path) -> None:
    """Write one view to a file, whole or not at all.

    Parameters
    ----------
    database
        The published file.
    name
        View, such as ``measurement``.
    file_format
        ``csv`` (UTF-8), ``parquet`` or ``xlsx`` (with a second sheet that explains the columns).

    Raises
    ------
    SettingsError
        Unknown view or format; the message lists those that exist.
    StoreError
        There is no store, or the file cannot be written.
    """
    content = reader.table(database, name)
    _write(target, encode(content, _explained(database, name), file_format))


def export_all(database: Path, folder: Path) -> list[str]:
    """Write every view to a Parquet file of its name, all of one publication, and ``schema.json`` beside them.

    Names, types and order of columns are the store's, also of columns and tables that hold nothing yet, so that a
    warehouse can read them again and again. ``schema.json`` comes last: its content hash is that of the files.

    Parameters
    ----------
    folder
        Made when it does not exist; files of the same names are replaced, each whole or not at all.

    Returns
    -------
    list of str
        Names of the views.

    Raises
    ------
    StoreError
        There is no store, or a file cannot be written.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  # slow to import, and only Parquet files need it

    with reader.Reader(database) as store:
        columns = store.dictionary()
        names = sorted(columns["view"].unique())
        content = store.table("study")["content_sha256"].item()
        try:
            for name in names:
                with atomic.replacing(folder / f"{name}.parquet") as partial:
                    pq.write_table(store.typed(name), partial)
            described = {"store_version": sql_files.version(), "content_sha256": content, "tables": {}}
            for view, column, kind in columns[["view", "column", "type"]].itertuples(index=False):
                described["tables"].setdefault(view, {})[column] = kind
            atomic.write_text(folder / "schema.json", json.dumps(described, indent=1) + "\n")
        except OSError as error:
            message = f"{folder}: could not be written ({error.strerror}); choose another place or free some space"
            raise StoreError(message) from error
    return names


def export_dictionary(database: Path, name: str | None, file_format: str, target: Path) -> None:
    """Write what the columns mean, of one view or of all."""
    content = _explained(database, name)
    _write(target, encode(content, content, file_format))


def encode(content: pd.DataFrame, dictionary: pd.DataFrame, file_format: str) -> bytes:
    """Return a table as the content of a file.

    Parameters
    ----------
    content
        Any table.
    dictionary
        Rows of ``reader.dictionary`` for it; only Excel files hold them.

    Raises
    ------
    SettingsError
        Unknown format.
    """
    if file_format not in ENCODERS:
        message = f"format {file_format}: expected one of {', '.join(ENCODERS)}"
        raise SettingsError(message)
    return ENCODERS[file_format](content, dictionary)


def harmless(content: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an apostrophe before every text that a spreadsheet would run."""
    text = content.select_dtypes("object")
    return content.assign(**{str(name): text[name].map(harmless_cell) for name in text})


def _csv(content: pd.DataFrame, dictionary: pd.DataFrame) -> bytes:  # noqa: ARG001  # same signature as the others
    return harmless(content).to_csv(index=False, lineterminator="\n").encode("utf-8")


def _parquet(content: pd.DataFrame, dictionary: pd.DataFrame) -> bytes:  # noqa: ARG001
    return content.to_parquet(index=False)


def _xlsx(content: pd.DataFrame, dictionary: pd.DataFrame) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415  # slow to import, and only Excel files need it

    book = Workbook(write_only=True)
    for title, sheet_content in (("data", content), ("dictionary", dictionary)):
        sheet = book.create_sheet(title)
        sheet.append([str(name) for name in sheet_content.columns])
        for row in harmless(sheet_content).itertuples(index=False):
            sheet.append([_cell(value) for value in row])
    workbook_bytes = io.BytesIO()
    book.save(workbook_bytes)
    return workbook_bytes.getvalue()


def _cell(value: Any) -> Any:
    """Return what an Excel cell can hold; missing is an empty cell."""
    import pandas as pd  # noqa: PLC0415

    if isinstance(value, str):
        return CONTROL.sub(" ", value)
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value


ENCODERS: Mapping[str, Callable[[pd.DataFrame, pd.DataFrame], bytes]] = {
    "csv": _csv,
    "parquet": _parquet,
    "xlsx": _xlsx,
}


def _explained(database: Path, name: str | None) -> pd.DataFrame:
    columns = reader.dictionary(database)
    if name is None:
        return columns
    of_view = columns[columns["view"] == name].reset_index(drop=True)
    if of_view.empty:
        message = f"table {name}: expected one of {', '.join(columns['view'].unique())}"
        raise SettingsError(message)
    return of_view


def _write(target: Path, content: bytes) -> None:
    if not target.parent.is_dir():
        message = f"{target}: could not be written (there is no folder {target.parent}); choose another place"
        raise StoreError(message)
    try:
        atomic.write_bytes(target, content)
    except OSError as error:
        message = f"{target}: could not be written ({error.strerror}); choose another place or free some space"
        raise StoreError(message) from error
