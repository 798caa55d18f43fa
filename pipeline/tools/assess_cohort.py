"""What the people of a judged table together make of a probability, beside the stated one, and what others would.

What this module refuses: to change any other column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.cohort.kind_shares import cohort_shares, in_words, probability_in, probability_range
from pipeline.core.records import KindEvidence
from pipeline.tools.assess_readings import rounded

COHORT = ("probability_low", "probability_high", "probability_in_cohort", "cohort")
"""Columns: between which numbers the probability lies where few or most people grow; the probability by how often each
kind of tumour is met among the people of the table, and who they are or why there is none; empty but at
the last visit of each patient, where that has a probability."""


def with_cohort(
    judged_rows: Iterable[Mapping[str, Any]], evidence: Iterable[KindEvidence]
) -> tuple[Mapping[str, Any], ...]:
    """Return rows of the whole tumour and of lesions with :data:`COHORT` added.

    Parameters
    ----------
    evidence
        Of each patient's last visit, whose name is its day.
    """
    by_patient = {(one.patient_id, one.session_id, one.criteria_id): one for one in evidence}
    shares = {(share.criteria_id, share.course): share for share in cohort_shares(by_patient.values())}

    def added(row: Mapping[str, Any]) -> Mapping[str, Any]:
        one = by_patient.get((row["patient_id"], str(row["date"]), row["criteria_id"]))
        if one is None or row["lesion_id"] is not None:
            return {**row, **dict.fromkeys(COHORT)}
        share = shares[one.criteria_id, one.course]
        span = (rounded(end) for end in probability_range(one))
        values = (*span, rounded(probability_in(share, one)), in_words(share))
        return {**row, **dict(zip(COHORT, values, strict=True))}

    return tuple(map(added, judged_rows))
