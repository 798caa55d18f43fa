"""Signal, margin and enhancement on shapes whose answer is known. About 2 s."""

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.measure.appearance import TEN_TO_NINETY, Enhancement, Margin, enhancement_of, margin_of, signal_of

GRID = Volume(np.zeros((48, 48, 48)), np.diag([1.0, 1.0, 1.0, 1.0]))
FROM_MIDDLE = np.linalg.norm(voxel_centres_mm(GRID) - 23.5, axis=-1)
BALL = FROM_MIDDLE < 10
NOTHING = np.zeros(GRID.shape, dtype=bool)
MASK = GRID.with_array(BALL)


def scan(inside, outside, sigma_mm=0.0, noise=0.0):
    image = ndimage.gaussian_filter(np.where(BALL, float(inside), float(outside)), sigma_mm)
    return GRID.with_array(image + np.random.default_rng(0).normal(scale=noise, size=GRID.shape) if noise else image)


def test_signal_is_mean_and_spread_of_the_object():
    image = GRID.with_array(np.where(np.indices(GRID.shape)[0] < 24, 90.0, 110.0))
    found = signal_of(image, MASK)
    assert found.mean == pytest.approx(100.0)
    assert found.cv == pytest.approx(0.1)
    assert signal_of(image, GRID) is None


@pytest.mark.parametrize("sigma_mm", [1.0, 1.5])
def test_the_width_of_a_blurred_margin_is_that_of_the_blur(sigma_mm):
    found = margin_of(scan(300, 100, sigma_mm), MASK, NOTHING)
    # the edge of a ball of 1 mm voxels is itself 0.3 mm rough
    assert found.width_mm == pytest.approx(TEN_TO_NINETY * np.hypot(sigma_mm, 0.3), rel=0.12)


def test_a_sharp_margin_and_a_blurred_one_are_told_apart_whichever_is_brighter():
    assert margin_of(scan(300, 100, noise=10), MASK, NOTHING).margin == Margin.SHARP
    assert margin_of(scan(100, 300, noise=10), MASK, NOTHING).margin == Margin.SHARP
    assert margin_of(scan(300, 100, 2.0, noise=10), MASK, NOTHING).margin == Margin.BLURRED


def test_the_border_to_another_compartment_is_no_margin():
    image = scan(300, 100, 1.0)
    beside = np.indices(GRID.shape)[1] > 30
    spoiled = image.with_array(np.where(beside & ~BALL, 900.0, image.array))
    whole, without = (margin_of(spoiled, MASK, others).width_mm for others in (NOTHING, beside & ~BALL))
    assert without == pytest.approx(margin_of(image, MASK, NOTHING).width_mm, rel=0.05)
    assert whole is None or abs(whole - without) > 0.05


def test_without_contrast_nothing_is_said():
    found = margin_of(scan(100, 100, noise=10), MASK, NOTHING)
    assert (found.width_mm, found.margin) == (None, None)
    assert "no clear contrast" in found.missing_reason


@pytest.mark.parametrize(
    ("taken_up", "pattern"),
    [
        (NOTHING, Enhancement.NONE),
        (BALL, Enhancement.HOMOGENEOUS),
        (BALL & (FROM_MIDDLE > 8.3), Enhancement.RING),
        (BALL & (np.indices(GRID.shape)[2] < 22), Enhancement.HETEROGENEOUS),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_patterns_of_enhancement(taken_up, pattern):
    noise = np.random.default_rng(1).normal(scale=3.0, size=GRID.shape)
    before = GRID.with_array(100.0 + noise)
    # another gain after the injection must not look like enhancement
    after = GRID.with_array(1.7 * (100.0 + 60.0 * taken_up + noise[::-1]))
    found = enhancement_of(before, after, BALL)
    assert found.pattern == pattern
    assert found.ratio == pytest.approx(taken_up[BALL].mean(), abs=0.03)


def test_a_scan_that_does_not_cover_the_lesion_says_so():
    nowhere = GRID.with_array(np.full(GRID.shape, np.nan))
    found = enhancement_of(nowhere, nowhere, BALL)
    assert found.pattern is None
    assert "do not cover" in found.missing_reason
