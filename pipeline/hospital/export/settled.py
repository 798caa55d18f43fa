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

    def settle(self, made: Any, place: str, made_at: str) -> None:
        """Give an object its identifiers and stamps: those of before when it holds the same, else new ones.

        Parameters
        ----------
        made
            A finished data set; changed in place.
        place
            What the object is of: patient, visit, scan and kind.
        made_at
            Date and time of the run, ``YYYYMMDDHHMMSS``: the stamp of a new object.
        """
        path = self.private / identity_links.SENT
        kept, key = read_private(path), f"{self.names.audience or 'research'} {place}"
        before = kept.get(key, [])
        digest = _digest(made)
        series_uid = str(self.names.uid("series of results", place))
        if before and before[-1]["digest"] == digest:
            entry = before[-1]
        else:
            predecessor = before[-1]["sop_uid"] if before else ""
            uid = str(self.names.uid("object", place, digest, predecessor))
            entry = {
                "digest": digest, "sop_uid": uid, "sop_class": str(made.SOPClassUID), "made_at": made_at,
                "study_uid": str(made.StudyInstanceUID), "version": str(made.get("SoftwareVersions", "")),
            }  # fmt: skip
            write_private(path, {**kept, key: [*before, entry]})
            before = [*before, entry]
        made.SOPInstanceUID, made.SeriesInstanceUID = entry["sop_uid"], series_uid
        _stamp(made, entry, before[0]["made_at"])
        if len(before) > 1:
            _name_predecessor(made, before[-2], series_uid)


def _stamp(made: Any, entry: dict[str, str], begun_at: str) -> None:
    """Date an object by the run that made its content, and its series by the first object in it."""
    made_at = entry["made_at"]
    for key in ("ContentDate", "InstanceCreationDate"):
        setattr(made, key, made_at[:8])
    for key in ("ContentTime", "InstanceCreationTime"):
        setattr(made, key, made_at[8:])
    made.SeriesDate, made.SeriesTime = begun_at[:8], begun_at[8:]
    made.SoftwareVersions = entry["version"]
    for item in made.get("ContributingEquipmentSequence") or []:
        item.ContributionDateTime = made_at
    for item in (*(made.get("DimensionOrganizationSequence") or []), *(made.get("DimensionIndexSequence") or [])):
        item.DimensionOrganizationUID = f"2.25.{int(hashlib.sha256(made.SOPInstanceUID.encode()).hexdigest()[:32], 16)}"


def _name_predecessor(made: Any, before: dict[str, str], series_uid: str) -> None:
    """Name the object that this one replaces (reports: DICOM PS3.3 C.17.2, others: C.12.4)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = before["sop_class"], before["sop_uid"]
    if made.Modality == "SR":
        series, study = Dataset(), Dataset()
        series.SeriesInstanceUID, series.ReferencedSOPSequence = series_uid, [reference]
        study.StudyInstanceUID, study.ReferencedSeriesSequence = before["study_uid"], [series]
        made.PredecessorDocumentsSequence = [study]
        return
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "predecessor", OWN_SCHEME
    purpose.CodeMeaning = "Object that this one replaces"
    reference.PurposeOfReferenceCodeSequence = [purpose]
    made.ReferencedInstanceSequence = [reference]


def _digest(made: Any) -> str:
    content = hashlib.sha256()
    for part in _parts(made):
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
