"""Masks of visits without one: where they come from, and what they may never claim. A few seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core import vocabulary
from pipeline.core.transform import Transform, identity
from pipeline.core.volume import Volume
from pipeline.refind import lesion_fit, refinding
from pipeline.run.steps import judge_course

GRID = np.diag([1.0, 1.0, 2.0, 1.0])


def box(shape: tuple[int, int, int], *, k: slice) -> Volume:
    array = np.zeros(shape, dtype=np.float32)
    array[3:6, 3:6, k] = 1.0
    return Volume(array, GRID)


def shifted(z_mm: float) -> Transform:
    matrix = np.eye(4)
    matrix[2, 3] = z_mm
    return Transform("follow-up", "masked", matrix)


def masked_visit(k: slice) -> refinding.DonorVisit:
    drawn = box((10, 10, 20), k=k)
    return refinding.DonorVisit(drawn.with_array(np.ones(drawn.shape)), {"tumour": drawn})


def test_after_surgery_a_mask_only_follows_the_alignment() -> None:
    follow_up = Volume(np.ones((10, 10, 20)), GRID)
    found = refinding.follow_up_masks(masked_visit(slice(8, 12)), follow_up, shifted(4.0), may_grow=False)
    expected = box((10, 10, 20), k=slice(6, 10)).array
    np.testing.assert_allclose(found.probabilities["tumour"].array, expected, atol=1e-6)
    assert found.methods == {"tumour": refinding.CARRIED_OVER}


def phantom(
    tumour_radius_mm: float, *, slice_mm: float = 1.0, cyst_radius_mm: float = 3.0, seed: int = 3
) -> tuple[Volume, Volume]:
    """A made-up cord (dark) in fluid (bright) with a tumour (between) and a cyst above it; and the label map.

    The same tissue model for every size; noise is seeded. Thick slices are averages over ten thin layers.
    """
    fine_mm, layers = slice_mm / 10, 10
    x, y, z = np.meshgrid(
        np.arange(-15, 15, fine_mm) + fine_mm / 2, np.arange(-14, 15, 1.0), np.arange(-32, 33, 1.0), indexing="ij"
    )
    radius = np.hypot(x, y)
    tumour = (x**2 + y**2) / tumour_radius_mm**2 + (z / (2 * tumour_radius_mm)) ** 2 < 1
    cyst = ~tumour & (np.sqrt(x**2 + y**2 + (z - 16) ** 2) < cyst_radius_mm)
    image = np.select([cyst, tumour, radius < 7, radius < 11], [900.0, 350.0, 220.0, 800.0], 150.0 + 3.0 * z % 40)
    count = len(x) // layers

    def sliced(values: np.ndarray) -> np.ndarray:
        return values[: count * layers].reshape(count, layers, *values.shape[1:]).mean(axis=1)

    image = ndimage.gaussian_filter(image, [0.6 / fine_mm, 0.6, 0.6])
    noise = np.random.default_rng(seed).normal(0, 15, (count, *image.shape[1:]))
    affine = np.diag([slice_mm, 1.0, 1.0, 1.0])
    affine[:3, 3] = [-15 + slice_mm / 2, -14, -32]
    labels = np.where(sliced(tumour) >= 0.5, 1, np.where(sliced(cyst) >= 0.5, 2, 0))
    return Volume(sliced(image) + noise, affine), Volume(labels, affine)


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
def test_a_grown_or_shrunken_tumour_is_found_at_its_new_size(slice_mm: float) -> None:
    scan, labels = phantom(4.5)
    masks = {"tumour": labels.with_array(labels.array == 1), "cyst": labels.with_array(labels.array == 2)}
    true_mm3, found_mm3 = [], []
    for radius_mm in (3.6, 4.5, 5.4):
        later, later_labels = phantom(radius_mm, slice_mm=slice_mm)
        drawn = refinding.DonorVisit(scan, masks)
        found = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked"))
        assert set(found.methods.values()) == {refinding.GROWN if slice_mm < 2 else refinding.GROWN_LESS_SURELY}
        true_mm3.append(float((later_labels.array == 1).sum()) * later.voxel_mm3)
        found_mm3.append(float(found.probabilities["tumour"].array.sum()) * later.voxel_mm3)
        cyst_mm3 = float(found.probabilities["cyst"].array.sum()) * later.voxel_mm3
        assert cyst_mm3 == pytest.approx(float(masks["cyst"].array.sum()), rel=0.2)
    assert found_mm3 == pytest.approx(true_mm3, rel=0.3)
    slope = np.polyfit(np.log(true_mm3), np.log(found_mm3), 1)[0]
    assert 0.75 < slope < 1.2  # a mask that is only carried over gives 0


def pressed(tumour_mm: float, seed: int) -> tuple[Volume, Volume]:
    """A cord that a tumour as dark as itself pressed against bone, so that no fluid is left in front of it.

    Cord keeps its area in every plane, so fluid comes back where the tumour shrinks. Also the tumour's share of each
    voxel. 24 x 24 x 57 voxels of 1 mm, averaged over 16 rods each.
    """
    side = np.arange(-12, 12, 0.25) + 0.125
    x, y, z = np.meshgrid(side, side, np.arange(-28, 29, 1.0), indexing="ij")
    across = tumour_mm * np.sqrt(np.clip(1 - (z / (2 * tumour_mm)) ** 2, 0, None))
    from_cord, is_bone = np.hypot(x, y - 1.5), np.hypot(x, y) > 8.5
    tissue = [is_bone, from_cord < across, from_cord < np.sqrt(5.5**2 + across**2)]
    image, share = (
        values.reshape(24, 4, 24, 4, 57).mean(axis=(1, 3))
        for values in (np.select(tissue, [60.0, 285.0, 220.0], 800.0), (tissue[1] & ~is_bone).astype(float))
    )
    affine = np.eye(4)
    affine[:3, 3] = -11.5, -11.5, -28
    noise = np.random.default_rng(seed).normal(0, 12, image.shape)
    return Volume(ndimage.gaussian_filter(image, 0.5) + noise, affine), Volume(share, affine)


@pytest.mark.parametrize(("first_mm", "later_mm", "error"), [(5.0, 3.97, 0.37), (3.97, 5.0, 0.1)])
def test_a_halved_and_a_doubled_tumour_are_found_where_fluid_gives_way(
    first_mm: float, later_mm: float, error: float
) -> None:
    """With the surface of the cord counted in full from the start, the halved one comes out 46 % too large."""
    (first, share), (later, true) = pressed(first_mm, 1), pressed(later_mm, 2)
    drawn = refinding.DonorVisit(first, {"tumour": share.with_array(share.array >= 0.5)})
    found = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked"))
    assert float(found.probabilities["tumour"].array.sum()) == pytest.approx(float(true.array.sum()), rel=error)


def two_ways(monkeypatch: pytest.MonkeyPatch, larger: float) -> refinding.FollowUpMasks:
    """Find a tumour again whose second way is so many times as large as the first."""
    (scan, labels), (later, _) = phantom(4.0), phantom(4.6, slice_mm=3.0, seed=4)
    drawn = refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})
    ways = lesion_fit.fitted_ways

    def made_unlike(*given: Any) -> tuple[lesion_fit.Fit, lesion_fit.Fit]:
        found, _ = ways(*given)
        return found, replace(found, occupancy=larger * found.occupancy)

    monkeypatch.setattr(refinding, "fitted_ways", made_unlike)
    return refinding.follow_up_masks(drawn, later, identity("follow-up", "masked"))


def test_the_mean_of_both_ways_counts_and_both_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = two_ways(monkeypatch, 1.3)
    by_edge, by_all = found.ways_mm3["tumour"]
    mask = found.probabilities["tumour"]
    assert float(mask.array.sum()) * mask.voxel_mm3 == pytest.approx((by_edge + by_all) / 2, rel=1e-4)
    assert by_all == pytest.approx(1.3 * by_edge, rel=1e-4)
    assert found.unclear == {}


@pytest.mark.parametrize("larger", [1.6, 0.6, 0.0])
def test_a_tumour_whose_size_cannot_be_told_has_no_number_and_says_why(
    larger: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = two_ways(monkeypatch, larger)
    assert "tumour" not in found.probabilities
    assert "tumour" not in found.methods, "not carried over either"
    assert found.ways_mm3 == {}
    assert (
        "the size of the tumour cannot be told from this scan: by its own edge it would be" in found.unclear["tumour"]
    )


@pytest.mark.parametrize("radius_mm", [3.6, 4.5])
def test_an_unchanged_tumour_keeps_the_size_it_was_drawn_with(radius_mm: float) -> None:
    (scan, labels), (later, _) = phantom(radius_mm), phantom(radius_mm, seed=4)
    drawn = refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})
    found = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked")).probabilities["tumour"]
    assert float(found.array.sum()) == pytest.approx(float((labels.array == 1).sum()), rel=0.05)


def test_the_same_scans_give_the_same_masks_to_the_last_bit() -> None:
    scan, labels = phantom(4.5)
    drawn = refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})
    later, _ = phantom(5.0, slice_mm=3.0)
    first, second = (
        refinding.follow_up_masks(drawn, later, identity("a", "b")).probabilities["tumour"].array for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_a_lesion_outside_the_field_of_view_is_left_out_and_named_not_zero() -> None:
    follow_up = Volume(np.ones((10, 10, 8)), GRID)
    found = refinding.follow_up_masks(masked_visit(slice(12, 16)), follow_up, identity("follow-up", "masked"))
    assert "tumour" not in found.probabilities
    assert any("tumour" in note and "not assessable" in note for note in found.notes)


def test_masks_found_from_two_visits_are_put_together_and_carried_over_ones_do_not_count() -> None:
    def way(share: float, method: str) -> refinding.FollowUpMasks:
        shares = {"tumour": Volume(np.full((2, 2, 2), share), GRID)}
        if method == refinding.CARRIED_OVER:
            return refinding.FollowUpMasks(shares, {"tumour": method}, ())
        return refinding.FollowUpMasks(shares, {"tumour": method}, (), {"tumour": (8 * share,)}, {"tumour": share})

    first, second = way(0.2, refinding.GROWN), way(0.6, refinding.GROWN_LESS_SURELY)
    np.testing.assert_allclose(refinding.together([first, second]).probabilities["tumour"].array, 0.4)
    assert refinding.together([first, second]).methods == {"tumour": refinding.GROWN}
    assert refinding.together([first, second]).ways_mm3["tumour"] == pytest.approx((1.6, 4.8))
    assert refinding.together([first, second]).signal_cv["tumour"] == pytest.approx(0.4)
    carried = way(0.9, refinding.CARRIED_OVER)
    np.testing.assert_allclose(refinding.together([first, carried]).probabilities["tumour"].array, 0.2)
    np.testing.assert_allclose(refinding.together([carried, first]).probabilities["tumour"].array, 0.9)


@pytest.mark.parametrize(("slice_mm", "method"), [(1.0, refinding.GROWN), (3.0, refinding.GROWN_LESS_SURELY)])
def test_the_method_says_whether_the_given_mask_was_drawn_on_thick_slices(slice_mm: float, method: str) -> None:
    scan, labels = phantom(4.5, slice_mm=slice_mm)
    drawn = refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})
    found = refinding.follow_up_masks(drawn, phantom(4.5)[0], identity("follow-up", "masked"))
    assert found.methods == {"tumour": method}


def test_a_carried_over_size_is_taken_from_judgement_in_every_metric() -> None:
    visit = vocabulary.VisitMeasure("ses-2", date(2021, 1, 1), 800.0, 0.3, product_mm2=90.0, longest_mm=12.0)
    left = judge_course._without_size(visit)
    assert (left.volume_mm3, left.volume_cv, left.product_mm2, left.longest_mm) == (None, None, None, None)
    assert "draw a mask" in (left.missing_reason or "")
