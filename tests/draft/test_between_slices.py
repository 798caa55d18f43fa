"""Masks drawn on some slices: filled in between, and smoothed (under a second)."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.draft.between_slices import across_slices, filled_between, smoothed
from pipeline.draft.signed_distance import signed_distance_mm
from tests.draft.implant import dice

GRID = np.diag([3.0, 1.0, 1.0, 1.0])


def ball(radius_mm: float = 12.0, shape: tuple[int, int, int] = (15, 40, 40)) -> Volume:
    i, j, k = np.indices(shape)
    away = ((i - 7) * 3.0) ** 2 + (j - 20.0) ** 2 + (k - 20.0) ** 2
    return Volume(away < radius_mm**2, GRID)


def test_every_other_slice_is_filled_as_it_was() -> None:
    whole = ball()
    drawn = whole.array.copy()
    drawn[[5, 7, 9]] = False
    assert across_slices(whole) == 0
    filled = filled_between(whole.with_array(drawn), 0)
    assert dice(filled.array, whole.array) > 0.95
    kept = drawn.any(axis=(1, 2))
    assert np.array_equal(filled.array[kept], drawn[kept]), "what somebody drew stays as it is"
    assert not filled.array[:3].any(), "nothing is drawn beyond the outermost slices"


def test_an_outline_that_moves_goes_evenly() -> None:
    drawn = np.zeros((5, 30, 30), dtype=bool)
    drawn[0, 5:15, 10:20] = drawn[4, 9:19, 10:20] = True
    filled = filled_between(Volume(drawn, GRID), 0).array
    assert np.flatnonzero(filled[2].any(axis=1)).tolist() == list(range(7, 17))
    turned = filled_between(Volume(np.moveaxis(drawn, 0, 2), np.diag([1.0, 1.0, 3.0, 1.0])), 2).array
    assert np.array_equal(np.moveaxis(turned, 2, 0), filled)


def test_nothing_drawn_and_a_whole_mask_stay() -> None:
    whole = ball()
    assert np.array_equal(filled_between(whole, 0).array, whole.array)
    assert not filled_between(whole.with_array(np.zeros(whole.shape)), 0).array.any()
    assert not smoothed(whole.with_array(np.zeros(whole.shape))).array.any()


def test_smoothing_takes_off_what_sticks_out_and_keeps_the_volume() -> None:
    whole = Volume(ball(shape=(15, 40, 40)).array, np.eye(4))
    rough = whole.array ^ ((np.random.default_rng(0).uniform(size=whole.shape) < 0.2) & _rim(whole))
    smooth = smoothed(whole.with_array(rough)).array
    assert dice(smooth, whole.array) > dice(rough, whole.array)
    assert smooth.sum() == pytest.approx(rough.sum(), rel=0.02)


def _rim(mask: Volume) -> np.ndarray:
    return np.abs(signed_distance_mm(mask.array, mask.spacing_mm)) < 1
