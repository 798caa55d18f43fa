"""What thick slices average is averaged once: not twice where both scans have them, nor never on a fine one."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.transform import Transform, identity
from pipeline.core.volume import Volume
from pipeline.refind.lesion_fit import fit_lesion
from pipeline.refind.scene import Scene, scene_of
from pipeline.refind.slice_blur import averaged_once, blurred_across, slice_vector_mm
from pipeline.refind.template import Template, template_of
from tests.refind.test_refinding import phantom

HERE = identity("follow-up", "masked")
QUARTER_TURN = Transform("follow-up", "masked", np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
"""Left-right of the later scan lies front-back in the masked visit."""


def scan(slice_mm: float) -> Volume:
    return Volume(np.zeros((9, 9, 9), dtype=np.float32), np.diag([slice_mm, 1.0, 1.0, 1.0]))


def sliced(slice_mm: float, to_masked: Transform = HERE) -> tuple[Template, Scene]:
    """Return the phantom's later visit with sagittal slices, held against a masked visit of 3 mm."""
    first, labels = phantom(4.5, slice_mm=3.0)
    template = template_of(first, {"tumour": labels.with_array(labels.array == 1)})
    scene = scene_of(template, phantom(4.5, slice_mm=slice_mm, seed=4)[0], to_masked)
    assert scene is not None
    return template, scene


def extent_mm(scene: Scene) -> float:
    """Return how far the outermost layers lie apart."""
    return float(np.linalg.norm(scene.layers[-1][0] - scene.layers[0][0]))


def test_slices_as_thick_as_the_masked_ones_are_not_averaged_again() -> None:
    _, scene = sliced(3.0)
    assert len(scene.layers) > 2
    once = averaged_once(scene, phantom(4.5, slice_mm=3.0)[0])
    assert len(once.layers) == 1
    np.testing.assert_allclose(once.layers[0], np.mean(scene.layers, axis=0))


def test_of_thicker_slices_only_what_the_masked_ones_do_not_hold_is_averaged() -> None:
    _, scene = sliced(5.0)
    once = averaged_once(scene, scan(3.0))
    assert len(once.layers) == len(scene.layers)
    assert extent_mm(once) == pytest.approx(0.8 * extent_mm(scene))  # 3, 4 and 5 are a right-angled triangle
    np.testing.assert_allclose(np.mean(once.layers, axis=0), np.mean(scene.layers, axis=0))


def test_a_fine_masked_scan_and_slices_across_another_direction_change_nothing() -> None:
    _, scene = sliced(3.0)
    assert averaged_once(scene, scan(1.0)) is scene
    _, turned = sliced(3.0, QUARTER_TURN)
    assert averaged_once(turned, scan(3.0)) is turned
    assert slice_vector_mm(scan(1.0)) is None


@pytest.mark.parametrize(("to_masked", "axis"), [(HERE, 0), (QUARTER_TURN, 1)])
def test_a_fine_scan_is_blurred_across_the_masked_slices_as_wide_as_they_are(to_masked: Transform, axis: int) -> None:
    point = np.zeros((21, 21, 21), dtype=np.float32)
    point[10, 10, 10] = 1.0
    later = Volume(point, np.eye(4))
    soft = blurred_across(later, scan(3.0), to_masked).array
    assert soft.sum() == pytest.approx(1.0)
    for other in range(3):
        profile = soft.sum(axis=tuple({0, 1, 2} - {other}))
        variance = float(profile @ (np.arange(21) - 10) ** 2)
        assert variance == pytest.approx((3.0**2 - 1) / 12 if other == axis else 0.0, abs=0.02)


def test_a_scan_that_is_as_soft_is_left_as_it_is() -> None:
    for masked, later in ((scan(1.0), scan(1.0)), (scan(3.0), scan(3.0)), (scan(3.0), scan(5.0))):
        assert blurred_across(later, masked, HERE) is later


@pytest.mark.parametrize(("slice_mm", "most"), [(3.0, 0.9), (1.0, 0.9)])
def test_averaged_once_an_unchanged_tumour_leaves_less_unexplained(slice_mm: float, most: float) -> None:
    masked, later = phantom(4.5, slice_mm=3.0)[0], phantom(4.5, slice_mm=slice_mm, seed=4)[0]
    template, as_it_is = sliced(slice_mm)
    cut_out = scene_of(template, blurred_across(later, masked, HERE), HERE)
    assert cut_out is not None
    once = averaged_once(cut_out, masked)
    assert fit_lesion(template, once).noise < most * fit_lesion(template, as_it_is).noise
