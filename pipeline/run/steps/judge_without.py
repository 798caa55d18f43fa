"""After judging: what the latest verdict would be without each thing that a person decided, by the same steps.

The act is left out, and the steps from there on are gone through again: what was excluded is measured, a drawn mask
gives way to the one before, lesions are followed and the course is judged. What this step refuses: to call an act
without effect on the verdict by its kind alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, ReadingKind, VisitJudgement
from pipeline.journal.decisions import TUMOUR, ActKind, Standing
from pipeline.judge import course_text, parallel_readings
from pipeline.judge.response import judge_whole
from pipeline.run.steps import (
    apply_acts,
    follow_lesions,
    judge_lesions,
    measure_visits,
    other_identity,
    other_names,
    use_drawings,
)
from pipeline.run.steps.judge_course import course_with_acts
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import VisitWork

OF_MASKS = (ActKind.ACCEPT_MASK, ActKind.EXCLUDE_MASK, ActKind.CORRECT_MASK)
CYST = str(Compartment.CYST)
ENHANCING = str(Compartment.ENHANCING)
JUDGED = (TUMOUR, ENHANCING, CYST)
"""Compartments that a verdict rests on; the cyst bears on the reading with the cyst counted and on no other."""

READINGS_OF = {CYST: (ReadingKind.SOLID_AND_CYST,), ENHANCING: (ReadingKind.ENHANCING, ReadingKind.MIXED)}
"""Readings beside solid tumour that the mask of a compartment bears on."""


def judge_without_acts(work: PatientWork) -> PatientWork:
    """Judge the patient without each act in force, and keep what judgement looked at."""
    judged_course = records.StoredCourse(
        work.course.patient_id, course_text.to_text(work.course, other_names.kept(work), other_identity.kept(work))
    )
    in_force = [e for e in work.acts.entries if e.status == Standing.IN_FORCE and bears_on_verdict(e)]
    now = _latest(work) if in_force else None  # of most patients nothing is decided, and judging costs most of a run
    if now is None:
        return work.adding(judged_course)
    read_now = _latest_readings(work)
    effects = []
    for entry in in_force:
        without = _without(work, entry)
        if not (entry.act in OF_MASKS and entry.compartment == CYST):
            effects.append(_effect(entry, now, _latest(without), work))
        if entry.act in OF_MASKS and entry.compartment in READINGS_OF:
            effects += _effects_on_readings(entry, read_now, _latest_readings(without), work)
    return work.adding(judged_course, *effects)


def bears_on_verdict(entry: records.JournalEntry) -> bool:
    """Tell whether an act can change a verdict at all: not a comment, and not one about a syrinx's mask."""
    if entry.act in OF_MASKS:
        return (entry.compartment or TUMOUR) in JUDGED
    return entry.act in (
        ActKind.EXCLUDE_VISIT, ActKind.PIN_BASELINE, ActKind.CORRECT_LESION, ActKind.WITHDRAW_LESION,
        ActKind.NAME_LESIONS,
    )  # fmt: skip


def _without(work: PatientWork, entry: records.JournalEntry) -> PatientWork:
    """Return the patient as far as it is followed, with one act left out."""
    others = tuple(one for one in work.plan.patient.acts if one.entry_id != entry.entry_id)
    plan = replace(work.plan, patient=replace(work.plan.patient, acts=others))
    visits = tuple(_undrawn(visit, entry) for visit in work.visits)
    compartments, histology = measure_visits.compartments_of(visits), plan.patient.patient.histology
    decided = apply_acts.decide(replace(work, plan=plan, visits=visits, rows=()))
    out_of_use = {visit.session_id: visit.out_of_use for visit in work.visits}
    measured = (
        replace(visit, measured=measure_visits.measure_visit(visit, compartments, histology))
        for visit in decided.visits
        if (visit.session_id == entry.session_id and entry.act != ActKind.PIN_BASELINE)
        or visit.out_of_use != out_of_use[visit.session_id]
    )
    followed = follow_lesions.follow(decided.changing(measured))
    return replace(followed, course=course_with_acts(followed))


def _undrawn(visit: VisitWork, entry: records.JournalEntry) -> VisitWork:
    """Put the masks from before a drawing back in their place; a visit that the entry does not speak of stays."""
    before = visit.drawings.before
    if entry.act != ActKind.CORRECT_MASK or visit.session_id != entry.session_id or before is None:
        return visit
    others = {c: one for c, one in visit.drawings.entries.items() if one.entry_id != entry.entry_id}
    masks = {c: mask for c, mask in visit.drawings.masks.items() if c in others}
    unusable = {c: why for c, why in visit.drawings.unusable.items() if c in others}
    drawings = replace(visit.drawings, entries=others, masks=masks, unusable=unusable)
    return use_drawings.drawn_over(replace(visit, masks=before, drawings=drawings))


def _latest(work: PatientWork) -> VisitJudgement | None:
    """Return the latest verdict under the criteria shown first, the worst of several lesions named in it."""
    rule = work.plan.criteria[0]
    judged = judge_whole(work.course, rule).judgements
    if not judged:
        return None
    sizes = judge_lesions.sizes_of(work.course, work.lesions)
    return judge_lesions.judge_lesions(work.course, work.lesions, sizes, rule).leading(judged[-1])


def _latest_readings(work: PatientWork) -> dict[ReadingKind, VisitJudgement]:
    """Return the latest verdict of each reading beside solid tumour, under the criteria shown first."""
    rule = work.plan.criteria[0]
    return parallel_readings.latest(work.course, judge_whole(work.course, rule).judgements, rule)


def _effects_on_readings(
    entry: records.JournalEntry,
    now: Mapping[ReadingKind, VisitJudgement],
    without: Mapping[ReadingKind, VisitJudgement],
    work: PatientWork,
) -> list[records.ActEffect]:
    """Return what the readings of a mask's compartment would be without an act; none where there is no such reading."""
    effects = []
    for kind in READINGS_OF[str(entry.compartment)]:
        pair = parallel_readings.compared(kind, now, without)
        if pair is not None:
            effects.append(replace(_effect(entry, *pair, work), reading=str(kind)))
    return effects


def _effect(
    entry: records.JournalEntry, now: VisitJudgement, without: VisitJudgement | None, work: PatientWork
) -> records.ActEffect:
    other = without or now
    return records.ActEffect(
        patient_id=work.course.patient_id,
        entry_id=entry.entry_id,
        criteria_id=now.criteria_id,
        session_id=other.session_id,
        category=str(other.category),
        state=str(other.state),
        display_state=str(other.display_state),
        is_confirmed=other.confirmed,
        is_provisional=other.provisional,
        change_ratio=other.change_ratio,
        reason=other.reason,
        clauses=other.clauses,
        is_same=_said(other) == _said(now),
    )


def _said(verdict: VisitJudgement) -> tuple[object, ...]:
    return (
        verdict.session_id, verdict.category, verdict.state, verdict.display_state, verdict.confirmed,
        verdict.provisional, verdict.change_ratio,
    )  # fmt: skip
