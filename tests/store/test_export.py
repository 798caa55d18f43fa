"""Files for other programs: complete, explained, and nothing in them that a spreadsheet would run. About 4 s alone."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core import records
from pipeline.errors import SettingsError, StoreError
from pipeline.store import export, publish, reader
from tests.factories import copy_tiny, tiny_store


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_tiny(tmp_path_factory.mktemp("exports"))


def read(file: Path) -> pd.DataFrame:
    readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}
    return readers[file.suffix](file)


@pytest.mark.parametrize("file_format", ["csv", "parquet", "xlsx"])
@pytest.mark.parametrize("name", ["measurement", "cohort", "finding", "run"])
def test_an_export_holds_every_row_column_and_missing_value(
    database: Path, tmp_path: Path, name: str, file_format: str
) -> None:
    target = tmp_path / f"{name}.{file_format}"
    export.export_table(database, name, file_format, target)
    expected, found = reader.table(database, name), read(target)
    assert found.columns.tolist() == expected.columns.tolist()
    assert found.isna().sum().to_dict() == expected.isna().sum().to_dict()
    for column in expected.select_dtypes("float"):
        assert found[column].tolist() == pytest.approx(expected[column].tolist(), nan_ok=True)


def test_csv_is_utf_8_with_dates_as_dates(database: Path, tmp_path: Path) -> None:
    export.export_table(database, "visit", "csv", tmp_path / "visit.csv")
    lines = (tmp_path / "visit.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("patient_id,session_id,acquired_on,")
    assert lines[1].startswith("sub-01,ses-01,2019-12-01,")


def test_an_excel_file_explains_its_columns(database: Path, tmp_path: Path) -> None:
    export.export_table(database, "measurement", "xlsx", tmp_path / "m.xlsx")
    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    assert book.sheetnames == ["data", "dictionary"]
    explained = {row[1]: row[3] for row in book["dictionary"].iter_rows(values_only=True)}
    assert set(explained) - {"column"} == set(reader.table(database, "measurement").columns)
    assert explained["volume_mm3"] == "volume, mm³; 0 means looked for and not there, empty means unknown"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =HYPERLINK(1)", "'  =HYPERLINK(1)"),
        ("\t=1", "'\t=1"),
        ("＝1+1", "'＝1+1"),
        ("C4-C6", "C4-C6"),
        ("a = b", "a = b"),
        ("", ""),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_made_harmless(text: str, shown: str) -> None:
    frame = pd.DataFrame({"note": [text], "number": [-1.5]})
    assert export.harmless(frame)["note"].tolist() == [shown]
    assert export.harmless(frame)["number"].tolist() == [-1.5]


def test_no_cell_of_an_excel_file_is_a_formula(tmp_path: Path) -> None:
    hostile = "=HYPERLINK(1)\x01"
    found = [replace(r, histology=hostile) if isinstance(r, records.Patient) else r for r in tiny_store()]
    publish.publish(tmp_path, found)
    export.export_table(reader.database_path(tmp_path), "patient", "xlsx", tmp_path / "p.xlsx")
    sheet = openpyxl.load_workbook(BytesIO((tmp_path / "p.xlsx").read_bytes()))["data"]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert "'=HYPERLINK(1) " in {cell.value for cell in cells}


def test_parquet_keeps_text_as_it_is(tmp_path: Path) -> None:
    frame = pd.DataFrame({"note": ["=1+1"]})
    content = export.encode(frame, frame, "parquet")
    assert pd.read_parquet(BytesIO(content))["note"].tolist() == ["=1+1"]


@pytest.mark.parametrize("name", [None, "cohort"])
def test_the_dictionary_is_exported_whole_or_for_one_table(database: Path, tmp_path: Path, name: str | None) -> None:
    export.export_dictionary(database, name, "csv", tmp_path / "d.csv")
    found = read(tmp_path / "d.csv")
    assert found.columns.tolist() == ["view", "column", "type", "comment"]
    assert set(found["view"]) == ({name} if name else set(reader.views(database)))


def test_unknown_names_are_refused_with_those_that_exist(database: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="table patients: expected one of acquisition, act_effect, assessment, "):
        export.export_table(database, "patients", "csv", tmp_path / "p.csv")
    with pytest.raises(SettingsError, match="table patients: expected one of acquisition, act_effect, assessment, "):
        export.export_dictionary(database, "patients", "csv", tmp_path / "p.csv")
    with pytest.raises(SettingsError, match="format ods: expected one of csv, parquet, xlsx"):
        export.export_table(database, "patient", "ods", tmp_path / "p.ods")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(database: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/p\.csv: could not be written"):
        export.export_table(database, "patient", "csv", tmp_path / "nowhere" / "p.csv")


def test_all_tables_are_written_with_stable_names_and_types_whatever_they_hold(database: Path, tmp_path: Path) -> None:
    names = export.export_all(database, tmp_path / "lake")
    assert {file.stem for file in (tmp_path / "lake").glob("*.parquet")} == set(names) == set(reader.views(database))
    described = json.loads((tmp_path / "lake" / "schema.json").read_text(encoding="utf-8"))
    assert described["content_sha256"] == reader.table(database, "study")["content_sha256"].item()
    assert described["store_version"] == reader.stored_version(database)
    for name in names:
        file = duckdb.sql(f"describe select * from '{tmp_path / 'lake' / name}.parquet'").fetchall()
        written = {column: kind for column, kind, *_ in file}
        assert written == described["tables"][name], f"{name}: empty columns keep their type too"
        assert len(read(tmp_path / "lake" / f"{name}.parquet")) == len(reader.table(database, name))


def test_all_tables_are_asked_for_as_parquet_files_in_a_folder(database: Path, tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["export", str(database.parent), "--all", "-o", str(tmp_path / "lake")])
    assert "expected --format parquet and a folder" in str(refused.exception)
    options = ["--all", "--format", "parquet", "-o", str(tmp_path / "lake")]
    assert CliRunner().invoke(app, ["export", str(database.parent), *options]).exit_code == 0
    assert (tmp_path / "lake" / "board.parquet").is_file()
