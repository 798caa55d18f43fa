"""What is drawn in the browser comes back on the voxels of the scan, whatever way they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.viewer.sketch import sheet_of
from pipeline.core.volume import Volume, to_world
from tests.core.orientations import AXIS_ORDERS, reoriented


def runs_of(labels: np.ndarray) -> list[int]:
    """Starts and lengths as the browser sends them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels.ravel(), [0]])))
    return [int(n) for start, end in edges.reshape(-1, 2) for n in (start, end - start)]


def marked_mm(mask: Volume) -> set[tuple[float, ...]]:
    return {tuple(np.round(place, 3)) for place in to_world(mask.affine, np.argwhere(mask.array))}


SCAN = Volume(np.arange(7 * 60 * 80).reshape(7, 60, 80), np.diag([3.3, 1.0, 1.0, 1.0]))


@pytest.mark.parametrize("order", AXIS_ORDERS)
def test_a_mask_goes_to_the_sheet_and_back_to_the_same_places(order) -> None:
    scan = reoriented(SCAN, order)
    mask = scan.with_array((scan.array % 7 == 0) & (scan.array > 9_000) & (scan.array < 12_000))
    whole = sheet_of(scan, np.zeros((0, 3)))
    assert marked_mm(whole.drawn(runs_of(whole.cut(mask)))) == marked_mm(mask)
    voxel = np.argwhere(whole.cut(mask))[0]
    assert tuple(np.round(whole.places(voxel[None])[0], 3)) in marked_mm(mask)


def test_the_sheet_is_cut_around_the_cord_and_still_says_where_it_lies() -> None:
    line_mm = np.array([[9.9, 30.0, 40.0], [9.9, 30.0, 44.0]])
    sheet = sheet_of(SCAN, line_mm)
    assert sheet.image.shape == (7, 60, 65)
    assert sheet.places(np.zeros((1, 3))).tolist() == [[0.0, 0.0, 10.0]]
    labels = np.zeros(sheet.image.shape, dtype=np.uint8)
    labels[3, 30, 5:9] = 1
    assert marked_mm(sheet.drawn(runs_of(labels))) == {(9.9, 30.0, float(z)) for z in range(15, 19)}


@pytest.mark.parametrize("runs", [[-1, 4], [0, 10**9], [5, 0]])
def test_runs_that_lie_nowhere_are_refused(runs) -> None:
    with pytest.raises(ValueError, match="expected runs of voxels within"):
        sheet_of(SCAN, np.zeros((0, 3))).drawn(runs)
