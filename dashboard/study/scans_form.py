"""Adding scans: files that somebody drops, what the import takes them for, changed where it is not sure, confirmed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.data import scan_deliveries
from dashboard.data.scan_deliveries import CONTRASTS, DeliveredSeries
from dashboard.shell import page, signing
from dashboard.words import labels
from dashboard.words.markup import join, tag
from pipeline.errors import CordtrackError

PLACE, ROUND = "delivery", "delivery-round"
"""Where the folder of what was brought is kept, and how many deliveries came before: each has fields of its own."""
UNDECIDED = "decide later"


def scans_form() -> None:
    """Ask for scans, show what the import decides about them, and add them when that is confirmed."""
    page.section("Add scans", "DICOM, as files or zip archives, under pseudonyms; nothing is added before you say so")
    number = st.session_state.setdefault(ROUND, 0)
    key = f"scans-{number}"
    st.file_uploader("DICOM files or a zip archive", accept_multiple_files=True, key=key, label_visibility="collapsed")
    st.button("Look through them", key=f"look-{number}", on_click=signing.record, args=(lambda: _lay_aside(key),))
    if PLACE in st.session_state:
        try:
            _decisions(Path(st.session_state[PLACE]), number)
        except CordtrackError as error:
            page.remark(str(error))


def _lay_aside(key: str) -> str:
    """Keep what was dropped: a callback."""
    files = [(file.name, file.getvalue()) for file in st.session_state.get(key) or ()]
    st.session_state[PLACE] = str(scan_deliveries.lay_aside(signing.reader(), files))
    return f"{labels.count(len(files), 'file')} laid aside; nothing is added yet."


def _decisions(folder: Path, number: int) -> None:
    with st.spinner("Looking through the scans …", show_time=True):
        series, odd = scan_deliveries.look_through(folder)
    lines = (
        tag("tr", *(tag("td", text) for text in (one.patient_id, one.session_id, _what(one), one.plane, one.reason)))
        for one in series
    )
    head = tag("tr", *(tag("th", text) for text in ("person", "visit", "taken for", "plane", "why")))
    st.html(tag("table", tag("thead", head), tag("tbody", join(lines)), class_="ct-table"))
    for words in odd:
        page.remark(words)
    decided = {}
    for one in (one for one in series if one.is_open):
        left, right = st.columns([2, 1])
        if one.picture:
            left.image(one.picture, width=480)
        options = [UNDECIDED, *CONTRASTS]
        usual = options.index(one.likely) if one.likely in options else 0
        words = f"{one.patient_id} {one.session_id}, {one.slices} slices: likely {one.likely}"
        choice = right.selectbox(words, options, index=0 if one.confidence else usual, key=f"is-{number}-{one.token}")
        if choice != UNDECIDED:
            decided[one.token] = str(choice)
    count = sum(one.outcome == "imported" for one in series) + len(decided)
    with st.container(horizontal=True):
        st.button(
            f"Add {labels.count(count, 'series', 'series')}",
            key=f"add-{number}",
            type="primary",
            disabled=not count,
            on_click=signing.record,
            args=(lambda: _add(folder, decided),),
        )
        st.button("Forget them", key=f"forget-{number}", type="tertiary", on_click=_forget)


def _what(one: DeliveredSeries) -> str:
    sure = f" ({float(one.confidence):.0%} sure)" if one.confidence else ""
    return f"{one.contrast or 'nothing'}{sure}, {one.outcome}"


def _add(folder: Path, decided: dict[str, str]) -> str:
    """Add them: a callback."""
    words = scan_deliveries.add(signing.reader(), folder, decided)
    _forget()
    return words


def _forget() -> None:
    st.session_state.pop(PLACE, None)
    st.session_state[ROUND] += 1
