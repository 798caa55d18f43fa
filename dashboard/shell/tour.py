"""The first minutes: what this is, in one line on the first page, and a tour that points at the parts of the pages.

The tour shows the patient whom the board puts first, of those whose scans can be shown, so that it speaks of
what is there. It can be left at any step, and who has closed it is not asked again in the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.data import queries
from dashboard.words.markup import tag

STEP = "tour-step"
MOVED = "tour-moved"
CLOSED = "tour-closed"
WHAT = (
    "Follows spinal cord tumours from scan to scan: volumes with their error, verdicts with their rule. "
    "It informs, never advises."
)


@dataclass(frozen=True)
class TourStop:
    """One stop of the tour: the page, the part of it that is pointed at, and what is to be seen there."""

    page: str
    selector: str
    words: str


STEPS = (
    TourStop("board", ".ct-board.ct-rule", "Board: who has an open question comes first, and why stands in the row."),
    TourStop("board", ".st-key-ct-board-head", "Each change has its 95 % interval; a click on a head sorts by it."),
    TourStop(
        "patient", ".ct-standing", "Patient: the state in words; below it since which scan, by which rule, how sure."
    ),
    TourStop(
        "patient", ".stPlotlyChart", "The volume over time with its error; dashed: from where the rule says more."
    ),
    TourStop("patient", ".ct-pair", "The change between the two scans shown, which may be others than the verdict's."),
    TourStop("patient", ".ct-numbers", "Every number opens what it rests on: scan, mask, digest, source of its error."),
    TourStop("patient", ".ct-at-sign-off", "A mask that a program drew is provisional until a person signs it here."),
    TourStop(
        "cohort", ".stPlotlyChart", "Cohort: outcomes of groups, with intervals; a click on a mark opens its patient."
    ),
    TourStop("quality", ".ct-table", "Quality: what was left out, why, and what can be done. Missing is never zero."),
    TourStop("methods", ".ct-table", "Methods: every rule in words with its source, and what each word means."),
)
_point = st.components.v2.component(
    "cordtrack_tour",
    html='<span class="ct-keys"></span>',
    js=Path(__file__).with_name("tour.js").read_text(encoding="utf-8"),
)


def tour(here: str, criteria_id: str) -> None:
    """Draw the step that the reader is at, or on the first page the line that offers the tour.

    Parameters
    ----------
    here
        Name of the page's file.
    criteria_id
        The rule of the study, by which the board has its order.
    """
    step = st.session_state.get(STEP)
    if step is None:
        if here == "board" and not st.session_state.get(CLOSED):
            _offer()
        return
    stop = STEPS[step]
    if st.session_state.pop(MOVED, False) and stop.page != here:
        st.session_state[MOVED] = True
        whom = _first(criteria_id) if stop.page == "patient" else {}
        st.switch_page(f"app_pages/{stop.page}.py", query_params=whom)
    _draw(step, stop, here)


def _first(criteria_id: str) -> dict[str, str]:
    """Return the address of the most urgent patient whose latest scan can be shown, else of the most urgent."""
    board = queries.query("board", criteria_id=criteria_id)
    visits = [(str(name), str(visit)) for name, visit in zip(board["patient_id"], board["session_id"], strict=True)]
    if not visits:
        return {}
    return {"patient": next((name for name, visit in visits if queries.aligned_scan(name, visit)), visits[0][0])}


def _offer() -> None:
    with st.container(key="ct-tour-offer", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(tag("p", WHAT, class_="ct-grey ct-small"), width="content")
        st.button("Two-minute tour", key="tour-begin", type="tertiary", on_click=_go, args=(0,))
        st.button("Hide", key="tour-hide", type="tertiary", help="For this session", on_click=_close)


def _draw(step: int, stop: TourStop, here: str) -> None:
    is_last = step + 1 == len(STEPS)
    with st.container(key="ct-tour", horizontal=True, vertical_alignment="center", gap="small"):
        words = tag("b", f"{step + 1} of {len(STEPS)}")
        st.html(tag("p", words, " ", stop.words, role="status", class_="ct-small"), width="content")
        st.button("Back", key="tour-back", type="tertiary", disabled=not step, on_click=_go, args=(step - 1,))
        if stop.page != here:
            st.button("Go on with the tour", key="tour-next", on_click=_go, args=(step,))
        elif not is_last:
            st.button("Next", key="tour-next", on_click=_go, args=(step + 1,))
        st.button("End the tour", key="tour-end", type="tertiary", on_click=_close)
        if stop.page == here:
            _point(key=f"tour-{step}", data={"selector": stop.selector, "step": step}, height=1)


def _go(step: int) -> None:
    st.session_state.update({STEP: step, MOVED: True})


def _close() -> None:
    st.session_state.pop(STEP, None)
    st.session_state[CLOSED] = True
