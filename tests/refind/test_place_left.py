"""Whether the place that a shrunken lesion has left still looks like it: known signals give known contrasts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.core.transform import identity
from pipeline.core.volume import Volume
from pipeline.refind.lesion_fit import Fit
from pipeline.refind.place_left import left_contrast
from pipeline.refind.scene import Scene, scene_of
from pipeline.refind.template import Template, template_of

SHAPE = (40, 40, 72)
OLD_MM, NEW_MM = 6.0, 4.0
LESION, CORD = 300.0, 200.0
CENTRED_MM = np.moveaxis(np.indices(SHAPE), 0, -1) - (np.array(SHAPE) - 1) / 2
AWAY_MM = np.linalg.norm(CENTRED_MM * [1.0, 1.0, 0.5], axis=-1)


def egg(radius_mm: float, inside: float, outside: float) -> Volume:
    return Volume(np.where(radius_mm > AWAY_MM, inside, outside), np.eye(4))


def scanned(signal: NDArray[np.float64], seed: int) -> Volume:
    """Return a scan of a signal: with noise, for a signal that is the same everywhere counts as padding."""
    return Volume(signal + np.random.default_rng(seed).normal(0, 1, SHAPE), np.eye(4))


def seen(left_signal: float, new_mm: float = NEW_MM, gain: float = 1.0) -> tuple[Template, Scene, Fit]:
    """Return a lesion that shrank, as a fit saw it that knows its size; the place it left has a signal of its own."""
    template = template_of(scanned(egg(OLD_MM, LESION, CORD).array, 1), {"tumour": egg(OLD_MM, 1.0, 0.0)})
    signal = np.where(new_mm > AWAY_MM, LESION, np.where(AWAY_MM < OLD_MM, left_signal, CORD))
    scene = scene_of(template, scanned(gain * signal, 2), identity("later", "first"), blur_mm=0.0)
    assert scene is not None
    share = egg(new_mm, 1.0, 0.0).array[scene.crop][None].astype(float)
    nothing = np.zeros(scene.shape)
    return template, scene, Fit(share, nothing, nothing, np.full(scene.shape, gain), 1.0, share)


@pytest.mark.parametrize("gain", [1.0, 0.5, 2.0])
@pytest.mark.parametrize(("left_signal", "contrast"), [(CORD, 1.0), (250.0, 0.5), (280.0, 0.2), (LESION, 0.0)])
def test_the_contrast_is_how_far_the_place_left_lies_from_lesion_towards_cord(
    left_signal: float, contrast: float, gain: float
) -> None:
    assert left_contrast(*seen(left_signal, gain=gain), 0) == pytest.approx(contrast, abs=0.08)


def test_a_lesion_that_left_no_place_says_nothing_of_it() -> None:
    assert left_contrast(*seen(CORD, new_mm=OLD_MM), 0) is None
    assert left_contrast(*seen(CORD, new_mm=OLD_MM + 2), 0) is None


def test_a_lesion_that_is_all_but_gone_has_no_middle_to_hold_its_place_against() -> None:
    assert left_contrast(*seen(CORD, new_mm=1.0), 0) is None


def test_what_another_compartment_took_was_not_left() -> None:
    template, scene, end = seen(CORD)
    taken = np.concatenate([end.occupancy, 1 - end.occupancy])
    assert left_contrast(template, scene, replace(end, occupancy=taken), 0) is None
