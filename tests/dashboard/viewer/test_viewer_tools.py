"""The viewer's tools in a real browser: named, grouped, never silent; ruler, layouts, full screen, flicker, halo."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from dashboard.viewer import assets
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from tests.dashboard.viewer_page import settled, watched
from tests.dashboard.viewer_phantoms import needs_niivue

PLACED = "sagittal slice 5 of 8"
LEAST_CONTRAST = 3.0
"""Of a graphical object with what lies beside it, WCAG 2.2, 1.4.11."""
VISIONS = {
    "full": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritanopia": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
"""Linear RGB as it is seen, Machado and others 2009, severity 1."""
ACROSS = """([source, colour, grey]) => {
  const drawOutline = new Function(`${source}; return drawOutline;`)();
  const canvas = new OffscreenCanvas(60, 60), pen = canvas.getContext("2d"), path = new Path2D();
  pen.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
  pen.fillRect(0, 0, 60, 60);
  path.rect(20, 20, 20, 20);
  drawOutline(pen, { left: 0, top: 0, step: [1, 1] }, { path, colour, opacity: 1 }, 60);
  return [...pen.getImageData(0, 30, 30, 1).data];
}"""


READ_OUT = """([source, wide]) => {
  const drawReadout = new Function(`${source}; return drawReadout;`)();
  const pen = new OffscreenCanvas(wide, 270).getContext("2d"), drawn = [];
  pen.fillText = (text, x) => drawn.push([text, x - pen.measureText(text).width]);
  drawReadout(pen, { w: wide, h: 270 }, ["19 of 41 · R 3.5 mm", "full 1–255"]);
  return drawn;
}"""


@pytest.fixture
def page(browser: Browser, address: str) -> Page:
    page = watched(browser.new_page(viewport={"width": 1200, "height": 800}), address)
    page.goto(address)
    settled(page, PLACED)
    page.locator("canvas").first.focus()
    yield page
    assert page.complaints == []
    page.close()


def test_an_outline_is_seen_on_every_grey_by_every_kind_of_colour_vision(browser: Browser) -> None:
    page = browser.new_page()
    source = assets.text("draw.js")
    for name, colour in COMPARTMENT_COLOURS.values():
        for grey in range(0, 256, 51):
            pixels = np.array(page.evaluate(ACROSS, [source, colour, grey])).reshape(-1, 4)[:, :3]
            for vision, matrix in VISIONS.items():
                light = luminances(pixels, matrix)
                ratio = max(contrast(at, light[0]) for at in light)
                assert ratio >= LEAST_CONTRAST, f"{name} on {grey} in {vision}: {ratio:.1f}"
                between = max(contrast(one, other) for one, other in zip(light[:-2], light[2:], strict=True))
                assert between >= LEAST_CONTRAST, f"{name} on {grey} in {vision}: no edge, {between:.1f}"
    page.close()


def test_words_on_a_narrow_picture_stand_beside_the_cord_and_not_on_it(browser: Browser) -> None:
    page = browser.new_page()
    for wide, count in ((285, 3), (600, 2)):
        drawn = page.evaluate(READ_OUT, [assets.text("draw.js"), wide])
        assert len(drawn) == count
        assert "".join(text for text, _ in drawn[::-1]).replace(" · ", "") == "19 of 41R 3.5 mmfull 1–255"
        assert min(left for _, left in drawn) > 0.6 * wide - 9, "the middle, where cord and tumour are, is free"
    page.close()


def luminances(pixels: NDArray, vision: NDArray) -> NDArray:
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.clip(linear @ vision.T, 0, 1) @ [0.2126, 0.7152, 0.0722]


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.browser
def test_every_tool_is_named_on_hover_and_focus_and_its_key_is_listed(page: Page) -> None:
    tools = page.locator(".bar button:visible")
    named = [tools.nth(n).get_attribute("aria-label") or tools.nth(n).inner_text() for n in range(tools.count())]
    assert all(named)
    assert len(set(named)) == len(named) > 18
    tip, root = page.locator(".tip"), page.locator(".slices").bounding_box()
    for n in (0, 7, tools.count() - 1):
        tools.nth(n).hover()
        expect(tip).to_be_visible()
        expect(tip).to_contain_text(named[n])
        box = tip.bounding_box()
        assert root["x"] - 1 <= box["x"] <= box["x"] + box["width"] <= root["x"] + root["width"] + 1
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    tools.nth(2).focus()
    page.keyboard.press("Tab")
    expect(tip).to_contain_text(named[3])
    page.locator("canvas").first.focus()
    page.keyboard.press("?")
    listed = " ".join(page.locator(".keys dt").all_inner_texts()).replace(",", " ").split()
    keys = page.locator(".bar [aria-keyshortcuts]").evaluate_all("(all) => all.map((it) => it.ariaKeyShortcuts)")
    assert set(keys) - set(listed) == set()
    assert len(keys) > 15


@pytest.mark.browser
def test_a_key_that_can_do_nothing_here_says_why(page: Page) -> None:
    said = page.locator(".said")
    for key, words in {
        "j": "No new signal is marked",
        "o": 'All planes: switch "plain slices" off',
        "q": "q is no key of the viewer",
        "4": "Two scans are shown: add visits",
        ",": "shift a blend",
        "Enter": "r switches it on first",
    }.items():
        page.keyboard.press(key)
        expect(said).to_contain_text(words)
    page.keyboard.press("x")
    expect(said).to_have_text("")


@pytest.mark.browser
def test_layouts_full_screen_and_flicker(page: Page) -> None:
    captions = page.locator("figure:visible figcaption")
    expect(captions).to_have_text(["first", "second"])
    page.keyboard.press("1")
    expect(captions).to_have_text(["first"])
    page.keyboard.press("1")
    expect(captions).to_have_text(["second"])
    page.keyboard.press("2")
    expect(captions).to_have_text(["first", "second"])
    page.locator("canvas").first.focus()
    page.keyboard.press("f")
    for words in ("second", "first", "second"):
        expect(captions).to_have_text([words])
    page.keyboard.press("f")
    expect(captions).to_have_text(["first", "second"])
    before = page.locator("figure").first.bounding_box()["height"]
    page.get_by_role("button", name="full screen").click()
    expect(page.get_by_role("button", name="full screen")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("(low) => document.querySelector('*') && innerHeight > low", arg=before)
    assert page.locator(".slices").bounding_box()["height"] == pytest.approx(page.evaluate("innerHeight"), abs=2)
    page.get_by_role("button", name="full screen").click()
    expect(page.get_by_role("button", name="full screen")).to_have_attribute("aria-pressed", "false")


@pytest.mark.browser
def test_the_ruler_measures_by_mouse_and_by_keyboard_and_moves_nothing(page: Page) -> None:
    canvas, said = page.locator("canvas").first, page.locator(".said")
    page.keyboard.press("r")
    box = canvas.bounding_box()
    scale = min(box["width"] / 30, box["height"] / 40)  # pixels a mm
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"] + 12 * scale, box["y"] + 0.3 * box["height"] + 16 * scale, steps=3)
    page.mouse.up()
    expect(said).to_contain_text("on this picture, its voxels 1.0 × 1.0 mm; not on record")
    length = float(said.inner_text().removeprefix("Ruler: ").split(" mm")[0])
    assert length == pytest.approx(20.0, abs=0.2)
    settled(page, "sagittal slice 5 of 8 · L 1.5 mm")
    for key in ("Enter", *["Shift+ArrowUp"] * 5, "Enter"):
        page.keyboard.press(key)
    expect(said).to_contain_text("Ruler: 5.0 mm")
    page.keyboard.press("a")
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="ruler")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("r")
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.keyboard.press("0")  # takes the line away while it is drawn
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"], steps=3)
    page.mouse.up()


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_the_picture_that_comes_in_the_place_of_another_shows_the_same_place(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 1000, "height": 700}), address)
    page.goto(f"{address}?in=own")
    expect(page.locator(".volumes")).to_have_attribute("data-ready", "true")
    captions = page.locator(".volumes figure:visible figcaption")
    page.locator(".volumes figure canvas:not(.marks)").first.focus()
    page.keyboard.press("1")
    expect(captions).to_have_count(1)
    first = captions.first.inner_text()
    for _ in range(6):
        page.keyboard.press("Shift+ArrowUp")
    place = page.locator(".volumes .where").inner_text()
    page.keyboard.press("1")
    expect(captions.first).not_to_have_text(first)
    assert page.locator(".volumes .where").inner_text() == place
    page.keyboard.press("1")
    expect(captions.first).to_have_text(first)
    assert page.locator(".volumes .where").inner_text() == place
    assert page.complaints == []
    page.close()


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_scans_in_their_own_grids_flicker_and_are_measured_in_their_own_millimetres(
    browser: Browser, address: str
) -> None:
    page = watched(browser.new_page(viewport={"width": 1000, "height": 700}), address)
    page.goto(f"{address}?in=own")
    expect(page.locator(".volumes")).to_have_attribute("data-ready", "true")
    captions, said = page.locator(".volumes figure:visible figcaption"), page.locator(".volumes .said")
    expect(captions).to_have_count(2)
    page.locator(".volumes figure canvas:not(.marks)").first.focus()
    page.keyboard.press("b")
    expect(said).to_contain_text("own grids lie side by side")
    page.keyboard.press("f")
    expect(captions).to_have_count(1)
    for words in ("2020", "2023"):
        expect(captions.first).to_contain_text(words)
    page.keyboard.press("f")
    expect(captions).to_have_count(2)
    page.locator(".volumes figure canvas:not(.marks)").first.focus()
    for key in ("r", "Enter", *["Shift+ArrowUp"] * 5, "Enter"):
        page.keyboard.press(key)
    expect(said).to_contain_text("Ruler: 4.0 mm on this picture, its voxels 0.8 × 0.8 mm")
    assert page.complaints == []
    page.close()
