"""The scans of one patient: two to four visits, linked; the address keeps which, how and how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.patient import scan_panes
from dashboard.patient.pair_line import pair_line
from dashboard.patient.signal_places import new_signal
from dashboard.shell import address, page
from dashboard.viewer import Pane, crop_to, niivue, slice_viewer
from dashboard.viewer.opening import Opening, Place, ViewLink, opening_of
from dashboard.words import labels
from dashboard.words.table_rows import as_rows
from pipeline.errors import CordtrackError

VIEWER_PX = 600
MARGIN_MM = 25.0
MOST_MORE = 2
"""Visits beside the two that are always compared."""
SWITCHES = {"own": "own grids", "whole": "whole scans", "plain": "plain slices"}
"""What is off unless somebody asks for it, by its name in the address."""
OWN_GRIDS = "Each scan as it was acquired, not resampled; places are linked through the alignments."

PLACE = "place"
"""Where the viewer stands, in the address only when somebody asked for a link."""

OPENED = "opened"
"""How often the page itself moved the viewer of a patient: it opens afresh each time."""

Visits = Mapping[str, dict[Any, Any]]
"""Visits on the reference grid by session, the oldest first."""


@dataclass(frozen=True)
class Review:
    """How scans are shown while masks are reviewed: where to open, and keys that the page answers to."""

    opening: Opening | None
    keys: Mapping[str, str]


def aligned(patient_id: str) -> Visits:
    """Return the visits whose scan lies on the reference grid."""
    visits = queries.query("patient_visits", patient_id=patient_id).pipe(as_rows)
    return {row["session_id"]: row for row in visits if queries.aligned_scan(patient_id, row["session_id"])}


def compared(visits: Visits, now: pd.DataFrame) -> tuple[str, ...]:
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
    if not visits:
        return ()
    names = list(visits)
    dated = [name for name in names if labels.is_known(visits[name]["acquired_on"])] or names
    nadir = next((name for name in now["nadir_session_id"] if name in visits), dated[0])
    last = next((name for name in now["session_id"] if name in visits), dated[-1])
    pair = address.one("then", names, nadir), address.one("now", names, last)
    more = [name for name in address.several("also", names) if name not in pair]
    return *pair, *more[:MOST_MORE]


def scans(
    patient_id: str,
    visits: Visits,
    chosen: Sequence[str],
    height: int | None = VIEWER_PX,
    review: Review | None = None,
) -> None:
    """Show the chosen visits side by side, each with its masks.

    Parameters
    ----------
    review
        Where the masks are being reviewed: the slice to open at, and the keys that are left to the page.
    height
        Of the viewer, pixels; None for as much as the screen has, with the rarer choices put away.
    """
    if not visits:
        page.remark("No aligned scans to show.")
        return
    columns = st.columns([1, 1, 0.9, *([] if height else [1])])
    for column, label, (parameter, current) in zip(
        columns, ("Earlier", "Later"), in_order(visits, chosen), strict=False
    ):
        with column:
            _choose_visit(label, visits, current, parameter)
    with columns[2]:
        _choose_more(visits, chosen)
    order = sorted(set(chosen), key=list(visits).index)
    offered = scan_panes.sequences(patient_id, order)
    beside = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    with beside if height else columns[3].popover("Sequences", width="stretch"):
        names = _choose_sequences(offered, patient_id)
        is_on = _switches(patient_id)
    between_line = pair_line(patient_id, chosen[0], chosen[1])
    if between_line:
        st.html(between_line)
    if is_on["own"]:
        page.remark(f"{OWN_GRIDS} Plain slices are for the reference grid only." if is_on["plain"] else OWN_GRIDS)
    shown, remarks = scan_panes.chosen_scans(offered, order, names)
    if remarks:
        page.remark(f"{'; '.join(remarks)}.")
    if not shown:
        return
    spots = new_signal(patient_id, order)
    try:
        panes = _panes(shown, visits, [spot.place for spot in spots], is_own=is_on["own"], is_whole=is_on["whole"])
    except CordtrackError as error:
        page.remark(str(error))
        return
    show = slice_viewer if is_on["plain"] and not is_on["own"] else niivue.volume_viewer
    linked = opening_of(st.query_params.get(PLACE))
    link = ViewLink(linked or (review.opening if review else None), _keep_place, review.keys if review else {})
    opened = st.session_state.get(f"{OPENED}-{patient_id}", 0)
    show(panes, link=link, spots=spots, key=f"scans-{show.__name__}-{patient_id}-{opened}", height=height)


def in_order(visits: Visits, chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Return the two compared visits in the order of their pictures, the earlier first, each with its parameter."""
    names = list(visits)
    return sorted(zip(("then", "now"), chosen, strict=False), key=lambda pair: names.index(pair[1]))


def _keep_place(words: str) -> None:
    st.query_params[PLACE] = words
    st.toast("The address of this page now leads to this slice.")


def _panes(
    shown: Sequence[scan_panes.Shown], visits: Visits, places: Sequence[Place], *, is_own: bool, is_whole: bool
) -> Sequence[Pane]:
    if is_own:
        return scan_panes.own_grid_panes(shown, visits, None if is_whole else MARGIN_MM, places)
    panes = scan_panes.reference_panes(shown, visits)
    return panes if is_whole else crop_to(panes, MARGIN_MM, places)


def _choose_sequences(offered: Mapping[str, Mapping[str, scan_panes.Shown]], patient_id: str) -> list[str]:
    """Offer the sequences of the visits; without a choice those they were aligned by."""
    usual = scan_panes.aligned_sequences(offered)
    named = address.several("sequence", list(offered)) or usual
    picked = st.pills(
        "Sequences",
        list(offered),
        selection_mode="multi",
        default=named,
        key=f"sequence-{patient_id}-{'-'.join(offered)}",
        label_visibility="collapsed",
        help="One or several; each is a picture of its own",
    )
    names = [name for name in offered if name in picked] or usual
    address.keep("sequence", [] if names == usual else names)
    return names


def _switches(patient_id: str) -> dict[str, bool]:
    picked = st.pills(
        "How scans are shown",
        list(SWITCHES),
        selection_mode="multi",
        default=[name for name in SWITCHES if st.query_params.get(name) == "1"],
        key=f"switches-{patient_id}",
        format_func=SWITCHES.__getitem__,
        label_visibility="collapsed",
    )
    for name in SWITCHES:
        address.keep(name, ["1"] if name in picked else [])
    return {name: name in picked for name in SWITCHES}


def _choose_visit(label: str, visits: Visits, current: str, parameter: str) -> None:
    names = list(visits)
    chosen = st.selectbox(
        label,
        names,
        index=names.index(current),
        key=f"{parameter}-{visits[current]['patient_id']}-{current}",
        format_func=lambda name: _named(visits, name),
        label_visibility="collapsed",
    )
    if chosen != current:
        show_instead(parameter, chosen)
        st.rerun()


def show_instead(parameter: str, session_id: str) -> None:
    """Make another visit the address; the viewer opens afresh."""
    st.query_params.pop(PLACE, None)
    st.query_params[parameter] = session_id


def show_place(patient_id: str, session_id: str, opening: Opening, sequence: str | None) -> None:
    """Make a slice of a visit the address, on a sequence where one is named, and open the viewer there (callback)."""
    place = "_".join(f"{at:.1f}" for at in opening.place)
    st.query_params["now"] = session_id
    st.query_params[PLACE] = f"{opening.view}_{place}_{opening.mode}_{opening.window}"
    if sequence is not None:
        st.query_params["sequence"] = sequence
        for key in [key for key in st.session_state if str(key).startswith(f"sequence-{patient_id}-")]:
            del st.session_state[key]
    st.session_state[f"{OPENED}-{patient_id}"] = st.session_state.get(f"{OPENED}-{patient_id}", 0) + 1


def _choose_more(visits: Visits, chosen: Sequence[str]) -> None:
    more = list(chosen[2:])
    offered = [name for name in visits if name not in chosen[:2]]
    picked = st.multiselect(
        "More visits",
        offered,
        default=more,
        max_selections=MOST_MORE,
        key=f"also-{'-'.join(chosen)}",
        format_func=lambda name: _named(visits, name),
        placeholder="add visits",
        label_visibility="collapsed",
        disabled=not offered,
    )
    if sorted(picked) != sorted(more):
        address.keep("also", picked)
        st.rerun()


def _named(visits: Visits, session_id: str) -> str:
    """Return the day of a visit, with its name where the day alone does not tell it from the others."""
    day = labels.day(visits[session_id]["acquired_on"])
    alike = [name for name, visit in visits.items() if labels.day(visit["acquired_on"]) == day]
    return day if len(alike) == 1 and labels.is_known(visits[session_id]["acquired_on"]) else f"{day}  {session_id}"
