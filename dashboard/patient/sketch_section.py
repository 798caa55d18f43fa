"""Drawing a mask in the page: a click proposes an outline, clicks and brush correct it, and it goes a file's way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard.data import drawings
from dashboard.data.drawings import DrawingPlace, Upload
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.sketch import SketchAnswer, SketchSheet, SketchStart, sheet_of, sketch
from dashboard.words import labels
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_voxel
from pipeline.draft.between_slices import filled_between, smoothed
from pipeline.draft.proposal import ALGORITHM, POORLY_PROPOSED, VERSION, Clicks
from pipeline.draft.unlike_cord import words_of
from pipeline.errors import CordtrackError

COLOURS = dict(COMPARTMENT_COLOURS.values())


def draw(place: DrawingPlace, *, takes_focus: bool = False) -> Upload | None:
    """Show the scan to draw on; return what was drawn once somebody uses it, until they draw on.

    Parameters
    ----------
    takes_focus
        Keys go to it at once, as while masks are reviewed.

    Raises
    ------
    CordtrackError
        The scan is gone or cannot be read.
    """
    sheet, first, seen = _sheet(place), drawings.target(place).measured, drawings.cord(place)
    outline = None if first is None else sheet.cut(first.with_array(first.array >= 0.5))
    hint = (
        f"Click inside the {labels.compartment(place.compartment).word}, near its middle."
        if seen.is_found
        else f"No outline can be proposed: {seen.reason}. Brush and eraser work."
    )
    opening = _opening(sheet, outline, seen.points_mm)
    sketch(
        sheet,
        SketchStart(outline, opening, COLOURS[place.compartment], hint, takes_focus),
        st.session_state.get(_answer_key(place)),
        key=f"sketch-{place}-{st.session_state.get(f'sent-{place}', 0)}",
        asked=partial(_answer, place),
        done=partial(_use, place),
    )
    upload: Upload | None = st.session_state.get(_used_key(place))
    return upload


def forget(place: DrawingPlace) -> None:
    """Forget what was drawn, after it was put on record."""
    for key in (_answer_key(place), _used_key(place)):
        st.session_state.pop(key, None)


def _answer_key(place: DrawingPlace) -> str:
    return f"outline-{place}"


def _used_key(place: DrawingPlace) -> str:
    return f"used-{place}"


def _opening(sheet: SketchSheet, outline: Any, line_mm: Any) -> tuple[int, int, int]:
    """Return the voxel to open at: the middle of what is drawn, else of the cord, else of the scan."""
    if outline is not None and outline.any():
        middle = np.argwhere(outline).mean(axis=0)
    elif len(line_mm):
        middle = to_voxel(sheet.image.affine, line_mm[len(line_mm) // 2])
    else:
        middle = np.array(sheet.image.shape) / 2
    i, j, k = np.clip(np.rint(middle), 0, np.array(sheet.image.shape) - 1).astype(int)
    return int(i), int(j), int(k)


def _clicks(sheet: SketchSheet, words: Any) -> Clicks:
    places: dict[str, list[tuple[float, float, float]]] = {"inside": [], "outside": []}
    for click in words:
        x, y, z = sheet.places(np.array(click["voxel"], dtype=np.float64))
        places[click["kind"]].append((round(float(x), 2), round(float(y), 2), round(float(z), 2)))
    return Clicks(tuple(places["inside"]), tuple(places["outside"]))


def _answer(place: DrawingPlace, words: Mapping[str, Any]) -> None:
    """Answer clicks with an outline, or with why there is none: a callback."""
    serial = int(words["serial"])
    if words.get("shape"):
        st.session_state[_answer_key(place)] = _shaped(serial, _sheet(place), words)
        st.session_state.pop(_used_key(place), None)
        return
    try:
        sheet = _sheet(place)
        from_both = bool(words.get("both")) and sheet.second is not None
        proposal = drawings.proposed(place, _clicks(sheet, words["clicks"]), from_both=from_both)
        least = np.round(np.array(proposal.unsure_mm)).astype(int)
        scans = f" from this scan and {sheet.second[1]}" if from_both and sheet.second is not None else ""
        text = f"Proposed{scans}, not signed. Least sure near {', '.join(map(str, least))} mm."
        doubts = (words_of(proposal.change), POORLY_PROPOSED.get(Compartment(place.compartment)))
        text += "".join(f" Doubt: {doubt}." for doubt in doubts if doubt)
        answer = SketchAnswer(serial, text, sheet.cut(proposal.mask))
    except CordtrackError as error:
        answer = SketchAnswer(serial, refusal=str(error))
    st.session_state[_answer_key(place)] = answer
    st.session_state.pop(_used_key(place), None)


def _shaped(serial: int, sheet: SketchSheet, words: Mapping[str, Any]) -> SketchAnswer:
    """Return what is drawn, filled between its slices or smoothed."""
    mask = sheet.part([int(n) for n in words["runs"]])
    is_between = words["shape"] == "between"
    outline = filled_between(mask, int(words["axis"])) if is_between else smoothed(mask)
    sentence = "Filled between the drawn slices." if is_between else "Smoothed; the volume stays."
    return SketchAnswer(serial, sentence, np.ascontiguousarray(outline.array, dtype=np.uint8))


def _use(place: DrawingPlace, words: Mapping[str, Any]) -> None:
    """Keep what was drawn, as if it had been uploaded: a callback."""
    sheet = _sheet(place)
    clicks = _clicks(sheet, words["clicks"])
    how = {
        "inside_mm": clicks.inside,
        "outside_mm": clicks.outside,
        "algorithm": ALGORITHM if clicks.inside else None,
        "algorithm_version": VERSION if clicks.inside else None,
        "brushed_voxels": int(words["brushed"]),
        "shaped": [str(what) for what in words.get("shaped", ())],
        "second_contrast": sheet.second[1] if sheet.second is not None and words.get("both") else None,
        "began_with": drawings.method_of_measured(place),
    }
    mask: Volume = sheet.drawn([int(n) for n in words["runs"]])
    st.session_state[_used_key(place)] = drawings.as_upload(mask, json.dumps(how))


def _sheet(place: DrawingPlace) -> SketchSheet:
    return _sheet_of(drawings.target(place).scan_sha256, place)


@st.cache_resource(max_entries=4, show_spinner=False)
def _sheet_of(scan_sha256: str, place: DrawingPlace) -> SketchSheet:  # noqa: ARG001  # key of the cache
    return sheet_of(drawings.scan(place), drawings.cord(place).points_mm, drawings.second(place))
