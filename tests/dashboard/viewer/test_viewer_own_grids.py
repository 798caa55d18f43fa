"""Scans in their own grids: where a place of one lies in the others, held against the transforms themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect, sync_playwright

from dashboard.viewer import assets, own_grids, pane_of
from dashboard.viewer.panes import Pane, to_ras
from dashboard.viewer.payload import payload
from pipeline.core.transform import move_points
from pipeline.core.volume import to_voxel, to_world
from tests.dashboard.viewer_phantoms import BALL_MM, COLOURS, PATIENCE_MS, chromium, own_scans, phantom, served

WITHIN_MM = 0.2
"""The bend of the phantom turns over within 20 mm, more sharply than an alignment can: 0.1 mm is lost each way."""


def first_voxel(pane: Pane, scan: own_grids.OwnScan) -> NDArray[np.float64]:
    """The voxel of the upright scan at which the cut pane begins."""
    whole = pane_of("", scan.scan, None)
    return (np.array(pane.origin_mm) - np.array(whole.origin_mm)) / pane.spacing_mm


def world_of(pane: Pane, scan: own_grids.OwnScan, voxels: NDArray) -> NDArray[np.float64]:
    return to_world(to_ras(scan.scan).affine, voxels + first_voxel(pane, scan))


def partner(panes: tuple[Pane, ...], scans: list[own_grids.OwnScan], one: int, voxels: NDArray) -> NDArray[np.float64]:
    """Where voxels of one pane lie in the other one, by the transforms."""
    reference = move_points(scans[one].to_reference, world_of(panes[one], scans[one], voxels))
    other = move_points(scans[1 - one].from_reference, reference)
    place = to_voxel(to_ras(scans[1 - one].scan).affine, other)
    return place - first_voxel(panes[1 - one], scans[1 - one])


def anywhere(pane: Pane, count: int) -> NDArray[np.float64]:
    return np.random.default_rng(7).uniform(0, np.array(pane.image.shape) - 1, (count, 3))


@pytest.mark.parametrize("margin_mm", [15.0, None])
def test_tables_lead_where_the_transforms_lead(margin_mm: float | None) -> None:
    scans, reference = own_scans()
    panes = own_grids.own_panes(scans, reference, margin_mm)
    for pane, scan in zip(panes, scans, strict=True):
        assert pane.link is not None
        voxels = anywhere(pane, 400)
        truth = move_points(scan.to_reference, world_of(pane, scan, voxels))
        found = pane.link.to_reference.at(voxels)
        assert np.linalg.norm(found - truth, axis=1).max() < WITHIN_MM
        back = pane.link.from_reference.at(truth)
        assert (np.abs(back - voxels) * pane.spacing_mm).max() < 2 * WITHIN_MM, (
            "and back, through a bend inverted twice"
        )


def test_voxels_are_those_of_the_scan_and_pieces_are_of_one_size() -> None:
    scans, reference = own_scans()
    panes = own_grids.own_panes(scans, reference, 15.0)
    sizes = np.array([np.array(pane.image.shape) * pane.spacing_mm for pane in panes])
    assert (np.abs(sizes[0] - sizes[1]) <= np.max([pane.spacing_mm for pane in panes], axis=0)).all()
    for pane, scan in zip(panes, scans, strict=True):
        whole = pane_of("", scan.scan, scan.mask)
        assert whole.labels is not None
        assert pane.labels is not None
        first = np.rint(first_voxel(pane, scan)).astype(int)
        np.testing.assert_allclose(first, first_voxel(pane, scan), atol=1e-6, err_msg="cut between voxels")
        box = tuple(slice(max(0, f), f + n) for f, n in zip(first, pane.image.shape, strict=True))
        lead = tuple(slice(max(0, -f), None) for f in first)
        kept = whole.image[box]
        np.testing.assert_array_equal(pane.image[lead][tuple(map(slice, kept.shape))], kept)
        assert (pane.labels > 0).sum() == (whole.labels > 0).sum() > 50


def test_it_opens_on_the_largest_section_of_any_scan_in_mm() -> None:
    scans, reference = own_scans()
    smaller = replace(scans[0], mask=scans[0].mask and scans[0].mask.with_array(scans[0].mask.array * 0))
    sent = payload(own_grids.own_panes([smaller, scans[1]], reference, 15.0), COLOURS, None, 400)
    np.testing.assert_allclose(sent["largest"]["axial"], BALL_MM, atol=2.5)  # type: ignore[index]  # half a 4 mm slice
    assert sorted(key for key in sent if key[0] in "tf" and key[1:].isdigit()) == ["f0", "f1", "t0", "t1"]


def test_a_place_without_a_mark_is_kept_in_every_scan() -> None:
    scans, reference = own_scans()
    bare = [replace(scan, mask=None) for scan in scans]
    panes = own_grids.own_panes(bare, reference, 6.0, [BALL_MM])
    for pane, whole in zip(panes, own_grids.own_panes(bare, reference, None), strict=True):
        assert pane.image.size < whole.image.size / 20
        assert pane.link is not None
        voxel = pane.link.from_reference.at(np.array([BALL_MM]))[0]
        assert np.all((voxel > 0) & (voxel < np.array(pane.image.shape) - 1))


def test_a_scan_without_a_link_is_refused_beside_linked_ones() -> None:
    scans, reference = own_scans()
    panes = own_grids.own_panes(scans, reference, 15.0)
    with pytest.raises(ValueError, match="first: expected the way from their own grids"):
        payload([panes[0], phantom("first")], COLOURS, None, 400)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = chromium()
    with served(tmp_path_factory.mktemp("own")) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}?in=own")
        yield page
        browser.close()


@pytest.mark.browser
def test_the_browser_reads_the_tables_as_python_does(page: Page) -> None:
    scans, reference = own_scans()
    pane = own_grids.own_panes(scans, reference, 15.0)[1]
    assert pane.link is not None
    voxels = anywhere(pane, 200) * 1.4 - 3.0  # beyond the rim too
    table = pane.link.to_reference
    script = assets.text("draw.js", "links.js") + "\nreturn points.map((point) => lookUp(table, point));"
    sent = {"first": table.first.tolist(), "step": table.step.tolist(), "shape": list(table.values.shape[:3])}
    found = page.evaluate(
        "([script, table, points]) => new Function('table', 'points', script)(table, points)",
        [script, sent | {"values": table.values.ravel().tolist()}, voxels.tolist()],
    )
    np.testing.assert_allclose(found, table.at(voxels), atol=1e-6)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(
    not assets.NIIVUE.is_file(), reason="NiiVue is not fetched: python dashboard/viewer/fetch_niivue.py"
)
def test_the_crosshair_of_one_grid_is_at_the_same_place_in_the_other(page: Page) -> None:
    scans, reference = own_scans()
    panes = own_grids.own_panes(scans, reference, 15.0)
    expect(page.locator(".volumes[data-ready]")).to_be_attached(timeout=PATIENCE_MS)
    canvases = page.locator(".volumes figure canvas:not(.marks)")
    expect(page.locator(".volumes .modes")).to_be_hidden()

    def voxels() -> NDArray[np.float64]:
        return np.array([canvases.nth(n).get_attribute("data-voxel").split(",") for n in (0, 1)], dtype=float)

    opened = move_points(scans[1].to_reference, world_of(panes[1], scans[1], voxels()[1:]))[0]
    assert np.linalg.norm(opened - BALL_MM) < 4.0, "it opens on the ball, to within half a voxel of 4 mm"
    seen = set()
    for one, key, share in ((0, "s", (0.4, 0.3)), (1, "a", (0.6, 0.4)), (0, "a", (0.45, 0.55)), (1, "s", (0.5, 0.7))):
        box = canvases.nth(one).bounding_box()
        canvases.nth(one).focus()
        page.keyboard.press(key)
        page.mouse.click(box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"])
        for step in ("", "ArrowUp", "ArrowUp", "PageDown"):
            if step:
                page.keyboard.press(step)
            both = voxels()
            truth = partner(panes, scans, one, both[one : one + 1])[0]
            nearest = np.clip(truth, 0, np.array(panes[1 - one].image.shape) - 1)
            assert np.abs(both[1 - one] - nearest).max() < 0.5 + WITHIN_MM, (one, key, step, both, truth)
            seen.add(tuple(both.ravel()))
    assert len(seen) > 10, "the crosshair moved each time"
