"""One visit's scan along its cord with all that was drawn: read and computed when somebody looks, never stored.

What this module refuses: a scan or mask that was changed since it was measured, a mask that a person excluded,
distances from masks that were only carried over, and levels of labels that lie nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from scipy import ndimage

from dashboard.charts.planning_figures import OTHER, Body
from dashboard.data import acts, queries, scan_files
from dashboard.patient import scan_panes
from dashboard.patient.masks_waiting import accepted
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.cord.cord_finding import find_cord
from pipeline.core.signal_reach import padding_of
from pipeline.core.volume import Volume, to_world
from pipeline.description import same_slice
from pipeline.description.lesion_scene import CordCourse
from pipeline.errors import CordtrackError
from pipeline.measure import vertebral_levels
from pipeline.planning import lesion_depth, straight_cord
from pipeline.planning.lesion_depth import LesionDepth
from pipeline.planning.straight_cord import StraightFrame
from pipeline.refind.refinding import CARRIED_OVER

NUMBERS = {name: number for number, (name, _) in COMPARTMENT_COLOURS.items()}
SHOWN = ("oedema", "syrinx", "cyst", "cavity", "haemorrhage")
BEYOND_MM = 40.0
"""How far beyond the lesion the cord is shown, mm."""

BODY_STEP_MM = 1.0
BODY_BEYOND_MM = 15.0
MOST_BODY_POINTS = 250_000
"""Points of the grid of a body: four numbers of each go to the browser."""
LEAST_CORD_SHARE = 0.02
"""A piece drawn as cord that has less than this of the largest one is a slip of the brush (a proposal)."""
NO_CORD_MASK = (
    "the cord was not drawn at this visit; the edge of a cord that was only found is up to some mm off and tells no "
    "distance. Draw the cord on this page, or put its mask and that of the tumour into the study folder"
)

Row = Mapping[Any, Any]


@dataclass(frozen=True, eq=False)
class PlanningScan:
    """All that the planning view shows of one visit.

    Attributes
    ----------
    scan
        NaN where nobody scanned.
    anchor
        Row of the query ``patient_scans``.
    masks
        By compartment, 0 to 1, on the scan's own grid; ``tumour`` is the chosen lesion's, :data:`OTHER` that
        of the other lesions; ``cord``, with all that lies in it, is there where somebody drew it.
    course, cord_words
        Of the cord, with where it comes from; without a course or a frame the words say why.
    upper_mm
        Position of the lesion's upper end along the course.
    depth
        In words where there is none.
    levels, level_words
        Positions of the discs along the course by number, and where they come from or why there are none.
    """

    scan: Volume
    anchor: Row
    masks: Mapping[str, Volume]
    course: CordCourse | None
    cord_words: str
    frame: StraightFrame | None
    upper_mm: float
    depth: LesionDepth | str
    levels: Mapping[int, float]
    level_words: str

    def below_mm(self, position_mm: Any) -> Any:
        """Return positions along the course as mm below the lesion's upper end."""
        return self.upper_mm - position_mm


def planning_scan(patient_id: str, session_id: str, lesion_id: str) -> PlanningScan | str:
    """Gather one visit; in words, why there is nothing to show.

    Raises
    ------
    InputError, StoreError
        A file is missing, damaged or changed.
    """
    scans = queries.query("patient_scans", patient_id=patient_id)
    here = scans[(scans["session_id"] == session_id) & scans["is_anchor"] & scans["unreadable_reason"].isna()]
    anchors = here.pipe(as_rows)
    if not anchors:
        return "no scan of this visit can be read"
    carried = _carried_over(patient_id, session_id)
    return _kept(patient_id, session_id, lesion_id, carried, str(queries.publication()), anchors[0])


def _carried_over(patient_id: str, session_id: str) -> tuple[str, ...]:
    """Return which masks of cord and tumour were only carried over from another visit, and nobody accepted."""
    masks = queries.query("patient_masks", patient_id=patient_id)
    here = masks[(masks["session_id"] == session_id) & masks["is_primary"] & (masks["method"] == CARRIED_OVER)]
    unseen = set(here["compartment"]) - accepted(session_id, acts.history(patient_id))
    return tuple(sorted(unseen & {"cord", "tumour"}))


@st.cache_resource(max_entries=4, show_spinner=False)
def _kept(
    patient_id: str,
    session_id: str,
    lesion_id: str,
    carried: tuple[str, ...],
    publication: str,  # noqa: ARG001  # with the others the key of the cache
    _anchor: Row,
) -> PlanningScan | str:
    excluded = scan_panes.excluded_compartments(patient_id, session_id)
    if "tumour" in excluded:
        return "the mask of the tumour was excluded by a person at this visit"
    uncounted = scan_panes.uncounted_compartments(patient_id, session_id)
    if "tumour" in uncounted:
        return f"the mask of the tumour does not count at this visit: {uncounted['tumour']}"
    excluded = [*excluded, *uncounted]
    drawn_at_all = scan_files.own_masks(_anchor, _anchor, excluded)
    marked = None if drawn_at_all is None else _without(drawn_at_all, excluded)
    lesion = None if marked is None else _lesion(marked, patient_id, session_id, lesion_id)
    if drawn_at_all is None or marked is None or lesion is None:
        return f"{lesion_id} was not drawn at this visit"
    scan = scan_files.scan_as_read(_anchor)
    seen = _seen_alone(scan)
    whole = _whole(drawn_at_all, lesion)
    drawn = marked.with_array((np.rint(marked.array) == NUMBERS["cord"]).astype(np.float32))
    is_drawn = bool(drawn.array.any())
    masks = ({"cord": whole} if is_drawn else {}) | _masks(marked, lesion)
    course, cord_words = _course(scan, whole, is_drawn=is_drawn)
    if course is None:
        return PlanningScan(seen, _anchor, masks, None, cord_words, None, 0.0, cord_words, {}, cord_words)
    ends = lesion_depth.ends_mm(course, masks["tumour"])
    assert ends is not None, "the lesion has voxels"
    straight = laid_straight(course, ends)
    if isinstance(straight, str):
        return PlanningScan(seen, _anchor, masks, course, straight, None, ends[1], straight, {}, straight)
    hidden = [name for name in excluded if name == "enhancing" and (drawn_at_all.array == NUMBERS[name]).any()]
    depth = _why_no_depth(course, carried, hidden) or lesion_depth.lesion_depth(masks["tumour"], whole, drawn, course)
    levels, level_words = _levels(patient_id, _anchor, course)
    return PlanningScan(seen, _anchor, masks, course, cord_words, straight, ends[1], depth, levels, level_words)


def _without(marked: Volume, excluded: Sequence[str]) -> Volume:
    numbers = [NUMBERS[name] for name in excluded]
    return marked.with_array(np.where(np.isin(np.rint(marked.array), numbers), 0, marked.array))


def _why_no_depth(course: CordCourse, carried: Sequence[str], hidden: Sequence[str]) -> str:
    """Say why masks tell no distances; empty where they do. ``hidden`` are parts of the tumour that do not count."""
    if not course.is_drawn:
        return NO_CORD_MASK
    if hidden:
        words = " and ".join(labels.compartment(name).word for name in hidden)
        return (
            f"the mask of {words} does not count at this visit, and whether tumour lies there is not known; "
            f"draw the tumour as a whole, or let that mask count again"
        )
    words = " and ".join(labels.compartment(name).word for name in carried)
    return words and (
        f"the mask of {words} was only carried over from another visit and does not follow the edges on this scan; "
        f"draw it, or look at it and accept it"
    )


def _seen_alone(scan: Volume) -> Volume:
    padding = padding_of(scan)
    return scan if padding is None else scan.with_array(np.where(padding, np.nan, scan.array).astype(np.float32))


def laid_straight(course: CordCourse, ends_mm: tuple[float, float]) -> StraightFrame | str:
    """Return the frame around a lesion between two positions; in words, why there is none."""
    first, last = course.line.positions_mm[[0, -1]]
    away_mm = max(ends_mm[0] - last, first - ends_mm[1])
    if away_mm >= 0:
        return f"the cord's line ends {away_mm:.0f} mm before it reaches the lesion, so nothing is laid straight"
    return straight_cord.frame_along(course, ends_mm[0] - BEYOND_MM, ends_mm[1] + BEYOND_MM)


def _lesion(marked: Volume, patient_id: str, session_id: str, lesion_id: str) -> NDArray[np.bool_] | None:
    """Return the pieces of a lesion on the scan's own grid; None where it was not drawn there."""
    pieces = queries.query("patient_lesions", patient_id=patient_id)
    pieces = pieces[(pieces["session_id"] == session_id) & (pieces["lesion_id"] == lesion_id)]
    pieces = pieces[pieces["scan_x_mm"].notna()]
    tumour = np.isin(np.rint(marked.array), (NUMBERS["tumour"], NUMBERS["enhancing"]))
    if pieces.empty or not tumour.any():
        return None
    places_mm = pieces[["scan_x_mm", "scan_y_mm", "scan_z_mm"]].to_numpy(np.float64)
    return np.any([same_slice.piece_at(marked.with_array(tumour), place_mm) for place_mm in places_mm], axis=0)


def _masks(marked: Volume, lesion: NDArray[np.bool_]) -> dict[str, Volume]:
    numbers = np.rint(marked.array)
    by_name = {name: numbers == NUMBERS[name] for name in SHOWN}
    by_name[OTHER] = np.isin(numbers, (NUMBERS["tumour"], NUMBERS["enhancing"])) & ~lesion
    present = {name: mask for name, mask in by_name.items() if mask.any()}
    return {name: marked.with_array(mask.astype(np.float32)) for name, mask in {**present, "tumour": lesion}.items()}


def _whole(marked: Volume, lesion: NDArray[np.bool_]) -> Volume:
    """Return the cord with all that lies in it: not what is drawn apart from both cord and lesion."""
    numbers = np.rint(marked.array)
    pieces, _ = ndimage.label(numbers > 0, np.ones((3, 3, 3)))
    cord_sizes = np.bincount(pieces[numbers == NUMBERS["cord"]], minlength=pieces.max() + 1)
    is_kept = cord_sizes >= max(1.0, LEAST_CORD_SHARE * cord_sizes.max())
    is_kept[np.unique(pieces[lesion])] = True
    return marked.with_array((is_kept[pieces] & (pieces > 0)).astype(np.float32))


def _course(scan: Volume, whole: Volume, *, is_drawn: bool) -> tuple[CordCourse | None, str]:
    if is_drawn:
        return straight_cord.drawn_course(whole), "the middle of the cord's mask with all that lies in it"
    cord = find_cord(scan)
    if not cord.is_found:
        return None, f"no cord here, so nothing is laid straight: {cord.reason}"
    course = CordCourse.of_points(cord.points_mm[::-1], cord.radius_mm[::-1])
    return course, f"found by the program in this scan, sureness {cord.sureness:.2f} of 1; nobody drew it"


def _levels(patient_id: str, anchor: Row, course: CordCourse) -> tuple[dict[int, float], str]:
    """Lay the patient's disc labels on the course of this scan."""
    try:
        discs = scan_files.disc_places(patient_id, anchor)
    except CordtrackError as error:
        return {}, f"not shown: {error}"
    if isinstance(discs, str):
        return {}, discs
    placed = vertebral_levels.placed(discs.places_mm, course.line)
    if placed is None:
        return {}, "the disc labels do not follow each other along the cord's line here"
    return dict(placed.positions_mm), discs.words


def bodies(shown: PlanningScan) -> list[Body]:
    """Return cord and tissues on an upright grid of 1 mm around the lesion, smoothed for the eye; lesion last.

    Around a long lesion the grid is as coarse as a browser can turn.
    """
    points_mm = to_world(shown.scan.affine, np.argwhere(shown.masks["tumour"].array >= 0.5))
    low, high = points_mm.min(axis=0) - BODY_BEYOND_MM, points_mm.max(axis=0) + BODY_BEYOND_MM
    step_mm = max(BODY_STEP_MM, float(np.cbrt(np.prod(high - low) / MOST_BODY_POINTS)))
    axes = tuple(np.arange(first, last, step_mm) for first, last in zip(low, high, strict=True))
    places_mm = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    drawn = []
    if shown.course is not None and not shown.course.is_drawn:
        drawn.append(Body("cord", _tube(shown.course, places_mm), (axes[0], axes[1], axes[2])))
    for name, mask in shown.masks.items():
        values = ndimage.gaussian_filter(straight_cord.looked_up(mask, places_mm, outside=0.0), 0.5)
        if (values >= 0.5).any():
            drawn.append(Body(name, values, (axes[0], axes[1], axes[2])))
    return drawn


def _tube(course: CordCourse, places_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a round cord of the course's radius, 0.5 at its surface."""
    away_mm, nearest = course.tree.query(places_mm.reshape(-1, 3))
    inside = 0.5 + (course.radius_mm[nearest] - away_mm) / 2
    return np.clip(inside, 0.0, 1.0).reshape(places_mm.shape[:-1]).astype(np.float32)


def voxel_words(anchor: Row) -> str:
    """Write the voxels of a scan, mm."""
    sizes = [anchor[f"spacing_{axis}_mm"] for axis in "ijk"]
    return " × ".join(f"{size:.1f}" for size in sizes if labels.is_known(size)) + " mm"
