"""Clinical tables of a hospital: CSV, Excel and REDCap with repeating instruments, row by row."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.hospital.importing import clinical_map
from pipeline.hospital.importing.clinical_tables import TablesDone, import_clinical
from pipeline.hospital.importing.importing import ImportSettings, import_dicom
from pipeline.study.study_folder import read_study
from tests import dicom_files as dicom

AS_OF = date(2026, 1, 1)
MAP = """
patient = "record_id"
date_format = "%d.%m.%Y"

[[table]]
into = "participants"
instrument = ""
[table.column]
sex = "sex"
age = "age"
histology = "diag"
[table.words.sex]
"1" = "M"
"2" = "F"
[table.words.histology]
"ep" = "ependymoma"

[[table]]
into = "treatments"
instrument = "operation"
[table.column]
date = "op_date"
extent = "op_extent"
[table.constant]
kind = "surgery"

[[table]]
into = "function"
instrument = "mccormick"
[table.column]
date = "mc_date"
grade = "mc_grade"
[table.constant]
scale_id = "mmccormick"
"""
REDCAP = """record_id,redcap_repeat_instrument,redcap_repeat_instance,sex,age,diag,op_date,op_extent,mc_date,mc_grade
4711,,,2,94,ep,,,,
4711,operation,1,,,,06.03.2019,STR,,
4711,operation,2,,,,31.02.2020,GTR,,
4711,mccormick,1,,,,,,11.06.2019,2
4711,mccormick,2,,,,,,10.12.2019,"3"
4712,,,1,41,"schwannoma, large
and cystic",,,,
4799,operation,1,,,,06.03.2019,STR,,
4711,operation,3,,,,07.08.2021,everything,,
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with two patients imported from DICOM."""
    volume = Volume(np.arange(8 * 6 * 3, dtype=np.int16).reshape(8, 6, 3), np.diag([0.7, 0.7, 3.3, 1.0]))
    for patient in ("4711", "4712"):
        series = dicom.slices(volume, date(2020, 2, 17), PatientID=patient, PatientName=patient, PatientSex="")
        dicom.save_all(series, tmp_path / "in" / patient)
    import_dicom(ImportSettings(tmp_path / "in", tmp_path / "study"), lambda *_: None)
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "redcap.csv").write_text(REDCAP)
    return tmp_path / "study"


def run(study: Path, name: str = "redcap.csv", mapping: str = MAP, **more: Path) -> TablesDone:
    (study.parent / "map.toml").write_text(mapping)
    return import_clinical(study.parent / name, study, clinical_map.load(study.parent / "map.toml"), AS_OF, **more)


def table(study: Path, name: str) -> list[dict[str, str]]:
    with (study / f"{name}.tsv").open() as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_a_redcap_export_fills_the_studys_tables(study: Path) -> None:
    done = run(study)
    assert done.added == {"participants": 0, "treatments": 1, "function": 2}
    by_histology = {row["histology"]: row for row in table(study, "participants")}
    assert by_histology["ependymoma"]["sex"] == "F"
    assert by_histology["schwannoma, large and cystic"]["sex"] == "M"
    patient = by_histology["ependymoma"]["participant_id"]
    (operation,) = table(study, "treatments")
    assert operation == {
        "participant_id": patient, "date": "2019-03-06", "kind": "surgery", "end_date": "n/a", "extent": "STR",
        "dose_gy": "n/a", "agent": "n/a",
    }  # fmt: skip
    assert [row["grade"] for row in table(study, "function")] == ["2", "3"]
    read = read_study(study, as_of=AS_OF)
    assert [f.code for f in read.findings if f.severity == "error"] == []
    assert "4711" not in "".join(path.read_text() for path in study.glob("*.tsv"))


def test_what_cannot_be_used_is_said_by_line(study: Path) -> None:
    said = {finding.code: finding.message for finding in run(study).findings}
    assert said.keys() == {"treatment_unplaced", "word_unknown", "table_patient", "table_differs"}
    assert said["treatment_unplaced"].startswith("redcap.csv line 4: expected a date")
    assert said["table_patient"].startswith("redcap.csv line 9: expected a patient of this study")
    assert said["word_unknown"].startswith("redcap.csv line 10: expected one of gtr")
    assert "4799" not in said["table_patient"]


def test_a_second_import_adds_nothing_and_changes_nothing(study: Path) -> None:
    run(study)
    before = {path: path.read_bytes() for path in study.glob("*.tsv")}
    again = run(study)
    assert (set(again.added.values()), again.filled) == ({0}, 0)
    assert {path: path.read_bytes() for path in study.glob("*.tsv")} == before


def test_a_value_that_stands_there_is_kept_and_the_other_reported(study: Path) -> None:
    run(study)
    (study.parent / "redcap.csv").write_text(
        REDCAP.replace(",ep,", ",astrocytoma,").replace("06.03.2019,STR", "06.03.2019,GTR")
    )
    differs = [finding.message for finding in run(study).findings if finding.code == "table_differs"]
    assert any("histology" in message for message in differs)
    assert any("extent" in message for message in differs)
    assert {row["histology"] for row in table(study, "participants")} >= {"ependymoma"}


def test_an_excel_sheet_gives_the_same(study: Path) -> None:
    frame = pd.read_csv(study.parent / "redcap.csv", dtype=str)
    frame["op_date"] = pd.to_datetime(frame["op_date"], format="%d.%m.%Y", errors="coerce")
    frame["age"] = frame["age"].astype(float)
    with pd.ExcelWriter(study.parent / "book.xlsx") as book:
        pd.DataFrame({"note": ["not this one"]}).to_excel(book, sheet_name="cover", index=False)
        frame.to_excel(book, sheet_name="data", index=False)
    run(study, "book.xlsx", 'sheet = "data"\n' + MAP)
    assert [row["date"] for row in table(study, "treatments")] == ["2019-03-06"]
    with pytest.raises(InputError, match="found none that can be read"):
        run(study, "book.xlsx", 'sheet = "none"\n' + MAP)


def test_dates_are_shifted_with_the_scans_and_ages_capped(study: Path) -> None:
    shifted = study.parent / "shifted"
    import_dicom(ImportSettings(study.parent / "in", shifted, shifts_dates=True), lambda *_: None)
    run(shifted)
    (operation,) = table(shifted, "treatments")
    patients = read_study(shifted, as_of=AS_OF).patients
    (visit,) = next(p.visits for p in patients if p.patient.patient_id == operation["participant_id"])
    assert visit.acquired_on is not None
    assert visit.acquired_on - date.fromisoformat(operation["date"]) == timedelta(348)
    plain = study.parent / "plain.csv"
    plain.write_text("record_id;age\nP9;94\n")
    mapping = (
        'patient = "record_id"\npatients_are = "study"\n[[table]]\ninto = "participants"\ncolumn = {age = "age"}\n'
    )
    run(shifted, "plain.csv", mapping)
    assert {row["participant_id"]: row["age"] for row in table(shifted, "participants")}["sub-P9"] == "89"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('into = "function"', 'into = "scores"'), "expected into = one of"),
        (('grade = "mc_grade"', 'mark = "mc_grade"'), "unknown 'mark'"),
        (('patient = "record_id"', 'person = "record_id"'), "unknown 'person'"),
        (('scale_id = "mmccormick"', "scale_id = 3"), "expected texts in constant"),
    ],
)
def test_a_map_with_a_mistake_is_refused(change: tuple[str, str], message: str, study: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        run(study, mapping=MAP.replace(*change))


def test_a_missing_column_is_named(study: Path) -> None:
    with pytest.raises(InputError, match="found no mc_mark"):
        run(study, mapping=MAP.replace('"mc_grade"', '"mc_mark"'))


def test_the_command_says_what_it_did(study: Path) -> None:
    folder = study.parent
    command = ["import-tables", str(folder / "redcap.csv"), str(study), "--map", str(folder / "map.toml")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "added 0 rows to participants, 1 rows to treatments, 2 rows to function" in done.output
