"""From a patient's record to the next scan. One second."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline import criteria
from pipeline.domain import entities, records
from pipeline.domain.entities import TreatmentKind
from pipeline.steps import read, schedule
from pipeline.study import StudyVisit
from tests.domain.courses import course

BASELINE = criteria.load("imsct_adapted_v1").baseline
PATIENT = records.Patient("sub-01", histology="ependymoma", who_grade="2")
SURGERY = entities.Treatment(TreatmentKind.SURGERY, date(2020, 1, 1), date(2020, 1, 1), "GTR")
BIOPSY = entities.Treatment(TreatmentKind.SURGERY, date(2019, 1, 1), date(2019, 1, 1), "biopsy")
CHEMOTHERAPY = entities.Treatment(TreatmentKind.CHEMOTHERAPY, date(2021, 1, 1))
RADIOTHERAPY = entities.Treatment(TreatmentKind.RADIOTHERAPY, date(2020, 3, 1))


def seen(session_id: str, on: date | None) -> read.ReadVisit:
    return read.ReadVisit(StudyVisit("sub-01", session_id, on, (), ()), "failed", "no image", None, None, (), ())


@pytest.mark.parametrize(
    ("treatments", "days", "expected"),
    [
        ((), (), None),
        ((), (None,), None),
        ((), (date(2020, 4, 1), None), ("ependymoma", date(2020, 4, 1), date(2020, 8, 1))),
        ((SURGERY,), (), ("ependymoma_resected", date(2020, 1, 1), date(2020, 4, 1))),
        ((BIOPSY, SURGERY), (date(2020, 4, 1),), ("ependymoma_resected", date(2020, 4, 1), date(2020, 10, 1))),
        ((SURGERY, CHEMOTHERAPY), (date(2020, 4, 1),), ("ependymoma_resected", date(2020, 4, 1), date(2020, 10, 1))),
        # radiotherapy without a last day is taken to end 49 days later, on 19 April
        ((SURGERY, RADIOTHERAPY), (date(2020, 4, 30),), ("ependymoma_resected", date(2020, 4, 19), date(2020, 7, 19))),
        ((BIOPSY,), (date(2019, 6, 1), date(2019, 4, 1)), ("ependymoma", date(2019, 6, 1), date(2019, 10, 1))),
    ],
)
def test_the_last_scan_and_the_last_treatment_of_the_tumour_count(
    treatments: tuple[entities.Treatment, ...], days: tuple[date | None, ...], expected: tuple[str, date, date] | None
) -> None:
    visits = [seen(f"ses-{number}", on) for number, on in enumerate(days)]
    found = schedule.next_scans(PATIENT, course(treatments=treatments), visits, BASELINE)
    assert [(row.schedule_id, row.counted_from, row.due_on) for row in found] == (
        [] if expected is None else [expected]
    )
