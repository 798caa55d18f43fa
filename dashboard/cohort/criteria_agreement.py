"""Do the criteria call the same scans the same? Kappa of each two with its interval, and the words for it."""

from __future__ import annotations

import pandas as pd

from dashboard.words import labels
from pipeline.cohort import agreement
from pipeline.cohort.agreement import Kappa, Panel, Rating

MOST = 60_000
"""Verdicts that are compared while a reader waits; more belong into an export."""


def compare(verdicts: pd.DataFrame) -> Panel:
    """Compare all criteria over the verdicts of the cohort_agreement query."""
    columns = verdicts[["patient_id", "session_id", "criteria_id", "category"]].itertuples(index=False, name=None)
    return agreement.panel(Rating(*map(str, row)) for row in columns)


def table(found: Panel, own: str | None = None) -> pd.DataFrame:
    """Put each two criteria into one row; only those that one of them is part of, when it is named."""
    return pd.DataFrame(
        [
            {
                "criteria": f"{pair.raters[0]} and {pair.raters[1]}",
                "visits": pair.visit_count,
                "same word": "" if pair.observed is None else f"{100 * pair.observed:.0f}{labels.NARROW}%",
                "kappa (95 % CI)": _kappa(pair),
            }
            for pair in found.pairs
            if own is None or own in pair.raters
        ]
    )


def method(found: Panel) -> str:
    """Say how it was compared, over what, and how all criteria agree."""
    disputed = len({(one.patient_id, one.session_id) for one in found.disagreements})
    return (
        f"Cohen's kappa of each two criteria, Fleiss's of all together: {_kappa(found.overall)}, over "
        f"{labels.count(found.overall.visit_count, 'visit')} of {labels.count(found.overall.patient_count, 'patient')} "
        f"that all of them judged; baselines are left out, and {labels.count(found.not_evaluable_count, 'visit')} that "
        f"one of them could not evaluate. 95\u202f% intervals by jackknife over patients. "
        f"{labels.count(disputed, 'visit is', 'visits are')} in dispute."
    )


def _kappa(one: Kappa) -> str:
    if one.value is None:
        return f"none: {one.reason}"
    if one.low is None or one.high is None:
        return f"{one.value:.2f}"
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"
