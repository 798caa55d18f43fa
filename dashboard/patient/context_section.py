"""What stands beside the verdict of one patient and never decides it: cyst, oedema, extent of surgery, growth rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.shell import page
from dashboard.words import labels, sentences
from dashboard.words.markup import Html, table, tag
from dashboard.words.table_rows import as_rows

UNSEEN = {"none seen", "not measured"}
"""Courses of a compartment that is not there to be told of."""


@dataclass(frozen=True)
class Line:
    """One thing beside the verdict: what it is about, what became of it, and the colour of its name."""

    word: str
    text: str
    ink: str


def beside(patient_id: str, session_id: str) -> None:
    """Say in one line each what became of everything that is not judged; nothing where nothing is known."""
    found = lines(patient_id, session_id)
    if not found:
        return
    page.section("Beside the verdict", "what is followed and told, and never decides it")
    parts = ((tag("dt", line.word, style=f"color:{line.ink}"), tag("dd", line.text)) for line in found)
    st.html(tag("dl", *(part for pair in parts for part in pair), class_="ct-beside"))


def lines(patient_id: str, session_id: str) -> list[Line]:
    """Return what stands beside a verdict: other compartments at its visit, growth rates and surgeries, latest first.

    Parameters
    ----------
    session_id
        The visit of the verdict.
    """
    return [
        *_compartments(queries.query("patient_compartments", patient_id=patient_id), session_id),
        *_growth(queries.query("patient_growth", patient_id=patient_id)),
        *_surgeries(queries.query("patient_resections", patient_id=patient_id)),
    ]


def history(patient_id: str) -> Html:
    """Show what each compartment beside the tumour did, visit by visit."""
    courses = queries.query("patient_compartments", patient_id=patient_id)
    if courses.empty:
        return tag("p", "Nothing but tumour was followed.", class_="ct-grey")
    shown = _ever_seen(courses)
    if not shown:
        return tag("p", "No compartment beside tumour was seen at any visit.", class_="ct-grey")
    dated = courses[["session_id", "acquired_on"]].drop_duplicates().sort_values(["acquired_on", "session_id"])
    cells = {(row["session_id"], row["compartment"]): row for row in courses.pipe(as_rows)}
    body = []
    for session_id, day in dated.itertuples(index=False):
        row = (cells.get((session_id, name)) for name in shown)
        words = (
            tag("span", _told(one["reason"], one["compartment"]), class_="ct-small") if one else "–" for one in row
        )
        body.append((f"{labels.day(day)} {session_id}", *words))
    return table(("visit", *(labels.compartment(name).word for name in shown)), body)


def _ever_seen(courses: pd.DataFrame) -> list[str]:
    seen = set(courses.loc[~courses["course"].isin(UNSEEN), "compartment"])
    return [name for name in labels.COMPARTMENTS if name in seen]


def _told(reason: str, compartment: str) -> str:
    return labels.typeset(sentences.without_name(reason, compartment))


def _compartments(courses: pd.DataFrame, session_id: str) -> Iterator[Line]:
    now = courses[courses["session_id"] == session_id].set_index("compartment")
    ever = _ever_seen(courses)
    for name in (name for name in ever if name in now.index):
        style = labels.compartment(name)
        yield Line(style.word, _told(str(now.loc[name, "reason"]), name), style.ink)
    quiet = {course: [n for n in now.index[now["course"] == course] if n not in ever] for course in sorted(UNSEEN)}
    words = [f"{course}: {', '.join(names)}" for course, names in quiet.items() if names]
    if words:
        yield Line("others", f"{labels.capital('; '.join(words))}.", labels.GREY)


def _growth(rates: pd.DataFrame) -> Iterator[Line]:
    for row in rates.sort_values("epoch", ascending=False).pipe(as_rows):
        yield Line("growth rate", sentences.growth(row), labels.compartment("tumour").ink)


def _surgeries(resections: pd.DataFrame) -> Iterator[Line]:
    for row in resections.sort_values("operated_on", ascending=False).pipe(as_rows):
        yield Line(f"surgery {labels.day(row['operated_on'])}", sentences.resection(row), labels.INK)
