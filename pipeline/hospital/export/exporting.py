"""The story of an export: one patient's visits out of the store, each as segmentation and report, and the packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.errors import InputError, StoreError
from pipeline.hospital.export.encapsulated_pdf import encapsulated
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, gather
from pipeline.hospital.export.segmentation import segmentation_of
from pipeline.hospital.export.source_images import Names, images_of
from pipeline.hospital.export.structured_report import report_of
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.pseudonyms import default_private_folder, open_private


@dataclass(frozen=True)
class ExportDone:
    """The files written, relative to the folder, and what was left out, in words."""

    files: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class ExportSettings:
    """What an export is asked to do; see ``cordtrack export-dicom --help``.

    Attributes
    ----------
    keeps_pseudonyms
        Use nothing of the private folder but the key: the pseudonym is the patient, dates are the study's, and the
        scan is written anew, for the hospital's own numbers would name the person.
    packet
        A PDF to send along; None for none.
    """

    out_dir: Path
    bids_dir: Path
    patient: str
    folder: Path
    private: Path | None = None
    keeps_pseudonyms: bool = False
    packet: bytes | None = None


def export_dicom(settings: ExportSettings) -> ExportDone:
    """Write one patient's results as DICOM files, below one folder per visit.

    Raises
    ------
    SettingsError
        The store has no such patient.
    InputError
        Files have changed since the run.
    StoreError
        The folder cannot be written.
    """
    private = settings.private or default_private_folder(settings.bids_dir)
    names = Names(open_private(private, settings.bids_dir))
    patient = gather(settings.out_dir, settings.bids_dir, settings.patient)
    person = {} if settings.keeps_pseudonyms else identity_links.person_of(private, patient.patient_id)
    known = [] if settings.keeps_pseudonyms else identity_links.source_scans(private, patient.patient_id)
    sources = {scan.file: scan for scan in known}
    files: list[str] = []
    left_out = list(patient.left_out)
    for visit in patient.visits:
        try:
            made = _visit(patient, visit, person, sources.get(visit.scan), names)
        except InputError as error:
            left_out.append(f"{visit.session_id}: {error}")
            continue
        for name, dataset in made.items():
            target = Path(patient.patient_id, visit.session_id, f"{name}.dcm")
            write(dataset, settings.folder / target)
            files.append(target.as_posix())
    if settings.packet is not None and patient.visits:
        last = patient.visits[-1]
        source = images_of(patient, last, person, sources.get(last.scan), names)
        target = Path(patient.patient_id, last.session_id, "packet.dcm")
        write(encapsulated(settings.packet, patient, last, source, names), settings.folder / target)
        files.append(target.as_posix())
    return ExportDone(tuple(files), tuple(left_out))


def _visit(
    patient: ExportPatient,
    visit: ExportVisit,
    person: dict[str, Any],
    scan: identity_links.SourceScan | None,
    names: Names,
) -> dict[str, Any]:
    source = images_of(patient, visit, person, scan, names)
    made: dict[str, Any] = {}
    if source.is_new:
        made = {f"scan/{number:04d}": dataset for number, dataset in enumerate(source.datasets, start=1)}
    segmentation = segmentation_of(patient, visit, source, names)
    if segmentation is not None:
        made["segmentation"] = segmentation
    made["report"] = report_of(patient, visit, source, segmentation, names)
    return made


def write(dataset: Any, path: Path) -> None:
    """Write one DICOM file, whole or not at all.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    partial = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = FileDataset(str(path), dataset, file_meta=meta, preamble=b"\0" * 128)
        file.save_as(partial, enforce_file_format=True)
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: could not be written ({error.strerror}); choose another folder") from error
    finally:
        partial.unlink(missing_ok=True)


def dicom_files(folder: Path) -> Sequence[Path]:
    """Return the DICOM files below a folder, in order."""
    return sorted(path for path in folder.rglob("*.dcm") if path.is_file())
