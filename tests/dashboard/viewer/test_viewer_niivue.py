"""NiiVue, drawn in software by a real browser: the right way round, linked, compared, and what stands in its place.

Marked slow: about a minute.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from tests.dashboard.viewer_page import ANTERIOR, RIGHT, SUPERIOR, found, ring_on, watched
from tests.dashboard.viewer_phantoms import needs_niivue

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


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_niivue_opens_at_the_place_of_a_link_and_makes_one(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes&place=coronal_4.5_14.0_23.0_blend_lesion")
    where = page.locator(".volumes output.where")
    expect(where).to_contain_text("crosshair R 4.5 · A 14.0 · S 23.0 mm")
    expect(page.get_by_role("button", name="coronal", exact=True)).to_have_attribute("aria-pressed", "true")
    for pressed in ("blend", "lesion"):
        expect(page.locator(".volumes").get_by_role("button", name=pressed, exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
    page.locator(".volumes canvas").first.focus()
    for key in ("k", "w", "g"):
        page.keyboard.press(key)
    expect(where).to_contain_text("L 1.5")
    page.get_by_role("button", name="link here").click()
    page.wait_for_url("**place=axial_-1.5_14.0_18.0_swipe_*", wait_until="commit")
    assert "_lesion" not in page.url, "the next window was asked for"
    assert page.complaints == []
    page.close()


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_paper_never_shows_a_scan_that_was_not_drawn_yet(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes")
    volumes = page.locator(".volumes")
    expect(volumes).to_have_attribute("data-ready", "true")
    words = "Printed before the scans were drawn"
    before = "(root) => getComputedStyle(root, '::before').content"
    page.emulate_media(media="print")
    expect(volumes.locator(".panes")).to_be_visible()
    assert words not in volumes.evaluate(before)
    volumes.evaluate("(root) => delete root.dataset.ready")
    expect(volumes.locator(".panes")).to_be_hidden()
    assert words in volumes.evaluate(before)
    page.emulate_media(media="screen")
    expect(volumes.locator(".panes")).to_be_visible()
    page.close()


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_niivue_opens_on_a_spot_rings_it_and_goes_to_the_next(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes&spots=1")
    where = page.locator(".volumes output.where")
    expect(where).to_contain_text("crosshair R 1.5 · A 6.0 · S 38.0 mm")
    marks = page.locator(".volumes canvas.marks")
    assert min(ring_on(marks.nth(n))["count"] for n in (0, 1)) > 50, "ringed in both visits"
    page.locator(".volumes canvas").first.focus()
    page.keyboard.press("j")
    expect(where).to_contain_text("crosshair R 1.5 · A 6.0")
    page.keyboard.press("j")
    expect(where).to_contain_text("crosshair L 7.5 · A 20.0 · S 30.0 mm")
    assert page.complaints == []
    page.close()


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_niivue_zooms_about_the_crosshair_and_a_link_keeps_it(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes&spots=1&place=sagittal_-7.5_20.0_30.0")
    where, marks = page.locator(".volumes output.where"), page.locator(".volumes canvas.marks").first
    expect(where).to_contain_text("crosshair L 7.5")
    before = ring_on(marks)
    page.locator(".volumes canvas").first.focus()
    for _ in range(5):
        page.keyboard.press("+")
    page.get_by_role("button", name="link here").click()
    page.wait_for_url("**_side_full_3.05_", wait_until="commit")
    nearer = ring_on(marks)
    page.reload()
    expect(where).to_contain_text("crosshair L 7.5")
    for ring in (nearer, ring_on(marks)):
        assert ring["wide"] > 1.5 * before["wide"]
        assert (ring["x"], ring["y"]) == pytest.approx((before["x"], before["y"]), abs=4), "it stays where it is"
    assert page.complaints == []
    page.close()


DRAWN_ON = """(canvas) => {
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const rows = Array(height).fill(0), columns = Array(width).fill(0);
  for (let n = 3; n < data.length; n += 4)
    if (data[n] > 20) { const at = (n - 3) / 4; rows[Math.floor(at / width)] += 1; columns[at % width] += 1; }
  return { rows, columns };
}"""


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_both_lines_of_the_crosshair_are_drawn_at_every_size(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(), address)
    for size in ((1280, 720), (1366, 768), (1024, 768), (823, 617)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(f"{address}?in=volumes")
        expect(page.locator(".volumes")).to_have_attribute("data-ready", "true")
        marks = page.locator(".volumes canvas.marks").first
        with_lines = marks.evaluate(DRAWN_ON)
        page.locator(".volumes canvas").first.focus()
        page.keyboard.press("x")
        expect(page.get_by_role("button", name="crosshair")).to_have_attribute("aria-pressed", "false")
        without = marks.evaluate(DRAWN_ON)
        for line, across in (("rows", "columns"), ("columns", "rows")):
            longest = max(np.subtract(with_lines[line], without[line]))
            assert longest > 0.4 * len(with_lines[across]), f"a line of the crosshair is missing at {size}: {line}"
    assert page.complaints == []
    page.close()


WITHOUT_WEBGL2 = (
    "OffscreenCanvas.prototype.getContext = ((get) => function (kind, ...rest) {"
    " return kind === 'webgl2' ? null : get.call(this, kind, ...rest); })(OffscreenCanvas.prototype.getContext);"
)


@pytest.mark.browser
@needs_niivue
def test_without_webgl2_the_plain_viewer_opens_in_niivues_place_and_says_why(browser: Browser, address: str) -> None:
    bare = watched(browser.new_page(), address)
    bare.add_init_script(WITHOUT_WEBGL2)
    bare.goto(f"{address}?in=volumes")
    expect(bare.get_by_role("status").filter(has_text="browser offers no WebGL2")).to_be_visible()
    expect(bare.locator(".slices canvas")).to_have_count(2)
    expect(bare.locator(".volumes")).to_be_hidden()
    assert found(bare, ANTERIOR)["x"] < 0.4
    bare.goto(f"{address}?in=own")
    expect(bare.get_by_role("status").filter(has_text='no WebGL2. Switch "own grids" off')).to_be_visible()
    expect(bare.locator(".slices")).to_be_hidden()
    bare.close()


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_niivue_shows_the_scans_the_right_way_round_and_linked(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes")
    where = page.locator(".volumes output.where")
    expect(where).to_contain_text("crosshair L 1.5 · A 14.0 · S 21.0 mm")
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


MARKED = """(sheet, [from, to]) => {
  const { data, width } = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height), rows = new Set();
  for (let n = 0; n < data.length; n += 4)
    if (data[n + 3] > 200 && data[n] > 180 && data[n + 1] < 90 && data[n + 2] > 60 && data[n + 2] < 140) // the tumour's
      if ((n / 4) % width >= from * width && (n / 4) % width < to * width) rows.add(Math.floor(n / 4 / width));
  return rows.size;
}"""


def come_by_tab_and_ask_for_keys(volumes: Locator) -> None:
    reached = volumes.locator("canvas:focus, summary:focus")
    for _ in range(60):
        volumes.page.keyboard.press("Tab")
        if reached.count():
            break
    assert reached.evaluate("(e) => e.tagName") == "CANVAS", "the tabulator leads to the pictures"
    outline = reached.evaluate("(e) => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth")
    assert outline == "solid3px", "and shows it"
    volumes.page.keyboard.press("?")
    expect(volumes.get_by_text("side by side, blend, swipe, difference")).to_be_visible()
    volumes.page.keyboard.press("?")


def seam_follows_keys_and_mouse(volumes: Locator, first: dict[str, float]) -> None:
    page, top = volumes.page, volumes.locator("figure").nth(1).locator(".stage")
    for _ in range(4):
        page.keyboard.press(",")
    assert "30%" in top.evaluate("(e) => e.style.clipPath")
    box = volumes.locator(".divider").bounding_box()
    assert abs(box["x"] + box["width"] / 2 - (first["x"] + 0.3 * first["width"])) < 2, "the line is where the seam is"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(first["x"] + 0.8 * first["width"], box["y"] + 50)
    page.mouse.up()
    assert "80%" in top.evaluate("(e) => Number.parseFloat(e.style.clipPath.split(' ')[3]).toFixed(0) + '%'")


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_two_visits_in_one_picture_of_niivue_by_keyboard_alone(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes")
    volumes = page.locator(".volumes")
    expect(volumes.locator("output.where")).to_contain_text("crosshair L 1.5")
    figures, sheets = volumes.locator("figure"), volumes.locator("canvas.marks")
    come_by_tab_and_ask_for_keys(volumes)

    alone = [sheets.nth(n).evaluate(MARKED, [0, 1]) for n in (0, 1)]
    assert alone[0] > alone[1] > 0, "the first visit's section is the larger one here"
    page.keyboard.press("w")
    expect(figures.first.locator("figcaption")).to_contain_text("first | second")
    first, second = (figures.nth(n).bounding_box() for n in (0, 1))
    assert first == second, "one over the other"
    assert first["width"] > 600
    top = figures.nth(1).locator(".stage")
    assert "50%" in top.evaluate("(e) => e.style.clipPath")
    seam_follows_keys_and_mouse(volumes, first)

    page.keyboard.press("b")
    expect(figures.first.locator("figcaption")).to_contain_text("first → second")
    assert float(top.evaluate("(e) => e.style.opacity")) == pytest.approx(0.8, abs=0.01)
    page.keyboard.press("d")
    expect(figures.first.locator("figcaption")).to_contain_text("second minus first")
    middle = sheets.nth(1).evaluate(
        "(c) => [...c.getContext('2d').getImageData(c.width / 2 + 40, (3 * c.height) / 4, 1, 1).data]"
    )
    assert middle == pytest.approx([28, 32, 38, 255], abs=2), "both visits are alike there: neither orange nor blue"
    page.keyboard.press("m")
    assert figures.nth(1).bounding_box()["x"] > figures.first.bounding_box()["x"]
    assert top.evaluate("(e) => e.style.opacity + e.style.clipPath") == ""
    assert page.complaints == []
    assert page.strangers == []
