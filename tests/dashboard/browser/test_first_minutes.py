"""What a newcomer sees first, the tour by keyboard, what is loading, and what is new since a page was drawn (60 s)."""

from datetime import datetime

import pytest

from dashboard.shell import tour
from pipeline.journal import act_file
from pipeline.journal.decisions import Act, ActKind
from pipeline.store import publish
from tests.dashboard.browser.driving import settled, watched
from tests.factories import tiny_store

LOADING = "getComputedStyle(document.querySelector('.stApp'), '::after')"
LOADING_AS_WHILE_A_RUN_LASTS = f"""() => {{
    document.querySelector('.stApp').dataset.testScriptState = 'running';  // parts that draw themselves anew reset it
    return {LOADING}.opacity === '1' && {LOADING}.content;
}}"""


@pytest.fixture
def newcomer(page, server):
    page.goto(server)
    settled(page)
    return page


def test_the_tour_leads_by_keyboard_to_parts_that_are_there_and_is_not_offered_again(newcomer):
    newcomer.get_by_text(tour.WHAT).wait_for()
    newcomer.get_by_role("button", name="Two-minute tour").press("Enter")
    for number, stop in enumerate(tour.STEPS, start=1):
        newcomer.get_by_text(f"{number} of {len(tour.STEPS)} {stop.words}").wait_for()
        newcomer.wait_for_function(f"document.querySelector('[data-ct-toured]')?.matches({stop.selector!r})")
        newcomer.locator(":is(.st-key-tour-next, .st-key-tour-end) button:focus").wait_for()
        newcomer.keyboard.press("Enter")
    newcomer.locator(".st-key-ct-tour").wait_for(state="detached")
    assert newcomer.locator("[data-ct-toured]").count() == 0
    newcomer.get_by_role("link", name="Board").click()
    newcomer.get_by_text("have an open question").wait_for()
    settled(newcomer)
    assert newcomer.get_by_text(tour.WHAT).count() == 0


def test_the_tour_ends_with_escape_and_finds_its_way_back_from_another_page(newcomer):
    newcomer.get_by_role("button", name="Two-minute tour").click()
    newcomer.locator("[data-ct-toured]").wait_for()
    newcomer.get_by_role("link", name="Quality").click()
    newcomer.get_by_role("button", name="Go on with the tour").click()
    newcomer.locator(".ct-board[data-ct-toured]").wait_for()
    newcomer.keyboard.press("Escape")
    newcomer.locator(".st-key-ct-tour").wait_for(state="detached")


def test_the_first_line_stays_hidden_for_the_session(newcomer):
    newcomer.get_by_role("button", name="Hide").click()
    newcomer.get_by_text(tour.WHAT).wait_for(state="detached")
    newcomer.get_by_role("link", name="Methods").click()
    newcomer.get_by_text("This study is judged by").wait_for()
    newcomer.get_by_role("link", name="Board").click()
    newcomer.get_by_text("have an open question").wait_for()
    settled(newcomer)
    assert newcomer.get_by_text(tour.WHAT).count() == 0


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("patient?patient=sub-01&plain=1", "Loading the results and scans of sub-01 …"),
        ('patient?patient=x"} body{color:red', "Loading the most urgent patient …"),
        ("cohort", "Loading outcomes and figures of the cohort …"),
    ],
)
def test_a_page_that_takes_its_time_says_what_it_loads(page, server, address, words):
    page.goto(f"{server}/{address}")
    settled(page)
    page.wait_for_function(f"['none', 'normal'].includes({LOADING}.content)")
    shown = page.wait_for_function(LOADING_AS_WHILE_A_RUN_LASTS).json_value()
    assert shown == f'"{words}"'
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"


def test_an_open_page_says_what_waits_and_that_results_are_new(page, tiny_server, tiny_copy):
    page.goto(f"{tiny_server}/methods")
    settled(page)
    assert page.locator(".st-key-ct-news").inner_text() == ""
    act = Act(ActKind.EXCLUDE_VISIT, "sub-01", session_id="ses-05", reason="moved")
    act_file.append(tiny_copy, [act], "Dr. A", datetime(2024, 1, 3))  # noqa: DTZ001  # as the journal keeps it
    page.get_by_text("1 decision waits for the next run").wait_for()
    publish.publish(tiny_copy, tiny_store())
    page.get_by_role("button", name="New results: show them").click()
    page.get_by_role("button", name="New results: show them").wait_for(state="detached")


def test_each_visitor_begins_with_nothing_of_the_one_before(visitor, server):
    kept = "() => [localStorage.length, sessionStorage.length, document.cookie]"
    for page in watched(visitor):
        page.goto(f"{server}/methods")
        page.evaluate("() => { localStorage.left = 1; sessionStorage.left = 1; document.cookie = 'left=1'; }")
        assert "left=1" in page.evaluate(kept)[2]
    for page in watched(visitor):
        page.goto(f"{server}/_stcore/health")
        *counts, cookies = page.evaluate(kept)
        assert counts == [0, 0]
        assert "left" not in cookies
