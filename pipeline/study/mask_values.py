"""What the voxels of a mask say, whatever scale they are stored with; or why they cannot be a mask.

Programs store masks as 0 and 255, with a scale of 1/255, with the noise of an interpolation, or save the scan under
the mask's name. Each is read as what it is where that is beyond doubt, else it is refused with what was found: a mask
that is misread as empty would be a complete response.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.volumes import NEGLIGIBLE_PROBABILITY, OBJECT_PROBABILITY

PROBABILITY_TOLERANCE = 1e-3
"""Rounding by which a probability map may leave 0..1; it is clipped, anything beyond is refused."""

INTEGER_TOLERANCE = 2.5e-3
"""Rounding by which a label stored as a scaled number, or interpolated, may miss a whole number; a label of 1 that was
stored with a scale of 1/255 (0.0039) is none."""

MOST_LABELS = 32
"""Different numbers that a map may hold beside those that its table lists; more betray a scan."""

LARGEST_SHARE = 0.5
"""Share of a picture's voxels that one compartment may fill; more is a mask of the picture, or its inverse."""


SCALED_TO = {100: "in per cent", 255: "of 8 bits"}
FEWEST_SHARES = 6
"""A map whose largest number is one of these, and that holds at least so many others, is taken for shares."""


class ValueDoubt(NamedTuple):
    """Why an array is no mask: the code of a finding, and what was expected and found."""

    code: str
    words: str


def labels_of(array: NDArray) -> NDArray | ValueDoubt:
    """Return the whole numbers of a label map.

    Examples
    --------
    >>> labels_of(np.array([0.0, 1.0000002, 3.0])).tolist()
    [0, 1, 3]
    >>> labels_of(np.array([0.0, 0.0004])).words
    'expected whole-number labels, found 0 to 0.0004, which no label is; was it stored with a scale?'
    """
    labels = whole_numbers(array)
    if labels is None:
        fault = _as_scan(array, 1.0 + PROBABILITY_TOLERANCE)
        return fault or ValueDoubt("mask_values", f"expected whole-number labels, found {range_words(array)}")
    if not labels.any() and array.any():  # only zeros are empty
        value_words = f"found {range_words(array)}, which no label is; was it stored with a scale?"
        return ValueDoubt("mask_values", f"expected whole-number labels, {value_words}")
    return labels


def inside_of(array: NDArray) -> NDArray[np.bool_] | ValueDoubt:
    """Return where a mask of one compartment, 0 and any one other number, is not 0.

    Examples
    --------
    >>> inside_of(np.array([0.0, 1 / 255, 1 / 255])).tolist(), inside_of(np.array([0.0, 1e-7, 1.0])).tolist()
    ([False, True, True], [False, False, True])
    """
    if not array.any():
        return np.zeros(array.shape, dtype=bool)
    values = array.astype(np.float64)
    above = values[values > values.max() / 2]
    drawn = float(np.median(above)) if above.size else 0.0
    inside = np.abs(values - drawn) <= INTEGER_TOLERANCE * drawn
    if drawn > 0 and (inside | (np.abs(values) <= INTEGER_TOLERANCE * drawn)).all():
        return np.asarray(inside)
    fault = _as_scan(array, 1.0 + PROBABILITY_TOLERANCE)
    return fault or ValueDoubt("mask_values", f"expected 0 and 1, found values from {range_words(array)}")


def probabilities_of(array: NDArray) -> NDArray[np.float32] | ValueDoubt:
    """Return the probabilities, 0 to 1, of one compartment.

    Examples
    --------
    >>> probabilities_of(np.array([0.0, 1 / 255])).words
    'expected probabilities of up to 1, found 0.0039 at most; was it stored with a scale?'
    """
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    if low < -PROBABILITY_TOLERANCE or high > 1 + PROBABILITY_TOLERANCE:
        unit = " (per cent?)" if 1 < high <= 100 else " (8 bits?)" if 1 < high <= 255 else ""
        fault = _as_scan(array, 255.0) if low >= 0 else None
        value_words = f"found {range_words(array)}{unit}"
        return fault or ValueDoubt("mask_values", f"expected probabilities from 0 to 1, {value_words}")
    if not array.any():
        return np.zeros(array.shape, dtype=np.float32)
    if high < OBJECT_PROBABILITY:
        value_words = f"found {high:.2g} at most; was it stored with a scale?"
        return ValueDoubt("mask_values", f"expected probabilities of up to 1, {value_words}")
    drawn = array[array >= NEGLIGIBLE_PROBABILITY]
    if drawn.size > 1 and high < 1 - PROBABILITY_TOLERANCE and float(np.ptp(drawn)) <= PROBABILITY_TOLERANCE:
        value_words = f"found {high:.3g} in all {drawn.size} voxels; is it a mask that was stored with a scale?"
        return ValueDoubt("mask_values", f"expected probabilities, {value_words}")
    return np.clip(array, 0, 1).astype(np.float32)


def scaled_shares(numbers: Sequence[int]) -> ValueDoubt | None:
    """Return the doubt about the numbers of a map that look like shares in per cent or 8 bits; None where they do not.

    Examples
    --------
    >>> scaled_shares([1, 2, 3]) is None, scaled_shares(range(1, 101)) is None
    (True, True)
    >>> scaled_shares([3, 17, 40, 88, 190, 255]).words
    'expected labels, found 6 different values of up to 255, as in a probability map of 8 bits'
    """
    unit = SCALED_TO.get(max(numbers, default=0))
    is_counted = len(numbers) > 1 and len(numbers) == max(numbers) - min(numbers) + 1
    if unit is None or len(numbers) < FEWEST_SHARES or is_counted:
        return None
    value_words = f"found {len(numbers)} different values of up to {max(numbers)}, as in a probability map {unit}"
    return ValueDoubt("mask_values", f"expected labels, {value_words}")


def too_much(array: NDArray) -> ValueDoubt | None:
    """Return the doubt about a compartment that fills more of the picture than any tissue does; None without.

    Parameters
    ----------
    array
        Booleans, or probabilities from 0 to 1.
    """
    share = float(np.count_nonzero(array >= NEGLIGIBLE_PROBABILITY)) / max(array.size, 1)
    if share <= LARGEST_SHARE:
        return None
    return ValueDoubt("mask_covers_scan", f"expected a region of the scan, found {share:.0%} of its voxels drawn")


def whole_numbers(array: NDArray) -> NDArray | None:
    """Return an array of labels as whole numbers; None when a value misses one by more than rounding."""
    if np.issubdtype(array.dtype, np.integer):
        return array
    rounded = np.rint(array)
    is_whole = np.abs(array - rounded).max(initial=0) <= INTEGER_TOLERANCE and np.abs(array).max(initial=0) < 2**31
    return rounded.astype(np.int64) if is_whole else None


def range_words(array: NDArray) -> str:
    """Say from where to where the values of an array go."""
    return f"{float(array.min(initial=0)):g} to {float(array.max(initial=0)):g}"


def scan_doubt(value_count: int, array: NDArray) -> ValueDoubt:
    """Return the doubt about an array of many different values."""
    return ValueDoubt(
        "mask_is_scan", f"expected a mask, found {value_count} different values from {range_words(array)}, as in a scan"
    )


def _as_scan(array: NDArray, mask_like: float) -> ValueDoubt | None:
    """Return the doubt about values as various as a scan's that go beyond what a mask of fractions holds."""
    if float(array.max(initial=0)) <= mask_like:
        return None
    value_count = len(np.unique(array[array != 0]))
    return scan_doubt(value_count, array) if value_count > MOST_LABELS else None
