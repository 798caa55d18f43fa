"""What the scans say of a lesion leaves the house as it was said: sure as sure, unsure as unsure, silence not."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import highdicom as hd
import pytest
from pydicom.sr._concepts_dict import concepts

from pipeline.core import records
from pipeline.core.finding_terms import TERMS, LesionFinding
from pipeline.description import finding_change
from pipeline.description.cord_expansion import BESIDE, PEOPLE
from pipeline.hospital.codes import OWN_SCHEME
from pipeline.hospital.export import described_findings
from pipeline.store import publish
from pipeline.store import reader as store_reader
from tests.hospital.export.test_fhir_bundle import bundle
from tests.hospital.results_case import AT, Case, export, of_kind


def with_description(case: Case, tmp_path: Path) -> Path:
    """Return an output folder with some findings of lesion L1 at the first visit, one read otherwise by a person."""
    out = tmp_path / "described"
    shutil.copytree(case.out, out)
    vivid = records.Description(
        case.patient_id, case.sessions[0], "L1", "enhancement", "vivid", 0.62, 0.5, 0.74, "rise / signal before",
        "sure",
    )  # fmt: skip
    rows = [
        vivid,
        replace(vivid, finding="blood_cap", value="absent", number=0.0, low=None, high=None, unit="mm³"),
        replace(vivid, finding="margin", value="sharp", number=1.1, low=0.6, high=1.6, unit="mm", sureness="unsure",
                reason="too near the limit between two terms"),
        replace(vivid, finding="adc", value=None, number=1.204, low=1.151, high=1.257, unit="10^-3 mm²/s",
                sureness="unsure", reason="12 voxels, fewer than the 30 that are sure"),
        replace(vivid, finding="metabolite:Cho", value=None, number=2.1, low=None, high=None, unit="/Cr"),
        replace(vivid, finding="t2_signal", value=None, number=None, low=None, high=None, unit=None, sureness=None,
                reason="no T2w at this visit"),
    ]  # fmt: skip
    read = records.JournalEntry(
        entry_id="e9", written_at=AT, who="Dr. B", act="correct_finding", patient_id=case.patient_id,
        session_id=case.sessions[0], lesion_id="L1", finding="margin", corrected_to="infiltrating", reason="hazy edge",
        status="in_force", status_reason="test",
    )  # fmt: skip
    with duckdb.connect(str(store_reader.database_path(out))) as connection:
        for kind, table, of_kind_rows in (
            (records.Description, "description", rows), (records.JournalEntry, "journal_entry", [read]),
        ):  # fmt: skip
            connection.register("incoming", publish.columns(kind, of_kind_rows))
            connection.execute(f"insert into record.{table} by name from incoming")
            connection.unregister("incoming")
    return out


def described(case: Case, tmp_path: Path) -> dict[str, dict[str, Any]]:
    observations = bundle(case, tmp_path / "b.json", with_description(case, tmp_path))["Observation"]
    return {o["code"]["text"]: o for o in observations if "text" in o["code"]}


def test_fhir_says_each_finding_with_its_sureness_and_none_that_was_not_told(case: Case, tmp_path: Path) -> None:
    said = described(case, tmp_path)
    assert set(said) == {
        "Contrast enhancement", "Cap of low signal at a pole", "Margin", "Apparent diffusion coefficient",
        "Metabolite Cho",
    }  # fmt: skip
    vivid = said["Contrast enhancement"]
    assert vivid["valueCodeableConcept"] == {"text": "vivid"}
    assert [float(part["valueQuantity"]["value"]) for part in vivid["component"]] == [0.62, 0.5, 0.74]
    assert "interpretation" not in vivid
    absent = said["Cap of low signal at a pole"]["valueCodeableConcept"]
    assert (absent["text"], absent["coding"][0]["code"]) == ("absent", "272519000")
    margin = said["Margin"]
    assert margin["valueCodeableConcept"] == {"text": "sharp, not sure"}
    assert margin["interpretation"] == [{"text": "Not sure"}]
    assert "Read as infiltrating by Dr. B: hazy edge" in margin["note"][0]["text"]
    adc = said["Apparent diffusion coefficient"]
    assert adc["code"]["coding"][0]["code"] == "113041"
    assert (float(adc["valueQuantity"]["value"]), adc["valueQuantity"]["code"]) == (1.204, "um2/ms")
    assert adc["interpretation"] == [{"text": "Not sure"}]
    assert "code" not in said["Metabolite Cho"]["valueQuantity"], "a ratio to another metabolite has no code"
    assert all("focus" not in one for one in said.values()), "nobody confirmed the lesion"


def test_the_structured_report_says_them_in_a_group_of_their_own(case: Case, tmp_path: Path) -> None:
    out = with_description(case, tmp_path)
    export(case, tmp_path / "to", out)
    reports = [hd.sr.Comprehensive3DSR.from_dataset(one) for one in of_kind(tmp_path / "to", "report")]
    groups = [g for one in reports for g in one.content.get_image_measurement_groups()]
    own = [g for g in groups if g.tracking_identifier == "description of L1"]
    assert len(own) == 1
    evaluations = {e.name.meaning: e.value for e in own[0].get_qualitative_evaluations()}
    assert evaluations["Contrast enhancement"].meaning == "vivid"
    assert evaluations["Cap of low signal at a pole"].scheme_designator == "SCT"
    assert evaluations["Margin"].meaning == "sharp, not sure"
    assert evaluations["Margin, read by a person"].meaning == "infiltrating"
    assert "Signal on T2w beside the cord" not in evaluations
    numbers = {m.name.meaning: m for m in own[0].get_measurements()}
    adc = numbers["Apparent Diffusion Coefficient"]
    assert (float(adc.value), adc.unit.value) == (1.204, "um2/ms")
    assert adc.method.meaning == "Not sure"
    assert numbers["Contrast enhancement: rise / signal before"].method is None


def test_a_length_is_no_ratio_and_two_ratios_of_one_finding_are_two_measurements() -> None:
    row = {"finding": "syrinx", "number": 12.5, "low": None, "high": None, "unit": "mm long", "sureness": "sure"}
    row |= {"value": None, "corrected_to": None}
    expansions = [row | {"finding": "expansion", "number": 1.3, "unit": unit} for unit in (BESIDE, PEOPLE)]
    (length, beside, people) = described_findings.evaluations_and_measurements([row, *expansions])[1]
    assert (length.unit.value, length.name.meaning) == ("mm", "Syrinx")
    assert beside.unit.value == people.unit.value != "mm"
    assert (beside.name.value, people.name.value) == ("expansion-cb", "expansion-hp")
    assert people.name.meaning == "Expansion of the cord: section / healthy people's median"


def test_every_unit_of_a_description_is_one_that_leaves_the_house() -> None:
    """Units as they stand in the code: a word that neither table knows would leave as a plain ratio."""
    units = {*described_findings.UNITS, *described_findings.RATIOS}
    written = set()
    for path in Path(finding_change.__file__).parent.glob("*.py"):
        written |= set(
            re.findall(r'"((?:mm|ratio|share|rise|spread|section)\b[^"{}]*)"', path.read_text(encoding="utf-8"))
        )
    assert {"mm long", BESIDE, PEOPLE, "ratio to cord"} <= written
    assert written <= units


@pytest.mark.parametrize("finding", list(LesionFinding))
def test_every_finding_and_term_has_a_code_that_dicom_takes(finding: str) -> None:
    terms = TERMS.get(LesionFinding(finding), ())
    every = [described_findings.code_of(finding), *map(described_findings.term_code, terms)]
    every += [described_findings.term_code(term, is_sure=False) for term in terms]
    assert all(len(code.value) <= 16 and len(code.meaning) <= 64 for code in every)
    assert len({code.value for code in every[1:]}) == len(every) - 1
    for code in every:
        listed = {value for of_name in concepts.get(code.scheme_designator, {}).values() for value in of_name}
        assert code.scheme_designator == OWN_SCHEME or code.value in listed, "no code that DICOM does not list"
