"""Centre lines, profiles and lengths against shapes whose cross-sections are known in closed form. About 2 s."""

import numpy as np
import pytest

from pipeline.core.transform import Transform, identity
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.measure.cord import (
    LineSource,
    areas_mm2,
    ends_along_mm,
    is_covered,
    length_along_mm,
    line_of_cord,
    line_of_lesion,
    stretches_of,
)

HERE = identity("visit", "reference")


def grid(spacing_mm=(0.5, 0.5, 0.5), size_mm=(16.0, 16.0, 70.0)):
    shape = tuple(round(s / e) for s, e in zip(size_mm, spacing_mm, strict=True))
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = [-s / 2 + e / 2 for s, e in zip(size_mm, spacing_mm, strict=True)]
    return Volume(np.zeros(shape), affine)


def drawn(where, inside):
    """A mask of the points for which ``inside(x, y, z)`` holds, as shares over 3 x 3 x 3 parts of each voxel."""
    total = np.zeros(where.shape)
    for part in np.ndindex(3, 3, 3):
        shift = (np.array(part) - 1) / 3 * where.spacing_mm
        total += inside(*np.moveaxis(voxel_centres_mm(where) + shift, -1, 0))
    return where.with_array(total / 27)


def profile(mask, line, transform=HERE):
    return areas_mm2(stretches_of(mask, transform, line), line)


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.5, 0.5), (3.3, 0.7, 0.7), (0.6, 0.6, 4.4)], ids=["iso", "sag", "axial"])
def test_a_straight_cord_has_one_area_all_along(spacing_mm):
    cord = drawn(grid(spacing_mm), lambda x, y, z: (np.hypot(x, y) < 6) & (abs(z) < 30))
    line = line_of_cord(cord, HERE)
    assert line.source == LineSource.CORD
    found = profile(cord, line)
    well_inside = abs(line.positions_mm) < 24
    # a third of a voxel is how finely the mask is drawn
    assert found[well_inside] == pytest.approx(np.pi * 36, rel=0.03)
    assert found.sum() == pytest.approx(cord.array.sum() * cord.voxel_mm3)


def test_an_ellipsoid_s_profile_is_a_parabola_and_its_length_its_axis():
    lesion = drawn(grid(), lambda x, y, z: (x / 5) ** 2 + (y / 4) ** 2 + (z / 15) ** 2 < 1)
    line = line_of_lesion(lesion, HERE)
    assert line.source == LineSource.LESION
    found = profile(lesion, line)
    expected = np.pi * 20 * np.clip(1 - (line.positions_mm / 15) ** 2, 0, None)
    assert found == pytest.approx(expected, abs=1.0)
    assert found.max() == pytest.approx(np.pi * 20, rel=0.02)
    assert abs(line.positions_mm[np.argmax(found)]) <= 1.0
    # the tip is thinner than half a voxel over its last millimetre
    assert length_along_mm(stretches_of(lesion, HERE, line)) == pytest.approx(30, abs=1.5)


def test_a_leaning_lesion_is_measured_along_its_own_axis():
    axis = np.array([0.0, np.sin(0.5), np.cos(0.5)])
    lesion = drawn(
        grid(size_mm=(12.0, 32.0, 40.0)),
        lambda x, y, z: (
            (abs(y * axis[1] + z * axis[2]) < 14) & (x**2 + y**2 + z**2 - (y * axis[1] + z * axis[2]) ** 2 < 16)
        ),
    )
    line = line_of_lesion(lesion, HERE)
    assert line.tangents[0] == pytest.approx(axis, abs=0.02)
    assert profile(lesion, line)[abs(line.positions_mm) < 10] == pytest.approx(np.pi * 16, rel=0.03)


def test_a_bent_cord_is_followed_round_the_bend():
    radius_mm = 60.0

    def bent(x, y, z):
        from_centre = np.hypot(y - radius_mm, z)
        return (np.hypot(x, from_centre - radius_mm) < 5) & (abs(z) < 36)

    cord = drawn(grid(size_mm=(14.0, 40.0, 80.0)), bent)
    line = line_of_cord(cord, HERE)
    off_mm = np.hypot(line.points_mm[:, 1] - radius_mm, line.points_mm[:, 2]) - radius_mm
    inner = abs(line.positions_mm) < 25
    assert abs(off_mm[inner]).max() < 0.3
    assert profile(cord, line)[inner] == pytest.approx(np.pi * 25, rel=0.04)


def test_areas_are_native_ones_laid_where_the_alignment_says():
    where = grid()
    lesion = drawn(where, lambda x, y, z: (np.hypot(x, y) < 4) & (abs(z) < 10))
    line = line_of_lesion(lesion, HERE)
    moved = np.eye(4)
    moved[2, 3] = 7.0
    found = profile(lesion, line, Transform("visit", "reference", moved))
    assert found.sum() == pytest.approx(lesion.array.sum() * lesion.voxel_mm3)
    assert line.positions_mm[found > 1.0].mean() == pytest.approx(7.0, abs=0.1)


def test_what_the_scan_does_not_reach_is_not_covered():
    lesion = drawn(grid(), lambda x, y, z: (np.hypot(x, y) < 4) & (abs(z) < 10))
    line = line_of_lesion(lesion, HERE)
    short = grid(size_mm=(16.0, 16.0, 30.0))
    found = is_covered(line, short, identity("reference", "visit"))
    assert line.positions_mm[found].min() == pytest.approx(-15.0, abs=1.0)
    assert line.positions_mm[found].max() == pytest.approx(15.0, abs=1.0)


def test_an_empty_mask_has_no_line_and_an_empty_profile():
    where = grid()
    line = line_of_lesion(drawn(where, lambda x, y, z: np.hypot(x, y) + abs(z) < 5), HERE)
    assert not profile(where, line).any()
    assert length_along_mm(stretches_of(where, HERE, line)) == 0.0
    with pytest.raises(ValueError, match="at least one voxel"):
        line_of_lesion(where, HERE)


def ball(where, radius_mm=5.0):
    return drawn(where, lambda x, y, z: x**2 + y**2 + z**2 < radius_mm**2)


def test_a_stretch_is_covered_up_to_the_last_voxel_face_and_not_beyond():
    line = line_of_lesion(ball(grid()), HERE)
    found = is_covered(line, grid((1.0, 1.0, 4.0), (16.0, 16.0, 32.0)), identity("reference", "visit"))
    # eight slices of 4 mm round the middle: faces at 16 mm
    assert found.tolist() == (abs(line.positions_mm) <= 16.0).tolist()


def test_a_line_goes_in_steps_of_a_millimetre_from_foot_to_head_and_on_beyond_the_mask():
    bent = drawn(
        grid(size_mm=(30.0, 60.0, 90.0)), lambda x, y, z: (np.hypot(x, np.hypot(y - 60, z) - 60) < 5) & (abs(z) < 36)
    )
    for line, beyond_mm in ((line_of_cord(bent, HERE), 10.0), (line_of_lesion(ball(grid()), HERE), 40.0)):
        steps = np.linalg.norm(np.diff(line.points_mm, axis=0), axis=1)
        assert steps == pytest.approx(1.0, abs=0.01)
        assert line.tangents[:, 2].min() > 0, "towards the head"
        assert np.linalg.norm(line.tangents, axis=1) == pytest.approx(1.0)
        assert np.diff(line.positions_mm) == pytest.approx(1.0)
        assert line.positions_mm[0] == -line.positions_mm[-1]
        beyond = 36 if beyond_mm == 10.0 else 5
        # the line itself is whole millimetres long, and a voxel is half a millimetre
        assert line.points_mm[-1][2] == pytest.approx(beyond + beyond_mm, abs=2.5)
        assert line.points_mm[0][2] == pytest.approx(-beyond - beyond_mm, abs=2.5)


def test_a_lesion_across_the_cord_is_laid_along_head_foot_and_one_that_leans_by_its_own_axis():
    def rod(degrees):
        axis = np.array([0.0, np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
        return drawn(
            grid((1.0, 1.0, 1.0), (10.0, 40.0, 40.0)),
            lambda x, y, z: (abs(y * axis[1] + z * axis[2]) < 14) & (x**2 + (y * axis[2] - z * axis[1]) ** 2 < 9),
        ), axis

    for degrees in (40, -40):
        lesion, axis = rod(degrees)
        assert line_of_lesion(lesion, HERE).tangents[0] == pytest.approx(axis, abs=0.03)
    lesion, _ = rod(50)
    assert line_of_lesion(lesion, HERE).tangents[0] == pytest.approx([0.0, 0.0, 1.0])


def test_a_cord_seen_in_four_planes_has_a_straight_line_and_one_in_five_a_curve():
    def cord(slices):
        where = grid((1.0, 1.0, 4.0), (20.0, 40.0, 4.0 * slices))
        return drawn(where, lambda x, y, z: np.hypot(x, y - z**2 / 20) < 4)

    for slices, is_straight in ((4, True), (5, False)):
        tangents = line_of_cord(cord(slices), HERE).tangents
        assert (np.ptp(tangents, axis=0).max() < 1e-9) == is_straight


def test_a_wiggle_of_the_hand_is_smoothed_and_the_course_of_the_spine_kept():
    def off_mm(wave_mm):
        cord = drawn(
            grid((0.5, 0.5, 1.0), (20.0, 30.0, 120.0)),
            lambda x, y, z: np.hypot(x, y - 2 * np.sin(2 * np.pi * z / wave_mm)) < 4,
        )
        line = line_of_cord(cord, HERE)
        inner = abs(line.points_mm[:, 2]) < 40
        return abs(line.points_mm[inner, 1]).max()

    assert off_mm(10.0) < 0.3
    assert off_mm(100.0) > 1.8
    assert off_mm(25.0) == pytest.approx(1.0, abs=0.25), "half of it stays at 25 mm"


def test_an_object_has_the_length_between_its_outermost_faces_along_the_line():
    where = grid((1.0, 1.0, 4.0), (20.0, 20.0, 40.0))
    block = where.with_array((abs(voxel_centres_mm(where)) < [3, 3, 8]).all(axis=-1))
    line = line_of_lesion(block, HERE)
    assert ends_along_mm(stretches_of(block, HERE, line)) == pytest.approx((-8.0, 8.0))
    assert ends_along_mm(stretches_of(where, HERE, line)) is None
    half = block.with_array(block.array * 0.5)
    assert length_along_mm(stretches_of(half, HERE, line)) == pytest.approx(16.0), "half in is in"
    less = block.with_array(block.array * 0.49)
    assert length_along_mm(stretches_of(less, HERE, line)) == 0.0
    assert profile(less, line).sum() == pytest.approx(0.49 * 36 * 16), "but its share counts"


def test_a_line_ends_a_centimetre_beyond_a_cord_mask_and_four_beyond_a_lesion():
    cord = drawn(grid((1.0, 1.0, 0.5), (16.0, 16.0, 80.0)), lambda x, y, z: (np.hypot(x, y) < 6) & (abs(z) < 36))
    # the outermost planes lie at 35.75 mm, and a line is whole millimetres long to either side of its middle
    assert line_of_cord(cord, HERE).points_mm[[0, -1], 2] == pytest.approx([-45.0, 45.0], abs=0.05)
    assert line_of_lesion(cord, HERE).points_mm[[0, -1], 2] == pytest.approx([-76.0, 76.0], abs=0.05)
