"""A visit's numbers as a structured report: DICOM TID 1500 with its time point (TID 1502), in UCUM units.

Groups about one segment (a confirmed lesion, a compartment) are volumetric ROI groups (TID 1411) that name the segment;
the whole of the solid tumour, which may be many segments, is a group without one (TID 1501) and carries the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import highdicom as hd
from highdicom import sr
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from pipeline.core.vocabulary import Compartment
from pipeline.hospital.codes import OWN_SCHEME, SPINAL_CORD, TYPES
from pipeline.hospital.export import described_findings
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, Piece
from pipeline.hospital.export.segmentation import MAKER, MODEL, finish, outline_of, outlined, tracking_of
from pipeline.hospital.export.source_images import Names, SourceImages

SERIES_NUMBER = 902
RESPONSES = {
    "CR": codes.DCM.TargetLesionCompleteResponse,
    "PR": codes.DCM.TargetLesionPartialResponse,
    "SD": codes.DCM.TargetLesionStableDisease,
    "PD": codes.DCM.TargetLesionProgressiveDisease,
    "MR": Code("minor-response", OWN_SCHEME, "Minor response"),
    "NE": Code("not-evaluable", OWN_SCHEME, "Not evaluable"),
}
SIGN_OFF = Code("sign-off", OWN_SCHEME, "Sign-off status of the tumour mask")
ACCEPTED = Code("accepted", OWN_SCHEME, "Accepted by a person")
DRAWN = Code("drawn", OWN_SCHEME, "Drawn by a person")
UNSIGNED = Code("unsigned", OWN_SCHEME, "Automatic, accepted by nobody")
CONFIRMATION = Code("confirmation", OWN_SCHEME, "Confirmation of the response")
CONFIRMED = Code("confirmed", OWN_SCHEME, "Confirmed or in no need of it")
AWAITED = Code("awaited", OWN_SCHEME, "A later scan has to confirm it")
BOUND = Code("size-bound", OWN_SCHEME, "What the sizes are")
AT_LEAST = Code("lower-bound", OWN_SCHEME, "Lower bounds: there may be more than was seen")
LOWER_END = Code("volume-low-95", OWN_SCHEME, "Lower end of the 95 % interval of the volume")
UPPER_END = Code("volume-high-95", OWN_SCHEME, "Upper end of the 95 % interval of the volume")
VOXELS_INSIDE = Code("voxels-inside", OWN_SCHEME, "Volume of the voxels of the referenced segment")
VOXELS = Code("voxel-count", OWN_SCHEME, "Number of voxels times their volume")
PROBABILITIES = Code("probability-sum", OWN_SCHEME, "Sum of probabilities times the volume of a voxel")
CHANGE_NADIR = Code("change-since-nadir", OWN_SCHEME, "Change of volume since the nadir")


def report_of(
    patient: ExportPatient,
    visit: ExportVisit,
    source: SourceImages,
    segmentation: hd.seg.Segmentation | None,
    names: Names,
) -> sr.Comprehensive3DSR:
    """Return the structured report of a visit; numbers are those of the store, rounded to 0.001."""
    groups = [_total(patient, visit, names)]
    for number, piece in enumerate(outlined(visit), start=1):
        group = _outlined_group(number, piece, patient, visit, (source, segmentation), names)
        groups += [group] if group is not None else []
    groups += [_empty_group(row, patient, visit, names) for row in visit.measurements if _is_empty(row)]
    groups += _described_groups(patient, visit, names)
    content = sr.MeasurementReport(
        observation_context=_context(patient, names),
        procedure_reported=Code("18756-7", "LN", "MRI Spine Report"),
        imaging_measurements=[group for group in groups if group is not None],
        title=codes.DCM.ImagingMeasurementReport,
    )
    parts = (patient.patient_id, visit.session_id, visit.scan)
    evidence = [*source.datasets, *([segmentation] if segmentation is not None else [])]
    report = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content,
        series_instance_uid=names.uid("sr series", *parts),
        series_number=SERIES_NUMBER,
        sop_instance_uid=names.uid("sr", *parts),
        instance_number=1,
        manufacturer=MAKER,
        is_complete=True,
        record_evidence=True,
    )
    report.ManufacturerModelName, report.SoftwareVersions = MODEL, patient.version
    finish(report, visit, "cordtrack measurements (research)")
    return report


def _context(patient: ExportPatient, names: Names) -> sr.ObservationContext:
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=names.uid("device"), name="cordtrack", manufacturer_name=MAKER, model_name=MODEL,
        serial_number=patient.version,
    )  # fmt: skip
    return sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device))


def _time_point(visit: ExportVisit) -> sr.TimePointContext:
    is_baseline = visit.verdict is not None and visit.verdict["baseline_session_id"] == visit.session_id
    offset = None
    if visit.days_from_baseline is not None:
        offset = sr.LongitudinalTemporalOffsetFromEvent(visit.days_from_baseline, codes.UCUM.Day, codes.DCM.Baseline)
    return sr.TimePointContext(
        time_point=visit.label,
        time_point_type=codes.DCM.Baseline if is_baseline else None,
        time_point_order=visit.number,
        subject_time_point_identifier=visit.label,
        temporal_offset_from_event=offset,
    )


def _total(patient: ExportPatient, visit: ExportVisit, names: Names) -> sr.MeasurementsAndQualitativeEvaluations | None:
    """Return the group of all solid tumour with the verdict; without a volume it holds the verdict alone."""
    row = next((m for m in visit.measurements if m["compartment"] == Compartment.TUMOUR), None)
    numbers = [] if row is None or row["volume_mm3"] is None else _numbers(row)
    verdict = visit.verdict
    if verdict is not None and verdict["judged_change_percent"] is not None and numbers:
        numbers.append(_measured(CHANGE_NADIR, verdict["judged_change_percent"], codes.UCUM.Percent))
    evaluations = [_evaluated(SIGN_OFF, _sign_off(row, visit)), *(_bounds(row) if row is not None else [])]
    if verdict is not None:
        method = Code(str(verdict["criteria_id"])[:16], OWN_SCHEME, _title(verdict))
        state = _evaluated(codes.DCM.CurrentResponse, response_of(verdict))
        awaited = _evaluated(CONFIRMATION, CONFIRMED if verdict["is_confirmed"] else AWAITED)
        evaluations += [state, _evaluated(codes.DCM.ResponseEvaluationMethod, method), awaited]
    uid = names.uid("compartment", patient.patient_id, "tumour")
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=f"{patient.label} all solid tumour".strip()),
        time_point_context=_time_point(visit),
        finding_type=TYPES[Compartment.TUMOUR],
        finding_sites=[sr.FindingSite(SPINAL_CORD)],
        algorithm_id=sr.AlgorithmIdentification("cordtrack", patient.version),
        measurements=numbers or None,
        qualitative_evaluations=evaluations,
    )


def _outlined_group(
    number: int,
    piece: Piece,
    patient: ExportPatient,
    visit: ExportVisit,
    source_and_segmentation: tuple[SourceImages, hd.seg.Segmentation | None],
    names: Names,
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations | None:
    """Return the group of one segment; None for tumour without a confirmed identity, which the total speaks for."""
    source, segmentation = source_and_segmentation
    tracking = tracking_of(piece, patient, names)
    if tracking is None or segmentation is None:
        return None
    row = next(m for m in visit.measurements if m["compartment"] == piece.compartment)
    outline = outline_of(piece, visit.image.voxel_mm3)
    is_soft = outline.threshold is not None
    volume = [_volume(piece.volume_mm3, is_soft=is_soft)]
    more = [_measured(VOXELS_INSIDE, outline.volume_mm3, codes.UCUM.CubicMillimeter)] if is_soft else []
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=tracking[1], identifier=tracking[0]),
        referenced_segment=sr.ReferencedSegment(
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            number,
            source_series=sr.SourceSeriesForSegmentation(source.datasets[0].SeriesInstanceUID),
        ),
        time_point_context=_time_point(visit),
        finding_type=TYPES[piece.compartment],
        finding_sites=[sr.FindingSite(SPINAL_CORD)],
        algorithm_id=sr.AlgorithmIdentification("cordtrack", patient.version),
        measurements=[*(volume if piece.lesion_id else _numbers(row, is_soft=is_soft)), *more],
        qualitative_evaluations=_bounds(row) or None,
    )


def _bounds(row: Mapping[str, Any]) -> list[sr.QualitativeEvaluation]:
    """Return the statement that sizes are lower bounds, where they are."""
    return [_evaluated(BOUND, AT_LEAST)] if row["bound_reason"] else []


def _is_empty(row: Mapping[str, Any]) -> bool:
    return row["compartment"] != Compartment.TUMOUR and row["volume_mm3"] == 0


def _empty_group(
    row: Mapping[str, Any], patient: ExportPatient, visit: ExportVisit, names: Names
) -> sr.MeasurementsAndQualitativeEvaluations:
    """Return the group of a compartment that was looked for and not there: volume 0, no segment."""
    compartment = Compartment(row["compartment"])
    uid = names.uid("compartment", patient.patient_id, str(compartment))
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=f"{patient.label} {compartment}".strip()),
        time_point_context=_time_point(visit),
        finding_type=TYPES[compartment],
        finding_sites=[sr.FindingSite(SPINAL_CORD)],
        measurements=[_measured(codes.SCT.Volume, 0.0, codes.UCUM.CubicMillimeter)],
    )


def _described_groups(
    patient: ExportPatient, visit: ExportVisit, names: Names
) -> list[sr.MeasurementsAndQualitativeEvaluations]:
    """Return a group for each lesion of which the scans say something; its identity is that of a confirmed one only."""
    groups = []
    for lesion_id, of_lesion in groupby(described_findings.told(visit.description), key=lambda row: row["lesion_id"]):
        evaluations, measurements = described_findings.evaluations_and_measurements(of_lesion)
        if not evaluations and not measurements:
            continue
        parts = ("description", patient.patient_id, str(lesion_id))
        uid = names.uid(*parts) if visit.is_confirmed(lesion_id) else names.uid(*parts, visit.session_id)
        groups.append(
            sr.MeasurementsAndQualitativeEvaluations(
                tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=f"description of {lesion_id}"),
                time_point_context=_time_point(visit),
                finding_type=TYPES[Compartment.TUMOUR],
                finding_sites=[sr.FindingSite(SPINAL_CORD)],
                algorithm_id=sr.AlgorithmIdentification("cordtrack", patient.version),
                measurements=measurements or None,
                qualitative_evaluations=evaluations or None,
            )
        )
    return groups


def _numbers(row: Mapping[str, Any], *, is_soft: bool | None = None) -> list[sr.Measurement]:
    """Return a compartment's volume with its uncertainty and the ends of its interval, and its diameters."""
    volume = float(row["volume_mm3"])
    low, high = (None, None) if row["bound_reason"] else (row["volume_low_mm3"], row["volume_high_mm3"])
    measurements = [_volume(volume, is_soft=is_soft)]
    if low is not None and high is not None:
        measurements = [_volume(volume, _uncertainty(volume, float(low), float(high)), is_soft=is_soft)]
        measurements += [
            _measured(name, end, codes.UCUM.CubicMillimeter) for name, end in ((LOWER_END, low), (UPPER_END, high))
        ]
    for name, key in (
        (codes.SCT.LongAxis, "axial_long_mm"), (codes.SCT.ShortAxis, "axial_perpendicular_mm"),
        (codes.SCT.Length, "length_mm"),
    ):  # fmt: skip
        if row[key] is not None:
            measurements.append(_measured(name, row[key], codes.UCUM.Millimeter))
    return measurements


def _volume(value: float, properties: Any = None, *, is_soft: bool | None = None) -> sr.Measurement:
    """Return a volume and how it was come by: voxels counted, or probabilities summed up."""
    method = None if is_soft is None else (PROBABILITIES if is_soft else VOXELS)
    return sr.Measurement(
        name=codes.SCT.Volume, value=round(value, 3), unit=codes.UCUM.CubicMillimeter, method=method,
        properties=properties,
    )  # fmt: skip


def _uncertainty(volume: float, low: float, high: float) -> sr.MeasurementProperties:
    """Return how far the ends of the 95 % interval lie from a volume, in the volume's own unit (TID 310)."""
    properties = sr.MeasurementProperties(
        upper_measurement_uncertainty=round(high - volume, 3), lower_measurement_uncertainty=round(volume - low, 3)
    )
    for item in properties:  # highdicom gives these no unit
        item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = [
            hd.sr.CodedConcept(codes.UCUM.CubicMillimeter.value, "UCUM", codes.UCUM.CubicMillimeter.meaning)
        ]
    return properties


def _measured(name: Code, value: Any, unit: Code, properties: Any = None) -> sr.Measurement:
    return sr.Measurement(name=name, value=round(float(value), 3), unit=unit, properties=properties)


def _evaluated(name: Code, value: Code) -> sr.QualitativeEvaluation:
    return sr.QualitativeEvaluation(name=name, value=value)


def response_of(verdict: Mapping[str, Any]) -> Code:
    """Return the code of a response; a baseline is none yet."""
    if verdict["state"] == "baseline":
        return codes.DCM.TargetLesionAtBaseline
    return RESPONSES[str(verdict["category"])]


def _title(verdict: Mapping[str, Any]) -> str:
    return f"{verdict['criteria_title']} (version {verdict['criteria_version']})"[:64]


def _sign_off(row: Mapping[str, Any] | None, visit: ExportVisit) -> Code:
    if visit.accepted_by:
        return ACCEPTED
    return DRAWN if row is not None and row["mask_origin"] == "manual" else UNSIGNED
