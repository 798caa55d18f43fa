"""The days of the examinations that earlier imports took, from the private folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pipeline.hospital.importing.day_evidence import DatedStudy
from pipeline.hospital.private.identity_links import source_scans


def studies_of(private: Path, patient_id: str) -> tuple[DatedStudy, ...]:
    """Return a patient's examinations that were imported with a day; those without are no evidence."""
    studies: dict[DatedStudy, None] = {}
    for scan in source_scans(private, patient_id):
        studied_on, made_on = (_day(scan.study.get(key)) for key in ("studied_on", "made_on"))
        if studied_on is not None and "nodate" not in scan.session_id:
            age_years = scan.study.get("age_years")
            studies[DatedStudy(str(scan.study.get("study_uid")), studied_on, age_years, made_on)] = None
    return tuple(studies)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
