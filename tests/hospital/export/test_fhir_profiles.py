"""Every resource that is exported, held against HL7's R4 definitions: elements, types, codes, targets, invariants."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.core.vocabulary import Category, Compartment
from pipeline.hospital.export import audience as audiences
from pipeline.hospital.export.fhir_bundle import bundle_of
from pipeline.hospital.export.gathering import gather
from tests.hospital.export.r4_definitions import faults
from tests.hospital.export.test_fhir_definitions import changed
from tests.hospital.results_case import Case, confirmed

ROWS: tuple[dict[str, Any], ...] = (
    {},
    {"volume_mm3": None, "missing_reason": "not seen"},
    {"bound_reason": "it reaches the edge of the scan"},
)
PAIRS = [
    *((compartment, Category.PD, row) for compartment in Compartment for row in ROWS),
    *((Compartment.TUMOUR, category, {}) for category in Category),
]


@pytest.fixture(scope="module")
def bundle(case: Case) -> dict[str, Any]:
    who = audiences.audience_of(case.patient_id, case.study, None, keeps_pseudonyms=True)
    return bundle_of(gather(case.out, case.study, case.patient_id), who)


def test_bundles_of_every_compartment_and_category_are_r4(case: Case) -> None:
    patient = gather(case.out, case.study, case.patient_id)
    for keeps in (False, True):
        who = audiences.audience_of(case.patient_id, case.study, None, keeps_pseudonyms=keeps)
        for compartment, category, row in PAIRS if keeps else PAIRS[:3]:
            assert faults(bundle_of(changed(patient, compartment, category, **row), who)) == []


def test_a_bundle_with_confirmed_lesions_is_r4(case: Case, tmp_path: Any) -> None:
    out = confirmed(case, tmp_path, case.sessions[1])
    who = audiences.audience_of(case.patient_id, case.study, None, keeps_pseudonyms=False)
    assert faults(bundle_of(gather(out, case.study, case.patient_id), who)) == []


def _of(bundle: dict[str, Any], kind: str, having: str = "resourceType") -> dict[str, Any]:
    return next(
        e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind and having in e["resource"]
    )


FAULTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "status": lambda b: _of(b, "Observation").update(status="done"),
    "Observation.code: missing|code: missing": lambda b: _of(b, "Observation").pop("code"),
    "shape: unknown": lambda b: _of(b, "Observation").update(shape="round"),
    "breaks obs-6": lambda b: _of(b, "Observation", "valueQuantity").update(dataAbsentReason={"text": "not seen"}),
    "expected a list": lambda b: _of(b, "DiagnosticReport").update(category={"text": "Radiology"}),
    "expected one value": lambda b: _of(b, "DiagnosticReport").update(status=["final"]),
    "is no instant": lambda b: _of(b, "Observation").update(issued="2024-01-02T03:04:05"),
    "is no decimal": lambda b: _of(b, "Observation", "valueQuantity")["valueQuantity"].update(value="12"),
    "leads to Observation": lambda b: _of(b, "Observation").update(
        device={"reference": next(e["fullUrl"] for e in b["entry"] if e["resource"]["resourceType"] == "Observation")}
    ),
    "breaks qty-3": lambda b: _of(b, "Observation", "valueQuantity")["valueQuantity"].pop("system"),
    "breaks bdl-3": lambda b: b["entry"][0].pop("request"),
    "object with content": lambda b: _of(b, "Observation").update(method={}),
    "comparator": lambda b: _of(b, "Observation", "valueQuantity")["valueQuantity"].update(comparator="~"),
    "series|uid: missing": lambda b: _of(b, "ImagingStudy").update(series=[{"modality": {"code": "MR"}}]),
}


@pytest.mark.parametrize("words", FAULTS)
def test_the_definitions_see_what_is_wrong(words: str, bundle: dict[str, Any]) -> None:
    broken = copy.deepcopy(bundle)
    FAULTS[words](broken)
    assert any(part in fault for fault in faults(broken) for part in words.split("|"))
