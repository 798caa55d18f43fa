"""The linked scan viewer in Firefox, by keyboard; skipped in words where Firefox is not installed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dashboard.viewer import own_grids
from tests.dashboard.firefox import Firefox, running
from tests.dashboard.viewer_phantoms import needs_niivue, own_scans, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CANVASES = "all('.volumes figure canvas:not(.marks)')"
UP, DOWN = "\ue013", "\ue015"
"""Arrow keys in the WebDriver protocol."""
DRAWN = """
const grey = (canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, n) => (n % 4 < 3 ? sum + value : sum), 0);
};
"""


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    folder = tmp_path_factory.mktemp("firefox")
    with running(folder / "profile") as window:
        yield window


@pytest.fixture(scope="module")
def address(firefox: Firefox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("viewer")) as url:
        yield url


def test_the_plain_viewer_draws_and_obeys_keys(firefox: Firefox, address: str) -> None:
    firefox.open(address)
    firefox.wait_for("return all('.slices .where')[0]?.value.includes('slice 5 of 8')")
    before = firefox.run(f"{DRAWN} return all('.slices canvas').map(grey)")
    assert min(before) > 0
    firefox.run("all('.slices canvas')[0].focus()")
    firefox.press(UP)
    firefox.wait_for("return all('.slices .where')[0].value.includes('slice 4 of 8')")
    after = firefox.wait_for(
        f"{DRAWN} const now = all('.slices canvas').map(grey); return now[1] !== {before[1]} && now"
    )
    assert after[0] != before[0]
    firefox.press("d")
    firefox.wait_for("return all('.slices figcaption')[0].textContent.includes('second minus first')")


def test_the_plain_viewer_flickers_and_fills_the_screen(firefox: Firefox, address: str) -> None:
    firefox.open(address)
    firefox.wait_for("return all('.slices .where')[0]?.value.includes('slice 5 of 8')")
    flickers_and_fills(firefox, ".slices")


def flickers_and_fills(firefox: Firefox, root: str) -> None:
    """Press the key of the flicker, then the tool that fills the screen, and take both back."""
    captions = f"all('{root} figcaption').filter((one) => one.checkVisibility()).map((one) => one.textContent)"
    first, second = firefox.run(f"return {captions}")
    firefox.run(f"all('{root} canvas')[0].focus()")
    firefox.press("f")
    for shown in (second, first, second):
        firefox.wait_for(f"const now = {captions}; return now.length === 1 && now[0] === {shown!r}")
    firefox.press("f")
    firefox.wait_for(f"return {captions}.length === 2")
    tool = f"all('{root} [data-act^=screen]')[0]"
    before = firefox.run(f"return all('{root}')[0].getBoundingClientRect().height")
    firefox.click(tool)
    firefox.wait_for(f"return {tool}.ariaPressed === 'true'")
    firefox.wait_for(f"return Math.abs(all('{root}')[0].getBoundingClientRect().height - innerHeight) < 3")
    assert firefox.run("return innerHeight") > before
    firefox.click(tool)
    firefox.wait_for(f"return {tool}.ariaPressed === 'false' && !document.fullscreenElement")


@needs_niivue
def test_scans_in_their_own_grids_are_linked_or_it_says_why_not(firefox: Firefox, address: str) -> None:
    firefox.open(f"{address}?in=own")
    firefox.wait_for("return all('.volumes')[0]?.dataset.ready || all('.fallback')[0]?.textContent")
    if not firefox.run("return new OffscreenCanvas(1, 1).getContext('webgl2') !== null"):
        said = firefox.run("return all('.fallback')[0].textContent")
        assert "no WebGL2" in said
        assert 'Switch "own grids" off' in said
        pytest.skip("Firefox draws no WebGL2 here (no Xvfb?): it said so, and NiiVue was not looked at in it")
    panes = own_grids.own_panes(*own_scans(), 15.0)
    voxels = f"return {CANVASES}.map((canvas) => canvas.dataset.voxel.split(',').map(Number))"
    before = np.array(firefox.run(voxels))
    firefox.run(f"{CANVASES}[1].focus()")
    firefox.press("a", UP)
    firefox.wait_for(f"return {CANVASES}[1].dataset.voxel.split(',')[2] == {before[1][2] + 1}")
    here, there = np.array(firefox.run(voxels))[[1, 0]]
    link, other = panes[1].link, panes[0].link
    assert link is not None
    assert other is not None
    place = other.from_reference.at(link.to_reference.at(here[np.newaxis]))[0]
    np.testing.assert_allclose(there, place, atol=0.51, err_msg="the nearest voxel of the other scan")
    assert firefox.run(f"{DRAWN} return all('.volumes canvas.marks').map(grey)")[1] > 0, "outlines and scale are drawn"
    flickers_and_fills(firefox, ".volumes")
