"""How far a cap covers a pole: shares as they were painted, whatever the slices, and none where blood hides (1 s)."""

import numpy as np
import pytest

from pipeline.description import limit_file, pole_cover
from pipeline.description.lesion_scene import voxels_near
from tests.description.scenes import Z, scan, scene

USUAL, BLOOD = 1.5, 0.4
LIMITS = limit_file.packaged().cap


def cover(ratio, look=(USUAL, 0.05), blood=BLOOD):
    """The cover of a lesion whose signal beside the cord is given, on a grid of 1 mm without the coil's fall-off."""
    voxels = voxels_near(scan("T2w", ratio), scene())
    tissue = np.broadcast_to(ratio, Z.shape)[tuple(voxels.indices.T)]
    relative = voxels.solid * tissue + (1.0 - voxels.solid)
    return pole_cover.cover_of(voxels, relative, look, blood, LIMITS)


def test_a_whole_cap_has_a_share_of_one_at_its_own_pole():
    seen = cover(np.where(Z > 7, BLOOD, USUAL))
    assert 0.95 < seen.upper < 1.25, "a cap thicker than the slab that fits it best reads a little more"
    assert seen.lower == pytest.approx(0.0, abs=0.05)
    assert seen.is_surely_present
    assert not seen.is_surely_absent


def test_a_pole_without_a_cap_has_none():
    seen = cover(USUAL)
    assert max(seen.shares) < 0.05
    assert seen.is_surely_absent
    assert not seen.is_surely_present
    assert not seen.is_hinted


def test_half_as_dark_is_half_a_share():
    assert cover(np.where(Z < -7, (BLOOD + USUAL) / 2, USUAL)).lower == pytest.approx(0.55, abs=0.07)


def test_patches_as_dark_as_blood_make_every_share_unsure():
    seen = cover(np.where(np.sin(Z * 0.9) > 0, USUAL, BLOOD))
    assert seen.error > 0.25
    assert not seen.is_surely_present
    assert not seen.is_surely_absent


def test_in_tumour_as_dark_as_blood_nothing_is_known():
    assert cover(0.5, look=(0.5, 0.05)) is None


def test_a_pole_that_was_not_seen_is_not_ruled_out():
    assert not pole_cover.PoleCover(0.0, None, 0.03, 0.65, LIMITS).is_surely_absent
    assert pole_cover.PoleCover(None, 0.9, 0.03, 0.65, LIMITS).is_surely_present


@pytest.mark.parametrize(
    ("upper", "lower", "error", "shows_blood", "is_unlikely"),
    [
        (0.25, 0.1, 0.09, True, True),  # a whole cap would have a share of one
        (0.04, 0.1, 0.47, True, False),  # beside such grain even that would not show
        (0.35, 0.1, 0.09, True, False),
        (0.05, 0.1, 0.08, False, True),
        (0.15, 0.0, 0.06, False, False),  # what T2w shows of a thin cap
        (0.0, None, 0.03, True, False),
        (0.0, None, 0.03, False, False),
    ],
)
def test_no_cap_is_likely_where_one_would_have_shown(upper, lower, error, shows_blood, is_unlikely):
    seen = pole_cover.PoleCover(upper, lower, error, 0.65, LIMITS)
    assert seen.is_likely_absent(shows_blood=shows_blood) == is_unlikely
