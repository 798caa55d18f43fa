"""One Chromium for each file of journeys, and one server for all: it shows one output folder after the other."""

import os

import pytest

from tests.dashboard.browser.driving import CHROMIUM, FLAGS, PATIENCE_MS, serve, watched
from tests.dashboard.browser.served_study import provide, serve_study
from tests.factories import copy_tiny


def pytest_collection_modifyitems(items):
    for item in items:
        if "/dashboard/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def chromium_type():
    """What starts a Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        if os.environ.get("CORDTRACK_REQUIRE_BROWSER") == "1":
            pytest.fail("CORDTRACK_REQUIRE_BROWSER=1, but no Chromium is installed")
        pytest.skip("no Chromium is installed: the pages were not opened in a browser")
    playwright.expect.set_options(timeout=PATIENCE_MS)  # not five seconds, which a busy machine may need
    with playwright.sync_playwright() as running:
        yield running.chromium


@pytest.fixture(scope="module")
def chromium(chromium_type):
    """A browser for pages that are to know nothing of one another, as of several people at the same time."""
    browser = chromium_type.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def profile(tmp_path_factory):
    """A visitor's folder: whoever comes again has the program's code compiled, which is a third of a page's work."""
    return tmp_path_factory.mktemp("profile")


@pytest.fixture(scope="module")
def visitor(chromium_type, profile):
    """The browser of somebody who was here before; see `watched` for a page of it."""
    context = chromium_type.launch_persistent_context(profile, executable_path=CHROMIUM, args=FLAGS)
    yield context
    context.close()


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    """What the one server takes for its output folder, a link to be led elsewhere, and the server's address."""
    link = tmp_path_factory.mktemp("stage") / "out"
    link.symlink_to(tmp_path_factory.mktemp("nothing"))
    for address in serve(link):
        yield link, address


@pytest.fixture
def shown(stage):
    """Let the server show an output folder, and give its address; as if it were put in place of the one before."""
    link, address = stage

    def show(folder):
        link.unlink()
        link.symlink_to(folder)
        return address

    return show


@pytest.fixture
def server(shown, scans_out):
    """For looking only: whoever writes has an output folder of their own."""
    return shown(scans_out)


@pytest.fixture
def tiny_copy(tmp_path):
    """An output folder whose journal and cohorts may be written to."""
    copy_tiny(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_server(shown, tiny_copy):
    return shown(tiny_copy)


@pytest.fixture
def page(visitor):
    yield from watched(visitor)


@pytest.fixture(scope="module")
def provider():
    """The port of a provider of OpenID Connect on this machine."""
    yield from provide()


@pytest.fixture(scope="module")
def workbench(provider, tmp_path_factory):
    """An empty study, served with sign-in: its folders and its address."""
    yield from serve_study(tmp_path_factory.mktemp("workbench"), provider)
