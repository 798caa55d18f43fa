"""The tumour board's list: about whom a question is open, the most urgent first."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.board import meeting
from dashboard.board.board_rows import board_rows
from dashboard.charts.sparkline import Scale, sparkline
from dashboard.data import queries
from dashboard.shell import address, dark
from dashboard.shell import page as frame
from dashboard.words import labels, sentences
from dashboard.words.glossary import term
from dashboard.words.markup import BREAK, Html, as_label, image, join, tag
from dashboard.words.tables import explained
from pipeline.judge.urgency import Question

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


def show(study: frame.ShownStudy) -> None:
    """Draw the page."""
    rows = board_rows(study.criteria_id, meeting.meeting_day())
    if rows.empty:
        frame.nothing_yet("the study has no patients")
        return
    answer, rest = sentences.board(rows)
    frame.sentence(answer, " ", tag("span", rest, class_="ct-grey"))
    chosen = filtered(rows)
    gathered(rows, study)
    if chosen.empty:
        frame.remark("No patient matches these filters.")
        return
    pages = -(-len(chosen) // ROWS_PER_PAGE)
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1  # a number is its own label
    listed(chosen.iloc[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE])
    frame.remark(SPARK_NOTE)


def filtered(rows: pd.DataFrame) -> pd.DataFrame:
    """Offer filters, kept in the address, and return the rows that pass."""
    present = [name for name in labels.DISPLAY_STATES if name in set(rows["display_state"])]
    histologies = sorted(rows["histology"].dropna().unique())
    with st.container(horizontal=True, vertical_alignment="center"):
        sought = st.text_input(
            "Search", key="search", bind="query-params", placeholder="search", label_visibility="collapsed", width=170
        )
        states = _pills("State", present, "state", _state_label)
        kinds = _pills("Histology", histologies, "histology", lambda name: as_label(labels.words(name)))
        reasons = _pills("Reason", [*WHY], "why", WHY.__getitem__)
    for name in reasons:
        rows = rows[_speaks(rows, name)]
    if sought:
        text = rows["patient_id"].str.cat(rows[list(SOUGHT)].fillna(""), sep=" ")
        rows = rows[text.str.lower().str.contains(sought.strip().lower(), regex=False)]
    if states:
        rows = rows[rows["display_state"].isin(states)]
    return rows[rows["histology"].isin(kinds)] if kinds else rows


def _speaks(rows: pd.DataFrame, name: str) -> "pd.Series[bool]":
    """Tell which patients have a reason."""
    found = {
        "overdue": rows["is_overdue"] == True,  # noqa: E712  # missing means no schedule
        "unsigned": rows["is_provisional"],
        "failed": rows["error_count"] > 0,
        "disagreement": _asks(rows, Question.DISAGREEMENT),
        "function": _asks(rows, Question.FUNCTION),
    }
    return found[name]


def _asks(rows: pd.DataFrame, question: Question) -> "pd.Series[bool]":
    """Tell for which patients a question is among the open ones."""
    return rows["question_kinds"].str.split().map(lambda kinds: question in kinds).astype(bool)


def gathered(rows: pd.DataFrame, study: frame.ShownStudy) -> None:
    """Offer the meeting: its day, who is picked, the projector and the minutes."""
    picks = meeting.picked(list(rows["patient_id"]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        day = meeting.choose_day()
        who = f"{labels.count(len(picks), 'patient')} picked" if picks else "nobody picked: all with an open question"
        link = {meeting.PICKED: picks} if picks else {}
        link |= {meeting.DAY: [day.isoformat()]} if day != meeting.today() else {}
        st.page_link("pages/present.py", label="Present", query_params=link)
        frame.remark(who, "content")
        chosen = rows[rows["patient_id"].isin(picks)] if picks else rows[rows["needs_decision"]]
        meeting.downloads(chosen, day, study)


def listed(rows: pd.DataFrame) -> None:
    """Draw one row per patient under one header."""
    span = queries.query("board_span").iloc[0]
    scale = Scale(span["first_on"], span["last_on"])
    volumes = queries.of_patients("board_sparkline", list(rows["patient_id"])).dropna(subset=["volume_mm3"])
    right = st.columns(WIDTHS, vertical_alignment="bottom")[2]
    right.html(tag("div", *(tag("span", name) for name in COLUMNS), class_="ct-row ct-board ct-head"))
    for _, row in rows.iterrows():
        _row(row, volumes[volumes["patient_id"] == row["patient_id"]], scale)


def _row(row: pd.Series, volumes: pd.DataFrame, scale: Scale) -> None:
    pick, left, right = st.columns(WIDTHS, vertical_alignment="center")
    name = row["patient_id"]
    with pick:
        _pick(name)
    left.page_link("pages/patient.py", label=as_label(name), query_params={"patient": name})
    cells = (
        _two_lines(frame.state_mark(labels.standing(row)), _quietly(row)),
        _two_lines(*_change(row)),
        _two_lines(labels.day(row["last_scan_on"]), sentences.due(row)),
        _two_lines(_why(row), sentences.beside(row)),
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


def _why(row: pd.Series) -> Html:
    """Return the leading questions in a few words; all of them with their numbers open by click or key."""
    leading, everything = sentences.leading_questions(row), sentences.open_questions(row)
    return explained(leading, everything.split("; ")) if everything != leading else join([leading])


def _change(row: pd.Series) -> tuple[str, str]:
    """Return the change and its interval, with the words explained that need it."""
    change, interval = sentences.change(row)
    words = sentences.AGAINST["judged"]
    return (join([change.removesuffix(words), term(words)]), interval) if change.endswith(words) else (change, interval)


def _two_lines(first: str, second: str) -> str:
    small = (BREAK, tag("span", second, class_="ct-grey ct-small")) if second else ()
    return tag("span", join([first, *small]), class_="ct-number")


def _spark(volumes: pd.DataFrame, scale: Scale, compartment: str) -> str:
    own = volumes[volumes["compartment"] == compartment]
    if own.empty:
        return tag("span", labels.MISSING, class_="ct-grey ct-small")
    svg = dark.on_ground(sparkline(list(own["acquired_on"]), list(own["volume_mm3"]), scale, compartment))
    last = own.iloc[-1]
    return image(svg, f"{compartment}: {labels.ml(last['volume_mm3'])} on {labels.day(last['acquired_on'])}")


frame.show_page(show)
