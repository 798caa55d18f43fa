"""The linked scan viewer: what it is given, and what a real browser draws of it.

About half a minute with the plain viewer; NiiVue, drawn in software, takes as long again and is marked slow.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard.viewer import Pane, assets, crop_to, fetch_niivue, niivue, pane_of, window_to_uint8
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.panes import largest_section, narrow_window
from dashboard.viewer.payload import payload
from pipeline.domain.grid import Volume, to_world

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "dashboard" / "viewer" / "frontend"
COLOURS = {1: ("tumour", "#D81B60"), 2: ("cyst", "#1E88E5"), 4: ("oedema", "#C79A00"), 8: ("cord", "#00897B")}
SHAPE = (8, 30, 40)
SPACING_MM = (3.0, 1.0, 1.0)


def phantom(title: str = "first", *, tumour_at: int = 3, with_mask: bool = True) -> Pane:
    """A dark box with one bright block each towards right (250), anterior (180) and superior (110)."""
    image = np.full(SHAPE, 40, dtype=np.uint8)
    image[6:, 11:19, 15:25] = 250
    image[:6, 22:, 15:25] = 180
    image[:6, 11:19, 32:] = 110
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[tumour_at, 12:18, 12:20] = 1
    labels[tumour_at - 1, 13:16, 13:16] = 1
    labels[1:5, 5:9, 25:30] = 4
    return Pane(title, image, labels if with_mask else None, SPACING_MM, (-10.5, 0.0, 5.0))


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
    assert sent["start"] == [3, 14, 16]
    assert [name for _, name, _, _ in sent["colours"]] == ["tumour", "oedema"]  # type: ignore[attr-defined]


def test_without_solid_tumour_it_opens_on_other_lesions_but_never_on_the_cord() -> None:
    labels = np.full(SHAPE, 8, dtype=np.uint8)
    labels[6, 2:5, 3:6] = 2
    pane = Pane("visit", phantom().image, labels, SPACING_MM)
    assert payload([pane], COLOURS, None, 400)["start"] == [6, 3, 4]


def test_the_signature_follows_content_and_nothing_else() -> None:
    first = payload([phantom()], COLOURS, None, 400)["signature"]
    assert payload([phantom()], COLOURS, None, 400)["signature"] == first
    changed = phantom().image.copy()
    changed[0, 0, 0] += 1
    others = [
        payload([Pane("first", changed, phantom().labels, SPACING_MM, (-10.5, 0.0, 5.0))], COLOURS, None, 400),
        payload([phantom("renamed")], COLOURS, None, 400),
        payload([phantom()], COLOURS, (0, 0, 0), 400),
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
    with pytest.raises(ValueError, match="lies outside the grid"):
        payload([phantom()], COLOURS, (8, 0, 0), 400)


@pytest.mark.parametrize(
    "name",
    ["draw.js", "slices.js", "niivue_file.js", "niivue_panes.js", "slices.html", "niivue.html", "slices.css"],
)
def test_the_frontend_names_no_address_and_asks_the_network_for_nothing(name: str) -> None:
    text = (FRONTEND / name).read_text(encoding="utf-8")
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


# --- a real browser ------------------------------------------------------------------------------------------------

APP = """
import importlib.util, sys
import streamlit as st
from dashboard.viewer import niivue, slice_viewer
spec = importlib.util.spec_from_file_location("viewer_phantom", {this!r})
phantoms = importlib.util.module_from_spec(spec)
spec.loader.exec_module(phantoms)
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.write(f"runs: {{st.session_state.runs}}")
panes = [phantoms.phantom("first"), phantoms.phantom("second", tumour_at=4)]
if st.query_params.get("in") == "volumes":
    niivue.volume_viewer(panes, colours=phantoms.COLOURS, key="scans", height=360)
elif not st.toggle("hide"):
    slice_viewer(panes, colours=phantoms.COLOURS, key="scans", height=520)
"""


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CORDTRACK_REQUIRE_BROWSER") == "1":
            pytest.fail("CORDTRACK_REQUIRE_BROWSER=1 but no Chromium is installed")
        pytest.skip("no Chromium on this machine; CORDTRACK_REQUIRE_BROWSER=1 makes this a failure")
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    chromium()
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "app.py").write_text(APP.format(this=__file__), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(folder / "app.py"), "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--browser.gatherUsageStats=false"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", folder / "log")
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(timeout=10)


def _wait_for(url: str, log: Path) -> None:
    for _ in range(150):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the test server did not start: {log.read_text()[-500:]}")


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Page:
    page = watched(browser.new_page(viewport={"width": 1200, "height": 800}, device_scale_factor=2), address)
    page.goto(address)
    expect(page.locator("output.where")).to_contain_text("slice", timeout=20_000)
    return page


def watched(page: Page, address: str) -> Page:
    page.complaints, page.strangers = [], []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda r: None if _is_local(r.url, address) else page.strangers.append(r.url))
    return page


def _is_local(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))


FIND = """(canvas, grey) => {
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), xs = [], ys = [];
  for (let n = 0; n < data.length; n += 4)
    if (data[n + 3] === 255 && [0, 1, 2].every((c) => Math.abs(data[n + c] - grey) <= 2)) {
      xs.push((n / 4) % width); ys.push(Math.floor(n / 4 / width));
    }
  const middle = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const spread = (list) => list[Math.floor(0.9 * list.length)] - list[Math.floor(0.1 * list.length)];
  return { count: xs.length, x: middle(xs) / canvas.width, y: middle(ys) / canvas.height,
    wide: spread(xs), tall: spread(ys), scale: canvas.width / canvas.clientWidth };
}"""
OUTLINED = """(canvas) => {
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const xs = [], ys = [], middle = (list) => (Math.min(...list) + Math.max(...list)) / 2;
  for (let n = 0; n < data.length; n += 4)
    if (data[n + 3] > 200 && data[n] > 180 && Math.abs(data[n + 1] - 154) < 25 && data[n + 2] < 30) {
      xs.push((n / 4) % width); ys.push(Math.floor(n / 4 / width));
    }
  const mm = 40 / height; // the picture is 40 mm high
  return { count: xs.length, back: (middle(xs) - width / 2) * mm, up: (height / 2 - middle(ys)) * mm };
}"""
RIGHT, ANTERIOR, SUPERIOR = 250, 180, 110


def found(page: Page, grey: int, pane: int = 0) -> dict:
    return page.locator("canvas").nth(pane).evaluate(FIND, grey)


def settled(page: Page, text: str) -> None:
    expect(page.locator("output.where")).to_contain_text(text, timeout=15_000)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pictures(page: Page) -> list[str]:
    return [page.locator("canvas").nth(n).evaluate("(c) => c.toDataURL()") for n in (0, 1)]


@pytest.mark.browser
def test_the_viewer_shows_the_right_way_round_and_moves_both_visits_together(page: Page) -> None:
    canvas = page.locator("canvas").first
    settled(page, "sagittal slice 5 of 8 · L 1.5 mm")
    assert found(page, ANTERIOR)["x"] < 0.4
    assert found(page, SUPERIOR)["y"] < 0.3
    assert found(page, ANTERIOR)["scale"] == pytest.approx(2.0, abs=0.01)

    before = pictures(page)
    canvas.hover(position={"x": 30, "y": 30})
    page.mouse.wheel(0, 100)
    settled(page, "sagittal slice 6 of 8 · L 4.5 mm")
    after = pictures(page)
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert "outlined: oedema" in (page.locator("canvas").nth(1).get_attribute("aria-label") or "")

    canvas.focus()
    page.keyboard.press("ArrowUp")
    settled(page, "sagittal slice 5 of 8")
    assert pictures(page) == before
    page.keyboard.press("Home")
    settled(page, "sagittal slice 1 of 8 · R 10.5 mm")
    assert found(page, RIGHT)["count"] > 1000
    page.keyboard.press("l")
    settled(page, "slice 5 of 8")

    page.keyboard.press("a")
    settled(page, "axial slice 24 of 40")
    block = found(page, RIGHT, pane=1)
    assert block["x"] < 0.5
    assert found(page, ANTERIOR)["y"] < 0.4
    assert block["wide"] / block["tall"] == pytest.approx(2 * 3.0 / 8, rel=0.2)  # two 3 mm voxels by eight of 1 mm
    page.keyboard.press("c")
    settled(page, "coronal slice")
    assert found(page, RIGHT)["x"] < 0.5
    assert found(page, SUPERIOR)["y"] < 0.3


@pytest.mark.browser
def test_every_control_redraws_without_running_the_page_again(page: Page) -> None:
    press = lambda name: page.get_by_role("button", name=name, exact=True).click()  # noqa: E731
    press("sagittal")
    press("reset")
    press("largest section")
    settled(page, "sagittal slice 5 of 8")
    start = pictures(page)
    seen = {hash(start[0])}
    for act in ("tumour", "crosshair", "Zoom in", "lesion", "difference", "swipe", "blend", "flicker"):
        press(act)
        settled(page, "sagittal slice 5 of 8")
        picture = page.locator("canvas").first.evaluate("(c) => c.toDataURL()")
        if act != "flicker":  # which waits for its first beat
            assert hash(picture) not in seen, f"{act} changed nothing"
        seen.add(hash(picture))
    for act in ("side by side", "tumour", "crosshair", "reset"):
        press(act)
    settled(page, "sagittal slice 5 of 8")
    assert pictures(page) == start, "putting everything back shows something else"

    box, block = page.locator("canvas").first.bounding_box(), found(page, ANTERIOR)
    page.mouse.click(box["x"] + block["x"] * box["width"], box["y"] + block["y"] * box["height"])
    press("axial")
    settled(page, "axial slice 20 of 40 · S 25.0 mm")  # the middle of the block: k 20 and j 26
    press("coronal")
    settled(page, "coronal slice 4 of 30 · A 26.0 mm")
    press("sagittal")
    page.set_viewport_size({"width": 600, "height": 800})
    page.wait_for_function(
        "([canvas, w]) => canvas.clientWidth < w && canvas.width === Math.round(canvas.clientWidth * devicePixelRatio)",
        arg=[page.locator("canvas").first.element_handle(), box["width"] - 20],
    )
    assert page.get_by_text("runs: 1").count() == 1


@pytest.mark.browser
def test_leaving_and_coming_back_starts_afresh_and_nothing_complains_or_calls_out(page: Page) -> None:
    for shown in (0, 2, 0, 2):
        page.get_by_text("hide").click()
        expect(page.locator("canvas")).to_have_count(shown)
    settled(page, "sagittal slice 5 of 8")
    assert found(page, ANTERIOR)["count"] > 1000
    assert page.complaints == []
    assert page.strangers == []


needs_niivue = pytest.mark.skipif(
    not assets.NIIVUE.is_file(), reason="NiiVue is not fetched: python -m dashboard.viewer.fetch_niivue"
)


@pytest.mark.browser
@needs_niivue
def test_without_webgl2_the_plain_viewer_opens_in_niivues_place_and_says_why(browser: Browser, address: str) -> None:
    bare = browser.new_page()
    bare.add_init_script(
        "OffscreenCanvas.prototype.getContext = ((get) => function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : get.call(this, kind, ...rest); })(OffscreenCanvas.prototype.getContext);"
    )
    bare.goto(f"{address}?in=volumes")
    expect(bare.get_by_role("status").filter(has_text="browser offers no WebGL2")).to_be_visible(timeout=20_000)
    expect(bare.locator(".slices canvas")).to_have_count(2)
    expect(bare.locator(".volumes")).to_be_hidden()
    assert found(bare, ANTERIOR)["x"] < 0.4
    bare.close()


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_niivue_shows_the_scans_the_right_way_round_and_linked(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes")
    where = page.locator(".volumes output.where")
    expect(where).to_contain_text("crosshair L 1.5 · A 14.0 · S 21.0 mm", timeout=60_000)
    second = page.locator(".volumes figure").nth(1)

    def shown(view: str) -> np.ndarray:
        page.get_by_role("button", name=view, exact=True).click()
        return np.asarray(Image.open(io.BytesIO(second.screenshot())).convert("L"), dtype=int)[50:]

    def middle(picture: np.ndarray, grey: int) -> tuple[float, float]:
        y, x = np.nonzero(abs(picture - grey) <= 3)
        return float(np.median(x)) / picture.shape[1], float(np.median(y)) / picture.shape[0]

    sagittal = shown("sagittal")
    assert middle(sagittal, ANTERIOR)[0] < 0.45
    assert middle(sagittal, SUPERIOR)[1] < 0.4
    axial = shown("axial")
    assert middle(axial, RIGHT)[0] < 0.5
    assert middle(axial, ANTERIOR)[1] < 0.45
    box = page.locator(".volumes canvas").first.bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.3 * box["height"])
    expect(where).not_to_contain_text("A 14.0")
    assert (shown("axial") != axial).any(), "a click in the first visit moves the crosshair of the second"

    page.locator(".volumes canvas").first.focus()
    page.keyboard.press("l")
    expect(where).to_contain_text("crosshair L 1.5 · A 14.0 · S 21.0 mm")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="sagittal", exact=True)).to_have_attribute("aria-pressed", "true")
    outlined = page.locator(".volumes canvas.marks").first.evaluate(OUTLINED)
    assert outlined["count"] > 50
    assert outlined["back"] == pytest.approx(8.0, abs=1.0), "the oedema is 8 mm behind the middle"
    assert outlined["up"] == pytest.approx(7.5, abs=1.0), "and 7.5 mm above it"
    page.keyboard.press("ArrowRight")
    expect(where).to_contain_text("crosshair L 4.5")
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="axial", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(where).to_contain_text("L 1.5")
    assert page.complaints == []
    assert page.strangers == []
