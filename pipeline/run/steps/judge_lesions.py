"""Beside the total: each lesion judged by itself, and the worst of them named in the patient's verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.core import records
from pipeline.core.vocabulary import PatientCourse, VisitJudgement, VisitMeasure
from pipeline.judge import lesion_courses, lesion_exchange
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.epochs import in_order, makes_new_tumours
from pipeline.judge.lesion_courses import LesionVerdict
from pipeline.lesions.matching import NEW_LESION_MM3, UNPLACED, LesionStatus
from pipeline.run.steps.patient_work import FollowedLesions
from pipeline.run.steps.verdict_columns import verdict_columns

LEAST_DRAWN_MM3 = 14.1
"""Volume of a 3 mm sphere: less than that, drawn by a person, is a slip of the pen as likely as a lesion, mm³; a
proposal."""


@dataclass(frozen=True)
class LesionVerdicts:
    """The verdicts on all lesions of a patient under one set of criteria, by visit.

    ``total_of`` says in words which lesions the patient's total at a visit adds up.
    """

    by_session: Mapping[str, tuple[LesionVerdict, ...]] = field(default_factory=dict)
    total_of: Mapping[str, str] = field(default_factory=dict)

    def leading(self, total: VisitJudgement) -> VisitJudgement:
        """Return the patient's verdict on a visit with the worst lesion named, and what the total is a total of."""
        verdicts = self.by_session.get(total.session_id, ())
        return lesion_courses.led_by_lesions(total, verdicts, self.total_of.get(total.session_id, ""))

    def rows(self, patient_id: str) -> list[records.LesionAssessment]:
        """Return the verdicts as verdict_rows of the store."""
        verdict_rows = []
        for verdicts in self.by_session.values():
            chosen = lesion_courses.worst(verdicts)
            verdict_rows += [_row(patient_id, one, is_worst=one is chosen) for one in verdicts]
        return verdict_rows


@dataclass(frozen=True)
class LesionSizes:
    """The sizes of each lesion from its first sighting on, by name and visit, and which have grown together.

    ``joined`` holds for each visit the lesions that each lesion has swallowed by then, ``large_at`` for each lesion the
    visits at which it is no speck.
    """

    measures: Mapping[str, Mapping[str, VisitMeasure]] = field(default_factory=dict)
    joined: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    large_at: Mapping[str, frozenset[str]] = field(default_factory=dict)


def judge_lesions(
    course: PatientCourse, followed: FollowedLesions, sizes: LesionSizes, criteria: ResponseCriteria
) -> LesionVerdicts:
    """Judge every lesion of a patient by itself; nothing where the total is the only one."""
    if not lesion_courses.are_judged_apart(course.syndrome, {**sizes.measures, **followed.undated}):
        return LesionVerdicts()
    by_session: dict[str, list[LesionVerdict]] = {visit.session_id: [] for visit in course.visits}
    counted_then = lesion_courses.counted_then(course, sizes.large_at)
    of_scans = _undated_of_scans(course, followed)
    for name in sizes.measures:
        for group in _groups(name, sizes):
            visits = _visits_of((name, *group), sizes, course)
            undated = (*followed.undated.get(name, ()), *of_scans.get(name, ()))
            undated = _undated_together((name, *group), of_scans, followed) if group else undated
            for judged in lesion_courses.judge_lesion(course, visits, criteria, undated):
                session_id = judged.session_id
                if sizes.joined[session_id].get(name, ()) == group and session_id in sizes.measures[name]:
                    measure = next(visit for visit in visits if visit.session_id == session_id)
                    gone = followed.withdrawn_lesions.get(name)
                    shown = judged if gone is None else lesion_courses.withdrawn(judged, gone.words)
                    counted = name in counted_then[session_id]
                    by_session[session_id].append(LesionVerdict(name, shown, measure, group, counted))
    verdicts_by_session = {session_id: tuple(verdicts) for session_id, verdicts in by_session.items() if verdicts}
    left_out = followed.new_tumours if makes_new_tumours(course.syndrome, criteria.new_lesion) else frozenset()
    total_of = {
        session_id: lesion_courses.set_in_words(verdicts, left_out)
        for session_id, verdicts in verdicts_by_session.items()
    }
    return LesionVerdicts(verdicts_by_session, total_of)


def _undated_of_scans(course: PatientCourse, followed: FollowedLesions) -> dict[str, tuple[VisitMeasure, ...]]:
    """Return the sizes of each lesion on scans without a day, by name; 0 where one shows that it is not there."""
    sizes: dict[str, tuple[VisitMeasure, ...]] = {}
    for visit in course.undated:
        here = [row for row in followed.undated_components if row.session_id == visit.session_id]
        for name in dict.fromkeys(row.lesion_id for row in here):
            measure = _measure(visit, [row for row in here if row.lesion_id == name], followed)
            if measure.volume_mm3 is not None:
                sizes[name] = (*sizes.get(name, ()), measure)
    return sizes


def _undated_together(
    names: Sequence[str], of_scans: Mapping[str, Sequence[VisitMeasure]], followed: FollowedLesions
) -> tuple[VisitMeasure, ...]:
    """Return lesions that have grown together as one on each scan without a day that tells the size of all of them."""
    inside = {
        (row.session_id, row.lesion_id) for row in followed.undated_components if row.status == LesionStatus.MERGED
    }
    sums = []
    for session_id in dict.fromkeys(one.session_id for name in names for one in of_scans.get(name, ())):
        parts = {
            name: next((one for one in of_scans.get(name, ()) if one.session_id == session_id), None) for name in names
        }
        if all(one is not None or (session_id, name) in inside for name, one in parts.items()):
            whole = lesion_courses.summed(parts)
            sums += [whole] if whole is not None else []
    return tuple(sums)


def _groups(name: str, sizes: LesionSizes) -> list[tuple[str, ...]]:
    """Return the sets of lesions that a lesion has held, the empty one first."""
    return list(dict.fromkeys(joined.get(name, ()) for joined in sizes.joined.values()))


def _visits_of(names: Sequence[str], sizes: LesionSizes, course: PatientCourse) -> list[VisitMeasure]:
    lesion_visits = []
    for visit in course.visits:
        joined = sizes.joined[visit.session_id]
        inside = {other for name in names for other in joined.get(name, ())}
        parts = {name: sizes.measures.get(name, {}).get(visit.session_id) for name in names if name not in inside}
        measure = lesion_courses.summed(parts) if len(names) > 1 else parts[names[0]]
        if measure is not None:
            lesion_visits.append(measure)
    return lesion_visits


def sizes_of(course: PatientCourse, followed: FollowedLesions) -> LesionSizes:
    """Return what each lesion measures at each dated visit from its first sighting on.

    Lesions that are only specks are left out: drawn by a program and never as large as an unequivocal new lesion, or
    drawn by a person and smaller than a sphere of 3 mm.
    """
    visits = {visit.session_id: visit for visit in course.visits}
    pieces_by_lesion: dict[str, dict[str, list[records.LesionComponent]]] = {}
    for row in followed.components:
        if row.session_id in visits and row.lesion_id != UNPLACED:
            pieces_by_lesion.setdefault(row.lesion_id, {}).setdefault(row.session_id, []).append(row)
    counted = {name: by_session for name, by_session in pieces_by_lesion.items() if _is_lesion(by_session, followed)}
    measures = {
        name: {session: _measure(visits[session], pieces, followed) for session, pieces in by_session.items()}
        for name, by_session in counted.items()
    }
    large_at = {name: _visits_without_speck(by_session, followed) for name, by_session in counted.items()}
    exchanged = lesion_exchange.with_exchanges(measures, followed.settled)
    return LesionSizes(exchanged, _joined(course, counted), large_at)


def _joined(
    course: PatientCourse, pieces_by_lesion: Mapping[str, Mapping[str, Sequence[records.LesionComponent]]]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return for each visit which lesions each lesion has swallowed by then."""
    so_far: dict[str, tuple[str, ...]] = {}
    joined_by_session: dict[str, dict[str, tuple[str, ...]]] = {}
    for visit in in_order(course.visits):
        here = {
            name: pieces
            for name, by_session in pieces_by_lesion.items()
            if (pieces := by_session.get(visit.session_id))
        }
        owners = {
            row.component_id: name for name, pieces in here.items() for row in pieces if row.volume_mm3 is not None
        }
        for name, pieces in here.items():
            for row in pieces:
                owner = owners.get(row.component_id)
                if row.status == LesionStatus.MERGED and row.volume_mm3 is None and owner is not None:
                    so_far[owner] = (*(other for other in so_far.get(owner, ()) if other != name), name)
                elif row.volume_mm3 and row.status == LesionStatus.SPLIT:  # it came apart again
                    so_far = {one: tuple(o for o in others if o != name) for one, others in so_far.items()}
        joined_by_session[visit.session_id] = dict(so_far)
    return joined_by_session


def _is_lesion(by_session: Mapping[str, Sequence[records.LesionComponent]], followed: FollowedLesions) -> bool:
    return bool(_visits_without_speck(by_session, followed))


def _visits_without_speck(
    by_session: Mapping[str, Sequence[records.LesionComponent]], followed: FollowedLesions
) -> frozenset[str]:
    """Return the visits at which a lesion is large enough to be one; a table that names one has said so."""
    least_mm3 = {session: LEAST_DRAWN_MM3 if session in followed.by_hand else NEW_LESION_MM3 for session in by_session}
    return frozenset(
        session
        for session, pieces in by_session.items()
        if (session, pieces[0].lesion_id) in followed.imported
        or sum(piece.volume_mm3 or 0.0 for piece in pieces) >= least_mm3[session]
    )


def _measure(visit: VisitMeasure, pieces: Sequence[records.LesionComponent], followed: FollowedLesions) -> VisitMeasure:
    """Return one lesion's sizes at a visit; what hinders the total's hinders the lesion's, but for a table's."""
    given = followed.imported.get((visit.session_id, pieces[0].lesion_id))
    if given is not None:
        return given
    alone = replace(
        visit, new_lesion=False, leptomeningeal=None, enhancing_mm3=None, new_tumour_mm3=0.0,
        withdrawn_on=None, withdrawn_words=None, bound_reason=None,
        volume_mm3=None, volume_cv=None, product_mm2=None, longest_mm=None, slices_spanned=None,
    )  # fmt: skip
    if visit.volume_mm3 is None:
        return replace(alone, missing_reason=visit.missing_reason or pieces[0].missing_reason)
    seen = [row for row in pieces if row.volume_mm3 is not None]
    if not seen:
        return replace(alone, missing_reason=pieces[0].missing_reason)
    total_mm3 = sum(row.volume_mm3 or 0.0 for row in seen)
    if total_mm3 == 0:
        return replace(alone, volume_mm3=0.0, missing_reason=None)
    sizes = [(row, followed.sizes[row.session_id, row.component_id]) for row in seen]
    spread_mm3 = sum(((size.volume_cv or 0.0) * (row.volume_mm3 or 0.0)) ** 2 for row, size in sizes) ** 0.5
    return replace(
        alone,
        volume_mm3=total_mm3,
        volume_cv=max(spread_mm3 / total_mm3, visit.volume_cv or 0.0) or None,  # never surer than the total
        product_mm2=sum(size.product_mm2 for _, size in sizes),
        longest_mm=sum(size.longest_mm for _, size in sizes),
        slices_spanned=max(size.slices_spanned for _, size in sizes),
        bound_reason=next((size.bound_reason for _, size in sizes if size.bound_reason), None),
        missing_reason=None,
    )


def _row(patient_id: str, verdict: LesionVerdict, *, is_worst: bool) -> records.LesionAssessment:
    judgement, measure = verdict.judgement, verdict.measure
    return records.LesionAssessment(
        **verdict_columns(patient_id, judgement),
        lesion_id=verdict.lesion_id,
        is_worst=is_worst,
        volume_mm3=measure.volume_mm3,
        volume_cv=measure.volume_cv,
        missing_reason=measure.missing_reason,
    )
