"""Bundles held against the resource definitions of FHIR R4 (hl7.org/fhir/R4), and against its own types.

The tables say for each resource that is written which elements it must have, which codes its bound elements may have,
and what its references may lead to. Every compartment and every category of a verdict is tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.vocabulary import Category, Compartment
from pipeline.hospital.export import audience as audiences
from pipeline.hospital.export.fhir_bundle import bundle_of
from pipeline.hospital.export.gathering import ExportPatient, gather
from pipeline.hospital.export.structured_report import AT_LEAST, report_of
from tests.hospital.results_case import Case, confirmed

REQUIRED = {
    "Device": (), "Patient": (), "BodyStructure": ("patient",), "ImagingStudy": ("status", "subject"),
    "Observation": ("status", "code"), "DiagnosticReport": ("status", "code"),
}  # fmt: skip
WITHIN = {
    "Device.deviceName": ("name", "type"), "Device.version": ("value",), "ImagingStudy.series": ("uid", "modality"),
    "Observation.component": ("code",),
}  # fmt: skip
ALLOWED = {
    "Device": {"identifier", "manufacturer", "deviceName", "version", "type"},
    "Patient": {"identifier"},
    "BodyStructure": {"identifier", "morphology", "location", "patient"},
    "ImagingStudy": {"identifier", "status", "subject", "modality", "started", "series"},
    "Observation": {"status", "category", "code", "subject", "focus", "effectiveDateTime", "issued", "performer",
                    "valueQuantity", "valueCodeableConcept", "dataAbsentReason", "note", "bodySite", "method", "device",
                    "derivedFrom", "component"},
    "DiagnosticReport": {"status", "category", "code", "subject", "effectiveDateTime", "issued", "performer", "result",
                         "imagingStudy", "conclusion"},
}  # fmt: skip
SINGLE = {"status", "code", "subject", "bodySite", "method", "device", "conclusion", "type", "morphology", "location"}
"""Elements of at most one value."""
CODES = {
    "ImagingStudy.status": {"registered", "available", "cancelled", "entered-in-error", "unknown"},
    "Observation.status": {"registered", "preliminary", "final", "amended", "corrected", "cancelled",
                           "entered-in-error", "unknown"},
    "DiagnosticReport.status": {"registered", "partial", "preliminary", "final", "amended", "corrected", "appended",
                                "cancelled", "entered-in-error", "unknown"},
    "deviceName.type": {"udi-label-name", "user-friendly-name", "patient-reported-name", "manufacturer-name",
                        "model-name", "other"},
    "comparator": {"<", "<=", ">=", ">"},
}  # fmt: skip
TARGETS = {
    ("BodyStructure", "patient"): {"Patient"}, ("ImagingStudy", "subject"): {"Patient"},
    ("Observation", "subject"): {"Patient"}, ("Observation", "device"): {"Device"},
    ("Observation", "derivedFrom"): {"ImagingStudy"}, ("Observation", "focus"): {"BodyStructure"},
    ("DiagnosticReport", "subject"): {"Patient"}, ("DiagnosticReport", "result"): {"Observation"},
    ("DiagnosticReport", "imagingStudy"): {"ImagingStudy"},
}  # fmt: skip
UNITS = {"mm3", "mm2", "mm", "%", "d"}
SYSTEMS = {
    "http://snomed.info/sct", "http://dicom.nema.org/resources/ontology/DCM", "http://loinc.org",
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "http://unitsofmeasure.org", "urn:dicom:uid",
    "http://terminology.hl7.org/CodeSystem/observation-category", "http://terminology.hl7.org/CodeSystem/v2-0074",
    "http://terminology.hl7.org/CodeSystem/data-absent-reason",
}  # fmt: skip
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
DATE_TIME = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?")


def faults(bundle: dict[str, Any]) -> list[str]:
    """Say what in a bundle the definitions do not allow."""
    kinds = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]}
    found = [] if INSTANT.fullmatch(bundle["timestamp"]) else ["Bundle.timestamp"]
    for entry in bundle["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        if entry["request"] != {"method": "PUT", "url": f"{kind}/{resource['id']}"}:
            found.append(f"{kind}: request")
        if not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", resource["id"]):
            found.append(f"{kind}.id")
        found += [f"{kind}: no {name}" for name in REQUIRED[kind] if not resource.get(name)]
        found += [f"{kind}.{name}: unknown" for name in resource.keys() - ALLOWED[kind] - {"resourceType", "id"}]
        found += [f"{kind}.{name}: several" for name in SINGLE & resource.keys() if isinstance(resource[name], list)]
        for path, needed in WITHIN.items():
            owner, name = path.split(".")
            parts = resource.get(name, []) if owner == kind else []
            found += [f"{path}: no {part}" for item in parts for part in needed if part not in item]
        found += _in_elements(kind, resource, kinds)
    if len(set(kinds)) != len(bundle["entry"]):
        found.append("Bundle: an address twice")
    return found


def _in_elements(kind: str, resource: dict[str, Any], kinds: dict[str, str]) -> list[str]:
    found = []
    for name, value in resource.items():
        if f"{kind}.{name}" in CODES and value not in CODES[f"{kind}.{name}"]:
            found.append(f"{kind}.{name}: {value}")
        form = {"issued": INSTANT, "effectiveDateTime": DATE_TIME, "started": DATE_TIME}.get(name)
        if form is not None and not form.fullmatch(value):
            found.append(f"{kind}.{name}: {value}")
        items = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
        for address in (item["reference"] for item in items if "reference" in item):
            target = "Patient" if address.startswith("Patient?identifier=") else kinds.get(address)
            if target not in TARGETS.get((kind, name), set()):
                found.append(f"{kind}.{name}: leads to {target}")
    found += _of_observation(resource) if kind == "Observation" else []
    return found + [f"{kind}: {words}" for item in _objects(resource) for words in _of_object(item)]


def _of_observation(resource: dict[str, Any]) -> list[str]:
    """Hold an observation against its invariants."""
    has_value, is_absent = any(key.startswith("value") for key in resource), "dataAbsentReason" in resource
    is_repeated = has_value and any(part["code"] == resource["code"] for part in resource.get("component", []))
    checks = ((has_value and is_absent, "obs-6"), (is_repeated, "obs-7"), (not (has_value or is_absent), "no value"))
    return [words for is_wrong, words in checks if is_wrong]


def _of_object(item: dict[str, Any]) -> list[str]:
    """Hold a quantity, an identifier or a coding against its type."""
    system = item.get("system", "urn:oid:1")
    is_system = isinstance(system, str) and (system in SYSTEMS or system.startswith(("urn:cordtrack:", "urn:oid:")))
    is_quantity = "value" in item and "unit" in item
    is_ucum = is_quantity and item["system"] == "http://unitsofmeasure.org" and item["code"] == item["unit"]
    checks = (
        (not is_system, f"system {system}"),
        (is_quantity and not (is_ucum and item["code"] in UNITS), f"unit {item}"),
        (is_quantity and item.get("comparator", "<") not in CODES["comparator"], "comparator"),
        (item.get("coding") == [], "empty coding"),
    )
    return [words for is_wrong, words in checks if is_wrong]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(inner)


def changed(patient: ExportPatient, compartment: Compartment, category: Category, **row: Any) -> ExportPatient:
    visits = []
    for visit in patient.visits:
        assert visit.verdict is not None
        verdict = {**visit.verdict, "category": str(category), "state": "stable"}
        measured = ({**visit.measurements[0], "compartment": str(compartment), **row},)
        visits.append(replace(visit, measurements=measured, verdict=verdict, pieces=(), accepted_by="Dr. A"))
    return replace(patient, visits=tuple(visits))


@pytest.mark.parametrize("keeps", [False, True], ids=["record", "research"])
def test_bundles_of_every_compartment_and_category_follow_the_definitions(keeps: bool, case: Case) -> None:
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415

    patient = gather(case.out, case.study, case.patient_id)
    who = audiences.audience_of(case.patient_id, case.study, None, keeps_pseudonyms=keeps)
    rows: tuple[dict[str, Any], ...] = (
        {}, {"volume_mm3": None, "missing_reason": "not seen"}, {"bound_reason": "it reaches the edge of the scan"},
    )  # fmt: skip
    for compartment in Compartment:
        for category in Category:
            for row in rows:
                made = bundle_of(changed(patient, compartment, category, **row), who)
                assert faults(made) == []
                Bundle.model_validate(made)


def test_a_bundle_with_confirmed_lesions_follows_them_too(case: Case, tmp_path: Any) -> None:
    out = confirmed(case, tmp_path, case.sessions[1])
    who = audiences.audience_of(case.patient_id, case.study, None, keeps_pseudonyms=False)
    made = bundle_of(gather(out, case.study, case.patient_id), who)
    assert faults(made) == []
    assert "BodyStructure" in {entry["resource"]["resourceType"] for entry in made["entry"]}


def test_the_check_sees_what_is_wrong(case: Case) -> None:
    who = audiences.audience_of(case.patient_id, case.study, None, keeps_pseudonyms=True)
    made = bundle_of(gather(case.out, case.study, case.patient_id), who)
    observation = next(e["resource"] for e in made["entry"] if e["resource"]["resourceType"] == "Observation")
    observation |= {"status": "done", "device": observation["subject"], "issued": "2024-01-02T03:04:05", "value": 1}
    observation["valueQuantity"] |= {"code": "mm^3"}
    words = " ".join(faults(made))
    assert all(word in words for word in ("status: done", "leads to Patient", "issued", "value: unknown", "unit"))


def test_a_lower_bound_is_said_to_be_one_in_both_forms(case: Case) -> None:
    patient = gather(case.out, case.study, case.patient_id)
    bound = changed(patient, Compartment.TUMOUR, Category.SD, bound_reason="it reaches the edge of the scan")
    who = audiences.audience_of(case.patient_id, case.study, None, keeps_pseudonyms=True)
    observations = [e["resource"] for e in bundle_of(bound, who)["entry"] if "valueQuantity" in e["resource"]]
    assert {o["valueQuantity"]["comparator"] for o in observations} == {">="}
    assert any("A lower bound: it reaches the edge" in str(o.get("note")) for o in observations)
    assert not any("component" in o for o in observations), "an interval around a bound is none"
    from pipeline.hospital.export.source_images import images_of  # noqa: PLC0415

    visit = bound.visits[0]
    source = images_of(bound, visit, who.person, None, who.names)
    assert AT_LEAST.meaning in str(report_of(bound, visit, source, None, who.names))
    assert AT_LEAST.meaning not in str(report_of(patient, patient.visits[0], source, None, who.names))
