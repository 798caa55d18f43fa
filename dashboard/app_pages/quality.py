"""What went wrong and what waits for a person, before anything else."""

import pandas as pd
import streamlit as st

from dashboard import data, frame, labels, tables

ALIGNMENT_COLUMNS = {
    "grade": st.column_config.TextColumn("grade", width=60),
    "patient_id": st.column_config.TextColumn("patient", width=110),
    "session_id": st.column_config.TextColumn("visit", width=80),
    "acquired_on": st.column_config.DateColumn("scanned", format="YYYY-MM-DD", width=100),
    "role": st.column_config.TextColumn("what to what", width=150),
    "method": st.column_config.TextColumn("method", width=120),
    "local_correlation": st.column_config.NumberColumn("likeness near the lesion", format="%.2f"),
    "inverse_consistency_mm": st.column_config.NumberColumn("there and back, mm", format="%.2f"),
    "jacobian_min": st.column_config.NumberColumn("smallest stretch", format="%.2f"),
    "jacobian_max": st.column_config.NumberColumn("largest stretch", format="%.2f"),
    "coverage_ratio": st.column_config.NumberColumn("share of lesion covered", format="%.2f"),
    "grade_reasons": st.column_config.TextColumn("why this grade", width="large"),
}
BOX_PX = 460
ROWS_IN_BOX = 14


def show(_: frame.Study) -> None:
    """Draw the page."""
    findings = data.query("quality_findings")
    review = data.query("quality_review")
    errors = int((findings["severity"] == "error").sum())
    left_out = f"{labels.count(errors, 'thing was', 'things were')} left out" if errors else "Nothing was left out"
    waits = (
        f"{labels.count(len(review), 'thing waits', 'things wait')} for a person" if len(review) else "nothing waits"
    )
    frame.sentence(f"{left_out}, {waits}.")
    frame.section("Failures and findings", "worst first")
    if findings.empty:
        frame.remark("The last run found nothing to report.")
    else:
        st.html(tables.findings(findings))
    waiting(review)
    alignments(data.query("quality_registration"))


def waiting(review: pd.DataFrame) -> None:
    """List what a person must look at, in a box that scrolls when the list is long."""
    kinds = ", ".join(f"{number} × {kind}" for kind, number in review["kind"].value_counts().items())
    frame.section("Waiting for a person", f"{kinds}; oldest first, without a date before all others" if kinds else "")
    if review.empty:
        frame.remark("Nothing waits.")
        return
    with st.container(height=BOX_PX if len(review) > ROWS_IN_BOX else "content", border=False):
        st.html(tables.review(review))


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


frame.show_page(show)
