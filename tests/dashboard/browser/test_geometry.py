"""Every page read by its boxes: words inside what cuts them, none on another; and by axe-core, where it is installed.

Five rounds over all pages in one browser, about 100 s. The two last sizes are usual screens read at 200 %.
"""

from pathlib import Path

import pytest

from tests.dashboard.browser.driving import settled, watched

MISREAD = Path(__file__).with_name("geometry.js").read_text(encoding="utf-8")
PLACES = (
    "",
    "patient?patient=sub-01&plain=1",
    "present?at=sub-01&plain=1",
    "cohort?choose=true",
    "cohort?centre=North&b_centre=South",
    "quality",
    "methods",
)
WRONG = """
.ct-sentence { width: 3rem; overflow: hidden; white-space: nowrap; }
.ct-table td { position: absolute; left: 0; }
"""
SERIOUS = {"serious", "critical"}


def opened(page, address):
    page.goto(address)
    settled(page)
    page.wait_for_function(
        "[...document.querySelectorAll('.js-plotly-plot')].every(plot => plot.querySelector('text'))"
    )


def misread(page):
    return page.evaluate(MISREAD[MISREAD.index("() =>") :])


@pytest.mark.parametrize("size", [(1480, 1000), (1024, 768), (960, 540), (740, 500)])
def test_all_words_are_inside_their_boxes_and_none_stands_on_another(visitor, server, size):
    for page in watched(visitor, size):
        faults = {}
        for place in PLACES:
            opened(page, f"{server}/{place}")
            faults[place] = misread(page)
        assert not any(faults.values()), faults


def test_the_measure_sees_words_that_are_cut_and_words_on_words(page, server):
    opened(page, f"{server}/quality")
    page.add_style_tag(content=WRONG)
    faults = misread(page)
    assert any("cut by ct-sentence" in fault for fault in faults), faults
    assert any(" | " in fault for fault in faults), faults


def test_pages_have_no_serious_findings_of_axe(page, server):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for place in PLACES:
        opened(page, f"{server}/{place}")
        answer = axe.run(page).response
        assert answer["testEngine"]["name"] == "axe-core"
        serious = [
            (one["id"], one["nodes"][0]["html"][:200]) for one in answer["violations"] if one["impact"] in SERIOUS
        ]
        assert not serious, (place, serious)
