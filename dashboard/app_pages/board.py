"""The tumour board's list: about whom a question is open, the most urgent first."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.board import meeting
from dashboard.board.board_order import ordered
from dashboard.board.board_rows import board_rows
from dashboard.board.board_table import listed
from dashboard.data import acts, queries
from dashboard.shell import address, page, signing
from dashboard.shell.updating import offer_update
from dashboard.words import labels, sentences
from dashboard.words.markup import as_label, tag
from pipeline.judge.questions import Question

ROWS_PER_PAGE = 30
SOUGHT = ("histology", "level", "syndrome", "centre")
"""What the search looks into, beside the patient's name."""
SINCE = "since"
WHY = {
    "overdue": "overdue",
    "unsigned": "unsigned mask",
    "failed": "failed scan or mask",
    "disagreement": "criteria disagree",
    "function": "function worse",
}
"""Reasons that can be asked for, beside the state."""
SPARK_NOTE = (
    "Change: solid tumour, as the rule compares it; the nadir is the smallest since the baseline. ◷: past the next "
    "scan of a published schedule on the day of the meeting; information, not advice. Small curves: volume over each "
    "patient's own time, dashed from where the next scan would be progression; equal steepness is equal relative "
    "growth, an open ring means none seen. Keys: arrows, Enter, / to search."
)


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    patients = board_rows(study.criteria_id, meeting.meeting_day())
    if patients.empty:
        page.nothing_yet("the study has no patients")
        return
    answer, rest = sentences.board(patients)
    page.sentence(answer, " ", tag("span", rest, class_="ct-grey"))
    offer_update(acts.waiting(), "board")
    signing.answer()
    chosen = ordered(filtered(patients))
    gathered(patients, study)
    if chosen.empty:
        page.remark("No patient matches these filters.")
        return
    pages = -(-len(chosen) // ROWS_PER_PAGE)
    # a number is its own label
    page_number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    effects = queries.query("act_effects", criteria_id=study.criteria_id)
    listed(chosen.iloc[(page_number - 1) * ROWS_PER_PAGE : page_number * ROWS_PER_PAGE], effects)
    page.remark(SPARK_NOTE)


def filtered(patients: pd.DataFrame) -> pd.DataFrame:
    """Offer filters, kept in the address, and return the rows that pass."""
    present = [name for name in labels.DISPLAY_STATES if name in set(patients["shown_state"])]
    histologies = sorted(patients["histology"].dropna().unique())
    last_board = acts.meeting_before(meeting.meeting_day())
    offered = WHY if last_board is None else {**WHY, SINCE: f"scanned since the board of {labels.day(last_board)}"}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        sought = st.text_input(
            "Search", key="search", bind="query-params", placeholder="search", label_visibility="collapsed", width=170
        )
        states = _pills("State", present, "state", _state_label)
        kinds = _pills("Histology", histologies, "histology", lambda name: as_label(labels.words(name)))
        reasons = _pills("Reason", [*offered], "why", offered.__getitem__)
    for name in reasons:
        if last_board is not None and name == SINCE:
            patients = patients[patients["last_scan_on"] > pd.Timestamp(last_board)]
        else:
            patients = patients[_speaks(patients, name)]
    if sought:
        text = patients["patient_id"].str.cat(patients[list(SOUGHT)].fillna(""), sep=" ")
        patients = patients[text.str.lower().str.contains(sought.strip().lower(), regex=False)]
    if states:
        patients = patients[patients["shown_state"].isin(states)]
    return patients[patients["histology"].isin(kinds)] if kinds else patients


def _speaks(patients: pd.DataFrame, name: str) -> "pd.Series[bool]":
    """Tell which patients have a reason."""
    chosen = {
        "overdue": patients["is_overdue"] == True,  # noqa: E712  # missing means no schedule
        "unsigned": patients["is_provisional"],
        "failed": patients["error_count"] > 0,
        "disagreement": _asks(patients, Question.DISAGREEMENT),
        "function": _asks(patients, Question.FUNCTION),
    }
    return chosen[name]


def _asks(patients: pd.DataFrame, question: Question) -> "pd.Series[bool]":
    """Tell for which patients a question is among the open ones."""
    return patients["question_kinds"].str.split().map(lambda kinds: question in kinds).astype(bool)


def gathered(patients: pd.DataFrame, study: page.ShownStudy) -> None:
    """Offer the meeting: its day, who is picked, the projector and the minutes."""
    picks = meeting.picked(list(patients["patient_id"]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="ct-meeting"):
        day = meeting.choose_day()
        who = f"{labels.count(len(picks), 'patient')} picked" if picks else "nobody picked: all with an open question"
        link = {meeting.PICKED: picks} if picks else {}
        link |= {meeting.DAY: [day.isoformat()]} if day != page.today() else {}
        st.page_link("app_pages/present.py", label="Present", query_params=link)
        page.remark(who, "content")
        chosen = patients[patients["patient_id"].isin(picks)] if picks else patients[patients["needs_decision"]]
        meeting.downloads(chosen, day, study)


def _pills(label: str, options: list[str], key: str, named: Callable[[str], str]) -> list[str]:
    address.follow(key, address.several(key, options))
    chosen = st.pills(
        label,
        options,
        selection_mode="multi",
        key=key,
        label_visibility="collapsed",
        format_func=named,
    )
    address.keep(key, chosen)
    return list(chosen)


def _state_label(name: str) -> str:
    return f"{labels.DISPLAY_STATES[name].symbol} {labels.DISPLAY_STATES[name].word}"


page.show_page(show)
