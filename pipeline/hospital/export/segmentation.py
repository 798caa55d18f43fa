"""A visit's masks as a DICOM segmentation: one segment per lesion and compartment.

The same lesion has the same tracking identifier at every visit, and none before a person confirmed that it is the
same: an identifier given too early could never be taken back from the archives it was sent to.
"""

from __future__ import annotations

import hashlib
from typing import Any

import highdicom as hd
import numpy as np
from pydicom.sr.coding import Code

from pipeline.core.vocabulary import Compartment
from pipeline.hospital.codes import SPINAL_CORD, TYPES, category_of
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, Piece
from pipeline.hospital.export.source_images import Names, SourceImages

MAKER, MODEL = "cordtrack", "cordtrack"
FAMILY = Code("123110", "DCM", "Artificial Intelligence")
SERIES_NUMBER = 901


def outlined(visit: ExportVisit) -> tuple[Piece, ...]:
    """Return the pieces that have any voxel: an empty compartment has a volume of 0 and no segment."""
    return tuple(piece for piece in visit.pieces if np.any(piece.array > 0))


def tracking_of(piece: Piece, patient_id: str, names: Names) -> tuple[str, Any] | None:
    """Return the tracking identifier and UID of a piece; None for tumour whose identity nobody confirmed."""
    if piece.compartment != Compartment.TUMOUR:
        return f"{patient_id} {piece.compartment}", names.uid("compartment", patient_id, str(piece.compartment))
    if piece.lesion_id is None or not piece.is_confirmed:
        return None
    return f"{patient_id} {piece.lesion_id}", names.uid("lesion", patient_id, piece.lesion_id)


def segmentation_of(
    patient: ExportPatient, visit: ExportVisit, source: SourceImages, names: Names
) -> hd.seg.Segmentation | None:
    """Return a visit's segmentation; None when nothing was outlined.

    Probabilities are kept as such, in steps of 1/255; otherwise segments are binary.
    """
    pieces = outlined(visit)
    if not pieces:
        return None
    is_soft = any(piece.array.dtype != bool for piece in pieces)
    stack = np.stack([piece.array.transpose(2, 1, 0) for piece in pieces], axis=-1)
    parts = (patient.patient_id, visit.session_id, visit.scan, _digest(stack, pieces, patient, names))
    made = hd.seg.Segmentation(
        source_images=list(source.datasets),
        pixel_array=stack.astype(np.float32) if is_soft else stack.astype(np.uint8),
        segmentation_type="FRACTIONAL" if is_soft else "BINARY",
        segment_descriptions=[
            _described(number, piece, patient, names) for number, piece in enumerate(pieces, start=1)
        ],
        series_instance_uid=names.uid("seg series", *parts),
        series_number=SERIES_NUMBER,
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
    stamp(made, patient)
    made.SeriesDescription = "cordtrack segmentation (research)"
    place_in_time(made, visit)
    organization = names.uid("dimensions", *parts)
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization  # highdicom draws one at random
    return made


def stamp(made: Any, patient: ExportPatient) -> None:
    """Date an object by the run that made its content, so that the same content gives the same file."""
    for key in ("ContentDate", "InstanceCreationDate", "SeriesDate"):
        setattr(made, key, f"{patient.made_at:%Y%m%d}")
    for key in ("ContentTime", "InstanceCreationTime", "SeriesTime"):
        setattr(made, key, f"{patient.made_at:%H%M%S}")
    for item in made.get("ContributingEquipmentSequence") or []:
        item.ContributionDateTime = f"{patient.made_at:%Y%m%d%H%M%S}"


def place_in_time(made: Any, visit: ExportVisit) -> None:
    """Say which visit an object belongs to, and how long after the baseline it was (DICOM PS3.3 C.7.2.3)."""
    made.ClinicalTrialTimePointID = visit.session_id
    if visit.days_from_baseline is not None:
        made.LongitudinalTemporalOffsetFromEvent = float(visit.days_from_baseline)
        made.LongitudinalTemporalEventType = "BASELINE"


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
    tracking = tracking_of(piece, patient.patient_id, names)
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


def _digest(stack: np.ndarray, pieces: tuple[Piece, ...], patient: ExportPatient, names: Names) -> str:
    content = hashlib.sha256(np.ascontiguousarray(stack).tobytes())
    for piece in pieces:
        content.update(
            f"{piece.compartment} {piece.lesion_id} {tracking_of(piece, patient.patient_id, names)}".encode()
        )
    content.update(f"{patient.version} {patient.made_at}".encode())
    return content.hexdigest()
