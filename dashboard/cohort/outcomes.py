"""Which outcome the Cohort page shows and from when its clock runs: the choice, the words for it, and the patients."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.shell import address
from dashboard.words import labels


@dataclass(frozen=True)
class Wording:
    """What an outcome is called.

    Attributes
    ----------
    title, event, free
        The outcome, what ends it, and being without it.
    counted
        What counts and what does not, in a sentence of a paper.
    is_competing
        Other events come first after which this one can no longer be seen: incidence instead of survival.
    censored
        Where observation ends without it.
    limit
        What to beware of when groups are compared, a sentence.
    """

    title: str
    event: str
    free: str
    counted: str
    is_competing: bool = False
    censored: str = "the last adequate assessment"
    limit: str = "True progression lies between two scans, so groups that are scanned less often look better."


_DECLARED = "to the first scan on which progression could be declared"
OUTCOMES = {
    "ttp": Wording(
        "Time to progression", "progression", "without progression", f"{_DECLARED}; death without it is censored"
    ),
    "any_lesion": Wording(
        "Progression of any lesion", "progression of the whole or of a lesion", "without progression",
        f"{_DECLARED} of the whole tumour or, where there are several, of one of them by itself; death is censored",
    ),
    "progression": Wording(
        "Incidence of progression", "progression", "with progression",
        f"{_DECLARED}; death without it competes", is_competing=True,
    ),
    "pfs": Wording(
        "Progression-free survival", "progression or death", "alive without progression",
        f"{_DECLARED}, or death from any cause",
    ),
    "rfs": Wording(
        "Recurrence-free survival", "recurrence or death", "alive without recurrence",
        "to the first scan on which recurrence could be declared, or death from any cause; only patients whose "
        "baseline after surgery showed no tumour",
    ),
    "local_control": Wording(
        "Incidence of local failure", "failure in the treated bed", "with local failure",
        "to progression in the treated bed; a new lesion elsewhere and death compete", is_competing=True,
    ),
    "os": Wording(
        "Overall survival", "death", "alive",
        "to death from any cause",
        censored="the last day known alive, by a contact, scan, treatment or examination",
        limit="Where no last contact is written, a death after the last scan may be missed.",
    ),
}  # fmt: skip
FIRST, LATE, BASELINE = "zero", "late", "baseline"
CLOCKS = {
    FIRST: "from the operation or first scan",
    LATE: "the same, entering at the baseline scan",
    BASELINE: "from the baseline scan",
}


@dataclass(frozen=True)
class ShownOutcome:
    """An outcome and its clock."""

    endpoint_id: str = "ttp"
    clock: str = FIRST

    @property
    def wording(self) -> Wording:
        """Return what the outcome is called."""
        return OUTCOMES[self.endpoint_id]

    @property
    def zero(self) -> str:
        """Say when the clock starts."""
        if self.clock == BASELINE:
            return "from the baseline scan"
        irradiated = "end of the first radiotherapy or radiosurgery"
        started = irradiated if self.endpoint_id == "local_control" else "first scan"
        zero = f"from the first operation, else the {started}"
        if self.clock == LATE:
            return f"{zero}; each patient counts from the baseline scan on only (left truncation)"
        return zero


@dataclass(frozen=True)
class Timed:
    """Patients with an outcome.

    Attributes
    ----------
    rows
        The columns that came in, with entry_days, duration_days, is_event and is_competing of the outcome.
    left_out
        Whom the outcome or its clock leaves out, in words; empty for nobody.
    """

    rows: pd.DataFrame
    left_out: str


def choose() -> ShownOutcome:
    """Offer every outcome and clock, kept in the address."""
    offered = (
        ("Outcome", "outcome", {name: one.title for name, one in OUTCOMES.items()}, "ttp", 230),
        ("Clock", "clock", CLOCKS, FIRST, 310),
    )
    picked = {}
    for label, key, names, default, width in offered:
        address.follow(key, address.one(key, list(names), default))
        picked[key] = st.selectbox(
            label, list(names), key=key, format_func=names.__getitem__, width=width, label_visibility="collapsed"
        )
    address.keep("outcome", [] if picked["outcome"] == "ttp" else [picked["outcome"]])
    address.keep("clock", [] if picked["clock"] == FIRST else [picked["clock"]])
    return ShownOutcome(picked["outcome"], picked["clock"])


def of_patients(patients: pd.DataFrame, criteria_id: str, outcome: ShownOutcome) -> Timed:
    """Return the patients with one outcome under one set of criteria.

    Parameters
    ----------
    patients
        Rows of the cohort query.
    """
    outcomes = queries.query("cohort_outcome", criteria_id=criteria_id, endpoint_id=outcome.endpoint_id)
    return timed(patients, outcomes, outcome)


def timed(patients: pd.DataFrame, outcomes: pd.DataFrame, outcome: ShownOutcome) -> Timed:
    """Join patients with their outcomes and let the clock run.

    Parameters
    ----------
    patients
        Column patient_id and any other; what they say of an outcome themselves is replaced.
    outcomes
        Rows of the cohort_outcome query.
    """
    covariates = patients.drop(columns=[c for c in outcomes.columns if c != "patient_id" and c in patients.columns])
    with_outcome = covariates.merge(outcomes, on="patient_id", how="inner")
    left_out = [(len(patients) - len(with_outcome), "without this outcome")]
    if outcome.clock == FIRST:
        return Timed(with_outcome.assign(entry_days=0.0), _told(left_out))
    with_baseline = with_outcome[with_outcome["entry_days"].notna()]
    seen = with_baseline[with_baseline["entry_days"] < with_baseline["duration_days"]]
    left_out += [
        (len(with_outcome) - len(with_baseline), "without a baseline scan"),
        (len(with_baseline) - len(seen), "not followed beyond it"),
    ]
    if outcome.clock == BASELINE:
        seen = seen.assign(duration_days=seen["duration_days"] - seen["entry_days"], entry_days=0.0)
    return Timed(seen, _told(left_out))


def _told(left_out: list[tuple[int, str]]) -> str:
    return ", ".join(f"{labels.count(count, 'patient')} {why}" for count, why in left_out if count)
