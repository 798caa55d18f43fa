"""A patient's results as DICOM: read back to the same numbers, valid, and a lesion known by one identifier."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import highdicom as hd
import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from pipeline import fingerprints, images, store
from pipeline.cli import app
from pipeline.dicom import exported, report_out, seg_out, source_images
from pipeline.dicom.exporting import ExportDone, ExportSettings, dicom_files, export_dicom, write
from pipeline.dicom.fhir_out import export_fhir
from pipeline.dicom.importing import ImportSettings, import_dicom
from pipeline.domain import records
from pipeline.domain.grid import Volume, to_world
from pipeline.errors import SettingsError
from tests import dicom_files as dicom
from tests import factories

DAYS = (date(2020, 2, 17), date(2021, 3, 1))
AFFINE = np.array([[0.0, 0, -3.3, 20.0], [-0.7, 0.0, 0.0, 30.0], [0.0, -0.7, 0.0, 60.0], [0, 0, 0, 1.0]])
VOXEL_MM3 = 0.7 * 0.7 * 3.3
AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None)
PDF = b"%PDF-1.4 not much of a page\n%%EOF"


@dataclass(frozen=True)
class Case:
    """A study from DICOM with two visits, each with two pieces of tumour and a cyst, and its output folder."""

    root: Path
    patient_id: str
    sessions: tuple[str, ...]
    masks: tuple[np.ndarray, ...]

    @property
    def study(self) -> Path:
        return self.root / "study"

    @property
    def out(self) -> Path:
        return self.root / "out"


def labels(grown: int) -> np.ndarray:
    """Tumour (1) in a large and a small piece, cyst (2)."""
    array = np.zeros((26, 22, 6), np.uint8)
    array[3 : 8 + grown, 4:9, 1:4] = 1
    array[16:19, 4:7, 2:4] = 1
    array[10:14, 12:18, 1:5] = 2
    return array


BOTH = pytest.mark.parametrize("case", ["classic", "enhanced"], indirect=True)


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    kind = getattr(request, "param", "classic")
    root = tmp_path_factory.mktemp(kind)
    rng = np.random.default_rng(2)
    for day in DAYS:
        volume = Volume(rng.integers(0, 900, (26, 22, 6)).astype(np.int16), AFFINE)
        if kind == "classic":
            dicom.save_all(dicom.slices(volume, day), root / "in" / str(day))
        else:
            dicom.save(dicom.enhanced(volume, day), root / "in" / str(day))
    done = import_dicom(ImportSettings(root / "in", root / "study"), lambda *_: None)
    scans = sorted(done.added)
    patient_id, sessions = Path(scans[0]).parts[0], tuple(Path(scan).parts[1] for scan in scans)
    masks = tuple(np.ascontiguousarray(labels(grown)) for grown in (0, 3))
    made = Case(root, patient_id, sessions, masks)
    rows: list[object] = [
        records.Study("hospital", False, factories.ADAPTED, factories.SHA),
        records.Run("run-1", AT, "0.1.0", factories.SOFTWARE, "x", factories.SHA),
        records.Criteria(factories.ADAPTED, "1", "Adapted criteria", True, "volume", "p", factories.SHA, 1.4, 0.35),
        records.Patient(patient_id, "F", 50.0),
    ]
    for session, scan, day, array in zip(sessions, scans, DAYS, masks, strict=True):
        rows += visit_rows(made, session, scan, day, array)
    verdicts = [("SD", "baseline", 1.0), ("PD", "progression", 1.5)]
    for session, (category, state, ratio) in zip(sessions, verdicts, strict=True):
        against = f"{sessions[0]} {sessions[0]} {sessions[0]}"
        rows.append(factories.judged(patient_id, session, category, state, "growth", against=against, ratio=ratio))
    store.publish(made.out, rows)
    (made.out / "run.toml").write_text(f'bids_dir = "{made.study}"\ncriteria_id = "{factories.ADAPTED}"\n')
    return made


def visit_rows(made: Case, session: str, scan: str, day: date, array: np.ndarray) -> list[object]:
    reader = made.study / "derivatives" / "reader"
    grid = images.load_grid(made.study / scan)
    path = reader / Path(scan).parent / Path(scan).name.replace("_T2w", "_space-orig_dseg")
    images.save(grid.with_array(array), path)
    (reader / "dataset_description.json").write_text('{"GeneratedBy": [{"Name": "manual"}]}')
    (reader / "dseg.tsv").write_text("index\tname\n1\ttumour\n2\tcyst\n3\toedema\n")
    p, relative, sha = made.patient_id, path.relative_to(made.study).as_posix(), fingerprints.of_file(path)
    rows: list[object] = [
        records.Visit(p, session, day, session == made.sessions[0], "usable"),
        records.Scan(p, session, scan, "T2w", True, factories.SHA, "sagittal", None, 0.7, 0.7, 3.3),
    ]
    for value, name in ((1, "tumour"), (2, "cyst"), (3, "oedema")):
        size = float((array == value).sum() * VOXEL_MM3)
        measurement, mask = factories.measured(p, session, name, size, cv=0.1 if size else None)
        rows.append(replace(measurement, axial_long_mm=4.5, axial_perpendicular_mm=3.25, length_mm=9.0))
        rows.append(replace(mask, path=relative, scan_path=scan, sha256=sha))
    for number, size in ((1, (array[:12] == 1).sum()), (2, (array[12:] == 1).sum())):
        rows.append(
            records.LesionComponent(
                p, session, f"L{number}", number, "persistent", float(size * VOXEL_MM3), 0.0, 0.0, 0.0
            )
        )
    return rows


def confirmed(case: Case, tmp_path: Path, session: str, status: str = "in_force") -> Path:
    """Return an output folder in which a person confirmed lesion L1 at a visit."""
    out = tmp_path / "out"
    shutil.copytree(case.out, out)
    entry = records.JournalEntry(
        entry_id="e1", written_at=AT, who="Dr. A", act="correct_lesion", patient_id=case.patient_id,
        session_id=session, mask_sha256="x", lesion_id="L1", same_as="L1", status=status, status_reason="test",
    )  # fmt: skip
    with duckdb.connect(str(store.database_path(out))) as connection:
        store._insert(connection, records.JournalEntry, [entry])
    return out


def export(case: Case, target: Path, out: Path | None = None, **more: object) -> ExportDone:
    settings = ExportSettings(out or case.out, case.study, case.patient_id, target, **more)  # type: ignore[arg-type]
    return export_dicom(settings)


def of_kind(target: Path, name: str) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in dicom_files(target) if path.stem == name]


def originals(case: Case) -> dict[str, pydicom.Dataset]:
    found = [pydicom.dcmread(path) for path in (case.root / "in").rglob("*") if path.is_file()]
    return {str(dataset.SOPInstanceUID): dataset for dataset in found}


@BOTH
def test_segments_come_back_as_they_were_drawn_on_the_hospitals_own_images(case: Case, tmp_path: Path) -> None:
    done = export(case, tmp_path / "to")
    assert done.left_out == ()
    assert sorted(Path(name).name for name in done.files) == ["report.dcm"] * 2 + ["segmentation.dcm"] * 2
    sources = originals(case)
    for dataset, array, session in zip(
        of_kind(tmp_path / "to", "segmentation"), case.masks, case.sessions, strict=True
    ):
        seg = hd.seg.Segmentation.from_dataset(dataset)
        assert [item.SegmentLabel for item in seg.SegmentSequence] == ["tumour L1", "tumour L2", "cyst"]
        referenced = {str(uid) for _, _, uid in seg.get_source_image_uids()}
        assert referenced <= sources.keys()
        first = next(iter(sources[uid] for uid in referenced))
        assert (seg.StudyInstanceUID, seg.PatientID) == (first.StudyInstanceUID, "4711")
        assert seg.FrameOfReferenceUID == first.FrameOfReferenceUID
        assert f"ses-{seg.StudyDate}" == session == seg.ClinicalTrialTimePointID
        assert seg.LongitudinalTemporalOffsetFromEvent == (0 if session == case.sessions[0] else 378)
        grid = images.load_grid(next((case.study / case.patient_id / session / "anat").glob("*.nii.gz")))
        for number, wanted in ((1, array[:12] == 1), (3, array == 2)):
            volume = seg.get_volume(segment_numbers=[number], combine_segments=True)
            back = volume.match_geometry(
                hd.Volume(np.zeros(grid.shape), np.diag([-1, -1, 1, 1]) @ grid.affine, "PATIENT")
            )
            inside = np.zeros(grid.shape, bool)
            inside[:12] = wanted if number == 1 else False
            expected = inside if number == 1 else wanted
            assert np.array_equal(back.array > 0, expected)


@BOTH
def test_reports_say_the_numbers_of_the_store_and_name_their_segments(case: Case, tmp_path: Path) -> None:
    out = confirmed(case, tmp_path, case.sessions[1])
    export(case, tmp_path / "to", out)
    segmentations = {str(s.SOPInstanceUID) for s in of_kind(tmp_path / "to", "segmentation")}
    measured = store.table(store.database_path(out), "measurement").set_index(["session_id", "compartment"])
    for dataset, session in zip(of_kind(tmp_path / "to", "report"), case.sessions, strict=True):
        report = hd.sr.Comprehensive3DSR.from_dataset(dataset)
        total, empty = report.content.get_image_measurement_groups()
        assert value(total, "118565006") == pytest.approx(measured.loc[(session, "tumour"), "volume_mm3"], abs=1e-3)
        assert value(total, "103339001") == 4.5
        assert value(empty, "118565006") == 0.0
        lesion, cyst = report.content.get_volumetric_roi_measurement_groups()
        assert value(cyst, "118565006") == pytest.approx(measured.loc[(session, "cyst"), "volume_mm3"], abs=1e-3)
        assert value(lesion, "118565006") == pytest.approx(
            float((case.masks[case.sessions.index(session)][:12] == 1).sum() * VOXEL_MM3), abs=1e-3
        )
        assert str(lesion.referenced_segment.referenced_sop_instance_uid) in segmentations
        answers = {item.name.meaning: item.value.value for item in total.get_qualitative_evaluations()}
        assert answers["Current Response"] == ("112074" if session == case.sessions[0] else "112043")
        assert answers["Sign-off status of the tumour mask"] == "drawn"
        units = {m.name.meaning: m.unit.value for group in (total, cyst) for m in group.get_measurements()}
        assert units.items() >= {"Volume": "mm3", "Long axis": "mm"}.items()
        text = str(dataset)
        assert session in text
        assert "Time Point Order" in text
        assert "Longitudinal Temporal Offset" in text
        assert ("'378.0'" in text) == (session == case.sessions[1])


@pytest.mark.parametrize("kept", [[], ["cyst"], ["tumour"], ["tumour", "cyst"]])
def test_any_number_of_segments_makes_a_report_that_can_be_read(kept: list[str], case: Case, tmp_path: Path) -> None:
    patient = exported.gather(case.out, case.study, case.patient_id)
    visit = patient.visits[0]
    visit = replace(visit, pieces=tuple(piece for piece in visit.pieces if piece.compartment in kept))
    names = source_images.Names(b"key")
    source = source_images.images_of(patient, visit, {}, None, names)
    segmentation = seg_out.segmentation_of(patient, visit, source, names)
    report = report_out.report_of(patient, visit, source, segmentation, names)
    write(report, tmp_path / "report.dcm")
    read = hd.sr.srread(tmp_path / "report.dcm")
    groups = read.content.get_volumetric_roi_measurement_groups()
    assert [group.finding_type.meaning for group in groups] == (["Cyst"] if "cyst" in kept else [])
    assert problems([tmp_path / "report.dcm"]) == []


def value(group: object, code: str) -> float:
    (found,) = [m for m in group.get_measurements() if m.name.value == code]  # type: ignore[attr-defined]
    return float(found.value)


def lesion_uids(target: Path) -> list[dict[str, str | None]]:
    return [
        {item.SegmentLabel: item.get("TrackingUID") for item in dataset.SegmentSequence}
        for dataset in of_kind(target, "segmentation")
    ]


def test_no_lesion_has_an_identifier_before_a_person_confirmed_it(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "before")
    for uids in lesion_uids(tmp_path / "before"):
        assert uids["tumour L1"] is None
        assert uids["tumour L2"] is None
        assert uids["cyst"]
    for report in of_kind(tmp_path / "before", "report"):
        groups = hd.sr.Comprehensive3DSR.from_dataset(report).content.get_volumetric_roi_measurement_groups()
        assert [group.finding_type.meaning for group in groups] == ["Cyst"]
    export(case, tmp_path / "after", confirmed(case, tmp_path, case.sessions[1]))
    first, second = lesion_uids(tmp_path / "after")
    assert first["tumour L1"]
    assert first["tumour L1"] == second["tumour L1"]
    assert first["tumour L2"] is None
    assert first["cyst"] == second["cyst"]


@pytest.mark.parametrize(("which", "status", "known"), [(0, "in_force", 1), (1, "undone", 0), (1, "lapsed", 0)])
def test_a_confirmation_reaches_back_only_and_only_while_it_stands(
    which: int, status: str, known: int, case: Case, tmp_path: Path
) -> None:
    export(case, tmp_path / "to", confirmed(case, tmp_path, case.sessions[which], status))
    assert [bool(uids["tumour L1"]) for uids in lesion_uids(tmp_path / "to")] == [bool(known), False]


def test_the_same_results_give_the_same_files(case: Case, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(case, tmp_path / name, packet=PDF)
    contents = [[path.read_bytes() for path in dicom_files(tmp_path / name)] for name in ("one", "two")]
    assert contents[0] == contents[1]


def test_the_packet_is_filed_in_the_study_of_the_last_visit(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "to", packet=PDF)
    (packet,) = of_kind(tmp_path / "to", "packet")
    assert packet.EncapsulatedDocument[: packet.EncapsulatedDocumentLength] == PDF
    assert packet.StudyDate == "20210301"
    assert packet.PatientID == "4711"


def test_pseudonyms_can_be_kept(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "to", keeps_pseudonyms=True)
    hospital = {str(value) for d in originals(case).values() for value in (d.SOPInstanceUID, d.StudyInstanceUID)}
    for path in dicom_files(tmp_path / "to"):
        dataset = pydicom.dcmread(path)
        assert (dataset.PatientID, dataset.get("PatientIdentityRemoved", "YES")) == (case.patient_id, "YES")
        assert "Doe" not in str(dataset)
        assert not [uid for uid in hospital if uid in str(dataset)]


def test_a_mask_that_changed_after_the_run_is_refused(case: Case, tmp_path: Path) -> None:
    study = tmp_path / "study"
    shutil.copytree(case.study, study)
    shutil.copytree(case.root / "study.private", tmp_path / "study.private")
    mask = next(study.glob("derivatives/reader/*/*/anat/*_dseg.nii.gz"))
    images.save(images.load(mask), mask.with_name("copy.nii.gz"))
    mask.write_bytes(mask.read_bytes()[:-4] + b"\0\0\0\0")
    command = ["export-dicom", str(case.out), "--patient", case.patient_id, "-o", str(tmp_path / "to")]
    (case.out / "run.toml").write_text(f'bids_dir = "{study}"\n')
    done = CliRunner().invoke(app, command)
    (case.out / "run.toml").write_text(f'bids_dir = "{case.study}"\n')
    assert done.exception is not None
    assert "gone or changed" in str(done.exception)


def test_an_unknown_patient_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected a patient"):
        export_dicom(ExportSettings(case.out, case.study, "nobody", tmp_path / "to"))


def test_a_scan_that_never_was_dicom_is_sent_along(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "to", private=tmp_path / "other")
    scans = [pydicom.dcmread(path) for path in dicom_files(tmp_path / "to") if path.parent.name == "scan"]
    assert len(scans) == 12
    uids = {str(scan.SOPInstanceUID) for scan in scans}
    for dataset in of_kind(tmp_path / "to", "segmentation"):
        seg = hd.seg.Segmentation.from_dataset(dataset)
        assert {str(uid) for _, _, uid in seg.get_source_image_uids()} <= uids
    problems(dicom_files(tmp_path / "to")[:3])


@BOTH
def test_the_validator_finds_no_error(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "to", confirmed(case, tmp_path, case.sessions[1]), packet=PDF)
    found = problems(dicom_files(tmp_path / "to"))
    assert found == []


def problems(paths: Sequence[Path]) -> list[str]:
    validator = Path(sys.executable).with_name("dciodvfy")
    if not validator.exists():
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    said = []
    for path in paths:
        done = subprocess.run([str(validator), str(path)], capture_output=True, text=True, check=False)
        said += [
            f"{path.name}: {line}" for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")
        ]
    return said


@BOTH
def test_dcmqi_reads_the_same_segments_at_the_same_place(case: Case, tmp_path: Path) -> None:
    reader = Path(sys.executable).with_name("segimage2itkimage")
    if not reader.exists():
        pytest.skip("dcmqi is not installed")
    export(case, tmp_path / "to")
    wanted = sorted(path for path in dicom_files(tmp_path / "to") if path.stem == "segmentation")
    for path, array, session in zip(wanted, case.masks, case.sessions, strict=True):
        folder = tmp_path / session
        folder.mkdir()
        command = [reader, "--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nii"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads((folder / "meta.json").read_text())["segmentAttributes"]
        labels = [item["SegmentLabel"] for group in said for item in group]
        assert labels == ["tumour L1", "tumour L2", "cyst"]
        grid = images.load_grid(next((case.study / case.patient_id / session / "anat").glob("*.nii.gz")))
        for number, mine in ((1, np.argwhere(array[:12] == 1)), (3, np.argwhere(array == 2))):
            theirs = images.load(folder / f"{number}.nii.gz")
            voxels = np.argwhere(theirs.array > 0)
            assert len(voxels) == len(mine)
            np.testing.assert_allclose(
                to_world(theirs.affine, voxels).mean(axis=0), to_world(grid.affine, mine).mean(axis=0), atol=0.01
            )


def test_the_command_writes_and_says_what_is_next(case: Case, tmp_path: Path) -> None:
    command = ["export-dicom", str(case.out), "--patient", case.patient_id, "-o", str(tmp_path / "to")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "wrote 4 files" in done.output


def bundle(case: Case, target: Path, out: Path | None = None, *, keep: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Export the patient's bundle and return its resources by kind, as the standard's own types read them."""
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415

    count = export_fhir(out or case.out, case.study, case.patient_id, target, keeps_pseudonyms=keep)
    read = Bundle.model_validate_json(target.read_text())
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in json.loads(read.model_dump_json())["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    assert count == sum(map(len, found.values()))
    return found


def test_the_bundle_says_the_numbers_of_the_store(case: Case, tmp_path: Path) -> None:
    found = bundle(case, tmp_path / "b.json")
    assert {kind: len(items) for kind, items in found.items() if kind != "Observation"} == {
        "Patient": 1, "ImagingStudy": 2, "DiagnosticReport": 2,
    }  # fmt: skip
    assert found["Patient"][0]["identifier"][0]["value"] == "4711"
    uids = {study["identifier"][0]["value"].removeprefix("urn:oid:") for study in found["ImagingStudy"]}
    assert uids == {str(dataset.StudyInstanceUID) for dataset in originals(case).values()}
    volumes = {
        (o["effectiveDateTime"], o["bodySite"]["coding"][0]["display"]): o
        for o in found["Observation"] if o["code"]["coding"][0].get("display") == "Volume"
    }  # fmt: skip
    measured = store.table(store.database_path(case.out), "measurement")
    names = {"tumour": "Neoplasm", "cyst": "Cyst", "oedema": "Edema"}
    assert len(volumes) == len(measured)
    for row in measured.to_dict("records"):
        shown = volumes[(str(row["acquired_on"])[:10], names[row["compartment"]])]
        assert shown["valueQuantity"]["code"] == "mm3"
        assert float(shown["valueQuantity"]["value"]) == pytest.approx(row["volume_mm3"], abs=1e-3)
        if row["volume_mm3"] > 0:
            ends = [float(part["valueQuantity"]["value"]) for part in shown["component"]]
            assert ends == pytest.approx([row["volume_low_mm3"], row["volume_high_mm3"]], abs=1e-3)
    assert {o["status"] for o in found["Observation"]} == {"preliminary"}


def test_the_bundle_names_confirmed_lesions_by_their_tracking_uid_and_no_others(case: Case, tmp_path: Path) -> None:
    assert "BodyStructure" not in bundle(case, tmp_path / "before.json")
    out = confirmed(case, tmp_path, case.sessions[1])
    found = bundle(case, tmp_path / "after.json", out)
    (lesion,) = found["BodyStructure"]
    export(case, tmp_path / "to", out)
    assert lesion["identifier"][0]["value"] == f"urn:oid:{lesion_uids(tmp_path / 'to')[0]['tumour L1']}"
    about = [o for o in found["Observation"] if o.get("focus")]
    assert [o["focus"][0]["reference"] for o in about] == [f"BodyStructure/{lesion['id']}"] * 2


def test_a_bundle_of_pseudonyms_names_nobody(case: Case, tmp_path: Path) -> None:
    found = bundle(case, tmp_path / "b.json", keep=True)
    assert found["Patient"][0]["identifier"][0]["value"] == case.patient_id
    assert "Doe" not in (tmp_path / "b.json").read_text()
