"""Values, grids and labels of masks at the limit of each rule. Milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import GRID_TOLERANCE_MM, Volume
from pipeline.study import disc_voxels, grids, mask_values, mask_voxels
from pipeline.study.discs import DiscFile
from pipeline.study.grids import GridShift, in_order_of, lies_on, shift_between
from pipeline.study.mask_values import ValueDoubt, inside_of, labels_of, probabilities_of, too_much, whole_numbers
from pipeline.study.masks import MaskFile

# Values --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "is_read"),
    [
        ([0.0, 1.001], True), ([0.0, 1.0011], False), ([-0.001, 1.0], True), ([-0.0011, 1.0], False),
        ([0.0, 0.5], True),
        ([0.0, 0.4999], False), ([0.0, 0.0], True), ([0.0, 1e-9], False), ([0.0, 0.999, 0.999], True),
        ([0.0, 0.9989, 0.9989], False), ([0.0, 0.9, 0.8991], False), ([0.0, 0.9, 0.8989], True), ([0.009, 0.9], True),
        ([0.01, 0.9], True), ([0.9, 0.9, 0.009], False),
    ],
)  # fmt: skip
def test_probabilities_keep_within_their_rounding(array: list[float], is_read: bool) -> None:
    assert isinstance(probabilities_of(np.array(array)), np.ndarray) == is_read


@pytest.mark.parametrize(
    ("high", "unit"),
    [(1.002, "(per cent?)"), (100.0, "(per cent?)"), (100.5, "(8 bits?)"), (255.0, "(8 bits?)"), (256.0, "")],
)  # fmt: skip
def test_a_unit_is_asked_about_by_the_highest_value(high: float, unit: str) -> None:
    doubt = probabilities_of(np.array([0.0, high]))
    assert isinstance(doubt, ValueDoubt)
    assert doubt.words == f"expected probabilities from 0 to 1, found 0 to {high:g}{f' {unit}' if unit else ''}"


@pytest.mark.parametrize(
    ("array", "is_read"),
    [
        ([0.0, 1.0, 1.0, 0.9976], True), ([0.0, 1.0, 1.0, 0.9974], False), ([0.0024, 1.0], True),
        ([0.0026, 1.0], False), ([-0.0024, 1.0], True), ([0.0, 0.0], True), ([-1e-6], False),
        ([0.0, 3e-6, 3e-6], True), ([0.0, -1.0], False),
    ],
)  # fmt: skip
def test_a_mask_is_nothing_and_one_number_within_rounding(array: list[float], is_read: bool) -> None:
    assert isinstance(inside_of(np.array(array)), np.ndarray) == is_read


def test_only_zeros_are_an_empty_mask() -> None:
    assert not np.any(np.asarray(inside_of(np.zeros(3))))
    assert np.count_nonzero(np.asarray(inside_of(np.array([0.0, 2e-6])))) == 1


@pytest.mark.parametrize(
    ("array", "is_read"),
    [
        ([0.0, 1.0024], True), ([0.0, 1.0026], False), ([0.0, 0.0], True), ([0.0, 1e-6], False),
        ([2.0**31], False), ([2.0**31 - 1], True),
    ],
)  # fmt: skip
def test_labels_are_whole_numbers_within_rounding(array: list[float], is_read: bool) -> None:
    assert isinstance(labels_of(np.array(array)), np.ndarray) == is_read


@pytest.mark.parametrize(("count", "is_scan"), [(33, True), (32, False)])
@pytest.mark.parametrize("read", [inside_of, labels_of])
def test_more_than_thirty_two_values_betray_a_scan(count: int, is_scan: bool, read: object) -> None:
    doubt = read(np.arange(count + 1) + 0.5 * (np.arange(count + 1) > 0))  # type: ignore[operator]
    assert isinstance(doubt, ValueDoubt)
    assert (doubt.code == "mask_is_scan") == is_scan


def test_fractions_are_no_scan_and_neither_is_a_map_of_eight_bits() -> None:
    many = np.linspace(0.001, 0.9, 50)
    fractions = inside_of(many)
    assert isinstance(fractions, ValueDoubt)
    assert fractions.code == "mask_values"
    eight_bits = probabilities_of(np.linspace(0, 255, 60))
    assert isinstance(eight_bits, ValueDoubt)
    assert eight_bits.code == "mask_values"
    beyond = probabilities_of(np.linspace(0, 256, 60))
    assert isinstance(beyond, ValueDoubt)
    assert beyond.code == "mask_is_scan"
    below = probabilities_of(np.linspace(-1, 256, 60))
    assert isinstance(below, ValueDoubt)
    assert below.code == "mask_values"


@pytest.mark.parametrize(("drawn", "is_too_much"), [(5, False), (6, True)])
def test_half_of_a_picture_is_the_most_that_one_compartment_fills(drawn: int, is_too_much: bool) -> None:
    array = np.zeros(10)
    array[:drawn] = 0.01
    assert (too_much(array) is not None) == is_too_much
    array[:drawn] = 0.0099
    assert too_much(array) is None
    assert too_much(np.zeros(0)) is None


def test_whole_numbers_stay_what_they_are() -> None:
    small = np.array([0, 200], dtype=np.uint8)
    assert whole_numbers(small) is small
    rounded = whole_numbers(np.array([0.0, 199.9995]))
    assert rounded is not None
    assert rounded.tolist() == [0, 200]


# Grids ---------------------------------------------------------------------------------------------------------------


SHAPE = (4, 5, 6)
IMAGE = Volume(np.arange(120.0).reshape(SHAPE), np.diag([3.0, 1.0, 1.0, 1.0]))


def moved(along: int, mm: float) -> Volume:
    affine = IMAGE.affine.copy()
    affine[along, 3] = mm
    return Volume(IMAGE.array, affine)


@pytest.mark.parametrize(
    ("shift", "is_nothing"), [(GRID_TOLERANCE_MM, True), (GRID_TOLERANCE_MM * 1.01, False), (0.0, True)]
)
def test_a_shift_within_the_tolerance_of_grids_is_nothing(shift: float, is_nothing: bool) -> None:
    assert GridShift(shift, 0.5).is_nothing == is_nothing


@pytest.mark.parametrize(
    ("along", "mm", "lies"), [(0, 0.29, True), (0, 0.31, False), (1, 0.099, True), (1, 0.11, False)]
)
def test_a_tenth_of_a_voxel_along_each_axis_is_the_same_grid(along: int, mm: float, lies: bool) -> None:
    assert lies_on(moved(along, mm), IMAGE) == lies
    found = shift_between(moved(along, mm), IMAGE)
    assert found is not None
    assert (found.distance_mm, found.voxel_share) == pytest.approx((mm, mm / IMAGE.spacing_mm[along]))


def test_the_farthest_voxel_tells_how_far_two_grids_lie() -> None:
    stretched = Volume(IMAGE.array, np.diag([3.0, 1.0, 1.02, 1.0]))
    found = shift_between(stretched, IMAGE)
    assert found is not None
    assert found.distance_mm == pytest.approx(0.1)  # five voxels of two hundredths


def test_another_number_of_voxels_along_any_axis_is_another_grid() -> None:
    assert shift_between(Volume(np.zeros((4, 5, 7)), IMAGE.affine), IMAGE) is None
    assert shift_between(Volume(np.zeros((5, 4, 6)), IMAGE.affine), IMAGE) is None
    assert not lies_on(Volume(np.zeros((4, 5, 7)), IMAGE.affine), IMAGE)


def test_voxels_in_the_right_order_are_handed_back_as_they_are() -> None:
    assert in_order_of(IMAGE, IMAGE) is IMAGE


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 0, 1), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("flip", [None, 0, 1, 2])
def test_voxels_stored_otherwise_come_back_in_order_and_in_place(order: tuple[int, int, int], flip: int | None) -> None:
    turned = np.zeros((4, 4))
    for new, old in enumerate(order):
        turned[old, new] = 1.0
    turned[3, 3] = 1.0
    array, affine = IMAGE.array.transpose(order), IMAGE.affine @ turned
    if flip is not None:
        mirror = np.eye(4)
        mirror[flip, flip], mirror[flip, 3] = -1.0, array.shape[flip] - 1
        array, affine = np.flip(array, flip), affine @ mirror
    back = in_order_of(Volume(array, affine), IMAGE)
    assert np.array_equal(back.array, IMAGE.array)
    assert back.affine == pytest.approx(IMAGE.affine)


def test_thick_slices_that_lean_are_in_order_by_their_direction_and_not_by_their_thickness() -> None:
    turn = np.array([[np.cos(0.6), 0, np.sin(0.6)], [0, 1, 0], [-np.sin(0.6), 0, np.cos(0.6)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([3.3, 0.7, 0.7])
    leaning = Volume(np.zeros(SHAPE), affine)
    assert in_order_of(leaning, Volume(np.zeros(SHAPE), np.eye(4))) is leaning
    assert in_order_of(Volume(np.zeros(SHAPE), np.eye(4)), leaning).shape == SHAPE


def test_a_grid_is_described_by_size_spacing_place_and_axes() -> None:
    affine = np.array([[-3.0, 0, 0, 10.04], [0, 1, 0, -0.04], [0, 0, 1, 5.0], [0, 0, 0, 1]])
    assert grids.grid_words(Volume(np.zeros(SHAPE), affine)) == (
        "4x5x6 voxels of 3.00x1.00x1.00 mm, first voxel at (10.0, 0.0, 5.0) mm, axes LAS"
    )


# Labels --------------------------------------------------------------------------------------------------------------


def mask_file(labels: dict[int, Compartment], unmeasured: frozenset[int] = frozenset()) -> MaskFile:
    return MaskFile(Path("m"), "m", "sub-01", "ses-01", "s", "dseg", labels, None, MaskOrigin.MANUAL, unmeasured)


TWO = {1: Compartment.TUMOUR, 2: Compartment.CYST}


def drawn(*values: int, unmeasured: frozenset[int] = frozenset()) -> tuple[mask_voxels._Drawn, list[Finding]]:
    findings: list[Finding] = []
    array = np.zeros(100, dtype=np.int16)
    array[: len(values)] = values
    return mask_voxels._drawn(array, mask_file(TWO, unmeasured), findings), findings


def test_a_listed_compartment_that_no_voxel_carries_is_empty_and_one_beside_an_unlisted_label_unknown() -> None:
    whole, none_odd = drawn(1, 1)
    assert {name: int(one.sum()) for name, one in whole.arrays.items()} == {"tumour": 2, "cyst": 0}
    assert (whole.bound_reason, none_odd) == (None, [])
    unknown, odd = drawn(1, 7)
    assert list(unknown.arrays) == [Compartment.TUMOUR]
    assert "label 7, which its dseg.tsv does not list" in (unknown.bound_reason or "")
    assert (
        "found 7 in 1 voxels, and none of 2 (cyst); if 7 is what that was, add the line '7<tab>cyst'" in odd[0].message
    )
    both, odd = drawn(7, 7, 7)
    assert both.arrays == {}
    assert "found 7 in 3 voxels, and none of 1 (tumour), 2 (cyst); if 7 is one of them" in odd[0].message
    present, odd = drawn(1, 2, 7)
    assert odd[0].message.endswith("found 7 in 1 voxels")
    assert len(present.arrays) == 2


def test_a_label_that_is_not_measured_is_left_out_quietly() -> None:
    whole, none_odd = drawn(1, 9, unmeasured=frozenset({9}))
    assert (whole.bound_reason, none_odd) == (None, [])


@pytest.mark.parametrize(("count", "is_scan"), [(32, False), (33, True)])
def test_more_than_thirty_two_unlisted_labels_betray_a_scan(count: int, is_scan: bool) -> None:
    found, odd = drawn(*range(10, 10 + count))
    assert ("mask_is_scan" in [one.code for one in odd]) == is_scan
    assert found.arrays == {}


def test_a_mask_of_which_one_compartment_fills_the_picture_says_nothing() -> None:
    findings: list[Finding] = []
    array = np.ones(10, dtype=np.int16)
    array[:3] = 2
    found = mask_voxels._drawn(array, mask_file(TWO), findings)
    assert found.arrays == {}
    assert findings[0].message.endswith("tumour: expected a region of the scan, found 70% of its voxels drawn")


def discs(labels: dict[tuple[int, int, int], int]) -> tuple[dict[int, list[float]], list[str]]:
    array = np.zeros((40, 3, 60), dtype=np.int16)
    for place, number in labels.items():
        array[place] = number
    findings: list[Finding] = []
    file = DiscFile(Path("d"), "d", "sub-01", "ses-01", "s", MaskOrigin.MANUAL)
    places = disc_voxels._places(Volume(array, np.eye(4)), file, findings)
    return {number: place.tolist() for number, place in places.items()}, [one.code for one in findings]


@pytest.mark.parametrize(("apart", "is_point"), [(20, True), (21, False)])
def test_the_voxels_of_a_disc_lie_within_a_centimetre_of_their_middle(apart: int, is_point: bool) -> None:
    places, codes = discs({(0, 1, 40): 3, (apart, 1, 40): 3, (10, 1, 20): 4})
    assert (3 in places) == is_point
    assert codes == ([] if is_point else ["disc_values"])


@pytest.mark.parametrize(("number", "is_disc"), [(2, True), (25, True), (26, False)])
def test_discs_are_numbered_from_two_to_twenty_five(number: int, is_disc: bool) -> None:
    places, codes = discs({(0, 1, 40): number})
    assert (list(places) == [number]) == is_disc
    assert codes == ([] if is_disc else ["disc_values", "disc_values"])


def test_numbers_that_stand_for_no_disc_are_passed_over_and_a_gap_is_said() -> None:
    assert discs({(0, 1, 50): 1, (0, 1, 5): 60, (0, 1, 40): 3, (0, 1, 20): 4}) == (
        {3: [0.0, 1.0, 40.0], 4: [0.0, 1.0, 20.0]}, [],
    )  # fmt: skip
    assert discs({(0, 1, 50): 3, (0, 1, 10): 5})[1] == ["disc_skipped"]
    assert discs({(0, 1, 50): 4, (0, 1, 30): 3}) == ({}, ["disc_order"])
    assert mask_values.MOST_LABELS == 32
