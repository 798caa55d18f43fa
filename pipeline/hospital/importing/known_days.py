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
        studied_on, made_on, stepped_on = (_day(scan.study.get(key)) for key in ("studied_on", "made_on", "stepped_on"))
        if studied_on is not None and "nodate" not in scan.session_id:
            born_on = _day((scan.study.get("person") or {}).get("born_on"))
            age_years, study_uid = scan.study.get("age_years"), str(scan.study.get("study_uid"))
            studies[DatedStudy(study_uid, studied_on, age_years, made_on, born_on, stepped_on)] = None
    return tuple(studies)


def images_of(private: Path, patient_id: str) -> frozenset[str]:
    """Return the numbers of a patient's images that were imported."""
    return frozenset(sop_uid for scan in source_scans(private, patient_id) for sop_uid, _ in scan.planes)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
