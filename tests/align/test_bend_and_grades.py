"""Starts, bends, local correlation and grades on images made of smooth noise, whose motion is known exactly.

The whole file runs in about ten seconds.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from pipeline.align.bend import COARSE, FINE, bend
from pipeline.align.certificate import (
    ACROSS_CONTRASTS,
    WITHIN_VISIT,
    Measures,
    halfway,
    jacobian_range,
    judged,
    judged_with_closure,
    mirror_across,
    round_trip_mm,
    spacing_ratio,
)
from pipeline.align.sampling_window import (
    REGION_MARGIN_MM,
    Box,
    blurred,
    box_around,
    edges,
    field_of_view,
    regular_grid,
    sample,
    standardised,
)
from pipeline.align.similarity import LocalFit, local_fit, mean_local_correlation
from pipeline.align.starting_poses import start_positions
from pipeline.core.transform import Transform, identity, inverse, move_points, resample
from pipeline.core.volume import Volume, to_world, voxel_centres_mm

GOOD = Measures(
    local_correlation=0.8,
    similarity=0.9,
    mirrored_correlation=0.6,
    runner_up_correlation=0.6,
    winner_correlation=0.8,
    inverse_consistency_mm=0.2,
    jacobian_min=0.9,
    jacobian_max=1.1,
    coverage_ratio=1.0,
    spacing_ratio=1.0,
    closure_mm=None,
)


@pytest.fixture(scope="module")
def texture():
    """Smooth noise on 1 mm voxels, 40 x 80 x 120 mm, placed away from the origin."""
    noise = np.random.default_rng(7).normal(size=(40, 80, 120))
    affine = np.eye(4)
    affine[:3, 3] = (-20.0, -60.0, 100.0)
    return Volume(100 * ndimage.gaussian_filter(noise, 2.5), affine)


def bent_by(volume, field_mm, matrix=None):
    """A scan of the same thing after motion: ``to_reference`` is known exactly."""
    back = Transform("follow-up", "reference", np.eye(4) if matrix is None else matrix, field_mm, volume.affine)
    return resample(volume, volume, back, order=1), back


def mean_of(fit: LocalFit, weight: np.ndarray) -> float:
    return mean_local_correlation(fit.correlation, fit, weight)


def test_a_shifted_and_tilted_scan_is_found_at_the_first_start(texture):
    angle = np.radians(10.0)
    matrix = np.eye(4)
    matrix[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    centre = to_world(texture.affine, (np.array(texture.shape) - 1) / 2)
    matrix[:3, 3] = centre + np.array([3.0, -7.0, 22.0]) - matrix[:3, :3] @ centre
    follow_up = resample(texture, texture, Transform("follow-up", "reference", matrix), order=1)
    half = np.array([12.0, 25.0, 30.0])
    box = Box(centre - half, centre + half)
    starts = start_positions(texture, follow_up, box)
    true_mm = to_world(np.linalg.inv(matrix), centre)
    # Half the diagonal of the 2 mm lattice is 1.7 mm.
    assert np.linalg.norm(to_world(starts[0].matrix, centre) - true_mm) < 2.0
    assert starts[0].evidence > max((s.evidence for s in starts[1:]), default=0.0) + 0.1


def test_a_blank_scan_offers_no_start(texture):
    blank = texture.with_array(np.zeros(texture.shape))
    assert start_positions(texture, blank, box_around(texture, None)) == ()


@pytest.mark.parametrize("contrast", [1.0, -1.0], ids=["same contrast", "inverted contrast"])
def test_a_smooth_bend_is_recovered_whatever_the_contrast(texture, contrast):
    z = voxel_centres_mm(texture)[..., 2]
    field = np.zeros((*texture.shape, 3))
    field[..., 1] = 2.5 * np.sin((z - z.min()) / 25.0)
    follow_up, back = bent_by(texture, field)
    follow_up = follow_up.with_array(contrast * follow_up.array + 50.0)
    box = Box(texture.affine[:3, 3] + 5.0, texture.affine[:3, 3] + np.array(texture.shape) - 6.0)
    found = identity("reference", "follow-up")
    for stiffness in (COARSE, FINE):
        grid = regular_grid(box, stiffness.step_mm)
        fixed = sample(blurred(texture, stiffness.step_mm), grid, np.eye(4))
        moving = standardised(blurred(follow_up, stiffness.step_mm), grid, np.eye(4))
        found = bend(fixed, fixed.known.astype(float), moving, found, stiffness)
    probes = np.random.default_rng(0).uniform(box.lower_mm + 8, box.upper_mm - 8, (200, 3))
    # The bend's wavelength is 157 mm, the lattice's 20 mm: what is left is interpolation, far below a voxel.
    assert round_trip_mm(found, back, probes) < 0.15


def test_local_correlation_ignores_gain_and_shading_and_sees_a_shift(texture):
    values = texture.array / texture.array.std()
    weight = np.ones(texture.shape)
    shading = 1.0 + np.linspace(0.0, 1.0, texture.shape[2])
    shaded = mean_of(local_fit(values, 3.0 * values * shading + 2.0, weight, 4.0), weight)
    shifted = mean_of(local_fit(values, np.roll(values, 4, axis=2), weight, 4.0), weight)
    assert shaded > 0.95
    assert shifted < 0.6


def test_the_box_holds_the_whole_region_with_a_margin_as_far_as_the_scan_reaches(texture):
    mask = np.zeros(texture.shape, dtype=bool)
    mask[18:22, 38:42, 0:120] = True
    box = box_around(texture, Volume(mask, texture.affine))
    points = to_world(texture.affine, np.argwhere(mask))
    scan = field_of_view(texture)
    assert (box.lower_mm <= np.maximum(points.min(axis=0) - REGION_MARGIN_MM, scan.lower_mm)).all()
    assert (box.upper_mm >= np.minimum(points.max(axis=0) + REGION_MARGIN_MM, scan.upper_mm)).all()


def test_an_empty_region_counts_as_none(texture):
    empty = texture.with_array(np.zeros(texture.shape, dtype=bool))
    assert np.allclose(box_around(texture, empty).lower_mm, box_around(texture, None).lower_mm)


def test_meeting_halfway_removes_half_of_what_the_way_back_disagrees(texture):
    field = np.zeros((8, 8, 8, 3))
    field[..., 2] = 2.0
    there = Transform("a", "b", np.eye(4), field, np.diag([10.0, 10.0, 10.0, 1.0]))
    back = inverse(Transform("a", "b", np.eye(4), field / 2, there.bend_affine))
    moved = move_points(halfway(there, back), np.full((1, 3), 35.0))
    assert moved == pytest.approx(np.array([[35.0, 35.0, 36.5]]))


def test_a_uniform_stretch_has_the_jacobian_of_its_factor():
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    points = voxel_centres_mm(Volume(np.zeros((6, 6, 6)), affine))
    stretch = Transform("a", "b", np.eye(4), points * np.array([0.0, 0.0, 0.2]), affine)
    assert jacobian_range(stretch) == pytest.approx((1.2, 1.2))
    assert jacobian_range(identity("a", "b")) == (1.0, 1.0)


def test_spacing_ratio_compares_the_coarsest_edges_in_either_order():
    thin = Volume(np.zeros((2, 2, 2)), np.diag([0.8, 0.8, 0.8, 1.0]))
    thick = Volume(np.zeros((2, 2, 2)), np.diag([3.2, 0.8, 0.8, 1.0]))
    assert spacing_ratio(thin, thick) == spacing_ratio(thick, thin) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("change", "grade", "word"),
    [
        ({}, "A", None),
        ({"runner_up_correlation": None}, "A", None),
        ({"mirrored_correlation": None}, "A", None),
        ({"local_correlation": 0.70}, "A", None),
        ({"local_correlation": 0.699, "mirrored_correlation": None}, "B", "agree poorly"),
        ({"local_correlation": 0.599, "mirrored_correlation": None}, "C", "agree poorly"),
        ({"mirrored_correlation": 0.78}, "B", "left and right cannot be told apart"),
        ({"mirrored_correlation": 0.82}, "C", "left and right may be swapped"),
        ({"local_correlation": 0.10}, "C", "agree poorly"),
        ({"runner_up_correlation": 0.79}, "B", "one vertebra off"),
        ({"winner_correlation": 0.0, "runner_up_correlation": None}, "C", "no place was found"),
        ({"inverse_consistency_mm": 1.5}, "B", "there and back"),
        ({"inverse_consistency_mm": 6.0}, "C", "there and back"),
        ({"closure_mm": 1.0}, "A", None),
        ({"closure_mm": 1.1}, "B", "by way of an earlier visit misses by 1.1 mm"),
        ({"jacobian_min": 0.2}, "C", "implausible"),
        ({"jacobian_max": 3.0}, "C", "implausible"),
        ({"coverage_ratio": 0.7}, "B", "70%"),
        ({"coverage_ratio": 0.1}, "C", "10%"),
    ],
)
def test_each_shortcoming_lowers_the_grade_and_says_why(change, grade, word):
    quality = judged(replace(GOOD, **change))
    assert quality.grade == grade
    assert (word is None and quality.reasons == ()) or any(word in reason for reason in quality.reasons)


def test_the_worst_finding_decides_and_every_reason_is_kept():
    quality = judged(replace(GOOD, local_correlation=0.65, mirrored_correlation=0.3, jacobian_min=0.1))
    assert quality.grade == "C"
    assert len(quality.reasons) == 2


def test_two_doubts_are_a_b_and_three_a_c_that_says_so():
    doubtful = {"inverse_consistency_mm": 1.5, "coverage_ratio": 0.7}
    assert judged(replace(GOOD, **doubtful)).grade == "B"
    quality = judged(replace(GOOD, **doubtful, runner_up_correlation=0.79))
    assert quality.grade == "C"
    assert quality.reasons[-1] == "so many doubts together are too many"


def test_two_doubts_about_the_likeness_leave_nothing_that_speaks_for_the_place():
    quality = judged(replace(GOOD, runner_up_correlation=0.79, mirrored_correlation=0.79))
    assert quality.grade == "C"
    assert len(quality.reasons) == 3


def test_closure_is_judged_with_all_the_rest():
    doubtful = judged(replace(GOOD, inverse_consistency_mm=1.5, coverage_ratio=0.7))
    assert judged_with_closure(doubtful, 0.2) == replace(doubtful, closure_mm=0.2)
    assert judged_with_closure(doubtful, 8.0).grade == "C"
    assert judged_with_closure(judged(GOOD), 8.0).grade == "B"


def test_two_contrasts_of_one_visit_are_held_to_their_own_limits():
    other_contrast = replace(GOOD, local_correlation=0.45, mirrored_correlation=None, runner_up_correlation=None)
    assert judged(other_contrast, WITHIN_VISIT).grade == "A"
    assert judged(other_contrast).grade == "C"


EDGES = replace(
    GOOD, local_correlation=0.27, mirrored_correlation=0.23, winner_correlation=0.28, runner_up_correlation=0.235
)
"""As a right pair of T1w and T2w looks by its edges."""


@pytest.mark.parametrize(
    ("apart_mm", "change", "grade"),
    [
        (2.1, {}, "B"),
        (4.9, {}, "B"),
        (5.1, {}, "C"),  # the images led elsewhere than the scanner says
        (None, {}, "C"),  # nobody compared
        (2.1, {"runner_up_correlation": 0.25}, "C"),  # no lead over the next place
        (2.1, {"local_correlation": 0.21}, "C"),  # edges that do not agree at all
        (2.1, {"mirrored_correlation": 0.35}, "C"),  # left and right may be swapped
        (2.1, {"inverse_consistency_mm": 5.0}, "C"),
        (2.1, {"coverage_ratio": 0.1}, "C"),
    ],
)
def test_edges_are_believed_where_a_search_led_to_the_place_that_the_scanner_says(apart_mm, change, grade):
    assert judged(replace(EDGES, header_apart_mm=apart_mm, **change), ACROSS_CONTRASTS).grade == grade


def test_the_scanner_s_place_says_nothing_about_scans_of_one_contrast():
    assert judged(replace(EDGES, header_apart_mm=2.1)).grade == "C"


def test_mirroring_twice_leaves_every_point_and_the_centre_stays():
    matrix = mirror_across(np.array([3.0, -2.0, 50.0]))
    assert np.array_equal(matrix @ matrix, np.eye(4))
    assert to_world(matrix, np.array([3.0, 7.0, 9.0])) == pytest.approx([3.0, 7.0, 9.0])
    assert to_world(matrix, np.array([5.0, 7.0, 9.0])) == pytest.approx([1.0, 7.0, 9.0])


def test_edges_are_alike_whatever_the_contrast():
    places = np.indices((20, 20, 20))
    ball = Volume((np.linalg.norm(places.T - 9.5, axis=-1) < 6).astype(float), np.eye(4))
    first, turned, brighter = (
        edges(ball.with_array(values)).array for values in (ball.array, 5 - ball.array, 90 * ball.array)
    )
    assert np.allclose(first, turned)
    assert np.allclose(first, brighter, atol=1e-3)
    assert first[9, 9, 3] > 5 * first[9, 9, 9], "strong at the border, faint inside"
    assert not edges(ball.with_array(np.ones(ball.shape))).array.any(), "a blank scan has none"
