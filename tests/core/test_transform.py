"""Moving points and pulling images: laws of the pair, in every orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.transform import (
    Transform,
    bend_at,
    compose,
    coverage,
    identity,
    inverse,
    move_points,
    resample,
    resample_together,
)
from pipeline.core.volume import Volume, to_world, voxel_centres_mm
from tests.core.orientations import ORIENTATIONS, oblique, oriented, reoriented, rotation

RANDOM = np.random.default_rng(11)
ANGLES = st.floats(-30, 30)
SHIFTS = st.floats(-25, 25)
SHAPE = (12, 13, 9)


def rigid(angles: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> Transform:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation(angles), shift_mm
    return Transform("ses-01", "ses-02", matrix)


def bent(height_mm: float = 3.0, period_mm: float = 60.0, matrix: np.ndarray | None = None) -> Transform:
    """A bend that moves points by up to ``height_mm`` over some ``period_mm``, sampled every 2 mm."""
    grid = Volume(np.zeros((31, 31, 41)), oblique((3, 4, 5), (2, 2, 2)))
    centres = voxel_centres_mm(grid)
    phase = 2 * np.pi * centres[..., [2, 2, 1]] / period_mm + np.array([0.0, 1.0, 2.0])
    return Transform(
        "ses-01", "ses-02", np.eye(4) if matrix is None else matrix, height_mm * np.sin(phase), grid.affine
    )


def inside(transform: Transform, count: int = 200, margin: int = 6) -> np.ndarray:
    """Random points well within the grid of a transform's bend."""
    assert transform.bend_mm is not None
    assert transform.bend_affine is not None
    shape = np.array(transform.bend_mm.shape[:3])
    return to_world(transform.bend_affine, RANDOM.uniform(margin, shape - 1 - margin, (count, 3)))


# ---------------------------------------------------------------- points


@given(ANGLES, ANGLES, ANGLES, SHIFTS, SHIFTS, SHIFTS)
def test_a_rigid_move_and_its_inverse_leave_points_where_they_were(
    x: float, y: float, z: float, i: float, j: float, k: float
) -> None:
    there = rigid((x, y, z), (i, j, k))
    back = inverse(there)
    points = RANDOM.uniform(-100, 100, (10, 3))
    assert (back.source, back.target) == ("ses-02", "ses-01")
    assert move_points(back, move_points(there, points)) == pytest.approx(points, abs=1e-9)
    moved = move_points(there, points)
    assert np.linalg.norm(moved[0] - moved[1]) == pytest.approx(np.linalg.norm(points[0] - points[1]))


@pytest.mark.parametrize("height_mm", [0.5, 2.0, 4.0])
@pytest.mark.parametrize("angles", [(0, 0, 0), (9, -6, 4)])
def test_a_bend_and_its_inverse_return_each_point_within_a_tenth_of_a_millimetre(
    height_mm: float, angles: tuple[float, float, float]
) -> None:
    there = bent(height_mm, matrix=rigid(angles, (5, -7, 14)).matrix)
    back = inverse(there)
    points = inside(there)
    assert np.abs(bend_at(there, points)).max() > 0.5 * height_mm  # there is something to undo
    error_mm = np.linalg.norm(move_points(back, move_points(there, points)) - points, axis=-1)
    assert error_mm.max() < 0.1


def test_a_transform_moves_points_by_its_bend_and_then_by_its_matrix() -> None:
    transform = bent(2.0, matrix=rigid((0, 0, 90), (10, 0, 0)).matrix)
    points = inside(transform, 5)
    bends = bend_at(transform, points)
    expected = [[-(y + by) + 10, x + bx, z + bz] for (x, y, z), (bx, by, bz) in zip(points, bends, strict=True)]
    assert move_points(transform, points) == pytest.approx(np.array(expected))


def test_outside_its_grid_a_bend_goes_on_as_at_the_border() -> None:
    bend_mm = np.zeros((2, 2, 2, 3))
    bend_mm[1, ..., 0] = 4.0
    transform = Transform("a", "b", np.eye(4), bend_mm, np.eye(4))
    far = np.array([[0.5, 0, 0], [1.0, 0, 0], [50.0, 0, 0], [-50.0, 0, 0]])
    assert bend_at(transform, far)[:, 0].tolist() == [2.0, 4.0, 4.0, 0.0]


def test_no_bend_is_a_bend_of_zero() -> None:
    transform = rigid((5, 6, 7), (1, 2, 3))
    flat = Transform("ses-01", "ses-02", transform.matrix, np.zeros((3, 3, 3, 3)), np.eye(4))
    points = RANDOM.uniform(-9, 9, (20, 3))
    assert bend_at(transform, points).tolist() == np.zeros((20, 3)).tolist()
    assert move_points(flat, points) == pytest.approx(move_points(transform, points))


# ---------------------------------------------------------------- joining


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rigid((5, 6, 7), (1, 2, 3)), rigid((-3, 2, 9), (4, 4, 4))),
        (bent(3.0), rigid((-3, 2, 9), (4, 4, 4))),
        (rigid((5, 6, 7), (1, 2, 3)), bent(3.0)),
        (bent(3.0, 60.0), bent(2.0, 80.0)),
    ],
    ids=["rigid, rigid", "bent, rigid", "rigid, bent", "bent, bent"],
)
def test_one_joined_transform_moves_points_like_the_two(first: Transform, second: Transform) -> None:
    first = Transform("a", "b", first.matrix, first.bend_mm, first.bend_affine)
    second = Transform("b", "c", second.matrix, second.bend_mm, second.bend_affine)
    joined = compose(first, second)
    assert (joined.source, joined.target) == ("a", "c")
    points = inside(bent()) - np.array([1.0, 2.0, 3.0])
    error_mm = np.linalg.norm(move_points(joined, points) - move_points(second, move_points(first, points)), axis=-1)
    assert error_mm.max() < 0.1  # the joint bend is sampled, too


def test_transforms_that_do_not_meet_are_not_joined() -> None:
    with pytest.raises(ValueError, match="cannot join a->b with c->d"):
        compose(identity("a", "b"), identity("c", "d"))


def test_a_transform_joined_with_its_inverse_moves_nothing() -> None:
    there = bent(3.0)
    joined = compose(there, inverse(there))
    points = inside(there)
    assert np.linalg.norm(move_points(joined, points) - points, axis=-1).max() < 0.1


# ---------------------------------------------------------------- images


@oriented
@pytest.mark.parametrize("order", [0, 1, 3])
def test_pulling_an_image_through_the_identity_changes_nothing(affine: np.ndarray, order: int) -> None:
    image = Volume(RANDOM.random(SHAPE), affine)
    pulled = resample(image, image, identity("a", "a"), order=order, outside=-1.0)
    assert pulled.array == pytest.approx(image.array, abs=1e-6)  # also at the border


@oriented
def test_a_shift_by_whole_voxels_shifts_the_array(affine: np.ndarray) -> None:
    image = Volume(RANDOM.random(SHAPE), affine)
    shift = np.eye(4)
    shift[:3, 3] = affine[:3, :3] @ [2, 0, 0]  # points move two voxels along i, so the image moves two voxels back
    pulled = resample(image, image, Transform("a", "b", shift), order=1, outside=-1.0)
    assert pulled.array[:-2] == pytest.approx(image.array[2:], abs=1e-6)
    assert (pulled.array[-2:] == -1.0).all()


@pytest.mark.parametrize("order", [0, 1, 3])
@oriented
def test_an_image_is_pulled_just_as_far_as_it_covers(affine: np.ndarray, order: int) -> None:
    image = Volume(np.ones(SHAPE), affine)
    grid = oblique((20, 10, 5), (0.9, 0.9, 0.9))
    grid[:3, 3] += to_world(affine, np.array([6, 6, 4])) - to_world(grid, np.array([15, 15, 15]))  # round its middle
    onto = Volume(np.zeros((30, 30, 30)), grid)
    transform = rigid((0, 0, 0), (1, 2, 3))
    pulled = resample(image, onto, transform, order=order, outside=-1.0).array
    covered = coverage(image, onto, transform).array
    assert covered.any()
    assert not covered.all()
    assert pulled[covered] == pytest.approx(1.0)
    assert (pulled[~covered] == -1.0).all()


@pytest.mark.parametrize("order", [0, 1])
@oriented
def test_how_an_image_is_stored_does_not_matter(affine: np.ndarray, order: int) -> None:
    image = Volume(RANDOM.random(SHAPE), affine)
    onto = Volume(np.zeros((7, 8, 9)), ORIENTATIONS["RAS"] + np.diag([0.1, 0.1, 0.1, 0]))
    transform = rigid((4, -3, 2), (0.31, -0.52, 0.23))
    expected = resample(image, onto, transform, order=order).array
    for axes in [(2, 0, 1), (1, 0, 2)]:
        assert resample(reoriented(image, axes), onto, transform, order=order).array == pytest.approx(
            expected, abs=1e-9
        )


def test_an_image_is_pulled_opposite_to_the_points() -> None:
    """A blob at the moved point appears at the point that was moved there."""
    target = Volume(np.zeros((40, 40, 40)), oblique((10, 5, -7), (1, 1, 1)))
    onto = Volume(np.zeros((40, 40, 40)), oblique((0, 0, 0), (1, 1, 1)))
    transform = bent(2.0, matrix=rigid((2, 3, 1), (1, 2, -1)).matrix)
    point = to_world(onto.affine, np.array([[20.0, 17.0, 22.0]]))
    distance_mm = np.linalg.norm(voxel_centres_mm(target) - move_points(transform, point), axis=-1)
    blob = target.with_array(np.exp(-(distance_mm**2) / (2 * 3.0**2)))
    pulled = resample(blob, onto, transform, order=1).array
    weights = pulled[..., None] / pulled.sum()
    centre_mm = (voxel_centres_mm(onto) * weights).sum(axis=(0, 1, 2))
    assert np.linalg.norm(centre_mm - point[0]) < 0.3  # linear interpolation of a bent blob


def test_labels_stay_labels() -> None:
    labels = Volume(RANDOM.integers(0, 4, SHAPE).astype(np.uint8), ORIENTATIONS["oblique"])
    pulled = resample(labels, labels, rigid((9, 9, 9), (1, 1, 1)), order=0)
    assert pulled.array.dtype == np.uint8
    assert set(np.unique(pulled.array)) <= {0, 1, 2, 3}


def test_images_pulled_together_are_as_pulled_alone() -> None:
    images = [Volume(RANDOM.random(SHAPE), ORIENTATIONS["LPS"]) for _ in range(2)]
    onto = Volume(np.zeros((6, 6, 6)), ORIENTATIONS["RAS"])
    transform = rigid((3, 2, 1), (1, 1, 1))
    together = resample_together(images, onto, transform, order=1, outside=-5)
    for one, image in zip(together, images, strict=True):
        assert np.array_equal(one.array, resample(image, onto, transform, order=1, outside=-5).array)
    assert resample_together([], onto, transform, order=1) == []


# ---------------------------------------------------------------- field of view


@oriented
def test_an_image_covers_its_own_grid(affine: np.ndarray) -> None:
    image = Volume(np.zeros(SHAPE), affine)
    assert coverage(image, image, identity("a", "a")).array.all()


@pytest.mark.parametrize(
    ("shift_voxels", "covered"), [(0.0, 12), (0.49, 12), (0.51, 11), (5.0, 7), (11.4, 1), (11.6, 0)]
)
@oriented
def test_what_lies_beyond_the_outer_voxel_faces_is_not_covered(
    affine: np.ndarray, shift_voxels: float, covered: int
) -> None:
    image = Volume(np.zeros(SHAPE), affine)
    shift = np.eye(4)
    shift[:3, 3] = affine[:3, :3] @ [shift_voxels, 0, 0]
    seen = coverage(image, image, Transform("a", "b", shift)).array
    assert seen.any(axis=(1, 2)).sum() == covered
    assert seen.sum() == covered * SHAPE[1] * SHAPE[2]
