"""The tumour board's list: about whom a question is open, the most urgent first."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.board import meeting
from dashboard.board.board_rows import board_rows
from dashboard.charts.sparkline import Scale, sparkline
from dashboard.data import queries
from dashboard.shell import address, dark, page
from dashboard.words import labels, sentences, tables
from dashboard.words.glossary import term
from dashboard.words.markup import BREAK, Html, as_label, image, join, tag
from pipeline.judge.questions import Question

ROWS_PER_PAGE = 20
SOUGHT = ("histology", "level", "syndrome", "centre")
"""What the search looks into, beside the patient's name."""
WIDTHS = [0.35, 1.15, 11]
WHY = {
    "overdue": "overdue",
    "unsigned": "unsigned mask",
    "failed": "failed scan or mask",
    "disagreement": "criteria disagree",
    "function": "function worse",
}
"""Reasons that can be asked for, beside the state."""
COLUMNS = ("state", join(["change, ", term("95\u202f% CI")]), "last scan, next due", "why", "tumour", "cyst")
SPARK_NOTE = (
    "Due: the next scan by a published schedule, overdue as of the day of the meeting; information, not advice. "
    "Change: solid tumour, as the rule compares it; the nadir is the smallest since the baseline. Small curves: volume "
    "over time, one time axis for all rows; equal steepness is equal relative growth, an open ring means none seen."
)


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    patients = board_rows(study.criteria_id, meeting.meeting_day())
    if patients.empty:
        page.nothing_yet("the study has no patients")
        return
    answer, rest = sentences.board(patients)
    page.sentence(answer, " ", tag("span", rest, class_="ct-grey"))
    chosen = filtered(patients)
    gathered(patients, study)
    if chosen.empty:
        page.remark("No patient matches these filters.")
        return
    pages = -(-len(chosen) // ROWS_PER_PAGE)
    # a number is its own label
    page_number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    listed(chosen.iloc[(page_number - 1) * ROWS_PER_PAGE : page_number * ROWS_PER_PAGE])
    page.remark(SPARK_NOTE)


def filtered(patients: pd.DataFrame) -> pd.DataFrame:
    """Offer filters, kept in the address, and return the rows that pass."""
    present = [name for name in labels.DISPLAY_STATES if name in set(patients["display_state"])]
    histologies = sorted(patients["histology"].dropna().unique())
    with st.container(horizontal=True, vertical_alignment="center"):
        sought = st.text_input(
            "Search", key="search", bind="query-params", placeholder="search", label_visibility="collapsed", width=170
        )
        states = _pills("State", present, "state", _state_label)
        kinds = _pills("Histology", histologies, "histology", lambda name: as_label(labels.words(name)))
        reasons = _pills("Reason", [*WHY], "why", WHY.__getitem__)
    for name in reasons:
        patients = patients[_speaks(patients, name)]
    if sought:
        text = patients["patient_id"].str.cat(patients[list(SOUGHT)].fillna(""), sep=" ")
        patients = patients[text.str.lower().str.contains(sought.strip().lower(), regex=False)]
    if states:
        patients = patients[patients["display_state"].isin(states)]
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
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        day = meeting.choose_day()
        who = f"{labels.count(len(picks), 'patient')} picked" if picks else "nobody picked: all with an open question"
        link = {meeting.PICKED: picks} if picks else {}
        link |= {meeting.DAY: [day.isoformat()]} if day != meeting.today() else {}
        st.page_link("app_pages/present.py", label="Present", query_params=link)
        page.remark(who, "content")
        chosen = patients[patients["patient_id"].isin(picks)] if picks else patients[patients["needs_decision"]]
        meeting.downloads(chosen, day, study)


def listed(patients: pd.DataFrame) -> None:
    """Draw one row per patient under one header."""
    span = queries.query("board_span").iloc[0]
    scale = Scale(span["first_on"], span["last_on"])
    volumes = queries.of_patients("board_sparkline", list(patients["patient_id"])).dropna(subset=["volume_mm3"])
    right = st.columns(WIDTHS, vertical_alignment="bottom")[2]
    right.html(tag("div", *(tag("span", name) for name in COLUMNS), class_="ct-row ct-board ct-head"))
    for _, row in patients.iterrows():
        _row(row, volumes[volumes["patient_id"] == row["patient_id"]], scale)


def _row(row: pd.Series, volumes: pd.DataFrame, scale: Scale) -> None:
    pick, left, right = st.columns(WIDTHS, vertical_alignment="center")
    name = row["patient_id"]
    with pick:
        _pick(name)
    left.page_link("app_pages/patient.py", label=as_label(name), query_params={"patient": name})
    cells = (
        _two_lines(page.state_mark(labels.standing(row)), _quietly(row)),
        _two_lines(*_change(row)),
        _two_lines(labels.day(row["last_scan_on"]), sentences.due(row)),
        _two_lines(tables.open_questions(row), sentences.beside(row)),
        _spark(volumes, scale, "tumour"),
        _spark(volumes, scale, "cyst"),
    )
    right.html(tag("div", *cells, class_="ct-row ct-board ct-rule"))


def _pick(name: str) -> None:
    named = st.query_params.get_all(meeting.PICKED)
    is_picked = st.checkbox(
        as_label(f"Pick {name}"), value=name in named, key=f"pick-{name}", label_visibility="collapsed"
    )
    if is_picked != (name in named):
        address.keep(meeting.PICKED, [*named, name] if is_picked else [other for other in named if other != name])
        st.rerun()


def _pills(label: str, options: list[str], key: str, named: Callable[[str], str]) -> list[str]:
    chosen = st.pills(
        label,
        options,
        default=address.several(key, options),
        selection_mode="multi",
        key=key,
        label_visibility="collapsed",
        format_func=named,
    )
    address.keep(key, chosen)
    return list(chosen)


def _state_label(name: str) -> str:
    return f"{labels.DISPLAY_STATES[name].symbol} {labels.DISPLAY_STATES[name].word}"


def _quietly(row: pd.Series) -> Html:
    notes = {"provisional": row["is_provisional"], "to be confirmed": row["category_shown"].endswith("?")}
    return join([term(word) for word, applies in notes.items() if applies], ", ")


def _change(row: pd.Series) -> tuple[str, str]:
    """Return the change and its interval, with the words explained that need it."""
    change, interval = sentences.change(row)
    words = sentences.AGAINST["judged"]
    return (join([change.removesuffix(words), term(words)]), interval) if change.endswith(words) else (change, interval)


def _two_lines(first: str, second: str) -> str:
    small = (BREAK, tag("span", second, class_="ct-grey ct-small")) if second else ()
    return tag("span", join([first, *small]), class_="ct-number")


def _spark(volumes: pd.DataFrame, scale: Scale, compartment: str) -> str:
    compartment_volumes = volumes[volumes["compartment"] == compartment]
    if compartment_volumes.empty:
        return tag("span", labels.MISSING, class_="ct-grey ct-small")
    svg = dark.on_ground(
        sparkline(list(compartment_volumes["acquired_on"]), list(compartment_volumes["volume_mm3"]), scale, compartment)
    )
    last = compartment_volumes.iloc[-1]
    return image(svg, f"{compartment}: {labels.ml(last['volume_mm3'])} on {labels.day(last['acquired_on'])}")


page.show_page(show)
