"""What ``cordtrack check`` says before a run is what the run says afterwards, and it writes nothing. About 4 s."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline import api
from pipeline.cli import commands
from pipeline.run.study_outlook import Outlook, StudyCheck
from tests.places import ROOT, SAMPLE
from tests.small_sample import two_visits

GOLDEN = ROOT / "tests" / "golden"
FIRST, SECOND = "sub-demo01/ses-01", "sub-demo01/ses-02"


@pytest.fixture(scope="module")
def sample() -> StudyCheck:
    return api.check(SAMPLE / "study", options=api.RunOptions(jobs=2, as_of=date(2026, 1, 1)))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return two_visits(tmp_path / "study")


def mask_of(study: Path, visit: str) -> Path:
    return next((study / "derivatives" / "reader" / visit / "anat").glob("*_dseg.nii.gz"))


def test_a_run_says_all_that_was_said_before_it(sample: StudyCheck) -> None:
    after = pd.read_csv(GOLDEN / "finding.csv")
    said_by_run = set(zip(after["code"], after["patient_id"], after["session_id"], strict=True))
    assert sample.findings
    assert {(one.code, one.patient_id, one.session_id) for one in sample.findings if one.patient_id} <= said_by_run


def test_what_will_be_measured_is_what_was(sample: StudyCheck) -> None:
    table = pd.read_csv(GOLDEN / "measurement.csv")
    measured = table[(table["compartment"] == "tumour") & table["volume_mm3"].notna()]
    volumes = set(zip(measured["patient_id"], measured["session_id"], strict=True))
    foreseen = {(one.patient_id, one.session_id): one.outlook for one in sample.visits}
    assert volumes <= {visit for visit, outlook in foreseen.items() if outlook != Outlook.NOTHING}
    assert {visit for visit, outlook in foreseen.items() if outlook == Outlook.DRAWN} <= volumes


def test_a_sound_study_is_called_so_and_nothing_is_written(study: Path) -> None:
    before = sorted(study.rglob("*"))
    ended = CliRunner().invoke(commands.app, ["check", str(study)], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    assert "2 with a mask" in ended.output
    assert sorted(study.rglob("*")) == before


def test_what_is_left_out_ends_with_code_1_and_says_why(study: Path) -> None:
    mask_of(study, SECOND).write_bytes(mask_of(study, FIRST).read_bytes()[:400])
    (study / "treatments.tsv").write_text(
        "participant_id\tdate\tkind\nsub-demo01\t2020-01-02\tmoxibustion\n", encoding="utf-8"
    )
    ended = CliRunner().invoke(commands.app, ["check", str(study), "--json"], catch_exceptions=False)
    assert ended.exit_code == 1
    content = json.loads(ended.stdout)
    assert {"mask_grid", "treatment_unknown"} <= {one["code"] for one in content["findings"]}
    assert [visit["outlook"] for visit in content["visits"]] == [Outlook.DRAWN, Outlook.FOUND_AGAIN]


def test_where_nobody_drew_anything_nothing_is_promised(study: Path) -> None:
    shutil.rmtree(study / "derivatives")
    visits = api.check(study).visits
    assert [visit.outlook for visit in visits] == [Outlook.NOTHING] * 2
    assert all("nobody drew the tumour" in str(visit.reason) for visit in visits)
