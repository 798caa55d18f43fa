"""Signal, margin and enhancement on shapes whose answer is known. About 2 s."""

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.measure.appearance import TEN_TO_NINETY, Enhancement, Margin, enhancement_of, margin_of, signal_of

GRID = Volume(np.zeros((48, 48, 48)), np.diag([1.0, 1.0, 1.0, 1.0]))
"""Voxels of 1 mm; of equal sides the first counts as that between slices."""

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


# ---------------------------------------------------------------- what decides at the very limit


def block(*sides):
    """A mask of a block in the middle of the grid."""
    parts = tuple(slice(20, 20 + side) for side in sides)
    array = np.zeros(GRID.shape, dtype=bool)
    array[parts] = True
    return array


@pytest.mark.parametrize(("sides", "is_enough"), [((2, 2, 2), True), ((7, 1, 1), False)])
def test_eight_voxels_are_the_least_that_has_a_signal_or_a_margin(sides, is_enough):
    inside = block(*sides)
    image = GRID.with_array(np.where(inside, 300.0, 100.0))
    assert (signal_of(image, GRID.with_array(inside)) is not None) == is_enough
    found = margin_of(image, GRID.with_array(inside), NOTHING)
    assert (found.missing_reason == "too few voxels") != is_enough


def test_a_voxel_that_is_half_the_object_gives_its_signal():
    image = GRID.with_array(np.where(BALL, 300.0, 100.0))
    assert signal_of(image, GRID.with_array(BALL * 0.5)).mean == 300.0
    assert signal_of(image, GRID.with_array(BALL * 0.49)) is None
    assert margin_of(image, GRID.with_array(BALL * 0.5), NOTHING).margin == Margin.SHARP


def test_a_mean_signal_of_zero_has_no_spread_as_a_share_of_it():
    nothing = signal_of(GRID, MASK)
    assert (nothing.mean, nothing.cv) == (0.0, None)


@pytest.mark.parametrize(("left_over", "is_enough"), [(8, True), (7, False)])
def test_eight_voxels_around_are_the_least_to_compare_with(left_over, is_enough):
    inside = block(1, 4, 4)
    around = np.argwhere(ndimage.binary_dilation(inside, np.ones((1, 3, 3))) & ~inside)
    others = ~inside
    others[tuple(around[:left_over].T)] = False
    found = margin_of(GRID.with_array(np.where(inside, 300.0, 100.0)), GRID.with_array(inside), others)
    assert (found.missing_reason == "the compartment or what surrounds it is too thin") != is_enough


def test_a_flat_scan_has_no_margin():
    found = margin_of(GRID.with_array(np.full(GRID.shape, 100.0)), MASK, NOTHING)
    assert "no clear contrast" in found.missing_reason


@pytest.mark.parametrize(
    ("pixel_mm", "sigma_mm", "margin"),
    [(1.0, 0.9, Margin.SHARP), (1.0, 1.3, Margin.BLURRED), (0.5, 0.65, Margin.SHARP), (0.5, 0.95, Margin.BLURRED)],
)
def test_a_margin_is_sharp_up_to_a_millimetre_and_two_pixels(pixel_mm, sigma_mm, margin):
    image = scan(300, 100, sigma_mm / pixel_mm)
    grid = Volume(image.array, np.diag([pixel_mm, pixel_mm, pixel_mm, 1.0]))
    found = margin_of(grid, grid.with_array(BALL), NOTHING)
    assert found.margin == margin
    # 10 to 90 % of a Gaussian edge are 2.563 of its standard deviations; a ball of voxels is 0.3 of one rough
    assert found.width_mm == pytest.approx(2.563 * np.hypot(sigma_mm, 0.3 * pixel_mm), rel=0.12)


def test_what_lies_further_than_three_millimetres_from_the_line_is_not_looked_at():
    image = scan(300, 100, 1.0)
    far = ndimage.distance_transform_edt(~BALL, sampling=(1000.0, 1, 1)) - 0.5 > 3.01
    far |= ndimage.distance_transform_edt(BALL, sampling=(1000.0, 1, 1)) - 0.5 > 3.01
    spoiled = image.with_array(np.where(far, 900.0, image.array))
    assert margin_of(spoiled, MASK, NOTHING) == margin_of(image, MASK, NOTHING)


def test_slices_without_the_object_or_full_of_it_say_nothing_of_its_margin():
    parts = np.zeros(GRID.shape, dtype=bool)
    parts[20:26, 14:34, 14:34] = True
    image = GRID.with_array(ndimage.gaussian_filter(np.where(parts, 300.0, 100.0), (0.0, 1.0, 1.0)))
    slices = np.indices(GRID.shape)[0]
    spoiled = image.with_array(np.where((slices < 20) | (slices > 25), 900.0, image.array))
    assert margin_of(spoiled, GRID.with_array(parts), NOTHING) == margin_of(image, GRID.with_array(parts), NOTHING)
    filled = GRID.with_array(np.ones(GRID.shape))
    assert margin_of(image, filled, NOTHING).missing_reason == "the compartment or what surrounds it is too thin"


def uptake(share_of_signal, where=BALL, noise=0.0, lesion=BALL, seed=2):
    """Enhancement of a lesion that takes up contrast agent, with noise after the injection only."""
    before = GRID.with_array(np.full(GRID.shape, 100.0))
    random = np.random.default_rng(seed).normal(scale=noise, size=GRID.shape) if noise else 0.0
    after = GRID.with_array(100.0 * (1 + share_of_signal * where + random))
    return enhancement_of(before, after, lesion)


@pytest.mark.parametrize(("share", "pattern"), [(0.14, Enhancement.NONE), (0.16, Enhancement.HOMOGENEOUS)])
def test_signal_raised_by_fifteen_percent_is_enhancement(share, pattern):
    assert uptake(share).pattern == pattern


def test_what_noise_raises_is_no_enhancement_and_what_exceeds_it_twice_is():
    assert uptake(0.0, noise=0.2).ratio == pytest.approx(0.023, abs=0.01), "two standard deviations, one side"
    assert uptake(0.4, noise=0.2).ratio == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("share", "pattern"),
    [(0.09, "none"), (0.11, "heterogeneous"), (0.74, "heterogeneous"), (0.76, "homogeneous")],
)
def test_a_tenth_and_three_quarters_divide_the_patterns(share, pattern):
    lesion = block(10, 10, 10)
    # every tenth voxel in order, spread over rim and core alike
    spread = np.zeros(GRID.shape, dtype=bool)
    places = np.argwhere(lesion)
    order = np.random.default_rng(5).permutation(len(places))[: round(share * len(places))]
    spread[tuple(places[order].T)] = True
    found = uptake(0.6, spread, lesion=lesion)
    assert (found.ratio, str(found.pattern)) == (pytest.approx(share), pattern)


def shells(lesion):
    """How many voxels deep each voxel of a block lies, 1 at its surface."""
    return ndimage.distance_transform_cdt(np.pad(lesion, 1), metric="chessboard")[1:-1, 1:-1, 1:-1]


@pytest.mark.parametrize(
    ("rim_share", "core_share", "is_ring"),
    [(0.52, 0.0, True), (0.48, 0.0, False), (1.0, 0.23, True), (1.0, 0.27, False)],
)
def test_a_ring_enhances_at_its_rim_by_half_and_within_by_less_than_a_quarter(rim_share, core_share, is_ring):
    lesion = block(12, 12, 12)
    random = np.random.default_rng(3)
    taken_up = np.zeros(GRID.shape, dtype=bool)
    for part, share in ((shells(lesion) == 1, rim_share), (shells(lesion) > 1, core_share)):
        places = random.permutation(np.argwhere(part))
        taken_up[tuple(places[: round(share * len(places))].T)] = True
    assert (uptake(0.6, taken_up, lesion=lesion).pattern == Enhancement.RING) == is_ring


def test_the_rim_is_a_millimetre_and_a_half_deep_and_one_voxel_where_voxels_are_larger():
    lesion = block(12, 12, 12)
    surface = shells(lesion) == 1
    assert uptake(0.6, surface, lesion=lesion).pattern == Enhancement.RING
    both = uptake(0.6, shells(lesion) == 2, lesion=lesion)
    assert both.pattern == Enhancement.HETEROGENEOUS, "a ring within the core is none"
    coarse = np.diag([1.0, 1.0, 3.0, 1.0])
    before = Volume(np.full(GRID.shape, 100.0), coarse)
    three_mm_deep = ndimage.distance_transform_edt(np.pad(lesion, 1), sampling=(1, 1, 3))[1:-1, 1:-1, 1:-1] <= 3
    after = before.with_array(100.0 * (1 + 0.6 * (lesion & three_mm_deep)))
    assert enhancement_of(before, after, lesion).pattern == Enhancement.RING


def test_a_lesion_too_small_for_a_core_has_no_ring():
    small = block(3, 3, 3)  # a core of one voxel
    assert uptake(0.6, small & (shells(small) == 1), lesion=small).pattern == Enhancement.HOMOGENEOUS


@pytest.mark.parametrize(("side", "is_ring"), [((4, 4, 4), True), ((4, 4, 3), False)])
def test_a_core_has_at_least_eight_voxels(side, is_ring):
    lesion = block(*side)  # cores of 2 x 2 x 2 and of 2 x 2 x 1 voxels
    found = uptake(0.6, lesion & (shells(lesion) == 1), lesion=lesion)
    assert (found.pattern == Enhancement.RING) == is_ring


def covered_only(part):
    image = np.where(part, 100.0, np.nan)
    return enhancement_of(GRID.with_array(image), GRID.with_array(image * 1.0), block(6, 6, 6)).missing_reason


def test_the_scale_is_taken_from_the_tissue_three_to_six_voxels_around():
    steps = ndimage.distance_transform_cdt(~block(6, 6, 6), metric="taxicab")
    for distance, is_taken in ((2, False), (3, True), (6, True), (7, False)):
        assert (covered_only((steps == 0) | (steps == distance)) is None) == is_taken


def test_eight_voxels_of_the_lesion_and_eight_around_must_be_covered():
    steps = ndimage.distance_transform_cdt(~block(6, 6, 6), metric="taxicab")
    for distance in (0, 3):
        places, rest = np.argwhere(steps == distance), (steps <= 6) & (steps != distance) & np.isin(steps, [0, 4])
        for count, is_enough in ((8, True), (7, False)):
            part = rest.copy()
            if distance == 3:
                part &= steps == 0
            part[tuple(places[:count].T)] = True
            assert (covered_only(part) is None) == is_enough


def test_voxels_without_any_signal_before_the_injection_are_not_covered():
    dark = np.zeros(GRID.shape, dtype=bool)
    dark[:, :, 24:] = True
    before = GRID.with_array(np.where(dark, 0.0, 100.0))
    after = GRID.with_array(np.where(dark, 5.0, 100.0 * (1 + 0.6 * BALL)))
    assert enhancement_of(before, after, BALL).ratio == 1.0


def test_a_lesion_at_the_end_of_the_scan_has_its_rim_there_too():
    lesion = np.zeros(GRID.shape, dtype=bool)
    lesion[0:12, 20:32, 20:32] = True
    found = uptake(0.6, shells(lesion) == 1, lesion=lesion)
    assert (found.pattern, found.ratio) == (Enhancement.RING, pytest.approx(1 - 10**3 / 12**3))


def test_no_lesion_has_no_enhancement():
    found = enhancement_of(GRID, GRID, NOTHING)
    assert (found.ratio, found.pattern, found.missing_reason) == (None, None, "no lesion drawn")
