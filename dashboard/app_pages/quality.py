"""What went wrong and what waits for a person, before anything else."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import acts, door, queries
from dashboard.quality.drift_section import drift
from dashboard.shell import page, signing
from dashboard.shell.updating import offer_update
from dashboard.words import labels, tables
from dashboard.words.markup import as_label, tag
from dashboard.words.table_rows import as_rows

ALIGNMENT_COLUMNS = {
    "grade": st.column_config.TextColumn("grade", width=50),
    "patient_id": st.column_config.TextColumn("patient", width=100),
    "session_id": st.column_config.TextColumn("visit", width=70),
    "acquired_on": st.column_config.DateColumn("scanned", format="YYYY-MM-DD", width=90),
    "role": st.column_config.TextColumn("what to what", width=130),
    "grade_reasons": st.column_config.TextColumn("why this grade", width=480),
    "local_correlation": st.column_config.NumberColumn("likeness near the lesion", format="%.2f"),
    "inverse_consistency_mm": st.column_config.NumberColumn("there and back, mm", format="%.2f"),
    "jacobian_min": st.column_config.NumberColumn("smallest stretch", format="%.2f"),
    "jacobian_max": st.column_config.NumberColumn("largest stretch", format="%.2f"),
    "coverage_ratio": st.column_config.NumberColumn("share of lesion covered", format="%.2f"),
    "method": st.column_config.TextColumn("method", width=120),
}
ROLES = {"visit_to_reference": "visit to reference", "sequence_to_anchor": "within the visit"}
ALIGNED = {"visit_to_reference": "visits to their reference", "sequence_to_anchor": "sequences within a visit"}
METHODS = {"cord-bend": "bend", "cord-bend edges": "bend, by edges", "rigid-mi": "rigid"}
"""How a method's name is shown; its version stays in the file."""

LINE_LETTERS = 62
"""Of a reason that one line of its column holds; longer ones stand on two."""
TWO_LINES_PX = 54
ROWS_PER_PAGE = 15
MOST_LISTED = 300
UNSIGNED = "unsigned automatic mask"
DECIDED = "automatic mask, decided on"


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    findings = queries.query("quality_findings")
    review, decided = _still_open(queries.query("quality_review"))
    errors = int((findings["severity"] == "error").sum())
    left_out = f"{labels.count(errors, 'thing was', 'things were')} left out" if errors else "Nothing was left out"
    waits = (
        f"{labels.count(len(review), 'thing waits', 'things wait')} for a person" if len(review) else "nothing waits"
    )
    whose = "" if queries.patients_seen() is None else " of the patients that you may see"
    page.sentence(f"{left_out}, {waits}{whose}.")
    page.section("Failures and findings", "worst first")
    if findings.empty:
        page.remark(f"The last run found nothing to report{whose}.")
    else:
        st.html(tables.findings(findings.head(MOST_LISTED)))
        if len(findings) > MOST_LISTED:
            page.remark(f"The first {MOST_LISTED} of {len(findings):,}; all are in the table finding of the export.")
    waiting(review, decided)
    alignments(queries.query("quality_grades"))
    drift(study)


def _still_open(review: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part what nobody has decided about from masks about which the next run will know a decision."""
    by_visit = acts.masks_decided()
    decision_words = [
        by_visit.get((row["patient_id"], row["session_id"])) if row["kind"] == UNSIGNED else None
        for row in review.pipe(as_rows)
    ]
    is_decided = pd.Series([words is not None for words in decision_words], index=review.index, dtype=bool)
    return review[~is_decided], review.assign(detail=pd.Series(decision_words, index=review.index, dtype=object))[
        is_decided
    ]


def waiting(review: pd.DataFrame, decided: pd.DataFrame) -> None:
    """List what a person must look at; a mask is accepted where its scan is, on the Patient page."""
    kinds = ", ".join(f"{number} × {kind}" for kind, number in review["kind"].value_counts().items())
    page.section("Waiting for a person", f"{kinds}; masks to sign last, oldest first" if kinds else "")
    offer_update(acts.waiting(), "quality")
    signing.answer()
    for row in decided.pipe(as_rows):
        _waits(row | {"kind": DECIDED})
    if review.empty:
        page.remark("Nothing waits.")
        return
    _offer_review(review[review["kind"] == UNSIGNED])
    pages = -(-len(review) // ROWS_PER_PAGE)
    page_number = st.pagination(pages, key="queue", bind="query-params") if pages > 1 else 1
    first = (page_number - 1) * ROWS_PER_PAGE
    for row in review.iloc[first : first + ROWS_PER_PAGE].pipe(as_rows):
        _waits(row)


def _offer_review(unsigned: pd.DataFrame) -> None:
    """Offer to go through the unsigned masks by keyboard, the oldest first."""
    if unsigned.empty:
        return
    first = unsigned.iloc[0]
    address = {"patient": str(first["patient_id"]), "now": str(first["session_id"]), "review": "1"}
    st.page_link("app_pages/patient.py", label="Review unsigned masks one by one", query_params=address)


def _waits(row: dict[Any, Any]) -> None:
    """Draw one row of the queue: the scan to open, and what waits."""
    link, words = st.columns([1.6, 9], vertical_alignment="center")
    patient, visit = str(row["patient_id"]), str(row["session_id"])
    label = f"{patient} {visit}" if labels.is_known(row["session_id"]) else patient
    address = {"patient": patient, "now": visit} if labels.is_known(row["session_id"]) else {"patient": patient}
    link.page_link("app_pages/patient.py", label=as_label(label), query_params=address)
    kind = f"{row['kind']}: open the scan to sign" if row["kind"] == UNSIGNED else str(row["kind"])
    cells = (
        tag("span", labels.day(row["acquired_on"])),
        tag("span", kind),
        tag("span", str(row["detail"]), class_="ct-small ct-grey ct-clip"),
    )
    words.html(tag("div", *cells, class_="ct-row ct-queue ct-rule"))


def _grades(graded: pd.DataFrame) -> str:
    counts = graded.groupby("grade")["alignment_count"].sum()
    return ", ".join(f"{counts.get(grade, 0)} {grade}" for grade in "ABC")


def alignments(graded: pd.DataFrame) -> None:
    """Show how well scans are aligned, the worst first."""
    counts = [f"{words}: {_grades(graded[graded['role'] == role])}" for role, words in ALIGNED.items()]
    page.section("Alignment", "; ".join(counts))
    if graded.empty:
        page.remark("No scan had to be aligned.")
        return
    total = int(graded["alignment_count"].sum())
    listed = queries.query("quality_registration", most=MOST_LISTED)
    if total > MOST_LISTED:
        page.remark(f"The worst {MOST_LISTED} of {total:,}; the file has all.")
    st.dataframe(
        listed[list(ALIGNMENT_COLUMNS)].assign(
            role=listed["role"].map(ROLES),
            method=listed["method"].map(lambda name: METHODS.get(_unversioned(name), name)),
        ),
        hide_index=True,
        column_config=ALIGNMENT_COLUMNS,
        row_height=TWO_LINES_PX if listed["grade_reasons"].astype("string").str.len().max() > LINE_LETTERS else None,
        placeholder=labels.MISSING,
        alt="Grade and quality numbers of every alignment, the worst first",
    )
    st.download_button(
        "All alignments (CSV)",
        data=door.taking("alignments", lambda: queries.csv(queries.fresh("quality_registration", most=total))),
        file_name="alignments.csv",
        mime="text/csv",
        on_click="ignore",
    )


def _unversioned(method: str) -> str:
    """Return a method's name without its version: ``cord-bend`` of ``cord-bend 1``."""
    return method.rpartition(" ")[0]


page.show_page(show)
