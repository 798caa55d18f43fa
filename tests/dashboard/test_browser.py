"""The journeys of the pages in a real browser, every one with a clean console and no request that leaves this machine.

About a minute and a half; needs Chromium.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pypdf
import pytest

from pipeline import images, store
from tests.adapters.test_corrected_masks import run_again, study_of_one_visit

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
    yield from serve(scans_out)


@pytest.fixture
def empty_server(tmp_path):
    yield from serve(tmp_path)


def serve(folder):
    """Serve an output folder, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py"), "--server.port", str(port)]
    environment = os.environ | {"CORDTRACK_OUT": str(folder)}
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(f"{address}/_stcore/health", process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def page(chromium):
    yield from watched(chromium, (1480, 1000), "light")


def watched(chromium, size, ground):
    """A page that remembers what went wrong: console errors, and requests that left this machine."""
    width, height = size
    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=ground)
    page.set_default_timeout(PATIENCE_MS)
    page.complaints, page.strangers = [], []
    page.on("console", lambda message: _note_error(page, message))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: _note_stranger(page, request.url))
    yield page
    page.close()
    assert page.complaints == []
    assert page.strangers == []


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


def test_a_visit_is_excluded_and_brought_back_and_a_baseline_pinned(page, server, scans_out):
    page.goto(f"{server}/patient?patient=sub-06")
    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_role("button", name="Exclude visit").click()
    page.get_by_role("textbox", name="Reason").fill("moved during the scan")
    page.get_by_role("button", name="Exclude this visit").click()
    page.get_by_text("Rita Reader, excluded the visit (ses-02): moved during the scan").wait_for()
    page.get_by_text("1 decision waits for the next run").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.locator(".ct-grey", has_text=re.compile(r"^\s*undone$")).wait_for()
    page.get_by_role("button", name="Pin baseline").click()
    page.get_by_role("button", name="Pin this visit").click()
    page.get_by_text("Rita Reader, pinned the baseline (ses-02)").wait_for()
    acts = [json.loads(line)["act"] for line in (scans_out / "journal" / "acts.jsonl").read_text().splitlines()]
    assert acts == ["exclude_visit", "undo", "pin_baseline"]


@pytest.fixture
def corrigible(tmp_path):
    """A study of one visit with an automatic tumour of 192 mm³, measured, and its pages."""
    study, out = study_of_one_visit(tmp_path / "study"), tmp_path / "out"
    run_again(study, out)
    for address in serve(out):
        yield address, out


def test_a_mask_is_taken_away_brought_back_measured_and_undone(page, corrigible, tmp_path):
    address, out = corrigible
    page.goto(f"{address}/patient?patient=sub-01")
    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_text("Correct a mask").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Mask to edit").click()
    started.value.save_as(tmp_path / "edit.nii.gz")
    taken = images.load(tmp_path / "edit.nii.gz")
    assert taken.array.sum() == 64
    grown = taken.array.copy()
    grown[2] = grown[3]
    images.save(taken.with_array(grown), tmp_path / "mine.nii.gz")

    page.locator("input[type=file]").set_input_files(tmp_path / "mine.nii.gz")
    page.get_by_text("0.24\u202fmL, was 0.19\u202fmL").wait_for()
    page.get_by_text("Dice 0.89").wait_for()
    page.locator("canvas").first.wait_for()
    _look(page, tmp_path, "correction")
    page.get_by_role("textbox", name="Reason").last.fill("the left margin was left out")
    page.get_by_role("button", name="Measure this mask").click()
    page.get_by_text("Rita Reader, corrected the mask (ses-01 tumour): the left margin was left out").wait_for()

    page.get_by_role("button", name="Update the results now").click()
    page.get_by_text("Done: the page shows the new results.").wait_for()
    page.get_by_text("Measured masks: cyst (automatic), tumour (edited by hand).").wait_for()
    assert measured_mm3(out) == pytest.approx(240)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Update the results now").click()
    page.get_by_text("Measured masks: cyst (automatic), tumour (automatic).").wait_for()
    assert measured_mm3(out) == pytest.approx(192)


def measured_mm3(out):
    rows = store.table(store.database_path(out), "measurement").set_index(["session_id", "compartment"])
    return rows.loc[("ses-01", "tumour"), "volume_mm3"]


def test_the_packet_is_downloaded_and_read_back(page, server, tmp_path):
    page.goto(f"{server}/patient?patient=sub-01&viewer=plain")
    with page.expect_download() as started:
        page.get_by_role("button", name="Packet (PDF)").click()
    started.value.save_as(tmp_path / "packet.pdf")
    pages = pypdf.PdfReader(tmp_path / "packet.pdf").pages
    text = " ".join(pages[0].extract_text().split())
    assert len(pages) == 1
    assert "Ses-05: progression by imsct_adapted_v1" in text
    assert "Synthetic data · Research use, not for treatment decisions" in text
    assert "/patient?patient=sub-01&viewer=plain" in text, "the page leads back to this view"


def test_from_a_question_about_a_cohort_to_the_data_of_its_figure(page, server, tmp_path):
    page.goto(f"{server}/cohort?histology=ependymoma")
    page.get_by_text("Ependymoma: n = 3 of 7").wait_for()
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV").first.click()
    started.value.save_as(tmp_path / "figure.csv")
    found = pd.read_csv(tmp_path / "figure.csv")
    assert set(found["patient_id"]) == {"sub-01", "sub-03"}, "whoever has a time to progression"


def test_a_figure_is_saved_as_a_picture_for_print(page, server, tmp_path):
    page.goto(f"{server}/cohort?png=true")
    figure = page.locator(".st-key-figure-time_to_progression .js-plotly-plot")
    figure.locator(".main-svg").first.wait_for()
    figure.hover()
    with page.expect_download() as started:
        figure.locator("[data-title*='Download']").click()
    assert started.value.suggested_filename == "figure-time_to_progression.png"
    started.value.save_as(tmp_path / "figure.png")
    content = (tmp_path / "figure.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20]) > 1500, "pixels across, three for each on screen"
    page.goto(f"{server}/cohort")
    figure.locator(".main-svg").first.wait_for()
    figure.hover()
    with page.expect_download() as started:
        figure.locator("[data-title*='Download']").click()
    assert started.value.suggested_filename == "figure-time_to_progression.svg"


def test_the_projector_walks_by_arrow_keys(page, server):
    page.goto(f"{server}/present?pick=sub-03&pick=sub-04")
    page.get_by_text("1 of 2", exact=True).wait_for()
    page.get_by_role("button", name="Keep").wait_for()  # the last part of the page: then the keys are listened to
    page.keyboard.press("ArrowRight")
    page.get_by_text("2 of 2", exact=True).wait_for()
    page.get_by_text("Ses-01: baseline by imsct_adapted_v1").wait_for()


def test_everything_is_reached_without_a_mouse(page, server):
    page.goto(f"{server}/?search=sub-01")
    page.get_by_role("link", name="sub-01").wait_for()
    tab_to(page, "element => element.tagName === 'A' && element.innerText.includes('sub-01')")
    page.keyboard.press("Enter")
    page.get_by_text("Ses-05: progression by imsct_adapted_v1").wait_for()
    page.locator("[data-ready=true], .slices:not([hidden])").first.wait_for()
    tab_to(page, "element => element.tagName === 'CANVAS'")
    page.keyboard.press("a")


@pytest.mark.parametrize(("size", "ground"), [((1280, 720), "light"), ((2560, 1440), "dark")])
def test_pages_fit_the_screen_and_follow_its_ground(chromium, server, size, ground):
    for page in watched(chromium, size, ground):
        for address, words in (("", "need a decision"), ("patient?patient=sub-05&viewer=plain", "not evaluable")):
            page.goto(f"{server}/{address}")
            page.get_by_text(words).first.wait_for()
            page.locator(".ct-footer").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} is too wide"
        page.get_by_role("tab", name="Visits and alignment").click()
        page.get_by_text("failed: the file is empty (0 bytes)").wait_for()
        colour = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}[ground]


def test_an_empty_study_says_what_to_do(page, empty_server):
    page.goto(empty_server)
    page.get_by_text("Nothing to show").wait_for()
    page.get_by_text("cordtrack run STUDY_FOLDER OUT_DIR").wait_for()


def tab_to(page, is_there):
    """Press Tab until the focus is where it should be, also inside a shadow root."""
    deepest = "let at = document.activeElement; while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(f"() => {{ {deepest} return ({is_there})(at); }}"):
            return
    pytest.fail(f"Tab never came to {is_there}")


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
