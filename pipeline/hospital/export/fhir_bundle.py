"""One patient's results as an HL7 FHIR R4 bundle: studies, lesions, measurements with their intervals, reports.

Every resource is checked by ``fhir.resources`` before anything is written. Identifiers are made from the study's key,
so that sending the bundle twice replaces what was sent before. Missing numbers say why in words; none is 0 by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fhir.resources.R4B.bundle import Bundle

from pipeline.core.vocabulary import Compartment
from pipeline.files import derivatives
from pipeline.hospital.codes import OWN_SCHEME, SPINAL_CORD, TYPES
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, gather
from pipeline.hospital.export.segmentation import tracking_of
from pipeline.hospital.export.source_images import Names
from pipeline.hospital.export.structured_report import RESPONSES
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.pseudonyms import default_private_folder, open_private

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    OWN_SCHEME: "urn:cordtrack:codes",
}
UCUM = "http://unitsofmeasure.org"
DICOM_UID = "urn:dicom:uid"
SIZES = (
    ("axial_long_mm", "103339001", "Long axis", "mm"),
    ("axial_perpendicular_mm", "103340004", "Short axis", "mm"),
    ("length_mm", "410668003", "Length", "mm"),
)

Resource = dict[str, Any]


def export_fhir(
    out_dir: Path,
    bids_dir: Path,
    patient: str,
    target: Path,
    private: Path | None = None,
    *,
    keeps_pseudonyms: bool = False,
) -> int:
    """Write a patient's bundle and return its number of resources.

    Raises
    ------
    SettingsError
        The store has no such patient.
    InputError
        Files have changed since the run.
    StoreError
        The file cannot be written.
    """
    folder = private or default_private_folder(bids_dir)
    names = Names(open_private(folder, bids_dir))
    found = gather(out_dir, bids_dir, patient)
    person = {} if keeps_pseudonyms else identity_links.person_of(folder, found.patient_id)
    known = [] if keeps_pseudonyms else identity_links.source_scans(folder, found.patient_id)
    sources = {scan.file: scan for scan in known}
    bundle = bundle_of(found, person, sources, names)
    derivatives.write_text(target, Bundle.model_validate(bundle).model_dump_json(indent=1) + "\n")
    return len(bundle["entry"])


def bundle_of(
    patient: ExportPatient, person: Mapping[str, Any], sources: Mapping[str, identity_links.SourceScan], names: Names
) -> Resource:
    """Return a transaction that puts each resource under its own identifier."""
    subject = _patient(patient, person, names)
    lesions = _lesions(patient, subject, names)
    resources: list[Resource] = [subject, *lesions.values()]
    for visit in patient.visits:
        study = _study(patient, visit, sources.get(visit.scan), subject, names)
        observations = _observations(patient, visit, study, subject, lesions, names)
        resources += [study, *observations, _report(patient, visit, study, observations, subject, names)]
    entries = [
        {"fullUrl": f"urn:uuid:{r['id']}", "resource": r, "request": {"method": "PUT", "url": _address(r)}}
        for r in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "timestamp": _instant(patient), "entry": entries}


def _patient(patient: ExportPatient, person: Mapping[str, Any], names: Names) -> Resource:
    given = str(person.get("patient_id") or patient.patient_id)
    made = _resource("Patient", names, patient.patient_id)
    made["identifier"] = [{"value": given, **({"system": f"urn:{person['issuer']}"} if person.get("issuer") else {})}]
    if person.get("name"):
        family, *rest = str(person["name"]).split("^")
        made["name"] = [{"family": family, **({"given": [part for part in rest if part]} if any(rest) else {})}]
    if person.get("born_on"):
        made["birthDate"] = str(person["born_on"])
    if person.get("sex"):
        made["gender"] = {"F": "female", "M": "male"}.get(str(person["sex"]), "other")
    return made


def _study(
    patient: ExportPatient,
    visit: ExportVisit,
    source: identity_links.SourceScan | None,
    subject: Resource,
    names: Names,
) -> Resource:
    study = source.study if source else {}
    uid = study.get("study_uid") or names.uid("study", patient.patient_id, visit.session_id)
    made = _resource("ImagingStudy", names, patient.patient_id, visit.session_id)
    made |= {"identifier": [{"system": DICOM_UID, "value": f"urn:oid:{uid}"}], "status": "available"}
    made |= {"subject": _reference(subject), "modality": [{"system": SYSTEMS["DCM"], "code": "MR"}]}
    day = study.get("studied_on") or (visit.acquired_on.isoformat() if visit.acquired_on else None)
    if day:
        made["started"] = day
    if source is not None:
        coding = {"system": SYSTEMS["DCM"], "code": "MR"}
        made["series"] = [{"uid": source.series_uid, "modality": coding, "numberOfInstances": len(source.planes)}]
    return made


def _lesions(patient: ExportPatient, subject: Resource, names: Names) -> dict[str, Resource]:
    """Return a body structure per lesion whose identity a person confirmed, by lesion."""
    found: dict[str, Resource] = {}
    for visit in patient.visits:
        for piece in visit.pieces:
            tracking = tracking_of(piece, patient.patient_id, names)
            if piece.lesion_id is None or tracking is None or piece.lesion_id in found:
                continue
            made = _resource("BodyStructure", names, patient.patient_id, piece.lesion_id)
            made["identifier"] = [
                {"system": DICOM_UID, "value": f"urn:oid:{tracking[1]}", "type": {"text": "Tracking UID"}},
                {"system": "urn:cordtrack:lesion", "value": tracking[0], "type": {"text": "Tracking ID"}},
            ]
            made |= {"morphology": _concept(TYPES[Compartment.TUMOUR]), "location": _concept(SPINAL_CORD)}
            found[piece.lesion_id] = {**made, "patient": _reference(subject)}
    return found


def _observations(
    patient: ExportPatient,
    visit: ExportVisit,
    study: Resource,
    subject: Resource,
    lesions: Mapping[str, Resource],
    names: Names,
) -> list[Resource]:
    def begin(*parts: str) -> Resource:
        made = _resource("Observation", names, patient.patient_id, visit.session_id, *parts)
        made |= {"status": _status(visit), "subject": _reference(subject), "derivedFrom": [_reference(study)]}
        return made | ({"effectiveDateTime": visit.acquired_on.isoformat()} if visit.acquired_on else {})

    found: list[Resource] = []
    for row in visit.measurements:
        part = _concept(TYPES[Compartment(row["compartment"])])
        volume = begin(str(row["compartment"]), "volume")
        found.append(volume | {"code": _coded("118565006", "Volume"), "bodySite": part} | _volume(row))
        for key, code, meaning, unit in SIZES:
            if row[key] is not None:
                size = begin(str(row["compartment"]), key) | {"code": _coded(code, meaning), "bodySite": part}
                found.append(size | {"valueQuantity": _quantity(row[key], unit)})
    for piece in visit.pieces:
        if piece.lesion_id in lesions and piece.is_confirmed:
            made = begin("lesion", str(piece.lesion_id)) | {"code": _coded("118565006", "Volume")}
            made["focus"] = [_reference(lesions[str(piece.lesion_id)])]
            found.append(made | {"valueQuantity": _quantity(piece.volume_mm3, "mm3")})
    if visit.verdict is not None:
        found.append(begin("response") | _response(visit.verdict))
    return found


def _volume(row: Mapping[str, Any]) -> Resource:
    """Return a volume with the ends of its 95 % interval, or why there is none."""
    if row["volume_mm3"] is None:
        return {"dataAbsentReason": {"text": str(row["missing_reason"])}}
    ends = (("volume_low_mm3", "Lower end of the 95 % interval"), ("volume_high_mm3", "Upper end of the 95 % interval"))
    components = [
        {"code": {"text": text}, "valueQuantity": _quantity(row[key], "mm3")}
        for key, text in ends
        if row[key] is not None
    ]
    made: Resource = {"valueQuantity": _quantity(row["volume_mm3"], "mm3")}
    return made | ({"component": components} if components else {})


def _response(verdict: Mapping[str, Any]) -> Resource:
    code = RESPONSES[str(verdict["category"])]
    method = f"{verdict['criteria_title']} (version {verdict['criteria_version']}), adapted: {verdict['is_adapted']}"
    awaited = "" if verdict["is_confirmed"] else " A later scan has to confirm it."
    return {
        "code": {"coding": [{"system": SYSTEMS["DCM"], "code": "112048", "display": "Current Response"}]},
        "valueCodeableConcept": _concept(code),
        "method": {"text": method},
        "note": [{"text": f"{_sentence(verdict)}{awaited} Research use only; informs, does not advise treatment."}],
    }


def _sentence(verdict: Mapping[str, Any]) -> str:
    return str(verdict["reason"]).rstrip(".") + "."


def _report(
    patient: ExportPatient,
    visit: ExportVisit,
    study: Resource,
    observations: list[Resource],
    subject: Resource,
    names: Names,
) -> Resource:
    made = _resource("DiagnosticReport", names, patient.patient_id, visit.session_id)
    code = {"system": SYSTEMS["LN"], "code": "18756-7", "display": "MRI Spine Report"}
    made |= {"status": _status(visit), "code": {"coding": [code]}, "subject": _reference(subject)}
    made |= {"imagingStudy": [_reference(study)], "result": [_reference(found) for found in observations]}
    if visit.acquired_on:
        made["effectiveDateTime"] = visit.acquired_on.isoformat()
    if visit.verdict is not None:
        signed = f"Tumour mask accepted by {visit.accepted_by}." if visit.accepted_by else "Accepted by nobody yet."
        made["conclusion"] = f"{_sentence(visit.verdict)} {signed} Research use only."
    return made


def _status(visit: ExportVisit) -> str:
    """Final only once a person accepted the tumour mask; everything else can still change."""
    return "final" if visit.accepted_by else "preliminary"


def _resource(kind: str, names: Names, *parts: str) -> Resource:
    number = int(str(names.uid("fhir", kind, *parts)).removeprefix("2.25."))
    text = f"{number:032x}"
    return {"resourceType": kind, "id": "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))}


def _address(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _reference(resource: Resource) -> Resource:
    return {"reference": _address(resource)}


def _concept(code: Any) -> Resource:
    system = SYSTEMS[str(code.scheme_designator)]
    return {"coding": [{"system": system, "code": str(code.value), "display": str(code.meaning)}]}


def _coded(value: str, meaning: str) -> Resource:
    return {"coding": [{"system": SYSTEMS["SCT"], "code": value, "display": meaning}]}


def _quantity(value: Any, unit: str) -> Resource:
    return {"value": round(float(value), 3), "unit": unit, "system": UCUM, "code": unit}


def _instant(patient: ExportPatient) -> str:
    return f"{patient.made_at.isoformat(timespec='seconds')}Z"
