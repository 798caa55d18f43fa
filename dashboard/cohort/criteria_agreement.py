"""Do the criteria call the same scans the same? Kappa of each two with its interval, and the words for it."""

from __future__ import annotations

import pandas as pd

from dashboard.words import labels
from pipeline.cohort import agreement
from pipeline.cohort.agreement import Kappa, Panel, Rating, Weights

MOST = 60_000
"""Verdicts that are compared while a reader waits; more belong into an export."""


WEIGHTS = {
    Weights.NONE: "any disagreement counts the same",
    Weights.LINEAR: "weighted by steps (linear)",
    Weights.QUADRATIC: "weighted by their square (quadratic)",
}
_KAPPAS = {
    Weights.NONE: "Cohen's kappa",
    Weights.LINEAR: "Cohen's kappa with linear weights of the steps CR, PR, MR, SD, PD",
    Weights.QUADRATIC: "Cohen's kappa with quadratic weights of the steps CR, PR, MR, SD, PD",
}


def compare(verdicts: pd.DataFrame, weights: Weights = Weights.NONE) -> Panel:
    """Compare all criteria over the verdicts of the cohort_agreement query."""
    columns = verdicts[["patient_id", "session_id", "criteria_id", "category"]].itertuples(index=False, name=None)
    return agreement.panel((Rating(*map(str, row)) for row in columns), weights)


def table(panel: Panel, criteria_id: str | None = None) -> pd.DataFrame:
    """Put each two criteria into one row; only those that one set is part of, when it is named."""
    return pd.DataFrame(
        [
            {
                "criteria": f"{pair.raters[0]} and {pair.raters[1]}",
                "visits": pair.visit_count,
                "same word": "" if pair.observed is None else f"{100 * pair.observed:.0f}{labels.NARROW}%",
                f"{_column(pair)} (95 % CI)": _kappa(pair),
            }
            for pair in panel.pairs
            if criteria_id is None or criteria_id in pair.raters
        ]
    )


def _column(one: Kappa) -> str:
    return "kappa" if one.weights == Weights.NONE else f"{one.weights} kappa"


def method(panel: Panel) -> str:
    """Say how it was compared, over what, and how all criteria agree."""
    disputed = len({(one.patient_id, one.session_id) for one in panel.disagreements})
    weights = panel.pairs[0].weights if panel.pairs else Weights.NONE
    unweighted = "" if weights == Weights.NONE else " (no weights)"
    return (
        f"{_KAPPAS[weights]} of each two criteria, Fleiss's of all together{unweighted}: {_kappa(panel.overall)}, over "
        f"{labels.count(panel.overall.visit_count, 'visit')} of {labels.count(panel.overall.patient_count, 'patient')} "
        f"that all of them judged; baselines are left out, and {labels.count(panel.not_evaluable_count, 'visit')} that "
        f"one of them could not evaluate. 95\u202f% intervals by jackknife over patients. "
        f"{labels.count(disputed, 'visit is', 'visits are')} in dispute."
    )


def _kappa(one: Kappa) -> str:
    if one.value is None:
        return f"none: {one.reason}"
    if one.low is None or one.high is None:
        return f"{one.value:.2f}"
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"
