"""Between masking and judging: what people decided about this patient takes effect.

An excluded visit or mask has no volume and says who took it out and why; an accepted automatic mask counts as a
person's; a pinned visit is the baseline of its epoch. What this step refuses: an acceptance of another mask than the
one that is measured now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, MaskOrigin, PatientCourse, VisitMeasure
from pipeline.journal import decisions
from pipeline.journal.decisions import ActKind, Decisions, Standing
from pipeline.judge import epochs
from pipeline.judge.criteria import ResponseCriteria
from pipeline.run.steps.mask_records import SHRINKAGE_UNSURE
from pipeline.run.steps.patient_work import Acts, FollowedLesions, PatientWork
from pipeline.run.steps.visit_work import ReadVisit, VisitDecisions, VisitWork

NEW_SIGNAL = "new_signal"
"""Code of the finding that new signal was seen where no tumour was drawn."""

NO_DOUBTS: Mapping[str, str | None] = MappingProxyType({})


def decide(work: PatientWork) -> PatientWork:
    """Let what people decided take effect: once, before anything is measured."""
    acts = acts_on(work.plan.patient.acts, work.visits)
    visits = [decided(visit, acts.decided) for visit in work.visits]
    answered = {visit.session_id for visit in visits if Compartment.TUMOUR in visit.decided.accepted}
    open_rows = tuple(row for row in work.rows if not (is_flag(row) and row.session_id in answered))
    return replace(work, acts=acts, rows=open_rows).changing(visits)


def is_flag(row: object) -> bool:
    """Say whether a record flags new signal: a question that a person answers by accepting the tumour drafted there."""
    return isinstance(row, records.NewSignal) or (isinstance(row, records.Finding) and row.code == NEW_SIGNAL)


def name_acts_without_effect(work: PatientWork) -> PatientWork:
    """Say which acts have no effect, and why."""
    doubts = {visit.session_id: visit.why_scan_is_doubted for visit in work.visits}
    return work.adding(*findings_of(work.acts, work.course, work.plan.criteria[0], work.lesions, doubts))


def acts_on(
    entries: Sequence[records.JournalEntry],
    visits: Iterable[VisitWork],
    pieces: Mapping[tuple[str, str], frozenset[str]] | None = None,
) -> Acts:
    """Hold the acts about a patient against the masks and scans as they are now, and the pieces of tumour if known."""
    visits = tuple(visits)
    masks = {
        (row.patient_id, row.session_id, row.compartment): row.sha256
        for visit in visits
        for row in visit.masks.measured_rows
    }
    of_tables = {
        (visit.read.visit.patient_id, visit.session_id): frozenset(visit.read.visit.table_scans) for visit in visits
    }
    standing = decisions.standing(entries, masks, _scans(visit.read for visit in visits), pieces, of_tables)
    return Acts(standing, decisions.decide(standing))


def corrections(
    entries: Sequence[records.JournalEntry], visits: Iterable[ReadVisit]
) -> Mapping[tuple[str, str], records.JournalEntry]:
    """Return the drawings that stand, by session and compartment: they depend on the scans alone."""
    return decisions.decide(decisions.standing(entries, None, _scans(visits))).corrected


def _scans(visits: Iterable[ReadVisit]) -> dict[tuple[str, str], str]:
    """Return patient and session to the digest of the scan that is measured on."""
    return {(row.patient_id, row.session_id): row.sha256 for visit in visits for row in visit.scans if row.is_anchor}


def decided(visit: VisitWork, stands: Decisions) -> VisitWork:
    """Return a visit with what people decided about it; an outline that somebody accepted is doubted no more."""
    reasons = {compartment: stands.why_excluded(visit.session_id, compartment) for compartment in Compartment}
    excluded = {compartment: why for compartment, why in reasons.items() if why is not None}
    accepted = frozenset(name for name in Compartment if (visit.session_id, str(name)) in stands.accepted)
    answered = (SHRINKAGE_UNSURE,) if Compartment.TUMOUR in accepted else ()
    findings = tuple(row for row in visit.masks.findings if row.code not in answered)
    masks = replace(visit.masks, findings=findings)
    visits_out, masks_out = frozenset(stands.excluded_visits), frozenset(stands.excluded_masks)
    return replace(visit, masks=masks, decided=VisitDecisions(excluded, accepted, visits_out, masks_out))


def offered(entries: Sequence[records.JournalEntry], visits: Sequence[VisitWork]) -> tuple[VisitWork, ...]:
    """Return people's masks that automatic ones may come from; a visit with a mask out of use offers none.

    Parameters
    ----------
    visits
        With people's masks only: what was decided about automatic ones is no matter here.
    """
    stands = acts_on(entries, visits).decided
    return tuple(
        replace(visit, masks=replace(visit.masks, masks={}, source=None, drawn={}, cord=None))
        if decided(visit, stands).out_of_use.keys() & visit.masks.primary.keys()
        else visit
        for visit in visits
    )


def only_carried_over(visit: VisitWork) -> bool:
    """Say whether a visit's mask was only warped from another visit, and nobody accepted it as right."""
    return visit.counted.is_carried_over and visit.counted.origin == MaskOrigin.AUTOMATIC


def findings_of(
    acts: Acts,
    course: PatientCourse,
    criteria: ResponseCriteria,
    followed: FollowedLesions,
    doubts: Mapping[str, str | None] = NO_DOUBTS,
) -> tuple[records.Finding, ...]:
    """Say which acts have no effect, and why.

    Parameters
    ----------
    course
        As it was judged.
    criteria
        Those shown first: a pinned visit must be one that they can use.
    followed
        The lesions with the corrections made.
    doubts
        Visit to why its scan is doubted, so that no mask on it counts.
    """
    visits = {visit.session_id: visit for visit in course.visits}
    findings = []
    for entry in acts.entries:
        if entry.status == Standing.LAPSED:
            findings.append(_finding("act_lapsed", entry, entry.status_reason or ""))
        elif entry.status == Standing.IN_FORCE and entry.session_id is not None:
            doubt = doubts.get(entry.session_id) if entry.act in (ActKind.ACCEPT_MASK, ActKind.CORRECT_MASK) else None
            why = doubt or _why_without_effect(entry, visits, criteria, followed)
            findings += [_finding("act_without_effect", entry, why)] if why else []
    return tuple(findings)


def _why_without_effect(
    entry: records.JournalEntry,
    visits: Mapping[str, VisitMeasure],
    criteria: ResponseCriteria,
    followed: FollowedLesions,
) -> str | None:
    visit = visits.get(str(entry.session_id))
    if visit is None:
        return "the study has no such visit, or no date for it"
    if entry.act == ActKind.PIN_BASELINE:
        return epochs.why_no_reference(visit, criteria)
    lesions = {(row.session_id, row.lesion_id) for row in followed.components}
    if entry.act == ActKind.CORRECT_LESION and (entry.session_id, entry.same_as) not in lesions:
        return f"no lesion {entry.lesion_id} is seen at this visit"
    if entry.act == ActKind.NAME_LESIONS and entry.entry_id not in followed.named:
        both = f"{entry.lesion_id} and {entry.same_as}"
        return f"no table tells lesions {both} apart at this visit, or a name is taken or stands on another row"
    if entry.act == ActKind.WITHDRAW_LESION and not visit.new_lesion and not visit.new_tumour_mm3:
        return "nothing was called a new lesion at this visit"
    return None


def _finding(code: str, entry: records.JournalEntry, why: str) -> records.Finding:
    what = entry.act.replace("_", " ")
    where = f"{entry.patient_id} {entry.session_id}"
    message = f"{where}: {what} by {entry.who} on {entry.written_at:%Y-%m-%d} has no effect: {why}"
    return finding(code, message, patient_id=entry.patient_id, session_id=entry.session_id)
