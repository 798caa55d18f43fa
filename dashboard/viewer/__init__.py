"""The linked scan viewer: visits of a patient side by side, moved together, on plain canvases.

    panes = [pane_of("2021-06 baseline", scan_1, mask_1), pane_of("2023-12 now", scan_2, mask_2)]
    slice_viewer(crop_to(panes, margin_mm=30.0), key="patient-scans", height=560)

Everything a reader does stays in the browser; nothing here makes the page run again.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.viewer import assets
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.panes import Pane, crop_to, pane_of, window_to_uint8
from dashboard.viewer.payload import Colours, payload

__all__ = ["Pane", "crop_to", "pane_of", "slice_viewer", "window_to_uint8"]

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
    start: tuple[int, int, int] | None = None,
    key: str,
    height: int = 560,
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
    start
        Voxel (i, j, k) to open on instead.
    key
        Name of this viewer on its page; the same key keeps plane, zoom and window while other visits are chosen.
    height
        Of the whole viewer, CSS pixels.

    Raises
    ------
    ValueError
        Panes on different grids, a mask label without a colour, or a start outside the grid.
    """
    _slices(key=key, data=payload(panes, colours, start, height), height=height)
