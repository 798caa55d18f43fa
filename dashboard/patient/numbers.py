"""The volumes at the visits that matter, each with its interval and what it was made from."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.patient import lesion_section
from dashboard.quality import drift_words
from dashboard.shell import page
from dashboard.words import labels, tables
from dashboard.words.glossary import term
from dashboard.words.markup import join

NOW, LAST_JUDGED = "now", "last judged"


def numbers(patient_id: str, session_id: str, study: page.ShownStudy) -> None:
    """Show the tables of volumes; where the last scan could not be compared, the last that could is shown too."""
    page.section("Numbers", join(["mL, ", term("95\u202f% CI"), "; a number opens what it was made from"]))
    rows = queries.query("patient_trajectory", patient_id=patient_id, criteria_id=study.criteria_id)
    measured = queries.query("patient_measurements", patient_id=patient_id)
    found = to_show(rows, session_id)
    for word, own in found:
        st.html(tables.numbers(own, measured, word, study.criteria_name))
        if word == LAST_JUDGED:
            day = labels.day(own["acquired_on"].iloc[0])
            page.remark(f"The last scan could not be compared; this is the last that could be, of {day}.")
        for told in (made_otherwise(patient_id, own.iloc[0]), disturbed(patient_id, own["session_id"].iloc[0])):
            if told:
                page.remark(told)
    if not found:
        page.remark("Nothing was measured.")
    lesions = lesion_section.seen_at(patient_id, study.criteria_id, session_id)
    if len(lesions) > 1:
        page.remark(f"Tumour here is all that was measured, lesions {' and '.join(lesions)} together.")


def made_otherwise(patient_id: str, own: pd.Series) -> str:
    """Say where a scan's scanner or protocol is not that of the scans it is judged against; empty where it is.

    Parameters
    ----------
    own
        A row of the patient_trajectory query.
    """
    roles = {role: own[f"{role}_session_id"] for role in ("baseline", "nadir")}
    rows = queries.query("patient_protocol", patient_id=patient_id)
    return " ".join(drift_words.differently_made(roles, rows[rows["session_id"] == own["session_id"]]))


def disturbed(patient_id: str, session_id: str) -> str:
    """Say where a scan is disturbed, as by movement, so that its volumes are less sure; empty where it is not."""
    rows = queries.query("patient_findings", patient_id=patient_id)
    messages = rows.loc[(rows["session_id"] == session_id) & (rows["code"] == "scan_disturbed"), "message"]
    told = (message.split(": ", 1)[-1] for message in messages)
    return " ".join(f"This scan is disturbed: {words}. The interval allows for it." for words in told)


def to_show(trajectory: pd.DataFrame, session_id: str) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of the last scan, and where it was not compared those of the last one of its period that was.

    Parameters
    ----------
    trajectory
        Rows of the patient_trajectory query.
    session_id
        The last judged visit.

    Returns
    -------
    list
        What the scan is, and one row per compartment; a scan without any volume is left out.
    """
    own = trajectory[trajectory["session_id"] == session_id]
    found = [(NOW, own)] if own["volume_mm3"].notna().any() else []
    if own.empty or own["nadir_session_id"].notna().any():
        return found
    earlier = trajectory[trajectory["nadir_session_id"].notna() & (trajectory["epoch"] == own["epoch"].iloc[0])]
    if earlier.empty:
        return found
    last = earlier["session_id"].iloc[-1]  # the rows come in the order of the scans
    return [*found, (LAST_JUDGED, earlier[earlier["session_id"] == last])]
