"""The rows of the board as they are drawn: state, size, change, last scan, why, and small curves."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.board import meeting
from dashboard.board.board_order import head, listen
from dashboard.charts.sparkline import Scale, sparkline
from dashboard.data import queries
from dashboard.patient import judged_volumes
from dashboard.shell import address, dark, page
from dashboard.words import acts_beside, labels, sentences, tables
from dashboard.words.glossary import term
from dashboard.words.markup import BREAK, Html, as_label, image, join, tag

WIDTHS = [0.3, 1.45, 12]
CURVES = ("tumour", "cyst")
OVERDUE = "◷"


def listed(patients: pd.DataFrame, effects: pd.DataFrame) -> None:
    """Draw one row per patient under one head that stays in sight.

    Parameters
    ----------
    effects
        Rows of the act_effects query.
    """
    volumes = _volumes(patients)
    shown = [name for name in CURVES if (volumes.loc[volumes["compartment"] == name, "volume_mm3"] > 0).any()]
    grid = f"ct-board ct-curves-{len(shown)}"
    measured, changing = _by_patient(volumes), _by_patient(acts_beside.changes_verdict(effects))
    with st.container(key="ct-board-list"):  # on paper a table, whose head stands on each sheet
        with st.container(key="ct-board-head"):
            right = st.columns(WIDTHS, vertical_alignment="bottom")[2]
            right.html(tag("div", *(tag("span", name) for name in _heads(shown)), class_=f"ct-row {grid} ct-head"))
        for _, row in patients.iterrows():
            name = row["patient_id"]
            _row(row, measured.get(name, volumes[:0]), changing.get(name, effects[:0]), (grid, shown))
    listen()


def _volumes(patients: pd.DataFrame) -> pd.DataFrame:
    """Return the volumes of tumour and cyst, with what the rule compares of the tumour beside all of it."""
    measured = queries.of_patients("board_sparkline", list(patients["patient_id"])).dropna(subset=["volume_mm3"])
    judged = judged_volumes.of_everybody(str(patients["criteria_id"].iloc[0])).assign(compartment="tumour")
    volumes = measured.merge(judged, on=["patient_id", "session_id", "compartment"], how="left")
    return volumes.assign(judged_mm3=volumes["judged_mm3"].fillna(volumes["volume_mm3"]))


def _by_patient(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Take a table apart by patient once, and not by a search of all of it for each of many patients."""
    return {str(name): rows_of_patient for name, rows_of_patient in table.groupby("patient_id", sort=False)}


def _heads(shown: list[str]) -> tuple[str, ...]:
    return (
        head("state", "state"),
        head("volume", "tumour, mL"),
        join([head("change", "change"), ", ", term("95\u202f% CI")]),
        head("scan", "last scan"),
        head("urgency", "why"),
        *shown,
    )


def _row(row: pd.Series, volumes: pd.DataFrame, changing: pd.DataFrame, drawn: tuple[str, list[str]]) -> None:
    """Draw one patient from the row of the board, the patient's volumes, and the acts that change the verdict."""
    pick, left, right = st.columns(WIDTHS, vertical_alignment="center")
    name, (grid, shown) = row["patient_id"], drawn
    with pick:
        _pick(name)
    left.page_link("app_pages/patient.py", label=as_label(name), query_params={"patient": name})
    cells = (
        _two_lines(page.state_mark(labels.standing(row)), _quietly(row)),
        _two_lines(*sentences.size(row)),
        _two_lines(*_change(row)),
        _two_lines(labels.day(row["last_scan_on"]), sentences.since_treatment(row)),
        _why(row),
        *(_spark(volumes, row, name) for name in shown),
    )
    act_lines = _acts(row, changing)
    beside = [tag("div", act_lines, class_="ct-acts")] if act_lines else []
    right.html(tag("div", *(tag("div", cell) for cell in cells), *beside, class_=f"ct-row {grid} ct-rule"))


def _acts(row: pd.Series, changing: pd.DataFrame) -> Html:
    """Write what was last judged, and what people did without which the verdict would be another one."""
    earlier = acts_beside.last_judged(row)
    act_lines = acts_beside.lines(changing)
    return join([tag("span", earlier, class_="ct-act-short") if earlier else "", acts_beside.in_short(act_lines)])


def _why(row: pd.Series) -> Html:
    """Write the open questions, and after them what stands beside, with an icon where the next scan is overdue."""
    sentence = sentences.beside(row)
    if not sentences.is_overdue(row):
        return _two_lines(tables.open_questions(row), sentence)
    icon = tag("abbr", OVERDUE, title=f"scan overdue: {sentences.due(row)}", class_="ct-overdue")
    return _two_lines(tables.open_questions(row), join([icon, f"\u00a0{sentence}"]))


def _pick(name: str) -> None:
    named = st.query_params.get_all(meeting.PICKED)
    is_picked = st.checkbox(
        as_label(f"Pick {name}"), value=name in named, key=f"pick-{name}", label_visibility="collapsed"
    )
    if is_picked != (name in named):
        address.keep(meeting.PICKED, [*named, name] if is_picked else [other for other in named if other != name])
        st.rerun()


def _quietly(row: pd.Series) -> Html:
    notes = {"provisional": row["is_provisional"], "to be confirmed": row["category_shown"].endswith("?")}
    return join([term(word) for word, applies in notes.items() if applies], ", ")


def _change(row: pd.Series) -> tuple[str, str]:
    """Return the change and its interval, with the words explained that need it."""
    change, interval = sentences.change(row)
    words = sentences.AGAINST["judged"]
    return (join([change.removesuffix(words), term(words)]), interval) if change.endswith(words) else (change, interval)


def _two_lines(first: str, second: str) -> Html:
    small = (BREAK, tag("span", second, class_="ct-grey ct-small")) if second else ()
    return tag("span", join([first, *small]), class_="ct-number")


def _spark(volumes: pd.DataFrame, row: pd.Series, compartment: str) -> Html:
    """Draw one compartment over the patient's own time, the tumour with the line of progression."""
    course = volumes[volumes["compartment"] == compartment]
    if course.empty:
        return tag("span", labels.MISSING, class_="ct-grey ct-small")
    scale = Scale(volumes["acquired_on"].min(), volumes["acquired_on"].max())
    level: Any = row["progression_from_mm3"] if compartment == "tumour" else None
    has_more = bool((course["judged_mm3"] != course["volume_mm3"]).any())
    drawing = sparkline(
        list(course["acquired_on"]),
        list(course["judged_mm3"]),
        scale,
        compartment,
        float(level) if labels.is_known(level) else None,
        list(course["volume_mm3"]) if has_more else None,
    )
    last = course.iloc[-1]
    first, until = labels.day(scale.first), labels.day(scale.last)
    words = f"{compartment}: {labels.ml(last['volume_mm3'])} on {labels.day(last['acquired_on'])}; {first} to {until}"
    if has_more:
        words += f"; solid: what the rule compares, {labels.ml(last['judged_mm3'])}; dashed: all tumour, new included"
    return image(dark.on_ground(drawing), words, title=words)
