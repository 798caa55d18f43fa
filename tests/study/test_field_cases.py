"""Kinds of input that real hospitals and data sets send, each with the right answer (docs/field-cases.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pipeline.context import schedule_files
from pipeline.core.records import Assessment, Finding, Measurement
from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.judge import criteria_files
from pipeline.run.steps import judge_course, mask_visits, measure_visits, read_visits
from pipeline.run.steps.patient_work import PatientPlan, PatientWork
from pipeline.run.study_run import RunSettings, run
from pipeline.study.study_folder import read_study
from tests.command import script_beside
from tests.places import SHARED
from tests.study_folder import AS_OF, ONE_VISIT, write_files

SHAPE = (9, 40, 60)
AFFINE = np.diag([3.0, 0.5, 0.5, 1.0])
VOXEL_MM3 = 0.75
TWO_VISITS = "session_id\tacq_date\nses-01\t2020-02-17\nses-02\t2021-02-17\n"
T1 = "sub-01/ses-01/anat/sub-01_ses-01_T2w.nii.gz"
T2 = "sub-01/ses-02/anat/sub-01_ses-02_T2w.nii.gz"
M1 = "derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_dseg.nii.gz"
M2 = "derivatives/reader/sub-01/ses-02/anat/sub-01_ses-02_dseg.nii.gz"
Files = Mapping[str, "Volume | str | bytes | None"]


def scan(seed: int = 1) -> Volume:
    array = np.random.default_rng(seed).normal(200, 30, SHAPE).clip(1)
    return Volume(array.astype(np.float32), AFFINE)


def block(
    size: int = 10, label: float = 1, dtype: type = np.uint8, start: tuple[int, int, int] = (3, 14, 24)
) -> Volume:
    """A block of ``3 x size x size`` voxels."""
    array = np.zeros(SHAPE, dtype)
    i, j, k = start
    array[i : i + 3, j : j + size, k : k + size] = label
    return Volume(array, AFFINE)


class Results:
    """What is measured and judged of a small study, without alignment: no mask here is found on another visit."""

    def __init__(self, folder: Path, files: Files) -> None:
        study = read_study(write_files(folder / "study", {**ONE_VISIT, T1: scan(), **files}), as_of=AS_OF)
        (patient,) = study.patients
        criteria = criteria_files.load_all("imsct_adapted_v1")
        work = PatientWork(PatientPlan(patient, folder / "out", criteria, schedule_files.load(None)))
        for step in (read_visits.read, mask_visits.read_masks, measure_visits.measure, judge_course.judge_patient):
            work = step(work)
        self.rows = [row for row in work.rows if isinstance(row, Measurement)]
        self.assessments = [row for row in work.rows if isinstance(row, Assessment)]
        self.visits = work.visits
        self.given = {visit.session_id: visit.masks for visit in work.visits}
        self.masks = [row for one in self.given.values() for row in one.rows]
        self.findings = (*study.findings, *(row for row in work.rows if isinstance(row, Finding)))

    def row(self, session_id: str = "ses-01") -> Measurement:
        return next(row for row in self.rows if (row.session_id, row.compartment) == (session_id, "tumour"))

    def tumour(self, session_id: str = "ses-01") -> float | None:
        value = self.row(session_id).volume_mm3
        return None if value is None else round(value, 6)

    def calls(self, session_id: str = "ses-02") -> set[str]:
        return {str(row.category) for row in self.assessments if row.session_id == session_id}

    def states(self, session_id: str) -> set[str]:
        return {str(row.state) for row in self.assessments if row.session_id == session_id}

    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]

    def message(self, code: str) -> str:
        return next(finding.message for finding in self.findings if finding.code == code)


def two_visits(folder: Path, first: Volume, second: Volume, more: Files | None = None) -> Results:
    files = {"sub-01/sub-01_sessions.tsv": TWO_VISITS, T2: scan(2), M1: first, M2: second}
    return Results(folder, {**files, **(more or {})})


# ---------------------------------------------------------------- labels


def test_a_label_that_is_not_listed_makes_the_tumour_missing_and_never_a_response(tmp_path: Path) -> None:
    found = two_visits(tmp_path, block(), block(6, label=4))
    assert found.tumour("ses-01") == 300 * VOXEL_MM3
    assert found.tumour("ses-02") is None
    assert found.calls() == {"NE"}
    message = found.message("mask_label_unlisted")
    assert "found 4 in 108 voxels" in message
    assert message.endswith("most likely it is tumour, which is drawn at ses-01 and missing here")
    assert all(row.mask_origin is None for row in found.rows if row.session_id == "ses-02")
    assert found.given["ses-02"].is_drawn_on  # so that no automatic mask stands in for the drawing


def test_a_part_under_an_unlisted_label_makes_the_rest_a_lower_bound(tmp_path: Path) -> None:
    part = block(6)
    part.array[3:6, 14:20, 32:40] = 7
    found = two_visits(tmp_path, block(10), part)
    assert found.tumour("ses-02") == 108 * VOXEL_MM3
    assert found.calls() == {"NE"}
    assert (found.row("ses-02").bound_reason or "").endswith("its dseg.tsv does not list")


# ---------------------------------------------------------------- edges


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ((0, 14, 24), "left"),
        ((6, 14, 24), "right"),
        ((3, 0, 24), "back"),
        ((3, 34, 24), "front"),
        ((3, 14, 0), "foot"),
        ((3, 14, 54), "head"),
    ],
)
def test_a_mask_cut_by_the_edge_is_a_lower_bound_and_no_response(
    tmp_path: Path, start: tuple[int, int, int], name: str
) -> None:
    found = two_visits(tmp_path, block(10), block(6, start=start))
    assert found.tumour("ses-02") == 108 * VOXEL_MM3
    assert found.calls() == {"NE"}
    assert f"({name})" in found.message("mask_at_edge")


def test_growth_at_the_edge_stands(tmp_path: Path) -> None:
    found = two_visits(tmp_path, block(6), block(16, start=(3, 10, 44)))
    assert "PD" in found.calls()
    assert "CR" not in found.calls()
    assert "mask_at_edge" in found.codes()


def test_a_cut_mask_is_no_baseline(tmp_path: Path) -> None:
    found = two_visits(tmp_path, block(6, start=(3, 14, 54)), block(16))
    assert found.calls() == {"SD"}
    assert (found.states("ses-01"), found.states("ses-02")) == ({"not_evaluable"}, {"baseline"})


def test_padding_with_zeros_is_the_edge_of_the_signal(tmp_path: Path) -> None:
    padded = scan(2)
    padded.array[:, :, 30:] = 0
    found = two_visits(tmp_path, block(10), block(6), {T2: padded})
    assert found.calls() == {"NE"}
    assert "(head)" in found.message("mask_at_edge")


# ---------------------------------------------------------------- scales


def mask_file(kind: str) -> str:
    return M1.replace("_dseg", f"_label-tumour_{kind}")


FULL_MM3 = 300 * VOXEL_MM3
SCALED: dict[str, tuple[str, Volume, float | None]] = {
    "1/255 mask": ("mask", block(label=1 / 255, dtype=np.float32), FULL_MM3),
    "0/255 mask": ("mask", block(label=255), FULL_MM3),
    "per cent mask": ("mask", block(label=100, dtype=np.float32), FULL_MM3),
    "1/255 probabilities": ("probseg", block(label=1 / 255, dtype=np.float32), None),
    "per cent probabilities": ("probseg", block(label=100, dtype=np.float32), None),
    "halved probabilities": ("probseg", block(label=0.5, dtype=np.float32), None),
    "1/255 labels": ("dseg", block(label=1 / 255, dtype=np.float32), None),
    "labels scaled to nothing": ("dseg", block(label=2e-4, dtype=np.float32), None),
    "0/255 labels": ("dseg", block(label=255), None),
    "the inverse": ("mask", Volume(1 - block().array, AFFINE), None),
    "the whole picture": ("mask", Volume(np.ones(SHAPE, np.uint8), AFFINE), None),
    "the scan as labels": ("dseg", Volume(np.rint(scan().array).astype(np.int16), AFFINE), None),
    "the scan as a mask": ("mask", scan(), None),
    "the scan as probabilities": ("probseg", Volume(scan().array / 400, AFFINE), None),
}


@pytest.mark.parametrize(("kind", "mask", "expected_mm3"), SCALED.values(), ids=SCALED.keys())
def test_a_mask_of_another_scale_is_read_as_what_it_is_or_refused(
    tmp_path: Path, kind: str, mask: Volume, expected_mm3: float | None
) -> None:
    found = Results(tmp_path, {mask_file(kind).replace("_label-tumour_dseg", "_dseg"): mask})
    assert found.tumour() == expected_mm3
    refusals = [
        c for c in found.codes() if c in {"mask_values", "mask_is_scan", "mask_covers_scan", "mask_label_unlisted"}
    ]
    assert len(refusals) == (expected_mm3 is None)


def test_float_noise_of_an_interpolation_is_no_value(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).uniform(-1e-7, 1e-7, SHAPE)
    found = Results(tmp_path, {mask_file("mask"): Volume((block().array + noise).astype(np.float32), AFFINE)})
    assert found.tumour() == FULL_MM3


# ---------------------------------------------------------------- runs and other scans


RUN_1, RUN_2 = (T1.replace("_T2w", f"_run-0{number}_T2w") for number in (1, 2))


@pytest.mark.parametrize("has_run", [True, False])
@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_the_scan_that_was_drawn_on_is_the_one_measured(tmp_path: Path, has_run: bool, is_elsewhere: bool) -> None:
    moved = AFFINE.copy()
    moved[:3, 3] = (0, 4, 8) if is_elsewhere else (0, 0, 0)
    drawn = M1.replace("_dseg", "_run-02_dseg") if has_run else M1
    files = {T1: None, RUN_1: scan(1), RUN_2: Volume(scan(2).array, moved), drawn: Volume(block().array, moved)}
    found = Results(tmp_path, files)
    assert found.tumour() == FULL_MM3
    assert found.masks[0].scan_path == (RUN_2 if has_run or is_elsewhere else RUN_1)


def test_of_two_runs_that_on_which_most_was_drawn_is_measured(tmp_path: Path) -> None:
    moved = AFFINE.copy()
    moved[:3, 3] = (0, 4, 8)
    cyst = np.roll(block().array, 12, axis=1)
    drawn = {
        M1.replace("_dseg", "_label-oedema_mask"): block(),
        M1.replace("_dseg", "_label-tumour_mask"): Volume(block().array, moved),
        M1.replace("_dseg", "_label-cyst_mask"): Volume(cyst, moved),
    }
    found = Results(tmp_path, {T1: None, RUN_1: scan(1), RUN_2: Volume(scan(2).array, moved), **drawn})
    assert found.tumour() == FULL_MM3
    assert {row.scan_path for row in found.masks} == {RUN_2}
    assert "oedema_mask.nii.gz: expected the image's grid" in found.message("mask_grid")


def test_of_two_masks_that_of_the_measured_run_counts_and_the_other_is_named(tmp_path: Path) -> None:
    files = {T1: None, RUN_1: scan(1), RUN_2: scan(2)}
    drawn = {M1.replace("_dseg", "_run-01_dseg"): block(6), M1.replace("_dseg", "_run-02_dseg"): block(10)}
    found = Results(tmp_path, {**files, **drawn})
    assert found.tumour() == 108 * VOXEL_MM3
    assert "run-02_dseg" in found.message("mask_other_scan")


@pytest.mark.parametrize("suffix", ["UNIT1", "T2star", "PDw", "MTS"])
def test_an_unusual_scan_is_measured_where_somebody_drew_on_it(tmp_path: Path, suffix: str) -> None:
    found = Results(tmp_path, {T1: None, T1.replace("T2w", suffix): scan(), M1: block()})
    assert found.tumour() == FULL_MM3
    assert suffix == "PDw" or suffix in found.message("scan_unusual")


@pytest.mark.parametrize("suffix", ["UNIT1", "T1map"])
def test_a_visit_that_cannot_be_measured_says_so_and_names_its_mask(tmp_path: Path, suffix: str) -> None:
    other = Volume(np.ones((4, 4, 4), np.uint8), np.eye(4))
    found = Results(
        tmp_path, {T1: None, T1.replace("T2w", suffix): scan(), M1: other if suffix == "UNIT1" else block()}
    )
    assert found.message("visit_not_measurable").endswith(f"found {suffix}; not used: {M1}")


# ---------------------------------------------------------------- places


@pytest.mark.parametrize(("shift_mm", "expected"), [(0.04, FULL_MM3), (0.06, None)])
def test_a_grid_off_by_less_than_a_tenth_of_a_voxel_is_rounding(
    tmp_path: Path, shift_mm: float, expected: float | None
) -> None:
    moved = AFFINE.copy()
    moved[2, 3] += shift_mm
    found = Results(tmp_path, {M1: Volume(block().array, moved)})
    assert found.tumour() == expected
    code = "mask_grid_rounded" if expected else "mask_grid"
    assert f"{shift_mm} mm ({100 * shift_mm / 0.5:.0f} % of a voxel)" in found.message(code)


def two_positions(path: Path, array: np.ndarray, degrees: float = 13) -> np.ndarray:
    """Write an image with an sform, and a qform that is turned away from it; return the qform."""
    turned = AFFINE.copy()
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned[:3, :3] = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) @ AFFINE[:3, :3]
    image = nib.Nifti1Image(array, AFFINE)
    image.set_qform(turned, code=1)
    image.set_sform(AFFINE, code=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return turned


@pytest.mark.parametrize("place", ["sform", "qform", "both"])
def test_a_mask_at_either_position_of_its_scan_is_measured(tmp_path: Path, place: str) -> None:
    turned = two_positions(tmp_path / "study" / T1, scan().array)
    if place == "both":
        two_positions(tmp_path / "study" / M1, block().array)
    mask = {"sform": block(), "qform": Volume(block().array, turned), "both": None}[place]
    found = Results(tmp_path, {T1: None, M1: mask})
    assert found.tumour() == FULL_MM3
    assert "qform and an sform that place it differently (13.0 degrees" in found.message("scan_two_positions")


def test_voxels_without_a_number_count_as_no_signal(tmp_path: Path) -> None:
    holed = scan()
    holed.array[:, :, 54:] = np.nan
    found = Results(tmp_path, {T1: holed, M1: block()})
    assert found.tumour() == FULL_MM3
    assert "(10.0%)" in found.message("scan_not_finite")


def test_a_mask_that_ends_where_the_numbers_end_is_cut(tmp_path: Path) -> None:
    holed = scan()
    holed.array[:, :, 34:] = np.nan
    assert "(head)" in Results(tmp_path, {T1: holed, M1: block()}).message("mask_at_edge")


# ---------------------------------------------------------------- pointers, links and folders


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"/annex/objects/MD5E-s3--900150983cd24fb0d6963f7d28e17f72.nii.gz\n", "git annex get"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "git lfs pull"),
    ],
)
def test_a_pointer_is_named_as_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in Results(tmp_path, {T1: content, M1: block()}).message("scan_unreadable")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_into_the_annex_of_the_same_repository_is_followed(tmp_path: Path, is_there: bool) -> None:
    key = tmp_path / ".git" / "annex" / "objects" / "a" / "key.nii.gz"
    key.parent.mkdir(parents=True)
    if is_there:
        images.save(scan(), key)
    (tmp_path / "study" / T1).parent.mkdir(parents=True)
    (tmp_path / "study" / T1).symlink_to("../../../../.git/annex/objects/a/key.nii.gz")
    found = Results(tmp_path, {T1: None, M1: block()})
    if is_there:
        assert found.tumour() == FULL_MM3
    else:
        assert found.message("link_annex").startswith(f"{T1}: expected the file, found a git-annex link")


def test_results_may_lie_in_a_folder_of_their_own_among_the_derivatives(tmp_path: Path) -> None:
    study = write_files(tmp_path / "study", {**ONE_VISIT, T1: scan(), M1: block()})
    at = datetime(2026, 1, 31)  # noqa: DTZ001
    settings = RunSettings(study, study / "derivatives" / "cordtrack", "imsct_adapted_v1", None, 1, AS_OF, at)
    assert run(settings, lambda *_: None).computed == ("sub-01",)
    again = run(settings, lambda *_: None)
    assert (again.computed, again.is_published) == ((), False)
    assert "derivative_own_output" in [finding.code for finding in again.findings]


# ---------------------------------------------------------------- the shared cases


@pytest.mark.slow
def test_every_shared_case_has_the_right_answer(tmp_path: Path) -> None:
    script = SHARED / "field_cases" / "check_cases.py"
    if not script.is_file():
        pytest.skip("the shared field cases are not on this machine")
    done = script_beside(script, tmp_path)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    right, total = map(int, lines[-1].split(" of "))
    assert right == total > 0, done.stdout


@pytest.mark.parametrize(
    "content",
    [
        "/annex/objects/MD5E-s123--d41d8cd98f00b204e9800998ecf8427e.tsv\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n",
    ],
)
def test_a_pointer_in_place_of_the_treatments_is_no_word_that_nobody_was_treated(tmp_path: Path, content: str) -> None:
    results = two_visits(tmp_path, block(), block(5), {"treatments.tsv": content})
    assert results.calls() == {"NE"}
    assert "pointer, not its content; fetch it with 'git" in results.message("file_unreadable")


def test_treatments_under_an_id_that_lost_its_zeros_are_not_overlooked(tmp_path: Path) -> None:
    tables = {
        "participants.tsv": "participant_id\tsex\nsub-1\tF\n",
        "treatments.tsv": "participant_id\tdate\tkind\n1\t2020-06-01\tsurgery\n",
    }
    study = read_study(write_files(tmp_path, {**ONE_VISIT, **tables}), as_of=AS_OF)
    (treatment,) = next(one for one in study.patients if one.patient.patient_id == "sub-01").treatments
    assert (treatment.kind, treatment.written) == ("unknown", "row of treatments.tsv that could not be read")
