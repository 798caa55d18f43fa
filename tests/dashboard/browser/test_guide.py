"""The guide opens from the head of a page, is searched, and loads nothing from elsewhere (15 s)."""

import re

from dashboard.shell import guide
from tests.dashboard.browser.driving import settled


def test_the_guide_opens_from_the_head_of_a_page_and_is_searched_without_a_network(page, server):
    asked, missing = [], []
    page.context.on("request", lambda request: asked.append(request.url))
    page.context.on(
        "response", lambda one: missing.append(one.url) if one.status >= 400 and guide.PLACE in one.url else None
    )
    page.goto(f"{server}/methods")
    settled(page)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Guide").click()
    beside = opened.value
    beside.locator("h1", has_text="cordtrack").wait_for()
    beside.get_by_role("link", name="Tutorial").first.click()
    beside.locator("h1", has_text="eight people who do not exist").wait_for()
    beside.get_by_role("button", name="Search").first.click()
    beside.keyboard.type("detection limit")
    beside.get_by_text(re.compile(r"^[1-9]\d* results?$")).wait_for()
    elsewhere = [url for url in asked if not url.startswith((server, server.replace("http", "ws"), "data:", "blob:"))]
    assert (elsewhere, missing) == ([], [])


def test_the_guide_gives_nothing_but_what_was_built(page, server):
    for place in ("..%2f..%2fpyproject.toml", "%2fetc%2fpasswd", "no-such-page.html"):
        assert page.request.get(f"{server}/{guide.PLACE}/{place}").status in (400, 404), place
