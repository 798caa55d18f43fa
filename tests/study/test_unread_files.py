"""What lies where nobody looks, or is another visit's, is said: nothing vanishes in silence."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.files import fingerprints, images
from pipeline.run.steps.measure_visits import measure_visit
from pipeline.run.steps.visit_work import VisitDecisions
from pipeline.study.study_folder import read_study
from tests.study.test_field_cases import M1, M2, T1, T2, TWO_VISITS, VOXEL_MM3, Results, block, scan, two_visits
from tests.study_folder import AS_OF, DSEG, codes, study_of, write_files

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


def test_a_table_of_treatments_in_a_patients_folder_is_no_word_that_this_one_was_untreated(tmp_path: Path) -> None:
    own = {"sub-01/sub-01_treatments.tsv": SURGERY, "sub-02/anat/sub-02_T2w.nii.gz": scan(7)}
    study = study_of(tmp_path, own)
    kinds = {patient.patient.patient_id: [one.kind for one in patient.treatments] for patient in study.patients}
    assert "table_misnamed" in codes(study)
    assert kinds["sub-01"] == ["unknown"]
    assert kinds.get("sub-02", []) == []


@pytest.mark.parametrize(
    "name",
    ["treatments.tsv.txt", "treatments (1).tsv", "treatments_2024.csv", "treatment.tsv", "Treatments - Kopie.xlsx"],
)
def test_further_copies_of_the_table_of_treatments_are_named(name: str, tmp_path: Path) -> None:
    beside = study_of(tmp_path / "beside", {name: SURGERY})
    alone = study_of(tmp_path / "alone", {name: SURGERY, "treatments.tsv": None})
    assert "table_misnamed" in codes(beside)
    assert beside.patients[0].treatments == ()
    assert [one.kind for one in alone.patients[0].treatments] == ["unknown"]


def test_the_verdict_says_that_treatments_were_not_read_and_the_remedy_gives_the_right_one(tmp_path: Path) -> None:
    surgery = "participant_id\tdate\tkind\nsub-01\t2020-06-01\tsurgery\n"
    wrong_name = {"treatments.tsv": None, "Treatments.tsv": surgery}
    misnamed = two_visits(tmp_path / "misnamed", block(10), block(6), wrong_name)
    renamed = two_visits(tmp_path / "renamed", block(10), block(6), {"treatments.tsv": surgery})
    assert misnamed.calls() == {"NE"}
    reasons = [row.reason for row in misnamed.assessments if row.session_id == "ses-02"]
    assert all("(the row of treatments.tsv that could not be read without" in reason for reason in reasons)
    assert renamed.states("ses-02") == {"baseline"}
    assert "table_misnamed" not in renamed.codes()


def test_a_copy_beside_the_table_is_named_and_changes_nothing(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"treatments.csv": SURGERY, "treatments.json": "{}", "sub-01/sub-01_sessions.csv": ""})
    assert codes(study) == ["table_misnamed", "table_misnamed"]
    assert study.patients[0].treatments == ()


def copies_of(results: Results) -> list[tuple[str, str | None, str | None]]:
    return [(o.code, o.path, o.session_id) for o in results.findings if o.code.endswith(("_copied", "_alike"))]


def test_a_mask_that_is_another_visits_voxel_for_voxel_is_named_at_both(tmp_path: Path) -> None:
    copied = two_visits(tmp_path, block(10), block(10))
    assert copies_of(copied) == [("mask_alike", M1, "ses-01"), ("mask_copied", M2, "ses-02")]
    assert "found that of ses-02" in copied.message("mask_alike")
    assert "found that of ses-01" in copied.message("mask_copied")


def test_a_copied_mask_is_no_word_that_nothing_changed(tmp_path: Path) -> None:
    copied = two_visits(tmp_path, block(10), block(10))
    assert (copied.tumour("ses-01"), copied.tumour("ses-02")) == (300 * VOXEL_MM3, None)
    assert copied.calls() == {"NE"}
    assert (copied.row("ses-02").missing_reason or "").startswith("its mask is that of ses-01 voxel by voxel")


def test_a_copied_mask_counts_once_somebody_accepts_it_or_draws_anew(tmp_path: Path) -> None:
    copied = two_visits(tmp_path, block(10), block(10)).visits[1]
    accepted = replace(copied, decided=VisitDecisions(accepted=frozenset({Compartment.TUMOUR})))
    drawn = replace(copied, masks=replace(copied.masks, drawn={Compartment.TUMOUR: block(12)}))
    sizes = [measure_visit(one, [Compartment.TUMOUR], None)[0].volume_mm3 for one in (copied, accepted, drawn)]
    assert sizes == [None, pytest.approx(300 * VOXEL_MM3), pytest.approx(432 * VOXEL_MM3)]


@pytest.mark.parametrize(
    "decided",
    [VisitDecisions(visits_out=frozenset({"ses-01"})), VisitDecisions(masks_out=frozenset({("ses-01", "tumour")}))],
)
def test_a_copied_mask_counts_once_the_earlier_one_is_excluded(tmp_path: Path, decided: VisitDecisions) -> None:
    copied = two_visits(tmp_path, block(10), block(10)).visits[1]
    assert Compartment.TUMOUR in copied.out_of_use
    assert not replace(copied, decided=decided).out_of_use


def test_another_readers_copied_mask_is_no_second_reading(tmp_path: Path) -> None:
    first, second = (place.replace("/reader/", "/second/") for place in (M1, M2))
    listed = {"derivatives/second/dseg.tsv": "index\tname\n1\ttumour\n", first: block(10)}
    alone = two_visits(tmp_path / "alone", block(10), block(14), listed)
    copied = two_visits(tmp_path / "copied", block(10), block(14), {**listed, second: block(10)})
    genuine = two_visits(tmp_path / "genuine", block(10), block(14), {**listed, second: block(9)})
    assert copied.row("ses-02").volume_cv == alone.row("ses-02").volume_cv
    assert (genuine.row("ses-02").volume_cv or 0) > (copied.row("ses-02").volume_cv or 1)
    assert ("mask_copied", second, "ses-02") in copies_of(copied)


@pytest.mark.parametrize("second", [block(12), block(10, start=(3, 15, 24))])
def test_a_mask_of_its_own_is_not(tmp_path: Path, second: Volume) -> None:
    assert not copies_of(two_visits(tmp_path, block(10), second))


def test_equal_specks_are_named_and_keep_their_size(tmp_path: Path) -> None:
    specks = two_visits(tmp_path, block(3), block(3))
    assert copies_of(specks) == [("mask_alike", M1, "ses-01"), ("mask_alike", M2, "ses-02")]
    assert specks.tumour("ses-02") == 27 * VOXEL_MM3


def test_empty_masks_may_be_alike(tmp_path: Path) -> None:
    assert not copies_of(two_visits(tmp_path, block(0), block(0)))


def one_scan_twice(folder: Path, beside: dict[str, str] | None = None) -> Results:
    files = {"sub-01/sub-01_sessions.tsv": TWO_VISITS, T1: scan(1), T2: scan(1), M1: block(10), M2: block(12)}
    return Results(folder, {**files, **(beside or {})})


def test_a_scan_at_two_visits_is_named_and_measured_at_neither(tmp_path: Path) -> None:
    results = one_scan_twice(tmp_path)
    assert results.calls() == {"NE"}
    assert (results.tumour("ses-01"), results.tumour("ses-02")) == (None, None)
    reasons = [results.row(name).missing_reason or "" for name in ("ses-01", "ses-02")]
    assert reasons[0].startswith("its scan is the very file of ses-02")
    assert reasons[1].startswith("its scan is the very file of ses-01")
    assert copies_of(results) == [("scan_copied", T1, "ses-01"), ("scan_copied", T2, "ses-02")]


def from_series(folder: Path, first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """Sidecars as the conversion of DICOM series writes them, each with some lines changed."""
    images.save(scan(1), folder / "scan.nii.gz")
    image = {"ImageDigest": fingerprints.of_file(folder / "scan.nii.gz")}
    lines = [{"SeriesToken": "0c45c84c"} | image | first, {"SeriesToken": "08cdcc87"} | image | second]
    paths = [place.replace(".nii.gz", ".json") for place in (T1, T2)]
    return {path: json.dumps(content) for path, content in zip(paths, lines, strict=True)}


def test_of_equal_scans_from_series_of_their_own_the_earliest_keeps_its_size(tmp_path: Path) -> None:
    results = one_scan_twice(tmp_path / "study", from_series(tmp_path, {}, {}))
    assert copies_of(results) == [("scan_alike", T1, "ses-01"), ("scan_copied", T2, "ses-02")]
    assert (results.tumour("ses-01"), results.tumour("ses-02")) == (300 * VOXEL_MM3, None)
    assert results.states("ses-01") == {"baseline"}
    assert results.states("ses-02") == {"not_evaluable"}


@pytest.mark.parametrize(
    "second", [{"SeriesToken": "0c45c84c"}, {"SeriesToken": ""}, {"ImageDigest": "0" * 64}, {"ImageDigest": ""}]
)
def test_of_equal_scans_one_that_was_put_there_leaves_neither_its_size(tmp_path: Path, second: dict[str, str]) -> None:
    results = one_scan_twice(tmp_path / "study", from_series(tmp_path, {}, second))
    assert [code for code, *_ in copies_of(results)] == ["scan_copied", "scan_copied"]
    assert (results.tumour("ses-01"), results.tumour("ses-02")) == (None, None)


def test_a_scan_counts_once_the_other_visit_is_excluded_and_by_no_acceptance(tmp_path: Path) -> None:
    first, second = one_scan_twice(tmp_path).visits
    freed = replace(first, decided=VisitDecisions(visits_out=frozenset({"ses-02"})))
    accepted = replace(second, decided=VisitDecisions(accepted=frozenset({Compartment.TUMOUR})))
    masks_out = VisitDecisions(masks_out=frozenset({("ses-02", "tumour")}))
    assert not freed.out_of_use
    assert Compartment.TUMOUR in accepted.out_of_use
    assert Compartment.TUMOUR in replace(first, decided=masks_out).out_of_use


def test_another_sequence_at_two_visits_is_named_and_the_size_stays(tmp_path: Path) -> None:
    post = [place.replace("_T2w", "_ce-gd_T1w") for place in (T1, T2)]
    results = two_visits(tmp_path, block(10), block(12), dict.fromkeys(post, scan(3)))
    assert copies_of(results) == [("sequence_copied", post[0], "ses-01"), ("sequence_copied", post[1], "ses-02")]
    assert results.tumour("ses-02") == 432 * VOXEL_MM3


def test_a_number_under_an_unknown_word_gets_no_other_meaning_as_remedy(tmp_path: Path) -> None:
    table = {"derivatives/reader/dseg.tsv": "index\tname\n1\tSegment_1\n2\tcyst\n", M1: block(10)}
    (unlisted,) = [one for one in Results(tmp_path, table).findings if one.code == "mask_label_unlisted"]
    assert "correct the name in its row of 1" in unlisted.message
    assert "cyst'" not in unlisted.message


def test_an_index_with_a_point_is_to_be_written_as_a_whole_number(tmp_path: Path) -> None:
    table = {"derivatives/reader/dseg.tsv": "index\tname\n1.0\ttumour\n", M1: block(10)}
    (malformed,) = [one for one in Results(tmp_path, table).findings if one.code == "index_malformed"]
    assert "whole number" in malformed.remedy
    assert "point" not in malformed.remedy


def test_a_folder_that_is_no_study_is_told_what_it_holds_and_where_that_belongs(tmp_path: Path) -> None:
    def words(folder: Path) -> str:
        study = read_study(folder, as_of=AS_OF)
        return next(one.message for one in study.findings if one.code == "study_empty")

    assert words(write_files(tmp_path / "none", {"notes.txt": "x"})) == "expected folders sub-<label>, found none"
    loose = write_files(tmp_path / "loose", {"2020/scan.nii.gz": b"x", "2021/scan.nii.gz": b"x"})
    assert "but 2 images or more such as scan.nii.gz; name each like sub-01/ses-01/anat/" in words(loose)
    disc = write_files(tmp_path / "disc", {"IM0001": b"\0" * 128 + b"DICM", "IM0002": b"\0" * 128 + b"DICM", "a": b"x"})
    assert "but 2 DICOM files or more; bring them into a study with 'cordtrack import-dicom disc STUDY'" in words(disc)
    bare = write_files(tmp_path / "bare", {"IM0001": b"\x08\0\x05\0" + b"\0" * 8})
    assert "but 1 DICOM files or more" in words(bare)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "waits")
    assert words(tmp_path / "pipe") == "expected folders sub-<label>, found none"
