"""A workstation that several people use: old tabs, addresses of files, a patient who is not theirs. About 40 s."""

import pytest

from tests.dashboard.browser.driving import settled
from tests.dashboard.browser.served_study import opened, serve_study, signed_in
from tests.factories import copy_tiny

SOURCES = "patient?patient=sub-01&tab=Where+the+numbers+come+from"
FILE = "All measurements of this patient (CSV)"
LIMIT = '[[limit]]\ngroup = "{}"\npatients = ["{}"]\n'


@pytest.fixture(scope="module")
def ward(provider, tmp_path_factory):
    """A study with results, served with sign-in: the file about the sign-in and the address."""
    place = tmp_path_factory.mktemp("ward")
    (place / "study").mkdir()
    copy_tiny(place / "out")
    for _, _, address in serve_study(place, provider):
        yield place / "sign_in.toml", address


def taken_from(page):
    """Fetch the file and return its address."""
    with page.expect_download() as started:
        page.get_by_role("button", name=FILE).click()
    return started.value.url


def test_the_address_of_a_file_is_of_use_to_whom_it_was_for_and_until_they_leave(chromium, ward):
    _, address = ward
    page = opened(chromium)
    signed_in(page, address, "reader")
    page.goto(f"{address}/{SOURCES}")
    settled(page)
    place = taken_from(page)
    assert page.context.request.get(place).status == 200
    other = opened(chromium)
    assert other.context.request.get(place).status == 403, "no sign-in"
    signed_in(other, address, "nobody")
    other.get_by_text("has no role here").wait_for()
    assert other.context.request.get(place).status == 403, "no role"
    other.context.close()
    cookies = page.context.cookies()
    page.get_by_role("button", name="sign out").click()
    page.wait_for_url("**/end_session**")
    page.context.add_cookies(cookies)  # as somebody had copied them before
    assert page.context.request.get(place).status == 403, "signed out"
    page.goto(f"{address}/{SOURCES}")
    page.get_by_text("over or was taken away").wait_for()
    page.context.close()


def test_a_button_of_before_gives_nothing_of_a_patient_who_is_not_theirs_any_more(chromium, ward):
    file, address = ward
    rules = file.read_text(encoding="utf-8")
    page = opened(chromium)
    signed_in(page, address, "ed")
    file.write_text(rules + LIMIT.format("Office", "02"), encoding="utf-8")
    page.goto(f"{address}/patient?patient=sub-01")
    page.get_by_text("No patient sub-01 in this study").wait_for()
    file.write_text(rules + LIMIT.format("Office ", "01"), encoding="utf-8")
    page.goto(f"{address}/{SOURCES}")
    settled(page)
    assert page.get_by_text("all patients").count() == 0, "the page is whole"
    assert taken_from(page)
    file.write_text(rules + LIMIT.format("office", "02"), encoding="utf-8")
    files = []
    page.on("download", lambda file: files.append(file.url))
    page.get_by_role("button", name=FILE).click()
    page.wait_for_timeout(3000)
    assert not files
    page.context.close()
    file.write_text(rules, encoding="utf-8")
