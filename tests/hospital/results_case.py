"""A study that came from DICOM, with results in its output folder: what is exported in the tests."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pydicom

from pipeline.core import records
from pipeline.core.volume import Volume
from pipeline.files import fingerprints, images
from pipeline.hospital.export.exporting import ExportDone, ExportSettings, dicom_files, export_dicom
from pipeline.hospital.importing.importing import ImportSettings, import_dicom
from pipeline.store import publish
from pipeline.store import reader as store_reader
from tests import dicom_files as dicom
from tests import factories

DAYS = (date(2020, 2, 17), date(2021, 3, 1))
AFFINE = np.array([[0.0, 0, -3.3, 20.0], [-0.7, 0.0, 0.0, 30.0], [0.0, -0.7, 0.0, 60.0], [0, 0, 0, 1.0]])
VOXEL_MM3 = 0.7 * 0.7 * 3.3
AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None)


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


def build_case(kind: str, root: Path) -> Case:
    """Take a study in from classic or enhanced DICOM and publish its results."""
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
    publish.publish(made.out, rows)
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
    with duckdb.connect(str(store_reader.database_path(out))) as connection:
        brought = publish.bring_in(connection, records.JournalEntry, [entry])
        connection.execute(f"insert into record.journal_entry by name from {brought}")
    return out


def export(case: Case, target: Path, out: Path | None = None, **more: object) -> ExportDone:
    settings = ExportSettings(out or case.out, case.study, case.patient_id, target, **more)  # type: ignore[arg-type]
    return export_dicom(settings)


def of_kind(target: Path, name: str) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in dicom_files(target) if path.stem == name]


def originals(case: Case) -> dict[str, pydicom.Dataset]:
    found = [pydicom.dcmread(path) for path in (case.root / "in").rglob("*") if path.is_file()]
    return {str(dataset.SOPInstanceUID): dataset for dataset in found}


def lesion_uids(target: Path) -> list[dict[str, str | None]]:
    return [
        {item.SegmentLabel: item.get("TrackingUID") for item in dataset.SegmentSequence}
        for dataset in of_kind(target, "segmentation")
    ]
