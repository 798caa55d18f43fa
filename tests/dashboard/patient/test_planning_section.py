"""The planning view on a visit of the sample study, without and with a drawn cord, and its words. 60 s."""

import inspect
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dashboard.charts import planning_figures
from dashboard.charts.planning_figures import DORSAL, OTHER, RIM
from dashboard.patient import planning_scan, planning_section
from dashboard.shell import page
from pipeline.cord.cord_finding import FoundCord
from pipeline.core.volume import Volume
from pipeline.description.lesion_scene import CordCourse
from pipeline.planning import lesion_depth, straight_cord
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.dashboard.conftest import save_scan
from tests.factories import copy_tiny

GRID = Volume(np.zeros((40, 40, 120)), np.diag([1.0, 1.0, 1.0, 1.0]))


def shown_scan(*, is_drawn):
    """A straight cord of radius 6 with a lesion of radius 2 a millimetre behind its middle, and a second one below."""
    i, j, k = np.indices(GRID.shape)
    away = np.hypot(i - 20.0, j - 20.0)
    cord = away < 6
    lesion = (np.hypot(i - 20.0, j - 19.0) < 2.01) & (abs(k - 70) < 8)
    other = (np.hypot(i - 20.0, j - 20.0) < 2.01) & (abs(k - 40) < 4)
    whole, solid, second = (GRID.with_array(mask.astype(np.float32)) for mask in (cord, lesion, other))
    points = np.stack([np.full(120, 20.0), np.full(120, 20.0), np.arange(120.0)], axis=-1)
    course = straight_cord.drawn_course(whole) if is_drawn else CordCourse.of_points(points, np.full(120, 6.0))
    ends = lesion_depth.ends_mm(course, solid)
    depth = lesion_depth.lesion_depth(solid, whole, whole, course) if is_drawn else planning_scan.NO_CORD_MASK
    masks = ({"cord": whole} if is_drawn else {}) | {OTHER: second, "tumour": solid}
    scan = GRID.with_array((100 * cord + 300 * ~cord).astype(np.float32))
    anchor = {"path": "a/b_T2w.nii.gz", "contrast": "T2w", "sha256": "0123456789", "spacing_i_mm": 1.0,
              "spacing_j_mm": 1.0, "spacing_k_mm": 1.0}  # fmt: skip
    straight = straight_cord.frame_along(course, ends[0] - 40, ends[1] + 40)
    levels = {6: ends[1] - 3.0, 7: ends[1] - 21.0}
    return planning_scan.PlanningScan(
        scan, anchor, masks, course, "drawn" if is_drawn else "found", straight, ends[1], depth, levels, "disc labels"
    )


def test_with_a_drawn_cord_the_least_distances_are_told_with_their_error_place_and_level():
    words = dict(planning_section.planning_words(shown_scan(is_drawn=True)))
    assert set(words) == {DORSAL, RIM}
    assert "known to about a voxel (±1.0 mm)" in words[DORSAL]
    told_mm = float(words[DORSAL].split(" mm")[0])
    assert abs(told_mm - 3.0) <= 1.0, words
    assert "C5/C6" in words[DORSAL] or "C6" in words[DORSAL] or "C5" in words[DORSAL]
    assert "towards the dorsal surface" in words[RIM]


def test_without_a_drawn_cord_no_distance_is_told_and_none_is_drawn():
    shown = shown_scan(is_drawn=False)
    (pair,) = planning_section.planning_words(shown)
    assert pair[0] == "distances"
    assert pair[1].startswith("not told: the cord was not drawn at this visit")
    view = planning_section.straight_view(shown)
    assert not view.curves
    figure = planning_figures.straight_figure(view)
    assert "xaxis3" not in figure.to_plotly_json()["layout"], "no empty axis stands for an unknown distance"


def test_where_all_of_the_cord_was_drawn_as_lesion_the_distance_may_be_none():
    shown = shown_scan(is_drawn=True)
    partly = replace(shown, depth=replace(shown.depth, undrawn_mm=12.0))
    for words in dict(planning_section.planning_words(partly)).values():
        assert "beside 12 mm of the lesion no cord was drawn: the distance there is not known and may be none" in words


@pytest.mark.parametrize(("heights", "reason"), [((0, 30), "ends 33 mm before"), ((100, 120), "ends 23 mm before")])
def test_a_line_that_ends_before_the_lesion_is_not_laid_straight(heights, reason):
    course = part_of_course(*heights)
    first = course.line.positions_mm[0] - heights[0]
    lesion = (first + 62.0, first + 77.0)
    words = planning_scan.laid_straight(course, lesion)
    assert words.startswith(f"the cord's line {reason}")
    assert "before it reaches the lesion, so nothing is laid straight" in words
    shown = shown_scan(is_drawn=False)
    bare = replace(shown, course=course, frame=None, cord_words=words, depth=words, levels={}, level_words=words)
    assert dict(planning_section.planning_words(bare)) == {"distances": f"not told: {words}"}
    assert not isinstance(planning_scan.laid_straight(shown.course, lesion), str)


@pytest.fixture
def labelled(monkeypatch):
    """A drawn cord with a tumour, as the files of a visit; returns what a person excluded there."""
    shown, excluded = shown_scan(is_drawn=True), []
    numbers = np.where(shown.masks["tumour"].array > 0, planning_scan.NUMBERS["tumour"], 0)
    numbers = np.where((shown.masks["cord"].array > 0) & (numbers == 0), planning_scan.NUMBERS["cord"], numbers)
    piece = {"session_id": "ses-1", "lesion_id": "L1", "scan_x_mm": 20.0, "scan_y_mm": 19.0, "scan_z_mm": 70.0}
    monkeypatch.setattr(planning_scan.queries, "query", lambda *_, **__: pd.DataFrame([piece]))
    monkeypatch.setattr(planning_scan.scan_files, "own_masks", lambda *_: GRID.with_array(numbers.astype(np.uint8)))
    monkeypatch.setattr(planning_scan.scan_files, "scan_as_read", lambda _: shown.scan)
    monkeypatch.setattr(planning_scan.scan_files, "disc_places", lambda *_: "no labels")
    monkeypatch.setattr(planning_scan.scan_panes, "excluded_compartments", lambda *_: excluded)
    monkeypatch.setattr(planning_scan.scan_panes, "uncounted_compartments", lambda *_: {})
    unseen = FoundCord(np.zeros((0, 3)), np.zeros(0), np.zeros(0), 0.0, "none here")
    monkeypatch.setattr(planning_scan, "find_cord", lambda _: unseen)
    return excluded


def gathered(carried=()):
    planning_scan.st.cache_resource.clear()
    return planning_scan._kept("sub-01", "ses-1", "L1", carried, "a run", {"session_id": "ses-1"})


def test_a_mask_that_a_person_excluded_tells_no_distance(labelled):
    assert abs(gathered().depth.dorsal.distance_mm - 3.0) <= 1.0
    labelled.append("cord")
    bare = gathered()
    assert "cord" not in bare.masks
    assert bare.depth == "no cord here, so nothing is laid straight: none here"
    labelled[:] = ["tumour"]
    assert gathered() == "the mask of the tumour was excluded by a person at this visit"


def test_a_mask_that_does_not_count_tells_no_distance(labelled, monkeypatch):
    why = "its mask is that of ses-0 voxel by voxel"
    monkeypatch.setattr(planning_scan.scan_panes, "uncounted_compartments", lambda *_: {"tumour": why})
    assert gathered() == f"the mask of the tumour does not count at this visit: {why}"
    monkeypatch.setattr(planning_scan.scan_panes, "uncounted_compartments", lambda *_: {"cord": why})
    assert "cord" not in gathered().masks


@pytest.mark.parametrize("name", ["oedema", "enhancing"])
def test_a_mask_that_does_not_count_leaves_no_hole_in_the_cord(labelled, monkeypatch, name):
    clean = gathered()
    numbers = planning_scan.scan_files.own_masks().array.copy()
    right, front = np.indices(GRID.shape)[:2] - 20.0
    behind = (numbers > 0) & (abs(right) < 2) & (front < -2.5) & (numbers != planning_scan.NUMBERS["tumour"])
    numbers[behind] = planning_scan.NUMBERS[name]
    monkeypatch.setattr(planning_scan.scan_files, "own_masks", lambda *_: GRID.with_array(numbers))
    labelled.append(name)
    bare = gathered()
    np.testing.assert_array_equal(bare.masks["cord"].array, clean.masks["cord"].array)
    assert name not in bare.masks
    if name == "oedema":
        assert bare.depth.dorsal == clean.depth.dorsal
    else:
        assert "whether tumour lies there is not known" in bare.depth


def test_an_island_apart_from_the_cord_is_no_part_of_it(labelled, monkeypatch):
    clean = gathered()
    numbers = planning_scan.scan_files.own_masks().array.copy()
    numbers[:4, :2, :6] = planning_scan.NUMBERS["oedema"]
    numbers[-2:, -2:, -2:] = planning_scan.NUMBERS["cord"]
    monkeypatch.setattr(planning_scan.scan_files, "own_masks", lambda *_: GRID.with_array(numbers))
    spotted = gathered()
    np.testing.assert_array_equal(spotted.masks["cord"].array, clean.masks["cord"].array)
    assert spotted.depth.dorsal == clean.depth.dorsal


def test_a_long_lesion_is_drawn_as_fine_as_a_browser_can_turn(labelled):
    shown = gathered()
    (*_, body) = planning_scan.bodies(shown)
    assert np.diff(body.axes_mm[0])[0] == pytest.approx(1.0)
    long = Volume(np.zeros((60, 60, 400), dtype=np.float32), np.eye(4))
    long.array[20:40, 20:40, 20:380] = 1
    (*_, coarse) = planning_scan.bodies(replace(shown, scan=long, masks={"tumour": long}))
    assert np.prod([len(axis) for axis in coarse.axes_mm]) <= 1.1 * planning_scan.MOST_BODY_POINTS


@pytest.mark.parametrize("carried", [("cord",), ("tumour",), ("cord", "tumour")])
def test_a_mask_that_was_only_carried_over_tells_no_distance(labelled, carried):
    words = gathered(carried).depth
    assert words.startswith(f"the mask of {' and '.join(carried)} was only carried over from another visit")


def part_of_course(first, last):
    heights = np.arange(float(first), float(last))
    points = np.stack([np.full(len(heights), 20.0), np.full(len(heights), 20.0), heights], axis=-1)
    return CordCourse.of_points(points, np.full(len(heights), 6.0))


def test_a_line_that_ends_within_the_lesion_says_how_much_of_it_is_not_shown():
    shown, course = shown_scan(is_drawn=False), part_of_course(0, 71)
    ends = lesion_depth.ends_mm(course, shown.masks["tumour"])
    straight = planning_scan.laid_straight(course, ends)
    cut = replace(shown, course=course, frame=straight, upper_mm=ends[1])
    words = planning_section._ends_words(cut)
    assert "the cord's line ends within the lesion: 8 mm at its upper end are not laid straight" in words
    assert "0 mm above" not in words


def test_the_program_named_is_the_one_that_computes_now(scans_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(scans_out))
    monkeypatch.setattr(planning_section, "__version__", "9.8.7")
    parts = planning_section._definitions(shown_scan(is_drawn=True), "sub-01", "ses-05")
    assert "by cordtrack 9.8.7" in str(parts)


def test_the_figures_show_ruler_levels_every_lesion_and_bodies():
    shown = shown_scan(is_drawn=True)
    figure = planning_figures.straight_figure(planning_section.straight_view(shown)).to_plotly_json()
    names = [trace.get("name") for trace in figure["data"]]
    assert {"tumour", "other lesions", "cord", DORSAL, RIM} <= set(names)
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["C5/C6", "C6/C7"]
    foot, head = figure["layout"]["yaxis"]["range"]
    assert foot > head, "head above"
    bodies = planning_scan.bodies(shown)
    assert [body.name for body in bodies][-1] == "tumour"
    assert "cord" in {body.name for body in bodies}
    turning = planning_figures.turning_figure(bodies)
    assert len(turning.data) == len(bodies)


@pytest.fixture
def out(tmp_path, monkeypatch):
    copy_tiny(tmp_path)
    save_scan(tmp_path, "sub-01", "ses-05", radius=7)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


def test_the_tab_is_filled_when_it_is_opened_and_says_what_is_missing(out):
    missing = "expected an output folder of cordtrack (with run.toml), found none; run first"
    shut, opened_ = (text_of(opened("patient", patient="sub-01", **tab)) for tab in ({}, {"tab": "Planning view"}))
    assert missing not in shut, "nothing is read before somebody looks"
    assert missing in opened_


def test_the_figure_that_a_pointer_turns_is_not_drawn_larger_on_large_screens():
    """A scene in space reckons where the pointer is without the transform that makes figures larger."""
    style = page.STYLE.read_text(encoding="utf-8")
    making_larger = re.findall(r"([^{}]+)\{[^{}]*var\(--ct-figures", style)
    assert len(making_larger) == 2
    assert all("st-key-turning-" in selector for selector in making_larger)
    assert '"turning-{patient_id}"' in inspect.getsource(planning_section)
