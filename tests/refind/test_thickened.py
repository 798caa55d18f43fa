"""Scans put into thicker slices for the benchmark stay where they are."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.volume import Volume, to_world
from tests.benchmark.thickened import PROFILES, SLICE_MM, thicker


@pytest.mark.parametrize("profile", PROFILES)
def test_thicker_slices_keep_place_and_amount_of_what_they_show(profile: str) -> None:
    array = np.zeros((6, 40, 5))
    array[2:4, 14:23, 1:3] = 100.0
    affine = np.array([[0.0, -0.8, 0.1, 30.0], [1.0, 0.0, 0.0, -5.0], [0.1, 0.05, 1.2, 7.0], [0.0, 0.0, 0.0, 1.0]])
    scan = Volume(array, affine)
    thick = thicker(scan, SLICE_MM, profile)
    assert thick.spacing_mm.round(6).tolist()[1] == SLICE_MM
    assert (thick.shape[0], thick.shape[2]) == (6, 5)
    assert float(thick.array.sum()) * thick.voxel_mm3 == pytest.approx(float(array.sum()) * scan.voxel_mm3, rel=0.02)
    assert np.allclose(_middle_mm(thick), _middle_mm(scan), atol=0.15)


def test_an_even_slice_holds_the_mean_of_the_slices_it_is_made_of() -> None:
    scan = Volume(np.arange(12.0)[:, None, None] * np.ones((12, 3, 3)), np.eye(4))
    assert thicker(scan, 3.0, PROFILES[0]).array[:, 1, 1].tolist() == pytest.approx([1.0, 4.0, 7.0, 10.0])
    assert thicker(scan, 3.0, PROFILES[0]).affine[0, 3] == pytest.approx(1.0)
    assert thicker(scan, 3.0, PROFILES[1]).array[:, 1, 1].tolist() == pytest.approx([2.5, 5.5, 8.5])


def _middle_mm(scan: Volume) -> np.ndarray:
    return np.average(to_world(scan.affine, np.argwhere(scan.array > 0)), axis=0, weights=scan.array[scan.array > 0])
