"""The linked scan viewer: what a real browser draws of it.

About half a minute with the plain viewer; NiiVue, drawn in software, takes as long again and is marked slow.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.dashboard.viewer_phantoms import PATIENCE_MS, chromium, needs_niivue, served

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    chromium()
    with served(tmp_path_factory.mktemp("viewer")) as url:
        yield url


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
    expect(page.locator("output.where")).to_contain_text("slice")
    return page


def watched(page: Page, address: str) -> Page:
    page.set_default_timeout(PATIENCE_MS)
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
    expect(page.locator("output.where")).to_contain_text(text)
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
    press("largest sagittal section")
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


@pytest.mark.browser
@pytest.mark.slow
@needs_niivue
def test_two_visits_in_one_picture_of_niivue_by_keyboard_alone(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 800, "height": 600}), address)
    page.goto(f"{address}?in=volumes")
    volumes = page.locator(".volumes")
    expect(volumes.locator("output.where")).to_contain_text("crosshair L 1.5")
    figures, sheets = volumes.locator("figure"), volumes.locator("canvas.marks")
    reached = volumes.locator("canvas:focus, summary:focus")
    for _ in range(60):
        page.keyboard.press("Tab")
        if reached.count():
            break
    assert reached.evaluate("(e) => e.tagName") == "CANVAS", "the tabulator leads to the pictures"
    outline = reached.evaluate("(e) => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth")
    assert outline == "solid3px", "and shows it"
    page.keyboard.press("?")
    expect(volumes.get_by_text("side by side, blend, swipe, difference")).to_be_visible()
    page.keyboard.press("?")

    alone = [sheets.nth(n).evaluate(MARKED, [0, 1]) for n in (0, 1)]
    assert alone[0] > alone[1] > 0, "the first visit's section is the larger one here"
    page.keyboard.press("w")
    expect(figures.first.locator("figcaption")).to_contain_text("first | second")
    first, second = (figures.nth(n).bounding_box() for n in (0, 1))
    assert first == second, "one over the other"
    assert first["width"] > 600
    top = figures.nth(1).locator(".stage")
    assert "50%" in top.evaluate("(e) => e.style.clipPath")
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
