"""The alignment recipe on a small artificial spine with known motion, and on two real pairs when the data are there.

The whole file runs in about forty seconds of processor time.
"""

import csv

import numpy as np
import pytest

from pipeline.align.registration import align, align_within_visit, closure_mm
from pipeline.core import records
from pipeline.core.transform import Transform, move_points
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.files.images import load
from pipeline.run.steps import align_visits as steps
from pipeline.run.steps.visit_work import ScannedVisit
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit
from tests.finished_runs import finished
from tests.places import REALCORD
from tests.spine import scan

needs_realcord = pytest.mark.skipif(not REALCORD.is_dir(), reason="the realcord data set is not on this machine")


def nod(points_mm):
    """Seven degrees of tilt, 11 mm along the cord, and a smooth bend of 2 mm."""
    angle = np.radians(7.0)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    bent = points_mm.copy()
    bent[..., 1] += 2.0 * np.sin(points_mm[..., 2] / 30.0)
    return bent @ turn.T + np.array([1.0, -2.0, 11.0])


def cord_points(seed=0, count=200):
    return np.random.default_rng(seed).uniform((-4, -4, -35), (4, 4, 35), (count, 3))


@pytest.fixture(scope="module")
def reference():
    return scan((1.0, 1.0, 1.0), (34, 80, 120), seed=1)


@pytest.fixture(scope="module")
def lesion(reference):
    centres = voxel_centres_mm(reference)
    return Volume(np.linalg.norm(centres / (4.0, 4.0, 14.0), axis=-1) < 1, reference.affine)


@pytest.fixture(scope="module")
def nodded(reference, lesion):
    follow_up = scan((3.3, 0.9, 0.9), (11, 90, 130), seed=2, motion=nod)
    return follow_up, finished(align, reference, follow_up, region=lesion, exclude=lesion)


def test_a_known_motion_is_recovered_from_a_thick_slice_scan(nodded):
    _, alignment = nodded
    points = cord_points()
    error_mm = np.linalg.norm(move_points(alignment.to_reference, points) - nod(points), axis=-1)
    # A quarter of the 3.3 mm slice is the most this artificial pair should lose.
    assert error_mm.mean() < 0.5
    assert alignment.quality.grade == "A"
    assert alignment.quality.reasons == ()


def test_going_there_and_back_returns_every_point(nodded):
    _, alignment = nodded
    points = cord_points(seed=4)
    returned = move_points(alignment.to_reference, move_points(alignment.to_follow_up, points))
    assert np.abs(returned - points).max() < 0.1


def test_two_runs_agree_to_the_last_bit(nodded, reference, lesion):
    follow_up, first = nodded
    second = align(reference, follow_up, region=lesion, exclude=lesion)
    assert np.array_equal(first.to_follow_up.matrix, second.to_follow_up.matrix)
    assert np.array_equal(first.to_follow_up.bend_mm, second.to_follow_up.bend_mm)
    assert first.quality == second.quality


def test_going_by_an_earlier_visit_closes_and_sees_a_visit_that_was_put_elsewhere(reference, lesion):
    def moved(seed, along_mm):
        motion = np.eye(4)
        motion[2, 3] = along_mm
        later = scan((1.2, 1.2, 1.2), (28, 66, 100), seed=seed, motion=lambda points: points + motion[:3, 3])
        return later, Transform("reference", "later", np.linalg.inv(motion))

    earlier, follow_up = moved(6, 3.0), moved(7, -4.0)
    # half a voxel is the most that two such scans should miss by
    assert closure_mm(reference, lesion, earlier, follow_up) < 0.6
    wrong = np.eye(4)
    wrong[2, 3] = 20.0
    elsewhere = (follow_up[0], Transform("reference", "later", wrong @ follow_up[1].matrix))
    assert closure_mm(reference, lesion, earlier, elsewhere) == pytest.approx(20.0, abs=1.0)


def test_a_blank_follow_up_is_graded_c_in_words(reference, lesion):
    blank = reference.with_array(np.zeros(reference.shape))
    quality = finished(align, reference, blank, region=lesion, exclude=lesion).quality
    assert quality.grade == "C"
    assert any("agree poorly" in reason for reason in quality.reasons)


def test_another_sequence_of_the_same_visit_follows_a_small_move(reference):
    shift = np.array([0.8, -1.5, 2.5])
    other = scan((1.0, 1.0, 1.0), (34, 80, 120), seed=5, motion=lambda points: points + shift)
    inverted = other.with_array(900.0 - 0.7 * other.array)
    alignment = align_within_visit(reference, inverted)
    points = cord_points()
    assert np.linalg.norm(move_points(alignment.to_follow_up, points) - (points - shift), axis=-1).mean() < 0.4
    assert alignment.quality.inverse_consistency_mm is None, "nobody went back"


def test_visits_of_different_contrast_are_laid_by_their_edges_and_never_graded_a(reference, lesion):
    follow_up = scan((1.2, 1.0, 1.0), (28, 80, 120), seed=2, motion=nod)
    turned = follow_up.with_array(900.0 - 0.7 * follow_up.array)
    found = finished(align, reference, turned, region=lesion, exclude=lesion, same_contrast=False)
    points = cord_points()
    error_mm = np.linalg.norm(move_points(found.to_reference, points) - nod(points), axis=-1)
    assert error_mm.mean() < 1.5
    assert found.method == "cord-bend edges 1"
    assert found.quality.grade != "A"
    assert "compared by their edges alone" in found.quality.reasons[0]
    assert finished(align, reference, turned, region=lesion, exclude=lesion).quality.grade == "C", (
        "as if of one contrast"
    )


@pytest.mark.parametrize(
    ("first", "later", "expected"), [("T2w", "T1w", False), ("T2w", "T2w", True), ("T1w", "T1w_ce", True)]
)
def test_a_run_compares_edges_where_the_contrasts_of_two_visits_differ(first, later, expected, tmp_path, monkeypatch):
    def visit(name, contrast):
        anchor = ScanFile(tmp_path, f"{name}_{contrast}.nii.gz", "sub-01", name, contrast)
        row = records.Scan("sub-01", name, anchor.relative, contrast, is_anchor=True, sha256=name)
        image = Volume(np.zeros((2, 2, 2)), np.eye(4))
        seen = StudyVisit("sub-01", name, None, (anchor,), ())
        return ScannedVisit(seen, "usable", None, anchor, image, (row,), ())

    class AskedError(Exception):
        pass

    def asked(*_, **how):
        assert how["same_contrast"] is expected
        raise AskedError

    monkeypatch.setattr(steps.registration, "align", asked)
    with pytest.raises(AskedError):
        steps.align_visit(visit("ses-01", first), visit("ses-02", later), None, None, tmp_path)


@needs_realcord
@pytest.mark.parametrize(
    ("folder", "patient", "session"),
    [("cervical", "sub-rc013", "ses-03"), ("thoracolumbar", "sub-rc023", "ses-02")],
    ids=["cervical, a vertebra off at first sight", "thoraco-lumbar, thick slices"],
)
def test_real_cords_are_aligned_within_a_millimetre(folder, patient, session):
    scans = [
        load(REALCORD / folder / "bids" / patient / visit / "anat" / f"{patient}_{visit}_T2w.nii.gz")
        for visit in ("ses-01", session)
    ]
    reader = REALCORD / folder / "bids" / "derivatives" / "reader" / patient / "ses-01" / "anat"
    labels = load(reader / f"{patient}_ses-01_space-orig_dseg.nii.gz")
    lesion = labels.with_array(labels.array > 0)
    alignment = finished(align, *scans, region=lesion, exclude=lesion)
    here, there = landmarks(folder, patient, session)
    error_mm = np.linalg.norm(move_points(alignment.to_follow_up, here) - there, axis=-1)
    assert error_mm.mean() < 1.0
    assert alignment.quality.grade != "C"


def landmarks(folder, patient, session):
    """Points of the first visit and of a later one, both inside their scans."""
    places = {"ses-01": {}, session: {}}
    with (REALCORD / folder / "truth" / "landmarks.tsv").open() as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if row["participant_id"] == patient and row["session_id"] in places and row["inside"] == "1":
                places[row["session_id"]][row["landmark"]] = [float(row[axis]) for axis in "xyz"]
    shared = sorted(places["ses-01"].keys() & places[session].keys())
    return tuple(np.array([places[visit][name] for name in shared]) for visit in ("ses-01", session))
