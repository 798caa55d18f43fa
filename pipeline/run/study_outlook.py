"""What a check of a study says: how each visit will be measured, and what is odd. Values alone, which pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.core.records import Finding


class Outlook(StrEnum):
    """How a visit's tumour will be measured."""

    DRAWN = "with a mask"
    IMPORTED = "imported sizes"
    MODEL = "by the model"
    FOUND_AGAIN = "found again"
    NOTHING = "not measured"


@dataclass(frozen=True)
class VisitOutlook:
    """What a run will do with one visit; ``reason`` says why it is not measured, or not judged."""

    patient_id: str
    session_id: str
    acquired_on: date | None
    outlook: Outlook
    reason: str | None = None


@dataclass(frozen=True)
class StudyCheck:
    """What a study folder holds and what is odd about it.

    Attributes
    ----------
    study
        Its name.
    patient_ids
        Everybody in it, in order.
    visits
        By patient and date.
    findings
        What a run would say of the folder, its tables, scans and masks; errors first.
    """

    study: str
    patient_ids: tuple[str, ...]
    visits: tuple[VisitOutlook, ...]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Nothing is left out: no error, and every visit will be measured."""
        has_error = any(one.severity == "error" for one in self.findings)
        return not has_error and all(visit.outlook != Outlook.NOTHING for visit in self.visits)
