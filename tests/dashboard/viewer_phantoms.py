"""Made-up scans for the viewer, and a page that shows them to a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from dashboard.viewer import Pane, assets, own_grids
from dashboard.viewer.spots import Spot
from pipeline.core.transform import Transform, identity, inverse, move_points
from pipeline.core.volume import Volume, voxel_centres_mm
from tests.places import ROOT

COLOURS = {1: ("tumour", "#D81B60"), 2: ("cyst", "#1E88E5"), 4: ("oedema", "#C79A00"), 8: ("cord", "#00897B")}
SHAPE = (8, 30, 40)
SPACING_MM = (3.0, 1.0, 1.0)
SPOTS = (Spot((1.5, 6.0, 38.0), 5.0, "2023-01-01, about 0.52 mL"), Spot((-7.5, 20.0, 30.0), 1.0, "a smaller one"))
"""On voxels of the phantom, away from everything bright."""


def phantom(title: str = "first", *, tumour_at: int = 3, with_mask: bool = True) -> Pane:
    """A dark box with one bright block each towards right (250), anterior (180) and superior (110)."""
    image = np.full(SHAPE, 40, dtype=np.uint8)
    image[6:, 11:19, 15:25] = 250
    image[:6, 22:, 15:25] = 180
    image[:6, 11:19, 32:] = 110
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[tumour_at, 12:18, 12:20] = 1
    labels[tumour_at - 1, 13:16, 13:16] = 1
    labels[1:5, 5:9, 25:30] = 4
    return Pane(title, image, labels if with_mask else None, SPACING_MM, (-10.5, 0.0, 5.0))


PATIENCE_MS = 120_000
"""For a page to open or change, on a machine that is busy with other tests."""
BALL_MM = (4.0, -6.0, 12.0)
"""Middle of the bright, marked ball of the scans in their own grids, in the reference space."""


def bent() -> Transform:
    """Reference space to a visit: turned by 8 degrees, moved, and bent by 2 mm over 40 mm."""
    turn = np.deg2rad(8)
    matrix = np.eye(4)
    matrix[:3, :3] = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    matrix[:3, 3] = [12.0, -30.0, 8.0]
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -60.0
    grid = Volume(np.zeros((40, 40, 40)), affine)
    z = voxel_centres_mm(grid)[..., 2]
    bend = np.stack([np.sin(z * np.pi / 40), 2 * np.cos(z * np.pi / 40), np.zeros_like(z)], axis=-1)
    return Transform("reference", "ses-02", matrix, bend, affine)


def own_scans() -> tuple[list[own_grids.OwnScan], Volume]:
    """Two scans of one ball: a sagittal one that is the reference, and an oblique axial one, bent; and that grid."""
    sagittal = np.diag([3.3, 0.8, 0.8, 1.0])
    sagittal[:3, 3] = [-21.0, -30.0, -28.0]
    lean = np.deg2rad(12)
    axial = np.eye(4)
    axial[:3, :3] = np.array([[-1, 0, 0], [0, -np.cos(lean), np.sin(lean)], [0, np.sin(lean), np.cos(lean)]]) @ np.diag(
        [0.9, 0.9, 4.0]
    )
    axial[:3, 3] = [46.0, 8.0, -45.0]
    there = bent()
    reference = Volume(np.zeros((14, 76, 80)), sagittal)
    found = []
    for title, grid, back, way in (
        ("2020", reference, identity("ses-01", "reference"), identity("reference", "ses-01")),
        ("2023", Volume(np.zeros((80, 84, 24)), axial), inverse(there), there),
    ):
        places = move_points(back, voxel_centres_mm(grid).reshape(-1, 3)).reshape(*grid.shape, 3)
        ball = np.linalg.norm(places - np.array(BALL_MM), axis=-1) < 5.0
        scan = grid.with_array(100.0 + places[..., 2] + 300.0 * ball)
        found.append(own_grids.OwnScan(title, "T2w", scan, grid.with_array(ball.astype(np.uint8)), back, way))
    return found, reference


needs_niivue = pytest.mark.skipif(
    not assets.NIIVUE.is_file(), reason="NiiVue is not fetched: python dashboard/viewer/fetch_niivue.py"
)
APP = """
import streamlit as st
from dashboard.viewer import niivue, own_grids, slice_viewer
from dashboard.viewer.opening import ViewLink, opening_of
from tests.dashboard import viewer_phantoms as phantoms
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.write(f"runs: {st.session_state.runs}")
asked = st.query_params.get("in")
spots = phantoms.SPOTS if st.query_params.get("spots") else ()
link = ViewLink(opening_of(st.query_params.get("place")), lambda words: st.query_params.update(place=words))
panes = [phantoms.phantom("first"), phantoms.phantom("second", tumour_at=4)]
if asked == "own":
    panes = own_grids.own_panes(*phantoms.own_scans(), 15.0)
if asked in ("own", "volumes"):
    niivue.volume_viewer(panes, colours=phantoms.COLOURS, link=link, spots=spots, key="scans", height=400)
elif not st.toggle("hide"):
    slice_viewer(panes, colours=phantoms.COLOURS, link=link, spots=spots, key="scans", height=520)
"""


def chromium() -> str:
    """Return the program, or skip or fail the test in words."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CORDTRACK_REQUIRE_BROWSER") == "1":
            pytest.fail("CORDTRACK_REQUIRE_BROWSER=1 but no Chromium is installed")
        pytest.skip("no Chromium on this machine; CORDTRACK_REQUIRE_BROWSER=1 makes this a failure")
    return found


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the page of the phantoms, and give its address."""
    (folder / "app.py").write_text(APP, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(folder / "app.py"), "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--browser.gatherUsageStats=false"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", folder / "log")
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(timeout=60)


def _wait_for(url: str, log: Path) -> None:
    for _ in range(150):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the test server did not start: {log.read_text()[-500:]}")
