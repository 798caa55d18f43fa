"""Volumes, diameters and pieces on grids whose answer is known by hand. Runs in about two seconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.measure.volumes import CompartmentMeasure, components, edges_reached, measure

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


# ---------------------------------------------------------------- what decides at the very limit


@pytest.mark.parametrize(("share", "volume_mm3"), [(0.01, 0.08), (0.0099, 0.0)])
def test_a_hundredth_of_a_voxel_is_the_least_that_counts(share, volume_mm3):
    array = np.zeros((6, 6, 6))
    array[2:4, 2:4, 2:4] = share
    assert measure(Volume(array, np.eye(4))).volume_mm3 == pytest.approx(volume_mm3)


def test_a_voxel_that_is_half_the_object_belongs_to_it():
    array = np.zeros((6, 6, 6))
    array[2:4, 2:4, 0:2] = 0.5
    half = Volume(array, np.eye(4))
    found = measure(half)
    assert (found.component_count, found.slices_spanned, found.edges) == (1, 2, ("foot",))
    assert components(half)[1] == pytest.approx({1: 4.0})


def test_a_piece_takes_the_voxels_from_a_hundredth_on():
    array = np.zeros((6, 6, 6))
    array[2, 2, 2], array[3, 2, 2], array[1, 2, 2] = 1.0, 0.01, 0.009
    assert components(Volume(array, np.eye(4)))[1] == pytest.approx({1: 1.01})


@pytest.mark.parametrize(("low", "high", "is_refused"), [(-5e-5, 1.00005, False), (0, 1.0005, True), (-5e-4, 1, True)])
def test_rounding_of_stored_probabilities_is_no_other_image(low, high, is_refused):
    array = np.full((3, 3, 3), low, dtype=np.float64)
    array[1, 1, 1] = high
    if is_refused:
        with pytest.raises(InputError, match="expected values between 0 and 1"):
            measure(Volume(array, np.eye(4)))
    else:
        assert measure(Volume(array, np.eye(4))).component_count == 1


def test_the_diameters_reported_are_those_of_the_piece_with_the_longest():
    long_and_thin = box((20, 20, 5), slice(1, 11), slice(1, 2), slice(1, 2))
    short_and_wide = box((20, 20, 5), slice(12, 18), slice(12, 18), slice(1, 2))
    found = measure(Volume(long_and_thin | short_and_wide, np.eye(4)))
    assert found.axial_long_mm == pytest.approx(10.0, abs=0.1)
    assert found.axial_perpendicular_mm < 1.1


def test_an_oblique_scan_is_measured_across_the_direction_nearest_to_head_foot():
    turned = np.eye(4)
    cosine, sine = np.cos(np.radians(30)), np.sin(np.radians(30))
    turned[:3, :3] = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) @ np.diag([1.0, 3.0, 1.0])
    found = measure(Volume(box((12, 12, 30), slice(3, 9), slice(4, 6), slice(5, 25)), turned))
    # A block of 6 x 6 x 20 mm that leans by 30 degrees: in its own axial planes it is 6 x 6 mm, face to face.
    assert found.axial_long_mm == pytest.approx(np.hypot(5, 6), abs=0.4)
    assert found.longest_mm == pytest.approx(np.sqrt(6**2 + 6**2 + 20**2), abs=1.0)
    assert found.length_mm == pytest.approx(20 * cosine + 6 * sine)
    assert found.slices_spanned == 2


# ---------------------------------------------------------------- where the field of view ends

ENDS = {
    "left": (slice(0, 2), slice(3, 5), slice(3, 5)),
    "right": (slice(6, 8), slice(3, 5), slice(3, 5)),
    "back": (slice(3, 5), slice(0, 2), slice(3, 5)),
    "front": (slice(3, 5), slice(6, 8), slice(3, 5)),
    "foot": (slice(3, 5), slice(3, 5), slice(0, 2)),
    "head": (slice(3, 5), slice(3, 5), slice(6, 8)),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_that_a_tumour_reaches_is_named_as_the_patient_lies(end):
    mask = Volume(box((8, 8, 8), *ENDS[end]), SAGITTAL)
    assert edges_reached(mask) == (end,)
    for flips in np.ndindex(2, 2, 2):
        assert edges_reached(_reoriented(mask, (2, 0, 1), tuple(bool(f) for f in flips))) == (end,)


def test_a_tumour_one_voxel_from_the_end_lies_within_the_scan():
    assert edges_reached(Volume(box((8, 8, 8), *[slice(1, 7)] * 3), SAGITTAL)) == ()


@pytest.mark.parametrize("end", ENDS)
def test_padding_is_not_part_of_the_field_of_view(end):
    signal = np.zeros((12, 12, 12))
    signal[2:10, 2:10, 2:10] = 100.0
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[2:10, 2:10, 2:10] = box((8, 8, 8), *ENDS[end])
    assert edges_reached(Volume(mask, SAGITTAL), Volume(signal, SAGITTAL)) == (end,)
    assert edges_reached(Volume(mask, SAGITTAL)) == (), "without the scan nobody can tell"
    assert edges_reached(Volume(mask, SAGITTAL), Volume(np.zeros((12, 12, 12)), SAGITTAL)) == (), (
        "nor with an empty one"
    )


@pytest.mark.parametrize("padding", [0, -1024, 7])
def test_whatever_fills_an_end_is_padding(padding: int) -> None:
    signal = np.random.default_rng(4).integers(100, 200, (12, 12, 12))
    signal[:, :, 9:] = padding
    mask = box((12, 12, 12), slice(4, 7), slice(4, 7), slice(4, 9))
    assert edges_reached(Volume(mask, np.eye(4)), Volume(signal, np.eye(4))) == ("head",)
    inner = box((12, 12, 12), slice(4, 7), slice(4, 7), slice(4, 8))
    assert edges_reached(Volume(inner, np.eye(4)), Volume(signal, np.eye(4))) == ()


def test_the_one_value_around_an_object_of_a_phantom_is_its_background_and_no_padding() -> None:
    drawn = np.zeros((12, 12, 12), dtype=bool)
    drawn[4:8, 4:8, 4:8] = True
    phantom = np.where(drawn, 80.0, 20.0)
    mask = Volume(drawn, np.eye(4))
    assert edges_reached(mask, Volume(phantom, np.eye(4))) == ()
    phantom[2:10, 2:10, 4:8] += np.random.default_rng(1).normal(0, 5, (8, 8, 4))
    assert edges_reached(mask, Volume(phantom, np.eye(4))) == ("foot", "head")
