"""Who a page is about and where the disease stands, in the line on top of the Patient page and of the projector."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.data import acts, queries
from dashboard.shell import page
from dashboard.words import acts_beside, labels, sentences
from dashboard.words.glossary import term
from dashboard.words.markup import Html, join, tag
from pipeline.journal.decisions import TUMOUR

SEPARATOR = " · "
LONGEST = 40
"""Letters of a fact that stays on one line."""
SHORT_WORD = 11
"""Letters of a state that stand on a narrow badge."""


def headline(state: pd.Series) -> None:
    """Write the patient's name and facts, and the state of the disease at the right.

    Parameters
    ----------
    state
        A row of the patient_header query.
    """
    left, right = page.halves(_widths(state), "standing", "small", "center")
    left.html(_who(state))
    right.html(tag("div", state_badge(state), class_="ct-standing"))


def _widths(state: pd.Series) -> list[float]:
    """Return the shares of name and badge: the badge has what its words need, the rest is for the facts."""
    if labels.is_known(state["beside"]):
        return [4.0, 3.1]
    is_short = len(labels.standing(state).word) <= SHORT_WORD and not state["is_provisional"]
    return [5.6, 1.6] if is_short else [5.2, 1.9]


def acts_and_last_judged(state: pd.Series) -> None:
    """Say under the sentence what people did that it rests on, and the last verdict where the latest scan has none."""
    earlier = acts_beside.last_judged(state)
    if earlier:
        st.html(tag("p", labels.capital(f"{earlier}."), class_="ct-sentence ct-earlier"))
    act_lines = acts_beside.lines(effects(state))
    if act_lines:
        st.html(acts_beside.marked(act_lines))
    waiting = _waiting(str(state["patient_id"]))
    if waiting:
        words = f"On record, not yet in the verdict: {'; '.join(waiting)}."
        st.html(tag("p", words, class_="ct-act ct-grey"))


def _waiting(patient_id: str) -> list[str]:
    """Say what people decided since the results were made, masks of one visit together."""
    entries = acts.not_in_results(patient_id)
    if not entries:
        return []
    visits = queries.query("patient_visits", patient_id=patient_id)
    days = dict(zip(visits["session_id"], visits["acquired_on"], strict=True))
    words = []
    for group in acts.together(entries):
        entry = next((one for one in group if one.compartment in (None, TUMOUR)), group[0])
        row = {
            "act": entry.act, "session_id": entry.session_id, "acquired_on": days.get(entry.session_id),
            "compartment": entry.compartment, "lesion_id": entry.lesion_id, "same_as": entry.same_as,
            "corrected_to": entry.corrected_to,
        }  # fmt: skip
        words.append(f"{acts_beside.what(row)} by {entry.who}")
    return words


def effects(state: pd.Series) -> pd.DataFrame:
    """Return what people did that bears on a patient's verdict: rows of the act_effects query."""
    return queries.of_patients("act_effects", [str(state["patient_id"])], criteria_id=str(state["criteria_id"]))


def state_badge(state: pd.Series) -> Html:
    """Return the state as symbol and word on its colour, and whether it is provisional."""
    look = labels.standing(state)
    quiet = tag("span", term("provisional"), "\u2002", class_="ct-grey") if state["is_provisional"] else Html("")
    return join([quiet, tag("span", f"{look.symbol} {look.word}", class_="ct-badge", style=f"background:{look.ink}")])


def _who(state: pd.Series) -> Html:
    facts = sentences.facts(state, queries.query("patient_treatments", patient_id=state["patient_id"]))
    parts = [tag("span", part, class_="ct-nowrap" if len(part) <= LONGEST else "") for part in facts.split(SEPARATOR)]
    return tag("p", str(state["patient_id"]), tag("span", join(parts, SEPARATOR), class_="ct-grey"), class_="ct-name")
