"""Reading a study folder: patients, visits, scans, names, and everything that can be odd about them."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.findings import KINDS, finding
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.study.names import ENTITY_ORDER, format_name, parse_name, with_prefix
from pipeline.study.study_folder import anchor_scan, derivative_path, read_masks, read_study
from tests.places import REALCORD
from tests.study_folder import AS_OF, ONE_VISIT, T2W, codes, only_visit, study_of, volume, write_files

LABELS = st.text("abcXYZ019+", min_size=1, max_size=8)


@pytest.mark.parametrize("part", ["cervical", "thoracolumbar"])
def test_a_real_study_is_read_without_findings(part: str) -> None:
    if not REALCORD.is_dir():
        pytest.skip("the real cord scans are not on this machine")
    study = read_study(REALCORD / part / "bids", as_of=AS_OF)
    assert study.findings == ()
    assert [len(patient.visits) for patient in study.patients] == [4, 4, 5, 3, 4]
    assert not study.is_synthetic
    first = study.patients[0].visits[0]
    anchor = anchor_scan(first)
    assert anchor is not None
    assert anchor.contrast == "T2w"
    readings, findings = read_masks(first, images.load(anchor.path))
    assert findings == ()
    assert [str(reading.compartment) for reading in readings] == ["tumour", "cyst", "oedema"]
    assert all(reading.volume.array.any() for reading in readings)


def test_a_complete_folder_has_no_findings(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    assert study.findings == ()
    assert study.name == "one visit"
    visit = only_visit(study)
    assert (visit.patient_id, visit.session_id, visit.acquired_on) == ("sub-01", "ses-01", date(2020, 2, 17))
    assert [scan.relative for scan in visit.scans] == [T2W]
    assert visit.scans[0].path == (tmp_path / T2W).resolve()


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a study folder, found none"):
        read_study(tmp_path / "nowhere", as_of=AS_OF)


def test_reading_writes_nothing(tmp_path: Path) -> None:
    study_of(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    study = read_study(tmp_path, as_of=AS_OF)
    anchor_scan(only_visit(study))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_study_survives_the_way_to_another_process(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_dseg.nii.gz": volume()})
    assert only_visit(study).masks
    assert pickle.loads(pickle.dumps(study)) == study


def test_diffusion_weighted_scans_are_listed_with_the_maps(tmp_path: Path) -> None:
    names = ("sub-01_ses-01_ADC", "sub-01_ses-01_acq-axb0_dwi", "sub-01_ses-01_acq-axb800_dwi")
    study = study_of(tmp_path, {f"sub-01/ses-01/dwi/{name}.nii.gz": b"" for name in names})
    visit = next(patient for patient in study.patients if patient.patient.patient_id == "sub-01").visits[0]
    assert [scan.contrast for scan in visit.scans if "/dwi/" in scan.relative] == ["ADC", "dwi", "dwi"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"dataset_description.json": None}, ["description_missing"]),
        ({"dataset_description.json": "[1, 2"}, ["json_unreadable"]),
        ({"dataset_description.json": '["a list"]'}, ["json_unreadable"]),
        ({"participants.tsv": None}, ["participants_missing"]),
        ({"participants.tsv": "participant_id\nsub-02\n"}, ["patient_not_listed", "patient_without_images"]),
        ({"treatments.tsv": None}, ["treatments_missing"]),
        ({"sub-01/sub-01_sessions.tsv": None}, ["visit_undated"]),
        ({"sub-01/sub-01_sessions.tsv": "session_id\nses-01\n"}, ["visit_undated"]),
        ({T2W: None}, ["visit_without_images"]),
        ({"sub-01/ses-01/sub-01_ses-01_T2w.nii.gz": b""}, ["image_misplaced"]),
        ({"sub-01/sub-01_ses-01_T2w.nii.gz": b""}, ["image_misplaced"]),
        ({"sub-01/ses-01/anat/T2 sag.nii.gz": b""}, ["name_not_bids"]),
        ({"sub-01/ses-01/anat/sub-01_ses-01_acq-a_T2w.NII.GZ": b""}, ["name_not_bids"]),
        ({"sub-01/ses-01/anat/sub-01_ses-01_acq-sag_acq-ax_T2w.nii.gz": b""}, ["name_not_bids"]),
        ({"sub-01/ses-01/anat/sub-02_ses-01_T1w.nii.gz": b""}, ["name_mismatch"]),
        ({"sub-01/ses-01/anat/sub-01_ses-02_T1w.nii.gz": b""}, ["name_mismatch"]),
        ({"sub-01/ses-01/anat/sub-01_T1w.nii.gz": b""}, ["name_mismatch"]),
        ({"sub-01/ses-01/anat/sub-01_ses-01_T2.nii.gz": b""}, ["contrast_unknown"]),
        ({"sub-01/ses-01/anat/sub-01_ses-01_T2w.nrrd": b""}, ["image_format"]),
        ({"sub-01/ses-01/anat/sub-01_ses-01_T2w.nii": b""}, ["scan_duplicated"]),
        ({"sub-01/visit2/anat/sub-01_T2w.nii.gz": b""}, ["folder_ignored"]),
        ({"sub-01/anat/sub-01_T2w.nii.gz": b""}, ["folder_ignored"]),
        ({"sub-0é/anat/x.txt": ""}, ["name_not_bids"]),
        ({"sub-02": "a file, not a folder"}, ["name_not_bids"]),
        ({"sub-01/ses-01/dwi/sub-01_ses-01_sbref.nii.gz": b"", "sub-01/ses-01/func/anything.nii.gz": b""}, []),
        ({"sub-01/ses-01/anat/.DS_Store": b"", "sub-01/ses-01/anat/._sub-01_ses-01_T2w.nii.gz": b""}, []),
    ],
)
def test_each_oddity_is_one_finding_and_the_rest_survives(
    tmp_path: Path, files: dict[str, str | bytes | None], expected: list[str]
) -> None:
    study = study_of(tmp_path, files)
    assert codes(study) == expected
    visit = next(patient for patient in study.patients if patient.patient.patient_id == "sub-01").visits[0]
    assert visit.session_id == "ses-01"
    assert [scan.relative for scan in visit.scans] == ([] if files.get(T2W, b"") is None else [T2W])


def test_a_folder_without_patients_says_so(tmp_path: Path) -> None:
    study = read_study(tmp_path, as_of=AS_OF)
    assert study.patients == ()
    assert study.name == tmp_path.name
    assert "study_empty" in codes(study)


def test_a_finding_says_where_what_and_what_to_do(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"sub-01/ses-01/anat/sub-02_ses-01_T1w.nii.gz": b""})
    (found,) = study.findings
    assert found.path == "sub-01/ses-01/anat/sub-02_ses-01_T1w.nii.gz"
    assert (found.patient_id, found.session_id) == ("sub-01", "ses-01")
    assert "expected a name with sub-01_ses-01, found sub-02_ses-01" in found.message
    assert found.severity == "error"
    assert found.remedy == KINDS["name_mismatch"].remedy


def test_every_kind_of_finding_has_a_known_severity_and_a_remedy() -> None:
    assert {kind.severity for kind in KINDS.values()} == {"error", "warning", "note"}
    assert all(len(kind.remedy) > 10 for kind in KINDS.values())


def test_a_finding_of_an_unlisted_kind_is_refused() -> None:
    with pytest.raises(KeyError, match="typo"):
        finding("typo", "no such kind")


@pytest.mark.parametrize(
    ("files", "is_synthetic"),
    [
        ({"dataset_description.json": '{"Name": "Synthetic cords"}'}, True),
        ({"dataset_description.json": '{"Name": "cords", "Synthetic": true}'}, True),
        ({"participants.tsv": "participant_id\tsynthetic\nsub-01\tyes\n"}, True),
        ({"participants.tsv": "participant_id\tsynthetic\nsub-01\tno\n"}, False),
        ({}, False),
    ],
)
def test_a_made_study_is_recognised(tmp_path: Path, files: dict[str, str], is_synthetic: bool) -> None:
    assert study_of(tmp_path, files).is_synthetic is is_synthetic


# ---------------------------------------------------------------- choice of patients


@pytest.mark.parametrize("asked", ["02", "sub-02"])
def test_patients_are_chosen_with_or_without_prefix(tmp_path: Path, asked: str) -> None:
    write_files(tmp_path, {**ONE_VISIT, "sub-02/ses-01/anat/sub-02_ses-01_T2w.nii.gz": b""})
    study = read_study(tmp_path, as_of=AS_OF, participants=frozenset({asked}))
    assert [patient.patient.patient_id for patient in study.patients] == ["sub-02"]


def test_asking_for_an_unknown_patient_is_a_finding(tmp_path: Path) -> None:
    write_files(tmp_path, ONE_VISIT)
    study = read_study(tmp_path, as_of=AS_OF, participants=frozenset({"01", "99"}))
    assert codes(study) == ["patient_not_found"]
    assert len(study.patients) == 1


# ---------------------------------------------------------------- visits


def test_visits_come_by_date_with_undated_ones_last(tmp_path: Path) -> None:
    sessions = "session_id\tacq_time\nses-b\t2021-01-01T10:00:00\nses-c\t2020-01-01\nses-a\tn/a\n"
    files = {f"sub-01/ses-{x}/anat/sub-01_ses-{x}_T2w.nii.gz": b"" for x in "abc"}
    study = study_of(tmp_path, {**files, T2W: None, "sub-01/sub-01_sessions.tsv": sessions})
    (patient,) = study.patients
    assert [visit.session_id for visit in patient.visits] == ["ses-c", "ses-b", "ses-a"]
    assert codes(study) == ["visit_undated"]


def test_a_visit_known_only_from_the_table_is_kept_without_scans(tmp_path: Path) -> None:
    sessions = "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-02-17\n"
    study = study_of(tmp_path, {"sub-01/sub-01_sessions.tsv": sessions})
    assert codes(study) == ["visit_without_images"]
    assert [(v.session_id, v.scans) for v in study.patients[0].visits][1] == ("ses-02", ())


def test_two_visits_of_one_day_are_both_kept(tmp_path: Path) -> None:
    sessions = "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2020-02-17\n"
    scan = {"sub-01/ses-02/anat/sub-01_ses-02_T2w.nii.gz": b""}
    study = study_of(tmp_path, {**scan, "sub-01/sub-01_sessions.tsv": sessions})
    assert codes(study) == ["visit_date_repeated"]
    assert [visit.session_id for visit in study.patients[0].visits] == ["ses-01", "ses-02"]


def test_images_without_a_visit_level_are_one_visit(tmp_path: Path) -> None:
    files = {
        T2W: None,
        "sub-01/anat/sub-01_T2w.nii.gz": b"",
        "derivatives/reader/sub-01/anat/sub-01_label-tumour_mask.nii.gz": b"",
    }
    study = study_of(tmp_path, files)
    assert codes(study) == ["visit_level_missing"]
    visit = only_visit(study)
    assert (visit.session_id, visit.acquired_on) == ("ses-01", date(2020, 2, 17))
    assert [mask.session_id for mask in visit.masks] == ["ses-01"]


@pytest.mark.parametrize(
    ("scans_table", "expected", "day"),
    [
        ("filename\tacq_time\nanat/a\t2020-03-01T08:00:00\nanat/b\t2020-03-01T08:20:00\n", "visit_date_from_scans", 1),
        ("filename\tacq_time\nanat/a\t2020-03-01\nanat/b\t2020-03-02\n", "visit_date_conflict", None),
    ],
)
def test_a_date_may_come_from_the_scans_table(tmp_path: Path, scans_table: str, expected: str, day: int | None) -> None:
    files = {"sub-01/sub-01_sessions.tsv": None, "sub-01/ses-01/sub-01_ses-01_scans.tsv": scans_table}
    study = study_of(tmp_path, files)
    assert expected in codes(study)
    assert only_visit(study).acquired_on == (date(2020, 3, day) if day else None)


# ---------------------------------------------------------------- links


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"anat/sub-01_ses-02_T2w.nii.gz": b"", "scan.nii.gz": b"", "t.tsv": ""})
    root = write_files(tmp_path / "study", ONE_VISIT)
    (root / "sub-01" / "ses-02").symlink_to(outside)
    (root / "sub-01" / "ses-01" / "anat" / "sub-01_ses-01_T1w.nii.gz").symlink_to(outside / "scan.nii.gz")
    (root / "treatments.tsv").unlink()
    (root / "treatments.tsv").symlink_to(outside / "t.tsv")
    study = read_study(root, as_of=AS_OF)
    assert codes(study) == ["link_outside"] * 3
    assert [scan.relative for scan in only_visit(study).scans] == [T2W]


def test_links_within_the_folder_are_followed_and_broken_ones_reported(tmp_path: Path) -> None:
    root = write_files(tmp_path / "study", {**ONE_VISIT, ".annex/content": b""})
    (root / T2W).unlink()
    (root / T2W).symlink_to(root / ".annex" / "content")
    (root / T2W.replace("T2w", "T1w")).symlink_to(root / ".annex" / "not fetched")
    loop = root / T2W.replace("T2w", "PDw")
    loop.symlink_to(loop)
    study = read_study(root, as_of=AS_OF)
    assert codes(study) == ["file_unreadable", "file_unreadable"]
    assert [scan.relative for scan in only_visit(study).scans] == [T2W]


def test_a_name_of_other_bytes_than_letters_is_left_out_in_words_that_can_be_stored(tmp_path: Path) -> None:
    root = write_files(tmp_path, ONE_VISIT)
    try:
        (root / "sub-01" / os.fsdecode(b"ses-\xff")).mkdir()
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    (root / "derivatives" / "line\nbreak").mkdir()
    study = read_study(root, as_of=AS_OF)
    assert codes(study) == ["name_not_bids", "name_not_bids"]
    assert all((found.path or "").encode("utf-8") for found in study.findings)


@pytest.mark.parametrize("name", ["participants.tsv", "treatments.tsv", "dataset_description.json"])
def test_a_folder_in_the_place_of_a_table_is_reported(tmp_path: Path, name: str) -> None:
    study = study_of(tmp_path, {name: None, f"{name}/x": b""})
    assert codes(study) == ["file_unreadable"]


def test_a_study_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    write_files(tmp_path / "real", ONE_VISIT)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert read_study(tmp_path / "link", as_of=AS_OF).findings == ()


# ---------------------------------------------------------------- anchor


SAGITTAL = volume(np.zeros((4, 6, 6), np.uint8), np.diag([3.3, 0.7, 0.7, 1.0]))
AXIAL = volume(np.zeros((6, 6, 4), np.uint8), np.diag([0.7, 0.7, 3.3, 1.0]))
ISOTROPIC = volume(np.zeros((6, 6, 6), np.uint8), np.eye(4))


@pytest.mark.parametrize(
    ("names", "chosen", "findings"),
    [
        ({"T1w": b"", "T2w": b"", "ce-gd_T1w": b""}, "T2w", []),
        ({"T1w": b"", "ce-gd_T1w": b""}, "ce-gd_T1w", []),
        ({"T2starw": b""}, None, ["visit_not_measurable"]),
        ({"acq-ax_T2w": b"", "acq-sag_T2w": b""}, "acq-sag_T2w", []),
        ({"acq-ax_T2w": b"", "acq-iso08_T2w": b""}, "acq-iso08_T2w", []),
        ({"acq-a_T2w": AXIAL, "acq-b_T2w": SAGITTAL}, "acq-b_T2w", []),
        ({"acq-a_T2w": SAGITTAL, "acq-b_T2w": ISOTROPIC}, "acq-a_T2w", []),
        ({"acq-a_T2w": b"not an image", "acq-b_T2w": AXIAL}, "acq-b_T2w", []),
        ({"run-1_T2w": SAGITTAL, "run-2_T2w": SAGITTAL}, "run-1_T2w", ["anchor_ambiguous"]),
        ({"run-10_T2w": SAGITTAL, "run-2_T2w": SAGITTAL}, "run-2_T2w", ["anchor_ambiguous"]),
        ({"acq-sag_chunk-2_T2w": b"", "acq-sag_chunk-1_T2w": b""}, "acq-sag_chunk-1_T2w", ["anchor_ambiguous"]),
    ],
)
def test_the_anchor_scan_follows_its_rule(
    tmp_path: Path, names: dict[str, object], chosen: str | None, findings: list[str]
) -> None:
    scans = {f"sub-01/ses-01/anat/sub-01_ses-01_{name}.nii.gz": content for name, content in names.items()}
    study = study_of(tmp_path, {T2W: None, **scans})
    visit = only_visit(study)
    expected = None if chosen is None else f"sub-01/ses-01/anat/sub-01_ses-01_{chosen}.nii.gz"
    anchor = anchor_scan(visit)
    assert (anchor.relative if anchor else None) == expected
    assert anchor_scan(replace(visit, scans=visit.scans[::-1])) == anchor
    assert codes(study) == findings


def test_the_anchor_is_the_scan_that_somebody_drew_on_or_the_one_like_the_reference(tmp_path: Path) -> None:
    scans = {f"sub-01/ses-0{n}/anat/sub-01_ses-0{n}_acq-sag_chunk-{c}_T2w.nii.gz": b"" for n in (1, 2) for c in (1, 2)}
    mask = "derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_acq-sag_chunk-2_label-tumour_mask.nii.gz"
    sessions = "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-02-17\n"
    study = study_of(tmp_path, {**scans, T2W: None, mask: b"", "sub-01/sub-01_sessions.tsv": sessions})
    first, second = study.patients[0].visits
    anchor = anchor_scan(first)
    assert anchor is not None
    assert anchor.chunk == "2"
    follow_up = anchor_scan(second, like=anchor)
    assert follow_up is not None
    assert follow_up.chunk == "2"
    assert codes(study) == ["anchor_ambiguous"]  # the second visit by itself


@pytest.mark.parametrize(
    ("drawn_on", "chosen"),
    [
        (("T1w", "T2w"), "T2w"),
        (("T1w",), "T1w"),
        (("FLAIR", "T1w"), "T1w"),
        (("T2starw",), "T2starw"),
        ((), "T2w"),
        (("elsewhere",), "T2w"),
    ],
)
def test_of_scans_that_somebody_drew_on_the_one_of_the_best_contrast_is_measured(
    tmp_path: Path, drawn_on: tuple[str, ...], chosen: str
) -> None:
    sides = {"T2w": 4, "T1w": 5, "FLAIR": 6, "T2starw": 7}
    anat = "sub-01/ses-01/anat/sub-01_ses-01"

    def cube(name: str) -> Volume:
        side = sides.get(name, 9)
        return Volume(np.zeros((side, side, side), np.uint8), np.eye(4))

    scans = {f"{anat}_{name}.nii.gz": cube(name) for name in sides}
    masks = {
        f"derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_label-{compartment}_mask.nii.gz": cube(name)
        for name, compartment in zip(drawn_on, ("tumour", "cyst"), strict=False)
    }
    anchor = anchor_scan(only_visit(study_of(tmp_path, {T2W: None, **scans, **masks})))
    assert anchor is not None
    assert anchor.relative == f"{anat}_{chosen}.nii.gz"


# ---------------------------------------------------------------- names


@given(st.dictionaries(st.sampled_from(ENTITY_ORDER), LABELS, max_size=6), st.sampled_from(["T2w", "dseg", "xfm"]))
def test_a_name_built_from_its_parts_is_taken_apart_into_them(entities: dict[str, str], suffix: str) -> None:
    name = parse_name(format_name(entities, suffix, ".nii.gz"))
    assert name is not None
    assert (name.entities, name.suffix, name.extension) == (entities, suffix, ".nii.gz")
    assert list(name.entities) == [key for key in ENTITY_ORDER if key in entities]


@given(st.text(max_size=30))
def test_any_file_name_is_taken_apart_or_refused(text: str) -> None:
    name = parse_name(text)
    assert name is None or parse_name(format_name(name.entities, name.suffix, name.extension)) == name


@given(LABELS)
def test_an_id_is_the_same_with_and_without_prefix(label: str) -> None:
    assert with_prefix("sub", label) == with_prefix("sub", f"sub-{label}") == f"sub-{label}"


@pytest.mark.parametrize("label", ["", "a b", "é", "../..", "a/b", "a_b", "²"])
def test_a_label_outside_bids_is_refused(label: str) -> None:
    assert with_prefix("sub", label) is None
    with pytest.raises(ValueError, match="expected letters and digits"):
        derivative_path(label, "ses-01", suffix="T2w", extension=".nii.gz")


def test_an_output_file_has_its_entities_in_bids_order() -> None:
    path = derivative_path(
        "sub-01", "ses-02", suffix="probseg", extension=".nii.gz", label="tumour", space="orig", desc=None
    )
    assert path.as_posix() == "sub-01/ses-02/anat/sub-01_ses-02_space-orig_label-tumour_probseg.nii.gz"


@pytest.mark.parametrize("column", ["died_on", "date_of_death", "Death_Date"])
def test_dates_of_death_and_last_contact_are_read_from_the_participants(tmp_path: Path, column: str) -> None:
    text = f"participant_id\t{column}\tlast_contact\nsub-01\t2022-05-01\t2022-04-01\n"
    study = study_of(tmp_path, {"participants.tsv": text})
    patient = study.patients[0].patient
    assert (patient.died_on, patient.last_contact_on) == (date(2022, 5, 1), date(2022, 4, 1))
    assert study.findings == ()


@pytest.mark.parametrize(
    ("contact", "days"),
    [
        ("2022-04", (date(2022, 4, 1), date(2022, 4, 30))),
        ("2021", (date(2021, 1, 1), date(2021, 12, 31))),
        ("2022-04-03", (date(2022, 4, 3), None)),
    ],
)
def test_a_last_contact_of_a_month_or_a_year_keeps_its_span(
    tmp_path: Path, contact: str, days: tuple[date, date | None]
) -> None:
    study = study_of(tmp_path, {"participants.tsv": f"participant_id\tlast_contact_on\nsub-01\t{contact}\n"})
    patient = study.patients[0].patient
    assert (patient.last_contact_on, patient.last_contact_by) == days
    assert codes(study) == ([] if days[1] is None else ["date_partial"])


@pytest.mark.parametrize(
    ("died", "contact", "code"),
    [
        ("2019-05-01", "n/a", "death_date_conflict"),  # the scan is of 2020-02-17
        ("2022-05-01", "2022-06-01", "death_date_conflict"),
        ("1.5.2022", "n/a", "date_malformed"),
        ("2030-01-01", "n/a", "date_future"),
    ],
)
def test_a_date_of_death_that_cannot_be_is_said_and_no_death_is_counted(
    tmp_path: Path, died: str, contact: str, code: str
) -> None:
    text = f"participant_id\tdied_on\tlast_contact_on\nsub-01\t{died}\t{contact}\n"
    study = study_of(tmp_path, {"participants.tsv": text})
    assert study.patients[0].patient.died_on is None
    assert codes(study) == [code]
