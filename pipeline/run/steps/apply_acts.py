"""Between masking and judging: what people decided about this patient takes effect.

An excluded visit or mask has no volume and says who took it out and why; an accepted automatic mask counts as a
person's; a pinned visit is the baseline of its epoch. What this step refuses: an acceptance of another mask than the
one that is measured now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, MaskOrigin, PatientCourse, VisitMeasure
from pipeline.journal import decisions
from pipeline.journal.decisions import ActKind, Decisions, Standing
from pipeline.judge import epochs
from pipeline.judge.criteria import ResponseCriteria
from pipeline.run.steps.mask_visits import MaskedVisit
from pipeline.run.steps.read_visits import ReadVisit


@dataclass(frozen=True)
class Acts:
    """The acts about one patient with what has become of them, and what stands."""

    entries: tuple[records.JournalEntry, ...]
    decided: Decisions


def acts_on(
    entries: Sequence[records.JournalEntry], masked: Mapping[str, MaskedVisit], visits: Iterable[ReadVisit]
) -> Acts:
    """Hold the acts about a patient against the masks and scans as they are now."""
    masks = {
        (row.patient_id, row.session_id, row.compartment): row.sha256
        for visit in masked.values()
        for row in visit.rows
        if row.is_primary
    }
    scans = {(row.patient_id, row.session_id): row.sha256 for visit in visits for row in visit.scans if row.is_anchor}
    standing = decisions.standing(entries, masks, scans)
    return Acts(standing, decisions.decide(standing))


def sources(given: Mapping[str, MaskedVisit], acts: Acts) -> dict[str, MaskedVisit]:
    """Return the drawn masks that automatic ones may come from; a visit with an excluded mask offers none."""
    kept = {name: _without_excluded(visit, acts.decided) for name, visit in given.items()}
    return {
        name: visit if kept[name] is visit else replace(visit, masks={}, source=None, drawn={})
        for name, visit in given.items()
    }


def counted_as_drawn(masked: Mapping[str, MaskedVisit], acts: Acts) -> dict[str, MaskedVisit]:
    """Return the masks that lesions are followed by: excluded ones away, accepted ones as a person's."""
    kept = {name: _without_excluded(visit, acts.decided) for name, visit in masked.items()}
    accepted = {name for name, compartment in acts.decided.accepted if compartment == Compartment.TUMOUR}
    return {
        name: replace(visit, origin=MaskOrigin.EDITED) if name in accepted else visit for name, visit in kept.items()
    }


def only_carried_over(drawn: Mapping[str, MaskedVisit]) -> frozenset[str]:
    """Return the visits whose masks were only warped from another visit, and that nobody accepted as right."""
    return frozenset(
        name for name, visit in drawn.items() if visit.is_carried_over and visit.origin == MaskOrigin.AUTOMATIC
    )


def measured(rows: Iterable[records.Measurement], acts: Acts) -> tuple[records.Measurement, ...]:
    """Leave out the sizes of excluded visits and masks, with the reason in their place."""
    return tuple(_measured(row, acts.decided.why_excluded(row.session_id, row.compartment)) for row in rows)


def on_course(course: PatientCourse, acts: Acts) -> PatientCourse:
    """Return the course with accepted masks signed, excluded visits silent and baselines pinned."""
    visits = tuple(_on_visit(visit, acts.decided) for visit in course.visits)
    return replace(course, visits=visits, pinned_baselines=tuple(acts.decided.pinned), pinned_by=acts.decided.pinned)


def findings_of(
    acts: Acts, course: PatientCourse, criteria: ResponseCriteria, components: Iterable[records.LesionComponent]
) -> tuple[records.Finding, ...]:
    """Say which acts have no effect, and why.

    Parameters
    ----------
    course
        As it was judged.
    criteria
        Those shown first: a pinned visit must be one that they can use.
    components
        The lesions with the corrections made.
    """
    visits = {visit.session_id: visit for visit in course.visits}
    lesions = {(row.session_id, row.lesion_id) for row in components}
    found = []
    for entry in acts.entries:
        if entry.status == Standing.LAPSED:
            found.append(_finding("act_lapsed", entry, entry.status_reason or ""))
        elif entry.status == Standing.IN_FORCE and entry.session_id is not None:
            why = _why_without_effect(entry, visits, criteria, lesions)
            found += [_finding("act_without_effect", entry, why)] if why else []
    return tuple(found)


def _why_without_effect(
    entry: records.JournalEntry,
    visits: Mapping[str, VisitMeasure],
    criteria: ResponseCriteria,
    lesions: set[tuple[str, str]],
) -> str | None:
    visit = visits.get(str(entry.session_id))
    if visit is None:
        return "the study has no such visit, or no date for it"
    if entry.act == ActKind.PIN_BASELINE:
        return epochs.why_no_reference(visit, criteria)
    if entry.act == ActKind.CORRECT_LESION and (entry.session_id, entry.same_as) not in lesions:
        return f"no lesion {entry.lesion_id} is seen at this visit"
    return None


def _finding(code: str, entry: records.JournalEntry, why: str) -> records.Finding:
    what = entry.act.replace("_", " ")
    where = f"{entry.patient_id} {entry.session_id}"
    message = f"{where}: {what} by {entry.who} on {entry.written_at:%Y-%m-%d} has no effect: {why}"
    return finding(code, message, patient_id=entry.patient_id, session_id=entry.session_id)


def _without_excluded(visit: MaskedVisit, decided: Decisions) -> MaskedVisit:
    reasons = {c: decided.why_excluded(visit.session_id, c) for c in visit.primary}
    excluded = {c: reason for c, reason in reasons.items() if reason}
    if not excluded:
        return visit
    kept = {source: {c: m for c, m in masks.items() if c not in excluded} for source, masks in visit.masks.items()}
    return replace(visit, masks=kept, drawn={c: m for c, m in visit.drawn.items() if c not in excluded})


def _measured(row: records.Measurement, why: str | None) -> records.Measurement:
    if why is None:
        return row
    return records.unmeasured(row.patient_id, row.session_id, row.compartment, row.source, why)


def _on_visit(visit: VisitMeasure, decided: Decisions) -> VisitMeasure:
    name, tumour = visit.session_id, str(Compartment.TUMOUR)
    why = decided.why_excluded(name, tumour)
    if why is None:
        return replace(visit, signed_off=visit.signed_off or (name, tumour) in decided.accepted)
    return VisitMeasure(name, visit.acquired_on, None, plane=visit.plane, missing_reason=why)
