"""The same slice of every visit, one picture for each sequence, or in words why there is none.

Places go through the alignments that the store has. What this module refuses: a picture of a place that is not certain
(an alignment of grade C), and a blank.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.data import acts, queries, scan_files
from dashboard.patient import scan_panes
from dashboard.patient.masks_waiting import unsigned
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import Place
from dashboard.viewer.panes import to_ras
from dashboard.viewer.slice_picture import slice_picture
from dashboard.viewer.spots import spot_of
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.cord.cord_finding import find_cord
from pipeline.core.transform import Transform, identity
from pipeline.core.volume import Volume
from pipeline.description import limit_file, same_slice
from pipeline.description.lesion_scene import AlignedScan, CordCourse, LesionScene
from pipeline.description.same_slice import HealthySignal, SlicePlane
from pipeline.errors import CordtrackError
from pipeline.files.fingerprints import Identity, identity_of

NUMBERS = {name: number for number, (name, _) in COMPARTMENT_COLOURS.items()}
TUMOUR = (NUMBERS["tumour"], NUMBERS["enhancing"])
BESIDE = tuple(number for name, number in NUMBERS.items() if name not in ("tumour", "enhancing", "cord"))
ORDER = ("T2w", "STIR", "T1w", "T1w_ce", "ADC", "dwi", "T2starw", "SWI", "PDw")
"""Contrasts in the order in which they stand below each other; others follow."""

WIDTH_MM = 40.0
AROUND_MM, LEAST_MM, MOST_MM = 15.0, 45.0, 120.0
"""A sagittal picture goes so far beyond the lesion, and is no lower or higher than this, mm."""

UNSIGNED, NO_MASK = "automatic outline, nobody signed it", "no mask at this visit"
"""What is said of the outlines in a picture."""

Row = Mapping[Any, Any]


@dataclass(frozen=True, eq=False)
class SliceCell:
    """A picture with what is said below it, or the reason why there is none.

    ``sequence`` is the name under which the viewer offers the scan.
    """

    session_id: str
    day: str
    picture: NDArray[np.uint8] | None
    words: str
    sequence: str | None = None


@dataclass(frozen=True, eq=False)
class _DrawnBy:
    """The cord with all lesions, the viewer's name of each scan by its path, and visits whose outline nobody signed."""

    scene: LesionScene | None
    names: Mapping[str, str]
    unsigned: Collection[str]


@dataclass(frozen=True, eq=False)
class _Drawn:
    picture: NDArray[np.uint8] | None
    words: str


@dataclass(frozen=True, eq=False)
class SliceLine:
    """One sequence at all visits, in order of time."""

    name: str
    cells: tuple[SliceCell, ...]


@dataclass(frozen=True, eq=False)
class SamePlace:
    """The plane through a lesion, the visit whose mask placed it, and where the viewer opens on it."""

    plane: SlicePlane
    session_id: str
    opening: Place


def same_place(patient_id: str, lesion_id: str, view: str) -> SamePlace | None:
    """Return the plane through a lesion's largest section at the visit where it was largest; None without a mask.

    Raises
    ------
    InputError
        A mask cannot be read.
    """
    pieces = queries.query("patient_lesions", patient_id=patient_id)
    pieces = pieces[(pieces["lesion_id"] == lesion_id) & pieces["centre_x_mm"].notna()]
    by_size = pieces.sort_values("volume_mm3", ascending=False, kind="stable")
    for row in by_size.pipe(as_rows):
        file = queries.display_mask(patient_id, row["session_id"])
        if not file.is_file():
            continue
        upright = to_ras(queries.image(file))
        tumour = np.isin(np.rint(upright.array), TUMOUR)
        if not tumour.any():
            continue
        centre_mm = np.array([row["centre_x_mm"], row["centre_y_mm"], row["centre_z_mm"]], dtype=np.float64)
        lesion = same_slice.piece_at(upright.with_array(tumour), centre_mm)
        plane = same_slice.section_plane(upright, lesion, view, _size_mm(upright, lesion, view))
        opening = spot_of(upright, plane.centre_mm.tolist(), 1.0, view).place
        return SamePlace(plane, str(row["session_id"]), opening)
    return None


def slice_lines(patient_id: str, place: SamePlace) -> list[SliceLine]:
    """Return the pictures of every sequence that the patient has, at every visit."""
    visits = queries.query("patient_visits", patient_id=patient_id).pipe(as_rows)
    scans = queries.query("patient_scans", patient_id=patient_id).pipe(as_rows)
    contrasts = sorted({str(row["contrast"]) for row in scans}, key=_rank)
    offered = scan_panes.sequences(patient_id, [str(row["session_id"]) for row in visits])
    names = {item.scan["path"]: name for name, by_visit in offered.items() for item in by_visit.values()}
    drawn_by = _DrawnBy(_scene(patient_id, visits), names, unsigned(patient_id, acts.history(patient_id)))
    return [
        SliceLine(
            labels.sequence(contrast),
            tuple(_cell(visit, _of_visit(scans, visit), contrast, place.plane, drawn_by) for visit in visits),
        )
        for contrast in contrasts
    ]


def _rank(contrast: str) -> tuple[int, str]:
    return (ORDER.index(contrast) if contrast in ORDER else len(ORDER), contrast)


def _of_visit(scans: Sequence[Row], visit: Row) -> list[Row]:
    return [row for row in scans if row["session_id"] == visit["session_id"]]


def _size_mm(upright: Volume, lesion: NDArray[np.bool_], view: str) -> tuple[float, float]:
    if view != "sagittal":
        return WIDTH_MM, WIDTH_MM
    heights = np.flatnonzero(lesion.any(axis=(0, 1)))
    length_mm = float((heights[-1] - heights[0] + 1) * upright.spacing_mm[2])
    return WIDTH_MM, float(np.clip(length_mm + 2 * AROUND_MM, LEAST_MM, MOST_MM))


def _cell(visit: Row, scans: Sequence[Row], contrast: str, plane: SlicePlane, drawn_by: _DrawnBy) -> SliceCell:
    """Draw one scan of a visit, or say why it is not drawn."""
    session, day = str(visit["session_id"]), _day(visit)
    named = labels.sequence(contrast)
    anchor = next((row for row in scans if row["is_anchor"]), None)
    reason = _why_not_placed(visit, anchor)
    of_contrast = [row for row in scans if row["contrast"] == contrast]
    if not of_contrast:
        return SliceCell(session, day, None, f"no {named} at this visit")
    if reason is not None or anchor is None:
        return SliceCell(session, day, None, reason or "not aligned: none of the visit's scans was")
    laid = [row for row in of_contrast if _why_not_laid(row) is None]
    if not laid:
        return SliceCell(session, day, None, str(_why_not_laid(of_contrast[0])))
    scan, picture, words = _first_picture(laid, anchor, plane, drawn_by.scene)
    further = len(of_contrast) - 1
    remarks = [
        words,
        UNSIGNED if picture is not None and session in drawn_by.unsigned else "",
        f"{further} more {named} of this visit not drawn" if further else "",
    ]
    caption = "; ".join(word for word in remarks if word)
    return SliceCell(session, day, picture, caption, drawn_by.names.get(scan["path"]))


def _first_picture(
    scans: Sequence[Row], anchor: Row, plane: SlicePlane, scene: LesionScene | None
) -> tuple[Row, NDArray[np.uint8] | None, str]:
    """Return the first scan that shows the plane, with picture and words; where none does, the first and why not."""
    untold = []
    for scan in scans:
        try:
            picture, words = _picture(scan, anchor, plane, scene)
        except CordtrackError as error:
            picture, words = None, str(error)
        if picture is not None:
            return scan, picture, words
        untold.append((scan, None, words))
    return untold[0]


def _day(visit: Row) -> str:
    is_dated = labels.is_known(visit["acquired_on"])
    return labels.day(visit["acquired_on"]) if is_dated else f"{visit['session_id']}, no date"


def _why_not_placed(visit: Row, anchor: Row | None) -> str | None:
    """Say why a visit has no place in the reference space; None where it has."""
    if anchor is None:
        return "no scan at this visit that could be aligned"
    if labels.is_known(anchor["unreadable_reason"]):
        return f"cannot be read: {anchor['unreadable_reason']}"
    if anchor["is_reference"]:
        return None
    if anchor["grade"] == "C" or not labels.is_known(anchor["transform_path"]):
        why = anchor["grade_reasons"] if labels.is_known(anchor["grade_reasons"]) else visit["status_reason"]
        grade = "alignment of grade C" if anchor["grade"] == "C" else "no alignment"
        return f"not aligned: {grade}{f' ({why})' if labels.is_known(why) else ''}"
    return None


def _why_not_laid(scan: Row) -> str | None:
    """Say why a scan has no place on its visit's aligned scan; None where it has."""
    if labels.is_known(scan["unreadable_reason"]):
        return f"cannot be read: {scan['unreadable_reason']}"
    if scan["is_anchor"]:
        return None
    if scan["grade"] == "C" or not labels.is_known(scan["transform_path"]):
        why = scan["grade_reasons"] if labels.is_known(scan["grade_reasons"]) else "no alignment"
        return f"not aligned with the visit's own scan: {why}"
    return None


def _picture(
    scan: Row, anchor: Row, plane: SlicePlane, scene: LesionScene | None
) -> tuple[NDArray[np.uint8] | None, str]:
    """Return the picture with what is to be said of it, made once; no picture where the scan does not reach.

    Raises
    ------
    InputError, StoreError
        A file is missing or damaged.
    """
    mask_file = queries.display_mask(str(anchor["patient_id"]), str(anchor["session_id"]))
    at = (*plane.centre_mm, *plane.across, *plane.down, plane.width_mm, plane.height_mm)
    keys = (str(scan["path"]), str(scan["sha256"]), str(queries.publication()), str(identity_of(mask_file)), str(at))
    drawn = _kept_picture(keys, scan, anchor, plane, scene)
    return drawn.picture, drawn.words


@st.cache_data(max_entries=256, show_spinner=False)
def _kept_picture(
    keys: tuple[str, ...],  # noqa: ARG001  # key of the cache: scan by its digest, masks, results and place
    _scan: Row,
    _anchor: Row,
    _plane: SlicePlane,
    _scene: LesionScene | None,
) -> _Drawn:
    patient_id, session_id = str(_anchor["patient_id"]), str(_anchor["session_id"])
    image, way, why_copy = _placed_scan(_scan, _anchor)
    signal = same_slice.signal_on(_plane, image, way)
    reached = float(np.isfinite(signal).mean())
    if reached == 0:
        return _Drawn(None, "the scan does not reach this place")
    level = _cord_signal(_scan, AlignedScan(image, way, str(_scan["path"]), str(_scan["contrast"])), _scene)
    mask_file = queries.display_mask(patient_id, session_id)
    marks = same_slice.labels_on(_plane, queries.image(mask_file)) if mask_file.is_file() else None
    undrawn, why_undrawn = scan_panes.left_out(patient_id, session_id)
    remarks = [
        "" if reached > 0.99 else "partly outside the scan",
        f"greys of this scan alone: {level}" if isinstance(level, str) else "",
        f"greys less sure: {level.doubt}" if isinstance(level, HealthySignal) and level.doubt else "",
        f"from its aligned copy: {why_copy}" if why_copy else "",
        NO_MASK if marks is None else "",
        *why_undrawn,
    ]
    cord_signal = level.level if isinstance(level, HealthySignal) else None
    hidden = [NUMBERS[name] for name in undrawn]
    picture = slice_picture(signal, cord_signal, marks, same_slice.PIXEL_MM, hidden)
    return _Drawn(picture, "; ".join(word for word in remarks if word))


def _placed_scan(scan: Row, anchor: Row) -> tuple[Volume, Transform, str]:
    """Return a scan, the way to it from the reference space, and why it is the run's copy on the reference grid.

    The words are empty where it is none.

    Raises
    ------
    InputError, StoreError
        A file is missing or damaged, and there is no copy.
    """
    try:
        return scan_files.scan_as_read(scan), scan_files.ways(scan, anchor)[0], ""
    except CordtrackError as error:
        copy = queries.aligned_scan(str(anchor["patient_id"]), str(anchor["session_id"]))
        if copy is None or not scan["is_anchor"]:
            raise
        return queries.image(copy), identity(scan_files.REFERENCE, scan_files.REFERENCE), str(error)


def _cord_signal(scan: Row, aligned: AlignedScan, scene: LesionScene | None) -> HealthySignal | str:
    keys = (str(scan["path"]), str(scan["sha256"]), str(queries.publication()))
    return _kept_signal(keys, aligned, scene)


@st.cache_data(max_entries=512, show_spinner=False)
def _kept_signal(keys: tuple[str, ...], _aligned: AlignedScan, _scene: LesionScene | None) -> HealthySignal | str:  # noqa: ARG001  # key of the cache
    return same_slice.healthy_signal(_aligned, _scene, limit_file.packaged().reference)


def _scene(patient_id: str, visits: Sequence[Row]) -> LesionScene | None:
    """Return all that was drawn at any visit, with the cord found in the reference scan; None without either."""
    sessions = [str(row["session_id"]) for row in sorted(visits, key=lambda row: not row["is_reference"])]
    files = [queries.display_mask(patient_id, session) for session in sessions]
    there = tuple((str(file), identity_of(file)) for file in files if file.is_file())
    scans = [file for session in sessions if (file := queries.aligned_scan(patient_id, session))]
    if not there or not scans:
        return None
    return _kept_scene(there, str(scans[0]), identity_of(scans[0]))


@st.cache_resource(max_entries=4, show_spinner=False)
def _kept_scene(
    masks: tuple[tuple[str, Identity | None], ...],
    scan: str,
    scan_identity: Identity | None,  # noqa: ARG001  # with the others the key of the cache
) -> LesionScene | None:
    cord = find_cord(queries.image(Path(scan)))
    if not cord.is_found:
        return None
    course = CordCourse.of_points(cord.points_mm[::-1], cord.radius_mm[::-1])
    return same_slice.scene_of([queries.image(Path(file)) for file, _ in masks], TUMOUR, BESIDE, course)
