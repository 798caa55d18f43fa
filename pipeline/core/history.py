"""A patient's treatments and functional grades as judgement takes them, from the rows of the study's tables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time

from pipeline.core import records
from pipeline.core.vocabulary import FunctionGrade, TreatmentEvent, TreatmentKind


def treatment_events(treatments: Iterable[records.Treatment]) -> tuple[TreatmentEvent, ...]:
    """Return treatments with their kinds; nothing that a row says is dropped."""
    return tuple(
        TreatmentEvent(
            kind=TreatmentKind(row.kind),
            started_on=row.started_on,
            ended_on=row.ended_on,
            extent=row.extent,
            dose_gy=row.dose_gy,
            agent=row.agent,
            started_by=row.started_by,
            ended_by=row.ended_by,
            dose_mg=row.dose_mg,
            written=row.written,
            started_at=None if row.started_at is None else time.fromisoformat(row.started_at),
        )
        for row in treatments
    )


def function_grades(scores: Iterable[records.FunctionScore]) -> tuple[FunctionGrade, ...]:
    """Return functional grades; those of different scales stay apart."""
    return tuple(
        FunctionGrade(row.assessed_on, row.scale_id, row.grade, row.tumour_related, row.assessed_by) for row in scores
    )
