"""Masks of visits without one: where they come from, and what they may never claim. A few seconds."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from pipeline import segmentation
from pipeline.domain import entities
from pipeline.domain.grid import Volume
from pipeline.domain.transforms import Transform, identity
from pipeline.steps import judge, mask

GRID = np.diag([1.0, 1.0, 2.0, 1.0])


def box(shape: tuple[int, int, int], *, k: slice) -> Volume:
    array = np.zeros(shape, dtype=np.float32)
    array[3:6, 3:6, k] = 1.0
    return Volume(array, GRID)


def shifted(z_mm: float) -> Transform:
    matrix = np.eye(4)
    matrix[2, 3] = z_mm
    return Transform("follow-up", "masked", matrix)


def masked_visit(k: slice) -> segmentation.MaskedVisit:
    drawn = box((10, 10, 20), k=k)
    return segmentation.MaskedVisit(drawn.with_array(np.ones(drawn.shape)), {"tumour": drawn})


def test_a_mask_follows_the_alignment() -> None:
    follow_up = Volume(np.ones((10, 10, 20)), GRID)
    found = segmentation.follow_up_masks(masked_visit(slice(8, 12)), follow_up, shifted(4.0))
    expected = box((10, 10, 20), k=slice(6, 10)).array
    np.testing.assert_allclose(found.probabilities["tumour"].array, expected, atol=1e-6)
    assert found.method == segmentation.CARRIED_OVER


def test_a_lesion_outside_the_field_of_view_is_left_out_and_named_not_zero() -> None:
    follow_up = Volume(np.ones((10, 10, 8)), GRID)
    found = segmentation.follow_up_masks(masked_visit(slice(12, 16)), follow_up, identity("follow-up", "masked"))
    assert "tumour" not in found.probabilities
    assert any("tumour" in note and "not assessable" in note for note in found.notes)


@pytest.mark.parametrize(
    ("session", "with_masks", "expected"),
    [
        ("ses-3", {"ses-1", "ses-2", "ses-4"}, "ses-2"),
        ("ses-1", {"ses-3", "ses-4"}, "ses-3"),
        ("ses-2", set(), None),
    ],
)
def test_the_latest_earlier_masks_are_taken_else_the_earliest_later(
    session: str, with_masks: set[str], expected: str | None
) -> None:
    order = ["ses-1", "ses-2", "ses-3", "ses-4"]
    drawn = {entities.Compartment.TUMOUR: box((10, 10, 20), k=slice(8, 12))}
    given = {name: mask.MaskedVisit(name, None, {"reader": drawn} if name in with_masks else {}) for name in order}
    assert mask.choose_source(session, order, given) == expected


def test_a_carried_over_size_is_taken_from_judgement_in_every_metric() -> None:
    visit = entities.VisitMeasure("ses-2", date(2021, 1, 1), 800.0, 0.3, product_mm2=90.0, longest_mm=12.0)
    left = judge._without_size(visit)
    assert (left.volume_mm3, left.volume_cv, left.product_mm2, left.longest_mm) == (None, None, None, None)
    assert "draw a mask" in (left.missing_reason or "")
