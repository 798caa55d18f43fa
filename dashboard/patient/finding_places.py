"""Where each line of the description is seen: scan, slice and window, as the address keeps them.

Places lie in the patient's reference space. What this module refuses: a place in a visit that is not aligned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.data import queries
from dashboard.patient import scan_panes
from dashboard.patient.scan_section import show_place
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import Opening
from dashboard.viewer.spots import spot_of
from dashboard.words import description_words, labels
from pipeline.core.volume import Volume, to_world
from pipeline.errors import CordtrackError

NUMBERS = {name: number for number, (name, _) in COMPARTMENT_COLOURS.items()}
TISSUES = {
    "tumoral_cyst": ("cyst", 0), "polar_cyst_above": ("cyst", 1), "polar_cyst_below": ("cyst", -1),
    "syrinx": ("syrinx", 0), "oedema_above": ("oedema", 1), "oedema_below": ("oedema", -1),
}  # fmt: skip
"""Findings that lie beside the lesion: tissue, and on which side of its middle along the spine (0 either)."""

ACROSS = frozenset({"cord"})
"""Lines that a section across the cord shows best."""

NEAR_MM = 12.0
"""One piece of a tissue is looked at, and this far around its nearest voxel, mm."""

Row = Mapping[Any, Any]


@dataclass(frozen=True)
class SeenAt:
    """Where the viewer opens, and the sequence to show, where the visit has it under a name."""

    opening: Opening
    sequence: str | None


def show_button(patient_id: str, session_id: str, lesion_id: str, about: str, findings: Sequence[Row]) -> None:
    """Draw a line's name as the button that shows where the line is seen; its name alone where nothing can be shown."""
    seen = seen_at(patient_id, session_id, lesion_id, about, findings)
    st.button(
        about,
        key=f"seen-{patient_id}-{session_id}-{lesion_id}-{about}",
        type="tertiary",
        disabled=seen is None,
        help="Shows the slice and window where it is seen" if seen else "Nothing of this is to be shown",
        on_click=show_place if seen else None,
        args=(patient_id, session_id, seen.opening, seen.sequence) if seen else (),
    )


def seen_at(patient_id: str, session_id: str, lesion_id: str, about: str, findings: Sequence[Row]) -> SeenAt | None:
    """Return where a line is seen; None where it is not told, or nothing of the visit is aligned.

    Parameters
    ----------
    about
        The line's name, as in ``description_words.LINES``.
    findings
        Rows of the patient_description query on that line.
    """
    stated = [row for row in findings if description_words.is_told(row)]
    file = queries.aligned_scan(patient_id, session_id)
    centre_mm = _centre_mm(patient_id, session_id, lesion_id)
    if not stated or file is None or centre_mm is None:
        return None
    first = next((row for row in stated if row["value"] == "present"), stated[0])
    try:
        point_mm = _point_mm(patient_id, session_id, first, centre_mm)
        place = spot_of(queries.image(file), [float(at) for at in point_mm], 1.0, about).place
    except CordtrackError:
        return None
    window = (
        "fluid" if first["finding"] in ("tumoral_cyst", "polar_cyst_above", "polar_cyst_below", "syrinx") else "lesion"
    )
    opening = Opening("axial" if about in ACROSS else "sagittal", place, window=window)
    return SeenAt(opening, _sequence(patient_id, session_id, stated))


def _centre_mm(patient_id: str, session_id: str, lesion_id: str) -> NDArray[np.float64] | None:
    """Return the middle of a lesion's largest piece in the reference space, RAS+ mm."""
    lesions = queries.query("patient_lesions", patient_id=patient_id)
    here = lesions[(lesions["session_id"] == session_id) & (lesions["lesion_id"] == lesion_id)]
    here = here[here["centre_x_mm"].notna()].sort_values("volume_mm3", ascending=False, kind="stable")
    return None if here.empty else here.iloc[0][["centre_x_mm", "centre_y_mm", "centre_z_mm"]].to_numpy(np.float64)


def _point_mm(patient_id: str, session_id: str, row: Row, centre_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle of what a finding speaks of, RAS+ mm: the lesion's own where the masks do not show another."""
    mask_file = queries.display_mask(patient_id, session_id)
    finding, is_present = str(row["finding"]), row["value"] == "present"
    if not is_present or not mask_file.is_file():
        return centre_mm
    if finding == "blood_cap":
        return _pole_mm(queries.image(mask_file), centre_mm, "upper" in str(row["reason"]))
    name, side = TISSUES.get(finding, ("", 0))
    number = NUMBERS.get(name)
    if number is None:
        return centre_mm
    return _tissue_mm(queries.image(mask_file), number, centre_mm, side)


def _tissue_mm(mask: Volume, number: int, centre_mm: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    points_mm = to_world(mask.affine, np.argwhere(np.rint(mask.array) == number))
    if side:
        points_mm = points_mm[side * (points_mm[:, 2] - centre_mm[2]) > 0]
    if not len(points_mm):
        return centre_mm
    nearest = points_mm[np.linalg.norm(points_mm - centre_mm, axis=1).argmin()]
    return np.asarray(points_mm[np.linalg.norm(points_mm - nearest, axis=1) <= NEAR_MM].mean(axis=0))


def _pole_mm(mask: Volume, centre_mm: NDArray[np.float64], is_upper: bool) -> NDArray[np.float64]:
    points_mm = to_world(mask.affine, np.argwhere(np.rint(mask.array) == NUMBERS["tumour"]))
    if not len(points_mm):
        return centre_mm
    heights_mm = points_mm[:, 2]
    end_mm = heights_mm.max() if is_upper else heights_mm.min()
    return np.asarray(points_mm[np.abs(heights_mm - end_mm) <= 3.0].mean(axis=0))


def _sequence(patient_id: str, session_id: str, stated: Sequence[Row]) -> str | None:
    """Return the name of the sequence that the line was taken from; the last named scan of its first finding."""
    path = next((str(row["scans"]).split("; ")[-1] for row in stated if labels.is_known(row["scans"])), None)
    offered = scan_panes.sequences(patient_id, [session_id])
    return next((name for name, by_visit in offered.items() if by_visit[session_id].scan["path"] == path), None)
