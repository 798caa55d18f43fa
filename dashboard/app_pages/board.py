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
from dashboard.shell.updating import not_looked_for, offer_update
from dashboard.words import labels, sentences, state_words
from dashboard.words.markup import as_label
from pipeline.judge.questions import BRIEFS, Question

ROWS_PER_PAGE = 30
SOUGHT = ("histology", "level", "syndrome", "centre")
"""What the search looks into, beside the patient's name."""
SINCE = "since"
WHY = {
    "new_signal": Question.NEW_SIGNAL,
    "function": Question.FUNCTION,
    "cyst": Question.CYST,
    "earlier": Question.EARLIER_PROGRESSION,
    "disagreement": Question.DISAGREEMENT,
    "not_judged": Question.NOT_JUDGED,
    "overdue": Question.OVERDUE,
    "unsigned": Question.UNSIGNED,
    "failed": Question.LEFT_OUT,
}
"""Questions that can be asked for beside the state, by their names in the address; the words are those of the rows."""
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
    page.sentence(sentences.board(patients))
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
    not_looked_for()


def filtered(patients: pd.DataFrame) -> pd.DataFrame:
    """Offer filters, each with how many rows of the board it finds, kept in the address; return the rows that pass."""
    everyone = patients
    histologies = {str(name): int(count) for name, count in patients["histology"].value_counts().sort_index().items()}
    reasons = _reasons(patients)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="ct-filters"):
        sought = st.text_input(
            "Search", key="search", bind="query-params", placeholder="search", label_visibility="collapsed", width=170
        )
        states = _pills("State", state_words.counted(patients), "state", _with_symbol)
        kinds = _pills("Histology", histologies, "histology", labels.words)
        asked = _pills("Reason", {name: int(has.sum()) for name, has in reasons.items()}, "why", _reason_words)
    for name in asked:
        patients = patients[reasons[name].loc[patients.index]]
    if sought:
        text = patients["patient_id"].str.cat(patients[list(SOUGHT)].fillna(""), sep=" ")
        patients = patients[text.str.lower().str.contains(sought.strip().lower(), regex=False)]
    if states:
        patients = patients[[not set(states).isdisjoint(words) for words in patients["state_words"]]]
    if kinds:
        patients = patients[patients["histology"].isin(kinds)]
    if len(patients) < len(everyone):
        page.remark(f"{len(patients)} of {labels.count(len(everyone), 'patient')} shown")
    return patients


def _reasons(patients: pd.DataFrame) -> dict[str, "pd.Series[bool]"]:
    """Return, for each reason that any patient has, which ones have it; and who was scanned since the last board."""
    asked = {name: _asks(patients, question) for name, question in WHY.items()}
    asked["overdue"] = patients["is_overdue"] == True  # noqa: E712  # missing means no schedule
    shown = {name: has for name, has in asked.items() if has.any()}
    last_board = acts.meeting_before(meeting.meeting_day())
    if last_board is not None:
        shown[SINCE] = patients["last_scan_on"] > pd.Timestamp(last_board)
    return shown


def _asks(patients: pd.DataFrame, question: Question) -> "pd.Series[bool]":
    """Tell for which patients a question is among the open ones."""
    return patients["question_kinds"].str.split().map(lambda kinds: question in kinds).astype(bool)


def _reason_words(name: str) -> str:
    if name == SINCE:
        return f"scanned since the board of {labels.day(acts.meeting_before(meeting.meeting_day()))}"
    return BRIEFS[WHY[name]]


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


def _pills(label: str, numbers: dict[str, int], key: str, named: Callable[[str], str]) -> list[str]:
    """Offer words, each with the number of patients that it finds."""
    options = list(numbers)
    for name in (name for name in st.query_params.get_all(key) if name not in numbers):
        page.remark(f"No patient is found by {label.lower()} {name}; listed without that filter.", "content")
    address.follow(key, address.several(key, options))
    chosen = st.pills(
        label,
        options,
        selection_mode="multi",
        key=key,
        label_visibility="collapsed",
        wrap=True,
        width="content",
        format_func=lambda name: as_label(f"{named(name)} · {numbers[name]}"),
    )
    address.keep(key, chosen)
    return list(chosen)


def _with_symbol(word: str) -> str:
    return f"{state_words.symbol(word)} {word}"


page.show_page(show)
