"""Programs whose errors are known by construction, scored on a small dataset with boxes for lesions. Six seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.bench import given_results, known_truth, score_tables, scoring
from pipeline.core import records
from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.files import finished_steps, images
from tests.command import typed

SHAPE = (24, 24, 40)
GRID = np.diag([1.0, 1.0, 2.0, 1.0])
SCAN = Volume(np.ones(SHAPE, dtype=np.int16), GRID)
SIZES = {("sub-01", "ses-01"): 10, ("sub-01", "ses-02"): 10, ("sub-01", "ses-03"): 20, ("sub-02", "ses-01"): 10,
         ("sub-02", "ses-02"): 5, ("sub-02", "ses-03"): 0}  # fmt: skip
"""Slices of 50 mm3 each that the lesion has at each visit."""
SHIFT_MM = {"ses-01": 0.0, "ses-02": 4.0, "ses-03": -6.0}
"""How far a visit's points lie above those of the first."""


def box(slice_count: int, *, width: int = 5) -> Volume:
    array = np.zeros(SHAPE, dtype=np.uint8)
    array[8 : 8 + width, 8:13, 10 : 10 + slice_count] = 1
    return Volume(array, GRID)


def points_of(session: str, *, off_mm: float = 0.0) -> list[list[object]]:
    return [[n, 10.0, 10.0 + off_mm, 20.0 + n + SHIFT_MM[session]] for n in range(5)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    volumes, marks = ["participant_id\tsession_id\tlabel\tvolume_mm3"], ["\t".join(known_truth.POINT_COLUMNS)]
    for (patient, session), count in SIZES.items():
        name = f"{patient}_{session}"
        images.save(SCAN, folder / f"bids/{patient}/{session}/anat/{name}_T2w.nii.gz")
        images.save(box(count), folder / f"truth/masks/{name}_space-orig_dseg.nii.gz")
        volumes.append(f"{patient}\t{session}\ttumour\t{50.0 * count}")
        marks += ["\t".join(map(str, [patient, session, *row])) for row in points_of(session)]
        if session == "ses-01":
            images.save(box(count), folder / f"bids/derivatives/reader/{patient}/{name}_label-tumour_mask.nii.gz")
    (folder / "truth" / "volumes.tsv").write_text("\n".join(volumes), encoding="utf-8")
    (folder / "truth" / "landmarks.tsv").write_text("\n".join(marks), encoding="utf-8")
    return folder


def write_points(folder: Path, *, off_mm: float = 0.0, left_out: tuple[str, str] | None = None) -> None:
    marks = ["\t".join(known_truth.POINT_COLUMNS)]
    for key in SIZES:
        if key[1] != "ses-01" and key != left_out:
            marks += ["\t".join(map(str, [*key, *row])) for row in points_of(key[1], off_mm=off_mm)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "landmarks.tsv").write_text("\n".join(marks), encoding="utf-8")


def write_mask(folder: Path, key: tuple[str, str], mask: Volume) -> None:
    images.save(mask, folder / "masks" / f"{'_'.join(key)}_dseg.nii.gz")
    (folder / "masks" / "dseg.tsv").write_text("index\tname\n0\tbackground\n1\tsolid tumor\n", encoding="utf-8")


Scores = tuple[list[scoring.PointScore], list[scoring.MaskScore], score_tables.ScoreTables]


def scored(data: Path, folder: Path) -> Scores:
    known_set = known_truth.read_set(data)
    given = given_results.read_results(folder, known_set)
    points, masks = scoring.score_points(known_set, given), scoring.score_masks(known_set, given)
    return points, masks, score_tables.tables_of(points, masks)


def test_a_program_that_is_right_has_no_error(data: Path, tmp_path: Path) -> None:
    write_points(tmp_path / "right")
    for key, count in SIZES.items():
        write_mask(tmp_path / "right", key, box(count))
    _, _, tables = scored(data, tmp_path / "right")
    assert tables.alignment["pairs"] == "4 of 4"
    assert tables.alignment["worst point"] == "0.00"
    undrawn = next(row for row in tables.masks if row["visits"] == score_tables.FOLLOW_UP)
    assert (undrawn["given"], undrawn["median error"], undrawn["Dice"]) == ("4 of 4", "0 %", "1.00")
    assert undrawn["drawn where nothing is"] == "0 of 1"
    assert (tables.changes[0]["slope"], tables.changes[0]["false above 20 %"]) == ("1.00", "0 of 1")
    assert not tables.missing


def test_errors_are_those_put_in(data: Path, tmp_path: Path) -> None:
    """Points 3 mm beside; every lesion of a later visit drawn as it was at the first one."""
    write_points(tmp_path / "carried", off_mm=3.0)
    for key in SIZES:
        if key[1] != "ses-01":
            write_mask(tmp_path / "carried", key, box(10))
    points, masks, tables = scored(data, tmp_path / "carried")
    assert all(score.errors_mm == pytest.approx(3.0) for score in points)
    assert tables.alignment["pairs above 2 mm"] == "4"
    errors = {(score.patient_id, score.visit): score.error for score in masks}
    assert errors["sub-01", "ses-03"] == pytest.approx(-0.5)
    assert errors["sub-02", "ses-02"] == pytest.approx(1.0)
    starts = {score.change_from for score in masks if score.given_change is not None}
    assert starts == {"reader"}  # the program drew nothing at the first visit
    assert tables.changes[0]["slope"] == "0.00"
    assert tables.masks[0]["drawn where nothing is"] == "1 of 1"
    dice = next(score.dice for score in masks if (score.patient_id, score.visit) == ("sub-01", "ses-03"))
    assert dice == pytest.approx(2 * 10 / 30)
    assert "sub-01 ses-03 tumour: 500 mm³ for 1000 (-50 %)" in tables.worst


def test_a_change_claimed_where_there_is_none_is_false_against_the_programs_own_first_volume(
    data: Path, tmp_path: Path
) -> None:
    write_mask(tmp_path / "p", ("sub-01", "ses-01"), box(10, width=4))
    write_mask(tmp_path / "p", ("sub-01", "ses-02"), box(10))
    _, masks, tables = scored(data, tmp_path / "p")
    still = next(score for score in masks if score.is_unchanged)
    assert (still.given_change, still.change_from) == (pytest.approx(1.25), "program")
    assert tables.changes[0]["false above 20 %"] == "1 of 1"
    assert not score_tables.is_false_change(still, limit=0.3)


def test_what_is_missing_is_counted_and_named(data: Path, tmp_path: Path) -> None:
    write_points(tmp_path / "half", left_out=("sub-02", "ses-03"))
    write_mask(tmp_path / "half", ("sub-01", "ses-02"), box(10))
    elsewhere = Volume(box(10).array, GRID + np.array([[0, 0, 0, 30.0], [0] * 4, [0] * 4, [0] * 4]))
    write_mask(tmp_path / "half", ("sub-01", "ses-03"), elsewhere)
    write_mask(tmp_path / "half", ("sub-77", "ses-03"), elsewhere)
    _, masks, tables = scored(data, tmp_path / "half")
    assert tables.alignment["pairs"] == "3 of 4"
    assert tables.masks[0]["given"] == "1 of 4"
    assert len(masks) == 4  # a visit with a reader's mask is not asked for
    assert any("points of 1: no points and no transform given: sub-02 ses-03" in line for line in tables.missing)
    assert any("grid of no scan of its visit" in line and "sub-01 ses-03" in line for line in tables.missing)
    assert any(line.startswith("tumour of 2: no mask given: sub-02 ses-02, sub-02 ses-03") for line in tables.missing)
    known_set = known_truth.read_set(data)
    assert given_results.read_results(tmp_path / "half", known_set).strangers == ("sub-77 ses-03",)


def test_a_compartment_that_the_program_does_not_draw_is_missing_and_not_empty(data: Path, tmp_path: Path) -> None:
    write_mask(tmp_path / "cyst", ("sub-01", "ses-02"), box(10))
    (tmp_path / "cyst" / "masks" / "dseg.tsv").write_text("index\tname\n1\tcyst\n", encoding="utf-8")
    _, masks, _ = scored(data, tmp_path / "cyst")
    score = next(score for score in masks if (score.patient_id, score.visit) == ("sub-01", "ses-02"))
    assert (score.given_mm3, score.missing_reason) == (None, "not among what the program drew here")
    known_set = known_truth.read_set(data)
    given = given_results.read_results(tmp_path / "cyst", known_set)
    assert scoring.without_truth(known_set, given) == ["cyst"]


def test_transforms_of_itk_and_axes_in_another_order_are_read(data: Path, tmp_path: Path) -> None:
    moved = np.eye(4)
    moved[2, 3] = SHIFT_MM["ses-02"]
    images.save_transform(Transform("a", "b", moved), tmp_path / "p" / "transforms" / "sub-01_ses-02.h5")
    turned = np.array([[-1.0, 0, 0, 23], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    write_mask(tmp_path / "p", ("sub-01", "ses-02"), Volume(box(10).array[::-1], turned))
    points, masks, _ = scored(data, tmp_path / "p")
    placed = [score for score in points if score.missing_reason is None]
    assert [(score.patient_id, score.visit) for score in placed] == [("sub-01", "ses-02")]
    assert placed[0].errors_mm == pytest.approx(0.0, abs=1e-6)
    assert next(score.dice for score in masks if score.missing_reason is None) == 1.0


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("participant_id\tsession_id\tlandmark\tx\ty\n", "expected the columns"),
        ("participant_id\tsession_id\tlandmark\tx\ty\tz\nsub-01\tses-02\t0\t1\tnan\t3\n", "line 2: expected numbers"),
        (
            "participant_id\tsession_id\tlandmark\tx\ty\tz\nsub-01\tses-02\t0\t1\t2\t3\nsub-01\tses-02\t0\t1\t2\t4\n",
            "sub-01 ses-02 0 twice",
        ),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused(data: Path, tmp_path: Path, written: str, words: str) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "landmarks.tsv").write_text(written, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        scored(data, tmp_path / "odd")


def test_two_answers_for_a_visit_and_numbers_without_names_are_refused(data: Path, tmp_path: Path) -> None:
    write_points(tmp_path / "two")
    images.save_transform(Transform("a", "b", np.eye(4)), tmp_path / "two" / "transforms" / "sub-01_ses-02.h5")
    with pytest.raises(InputError, match=r"sub-01 ses-02 stands in landmarks.tsv and in transforms/"):
        scored(data, tmp_path / "two")
    write_mask(tmp_path / "unnamed", ("sub-01", "ses-02"), box(10))
    (tmp_path / "unnamed" / "masks" / "dseg.tsv").unlink()
    with pytest.raises(InputError, match=r"expected dseg.tsv beside it"):
        scored(data, tmp_path / "unnamed")


def test_of_people_scanned_twice_every_change_is_false(tmp_path: Path) -> None:
    data, folder = tmp_path / "twice", tmp_path / "p"
    for patient in ("sub-1", "sub-2"):
        for run in ("run-1", "run-2"):
            images.save(SCAN, data / patient / "anat" / f"{patient}_{run}_T2starw.nii.gz")
        name = f"{patient}_run-1_T2starw_gmseg-manual.nii.gz"
        images.save(box(10), data / "derivatives" / "labels" / patient / "anat" / name)
    for key, count in {("sub-1", "run-1"): 10, ("sub-1", "run-2"): 13, ("sub-2", "run-2"): 10}.items():
        images.save(box(count), folder / "masks" / f"{'_'.join(key)}_label-greymatter_mask.nii.gz")
    known_set = known_truth.read_set(data)
    given = given_results.read_results(folder, known_set)
    assert not scoring.score_points(known_set, given)
    masks = scoring.score_masks(known_set, given)
    changes = {(s.patient_id, s.visit): (s.given_change, s.change_from) for s in masks if s.true_change is not None}
    assert changes == {("sub-1", "run-2"): (pytest.approx(1.3), "program"), ("sub-2", "run-2"): (1.0, "reader")}
    assert score_tables.tables_of([], masks).changes[0]["false above 20 %"] == "1 of 2"


def test_a_readers_mask_that_lies_on_no_scan_is_named_and_not_used(data: Path) -> None:
    path = data / "bids/derivatives/reader/sub-01/sub-01_ses-01_label-tumour_mask.nii.gz"
    images.save(Volume(box(10).array[..., 1:], GRID), path)
    known_set = known_truth.read_set(data)
    assert known_set.unusable == (path.name,)
    assert not known_set.visits["sub-01"][0].drawn_masks


def own_output(folder: Path, grade: str) -> Path:
    """An output folder as a run leaves it, with ses-01 as reference and one alignment of ses-02."""
    anat = folder / "sub-01" / "ses-02" / "anat"
    images.save(box(10), folder / "sub-01" / "ses-01" / "anat" / "sub-01_ses-01_space-reference_T2w.nii.gz")
    moved = np.eye(4)
    moved[2, 3] = SHIFT_MM["ses-02"]
    name = "sub-01_ses-02_from-ses02_to-reference_mode-image_xfm"
    images.save_transform(Transform("reference", "ses-02", moved), anat / f"{name}.h5")
    written = (anat / f"{name}.h5").relative_to(folder).as_posix()
    aligned = records.Registration(
        "sub-01", "ses-02", "m.nii.gz", "f.nii.gz", "visit_to_reference", "rigid", grade, "", None, None, None, None,
        None, written, None, "0" * 64, "cordtrack 0.1.0",
    )  # fmt: skip
    step = finished_steps.Step((written,), (aligned,), {}, "0" * 64)
    finished_steps.write_step(anat / f"{name}.json", step, (), "cordtrack 0.1.0")
    shares = Volume((box(8).array * 0.4).astype(np.float32), GRID)
    images.save(shares, anat / "sub-01_ses-02_space-orig_seg-cordtrack_label-tumour_probseg.nii.gz")
    (folder / "run.toml").write_text("", encoding="utf-8")
    return folder


def test_an_output_folder_of_cordtrack_is_scored(data: Path, tmp_path: Path) -> None:
    known_set = known_truth.read_set(data)
    given = given_results.read_own(own_output(tmp_path / "out", "A"), known_set)
    points = {(s.patient_id, s.visit): s for s in scoring.score_points(known_set, given)}
    assert points["sub-01", "ses-02"].errors_mm == pytest.approx(0.0, abs=1e-6)
    assert points["sub-01", "ses-03"].missing_reason == "cordtrack did not align the visit"
    masks = [score for score in scoring.score_masks(known_set, given) if score.given_mm3 is not None]
    assert [score.given_mm3 for score in masks] == [pytest.approx(160.0, rel=1e-3)]  # shares add up, however low


def test_an_alignment_that_cordtrack_refuses_is_missing(data: Path, tmp_path: Path) -> None:
    known_set = known_truth.read_set(data)
    given = given_results.read_own(own_output(tmp_path / "out", "C"), known_set)
    points = {(s.patient_id, s.visit): s for s in scoring.score_points(known_set, given)}
    assert points["sub-01", "ses-02"].missing_reason == "cordtrack refuses its own alignment of the visit (grade C)"
    (tmp_path / "out/sub-01/ses-02/anat/sub-01_ses-02_from-ses02_to-reference_mode-image_xfm.h5").unlink()
    given = given_results.read_own(tmp_path / "out", known_set)
    assert given.refusals["sub-01", "ses-02"] == "cordtrack did not finish aligning the visit"
    with pytest.raises(SettingsError, match="expected an output folder of cordtrack"):
        given_results.read_own(data, known_set)


def test_the_command_shows_tables_writes_every_row_and_needs_something_to_score(data: Path, tmp_path: Path) -> None:
    write_points(tmp_path / "p", off_mm=1.0)
    done = typed("bench", data, "--results", tmp_path / "p", "--csv", tmp_path / "scores.csv")
    assert done.returncode == 0, done.stderr
    assert "Alignment, mm" in done.stdout
    assert "tumour of 4: no mask given" in done.stdout
    table = pd.read_csv(tmp_path / "scores.csv")
    assert list(table.columns) == list(score_tables.CSV_COLUMNS)
    assert table["status"].value_counts().to_dict() == {"scored": 4, "missing": 4}
    assert table.loc[table["kind"] == "points", "mean_mm"].tolist() == [1.0] * 4
    shown = json.loads(typed("bench", data, "--results", tmp_path / "p", "--csv", tmp_path / "s.csv", "--json").stdout)
    assert shown["alignment"]["mean"] == "1.00"
    refused = typed("bench", data, "--csv", tmp_path / "s.csv")
    assert refused.returncode == 2
    assert "expected what is scored" in refused.stderr
    nowhere = typed("bench", tmp_path / "p", "--results", tmp_path / "p", "--csv", tmp_path / "s.csv")
    assert nowhere.returncode == 2
    assert "expected scans named" in nowhere.stderr
