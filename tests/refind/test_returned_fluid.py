"""A tumour that shrank and left a scar, told by the fluid that came back beside it: then no size is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.refind import refinding, shrinkage
from pipeline.refind.lesion_fit import Fit
from pipeline.refind.returned_fluid import returned_fluid
from pipeline.refind.scene import Scene, scene_of
from pipeline.refind.template import Template, template_of
from pipeline.run.steps import measure_visits
from pipeline.run.steps.visit_work import VisitWork
from tests.refind.test_place_left import AWAY_MM, CORD, LESION, OLD_MM, egg, scanned
from tests.refind.test_refinding import phantom
from tests.refind.test_scans_differ import DRAWN, automatic, size_of, visited

FLUID = 600.0
SCAR, THINNER_MM, TUMOUR_STEP, FLUID_SIGNAL = 0.9, 5.2, 130.0, 800.0
"""Signals of the phantom, and how wide its cord is where it became thinner, mm."""


def unexplained(share: float, gain: float = 1.0, fluid: float = FLUID) -> tuple[Template, Scene, Fit]:
    """Return a lesion in fluid of which a fit leaves a share of the step from cord to fluid unexplained beside it."""
    signal = np.where(AWAY_MM < OLD_MM, LESION, np.where(AWAY_MM < OLD_MM + 3, CORD, fluid))
    template = template_of(scanned(signal, 1), {"tumour": egg(OLD_MM, 1.0, 0.0)})
    scene = scene_of(template, scanned(gain * signal, 2), identity("later", "first"))
    assert scene is not None
    inside = egg(OLD_MM, 1.0, 0.0).array[scene.crop].astype(float)
    left = np.where(scene.is_active & (inside < 0.5), share * gain * (fluid - CORD), 0.0)
    nothing = np.zeros(scene.shape)
    return template, scene, Fit(inside[None], left, nothing, np.full(scene.shape, gain), 1.0, inside[None])


@pytest.mark.parametrize(("gain", "fluid"), [(1.0, FLUID), (0.5, FLUID), (1.0, 20.0)])
@pytest.mark.parametrize("share", [-0.2, 0.0, 0.1, 0.4])
def test_fluid_beside_a_lesion_is_told_as_a_share_of_the_step_from_cord_whatever_the_gain_and_the_contrast(
    share: float, gain: float, fluid: float
) -> None:
    assert returned_fluid(*unexplained(share, gain, fluid), 0) == pytest.approx(share, rel=0.15, abs=0.01)


def test_what_another_compartment_took_is_no_fluid_and_nothing_is_said_of_a_lesion_that_is_gone() -> None:
    template, scene, end = unexplained(0.4)
    taken = np.concatenate([end.occupancy, 1 - end.occupancy])
    assert returned_fluid(template, scene, replace(end, occupancy=taken), 0) is None
    assert returned_fluid(template, scene, replace(end, occupancy=0 * end.occupancy), 0) is None


@pytest.mark.parametrize(("found_mm3", "is_untold"), [(1300.0, True), (1000.0, True), (710.0, True), (690.0, False)])
def test_a_size_is_untold_where_fluid_came_back_and_the_lesion_was_not_seen_to_shrink(
    found_mm3: float, is_untold: bool
) -> None:
    assert shrinkage.is_untold(found_mm3, 1000.0, shrinkage.RETURNED + 0.01) is is_untold
    assert not shrinkage.is_untold(found_mm3, 1000.0, shrinkage.RETURNED - 0.01)
    assert not shrinkage.is_untold(found_mm3, 1000.0, None)


def scarred(first: Volume, tumour: Volume, noise: int = 4, slice_mm: float = 1.0) -> Volume:
    """Return a later scan: the tumour fell to a core, its old place still reads like it, the cord is thinner."""
    x, y, z = np.moveaxis(voxel_centres_mm(first), -1, 0)
    bare, small = (phantom(radius_mm, seed=noise, slice_mm=slice_mm)[0].array for radius_mm in (0.01, 3.2))
    fluid = ndimage.gaussian_filter(((np.hypot(x, y) > THINNER_MM) & (np.hypot(x, y) < 8)).astype(float), 0.6)
    is_near = ndimage.gaussian_filter((np.abs(z) < 9).astype(float), 1.0)
    thinner = bare + fluid * is_near * (FLUID_SIGNAL - bare)
    old = np.where(tumour.array > 0.5, 1.0, 0.0)
    core = (small - bare) * old
    return first.with_array(np.where(old > 0, np.maximum(bare + SCAR * TUMOUR_STEP, bare + core), thinner))


def test_a_tumour_that_shrank_and_left_a_scar_has_no_size_says_why_and_says_it_again_from_what_was_kept(
    tmp_path: Path,
) -> None:
    later = visited("ses-02", scarred(DRAWN.image, DRAWN.masks["tumour"]))
    for _ in range(2):
        found = automatic(later, tmp_path)
        assert Compartment.TUMOUR not in found.primary
        assert found.missing[Compartment.TUMOUR].startswith(
            "this scan does not tell whether the tumour grew, or shrank and left a scar"
        )
        assert found.missing[Compartment.TUMOUR].endswith("draw it on this scan")
        size = size_of(later, found)
        assert size.volume_mm3 is None
        (told,) = measure_visits.unmeasured([VisitWork(later, found, measured=(size,))])
        assert told.code == "tumour_not_measured"
        assert "shrank and left a scar" in told.message


@pytest.mark.parametrize("radius_mm", [3.5, 4.5, 5.4])
def test_a_tumour_that_shrank_plainly_or_kept_its_size_or_grew_has_its_size(radius_mm: float) -> None:
    later, _ = phantom(radius_mm, seed=4)
    drawn = refinding.DonorVisit(DRAWN.image, {"tumour": DRAWN.masks["tumour"]})
    found = refinding.follow_up_masks(drawn, later, identity("follow-up", "masked"))
    assert "tumour" in found.probabilities
    assert found.untold == {}


@pytest.mark.parametrize("slice_mm", [3.0, 3.5])
def test_beside_thick_slices_too_fluid_tells_a_scar_from_a_tumour_that_kept_its_size_or_grew(slice_mm: float) -> None:
    first, labels = phantom(4.5, slice_mm=slice_mm)
    drawn = refinding.DonorVisit(first, {"tumour": labels.with_array(labels.array == 1)})
    here = identity("follow-up", "masked")
    scar = refinding.follow_up_masks(drawn, scarred(first, drawn.masks["tumour"], slice_mm=slice_mm), here)
    assert scar.untold["tumour"].startswith("this scan does not tell whether the tumour grew, or shrank")
    for radius_mm in (4.5, 5.2):
        told = refinding.follow_up_masks(drawn, phantom(radius_mm, slice_mm=slice_mm, seed=4)[0], here)
        assert told.untold == {}
        assert "tumour" in told.probabilities


def test_a_masked_visit_from_which_the_size_is_told_goes_before_one_from_which_it_is_not() -> None:
    mask = egg(OLD_MM, 1.0, 0.0)
    untold = refinding.FollowUpMasks({}, {}, (), untold={"tumour": "no size"})
    told = refinding.FollowUpMasks(
        {"tumour": mask}, {"tumour": refinding.GROWN}, (), {"tumour": (5.0,)}, {"tumour": 0.1}
    )
    refused = refinding.FollowUpMasks({}, {}, (), refusal="blurred")
    for ways in ([untold, told], [told, untold], [refused, untold, told]):
        both = refinding.together(ways)
        assert both.untold == {}
        assert both.ways_mm3 == {"tumour": (5.0,)}
    assert refinding.together([refused, untold]).untold == {"tumour": "no size"}
