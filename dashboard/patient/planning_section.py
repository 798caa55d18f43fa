"""The planning view: one visit's cord laid straight, what lies in it, how deep, and where each of it comes from.

It informs and advises no way in. What this section refuses: a distance without its error, and a picture without its
source.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import planning_figures
from dashboard.charts.planning_figures import DORSAL, RIM, StraightSection, StraightView
from dashboard.data import acts, queries
from dashboard.patient import planning_scan, scan_panes
from dashboard.patient.masks_waiting import accepted
from dashboard.patient.planning_scan import PlanningScan
from dashboard.shell import page
from dashboard.words import labels
from dashboard.words.markup import tag
from dashboard.words.table_rows import as_rows
from pipeline import __version__
from pipeline.description.cord_sections import NO_CORD_MASK
from pipeline.errors import CordtrackError
from pipeline.measure.vertebral_levels import Levels, disc, level_at
from pipeline.planning import lesion_depth, straight_cord
from pipeline.planning.lesion_depth import LesionDepth, NearestPlace

NOTE = (
    "Research use: it shows what was scanned and drawn, and advises no way in. Across the cord everything is in its "
    "place; along it lies as if the cord were straight, so that what is far from the line is stretched or pressed "
    "together where the spine bends."
)
DISTANCE_RULE = (
    f"distances rule {lesion_depth.VERSION}: across the cord, from the drawn edge of the solid tumour straight back to "
    "the cord's drawn dorsal edge, the least over the tumour's width; the rim in any direction"
)
ALONE = "on paper this view alone"


def planning(patient_id: str, session_id: str) -> None:
    """Draw the view of the shown visit, for the lesion that is chosen."""
    lesions = queries.query("patient_lesions", patient_id=patient_id)
    here = lesions[(lesions["session_id"] == session_id) & lesions["scan_x_mm"].notna()]
    names = list(pd.unique(here["lesion_id"]))
    if not names:
        page.remark("No lesion was drawn at the visit that is shown; choose another one under Scans.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        lesion = str(names[0])
        if len(names) > 1:
            lesion = str(
                st.segmented_control(
                    "Lesion", names, default=names[0], required=True, key=f"planned-{patient_id}-{session_id}",
                    label_visibility="collapsed",
                )
            )  # fmt: skip
        is_alone = st.toggle(ALONE, value=True, key=f"planning-alone-{patient_id}")
    try:
        with st.spinner("Laying the cord straight …"):
            shown = planning_scan.planning_scan(patient_id, session_id, lesion)
    except CordtrackError as error:
        page.remark(str(error))
        return
    if isinstance(shown, str):
        page.remark(labels.capital(f"{shown}."))
        return
    day = labels.day(shown.anchor["acquired_on"])
    st.html(tag("h3", f"{lesion} on {day}", class_="ct-section ct-alone" if is_alone else "ct-section"))
    _pictures(shown, patient_id)
    st.html(tag("dl", *_definitions(shown, patient_id, session_id), class_="ct-beside ct-planning"))
    page.remark(NOTE)


def _pictures(shown: PlanningScan, patient_id: str) -> None:
    left, right = page.halves([1.35, 1], "planning")
    with left:
        if shown.frame is None:
            page.remark(labels.capital(f"{shown.cord_words}."))
        else:
            alt = f"The cord laid straight, sagittal and coronal, with {', '.join(shown.masks)} outlined; numbers below"
            page.figure(planning_figures.straight_figure(straight_view(shown)), f"straight-{patient_id}", alt)
    with right:
        alt = "Surfaces of lesion and cord, to be turned; the sections beside show the same"
        page.figure(planning_figures.turning_figure(planning_scan.bodies(shown)), f"turning-{patient_id}", alt)


def straight_view(shown: PlanningScan) -> StraightView:
    """Return what the figure of the straight cord shows."""
    assert shown.frame is not None, "there is a course"
    sagittal, coronal = (_section(shown, which) for which in straight_cord.SECTIONS)
    curves, marks = {}, []
    if isinstance(shown.depth, LesionDepth):
        below_mm = shown.below_mm(shown.depth.position_mm)
        pairs = ((DORSAL, shown.depth.dorsal_mm, shown.depth.dorsal), (RIM, shown.depth.rim_mm, shown.depth.rim))
        for name, distances_mm, least in pairs:
            if least is not None:
                curves[name] = (below_mm, distances_mm)
                marks.append((name, float(shown.below_mm(least.position_mm)), least.distance_mm))
    levels = tuple((disc(number), float(shown.below_mm(at))) for number, at in sorted(shown.levels.items()))
    return StraightView(shown.below_mm(shown.frame.position_mm), sagittal, coronal, curves, tuple(marks), levels)


def _section(shown: PlanningScan, which: str) -> StraightSection:
    assert shown.frame is not None, "there is a course"
    masks = {name: straight_cord.section(mask, shown.frame, which, outside=0.0) for name, mask in shown.masks.items()}
    signal = straight_cord.section(shown.scan, shown.frame, which)
    return StraightSection(signal, masks, straight_cord.offsets_mm())


def _definitions(shown: PlanningScan, patient_id: str, session_id: str) -> list[Any]:
    pairs = [
        *planning_words(shown),
        ("scan", _scan_words(shown)),
        ("masks", _mask_words(patient_id, session_id)),
        ("cord", shown.cord_words),
        ("levels", shown.level_words),
        ("rule", f"{DISTANCE_RULE}; computed now from the stored files by cordtrack {__version__}"),
    ]
    sentences = [(name, labels.typeset(f"{words}.")) for name, words in pairs]
    return [part for name, words in sentences for part in (tag("dt", name), tag("dd", words))]


def planning_words(shown: PlanningScan) -> list[tuple[str, str]]:
    """Return what is told of distances, or why nothing is."""
    depth = shown.depth
    if isinstance(depth, str):
        return [("distances", f"not told: {depth}")]
    undrawn = (
        f"; beside {depth.undrawn_mm:.0f} mm of the lesion no cord was drawn: the distance there is not known and may "
        f"be none"
        if depth.undrawn_mm >= 1
        else ""
    )
    if depth.dorsal is None or depth.rim is None:
        return [("distances", f"not told: {NO_CORD_MASK} beside the lesion{undrawn}")]
    return [
        (DORSAL, f"{_place(shown, depth.dorsal)}{undrawn}"),
        (RIM, f"{_place(shown, depth.rim)}, towards the {depth.rim.side} surface{undrawn}"),
    ]


def _place(shown: PlanningScan, least: NearestPlace) -> str:
    below_mm = float(shown.below_mm(least.position_mm))
    level = level_at(Levels(shown.levels), least.position_mm) if shown.levels else None
    at_level = f" ({level})" if level else ""
    return (
        f"{max(least.distance_mm, 0.0):.1f} mm where it is least, known to about a voxel (±{least.voxel_mm:.1f} mm), "
        f"{below_mm:.0f} mm below the lesion's upper end{at_level}"
    )


def _scan_words(shown: PlanningScan) -> str:
    anchor = shown.anchor
    words = f"{anchor['path']}, {labels.sequence(str(anchor['contrast']))}, voxels {planning_scan.voxel_words(anchor)}"
    sha = f"sha256 {str(anchor['sha256'])[:8]}"
    return "; ".join(word for word in (words, sha, _ends_words(shown)) if word)


def _ends_words(shown: PlanningScan) -> str:
    """Say where the line ends nearer to the lesion than the view would go."""
    if shown.frame is None:
        return ""
    above_mm = float(-shown.below_mm(shown.frame.position_mm[0]))
    below_mm = float(shown.below_mm(shown.frame.position_mm[-1])) - _length_mm(shown)
    return "; ".join(
        f"the cord's line ends {beyond_mm:.0f} mm {side} the lesion"
        if beyond_mm >= 0
        else f"the cord's line ends within the lesion: {-beyond_mm:.0f} mm at its {end} end are not laid straight"
        for side, end, beyond_mm in (("above", "upper", above_mm), ("below", "lower", below_mm))
        if beyond_mm < planning_scan.BEYOND_MM - 1
    )


def _length_mm(shown: PlanningScan) -> float:
    assert shown.course is not None, "there is a frame"
    ends = lesion_depth.ends_mm(shown.course, shown.masks["tumour"])
    return ends[1] - ends[0] if ends else 0.0


def _mask_words(patient_id: str, session_id: str) -> str:
    masks = queries.query("patient_masks", patient_id=patient_id)
    masks = masks[(masks["session_id"] == session_id) & masks["is_primary"]]
    signed = accepted(session_id, acts.history(patient_id))
    by_source: dict[str, list[str]] = {}
    for row in masks.pipe(as_rows):
        origin = {"manual": "drawn by a person", "edited": "corrected by a person"}.get(row["mask_origin"])
        who = origin or (
            "automatic, accepted by a person" if row["compartment"] in signed else "automatic, nobody signed it"
        )
        source = f"{who} ({row['source']}, sha256 {str(row['sha256'])[:8]})"
        by_source.setdefault(source, []).append(labels.compartment(row["compartment"]).word)
    words = [f"{', '.join(names)} {source}" for source, names in by_source.items()]
    excluded = scan_panes.excluded_compartments(patient_id, session_id)
    words += [f"{labels.compartment(name).word} excluded by a person" for name in excluded]
    return "; ".join(words) or "none"
