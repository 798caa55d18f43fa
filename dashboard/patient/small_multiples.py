"""The same slice and the same window of all visits below each other, drawn when a reader opens them."""

from __future__ import annotations

import streamlit as st

from dashboard.patient.same_slices import SamePlace, SliceCell, SliceLine, same_place, slice_lines
from dashboard.patient.scan_section import show_place
from dashboard.shell import page
from dashboard.viewer.opening import Opening
from dashboard.viewer.slice_picture import BAR_MM, WHITE_AT
from dashboard.words import labels
from dashboard.words.markup import tag
from pipeline.errors import CordtrackError

TITLE = "The same slice at all visits"
VIEWS = ("sagittal", "axial")
CELL_PX = 108
SCALE = (
    f"Black is no signal, white {WHITE_AT:g} times the signal of this person's healthy cord on the same scan, so that "
    f"greys can be compared between visits; fluid may be all white. White bar: {BAR_MM:.0f} mm; blue-grey: not scanned."
)


def small_multiples(patient_id: str, lesion_id: str) -> None:
    """Offer the pictures of a lesion; nothing is read or drawn before somebody opens them."""
    with st.container(key=f"ct-multiples-{patient_id}"):
        opened = st.expander(TITLE, key=f"multiples-{patient_id}-{lesion_id}", on_change="rerun")
        if not opened.open:
            return
        with opened:
            view = st.segmented_control(
                "Plane", VIEWS, default=VIEWS[0], required=True, key=f"multiples-plane-{patient_id}",
                label_visibility="collapsed",
            )  # fmt: skip
            try:
                place = same_place(patient_id, lesion_id, view)
                if place is None:
                    page.remark("No mask of this lesion lies in the reference space, so there is no place to show.")
                    return
                with st.spinner("Drawing the slices …"):
                    pictured = slice_lines(patient_id, place)
            except CordtrackError as error:
                page.remark(str(error))
                return
            page.remark(_where(lesion_id, place, view, pictured))
            for line in pictured:
                _line(patient_id, line, place, view)


def _where(lesion_id: str, place: SamePlace, view: str, pictured: list[SliceLine]) -> str:
    day = next(cell.day for line in pictured for cell in line.cells if cell.session_id == place.session_id)
    return labels.typeset(
        f"The {view} plane through the largest section of {lesion_id} as drawn on {day}, its largest piece that has a "
        f"place in the reference space. {SCALE}"
    )


def _line(patient_id: str, line: SliceLine, place: SamePlace, view: str) -> None:
    st.html(tag("p", tag("b", line.name), class_="ct-small"))
    with st.container(horizontal=True, gap="small", key=f"ct-multiples-line-{patient_id}-{line.name}"):
        for cell in line.cells:
            with st.container(width=CELL_PX, gap=None):
                _cell(patient_id, line.name, cell, place, view)


def _cell(patient_id: str, name: str, cell: SliceCell, place: SamePlace, view: str) -> None:
    """Draw one picture with its day as the button that opens it, or day and reason."""
    if cell.picture is None:
        st.html(tag("p", tag("b", cell.day), f" {cell.words}", class_="ct-small ct-untold"))
        return
    words = f"; {cell.words}" if cell.words else ""
    st.image(cell.picture, width=CELL_PX, output_format="PNG", alt=f"{name} on {cell.day}, {view}{words}")
    st.button(
        cell.day,
        key=f"seen-multiple-{patient_id}-{cell.session_id}-{name}",
        type="tertiary",
        help=f"Shows this slice of the {name} in the viewer",
        on_click=show_place,
        args=(patient_id, cell.session_id, Opening(view, place.opening, window="lesion"), cell.sequence),
    )
    if cell.words:
        page.remark(cell.words)
