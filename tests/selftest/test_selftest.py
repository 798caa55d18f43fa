"""Known growth implanted and measured by the real path, as a user types it, and what is refused. About 4 min."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from pipeline.files import images
from pipeline.selftest import figure, report
from pipeline.selftest.detection import Reading, Way, performances
from pipeline.selftest.host_scan import PHANTOM, Place, read_source
from pipeline.selftest.implanted_pairs import Measured, drawn, measure_pair, plans
from sample_data import selftest_phantom
from tests.command import typed
from tests.finished_runs import finished
from tests.places import ROOT

SCANS = ROOT.parent / "shared" / "realcord" / "scans"
COMMAND = ("pipeline.cli.selftest_command", "pipeline.selftest.selftest_run")
SCAN, CORD = PHANTOM / "synthetic_T2w.nii.gz", PHANTOM / "synthetic_cord.nii.gz"


def refusal(*arguments: str | Path) -> str:
    done = typed("selftest", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def measured(folder: Path, *inputs: Path, options: tuple[str, ...]) -> str:
    """Let the command write into a folder and return what it prints; inputs and code unchanged, as it did before."""
    printed, files = finished(written, {path.name: path.read_bytes() for path in inputs}, *options, code=COMMAND)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return printed


def written(inputs: dict[str, bytes], *options: str) -> tuple[str, dict[str, bytes]]:
    with TemporaryDirectory() as folder:
        for name, content in inputs.items():
            (Path(folder) / name).write_bytes(content)
        out = Path(folder) / "out"
        words = [Path(folder) / word if word in inputs else word for word in options]
        done = typed("selftest", "-o", out, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout, {path.name: path.read_bytes() for path in out.iterdir()}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "selftest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_packaged_phantom_is_what_its_generator_makes(tmp_path: Path) -> None:
    selftest_phantom.generate(tmp_path)
    for name in ("synthetic_T2w.nii.gz", "synthetic_cord.nii.gz"):
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress((PHANTOM / name).read_bytes())


@pytest.mark.slow
def test_growth_in_the_phantom_is_measured_and_said_to_be_synthetic(tmp_path: Path) -> None:
    printed = measured(tmp_path, SCAN, CORD, options=("--volume", "0.3", "--slice-mm", "3", "--jobs", "2"))
    assert printed.startswith("On scans like the packaged phantom (0.8 x 0.8 x 3.0 mm, sagittal)")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"selftest.csv", "selftest.json", "selftest.png", "selftest.svg"}
    rows = rows_of(tmp_path)
    assert [float(row["growth_percent"]) for row in rows] == [-50, 0, 0, 20, 40, 100]
    assert {row["data"] for row in rows} == {"synthetic implant"}
    for row in rows:
        growth = 1 + float(row["growth_percent"]) / 100
        assert float(row["true_later_mm3"]) == pytest.approx(300 * growth, abs=0.01)
        # a reader's voxels on 3 mm slices against the truth: wide, but no factor of the grid can hide in it
        assert float(row["given_later_mm3"]) == pytest.approx(300 * growth, rel=0.15)
    assert rows[-1]["given_told"] == "growth"
    summary = json.loads((tmp_path / "selftest.json").read_text(encoding="utf-8"))
    assert summary["synthetic"].startswith("Synthetic")
    assert sum(one["pairs"] for one in summary["performance"]) == 2 * len(rows)
    assert "Synthetic" in (tmp_path / "selftest.svg").read_text(encoding="utf-8")
    alone = measure_pair(read_source(None, None, Place(), 3.0), plans((0.3,), 1, 1)[2])
    report.write_rows([alone], tmp_path / "alone.csv")
    with (tmp_path / "alone.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream)) == [rows[2]]  # the same in this process as in another beside others


def test_the_files_are_the_same_for_the_same_rows(tmp_path: Path) -> None:
    good = Measured(
        plans((0.5,), 1, 1)[0], False, 500.0, 250.0, "A", "", Reading(498.0, 0.15), Reading(249.0, 0.19),
        Reading(280.0, 0.18), "lesion growth 3",
    )  # fmt: skip
    lost = Measured(
        plans((0.5,), 1, 1)[1], True, 500.0, 500.0, "C", "the two scans agree poorly once aligned",
        Reading(498.0, 0.15), Reading(502.0, 0.15), Reading(None, None, "alignment has grade C"), None,
    )  # fmt: skip
    pairs = [row.read(way) for row in (good, lost) for way in Way]
    found = performances(pairs)
    for name in ("a", "b"):
        report.write_rows([good, lost], tmp_path / f"{name}.csv")
        figure.draw("a test", pairs, found, tmp_path / name)
    for end in ("csv", "png", "svg"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes(), end
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        row = list(csv.DictReader(stream))[1]
    assert (row["found_later_mm3"], row["found_again_missing_reason"]) == ("", "alignment has grade C")
    assert "no answer (1)" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    said = report.sentence("a test", found)
    assert "1 of 2 pairs gave no answer" in said
    assert "too few pairs could be measured" in said


@pytest.mark.slow
def test_growth_in_a_real_scan_is_found_again(tmp_path: Path) -> None:
    if not SCANS.is_dir():
        pytest.skip("no real scans beside the project")
    scan, cord = SCANS / "t2_fake_lesion.nii.gz", SCANS / "t2_fake_lesion_sc_seg.nii.gz"
    printed = measured(tmp_path, scan, cord, options=("--like", scan.name, "--at", "10", "--quick"))
    assert cord.name in printed  # the mask beside the scan is named
    rows = rows_of(tmp_path)
    assert {row["grade"] for row in rows} <= {"A", "B"}
    assert rows[-1]["found_again_told"] == "growth"
    assert rows[0]["found_again_told"] == "shrinkage"


def test_the_same_plan_draws_the_same_lesions_and_another_seed_others() -> None:
    host = read_source(None, None, Place(), None).host
    one, again, other = (plans((0.5,), 1, seed)[3] for seed in (1, 1, 2))
    assert drawn(one, host.course, host.z_mm)[0].tumour == drawn(again, host.course, host.z_mm)[0].tumour
    assert drawn(one, host.course, host.z_mm)[0].tumour != drawn(other, host.course, host.z_mm)[0].tumour


def test_a_scan_without_a_cord_mask_is_refused_with_a_way_to_make_one(tmp_path: Path) -> None:
    scan = tmp_path / "scan.nii.gz"
    scan.write_bytes(SCAN.read_bytes())
    message = refusal("--like", scan, "-o", tmp_path / "out")
    assert "scan.nii.gz: expected a mask of its cord, found none beside it" in message
    assert "--cord" in message
    assert not (tmp_path / "out").exists()


def test_what_would_be_cut_off_is_refused_with_the_room_there_is(tmp_path: Path) -> None:
    message = refusal("-o", tmp_path / "out", "--at", "50")
    assert "beyond the cord mask, which has -57 to +57 mm of cord" in message.replace("\n", " ")
    assert "choose --at" in message


def test_options_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "name it with --like" in refusal("-o", out, "--cord", CORD)
    assert "give one of them" in refusal("-o", out, "--like", SCAN, "--at", "1", "--mask", CORD)
    assert "above 0 mL" in refusal("-o", out, "--volume", "0")
    assert "thinner slices cannot be made" in refusal("-o", out, "--slice-mm", "0.4")


def test_a_mask_of_another_grid_or_an_empty_one_is_refused(tmp_path: Path) -> None:
    cord = images.load(CORD)
    images.save(cord.with_array(np.zeros_like(cord.array)), tmp_path / "empty.nii.gz")
    assert "no marked voxel" in refusal("--like", SCAN, "--cord", tmp_path / "empty.nii.gz", "-o", tmp_path / "out")
    moved = cord.affine.copy()
    moved[0, 3] += 5
    images.save(type(cord)(cord.array, moved), tmp_path / "moved.nii.gz")
    assert "export the mask again" in refusal(
        "--like", SCAN, "--cord", tmp_path / "moved.nii.gz", "-o", tmp_path / "out"
    )
