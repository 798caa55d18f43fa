"""A patient's results as a FHIR bundle: valid, with the numbers of the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.hospital.export.fhir_bundle import BundleSettings, export_fhir
from pipeline.store import reader
from tests.hospital.results_case import Case, confirmed, export, lesion_uids, originals


def bundle(case: Case, target: Path, out: Path | None = None, *, keep: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Export the patient's bundle and return its resources by kind, as the standard's own types read them."""
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415

    count = export_fhir(BundleSettings(out or case.out, case.study, case.patient_id, target, keeps_pseudonyms=keep))
    read = Bundle.model_validate_json(target.read_text())
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in json.loads(read.model_dump_json())["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    assert count == sum(map(len, found.values()))
    return found


def test_the_bundle_says_the_numbers_of_the_store(case: Case, tmp_path: Path) -> None:
    found = bundle(case, tmp_path / "b.json")
    assert {kind: len(items) for kind, items in found.items() if kind != "Observation"} == {
        "Device": 1, "ImagingStudy": 2, "DiagnosticReport": 2,
    }  # fmt: skip
    assert {o["subject"]["reference"] for o in found["Observation"]} == {"Patient?identifier=4711"}, "never overwritten"
    responses = [o["valueCodeableConcept"]["coding"][0]["code"] for o in found["Observation"] if "112048" in str(o)]
    assert responses == ["112074", "112043"], "the first visit is the baseline, the second has progressed"
    device = f"urn:uuid:{found['Device'][0]['id']}"
    assert {o["device"]["reference"] for o in found["Observation"]} == {device}
    assert {o["category"][0]["coding"][0]["code"] for o in found["Observation"]} == {"imaging"}
    uids = {study["identifier"][0]["value"].removeprefix("urn:oid:") for study in found["ImagingStudy"]}
    assert uids == {str(dataset.StudyInstanceUID) for dataset in originals(case).values()}
    volumes = {
        (o["effectiveDateTime"], o["bodySite"]["coding"][0]["display"]): o
        for o in found["Observation"] if o["code"]["coding"][0].get("display") == "Volume"
    }  # fmt: skip
    measured = reader.table(reader.database_path(case.out), "measurement")
    names = {"tumour": "Neoplasm", "cyst": "Cyst", "oedema": "Edema"}
    assert len(volumes) == len(measured)
    for row in measured.to_dict("records"):
        shown = volumes[(str(row["acquired_on"])[:10], names[row["compartment"]])]
        assert shown["valueQuantity"]["code"] == "mm3"
        assert float(shown["valueQuantity"]["value"]) == pytest.approx(row["volume_mm3"], abs=1e-3)
        if row["volume_mm3"] > 0:
            ends = [float(part["valueQuantity"]["value"]) for part in shown["component"]]
            assert ends == pytest.approx([row["volume_low_mm3"], row["volume_high_mm3"]], abs=1e-3)
    assert {o["status"] for o in found["Observation"]} == {"preliminary"}


def test_the_bundle_names_confirmed_lesions_by_their_tracking_uid_and_no_others(case: Case, tmp_path: Path) -> None:
    assert "BodyStructure" not in bundle(case, tmp_path / "before.json")
    out = confirmed(case, tmp_path, case.sessions[1])
    found = bundle(case, tmp_path / "after.json", out)
    (lesion,) = found["BodyStructure"]
    export(case, tmp_path / "to", out)
    assert lesion["identifier"][0]["value"] == f"urn:oid:{lesion_uids(tmp_path / 'to')[0]['tumour L1']}"
    about = [o for o in found["Observation"] if o.get("focus")]
    assert [o["focus"][0]["reference"] for o in about] == [f"urn:uuid:{lesion['id']}"] * 2


def test_a_bundle_of_pseudonyms_names_nobody(case: Case, tmp_path: Path) -> None:
    found = bundle(case, tmp_path / "b.json", keep=True)
    assert found["Patient"][0]["identifier"][0]["value"] == case.patient_id
    assert "Doe" not in (tmp_path / "b.json").read_text()
