"""What the numbers of a mask may be, and how far its voxels may lie beside the scan's: the limits of each rule."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.study.grids import GridShift
from pipeline.study.mask_values import ValueDoubt, inside_of, probabilities_of, too_much, whole_numbers


@pytest.mark.parametrize(("share", "is_rounding"), [(0.0999, True), (0.1, True), (0.1001, False)])
def test_a_tenth_of_a_voxel_is_rounding_and_more_is_another_grid(share: float, is_rounding: bool) -> None:
    assert GridShift(1.0, share).is_rounding == is_rounding
    assert GridShift(0.26, share).words.startswith("0.26 mm (10 % of a voxel)")


def probabilities(*values: float) -> list[float] | str:
    found = probabilities_of(np.array([0.0, *values]))
    return found.words if isinstance(found, ValueDoubt) else [round(float(value), 6) for value in found[1:]]


def test_probabilities_reach_a_half_or_were_stored_with_a_scale() -> None:
    assert probabilities(0.5, 0.2) == [0.5, 0.2]
    assert "found 0.49 at most; was it stored with a scale?" in probabilities(0.49, 0.2)


def test_one_probability_everywhere_is_a_mask_stored_with_a_scale_and_one_voxel_of_it_is_not() -> None:
    assert "found 0.7 in all 2 voxels" in probabilities(0.7, 0.7)
    assert probabilities(0.7) == [0.7]
    assert probabilities(1.0, 1.0) == [1.0, 1.0]
    assert probabilities(0.7, 0.6) == [0.7, 0.6]


def test_an_empty_map_is_empty_and_rounding_beyond_the_ends_is_cut() -> None:
    assert probabilities(0.0, 0.0) == [0.0, 0.0]
    assert probabilities(1.00001, -0.00001) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("value", "words"), [(100.0, "found 0 to 100 (per cent?)"), (101.0, "(8 bits?)"), (255.0, "(8 bits?)")]
)
def test_per_cent_and_eight_bits_are_asked_about_and_never_taken(value: float, words: str) -> None:
    assert words in probabilities(value)
    assert "?" not in probabilities(256.0)
    assert "expected probabilities from 0 to 1, found -0.5 to 0" in probabilities(-0.5)


def test_any_one_number_draws_and_two_do_not() -> None:
    one = inside_of(np.array([0.0, 7.0, 7.0]))
    assert not isinstance(one, ValueDoubt)
    assert one.tolist() == [False, True, True]
    for array in ([0.0, 1.0, 2.0], [0.0, -1.0, -1.0], [-1.0, 1.0, 1.0]):
        assert isinstance(inside_of(np.array(array)), ValueDoubt)


def test_labels_miss_a_whole_number_by_rounding_only() -> None:
    assert whole_numbers(np.array([0.0, 1.0001, 2.0])) is not None
    assert whole_numbers(np.array([0.0, 1.01])) is None
    integers = np.array([0, 3], dtype=np.uint8)
    assert whole_numbers(integers) is integers


@pytest.mark.parametrize(("drawn", "is_doubted"), [(50, False), (51, True)])
def test_a_compartment_that_fills_the_picture_is_doubted(drawn: int, is_doubted: bool) -> None:
    array = np.zeros(100)
    array[:drawn] = 1.0
    assert (too_much(array) is not None) == is_doubted
    assert too_much(np.zeros(0)) is None
