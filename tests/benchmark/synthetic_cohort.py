"""Made-up courses in any number, the same every time: operated tumours that rest, grow, shrink or come back."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import date, timedelta

from pipeline.core.vocabulary import MaskOrigin, PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure

VISITS = 10


def courses(patients: int, seed: int = 1) -> Iterator[PatientCourse]:
    chance = random.Random(seed)
    for number in range(patients):
        yield _course(f"sub-{number:05d}", chance)


def _course(patient_id: str, chance: random.Random) -> PatientCourse:
    operated_on = date(2005, 1, 1) + timedelta(days=chance.randrange(3000))
    treatments = [TreatmentEvent(TreatmentKind.SURGERY, operated_on, operated_on, chance.choice(["GTR", "STR", "PR"]))]
    if chance.random() < 0.2:
        begun_on = operated_on + timedelta(days=chance.randrange(60, 2500))
        treatments.append(
            TreatmentEvent(TreatmentKind.RADIOTHERAPY, begun_on, begun_on + timedelta(days=42), dose_gy=54.0)
        )
    return PatientCourse(
        patient_id=patient_id,
        visits=tuple(_visits(operated_on, chance)),
        treatments=tuple(treatments),
        histology=chance.choice(["ependymoma", "astrocytoma", "haemangioblastoma"]),
        syndrome=chance.choice([None, None, None, "VHL", "NF2"]),
    )


def _visits(operated_on: date, chance: random.Random) -> Iterator[VisitMeasure]:
    volume_mm3, rate = chance.uniform(100, 4000), chance.choice([0.0, 0.0, 0.1, 0.4, -0.2])
    cleared, acquired_on = chance.random() < 0.3, operated_on + timedelta(days=90)
    for number in range(VISITS):
        days = chance.randrange(60, 400)
        missing, empty = chance.random() < 0.03, cleared and number < 6
        volume_mm3 *= math.exp(rate * days / 365.25 + chance.gauss(0, 0.08))
        yield VisitMeasure(
            session_id=f"ses-{number + 1:02d}",
            acquired_on=acquired_on,
            volume_mm3=None if missing else 0.0 if empty else volume_mm3,
            volume_cv=None if missing or empty else 0.1,
            slices_spanned=None if missing or empty else 6,
            mask_origin=None if missing else MaskOrigin.MANUAL,
            plane="sagittal",
            new_lesion=chance.random() < 0.005,
            missing_reason="the scan moved" if missing else None,
        )
        acquired_on += timedelta(days=days)
