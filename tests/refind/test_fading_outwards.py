"""A tumour that shrank in a scar which keeps all its room, told by signal that falls outwards all round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.refind import refinding, shrinkage
from pipeline.refind.fading_outwards import OutwardFall, outward_fall
from pipeline.refind.lesion_fit import Fit
from pipeline.refind.scene import Scene, scene_of
from pipeline.refind.template import Template, template_of
from pipeline.run.steps import measure_visits
from pipeline.run.steps.visit_work import VisitWork
from tests.refind.test_place_left import AWAY_MM, CENTRED_MM, CORD, LESION, OLD_MM, egg, scanned
from tests.refind.test_refinding import phantom
from tests.refind.test_scans_differ import DRAWN, automatic, size_of, visited

TUMOUR_STEP = 130.0
"""How much brighter than cord the phantom's tumour is."""


def faded(
    fall: float, gain: float = 1.0, *, on_one_side: bool = False, grain: float = 0.0
) -> tuple[Template, Scene, Fit]:
    """Return a lesion found at its old size whose signal falls outwards, and has new grain, by shares of its contrast.

    The fit says that a tenth of that contrast is noise.
    """
    signal = np.where(AWAY_MM < OLD_MM, LESION, CORD)
    template = template_of(scanned(signal, 1), {"tumour": egg(OLD_MM, 1.0, 0.0)})
    outer = np.clip(AWAY_MM / OLD_MM, 0, 1) ** 3  # share of the lesion's volume that lies further in
    left = np.where(AWAY_MM < OLD_MM, gain * (LESION - CORD) * fall * (0.5 - outer), 0.0)
    left = left * np.sign(CENTRED_MM[..., 0]) if on_one_side else left
    own = np.random.default_rng(5).normal(0, grain * gain * (LESION - CORD), left.shape)
    left = left + np.where(AWAY_MM < OLD_MM, own, 0.0)
    scene = scene_of(template, scanned(gain * signal + left, 2), identity("later", "first"), blur_mm=0.0)
    assert scene is not None
    share = egg(OLD_MM, 1.0, 0.0).array[scene.crop][None].astype(float)
    nothing = np.zeros(scene.shape)
    return template, scene, Fit(share, left[scene.crop], nothing, np.full(scene.shape, gain), 10.0 * gain, share)


@pytest.mark.parametrize("gain", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("fall", [-0.1, 0.0, 0.05, 0.2])
def test_the_fall_is_that_of_the_signal_from_middle_to_outline_whatever_the_gain(fall: float, gain: float) -> None:
    seen = outward_fall(*faded(fall, gain), 0)
    assert seen is not None
    assert seen.mean == pytest.approx(fall, rel=0.25, abs=0.005)
    assert shrinkage.is_scarred(1000.0, 1000.0, seen) is (fall > 0)


def test_a_texture_that_changed_on_one_side_is_no_scar() -> None:
    seen = outward_fall(*faded(0.2, on_one_side=True), 0)
    assert seen is not None
    assert seen.error > 0.03
    assert not shrinkage.is_scarred(1000.0, 1000.0, seen)


def test_where_the_tissue_itself_changed_nothing_is_said() -> None:
    assert outward_fall(*faded(0.2, grain=0.08), 0) is not None
    assert outward_fall(*faded(0.2, grain=0.2), 0) is None


def test_a_lesion_that_is_gone_or_looks_like_cord_says_nothing() -> None:
    template, scene, end = faded(0.2)
    assert outward_fall(template, scene, replace(end, occupancy=0 * end.occupancy), 0) is None
    assert outward_fall(template, scene, replace(end, gain=0 * end.gain), 0) is None


@pytest.mark.parametrize(("found_mm3", "may_be"), [(1120.0, False), (1080.0, True), (860.0, True), (840.0, False)])
def test_only_a_lesion_of_about_its_old_size_may_be_a_rest_in_a_scar(found_mm3: float, may_be: bool) -> None:
    assert shrinkage.is_scarred(found_mm3, 1000.0, OutwardFall(0.1, 0.02)) is may_be
    assert not shrinkage.is_scarred(found_mm3, 1000.0, OutwardFall(shrinkage.FADING - 0.001, 0.0))
    assert not shrinkage.is_scarred(found_mm3, 1000.0, OutwardFall(0.1, 0.1))


def test_the_words_say_a_mean_with_its_error_and_nothing_of_sides_that_nobody_looked_at() -> None:
    words = shrinkage.scarred_in_words("tumour", OutwardFall(0.1, 0.02))
    assert "on average of its sides, by 10% (standard error 2%)" in words
    assert "every side" not in words


def kept_room(first: Volume, tumour: Volume, scar: float, noise: int = 4) -> Volume:
    """Return a later scan: the tumour fell to a core, and its whole old place still reads nearly like it."""
    old, bare, small = (phantom(radius_mm, seed=noise)[0].array for radius_mm in (4.5, 0.01, 3.2))
    is_core = ndimage.gaussian_filter((small - bare > TUMOUR_STEP / 2).astype(float), 0.4)
    is_old = tumour.array > 0.5
    return first.with_array(np.where(is_old, old - (1 - is_core) * (1 - scar) * TUMOUR_STEP, old))


def test_a_tumour_that_shrank_in_a_scar_that_keeps_its_room_has_no_size_and_says_why(tmp_path: Path) -> None:
    later = visited("ses-02", kept_room(DRAWN.image, DRAWN.masks["tumour"], 0.8))
    for _ in range(2):
        found = automatic(later, tmp_path)
        assert Compartment.TUMOUR not in found.primary
        assert found.missing[Compartment.TUMOUR].startswith(
            "this scan does not tell whether the tumour kept its size, or shrank and left a scar in all of its old"
        )
        assert found.missing[Compartment.TUMOUR].endswith("draw it on this scan")
        size = size_of(later, found)
        assert size.volume_mm3 is None
        (told,) = measure_visits.unmeasured([VisitWork(later, found, measured=(size,))])
        assert told.code == "tumour_not_measured"


def test_a_scar_that_reads_just_like_the_tumour_is_the_tumour_for_every_reader() -> None:
    drawn = refinding.DonorVisit(DRAWN.image, {"tumour": DRAWN.masks["tumour"]})
    later = kept_room(DRAWN.image, DRAWN.masks["tumour"], 1.0)
    found = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked"))
    assert found.untold == {}
