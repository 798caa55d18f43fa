"""Alignment where nobody drew a lesion: around the found cord, graded by its worst stretch; honest without one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.align import without_mask
from pipeline.align.certificate import (
    BETWEEN_VISITS,
    Alignment,
    Measures,
    judged,
    judged_around_cord,
    judged_with_closure,
    judged_without_cord,
    worst_round_trip_mm,
)
from pipeline.cord.cord_finding import FoundCord, find_cord
from pipeline.core.transform import Transform, identity, move_points
from pipeline.core.volume import Volume
from pipeline.files import images
from tests.benchmark.alignment import pairs_of
from tests.benchmark.cord_truth import PHANTOM
from tests.finished_runs import finished
from tests.places import REALCORD

GOOD = Measures(
    local_correlation=0.9,
    similarity=0.9,
    mirrored_correlation=0.5,
    runner_up_correlation=None,
    winner_correlation=0.9,
    inverse_consistency_mm=0.2,
    jacobian_min=0.9,
    jacobian_max=1.1,
    coverage_ratio=1.0,
    spacing_ratio=1.0,
    closure_mm=None,
)


@pytest.fixture(scope="module")
def phantom() -> Volume:
    return images.load(PHANTOM / "synthetic_T2w.nii.gz")


def aligned_as_if(shift_mm, asked, monkeypatch):
    """Let the registration answer a pure shift of grade A, and remember what it was asked."""
    matrix = np.eye(4)
    matrix[:3, 3] = shift_mm

    def answer(_reference, _follow_up, **how):
        asked.append(how)
        there = Transform("reference", "follow-up", matrix)
        return Alignment(there, identity("follow-up", "reference"), judged(GOOD), "as if")

    monkeypatch.setattr(without_mask.registration, "align", answer)


def test_the_found_cord_is_what_is_aligned_around(phantom, monkeypatch):
    asked: list = []
    aligned_as_if((0, 0, 0), asked, monkeypatch)
    alignment = without_mask.align_around(without_mask.cord_of(phantom), phantom, phantom)
    assert asked[0]["region"].array.any()
    assert asked[0]["exclude"] is None
    assert alignment.quality.grade == "A"
    assert alignment.around.startswith("the cord found over")


def test_a_cord_that_lands_beside_the_follow_ups_cord_is_no_a(phantom, monkeypatch):
    aligned_as_if((0, 4.0, 0), [], monkeypatch)
    alignment = without_mask.align_around(without_mask.cord_of(phantom), phantom, phantom)
    assert alignment.quality.grade == "B"
    assert "from the cord found on the follow-up" in alignment.quality.reasons[0]


def test_without_a_cord_it_says_so_and_is_b_at_best(phantom, monkeypatch):
    asked: list = []
    aligned_as_if((0, 0, 0), asked, monkeypatch)
    noise = phantom.with_array(np.random.default_rng(1).normal(5, 1, phantom.shape))
    alignment = without_mask.align_around(without_mask.cord_of(noise), noise, phantom)
    assert asked[0]["region"] is None
    assert alignment.quality.grade == "B"
    assert "no cord was found on the fixed scan" in alignment.quality.reasons[-1]
    assert alignment.around == "the middle of the scan"


def test_a_follow_up_whose_cord_is_not_seen_is_not_compared(phantom):
    nothing = FoundCord(np.zeros((0, 3)), np.zeros(0), np.zeros(0), 0.1, "nothing looks like a cord")
    assert without_mask._apart_mm(find_cord(phantom), nothing, identity("a", "b")) is None


@pytest.mark.parametrize(("worst_mm", "grade"), [(1.9, "A"), (2.0, "A"), (2.1, "B")])
def test_the_worst_stretch_of_the_cord_counts(worst_mm, grade):
    quality = judged(replace(GOOD, worst_inconsistency_mm=worst_mm))
    assert quality.grade == "A", "around a lesion the mean decides, as ever"
    assert judged_around_cord(quality, BETWEEN_VISITS, None).grade == grade
    assert judged_around_cord(quality, BETWEEN_VISITS, worst_mm).cord_apart_mm == worst_mm


@pytest.mark.parametrize(("covered", "lesion", "cord"), [(0.8, "B", "A"), (0.45, "B", "B"), (0.2, "C", "C")])
def test_a_follow_up_need_not_cover_all_of_a_cord(covered, lesion, cord):
    quality = judged(replace(GOOD, coverage_ratio=covered))
    assert quality.grade == lesion
    assert judged_around_cord(quality, BETWEEN_VISITS, 0.1).grade == cord


def test_what_was_said_of_the_cord_outlives_a_look_at_an_earlier_visit():
    quality = judged(replace(GOOD, worst_inconsistency_mm=0.1))
    apart = judged_with_closure(judged_around_cord(quality, BETWEEN_VISITS, 5.0), 0.1)
    assert (apart.grade, len(apart.reasons)) == ("B", 1)
    guessed = judged_with_closure(judged_without_cord(quality, BETWEEN_VISITS, "the scan is blank"), 0.1)
    assert guessed.grade == "B"
    assert "the scan is blank" in guessed.reasons[0]


def test_a_guessed_region_never_lifts_a_c_nor_makes_one():
    wrong = judged(replace(GOOD, local_correlation=0.1))
    assert judged_without_cord(wrong, BETWEEN_VISITS, "why").grade == "C"
    twice_doubted = judged(replace(GOOD, inverse_consistency_mm=1.5, coverage_ratio=0.9))
    assert judged_without_cord(twice_doubted, BETWEEN_VISITS, "why").grade == "B"


def test_one_bad_stretch_is_seen_under_a_good_mean():
    bend_mm = np.zeros((2, 2, 100, 3))
    bend_mm[:, :, 90:, 1] = 3.0
    affine = np.diag([40.0, 40.0, 1.0, 1.0])
    there = Transform("a", "b", np.eye(4), bend_mm, affine)
    points_mm = np.stack([np.full(100, 5.0), np.full(100, 5.0), np.arange(100.0)], axis=-1)
    assert worst_round_trip_mm(there, identity("b", "a"), points_mm) == pytest.approx(3.0)


@pytest.mark.slow
@pytest.mark.skipif(not (REALCORD / "thoracolumbar").is_dir(), reason="the real cord scans are not beside the project")
def test_a_real_pair_without_a_mask_is_right_along_the_whole_cord():
    pair = next(pair for pair in pairs_of(REALCORD / "thoracolumbar") if pair.name == "sub-rc021 ses-02")
    cord = without_mask.cord_of(pair.first)
    alignment = finished(without_mask.align_around, cord, pair.first, pair.second)
    error_mm = np.linalg.norm(move_points(alignment.to_follow_up, pair.here) - pair.there, axis=1)
    assert alignment.quality.grade == "A"
    assert error_mm.mean() < 0.5, "0.2 with the lesion mask, 1.4 to 1.7 around the middle of the scan"
    assert error_mm.max() < 2.0
