"""What was read of the imported table, between runs: whole or not used, and the same results with and without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.files import fingerprints
from pipeline.run import kept_readings, run_plan
from pipeline.run.run_settings import RunSettings, RunSummary
from pipeline.run.study_run import run
from pipeline.store import reader
from pipeline.study import imported_reading
from pipeline.study.imported_table import IMPORTED_TABLE
from tests.places import ROOT
from tests.study_folder import READ_ON, run_of_numbers

NUMBERS = "patient_id,date,compartment,volume_mm3,volume_cv\n" + "".join(
    f"p{number},20{year}-01-01,tumour,{1000 + 100 * number + 50 * year},0.05\n"
    for number in (1, 2, 3)
    for year in (18, 19)
)
AT = datetime(READ_ON.year, READ_ON.month, READ_ON.day)  # noqa: DTZ001


def settings_of(folder: Path) -> RunSettings:
    return RunSettings(folder / "study", folder / "out", "imsct_adapted_v1", None, 1, READ_ON, AT)


def again(folder: Path) -> RunSummary:
    return run(settings_of(folder), lambda *_: None)


def change(folder: Path, old: str, new: str) -> None:
    table = folder / "study" / IMPORTED_TABLE
    text = table.read_text(encoding="utf-8")
    assert old in text
    table.write_text(text.replace(old, new), encoding="utf-8")


def volumes(out: Path) -> dict[tuple[str, str], float]:
    table = reader.table(reader.database_path(out), "trajectory")
    return dict(zip(zip(table["patient_id"], table["session_id"], strict=True), table["volume_mm3"], strict=True))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    run_of_numbers(folder, NUMBERS)
    return folder


@pytest.fixture
def folder(first: Path, tmp_path: Path) -> Path:
    shutil.copytree(first / "out", tmp_path / "out")
    shutil.copytree(first / "study", tmp_path / "study")
    text = (tmp_path / "out" / "run.toml").read_text(encoding="utf-8")
    (tmp_path / "out" / "run.toml").write_text(text.replace(str(first), str(tmp_path)), encoding="utf-8")
    return tmp_path


def test_a_run_that_changes_nothing_reads_no_row_and_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}
    monkeypatch.setattr(imported_reading, "volumes_in", None)
    assert not again(folder).is_published
    assert not run_plan.plan(settings_of(folder)).pending
    assert {path: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda text: text[:-20],
        lambda text: text.replace("2019-01-01", "2018-01-01", 1),
        lambda _: "[]",
        lambda _: '{"sha256": 3, "readings": null}',
        lambda _: '{"sha256": "x", "readings": {"sub-p1": ["a", "b", "not a day", []]}}',
    ],
)
def test_a_file_that_is_not_whole_is_as_good_as_none(folder: Path, spoilt: Any) -> None:
    file = folder / "out" / kept_readings.FILE
    whole = file.read_text(encoding="utf-8")
    file.write_text(spoilt(whole), encoding="utf-8")
    assert kept_readings.read(folder / "out") == {}
    assert not again(folder).is_published
    assert file.read_text(encoding="utf-8") == whole


def test_other_code_reads_all_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(kept_readings.read(folder / "out")) == ["sub-p1", "sub-p2", "sub-p3"]
    monkeypatch.setattr(fingerprints, "of_all_code", lambda: "another")
    assert kept_readings.read(folder / "out") == {}


def test_one_changed_row_is_published_though_size_and_time_of_the_table_stay(folder: Path) -> None:
    before, table = volumes(folder / "out"), folder / "study" / IMPORTED_TABLE
    times = table.stat()
    change(folder, "\t2050", "\t2950")
    os.utime(table, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert table.stat().st_size == times.st_size
    assert again(folder).computed == ("sub-p1",)
    after = volumes(folder / "out")
    assert {key: size for key, size in after.items() if before[key] != size} == {
        ("sub-p1", "ses-imported20190101"): 2950
    }


def test_rows_that_went_away_leave_the_store(folder: Path) -> None:
    table = folder / "study" / IMPORTED_TABLE
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(line for line in lines if not line.startswith("sub-p2")), encoding="utf-8")
    summary = again(folder)
    assert summary.computed == ("sub-p2",)
    assert "patient_without_images" in [one.code for one in summary.findings]
    assert {patient_id for patient_id, _ in volumes(folder / "out")} == {"sub-p1", "sub-p3"}
    assert sorted(kept_readings.read(folder / "out")) == ["sub-p1", "sub-p3"]


def test_a_table_replaced_in_mid_run_is_published_as_it_was_read_and_the_next_run_takes_the_new_one(
    folder: Path,
) -> None:
    change(folder, "\t2050", "\t2950")
    run(settings_of(folder), lambda *_: change(folder, "\t2950", "\t3950"), rebuild=False)
    key = ("sub-p1", "ses-imported20190101")
    assert volumes(folder / "out")[key] == 2950
    assert again(folder).computed == ("sub-p1",)
    assert volumes(folder / "out")[key] == 3950


def test_a_second_run_over_a_changed_table_is_refused_and_breaks_nothing(folder: Path) -> None:
    refusals: list[str] = []

    def second(*_: object) -> None:
        change(folder, "\t2100", "\t2900")
        command = [sys.executable, "-P", "-m", "pipeline", "run", folder / "study", folder / "out", "--as-of", READ_ON]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env=environment)
        assert ended.returncode
        refusals.append(" ".join(ended.stderr.split()))

    change(folder, "\t2050", "\t2950")
    assert run(settings_of(folder), second).computed == ("sub-p1",)
    assert [f"process {os.getpid()}" in one and "Traceback" not in one for one in refusals] == [True]
    assert again(folder).computed == ("sub-p2",)
    after = volumes(folder / "out")
    assert (after["sub-p1", "ses-imported20190101"], after["sub-p2", "ses-imported20180101"]) == (2950, 2900)
