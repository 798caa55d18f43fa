"""The plain viewer of linked scans: what a real browser draws of it. About half a minute."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.viewer_page import ANTERIOR, RIGHT, SUPERIOR, found, ring_on, settled, watched


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Page:
    page = watched(browser.new_page(viewport={"width": 1200, "height": 800}, device_scale_factor=2), address)
    page.goto(address)
    expect(page.locator("output.where")).to_contain_text("slice")
    return page


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
def test_spots_are_ringed_and_gone_to_one_after_the_other(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 1200, "height": 800}), address)
    page.goto(f"{address}?spots=1")
    settled(page, "sagittal slice 4 of 8 · R 1.5 mm")
    first = page.locator("canvas").first
    ring = ring_on(first)
    assert ring["count"] > 100
    assert ring["wide"] == pytest.approx(ring["tall"], abs=3)
    scale = first.evaluate("(c) => Math.min(c.clientWidth / 30, c.clientHeight / 40)")  # pixels a mm
    assert ring["wide"] == pytest.approx(2 * (5 * scale + 4) + 2, abs=6)
    first.focus()
    page.keyboard.press("ArrowDown")
    settled(page, "slice 5 of 8")
    assert ring_on(first)["count"] > 100, "the ball reaches into the next slice"
    page.keyboard.press("End")
    settled(page, "slice 8 of 8")
    assert ring_on(first)["count"] == 0
    jump = page.get_by_role("button", name="new signal")
    expect(jump).to_have_attribute("aria-description", "2023-01-01, about 0.52 mL; a smaller one")
    for place in ("R 1.5", "L 7.5", "R 1.5"):
        jump.click()
        settled(page, place)
    assert page.complaints == []
    page.close()


@pytest.mark.browser
def test_a_link_restores_zoom_and_window(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 1200, "height": 800}), address)
    words = "axial_1.5_14.0_18.0_side_full_3.05_20~90,20~90"
    page.goto(f"{address}?place={words}")
    settled(page, "axial slice")
    narrow = pictures(page)
    page.get_by_role("button", name="link here").click()
    page.wait_for_url(f"**place={words.replace(',', '%2C')}", wait_until="commit")
    page.get_by_role("button", name="full", exact=True).click()
    settled(page, "axial slice")
    assert pictures(page)[0] != narrow[0]
    page.get_by_role("button", name="link here").click()
    page.wait_for_url("**place=axial_1.5_14.0_18.0_side_full_3.05_", wait_until="commit")
    assert page.complaints == []
    page.close()


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


@pytest.mark.browser
def test_a_link_is_made_when_asked_for_and_opens_at_its_plane_and_place(browser: Browser, address: str) -> None:
    page = watched(browser.new_page(viewport={"width": 1200, "height": 800}), address)
    page.goto(address)
    settled(page, "sagittal slice 5 of 8")
    page.locator("canvas").first.focus()
    for key in ("a", "ArrowUp", "ArrowUp", "b"):
        page.keyboard.press(key)
    settled(page, "axial slice 22 of 40 · S 23.0 mm")
    assert page.get_by_text("runs: 1").count() == 1, "looking makes no page run"
    page.get_by_role("button", name="link here").click()
    page.wait_for_url("**/?place=axial_-1.5_14.0_23.0_blend_full", wait_until="commit")
    expect(page.get_by_text("runs: 2")).to_be_visible()
    settled(page, "axial slice 22 of 40 · S 23.0 mm")
    page.reload()
    settled(page, "axial slice 22 of 40 · S 23.0 mm")
    expect(page.get_by_role("button", name="blend", exact=True)).to_have_attribute("aria-pressed", "true")
    assert page.complaints == []
    page.close()
