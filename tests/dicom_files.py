"""DICOM files for tests: a volume written as a scanner of one of three makers would send it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from pipeline.core.volume import Volume

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

T2_SPIN_ECHO = {
    "ScanningSequence": "SE", "EchoTime": 105.0, "RepetitionTime": 3500.0, "FlipAngle": 150.0, "EchoTrainLength": 17,
    "MRAcquisitionType": "2D",
}  # fmt: skip
T1_SPIN_ECHO = {
    "ScanningSequence": "SE", "EchoTime": 11.0, "RepetitionTime": 620.0, "FlipAngle": 150.0, "EchoTrainLength": 3,
    "MRAcquisitionType": "2D",
}  # fmt: skip
STIR = {
    "ScanningSequence": ["SE", "IR"], "EchoTime": 48.0, "RepetitionTime": 4200.0, "InversionTime": 220.0,
    "FlipAngle": 150.0, "EchoTrainLength": 12, "MRAcquisitionType": "2D",
}  # fmt: skip

VENDORS: Mapping[str, Mapping[str, Any]] = {
    "siemens": {
        "Manufacturer": "SIEMENS", "ManufacturerModelName": "Skyra", "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
        "SequenceName": "*tse2d1_17", "SequenceVariant": ["SK", "SP", "OSP"], "SeriesDescription": "t2_tse_sag_p2",
    },
    "ge": {
        "Manufacturer": "GE MEDICAL SYSTEMS", "ManufacturerModelName": "SIGNA Premier",
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "SequenceVariant": ["SK"], "SeriesDescription": "Sag T2 FRFSE",
    },
    "philips": {
        "Manufacturer": "Philips Medical Systems", "ManufacturerModelName": "Ingenia",
        "ImageType": ["ORIGINAL", "PRIMARY", "M_SE", "M", "SE"], "SequenceVariant": ["SK"],
        "SeriesDescription": "T2W_TSE_sag", "RescaleSlope": 1.0, "RescaleIntercept": 0.0,
    },
}  # fmt: skip

PERSON = {
    "PatientID": "4711", "PatientName": "Doe^Jane", "PatientBirthDate": "19700131", "PatientSex": "F",
    "AccessionNumber": "A1",
}  # fmt: skip


def geometry(volume: Volume) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the LPS affine's columns as row direction, column direction and step of slices, and the origin."""
    affine = LPS @ volume.affine
    return affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3]


def common(studied_on: date, uids: Mapping[str, str], vendor: str, made: Mapping[str, Any], **extra: Any) -> Dataset:
    """Return the elements that all files of a series share."""
    dataset = Dataset()
    shared = {
        "SOPClassUID": MR_IMAGE, "Modality": "MR", "StudyDate": f"{studied_on:%Y%m%d}", "StudyTime": "101500",
        "SeriesTime": "102000", "AcquisitionTime": "102030", "SeriesNumber": 4, "MagneticFieldStrength": 3.0,
        "AcquisitionNumber": 1, "StudyInstanceUID": uids["study"], "SeriesInstanceUID": uids["series"],
        "FrameOfReferenceUID": uids["frame"], "StudyID": "1", "PatientPosition": "HFS", "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "ReferringPhysicianName": "", "PositionReferenceIndicator": "",
    }  # fmt: skip
    for key, value in {**shared, **PERSON, **VENDORS[vendor], **made, **extra}.items():
        if value is not None:
            setattr(dataset, key, value)
    return dataset


def new_uids(study: str | None = None) -> dict[str, str]:
    """Return fresh unique identifiers of a study, series and frame of reference."""
    return {"study": study or generate_uid(), "series": generate_uid(), "frame": generate_uid()}


def slices(
    volume: Volume, studied_on: date = date(2020, 2, 17), vendor: str = "siemens",
    made: Mapping[str, Any] = T2_SPIN_ECHO, uids: Mapping[str, str] | None = None, **extra: Any,
) -> list[Dataset]:  # fmt: skip
    """Return a classic series: one data set per slice along the volume's last axis, not in order."""
    row, column, step, origin = geometry(volume)
    spacing = np.linalg.norm(row), np.linalg.norm(column), np.linalg.norm(step)
    uids = uids or new_uids()
    made_of = []
    for k in range(volume.shape[2]):
        dataset = common(studied_on, uids, vendor, made, **extra)
        dataset.SOPInstanceUID = generate_uid()
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = [f"{v:.10g}"[:16] for v in origin + k * step]
        dataset.ImageOrientationPatient = [f"{v:.10f}"[:16] for v in (*row / spacing[0], *column / spacing[1])]
        dataset.PixelSpacing = [f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"]
        dataset.SliceThickness = extra.get("SliceThickness", f"{spacing[2]:.6g}")
        set_pixels(dataset, volume.array[:, :, k].T)
        made_of.append(dataset)
    return made_of[1::2] + made_of[::2]


def set_pixels(dataset: Dataset, plane: np.ndarray) -> None:
    """Put pixels ``[row, column]`` or ``[frame, row, column]`` into a data set."""
    plane = np.ascontiguousarray(plane)
    dataset.Rows, dataset.Columns = plane.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = plane.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(plane.dtype.kind == "i")
    dataset.PixelData = plane.tobytes() + (b"\0" if plane.nbytes % 2 else b"")
    dataset["PixelData"].VR = "OW"


def save(dataset: Dataset, path: Path, syntax: UID = ExplicitVRLittleEndian) -> Path:
    """Write one file; compressing syntaxes compress."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax if not syntax.is_encapsulated else ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    file = FileDataset(str(path), dataset, file_meta=meta, preamble=b"\0" * 128)
    if syntax.is_encapsulated:
        file.compress(syntax, generate_instance_uid=False)
    file.save_as(path, enforce_file_format=True)
    return path


def save_all(datasets: list[Dataset], folder: Path, syntax: UID = ExplicitVRLittleEndian) -> list[Path]:
    """Write a series into a folder."""
    return [save(dataset, folder / f"IM{n:05d}", syntax) for n, dataset in enumerate(datasets)]


def enhanced(
    volume: Volume, studied_on: date = date(2020, 2, 17), made: Mapping[str, Any] = T2_SPIN_ECHO,
    uids: Mapping[str, str] | None = None, echo_times: tuple[float, ...] = (105.0,), **extra: Any,
) -> Dataset:  # fmt: skip
    """Return an enhanced multi-frame object with the volume once per echo time, frames interleaved."""
    row, column, step, origin = geometry(volume)
    spacing = np.linalg.norm(row), np.linalg.norm(column), np.linalg.norm(step)
    dataset = common(studied_on, uids or new_uids(), "philips", {}, **extra)
    dataset.SOPClassUID = ENHANCED_MR
    dataset.SOPInstanceUID = generate_uid()
    dataset.InstanceNumber = 1
    dataset.EchoPulseSequence = "SPIN"
    shared, measures, turned, timing = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [float(spacing[1]), float(spacing[0])]
    measures.SliceThickness = float(spacing[2])
    turned.ImageOrientationPatient = [float(v) for v in (*row / spacing[0], *column / spacing[1])]
    timing.RepetitionTime, timing.FlipAngle = made["RepetitionTime"], made["FlipAngle"]
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([turned])
    shared.MRTimingAndRelatedParametersSequence = Sequence([timing])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames, planes = [], []
    for k in range(volume.shape[2]):
        for number, echo_time in enumerate(echo_times):
            own, position, echo, kind = Dataset(), Dataset(), Dataset(), Dataset()
            position.ImagePositionPatient = [float(v) for v in origin + k * step]
            echo.EffectiveEchoTime = echo_time
            kind.FrameType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
            own.PlanePositionSequence = Sequence([position])
            own.MREchoSequence = Sequence([echo])
            own.MRImageFrameTypeSequence = Sequence([kind])
            frames.append(own)
            planes.append(volume.array[:, :, k].T + number)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.NumberOfFrames = len(frames)
    set_pixels(dataset, np.array(planes))
    return dataset


def read(path: Path) -> Dataset:
    """Read a file as it is."""
    return pydicom.dcmread(path)
