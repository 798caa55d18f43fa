"""An empty study that is served with sign-in by a provider on this machine; signing in, and typing into its forms."""

import os
import subprocess
import sys
import time

import pytest

from tests.dashboard.browser.driving import PATIENCE_MS, STILL, settled
from tests.page_visit import free_port, wait_until_healthy
from tests.places import ROOT

NOW = int(time.time())
PEOPLE = {
    "other": {"name": "O. Ther", "groups": ["ward"], "aud": ["another client"]},
    "party": {"name": "P. Arty", "groups": ["ward"], "aud": ["another client"], "azp": "cordtrack"},
    "expired": {"name": "E. Xpired", "groups": ["ward"], "exp": NOW - 600},
    "old": {"name": "O. Ld", "groups": ["ward"], "iat": NOW - 11 * 3600},
    "ed": {"name": "E. Ditor", "groups": ["office", "board"]},
    "reader": {"name": "R. Eader", "groups": ["ward"]},
    "guest": {"name": "G. Uest", "groups": ["ward", "office", "guests"]},
    "nobody": {"name": "N. Obody", "groups": ["kitchen"]},
}
SIGN_IN = """[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a secret of the pages that is long enough"
client_id = "cordtrack"
client_secret = "x"
server_metadata_url = "http://127.0.0.1:{provider}/.well-known/openid-configuration"
[roles]
claim = "groups"
reader = ["ward"]
signer = ["board"]
editor = ["office"]
revoked = []
[[limit]]
group = "guests"
patients = ["01"]
"""


def provide():
    """Run a provider on this machine, and give its port."""
    mock = pytest.importorskip("oidc_provider_mock")
    users = [mock.User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()]
    with mock.run_server_in_thread(port=0, user_claims=users) as server:
        yield server.server_port


def serve_study(place, provider=None, options=()):
    """Serve an empty study with sign-in by a provider, or without; give its folders and its address."""
    port = free_port()
    study, out = place / "study", place / "out"
    command = [sys.executable, "-P", "-m", "pipeline", "serve", str(study), str(out), "--port", str(port), *options]
    if provider is not None:
        (place / "sign_in.toml").write_text(SIGN_IN.format(port=port, provider=provider), encoding="utf-8")
        command += ["--sign-in", str(place / "sign_in.toml")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    wait_until_healthy(f"http://127.0.0.1:{port}", server, place / "log")
    yield study, out, f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(timeout=60)


def opened(chromium):
    """Return a page of a browser that knows nothing of others."""
    page = chromium.new_context(viewport={"width": 1480, "height": 1000}, reduced_motion=STILL).new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


def signed_in(page, address, who):
    """Sign somebody in."""
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=who, exact=True).click()
    page.wait_for_url(f"{address}/**")


def add_row(page, title, texts):
    """Type a new row, the first, into the form of a tab, cell by cell; an empty text leaves its cell."""
    page.get_by_role("tab", name=title, exact=True).click()
    settled(page)
    grid = page.get_by_role("tabpanel", name=title, exact=True).get_by_test_id("stDataFrame")
    grid.evaluate("each => each.scrollIntoView({block: 'center'})")  # the foot of the page lies over its last lines
    before = grid.bounding_box()
    place = before["x"] + 90, before["y"] + 52  # the first cell below the header: first the row that adds one
    page.mouse.click(*place)
    page.wait_for_function(
        "was => [...document.querySelectorAll('[data-testid=stDataFrame]')]"
        ".some(each => Math.abs(each.getBoundingClientRect().y - was.y) < 2"
        " && each.getBoundingClientRect().height > was.height + 10)",
        arg=before,
    )
    settled(page)
    for number, text in enumerate(texts):
        if text:
            fill_cell(page, grid, place, number, text)
    settled(page)


def fill_cell(page, grid, place, number, text):
    """Fill a cell of a row by the number of its column; again where the table was drawn anew meanwhile."""
    words = grid.get_by_text(text, exact=True).first  # the words of the canvas, to be read aloud
    editor = page.locator("#portal textarea, #portal input").first
    for _ in range(4):
        page.mouse.click(*place)  # chooses the row's first cell; chosen already, it opens
        page.wait_for_timeout(500)
        if editor.is_visible():
            page.keyboard.press("Escape")
        for _ in range(number):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        if not editor.is_visible():
            continue
        page.keyboard.type(text)
        page.wait_for_timeout(500)
        page.keyboard.press("Enter")
        page.wait_for_timeout(1500)
        if words.count():
            return
    words.wait_for(state="attached")
