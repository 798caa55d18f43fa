"""Volumes, diameters and pieces on grids whose answer is known by hand. Runs in about two seconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.measure.volumes import CompartmentMeasure, components, measure

SAGITTAL = np.diag([3.3, 0.7, 0.7, 1.0])
"""Thick sagittal slices: i left-right, j front-back, k head-foot."""


def box(shape: tuple[int, int, int], *slices: slice) -> np.ndarray:
    array = np.zeros(shape, dtype=bool)
    array[slices] = True
    return array


def ellipsoid(radii_mm: tuple[float, float, float], affine: np.ndarray, shape: tuple[int, int, int]) -> Volume:
    centres_mm = np.indices(shape).transpose(1, 2, 3, 0) * np.diag(affine)[:3]
    middle_mm = (np.array(shape) - 1) / 2 * np.diag(affine)[:3]
    return Volume((((centres_mm - middle_mm) / np.array(radii_mm)) ** 2).sum(axis=-1) <= 1, affine)


def test_a_mask_is_counted_voxel_by_voxel():
    mask = Volume(box((5, 9, 9), slice(1, 3), slice(2, 5), slice(2, 6)), SAGITTAL)
    found = measure(mask)
    assert found.volume_mm3 == pytest.approx(24 * 3.3 * 0.7 * 0.7, rel=1e-12)
    assert found.slices_spanned == 2
    assert found.length_mm == pytest.approx(4 * 0.7)


def test_an_empty_mask_measures_zero_everywhere():
    nothing = measure(Volume(np.zeros((4, 4, 4), dtype=np.uint8), SAGITTAL))
    assert nothing == CompartmentMeasure(0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)


def test_probabilities_are_summed_and_a_faint_floor_is_not():
    array = np.full((6, 6, 6), 0.005)
    array[2:4, 2:4, 2:4] = 0.75
    assert measure(Volume(array, np.eye(4))).volume_mm3 == pytest.approx(8 * 0.75)


def test_probabilities_and_the_mask_they_round_to_give_the_same_pieces():
    array = np.zeros((8, 8, 8))
    array[1:3, 1:3, 1:3] = 0.6
    array[5:7, 5:7, 5:7] = 0.4
    assert measure(Volume(array, np.eye(4))).component_count == 1


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((2, 2, 2), 3, dtype=np.uint8), "found 0 to 3"),
        (np.full((2, 2, 2), -0.5), "found -0.5 to 0"),
        (np.full((2, 2, 2), np.nan), "found nan"),
    ],
)
def test_anything_but_a_mask_is_refused(array, words):
    with pytest.raises(InputError, match=words):
        measure(Volume(array, np.eye(4)))


def test_corner_neighbours_are_one_piece_and_a_gap_makes_two():
    array = np.zeros((6, 6, 6), dtype=bool)
    array[1, 1, 1] = array[2, 2, 2] = True
    assert measure(Volume(array, np.eye(4))).component_count == 1
    array[4, 4, 4] = True
    assert measure(Volume(array, np.eye(4))).component_count == 2


def test_pieces_are_numbered_by_size_with_their_own_volume():
    array = box((9, 9, 9), slice(0, 1), slice(0, 1), slice(0, 1)) | box((9, 9, 9), *[slice(4, 7)] * 3)
    labels, volumes = components(Volume(array, np.diag([2.0, 1.0, 1.0, 1.0])))
    assert volumes == pytest.approx({1: 54.0, 2: 2.0})
    assert labels.array[5, 5, 5] == 1
    assert labels.array[0, 0, 0] == 2


def test_partly_filled_voxels_count_to_the_nearest_piece_so_that_pieces_add_up():
    share = np.zeros((12, 5, 5), np.float32)
    share[2:4, 2, 2] = 1.0
    share[4, 2, 2] = 0.4  # beside the first
    share[10, 2, 2] = 0.8
    share[8, 2, 2] = 0.3  # 2 voxels from the second, 4 from the first
    share[0, 0, 0] = 0.004  # nothing
    mask = Volume(share, np.diag([3.0, 1.0, 1.0, 1.0]))
    labels, volumes = components(mask)
    assert volumes == pytest.approx({1: 3 * 2.4, 2: 3 * 1.1})
    assert sum(volumes.values()) == pytest.approx(measure(mask).volume_mm3)
    assert np.count_nonzero(labels.array) == 3, "where a piece lies is where it fills most of a voxel"


def test_what_fills_no_voxel_by_half_is_no_piece():
    assert components(Volume(np.full((3, 3, 3), 0.3, np.float32), np.eye(4)))[1] == {}


def test_axial_diameters_of_an_ellipsoid_along_the_cord():
    mask = ellipsoid((5.0, 4.0, 20.0), np.diag([0.5, 0.5, 0.5, 1.0]), (30, 30, 90))
    found = measure(mask)
    # half a millimetre: one voxel, the rounding of the drawn outline
    assert found.axial_long_mm == pytest.approx(10.0, abs=0.5)
    assert found.axial_perpendicular_mm == pytest.approx(8.0, abs=0.5)
    assert found.longest_mm == pytest.approx(40.0, abs=0.5)
    assert found.length_mm == pytest.approx(40.0, abs=0.5)
    assert found.volume_mm3 == pytest.approx(4 / 3 * np.pi * 5 * 4 * 20, rel=0.01)


def test_diameters_never_bridge_two_pieces():
    array = box((30, 9, 9), slice(1, 4), slice(3, 6), slice(3, 6))
    array |= box((30, 9, 9), slice(24, 27), slice(3, 6), slice(3, 6))
    found = measure(Volume(array, np.eye(4)))
    assert found.axial_long_mm < 4.5
    assert found.product_mm2 == pytest.approx(2 * found.axial_long_mm * found.axial_perpendicular_mm)
    one = measure(Volume(box((30, 9, 9), slice(1, 4), slice(3, 6), slice(3, 6)), np.eye(4)))
    assert found.longest_mm == pytest.approx(2 * one.longest_mm), "RECIST adds the diameters of several pieces"


def test_one_voxel_measures_its_own_sides():
    found = measure(Volume(box((3, 3, 3), *[slice(1, 2)] * 3), SAGITTAL))
    assert (found.axial_long_mm, found.axial_perpendicular_mm) == pytest.approx((3.3, 0.7))
    assert found.length_mm == pytest.approx(0.7)


def test_a_mask_that_reaches_the_edge_names_it():
    assert measure(Volume(box((4, 4, 4), slice(0, 2), slice(1, 2), slice(1, 2)), np.eye(4))).edges == ("left",)
    assert measure(Volume(box((4, 4, 4), *[slice(1, 2)] * 3), np.eye(4))).edges == ()


def _reoriented(volume: Volume, order: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    array, affine = volume.array.transpose(order), volume.affine[:, [*order, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
            array = np.flip(array, axis)
    return Volume(array, affine)


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations([0, 1, 2]),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    seed=st.integers(0, 10_000),
)
def test_a_measure_does_not_depend_on_how_the_array_is_stored(order, flips, seed):
    random = np.random.default_rng(seed)
    mask = Volume(random.random((4, 7, 9)) > 0.7, SAGITTAL)
    here, there = measure(mask), measure(_reoriented(mask, tuple(order), flips))
    assert here.volume_mm3 == pytest.approx(there.volume_mm3, rel=1e-9)
    assert (here.component_count, here.slices_spanned) == (there.component_count, there.slices_spanned)
    for name in ("axial_long_mm", "longest_mm", "length_mm"):
        assert getattr(here, name) == pytest.approx(getattr(there, name), rel=1e-9)
