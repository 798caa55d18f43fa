"""The linked scan viewer: what it is given."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboard.viewer import Pane, assets, crop_to, fetch_niivue, niivue, pane_of, window_to_uint8
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import largest_section
from dashboard.viewer.payload import payload
from dashboard.viewer.windows import narrow_window
from pipeline.core.volume import Volume, to_world
from tests.dashboard.viewer_phantoms import COLOURS, SHAPE, SPACING_MM, SPOTS, phantom


def test_the_labels_of_display_masks_are_the_compartments_in_their_order() -> None:
    names = ["tumour", "enhancing", "cyst", "syrinx", "oedema", "cavity", "haemorrhage", "cord"]
    assert {value: name for value, (name, _) in COMPARTMENT_COLOURS.items()} == dict(enumerate(names, start=1))
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for _, colour in COMPARTMENT_COLOURS.values())


# --- panes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_however_a_scan_is_stored_the_pane_is_the_same(axes: tuple[int, ...], flips: tuple[int, ...]) -> None:
    plain = Volume(np.arange(2 * 3 * 4, dtype=float).reshape(2, 3, 4), np.diag([3.0, 1.0, 0.5, 1.0]))
    array, affine = plain.array.transpose(axes), plain.affine.copy()
    affine[:, :3] = affine[:, list(axes)]
    for axis in flips:
        array = np.flip(array, axis)
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
    scan = Volume(array, affine)
    mask = scan.with_array((scan.array == 23).astype(np.uint8))
    pane, expected = pane_of("visit", scan, mask), pane_of("visit", plain, None)
    np.testing.assert_array_equal(pane.image, expected.image)
    assert pane.labels is not None
    assert np.argwhere(pane.labels).tolist() == [[1, 2, 3]]
    assert pane.spacing_mm == expected.spacing_mm == (3.0, 1.0, 0.5)
    assert pane.origin_mm == expected.origin_mm == (0.0, 0.0, 0.0)


def test_an_oblique_scan_keeps_right_anterior_and_superior_growing() -> None:
    turn = np.deg2rad(20)
    affine = np.eye(4)
    affine[:3, :3] = [[-1, 0, 0], [0, -np.cos(turn), np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]
    array = np.zeros((4, 5, 6))
    array[0, 0, 5] = 1.0  # rightmost, most anterior, topmost
    pane = pane_of("visit", Volume(array, affine), None)
    assert np.argwhere(pane.image == 255).tolist() == [[3, 4, 5]]
    assert to_world(affine, np.array([0, 0, 5]))[2] > to_world(affine, np.array([0, 0, 0]))[2]


def test_black_and_white_ends_are_percentiles_and_unscanned_places_stay_apart() -> None:
    values = np.append(np.linspace(100, 300, 1001), np.nan).reshape(1, 1, -1)
    shown = window_to_uint8(values, 10.0, 90.0)[0, 0]
    assert shown[-1] == 0
    assert shown[:-1].min() == 1
    assert shown[[100, 500, 900]].tolist() == [1, 128, 255]
    assert (np.diff(shown[:-1].astype(int)) >= 0).all()
    np.testing.assert_array_equal(window_to_uint8(values * 7 + 3, 10.0, 90.0)[0, 0], shown)


def test_a_scan_that_reaches_nowhere_and_a_flat_scan_are_still_shown() -> None:
    assert (window_to_uint8(np.full((2, 2, 2), np.nan)) == 0).all()
    assert (window_to_uint8(np.full((2, 2, 2), 7.0)) == 1).all()


def test_a_pane_refuses_a_mask_of_another_grid() -> None:
    image = np.ones((4, 4, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"2023: the mask is \(4, 4, 5\).*reference grid"):
        Pane("2023", image, np.zeros((4, 4, 5), dtype=np.uint8), (1, 1, 1))
    with pytest.raises(ValueError, match="expected a 3D uint8 image"):
        Pane("2023", image.astype(float), None, (1, 1, 1))


def test_cropping_keeps_every_mark_of_every_visit_and_the_place_in_millimetres() -> None:
    panes = (phantom(tumour_at=3), phantom("second", tumour_at=6))
    cropped = crop_to(panes, margin_mm=3.0)
    for before, after in zip(panes, cropped, strict=True):
        assert after.labels is not None
        assert before.labels is not None
        assert (after.labels > 0).sum() == (before.labels > 0).sum()
    assert cropped[0].image.shape == cropped[1].image.shape == (8, 19, 24)  # 3 mm: 1 voxel across, 3 along
    assert cropped[0].origin_mm == (-10.5, 2.0, 14.0)


def test_cropping_keeps_a_place_without_a_mark_too() -> None:
    without = replace(phantom(), labels=np.zeros(SHAPE, np.uint8))
    (cropped,) = crop_to([without], 2.0, [SPOTS[0].place, (500.0, 0.0, 0.0)])
    assert cropped.image.shape == (3, 5, 5)
    assert cropped.origin_mm == (-1.5, 4.0, 36.0)
    assert crop_to([without], 2.0, [(500.0, 0.0, 0.0)])[0].image.shape == SHAPE, "beyond the scan"
    (both,) = crop_to([phantom()], 3.0, [SPOTS[0].place])
    assert both.image.shape == (6, 19, 28), "four millimetres higher than for the marks alone"


def test_without_any_mark_the_whole_scan_stays() -> None:
    empty = Pane("none", np.ones((4, 4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), (1, 1, 1))
    unmasked = Pane("none", np.ones((4, 4, 4), np.uint8), None, (1, 1, 1))
    assert [p.image.shape for p in crop_to([empty, unmasked], 1.0)] == [(4, 4, 4)] * 2
    assert largest_section([empty, unmasked], {1}) == (2, 2, 2)
    assert narrow_window([empty]) == (1, 255)


# --- payload -------------------------------------------------------------------------------------------------------


def test_voxels_travel_as_bytes_in_c_order_one_arrow_cell_each() -> None:
    sent = payload([phantom(), phantom("second", with_mask=False)], COLOURS, None, 400)
    assert sorted(key for key in sent if re.fullmatch(r"[vl]\d", key)) == ["l0", "v0", "v1"]
    cell = sent["v0"].column(0)[0].as_py()  # type: ignore[attr-defined]  # an Arrow table
    np.testing.assert_array_equal(np.frombuffer(cell, np.uint8).reshape(SHAPE), phantom().image)
    turned = Pane("first", np.asfortranarray(phantom().image), phantom().labels, SPACING_MM)
    assert payload([turned], COLOURS, None, 400)["v0"].equals(sent["v0"])  # type: ignore[attr-defined]


def test_it_opens_on_the_largest_tumour_section_even_beside_larger_oedema() -> None:
    sent = payload([phantom(), phantom("second", tumour_at=5)], COLOURS, None, 400)
    assert sent["start"] == pytest.approx([-1.5, 14.0, 21.0])  # voxel 3, 14, 16
    assert [name for _, name, _, _ in sent["colours"]] == ["tumour", "oedema"]  # type: ignore[attr-defined]


def test_without_solid_tumour_it_opens_on_other_lesions_but_never_on_the_cord() -> None:
    labels = np.full(SHAPE, 8, dtype=np.uint8)
    labels[6, 2:5, 3:6] = 2
    pane = Pane("visit", phantom().image, labels, SPACING_MM)
    assert payload([pane], COLOURS, None, 400)["start"] == [18.0, 3.0, 4.0]  # 6, 3, 4 without an origin


def test_the_signature_follows_content_and_nothing_else() -> None:
    first = payload([phantom()], COLOURS, None, 400)["signature"]
    assert payload([phantom()], COLOURS, None, 400)["signature"] == first
    changed = phantom().image.copy()
    changed[0, 0, 0] += 1
    others = [
        payload([Pane("first", changed, phantom().labels, SPACING_MM, (-10.5, 0.0, 5.0))], COLOURS, None, 400),
        payload([phantom("renamed")], COLOURS, None, 400),
        payload([phantom()], COLOURS, None, 300),
    ]
    assert first not in [other["signature"] for other in others]


def test_what_cannot_be_linked_or_named_is_refused_in_words() -> None:
    small = Pane("small", np.ones((2, 2, 2), np.uint8), None, SPACING_MM)
    with pytest.raises(ValueError, match=r"small is \(2, 2, 2\) voxels.*resample both onto the reference grid"):
        payload([phantom(), small], COLOURS, None, 400)
    moved = Pane("moved", phantom().image, None, SPACING_MM, (0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="moved starts at"):
        payload([phantom(), moved], COLOURS, None, 400)
    with pytest.raises(ValueError, match=r"labels \[4\] that no colour names"):
        payload([phantom()], {1: ("tumour", "red")}, None, 400)
    with pytest.raises(ValueError, match="one to four scans, got 5"):
        payload([phantom()] * 5, COLOURS, None, 400)


OWN = [path for path in sorted(assets.FRONTEND.iterdir()) if path != assets.NIIVUE]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_the_frontend_names_no_address_and_asks_the_network_for_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"https?:|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|@import|url\(", text)
    assert len(text.splitlines()) <= 300


# --- the 3D viewer's library ---------------------------------------------------------------------------------------


def release(folder: Path, content: bytes) -> Path:
    with tarfile.open(folder / "release.tgz", "w:gz") as archive:
        member = tarfile.TarInfo(fetch_niivue.MEMBER)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return folder / "release.tgz"


def test_only_the_pinned_release_of_niivue_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = release(tmp_path, b"export class Niivue {}")
    with pytest.raises(fetch_niivue.UnavailableError, match="not the expected file"):
        fetch_niivue.library_of(packed)
    monkeypatch.setattr(fetch_niivue, "SHA256", hashlib.sha256(b"export class Niivue {}").hexdigest())
    monkeypatch.setattr(fetch_niivue, "packed_release", lambda _folder: packed)
    assert fetch_niivue.main(tmp_path / "niivue.mjs") == 0
    assert (tmp_path / "niivue.mjs").read_bytes() == b"export class Niivue {}"
    assert not list(tmp_path.glob("*.partial"))
    packed.write_bytes(packed.read_bytes()[:40])
    with pytest.raises(fetch_niivue.UnavailableError, match="holds no readable"):
        fetch_niivue.library_of(packed)


def test_without_a_network_setup_goes_on_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_niivue.shutil, "which", lambda _name: "/bin/false")
    assert fetch_niivue.main(tmp_path / "niivue.mjs") == 0
    assert "NiiVue was not fetched: npm could not pack" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_niivue_the_slice_viewer_is_shown_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said, shown = [], []
    monkeypatch.setattr(niivue.assets, "NIIVUE", tmp_path / "missing.mjs")
    monkeypatch.setattr(niivue.st, "caption", said.append)
    monkeypatch.setattr(niivue, "slice_viewer", lambda panes, **settings: shown.append((len(panes), settings["key"])))
    niivue.volume_viewer([phantom(), phantom("second")], colours=COLOURS, key="scans")
    assert shown == [(2, "scans")]
    assert "NiiVue is not installed" in said[0]
