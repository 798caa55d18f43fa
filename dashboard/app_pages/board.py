"""The tumour board's list: who needs a decision, most urgent first."""

from collections.abc import Callable
from datetime import date

import pandas as pd
import streamlit as st

from dashboard import address, data, frame, labels, sentences
from dashboard.charts.sparkline import Scale, sparkline
from dashboard.markup import BREAK, as_label, image, join, tag

ROWS_PER_PAGE = 20
COLUMNS = ("state", "change, 95\u202f% CI", "last scan, next due", "why", "tumour", "cyst")
SPARK_NOTE = (
    "Due: the next scan by a published schedule, overdue as of today; information, not advice. "
    "Change: solid tumour, as the rule compares it; the nadir is the smallest since the baseline. Small curves: volume "
    "over time, one time axis for all rows; equal steepness is equal relative growth, an open ring means none seen."
)


def show(study: frame.Study) -> None:
    """Draw the page."""
    rows = board_rows(study.criteria_id)
    if rows.empty:
        frame.nothing_yet("the study has no patients")
        return
    answer, rest = sentences.board(rows)
    frame.sentence(answer, " ", tag("span", rest, class_="ct-grey"))
    chosen = filtered(rows)
    if chosen.empty:
        frame.remark("No patient matches these filters.")
        return
    pages = -(-len(chosen) // ROWS_PER_PAGE)
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1  # a number is its own label
    listed(chosen.iloc[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE])
    frame.remark(SPARK_NOTE)


def board_rows(criteria_id: str) -> pd.DataFrame:
    """Return the rows of the board in their order, with the change that each state rests on."""
    rows = data.query("board", criteria_id=criteria_id)
    changes = data.query("board_change", criteria_id=criteria_id)
    due = data.query("next_scans", as_of=date.today())[["patient_id", "due_on", "is_overdue"]]  # noqa: DTZ011  # the reader's day
    own = ["change_percent", "change_low_percent", "change_high_percent"]
    return rows.drop(columns=own).merge(changes, on="patient_id", how="left").merge(due, on="patient_id", how="left")


def filtered(rows: pd.DataFrame) -> pd.DataFrame:
    """Offer filters, kept in the address, and return the rows that pass."""
    present = [name for name in labels.DISPLAY_STATES if name in set(rows["display_state"])]
    histologies = sorted(rows["histology"].dropna().unique())
    with st.container(horizontal=True, vertical_alignment="center"):
        states = _pills("State", present, "state", _state_label)
        kinds = _pills("Histology", histologies, "histology", lambda name: as_label(labels.words(name)))
    if states:
        rows = rows[rows["display_state"].isin(states)]
    return rows[rows["histology"].isin(kinds)] if kinds else rows


def listed(rows: pd.DataFrame) -> None:
    """Draw one row per patient under one header."""
    volumes = data.query("board_sparkline").dropna(subset=["volume_mm3"])
    scale = Scale(volumes["acquired_on"].min(), volumes["acquired_on"].max())
    _, right = st.columns([1, 11], vertical_alignment="bottom")
    right.html(tag("div", *(tag("span", name) for name in COLUMNS), class_="ct-row ct-board ct-head"))
    for _, row in rows.iterrows():
        _row(row, volumes[volumes["patient_id"] == row["patient_id"]], scale)


def _row(row: pd.Series, volumes: pd.DataFrame, scale: Scale) -> None:
    left, right = st.columns([1, 11], vertical_alignment="center")
    name = row["patient_id"]
    left.page_link("app_pages/patient.py", label=as_label(name), query_params={"patient": name})
    cells = (
        _two_lines(frame.state_mark(labels.look(row["state"], row["display_state"])), _quietly(row)),
        _two_lines(*sentences.change(row)),
        _two_lines(labels.day(row["last_scan_on"]), sentences.due(row)),
        _two_lines(row["urgency_reason"], sentences.beside(row)),
        _spark(volumes, scale, "tumour"),
        _spark(volumes, scale, "cyst"),
    )
    right.html(tag("div", *cells, class_="ct-row ct-board ct-rule"))


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


def _quietly(row: pd.Series) -> str:
    notes = (
        "provisional" if row["is_provisional"] else "",
        "to be confirmed" if row["category_shown"].endswith("?") else "",
    )
    return ", ".join(note for note in notes if note)


def _two_lines(first: str, second: str) -> str:
    small = (BREAK, tag("span", second, class_="ct-grey ct-small")) if second else ()
    return tag("span", join([first, *small]), class_="ct-number")


def _spark(volumes: pd.DataFrame, scale: Scale, compartment: str) -> str:
    own = volumes[volumes["compartment"] == compartment]
    if own.empty:
        return tag("span", labels.MISSING, class_="ct-grey ct-small")
    svg = sparkline(list(own["acquired_on"]), list(own["volume_mm3"]), scale, compartment)
    last = own.iloc[-1]
    return image(svg, f"{compartment}: {labels.ml(last['volume_mm3'])} on {labels.day(last['acquired_on'])}")


frame.show_page(show)
