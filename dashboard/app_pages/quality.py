"""What went wrong and what waits for a person, before anything else."""

from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from dashboard import data, frame, labels
from dashboard.markup import Html, join, table, tag

SEVERITIES = {
    "error": ("✕ left out", "#B2182B"),
    "warning": ("! look", "#8A5A00"),
    "note": ("· note", labels.GREY),
}


def show() -> None:
    """Draw the page."""
    frame.open_page()
    findings = data.query("quality_findings")
    review = data.query("quality_review")
    errors = int((findings["severity"] == "error").sum())
    left_out = f"{labels.count(errors, 'thing was', 'things were')} left out" if errors else "Nothing was left out"
    waits = (
        f"{labels.count(len(review), 'thing waits', 'things wait')} for a person" if len(review) else "nothing waits"
    )
    frame.sentence(f"{left_out}, {waits}.")
    failures(findings)
    waiting(review)
    alignments(data.query("quality_registration"))


def failures(findings: pd.DataFrame) -> None:
    """List what the pipeline noticed: what, where, what to do."""
    frame.section("Failures and findings", "worst first")
    if findings.empty:
        frame.remark("The last run found nothing to report.")
        return
    rows = [(_severity(row["severity"]), _where(row), _what(row), row["remedy"]) for row in findings.to_dict("records")]
    st.html(table(("", "where", "what", "what to do"), rows))


def waiting(review: pd.DataFrame) -> None:
    """List what a person must look at: unsigned automatic masks, poor alignments, unusable visits."""
    frame.section("Waiting for a person", "oldest first; visits without a date come before all others")
    if review.empty:
        frame.remark("Nothing waits.")
        return
    rows = [
        (labels.day(row["acquired_on"]), _where(row), row["kind"], tag("span", str(row["detail"]), class_="ct-small"))
        for row in review.to_dict("records")
    ]
    st.html(table(("scanned", "where", "what", "detail"), rows))


def alignments(found: pd.DataFrame) -> None:
    """Show how well scans are aligned, the worst first."""
    grades = found[found["role"] == "visit_to_reference"]["grade"].value_counts()
    counts = ", ".join(f"{grades.get(grade, 0)} {grade}" for grade in "ABC")
    frame.section("Alignment", f"visits to their reference: {counts}")
    if found.empty:
        frame.remark("No scan had to be aligned.")
        return
    st.dataframe(
        found[list(ALIGNMENT_COLUMNS)].assign(role=found["role"].map(labels.words)),
        hide_index=True,
        column_config=ALIGNMENT_COLUMNS,
        alt="Grade and quality numbers of every alignment, the worst first",
    )
    st.download_button(
        "All alignments (CSV)",
        data=lambda: data.csv(found),
        file_name="alignments.csv",
        mime="text/csv",
        on_click="ignore",
    )


ALIGNMENT_COLUMNS = {
    "grade": st.column_config.TextColumn("grade", width=60),
    "patient_id": st.column_config.TextColumn("patient", width=90),
    "session_id": st.column_config.TextColumn("visit", width=80),
    "acquired_on": st.column_config.DateColumn("scanned", format="YYYY-MM-DD", width=100),
    "role": st.column_config.TextColumn("what to what", width=150),
    "method": st.column_config.TextColumn("method", width=120),
    "local_correlation": st.column_config.NumberColumn("local correlation", format="%.2f"),
    "inverse_consistency_mm": st.column_config.NumberColumn("inverse consistency, mm", format="%.2f"),
    "jacobian_min": st.column_config.NumberColumn("smallest stretch", format="%.2f"),
    "jacobian_max": st.column_config.NumberColumn("largest stretch", format="%.2f"),
    "coverage_ratio": st.column_config.NumberColumn("lesion covered", format="percent"),
    "grade_reasons": st.column_config.TextColumn("why this grade", width="large"),
}


def _severity(severity: str) -> Html:
    word, colour = SEVERITIES[severity]
    return tag("span", word, class_="ct-state", style=f"color:{colour}")


def _where(row: dict[Any, Any]) -> str:
    if not labels.is_known(row["patient_id"]):
        return tag("span", "study", class_="ct-grey")
    patient = str(row["patient_id"])
    link = tag("a", patient, href=f"patient?patient={quote(patient)}", target="_self", class_="ct-link")
    visit = f" {row['session_id']}" if labels.is_known(row["session_id"]) else ""
    return join([link, visit])


def _what(row: dict[Any, Any]) -> str:
    path = tag("div", str(row["path"]), class_="ct-path ct-grey") if labels.is_known(row["path"]) else ""
    return join([str(row["message"]), path] if path else [str(row["message"])])


show()
