"""The record of how well each kind of tumour fits a patient, for what a cohort tells beside the verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core import records
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import JudgedCourse


def kind_evidence(patient_id: str, rule: ResponseCriteria, judged: JudgedCourse) -> Iterator[records.KindEvidence]:
    """Yield the record of a patient's last visit; none where it has no probability.

    Parameters
    ----------
    judged
        By the rule.
    """
    last = judged.kinds
    if last is None:
        return
    numbers = (*last.by_kind.likelihoods, *last.by_kind.probabilities)
    yield records.KindEvidence(patient_id, last.session_id, rule.criteria_id, str(last.course), *numbers)
