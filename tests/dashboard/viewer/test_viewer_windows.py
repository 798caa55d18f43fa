"""What the viewer offers as windows, and where a link opens it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dashboard.viewer import Pane
from dashboard.viewer.opening import Opening, ViewLink, opening_of
from dashboard.viewer.payload import payload
from dashboard.viewer.windows import WHOLE, presets
from tests.dashboard.viewer_phantoms import COLOURS, SPOTS, phantom

CORD, TUMOUR, RIM, FLUID, FAT, BONE = 60, 90, 180, 220, 130, 20


def scan(sequence: str = "T2w", gain: float = 1.0) -> Pane:
    """A cord of 8 mm in fluid of 16 mm, fat and bone around it, and a marked tumour of 5 mm in the cord."""
    image = np.full((24, 24, 40), FAT * gain)
    from_axis = np.hypot(*(np.indices((24, 24)) - 11.5))
    image[:, ::2] = BONE * gain
    image[from_axis < 8] = FLUID * gain
    image[from_axis < 6] = RIM * gain
    image[from_axis < 4] = CORD * gain
    labels = np.zeros(image.shape, dtype=np.uint8)
    labels[from_axis < 2.5, 15:25] = 1
    image[labels == 1] = TUMOUR * gain
    image[:2] = 0  # not scanned
    return Pane(f"{sequence} {gain}", image.astype(np.uint8), labels, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), sequence)


def windows(*panes: Pane) -> dict[str, tuple[tuple[int, int], ...]]:
    return {preset.name: preset.windows for preset in presets(panes)}


def test_the_cord_window_brightens_the_cord_and_the_fluid_window_shows_fluid() -> None:
    found = windows(scan())
    assert list(found) == ["full", "lesion", "cord", "fluid"]
    assert found["full"] == (WHOLE,)
    ((cord_black, cord_white),) = found["cord"]
    assert cord_black < CORD < TUMOUR < cord_white <= FLUID, "cord and tumour differ, and fluid is white"
    ((black, white),) = found["lesion"]
    assert (CORD - cord_black) / (cord_white - cord_black) > (CORD - black) / (white - black), "cord is brighter"
    ((fluid_black, fluid_white),) = found["fluid"]
    assert TUMOUR < fluid_black < FLUID <= fluid_white, "only what is as bright as fluid is not black"


def test_scans_of_one_sequence_share_their_windows_and_only_t2w_has_one_for_fluid() -> None:
    mixed = windows(scan(), scan(gain=0.8), scan("T1w"))
    assert mixed["cord"][0] == mixed["cord"][1]
    assert mixed["fluid"][0] == mixed["fluid"][1] != mixed["lesion"][0]
    assert mixed["fluid"][2] == mixed["lesion"][2]
    assert "fluid" not in windows(scan("T1w"))


def test_without_marks_every_window_shows_all() -> None:
    bare = replace(scan(), labels=None)
    assert set(windows(bare).values()) == {(WHOLE,)}


def test_every_window_is_explained() -> None:
    assert all(len(preset.explained) > 15 for preset in presets([scan()]))


@pytest.mark.parametrize(
    "words",
    [
        None,
        "",
        "axial",
        "axial_1_2",
        "axial_1_2_3_4",
        "axial_1_2_x",
        "axial_1_2_3_sideways_full",
        "axial_nan_1_2",
        "oblique_1_2_3",
    ],
)
def test_a_link_that_says_no_place_is_passed_over(words: str | None) -> None:
    assert opening_of(words) is None


def test_a_link_opens_at_its_place_without_building_the_viewer_anew() -> None:
    opening = opening_of("coronal_3.0_-14.5_21.0")
    assert opening == Opening("coronal", (3.0, -14.5, 21.0))
    asked = payload([phantom()], COLOURS, ViewLink(opening, lambda _words: None), 400)
    assert (asked["view"], asked["start"], asked["is_linkable"]) == ("coronal", [3.0, -14.5, 21.0], True)
    unasked = payload([phantom()], COLOURS, ViewLink(None, lambda _words: None), 400)
    assert (unasked["view"], unasked["signature"]) == ("sagittal", asked["signature"])
    assert payload([phantom()], COLOURS, None, 400)["is_linkable"] is False


def test_a_link_opens_with_its_zoom_and_windows_set_by_hand_where_they_fit() -> None:
    def opened(words: str, count: int = 2) -> tuple[object, object]:
        panes = [phantom(), phantom("second")][:count]
        sent = payload(panes, COLOURS, ViewLink(opening_of(f"axial_1_2_3_side_full_{words}"), lambda _words: None), 400)
        return sent["zoom"], sent["levels"]

    assert opened("2.50_20~90,10~200") == (2.5, [[20.0, 90.0], [10.0, 200.0]])
    assert opened("2.50_20~90,10~200", count=1) == (2.5, None), "another number of pictures"
    assert opened("1.00_") == (1.0, None)
    assert opened("900_") == (20.0, None)
    for wrong in ("1_90~20,1~2", "1_20,90", "1_20~900,1~2", "1_1~2~3,1~2"):
        assert opened(wrong) == (1.0, None)
    assert opening_of("axial_1_2_3_side_full_nan_") is None
    assert opening_of("axial_1_2_3_side_full_1_a~b") is None


def test_it_opens_on_the_first_spot_unless_a_link_says_otherwise() -> None:
    sent = payload([phantom()], COLOURS, ViewLink(None, lambda _words: None), 400, SPOTS)
    assert (sent["view"], sent["start"]) == ("sagittal", [1.5, 6.0, 38.0])
    assert sent["spots"][1] == {"place": [-7.5, 20.0, 30.0], "radius_mm": 1.0, "words": "a smaller one"}  # type: ignore[index]
    linked = payload([phantom()], COLOURS, ViewLink(opening_of("axial_1_2_3"), lambda _words: None), 400, SPOTS)
    assert linked["start"] == [1.0, 2.0, 3.0]
    assert linked["signature"] == sent["signature"] != payload([phantom()], COLOURS, None, 400)["signature"]


def test_a_link_opens_with_its_comparison_and_window_where_the_scans_have_it() -> None:
    def opened(words: str) -> tuple[object, object]:
        sent = payload([phantom()], COLOURS, ViewLink(opening_of(words), lambda _words: None), 400)
        return sent["mode"], sent["preset"]

    assert opened("axial_1_2_3_blend_full") == ("blend", 0)
    assert opened("axial_1_2_3_swipe_lesion") == ("swipe", 1)
    assert opened("axial_1_2_3_side_of no scan here") == ("side", 0)
    assert opened("axial_1_2_3") == ("side", 0)
