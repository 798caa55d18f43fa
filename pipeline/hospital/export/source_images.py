"""The images that results refer to: those of the hospital where the scan came from there, else the scan written anew.

A segmentation or report in DICOM must name the images it is about. For a scan that was imported from DICOM these are
the hospital's own, whose numbers the private folder holds; for any other scan the images are made from the study's
file and sent along, so that a viewer has something to show the masks on.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.files.images import LPS
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit
from pipeline.hospital.private.identity_links import SourceScan

OWN_MAKER = "cordtrack"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


@dataclass(frozen=True)
class Names:
    """Unique identifiers made from a study's key: the same for the same thing at every export, and nowhere else.

    ``audience`` keeps those of a person's record apart from those of research: equal ones would link the two.
    """

    key: bytes = field(repr=False)
    audience: str = ""

    def uid(self, *parts: str) -> UID:
        """Return the identifier of a thing, in the form of a UUID (DICOM PS3.5 B.2)."""
        scope = ("uid", self.audience) if self.audience else ("uid",)
        digest = hmac.new(self.key, "\x1f".join((*scope, *parts)).encode(), hashlib.sha256).digest()
        return UID(f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}")


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The images of one visit's scan, one per slice in order; ``is_new`` when they must be sent along."""

    datasets: tuple[Dataset, ...]
    is_new: bool


def images_of(
    patient: ExportPatient, visit: ExportVisit, person: Mapping[str, Any], source: SourceScan | None, names: Names
) -> SourceImages:
    """Return the images that a visit's results refer to.

    Parameters
    ----------
    person
        Who the patient is, from the private folder; empty when only the pseudonym is known or wanted.
    source
        Where the scan came from; None when not from DICOM.

    Raises
    ------
    InputError
        The scan has another number of slices than its source.
    """
    study = source.study if source else {}
    common = _common(patient, visit, person, study, names)
    count = visit.image.shape[2]
    if source is not None:
        if len(source.planes) != count:
            raise InputError(
                f"{visit.scan}: expected {len(source.planes)} slices as imported, found {count}; import again"
            )
        common.SeriesInstanceUID, common.FrameOfReferenceUID = source.series_uid, source.frame_of_reference_uid
        uids = [uid for uid, _ in source.planes]
        if len(set(uids)) != count:
            return SourceImages((_multi_frame(common, visit.image, source),), is_new=False)
        return SourceImages(tuple(_slices(common, visit.image, uids)), is_new=False)
    content = names.uid("content", visit.scan, patient.patient_id)
    common.SeriesInstanceUID = names.uid("series", patient.patient_id, visit.session_id, visit.scan, content)
    common.FrameOfReferenceUID = names.uid("frame", patient.patient_id, visit.session_id, visit.scan)
    uids = [str(names.uid("slice", patient.patient_id, visit.scan, str(k))) for k in range(count)]
    whole = images.load_scan(patient.bids_dir / visit.scan)
    return SourceImages(tuple(_slices(common, _as_stored(whole), uids, with_pixels=True)), is_new=True)


def _as_stored(volume: Volume) -> Volume:
    """Return whole numbers of 16 bits; other scans are scaled to them, for showing only."""
    array = volume.array
    if array.dtype.kind in "iu" and array.min() >= -(2**15) and array.max() < 2**15:
        return volume.with_array(array.astype(np.int16))
    low, high = float(array.min()), float(array.max())
    scaled = (array.astype(np.float64) - low) / max(high - low, 1e-12) * 32000
    return volume.with_array(np.rint(scaled).astype(np.int16))


def _common(
    patient: ExportPatient, visit: ExportVisit, person: Mapping[str, Any], study: Mapping[str, Any], names: Names
) -> Dataset:
    """Return patient, study and acquisition as each image carries them."""
    person = (study.get("person") or person) if person else person
    day = date.fromisoformat(study["studied_on"]) if study.get("studied_on") else visit.acquired_on
    born = str(person.get("born_on") or "").replace("-", "")
    dataset = Dataset()
    values = {
        "SOPClassUID": MR_IMAGE, "Modality": "MR", "PatientName": person.get("name") or f"{patient.label}^",
        "SpecificCharacterSet": "ISO_IR 192", "PatientID": person.get("patient_id") or patient.label,
        "PatientBirthDate": born,
        "PatientSex": person.get("sex") or "", "StudyDate": f"{day:%Y%m%d}" if day else "",
        "StudyTime": study.get("study_time") or "", "StudyID": study.get("study_id") or "",
        "AccessionNumber": study.get("accession") or "", "ReferringPhysicianName": study.get("referring") or "",
        "StudyInstanceUID": study.get("study_uid") or names.uid("study", patient.patient_id, visit.session_id),
        "SeriesNumber": 900, "Manufacturer": "" if study else OWN_MAKER, "PositionReferenceIndicator": "",
        "ScanningSequence": "RM", "SequenceVariant": "NONE", "ScanOptions": "", "MRAcquisitionType": "2D",
        "EchoTime": None, "EchoTrainLength": None, "RepetitionTime": None, "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "PatientPosition": "",
        "ImageType": ["DERIVED", "PRIMARY", "OTHER"], "PixelRepresentation": 1,
    }  # fmt: skip
    if person.get("issuer"):
        values["IssuerOfPatientID"] = person["issuer"]
    if not person:
        values |= {"PatientIdentityRemoved": "YES", "DeidentificationMethod": "cordtrack: nothing of the source kept"}
    for key, value in values.items():
        setattr(dataset, key, value)
    return dataset


def _geometry(volume: Volume) -> tuple[list[float], list[float], np.ndarray, np.ndarray, float]:
    affine = LPS @ volume.affine
    spacing = volume.spacing_mm
    axes = [float(v) for v in (*affine[:3, 0] / spacing[0], *affine[:3, 1] / spacing[1])]
    return axes, [float(spacing[1]), float(spacing[0])], affine[:3, 3], affine[:3, 2], float(spacing[2])


def _slices(common: Dataset, volume: Volume, uids: list[str], *, with_pixels: bool = False) -> list[Dataset]:
    axes, spacing, origin, step, distance = _geometry(volume)
    slices = []
    for k, uid in enumerate(uids):
        dataset = Dataset()
        dataset.update(common)
        dataset.SOPInstanceUID, dataset.InstanceNumber = uid, k + 1
        dataset.ImagePositionPatient = _decimals(origin + k * step)
        dataset.ImageOrientationPatient = _decimals(axes)
        dataset.PixelSpacing = _decimals(spacing)
        dataset.SliceThickness = _decimals([distance])[0]
        dataset.Rows, dataset.Columns = volume.shape[1], volume.shape[0]
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if with_pixels:
            dataset.PixelData = np.ascontiguousarray(volume.array[:, :, k].T).tobytes()
            dataset["PixelData"].VR = "OW"
        slices.append(dataset)
    return slices


def _multi_frame(common: Dataset, volume: Volume, source: SourceScan) -> Dataset:
    """Return an enhanced image as far as references need it: the frames of the scan at their own numbers."""
    axes, spacing, origin, step, distance = _geometry(volume)
    dataset = Dataset()
    dataset.update(common)
    dataset.SOPClassUID, dataset.SOPInstanceUID = source.sop_class, source.planes[0][0]
    dataset.InstanceNumber = 1
    dataset.Rows, dataset.Columns = volume.shape[1], volume.shape[0]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    places = {frame_number: k for k, (_, frame_number) in enumerate(source.planes)}
    dataset.NumberOfFrames = max(places)
    shared, measures, turned = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = _decimals(spacing), _decimals([distance])[0]
    turned.ImageOrientationPatient = _decimals(axes)
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [turned]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for frame_number in range(1, max(places) + 1):
        frame_groups, position, content = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = _decimals(origin + places.get(frame_number, 0) * step)
        content.StackID, content.InStackPositionNumber = "1", places.get(frame_number, 0) + 1
        frame_groups.PlanePositionSequence, frame_groups.FrameContentSequence = [position], [content]
        frames.append(frame_groups)
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _decimals(values: Any) -> list[str]:
    """Return decimal strings of up to 16 letters, as exact as these allow."""
    texts = []
    for value in values:
        number = float(value) + 0.0
        digits = next(n for n in range(15, 0, -1) if len(f"{number:.{n}g}") <= 16)
        texts.append(f"{number:.{digits}g}")
    return texts
