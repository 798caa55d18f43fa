"""Correcting a mask: take it away, draw in your own software, bring it back, see what it changes, put it on record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from dashboard.data import door, drawings
from dashboard.data.drawings import DrawingPlace, Upload
from dashboard.patient import review_section, sketch_section
from dashboard.patient.act_preview import preview
from dashboard.shell import drafts, page, signing
from dashboard.shell.address import DRAW
from dashboard.viewer import crop_to, pane_of, slice_viewer
from dashboard.words import labels
from dashboard.words.markup import as_label, tag
from pipeline.core.vocabulary import Compartment
from pipeline.errors import CordtrackError
from pipeline.files.unpacking import MOST_MEGABYTES
from pipeline.journal.drawing import DrawingFit
from pipeline.journal.roles import Deed

ENDINGS = (".nii", ".gz")
"""Of files that may hold a drawing, ``.nii.gz`` among them."""
VIEWER_PX = 330
MARGIN_MM = 20.0
HERE = "A click inside the lesion proposes its outline; clicks, brush and eraser correct it"
NUMBERS = {str(compartment): number for number, compartment in enumerate(Compartment, start=1)}
"""Label of each compartment in the viewer."""


def correct_mask(patient_id: str, session_id: str, measured: list[str], criteria_id: str) -> None:
    """Offer to correct one mask of a visit.

    Parameters
    ----------
    measured
        Compartments with a mask at this visit; others can be drawn for the first time.
    criteria_id
        The rule by which the change of the verdict is told before it counts.
    """
    where = f"{patient_id}-{session_id}"
    if not door.may(Deed.SIGN):
        with st.expander("Mask and scan as files"):
            _take(DrawingPlace(patient_id, session_id, _compartment(where, measured)))
        return
    if st.query_params.get(DRAW) == session_id:  # a link asked for it, once: whoever closes it finds it closed
        st.query_params.pop(DRAW)
        review_section.edit((patient_id, session_id))
    with st.expander("Draw or correct a mask", expanded=review_section.is_editing(patient_id, session_id)):
        left, right = page.halves([1, 1.6], f"mask-{where}", "small")
        with left:
            place = DrawingPlace(patient_id, session_id, _compartment(where, measured))
            here = st.toggle("Draw on the scan", key=f"here-{where}", help=HERE)
            if not here:
                _take(place)
        with right:
            upload = None if here else _bring(place)
        if here:
            _draw(place, criteria_id)
        elif upload is not None:
            _show(place, upload, criteria_id)


@st.fragment
def _draw(place: DrawingPlace, criteria_id: str) -> None:
    """Draw in the page; only this part of it is made anew by a click."""
    if st.session_state.pop(f"recorded-{place}", False):
        sketch_section.forget(place)
        st.rerun()  # the whole page: the journal has a new line
    try:
        is_asked_for = review_section.is_editing(place.patient_id, place.session_id)
        upload = sketch_section.draw(place, takes_focus=is_asked_for)
    except CordtrackError as error:
        st.error(as_label(f"This scan cannot be drawn on. {error}"))
        return
    if upload is not None:
        _show(place, upload, criteria_id)
    signing.answer()


def _compartment(where: str, measured: list[str]) -> str:
    names = sorted(map(str, Compartment), key=lambda name: (name != Compartment.TUMOUR, name not in measured))
    return str(
        st.selectbox("Mask to correct", names, key=f"what-{where}", format_func=lambda it: _named(it, it in measured))
    )


def _named(compartment: str, is_measured: bool) -> str:
    return labels.compartment(compartment).word + ("" if is_measured else " (not drawn yet)")


def _take(place: DrawingPlace) -> None:
    """Offer the measured mask and its scan as files; where there is no mask, an empty one."""
    name = f"{place.patient_id}_{place.session_id}"
    files = (
        ("Mask to edit", f"{name}_label-{place.compartment}_mask.nii.gz", lambda: drawings.to_edit(place)),
        ("Scan", f"{name}_scan.nii.gz", lambda: drawings.scan_file(place)),
    )
    with st.container(horizontal=True, gap="small"):
        for label, file_name, content in files:
            st.download_button(
                label,
                data=door.taking(label, content, place.patient_id),
                file_name=file_name,
                mime="application/gzip",
                on_click="ignore",
                key=f"take-{label}-{place}",
            )


def _bring(place: DrawingPlace) -> Upload | None:
    """Ask for the file that was drawn, and where it holds several labels, for the one that is meant."""
    file = st.file_uploader(  # of any kind: Streamlit would refuse another ending with an error page of its own
        "Your drawing, saved on the scan's own voxels: a mask, a label map or probabilities (.nii, .nii.gz)",
        key=_key(place),
        max_upload_size=MOST_MEGABYTES,
    )
    if file is None:
        return None
    if not file.name.lower().endswith(ENDINGS):
        where = f"{place.patient_id} {place.session_id}"
        st.error(
            as_label(
                f"Nothing was kept. {where}: expected a drawing as NIfTI (.nii or .nii.gz), found '{file.name}'; save "
                "it as NIfTI in the software that you drew it in, and bring that file"
            )
        )
        return None
    return Upload(file.name, file.getvalue())


def _key(place: DrawingPlace) -> str:
    """Return the name of the field for a file; another one after each file that was put on record."""
    return f"drawn-{place}-{st.session_state.get(_sent(place), 0)}"


def _sent(place: DrawingPlace) -> str:
    return f"sent-{place}"


def _show(place: DrawingPlace, upload: Upload, criteria_id: str) -> None:
    """Say whether a file fits and what it changes, and offer to put it on record."""
    try:
        voxel_counts, fit = drawings.look_at(place, upload)
        if len(voxel_counts) > 1:
            upload = replace(upload, label=_label(place, voxel_counts))
            fit = drawings.look_at(place, upload)[1] if upload.label is not None else None
        if fit is not None:
            _fits(place, upload, fit, criteria_id)
    except CordtrackError as error:
        st.error(as_label(f"Nothing was kept. {error}"))


def _label(place: DrawingPlace, voxel_counts: dict[int, int]) -> int | None:
    return st.selectbox(
        f"Label of {labels.compartment(place.compartment).word}",
        list(voxel_counts),
        index=None,
        key=f"label-{place}",
        placeholder="choose the number that means it",
        format_func=lambda number: f"{number}  ({labels.count(voxel_counts[number], 'voxel')})",
    )


def _fits(place: DrawingPlace, upload: Upload, fit: DrawingFit, criteria_id: str) -> None:
    st.html(tag("p", tag("b", _volumes(fit)), tag("span", _overlap(fit), class_="ct-grey")))
    kind = f"volume:{0.0 if fit.is_empty else fit.volume_mm3}"
    if words := preview(place.patient_id, criteria_id, kind, place.session_id, str(place.compartment)):
        page.remark(words)
    for doubt in fit.doubts:
        st.warning(as_label(doubt))
    _look(place, fit)
    with st.form(f"correct-{place}", border=False):
        empty, why = f"empty-{place}", f"why-correct-{place}"
        if fit.is_empty:
            st.checkbox(f"There is no {labels.compartment(place.compartment).word} on this scan: volume 0", key=empty)
        st.text_input("Reason", key=why, max_chars=600, placeholder="what was wrong, and how you drew it")
        st.form_submit_button("Measure this mask", type="primary", on_click=_put, args=(place, upload))


def _volumes(fit: DrawingFit) -> str:
    now = "Nothing drawn" if fit.is_empty else labels.ml(fit.volume_mm3)
    return now if fit.was_mm3 is None else f"{now}, was {labels.ml(fit.was_mm3)}"


def _overlap(fit: DrawingFit) -> str:
    overlap = "" if fit.dice is None else f"; overlap with the mask it replaces: Dice {fit.dice:.2f}"
    return f"{overlap}. It fits the scan."


def _look(place: DrawingPlace, fit: DrawingFit) -> None:
    """Show the measured mask and the drawing side by side on the scan, linked."""
    scan, meant = drawings.scan(place), drawings.target(place)
    number = NUMBERS[place.compartment]
    panes = [
        pane_of(title, scan, None if mask is None else mask.with_array((mask.array >= 0.5).astype(np.uint8) * number))
        for title, mask in (("measured now", meant.measured), ("your drawing", fit.mask))
    ]
    slice_viewer(crop_to(panes, margin_mm=MARGIN_MM), key=f"look-{place}", height=VIEWER_PX)


def _put(place: DrawingPlace, upload: Upload) -> None:
    """Put the drawing on record: a callback."""
    nothing_there = bool(st.session_state.get(f"empty-{place}"))
    reason = signing.typed(f"why-correct-{place}")

    def work() -> str:
        (entry,) = drawings.keep(place, upload, signing.reader(), reason, nothing_there=nothing_there)
        return f"On record: corrected the mask, {entry.who}. It takes effect at the next run."

    if signing.record(work):
        counts: Any = st.session_state
        counts[_sent(place)] = counts.get(_sent(place), 0) + 1
        drafts.empty(f"why-correct-{place}")
        counts[f"recorded-{place}"] = True
