"""One journey in a real browser: board, patient, cohort, and back by a link (about 25 s; needs Chromium)."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 60_000
PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Streamlit looks for these below the page's own path first, and Chromium logs each miss."""


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


@pytest.fixture(scope="module")
def server(scans_out):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py"), "--server.port", str(port)]
    environment = os.environ | {"CORDTRACK_OUT": str(scans_out)}
    process = subprocess.Popen(
        command, env=environment, cwd=scans_out, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(f"{address}/_stcore/health", process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def page(chromium):
    """A page that remembers what went wrong: console errors, and requests that left this machine."""
    page = chromium.new_page(viewport={"width": 1480, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.complaints, page.strangers = [], []
    page.on("console", lambda message: _note_error(page, message))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: _note_stranger(page, request.url))
    yield page
    page.close()


def test_from_the_board_to_a_patient_to_the_cohort(page, server, tmp_path):
    page.goto(server)
    page.get_by_text("6 of 7 patients need a decision.").wait_for()
    _look(page, tmp_path, "board")

    page.get_by_role("link", name="sub-01").click()
    page.get_by_text("Ses-05: progression by imsct_adapted_v1").wait_for()
    page.get_by_text("▲ growing").wait_for()
    assert page.url.endswith("/patient?patient=sub-01")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.locator("canvas").first.wait_for()
    assert page.get_by_text("progression from 1.1").count() == 1
    _look(page, tmp_path, "patient")

    page.get_by_role("link", name="Cohort").click()
    page.get_by_text("All patients: n = 7").wait_for()
    page.locator(".js-plotly-plot").nth(3).wait_for()
    _look(page, tmp_path, "cohort")
    assert page.locator("[data-title*='loud']").count() == 0, "no button that sends a figure away"

    assert page.complaints == []
    assert page.strangers == []


def test_the_address_restores_the_compared_visits_and_a_click_on_a_mark_changes_them(page, server):
    page.goto(f"{server}/patient?patient=sub-01&then=ses-02&now=ses-04")
    for _ in range(2):
        page.locator("canvas").first.wait_for()
        assert page.get_by_role("combobox", name="Earlier").input_value().endswith("ses-02")
        assert page.get_by_role("combobox", name="Later").input_value().endswith("ses-04")
        page.reload()
    mark = page.locator(".js-plotly-plot .scatterlayer .point").nth(2)
    mark.wait_for()
    mark.click(force=True)
    page.wait_for_url(re.compile("now=ses-0[1235]"), wait_until="commit")
    assert page.complaints == []
    assert page.strangers == []


def test_keys_walk_through_the_board_and_back_returns(page, server):
    page.goto(f"{server}/patient?patient=sub-01")
    page.locator("canvas").first.wait_for()
    page.keyboard.press("n")
    page.get_by_text("Ses-02: progression by imsct_adapted_v1").wait_for()
    assert page.url.endswith("?patient=sub-06")
    page.go_back(wait_until="commit")
    page.get_by_text("Ses-05: progression by imsct_adapted_v1").wait_for()
    assert page.url.endswith("?patient=sub-01")
    assert page.complaints == []


def _look(page, folder, name):
    """Keep a picture for whoever looks into a failure; a blank page compresses to almost nothing."""
    path = folder / f"{name}.png"
    page.screenshot(path=path, timeout=PATIENCE_MS)
    assert path.stat().st_size > 20_000, f"{name} looks blank"


def _note_error(page, message):
    if message.type == "error" and not message.location["url"].endswith(PROBES):
        page.complaints.append(f"{message.text} {message.location['url']}")


def _note_stranger(page, url):
    if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
        page.strangers.append(url)


def _wait_until_up(address, process):
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=2)
        except OSError:
            time.sleep(0.3)
        else:
            return
    process.terminate()
    pytest.fail(f"the dashboard did not start: {process.stdout.read().decode()[-2000:]}")
