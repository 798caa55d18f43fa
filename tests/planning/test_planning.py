"""A bent cord of known size laid straight: lengths within 2 %, distances from its surface within a voxel."""

import numpy as np
import pytest

from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.description.lesion_scene import CordCourse
from pipeline.planning import lesion_depth, straight_cord

BEND_MM = 150.0
CORD_MM, LESION_MM, BACK_MM = 6.0, 2.5, 1.5
"""Radii of cord and lesion, and how far the lesion's middle lies behind the cord's."""
HALF_LENGTH_MM = 15.0


def phantom(spacing_mm, turn_degrees=0.0):
    """A cord bent to the front on a circle, with a lesion of 30 mm along it and a fine stripe at each of its ends."""
    size_mm = np.array([24.0, 60.0, 130.0])
    shape = np.ceil(size_mm / spacing_mm).astype(int)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = -size_mm / 2 + np.array(spacing_mm) / 2
    turn = np.radians(turn_degrees)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    grid = Volume(np.zeros(tuple(shape)), tilt @ affine)
    places = voxel_centres_mm(grid) if voxel_centres_mm(grid).ndim == 2 else voxel_centres_mm(grid).reshape(-1, 3)
    right = places[:, 0]
    radius = np.hypot(places[:, 1] + BEND_MM, places[:, 2])
    front = radius - BEND_MM
    along = BEND_MM * np.arctan2(places[:, 2], places[:, 1] + BEND_MM)
    cord = np.hypot(right, front) < CORD_MM
    lesion = (np.hypot(right, front + BACK_MM) < LESION_MM) & (abs(along) < HALF_LENGTH_MM)
    return grid, cord.reshape(shape), lesion.reshape(shape)


def exact_course():
    angles = np.arange(-60.0, 61.0) / BEND_MM
    points = np.stack([np.zeros(121), BEND_MM * np.cos(angles) - BEND_MM, BEND_MM * np.sin(angles)], axis=-1)
    return CordCourse.of_points(points, np.full(121, CORD_MM))


@pytest.mark.parametrize(("spacing", "turn"), [((0.5, 0.5, 0.5), 0), ((0.8, 0.8, 0.8), 20), ((3.3, 0.7, 0.7), 10)])
def test_a_bent_lesion_laid_straight_is_as_long_as_it_is_and_its_distances_are_right_within_a_voxel(spacing, turn):
    grid, cord, lesion = phantom(spacing, turn)
    course = straight_cord.drawn_course(grid.with_array(cord))
    whole = grid.with_array(cord.astype(np.float32))
    straight = straight_cord.frame_along(course, -45.0, 45.0)
    picture = straight_cord.section(grid.with_array(lesion.astype(np.float32)), straight, "sagittal", outside=0.0)
    rows = np.flatnonzero((picture >= 0.5).any(axis=1))
    length_mm = (rows[-1] - rows[0] + 1) * straight_cord.STEP_MM
    assert abs(length_mm / (2 * HALF_LENGTH_MM) - 1) < 0.02 + straight_cord.STEP_MM / (2 * HALF_LENGTH_MM)
    depth = lesion_depth.lesion_depth(grid.with_array(lesion.astype(np.float32)), whole, whole, course)
    voxel = max(spacing[1], spacing[2])
    true_mm = CORD_MM - BACK_MM - LESION_MM
    assert depth.dorsal.voxel_mm == pytest.approx(spacing[1], rel=0.1)
    assert depth.rim.voxel_mm == pytest.approx(max(spacing[:2]), rel=0.1), "thick slices lie beside the cord, too"
    middle = np.abs(depth.position_mm - np.nanmean(depth.position_mm)) < 10
    assert abs(np.nanmedian(depth.dorsal_mm[middle]) - true_mm) <= voxel
    assert abs(depth.dorsal.distance_mm - true_mm) <= voxel + 0.25
    assert depth.rim.side == "dorsal"
    assert abs(depth.rim.distance_mm - true_mm) <= voxel + 0.25
    assert depth.undrawn_mm == 0


def test_what_is_drawn_behind_a_gap_is_no_cord_behind_the_lesion():
    grid, cord, lesion = phantom((0.5, 0.5, 0.5))
    places = voxel_centres_mm(grid).reshape(*grid.shape, 3)
    island = (np.abs(places[..., 0]) < 2) & (np.abs(places[..., 2]) < 8)
    island &= (places[..., 1] < -CORD_MM - 2) & (places[..., 1] > -CORD_MM - 4)
    assert island.any()
    masks = [grid.with_array(part.astype(np.float32)) for part in (lesion, cord | island, cord)]
    depth = lesion_depth.lesion_depth(*masks, exact_course())
    true_mm = CORD_MM - BACK_MM - LESION_MM
    assert abs(depth.dorsal.distance_mm - true_mm) <= 0.75, "else the lesion would lie deeper than it does"
    assert np.nanmax(depth.dorsal_mm) < true_mm + 2.5


@pytest.mark.parametrize("hole", ["ring", "voxel", "cut ring"])
def test_a_hole_that_was_left_within_the_cord_is_no_surface(hole):
    grid, cord, lesion = phantom((0.5, 0.5, 0.5))
    places = voxel_centres_mm(grid).reshape(*grid.shape, 3)
    right, front, high = np.moveaxis(places, -1, 0)
    away = np.hypot(right, np.hypot(front + BEND_MM, high) - BEND_MM + BACK_MM)
    missing = (away < LESION_MM + 1.0) & (away >= LESION_MM)
    if hole == "voxel":
        missing = (np.abs(right - 0.25) < 0.1) & (np.abs(front - (-4.75)) < 0.1) & (np.abs(high) < 0.5)
    if hole == "cut ring":
        missing |= (np.abs(right - 0.25) < 0.1) & (front > 0)
    assert (missing & cord).any()
    left = grid.with_array((cord & ~missing | lesion).astype(np.float32))
    depth = lesion_depth.lesion_depth(grid.with_array(lesion.astype(np.float32)), left, left, exact_course())
    true_mm = CORD_MM - BACK_MM - LESION_MM
    assert abs(depth.dorsal.distance_mm - true_mm) <= 0.75
    assert abs(depth.rim.distance_mm - true_mm) <= 0.75


def test_behind_a_gap_that_is_open_to_one_side_the_distance_is_not_known():
    grid, cord, lesion = phantom((0.5, 0.5, 0.5))
    right, front, high = np.moveaxis(voxel_centres_mm(grid).reshape(*grid.shape, 3), -1, 0)
    away = np.hypot(right, np.hypot(front + BEND_MM, high) - BEND_MM + BACK_MM)
    missing = (away < LESION_MM + 1.0) | ((right > 0) & (np.abs(front + BACK_MM) < 1.5))
    left = grid.with_array((cord & ~missing | lesion).astype(np.float32))
    drawn = grid.with_array((cord & ~missing).astype(np.float32))
    depth = lesion_depth.lesion_depth(grid.with_array(lesion.astype(np.float32)), left, drawn, exact_course())
    assert depth.undrawn_mm > 8
    assert not (depth.dorsal_mm < 1.0).any()


@pytest.mark.parametrize(("turn", "expected"), [(0, (3.3, 0.7)), (30, (2.88, 1.76)), (45, (2.39, 2.39))])
def test_a_turned_voxel_is_as_large_as_it_is_along_each_direction(turn, expected):
    angle = np.radians(turn)
    affine = np.diag([3.3, 0.7, 0.7, 1.0])
    affine[:2, :2] = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([3.3, 0.7])
    sizes_mm = lesion_depth._voxel_across_mm(Volume(np.zeros((2, 2, 2)), affine))
    assert sizes_mm == pytest.approx(expected, abs=0.02)


def test_lengths_along_a_known_line_are_right_within_two_percent_and_a_straight_cut_would_not_be():
    grid, _, _ = phantom((0.5, 0.5, 0.5))
    places = voxel_centres_mm(grid).reshape(-1, 3)
    along = BEND_MM * np.arctan2(places[:, 2], places[:, 1] + BEND_MM)
    scan = grid.with_array(along.reshape(grid.shape).astype(np.float32))
    straight = straight_cord.frame_along(exact_course(), -50.0, 50.0)
    picture = straight_cord.section(scan, straight, "sagittal")
    middle = picture[:, picture.shape[1] // 2]
    seen = np.isfinite(middle)
    steps = -np.diff(middle[seen])
    np.testing.assert_allclose(steps, straight_cord.STEP_MM, rtol=0.02)
    chord = straight.points_mm[0, 2] - straight.points_mm[-1, 2]
    assert chord < 100 * 0.985, "upright millimetres are too few"


def test_right_and_front_are_where_they_should_be_and_nothing_is_shown_outside():
    i, j, _ = np.indices((40, 40, 60))
    scan = Volume((i + 100.0 * j).astype(np.float32), np.eye(4))
    points = np.stack([np.full(60, 20.0), np.full(60, 20.0), np.arange(60.0)], axis=-1)
    straight = straight_cord.frame_along(CordCourse.of_points(points, np.full(60, 5.0)), -25.0, 25.0)
    assert straight.position_mm[0] > straight.position_mm[-1], "head first"
    sagittal = straight_cord.section(scan, straight, "sagittal")
    coronal = straight_cord.section(scan, straight, "coronal")
    assert sagittal[10, 0] > sagittal[10, -1], "front on the left"
    assert coronal[10, 0] > coronal[10, -1], "the patient's right on the left"
    cut = straight_cord.section(Volume(scan.array[:, :25], np.eye(4)), straight, "sagittal")
    assert np.isnan(cut[10, 0])


def test_where_the_cord_was_not_drawn_or_the_slices_are_thick_nothing_is_told():
    grid, cord, lesion = phantom((0.8, 0.8, 0.8))
    course = exact_course()
    whole, solid = (grid.with_array(mask.astype(np.float32)) for mask in (cord, lesion))
    half = cord.copy()
    half[:, :, cord.shape[2] // 2 :] = False
    depth = lesion_depth.lesion_depth(solid, whole, grid.with_array(half.astype(np.float32)), course)
    assert 13 <= depth.undrawn_mm <= 17
    assert np.isnan(depth.dorsal_mm[0]), "the head end has no cord beside it"
    slip = np.zeros(grid.shape, dtype=np.float32)
    slip[:2, :2] = 1.0
    assert lesion_depth.lesion_depth(solid, whole, grid.with_array(slip), course).dorsal is None
    none = lesion_depth.lesion_depth(solid, whole, grid.with_array(np.zeros(grid.shape)), course)
    assert none.dorsal is None
    assert none.rim is None
    empty = grid.with_array(np.zeros(grid.shape))
    assert lesion_depth.lesion_depth(empty, whole, whole, course) == "no lesion was drawn at this visit"
    thick, thick_cord, thick_lesion = phantom((5.0, 0.8, 0.8))
    solid, whole = (thick.with_array(mask.astype(np.float32)) for mask in (thick_lesion, thick_cord))
    words = lesion_depth.lesion_depth(solid, whole, whole, course)
    assert "5.0 mm wide across the cord" in words
