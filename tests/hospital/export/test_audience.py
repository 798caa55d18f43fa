"""A record or research, never both; same results, same objects; letters of every script; volumes that agree."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import highdicom as hd
import numpy as np
import pydicom
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core.vocabulary import Compartment
from pipeline.hospital.export import audience as audiences
from pipeline.hospital.export.exporting import dicom_files
from pipeline.hospital.export.fhir_bundle import BundleSettings, bundle_of, export_fhir
from pipeline.hospital.export.gathering import ExportPatient, Piece, gather
from pipeline.hospital.export.segmentation import outline_of
from pipeline.hospital.export.true_days import Retelling
from pipeline.hospital.importing.importing import ImportSettings, import_dicom
from pipeline.hospital.private import identity_links, pseudonyms
from pipeline.store import reader
from tests.hospital.results_case import VOXEL_MM3, Case, confirmed, export, of_kind


@pytest.fixture
def own(case: Case, tmp_path: Path) -> Case:
    """A copy whose private folder a test may change."""
    for name in ("study", "study.private"):
        shutil.copytree(case.root / name, tmp_path / name)
    out = confirmed(case, tmp_path, case.sessions[1])
    with duckdb.connect(str(reader.database_path(out))) as connection:
        words = f"grown since {case.sessions[0]} ({case.patient_id}), on 2020-02-17"
        connection.execute("update record.assessment set reason = $words", {"words": words})
    (out / "run.toml").write_text(f'bids_dir = "{tmp_path / "study"}"\n')
    return Case(tmp_path, case.patient_id, case.sessions, case.masks)


def shift(own: Case) -> int:
    """Make the study one with shifted dates, as if it had been imported so; return the days."""
    settings = own.root / "study.private" / "settings.json"
    settings.write_text(json.dumps({"shifts_dates": True}))
    key = bytes.fromhex((own.root / "study.private" / "pseudonym.key").read_text())
    days = pseudonyms.Identities(key, None, True).shift_days(own.patient_id)
    for path in (own.root / "study.private" / "sources").glob("*.json"):
        content = json.loads(path.read_text())
        for entry in content["scans"].values():
            true = date.fromisoformat(entry["study"]["studied_on"]) + timedelta(days=days)
            entry["study"]["studied_on"] = true.isoformat()
        path.write_text(json.dumps(content))
    return days


def words(folder: Path) -> str:
    """Everything that a folder's objects say, their names and paths included."""
    texts = [str(path.relative_to(folder)) for path in dicom_files(folder)]
    return " ".join([*texts, *(str(pydicom.dcmread(path)) for path in dicom_files(folder))])


def has(text: str, number: str) -> bool:
    """Say whether a number stands in a text, and not by chance within a longer one such as a UID or UUID."""
    return re.search(rf"(?<![\da-f.]){number}(?![\da-f])", text) is not None


def days_of(own: Case, days: int) -> Iterator[str]:
    for session in own.sessions:
        day = date.fromisoformat(f"{session[4:8]}-{session[8:10]}-{session[10:]}") + timedelta(days=days)
        yield from (f"{day:%Y%m%d}", day.isoformat())


def test_a_record_has_true_dates_and_no_pseudonym_and_research_neither_name_nor_true_date(own: Case) -> None:
    days = shift(own)
    study, true = list(days_of(own, 0)), list(days_of(own, days))
    export(own, own.root / "record", own.out)
    export(own, own.root / "research", own.out, keeps_pseudonyms=True)
    for name, keep in (("record.json", False), ("research.json", True)):
        export_fhir(BundleSettings(own.out, own.study, own.patient_id, own.root / name, keeps_pseudonyms=keep))
    bare = own.patient_id.removeprefix("sub-")
    for text in (words(own.root / "record"), (own.root / "record.json").read_text()):
        assert not [day for day in study if has(text, day)]
        assert bare not in text
        assert has(text, true[0]) or has(text, true[1])
        assert has(text, "4711")
    for text in (words(own.root / "research"), (own.root / "research.json").read_text()):
        assert not [day for day in true if has(text, day)]
        assert bare in text
        assert not has(text, "4711")
        assert "Doe" not in text


def test_a_records_packet_has_nothing_of_the_study_and_researchs_nothing_of_the_person(own: Case) -> None:
    """Everything that a packet can show is searched: each value of the store that it is set from, each file name."""
    days = shift(own)
    folders: list[Path] = []

    def kept(folder: Path, patient_id: str, _title: str | None) -> bytes:
        target = own.root / f"kept{len(folders)}"
        shutil.copytree(folder, target, symlinks=True)
        folders.append(target)
        assert patient_id == ("sub-record" if len(folders) == 1 else own.patient_id)
        return b"%PDF-1.7 test"

    picture = own.out / own.patient_id / own.sessions[0] / "anat"
    picture.mkdir(parents=True)
    (picture / f"{own.patient_id}_{own.sessions[0]}_space-reference_T2w.nii.gz").write_bytes(b"x")
    export(own, own.root / "record", own.out, packet=kept)
    export(own, own.root / "research", own.out, packet=kept, keeps_pseudonyms=True)
    record, research = (_everything(folder) for folder in folders)
    study, true = list(days_of(own, 0)), list(days_of(own, days))
    assert not [day for day in study if has(record, day)]
    assert own.patient_id.removeprefix("sub-") not in record
    assert [day for day in true if has(record, day)]
    assert not [day for day in true if has(research, day)]
    digests = re.compile(r"\b[0-9a-f]{64}\b")
    rules = {str(row["sha256"]) for row in _rows(folders[0], "criteria")}
    assert set(digests.findall(record)) & set(digests.findall(research)) <= rules
    assert list(folders[0].rglob("sub-record_ses-*_space-reference_T2w.nii.gz"))


def _rows(folder: Path, table: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(reader.database_path(folder)), read_only=True) as connection:
        return list(connection.execute(f"select * from record.{table}").df().to_dict("records"))


def _everything(folder: Path) -> str:
    with duckdb.connect(str(reader.database_path(folder)), read_only=True) as connection:
        names = "select table_name from duckdb_tables() where schema_name = 'record'"
        tables = [name for (name,) in connection.execute(names).fetchall()]
    values = [str(value) for table in tables for row in _rows(folder, table) for value in row.values()]
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    return " ".join([*values, *paths])


def test_a_packet_is_not_set_while_the_true_day_of_any_visit_is_uncertain(own: Case) -> None:
    shift(own)
    path = next((own.root / "study.private" / "sources").glob(f"*{own.sessions[0]}.json"))
    content = json.loads(path.read_text())
    for entry in content["scans"].values():
        entry["study"]["studied_on"] = "2019-01-01"
    path.write_text(json.dumps(content))
    done = export(own, own.root / "record", own.out, packet=lambda *_: b"%PDF-1.7")
    assert done.left_out[-1] == "the packet: the true date of visit 1 is not known, and the packet shows all visits"


def test_the_packet_is_set_by_the_pages_with_name_and_true_days(own: Case) -> None:
    days = shift(own)
    for name, options in (("record", ()), ("research", ("--keep-pseudonyms",))):
        command = ["export-dicom", str(own.out), "--patient", own.patient_id, "-o", str(own.root / name), "--packet"]
        done = CliRunner().invoke(app, [*command, *options])
        assert done.exit_code == 0, done.output
        assert "left out: the packet" not in done.output
    texts = []
    for name in ("record", "research"):
        (packet,) = of_kind(own.root / name, "packet")
        document = PdfReader(io.BytesIO(bytes(packet.EncapsulatedDocument)))
        texts.append(" ".join([*(page.extract_text() for page in document.pages), str(document.metadata)]))
    record, research = texts
    study, true = list(days_of(own, 0)), list(days_of(own, days))
    assert "Doe, Jane · 4711 · born 1970-01-31" in record
    assert own.patient_id.removeprefix("sub-") not in record
    assert not [day for day in study if has(record, day)]
    assert has(record, true[3])
    assert own.patient_id in research
    assert not [word for word in ("Doe", "4711", *true) if word in research]


@pytest.mark.parametrize(
    ("patient_id", "text", "told"),
    [
        ("sub-01", "sub-01 on 2020-01-31: 01 of 2", "this patient on 2020-02-10: 01 of 2"),
        ("sub-x7", "derivatives/r/sub-x7/ses-20200131/sub-x7_ses-20200131_dseg.nii.gz",
         "derivatives/r/this patient/ses-20200210/this patient_ses-20200210_dseg.nii.gz"),
        ("sub-x7", "since 2020-02, x7 again", "since 2020-02 to 2020-03, this patient again"),
        ("sub-x7", "1.2.840.20200131.5 and 120200131", "1.2.840.20200131.5 and 120200131"),
    ],
)  # fmt: skip
def test_texts_are_told_anew(patient_id: str, text: str, told: str) -> None:
    assert Retelling(patient_id, 10).text(text) == told


def test_no_identifier_of_a_record_is_one_of_research(own: Case) -> None:
    """An object of research whose lesion has the identifier of a named one would say who the pseudonym is."""
    export(own, own.root / "record", own.out)
    export(own, own.root / "research", own.out, keeps_pseudonyms=True)
    found = []
    for name in ("record", "research"):
        elements = [e for path in dicom_files(own.root / name) for e in pydicom.dcmread(path).iterall()]
        found.append({str(e.value) for e in elements if e.VR == "UI" and str(e.value).startswith("2.25.")})
    assert found[0] & found[1] == set()


def test_a_visit_whose_true_day_is_not_certain_is_left_out_of_a_record(own: Case) -> None:
    shift(own)
    path = next((own.root / "study.private" / "sources").glob(f"*{own.sessions[0]}.json"))
    content = json.loads(path.read_text())
    for entry in content["scans"].values():
        entry["study"]["studied_on"] = "2019-01-01"
    path.write_text(json.dumps(content))
    done = export(own, own.root / "record", own.out)
    assert [Path(name).name for name in done.files] == ["segmentation.dcm", "report.dcm"]
    assert done.left_out == ("visit 1: its true date is not known; it is not written into a record",)


def uids(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): str(pydicom.dcmread(path).SOPInstanceUID) for path in dicom_files(folder)
    }


def test_a_later_run_changes_no_object_and_another_mask_makes_one_that_names_its_predecessor(own: Case) -> None:
    export(own, own.root / "one", own.out)
    with duckdb.connect(str(reader.database_path(own.out))) as connection:
        connection.execute("update record.run set finished_at = finished_at + interval 3 day")
    export(own, own.root / "two", own.out)
    before = {path.name: path.read_bytes() for path in dicom_files(own.root / "one")}
    assert {path.name: path.read_bytes() for path in dicom_files(own.root / "two")} == before

    with duckdb.connect(str(reader.database_path(own.out))) as connection:
        connection.execute("update record.measurement set volume_mm3 = volume_mm3 + 1 where compartment = 'cyst'")
        connection.execute(
            "update record.segmentation set is_primary = false where session_id = $session and compartment = 'cyst'",
            {"session": own.sessions[1]},
        )
    export(own, own.root / "three", own.out)
    first, third = uids(own.root / "one"), uids(own.root / "three")
    changed = sorted(name for name in first if first[name] != third[name])
    assert [Path(name).name for name in changed] == ["report.dcm", "report.dcm", "segmentation.dcm"]
    for name in changed:
        made = pydicom.dcmread(own.root / "three" / name)
        if made.Modality == "SR":
            item = made.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        else:
            item = made.ReferencedInstanceSequence[0]
        assert item.ReferencedSOPInstanceUID == first[name]
        assert made.SeriesInstanceUID == pydicom.dcmread(own.root / "one" / name).SeriesInstanceUID


def test_what_was_written_does_not_come_back_as_a_second_reader(own: Case) -> None:
    export(own, own.root / "record", own.out)
    done = import_dicom(ImportSettings(own.root / "record", own.study), lambda *_: None)
    assert done.added == ()
    assert {finding.code for finding in done.findings} == {"mask_own"}
    for path in dicom_files(own.root / "record"):  # an archive may put its own name in
        made = pydicom.dcmread(path)
        made.Manufacturer = "ARCHIVE"
        made.save_as(path)
    assert import_dicom(ImportSettings(own.root / "record", own.study), lambda *_: None).added == ()


NAMES = (
    "Müller^Jürgen",
    "Иванов^Пётр",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "Nguyễn^Thị Hoa",
    "Παπαδόπουλος^Γιώργος",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_what_results_are_filed_by_come_back_as_they_came(name: str, own: Case) -> None:
    filed = {"accession": "A-77", "study_id": "S5", "study_time": "101500", "referring": "Arzt^Ärztin"}
    for path in (own.root / "study.private" / "sources").glob("*.json"):
        content = json.loads(path.read_text())
        for entry in content["scans"].values():
            entry["study"] |= {**filed, "person": {**entry["study"]["person"], "name": name}}
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    export(own, own.root / "record", own.out)
    for path in dicom_files(own.root / "record"):
        made = pydicom.dcmread(path)
        assert str(made.PatientName) == name
        assert made.SpecificCharacterSet == "ISO_IR 192"
        there = (made.AccessionNumber, made.StudyID, made.StudyTime, str(made.ReferringPhysicianName))
        assert there == tuple(filed.values())


@pytest.mark.parametrize("seed", range(5))
def test_the_binary_outline_keeps_the_volume_of_the_probabilities(seed: int) -> None:
    array = np.clip(np.random.default_rng(seed).normal(0.2, 0.4, (12, 11, 10)), 0, 1).astype(np.float32)
    made = outline_of(Piece(Compartment.TUMOUR, None, False, 1.0, array, False), 0.5)
    assert made.volume_mm3 == pytest.approx(float(array.sum()) * 0.5, abs=0.5)
    assert array[made.array].min() >= made.threshold > array[~made.array].max()
    assert made.volume_mm3 == made.array.sum() * 0.5


def test_a_mask_of_probabilities_is_binary_and_fractional_only_on_request(own: Case, monkeypatch: Any) -> None:
    soft = _with_probabilities(gather(own.out, own.study, own.patient_id))
    monkeypatch.setattr("pipeline.hospital.export.exporting.gather", lambda *_: soft)
    export(own, own.root / "record", own.out, is_fractional=True)
    for made in of_kind(own.root / "record", "segmentation"):
        assert made.SegmentationType == "BINARY"
        seg = hd.seg.Segmentation.from_dataset(made)
        said = float(made.SegmentSequence[2].SegmentDescription.split(": ")[1].split(" mm3")[0])
        inside = seg.get_volume(segment_numbers=[3], combine_segments=True).array > 0
        assert said == pytest.approx(inside.sum() * VOXEL_MM3, abs=0.06)
    assert [made.SegmentationType for made in of_kind(own.root / "record", "fractional")] == ["FRACTIONAL"] * 2
    for made in of_kind(own.root / "record", "report"):
        assert "Volume of the voxels of the referenced segment" in str(made)
        assert "Sum of probabilities" in str(made)
        units = {
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue
            for item in _items(made) if "uncertainty" in item.ConceptNameCodeSequence[0].CodeMeaning
        }  # fmt: skip
        assert units == {"mm3"}


def _with_probabilities(patient: ExportPatient) -> ExportPatient:
    def soft(piece: Piece) -> Piece:
        noise = np.random.default_rng(3).uniform(0.3, 1.0, piece.array.shape)
        array = np.where(piece.array, noise, 0).astype(np.float32)
        return replace(piece, array=array, volume_mm3=float(array.sum() * VOXEL_MM3))

    visits = tuple(replace(visit, pieces=tuple(map(soft, visit.pieces))) for visit in patient.visits)
    return replace(patient, visits=visits)


def _items(dataset: Any) -> Iterator[Any]:
    for item in dataset.get("ContentSequence") or []:
        if "ConceptNameCodeSequence" in item and "MeasuredValueSequence" in item:
            yield item
        yield from _items(item)


@pytest.mark.parametrize("compartment", list(Compartment))
def test_a_bundle_can_be_made_of_every_compartment(compartment: Compartment, own: Case) -> None:
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415

    patient = gather(own.out, own.study, own.patient_id)
    visits = tuple(
        replace(v, measurements=({**v.measurements[0], "compartment": str(compartment)},)) for v in patient.visits
    )
    who = audiences.audience_of(own.patient_id, own.study, None, keeps_pseudonyms=False)
    made = bundle_of(replace(patient, visits=visits), who, "urn:oid:1.2.276.0.76.3.1.9")
    Bundle.model_validate(made)
    systems = {value for key, value in _pairs(made) if key == "system"}
    assert all(":" in system and " " not in system for system in systems)
    assert "Patient?identifier=urn:oid:1.2.276.0.76.3.1.9|4711" in str(made)


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from _pairs(inner)
        else:
            yield str(key), inner


def test_the_private_folder_lists_what_was_written(own: Case) -> None:
    export(own, own.root / "record", own.out)
    assert identity_links.sent_objects(own.root / "study.private") == frozenset(uids(own.root / "record").values())
