"""How a scan was made, read from its JSON sidecar: believed within reason, hostile content said in words."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.acquisition.protocol import Facts
from pipeline.core.records import Finding
from pipeline.study.sidecars import MOST_BYTES, Claims, read_sidecar
from tests.study_folder import T2W, codes, only_visit, study_of

SIDECAR = T2W.replace(".nii.gz", ".json")
GOOD = {
    "Manufacturer": "Siemens",
    "ManufacturersModelName": "Skyra",
    "MagneticFieldStrength": 3,
    "DeviceSerialNumber": "45123",
    "StationName": "MRC45123",
    "InstitutionName": "A hospital",
    "PatientName": "Nobody",
    "SoftwareVersions": "syngo MR E11",
    "EchoTime": 0.1,
    "RepetitionTime": 3.5,
    "FlipAngle": 150,
    "SliceThickness": 3,
}


def read(folder: Path, content: object) -> tuple[Facts, list[Finding]]:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "scan.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    findings: list[Finding] = []
    return read_sidecar(folder / "scan.nii.gz", folder, findings)[0], findings


def test_what_is_recorded_is_read_in_our_units_and_names_no_place(tmp_path: Path) -> None:
    facts, findings = read(tmp_path, GOOD)
    assert findings == []
    device = facts.device
    assert facts == Facts("Siemens", "Skyra", 3.0, device, "syngo MR E11", 100.0, 3500.0, 150.0, 3.0)
    assert device is not None
    assert device.startswith("s-")
    told = repr(facts)
    assert not [word for word in ("45123", "hospital", "Nobody") if word in told]


def test_one_device_has_one_token_whatever_the_maker_calls_itself(tmp_path: Path) -> None:
    first, _ = read(tmp_path, GOOD)
    again, _ = read(tmp_path, GOOD | {"Manufacturer": "SIEMENS", "StationName": "renamed"})
    other, _ = read(tmp_path, GOOD | {"DeviceSerialNumber": "45124"})
    assert first.device == again.device != other.device
    station, _ = read(tmp_path, {"StationName": "MRC45123"})
    token, _ = read(tmp_path, GOOD | {"DeviceToken": "0123abcd"})
    assert str(station.device).startswith("n-")
    assert token.device == "t-0123abcd"
    clear, _ = read(tmp_path, GOOD | {"DeviceToken": "Serial 45123"})
    assert "45123" not in str(clear.device)


def test_a_serial_number_is_one_device_of_one_maker_only(tmp_path: Path) -> None:
    def device(maker: str) -> str | None:
        return read(tmp_path, GOOD | {"Manufacturer": maker})[0].device

    assert device("Siemens") == device("SIEMENS Healthineers") == device("Siemens Healthcare GmbH")
    assert device("Acme") == device("ACME")
    assert len({device(maker) for maker in ("Siemens", "Philips", "Acme", "Other")}) == 4


def test_without_a_sidecar_nothing_is_known_and_nothing_is_odd(tmp_path: Path) -> None:
    findings: list[Finding] = []
    assert read_sidecar(tmp_path / "scan.nii.gz", tmp_path, findings) == (Facts(), None, Claims())
    assert findings == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("EchoTime", 90, "EchoTime to be a number above 0 up to 2 (seconds), found 90"),
        ("EchoTime", [0.1, 0.2], "found a list"),
        ("EchoTime", "0.1", "found '0.1'"),
        ("EchoTime", True, "found True"),
        ("EchoTime", float("nan"), "found nan"),
        ("RepetitionTime", float("inf"), "found inf"),
        ("RepetitionTime", -1, "found -1"),
        ("FlipAngle", {"deg": 90}, "found an object"),
        ("SliceThickness", 10**40, "found a number of very many digits"),
        ("SliceThickness", 1e308, "found 1e+308"),
        ("MagneticFieldStrength", 15000, "(tesla), found 15000"),
        ("MagneticFieldStrength", 0, "found 0"),
        ("Manufacturer", "x" * 100_000, "a text of up to 64 printable letters"),
        ("Manufacturer", 7, "found 7"),
        ("ManufacturersModelName", "Sky\u202era", "found 'Sky\\u202era'"),
        ("ManufacturersModelName", "\ud800", "found '\\ud800'"),
        ("ManufacturersModelName", "a\u0000b", "found 'a\\x00b'"),
        ("SoftwareVersions", ["a", "b"], "found a list"),
        ("DeviceSerialNumber", 45123, "found something else"),
        ("DeviceSerialNumber", "45123" * 20, "found something else"),
    ],
)
def test_a_value_that_cannot_be_used_costs_itself_and_is_said(
    tmp_path: Path, name: str, value: object, words: str
) -> None:
    facts, (odd,) = read(tmp_path, GOOD | {name: value, "StationName": "MR1"})
    assert odd.code == "sidecar_value"
    assert f"scan.json: expected {name} to be" in odd.message
    assert words in odd.message
    assert len(odd.message) < 200
    assert "45123" not in odd.message
    assert sum(getattr(facts, field.name) is not None for field in fields(Facts)) >= 8


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 5000, '{"EchoTime": ' + "9" * 6000 + "}"])
def test_a_sidecar_that_is_no_object_is_said_and_nothing_is_known(tmp_path: Path, text: str) -> None:
    facts, (odd,) = read(tmp_path, text)
    assert odd.code == "json_unreadable"
    assert facts == Facts()


def test_a_sidecar_of_gigantic_size_is_not_read(tmp_path: Path) -> None:
    facts, (odd,) = read(tmp_path, json.dumps({"Manufacturer": "x" * MOST_BYTES}))
    assert (facts, odd.code) == (Facts(), "json_unreadable")
    assert "found a larger file" in odd.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JSON))
def test_no_content_stops_the_reader(tmp_path_factory: pytest.TempPathFactory, content: dict[str, object]) -> None:
    facts, findings = read(tmp_path_factory.getbasetemp(), content)
    assert {found.code for found in findings} <= {"sidecar_value"}
    assert all(str(getattr(facts, field.name)).isprintable() for field in fields(Facts))


def test_in_a_study_the_scan_stays_and_the_finding_names_patient_and_visit(tmp_path: Path) -> None:
    study = study_of(tmp_path, {SIDECAR: '{"EchoTime": NaN, "Manufacturer": "GE"}'})
    (scan,) = only_visit(study).scans
    assert scan.facts == Facts(manufacturer="GE")
    assert codes(study) == ["sidecar_value"]
    assert (study.findings[0].patient_id, study.findings[0].session_id) == ("sub-01", "ses-01")


def test_a_link_that_leaves_the_study_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text('{"Manufacturer": "outside"}', encoding="utf-8")
    root = tmp_path / "study"
    study_of(root)
    (root / SIDECAR).symlink_to(outside)
    again = study_of(root)
    assert only_visit(again).scans[0].facts == Facts()
    assert codes(again) == ["link_outside"]


@pytest.mark.parametrize(
    ("field", "fact", "taken", "refused"),
    [
        ("MagneticFieldStrength", "field_tesla", {0.055: 0.055, 25: 25}, (0, 25.1)),
        ("EchoTime", "echo_time_ms", {0.002: 2, 2: 2000}, (0, 2.1)),
        ("RepetitionTime", "repetition_time_ms", {0.005: 5, 60: 60_000}, (0, 61)),
        ("FlipAngle", "flip_angle_deg", {0.5: 0.5, 360: 360}, (0, 361)),
        ("SliceThickness", "slice_thickness_mm", {0.4: 0.4, 100: 100}, (0, 101)),
    ],
)
def test_a_number_that_a_scanner_can_have_is_taken_and_any_other_said(
    tmp_path: Path, field: str, fact: str, taken: dict[float, float], refused: tuple[float, ...]
) -> None:
    for value, expected in taken.items():
        facts, findings = read(tmp_path, {field: value})
        assert (getattr(facts, fact), findings) == (expected, [])
    for value in refused:
        facts, findings = read(tmp_path, {field: value})
        assert (getattr(facts, fact), [finding.code for finding in findings]) == (None, ["sidecar_value"])
