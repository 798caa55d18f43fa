"""The cord found on the phantom in every plane and turned over, and on what holds no cord; on real scans where there.

Half a minute, most of it the real scans.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from pipeline.cord.cord_finding import FoundCord, find_cord
from pipeline.cord.cord_path import best_path
from pipeline.cord.cord_region import region_of
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.files import images
from tests.benchmark.cord_truth import PHANTOM, KnownCord, centres_of, densified, known_cords
from tests.places import REALCORD

MEDIAN_MM, WORST_MM = 1.5, 3.0
"""What the region of an alignment and a first proposal need, mm; a cord is 6 to 13 mm across."""


@pytest.fixture(scope="module")
def phantom() -> Volume:
    return images.load(PHANTOM / "synthetic_T2w.nii.gz")


@pytest.fixture(scope="module")
def middles_mm() -> np.ndarray:
    return centres_of(PHANTOM / "synthetic_cord.nii.gz")


def thick(scan: Volume, world_axis: int, thickness_mm: float) -> Volume:
    """Average slices across one world axis, as a scan of thick slices does."""
    axis = int(np.argmax(np.abs(scan.affine[world_axis, :3])))
    count = round(thickness_mm / float(scan.spacing_mm[axis]))
    length = scan.shape[axis] // count * count
    kept = np.take(scan.array.astype(np.float64), np.arange(length), axis=axis)
    array = np.add.reduceat(kept, np.arange(0, length, count), axis=axis) / count
    affine = scan.affine.copy()
    affine[:3, 3] += affine[:3, axis] * (count - 1) / 2
    affine[:3, axis] *= count
    return Volume(array, affine)


def away_mm(cord: FoundCord, middles_mm: np.ndarray) -> np.ndarray:
    assert cord.is_found, cord.reason
    heights = cord.points_mm[:, 2]
    passed = middles_mm[(middles_mm[:, 2] >= heights.min()) & (middles_mm[:, 2] <= heights.max())]
    assert len(passed) >= 0.7 * len(middles_mm), "the line is too short"
    return cKDTree(densified(cord.points_mm)).query(passed)[0]


@pytest.mark.parametrize("plane", ["isotropic", "sagittal", "axial"])
def test_the_phantoms_cord_is_found_in_every_plane(phantom, middles_mm, plane):
    scan = {"isotropic": phantom, "sagittal": thick(phantom, 0, 3.3), "axial": thick(phantom, 2, 4.0)}[plane]
    cord = find_cord(scan)
    distance_mm = away_mm(cord, middles_mm)
    assert np.median(distance_mm) < MEDIAN_MM
    assert np.percentile(distance_mm, 95) < WORST_MM
    assert cord.sureness > 0.6


def test_the_line_runs_from_head_to_foot_a_point_each_millimetre(phantom):
    cord = find_cord(phantom)
    assert np.all(np.diff(cord.points_mm[:, 2]) < 0)
    np.testing.assert_allclose(np.linalg.norm(np.diff(cord.points_mm, axis=0), axis=1), 1.0, atol=0.05)
    assert len(cord.radius_mm) == len(cord.likeness) == len(cord.points_mm)


def test_bright_cord_in_dark_fluid_is_found_too(phantom, middles_mm):
    top = np.percentile(phantom.array, 99.5)
    turned = phantom.with_array(np.where(phantom.array > 0.05 * top, np.maximum(1.1 * top - phantom.array, 0), 0))
    distance_mm = away_mm(find_cord(turned), middles_mm)
    assert np.median(distance_mm) < MEDIAN_MM
    assert np.percentile(distance_mm, 95) < WORST_MM


def test_storage_order_and_scale_change_nothing(phantom):
    first = find_cord(phantom)
    flipped = Volume(
        1000 + 7.0 * phantom.array[::-1].transpose(2, 0, 1),
        phantom.affine @ np.array([[0, -1, 0, phantom.shape[0] - 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]]),
    )
    second = find_cord(flipped)
    np.testing.assert_allclose(second.points_mm, first.points_mm, atol=0.05)


def test_a_blank_scan_has_no_cord():
    cord = find_cord(Volume(np.full((40, 40, 40), 7.0), np.diag([2.0, 2.0, 2.0, 1.0])))
    assert cord.reason == "the scan is blank"
    assert cord.points_mm.shape == (0, 3)
    assert region_of(cord, Volume(np.zeros((40, 40, 40)), np.eye(4))) is None


@pytest.mark.parametrize("grain_mm", [0.0, 2.0, 5.0])
def test_noise_has_no_cord(grain_mm):
    noise = np.random.default_rng(11).normal(size=(80, 80, 70))
    noise = ndimage.gaussian_filter(noise, grain_mm / 1.5)
    cord = find_cord(Volume(noise / noise.std() + 5, np.diag([1.5, 1.5, 1.5, 1.0])))
    assert not cord.is_found
    assert cord.reason is not None
    assert "cord" in cord.reason


def test_a_limb_and_a_ball_have_no_cord():
    x, y, z = np.meshgrid(np.arange(-60, 60), np.arange(-60, 60), np.arange(-50, 50), indexing="ij")
    grain = np.random.default_rng(3).normal(0, 0.03, x.shape)
    limb = 0.9 * (np.hypot(x, y) < 52) - 0.4 * (np.hypot(x, y) < 45)
    off = np.hypot(x - 8, y - 5)
    limb = np.where(off < 14, 0.05, limb)
    limb = np.where(off < 8, 0.9, limb)
    ball = (np.sqrt(x**2 + y**2 + z**2) < 40).astype(float)
    for array in (limb, ball):
        assert not find_cord(Volume(array + grain, np.eye(4))).is_found


def test_a_path_begins_and_ends_where_going_on_would_lose():
    likeness = np.zeros((9, 9, 20), dtype=np.float32)
    likeness[4, 4, 5:15] = 0.9
    likeness[4, 4, 9:11] = 0.0
    path = best_path(likeness)
    assert path.voxels[0].tolist() == [4, 4, 5]
    assert path.voxels[-1].tolist() == [4, 4, 14]
    assert path.gain == pytest.approx(8 * 0.7 - 2 * 0.2, abs=1e-5)


def test_a_path_goes_aside_no_further_than_a_cord_bends():
    likeness = np.zeros((9, 40, 12), dtype=np.float32)
    likeness[4, 2, :6] = 0.9
    likeness[4, 30, 6:] = 0.9
    assert len(best_path(likeness).voxels) == 6, "28 voxels aside are another thing"
    likeness[4, 30, 6:] = 0.0
    likeness[4, 4, 6:] = 0.9
    assert len(best_path(likeness).voxels) == 12
    assert np.abs(np.diff(best_path(likeness).voxels[:, 1])).max() == 2


def test_the_region_holds_the_line_and_has_the_cords_width(phantom, middles_mm):
    cord = find_cord(phantom)
    region = region_of(cord, phantom)
    assert region is not None
    on_line = np.rint(to_voxel(phantom.affine, cord.points_mm)).astype(int)
    on_line = on_line[((on_line >= 0) & (on_line < phantom.shape)).all(axis=1)]
    assert region.array[tuple(on_line.T)].all()
    mask = images.load(PHANTOM / "synthetic_cord.nii.gz").array >= 0.5
    heights = to_world(phantom.affine, np.argwhere(mask))[:, 2]
    assert np.ptp(heights) > 80, "the phantom's cord is long enough to compare"
    overlap = 2 * (region.array & mask).sum() / (region.array.sum() + mask.sum())
    assert overlap > 0.6, "rough, but the same thing"
    assert np.nanmedian(cord.radius_mm) == pytest.approx(5.0, abs=0.7), "circle of the phantom's cross-section"


@pytest.mark.slow
@pytest.mark.skipif(not REALCORD.is_dir(), reason="the real cord scans are not beside the project")
@pytest.mark.parametrize(
    "name", ["cervical t2", "cervical t1w", "bentjunction t2", "lowcervical t2", "t2star 9669 run-1"]
)
def test_real_cords_are_found(name):
    known: KnownCord | None = next((cord for cord in known_cords() if cord.name == name), None)
    if known is None or known.centres_mm is None:
        pytest.skip(f"{name} is not beside the project")
    distance_mm = away_mm(find_cord(images.load(known.scan)), known.centres_mm)
    assert np.median(distance_mm) < MEDIAN_MM
    assert np.percentile(distance_mm, 95) < WORST_MM
