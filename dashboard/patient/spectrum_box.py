"""The box that a spectrum of a visit comes from, drawn on the visit's own scan with the outlines beside it.

Box and scan are each in the scanner's own world: a person who moved between the two is not followed, and the words say
so. What this module refuses: a picture of a visit that is not aligned, and a blank without its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.data import acts, queries, scan_files
from dashboard.patient import scan_panes
from dashboard.patient.masks_waiting import unsigned
from dashboard.patient.same_slices import NO_MASK, UNSIGNED
from dashboard.shell import page
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.panes import to_ras
from dashboard.viewer.slice_picture import BAR_MM, slice_picture
from dashboard.words import labels
from dashboard.words.markup import tag
from dashboard.words.table_rows import as_rows
from pipeline.core.finding_terms import METABOLITE
from pipeline.core.transform import move_points
from pipeline.description import same_slice
from pipeline.errors import CordtrackError

TITLE = "The box of the spectrum on the scan"
VIEWS = ("sagittal", "axial")
SIZE_MM = (50.0, 50.0)
PICTURE_PX = 220
NUMBERS = {name: number for number, (name, _) in COMPARTMENT_COLOURS.items()}
SCALE = (
    f"White in black: the edge of the box, on the visit's own scan and through the box's middle. Greys of this slice "
    f"alone; white bar: {BAR_MM:.0f} mm. The box as its file lies there now. Box and scan lie where the scanner says: "
    "movement between the two is not seen."
)

Rows = Mapping[str, Mapping[Any, Any]]


def spectrum_boxes(patient_id: str, session_id: str, here: Rows) -> None:
    """Offer the boxes of a visit's spectra; nothing where none is recorded, nothing read before somebody opens them.

    Parameters
    ----------
    here
        Rows of the patient_description query of one lesion at the visit, by finding.
    """
    paths = boxes_of(here)
    if not paths:
        return
    opened = st.expander(TITLE, key=f"spectrum-box-{patient_id}-{session_id}", on_change="rerun")
    if not opened.open:
        return
    with opened:
        page.remark(labels.typeset(SCALE))
        for path in paths:
            try:
                pictures, words = pictures_of(patient_id, session_id, path)
            except CordtrackError as error:
                page.remark(f"{path}: {error}")
                continue
            st.html(tag("p", tag("b", path.rsplit("/", 1)[-1]), f" {words}" if words else "", class_="ct-small"))
            with st.container(horizontal=True, gap="small"):
                for view, picture in pictures.items():
                    st.image(picture, width=PICTURE_PX, output_format="PNG", alt=f"{path} on the scan, {view}")


def boxes_of(here: Rows) -> list[str]:
    """Return the files of the boxes that a visit's metabolites come from, each once."""
    fitted = [row for finding, row in here.items() if finding.startswith(METABOLITE) and labels.is_known(row["scans"])]
    return list(dict.fromkeys(str(row["scans"]) for row in fitted))


def pictures_of(patient_id: str, session_id: str, path: str) -> tuple[dict[str, NDArray[np.uint8]], str]:
    """Draw a box on the scan that was measured at its visit: one picture for each plane, and what is to be said of it.

    Raises
    ------
    InputError, StoreError
        The visit is not aligned, or a file is missing or damaged.
    """
    scans = queries.query("patient_scans", patient_id=patient_id)
    anchors: Sequence[Any] = scans[(scans["session_id"] == session_id) & scans["is_anchor"]].pipe(as_rows)
    grid = queries.aligned_scan(patient_id, session_id)
    if not anchors or grid is None:
        return {}, "not drawn: no scan of this visit is aligned"
    anchor, box = anchors[0], scan_files.spectrum_box(path)
    image, (way, back) = scan_files.scan_as_read(anchor), scan_files.ways(anchor, anchor)
    centre_mm = move_points(back, box[:3, 3][None])[0]
    mask_file = queries.display_mask(patient_id, session_id)
    undrawn, why_undrawn = scan_panes.left_out(patient_id, session_id)
    hidden = [NUMBERS[name] for name in undrawn]
    pictures, is_reached = {}, False
    for view in VIEWS:
        plane = same_slice.plane_at(to_ras(queries.image(grid)), centre_mm, view, SIZE_MM)
        signal = same_slice.signal_on(plane, image, way)
        marks = same_slice.labels_on(plane, queries.image(mask_file)) if mask_file.is_file() else None
        pictures[view] = slice_picture(
            signal, None, marks, same_slice.PIXEL_MM, hidden, same_slice.box_on(plane, box, way)
        )
        is_reached = is_reached or bool(np.isfinite(signal).any())
    is_unsigned = mask_file.is_file() and session_id in unsigned(patient_id, acts.history(patient_id))
    remarks = [
        "" if is_reached else "the scan does not reach this box",
        "" if mask_file.is_file() else NO_MASK,
        *why_undrawn,
        UNSIGNED if is_unsigned else "",
    ]
    return pictures, "; ".join(remark for remark in remarks if remark)
