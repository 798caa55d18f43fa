"""The committed sample study holds what its truth says, and its stories are true (about 10 s)."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from pipeline.core.volume import same_grid, to_voxel
from pipeline.errors import InputError
from pipeline.files.images import load
from sample_data.generate import LABELS
from sample_data.scanner import PROTOCOLS
from sample_data.stories import PATIENTS, Patient
from tests.places import SAMPLE

ROOT = SAMPLE
STUDY, TRUTH, READER = ROOT / "study", ROOT / "truth", ROOT / "study" / "derivatives" / "reader"
BAD = {("sub-demo08", "ses-03"), ("sub-demo08", "ses-04")}
SPELLINGS = {"tumor": "tumour", "edema": "oedema"}

SOFT_TOLERANCE = 0.02
"""Soft masks hold shares in steps of 0.005, and a scan averages eight points per voxel."""
LABEL_TOLERANCE = 0.08
"""A reader's volume errs by up to 5 %; whole voxels of 1 to 1.6 mm³ and neighbours that take them add the rest."""
SMALL_MM3 = 500.0
"""Below this a handful of voxels is already several percent."""
TWELVE_WEEKS_DAYS = 84


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def true_volumes() -> dict[tuple[str, str, str], float]:
    rows = rows_of(TRUTH / "volumes.tsv")
    return {(r["participant_id"], r["session_id"], r["compartment"]): float(r["volume_mm3"]) for r in rows}


VOLUMES = true_volumes()


def course(participant: str, compartment: str = "tumour") -> list[float]:
    keys = sorted(key for key in VOLUMES if key[0] == participant and key[2] == compartment)
    return [VOLUMES[key] for key in keys]


def key_of(path: Path) -> tuple[str, str]:
    participant, session = path.name.split("_")[:2]
    return participant, session


def scan_of(path: Path) -> Path:
    participant, session = key_of(path)
    return STUDY / participant / session / "anat" / f"{participant}_{session}_T2w.nii.gz"


def dates_of(patient: Patient) -> dict[str, date]:
    return {v.session_id: date.fromisoformat(v.acquired_on) for v in patient.visits if v.acquired_on}


def masks(pattern: str) -> list[Path]:
    return [path for path in sorted(READER.rglob(pattern)) if key_of(path) not in BAD]


@pytest.mark.parametrize("path", masks("*_probseg.nii.gz"), ids=lambda path: path.name)
def test_soft_masks_hold_the_true_volume(path: Path) -> None:
    mask = load(path)
    compartment = path.name.split("_label-")[1].split("_")[0]
    true_mm3 = VOLUMES[*key_of(path), compartment]
    assert float(mask.array.sum(dtype=np.float64)) * mask.voxel_mm3 == pytest.approx(
        true_mm3, rel=SOFT_TOLERANCE if true_mm3 > SMALL_MM3 else 0.04
    )


@pytest.mark.parametrize("path", masks("*_dseg.nii.gz"), ids=lambda path: path.name)
def test_label_maps_hold_the_true_volumes(path: Path) -> None:
    mask = load(path)
    names = {row["name"]: int(row["index"]) for row in rows_of(READER / "dseg.tsv")}
    assert names == LABELS
    for name, index in names.items():
        counted_mm3 = float((mask.array == index).sum()) * mask.voxel_mm3
        true_mm3 = VOLUMES[*key_of(path), name]
        if true_mm3 > SMALL_MM3:
            assert counted_mm3 == pytest.approx(true_mm3, rel=LABEL_TOLERANCE), name
        else:
            assert abs(counted_mm3 - true_mm3) <= 0.15 * true_mm3, name


@pytest.mark.parametrize("path", masks("*_mask.nii.gz"), ids=lambda path: path.name)
def test_masks_by_compartment_hold_the_true_volume(path: Path) -> None:
    mask = load(path)
    word = path.name.split("_label-")[1].split("_")[0]
    true_mm3 = VOLUMES[*key_of(path), SPELLINGS.get(word, word)]
    tolerance = LABEL_TOLERANCE if true_mm3 > SMALL_MM3 else 0.15
    assert float(mask.array.sum()) * mask.voxel_mm3 == pytest.approx(true_mm3, rel=tolerance)


def test_every_way_of_writing_a_mask_is_there() -> None:
    assert len(masks("*_dseg.nii.gz")) >= 15
    assert len(masks("*_probseg.nii.gz")) == 14
    words = {path.name.split("_label-")[1].split("_")[0] for path in masks("*_mask.nii.gz")}
    assert words == {"tumor", "cyst"}


@pytest.mark.parametrize("path", masks("*.nii.gz"), ids=lambda path: path.name)
def test_masks_lie_on_the_grid_of_their_scan(path: Path) -> None:
    assert same_grid(load(path), load(scan_of(path)))


@pytest.mark.parametrize("path", sorted(STUDY.glob("sub-*/ses-*/anat/*_T1w.nii.gz")), ids=lambda path: path.name)
def test_contrast_scans_share_the_grid_of_the_t2w_scan(path: Path) -> None:
    assert same_grid(load(path), load(scan_of(path)))


def test_after_total_resection_a_reading_without_tumour_is_written_as_an_empty_mask() -> None:
    readings = [load(path).array for path in masks("sub-demo03*_dseg.nii.gz")]
    assert [bool((array == LABELS["tumour"]).any()) for array in readings] == [False] * 4 + [True] * 2
    assert not readings[3].any()


def test_the_second_reader_outlines_more() -> None:
    name = "sub-demo01/ses-01/anat/sub-demo01_ses-01_space-orig_dseg.nii.gz"
    first, second = load(READER / name), load(STUDY / "derivatives" / "reader2" / name)
    ratio = (second.array == LABELS["tumour"]).sum() / (first.array == LABELS["tumour"]).sum()
    assert 1.03 < ratio < 1.18


def test_story_1_residual_stays_within_five_percent() -> None:
    volumes = course("sub-demo01")
    assert max(volumes) < 1.05 * min(volumes)


def test_story_2_residual_passes_forty_percent_above_its_nadir_and_stays_there() -> None:
    volumes = course("sub-demo02")
    nadir = min(volumes)
    assert volumes.index(nadir) == 1
    assert [volume >= 1.4 * nadir for volume in volumes] == [False] * 4 + [True] * 2
    assert volumes[-1] - nadir > 300


def test_story_3_nothing_for_four_visits_then_recurrence() -> None:
    volumes = course("sub-demo03")
    assert volumes[:4] == [0.0] * 4
    assert 150 <= volumes[4] < volumes[5] <= 500


def test_story_4_cyst_grows_beside_a_stable_tumour() -> None:
    tumour, cyst = course("sub-demo04"), course("sub-demo04", "cyst")
    assert max(tumour) < 1.05 * min(tumour)
    assert cyst == sorted(cyst)
    assert cyst[-1] > 3 * cyst[0]


def test_story_5_swelling_within_twelve_weeks_of_radiotherapy_then_response() -> None:
    patient = PATIENTS[4]
    end = date.fromisoformat(next(t.end_date for t in patient.treatments if t.kind == "radiotherapy"))
    after_days = [(day - end).days for day in dates_of(patient).values()]
    volumes = course("sub-demo05")
    peak = volumes.index(max(volumes))
    assert volumes[peak] >= 1.4 * min(volumes[:peak])
    assert 0 < after_days[peak] <= TWELVE_WEEKS_DAYS < after_days[peak + 1]
    assert volumes[peak + 1] < volumes[0]
    assert all(volume <= 0.35 * volumes[0] for volume in volumes[-2:])


def test_story_6_a_second_lesion_appears_at_the_fourth_visit_far_from_the_first() -> None:
    rows = [row for row in rows_of(TRUTH / "lesions.tsv") if row["participant_id"] == "sub-demo06"]
    sessions = [row["session_id"] for row in rows if row["lesion"] == "2"]
    assert sessions == ["ses-04", "ses-05"]
    first, second = (np.array([float(row[axis]) for axis in "xyz"]) for row in rows[-2:])
    assert np.linalg.norm(first - second) > 20
    watched = [float(row["volume_mm3"]) for row in rows if row["lesion"] == "1"]
    assert max(watched) < 1.1 * min(watched)


def test_story_7_cyst_vanishes_with_surgery_and_the_residual_stays() -> None:
    tumour, cyst = course("sub-demo07"), course("sub-demo07", "cyst")
    assert cyst[0] > SMALL_MM3
    assert cyst[1:] == [0.0] * 4
    assert tumour[0] > 3 * tumour[1]
    assert max(tumour[1:]) < 1.05 * min(tumour[1:])
    assert {visit.protocol for visit in PATIENTS[6].visits} == {"sag", "iso10"}


def test_story_8_the_bad_input_is_bad_and_the_rest_is_good() -> None:
    anat = STUDY / "sub-demo08"
    with pytest.raises(InputError, match="truncated or damaged"):
        load(anat / "ses-03" / "anat" / "sub-demo08_ses-03_T2w.nii.gz")
    mask = load(READER / "sub-demo08/ses-04/anat/sub-demo08_ses-04_space-orig_dseg.nii.gz")
    assert not same_grid(mask, load(anat / "ses-04" / "anat" / "sub-demo08_ses-04_T2w.nii.gz"))
    days = {row["session_id"]: row["acq_date"] for row in rows_of(anat / "sub-demo08_sessions.tsv")}
    assert [session for session, day in days.items() if day == "n/a"] == ["ses-05"]
    for session in ("ses-01", "ses-02", "ses-06"):
        assert load(anat / session / "anat" / f"sub-demo08_{session}_T2w.nii.gz").array.max() > 0


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient.participant_id)
def test_dates_ascend_and_the_baseline_follows_surgery_by_about_three_months(patient: Patient) -> None:
    days = list(dates_of(patient).values())
    assert days == sorted(set(days))
    for treatment in patient.treatments:
        if treatment.kind == "surgery":
            first = min(day for day in days if day > date.fromisoformat(treatment.date))
            assert 75 <= (first - date.fromisoformat(treatment.date)).days <= 105


def test_function_is_graded_on_the_modified_mccormick_scale() -> None:
    rows = rows_of(STUDY / "function.tsv")
    assert {row["scale_id"] for row in rows} == {"mmccormick"}
    assert all(1 <= int(row["grade"]) <= 5 for row in rows)
    assert {row["participant_id"] for row in rows} == {patient.participant_id for patient in PATIENTS}


@pytest.mark.parametrize("number", range(1, 9))
def test_landmarks_say_truly_whether_the_scan_covers_them(number: int) -> None:
    participant, session = f"sub-demo0{number}", "ses-02"
    scan = load(STUDY / participant / session / "anat" / f"{participant}_{session}_T2w.nii.gz")
    rows = [
        row
        for row in rows_of(TRUTH / "landmarks.tsv")
        if (row["participant_id"], row["session_id"]) == (participant, session)
    ]
    indices = to_voxel(scan.affine, np.array([[float(row[axis]) for axis in "xyz"] for row in rows]))
    inside = np.all((indices > -0.5) & (indices < np.array(scan.shape) - 0.5), axis=1)
    assert len(rows) == 40
    assert inside.tolist() == [row["inside"] == "1" for row in rows]
    assert inside.sum() >= 25


def test_visits_differ_in_pose_and_bend_but_not_in_anatomy() -> None:
    points = {
        session: np.array(
            [
                [float(row[axis]) for axis in "xyz"]
                for row in rows_of(TRUTH / "landmarks.tsv")
                if (row["participant_id"], row["session_id"]) == ("sub-demo01", session)
            ]
        )
        for session in ("ses-01", "ses-02")
    }
    a, b = (cloud - cloud.mean(axis=0) for cloud in points.values())
    u, _, vt = np.linalg.svd(a.T @ b)
    turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    rest_mm = np.linalg.norm(a @ turn - b, axis=1)
    moved_mm = np.linalg.norm(points["ses-01"] - points["ses-02"], axis=1)
    assert moved_mm.mean() > 2
    assert 0.1 < rest_mm.mean() < 3


@pytest.mark.parametrize(
    ("participant", "session"), [("sub-demo06", "ses-05"), ("sub-demo07", "ses-02"), ("sub-demo03", "ses-06")]
)
def test_tumour_takes_up_contrast(participant: str, session: str) -> None:
    folder = STUDY / participant / session / "anat"
    scan = load(folder / f"{participant}_{session}_ce-gadolinium_T1w.nii.gz")
    mask = load(READER / participant / session / "anat" / f"{participant}_{session}_space-orig_dseg.nii.gz")
    inside = scan.array[mask.array == LABELS["tumour"]]
    assert np.median(inside) > 1.5 * np.median(scan.array)


DESCRIBED = {
    "sub-demo01/ses-01": {"T1w", "T2starw"}, "sub-demo05/ses-01": {"T1w", "dwi"}, "sub-demo05/ses-03": {"T1w", "ADC"},
    "sub-demo05/ses-07": {"T1w"}, "sub-demo06/ses-05": {"T1w"},
}  # fmt: skip
"""Scans beside T2w and T1w after contrast agent."""


def test_further_scans_are_there_and_nowhere_else() -> None:
    usual = {"T2w", "ce-gadolinium_T1w"}
    beside: dict[str, set[str]] = {}
    for path in sorted(STUDY.glob("sub-*/ses-*/*/*.nii.gz")):
        participant, session, kind = path.name.removesuffix(".nii.gz").split("_", 2)
        if kind not in usual and path.parent.name != "mrs":
            beside.setdefault(f"{participant}/{session}", set()).add(kind)
    assert beside == DESCRIBED


def tumour_mask(participant: str, session: str) -> np.ndarray:
    folder = READER / participant / session / "anat"
    soft = folder / f"{participant}_{session}_space-orig_label-tumour_probseg.nii.gz"
    if soft.is_file():
        return load(soft).array >= 0.95
    return load(folder / f"{participant}_{session}_space-orig_dseg.nii.gz").array == LABELS["tumour"]


@pytest.mark.parametrize(("session", "uptake"), [("ses-01", "none"), ("ses-03", "ring"), ("ses-07", "none")])
def test_uptake_is_what_the_truth_says(session: str, uptake: str) -> None:
    truth = {
        row["finding"]: row["value"]
        for row in rows_of(TRUTH / "description.tsv")
        if (row["participant_id"], row["session_id"]) == ("sub-demo05", session)
    }
    assert uptake in (truth["enhancement"], truth.get("enhancement_pattern"))
    folder = STUDY / "sub-demo05" / session / "anat"
    after, before = (
        load(folder / f"sub-demo05_{session}_{kind}.nii.gz").array for kind in ("ce-gadolinium_T1w", "T1w")
    )
    inside = tumour_mask("sub-demo05", session)
    deep = ndimage.binary_erosion(inside, iterations=2)
    rim = inside & ~ndimage.binary_erosion(inside)
    rises = [float(np.median(after[part]) / np.median(before[part])) for part in (rim, deep)]
    assert (rises[0] > 1.5) == (uptake == "ring")
    assert rises[1] < 1.4  # the gains of two scans differ by up to a third


def test_weighted_scans_fall_as_the_true_coefficient_says_and_the_map_holds_it() -> None:
    scan = nibabel.load(STUDY / "sub-demo05/ses-01/dwi/sub-demo05_ses-01_dwi.nii.gz")
    stem = STUDY / "sub-demo05/ses-01/dwi/sub-demo05_ses-01_dwi"
    b_values = np.loadtxt(f"{stem}.bval")
    assert np.loadtxt(f"{stem}.bvec").shape == (3, len(b_values)) == (3, scan.shape[3])
    series = np.asarray(scan.dataobj, dtype=float)
    grid = load(STUDY / "sub-demo05/ses-03/dwi/sub-demo05_ses-03_ADC.nii.gz")
    fallen = np.log(series[..., 0] / series[..., 1:].mean(axis=-1)) / 1000 * 1e6
    for values, affine, session in ((fallen, scan.affine, "ses-01"), (grid.array, grid.affine, "ses-03")):
        (centre,) = [
            np.array([float(row[axis]) for axis in "xyz"])
            for row in rows_of(TRUTH / "lesions.tsv")
            if (row["participant_id"], row["session_id"]) == ("sub-demo05", session)
        ]
        i, j, k = np.round(to_voxel(affine, centre[None])[0]).astype(int)
        assert np.median(values[i - 1 : i + 2, j - 1 : j + 2, k - 3 : k + 4]) == pytest.approx(1350, rel=0.03)


def test_discs_and_cord_are_labelled_on_the_scan_that_is_measured() -> None:
    labels = STUDY / "derivatives" / "labels"
    for participant, numbers in (("sub-demo01", {12, 13, 14, 15, 16}), ("sub-demo05", {10, 11, 12, 13})):
        folder = labels / participant / "ses-01" / "anat"
        discs = load(folder / f"{participant}_ses-01_T2w_label-discs_dlabel.nii.gz")
        cord = load(folder / f"{participant}_ses-01_space-orig_label-cord_mask.nii.gz")
        assert same_grid(discs, load(scan_of(folder / f"{participant}_ses-01_x")))
        assert numbers <= set(np.unique(discs.array).tolist())
        assert cord.array[tumour_mask(participant, "ses-01")].mean() > 0.97  # a rim of cord lies around each tumour


def test_the_spectrum_has_its_box_in_the_tumour_and_one_value_that_is_not_to_be_trusted() -> None:
    rows = rows_of(STUDY / "spectroscopy.tsv")
    assert {(row["participant_id"], row["session_id"]) for row in rows} == {("sub-demo05", "ses-01")}
    assert [row["metabolite"] for row in rows if float(row["crlb_percent"]) >= 20] == ["Lac"]
    box = nibabel.load(STUDY / rows[0]["voxel"])
    assert box.header["intent_name"].item().decode().startswith("mrs_v")
    scan = load(scan_of(Path("sub-demo05_ses-01_x")))
    i, j, k = np.round(to_voxel(scan.affine, box.affine[:3, 3][None])[0]).astype(int)
    assert tumour_mask("sub-demo05", "ses-01")[i, j, k]


def test_sizes_stay_small() -> None:
    sizes = [path.stat().st_size for folder in (STUDY, TRUTH) for path in folder.rglob("*") if path.is_file()]
    assert sum(sizes) < 22_000_000
    assert max(sizes) < 4_000_000


def test_voxels_are_those_of_the_protocol() -> None:
    for patient in PATIENTS:
        visit = patient.visits[0]
        name = f"{patient.participant_id}/ses-01/anat/{patient.participant_id}_ses-01_T2w.nii.gz"
        scan = load(STUDY / name)
        assert scan.spacing_mm == pytest.approx(PROTOCOLS[visit.protocol].spacing_mm, abs=1e-3)
        assert scan.array.dtype == np.int16


def test_the_study_says_that_it_is_synthetic() -> None:
    description = json.loads((STUDY / "dataset_description.json").read_text(encoding="utf-8"))
    assert "synthetic" in description["Name"]


@pytest.mark.parametrize("folder", ["", "derivatives/reader", "derivatives/reader2", "derivatives/labels"])
def test_the_bids_validator_accepts_the_study_and_its_derivatives(folder: str) -> None:
    command = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent)) or shutil.which(
        "bids-validator-deno"
    )
    if command is None:
        pytest.skip("bids-validator-deno is not installed (it comes with the dev dependencies)")
    done = subprocess.run(
        [command, "--ignoreWarnings", str(STUDY / folder)], capture_output=True, text=True, check=False
    )
    assert "appears to be BIDS compatible" in done.stdout
    assert "[ERROR]" not in done.stdout
    assert done.returncode == 0
