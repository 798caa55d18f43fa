"""Implants have the volume asked for, push the cord aside without loss, and leave the rest of the scan alone."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.errors import InputError
from pipeline.selftest.implant import (
    Implant,
    ImplantLine,
    Lesion,
    course_of,
    draw_lesion,
    grown,
    of_volume,
    radius_mm,
    volume_mm3,
)
from pipeline.selftest.implant_scan import Host, grid_like, host_of, visit_of

VOLUME_TOLERANCE = 0.005
"""The volume promised against a sum over points 0.4 mm apart."""


def curved() -> ImplantLine:
    z = np.arange(-70.0, 71.0)
    middle = np.stack([0.01 * z, 0.004 * z**2], axis=-1)
    return ImplantLine(z, middle, np.tile([6.0, 4.0], (len(z), 1)), (-70.0, 70.0))


def points(course: ImplantLine, half_z: float, step: float = 0.4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    across, along = np.arange(-12, 12, step), np.arange(-half_z, half_z, step)
    x, y, z = np.meshgrid(across, across, along, indexing="ij")
    right, front = course.middle_at(z)
    return x + right, y + front, z


def scan_and_cord() -> tuple[Volume, Volume]:
    """A straight bright canal with a darker cord in it, 1 mm voxels."""
    affine = np.eye(4)
    affine[:3, 3] = (-20, -25, -50)
    empty = Volume(np.zeros((41, 51, 101)), affine)
    x, y, _ = np.moveaxis(voxel_centres_mm(empty), -1, 0)
    cord, canal = np.hypot(x / 6, y / 4) < 1, np.hypot(x / 11, y / 9) < 1
    signal = np.where(cord, 400.0, np.where(canal, 1000.0, 150.0))
    signal += 8 * np.random.default_rng(5).standard_normal(signal.shape)
    return empty.with_array(signal), empty.with_array(cord)


def host() -> Host:
    return host_of(*scan_and_cord(), 0.0)


@pytest.mark.parametrize("volume", [100.0, 500.0, 2500.0])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_a_lesion_has_the_volume_asked_for_free_of_voxels(volume: float, ratio: float) -> None:
    course, rng = curved(), np.random.default_rng([int(volume), int(10 * ratio)])
    lesion = grown(course, draw_lesion(course, 0.0, volume, rng), ratio, rng)
    assert volume_mm3(lesion) == pytest.approx(ratio * volume, rel=1e-9)
    tumour, cyst = Implant(course, lesion).shares(*points(course, 1 + max(map(abs, lesion.poles_mm))))
    assert tumour.sum() * 0.4**3 == pytest.approx(ratio * volume, rel=VOLUME_TOLERANCE)
    assert not cyst.any()


def test_an_even_ellipsoid_has_the_volume_of_the_formula() -> None:
    ellipsoid = Lesion(0.0, (0.0, 0.0), (4.0, 3.0), 20.0)
    assert volume_mm3(ellipsoid) == pytest.approx(4 / 3 * np.pi * 4 * 3 * 10, rel=VOLUME_TOLERANCE)


def test_no_growth_is_the_same_lesion_and_growth_is_another_shape() -> None:
    course = curved()
    lesion = draw_lesion(course, 0.0, 500.0, np.random.default_rng(1))
    assert grown(course, lesion, 1.0, np.random.default_rng(2)) == lesion
    larger = grown(course, lesion, 2.0, np.random.default_rng(2))
    assert larger.lumps != lesion.lumps
    assert larger.above != lesion.above


def test_where_tumour_and_cyst_meet_the_tumour_keeps_the_space() -> None:
    course = curved()
    tumour = of_volume(Lesion(0.0, (0.0, 0.0), (4.0, 3.0), 20.0), 500.0)
    cyst = of_volume(Lesion(tumour.poles_mm[1] + 2, (0.0, 0.0), (3.0, 3.0), 10.0), 200.0)
    both, alone = Implant(course, tumour, cyst), Implant(course, tumour)
    x, y, z = points(course, 25.0)
    solid, fluid = both.shares(x, y, z)
    assert np.array_equal(solid, alone.shares(x, y, z)[0])
    assert float((solid + fluid).max()) <= 1 + 1e-9
    assert 100.0 < fluid.sum() * 0.4**3 < 200.0


def test_the_cord_gives_way_and_keeps_its_volume() -> None:
    course = curved()
    lesion = draw_lesion(course, 0.0, 1500.0, np.random.default_rng(4))
    implant = Implant(course, lesion)
    x, y, z = points(course, 25.0, 0.3)
    (right, front), (half_x, half_y) = course.middle_at(z), course.half_at(z)
    before = np.hypot((x - right) / half_x, (y - front) / half_y) < 1
    came_x, came_y = implant.came_from(x, y, z)
    was_cord = np.hypot((came_x - right) / half_x, (came_y - front) / half_y) < 1
    from_x, from_y = x - right - lesion.axis_mm[0], y - front - lesion.axis_mm[1]
    is_tissue = np.hypot(from_x, from_y) > radius_mm(lesion, np.arctan2(from_y, from_x), z)
    after = was_cord & is_tissue
    assert after.sum() == pytest.approx(before.sum(), rel=VOLUME_TOLERANCE)
    assert (after & ~before).sum() * 0.3**3 > 1000  # it widened by most of the tumour's volume


def test_beyond_its_reach_nothing_moves() -> None:
    course = curved()
    lesion = draw_lesion(course, 0.0, 1500.0, np.random.default_rng(4))
    x, y, z = points(course, 60.0, 1.0)
    came_x, came_y = Implant(course, lesion).came_from(x, y, z)
    low, high = lesion.poles_mm
    right, front = course.middle_at(z)
    far = (z < low) | (z > high) | (np.hypot(x - right, y - front) > 16)
    assert np.array_equal(came_x[far], x[far])
    assert np.array_equal(came_y[far], y[far])
    assert np.abs(came_x[~far] - x[~far]).max() > 1


def test_the_cord_is_read_from_its_mask() -> None:
    course = course_of(scan_and_cord()[1])
    right, front = course.half_at(np.array([0.0, 30.0]))
    assert right == pytest.approx(6.0, abs=0.3)
    assert front == pytest.approx(4.0, abs=0.3)  # voxels whose centre lies on the edge are out
    assert course.reach_mm == (-50.0, 50.0)


def test_signals_are_read_from_the_scan() -> None:
    found = host()
    assert found.cord / found.fluid == pytest.approx(0.4, abs=0.02)
    assert found.noise / found.fluid == pytest.approx(0.008, rel=0.2)


@pytest.mark.parametrize("slice_mm", [None, 3.3])
def test_a_visit_shows_the_whole_lesion_and_is_unchanged_elsewhere(slice_mm: float | None) -> None:
    image, _ = scan_and_cord()
    person = host()
    lesion = draw_lesion(person.course, 0.0, 500.0, np.random.default_rng(1))
    other = grown(person.course, lesion, 2.0, np.random.default_rng(2))
    grid = grid_like(image, person, slice_mm)
    visits = [
        visit_of(person, Implant(person.course, one), 3, grid, np.random.default_rng(9)) for one in (lesion, other)
    ]
    for visit, wanted in zip(visits, (500.0, 1000.0), strict=True):
        assert visit.tumour.array.sum() * grid.voxel_mm3 == pytest.approx(wanted, rel=VOLUME_TOLERANCE)
    place = voxel_centres_mm(visits[0].scan)
    far = (np.hypot(place[..., 0], place[..., 1]) > 20) | (np.abs(place[..., 2]) > 30)
    assert np.array_equal(visits[0].scan.array[far], visits[1].scan.array[far])
    assert not np.array_equal(visits[0].scan.array, visits[1].scan.array)


def test_a_mask_of_something_else_is_refused_in_words() -> None:
    image, _ = scan_and_cord()
    x, y, _ = np.moveaxis(voxel_centres_mm(image), -1, 0)
    elsewhere = image.with_array(np.hypot(x - 0, y + 19) < 3)
    with pytest.raises(InputError, match="is the mask that of this scan's cord"):
        host_of(image, elsewhere, 0.0)
