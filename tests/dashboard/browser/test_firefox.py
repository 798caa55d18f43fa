"""The journeys that matter in Firefox too: a click that opens a visit, the board and the projector by keys. About 90 s.

Skipped in words where Firefox is not installed; the viewer in Firefox is in tests/dashboard/viewer.
"""

import pytest

from tests.dashboard.firefox import running

ENTER, ESCAPE, PAGE_UP, PAGE_DOWN, RIGHT, DOWN = "\ue007", "\ue00c", "\ue00e", "\ue00f", "\ue014", "\ue015"
"""Keys in the WebDriver protocol."""
STILL = "document.querySelector('.ct-footer') && document.querySelector('[data-test-script-state=notRunning]')"
MARKS = "all('.js-plotly-plot .scatterlayer .point')"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    with running(tmp_path_factory.mktemp("firefox") / "profile") as window:
        yield window


def opened(firefox, address):
    firefox.open(address)
    firefox.wait_for(f"return {STILL}")


def at_patient(firefox, words):
    """Wait until the projector shows which patient of how many."""
    firefox.wait_for(f"return document.body.innerText.includes({words!r}) && {STILL}")


def test_a_click_on_a_mark_shows_its_scan_and_back_returns(firefox, server):
    opened(firefox, f"{server}/patient?patient=sub-01&then=ses-02&now=ses-04")
    firefox.wait_for(f"return {MARKS}.length > 3")
    firefox.click(f"{MARKS}[2]")
    firefox.wait_for("return /now=ses-0[1235]/.test(location.search)")
    firefox.wait_for(f"return {STILL}")
    chosen = "document.querySelector('input[aria-label=Later]').value"
    firefox.wait_for(f"return {chosen} !== '2022-04-10'")
    firefox.ask("WebDriver:Back")
    firefox.wait_for("return location.search.includes('now=ses-04')")
    firefox.wait_for(f"return {chosen} === '2022-04-10'")


def test_the_board_is_walked_by_keys(firefox, server):
    opened(firefox, server)
    firefox.wait_for("return all('.ct-board.ct-rule').length === 7")
    for _ in range(20):  # keys are listened to a moment after the rows are drawn
        firefox.press("/")
        if firefox.run("return document.activeElement.placeholder === 'search'"):
            break
    assert firefox.run("return document.activeElement.placeholder") == "search"
    firefox.press(ESCAPE, DOWN, DOWN)
    firefox.wait_for("return all('.ct-marked').length === 1")
    firefox.press(ENTER)
    firefox.wait_for("return location.href.includes('/patient?patient=')")


def test_the_projector_walks_by_keys_and_clicker_and_keeps_what_is_typed(firefox, server):
    opened(firefox, f"{server}/present?pick=sub-03&pick=sub-04")
    firefox.wait_for("return all('.st-key-ct-notes button').length > 0")
    at_patient(firefox, "1 of 2")
    firefox.press(PAGE_DOWN)
    at_patient(firefox, "2 of 2")
    firefox.press("b")
    firefox.wait_for("return all('.ct-black').length === 1")
    firefox.press(ESCAPE)
    firefox.wait_for("return all('.ct-black').length === 0")
    note = "document.querySelector('input[placeholder^=said]')"
    firefox.click(note)
    firefox.press("b")
    firefox.wait_for(f"return {note}.value === 'b'")
    firefox.press(PAGE_UP)
    at_patient(firefox, "1 of 2")
    firefox.wait_for("return !document.activeElement.matches('input')")  # the field went with its patient
    firefox.press(RIGHT)
    at_patient(firefox, "2 of 2")
    firefox.press(ESCAPE)
    firefox.press(ESCAPE)
    firefox.wait_for("return !location.pathname.includes('present')")
