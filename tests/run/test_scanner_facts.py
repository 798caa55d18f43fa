"""From sidecars to records: what a run stores of scanners, and that a changed sidecar alone is noticed (about 20 s)."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import records
from pipeline.run.steps.compare_protocols import how_made
from pipeline.run.steps.read_visits import read_visits
from pipeline.run.study_run import RunSettings, run
from pipeline.store import reader
from pipeline.study.study_folder import read_study
from tests.factories import judged
from tests.places import REALCORD
from tests.study_folder import AS_OF, DSEG, ONE_VISIT, T2W, volume, write_files

AVANTO = {
    "Manufacturer": "SIEMENS", "ManufacturersModelName": "Avanto", "MagneticFieldStrength": 1.494,
    "DeviceSerialNumber": "11111", "EchoTime": 0.1, "RepetitionTime": 3.5, "FlipAngle": 150,
}  # fmt: skip
SKYRA = AVANTO | {"ManufacturersModelName": "Skyra", "MagneticFieldStrength": 2.89, "DeviceSerialNumber": "22222"}
SIDECAR = T2W.replace(".nii.gz", ".json")
SCAN = volume(np.arange(120, dtype=np.int16).reshape(6, 5, 4))


def settings(folder: Path) -> RunSettings:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    return RunSettings(folder / "study", folder / "out", "imsct_adapted_v1", None, 1, AS_OF, at)


def stored(folder: Path) -> dict[str, object]:
    (row,) = reader.table(reader.database_path(folder / "out"), "acquisition").to_dict("records")
    return row


def test_a_changed_sidecar_alone_is_read_by_the_next_run(tmp_path: Path) -> None:
    mask = volume(np.ones((6, 5, 4), dtype=np.uint8))
    study = write_files(tmp_path / "study", {**ONE_VISIT, T2W: SCAN, DSEG: mask, SIDECAR: json.dumps(AVANTO)})
    assert run(settings(tmp_path), lambda *_: None).computed == ("sub-01",)
    first = stored(tmp_path)
    assert first["scanner_name"] == "Siemens Avanto 1.5 T"
    assert (first["slice_mm"], first["pixel_mm"], first["echo_time_ms"]) == (3.0, 1.0, 100.0)
    assert "11111" not in str(first)

    (study / SIDECAR).write_text(json.dumps(AVANTO, indent=4) + "\n", encoding="utf-8")
    again = run(settings(tmp_path), lambda *_: None)
    assert (again.computed, again.is_published) == ((), False), "the same facts in other words change nothing"

    (study / SIDECAR).write_text(json.dumps(SKYRA), encoding="utf-8")
    changed = run(settings(tmp_path), lambda *_: None)
    assert (changed.computed, changed.is_published) == (("sub-01",), True)
    assert stored(tmp_path)["scanner_name"] == "Siemens Skyra 3 T"

    (study / SIDECAR).write_text('{"EchoTime": [NaN], "Manufacturer": 7}', encoding="utf-8")
    hostile = run(settings(tmp_path), lambda *_: None)
    assert [found.code for found in hostile.findings].count("sidecar_value") == 2
    assert stored(tmp_path)["missing_reason"] == (
        "no scanner is recorded: the scan has no .json file beside it, or that names none"
    )

    (study / SIDECAR).unlink()
    assert run(settings(tmp_path), lambda *_: None).is_published, "the findings are gone"


def two_visits(folder: Path, then: dict[str, object] | None, now: dict[str, object] | None) -> Path:
    later, sessions = T2W.replace("ses-01", "ses-02"), "sub-01/sub-01_sessions.tsv"
    sidecars = {SIDECAR: then, SIDECAR.replace("ses-01", "ses-02"): now}
    return write_files(
        folder,
        {
            **ONE_VISIT,
            T2W: SCAN,
            later: SCAN,
            sessions: "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-02-17\n",
            **{name: json.dumps(content) for name, content in sidecars.items() if content is not None},
        },
    )


def changes_of(study: Path, *assessments: records.Assessment) -> list[records.ProtocolChange]:
    (patient,) = read_study(study, as_of=AS_OF).patients
    visits, _ = read_visits(patient.visits, patient.treatments)
    return [row for row in how_made(visits, assessments) if isinstance(row, records.ProtocolChange)]


def test_the_visit_before_is_compared_and_its_scanner_named(tmp_path: Path) -> None:
    (found,) = changes_of(two_visits(tmp_path, AVANTO, SKYRA))
    assert found == records.ProtocolChange(
        "sub-01", "ses-02", "ses-01", True, "changed", "cannot tell", "same",
        "scanner from Siemens Avanto 1.5 T to Siemens Skyra 3 T",
    )  # fmt: skip


def test_without_a_sidecar_the_comparison_cannot_tell(tmp_path: Path) -> None:
    (found,) = changes_of(two_visits(tmp_path, AVANTO, None))
    assert (found.scanner, found.protocol, found.changes) == ("cannot tell", "cannot tell", None)
    assert str(found.unknown).startswith("scanner not recorded at this visit; echo time not recorded at this visit")


def test_visits_that_judgement_picked_are_compared_once_each(tmp_path: Path) -> None:
    study = two_visits(tmp_path, AVANTO, AVANTO)
    verdict = judged("sub-01", "ses-02", "SD", "residual_stable", "no_change", against="ses-01 ses-01 ses-01")
    own = replace(verdict, session_id="ses-01")
    (found,) = changes_of(study, verdict, own)
    assert (found.session_id, found.compared_session_id, found.scanner) == ("ses-02", "ses-01", "same")


def test_real_scans_with_made_up_sidecars_are_told_apart(tmp_path: Path) -> None:
    if not REALCORD.is_dir():
        pytest.skip("the real cord scans are not on this machine")
    source = REALCORD / "cervical" / "bids"
    patient = min(path.name for path in source.glob("sub-*"))
    shutil.copytree(source / patient, tmp_path / patient)
    scans = sorted(tmp_path.rglob("*_T2w.nii.gz"))
    for number, scan in enumerate(scans):
        made = SKYRA if number == len(scans) - 1 else AVANTO
        scan.with_name(scan.name.replace(".nii.gz", ".json")).write_text(json.dumps(made), encoding="utf-8")
    found = [row for row in changes_of(tmp_path) if row.is_visit_before]
    assert [row.scanner for row in found] == ["same"] * (len(found) - 1) + ["changed"]
    assert "scanner from Siemens Avanto 1.5 T to Siemens Skyra 3 T" in str(found[-1].changes)
