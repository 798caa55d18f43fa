"""The story of one patient: read, align, mask, measure, follow, judge.

One bad visit never stops the others: whatever goes wrong with it becomes a finding, and its numbers are missing with
that reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pipeline.context.surveillance import Surveillance
from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.volume import Volume
from pipeline.errors import CordtrackError, StoreError
from pipeline.files import derivatives
from pipeline.judge.criteria_files import ResponseCriteria
from pipeline.mask_models import MaskSource
from pipeline.run.steps import (
    align_visits,
    apply_acts,
    choose_donor,
    compare_protocols,
    describe_shape,
    draw_labels,
    follow_lesions,
    judge_context,
    judge_course,
    mask_visits,
    measure_visits,
    model_masks,
    place_levels,
    read_visits,
    refind_masks,
    schedule_scan,
    search_signal,
    use_drawings,
)
from pipeline.study import study_folder

log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class PatientPlan:
    """Everything the work on one patient depends on."""

    patient: study_folder.StudyPatient
    out_dir: Path
    criteria: tuple[ResponseCriteria, ...]
    schedules: Surveillance
    mask_source: MaskSource | None = None


@dataclass(frozen=True)
class Aligned:
    """Visits that have a place in the reference space, and what went wrong with the others."""

    visits: Mapping[str, align_visits.AlignedVisit]
    sequences: tuple[records.Registration, ...]
    findings: tuple[records.Finding, ...]

    @property
    def grades(self) -> dict[str, str | None]:
        """Alignment grade by session; None for the reference visit."""
        return {name: visit.grade for name, visit in self.visits.items()}


def process(plan: PatientPlan) -> tuple[Any, ...]:
    """Do everything for one patient and return its records, in a fixed order.

    Returns
    -------
    tuple
        Records of every kind except ``Study``, ``Criteria`` and ``Run``, which belong to the whole study.
    """
    visits, reference = read_visits.read_visits(plan.patient.visits, plan.patient.treatments)
    given = mask_visits.with_likely_labels({visit.session_id: mask_visits.given_masks(visit) for visit in visits})
    aligned = _align(visits, reference, given, plan.out_dir)
    masked, mask_findings = _mask(visits, given, aligned, plan)
    decided = apply_acts.acts_on(plan.patient.acts, masked, visits)
    measurements = apply_acts.measured(_measure(visits, masked, plan.patient.patient.histology), decided)
    drawn = apply_acts.counted_as_drawn(masked, decided)
    followed = follow_lesions.follow_lesions(visits, drawn, aligned.visits, reference, decided.decided.lesions)
    warped = apply_acts.only_carried_over(drawn)
    course = judge_course.course_of(plan.patient, visits, measurements, aligned.grades, followed, warped)
    course = apply_acts.on_course(course, decided)
    judged = judge_course.judge_course(course, plan.criteria)
    findings = (
        *(finding for visit in visits for finding in visit.findings),
        *read_visits.protocol_changes(visits, reference),
        *(finding for visit in visits for finding in given[visit.session_id].findings),
        *(row for name in masked for row in masked[name].findings if row not in given[name].findings),
        *aligned.findings,
        *mask_findings,
        *_show(visits, masked, aligned.visits, reference, plan.out_dir),
        *measure_visits.cut_off(measurements),
        *measure_visits.unmeasured(visits, measurements, masked),
        *apply_acts.findings_of(decided, course, plan.criteria[0], followed.components),
    )
    return (
        plan.patient.patient,
        *(read_visits.visit_record(visit, reference) for visit in visits),
        *(scan for visit in visits for scan in visit.scans),
        *plan.patient.treatments,
        *plan.patient.function_scores,
        *(row for visit in aligned.visits.values() for row in visit.rows),
        *aligned.sequences,
        *(row for visit in visits for row in masked[visit.session_id].rows),
        *(row for visit in visits for row in masked[visit.session_id].signals),
        *measurements,
        *_describe(visits, drawn, aligned, reference, plan.out_dir),
        *followed.components,
        *judged,
        *compare_protocols.how_made(visits, derivatives.of_kind(judged, records.Assessment)),
        *judge_context.beside(course, measurements, plan.criteria[0]),
        *schedule_scan.next_scans(plan.patient.patient, course, visits, plan.criteria[0].baseline, plan.schedules),
        *findings,
    )


def _align(
    visits: Sequence[read_visits.ReadVisit],
    reference: read_visits.ReadVisit | None,
    given: Mapping[str, mask_visits.MaskedVisit],
    out_dir: Path,
) -> Aligned:
    if reference is None:
        return Aligned({}, (), ())
    lesion = mask_visits.lesion_region(given[reference.session_id])
    found: dict[str, align_visits.AlignedVisit] = {}
    sequences: list[records.Registration] = []
    findings: list[records.Finding] = []
    before: list[read_visits.ReadVisit] = []
    for visit in (visit for visit in visits if visit.image is not None):
        earlier = align_visits.visit_before(before, found)
        work = partial(align_visits.align_visit, reference, visit, lesion, earlier, out_dir)
        one = _attempt(work, visit, "align", findings)
        if one is not None:
            found[visit.session_id] = one
        before.append(visit)
        rows = _attempt(partial(align_visits.align_sequences, visit, out_dir), visit, "align", findings)
        sequences += rows or ()
    return Aligned(found, tuple(sequences), tuple(findings))


def _mask(
    visits: Sequence[read_visits.ReadVisit],
    given: Mapping[str, mask_visits.MaskedVisit],
    aligned: Aligned,
    plan: PatientPlan,
) -> tuple[dict[str, mask_visits.MaskedVisit], tuple[records.Finding, ...]]:
    """Give each visit its masks: those of the study folder, else automatic ones, and in their place corrected ones."""
    people = apply_acts.acts_on(plan.patient.acts, given, visits)
    drawings = use_drawings.drawings_of(visits, people.decided.corrected, plan.out_dir)
    if plan.mask_source is not None:
        masked, findings = _draw(visits, given, aligned, plan.mask_source, plan.out_dir)
    else:
        by_people = use_drawings.with_drawings(visits, given, drawings)
        offered = apply_acts.sources(by_people, apply_acts.acts_on(plan.patient.acts, by_people, visits))
        masked, findings = _find_again(visits, given, offered, aligned, plan)
    return use_drawings.with_drawings(visits, masked, drawings), findings


def _find_again(
    visits: Sequence[read_visits.ReadVisit],
    given: Mapping[str, mask_visits.MaskedVisit],
    offered: Mapping[str, mask_visits.MaskedVisit],
    aligned: Aligned,
    plan: PatientPlan,
) -> tuple[dict[str, mask_visits.MaskedVisit], tuple[records.Finding, ...]]:
    """Find the masks of visits that nobody drew on in the study folder again, from the masks that people offer."""
    placed = [visit for visit in visits if visit.session_id in aligned.visits]
    order = [visit.session_id for visit in placed]
    treatments = plan.patient.treatments
    sources = choose_donor.sources(placed, offered, treatments)
    masked = dict(given)
    findings: list[records.Finding] = []
    for visit in (visit for visit in placed if not given[visit.session_id].is_drawn_on):
        name, chosen = visit.session_id, choose_donor.choose_sources(visit, placed, sources, treatments)
        if not chosen:
            continue
        operated = choose_donor.operated_between(visit, chosen[0], treatments)
        pairs = [(other, sources[other.session_id]) for other in chosen]
        work = partial(refind_masks.automatic_masks, visit, pairs, aligned.visits, plan.out_dir)
        made = _attempt(partial(work, operated_between=operated), visit, "mask", findings)
        if made is None:
            continue
        if made.masks and not operated:
            drawn = search_signal.before(name, order, chosen[0].session_id, sources)
            look = partial(search_signal.with_new_signal, visit, chosen[0], made, drawn, aligned.visits, plan.out_dir)
            made = _attempt(look, visit, "signal", findings) or made
        masked[name] = made
    return masked, tuple(findings)


def _draw(
    visits: Sequence[read_visits.ReadVisit],
    given: Mapping[str, mask_visits.MaskedVisit],
    aligned: Aligned,
    program: MaskSource,
    out_dir: Path,
) -> tuple[dict[str, mask_visits.MaskedVisit], tuple[records.Finding, ...]]:
    """Let the study's mask source draw on every visit that nobody drew on."""
    wanted = {contrast for accepted in program.channels for contrast in accepted}
    masked, findings = dict(given), list[records.Finding]()
    for visit in (v for v in visits if v.image is not None and not given[v.session_id].is_drawn_on):
        seen = partial(align_visits.scans_on_anchor, visit, aligned.sequences, wanted, out_dir)
        scans = _attempt(seen, visit, "mask", findings)
        if scans is not None:
            work = partial(model_masks.sourced_masks, visit, program, scans, aligned.sequences, out_dir)
            masked[visit.session_id] = _attempt(work, visit, "mask", findings) or given[visit.session_id]
    return masked, tuple(findings)


def _measure(
    visits: Sequence[read_visits.ReadVisit], masked: Mapping[str, mask_visits.MaskedVisit], histology: str | None
) -> tuple[records.Measurement, ...]:
    compartments = measure_visits.compartments_of(visits, masked.values())
    return tuple(
        row
        for visit in visits
        for row in measure_visits.measure_visit(visit, masked[visit.session_id], compartments, histology)
    )


def _describe(
    visits: Sequence[read_visits.ReadVisit],
    drawn: Mapping[str, mask_visits.MaskedVisit],
    aligned: Aligned,
    reference: read_visits.ReadVisit | None,
    out_dir: Path,
) -> tuple[records.CordProfile | records.Shape | records.Level | records.Disc | records.Finding, ...]:
    findings: list[records.Finding] = []
    line = describe_shape.centre_line(visits, drawn, aligned.visits, reference)
    known = place_levels.find_levels(visits, aligned.visits, reference, line.line if line else None)
    rows: list[records.CordProfile | records.Shape | records.Level] = []
    for visit in (visit for visit in visits if drawn[visit.session_id].primary):
        name = visit.session_id
        work = partial(describe_shape.describe_visit, visit, drawn[name], aligned.visits.get(name), line, known)
        seen = partial(align_visits.scans_on_anchor, visit, aligned.sequences, describe_shape.CONTRASTS, out_dir)
        scans = _attempt(seen, visit, "shape", findings)
        rows += (_attempt(partial(work, scans), visit, "shape", findings) or ()) if scans is not None else ()
    return (*rows, *known.rows, *known.findings, *findings)


def _show(
    visits: Sequence[read_visits.ReadVisit],
    masked: Mapping[str, mask_visits.MaskedVisit],
    aligned: Mapping[str, align_visits.AlignedVisit],
    reference: read_visits.ReadVisit | None,
    out_dir: Path,
) -> tuple[records.Finding, ...]:
    if reference is None or reference.image is None:
        return ()
    grid: Volume = reference.image
    findings: list[records.Finding] = []
    for visit in (visit for visit in visits if visit.session_id in aligned):
        name = visit.session_id
        _attempt(
            partial(draw_labels.save_display_masks, visit, masked[name], aligned[name], grid, out_dir),
            visit,
            "display",
            findings,
        )
    return tuple(findings)


def _attempt(
    work: Callable[[], Result], visit: read_visits.ReadVisit, step: str, findings: list[records.Finding]
) -> Result | None:
    """Do one step of one visit; a failure is recorded and the next visit goes on."""
    patient_id = visit.visit.patient_id
    where = f"{patient_id} {visit.session_id}"
    try:
        return work()
    except StoreError:
        raise  # the output folder is at fault, not the visit: stop and say so
    except CordtrackError as error:
        message = f"{where}, {step}: {error}"
        findings.append(finding("step_failed", message, patient_id=patient_id, session_id=visit.session_id))
    except Exception as error:  # the border: one visit's surprise must not cost the others
        log.exception("%s, %s", where, step)
        message = f"{where}, {step}: unexpected {type(error).__name__}: {error}"
        findings.append(finding("step_crashed", message, patient_id=patient_id, session_id=visit.session_id))
    return None


def _visit_record(visit: read_visits.ReadVisit, reference: read_visits.ReadVisit | None) -> records.Visit:
    return records.Visit(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        acquired_on=visit.acquired_on,
        is_reference=reference is not None and visit.session_id == reference.session_id,
        status=visit.status,
        status_reason=visit.status_reason,
    )
