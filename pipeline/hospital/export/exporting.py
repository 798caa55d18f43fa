"""The story of an export: one patient's visits out of the store, each as segmentation and report, and the packet."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.errors import InputError, StoreError
from pipeline.files import atomic
from pipeline.hospital.export import record_packet
from pipeline.hospital.export.audience import Audience, audience_of, told_to
from pipeline.hospital.export.encapsulated_pdf import encapsulated
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, gather
from pipeline.hospital.export.record_packet import Setter
from pipeline.hospital.export.segmentation import segmentation_of
from pipeline.hospital.export.settled import WrittenObjects
from pipeline.hospital.export.source_images import images_of
from pipeline.hospital.export.structured_report import report_of


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
        Sets the packet to send along, for the same reader as the rest; None for none.
    is_fractional
        Write probabilities beside the binary segments.
    """

    out_dir: Path
    bids_dir: Path
    patient: str
    folder: Path
    private: Path | None = None
    keeps_pseudonyms: bool = False
    packet: Setter | None = None
    is_fractional: bool = False


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
    gathered = gather(settings.out_dir, settings.bids_dir, settings.patient)
    audience = audience_of(
        gathered.patient_id, settings.bids_dir, settings.private, keeps_pseudonyms=settings.keeps_pseudonyms
    )
    patient = told_to(gathered, audience)
    written = WrittenObjects(audience.private, audience.names)
    files: list[str] = []
    left_out = list(patient.left_out)
    for visit in patient.visits:
        try:
            objects = _visit(patient, visit, audience, written, is_fractional=settings.is_fractional)
        except InputError as error:
            left_out.append(f"{visit.label}: {error}")
            continue
        for name, dataset in objects.items():
            target = Path(audience.folder(patient), visit.label, f"{name}.dcm")
            write(dataset, settings.folder / target)
            files.append(target.as_posix())
    if settings.packet is not None and patient.visits:
        try:
            files.append(_packet(settings, patient, audience, written).as_posix())
        except InputError as error:
            left_out.append(f"the packet: {error}")
    return ExportDone(tuple(files), tuple(left_out))


def _packet(settings: ExportSettings, patient: ExportPatient, audience: Audience, written: WrittenObjects) -> Path:
    """Set the packet for the reader of the results and file it in the study of the last visit."""
    assert settings.packet is not None
    if audience.is_named:
        with tempfile.TemporaryDirectory(prefix="cordtrack-") as folder:
            name = record_packet.record_folder(settings.out_dir, patient.patient_id, audience, Path(folder))
            content = settings.packet(Path(folder), name, record_packet.title_of(audience))
    else:
        content = settings.packet(settings.out_dir, patient.patient_id, None)
    last = patient.visits[-1]
    source = images_of(patient, last, audience.person, audience.sources.get(last.scan), audience.names)
    target = Path(audience.folder(patient), last.label, "packet.dcm")
    packet_object = encapsulated(content, patient, last, source, audience.names)
    written.settle(packet_object, f"{patient.patient_id} {last.session_id} packet", _made_at(patient))
    write(packet_object, settings.folder / target)
    return target


def _made_at(patient: ExportPatient) -> str:
    return f"{patient.made_at:%Y%m%d%H%M%S}"


def _visit(
    patient: ExportPatient, visit: ExportVisit, audience: Audience, written: WrittenObjects, *, is_fractional: bool
) -> dict[str, Any]:
    names = audience.names
    source = images_of(patient, visit, audience.person, audience.sources.get(visit.scan), names)
    place, made_at = f"{patient.patient_id} {visit.session_id} {visit.scan}", _made_at(patient)
    objects: dict[str, Any] = {}
    if source.is_new:
        objects = {f"scan/{number:04d}": dataset for number, dataset in enumerate(source.datasets, start=1)}
    segmentation = segmentation_of(patient, visit, source, names)
    if segmentation is not None:
        written.settle(segmentation, f"{place} segmentation", made_at)
        objects["segmentation"] = segmentation
        if is_fractional:
            soft = segmentation_of(patient, visit, source, names, is_fractional=True)
            written.settle(soft, f"{place} fractional", made_at)
            objects["fractional"] = soft
    objects["report"] = report_of(patient, visit, source, segmentation, names)
    written.settle(objects["report"], f"{place} report", made_at)
    return objects


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
    file = FileDataset(str(path), dataset, file_meta=meta, preamble=b"\0" * 128)
    try:
        with atomic.replacing(path) as partial:
            file.save_as(partial, enforce_file_format=True)
    except OSError as error:
        raise StoreError(f"{path}: could not be written ({error.strerror}); choose another folder") from error


def dicom_files(folder: Path) -> Sequence[Path]:
    """Return the DICOM files below a folder, in order."""
    return sorted(path for path in folder.rglob("*.dcm") if path.is_file())
