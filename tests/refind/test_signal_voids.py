"""Padding and places without signal, as around metal, are told from movement: unknown, never changed or disturbed."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.transform import identity
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.refind import refinding
from tests.refind.test_refinding import phantom

SAME = identity("follow-up", "masked")


def drawn() -> refinding.DonorVisit:
    scan, labels = phantom(4.5)
    return refinding.DonorVisit(scan, {"tumour": labels.with_array(labels.array == 1)})


def later(seed: int = 4) -> Volume:
    return phantom(4.5, seed=seed)[0]


def with_metal(scan: Volume, centre_mm: tuple[float, float, float], radius_mm: float) -> Volume:
    """Take the signal from a ball and heap some of it up around, as metal does."""
    away_mm = np.linalg.norm(voxel_centres_mm(scan) - np.array(centre_mm), axis=-1)
    lost = 1 / (1 + np.exp((radius_mm - away_mm) / 0.7))
    heaped = 1 + np.exp(-((away_mm - radius_mm - 1) ** 2))
    noise = np.abs(np.random.default_rng(0).normal(0, 8, scan.shape))
    return scan.with_array(scan.array * lost * heaped + noise * (1 - lost))


def with_ghosts(scan: Volume, share: float) -> Volume:
    """Lay a share of the picture over itself, moved from front to back, as one who breathes does."""
    ghost = sum(np.roll(scan.array, shift, axis=1) for shift in (-9, 9)) / 2
    return scan.with_array((1 - share) * scan.array + share * ghost)


def volume_mm3(masks: refinding.FollowUpMasks) -> float:
    shares = masks.probabilities["tumour"]
    return float(shares.array.sum()) * shares.voxel_mm3


@pytest.fixture(scope="module")
def undisturbed() -> refinding.FollowUpMasks:
    masks = refinding.follow_up_masks(drawn(), later(), SAME)
    assert masks.disturbed == ()
    return masks


@pytest.mark.parametrize("centre_mm", [(0.0, -13.0, 3.0), (12.0, 0.0, -4.0)], ids=["behind", "beside"])
def test_metal_beside_a_tumour_is_no_movement(
    centre_mm: tuple[float, float, float], undisturbed: refinding.FollowUpMasks
) -> None:
    masks = refinding.follow_up_masks(drawn(), with_metal(later(), centre_mm, 5.0), SAME)
    assert masks.disturbed == ()
    assert volume_mm3(masks) == pytest.approx(volume_mm3(undisturbed), rel=0.1)
    assert masks.methods["tumour"] == refinding.GROWN


def test_metal_on_the_earlier_scan_is_none_either(undisturbed: refinding.FollowUpMasks) -> None:
    first = drawn()
    masks = refinding.follow_up_masks(
        refinding.DonorVisit(with_metal(first.image, (0.0, -13.0, 3.0), 5.0), first.masks), later(), SAME
    )
    assert masks.disturbed == ()
    assert volume_mm3(masks) == pytest.approx(volume_mm3(undisturbed), rel=0.1)


def test_a_tumour_whose_place_lost_its_signal_is_not_assessable() -> None:
    masks = refinding.follow_up_masks(drawn(), with_metal(later(), (0.0, -3.0, 0.0), 7.0), SAME)
    assert "tumour" not in masks.probabilities
    assert any("of its place shows signal on both scans; not assessable" in note for note in masks.notes)


def test_ghosts_stay_movement() -> None:
    assert "tumour" in refinding.follow_up_masks(drawn(), with_ghosts(later(), 0.5), SAME).disturbed


@pytest.mark.parametrize("sign", [1, -1])
def test_padding_beside_a_tumour_changes_nothing(sign: int, undisturbed: refinding.FollowUpMasks) -> None:
    padded = later()
    padded.array[sign * voxel_centres_mm(padded)[..., 2] > 13] = 0
    masks = refinding.follow_up_masks(drawn(), padded, SAME)
    assert masks.disturbed == ()
    assert volume_mm3(masks) == pytest.approx(volume_mm3(undisturbed), rel=0.05)


def test_a_tumour_that_reaches_into_padding_is_not_assessable() -> None:
    padded = later()
    padded.array[voxel_centres_mm(padded)[..., 2] > 2] = 0
    masks = refinding.follow_up_masks(drawn(), padded, SAME)
    assert "tumour" not in masks.probabilities
    assert any("lies in this scan's field of view; not assessable" in note for note in masks.notes)
