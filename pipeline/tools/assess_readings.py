"""What a table's sizes say beside solid tumour, as rows: with its cyst counted, and of enhancing and T2 tumour.

The main table keeps one row per visit and criteria; the readings stand there in columns of their own, and whole in a
table of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.core.vocabulary import ReadingKind, VisitJudgement
from pipeline.judge.criteria_files import ResponseCriteria
from pipeline.judge.parallel_readings import ReadingVerdict

BESIDE = (
    "with_cyst_category", "with_cyst_category_then", "with_cyst_change_percent", "enhancing_category",
    "enhancing_change_percent", "t2_category", "mixed_category", "mixed_category_then",
)  # fmt: skip
"""Columns of the main table: what the same scan is by each reading, empty where a reading has nothing to say."""

READING_COLUMNS = (
    "patient_id", "date", "reading", "criteria_id", "criteria_version", "is_adapted", "category", "state",
    "display_state", "is_different", "course", "category_then", "state_then", "volume_mm3", "volume_cv",
    "baseline_date", "nadir_date", "change_percent", "change_low_percent", "change_high_percent", "probability",
    "reason", "reason_then",
)  # fmt: skip
"""Columns of the table of readings, as in the view ``reading_assessment``: one row per visit, reading and criteria."""


def beside(verdicts: Sequence[ReadingVerdict]) -> dict[str, Any]:
    """Return the columns of the main table for the readings of one visit.

    Parameters
    ----------
    verdicts
        Of one visit under one set of criteria.
    """
    by_reading = {one.reading: one.judgement for one in verdicts}
    cyst, enhancing = by_reading.get(ReadingKind.SOLID_AND_CYST), by_reading.get(ReadingKind.ENHANCING)
    t2, mixed = by_reading.get(ReadingKind.T2), by_reading.get(ReadingKind.MIXED)
    values = (
        cyst and cyst.category_shown,
        cyst and cyst.category_then_shown,
        percent(cyst.change_ratio) if cyst else None,
        enhancing and enhancing.category_shown,
        percent(enhancing.change_ratio) if enhancing else None,
        t2 and t2.category_shown,
        mixed and mixed.category_shown,
        mixed and mixed.category_then_shown,
    )
    return dict(zip(BESIDE, values, strict=True))


def reading_row(patient_id: str, verdict: ReadingVerdict, rule: ResponseCriteria) -> Mapping[str, Any]:
    """Return one verdict with :data:`READING_COLUMNS`."""
    judgement, measure = verdict.judgement, verdict.measure
    return {
        "patient_id": patient_id,
        **verdict_values(judgement, rule),
        "reading": str(verdict.reading),
        "is_different": "yes" if verdict.differs else "no",
        "volume_mm3": rounded(measure.volume_mm3 if measure else None),
        "volume_cv": rounded(measure.volume_cv if measure else None),
    }


def verdict_values(judgement: VisitJudgement, rule: ResponseCriteria) -> dict[str, Any]:
    """Return the columns that every judged table has, whatever the verdict is about."""
    return {
        "date": day if (day := judgement.acquired_on) and str(day) == judgement.session_id else judgement.session_id,
        "criteria_id": rule.criteria_id,
        "criteria_version": rule.version,
        "is_adapted": "yes" if rule.is_adapted else "no",
        "category": judgement.category_shown,
        "state": str(judgement.state),
        "display_state": str(judgement.display_state),
        "course": str(judgement.course),
        "category_then": judgement.category_then_shown,
        "state_then": str(judgement.state_then),
        "baseline_date": judgement.baseline_session_id,
        "nadir_date": judgement.nadir_session_id,
        "change_percent": percent(judgement.change_ratio),
        "change_low_percent": percent(judgement.change_low_ratio),
        "change_high_percent": percent(judgement.change_high_ratio),
        "probability": rounded(judgement.probability),
        "reason": judgement.reason,
        "reason_then": judgement.reason_then,
    }


def percent(ratio: float | None) -> float | None:
    """Return a ratio as a change in percent, as tables give it."""
    return None if ratio is None else round(100 * (ratio - 1), 2)


def rounded(value: float | None) -> float | None:
    """Return a number as tables give it."""
    return None if value is None else round(value, 4)
