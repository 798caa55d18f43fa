"""What the latest verdict would be with other names of a table's lesions, before a run lets that take effect.

The lesions are named, followed and judged by the functions that a run uses, from what the last run kept of them beside
the course. What this module refuses: to tell it where lesions of scans are followed beside those of the table, which
only a run can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from pipeline.core.records import Patient
from pipeline.core.vocabulary import Compartment, PatientCourse, VisitJudgement
from pipeline.journal.lesion_acts import LesionNaming, LesionWithdrawal, NameAnswer
from pipeline.judge import course_text
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import judge_whole
from pipeline.judge.what_if import Effect
from pipeline.measure.imported_sizes import ImportedMeasure
from pipeline.run.steps import imported_lesions, judge_lesions
from pipeline.run.steps.imported_lesions import TableLesions, TableVisit
from pipeline.run.steps.named_lesions import digest_of, named
from pipeline.run.steps.patient_work import FollowedLesions, PatientWork

LastVerdicts = tuple[VisitJudgement, Mapping[str, VisitJudgement]]
"""The latest verdict on a patient, and those on lesions at that visit by name."""


@dataclass(frozen=True)
class Renaming:
    """What would change: the verdict on the patient, and those on single lesions that are not the same, by name."""

    verdict: Effect
    lesions: Mapping[str, Effect]


@dataclass(frozen=True)
class _KeptLesions:
    visits: tuple[TableVisit, ...]
    by_session: Mapping[str, Mapping[str, ImportedMeasure]]
    undated: Mapping[str, Mapping[str, ImportedMeasure]]
    namings: tuple[LesionNaming, ...]
    withdrawals: tuple[LesionWithdrawal, ...]

    def called(self, namings: tuple[LesionNaming, ...]) -> TableLesions:
        digests = {
            session_id: {name: digest_of(name, lesion) for name, lesion in lesions.items()}
            for session_id, lesions in self.by_session.items()
        }
        lesions_named = named(self.by_session, digests, namings)
        return TableLesions(lesions_named.by_session, lesions_named, self.undated)


def kept(work: PatientWork) -> dict[str, Any] | None:
    """Return what to keep beside the course; None where a table tells no lesions apart, or scans are followed too."""
    visits = [visit for visit in work.visits if visit.read.acquired_on is not None]
    by_session = {v.session_id: v.read.visit.imported_lesions for v in visits if v.read.visit.imported_lesions}
    if (
        not by_session
        or len({row.session_id for row in work.lesions.components} - by_session.keys())
        or any(visit.read.visit.scans for visit in visits)
    ):
        return None
    return {
        "visits": list(imported_lesions.table_visits(visits)),
        "sizes": {session_id: dict(lesions) for session_id, lesions in by_session.items()},
        "undated": {
            visit.session_id: dict(visit.read.visit.imported_lesions)
            for visit in work.visits
            if visit.read.acquired_on is None and not visit.out_of_use.get(Compartment.TUMOUR)
        },
        "namings": list(work.acts.decided.named),
        "withdrawals": list(work.acts.decided.withdrawn),
    }


def effect_of(text: str, naming: LesionNaming, criteria: ResponseCriteria) -> Renaming | None:
    """Judge a patient with the names as they are, and as they would be with one more answer.

    Parameters
    ----------
    text
        What the last run stored of the course (``course_text``).
    naming
        Of two lesions as they are called now; it replaces an earlier answer about the same two at the same visit.

    Returns
    -------
    Renaming or None
        None where this cannot be told before the next run, or the answer does not fit.
    """
    written = course_text.lesions_in(text)
    if written is None:
        return None
    course, lesions = course_text.from_text(text), _read(written)
    now = lesions.called(lesions.namings)
    digest = now.said.digests.get(naming.session_id, {}).get(naming.lesion_id)
    others = tuple(one for one in lesions.namings if not _is_same_question(one, naming))
    then = lesions.called((*others, replace(naming, component_sha256=digest)))
    if naming.entry_id not in then.said.in_effect:
        return None
    before, after = (_judged(course, lesions, table, criteria) for table in (now, then))
    if before is None or after is None:
        return None
    return renaming(before, after)


def renaming(before: LastVerdicts, after: LastVerdicts) -> Renaming:
    """Return what is not the same in two of what :func:`last_verdicts` returns."""
    names = sorted(before[1].keys() & after[1].keys())
    pairs = {name: Effect(before[1][name], after[1][name]) for name in names}
    return Renaming(Effect(before[0], after[0]), {name: pair for name, pair in pairs.items() if not pair.is_same})


def last_verdicts(course: PatientCourse, followed: FollowedLesions, criteria: ResponseCriteria) -> LastVerdicts | None:
    """Return the latest verdict with the worst lesion leading it, and those on each lesion at that visit."""
    judged = judge_whole(course, criteria).judgements
    if not judged:
        return None
    sizes = judge_lesions.sizes_of(course, followed)
    verdicts = judge_lesions.judge_lesions(course, followed, sizes, criteria)
    of_lesions = verdicts.by_session.get(judged[-1].session_id, ())
    return verdicts.leading(judged[-1]), {one.lesion_id: one.judgement for one in of_lesions}


def _is_same_question(one: LesionNaming, other: LesionNaming) -> bool:
    same_names = {one.lesion_id, one.other} == {other.lesion_id, other.other}
    return one.session_id == other.session_id and same_names


def _judged(
    course: PatientCourse, lesions: _KeptLesions, table: TableLesions, criteria: ResponseCriteria
) -> LastVerdicts | None:
    patient = Patient(course.patient_id, histology=course.histology, syndrome=course.syndrome)
    followed = imported_lesions.with_imported(FollowedLesions(), lesions.visits, table, lesions.withdrawals, patient)
    visits = (
        replace(visit, new_tumour_mm3=followed.new_tumour_mm3.get(visit.session_id, 0.0)) for visit in course.visits
    )
    return last_verdicts(replace(course, visits=tuple(visits)), followed, criteria)


def _read(written: Mapping[str, Any]) -> _KeptLesions:
    return _KeptLesions(
        tuple(_visit(one) for one in written["visits"]),
        _sizes(written["sizes"]),
        _sizes(written["undated"]),
        tuple(LesionNaming(**{**one, "answer": NameAnswer(one["answer"])}) for one in written["namings"]),
        withdrawals_in(written),
    )


def withdrawals_in(written: Mapping[str, Any]) -> tuple[LesionWithdrawal, ...]:
    """Return the withdrawals that stand in what was kept."""
    return tuple(
        LesionWithdrawal(**{**one, "withdrawn_on": course_text.written_day(one["withdrawn_on"])})
        for one in written["withdrawals"]
    )


def _sizes(written: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, ImportedMeasure]]:
    return {name: {lesion: _measure(one) for lesion, one in lesions.items()} for name, lesions in written.items()}


def _visit(values: Mapping[str, Any]) -> TableVisit:
    at = values.get("acquired_at")
    day = course_text.written_day(values["acquired_on"])
    clock = None if at is None else time.fromisoformat(at)
    return TableVisit(values["session_id"], day, clock, values.get("excluded"))


def _measure(values: Mapping[str, Any]) -> ImportedMeasure:
    return ImportedMeasure(**{**values, "compartment": Compartment(values["compartment"])})
