"""A visit's numbers as a structured report: DICOM TID 1500 with its time point (TID 1502), in UCUM units.

Groups about one segment (a confirmed lesion, a compartment) are volumetric ROI groups (TID 1411) that name the segment;
the whole of the solid tumour, which may be many segments, is a group without one (TID 1501) and carries the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import highdicom as hd
from highdicom import sr
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from pipeline.core.vocabulary import Compartment
from pipeline.hospital.codes import OWN_SCHEME, SPINAL_CORD, TYPES
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, Piece
from pipeline.hospital.export.segmentation import MAKER, MODEL, outlined, place_in_time, stamp, tracking_of
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
    content = sr.MeasurementReport(
        observation_context=_context(patient, names),
        procedure_reported=Code("18756-7", "LN", "MRI Spine Report"),
        imaging_measurements=[group for group in groups if group is not None],
        title=codes.DCM.ImagingMeasurementReport,
    )
    parts = (patient.patient_id, visit.session_id, visit.scan, str(patient.made_at), patient.version)
    evidence = [*source.datasets, *([segmentation] if segmentation is not None else [])]
    made = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content,
        series_instance_uid=names.uid("sr series", *parts),
        series_number=SERIES_NUMBER,
        sop_instance_uid=names.uid("sr", *parts, str(visit.accepted_by)),
        instance_number=1,
        manufacturer=MAKER,
        is_complete=True,
        record_evidence=True,
    )
    stamp(made, patient)
    made.ManufacturerModelName, made.SoftwareVersions = MODEL, patient.version
    made.SeriesDescription = "cordtrack measurements (research)"
    place_in_time(made, visit)
    return made


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
        time_point=visit.session_id,
        time_point_type=codes.DCM.Baseline if is_baseline else None,
        time_point_order=visit.number,
        subject_time_point_identifier=visit.session_id,
        temporal_offset_from_event=offset,
    )


def _total(patient: ExportPatient, visit: ExportVisit, names: Names) -> sr.MeasurementsAndQualitativeEvaluations | None:
    """Return the group of all solid tumour with the verdict; without a volume it holds the verdict alone."""
    row = next((m for m in visit.measurements if m["compartment"] == Compartment.TUMOUR), None)
    numbers = [] if row is None or row["volume_mm3"] is None else _numbers(row)
    verdict = visit.verdict
    if verdict is not None and verdict["judged_change_percent"] is not None and numbers:
        numbers.append(_measured(CHANGE_NADIR, verdict["judged_change_percent"], codes.UCUM.Percent))
    evaluations = [_evaluated(SIGN_OFF, _sign_off(row, visit))]
    if verdict is not None:
        method = Code(str(verdict["criteria_id"])[:16], OWN_SCHEME, _title(verdict))
        state = _evaluated(codes.DCM.CurrentResponse, _response(verdict))
        awaited = _evaluated(CONFIRMATION, CONFIRMED if verdict["is_confirmed"] else AWAITED)
        evaluations += [state, _evaluated(codes.DCM.ResponseEvaluationMethod, method), awaited]
    uid = names.uid("compartment", patient.patient_id, "tumour")
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=f"{patient.patient_id} all solid tumour"),
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
    made: tuple[SourceImages, hd.seg.Segmentation | None],
    names: Names,
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations | None:
    """Return the group of one segment; None for tumour without a confirmed identity, which the total speaks for."""
    source, segmentation = made
    tracking = tracking_of(piece, patient.patient_id, names)
    if tracking is None or segmentation is None:
        return None
    row = next(m for m in visit.measurements if m["compartment"] == piece.compartment)
    volume = [_measured(codes.SCT.Volume, piece.volume_mm3, codes.UCUM.CubicMillimeter)]
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
        measurements=volume if piece.lesion_id else _numbers(row),
    )


def _is_empty(row: Mapping[str, Any]) -> bool:
    return row["compartment"] != Compartment.TUMOUR and row["volume_mm3"] == 0


def _empty_group(
    row: Mapping[str, Any], patient: ExportPatient, visit: ExportVisit, names: Names
) -> sr.MeasurementsAndQualitativeEvaluations:
    """Return the group of a compartment that was looked for and not there: volume 0, no segment."""
    compartment = Compartment(row["compartment"])
    uid = names.uid("compartment", patient.patient_id, str(compartment))
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uid, identifier=f"{patient.patient_id} {compartment}"),
        time_point_context=_time_point(visit),
        finding_type=TYPES[compartment],
        finding_sites=[sr.FindingSite(SPINAL_CORD)],
        measurements=[_measured(codes.SCT.Volume, 0.0, codes.UCUM.CubicMillimeter)],
    )


def _numbers(row: Mapping[str, Any]) -> list[sr.Measurement]:
    volume = float(row["volume_mm3"])
    low, high = row["volume_low_mm3"], row["volume_high_mm3"]
    properties = None
    if low is not None and high is not None:
        properties = sr.MeasurementProperties(
            upper_measurement_uncertainty=round(float(high) - volume, 3),
            lower_measurement_uncertainty=round(volume - float(low), 3),
        )
    found = [_measured(codes.SCT.Volume, volume, codes.UCUM.CubicMillimeter, properties)]
    for name, key in (
        (codes.SCT.LongAxis, "axial_long_mm"), (codes.SCT.ShortAxis, "axial_perpendicular_mm"),
        (codes.SCT.Length, "length_mm"),
    ):  # fmt: skip
        if row[key] is not None:
            found.append(_measured(name, row[key], codes.UCUM.Millimeter))
    return found


def _measured(name: Code, value: Any, unit: Code, properties: Any = None) -> sr.Measurement:
    return sr.Measurement(name=name, value=round(float(value), 3), unit=unit, properties=properties)


def _evaluated(name: Code, value: Code) -> sr.QualitativeEvaluation:
    return sr.QualitativeEvaluation(name=name, value=value)


def _response(verdict: Mapping[str, Any]) -> Code:
    if verdict["state"] == "baseline":
        return codes.DCM.TargetLesionAtBaseline
    return RESPONSES[str(verdict["category"])]


def _title(verdict: Mapping[str, Any]) -> str:
    return f"{verdict['criteria_title']} (version {verdict['criteria_version']})"[:64]


def _sign_off(row: Mapping[str, Any] | None, visit: ExportVisit) -> Code:
    if visit.accepted_by:
        return ACCEPTED
    return DRAWN if row is not None and row["mask_origin"] == "manual" else UNSIGNED
