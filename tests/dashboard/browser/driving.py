"""Driving the pages in a real Chromium: a server for a folder, a page that notes what goes wrong, the Tab key."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.places import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--renderer-process-limit=1",  # else a process is kept ready for a page that may come, and ended with the test
]  # fmt: skip
PATIENCE_MS = 120_000
STILL, MOVING = "reduce", "no-preference"
"""Whether a visitor asks pages to keep still. While a page loads or a run lasts, its signs of waiting are drawn anew
sixty times a second, without a graphics card as much work as the page itself: one size in test_screens shows them."""
PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Streamlit looks for these below the page's own path first, and Chromium logs each miss."""
HERE = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")


def serve(folder):
    """Serve an output folder, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-m", "dashboard.server", "127.0.0.1", str(port)]
    environment = os.environ | {"CORDTRACK_OUT": str(folder)}
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT / "dashboard", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(f"{address}/_stcore/health", process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def watched(visitor, size=(1480, 1000), ground="light", motion=STILL):
    """A page that remembers what went wrong, and fails at its end: console errors, requests that left this machine.

    What it kept in the browser is forgotten with it, but for the program's own code.
    """
    width, height = size
    page = visitor.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=ground, reduced_motion=motion)
    page.set_default_timeout(PATIENCE_MS)
    complaints, strangers, addresses = [], [], set()
    page.on("framenavigated", lambda frame: addresses.add(urlsplit(frame.url)._replace(path="", query="").geturl()))
    page.on("console", lambda message: _note_error(complaints, message))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(HERE) else strangers.append(request.url))
    yield page
    _forget(visitor, addresses)
    assert not complaints, complaints
    assert not strangers, strangers


def settled(page):
    """Wait until the page stands still: drawn to its foot, and nothing running."""
    page.locator(".ct-footer").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", polling=50)  # not at each drawing


def look(page, folder, name):
    """Keep a picture for whoever looks into a failure; a blank page compresses to almost nothing."""
    path = folder / f"{name}.png"
    page.screenshot(path=path, timeout=PATIENCE_MS)
    assert path.stat().st_size > 20_000, f"{name} looks blank"


def saved(page, click, path):
    """Save what a click downloads, once the page stands still, and return its path."""
    settled(page)
    with page.expect_download() as started:
        click()
    started.value.save_as(path)
    return path


def tab_to(page, is_there):
    """Press Tab until the focus is where it should be, also inside a shadow root."""
    deepest = "let at = document.activeElement; while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(f"() => {{ {deepest} return ({is_there})(at); }}"):
            return
    pytest.fail(f"Tab never came to {is_there}")


def _forget(visitor, addresses):
    """Close all pages but the empty one of the beginning, and take away what those of these addresses kept."""
    empty, *others = visitor.pages
    for other in others:
        other.close()
    storage = visitor.new_cdp_session(empty)
    for address in addresses:
        kinds = {"origin": address, "storageTypes": "local_storage,indexeddb,cache_storage,service_workers"}
        storage.send("Storage.clearDataForOrigin", kinds)
    storage.detach()
    visitor.clear_cookies()


def _note_error(complaints, message):
    if message.type == "error" and not message.location["url"].endswith(PROBES):
        complaints.append(f"{message.text} {message.location['url']}")


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
