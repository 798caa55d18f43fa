"""What of a scan was scanned: padding at its ends is unknown, single zeros are signal."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.signal_reach import continued, padding_of, without_padding
from pipeline.core.transform import coverage, identity
from pipeline.core.volume import Volume, to_world

SHAPE = (9, 30, 40)
AFFINE = np.array([[0.0, -0.5, 0.0, 12.0], [3.0, 0.0, 0.0, -7.0], [0.0, 0.0, 1.0, 4.0], [0.0, 0.0, 0.0, 1.0]])


def scan(*padded: tuple[slice, ...]) -> Volume:
    array = np.random.default_rng(1).normal(200, 30, SHAPE).clip(1)
    for part in padded:
        array[part] = 0
    return Volume(array, AFFINE)


WHOLE = slice(None)
ENDS = {
    "one slice": (slice(0, 1), WHOLE, WHOLE),
    "last slices": (slice(7, None), WHOLE, WHOLE),
    "rows": (WHOLE, slice(24, None), WHOLE),
    "head": (WHOLE, WHOLE, slice(0, 12)),
    "a corner": (WHOLE, slice(0, 12), slice(0, 15)),
}


@pytest.mark.parametrize("end", ENDS)
def test_blocks_of_zeros_at_an_end_are_padding_and_nothing_else_is(end: str) -> None:
    padded = scan(ENDS[end])
    padding = padding_of(padded)
    assert padding is not None
    assert np.array_equal(padding, padded.array == 0)
    assert np.array_equal(coverage(padded, padded, identity("", "")).array, padded.array > 0)
    whole = continued(padded)
    assert np.array_equal(whole.array[~padding], padded.array[~padding])
    assert whole.array.min() > 0


def test_padding_may_have_any_value_and_each_end_its_own() -> None:
    padded = scan(ENDS["rows"], ENDS["one slice"])
    zeros = padded.array == 0
    padded.array[zeros] = -1024.0
    padded.array[0, :24] = 7.5
    padding = padding_of(padded)
    assert padding is not None
    assert np.array_equal(padding, zeros)
    assert continued(padded).array.min() > 0


def test_zeros_inside_and_single_ones_at_an_end_are_signal() -> None:
    inside = scan((slice(3, 6), slice(10, 20), slice(10, 20)))
    assert padding_of(inside) is None
    speckled = scan()
    speckled.array[np.random.default_rng(2).random(SHAPE) < 0.2] = 0
    assert padding_of(speckled) is None
    assert without_padding(speckled) is speckled


def test_a_blank_scan_has_no_padding() -> None:
    blank = Volume(np.zeros(SHAPE), AFFINE)
    assert padding_of(blank) is None
    assert coverage(blank, blank, identity("", "")).array.all()


def test_a_scan_without_its_padding_lies_where_it_lay() -> None:
    padded = scan(ENDS["one slice"], ENDS["head"])
    cut = without_padding(padded)
    assert cut.shape == (8, 30, 28)
    np.testing.assert_array_equal(cut.array, padded.array[1:, :, 12:])
    np.testing.assert_allclose(to_world(cut.affine, np.zeros(3)), to_world(AFFINE, np.array([1, 0, 12])))
