"""One plane looked up in scans of other positions and grids, and the signal of healthy cord on each."""

import numpy as np

from pipeline.core.transform import Transform, identity
from pipeline.core.volume import Volume, to_world
from pipeline.description import limit_file, same_slice
from pipeline.description.lesion_scene import AlignedScan, CordCourse

GRID = Volume(np.zeros((31, 41, 121)), np.diag([1.0, 1.0, 1.0, 1.0]))
MIDDLE = np.array([15.0, 20.0])


def points():
    heights = np.arange(0.0, 121.0)
    return np.stack([np.full(121, MIDDLE[0]), np.full(121, MIDDLE[1]), heights], axis=-1)


def course():
    return CordCourse.of_points(points(), np.full(121, 6.0))


def phantom(gain=1.0):
    """A cord of signal 100 with a lesion of 160; fluid 300 around it."""
    i, j, k = np.indices(GRID.shape)
    away = np.hypot(i - MIDDLE[0], j - MIDDLE[1])
    signal = np.where(away < 6, 100.0, 300.0)
    lesion = (away < 4) & (abs(k - 60) < 10)
    signal[lesion] = 160.0
    signal += np.random.default_rng(7).normal(0, 1.0, GRID.shape)  # a flat scan would be padding
    return GRID.with_array((gain * signal).astype(np.float32)), lesion


def test_a_plane_shows_the_same_place_in_a_scan_that_was_moved_and_is_blank_nowhere_but_outside_it():
    scan, lesion = phantom()
    plane = same_slice.section_plane(GRID, lesion, "sagittal", (30.0, 40.0))
    here = same_slice.signal_on(plane, scan, identity("reference", "a"))
    assert here.shape == (160, 120)
    shift = np.eye(4)
    shift[:3, 3] = 3.0, -5.0, 7.0
    moved = Volume(scan.array, shift @ scan.affine)
    there = same_slice.signal_on(plane, moved, Transform("reference", "b", shift))
    np.testing.assert_allclose(here, there, atol=0.01)
    unaligned = same_slice.signal_on(plane, moved, identity("reference", "b"))
    assert np.nanmax(abs(here - unaligned)) > 50, "without the alignment it is another place"
    far = np.eye(4)
    far[2, 3] = 55.0
    cut = same_slice.signal_on(plane, scan, Transform("reference", "c", far))
    assert np.isnan(cut[0]).all(), "above the scan is not dark, it is not scanned"
    assert np.isfinite(cut[-1]).all()


def test_the_plane_lies_through_the_largest_section_front_to_the_left_and_head_up():
    _, lesion = phantom()
    lesion[15:18, 24, 60] = True
    plane = same_slice.section_plane(GRID, lesion, "sagittal", (20.0, 20.0))
    np.testing.assert_allclose(plane.across, [0, -1, 0])
    np.testing.assert_allclose(plane.down, [0, 0, -1])
    labels = same_slice.labels_on(plane, GRID.with_array(lesion))
    rows, _ = np.nonzero(labels)
    assert abs(rows.mean() - (labels.shape[0] - 1) / 2) < 1
    assert plane.centre_mm[0] == 15.0
    axial = same_slice.section_plane(GRID, lesion, "axial", (20.0, 20.0))
    np.testing.assert_allclose(axial.across, [-1, 0, 0])
    assert axial.centre_mm[2] == 60.0, "the extra voxels make this section the largest"


def test_the_box_of_a_spectrum_is_marked_where_it_lies_in_the_visit_s_own_world():
    shift = np.eye(4)
    shift[:3, 3] = 3.0, -5.0, 7.0
    box = np.diag([8.0, 10.0, 20.0, 1.0])
    box[:3, 3] = np.array([15.0, 20.0, 60.0]) + shift[:3, 3]
    plane = same_slice.plane_at(GRID, np.array([15.0, 20.0, 60.0]), "sagittal", (30.0, 40.0))
    marked = same_slice.box_on(plane, box, Transform("reference", "b", shift))
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    assert (len(rows), len(columns)) == (80, 40), "20 mm high and 10 mm deep in pixels of a quarter"
    assert marked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert abs(rows.mean() - 79.5) <= 0.5
    beside = same_slice.plane_at(GRID, np.array([20.0, 20.0, 60.0]), "sagittal", (30.0, 40.0))
    assert not same_slice.box_on(beside, box, Transform("reference", "b", shift)).any(), "4 mm to the side it ends"


def test_healthy_cord_gives_greys_a_meaning_whatever_the_gain_and_too_little_of_it_gives_none():
    scan, lesion = phantom()
    masks = [GRID.with_array(lesion.astype(np.uint8))]
    scene = same_slice.scene_of(masks, (1,), (3,), course())
    limits = limit_file.packaged().reference
    for gain in (0.2, 1.0, 7.0):
        aligned = AlignedScan(phantom(gain)[0], identity("anchor", "x"), "x", "T2w")
        level = same_slice.healthy_signal(aligned, scene, limits)
        assert abs(level.level / (100 * gain) - 1) < 0.02
        assert level.doubt is None
    low = Volume(scan.array[:, :, :74], scan.affine)  # ends in the lesion's upper gap
    one_sided = same_slice.healthy_signal(AlignedScan(low, identity("anchor", "x"), "x", "T2w"), scene, limits)
    assert one_sided.doubt == "cord on one side of the lesion only"
    whole = [GRID.with_array(np.where(lesion, 1, np.where(np.ones(GRID.shape, bool), 3, 0)).astype(np.uint8))]
    everywhere = same_slice.scene_of(whole, (1,), (3,), course())
    assert isinstance(
        same_slice.healthy_signal(AlignedScan(scan, identity("a", "x"), "x", "T2w"), everywhere, limits), str
    )
    assert same_slice.healthy_signal(AlignedScan(scan, identity("a", "x"), "x", "T2w"), None, limits) == (
        same_slice.NO_COURSE
    )


def test_of_two_pieces_the_one_at_the_place_is_taken():
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[14:17, 19:22, 20:30] = mask[14:17, 19:22, 80:110] = True
    piece = same_slice.piece_at(GRID.with_array(mask), np.array([15.0, 20.0, 27.0]))
    assert to_world(GRID.affine, np.argwhere(piece))[:, 2].max() < 31


def test_the_nearest_piece_is_the_nearest_in_millimetres_on_thick_slices_too() -> None:
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[4, 4, 8] = mask[6, 4, 4] = True  # four voxels of 0.5 mm away, and two slices of 4 mm
    piece = same_slice.piece_at(Volume(mask, np.diag([4.0, 0.5, 0.5, 1.0])), np.array([16.0, 2.0, 2.0]))
    np.testing.assert_array_equal(np.argwhere(piece), [[4, 4, 8]])
