"""What every stored verdict says, whatever it is about: the total, one lesion, or a reading beside solid tumour."""

from __future__ import annotations

from typing import Any

from pipeline.core.vocabulary import VisitJudgement


def verdict_columns(patient_id: str, judgement: VisitJudgement) -> dict[str, Any]:
    """Return the fields that ``Assessment``, ``LesionAssessment`` and ``ReadingAssessment`` have in common, by name."""
    return {
        "patient_id": patient_id,
        "session_id": judgement.session_id,
        "criteria_id": judgement.criteria_id,
        "criteria_version": judgement.criteria_version,
        "category": str(judgement.category),
        "state": str(judgement.state),
        "display_state": str(judgement.display_state),
        "is_confirmed": judgement.confirmed,
        "is_provisional": judgement.provisional,
        "epoch": judgement.epoch,
        "course": str(judgement.course),
        "baseline_session_id": judgement.baseline_session_id,
        "nadir_session_id": judgement.nadir_session_id,
        "change_ratio": judgement.change_ratio,
        "detection_limit_ratio": judgement.detection_limit_ratio,
        "probability": judgement.probability,
        "reason": judgement.reason,
        "category_then": judgement.category_then_shown,
        "state_then": str(judgement.state_then),
        "reason_then": judgement.reason_then,
        "clauses": judgement.clauses,
    }
