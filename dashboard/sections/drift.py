"""Where a scanner or protocol changed, how each scanner drifts, and whether volumes repeat worse across a change."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import data, drift_words, frame, labels
from dashboard.markup import tag
from pipeline.domain.drift import spread

MOST_LISTED = 100
SCANNERS_LISTED = 50


def drift(study: frame.Study) -> None:
    """Draw the part of the Quality page."""
    counts = data.query("quality_drift_counts", criteria_id=study.criteria_id).iloc[0]
    frame.section("Drift", "scanner and protocol of the measured scans, each visit against the usable one before it")
    st.html(drift_words.answer(counts))
    changed(int(counts["changed_count"]), study)
    scanners(data.query("quality_scanners"))
    repeatability(data.query("quality_repeatability"))


def changed(total: int, study: frame.Study) -> None:
    """List the visits at which something changed, with the tumour change across it."""
    if not total:
        return
    rows = data.query("quality_drift", criteria_id=study.criteria_id, most=MOST_LISTED)
    st.html(drift_words.changes(rows))
    if total > MOST_LISTED:
        frame.remark(f"The first {MOST_LISTED} of {total:,}; the file has all.")
    st.download_button(
        "All changes of scanner or protocol (CSV)",
        data=lambda: data.csv(data.fresh("quality_drift", criteria_id=study.criteria_id, most=total)),
        file_name="protocol_changes.csv",
        mime="text/csv",
        on_click="ignore",
    )


def scanners(rows: pd.DataFrame) -> None:
    """Show each scanner's period, protocols and alignments, lately beside earlier."""
    if rows.empty:
        return
    frame.section("Scanners", "lately: within a year of the scanner's own last visit; earlier: before that")
    st.html(drift_words.scanners(rows.head(SCANNERS_LISTED)))
    if len(rows) > SCANNERS_LISTED:
        frame.remark(f"The busiest {SCANNERS_LISTED} of {labels.count(len(rows), 'scanner')}; the file has all.")
    st.download_button(
        "All scanners (CSV)",
        data=lambda: data.csv(rows),
        file_name="scanners.csv",
        mime="text/csv",
        on_click="ignore",
    )


def repeatability(pairs: pd.DataFrame) -> None:
    """Say how far volumes move between evaluable visits, on the same scanner and across a change."""
    frame.section("Repeatability", "change of tumour volume between consecutive evaluable visits, in its stated errors")
    found = {str(kind): spread(own["change_errors"].tolist()) for kind, own in pairs.groupby("scanner")}
    main, further = drift_words.repeatability(found)
    st.html(tag("p", main))
    frame.remark(further)
