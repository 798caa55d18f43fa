"""The volumes at the visits that matter, each with its interval and what it was made from."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.patient.lesion_sets import sets_of
from dashboard.quality import drift_words
from dashboard.shell import page
from dashboard.words import labels, tables
from dashboard.words.glossary import term
from dashboard.words.markup import join

NOW, LAST_JUDGED = "now", "last judged"


def numbers(patient_id: str, session_id: str, study: page.ShownStudy) -> None:
    """Show the tables of volumes; where the last scan could not be compared, the last that could is shown too."""
    page.section("Numbers", join(["mL, ", term("95\u202f% CI"), "; a number opens what it was made from"]))
    trajectory = queries.query("patient_trajectory", patient_id=patient_id, criteria_id=study.criteria_id)
    measured = queries.query("patient_measurements", patient_id=patient_id)
    visits_shown = to_show(trajectory, session_id)
    for word, visit_rows in visits_shown:
        sets = sets_of(patient_id, study.criteria_id, visit_rows)
        st.html(tables.numbers(visit_rows, measured, word, study.criteria_name, sets))
        if word == LAST_JUDGED:
            day = labels.day(visit_rows["acquired_on"].iloc[0])
            page.remark(f"The last scan could not be compared; this is the last that could be, of {day}.")
        for remark in (
            made_otherwise(patient_id, visit_rows.iloc[0]),
            disturbed(patient_id, visit_rows["session_id"].iloc[0]),
            shrunk_unsurely(patient_id, visit_rows["session_id"].iloc[0]),
        ):
            if remark:
                page.remark(remark)
    if not visits_shown:
        page.remark("Nothing was measured.")


def made_otherwise(patient_id: str, verdict_row: pd.Series) -> str:
    """Say where a scan's scanner or protocol is not that of the scans it is judged against; empty where it is.

    Parameters
    ----------
    verdict_row
        A row of the patient_trajectory query.
    """
    roles = {role: verdict_row[f"{role}_session_id"] for role in ("baseline", "nadir")}
    protocols = queries.query("patient_protocol", patient_id=patient_id)
    return " ".join(
        drift_words.differently_made(roles, protocols[protocols["session_id"] == verdict_row["session_id"]])
    )


def disturbed(patient_id: str, session_id: str) -> str:
    """Say where a scan is disturbed, as by movement, so that its volumes are less sure; empty where it is not."""
    disturbances = _messages(patient_id, session_id, "scan_disturbed")
    return " ".join(f"This scan is disturbed: {words}. The interval allows for it." for words in disturbances)


def shrunk_unsurely(patient_id: str, session_id: str) -> str:
    """Say where a tumour's shrinkage rests on an outline that nobody drew or signed; empty where it does not."""
    doubts = _messages(patient_id, session_id, "shrinkage_unsure")
    return " ".join(f"The shrinkage is unsure: {words}. The interval is wider for it." for words in doubts)


def _messages(patient_id: str, session_id: str, code: str) -> list[str]:
    """Return what is found of a visit under a code, without the names of patient and visit."""
    findings = queries.query("patient_findings", patient_id=patient_id)
    messages = findings.loc[(findings["session_id"] == session_id) & (findings["code"] == code), "message"]
    return [labels.typeset(message.split(": ", 1)[-1]) for message in messages]


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
    visit_rows = trajectory[trajectory["session_id"] == session_id]
    visits_shown = [(NOW, visit_rows)] if visit_rows["volume_mm3"].notna().any() else []
    if visit_rows.empty or visit_rows["nadir_session_id"].notna().any():
        return visits_shown
    earlier = trajectory[trajectory["nadir_session_id"].notna() & (trajectory["epoch"] == visit_rows["epoch"].iloc[0])]
    if earlier.empty:
        return visits_shown
    last = earlier["session_id"].iloc[-1]  # the rows come in the order of the scans
    return [*visits_shown, (LAST_JUDGED, earlier[earlier["session_id"] == last])]
