"""Masks as hospitals and data sets name, scale and cut them: the right volume, or a refusal whose remedy helps."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.tools import one_scan
from tests.study.test_field_cases import AFFINE, SHAPE, T2, VOXEL_MM3, Results, block, two_visits

TRUE_MM3 = 300 * VOXEL_MM3
DRAWN = block().array.astype(np.float64)
SOFT = ndimage.gaussian_filter(DRAWN, (0.3, 1, 1))
NOISY = DRAWN + np.random.default_rng(3).normal(0, 2e-4, SHAPE) * DRAWN + 1e-5 * np.random.default_rng(4).random(SHAPE)
FOLDER = "derivatives/labels/sub-01/ses-01/anat/sub-01_ses-01_"
MANUAL = {"derivatives/labels/dataset_description.json": '{"GeneratedBy": [{"Name": "manual"}]}'}


def stored(array: np.ndarray, dtype: type, slope: float = 1.0, inter: float = 0.0) -> bytes:
    """Return a NIfTI file whose header scales its numbers."""
    content = bytearray(nib.Nifti1Image(array.astype(dtype), AFFINE).to_bytes())
    content[112:120] = struct.pack("<ff", slope, inter)
    return gzip.compress(bytes(content))


@pytest.mark.parametrize(
    "name",
    [
        "T2w_tumor-manual",
        "T2w_tumor-manual-rater1",
        "T2w_tumor_seg",
        "T2w_seg-tumor",
        "T2w_mask_tumour",
        "T2w_label-tumor_desc-manual_mask",
        "T2w_desc-rater1_label-tumor_seg",
        "rec-norm_T2w_label-TUMOR_seg",
        "space-other_label-tumor_seg",
        "tumour",
    ],
)
def test_a_name_that_says_the_compartment_is_understood(tmp_path: Path, name: str) -> None:
    results = Results(tmp_path, {**MANUAL, f"{FOLDER}{name}.nii.gz": block()})
    assert results.tumour() == TRUE_MM3


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("T2w_lesion_seg", "mask_name_unknown"),
        ("T2w_lesion-manual-rater2", "mask_name_unknown"),
        ("T2w_seg", "mask_name_unknown"),
        ("T2w_gtv", "mask_name_unknown"),
        ("gtv", "mask_name_unknown"),
        ("roi", "mask_name_unknown"),
        ("T2w_softseg", "mask_name_unknown"),
        ("label-lesion_mask", "compartment_unknown"),
        ("desc-tumour_mask", "mask_label_missing"),
    ],
)
def test_a_name_that_does_not_is_named_and_the_remedy_helps(tmp_path: Path, name: str, code: str) -> None:
    refused = Results(tmp_path / "as named", {**MANUAL, f"{FOLDER}{name}.nii.gz": block()})
    assert refused.tumour() is None
    assert refused.codes().count(code) == 1
    assert "label-" in next(one.remedy for one in refused.findings if one.code == code) or code.startswith("comp")
    renamed = Results(tmp_path / "renamed", {**MANUAL, f"{FOLDER}label-tumour_mask.nii.gz": block()})
    assert (renamed.tumour(), renamed.codes().count(code)) == (TRUE_MM3, 0)
    table = {"derivatives/labels/dseg.tsv": "index\tname\n1\ttumour\n"}
    listed = Results(tmp_path / "listed", {**MANUAL, **table, f"{FOLDER}dseg.nii.gz": block()})
    assert listed.tumour() == TRUE_MM3


AS_MASK = f"{FOLDER}label-tumour_mask.nii.gz"
AS_MAP = f"{FOLDER}dseg.nii.gz"
AS_SHARES = f"{FOLDER}label-tumour_probseg.nii.gz"
TABLE = {"derivatives/labels/dseg.tsv": "index\tname\n1\ttumour\n2\tcyst\n"}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (AS_MASK, stored(DRAWN, np.uint8, 1 / 255)),
        (AS_MASK, stored(DRAWN * 255, np.uint8, 1 / 255)),
        (AS_MASK, stored(DRAWN * 255, np.uint8)),
        (AS_MASK, stored(DRAWN * 100, np.int16)),
        (AS_MASK, stored(DRAWN * 1000, np.int16)),
        (AS_MASK, stored(NOISY, np.float32)),
        (AS_MASK, stored(DRAWN * 1e-30, np.float32)),
        (AS_MAP, stored(NOISY, np.float32)),
        (AS_MAP, stored(DRAWN * 100, np.int16, 0.01)),
        (AS_SHARES, stored((SOFT / SOFT.max() * 255).round(), np.uint8, 1 / 255)),
        (AS_SHARES, stored(NOISY.clip(0, 1), np.float32)),
    ],
)
def test_a_scale_that_leaves_no_doubt_is_undone(tmp_path: Path, path: str, content: bytes) -> None:
    results = Results(tmp_path, {**MANUAL, **TABLE, path: content})
    assert results.tumour() == pytest.approx(TRUE_MM3, rel=0.01)
    (tmp_path / "mask.nii.gz").write_bytes(content)
    (row,) = one_scan.measure_file(tmp_path / "mask.nii.gz", None)
    assert row["volume_mm3"] == pytest.approx(TRUE_MM3, rel=0.01)


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        (AS_SHARES, stored(SOFT * 0.02, np.float32), "0.02 at most"),
        (AS_SHARES, stored((SOFT * 255).round(), np.uint8, 1 / 65025), "0.0039 at most"),
        (AS_SHARES, stored(SOFT * 1e-7, np.float32), "at most; was it stored with a scale"),
        (AS_SHARES, stored(SOFT / SOFT.max() * 100, np.float32), "per cent"),
        (AS_SHARES, stored((SOFT / SOFT.max() * 255).round(), np.uint8), "8 bits"),
        (AS_SHARES, stored(np.where(DRAWN > 0, 6.0, -6.0), np.float32), "-6 to 6"),
    ],
)
def test_shares_of_another_scale_are_refused_and_never_empty(
    tmp_path: Path, path: str, content: bytes, words: str
) -> None:
    results = Results(tmp_path, {**MANUAL, **TABLE, path: content})
    assert results.tumour() is None
    assert words in results.message("mask_values")
    (tmp_path / "mask.nii.gz").write_bytes(content)
    if "-6" not in words:  # two labels, to a program that is told nothing
        with pytest.raises(InputError, match="expected"):
            one_scan.measure_file(tmp_path / "mask.nii.gz", None)
    again = Results(tmp_path / "again", {**MANUAL, AS_SHARES: stored(SOFT / SOFT.max(), np.float32)})
    assert again.tumour() == pytest.approx(TRUE_MM3, rel=0.01), "exported again, as the remedy says"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (stored(DRAWN * 127.5, np.float32), "mask_values"),
        (stored(DRAWN, np.uint8, 1 / 255), "mask_values"),
        (stored(DRAWN * 1e-30, np.float32), "mask_values"),
        (stored(SOFT, np.float32), "mask_values"),
        (stored(DRAWN * 255, np.uint8), "mask_label_unlisted"),
        (stored(DRAWN * 100, np.uint8), "mask_label_unlisted"),
    ],
)
def test_labels_of_another_scale_are_refused_and_never_empty(tmp_path: Path, content: bytes, code: str) -> None:
    results = Results(tmp_path, {**MANUAL, **TABLE, AS_MAP: content})
    assert results.tumour() is None
    assert results.codes().count(code) == 1
    if code == "mask_label_unlisted":  # the remedy: list the value
        label = int(np.frombuffer(gzip.decompress(content)[352:], np.uint8).max())
        listed = {"derivatives/labels/dseg.tsv": f"index\tname\n{label}\ttumour\n"}
        assert Results(tmp_path / "listed", {**MANUAL, **listed, AS_MAP: content}).tumour() == TRUE_MM3


FACES = {"left": (0, 0), "right": (0, 1), "back": (1, 0), "front": (1, 1), "foot": (2, 0), "head": (2, 1)}


def at_face(face: str) -> Volume:
    """Return a block of 300 voxels that lies against one face of the scan."""
    axis, end = FACES[face]
    start, size = [3, 14, 24], (3, 10, 10)
    start[axis] = 0 if end == 0 else SHAPE[axis] - size[axis]
    return block(start=(start[0], start[1], start[2]))


@pytest.mark.parametrize("face", FACES)
def test_a_mask_cut_at_any_face_is_a_lower_bound_and_no_response(tmp_path: Path, face: str) -> None:
    shrunk = two_visits(tmp_path / "shrunk", block(14), at_face(face))
    assert (shrunk.tumour("ses-02"), shrunk.calls()) == (TRUE_MM3, {"NE"})
    assert f"({face})" in (shrunk.row("ses-02").bound_reason or "")
    assert "PD" in two_visits(tmp_path / "grown", block(5), at_face(face)).calls()
    images.save(at_face(face), tmp_path / "mask.nii.gz")
    assert one_scan.measure_file(tmp_path / "mask.nii.gz", None)[0]["edges_reached"] == face


def test_a_stack_narrower_than_the_tumour_is_one_too(tmp_path: Path) -> None:
    narrow = Volume(np.random.default_rng(1).normal(200, 30, (3, 40, 60)).clip(1).astype(np.float32), AFFINE)
    drawn = np.zeros(narrow.shape, np.uint8)
    drawn[:, 14:20, 24:30] = 1
    results = two_visits(tmp_path, block(14), Volume(drawn, AFFINE), {T2: narrow})
    assert "(left, right)" in (results.row("ses-02").bound_reason or "")
    assert results.calls() == {"NE"}


@pytest.mark.parametrize("array", [np.ones(SHAPE, np.uint8), 1 - DRAWN.astype(np.uint8)], ids=["picture", "inverse"])
def test_a_mask_of_the_picture_says_nothing_of_any_compartment(tmp_path: Path, array: np.ndarray) -> None:
    results = Results(tmp_path, {**MANUAL, **TABLE, AS_MAP: Volume(array, AFFINE)})
    assert [row.volume_mm3 for row in results.rows] == [None] * len(results.rows)
    assert [code for code in results.codes() if code.startswith("mask_")] == ["mask_covers_scan"]
