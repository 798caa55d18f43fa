"""A cohort is saved under a name, found again and opened (about 15 s)."""

import pytest

from pipeline import saved_cohorts as cohorts
from tests.dashboard.browser.driving import serve
from tests.factories import publish_tiny


@pytest.fixture
def out(tmp_path):
    publish_tiny(tmp_path)
    return tmp_path


@pytest.fixture
def own_server(out):
    yield from serve(out)


def test_cohorts_are_saved_listed_and_opened(own_server, page, out):
    for parameters, name in (("centre=South", "Southern"), ("radiotherapy=no", "Unirradiated")):
        page.goto(f"{own_server}/cohort?{parameters}")
        page.get_by_role("button", name="Saved cohorts").click()
        page.get_by_placeholder("your name").fill("A. Reader")
        page.get_by_placeholder("a name for:").fill(name)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text(f"Saved: {name}").wait_for()
    page.get_by_role("link", name="Southern").click()
    page.get_by_text("South: n = 3 of 7").wait_for()
    assert [one.patient_count for one in cohorts.read(out).cohorts] == [3, 5]
