"""The commands as a user types them: what they print, write and refuse; a few in a process of their own."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline import __version__
from pipeline.cli import commands
from pipeline.core.findings import finding
from pipeline.core.volume import Volume
from pipeline.errors import SettingsError
from pipeline.files import images
from pipeline.store import publish, reader
from pipeline.tools import one_scan
from tests.command import started, typed
from tests.factories import copy_tiny, tiny_store
from tests.places import ROOT

SAMPLE = ROOT / "sample_data" / "study"
READER = SAMPLE / "derivatives" / "reader" / "sub-demo03" / "ses-05" / "anat"
TRUTH = ROOT / "sample_data" / "truth"


def refusal(*arguments: str | Path) -> str:
    done = typed(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_version_is_said_either_way() -> None:
    assert started("--version").stdout == started("version").stdout == f"cordtrack {__version__}\n"


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("fhir", ("export-fhir", "out", "--patient", "01")),
        ("skimage", ("import-dicom", "disc", "study")),
        ("requests", ("push", "folder", "--dicomweb", "http://127.0.0.1:9")),
    ],
)
def test_without_the_libraries_of_hospitals_a_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, command: tuple[str, ...]
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else there(name))
    with pytest.raises(SettingsError, match=rf"needs {module}; .*cordtrack\[hospital\]"):
        CliRunner().invoke(commands.app, command, catch_exceptions=False)


def test_a_label_map_measures_its_voxels_exactly(tmp_path: Path) -> None:
    labels = np.zeros((8, 9, 10), dtype=np.uint8)
    labels[1:3, 1:4, 1:5] = 1
    labels[5:7, 5:7, 5:7] = 4
    images.save(Volume(labels, np.diag([3.3, 0.7, 0.7, 1.0])), tmp_path / "map.nii.gz")
    rows = json.loads(typed("measure", tmp_path / "map.nii.gz", "--json").stdout)
    voxel_mm3 = 3.3 * 0.7 * 0.7
    assert {row["label"]: row["volume_mm3"] for row in rows} == {
        1: pytest.approx(24 * voxel_mm3, rel=1e-4),
        4: pytest.approx(8 * voxel_mm3, rel=1e-4),
    }


def test_an_empty_mask_measures_zero_and_a_soft_one_its_sum(tmp_path: Path) -> None:
    empty = Volume(np.zeros((4, 4, 4), dtype=np.uint8), np.eye(4))
    images.save(empty, tmp_path / "empty.nii.gz")
    soft = np.zeros((4, 4, 4), dtype=np.float32)
    soft[0], soft[1] = 0.75, 0.25
    images.save(Volume(soft, np.eye(4)), tmp_path / "soft.nii.gz")
    assert json.loads(typed("measure", tmp_path / "empty.nii.gz", "--json").stdout)[0]["volume_mm3"] == 0
    assert json.loads(typed("measure", tmp_path / "soft.nii.gz", "--json").stdout)[0]["volume_mm3"] == 16


def test_a_mask_of_another_grid_is_refused_with_both_sizes(tmp_path: Path) -> None:
    mask = next(READER.glob("*.nii.gz"))
    signal = np.arange(125, dtype=np.int16).reshape(5, 5, 5)
    images.save(Volume(signal, np.eye(4)), tmp_path / "image.nii.gz")
    message = refusal("measure", mask, "--image", tmp_path / "image.nii.gz")
    assert "5x5x5" in message
    assert "export the mask again" in message


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x1f\x8b\x08broken"])
def test_what_is_no_image_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mask.nii.gz"
    path.write_bytes(content)
    assert "mask.nii.gz" in refusal("measure", path)


def test_one_pair_is_registered_and_points_follow(tmp_path: Path) -> None:
    scans = [next((SAMPLE / "sub-demo03" / s / "anat").glob("*_T2w.nii.gz")) for s in ("ses-01", "ses-02")]
    marks = pd.read_csv(TRUTH / "landmarks.tsv", sep="\t").query("participant_id == 'sub-demo03' and inside == 1")
    first, second = (marks[marks["session_id"] == s].set_index("landmark") for s in ("ses-01", "ses-02"))
    both = first.index.intersection(second.index)
    assert len(both) > 20
    first.loc[both].to_csv(tmp_path / "points.csv")
    done = typed(
        "register", *scans, tmp_path / "pair_",
        "--points", tmp_path / "points.csv", "--points-out", tmp_path / "moved.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "grade" in done.stdout
    moved = pd.read_csv(tmp_path / "moved.csv").set_index("landmark")
    miss_mm = np.linalg.norm(moved.loc[both, ["x", "y", "z"]] - second.loc[both, ["x", "y", "z"]], axis=1)
    assert miss_mm.mean() < 1.0
    assert images.load(tmp_path / "pair_aligned.nii.gz").shape == images.load(scans[0]).shape


def test_points_without_numbers_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,y,z\n1,2,3\n1,two,3\n")
    with pytest.raises(one_scan.InputError, match=r"points\.csv line 3: expected numbers"):
        one_scan.read_points(tmp_path / "points.csv")


def test_points_need_both_files(tmp_path: Path) -> None:
    scan = next((SAMPLE / "sub-demo03" / "ses-01" / "anat").glob("*_T2w.nii.gz"))
    assert "go together" in refusal("register", scan, scan, tmp_path / "x_", "--points", tmp_path / "points.csv")


def test_status_lists_each_patient_and_speaks_json(tmp_path: Path) -> None:
    copy_tiny(tmp_path)
    rows = json.loads(typed("status", tmp_path, "--json").stdout)
    assert {row["patient"] for row in rows} == set(
        reader.table(reader.database_path(tmp_path), "patient")["patient_id"]
    )
    assert "sub-01" in typed("status", tmp_path).stdout


def test_status_names_who_has_no_results_yet(tmp_path: Path) -> None:
    missing = finding("results_missing", "sub-90 is in the study folder", patient_id="sub-90")
    publish.publish(tmp_path, [*tiny_store(), missing])
    rows = json.loads(typed("status", tmp_path, "--json").stdout)
    assert rows[-1]["patient"] == "sub-90"
    assert rows[-1]["state"] == "no_results_yet"
    assert rows[-1]["visits"] is None, "unknown, not zero"
    assert rows[0]["visits"] == 5
    assert "sub-90 not measured: no results yet" in typed("status", tmp_path).stdout


@pytest.mark.parametrize("file_format", ["csv", "parquet", "xlsx"])
def test_a_view_is_exported_in_each_format(tmp_path: Path, file_format: str) -> None:
    copy_tiny(tmp_path)
    target = tmp_path / f"measurement.{file_format}"
    done = typed("export", tmp_path, "--table", "measurement", "--format", file_format, "-o", target)
    assert done.returncode == 0, done.stderr
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "xlsx": pd.read_excel}[file_format]
    assert {"patient_id", "session_id", "acquired_on", "compartment", "volume_mm3", "volume_cv", "mask_origin"} <= set(
        read(target).columns
    )


def test_an_unknown_view_is_refused_with_the_names_of_all(tmp_path: Path) -> None:
    copy_tiny(tmp_path)
    assert "measurement" in refusal("export", tmp_path, "--table", "measurements", "-o", tmp_path / "x.csv")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    assert "run" in refusal("status", tmp_path)
    assert "run first" in refusal("rebuild", tmp_path)


def test_the_output_may_not_lie_in_the_study(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "study", ignore=shutil.ignore_patterns("sub-*"))
    assert "never written to" in refusal("run", tmp_path / "study", tmp_path / "study" / "out")
    (tmp_path / "study" / "derivatives" / "reader" / "sub-01").mkdir(parents=True)
    assert "never written to" in refusal("run", tmp_path / "study", tmp_path / "study" / "derivatives" / "reader")


def test_a_missing_study_and_an_unknown_patient_or_rule_are_refused(tmp_path: Path) -> None:
    assert "found no such folder" in refusal("run", tmp_path / "nowhere", tmp_path / "out")
    assert "sub-demo01" in refusal("run", SAMPLE, tmp_path / "out", "--participant-label", "99")
    assert "imsct_adapted_v1" in refusal("run", SAMPLE, tmp_path / "out", "--criteria", "guesswork")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")
    assert "out" in refusal("run", SAMPLE, tmp_path / "out")
