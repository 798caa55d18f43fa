"""What unexplained signal does to a fitted volume: the pattern foretells it, and shifts of the pattern measure it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.core.transform import identity
from pipeline.refind.lesion_fit import Fit, fit_lesion
from pipeline.refind.scene import scene_of
from pipeline.refind.template import template_of
from pipeline.refind.unexplained_signal import signal_error
from tests.refind.test_refinding import phantom

SHAPE = (24, 24, 24)


def error(pattern: np.ndarray, left: np.ndarray, spacing_mm: float = 1.0) -> float:
    return signal_error(pattern, left, np.ones(SHAPE, dtype=bool), np.full(3, spacing_mm))


def middle_pattern() -> np.ndarray:
    pattern = np.zeros(SHAPE)
    pattern[9:15, 9:15, 9:15] = np.random.default_rng(1).normal(size=(6, 6, 6))
    return pattern


def test_independent_noise_gives_the_error_that_independent_noise_has() -> None:
    left = np.random.default_rng(2).normal(0, 3.0, SHAPE)
    pattern = middle_pattern()
    assert error(pattern, left) == pytest.approx(3.0 * np.linalg.norm(pattern), rel=0.1)


def test_only_signal_a_little_beside_the_pattern_counts() -> None:
    pattern = np.zeros(SHAPE)
    pattern[12, 12, 12] = 1.0
    beside = np.roll(pattern, 4, axis=0)
    assert error(pattern, beside) > 0
    assert error(pattern, pattern) == pytest.approx(0, abs=1e-6), "what lies at its own place was fitted"
    assert error(pattern, beside, spacing_mm=0.4) == pytest.approx(0, abs=1e-6), "1.6 mm away"


def test_a_scene_too_small_for_any_shift_tells_nothing() -> None:
    assert error(middle_pattern(), np.ones(SHAPE), 0.01) == 0.0


def volume(fit: Fit) -> float:
    return float(fit.occupancy[0].sum())


@pytest.mark.parametrize("foretold", [-0.2, 0.2])
def test_the_pattern_foretells_what_more_signal_does_to_the_volume_or_more(foretold: float) -> None:
    first, labels = phantom(4.5)
    template = template_of(first, {"tumour": labels.with_array(labels.array == 1)})
    scene = scene_of(template, phantom(5.0, seed=4)[0], identity("follow-up", "masked"))
    assert scene is not None
    fit = fit_lesion(template, scene)
    (added,) = fit.patterns * foretold / (fit.patterns**2).sum()
    brighter = fit_lesion(template, replace(scene, signal=scene.signal + added[scene.is_active]))
    assert 0.25 < np.log(volume(brighter) / volume(fit)) / foretold < 1.0
