"""One Chromium for each file of journeys, and one server for all journeys that only look."""

import os

import pytest

from tests.dashboard.browser.driving import CHROMIUM, FLAGS, serve, watched
from tests.factories import copy_tiny


def pytest_collection_modifyitems(items):
    for item in items:
        if "/dashboard/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        if os.environ.get("CORDTRACK_REQUIRE_BROWSER") == "1":
            pytest.fail("CORDTRACK_REQUIRE_BROWSER=1, but no Chromium is installed")
        pytest.skip("no Chromium is installed: the pages were not opened in a browser")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(scans_out):
    """For looking only: whoever writes has an output folder of their own."""
    yield from serve(scans_out)


@pytest.fixture
def tiny_copy(tmp_path):
    """An output folder whose journal and cohorts may be written to."""
    copy_tiny(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_server(tiny_copy):
    yield from serve(tiny_copy)


@pytest.fixture
def page(chromium):
    yield from watched(chromium)
