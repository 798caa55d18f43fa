"""The certificate on pairs broken on purpose: each must be grade C, in words, and hard but right ones A.

Further kinds, on real cords, are in the benchmark. Some minutes.
"""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.align.registration import align
from pipeline.core.transform import move_points
from pipeline.core.volume import Volume, voxel_centres_mm
from tests.benchmark import broken_pairs
from tests.benchmark.alignment import Pair
from tests.finished_runs import finished
from tests.spine import scan, someone_else

MOTION_MM = np.array([1.0, -2.0, 7.0])
SPACING, SHAPE = (1.5, 1.2, 1.2), (24, 70, 120)


def moved(points_mm):
    return points_mm + MOTION_MM


@pytest.fixture(scope="module")
def pair():
    """Two scans of one spine, 7 mm apart along the cord, with points of the cord in both."""
    first = scan(SPACING, SHAPE, seed=1)
    second = scan(SPACING, SHAPE, seed=2, motion=moved)
    ball = np.linalg.norm(voxel_centres_mm(first) / (4.0, 4.0, 12.0), axis=-1) < 1
    there = np.random.default_rng(0).uniform((-4, -4, -30), (4, 4, 30), (200, 3))
    return Pair("phantom", first, second, Volume(ball, first.affine), moved(there), there)


def certified(pair):
    aligned = finished(align, pair.first, pair.second, region=pair.lesion, exclude=pair.lesion)
    error_mm = np.linalg.norm(move_points(aligned.to_follow_up, pair.here) - pair.there, axis=-1)
    return aligned.quality, float(error_mm.mean()) if len(error_mm) else None


def test_the_pair_that_the_others_are_made_from_is_good(pair):
    quality, error_mm = certified(pair)
    assert quality.grade == "A", quality.reasons
    assert error_mm < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda pair: broken_pairs.posed(pair, shift_mm=60),
        broken_pairs.half_overlap,
    ],
    ids=["60 mm along the spine", "half overlap"],
)
def test_larger_motions_are_held(pair, make):
    quality, error_mm = certified(make(pair))
    assert quality.grade == "A", quality.reasons
    assert error_mm < 0.6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (broken_pairs.flipped, "left and right may be swapped"),
        (lambda pair: broken_pairs.beside(pair, 4.0), "covers only"),
        (lambda pair: broken_pairs.beside(pair, 25.0), "no place was found"),
        (broken_pairs.noise, "agree poorly"),
        (lambda pair: broken_pairs.smeared(pair, 5.0), "agree poorly"),
        (lambda pair: broken_pairs.ghosted(pair, 5 / 6), "one vertebra off"),
        (lambda pair: replace(pair, second=scan(SPACING, SHAPE, seed=2, person=someone_else)), "agree poorly"),
    ],
    ids=["flipped", "one vertebra off", "other region", "noise", "blur", "ghosts", "someone else"],
)
def test_every_broken_pair_is_a_c_that_says_why(pair, make, words):
    quality, _ = certified(make(pair))
    assert quality.grade == "C"
    assert any(words in reason for reason in quality.reasons), quality.reasons
