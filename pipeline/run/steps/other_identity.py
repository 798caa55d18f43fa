"""What the latest verdict would be with a lesion of scans recognised as another one, before a run lets that count.

What matching found of the pieces is kept beside the course; names are corrected and lesions judged by the functions
that a run uses. What this module refuses: to tell it where a table tells lesions apart too, which only a run can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.core.piece_names import PiecePlace
from pipeline.core.vocabulary import Compartment, PatientCourse, VisitMeasure
from pipeline.journal.lesion_acts import LesionCorrection, LesionWithdrawal
from pipeline.judge import course_text
from pipeline.judge.criteria import ResponseCriteria
from pipeline.lesions.matching import LesionStatus, Sighting
from pipeline.run.steps import other_names
from pipeline.run.steps.apply_acts import only_carried_over
from pipeline.run.steps.judge_course import out_of_view
from pipeline.run.steps.linked_lesions import as_people_said
from pipeline.run.steps.other_names import Renaming
from pipeline.run.steps.patient_work import FollowedLesions, LinkedLesions, PatientWork, PieceSize


@dataclass(frozen=True)
class _KeptScans:
    """``flags``: of each visit in use, why its total is a lower bound, and whether its table calls a lesion new."""

    linked: LinkedLesions
    corrections: tuple[LesionCorrection, ...]
    withdrawals: tuple[LesionWithdrawal, ...]
    flags: Mapping[str, tuple[str | None, bool]]
    without_bound: frozenset[str]

    def followed(self, *more: LesionCorrection) -> FollowedLesions:
        return as_people_said(self.linked, (*self.corrections, *more), self.withdrawals)


def kept(work: PatientWork) -> dict[str, Any] | None:
    """Return what to keep beside the course; None where no lesion was followed in scans, or a table tells some too."""
    linked = work.lesions.linked
    if not linked.sightings or any(visit.read.visit.imported_lesions for visit in work.visits):
        return None
    flags = {}
    for visit in work.visits:
        if not visit.out_of_use.get(Compartment.TUMOUR):
            tumour = next((row for row in visit.measured if row.compartment == Compartment.TUMOUR), None)
            is_new = any(size.new_lesion for size in visit.read.visit.imported)
            flags[visit.session_id] = [tumour.bound_reason if tumour else None, is_new]
    return {
        "patient_id": linked.patient_id,
        "sightings": list(linked.sightings),
        "undated": list(linked.undated),
        "visits": list(linked.visits),
        "places": [[*key, place.sha256, place.centre_mm] for key, place in linked.places.items()],
        "sizes": [[*key, size] for key, size in linked.sizes.items()],
        "by_hand": linked.by_hand,
        "corrections": list(work.acts.decided.lesions),
        "withdrawals": list(work.acts.decided.withdrawn),
        "flags": flags,
        "without_bound": [visit.session_id for visit in work.visits if only_carried_over(visit)],
    }


def effect_of(text: str, correction: LesionCorrection, criteria: ResponseCriteria) -> Renaming | None:
    """Judge a patient with the lesions as they are, and as they would be with one more correction.

    Parameters
    ----------
    text
        What the last run stored of the course (``course_text``).
    correction
        Of a lesion as it is called now.

    Returns
    -------
    Renaming or None
        None where this cannot be told before the next run, or the correction speaks of no lesion of its visit.
    """
    written = course_text.lesions_in(text, course_text.SCANS)
    if written is None:
        return None
    course, scans = course_text.from_text(text), _read(written)
    now, then = scans.followed(), scans.followed(correction)
    is_told = _as_followed(course, now, scans) == course
    takes_effect = any(
        (row.session_id, row.lesion_id) == (correction.session_id, correction.same_as) and row.volume_mm3 is not None
        for row in then.components
    )
    if not is_told or not takes_effect:
        return None
    before = other_names.last_verdicts(course, now, criteria)
    after = other_names.last_verdicts(_as_followed(course, then, scans), then, criteria)
    return None if before is None or after is None else other_names.renaming(before, after)


def _as_followed(course: PatientCourse, followed: FollowedLesions, scans: _KeptScans) -> PatientCourse:
    """Return the course with what its visits say of lesions, as ``judge_course`` puts it there."""
    unseen = out_of_view(followed, course.syndrome)

    def said(visits: tuple[VisitMeasure, ...]) -> Iterator[VisitMeasure]:
        for visit in visits:
            name = visit.session_id
            if name not in scans.flags:
                yield visit
                continue
            bound, is_new = scans.flags[name]
            withdrawn = followed.withdrawn_visits.get(name)
            yield replace(
                visit,
                new_lesion=is_new or name in followed.new_lesion_sessions,
                new_tumour_mm3=followed.new_tumour_mm3.get(name, 0.0),
                bound_reason=None if name in scans.without_bound else bound or unseen.get(name),
                withdrawn_on=withdrawn.withdrawn_on if withdrawn else None,
                withdrawn_words=withdrawn.words if withdrawn else None,
            )

    return replace(course, visits=tuple(said(course.visits)), undated=tuple(said(course.undated)))


def _read(written: Mapping[str, Any]) -> _KeptScans:
    linked = LinkedLesions(
        written["patient_id"],
        tuple(_sighting(one) for one in written["sightings"]),
        tuple(_sighting(one) for one in written["undated"]),
        tuple((name, why) for name, why in written["visits"]),
        {(name, number): PiecePlace(sha256, _point(centre)) for name, number, sha256, centre in written["places"]},
        {(name, number): PieceSize(**size) for name, number, size in written["sizes"]},
        frozenset(written["by_hand"]),
    )
    flags = {name: (bound, is_new) for name, (bound, is_new) in written["flags"].items()}
    corrections = tuple(LesionCorrection(**one) for one in written["corrections"])
    return _KeptScans(
        linked, corrections, other_names.withdrawals_in(written), flags, frozenset(written["without_bound"])
    )


def _sighting(values: Mapping[str, Any]) -> Sighting:
    centre = values["centre_mm"]
    return Sighting(
        **{**values, "status": LesionStatus(values["status"]), "centre_mm": None if centre is None else _point(centre)}
    )


def _point(values: list[float]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z
