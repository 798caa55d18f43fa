"""The board on the projector: one patient in large type, arrow keys to the next, a line for what is decided."""

from datetime import date
from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard.board import meeting
from dashboard.board.board_rows import board_rows
from dashboard.charts.timeline import Room
from dashboard.data import acts, door, queries
from dashboard.patient.course import course
from dashboard.patient.headline import acts_and_last_judged, headline
from dashboard.patient.numbers import numbers
from dashboard.patient.scan_section import PLACE, aligned, compared, scans
from dashboard.shell import drafts, page, signing
from dashboard.shell.updating import newer_inputs
from dashboard.words import sentences, tables
from dashboard.words.markup import tag
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.roles import Deed

AT = "at"
KINDS = ("note", "decision")
COURSE_PX = 180
"""Height of the volumes, so that treatments and scores are on the screen too."""
KEYS = "present-keys"

_keys = st.components.v2.component(
    "cordtrack_present_keys",
    html='<span class="ct-keys"></span>',
    js=(Path(meeting.__file__).parent / "present_keys.js").read_text(encoding="utf-8"),
)


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    day = meeting.meeting_day()
    patients = board_rows(study.criteria_id, day)
    patient_ids = list(patients["patient_id"])
    queue = meeting.picked(patient_ids) or list(patients.loc[patients["needs_decision"], "patient_id"]) or patient_ids
    if not queue:
        page.nothing_yet("the study has no patients")
        return
    named = st.query_params.get(AT)
    place = queue.index(named) if named in queue else 0
    row = patients[patients["patient_id"] == queue[place]].iloc[0]
    st.html(tag("div", class_="ct-present"))
    _head(row, place, queue)
    _one(row, study)
    _notes(row["patient_id"], day)
    _keys(key=KEYS, data={"room": _room_px() or 0}, on_room_change=_no_act, height=1)


def _head(row: pd.Series, place: int, queue: list[str]) -> None:
    left, right = page.halves([7.2, 1.8], "who", "small", "center")
    state = queries.query("patient_header", patient_id=row["patient_id"], criteria_id=row["criteria_id"]).iloc[0]
    with left:
        headline(state)
    with right, st.container(horizontal=True, gap="xsmall", horizontal_alignment="right", wrap=False):
        _step("‹", "Left", queue[place - 1] if place else None)
        page.remark(f"{place + 1} of {len(queue)}", "content")
        _step("›", "Right", queue[place + 1] if place + 1 < len(queue) else None)
        query = {meeting.PICKED: meeting.picked(queue), meeting.DAY: st.query_params.get_all(meeting.DAY)}
        with st.container(key="ct-end", width="content"):
            st.page_link("app_pages/board.py", label="End", query_params={name: it for name, it in query.items() if it})
    main, further = sentences.verdict(row)
    page.sentence(main)
    acts_and_last_judged(state)
    newer_inputs(str(row["patient_id"]), is_offered=False)
    st.html(tag("div", tables.open_questions(row), tag("div", further), class_="ct-grey"))


def _one(row: pd.Series, study: page.ShownStudy) -> None:
    patient_id = row["patient_id"]
    door.opened(patient_id)
    everything = queries.query("patient_assessments", patient_id=patient_id)
    judged = everything[everything["criteria_id"] == study.criteria_id]
    scan_of_visit = aligned(patient_id)
    chosen = compared(scan_of_visit, judged[judged["session_id"] == row["session_id"]])
    left, right = page.halves(2, "patient")
    with left:
        course(patient_id, judged, study, chosen, Room(COURSE_PX, _room_px()))
        with st.container(key="ct-told"):  # above the course on a low screen, whose foot a presenter cannot reach
            numbers(patient_id, row["session_id"], study)
    with right:
        scans(patient_id, scan_of_visit, chosen, height=None)


def _notes(patient_id: str, day: date) -> None:
    """Keep name and note at the foot of the screen, whatever else is on it; what was kept before is one line."""
    written = meeting.notes(day).get(patient_id, [])
    key = f"said-{patient_id}"
    with st.container(key="ct-notes"):
        if written:
            notes_line = " · ".join(meeting.words_of(entry) for entry in written)
            st.html(tag("p", notes_line, title=notes_line, class_="ct-kept"))
        signing.answer()
        if not signing.offers(Deed.SIGN, "A note"):
            return
        name, note = st.columns([1, 4])
        with name:
            signing.ask_name()
        with note, st.form(f"note-{patient_id}", border=False):
            left, middle, right = st.columns([5, 2, 1], vertical_alignment="bottom")
            left.text_input(
                "Note",
                key=key,
                placeholder=f"said or decided at the board of {day.isoformat()}, kept with name and time",
                max_chars=600,
                label_visibility="collapsed",
            )
            middle.segmented_control(
                "Kind", KINDS, key=f"kind-{key}", default=KINDS[0], required=True, label_visibility="collapsed"
            )
            right.form_submit_button("Keep", on_click=_keep, args=(patient_id, day, key))


def _keep(patient_id: str, day: date, key: str) -> None:
    """Put a note on record: a callback; what was typed stays until it is kept."""
    kind = ActKind.DECISION if st.session_state[f"kind-{key}"] == KINDS[1] else ActKind.NOTE
    noted = Act(kind, patient_id, reason=signing.typed(key), meeting_on=day.isoformat())
    if signing.record(lambda: f"Kept: {len(acts.record(signing.reader(), noted))} {kind}."):
        drafts.empty(key)


def _room_px() -> int | None:
    """Return how high the course may be on a low screen, as its browser said; None where there is room for all."""
    px = st.session_state.get(KEYS, {}).get("room")
    return int(px) if isinstance(px, int | float) and px > 0 else None


def _no_act() -> None:
    """Draw the page again: what the browser said is read where it is needed."""


def _step(symbol: str, key: str, patient_id: str | None) -> None:
    st.button(
        symbol,
        key=f"present-{key}",
        help=f"{'Next' if key == 'Right' else 'Previous'} patient",
        shortcut=key,
        type="tertiary",
        disabled=patient_id is None,
        on_click=_go,
        args=(patient_id,),
    )


def _go(patient_id: str) -> None:
    for name in ("then", "now", "also", "axis", PLACE):
        st.query_params.pop(name, None)
    st.query_params[AT] = patient_id


page.show_page(show)
