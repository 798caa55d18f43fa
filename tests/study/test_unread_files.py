"""What lies where nobody looks, or is another visit's, is said: nothing vanishes in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.volume import Volume
from tests.study.test_field_cases import M1, M2, T1, T2, TWO_VISITS, Results, block, scan, two_visits
from tests.study_folder import DSEG, codes, study_of

SURGERY = "participant_id,date,kind\nsub-01,2020-06-01,surgery\n"


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("derivatives/reader/sub-1/ses-01/anat/sub-1_ses-01_dseg.nii.gz", "derivatives/reader/sub-1/ses-01/anat"),
        ("derivatives/reader/sub-01/Ses-01/anat/sub-01_ses-01_dseg.nii.gz", "derivatives/reader/sub-01/Ses-01/anat"),
        ("derivatives/reader/sub-01/ses-01/Anat/sub-01_ses-01_dseg.nii.gz", "derivatives/reader/sub-01/ses-01/Anat"),
        ("derivatives/reader/sub-01/ses-01/sub-01_ses-01_dseg.nii.gz", "derivatives/reader/sub-01/ses-01"),
        ("derivatives/reader/sub-01_ses-01_dseg.nii.gz", "derivatives/reader"),
        ("derivatives/reader/masks/sub-01/anat/sub-01_dseg.nii.gz", "derivatives/reader/masks/sub-01/anat"),
        ("Derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_dseg.nii.gz", "Derivatives"),
    ],
)
def test_a_mask_where_none_is_looked_for_is_named_with_its_place(tmp_path: Path, place: str, path: str) -> None:
    study = study_of(tmp_path, {place: b"never opened"})
    assert [one.path for one in study.findings if one.code == "folder_ignored"] == [path]


def test_masks_in_their_places_and_those_of_other_examinations_are_not_named(tmp_path: Path) -> None:
    other = "derivatives/fmriprep/sub-01/ses-01/func/sub-01_ses-01_task-rest_desc-brain_mask.nii.gz"
    assert codes(study_of(tmp_path, {DSEG: b"never opened", other: b"never opened"})) == []


def test_a_patient_in_capital_letters_is_named(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"Sub-02/ses-01/anat/Sub-02_ses-01_T2w.nii.gz": b"never opened"})
    assert [(one.code, one.path) for one in study.findings] == [("name_not_bids", "Sub-02")]


@pytest.mark.parametrize(
    ("name", "code"),
    [("sub-01_ses-01_T2w_tumor.nrrd", "image_format"), ("sub-01_ses-01_dseg.NII.GZ", "mask_name_unknown")],
)
def test_a_mask_of_another_format_or_ending_is_named(tmp_path: Path, name: str, code: str) -> None:
    assert codes(study_of(tmp_path, {f"derivatives/reader/sub-01/ses-01/anat/{name}": b"never opened"})) == [code]


@pytest.mark.parametrize(
    "name", ["treatments.csv", "Treatments.tsv", "treatments.xlsx", "sub-01/sub-01_treatments.tsv"]
)
def test_treatments_under_another_name_are_no_word_that_nobody_was_treated(tmp_path: Path, name: str) -> None:
    study = study_of(tmp_path, {"treatments.tsv": None, name: SURGERY})
    assert "table_misnamed" in codes(study)
    assert [treatment.kind for treatment in study.patients[0].treatments] == ["unknown"]


def test_a_copy_beside_the_table_is_named_and_changes_nothing(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"treatments.csv": SURGERY, "treatments.json": "{}", "sub-01/sub-01_sessions.csv": ""})
    assert codes(study) == ["table_misnamed", "table_misnamed"]
    assert study.patients[0].treatments == ()


def test_a_mask_that_is_another_visits_voxel_for_voxel_is_named(tmp_path: Path) -> None:
    copied = two_visits(tmp_path, block(10), block(10))
    assert [(one.code, one.path) for one in copied.findings if "copied" in one.code] == [("mask_copied", M2)]


@pytest.mark.parametrize("second", [block(12), block(10, start=(3, 15, 24))])
def test_a_mask_of_its_own_is_not(tmp_path: Path, second: Volume) -> None:
    assert not [one for one in two_visits(tmp_path, block(10), second).findings if "copied" in one.code]


def test_specks_and_empty_masks_may_be_alike(tmp_path: Path) -> None:
    assert not [one for one in two_visits(tmp_path, block(3), block(3)).findings if "copied" in one.code]


def test_a_scan_at_two_visits_is_named(tmp_path: Path) -> None:
    files = {"sub-01/sub-01_sessions.tsv": TWO_VISITS, T1: scan(1), T2: scan(1), M1: block(10), M2: block(12)}
    copies = [one for one in Results(tmp_path, files).findings if "copied" in one.code]
    assert [(one.code, one.path, one.session_id) for one in copies] == [("scan_copied", T2, "ses-02")]


def test_a_number_under_an_unknown_word_gets_no_other_meaning_as_remedy(tmp_path: Path) -> None:
    table = {"derivatives/reader/dseg.tsv": "index\tname\n1\tSegment_1\n2\tcyst\n", M1: block(10)}
    (unlisted,) = [one for one in Results(tmp_path, table).findings if one.code == "mask_label_unlisted"]
    assert "correct the name in its row of 1" in unlisted.message
    assert "cyst'" not in unlisted.message
