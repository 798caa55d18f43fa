"""Disc labels in a study folder: which files count, what is refused, and the levels they give each visit. About 5 s."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.transform import Transform
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, to_voxel, voxel_centres_mm
from pipeline.files import images
from pipeline.run.steps import describe_shape, place_levels
from pipeline.run.steps.visit_work import AlignedVisit, MaskedVisit, ReadVisit, ScannedVisit, VisitWork
from pipeline.study.discs import DiscFile
from pipeline.study.scans import ScanFile
from pipeline.study.study_folder import read_discs
from pipeline.study.visits import StudyVisit
from tests.study_folder import codes, only_visit, study_of, volume

ANAT = "derivatives/labels/sub-01/ses-01/anat"
SPINE_GENERIC = f"{ANAT}/sub-01_ses-01_T2w_label-discs_dlabel.nii.gz"
DESCRIBED = {"derivatives/labels/dataset_description.json": '{"GeneratedBy": [{"Name": "manual"}]}'}

AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])
AFFINE[:3, 3] = (-15.0, -15.0, -60.0)
GRID = Volume(np.zeros((31, 41, 121), dtype=np.uint8), AFFINE)
X, Y, Z = np.moveaxis(voxel_centres_mm(GRID), -1, 0)
TUMOUR = (np.hypot(X, Y) < 4) & (abs(Z) <= 12)
RIGHT = {3: 36.0, 4: 18.0, 5: 0.0, 6: -18.0, 7: -36.0}
"""Disc number to height, mm; the tumour's faces lie at 12.5 and -12.5."""

SHIFT_MM = 6.0
"""How much higher everything lies in the second visit's world."""


# ---------------------------------------------------------------- which files


@pytest.mark.parametrize(
    "name",
    [
        "T2w_label-discs_dlabel",
        "acq-sag_T2w_label-disc_dlabel",
        "T2w_label-discs_desc-warp_dlabel",
        "T2w_labels-disc-manual",
        "T2w_seg_labeled_discs",
    ],
)
def test_files_with_the_names_in_use_are_labels_of_discs_and_no_masks(tmp_path: Path, name: str) -> None:
    study = study_of(tmp_path, {**DESCRIBED, f"{ANAT}/sub-01_ses-01_{name}.nii.gz": b""})
    visit = only_visit(study)
    assert codes(study) == []
    assert [(file.source, file.origin) for file in visit.discs] == [("labels", MaskOrigin.MANUAL)]
    assert visit.masks == ()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({SPINE_GENERIC.replace("_ses-01_", "_ses-02_"): b""}, ["name_mismatch"]),
        ({SPINE_GENERIC.replace("ses-01", "ses-09"): b""}, ["mask_without_visit"]),
        ({SPINE_GENERIC.replace("_T2w_label", "_label").replace("dlabel", "dseg"): b""}, ["mask_table_missing"]),
        ({SPINE_GENERIC.replace("discs", "vertebrae"): b""}, []),
    ],
)
def test_labels_of_nobody_s_discs_are_not_taken(tmp_path: Path, files: dict[str, bytes], expected: list[str]) -> None:
    study = study_of(tmp_path, {**DESCRIBED, **files})
    assert codes(study) == expected
    assert only_visit(study).discs == ()


# ---------------------------------------------------------------- what a file says


def label_map(heights, like=GRID):
    """Single voxels at heights, a centimetre in front of the cord."""
    array = np.zeros(like.shape, dtype=np.uint8)
    for number, height in heights.items():
        array[tuple(np.rint(to_voxel(like.affine, np.array([0.0, 12.0, height]))).astype(int))] = number
    return like.with_array(array)


def saved(folder, labels, name="labels", origin=MaskOrigin.MANUAL, session_id="ses-01"):
    path = folder / f"{name}_{session_id}.nii.gz"
    images.save(labels, path)
    return DiscFile(path, path.name, "sub-x", session_id, "labels", origin)


def visit_with(*files, session_id="ses-01", day=1):
    anchor = ScanFile(Path("x"), f"{session_id}_T2w.nii.gz", "sub-x", session_id, "T2w")
    seen = StudyVisit("sub-x", session_id, date(2024, 1, day), (anchor,), (), discs=files)
    return ScannedVisit(seen, "usable", None, anchor, GRID.with_array(np.where(TUMOUR, 300.0, 100.0)), (), ())


def reading(*files):
    labels, findings = read_discs(visit_with(*files).visit, GRID)
    return labels, [finding.code for finding in findings], " ".join(finding.message for finding in findings)


def test_places_are_world_positions_whatever_way_the_file_stores_them(tmp_path):
    labels = label_map(RIGHT)
    turned = Volume(
        np.ascontiguousarray(labels.array[::-1].transpose(2, 0, 1)),
        AFFINE @ np.array([[0.0, -1, 0, 30], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]),
    )
    for name, stored in (("straight", labels), ("turned", turned)):
        found, found_codes, _ = reading(saved(tmp_path, stored, name))
        assert found_codes == []
        assert {n: place.tolist() for n, place in found.places_mm.items()} == {n: [0, 12, z] for n, z in RIGHT.items()}


def test_a_small_blob_counts_as_its_middle_and_what_is_no_disc_is_left_out(tmp_path):
    array = label_map({**RIGHT, 1: 55.0, 50: 58.0, 60: -58.0}).array
    array[15, 26:29, 95:98] = 3
    found, found_codes, _ = reading(saved(tmp_path, GRID.with_array(array)))
    assert found_codes == []
    assert sorted(found.places_mm) == [3, 4, 5, 6, 7]
    assert found.places_mm[3].tolist() == [0, 12, 36]


@pytest.mark.parametrize(
    ("heights", "codes_found", "words"),
    [
        ({}, ["disc_values"], "found none that can be used"),
        ({3: 36.0, 4: 18.0, 33: 0.0}, ["disc_values"], "from 2 to 25, found 33"),
        ({7 - n: z for n, z in zip(range(5), RIGHT.values(), strict=True)}, ["disc_order"], "grow towards the head"),
        ({3: 36.0, 4: 18.0, 5: -18.0, 6: 0.0}, ["disc_order"], "6 (C5/C6) lies above 5 (C4/C5)"),
        ({3: 36.0, 5: 18.0, 6: 0.0, 7: -18.0}, ["disc_order"], "a number or a disc was left out"),
        ({3: 36.0, 4: 18.0, 6: -18.0, 7: -36.0}, ["disc_skipped"], "none at 5 (C4/C5)"),
    ],
)
def test_labels_that_cannot_be_are_findings_in_words(tmp_path, heights, codes_found, words):
    _, found_codes, message = reading(saved(tmp_path, label_map(heights)))
    assert found_codes == codes_found
    assert words in message


def test_one_number_at_two_places_is_not_used(tmp_path):
    twice = label_map(RIGHT).array
    twice[15, 27, 0] = 5
    found, found_codes, _ = reading(saved(tmp_path, GRID.with_array(twice)))
    assert found_codes == ["disc_values", "disc_skipped"]
    assert 5 not in found.places_mm


def test_labels_on_another_grid_are_refused_unless_others_fit(tmp_path):
    other = Volume(GRID.array[:, :, :-1], AFFINE)
    elsewhere, fitting = saved(tmp_path, label_map(RIGHT, other), "a"), saved(tmp_path, label_map(RIGHT), "b")
    assert reading(elsewhere)[:2] == (None, ["disc_grid"])
    found, found_codes, _ = reading(elsewhere, fitting)
    assert (found.file, found_codes) == (fitting, [])


def test_shares_and_broken_files_are_refused(tmp_path):
    halves = GRID.with_array(label_map(RIGHT).array * np.float32(0.5))
    assert reading(saved(tmp_path, halves))[:2] == (None, ["disc_values"])
    broken = saved(tmp_path, label_map(RIGHT), "broken")
    broken.path.write_bytes(b"no image")
    assert reading(broken)[:2] == (None, ["disc_unreadable"])


def test_a_person_s_labels_go_before_a_program_s(tmp_path):
    drawn, found = label_map(RIGHT), label_map({n + 1: z for n, z in RIGHT.items()})
    by_program = saved(tmp_path, found, "a", MaskOrigin.AUTOMATIC)
    by_hand = saved(tmp_path, drawn, "b", MaskOrigin.MANUAL)
    assert reading(by_program, by_hand)[0].file == by_hand


# ---------------------------------------------------------------- levels of visits


def aligned(session_id, shift_mm=0.0, grade="A"):
    there, back = np.eye(4), np.eye(4)
    there[2, 3], back[2, 3] = -shift_mm, shift_mm
    row = records.Registration(
        "sub-x", session_id, "a", "b", "visit_to_reference", "m", grade, "", None, None, None, None, None, None,
        None, "0", "s",
    )  # fmt: skip
    to_reference, from_reference = Transform(session_id, "reference", there), Transform("reference", session_id, back)
    return AlignedVisit(session_id, from_reference, to_reference, "x", row)


PLACES = {"ses-01": aligned("ses-01"), "ses-02": aligned("ses-02", SHIFT_MM), "ses-03": aligned("ses-03")}


def masked(session_id, array):
    return MaskedVisit(
        session_id, MaskOrigin.MANUAL, {"reader": {Compartment.TUMOUR: GRID.with_array(array)}}, source="reader"
    )


def told(visits, masks, places=PLACES):
    """The levels of the tumour by visit, and what was found of the labels."""
    works = [VisitWork(visit, masks[visit.session_id], places[visit.session_id]) for visit in visits]
    line = describe_shape.centre_line(works, visits[0])
    known = place_levels.find_levels(works, visits[0], line.line if line else None)
    rows = [
        row
        for visit in visits
        for row in describe_shape.describe_visit(
            visit, masks[visit.session_id], places[visit.session_id], line, known, {}
        )
        if isinstance(row, records.Level)
    ]
    return {row.session_id: row for row in rows}, known


def two_visits(*files):
    """A tumour that stays in place while the second visit's world is shifted, and grows downwards by a vertebra."""
    grown = (np.hypot(X, Y) < 4) & (Z - SHIFT_MM <= 12) & (Z - SHIFT_MM >= -26)
    by_visit = {f"ses-0{n}": [file for file in files if file.session_id == f"ses-0{n}"] for n in (1, 2)}
    visits = [visit_with(*found, session_id=name, day=n) for n, (name, found) in enumerate(by_visit.items(), start=1)]
    return visits, {"ses-01": masked("ses-01", TUMOUR), "ses-02": masked("ses-02", grown)}


def test_labels_of_the_second_visit_name_the_levels_of_both(tmp_path):
    moved = label_map({n: z + SHIFT_MM for n, z in RIGHT.items()})
    found, known = told(*two_visits(saved(tmp_path, moved, session_id="ses-02")))
    assert [(row.upper_level, row.lower_level) for row in found.values()] == [("C4", "C5"), ("C4", "C6")]
    assert {row.label_session_id for row in found.values()} == {"ses-02"}
    assert (found["ses-01"].upper_end_mm, found["ses-01"].lower_end_mm) == (12.5, -12.5)
    assert [(row.name, row.position_mm) for row in known.rows][:2] == [("C2/C3", 36.0), ("C3/C4", 18.0)]
    assert all(row.is_used for row in known.rows)
    assert len({row.sha256 for row in known.rows}) == 1


def test_labels_of_a_later_visit_never_change_a_level_and_are_compared(tmp_path):
    first = saved(tmp_path, label_map(RIGHT))
    one_off = label_map({n + 1: z + SHIFT_MM for n, z in RIGHT.items()})
    later = saved(tmp_path, one_off, session_id="ses-02")
    alone, _ = told(*two_visits(first))
    together, known = told(*two_visits(first, later))
    assert alone == together
    (finding,) = known.findings
    assert finding.code == "disc_differ"
    assert "expected the discs where those of ses-01 lie, found them 18 mm towards the head (median of 4)" in (
        finding.message
    )
    assert {row.session_id for row in known.rows if row.is_used} == {"ses-01"}
    agreeing = saved(tmp_path, label_map({n: z + SHIFT_MM for n, z in RIGHT.items()}), session_id="ses-02")
    assert told(*two_visits(first, agreeing))[1].findings == ()


def test_labels_on_the_reference_go_before_those_of_an_earlier_visit(tmp_path):
    visits, masks = two_visits(
        saved(tmp_path, label_map(RIGHT)), saved(tmp_path, label_map(RIGHT), session_id="ses-02")
    )
    works = [VisitWork(visit, masks[visit.session_id], PLACES[visit.session_id]) for visit in visits]
    line = describe_shape.centre_line(works, visits[1])
    assert place_levels.find_levels(works, visits[1], line.line).session_id == "ses-02"


def test_an_alignment_of_grade_c_gives_no_levels(tmp_path):
    labels = saved(tmp_path, label_map(RIGHT), session_id="ses-02")
    poor = {**PLACES, "ses-02": aligned("ses-02", SHIFT_MM, grade="C")}
    found, known = told(*two_visits(labels), poor)
    assert [row.missing_reason for row in found.values()] == [place_levels.NOT_ALIGNED, describe_shape.NOT_ALIGNED]
    assert [(row.upper_level, row.lower_level) for row in found.values()] == [(None, None)] * 2
    assert {row.missing_reason for row in known.rows} == {place_levels.NOT_ALIGNED}


@pytest.mark.parametrize(
    ("heights", "expected", "reason"),
    [
        (None, (None, None), place_levels.NO_LABELS),
        ({7 - n: z for n, z in zip(range(5), RIGHT.values(), strict=True)}, (None, None), place_levels.NONE_USABLE),
        ({3: 36.0, 4: 18.0, 6: -18.0, 7: -36.0}, (None, None), describe_shape.UNLABELLED),
        ({5: 0.0, 6: -18.0, 7: -36.0}, ("above C5", "C5"), None),
        ({3: 36.0, 4: 18.0, 5: 0.0}, ("C4", "below C4"), None),
        ({4: 12.0, 5: -6.0, 6: -24.0}, ("C3/C4", "C5"), None),
    ],
)
def test_nothing_is_named_beyond_the_labels(tmp_path, heights, expected, reason):
    files = () if heights is None else (saved(tmp_path, label_map(heights)),)
    found, _ = told(*two_visits(*files))
    first = found["ses-01"]
    assert (first.upper_level, first.lower_level) == expected
    assert first.missing_reason == reason


def test_without_a_mask_there_is_no_line_and_no_level(tmp_path):
    one = visit_with(saved(tmp_path, label_map(RIGHT)))
    known = place_levels.find_levels([VisitWork(one, place=PLACES["ses-01"])], one, None)
    assert (known.levels, known.reason) == (None, place_levels.NO_LINE)
    unreadable = ReadVisit(one.visit, "failed", "damaged", one.anchor, None, (), ())
    assert place_levels.find_levels([VisitWork(unreadable)], None, None).reason == place_levels.NONE_USABLE


def test_changed_labels_make_the_patient_anew(tmp_path):
    from pipeline.context import schedule_files  # noqa: PLC0415 - what a run knows
    from pipeline.judge import criteria_files  # noqa: PLC0415 - what a run knows
    from pipeline.run import workers  # noqa: PLC0415 - what a run knows
    from pipeline.run.study_run import _patient_key, _rules_key  # noqa: PLC0415

    rules = workers.Rules(criteria_files.load_all(criteria_files.DEFAULT_CRITERIA_ID), schedule_files.load(None), None)
    keys = []
    for number in (3, 4):
        (patient,) = study_of(tmp_path, {SPINE_GENERIC: volume(np.full((2, 2, 2), number, dtype=np.uint8))}).patients
        keys.append(_patient_key(patient, _rules_key(rules), tmp_path / "out"))
    assert keys[0] != keys[1]
