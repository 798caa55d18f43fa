"""The guide opens from the head of a page, is searched, and loads nothing from elsewhere (15 s)."""

from dashboard.shell import guide
from tests.dashboard.browser.driving import settled


def test_the_guide_opens_from_the_head_of_a_page_and_is_searched_without_a_network(page, server):
    asked, loud = [], []
    page.context.on("request", lambda request: asked.append(request.url))
    page.context.on("console", lambda line: loud.append(line.text) if line.type == "error" else None)
    page.goto(f"{server}/methods")
    settled(page)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Guide").click()
    beside = opened.value
    beside.get_by_role("heading", name="cordtrack", exact=True).wait_for()
    beside.get_by_role("link", name="Tutorial").first.click()
    beside.get_by_role("heading", name="Tutorial: eight people who do not exist").wait_for()
    beside.get_by_role("button", name="Search").first.click()
    beside.keyboard.type("detection limit")
    beside.get_by_text("Your own scanner tried").first.wait_for()
    elsewhere = [url for url in asked if not url.startswith((server, server.replace("http", "ws"), "data:", "blob:"))]
    assert (elsewhere, loud) == ([], [])


def test_the_guide_gives_nothing_but_what_was_built(page, server):
    for place in ("../../pyproject.toml", "%2e%2e/%2e%2e/pyproject.toml", "/etc/passwd", "no-such-page.html"):
        assert page.request.get(f"{server}/{guide.PLACE}/{place}").status in (404, 405), place
