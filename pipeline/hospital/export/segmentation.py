"""A visit's masks as a DICOM segmentation: one segment per lesion and compartment.

The same lesion has the same tracking identifier at every visit, and none before a person confirmed that it is the
same: an identifier given too early could never be taken back from the archives it was sent to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from pipeline.core.vocabulary import Compartment
from pipeline.hospital.codes import OWN_SCHEME, SPINAL_CORD, TYPES, category_of
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, Piece
from pipeline.hospital.export.source_images import Names, SourceImages

MAKER, MODEL = "cordtrack", "cordtrack"
FAMILY = Code("123110", "DCM", "Artificial Intelligence")
SERIES_NUMBER = 901


def outlined(visit: ExportVisit) -> tuple[Piece, ...]:
    """Return the pieces that have any voxel: an empty compartment has a volume of 0 and no segment."""
    return tuple(piece for piece in visit.pieces if np.any(piece.array > 0))


def tracking_of(piece: Piece, patient: ExportPatient, names: Names) -> tuple[str, Any] | None:
    """Return the tracking identifier and UID of a piece; None for tumour whose identity nobody confirmed."""
    if piece.compartment != Compartment.TUMOUR:
        uid = names.uid("compartment", patient.patient_id, str(piece.compartment))
        return f"{patient.label} {piece.compartment}".strip(), uid
    if piece.lesion_id is None or not piece.is_confirmed:
        return None
    uid = names.uid("lesion", patient.patient_id, piece.lesion_id)
    return f"{patient.label} {piece.lesion_id}".strip(), uid


@dataclass(frozen=True, eq=False)
class Outline:
    """A piece as all or nothing.

    Attributes
    ----------
    threshold
        Probability from which on a voxel is inside; None where the mask was all or nothing already.
    volume_mm3
        Of the voxels inside.
    """

    array: NDArray[np.bool_]
    threshold: float | None
    volume_mm3: float


def outline_of(piece: Piece, voxel_mm3: float) -> Outline:
    """Return a piece as all or nothing, at the threshold that keeps its volume.

    The most probable voxels are taken, as many as the probabilities sum up to; voxels of equal probability go together,
    as long as that brings the volume nearer. So the volume differs by less than a voxel unless many are equal.
    """
    if piece.array.dtype == bool:
        return Outline(piece.array, None, float(piece.array.sum()) * voxel_mm3)
    wanted = float(piece.array.sum(dtype=np.float64))
    values, counts = np.unique(piece.array[piece.array > 0], return_counts=True)
    reached = np.cumsum(counts[::-1])
    threshold = float(values[::-1][int(np.argmin(np.abs(reached - wanted)))])
    inside = piece.array >= threshold
    return Outline(inside, threshold, float(inside.sum()) * voxel_mm3)


def segmentation_of(
    patient: ExportPatient, visit: ExportVisit, source: SourceImages, names: Names, *, is_fractional: bool = False
) -> hd.seg.Segmentation | None:
    """Return a visit's segmentation; None when nothing was outlined.

    Parameters
    ----------
    is_fractional
        Keep probabilities as such, in steps of 1/255; otherwise segments are binary, at the threshold that keeps the
        volume, for many viewers and archives show nothing else.
    """
    pieces = outlined(visit)
    if not pieces:
        return None
    outlines = [outline_of(piece, visit.image.voxel_mm3) for piece in pieces]
    arrays = [piece.array for piece in pieces] if is_fractional else [outline.array for outline in outlines]
    stack = np.stack([array.transpose(2, 1, 0) for array in arrays], axis=-1)
    parts = (patient.patient_id, visit.session_id, visit.scan, str(is_fractional))
    segmentation = hd.seg.Segmentation(
        source_images=list(source.datasets),
        pixel_array=stack.astype(np.float32 if is_fractional else np.uint8),
        segmentation_type="FRACTIONAL" if is_fractional else "BINARY",
        segment_descriptions=[
            _described(number, piece, patient, names) for number, piece in enumerate(pieces, start=1)
        ],
        series_instance_uid=names.uid("seg series", *parts),
        series_number=SERIES_NUMBER + (3 if is_fractional else 0),
        sop_instance_uid=names.uid("seg", *parts),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MODEL,
        software_versions=patient.version,
        device_serial_number="0",
        fractional_type="PROBABILITY",
        content_label="CORDTRACK",
        content_description="Tumour and other compartments; research use only",
        **_planes(visit, source),
    )
    if not is_fractional:
        for item, piece, outline in zip(segmentation.SegmentSequence, pieces, outlines, strict=True):
            item.SegmentDescription = _how(piece, outline)
    finish(segmentation, visit, "cordtrack segmentation (research)")
    return segmentation


def _how(piece: Piece, outline: Outline) -> str:
    """Say how a segment's voxels and the volume of the report agree."""
    if outline.threshold is None:
        return f"{outline.volume_mm3:.1f} mm3 as drawn"
    return (
        f"probability >= {outline.threshold:.3f}: {outline.volume_mm3:.1f} mm3; "
        f"the report sums probabilities: {piece.volume_mm3:.1f} mm3"
    )


def finish(dicom_object: Any, visit: ExportVisit, description: str) -> None:
    """Give an object what all of ours have: letters of every script, a description, coding schemes, and its visit."""
    dicom_object.SpecificCharacterSet = "ISO_IR 192"
    dicom_object.SeriesDescription = description
    scheme = Dataset()
    scheme.CodingSchemeDesignator = OWN_SCHEME
    scheme.CodingSchemeName = "cordtrack private codes"
    scheme.CodingSchemeResponsibleOrganization = "cordtrack"
    dicom_object.CodingSchemeIdentificationSequence = [scheme]
    dicom_object.ClinicalTrialTimePointID = visit.label
    if visit.days_from_baseline is not None:
        dicom_object.LongitudinalTemporalOffsetFromEvent = float(visit.days_from_baseline)
        dicom_object.LongitudinalTemporalEventType = "BASELINE"


def _planes(visit: ExportVisit, source: SourceImages) -> dict[str, Any]:
    """Return where each slice lies when the source is one multi-frame image with more frames than slices."""
    first = source.datasets[0]
    if len(source.datasets) > 1:
        return {}
    groups = first.PerFrameFunctionalGroupsSequence
    by_place = {int(g.FrameContentSequence[0].InStackPositionNumber): g.PlanePositionSequence[0] for g in groups}
    positions = [by_place[k + 1].ImagePositionPatient for k in range(visit.image.shape[2])]
    return {
        "plane_positions": [hd.PlanePositionSequence("PATIENT", position) for position in positions],
        "pixel_measures": hd.PixelMeasuresSequence(
            first.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing,
            first.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness,
        ),
        "plane_orientation": hd.PlaneOrientationSequence(
            "PATIENT", first.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
        ),
    }


def _described(number: int, piece: Piece, patient: ExportPatient, names: Names) -> hd.seg.SegmentDescription:
    tracking = tracking_of(piece, patient, names)
    label = f"{piece.compartment}" + (f" {piece.lesion_id}" if piece.lesion_id else "")
    program = None
    if not piece.is_manual:
        program = hd.AlgorithmIdentificationSequence("cordtrack", FAMILY, patient.version)
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=category_of(piece.compartment),
        segmented_property_type=TYPES[piece.compartment],
        algorithm_type="MANUAL" if piece.is_manual else "AUTOMATIC",
        algorithm_identification=program,
        tracking_id=tracking[0] if tracking else None,
        tracking_uid=tracking[1] if tracking else None,
        anatomic_regions=None if piece.compartment == Compartment.CORD else [SPINAL_CORD],
        display_color=hd.color.CIELabColor.from_rgb(*COLOURS[piece.compartment]),
    )


COLOURS = {
    Compartment.TUMOUR: (213, 94, 0),
    Compartment.ENHANCING: (204, 121, 167),
    Compartment.CYST: (0, 114, 178),
    Compartment.SYRINX: (86, 180, 233),
    Compartment.OEDEMA: (240, 228, 66),
    Compartment.CAVITY: (0, 158, 115),
    Compartment.HAEMORRHAGE: (128, 0, 0),
    Compartment.CORD: (153, 153, 153),
}
"""Colour-blind safe (Okabe and Ito), as sRGB."""
