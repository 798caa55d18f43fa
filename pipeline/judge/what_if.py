"""What the latest verdict and the readings beside it would be with an act that no run has seen yet.

All is judged by the function that judges. It speaks of the total of all solid tumour: which pieces are one lesion is
known only to the run that lets the act take effect. What this module refuses: to guess a size that nobody measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pipeline.core.vocabulary import (
    Compartment,
    MaskOrigin,
    PartSize,
    PatientCourse,
    ReadingKind,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.judge import parallel_readings
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import judge


@dataclass(frozen=True)
class Effect:
    """The latest verdict as it stands, and as it would be."""

    before: VisitJudgement
    after: VisitJudgement
    readings: Mapping[ReadingKind, Effect] = field(default_factory=dict)
    """Of the readings beside solid tumour, each by its kind."""

    @property
    def is_same(self) -> bool:
        """Tell whether the same is said of the same comparison."""
        return _told(self.before) == _told(self.after)

    @property
    def changed_readings(self) -> Mapping[ReadingKind, Effect]:
        """The readings that would say something else."""
        return {kind: one for kind, one in self.readings.items() if not one.is_same}


def _told(verdict: VisitJudgement) -> tuple[object, ...]:
    return (
        verdict.session_id, verdict.category, verdict.state, verdict.display_state, verdict.confirmed,
        verdict.provisional, verdict.change_ratio,
    )  # fmt: skip


@dataclass(frozen=True)
class LatestVerdicts:
    """What is said of a course's latest dated visit: by all solid tumour, and by each reading beside it."""

    verdict: VisitJudgement
    readings: Mapping[ReadingKind, VisitJudgement]


def latest_verdicts(course: PatientCourse, criteria: ResponseCriteria) -> LatestVerdicts | None:
    """Judge a course and return what is said last; None where it has no dated visit."""
    judgements = judge(course, criteria)
    if not judgements:
        return None
    return LatestVerdicts(judgements[-1], parallel_readings.latest(course, judgements, criteria))


def effect_between(now: LatestVerdicts | None, then: LatestVerdicts | None) -> Effect | None:
    """Return what differs between what is said last now and with an act; None where either says nothing."""
    if now is None or then is None:
        return None
    pairs = {kind: parallel_readings.compared(kind, now.readings, then.readings) for kind in ReadingKind}
    readings = {kind: Effect(*pair) for kind, pair in pairs.items() if pair is not None}
    return Effect(now.verdict, then.verdict, readings)


def with_baseline(course: PatientCourse, session_id: str, who: str) -> PatientCourse:
    """Return the course with one more pinned baseline."""
    pinned = dict.fromkeys((*course.pinned_baselines, session_id))
    return replace(course, pinned_baselines=tuple(pinned), pinned_by={**course.pinned_by, session_id: who})


def without_tumour(course: PatientCourse, session_id: str, why: str) -> PatientCourse:
    """Return the course without the tumour's size at one visit, as when its mask is excluded; cyst and parts stay."""

    def excluded(visit: VisitMeasure) -> VisitMeasure:
        alone = _unmeasured(visit, why)
        return replace(alone, cyst=visit.cyst, enhancing=visit.enhancing, enhancing_mm3=visit.enhancing_mm3)

    return _changed(course, session_id, excluded)


def without_visit(course: PatientCourse, session_id: str, why: str) -> PatientCourse:
    """Return the course without any size of one visit, as when the visit is excluded."""
    return _changed(course, session_id, lambda visit: _unmeasured(visit, why))


def _unmeasured(visit: VisitMeasure, why: str) -> VisitMeasure:
    return VisitMeasure(
            visit.session_id, visit.acquired_on, None, plane=visit.plane, leptomeningeal=visit.leptomeningeal,
            acquired_by=visit.acquired_by, acquired_at=visit.acquired_at, missing_reason=why,
        )  # fmt: skip


def without_part(course: PatientCourse, session_id: str, why: str, compartment: str) -> PatientCourse:
    """Return the course without the size of a visit's cyst or enhancing part, as when its mask is excluded."""

    def excluded(visit: VisitMeasure) -> VisitMeasure:
        return _with_part(visit, compartment, PartSize(None, missing_reason=why))

    return _changed(course, session_id, excluded)


def with_part_volume(course: PatientCourse, session_id: str, volume_mm3: float, compartment: str) -> PatientCourse:
    """Return the course with another volume of a visit's cyst or enhancing part, drawn by a person.

    The error stays that of the mask before, as a share of the volume; without one it is not known.
    """

    def drawn(visit: VisitMeasure) -> VisitMeasure:
        before = getattr(visit, compartment)
        cv = before.volume_cv if before is not None and volume_mm3 else None
        return _with_part(visit, compartment, PartSize(volume_mm3, cv))

    return _changed(course, session_id, drawn)


def _with_part(visit: VisitMeasure, compartment: str, part: PartSize) -> VisitMeasure:
    if compartment == Compartment.ENHANCING:
        return replace(visit, enhancing=part, enhancing_mm3=part.volume_mm3)
    return replace(visit, cyst=part)


def with_accepted(course: PatientCourse, session_id: str) -> PatientCourse:
    """Return the course with the tumour's mask of one visit accepted."""
    return _changed(course, session_id, lambda visit: replace(visit, signed_off=True))


def with_volume(course: PatientCourse, session_id: str, volume_mm3: float) -> PatientCourse:
    """Return the course with another volume of one visit, drawn by a person; the other sizes are not known then.

    The error stays that of the mask before, as a share of the volume; the run states it anew.
    """

    def drawn(visit: VisitMeasure) -> VisitMeasure:
        return replace(
            visit, volume_mm3=volume_mm3, volume_cv=visit.volume_cv if volume_mm3 else None, product_mm2=None,
            longest_mm=None, slices_spanned=None, mask_origin=MaskOrigin.MANUAL, missing_reason=None,
        )  # fmt: skip

    return _changed(course, session_id, drawn)


def without_new_lesion(course: PatientCourse, session_id: str) -> PatientCourse:
    """Return the course with nothing new at one visit."""
    return _changed(course, session_id, lambda visit: replace(visit, new_lesion=False, new_tumour_mm3=0.0))


PARTS = (str(Compartment.CYST), str(Compartment.ENHANCING))
"""Compartments beside the tumour whose masks bear on a verdict or on a reading beside it."""

CHANGES: Mapping[str, Callable[[PatientCourse, str, str], PatientCourse]] = MappingProxyType(
    {
        "pin_baseline": with_baseline,
        "exclude_mask": without_tumour,
        "exclude_visit": without_visit,
        "accept_mask": lambda course, session_id, _: with_accepted(course, session_id),
        "withdraw_lesion": lambda course, session_id, _: without_new_lesion(course, session_id),
    }
)
"""Kind of act to what it does to a course, given the visit and who does it."""


def _changed(course: PatientCourse, session_id: str, change: Callable[[VisitMeasure], VisitMeasure]) -> PatientCourse:
    visits = tuple(change(visit) if visit.session_id == session_id else visit for visit in course.visits)
    return replace(course, visits=visits)
