"""``cordtrack draft`` as a user types it: what is written, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.core.volume import Volume
from pipeline.errors import CordtrackError
from pipeline.files import images
from tests.draft.implant import dice, with_lesion


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    scan, truth, middle_mm = with_lesion()
    file = tmp_path_factory.mktemp("draft") / "scan.nii.gz"
    images.save(scan, file)
    return file, truth, ",".join(f"{at:.2f}" for at in middle_mm)


def draft(*arguments: object, expect: int = 0) -> str:
    done = CliRunner().invoke(commands.app, ["draft", *map(str, arguments)])
    if isinstance(done.exception, CordtrackError):
        return str(done.exception)
    assert done.exit_code == expect, (done.output, done.exception)
    return done.output


def test_the_mask_lies_on_the_scans_grid_beside_what_it_came_from(phantom, tmp_path) -> None:
    file, truth, click = phantom
    mask = tmp_path / "scan_label-tumour_mask.nii.gz"
    said = draft(file, "--inside", click, "-o", mask)
    assert "signed by nobody" in said
    drawn = images.load(mask)
    assert dice(drawn.array > 0, truth.array) > 0.8
    record = json.loads((tmp_path / "scan_label-tumour_mask.json").read_text())
    assert record["ClicksInsideMm"] == [[float(at) for at in click.split(",")]]
    assert record["Label"] == "tumour"
    assert record["AlgorithmVersion"] == 1
    assert record["Manual"] is False
    assert list(record["Sources"]) == ["scan.nii.gz"]
    assert record["VolumeMm3"] == pytest.approx(np.count_nonzero(drawn.array) * drawn.voxel_mm3, abs=0.01)


def test_nothing_is_overwritten_unless_asked(phantom, tmp_path) -> None:
    file, _, click = phantom
    mask = tmp_path / "mask.nii.gz"
    mask.write_text("drawn by hand")
    assert "already there" in draft(file, "--inside", click, "-o", mask)
    assert mask.read_text() == "drawn by hand"
    assert "doubt" not in draft(file, "--inside", click, "-o", mask, "--force")
    assert images.load(mask).array.any()


def test_a_mask_drawn_on_some_slices_is_filled_between_them_and_says_so(phantom, tmp_path) -> None:
    file, truth, click = phantom
    drawn = truth.array.astype(np.uint8)
    drawn[1::2] = 0  # the phantom's first axis runs from left to right; all its spacings are alike
    images.save(truth.with_array(drawn), tmp_path / "drawn.nii.gz")
    mask = tmp_path / "filled.nii.gz"
    assert "least sure" not in draft(file, "--between", tmp_path / "drawn.nii.gz", "--smooth", "-o", mask)
    assert dice(images.load(mask).array > 0, truth.array) > 0.9
    record = json.loads((tmp_path / "filled.json").read_text())
    assert list(record["Sources"]) == ["scan.nii.gz", "drawn.nii.gz"]
    assert record["Smoothed"] is True
    assert "ClicksInsideMm" not in record
    both = ["--between", tmp_path / "drawn.nii.gz", "--inside", click, "-o", tmp_path / "other.nii.gz"]
    assert "expected clicks (--inside X,Y,Z), or a mask drawn on some slices" in draft(file, *both)
    images.save(Volume(drawn[:-1], truth.affine), tmp_path / "cut.nii.gz")
    assert "on the voxels of scan.nii.gz" in draft(file, "--between", tmp_path / "cut.nii.gz", "-o", mask, "--force")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--inside", "1,2"], "expected three numbers x,y,z in RAS+ mm"),
        (["--inside", "nan,0,0"], "expected finite numbers"),
        (["--inside", "5000,0,0"], "expected a place inside the scan"),
        (["--inside", "0,0,0", "--compartment", "cord"], "expected one of tumour"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(phantom, tmp_path, arguments, words) -> None:
    mask = tmp_path / "mask.nii.gz"
    assert words in draft(phantom[0], *arguments, "-o", mask)
    assert list(tmp_path.iterdir()) == []


def test_what_is_proposed_poorly_is_said_so(phantom, tmp_path) -> None:
    said = draft(phantom[0], "--inside", phantom[2], "--compartment", "oedema", "-o", tmp_path / "mask.nii.gz")
    assert "doubt: oedema is proposed poorly" in said
