"""Small and large screens, light and dark, an empty study, a failed visit, hostile words (about 60 s)."""

import re
from dataclasses import replace

import pytest

from pipeline.core import records
from pipeline.store import publish
from tests.dashboard.browser.driving import MOVING, STILL, settled, watched
from tests.factories import tiny_store

TOO_WIDE = (
    "[document.documentElement.scrollWidth, ...[...document.querySelectorAll('.ct-table, .ct-row')]"
    ".map(part => part.getBoundingClientRect().right)].some(right => right > window.innerWidth)"
)
"""Also a table that the page cuts off instead of growing."""
COURSE_ENDS_ABOVE = """foot => {
  const plot = document.querySelector(".js-plotly-plot .main-svg")?.getBoundingClientRect();
  return plot && plot.top > 0 && plot.bottom < foot;
}"""
"""A low screen draws it once more, as high as it has room."""
ADD_SETS = """table => {
  const [row] = table.tBodies[0].rows;
  for (const of of ["what the rule compares", "lesion-2 alone"]) {
    const more = row.cloneNode(true);
    more.querySelector(".ct-of").textContent = of;
    row.after(more);
  }
}"""
CELLS = """row => [...row.children].filter(cell => !cell.matches('.ct-acts') && cell.offsetWidth)
  .map(cell => cell.getBoundingClientRect().left)"""
AXES = ("logarithmic", "linear")
LINES = "each => each.offsetHeight / parseFloat(getComputedStyle(each).lineHeight)"
HALF_FITS = """() => {
  const half = document.querySelector('.st-key-ct-halves-patient [data-testid="stColumn"]');
  return half.scrollHeight <= half.clientHeight + 1 && half.scrollWidth <= half.clientWidth + 1;
}"""
COURSE_PX = "() => document.querySelector('.js-plotly-plot').offsetHeight"
HOSTILE = "<img src=x onerror=alert(1)> **bold** \u202egnorw שלום " + "long" * 60


@pytest.fixture
def empty_server(shown, tmp_path):
    return shown(tmp_path)


@pytest.fixture(scope="module")
def hostile_out(tmp_path_factory):
    """Everything that is free text says something hostile, over-long and from right to left."""
    out = tmp_path_factory.mktemp("hostile")
    rows = [
        replace(row, reason=HOSTILE) if isinstance(row, records.Assessment)
        else replace(row, message=HOSTILE, remedy=HOSTILE) if isinstance(row, records.Finding)
        else replace(row, level=HOSTILE, histology=HOSTILE) if isinstance(row, records.Patient)
        else replace(row, name=HOSTILE) if isinstance(row, records.Study)
        else row
        for row in tiny_store()
    ]  # fmt: skip
    publish.publish(out, rows)
    return out


@pytest.fixture
def hostile_server(shown, hostile_out):
    return shown(hostile_out)


@pytest.mark.parametrize(("size", "ground", "motion"), [((1280, 720), "light", MOVING), ((3840, 2160), "dark", STILL)])
def test_pages_fit_the_screen_and_follow_its_ground(visitor, server, size, ground, motion):
    for page in watched(visitor, size, ground, motion):
        for address in ("", "present?at=sub-01", "quality", "methods", "patient?patient=sub-05&plain=1"):
            page.goto(f"{server}/{address}")
            settled(page)
            assert not page.evaluate(TOO_WIDE), f"{address} is too wide"
            if not address:
                letters = "box => box.clientWidth / parseFloat(getComputedStyle(document.documentElement).fontSize)"
                assert page.locator(".st-key-meeting-day").evaluate(letters) > 9, "the day of the meeting is not cut"
        page.get_by_role("tab", name="Visits and alignment").click()
        page.get_by_text("failed: the file is empty (0 bytes)").wait_for()
        colour = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}[ground]


@pytest.mark.parametrize("size", [(1024, 768), (1440, 900), (1920, 1080), (2560, 1440)])
def test_a_row_of_the_board_is_one_line_of_columns_each_under_its_name(visitor, server, size):
    for page in watched(visitor, size):
        page.goto(server)
        settled(page)
        named, first = (page.locator(row).first.evaluate(CELLS) for row in (".ct-board.ct-head", ".ct-board.ct-rule"))
        assert len(named) == len(first) >= 6
        assert first == pytest.approx(named, abs=2)
        assert first == sorted(set(first)), "none wrapped below another"


@pytest.mark.parametrize("size", [(1280, 640), (1280, 720), (2560, 1440)])
def test_the_projector_fits_on_one_screen_with_its_scans_and_their_foot(visitor, server, size):
    for page in watched(visitor, size):
        page.goto(f"{server}/present?at=sub-01&plain=1")
        page.locator(".slices:not([hidden]) canvas").first.wait_for()
        settled(page)
        numbers = page.locator(".ct-numbers")
        numbers.wait_for()
        notes = page.locator(".st-key-ct-notes").bounding_box()
        assert numbers.bounding_box()["y"] + numbers.bounding_box()["height"] < notes["y"], "numbers never vanish"
        main = page.locator("[data-testid=stMain]")
        page.wait_for_function("main => main.scrollHeight <= main.clientHeight + 1", arg=main.element_handle())
        page.wait_for_function(COURSE_ENDS_ABOVE, arg=notes["y"])
        pictures, keep = page.locator("canvas").first, page.get_by_role("button", name="Keep")
        assert pictures.bounding_box()["height"] > 0.25 * size[1]
        assert keep.bounding_box()["y"] > pictures.bounding_box()["y"] + pictures.bounding_box()["height"]
        assert page.get_by_role("link", name="End").is_visible()


@pytest.mark.parametrize("size", [(1280, 640), (1280, 720)])
def test_on_a_low_projector_the_course_leaves_its_room_to_numbers_of_three_sets_of_lesions(visitor, server, size):
    for page in watched(visitor, size):
        page.goto(f"{server}/present?at=sub-01&plain=1")
        settled(page)
        numbers = page.locator(".ct-numbers")
        numbers.evaluate(ADD_SETS)
        page.wait_for_function(HALF_FITS)
        page.wait_for_function(COURSE_ENDS_ABOVE, arg=page.locator(".st-key-ct-notes").bounding_box()["y"])
        names, intervals = (numbers.locator(f".ct-{kind}").all() for kind in ("of", "interval"))
        assert len(names) == 3
        for words in (*names, *intervals):
            assert words.evaluate(LINES) < 1.5, f"{words.inner_text()} stands on one line"


def test_on_a_low_projector_the_course_is_as_high_again_once_it_has_the_room_again(visitor, server):
    for page in watched(visitor, (1280, 720)):
        page.goto(f"{server}/present?at=sub-01&plain=1")
        settled(page)
        page.wait_for_function(COURSE_ENDS_ABOVE, arg=page.locator(".st-key-ct-notes").bounding_box()["y"])
        first_px = page.evaluate(COURSE_PX)
        page.set_viewport_size({"width": 1280, "height": 640})
        page.wait_for_function(f"was => ({COURSE_PX})() < was", arg=first_px)
        page.set_viewport_size({"width": 1280, "height": 720})
        page.wait_for_function(f"was => ({COURSE_PX})() === was", arg=first_px)


@pytest.mark.parametrize(("size", "fewest_px"), [((3840, 2160), 26), ((2560, 1440), 17)])
def test_words_of_the_course_grow_with_the_screen_and_its_marks_answer_the_pointer(visitor, server, size, fewest_px):
    for page in watched(visitor, size):
        page.goto(f"{server}/present?at=sub-01&plain=1")
        settled(page)
        word = page.locator(".js-plotly-plot .annotation-text").first
        word.wait_for()
        assert word.bounding_box()["height"] > fewest_px
        column = page.locator(".st-key-ct-halves-patient [data-testid=stColumn]").first.bounding_box()
        plot = page.locator(".js-plotly-plot").first.bounding_box()
        assert plot["width"] == pytest.approx(column["width"], abs=4), "as wide as its place, and no wider"
        numbers = page.locator(".ct-numbers").bounding_box()
        assert plot["y"] + plot["height"] < numbers["y"], "the course stands on no number"
        mark = page.locator(".js-plotly-plot .scatterlayer .trace").last.locator(".point").first.bounding_box()
        middle = mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2
        page.mouse.move(middle[0] + 60, middle[1] + 5)
        page.mouse.move(*middle)
        page.locator(".hoverlayer .hovertext").first.wait_for()


def test_a_click_counts_though_the_figure_was_drawn_anew_under_a_resting_pointer(page, server):
    page.goto(f"{server}/patient?patient=sub-01&then=ses-02&now=ses-04&axis=linear&plain=1")
    third = page.locator(".js-plotly-plot .scatterlayer .point").nth(2)
    axis = {name: page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)) for name in AXES}

    def drawn(name):
        """Choose an axis without the pointer, and return where the mark of 2021 stands then."""
        settled(page)
        before = third.bounding_box()
        axis[name].dispatch_event("click")
        page.wait_for_function(
            "y => document.querySelectorAll('.js-plotly-plot .scatterlayer .point')[2].getBoundingClientRect().y !== y",
            arg=before["y"],
        )
        settled(page)
        box = third.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    settled(page)
    drawn("logarithmic")
    at = drawn("linear")
    drawn("logarithmic")
    page.mouse.move(at[0] + 9, at[1])
    page.mouse.move(*at)
    assert drawn("linear") == pytest.approx(at)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**now=ses-03**")


QUICK_CLICK = """async ([x, y]) => {
    const happens = (Kind, name, away = 0) => document.elementFromPoint(x, y).dispatchEvent(
        new Kind(name, { clientX: x + away, clientY: y, button: 0, bubbles: true, cancelable: true, view: window }));
    for (const away of [2, 1, 0]) happens(MouseEvent, 'mousemove', away);
    happens(PointerEvent, 'pointerdown');
    happens(MouseEvent, 'mousedown');
    await new Promise((done) => setTimeout(done, 250));
    happens(PointerEvent, 'pointerup');
    happens(MouseEvent, 'mouseup');
}"""
"""Moves and a press within one turn of the page, and a release a quarter of a second later."""


def test_a_click_right_after_a_move_counts_however_long_it_is_held(page, server):
    """What a figure puts off while the pointer moves, it does while the button is down, and forgets the mark then."""
    page.goto(f"{server}/patient?patient=sub-01&then=ses-02&now=ses-04&axis=linear&plain=1")
    settled(page)
    mark = page.locator(".js-plotly-plot .scatterlayer .point").nth(2)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.evaluate(QUICK_CLICK, [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    page.wait_for_url(re.compile("now=ses-0[1235]"), timeout=20_000)


def test_a_failed_last_visit_hides_nothing_that_was_measured_before(page, server):
    page.goto(f"{server}/patient?patient=sub-05")
    page.get_by_text("this is the last that could be, of 2022-07-10").wait_for()
    page.locator(".ct-numbers").get_by_text("0.61").first.wait_for()
    page.get_by_text("progression from").wait_for()


def test_an_empty_study_says_what_to_do(empty_server, page):
    page.goto(empty_server)
    page.get_by_text("Nothing to show").wait_for()
    page.get_by_text("cordtrack run STUDY_FOLDER OUT_DIR").wait_for()


@pytest.mark.parametrize("address", ["", "patient?patient=sub-01", "present?at=sub-01", "quality"])
def test_words_from_the_data_stay_words_and_inside_the_page(visitor, hostile_server, address):
    for page in watched(visitor, (1280, 720)):
        page.goto(f"{hostile_server}/{address}")
        settled(page)
        page.get_by_text("<img src=x onerror=alert(1)>").first.wait_for()
        assert not page.evaluate(TOO_WIDE)
        assert "\u202e" not in page.locator("[data-testid=stMain]").inner_text()
        assert page.locator("img[src=x]").count() == 0
        assert page.locator("strong", has_text="bold").count() == 0
