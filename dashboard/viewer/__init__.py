"""The linked scan viewer: visits of a patient side by side, moved together, on plain canvases.

    panes = [pane_of("2021-06 baseline", scan_1, mask_1), pane_of("2023-12 now", scan_2, mask_2)]
    slice_viewer(crop_to(panes, margin_mm=30.0), key="patient-scans", height=560)

Imports ``words`` and the pipeline's ``core``. Everything a reader does stays in the browser: it never changes what is
stored, and only who asks for a link makes the page run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.viewer import assets
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import ViewLink
from dashboard.viewer.panes import Pane, crop_to, pane_of, window_to_uint8
from dashboard.viewer.payload import Colours, payload
from dashboard.viewer.spots import Spot

__all__ = ["Pane", "crop_to", "link_keeper", "pane_of", "slice_viewer", "window_to_uint8"]

_slices = st.components.v2.component(
    "cordtrack_slices",
    html=assets.text("slices.html"),
    css=assets.text("slices.css"),
    js=assets.script("showSlices", *assets.SLICES),
)


def slice_viewer(
    panes: Sequence[Pane],
    *,
    colours: Colours = COMPARTMENT_COLOURS,
    link: ViewLink | None = None,
    spots: Sequence[Spot] = (),
    key: str,
    height: int | None = 560,
) -> None:
    """Show one to four visits with linked slices, zoom, crosshair and mask outlines.

    Opens on the sagittal slice with the largest tumour section. Sagittal views have anterior to the left; axial and
    coronal views have the patient's right on the left.

    Parameters
    ----------
    panes
        Visits on one grid, the oldest first: blending and subtraction compare the others with the first.
    colours
        Label value to compartment name and CSS colour.
    link
        Where to open instead, and what to do with a link that is asked for; without, no link is offered.
    spots
        Places that are marked with a ring; the viewer opens on the first unless a link says otherwise.
    key
        Name of this viewer on its page; the same key keeps plane, zoom and window while other visits are chosen.
    height
        Of the whole viewer, CSS pixels; None for as high as fits on the screen.

    Raises
    ------
    ValueError
        Panes on different grids, or a mask label without a colour.
    """
    _slices(
        key=key,
        data=payload(panes, colours, link, height, spots),
        height="content",
        on_linked_change=link_keeper(key, link),
    )


def link_keeper(key: str, link: ViewLink | None) -> Callable[[], None]:
    """Return the callback of a viewer: what was asked for goes to whoever keeps it."""

    def tell() -> None:
        words = st.session_state[key]["linked"]
        if link and words:
            link.keep(str(words))

    return tell
