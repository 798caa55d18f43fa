"""Automatic masks are reviewed by keyboard alone: accepted, edited, passed over (about 20 s)."""

from playwright.sync_api import expect

from pipeline.journal import act_file
from tests.dashboard.browser.driving import PATIENCE_MS, look, settled, tab_to
from tests.dashboard.conftest import save_scan
from tests.dashboard.drawn_visit import publish_drawn_visit


def test_unsigned_masks_are_reviewed_by_keyboard_alone(tiny_server, page, tiny_copy, tmp_path):
    publish_drawn_visit(tiny_copy, tmp_path / "study")
    for session in ("ses-01", "ses-02"):
        save_scan(tiny_copy, "sub-06", session, radius=5)
    page.goto(f"{tiny_server}/patient?patient=sub-06")
    settled(page)
    tab_to(page, "at => at?.tagName === 'BUTTON' && at.textContent.includes('review 2 unsigned')")
    page.keyboard.press("Enter")
    page.get_by_text("Review: 2 unsigned masks left.").wait_for()
    settled(page)
    tab_to(page, "at => at?.getAttribute?.('aria-label') === 'Your name'")
    page.keyboard.type("Rita Reader an")  # letters that are keys of the review are letters here
    page.keyboard.press("Enter")
    settled(page)
    page.keyboard.press("Tab")
    assert "now=ses-01" in page.url
    for following in ("ses-02", "ses-01"):
        page.keyboard.press("n")
        page.wait_for_url(f"**now={following}**")
        settled(page)
    look(page, tmp_path, "review")
    tab_to(page, "at => at?.tagName === 'CANVAS'")
    page.keyboard.press("a")  # also where the picture has the focus
    page.get_by_text("On record: accepted the mask (tumour), Rita Reader an").wait_for()
    page.wait_for_url("**now=ses-02**")
    page.get_by_text("Review: 1 unsigned mask left.").wait_for()
    settled(page)
    (entry,) = act_file.read(tiny_copy).entries
    assert (entry.act, entry.session_id) == ("accept_mask", "ses-01")
    page.keyboard.press("e")
    sketch = page.locator(".sketch")
    expect(sketch).to_have_attribute("data-ready", "true", timeout=PATIENCE_MS)
    before = int(sketch.get_attribute("data-voxels"))
    page.keyboard.press("e")  # the drawing has the focus: its eraser, at the crosshair
    page.keyboard.press("Space")
    assert int(sketch.get_attribute("data-voxels")) < before
    look(page, tmp_path, "edit")
