"""The verdict on each visit of a patient: category, state and what the eye is told, as known now and as judged then.

States; each visit has exactly one:

======================  ==================================================================================
``context``             too early after treatment to be its course's baseline
``not_evaluable``       cannot be compared, and nothing else proves progression
``baseline``            the scan that the rest of its course is compared with
``distant``             progression by a new lesion alone
``recurrence``          progression after a judged scan since the last surgery showed no tumour that was there before
``progression``         progression of tumour that was never gone, or tumour where none was seen before
``no_evidence_of_disease``  no tumour seen on this scan
``response``            partial or minor response; tumour still seen
``seen_again``          tumour seen after none was seen, the first of all included, too small or uncertain to be called
``residual_stable``     tumour that surgery left, none of the above
``stable``              tumour that nobody operated on or that came again, none of the above
======================  ==================================================================================

*Tumour where none was seen before*: every earlier scan is known to show none, neither a size nor a cyst, an enhancing
part or a mark, and no treatment of a tumour is known to have begun by its first sighting. One scan that was not
measured, one treatment, or a day that is not known and decides it make it a recurrence, as after a resection.

*As known now* looks at everything: a preliminary verdict is confirmed, refuted or dated back. *As judged then* looks
at scans, treatments, function scores and pins up to the day of the scan, so that nothing later can change it.

A visit whose mask a person drew or signed is judged by signed visits alone: what nobody signed never makes its nadir,
confirms it or refutes it. Only where the baseline itself is unsigned is everything compared, and provisional.

Cyst, syrinx, oedema and cavity are not looked at here at all.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import takewhile

from pipeline.core.vocabulary import (
    ANY_DAY,
    Category,
    CourseKind,
    DisplayState,
    PatientCourse,
    State,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.core.written_day import written
from pipeline.judge import best_response, comparison, division, epoch_verdicts, epochs, explanation, exposure
from pipeline.judge.best_response import CourseResponse
from pipeline.judge.confirmation import confirmed
from pipeline.judge.criteria import Metric, Reference, ResponseCriteria
from pipeline.judge.epoch_verdicts import Earlier
from pipeline.judge.epochs import Epoch
from pipeline.judge.knowledge import (
    Placed,
    PlacedHistory,
    agreed,
    judgement_of,
    known,
    known_by,
    readings,
    then,
    without_withdrawn,
)
from pipeline.judge.series_calls import ByKind
from pipeline.judge.series_numbers import of_verdict
from pipeline.judge.verdict import Verdict

SHRUNK = (DisplayState.SHRINKAGE, DisplayState.POSSIBLE_SHRINKAGE)


@dataclass(frozen=True)
class JudgedReading:
    """One way to place what has no day, with its verdicts in date order, which have no sizes and no sentences."""

    course: PatientCourse
    judgements: tuple[VisitJudgement, ...]


@dataclass(frozen=True)
class LastByKind:
    """What each kind of tumour says of the last visit, and the course that it was judged in."""

    session_id: str
    course: CourseKind
    by_kind: ByKind


@dataclass(frozen=True)
class JudgedCourse:
    """One verdict per visit in date order, and the best response of each course of the history by both looks.

    ``readings`` are the ways to place what has no day, where there are more than one; ``kinds`` is how well each kind
    of tumour fits the last visit, which decides nothing here.
    """

    judgements: tuple[VisitJudgement, ...]
    best_responses: tuple[CourseResponse, ...]
    readings: tuple[JudgedReading, ...] = ()
    kinds: LastByKind | None = None


def judge(course: PatientCourse, criteria: ResponseCriteria) -> tuple[VisitJudgement, ...]:
    """Judge every visit of a patient, as known now and as judged then.

    Parameters
    ----------
    course
        Visits, treatments and function scores, in any order.
    criteria
        The rules.

    Returns
    -------
    tuple of VisitJudgement
        One per visit, in date order. A preliminary progression that a later scan confirmed is dated back to
        where it was first seen; one that was not confirmed is stable disease.

    References
    ----------
    Each threshold's source stands beside it in the criteria file.
    """
    return judge_whole(course, criteria).judgements


def judge_whole(course: PatientCourse, criteria: ResponseCriteria) -> JudgedCourse:
    """Judge every visit of a patient, as :func:`judge` does, and read each course's best response from the verdicts."""
    course = _with_undated(course)
    measured = {visit.session_id: visit for visit in course.visits}
    course = epochs.followed_tumours(course, criteria)
    standing = without_withdrawn(course, date.max)
    by_reading = readings(standing, criteria, _placed)
    placed = [one for one in agreed(by_reading, standing, criteria, _placed) if not _is_undated(one, course)]
    judgements = ((replace(_judgement(one, criteria), series=of_verdict(one.verdict, measured)), one) for one in placed)
    whole = tuple(_with_then(judgement, one, course, criteria) for judgement, one in judgements)
    several = by_reading if len(by_reading) > 1 else ()
    possible = tuple(_reading(one, criteria) for one in several)
    kinds = _last_by_kind(whole, placed, criteria)
    return JudgedCourse(whole, best_response.of_readings(by_reading, criteria), possible, kinds)


def _reading(one: PlacedHistory, criteria: ResponseCriteria) -> JudgedReading:
    """Return what decides an outcome by one reading."""
    judgements = []
    course = one.history.course
    for placed in (placed for placed in one.placed if not _is_undated(placed, course)):
        verdict, scan_pair = placed.verdict, placed.verdict.compared_with(criteria)
        is_open = verdict.display == DisplayState.POSSIBLE_GROWTH
        judgements.append(
            replace(
                judgement_of(placed, criteria, ()),
                provisional=verdict.is_provisional,
                detection_limit_ratio=_detection_limit(scan_pair) if is_open else None,
            )
        )
    nameless = {visit.session_id for visit in course.undated}
    dated = tuple(visit for visit in course.visits if visit.session_id not in nameless)
    return JudgedReading(replace(course, visits=dated), tuple(judgements))


def _with_undated(course: PatientCourse) -> PatientCourse:
    """Put the scans whose day nobody can tell before the others, on any day, as a table has them."""
    first, last = ANY_DAY
    anywhere = (replace(one, acquired_on=written(first, first, last), acquired_by=last) for one in course.undated)
    return replace(course, visits=(*anywhere, *course.visits)) if course.undated else course


def _is_undated(placed: Placed, course: PatientCourse) -> bool:
    return any(placed.verdict.visit.session_id == visit.session_id for visit in course.undated)


def judge_visits(
    course: PatientCourse, criteria: ResponseCriteria, session_ids: Container[str]
) -> tuple[VisitJudgement, ...]:
    """Judge some visits of a patient, in date order, as :func:`judge` does all, without the numbers of the series."""
    course = epochs.followed_tumours(_with_undated(course), criteria)
    placed = known(without_withdrawn(course, date.max), criteria, _placed)
    asked = (one for one in placed if one.verdict.visit.session_id in session_ids)
    return tuple(_with_then(_judgement(one, criteria), one, course, criteria) for one in asked)


def _with_then(
    now: VisitJudgement, placed: Placed, course: PatientCourse, criteria: ResponseCriteria
) -> VisitJudgement:
    visit = next(v for v in course.visits if v.session_id == now.session_id)
    by_then = placed if _is_all_known(course, visit, placed) else then(course, visit, criteria, _placed)
    is_same = by_then.verdict == placed.verdict and by_then.epoch.cause == placed.epoch.cause
    return replace(
        now,
        acquired_on=visit.acquired_on,
        category_then=by_then.verdict.category,
        confirmed_then=by_then.verdict.confirmed,
        state_then=by_then.verdict.state,
        reason_then=now.reason
        if is_same and placed.history == by_then.history
        else explanation.reason(by_then.verdict, by_then.history, by_then.epoch, criteria),
    )


def _is_all_known(course: PatientCourse, visit: VisitMeasure, placed: Placed) -> bool:
    """Say whether all that is known now was known on the day of a visit, so that the same was judged then."""
    if visit.acquired_on < max(one.acquired_on for one in course.visits):
        return False
    by_then = without_withdrawn(known_by(course, visit), visit.acquired_on)
    return by_then == replace(placed.history, died_on=None, last_contact_on=None)


def _placed(course: PatientCourse, criteria: ResponseCriteria) -> list[Placed]:
    """Judge a history in which every day is known."""
    by_session: dict[str, Placed] = {}
    everything = signed_only = Earlier()
    surgery = None
    epochs_in_order = division.divided(course, criteria)
    for number, epoch in enumerate(epochs_in_order):
        if epoch.after_surgery_on != surgery:
            everything, signed_only = Earlier(last=everything.last), Earlier(last=signed_only.last)
        surgery = epoch.after_surgery_on
        seen = _with_pinned(epoch, epochs_in_order[number + 1 :])
        verdicts = _settled(course, seen, criteria, everything, len(epoch.visits))
        everything = _left(everything, epoch, verdicts, criteria)
        signed = epochs.signed_alone(seen)
        if signed is not None:
            alone = _settled(course, signed, criteria, signed_only, len(signed.visits))
            verdicts = tuple(_by_signed_scans(verdict, alone) for verdict in verdicts)
        by_people = [verdict for verdict in verdicts if not epochs.is_unsigned(verdict.visit)]
        signed_only = _left(signed_only, epoch, by_people, criteria)
        by_session |= _opening_baseline(epoch, by_session, course, criteria)
        by_session |= {verdict.visit.session_id: Placed(verdict, epoch, course) for verdict in verdicts}
    return [by_session[visit.session_id] for visit in epochs.in_order(course.visits)]


def _with_pinned(epoch: Epoch, later: Sequence[Epoch]) -> Epoch:
    """Return a course with the scans of those that pins alone opened behind it: they answer its open questions too."""
    behind = [visit for one in takewhile(lambda one: one.is_pinned, later) for visit in one.visits]
    return replace(epoch, visits=(*epoch.visits, *behind)) if behind else epoch


def _settled(
    course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria, earlier: Earlier, count: int
) -> tuple[Verdict, ...]:
    """Return the verdicts on the first scans of a course, settled by all of them."""
    return confirmed(tuple(epoch_verdicts.of_epoch(course, epoch, criteria, earlier)), criteria)[:count]


def _opening_baseline(
    epoch: Epoch, earlier: dict[str, Placed], course: PatientCourse, criteria: ResponseCriteria
) -> dict[str, Placed]:
    """Return the baseline of a course that an earlier one holds, where that one says nothing of it itself."""
    baseline = epoch.baseline
    if baseline is None or epoch.has_own_baseline:
        return {}
    is_judged = earlier[baseline.session_id].verdict.state not in (State.CONTEXT, State.NOT_EVALUABLE)
    if is_judged or exposure.not_understood(course, baseline.acquired_on) is not None:
        return {}
    verdict = epoch_verdicts.before_or_at_baseline(baseline, epoch, criteria)
    in_old = earlier[baseline.session_id]
    words = explanation.why_unjudged(in_old.verdict, in_old.epoch)
    verdict = replace(verdict, evidence=replace(verdict.evidence, unjudged=words))
    return {baseline.session_id: Placed(verdict, epoch, course)}


def _left(earlier: Earlier, epoch: Epoch, verdicts: Sequence[Verdict], criteria: ResponseCriteria) -> Earlier:
    """Return what is remembered after one more course: whether none was seen, the smallest size and the last scan."""
    judged = [v.visit for v in verdicts if (v.state == State.BASELINE or v.is_judged) and not v.visit.bound_reason]
    if epoch.baseline is not None:
        judged.append(epoch.baseline)
    sizes = [(size, visit) for visit in judged if (size := epochs.value_of(visit, criteria.metric)) is not None]
    smallest_size = epochs.value_of(earlier.smallest, criteria.metric) if earlier.smallest is not None else None
    smallest = earlier.smallest
    for size, visit in sizes:
        if smallest_size is None or size < smallest_size:
            smallest_size, smallest = size, visit
    zero_seen = earlier.zero_seen or any(visit.volume_mm3 == 0 for visit in judged)
    last = max((visit for _, visit in sizes), key=lambda visit: visit.acquired_on, default=earlier.last)
    return Earlier(zero_seen, smallest, last)


def _by_signed_scans(verdict: Verdict, alone: Sequence[Verdict]) -> Verdict:
    """Return what signed scans alone say of a signed visit; name an unsigned smaller size that was left out."""
    signed_verdict = next((one for one in alone if one.visit is verdict.visit), None)
    if signed_verdict is None or epochs.is_unsigned(verdict.visit):
        return verdict
    nadir, by_all = signed_verdict.reference_visit("nadir"), verdict.reference_visit("nadir")
    return replace(signed_verdict, passed_over=by_all if nadir is not by_all else None)


def _judgement(placed: Placed, criteria: ResponseCriteria) -> VisitJudgement:
    verdict = placed.verdict
    scan_pair = verdict.compared_with(criteria)
    is_baseline = verdict.state == State.BASELINE
    baseline = verdict.visit if is_baseline else verdict.reference_visit("baseline")
    nadir = verdict.visit if is_baseline else verdict.reference_visit("nadir")
    interval = scan_pair.interval if scan_pair else None
    next_nadir = verdict.visit if is_baseline else verdict.evidence.next_nadir(verdict.visit)
    return replace(
        judgement_of(placed, criteria, explanation.clauses_of(verdict, placed.history, placed.epoch, criteria)),
        provisional=verdict.is_provisional,
        baseline_session_id=baseline.session_id if baseline else None,
        nadir_session_id=nadir.session_id if nadir else None,
        previous_session_id=verdict.evidence.previous.session_id if verdict.evidence.previous else None,
        change_ratio=scan_pair.ratio if scan_pair else None,
        detection_limit_ratio=_detection_limit(scan_pair),
        probability=_probability(verdict, criteria),
        change_low_ratio=interval.low if interval else None,
        change_high_ratio=interval.high if interval else None,
        next_nadir_session_id=next_nadir.session_id if next_nadir else None,
        progression_from_mm3=_progression_from_mm3(baseline, next_nadir, criteria),
    )


def _progression_from_mm3(
    baseline: VisitMeasure | None, nadir: VisitMeasure | None, criteria: ResponseCriteria
) -> float | None:
    """Return the volume from which the next scan is progression by size; None where no volume says so."""
    reference = baseline if criteria.progression.reference == Reference.BASELINE else nadir
    if reference is None or reference.volume_mm3 is None or criteria.metric != Metric.VOLUME:
        return None
    return comparison.progression_level(reference.volume_mm3, criteria)


def _detection_limit(scan_pair: comparison.Comparison | None) -> float | None:
    """Return the factor, up or down, beyond which the reading would be called."""
    limit = scan_pair.limit_ratio if scan_pair is not None else None
    return None if limit is None else max(limit, 1 / limit)


def _probability(verdict: Verdict, criteria: ResponseCriteria) -> float | None:
    """Return how probable it is that the true change lies beyond the threshold of what is shown."""
    asked = _asked(verdict, criteria)
    return comparison.probability(*asked) if asked is not None else None


def _asked(verdict: Verdict, criteria: ResponseCriteria) -> tuple[comparison.Comparison, float] | None:
    """Return the comparison and the threshold of which a probability is said.

    That is the category's own threshold; where a shrinkage is shown that is no response, the mirror image of growth
    against the baseline, which the word rests on. None where no size decided.
    """
    scan_pair, threshold = verdict.compared_with(criteria), verdict.threshold_ratio(criteria)
    if verdict.category == Category.SD and verdict.display in SHRUNK:
        scan_pair, threshold = verdict.evidence.baseline, 1 / criteria.progression.ratio
    if scan_pair is None or (verdict.category == Category.PD and not verdict.grown):
        return None
    return scan_pair, threshold


def _last_by_kind(
    judgements: Sequence[VisitJudgement], placed: Sequence[Placed], criteria: ResponseCriteria
) -> LastByKind | None:
    """Return what each kind of tumour says of the last visit, where that has a probability."""
    if not judgements or judgements[-1].probability is None:
        return None
    asked = _asked(placed[-1].verdict, criteria)
    if asked is None or asked[0].change is None:
        return None
    last = judgements[-1]
    return LastByKind(last.session_id, last.course, asked[0].change.by_kind(asked[1]))
