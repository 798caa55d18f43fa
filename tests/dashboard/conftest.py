"""Output folders for the pages: none yet, the tiny store, and the tiny store with scans to look at."""

import logging
import sys
import tomllib

import numpy as np
import pytest
import streamlit as st

from dashboard.data import who
from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.study import study_folder
from tests.dashboard.headless import quick_pages
from tests.dashboard.viewer_phantoms import chromium, served
from tests.factories import copy_tiny
from tests.places import ROOT

PATIENCE_MS = 120_000
"""A machine may be busy: no test is about how long a page takes."""

SIGN_IN = """[auth]
redirect_uri = "http://127.0.0.1:1/oauth2callback"
cookie_secret = "a secret of the pages that is long enough"
client_id = "cordtrack"
client_secret = "x"
server_metadata_url = "http://127.0.0.1:1/.well-known/openid-configuration"
[roles]
claim = "groups"
reader = ["ward"]
signer = ["board"]
editor = ["office"]
admin = ["chief"]
"""
SPACING = np.diag([3.3, 0.7, 0.7, 1.0])


@pytest.fixture(scope="session", autouse=True)
def settings_of_the_pages():
    """Run pages in this process as they are served: their files are not rewritten for magic, nothing is counted.

    Functions of the pages that run outside of a page would warn of it at each of thousands of calls.
    """
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True
    served_with = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    options = [(section, name) for section in ("runner", "browser") for name in served_with[section]]
    before = {(section, name): st.get_option(f"{section}.{name}") for section, name in options}
    for section, name in options:
        st.config.set_option(f"{section}.{name}", served_with[section][name])
    with quick_pages():
        yield
    for (section, name), value in before.items():
        st.config.set_option(f"{section}.{name}", value)


@pytest.fixture(autouse=True)
def fresh_caches():
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(autouse=True)
def main_stays_main(monkeypatch):
    """A page puts itself in the place of the main module, which a run's workers, started later, would then read."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def tiny_out(tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("tiny")
    copy_tiny(out_dir)
    return out_dir


@pytest.fixture(scope="session")
def scans_out(tmp_path_factory):
    """The tiny store, and aligned scans with masks for sub-01."""
    out_dir = tmp_path_factory.mktemp("scans")
    copy_tiny(out_dir)
    for number in range(1, 6):
        save_scan(out_dir, "sub-01", f"ses-0{number}", radius=2 + number)
    return out_dir


@pytest.fixture
def tiny(tiny_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(tiny_out))
    return tiny_out


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


@pytest.fixture
def sign_in_file(monkeypatch, tmp_path):
    """The file about the sign-in, which is on."""
    file = tmp_path / "sign_in.toml"
    file.write_text(SIGN_IN, encoding="utf-8")
    monkeypatch.setenv(who.SIGN_IN_VARIABLE, str(file))
    monkeypatch.setattr(who.time, "time", lambda: 2000.0)
    return file


def save_scan(out_dir, patient_id, session_id, radius):
    """Save a bright cord with a round tumour on the reference grid, and its mask."""
    i, j, k = np.indices((9, 64, 96))
    tumour = ((i - 4) * 2) ** 2 + (j - 32) ** 2 + (k - 48) ** 2 < radius**2
    scan = np.where(abs(j - 32) < 8, 400, 120).astype(np.int16) + 300 * tumour.astype(np.int16)
    names = {"patient_id": patient_id, "session_id": session_id, "extension": ".nii.gz", "space": "reference"}
    images.save(Volume(scan, SPACING), out_dir / study_folder.derivative_path(**names, suffix="T2w"))
    images.save(
        Volume(tumour.astype(np.uint8), SPACING), out_dir / study_folder.derivative_path(**names, suffix="dseg")
    )


def scanned_person(out_dir, visits):
    """Fill a folder with the tiny store and scans of so many visits of sub-01, each with a larger tumour."""
    copy_tiny(out_dir)
    for number in range(1, visits + 1):
        save_scan(out_dir, "sub-01", f"ses-0{number}", radius=2 + number)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the page of the viewer's phantoms is."""
    chromium()
    with served(tmp_path_factory.mktemp("viewer")) as url:
        yield url


@pytest.fixture(scope="module")
def browser(address):  # the server first: it waits while no other thread runs yet
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415  # other tests do without it

    expect.set_options(timeout=PATIENCE_MS)
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--renderer-process-limit=1"]  # else a process is kept ready for a page that may come
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield browser
        browser.close()
