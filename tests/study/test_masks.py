"""Masks: which files count, what their labels mean, and what is refused when their voxels are read."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.study.label_names import COMPARTMENT_NAMES, compartment_named, names_of_source
from pipeline.study.mask_voxels import in_order_of
from pipeline.study.study_folder import read_masks
from tests.core.orientations import AXIS_ORDERS, oblique
from tests.study_folder import AFFINE, DSEG, T2W, codes, only_visit, study_of, volume

ANAT = "derivatives/reader/sub-01/ses-01/anat"
TUMOUR_MASK = f"{ANAT}/sub-01_ses-01_label-tumour_mask.nii.gz"
PROBABILITY = f"{ANAT}/sub-01_ses-01_label-tumour_probseg.nii.gz"
IMAGE = volume()
RANDOM = np.random.default_rng(3)


def drawn(*labels: float, dtype: type = np.uint8) -> np.ndarray:
    """An array of the image's shape whose first voxels carry the given values."""
    array = np.zeros(IMAGE.shape, dtype=dtype)
    array.ravel()[: len(labels)] = labels
    return array


# ---------------------------------------------------------------- which files


@pytest.mark.parametrize(
    ("files", "kinds", "expected"),
    [
        ({DSEG: b""}, ["dseg"], []),
        ({TUMOUR_MASK: b"", PROBABILITY.replace("tumour", "cyst"): b""}, ["probseg", "mask"], []),
        ({DSEG.replace("_dseg", "_desc-warped_T2w"): b"", DSEG.replace("nii.gz", "html"): b""}, [], []),
        ({TUMOUR_MASK.replace("_label-tumour", ""): b""}, [], ["mask_label_missing"]),
        ({TUMOUR_MASK.replace("tumour", "lesion"): b""}, [], ["compartment_unknown"]),
        ({TUMOUR_MASK.replace("_ses-01_", "_ses-02_"): b""}, [], ["name_mismatch"]),
        ({DSEG.replace("_dseg", "_T2w_label-SC_seg"): b""}, ["mask"], []),
        ({DSEG.replace("_dseg", "_T2w_tumor"): b""}, ["mask"], []),
        ({DSEG.replace("_dseg", "_tumor"): b""}, ["mask"], []),
        ({DSEG.replace("_dseg", "_T2w_label-tumor_softseg"): b""}, ["probseg"], []),
        ({DSEG.replace("_dseg", "_T2w_lesion-manual"): b""}, [], ["mask_name_unknown"]),
        ({DSEG.replace("_dseg", "_T2w_label-lesion_seg"): b""}, [], ["mask_name_unknown"]),
        ({DSEG.replace("_dseg", "_T2w_seg-manual"): b""}, [], ["mask_name_unknown"]),
        ({DSEG.replace("_dseg", "_lesionseg"): b""}, [], ["mask_name_unknown"]),
        ({f"{ANAT}/tumour of monday.nii.gz": b""}, [], ["mask_name_unknown"]),
        ({DSEG.replace("_dseg", "_T2w_centerline"): b""}, [], []),
        ({DSEG.replace("ses-01", "ses-09"): b""}, [], ["mask_without_visit"]),
        ({"derivatives/sub-01/anat/sub-01_label-tumour_mask.nii.gz": b""}, [], ["folder_ignored"]),
        ({DSEG: b"", TUMOUR_MASK: b""}, ["dseg", "mask"], ["mask_repeated"]),
        ({DSEG.replace("sub-01", "sub-77"): b""}, [], ["folder_ignored"]),
    ],
)
def test_a_mask_file_counts_or_is_reported(
    tmp_path: Path, files: dict[str, bytes], kinds: list[str], expected: list[str]
) -> None:
    study = study_of(tmp_path, files)
    assert codes(study) == expected
    assert [mask.kind for mask in only_visit(study).masks] == kinds


def test_a_mask_outside_the_visits_of_a_patient_who_has_some_is_not_placed(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"derivatives/reader/sub-01/anat/sub-01_label-tumour_mask.nii.gz": b""})
    assert codes(study) == ["mask_without_visit"]
    assert only_visit(study).masks == ()


@pytest.mark.parametrize(
    ("description", "sidecar", "origin", "expected"),
    [
        ('{"GeneratedBy": [{"Name": "Manual"}]}', None, MaskOrigin.MANUAL, []),
        ('{"GeneratedBy": [{"Name": "nnU-Net"}]}', None, MaskOrigin.AUTOMATIC, []),
        ('{"GeneratedBy": [{"Name": "manual"}, {"Name": "nnU-Net"}]}', None, MaskOrigin.AUTOMATIC, []),
        ('{"GeneratedBy": [{"Name": "nnU-Net"}]}', '{"Manual": true}', MaskOrigin.MANUAL, []),
        ('{"GeneratedBy": [{"Name": "manual"}]}', '{"Manual": false}', MaskOrigin.AUTOMATIC, []),
        ('{"Name": "masks"}', None, MaskOrigin.AUTOMATIC, ["mask_origin_unstated"]),
        (None, None, MaskOrigin.AUTOMATIC, ["mask_origin_unstated"]),
        ("not json", None, MaskOrigin.AUTOMATIC, ["json_unreadable", "mask_origin_unstated"]),
    ],
)
def test_a_mask_counts_as_drawn_by_people_only_where_that_is_said(
    tmp_path: Path, description: str | None, sidecar: str | None, origin: MaskOrigin, expected: list[str]
) -> None:
    files = {
        DSEG: b"",
        "derivatives/reader/dataset_description.json": description,
        DSEG.replace(".nii.gz", ".json"): sidecar,
    }
    study = study_of(tmp_path, files)
    assert codes(study) == expected
    assert [mask.origin for mask in only_visit(study).masks] == [origin]


def test_results_of_cordtrack_itself_are_not_read_as_masks(tmp_path: Path) -> None:
    own = {
        "derivatives/cordtrack/dataset_description.json": '{"GeneratedBy": [{"Name": "cordtrack"}]}',
        TUMOUR_MASK.replace("reader", "cordtrack"): b"",
    }
    study = study_of(tmp_path, own)
    assert codes(study) == ["derivative_own_output"]
    assert only_visit(study).masks == ()


# ---------------------------------------------------------------- meaning of labels


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({f"{ANAT}/sub-01_ses-01_dseg.tsv": "index\tname\n7\toedema\n"}, {7: Compartment.OEDEMA}),
        ({f"{ANAT}/dseg.tsv": "index\tname\n7\toedema\n"}, {7: Compartment.OEDEMA}),
        ({"derivatives/reader/sub-01/sub-01_dseg.tsv": "index\tname\n7\toedema\n"}, {7: Compartment.OEDEMA}),
        (
            {f"{ANAT}/sub-01_ses-01_acq-ax_dseg.tsv": "index\tname\n7\toedema\n"},
            {1: Compartment.TUMOUR, 2: Compartment.CYST},
        ),
        (
            {f"{ANAT}/dseg.tsv": "index\tname\n7\tcord\n", f"{ANAT}/sub-01_dseg.tsv": "index\tname\n7\toedema\n"},
            {7: Compartment.OEDEMA},
        ),
    ],
)
def test_the_closest_table_says_what_a_label_means(
    tmp_path: Path, tables: dict[str, str], expected: dict[int, Compartment]
) -> None:
    study = study_of(tmp_path, {DSEG: b"", **tables})
    assert study.findings == ()
    assert only_visit(study).masks[0].labels == expected


@pytest.mark.parametrize(
    ("table", "labels", "expected"),
    [
        (None, None, ["mask_table_missing"]),
        ("index\tname\n1\tblob\n", None, ["compartment_unknown"]),
        ("index\tname\n1\ttumour\n2\tlesion\n", {1: Compartment.TUMOUR}, ["compartment_unknown"]),
        ("index\tname\n1\ttumour\n1\tcyst\n2\tedema\n", {2: Compartment.OEDEMA}, ["mask_table_conflict"]),
        ("index\tname\n1\ttumour\n1\ttumor\n", {1: Compartment.TUMOUR}, []),
        ("index\tname\none\ttumour\n2\tcyst\n", {2: Compartment.CYST}, ["index_malformed"]),
        ("index\tname\n-1\ttumour\n2\tcyst\n", {2: Compartment.CYST}, ["index_malformed"]),
        ("index\tname\n1\t\n2\tcyst\n", {2: Compartment.CYST}, ["row_incomplete"]),
        ("index,name\n1,tumour\n", None, ["table_delimiter"]),
        ("index\tlabel\n1\ttumour\n", None, ["column_missing"]),
        ("index\tname\n0\tBackground\n1\tTumor\n9\tVertebrae\n", {1: Compartment.TUMOUR}, []),
    ],
)
def test_an_odd_label_table_costs_only_what_is_odd(
    tmp_path: Path, table: str | None, labels: dict[int, Compartment] | None, expected: list[str]
) -> None:
    study = study_of(tmp_path, {DSEG: b"", "derivatives/reader/dseg.tsv": table})
    assert codes(study) == expected
    assert [mask.labels for mask in only_visit(study).masks] == ([] if labels is None else [labels])


def test_an_odd_label_table_is_reported_once_for_all_its_masks(tmp_path: Path) -> None:
    files = {
        "sub-01/sub-01_sessions.tsv": "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-02-17\n",
        "sub-01/ses-02/anat/sub-01_ses-02_T2w.nii.gz": b"",
        DSEG: b"",
        DSEG.replace("ses-01", "ses-02"): b"",
        "derivatives/reader/dseg.tsv": "index\tname\n1\ttumour\n2\tblob\n",
    }
    assert codes(study_of(tmp_path, files)) == ["compartment_unknown"]


def test_two_tables_that_fit_equally_well_are_not_chosen_between(tmp_path: Path) -> None:
    tables = {
        f"{ANAT}/sub-01_dseg.tsv": "index\tname\n1\ttumour\n",
        f"{ANAT}/ses-01_dseg.tsv": "index\tname\n1\tcyst\n",
    }
    study = study_of(tmp_path, {DSEG: b"", **tables})
    assert codes(study) == ["mask_table_ambiguous"]
    assert only_visit(study).masks == ()


@pytest.mark.parametrize(
    ("name", "compartment"),
    [
        ("Tumor", Compartment.TUMOUR),
        ("solid_tumour", Compartment.TUMOUR),
        ("Edema", Compartment.OEDEMA),
        ("hemorrhage", Compartment.HAEMORRHAGE),
        ("Spinal cord", Compartment.CORD),
        ("SC", Compartment.CORD),
        ("resection-cavity", Compartment.CAVITY),
        ("lesion", None),
        ("", None),
        ("tumour?", None),
    ],
)
def test_compartments_are_known_by_name_and_never_guessed(name: str, compartment: Compartment | None) -> None:
    assert compartment_named(name) is compartment


def test_every_compartment_is_known_by_its_own_name() -> None:
    assert {compartment_named(compartment) for compartment in Compartment} == set(Compartment)
    assert set(COMPARTMENT_NAMES.values()) == set(Compartment)


@pytest.mark.parametrize(
    ("source", "meaning"),
    [
        ("sct", Compartment.CYST),
        ("sct_tumour", Compartment.CYST),
        ("labels-SCT", Compartment.CYST),
        ("spinal-cord-toolbox", Compartment.CYST),
        ("reader", Compartment.CAVITY),
        ("dissct", Compartment.CAVITY),
        ("sctx", Compartment.CAVITY),
    ],
)
def test_cavity_means_cyst_in_the_spinal_cord_toolbox_only(source: str, meaning: Compartment) -> None:
    assert compartment_named("cavity", names_of_source(source)) is meaning


# ---------------------------------------------------------------- voxels


def test_a_label_map_gives_each_listed_compartment_also_an_absent_one(tmp_path: Path) -> None:
    study = study_of(tmp_path, {DSEG: volume(drawn(1, 1, 1, 0))})
    readings, findings = read_masks(only_visit(study), IMAGE)
    assert findings == ()
    assert {str(r.compartment): int(r.volume.array.sum()) for r in readings} == {"tumour": 3, "cyst": 0}
    assert all(reading.volume.array.dtype == bool for reading in readings)
    assert all(reading.volume.affine is IMAGE.affine for reading in readings)


def test_two_labels_of_one_compartment_are_joined(tmp_path: Path) -> None:
    table = {"derivatives/reader/dseg.tsv": "index\tname\n1\ttumour\n5\ttumor\n"}
    study = study_of(tmp_path, {DSEG: volume(drawn(1, 5, 5)), **table})
    ((compartment, mask, file, _),), findings = read_masks(only_visit(study), IMAGE)
    assert (compartment, int(mask.array.sum()), findings) == (Compartment.TUMOUR, 3, ())
    assert file.relative == DSEG


def test_a_probability_map_stays_a_probability_map(tmp_path: Path) -> None:
    study = study_of(tmp_path, {PROBABILITY: volume(drawn(0.25, 1.0004, dtype=np.float32))})
    ((_, mask, *_),), findings = read_masks(only_visit(study), IMAGE)
    assert findings == ()
    assert mask.array.dtype == np.float32
    assert mask.array.ravel()[:3].tolist() == [0.25, 1.0, 0.0]


SIGNS = list(product((1.0, -1.0), repeat=3))


@pytest.mark.parametrize("order", AXIS_ORDERS)
@pytest.mark.parametrize("signs", SIGNS)
def test_a_mask_stored_in_another_axis_order_is_the_same_mask(
    tmp_path: Path, order: tuple[int, ...], signs: tuple[float, ...]
) -> None:
    image = Volume(np.zeros((4, 5, 6), np.uint8), oblique((17, -8, 33), (0.7, 0.8, 3.3)))
    mask = image.with_array(RANDOM.integers(0, 3, image.shape).astype(np.uint8))
    stored = in_order_of(mask, Volume(mask.array, image.affine[:, [*order, 3]] @ np.diag([*signs, 1.0])))
    assert stored.shape == tuple(image.shape[axis] for axis in order)
    study = study_of(tmp_path, {DSEG: stored})
    readings, findings = read_masks(only_visit(study), image)
    assert findings == ()
    for label, reading in enumerate(readings, start=1):
        assert np.array_equal(reading.volume.array, mask.array == label)


@pytest.mark.parametrize("value", [1, 255])
def test_a_binary_mask_has_any_one_value(tmp_path: Path, value: int) -> None:
    study = study_of(tmp_path, {TUMOUR_MASK: volume(drawn(value, value))})
    ((_, mask, *_),), findings = read_masks(only_visit(study), IMAGE)
    assert (int(mask.array.sum()), mask.array.dtype, findings) == (2, np.dtype(bool), ())


SHIFTED = AFFINE.copy()
SHIFTED[2, 3] = 1.5
FLIPPED = AFFINE @ np.diag([-1.0, 1, 1, 1])


@pytest.mark.parametrize(
    ("name", "content", "expected", "words"),
    [
        (DSEG, volume(np.zeros((6, 5, 3), np.uint8)), "mask_grid", "expected the image's grid of 6x5x4 voxels"),
        (DSEG, volume(drawn(1), SHIFTED), "mask_grid", "first voxel at (0.0, 0.0, 1.5) mm, axes RAS"),
        (DSEG, volume(drawn(1), FLIPPED), "mask_grid", "axes LAS"),
        (DSEG, volume(drawn(0.5, dtype=np.float32)), "mask_values", "expected whole-number labels"),
        (DSEG, b"", "mask_unreadable", "empty file (0 bytes)"),
        (DSEG, b"no image", "mask_unreadable", "expected"),
        (TUMOUR_MASK, volume(drawn(1, 2)), "mask_values", "expected 0 and 1, found values from 0 to 2"),
        (TUMOUR_MASK, volume(drawn(-1, dtype=np.int16)), "mask_values", "-1 to 0"),
        (TUMOUR_MASK, volume(drawn(0.3, 0.7, dtype=np.float32)), "mask_values", "0 to 0.7"),
        (PROBABILITY, volume(drawn(100, dtype=np.float32)), "mask_values", "0 to 100"),
        (PROBABILITY, volume(drawn(-0.2, dtype=np.float32)), "mask_values", "-0.2 to 0"),
        (PROBABILITY, volume(drawn(np.nan, dtype=np.float32)), "mask_unreadable", "finite"),
    ],
)
def test_a_mask_that_cannot_be_trusted_is_refused(
    tmp_path: Path, name: str, content: object, expected: str, words: str
) -> None:
    study = study_of(tmp_path, {name: content})
    assert study.findings == ()
    readings, (found,) = read_masks(only_visit(study), IMAGE)
    assert readings == ()
    assert found.code == expected
    assert words in found.message
    assert (found.path, found.patient_id, found.session_id) == (name, "sub-01", "ses-01")


def test_a_mask_of_another_scan_of_the_visit_is_refused_by_that_scans_name(tmp_path: Path) -> None:
    other = volume(np.zeros((3, 3, 3), np.uint8), np.diag([1.0, 1.0, 1.0, 1.0]))
    contrast = T2W.replace("T2w", "ce-gd_T1w")
    study = study_of(tmp_path, {T2W: b"damaged", contrast: other, DSEG: other})
    readings, (found,) = read_masks(only_visit(study), IMAGE)
    assert readings == ()
    assert found.code == "mask_grid"
    assert found.message.endswith("found that of sub-01_ses-01_ce-gd_T1w.nii.gz")


@pytest.mark.parametrize("name", [DSEG, TUMOUR_MASK, PROBABILITY])
def test_an_empty_mask_is_read_and_reported(tmp_path: Path, name: str) -> None:
    study = study_of(tmp_path, {name: volume()})
    readings, (found,) = read_masks(only_visit(study), IMAGE)
    assert found.code == "mask_empty"
    assert readings
    assert not any(reading.volume.array.any() for reading in readings)


def test_an_unlisted_label_is_reported_and_the_listed_ones_are_read(tmp_path: Path) -> None:
    study = study_of(tmp_path, {DSEG: volume(drawn(1, 9, 9))})
    readings, (found,) = read_masks(only_visit(study), IMAGE)
    assert found.code == "mask_label_unlisted"
    assert "expected the labels [1, 2], found 9 in 2 voxels" in found.message
    assert int(readings[0].volume.array.sum()) == 1


def test_a_label_named_as_not_measured_is_left_out_quietly(tmp_path: Path) -> None:
    table = {"derivatives/reader/dseg.tsv": "index\tname\n1\ttumour\n9\tvertebrae\n"}
    study = study_of(tmp_path, {DSEG: volume(drawn(1, 9, 9)), **table})
    readings, findings = read_masks(only_visit(study), IMAGE)
    assert findings == ()
    assert [str(reading.compartment) for reading in readings] == ["tumour"]


def test_one_bad_mask_does_not_cost_the_others(tmp_path: Path) -> None:
    study = study_of(tmp_path, {DSEG: volume(drawn(1)), DSEG.replace("reader", "second"): b"", **SECOND})
    readings, findings = read_masks(only_visit(study), IMAGE)
    assert [found.code for found in findings] == ["mask_unreadable"]
    assert {reading.file.source for reading in readings} == {"reader"}


SECOND = {
    "derivatives/second/dseg.tsv": "index\tname\n1\ttumour\n",
    "derivatives/second/dataset_description.json": '{"GeneratedBy": [{"Name": "manual"}]}',
}
