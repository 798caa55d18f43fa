"""What stands beside the verdict of one patient and never decides it: cyst, oedema, extent of surgery, growth rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.shell import page
from dashboard.words import labels, sentences
from dashboard.words.markup import Html, table, tag
from dashboard.words.table_rows import as_rows
from pipeline.core.neuraxis_form import ITEMS, LEVELS

NOT_SAID = "not said"
"""What nobody filled in: never *absent*."""

UNSEEN = {"none seen", "not measured"}
"""Courses of a compartment that is not there to be told of."""


@dataclass(frozen=True)
class Line:
    """One thing beside the verdict: what it is about, what became of it, and the colour of its name."""

    word: str
    text: str
    ink: str


def beside(patient_id: str, session_id: str, criteria_id: str) -> None:
    """Say in one line each what became of everything that is not judged; nothing where nothing is known."""
    context_lines = lines(patient_id, session_id, criteria_id)
    if not context_lines:
        return
    page.section("Beside the verdict", "what is followed and told, and never decides it")
    parts = ((tag("dt", line.word, style=f"color:{line.ink}"), tag("dd", line.text)) for line in context_lines)
    st.html(tag("dl", *(part for pair in parts for part in pair), class_="ct-beside"))


def lines(patient_id: str, session_id: str, criteria_id: str) -> list[Line]:
    """Return what stands beside a verdict: open days, best responses, other compartments, growth, surgeries, seeding.

    Parameters
    ----------
    session_id
        The visit of the verdict.
    criteria_id
        The criteria whose best responses are told, latest course first.
    """
    return [
        *_open_days(queries.query("patient_visits", patient_id=patient_id)),
        *_responses(queries.query("patient_best_responses", patient_id=patient_id), criteria_id),
        *_compartments(queries.query("patient_compartments", patient_id=patient_id), session_id),
        *_growth(queries.query("patient_growth", patient_id=patient_id)),
        *_surgeries(queries.query("patient_resections", patient_id=patient_id)),
        *_neuraxis(queries.query("patient_neuraxis", patient_id=patient_id)),
        *_next_scan(queries.query("patient_next_scan", patient_id=patient_id)),
    ]


def with_overdue(state: pd.Series, day: date) -> pd.Series:
    """Return a patient's state with whether the next scan is overdue on a day, as the board has it.

    Parameters
    ----------
    state
        Row of the patient_header query.
    """
    due = queries.query("next_scans", as_of=day)
    of_patient = due.loc[due["patient_id"] == state["patient_id"], "is_overdue"]
    return pd.concat([state, pd.Series({"is_overdue": bool(of_patient.any())})])


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


def _open_days(visits: pd.DataFrame) -> Iterator[Line]:
    """Yield a line where tables and figures set scans on a day that nobody wrote down."""
    spans = [
        f"{row['session_id']} on any day from {labels.day(row['acquired_on'])} to {labels.day(row['acquired_by'])}"
        for row in visits[visits["acquired_by"].notna()].pipe(as_rows)
    ]
    if spans:
        where = "Tables and the course show the first of these days."
        yield Line("days not known", f"{'; '.join(spans)}. {where}", labels.INK)


def _responses(responses: pd.DataFrame, criteria_id: str) -> Iterator[Line]:
    """Yield a line for each course that somebody can have responded in, and for the last treatment in any case."""
    by_criteria = responses[responses["criteria_id"] == criteria_id].sort_values("epoch", ascending=False)
    for epoch, looks in by_criteria.groupby("epoch", sort=False):
        by_look = {row["look"]: row for row in looks.pipe(as_rows)}
        confirmed, unconfirmed = by_look["confirmed"], by_look["unconfirmed"]
        is_latest = epoch == by_criteria["epoch"].max() and confirmed["course"] != "watched"
        if is_latest or {confirmed["best"], unconfirmed["best"]} != {"NE"}:
            yield Line("best response", sentences.best_response(confirmed, unconfirmed), labels.INK)


def _growth(rates: pd.DataFrame) -> Iterator[Line]:
    for row in rates.sort_values("epoch", ascending=False).pipe(as_rows):
        yield Line("growth rate", sentences.growth(row), labels.compartment("tumour").ink)


def _surgeries(resections: pd.DataFrame) -> Iterator[Line]:
    for row in resections.sort_values("operated_on", ascending=False).pipe(as_rows):
        yield Line(f"surgery {sentences.first_day(row['operated_on'])}", sentences.resection(row), labels.INK)


def neuraxis(patient_id: str) -> Html:
    """Show the forms of the whole neuraxis, item by item; what nobody filled in is *not said*, never *absent*."""
    forms = queries.query("patient_neuraxis", patient_id=patient_id)
    filled = forms[forms["has_form"].astype(bool)].pipe(as_rows)
    if not filled:
        return tag("p", "No visit has a form of the whole neuraxis (neuraxis.tsv).", class_="ct-grey")
    head = ("", *(f"{labels.day(row['acquired_on'])} {row['session_id']}" for row in filled))
    body = [
        (name, *(labels.words(row[column], NOT_SAID) for row in filled))
        for column, name in {**LEVELS, "contrast": "contrast agent", **ITEMS, "reader": "reader"}.items()
    ]
    body.append(("seeding", *(labels.words(row["leptomeningeal"]) for row in filled)))
    return table(head, body)


def _neuraxis(forms: pd.DataFrame) -> Iterator[Line]:
    """Say what the latest form found and lacks, and which visits since have none."""
    filled = forms[forms["has_form"].astype(bool)]
    if filled.empty:
        return
    last = filled.iloc[0]
    present = f"Present: {last['present']}." if labels.is_known(last["present"]) else "Nothing is said to be present."
    leptomeningeal_words = {
        "yes": "seeding, which is progression",
        "no": "no seeding",
        "not imaged": "seeding neither seen nor excluded",
    }
    parts = [f"{labels.day(last['acquired_on'])}: {leptomeningeal_words[last['leptomeningeal']]}. {present}"]
    if labels.is_known(last["missing"]):
        parts.append(f"Missing: {last['missing']}.")
    since = len(forms[(forms["acquired_on"] > last["acquired_on"]) & ~forms["has_form"].astype(bool)])
    if since:
        parts.append(f"{labels.capital(labels.count(since, 'later visit has', 'later visits have'))} no form.")
    ink = labels.STATES["distant"].ink if last["leptomeningeal"] == "yes" else labels.INK
    yield Line("whole neuraxis", " ".join(parts), ink)


def _next_scan(due: pd.DataFrame) -> Iterator[Line]:
    for row in due.pipe(as_rows):
        by = f"by {labels.day(row['due_on'])}" if labels.is_known(row["due_on"]) else "none planned"
        assumed = (
            f" {labels.capital(labels.extents_in_words(str(row['assumed'])))}."
            if labels.is_known(row["assumed"])
            else ""
        )
        yield Line("next scan", f"{labels.capital(by)}. {row['rule']}. Information, not advice.{assumed}", labels.INK)
