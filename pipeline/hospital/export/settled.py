"""Same results, same objects: identifiers and stamps stay; what changed is a new object and names its predecessor.

The private folder lists what was written for each visit. An archive can never take an identifier back, so an object
gets a new one only when its content is another: not for a later run, a comment or a new version of the program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from pipeline.hospital.codes import OWN_SCHEME
from pipeline.hospital.export.source_images import Names
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.pseudonyms import read_private, write_private

VOLATILE = frozenset({
    "SOPInstanceUID", "SeriesInstanceUID", "ContentDate", "ContentTime", "InstanceCreationDate",
    "InstanceCreationTime", "SeriesDate", "SeriesTime", "ContributionDateTime", "SoftwareVersions",
    "DimensionOrganizationUID", "TransferSyntaxUID",
})  # fmt: skip
"""What says when, by which version and under which number an object was written, not what it holds."""


@dataclass
class WrittenObjects:
    """What was written for a study, by visit and kind; kept in the private folder."""

    private: Path
    names: Names

    def settle(self, dicom_object: Any, place: str, made_at: str) -> None:
        """Give an object its identifiers and stamps: those of before when it holds the same, else new ones.

        Parameters
        ----------
        dicom_object
            A finished data set; changed in place.
        place
            What the object is of: patient, visit, scan and kind.
        made_at
            Date and time of the run, ``YYYYMMDDHHMMSS``: the stamp of a new object.
        """
        path = self.private / identity_links.SENT
        entries, key = read_private(path), f"{self.names.audience or 'research'} {place}"
        before = entries.get(key, [])
        digest = _digest(dicom_object)
        series_uid = str(self.names.uid("series of results", place))
        if before and before[-1]["digest"] == digest:
            entry = before[-1]
        else:
            predecessor = before[-1]["sop_uid"] if before else ""
            uid = str(self.names.uid("object", place, digest, predecessor))
            entry = {
                "digest": digest, "sop_uid": uid, "sop_class": str(dicom_object.SOPClassUID), "made_at": made_at,
                "study_uid": str(dicom_object.StudyInstanceUID),
                "version": str(dicom_object.get("SoftwareVersions", "")),
            }  # fmt: skip
            write_private(path, {**entries, key: [*before, entry]})
            before = [*before, entry]
        dicom_object.SOPInstanceUID, dicom_object.SeriesInstanceUID = entry["sop_uid"], series_uid
        _stamp(dicom_object, entry, before[0]["made_at"])
        if len(before) > 1:
            _name_predecessor(dicom_object, before[-2], series_uid)


def _stamp(dicom_object: Any, entry: dict[str, str], begun_at: str) -> None:
    """Date an object by the run that made its content, and its series by the first object in it."""
    made_at = entry["made_at"]
    for key in ("ContentDate", "InstanceCreationDate"):
        setattr(dicom_object, key, made_at[:8])
    for key in ("ContentTime", "InstanceCreationTime"):
        setattr(dicom_object, key, made_at[8:])
    dicom_object.SeriesDate, dicom_object.SeriesTime = begun_at[:8], begun_at[8:]
    dicom_object.SoftwareVersions = entry["version"]
    for item in dicom_object.get("ContributingEquipmentSequence") or []:
        item.ContributionDateTime = made_at
    for item in (
        *(dicom_object.get("DimensionOrganizationSequence") or []),
        *(dicom_object.get("DimensionIndexSequence") or []),
    ):
        item.DimensionOrganizationUID = (
            f"2.25.{int(hashlib.sha256(dicom_object.SOPInstanceUID.encode()).hexdigest()[:32], 16)}"
        )


def _name_predecessor(dicom_object: Any, before: dict[str, str], series_uid: str) -> None:
    """Name the object that this one replaces (reports: DICOM PS3.3 C.17.2, others: C.12.4)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = before["sop_class"], before["sop_uid"]
    if dicom_object.Modality == "SR":
        series, study = Dataset(), Dataset()
        series.SeriesInstanceUID, series.ReferencedSOPSequence = series_uid, [reference]
        study.StudyInstanceUID, study.ReferencedSeriesSequence = before["study_uid"], [series]
        dicom_object.PredecessorDocumentsSequence = [study]
        return
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "predecessor", OWN_SCHEME
    purpose.CodeMeaning = "Object that this one replaces"
    reference.PurposeOfReferenceCodeSequence = [purpose]
    dicom_object.ReferencedInstanceSequence = [reference]


def _digest(dicom_object: Any) -> str:
    content = hashlib.sha256()
    for part in _parts(dicom_object):
        content.update(part)
        content.update(b"\x1e")
    return content.hexdigest()


def _parts(dataset: Any) -> Iterator[bytes]:
    """Yield everything a data set holds but its volatile elements, in order."""
    for element in dataset:
        if element.keyword in VOLATILE:
            continue
        yield str(element.tag).encode()
        if element.VR == "SQ":
            for item in element.value:
                yield b"item"
                yield from _parts(item)
        else:
            yield element.value if isinstance(element.value, bytes) else str(element.value).encode()
