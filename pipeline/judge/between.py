"""The change between any two visits of a patient, with its interval: for whoever looks at two scans side by side.

It is no verdict. The interval is that of all readings from the one to the other, where no surgery lies between; across
a surgery only the two scans themselves are asked. What this module refuses: a change of sizes that nobody measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.vocabulary import PatientCourse, TreatmentKind, VisitMeasure
from pipeline.judge import comparison
from pipeline.judge.comparison import Comparison
from pipeline.judge.criteria import Metric


@dataclass(frozen=True)
class Between:
    """Two visits, the earlier first, and the later held against the earlier; None where one has no size."""

    earlier: VisitMeasure
    later: VisitMeasure
    compared: Comparison | None
    crosses_surgery: bool


def between(course: PatientCourse, one: str, other: str) -> Between | None:
    """Compare two visits by the volume of all solid tumour; None where one is not in the course or both are one."""
    visits = {visit.session_id: visit for visit in course.visits}
    if one == other or one not in visits or other not in visits:
        return None
    earlier, later = sorted((visits[one], visits[other]), key=lambda visit: (visit.acquired_on, visit.session_id))
    crosses = any(
        earlier.acquired_on <= treatment.started_on <= later.acquired_on
        for treatment in course.treatments
        if treatment.kind == TreatmentKind.SURGERY
    )
    if earlier.volume_mm3 is None or later.volume_mm3 is None:
        return Between(earlier, later, None, crosses)
    scans = [
        visit
        for visit in course.visits
        if earlier.acquired_on <= visit.acquired_on <= later.acquired_on and visit.volume_mm3 and not visit.bound_reason
    ]
    readings = [earlier] if crosses else scans
    return Between(earlier, later, comparison.compare(later, earlier, Metric.VOLUME, readings), crosses)
