"""Masks of visits without one: where they come from, and what they may never claim. A few seconds."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core import vocabulary
from pipeline.core.transform import Transform, identity, resample
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
        assert set(found.methods.values()) == {refinding.GROWN}
        true_mm3.append(float((later_labels.array == 1).sum()) * later.voxel_mm3)
        found_mm3.append(float(found.probabilities["tumour"].array.sum()) * later.voxel_mm3)
        cyst_mm3 = float(found.probabilities["cyst"].array.sum()) * later.voxel_mm3
        assert cyst_mm3 == pytest.approx(float(masks["cyst"].array.sum()), rel=0.2)
    assert found_mm3 == pytest.approx(true_mm3, rel=0.3)
    slope = np.polyfit(np.log(true_mm3), np.log(found_mm3), 1)[0]
    assert 0.75 < slope < 1.2  # a mask that is only carried over gives 0


def test_a_tumour_is_fitted_as_drawn_and_from_a_larger_one_and_the_mean_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (scan, labels), (later, _) = phantom(4.0), phantom(4.6, slice_mm=3.0, seed=4)
    drawn = refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})
    both = lesion_fit.STARTS

    def found_from(*starts: float) -> tuple[np.ndarray, tuple[float, ...]]:
        monkeypatch.setattr(lesion_fit, "STARTS", starts)
        found = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked"))
        return found.probabilities["tumour"].array, found.ways_mm3["tumour"]

    (drawn_size, one), (larger, other) = (found_from(start) for start in both)
    assert drawn_size.sum() == pytest.approx(larger.sum(), rel=0.1), "wherever a fit comes from"
    assert np.abs(drawn_size - larger).max() > 1e-4, "two fits"
    mean, ways_mm3 = found_from(*both)
    np.testing.assert_allclose(mean, (drawn_size + larger) / 2, atol=1e-6)
    assert ways_mm3 == pytest.approx((*one, *other), rel=1e-5)
    assert float(mean.sum()) * later.voxel_mm3 == pytest.approx(np.mean(ways_mm3), rel=1e-5)


@pytest.mark.parametrize(("noise", "shares"), [(1.01, [0.2, 0.8]), (1.08, [0.2])])
def test_a_fit_that_leaves_more_unexplained_than_the_other_does_not_count(
    noise: float, shares: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {
        lesion_fit.STARTS[0]: SimpleNamespace(share=0.2, noise=1.0),
        lesion_fit.STARTS[1]: SimpleNamespace(share=0.8, noise=noise),
    }
    monkeypatch.setattr(lesion_fit, "_Fitter", lambda *_: SimpleNamespace(fitted=ends.__getitem__))
    found = lesion_fit.fitted_ends(None, None)  # type: ignore[arg-type]  # nothing of them is read
    assert [end.share for end in found] == shares  # type: ignore[attr-defined]


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


def test_a_masked_visit_is_taken_apart_once_for_the_visits_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, labels = phantom(4.5)
    donor = refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})
    calls: list[str] = []
    take_apart = refinding.template_of

    def counted(*given: Any, **named: Any) -> Any:
        calls.append("once")
        return take_apart(*given, **named)

    monkeypatch.setattr(refinding, "template_of", counted)
    same = identity("follow-up", "masked")
    first, second = (refinding.found_again(donor, scan, same)[0]["tumour"].ways_mm3 for _ in range(2))
    assert calls == ["once"]
    assert first == second


def test_a_mask_is_carried_over_as_on_the_whole_grid() -> None:
    scan, labels = phantom(4.5)
    donor = refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})
    turn = np.eye(4)
    turn[:2, :2] = [[0.98, -0.199], [0.199, 0.98]]
    turn[:3, 3] = (3.0, -2.0, 12.0)
    to_masked = Transform("follow-up", "masked", turn)
    whole = resample(donor.masks["tumour"].with_array(labels.array == 1), scan, to_masked, order=1)
    assert whole.array.sum() > 100
    np.testing.assert_allclose(refinding.carry_over(donor, scan, to_masked)["tumour"].array, whole.array, atol=1e-9)
