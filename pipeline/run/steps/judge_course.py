"""Last step: judge the course of one patient under every set of criteria."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pipeline.core import records, vocabulary
from pipeline.core.history import function_grades, treatment_events
from pipeline.core.syndromes import Syndrome, syndromes_in
from pipeline.core.vocabulary import Compartment
from pipeline.core.written_day import first_possible, last_possible, written
from pipeline.judge import decline, division, endpoint_readings, endpoints, epochs, series_numbers
from pipeline.judge.best_response import CourseResponse
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.kind_rows import kind_evidence
from pipeline.judge.response import JudgedCourse, judge_whole
from pipeline.lesions.matching import OUT_OF_VIEW
from pipeline.measure.imported_sizes import IMPORTED
from pipeline.measure.measurement_error import ASSUMED
from pipeline.run.steps import judge_lesions, judge_readings
from pipeline.run.steps.apply_acts import only_carried_over
from pipeline.run.steps.patient_work import FollowedLesions, PatientWork
from pipeline.run.steps.verdict_columns import verdict_columns
from pipeline.run.steps.visit_work import VisitWork
from pipeline.study.study_folder import StudyPatient

VerdictRow = (
    records.Assessment
    | records.LesionAssessment
    | records.ReadingAssessment
    | records.SeriesEstimate
    | records.Endpoint
    | records.BestResponse
    | records.KindEvidence
)
CARRIED_OVER = (
    "its mask was only carried over from another visit, which cannot show growth or shrinkage; "
    "draw a mask on this visit's scan to have it judged"
)


def judge_patient(work: PatientWork) -> PatientWork:
    """Judge the patient's course under every set of criteria."""
    course = course_with_acts(work)
    return replace(work, course=course).adding(*judge_course(course, work.plan.criteria, work.lesions, work.measured))


def course_with_acts(work: PatientWork) -> vocabulary.PatientCourse:
    """Gather what judgement may look at, with the baselines that people pinned."""
    course = course_of(work.plan.patient, work.visits, work.lesions)
    decided = work.acts.decided
    return replace(
        course, pinned_baselines=tuple(decided.pinned), pinned_by=decided.pinned, pinned_on=decided.pinned_on
    )


def course_of(
    patient: StudyPatient, visits: Sequence[VisitWork], followed: FollowedLesions
) -> vocabulary.PatientCourse:
    """Gather what judgement may look at: visits with their solid tumour, undated ones apart, treatments and function.

    Parameters
    ----------
    visits
        Measured, and decided about: a mask that was only warped from another visit cannot be judged until somebody
        accepts it as right.
    followed
        What lesion matching found: sessions with an unequivocal new lesion, and the volume of new tumours.
    """
    unseen = out_of_view(followed, patient.patient.syndrome)
    judgeable = [
        _visit_measure(visit, visit.read.acquired_on, followed, unseen.get(visit.session_id))
        for visit in visits
        if visit.read.acquired_on is not None
    ]
    first, last = vocabulary.ANY_DAY
    undated = (
        (visit, _visit_measure(visit, first, followed, unseen.get(visit.session_id)))
        for visit in visits
        if visit.read.acquired_on is None and not visit.read.visit.is_to_come
    )
    return vocabulary.PatientCourse(
        patient_id=patient.patient.patient_id,
        visits=tuple(judgeable),
        undated=tuple(replace(one, acquired_by=last) for visit, one in undated if _shows_something(visit, one)),
        treatments=treatment_events(patient.treatments),
        function_scores=function_grades(patient.function_scores),
        histology=patient.patient.histology,
        syndrome=patient.patient.syndrome,
        died_on=_span(patient.patient.died_on, patient.patient.died_by),
        last_contact_on=_span(patient.patient.last_contact_on, patient.patient.last_contact_by),
        is_enhancing=patient.patient.is_enhancing,
    )


def _span(first: date | None, last: date | None) -> date | None:
    """Return a day that knows its span, where only a month or a year is known."""
    return first if first is None or last is None else written(first, first, last)


def judge_course(
    course: vocabulary.PatientCourse,
    criteria: Sequence[ResponseCriteria],
    followed: FollowedLesions | None = None,
    measurements: Sequence[records.Measurement] = (),
) -> tuple[VerdictRow, ...]:
    """Judge every dated visit under each set of criteria, each lesion of several, best responses, time to progression.

    With a cyst or an enhancing part measured, the readings of those stand beside the verdicts on solid tumour. Best
    responses and the times to an event are those of the total, as the criteria define them; beside them stands the time
    to progression of any lesion.

    Parameters
    ----------
    course
        The patient's.
    criteria
        The rules.
    followed
        Each lesion from visit to visit; None where lesions were not told apart.
    measurements
        Of all compartments, for what is told beside the tumour.
    """
    followed = followed or FollowedLesions()
    sizes = judge_lesions.sizes_of(course, followed)
    verdict_rows: list[VerdictRow] = []
    for rule in criteria:
        judged = judge_whole(course, rule)
        lesions = judge_lesions.judge_lesions(course, followed, sizes, rule)
        outcomes = _endpoints(course, rule, judged, lesions)
        left_out_mm3 = epochs.left_out_mm3(course, rule)
        verdict_rows += [
            _assessment(course.patient_id, lesions.leading(one), left_out_mm3.get(one.session_id, 0.0))
            for one in judged.judgements
        ]
        verdict_rows += lesions.rows(course.patient_id)
        verdict_rows += judge_readings.reading_rows(course, judged.judgements, rule)
        verdict_rows += series_numbers.of_compartments(course.patient_id, judged.judgements, measurements)
        verdict_rows += [_best_response(course.patient_id, rule, response) for response in judged.best_responses]
        verdict_rows += [_endpoint(course.patient_id, rule, outcome) for outcome in outcomes]
        verdict_rows += kind_evidence(course.patient_id, rule, judged)
    return tuple(verdict_rows)


def _endpoints(
    course: vocabulary.PatientCourse,
    rule: ResponseCriteria,
    judged: JudgedCourse,
    lesions: judge_lesions.LesionVerdicts,
) -> tuple[endpoints.TimeToEvent, ...]:
    ways = [(one.course, one.judgements) for one in judged.readings] or [(course, judged.judgements)]
    total = endpoint_readings.of_readings([_read(one, judgements, rule) for one, judgements in ways])
    whole = _read(course, judged.judgements, rule)
    of_lesions = endpoint_readings.of_any_lesion(whole, lesions.by_session, total)
    named = endpoint_readings.naming_lesions(total, of_lesions)
    return named if of_lesions is None else (*named, of_lesions)


def _read(
    course: vocabulary.PatientCourse, judgements: Sequence[vocabulary.VisitJudgement], rule: ResponseCriteria
) -> endpoint_readings.OutcomeReading:
    losses = decline.proven(course, division.divided(course, rule), rule.clinical)
    return endpoint_readings.OutcomeReading(course, judgements, losses)


def out_of_view(followed: FollowedLesions, syndrome: str | None) -> dict[str, str]:
    """Say of each visit whose scan does not reach a lesion of earlier ones which that is: its tumour is a lower bound.

    Of a scan without a day those count that the first dated one shows: others may not have been there yet, and what a
    later scan shows must not change what was said before it. New tumours of a syndrome that makes them are no part of
    what is judged, in view or not.
    """
    makes_tumours = syndromes_in(syndrome) - {Syndrome.NONE, Syndrome.UNKNOWN}
    left_out = followed.new_tumours if makes_tumours else frozenset()
    first = followed.linked.first_looked
    at_first = {row.lesion_id for row in followed.components if row.session_id == first and row.volume_mm3}
    undated = [row for row in followed.undated_components if row.lesion_id in at_first]
    names: dict[str, list[str]] = {}
    for row in (*followed.components, *undated):
        if row.missing_reason == OUT_OF_VIEW and row.lesion_id not in left_out:
            names.setdefault(row.session_id, []).append(row.lesion_id)
    of_scans = dict.fromkeys((row.session_id for row in undated), "the first dated scan")
    return {
        session_id: f"{' and '.join(missing)} of {of_scans.get(session_id, 'earlier scans')} "
        f"{'lies' if len(missing) == 1 else 'lie'} {OUT_OF_VIEW}"
        for session_id, missing in names.items()
    }


def _visit_measure(
    visit: VisitWork, acquired_on: date, followed: FollowedLesions, unseen: str | None
) -> vocabulary.VisitMeasure:
    tumour = next((row for row in visit.measured if row.compartment == Compartment.TUMOUR), None)
    enhancing = next((row for row in visit.measured if row.compartment == Compartment.ENHANCING), None)
    anchor = next((scan for scan in visit.read.scans if scan.is_anchor), None)
    when = vocabulary.VisitMeasure(
        visit.session_id,
        acquired_on,
        None,
        plane=anchor.plane if anchor else None,
        leptomeningeal=visit.read.seeding,
        acquired_by=last_possible(acquired_on),
        acquired_at=visit.read.visit.acquired_at,
        cyst=judge_readings.part_of(visit, Compartment.CYST),
        enhancing=judge_readings.part_of(visit, Compartment.ENHANCING),
    )
    why_excluded = visit.out_of_use.get(Compartment.TUMOUR)
    if why_excluded is not None:
        return replace(when, missing_reason=why_excluded)
    readable = [scan.contrast for scan in visit.read.scans if scan.unreadable_reason is None]
    is_new_lesion = visit.session_id in followed.new_lesion_sessions
    withdrawn = followed.withdrawn_visits.get(visit.session_id)
    measure = replace(
        when,
        volume_mm3=tumour.volume_mm3 if tumour else None,
        volume_cv=tumour.volume_cv if tumour else None,
        cv_is_assumed=tumour is not None and tumour.cv_source == ASSUMED,
        product_mm2=tumour.product_mm2 if tumour else None,
        longest_mm=tumour.longest_mm if tumour else None,
        slices_spanned=tumour.slices_spanned if tumour else None,
        mask_origin=_mask_origin(tumour),
        contrast=anchor.contrast if anchor else None,
        contrasts=frozenset(readable) if anchor else None,
        certificate=visit.grade,
        new_lesion=is_new_lesion or any(size.new_lesion for size in visit.read.visit.imported),
        enhancing_mm3=enhancing.volume_mm3 if enhancing else None,
        new_tumour_mm3=followed.new_tumour_mm3.get(visit.session_id, 0.0),
        missing_reason=tumour.missing_reason if tumour else visit.read.status_reason,
        bound_reason=(tumour.bound_reason if tumour else None) or unseen,
        signed_off=visit.decided.is_accepted,
        withdrawn_on=withdrawn.withdrawn_on if withdrawn else None,
        withdrawn_words=withdrawn.words if withdrawn else None,
    )
    return _without_size(measure) if only_carried_over(visit) else measure


def _shows_something(visit: VisitWork, measure: vocabulary.VisitMeasure) -> bool:
    """Say whether a scan of an unknown day shows anything that verdicts on others may rest on, be it one lesion."""
    sizes = (measure.volume_mm3, measure.product_mm2, measure.longest_mm)
    is_used = not visit.out_of_use.get(Compartment.TUMOUR)
    has_lesion = is_used and any(lesion.has_size for lesion in visit.read.visit.imported_lesions.values())
    is_marked = measure.new_lesion or bool(measure.leptomeningeal)
    return any(size is not None for size in sizes) or is_marked or has_lesion


def _without_size(visit: vocabulary.VisitMeasure) -> vocabulary.VisitMeasure:
    return replace(
        visit,
        volume_mm3=None,
        volume_cv=None,
        product_mm2=None,
        longest_mm=None,
        missing_reason=CARRIED_OVER,
        bound_reason=None,
    )


def _mask_origin(tumour: records.Measurement | None) -> vocabulary.MaskOrigin | None:
    """Return who drew the mask behind a measurement; None where there is none, as behind imported numbers."""
    origin = tumour.mask_origin if tumour else None
    return None if origin in (None, IMPORTED) else vocabulary.MaskOrigin(origin)


def _assessment(patient_id: str, judgement: vocabulary.VisitJudgement, left_out_mm3: float) -> records.Assessment:
    return records.Assessment(
        **verdict_columns(patient_id, judgement),
        previous_session_id=judgement.previous_session_id,
        change_low_ratio=judgement.change_low_ratio,
        change_high_ratio=judgement.change_high_ratio,
        next_nadir_session_id=judgement.next_nadir_session_id,
        progression_from_mm3=judgement.progression_from_mm3,
        left_out_mm3=left_out_mm3,
    )


def _endpoint(patient_id: str, rule: ResponseCriteria, endpoint: endpoints.TimeToEvent) -> records.Endpoint:
    return records.Endpoint(
        patient_id=patient_id,
        criteria_id=rule.criteria_id,
        endpoint_id=endpoint.endpoint_id,
        time_zero_on=first_possible(endpoint.time_zero_on),
        ended_on=first_possible(endpoint.ended_on),
        is_event=endpoint.is_event,
        reason=endpoint.reason,
        shortest_days=endpoint.shortest_days,
        longest_days=endpoint.longest_days,
        is_competing=endpoint.is_competing,
    )


def _best_response(patient_id: str, rule: ResponseCriteria, response: CourseResponse) -> records.BestResponse:
    return records.BestResponse(
        patient_id=patient_id,
        criteria_id=rule.criteria_id,
        epoch=response.epoch,
        look=str(response.look),
        course=str(response.course),
        cause=response.cause,
        best=str(response.best),
        baseline_session_id=response.baseline_session_id,
        time_zero_on=_stored(response.time_zero_on),
        best_on=_stored(response.best_on),
        lasts_from_on=_stored(response.lasts_from_on),
        ended_on=_stored(response.ended_on),
        is_event=response.is_event,
        is_provisional=response.is_provisional,
        reason=response.reason,
    )


def _stored(day: date | None) -> date | None:
    placed = None if day is None else first_possible(day)
    return None if placed == vocabulary.ANY_DAY[0] else placed
