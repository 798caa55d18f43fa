"""The scans of one patient: two to four aligned visits, linked; the address keeps which, how and how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import address, data, frame, labels
from dashboard.viewer import Pane, crop_to, niivue, pane_of, slice_viewer
from pipeline.errors import InputError

VIEWER_PX = 560
MARGIN_MM = 25.0
MOST_MORE = 2
"""Visits beside the two that are always compared."""
VIEWERS = {"3d": "planes and 3D", "plain": "blend, swipe, difference"}

Visits = Mapping[str, dict[Any, Any]]
"""Visits on the reference grid by session, the oldest first."""


def aligned(patient_id: str) -> Visits:
    """Return the visits whose scan lies on the reference grid."""
    visits = data.query("patient_visits", patient_id=patient_id).to_dict("records")
    return {row["session_id"]: row for row in visits if data.aligned_scan(patient_id, row["session_id"])}


def compared(found: Visits, now: pd.DataFrame) -> tuple[str, ...]:
    """Return the visits to show: those of the address, else the smallest tumour and the last judged scan.

    Parameters
    ----------
    now
        The verdict on the last judged visit, no or one row.

    Returns
    -------
    tuple of str
        Nothing, or two to four sessions: the first two may be the same, the further ones are other visits.
    """
    if not found:
        return ()
    names = list(found)
    dated = [name for name in names if labels.is_known(found[name]["acquired_on"])] or names
    nadir = next((name for name in now["nadir_session_id"] if name in found), dated[0])
    last = next((name for name in now["session_id"] if name in found), dated[-1])
    pair = address.one("then", names, nadir), address.one("now", names, last)
    more = [name for name in address.several("also", names) if name not in pair]
    return *pair, *more[:MOST_MORE]


def scans(patient_id: str, found: Visits, chosen: Sequence[str]) -> None:
    """Show the chosen visits side by side, each with its masks."""
    if not found:
        frame.remark("No aligned scans to show.")
        return
    columns = st.columns([1, 1, 0.9])
    for column, label, parameter, current in zip(columns, ("Earlier", "Later"), ("then", "now"), chosen, strict=False):
        with column:
            _choose_visit(label, found, current, parameter)
    with columns[2]:
        _choose_more(found, chosen)
    try:
        order = sorted(set(chosen), key=list(found).index)
        panes = [pane_of_visit(found[name], _titled(found[name])) for name in order]
    except InputError as error:
        frame.remark(str(error))
        return
    viewer, is_whole = _manner(patient_id)
    shown = panes if is_whole else list(crop_to(panes, margin_mm=MARGIN_MM))
    show = niivue.volume_viewer if viewer == "3d" else slice_viewer
    show(shown, key=f"scans-{viewer}-{patient_id}", height=VIEWER_PX)


def _manner(patient_id: str) -> tuple[str, bool]:
    """Offer the two viewers, and the whole scan instead of the region around what is marked."""
    names = list(VIEWERS)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        viewer = st.segmented_control(
            "Viewer",
            names,
            default=address.one("viewer", names, names[0]),
            required=True,
            key=f"viewer-{patient_id}",
            format_func=VIEWERS.__getitem__,
            label_visibility="collapsed",
        )
        is_whole = st.toggle(
            "whole scan",
            value=st.query_params.get("whole") == "1",
            key=f"whole-{patient_id}",
            help=f"Else the region within {MARGIN_MM:.0f} mm of anything marked, which loads quickly",
        )
    address.keep("viewer", [] if viewer == names[0] else [str(viewer)])
    address.keep("whole", ["1"] if is_whole else [])
    return str(viewer), is_whole


def _choose_visit(label: str, found: Visits, current: str, parameter: str) -> None:
    names = list(found)
    chosen = st.selectbox(
        label,
        names,
        index=names.index(current),
        key=f"{parameter}-{found[current]['patient_id']}-{current}",
        format_func=lambda name: _named(found[name]),
        label_visibility="collapsed",
    )
    if chosen != current:
        st.query_params[parameter] = chosen
        st.rerun()


def _choose_more(found: Visits, chosen: Sequence[str]) -> None:
    more = list(chosen[2:])
    offered = [name for name in found if name not in chosen[:2]]
    picked = st.multiselect(
        "More visits",
        offered,
        default=more,
        max_selections=MOST_MORE,
        key=f"also-{'-'.join(chosen)}",
        format_func=lambda name: labels.day(found[name]["acquired_on"]),
        placeholder="add visits",
        label_visibility="collapsed",
        disabled=not offered,
    )
    if sorted(picked) != sorted(more):
        address.keep("also", picked)
        st.rerun()


def _named(visit: Mapping[Any, Any]) -> str:
    return f"{labels.day(visit['acquired_on'])}  {visit['session_id']}"


def pane_of_visit(visit: Mapping[Any, Any], title: str) -> Pane:
    """Return the aligned scan of a visit with its masks.

    Raises
    ------
    InputError
        One of the two cannot be read.
    """
    names = visit["patient_id"], visit["session_id"]
    scan, mask = data.aligned_scan(*names), data.display_mask(*names)
    assert scan is not None, "only visits with an aligned scan are offered"
    return pane_of(title, data.image(scan), data.image(mask) if mask.is_file() else None)


def _titled(visit: Mapping[Any, Any]) -> str:
    grade = "reference" if visit["is_reference"] else labels.ALIGNMENTS[visit["certificate_grade"]]
    return f"{labels.day(visit['acquired_on'])} · {grade}"
