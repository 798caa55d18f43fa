"""Voxels and the world: laws that hold in every orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.volume import (
    GRID_TOLERANCE_MM,
    Volume,
    plane,
    same_grid,
    slice_axis,
    to_voxel,
    to_world,
    voxel_centres_mm,
)
from tests.core.orientations import AXIS_ORDERS, oblique, oriented, reoriented, with_spacing

RANDOM = np.random.default_rng(7)
ANGLES = st.floats(-180, 180)
SPACINGS = st.floats(0.1, 10)


def volume(affine: np.ndarray, shape: tuple[int, int, int] = (4, 5, 6)) -> Volume:
    return Volume(RANDOM.random(shape), affine)


@given(ANGLES, ANGLES, ANGLES, SPACINGS, SPACINGS, SPACINGS)
def test_a_point_comes_back_from_voxels_as_it_went(x: float, y: float, z: float, i: float, j: float, k: float) -> None:
    affine = oblique((x, y, z), (i, j, k))
    points = RANDOM.uniform(-200, 200, (10, 3))
    assert to_world(affine, to_voxel(affine, points)) == pytest.approx(points, abs=1e-8)


@given(ANGLES, ANGLES, ANGLES, SPACINGS, SPACINGS, SPACINGS)
def test_spacing_and_voxel_volume_do_not_depend_on_the_angle(
    x: float, y: float, z: float, i: float, j: float, k: float
) -> None:
    grid = volume(oblique((x, y, z), (i, j, k)))
    assert grid.spacing_mm == pytest.approx([i, j, k])
    assert grid.voxel_mm3 == pytest.approx(i * j * k)


@oriented
def test_voxel_centres_are_where_the_affine_says(affine: np.ndarray) -> None:
    grid = volume(affine)
    centres = voxel_centres_mm(grid)
    assert centres.shape == (4, 5, 6, 3)
    for index in [(0, 0, 0), (3, 4, 5), (1, 0, 2)]:
        assert centres[index] == pytest.approx((affine @ [*index, 1])[:3], abs=1e-9)


@pytest.mark.parametrize("order", AXIS_ORDERS)
@oriented
def test_turning_the_array_changes_neither_place_nor_volume(affine: np.ndarray, order: tuple[int, ...]) -> None:
    grid = volume(affine)
    turned = reoriented(grid, order)
    assert turned.voxel_mm3 == pytest.approx(grid.voxel_mm3)
    assert (turned.array > 0.5).sum() * turned.voxel_mm3 == pytest.approx((grid.array > 0.5).sum() * grid.voxel_mm3)
    brightest = [to_world(v.affine, np.array(np.unravel_index(np.argmax(v.array), v.shape))) for v in (grid, turned)]
    assert brightest[0] == pytest.approx(brightest[1], abs=1e-9)
    assert plane(turned) == plane(grid)


@oriented
def test_a_grid_is_the_same_only_within_its_tolerance(affine: np.ndarray) -> None:
    grid = volume(affine)
    for shift_mm, is_same in [(0.0, True), (0.9 * GRID_TOLERANCE_MM, True), (1.1 * GRID_TOLERANCE_MM, False)]:
        moved = affine.copy()
        moved[1, 3] += shift_mm
        assert same_grid(grid, Volume(grid.array, moved)) is is_same
        assert same_grid(Volume(grid.array, moved), grid) is is_same


def test_a_small_turn_counts_by_how_far_it_moves_the_corners() -> None:
    large, small = (100, 100, 100), (3, 3, 3)
    straight, turned = oblique((0, 0, 0), (1, 1, 1)), oblique((0, 0, 0.01), (1, 1, 1))
    assert same_grid(volume(straight, small), volume(turned, small))
    assert not same_grid(volume(straight, large), volume(turned, large))


def test_grids_of_other_shapes_differ_also_when_one_could_hold_the_other() -> None:
    assert not same_grid(volume(np.eye(4), (4, 5, 6)), volume(np.eye(4), (4, 5, 1)))
    assert not same_grid(volume(np.eye(4), (4, 5, 6)), volume(np.eye(4), (6, 5, 4)))


def test_an_array_of_another_shape_is_refused() -> None:
    grid = volume(np.eye(4))
    assert grid.with_array(np.ones((4, 5, 6))).array.sum() == 120
    with pytest.raises(ValueError, match=r"array is \(4, 5\) but the grid is \(4, 5, 6\)"):
        grid.with_array(np.ones((4, 5)))


@pytest.mark.parametrize(
    ("spacing_mm", "name", "axis"),
    [
        ((3.3, 0.7, 0.7), "sagittal", 0),
        ((0.7, 3.3, 0.7), "coronal", 1),
        ((0.7, 0.7, 3.3), "axial", 2),
        ((0.8, 0.8, 0.8), "isotropic", 0),
        ((0.9, 0.8, 1.03), "isotropic", 0),
        ((0.8, 0.8, 1.05), "axial", 2),
    ],
)
@pytest.mark.parametrize("angles", [(0, 0, 0), (20, -15, 10)])
def test_the_plane_is_named_by_its_thickest_direction(
    spacing_mm: tuple[float, float, float], name: str, axis: int, angles: tuple[float, float, float]
) -> None:
    grid = volume(oblique(angles, spacing_mm))
    assert (plane(grid), slice_axis(grid)) == (name, axis)
    turned = reoriented(grid, (2, 0, 1))
    assert (plane(turned), (2, 0, 1)[slice_axis(turned)]) == (name, axis)


def test_a_stored_orientation_does_not_change_the_plane() -> None:
    assert plane(volume(with_spacing("ASR", (3.3, 0.7, 0.7)))) == "coronal"
    assert plane(volume(with_spacing("PIR", (0.7, 0.7, 3.3)))) == "sagittal"
