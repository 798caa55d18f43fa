"""One patient's results as an HL7 FHIR R4 bundle: studies, lesions, measurements with their intervals, reports.

Every resource is checked by ``fhir.resources`` before anything is written. Identifiers are made from the study's key,
so that sending the bundle twice replaces what was sent before. Missing numbers say why in words; none is 0 by default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fhir.resources.R4B.bundle import Bundle

from pipeline.core.vocabulary import Compartment
from pipeline.files import atomic
from pipeline.hospital.codes import OWN_SCHEME, SPINAL_CORD, TYPES
from pipeline.hospital.export import described_findings
from pipeline.hospital.export.audience import Audience, audience_of, told_to
from pipeline.hospital.export.gathering import ExportPatient, ExportVisit, gather
from pipeline.hospital.export.segmentation import tracking_of
from pipeline.hospital.export.source_images import Names
from pipeline.hospital.export.structured_report import response_of
from pipeline.hospital.private.identity_links import SourceScan

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    "NCIt": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    OWN_SCHEME: "urn:cordtrack:codes",
}
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
CATEGORIES = {
    "Observation": {"system": f"{TERMINOLOGY}/observation-category", "code": "imaging", "display": "Imaging"},
    "DiagnosticReport": {"system": f"{TERMINOLOGY}/v2-0074", "code": "RAD", "display": "Radiology"},
}
ABSENT = {"system": f"{TERMINOLOGY}/data-absent-reason", "code": "unknown", "display": "Unknown"}
UCUM = "http://unitsofmeasure.org"
DICOM_UID = "urn:dicom:uid"
SIZES = (
    ("axial_long_mm", "103339001", "Long axis", "mm"),
    ("axial_perpendicular_mm", "103340004", "Short axis", "mm"),
    ("length_mm", "410668003", "Length", "mm"),
)

Resource = dict[str, Any]


@dataclass(frozen=True)
class BundleSettings:
    """What an export is asked to do; see ``cordtrack export-fhir --help``.

    Attributes
    ----------
    patient_system
        URI of the hospital's patient numbers; without it the issuer of the ID as the images have it.
    """

    out_dir: Path
    bids_dir: Path
    patient: str
    target: Path
    private: Path | None = None
    keeps_pseudonyms: bool = False
    patient_system: str | None = None


def export_fhir(settings: BundleSettings) -> int:
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
    gathered = gather(settings.out_dir, settings.bids_dir, settings.patient)
    audience = audience_of(
        gathered.patient_id, settings.bids_dir, settings.private, keeps_pseudonyms=settings.keeps_pseudonyms
    )
    bundle = bundle_of(told_to(gathered, audience), audience, settings.patient_system)
    atomic.write_text(settings.target, Bundle.model_validate(bundle).model_dump_json(indent=1) + "\n")
    return len(bundle["entry"])


def bundle_of(patient: ExportPatient, audience: Audience, patient_system: str | None = None) -> Resource:
    """Return a transaction that puts each resource under its own identifier.

    A person is never written: the hospital's own patient is referred to by identifier, and the server refuses the
    bundle when it knows nobody, or several, of that number. Only a pseudonym is a patient of this bundle.
    """
    names = audience.names
    identifier = _identifier(patient, audience.person, patient_system)
    device = _device(patient, names)
    resources: list[Resource] = [device]
    subject: Resource = {"reference": f"Patient?identifier={_token(identifier)}"}
    if not audience.is_named:
        person = _resource("Patient", names, patient.patient_id) | {"identifier": [identifier]}
        resources.append(person)
        subject = _reference(person)
    lesions = _lesions(patient, subject, names)
    resources += lesions.values()
    for visit in patient.visits:
        study = _study(patient, visit, audience.sources.get(visit.scan), subject, names)
        common = {"subject": subject, "device": _reference(device)}
        observations = _observations(patient, visit, study, common, lesions, names)
        resources += [study, *observations, _report(patient, visit, study, observations, subject, names)]
    entries = [
        {"fullUrl": f"urn:uuid:{r['id']}", "resource": r, "request": {"method": "PUT", "url": _address(r)}}
        for r in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "timestamp": _instant(patient), "entry": entries}


def _identifier(patient: ExportPatient, person: Mapping[str, Any], system: str | None) -> Resource:
    """Return a patient's identifier; its system is a URI (R4: Identifier.system), the given one or the issuer's."""
    if not person:
        return {"system": system or "urn:cordtrack:pseudonym", "value": patient.patient_id}
    issuer = str(person.get("issuer") or "")
    stated = system or (_as_uri(issuer) if issuer else None)
    return {**({"system": stated} if stated else {}), "value": str(person["patient_id"])}


def _as_uri(issuer: str) -> str:
    """Return the issuer of an ID as a URI: as it is, as an OID, or as a name in a space of our own.

    Examples
    --------
    >>> _as_uri("1.2.276.0.76.3"), _as_uri("St. Mary Hospital")
    ('urn:oid:1.2.276.0.76.3', 'urn:cordtrack:issuer:St.%20Mary%20Hospital')
    """
    if re.fullmatch(r"[a-z][a-z0-9+.-]*:[^\s]+", issuer):
        return issuer
    if re.fullmatch(r"[0-2](\.(0|[1-9]\d*))+", issuer):
        return f"urn:oid:{issuer}"
    return f"urn:cordtrack:issuer:{quote(issuer, safe='')}"


def _token(identifier: Resource) -> str:
    """Return an identifier as a search token."""
    value = quote(str(identifier["value"]), safe="")
    return f"{quote(identifier['system'], safe=':/.%')}|{value}" if "system" in identifier else value


def _device(patient: ExportPatient, names: Names) -> Resource:
    device = _resource("Device", names, "cordtrack", patient.version)
    return device | {
        "identifier": [{"system": "urn:cordtrack:device", "value": f"cordtrack {patient.version}"}],
        "manufacturer": "cordtrack",
        "deviceName": [{"name": "cordtrack", "type": "user-friendly-name"}],
        "version": [{"value": patient.version}],
        "type": {"text": "Software for the follow-up of spinal cord tumours; research use only"},
    }


def _study(
    patient: ExportPatient,
    visit: ExportVisit,
    source: SourceScan | None,
    subject: Resource,
    names: Names,
) -> Resource:
    study = source.study if source else {}
    uid = study.get("study_uid") or names.uid("study", patient.patient_id, visit.session_id)
    imaging_study = _resource("ImagingStudy", names, patient.patient_id, visit.session_id)
    imaging_study |= {"identifier": [{"system": DICOM_UID, "value": f"urn:oid:{uid}"}], "status": "available"}
    imaging_study |= {"subject": subject, "modality": [{"system": SYSTEMS["DCM"], "code": "MR"}]}
    day = study.get("studied_on") or (visit.acquired_on.isoformat() if visit.acquired_on else None)
    if day:
        imaging_study["started"] = day
    if source is not None:
        coding, count = {"system": SYSTEMS["DCM"], "code": "MR"}, len({uid for uid, _ in source.planes})
        imaging_study["series"] = [{"uid": source.series_uid, "modality": coding, "numberOfInstances": count}]
    return imaging_study


def _lesions(patient: ExportPatient, subject: Resource, names: Names) -> dict[str, Resource]:
    """Return a body structure per lesion whose identity a person confirmed, by lesion."""
    structures: dict[str, Resource] = {}
    for visit in patient.visits:
        for piece in visit.pieces:
            tracking = tracking_of(piece, patient, names)
            if piece.lesion_id is None or tracking is None or piece.lesion_id in structures:
                continue
            structure = _resource("BodyStructure", names, patient.patient_id, piece.lesion_id)
            structure["identifier"] = [
                {"system": DICOM_UID, "value": f"urn:oid:{tracking[1]}", "type": {"text": "Tracking UID"}},
                {"system": "urn:cordtrack:lesion", "value": tracking[0], "type": {"text": "Tracking ID"}},
            ]
            structure |= {"morphology": _concept(TYPES[Compartment.TUMOUR]), "location": _concept(SPINAL_CORD)}
            structures[piece.lesion_id] = {**structure, "patient": subject}
    return structures


def _observations(
    patient: ExportPatient,
    visit: ExportVisit,
    study: Resource,
    common: Resource,
    lesions: Mapping[str, Resource],
    names: Names,
) -> list[Resource]:
    def begin(*parts: str) -> Resource:
        observation = _resource("Observation", names, patient.patient_id, visit.session_id, *parts)
        observation |= {
            "status": _status(visit),
            **common,
            "derivedFrom": [_reference(study)],
            **_category("Observation"),
        }
        observation |= {"issued": _instant(patient), **({"performer": _performer(visit)} if visit.accepted_by else {})}
        return observation | ({"effectiveDateTime": visit.acquired_on.isoformat()} if visit.acquired_on else {})

    observations: list[Resource] = []
    for row in visit.measurements:
        part = _concept(TYPES[Compartment(row["compartment"])])
        volume = begin(str(row["compartment"]), "volume")
        observations.append(volume | {"code": _coded("118565006", "Volume"), "bodySite": part} | _volume(row))
        for key, code, meaning, unit in SIZES:
            if row[key] is not None:
                size = begin(str(row["compartment"]), key) | {"code": _coded(code, meaning), "bodySite": part}
                observations.append(size | {"valueQuantity": _quantity(row[key], unit) | _bound(row)})
    for piece in visit.pieces:
        if piece.lesion_id in lesions and piece.is_confirmed:
            lesion_volume = begin("lesion", str(piece.lesion_id)) | {"code": _coded("118565006", "Volume")}
            lesion_volume["focus"] = [_reference(lesions[str(piece.lesion_id)])]
            same = (row for row in visit.measurements if row["compartment"] == piece.compartment)
            whole = next(same, None)  # a bound of the whole is one of each piece
            volume_mm3 = _quantity(piece.volume_mm3, "mm3") | (_bound(whole) if whole is not None else {})
            observations.append(lesion_volume | {"valueQuantity": volume_mm3})
    for row in described_findings.told(visit.description):
        lesion_id = str(row["lesion_id"])
        described = begin("description", lesion_id, row["finding"]) | _described(row)
        if lesion_id in lesions and visit.is_confirmed(lesion_id):
            described["focus"] = [_reference(lesions[lesion_id])]
        observations.append(described)
    if visit.verdict is not None:
        observations.append(begin("response") | _response(visit.verdict))
    return observations


def _volume(row: Mapping[str, Any]) -> Resource:
    """Return a volume with the ends of its 95 % interval, or why there is none."""
    if row["volume_mm3"] is None:
        return {"dataAbsentReason": {"coding": [ABSENT], "text": str(row["missing_reason"])}}
    ends = (("volume_low_mm3", "Lower end of the 95 % interval"), ("volume_high_mm3", "Upper end of the 95 % interval"))
    components = [
        {"code": {"text": text}, "valueQuantity": _quantity(row[key], "mm3")}
        for key, text in ends
        if row[key] is not None
    ]
    volume_value: Resource = {"valueQuantity": _quantity(row["volume_mm3"], "mm3") | _bound(row)}
    if row["bound_reason"]:
        return volume_value | {"note": [{"text": f"A lower bound: {row['bound_reason']}."}]}
    return volume_value | ({"component": components} if components else {})


def _bound(row: Mapping[str, Any]) -> Resource:
    """Return the comparator of a size that may be more than was seen (R4: Quantity.comparator)."""
    return {"comparator": ">="} if row["bound_reason"] else {}


def _described(row: Mapping[str, Any]) -> Resource:
    """Return what the scans say of one finding of one lesion: its term, else its number, and what it rests on.

    Codes stand where one means exactly this; a term that is not sure is words alone, so that nobody counts it as sure.
    """
    name = described_findings.name_of(row["finding"])
    coded = described_findings.STANDARD_NAMES.get(row["finding"])
    is_sure = row["sureness"] == "sure"
    observation: Resource = {
        "code": {**(_concept(coded) if coded else {}), "text": name}, "bodySite": _concept(SPINAL_CORD),
    }  # fmt: skip
    number = None if row["number"] is None else _described_quantity(row["number"], row["unit"])
    if row["value"] is not None:
        term = described_findings.STANDARD_TERMS.get(row["value"]) if is_sure else None
        words = row["value"] if is_sure else f"{row['value']}, not sure"
        observation["valueCodeableConcept"] = {**(_concept(term) if term else {}), "text": words}
    elif number is not None:
        observation["valueQuantity"] = number
    else:
        observation["dataAbsentReason"] = {"coding": [ABSENT], "text": str(row["reason"])}
    ends = (("number", "Measure behind the term"), ("low", "Lower end of the 95 % interval"),
            ("high", "Upper end of the 95 % interval"))  # fmt: skip
    components = [
        {"code": {"text": text}, "valueQuantity": _described_quantity(row[key], row["unit"])}
        for key, text in ends
        if row[key] is not None and (key != "number" or row["value"] is not None)
    ]
    if not is_sure:
        observation["interpretation"] = [{"text": "Not sure"}]
    return observation | ({"component": components} if components else {}) | {"note": [{"text": _described_note(row)}]}


def _described_note(row: Mapping[str, Any]) -> str:
    """Return of which lesion a finding is, on what it rests, and how a person reads it."""
    sentences = [f"Lesion {row['lesion_id']}.", f"{row['reason']}." if row["reason"] else ""]
    if row["corrected_to"] is not None:
        sentences.append(f"Read as {row['corrected_to']} by {row['corrected_by']}: {row['corrected_reason']}")
    return " ".join(sentence for sentence in sentences if sentence)


def _described_quantity(value: Any, unit: str | None) -> Resource:
    """Return a number in UCUM where its unit has a code there, else in words; a ratio is counted in no unit."""
    code = described_findings.UNITS.get(str(unit))
    quantity: Resource = {"value": round(float(value), 3)}
    if code is not None:
        return quantity | {"unit": str(code.value), "system": UCUM, "code": str(code.value)}
    return quantity | ({"unit": unit} if unit else {})


def _response(verdict: Mapping[str, Any]) -> Resource:
    code = response_of(verdict)
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
    report = _resource("DiagnosticReport", names, patient.patient_id, visit.session_id)
    code = {"system": SYSTEMS["LN"], "code": "18756-7", "display": "MRI Spine Report"}
    report |= {
        "status": _status(visit),
        "code": {"coding": [code]},
        "subject": subject,
        **_category("DiagnosticReport"),
    }
    report |= {"issued": _instant(patient), **({"performer": _performer(visit)} if visit.accepted_by else {})}
    report |= {"imagingStudy": [_reference(study)], "result": [_reference(observation) for observation in observations]}
    if visit.acquired_on:
        report["effectiveDateTime"] = visit.acquired_on.isoformat()
    if visit.verdict is not None:
        signed = f"Tumour mask accepted by {visit.accepted_by}." if visit.accepted_by else "Accepted by nobody yet."
        report["conclusion"] = f"{_sentence(visit.verdict)} {signed} Research use only."
    return report


def _category(kind: str) -> Resource:
    return {"category": [{"coding": [CATEGORIES[kind]]}]}


def _performer(visit: ExportVisit) -> list[Resource]:
    """Return who accepted the tumour mask; nobody else answers for a number."""
    return [{"display": str(visit.accepted_by)}]


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
    return {"reference": f"urn:uuid:{resource['id']}"}


def _concept(code: Any) -> Resource:
    system = SYSTEMS[str(code.scheme_designator)]
    return {"coding": [{"system": system, "code": str(code.value), "display": str(code.meaning)}]}


def _coded(value: str, meaning: str) -> Resource:
    return {"coding": [{"system": SYSTEMS["SCT"], "code": value, "display": meaning}]}


def _quantity(value: Any, unit: str) -> Resource:
    return {"value": round(float(value), 3), "unit": unit, "system": UCUM, "code": unit}


def _instant(patient: ExportPatient) -> str:
    return f"{patient.made_at.isoformat(timespec='seconds')}Z"
