"""Outlines proposed from clicks: in the phantom with a lesion of known outline, and on real cords where there."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.cord.cord_finding import find_cord
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_world
from pipeline.draft.proposal import Clicks, propose
from pipeline.draft.unlike_cord import SignalChange, most, signal_change, words_of
from pipeline.errors import InputError, SettingsError
from pipeline.files import images
from tests.draft.implant import dice, with_lesion
from tests.places import REALCORD

TUMOUR = Compartment.TUMOUR


def place(point: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(at) for at in point)
    return x, y, z


@pytest.fixture(scope="module", params=[1, 3], ids=["isotropic", "thick"])
def lesion(request):
    scan, truth, middle_mm = with_lesion(request.param)
    return scan, truth, middle_mm, find_cord(scan)


def test_one_click_outlines_the_lesion_of_the_phantom(lesion) -> None:
    scan, truth, middle_mm, cord = lesion
    proposal = propose(scan, cord, Clicks((place(middle_mm),)), TUMOUR)
    assert dice(proposal.mask.array, truth.array) >= 0.8
    assert np.linalg.norm(np.array(proposal.unsure_mm) - middle_mm) < 25, "the least sure place lies on the outline"
    again = propose(scan, cord, Clicks((place(middle_mm),)), TUMOUR)
    assert np.array_equal(proposal.mask.array, again.mask.array), "the same clicks give the same outline"


def test_a_click_is_obeyed(lesion) -> None:
    scan, _, middle_mm, cord = lesion
    first = propose(scan, cord, Clicks((place(middle_mm),)), TUMOUR).mask.array
    inside_mm = to_world(scan.affine, np.argwhere(first))
    head_end = inside_mm[np.argmax(inside_mm[:, 2])]
    cut = propose(scan, cord, Clicks((place(middle_mm),), (place(head_end - np.array([0, 0, 2])),)), TUMOUR).mask.array
    assert to_world(scan.affine, np.argwhere(cut))[:, 2].max() < head_end[2]
    beyond = cord.points_mm[np.argmin(np.abs(cord.points_mm[:, 2] - head_end[2] - 6))]
    grown = propose(scan, cord, Clicks((place(middle_mm), place(beyond))), TUMOUR).mask.array
    assert to_world(scan.affine, np.argwhere(grown))[:, 2].max() >= beyond[2] - scan.spacing_mm.max()


def test_gain_and_storage_order_do_not_matter(lesion) -> None:
    scan, _, middle_mm, cord = lesion
    clicks = Clicks((place(middle_mm),))
    usual = propose(scan, cord, clicks, TUMOUR).mask.array
    assert np.array_equal(propose(scan.with_array(scan.array * 37.0), cord, clicks, TUMOUR).mask.array, usual)
    flipped = scan.affine.copy()
    flipped[:3, 3] += flipped[:3, 1] * (scan.shape[1] - 1)
    flipped[:3, 1] *= -1
    turned = propose(Volume(np.flip(scan.array, 1), flipped), cord, clicks, TUMOUR).mask.array
    assert dice(np.flip(turned, 1), usual) > 0.99


def test_a_click_in_healthy_cord_says_that_nothing_differs_and_one_in_a_lesion_does_not(lesion) -> None:
    scan, _, middle_mm, cord = lesion
    change = propose(scan, cord, Clicks((place(middle_mm),)), TUMOUR).change
    assert change is not None
    assert change.along > 0.4
    assert words_of(change) is None
    away = cord.points_mm[np.argmin(np.abs(cord.points_mm[:, 2] - middle_mm[2] - 45))]
    healthy = propose(scan, cord, Clicks((place(away),)), TUMOUR)
    assert healthy.mask.array.any(), "a person may still begin with it"
    assert "nothing here differs from the cord beside it" in str(words_of(healthy.change))


def test_what_only_a_second_contrast_shows_differs() -> None:
    hidden, truth, middle_mm = with_lesion(1, contrast=0.0)
    enhanced = truth.with_array(100.0 + 200.0 * truth.array)
    clicks = Clicks((place(middle_mm),))
    alone, both = (propose(hidden, find_cord(hidden), clicks, TUMOUR, one) for one in (None, enhanced))
    assert words_of(alone.change) is not None
    assert words_of(both.change) is None


def test_too_little_cord_tells_nothing() -> None:
    scan = Volume(np.ones((9, 9, 9)), np.eye(4))
    line_mm = np.array([[4.0, 4.0, z] for z in range(8, -1, -1)])
    drawn = scan.with_array(np.zeros(scan.shape, bool))
    assert signal_change(scan, line_mm, drawn) is None
    drawn.array[3:6, 3:6, 3:6] = True
    assert signal_change(scan, line_mm, drawn) is None
    assert "cannot be told" in str(words_of(None))


@pytest.mark.parametrize("thickness", [1, 3])
def test_a_second_contrast_shows_what_the_first_hides(thickness) -> None:
    hidden, truth, middle_mm = with_lesion(thickness, contrast=0.05)
    enhanced = truth.with_array(100.0 + 200.0 * truth.array)
    cord, clicks = find_cord(hidden), Clicks((place(middle_mm),))
    alone = propose(hidden, cord, clicks, TUMOUR).mask.array
    together = propose(hidden, cord, clicks, TUMOUR, enhanced).mask.array
    assert dice(together, truth.array) > max(dice(alone, truth.array), 0.7)


def test_what_no_outline_can_be_proposed_from_is_refused(lesion) -> None:
    scan, _, middle_mm, cord = lesion
    inside = place(middle_mm)
    with pytest.raises(SettingsError, match="expected a click inside the tumour, found none"):
        propose(scan, cord, Clicks(()), TUMOUR)
    with pytest.raises(SettingsError, match="the same place is said to be inside and outside"):
        propose(scan, cord, Clicks((inside,), (inside,)), TUMOUR)
    with pytest.raises(SettingsError, match=r"expected a place in the cord, found one \d+ mm from its middle"):
        propose(scan, cord, Clicks((place(middle_mm + np.array([0, 18, 0])),)), TUMOUR)
    with pytest.raises(SettingsError, match=r"expected a place inside the scan; as RAS\+ mm it is voxel"):
        propose(scan, cord, Clicks((place(middle_mm + np.array([0, 900, 0])),)), TUMOUR)
    blank = scan.with_array(np.zeros(scan.shape))
    with pytest.raises(InputError, match=r"no cord was found in this scan.*blank"):
        propose(blank, find_cord(blank), Clicks((inside,)), TUMOUR)


def test_a_voxel_taken_for_a_place_is_read_both_ways() -> None:
    scan, _, middle_mm = with_lesion()
    moved = Volume(scan.array, scan.affine.copy())
    moved.affine[:3, 3] += 1000.0
    voxel = np.rint((np.linalg.inv(moved.affine) @ [*(middle_mm + 1000.0), 1.0])[:3])
    x, y, z = to_world(moved.affine, voxel)
    with pytest.raises(SettingsError, match=f"if it was meant as a voxel, say {x:.1f},{y:.1f},{z:.1f}"):
        propose(moved, find_cord(moved), Clicks((place(voxel),)), TUMOUR)


@pytest.mark.skipif(not REALCORD.is_dir(), reason="the real cord scans are not beside the project")
@pytest.mark.parametrize(("person", "patient"), [("lowcervical", "sub-rc321"), ("thoracolumbar", "sub-rc022")])
@pytest.mark.parametrize(("session", "least"), [("ses-01", 0.85), ("ses-02", 0.80)])
def test_one_click_outlines_a_tumour_in_a_real_cord(person, patient, session, least) -> None:
    """On an isotropic scan and on slices of 3.3 mm."""
    folder = REALCORD / person
    (file,) = (folder / "bids" / patient / session / "anat").glob("*_T2w.nii.gz")
    scan = images.load_scan(file)
    labels = images.load(folder / "truth" / "masks" / f"{patient}_{session}_space-orig_dseg.nii.gz").array
    truth = np.rint(labels) == 1
    voxels = np.argwhere(truth)
    first = voxels[np.argmin((((voxels - voxels.mean(axis=0)) * scan.spacing_mm) ** 2).sum(axis=1))]
    proposal = propose(scan, find_cord(scan), Clicks((place(to_world(scan.affine, first)),)), TUMOUR)
    assert dice(proposal.mask.array, truth) >= least


def shaded(
    slope: float, *, lesion: float = 0.0, ends_at: int = 200, bright: tuple[int, int] = (0, 0)
) -> SignalChange | None:
    """How the signal changes over an outline of a straight cord: shaded along it, with a lesion, with an end."""
    array = np.zeros((31, 31, 160))
    i, j, k = np.indices(array.shape)
    away = np.hypot(i - 15, j - 15)
    is_cord = (away <= 4) & (k >= 160 - ends_at)
    array[:] = np.where(is_cord, 100.0, np.where(away <= 9, 300.0, 150.0))
    array[is_cord & (k >= bright[0]) & (k < bright[1])] = 290.0
    outline = (away <= 3) & (k >= 75) & (k < 90)
    array[outline] *= 1 + lesion
    scan = Volume(array * (1 + slope * (k - 80)), np.eye(4))
    line_mm = np.array([[15.0, 15.0, z] for z in range(159, -1, -1)])
    return signal_change(scan, line_mm, scan.with_array(outline))


def test_a_signal_that_changes_evenly_as_towards_the_edge_of_a_coil_shows_nothing() -> None:
    even = shaded(0.01)
    assert even is not None
    assert even.along > 0.25
    assert even.beside_trend is not None
    assert even.beside_trend < 0.05
    assert "evenly, as towards the edge of a coil" in str(words_of(even))
    assert words_of(shaded(0.01, lesion=0.4)) is None
    assert words_of(shaded(0.0, lesion=0.4)) is None
    assert words_of(SignalChange(0.3)) is None  # too little cord on one side of it: no trend


def test_below_the_end_of_the_cord_nothing_is_compared() -> None:
    assert words_of(shaded(0.0, ends_at=93)) is not None  # the cord goes on to 67, the outline begins at 75
    assert words_of(shaded(0.0, ends_at=93, lesion=0.4)) is None
    assert shaded(0.0, ends_at=83) is None  # the outline reaches the end
    short = shaded(0.0, ends_at=200, bright=(40, 72))
    assert words_of(short) is None  # bright in the middle, and cord again below: no end


def test_of_several_contrasts_the_one_that_shows_most_counts() -> None:
    assert most([None, None]) is None
    assert most([SignalChange(0.1, 0.05), None]) == SignalChange(0.1, 0.05)
    assert most([SignalChange(0.1, 0.05), SignalChange(0.5, 0.4)]) == SignalChange(0.5, 0.4)
    assert most([SignalChange(0.5, 0.05), SignalChange(0.1)]) == SignalChange(0.5)


def test_an_even_change_is_told_of_solid_compartments_alone(lesion) -> None:
    scan, _, middle_mm, cord = lesion
    clicks = Clicks((place(middle_mm),))
    tumour, oedema = (propose(scan, cord, clicks, one).change for one in (TUMOUR, Compartment.OEDEMA))
    assert tumour is not None
    assert tumour.beside_trend is not None
    assert oedema is not None
    assert oedema.beside_trend is None
