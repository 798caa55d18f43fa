"""Where a scanner or protocol changed, how each scanner drifts, and whether volumes repeat worse across a change."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.data import door, queries
from dashboard.quality import drift_words
from dashboard.shell import page
from dashboard.words import labels
from dashboard.words.markup import tag
from pipeline.acquisition.scanner_drift import spread

MOST_LISTED = 100
SCANNERS_LISTED = 50


def drift(study: page.ShownStudy) -> None:
    """Draw the part of the Quality page."""
    counts = queries.query("quality_drift_counts", criteria_id=study.criteria_id).iloc[0]
    page.section("Drift", "scanner and protocol of the measured scans, each visit against the usable one before it")
    st.html(drift_words.answer(counts))
    changed(int(counts["changed_count"]), study)
    scanners(queries.query("quality_scanners"))
    repeatability(queries.query("quality_repeatability"))


def changed(total: int, study: page.ShownStudy) -> None:
    """List the visits at which something changed, with the tumour change across it."""
    if not total:
        return
    change_rows = queries.query("quality_drift", criteria_id=study.criteria_id, most=MOST_LISTED)
    st.html(drift_words.changes(change_rows))
    if total > MOST_LISTED:
        page.remark(f"The first {MOST_LISTED} of {total:,}; the file has all.")
    st.download_button(
        "All changes of scanner or protocol (CSV)",
        data=door.taking(
            "protocol changes",
            lambda: queries.csv(queries.fresh("quality_drift", criteria_id=study.criteria_id, most=total)),
        ),
        file_name="protocol_changes.csv",
        mime="text/csv",
        on_click="ignore",
    )


def scanners(scanner_rows: pd.DataFrame) -> None:
    """Show each scanner's period, protocols and alignments, lately beside earlier."""
    if scanner_rows.empty:
        return
    page.section("Scanners", "lately: within a year of the scanner's own last visit; earlier: before that")
    st.html(drift_words.scanners(scanner_rows.head(SCANNERS_LISTED)))
    if len(scanner_rows) > SCANNERS_LISTED:
        page.remark(f"The busiest {SCANNERS_LISTED} of {labels.count(len(scanner_rows), 'scanner')}; the file has all.")
    st.download_button(
        "All scanners (CSV)",
        data=door.taking("scanners", lambda: queries.csv(scanner_rows)),
        file_name="scanners.csv",
        mime="text/csv",
        on_click="ignore",
    )


def repeatability(pairs: pd.DataFrame) -> None:
    """Say how far volumes move between evaluable visits, on the same scanner and across a change."""
    page.section("Repeatability", "change of tumour volume between consecutive evaluable visits, in its stated errors")
    spreads = {str(kind): spread(of["change_errors"].tolist()) for kind, of in pairs.groupby("scanner")}
    main, further = drift_words.repeatability(spreads)
    st.html(tag("p", main))
    page.remark(further)
