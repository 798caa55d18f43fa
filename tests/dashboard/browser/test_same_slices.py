"""The same slice at all visits in a real browser: opened, looked at, clicked, and at 1024 px within the page."""

import pytest

from tests.dashboard.browser.driving import settled

LINE = "[class*=st-key-ct-multiples-line-]"


@pytest.mark.parametrize("width", [1440, 1024, 720])
def test_the_pictures_come_when_they_are_asked_for_and_lead_to_the_slice(page, server, width):
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{server}/patient?patient=sub-01")
    settled(page)
    assert page.locator(f"{LINE} img").count() == 0, "nothing is drawn before somebody looks"
    page.get_by_text("The same slice at all visits").click()
    page.locator(f"{LINE} img").first.wait_for()
    settled(page)
    pictures = page.locator(f"{LINE} img")
    visits = page.locator(f"{LINE} [class*=st-key-seen-multiple-]").count()
    assert pictures.count() == visits > 1
    for number in range(visits):
        assert pictures.nth(number).evaluate("one => one.complete && one.naturalWidth > 0")
        assert "/media/" in pictures.nth(number).get_attribute("src"), "behind the door of all files"
        box = pictures.nth(number).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(f"{LINE} [class*=st-key-seen-multiple-] button").first.click()
    page.wait_for_url("**place=sagittal_**")
    settled(page)
    page.emulate_media(media="print")
    assert pictures.first.is_visible(), "they stand on paper, too"
