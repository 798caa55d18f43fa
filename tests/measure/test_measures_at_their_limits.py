"""Margins, enhancement, lines and levels at the limit of each rule. Milliseconds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from pipeline.core.transform import identity
from pipeline.core.volume import Volume
from pipeline.measure import appearance, cord, vertebral_levels, volumes
from pipeline.measure.appearance import TEN_TO_NINETY, Enhancement, Margin
from pipeline.measure.measurement_error import geometric_cv
from pipeline.measure.vertebral_levels import Levels

HERE = identity("visit", "reference")


@pytest.mark.parametrize(
    ("ratio", "rim", "core", "pattern"),
    [
        (0.0999, 1.0, 0.0, Enhancement.NONE), (0.10, 0.4, 0.0, Enhancement.HETEROGENEOUS),
        (0.10, 0.5, 0.0, Enhancement.RING), (0.10, 0.4999, 0.0, Enhancement.HETEROGENEOUS),
        (0.5, 0.5, 0.2499, Enhancement.RING), (0.5, 0.5, 0.25, Enhancement.HETEROGENEOUS),
        (0.5, 1.0, None, Enhancement.HETEROGENEOUS), (0.75, 1.0, 0.5, Enhancement.HOMOGENEOUS),
        (0.7499, 1.0, 0.5, Enhancement.HETEROGENEOUS), (0.8, 1.0, None, Enhancement.HOMOGENEOUS),
    ],
)  # fmt: skip
def test_a_pattern_of_enhancement_begins_at_its_share(
    ratio: float, rim: float, core: float | None, pattern: Enhancement
) -> None:
    assert appearance._pattern(ratio, rim, core) == pattern


@pytest.mark.parametrize(
    ("fit", "margin"),
    [
        ((3.0, 0.25), Margin.SHARP), ((3.0001, 0.25), Margin.BLURRED), ((3.0, 0.2499), None), ((None, 1.0), None),
    ],
)  # fmt: skip
def test_a_margin_is_sharp_up_to_a_millimetre_and_two_pixels_where_an_edge_explains_a_quarter(
    fit: tuple[float | None, float], margin: Margin | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearance, "_edge_width_mm", lambda *_: fit)
    array = np.zeros((16, 16, 16))
    array[4:12, 4:12, 4:12] = 1.0
    mask = Volume(array, np.eye(4))
    assert appearance.margin_of(mask, mask, np.zeros(array.shape, dtype=bool)).margin == margin


@pytest.mark.parametrize(
    ("sigma_mm", "place_mm", "pixel_mm", "width_mm"),
    [
        (1.0, 0.0, 1.0, TEN_TO_NINETY), (1.0, 1.4, 1.0, TEN_TO_NINETY), (1.0, -1.4, 1.0, TEN_TO_NINETY),
        (0.01, 0.05, 1.0, 1.0),  # never below a pixel
        (2.9, 0.0, 1.0, 2.9 * TEN_TO_NINETY), (3.0, 0.0, 1.0, 3.0 * TEN_TO_NINETY),
        (5.0, 0.0, 9.0, 5.0 * TEN_TO_NINETY),  # up to two pixels where these are large
    ],
)  # fmt: skip
def test_the_width_of_an_edge_is_found_wherever_it_lies_within_reach(
    sigma_mm: float, place_mm: float, pixel_mm: float, width_mm: float
) -> None:
    at_mm = np.linspace(-3.0, 3.0, 301)
    values = 100 + 50 * (1 + special.erf((at_mm - place_mm) / (np.sqrt(2) * sigma_mm)))
    found_mm, explained = appearance._edge_width_mm(at_mm, values, pixel_mm)
    assert found_mm == pytest.approx(width_mm, rel=1e-3)
    assert explained > 0.94


def test_no_edge_is_wider_than_the_reach_nor_farther_than_half_of_it() -> None:
    at_mm = np.linspace(-3.0, 3.0, 301)
    wide = 100 + 50 * (1 + special.erf(at_mm / (np.sqrt(2) * 6.0)))
    assert appearance._edge_width_mm(at_mm, wide, 1.0)[0] == pytest.approx(3.0 * TEN_TO_NINETY, rel=1e-3)
    far = 100 + 50 * (1 + special.erf((at_mm - 2.5) / (np.sqrt(2) * 0.4)))
    width_mm, explained = appearance._edge_width_mm(at_mm, far, 1.0)
    assert width_mm is not None
    assert width_mm > 1.2 * 0.4 * TEN_TO_NINETY
    assert explained < 0.99


def test_what_an_edge_explains_is_its_share_of_the_variance() -> None:
    at_mm = np.linspace(-3.0, 3.0, 2001)
    step = np.where(at_mm > 0, 1.0, -1.0)
    noise = np.random.default_rng(3).normal(size=at_mm.size)
    _, explained = appearance._edge_width_mm(at_mm, step + noise, 0.1)
    assert explained == pytest.approx(0.5, abs=0.04)  # equal variances; 2000 readings
    assert appearance._edge_width_mm(at_mm, np.full(at_mm.size, 7.0), 1.0)[1] == 0.0


@pytest.mark.parametrize("volume_mm3", [1.0, 0.5, 0.001])
def test_the_smallest_volume_has_an_error(volume_mm3: float) -> None:
    found = geometric_cv(volume_mm3, 0.25, slices_spanned=1, plane="isotropic")
    assert found == pytest.approx(4.836 * 0.25 * volume_mm3 ** (-1 / 3))


def leaning_cord(value: float = 1.0) -> Volume:
    """A cord on thick sagittal slices, whose head-foot axis leans by 30 degrees to the side."""
    array = np.zeros((9, 9, 40))
    array[3:6, 3:6, 5:35] = value
    turn = np.array([[np.cos(0.5), 0, np.sin(0.5)], [0, 1, 0], [-np.sin(0.5), 0, np.cos(0.5)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([3.3, 0.7, 0.7])
    return Volume(array, affine)


@pytest.mark.parametrize("value", [1.0, 0.5])
def test_the_planes_of_a_cord_are_those_across_it_however_thick_its_slices(value: float) -> None:
    centres = cord._plane_centres(leaning_cord(value))
    assert len(centres) == 30
    along = np.diff(centres, axis=0)
    assert along == pytest.approx(np.tile(0.7 * np.array([np.sin(0.5), 0, np.cos(0.5)]), (29, 1)), abs=1e-9)
    assert (
        len(cord._object_points(leaning_cord(0.4999) if value < 1 else leaning_cord())) == 270 if value == 1 else True
    )


def test_a_wiggle_of_twenty_five_millimetres_is_smoothed_by_half() -> None:
    heights = np.arange(0.0, 200.0)
    shift = 4.0 * np.sin(2 * np.pi * heights / cord.SMOOTHED_MM)
    array = np.zeros((120, 1, 200))
    array[np.rint(60 + shift / 0.1).astype(int), 0, np.arange(200)] = 1.0
    line = cord.line_of_cord(Volume(array, np.diag([0.1, 1.0, 1.0, 1.0])), HERE)
    inner = (line.points_mm[:, 2] > 60) & (line.points_mm[:, 2] < 140)
    assert np.ptp(line.points_mm[inner, 0]) / 8.0 == pytest.approx(0.5, abs=0.03)  # ends and drawn steps of 0.1 mm


@pytest.mark.parametrize(
    ("labels", "place_mm", "name"),
    [
        ({4: 50.0, 5: 30.0, 6: 20.0}, 15.0, "C6"),  # half of the lowest step, which is the shorter one
        ({4: 50.0, 5: 30.0, 6: 20.0}, 14.9, "below C5"),
        ({4: 50.0, 5: 30.0, 6: 20.0}, 60.0, "C3"), ({4: 50.0, 5: 30.0, 6: 20.0}, 60.1, "above C4"),
    ],
)  # fmt: skip
def test_half_of_the_outermost_step_is_named_beyond_the_labels(
    labels: dict[int, float], place_mm: float, name: str
) -> None:
    assert vertebral_levels.level_at(Levels(labels), place_mm) == name


def test_the_product_of_diameters_adds_up_over_pieces() -> None:
    array = np.zeros((20, 10, 12), dtype=bool)
    array[1:7, 1:4, 2:5] = True
    array[12:16, 5:7, 6:9] = True
    whole = volumes.measure(Volume(array, np.eye(4)))
    apart = []
    for block in (np.s_[:10], np.s_[10:]):
        alone = np.zeros_like(array)
        alone[block] = array[block]
        apart.append(volumes.measure(Volume(alone, np.eye(4))))
    assert whole.product_mm2 == pytest.approx(sum(one.axial_long_mm * one.axial_perpendicular_mm for one in apart))
    assert whole.longest_mm == pytest.approx(sum(one.longest_mm for one in apart))
    assert whole.axial_long_mm != whole.axial_perpendicular_mm


@pytest.mark.parametrize("below_mm", [0.0, 0.5, 30.0])
def test_a_line_goes_on_straight_beyond_the_end_that_is_nearer_to_the_disc(below_mm: float) -> None:
    positions = np.arange(-40.0, 41.0)
    lean = np.array([np.sin(0.5), 0.0, np.cos(0.5)])
    points = np.where(positions[:, None] < 0, positions[:, None] * lean, positions[:, None] * [0.0, 0.0, 1.0])
    tangents = np.where(positions[:, None] < 0, lean, np.array([0.0, 0.0, 1.0]))
    line = cord.CentreLine(points, tangents, positions, cord.LineSource.CORD)
    up = np.array([0.0, 0.0, 1.0])
    below = vertebral_levels._crossing_mm(line, points[0] - below_mm * up, up)
    assert below == pytest.approx(-40.0 - below_mm / np.cos(0.5))
    above = vertebral_levels._crossing_mm(line, points[-1] + (below_mm + 1) * up, up)
    assert above == pytest.approx(41.0 + below_mm)


def test_beyond_its_ends_a_line_goes_on_as_its_last_five_millimetres_do() -> None:
    """Points a quarter of a millimetre apart: 20 straight steps at either end, leaning in between."""
    lean = np.array([np.sin(0.5), 0.0, np.cos(0.5)])
    steps = np.vstack(
        [np.tile([0.0, 0.0, 0.25], (20, 1)), np.tile(0.25 * lean, (80, 1)), np.tile([0, 0, 0.25], (20, 1))]
    )
    course = np.vstack([np.zeros(3), np.cumsum(steps, axis=0)])
    line = cord._every_step(course, 10.0, cord.LineSource.CORD)
    assert len(line.points_mm) == 51  # 30 mm of course and 10 at either end
    assert line.points_mm[:14, 0] == pytest.approx(0.0, abs=1e-9)
    assert line.points_mm[-14:, 0] == pytest.approx(course[-1, 0], abs=1e-9)


def test_discs_are_numbered_as_the_spinal_cord_toolbox_does() -> None:
    assert (vertebral_levels.FIRST_DISC, vertebral_levels.LAST_DISC) == (2, 25)
    assert {1, 49, 50, 60} == vertebral_levels.NOT_DISCS


@pytest.mark.parametrize("voxel_mm", [0.5, 1.0])
def test_what_lies_outside_the_box_that_is_looked_at_changes_no_margin(
    voxel_mm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = np.linalg.norm(np.indices((40, 40, 40)) - 20.0, axis=0) * voxel_mm
    mask = Volume((at < 8 * voxel_mm).astype(float), np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0]))
    image = mask.with_array(200.0 - 50 * (1 + special.erf((at - 8 * voxel_mm) / (np.sqrt(2) * 1.2))))
    nothing = np.zeros(at.shape, dtype=bool)
    in_box = appearance.margin_of(image, mask, nothing)
    monkeypatch.setattr(appearance, "_box", lambda *_: (slice(None),) * 3)
    whole = appearance.margin_of(image, mask, nothing)
    assert in_box.width_mm == pytest.approx(whole.width_mm, rel=1e-6)


def test_nothing_laid_along_a_line_has_no_stretches() -> None:
    line = cord.line_of_cord(leaning_cord(), HERE)
    nothing = cord.stretches_of(leaning_cord(0.0), HERE, line)
    lengths = {len(one) for one in (nothing.positions_mm, nothing.reach_mm, nothing.volumes_mm3, nothing.is_object)}
    assert lengths == {0}
    assert cord.length_along_mm(nothing) == 0.0
