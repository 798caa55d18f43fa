"""The verdict on each visit of a course: category, state and what the eye is told.

States, in the order they are decided; each visit has exactly one:

======================  ==================================================================================
``context``             before its epoch's baseline could be made (before treatment, too early after it)
``not_evaluable``       cannot be compared, and nothing else proves progression
``baseline``            the scan that the rest of its epoch is compared with
``distant``             progression by a new lesion alone
``recurrence``          progression after a judged scan since the last surgery showed no tumour
``progression``         progression of tumour that was never gone
``no_evidence_of_disease``  no tumour seen on this scan
``response``            partial or minor response; tumour still seen
``residual_stable``     tumour seen, none of the above
======================  ==================================================================================

A visit whose mask a person drew or signed is judged by signed visits alone: what nobody signed never makes its nadir,
confirms it or refutes it. Only where the baseline itself is unsigned is everything compared, and provisional.

Cyst, syrinx, oedema and cavity are not looked at here at all. What this module refuses: a percentage of nothing,
and a nadir from a visit that could not be judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, VisitJudgement, VisitMeasure
from pipeline.judge import comparison, decline, epochs, explanation
from pipeline.judge.confirmation import confirmed
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.display_state import display_of
from pipeline.judge.epochs import Epoch
from pipeline.judge.verdict import Evidence, Verdict

SHRUNK = (DisplayState.SHRINKAGE, DisplayState.POSSIBLE_SHRINKAGE)


@dataclass(frozen=True)
class Memory:
    """What earlier visits of an epoch leave to the next one; ``scans`` are those that compare, from the baseline on."""

    nadir: VisitMeasure
    previous: VisitMeasure
    zero_seen: bool
    scans: tuple[VisitMeasure, ...] = ()
    new_lesion: VisitMeasure | None = None
    reappeared: bool = False
    asked: VisitMeasure | None = None


def judge(course: PatientCourse, criteria: ResponseCriteria) -> tuple[VisitJudgement, ...]:
    """Judge every visit of a course.

    Parameters
    ----------
    course
        Visits, treatments and function scores, in any order.
    criteria
        The rules.

    Returns
    -------
    tuple of Assessment
        One per visit, in date order. A preliminary progression that a later scan confirmed is dated back to
        where it was first seen; one that was not confirmed is stable disease.

    References
    ----------
    Each threshold's source stands beside it in the criteria file.
    """
    found: list[VisitJudgement] = []
    course = epochs.followed_tumours(course, criteria)
    zero_seen = zero_signed = False
    surgery = None
    for epoch in epochs.epochs(course, criteria):
        if epoch.after_surgery_on != surgery:
            zero_seen = zero_signed = False
        surgery = epoch.after_surgery_on
        verdicts = confirmed(tuple(_judge_epoch(course, epoch, criteria, zero_seen=zero_seen)), criteria)
        zero_seen = zero_seen or any(map(_shows_nothing, verdicts))
        signed = epochs.signed_alone(epoch)
        if signed is not None:
            alone = confirmed(tuple(_judge_epoch(course, signed, criteria, zero_seen=zero_signed)), criteria)
            verdicts = tuple(_by_signed_scans(verdict, alone) for verdict in verdicts)
        zero_signed = zero_signed or any(_shows_nothing(v) for v in verdicts if not epochs.is_unsigned(v.visit))
        found += [_assessment(verdict, course, epoch, criteria) for verdict in verdicts]
    return tuple(found)


def _by_signed_scans(verdict: Verdict, alone: Sequence[Verdict]) -> Verdict:
    """Return what signed scans alone say of a signed visit; name an unsigned smaller size that was left out."""
    own = next((one for one in alone if one.visit is verdict.visit), None)
    if own is None or epochs.is_unsigned(verdict.visit):
        return verdict
    nadir, by_all = own.reference_visit("nadir"), verdict.reference_visit("nadir")
    return replace(own, passed_over=by_all if nadir is not by_all else None)


def _judge_epoch(
    course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria, *, zero_seen: bool
) -> Iterator[Verdict]:
    """Yield a verdict for each scan of one epoch, before confirmation."""
    memory = None
    changes = decline.declines(course, epoch, criteria.clinical)
    for visit in epoch.visits:
        if memory is None:
            verdict = _before_or_at_baseline(visit, epoch, criteria)
            if verdict.state == State.BASELINE:
                memory = Memory(visit, visit, zero_seen or visit.volume_mm3 == 0, (visit,))
        else:
            lost = decline.decline_at(changes, visit.acquired_on)
            evidence = _evidence(visit, epoch, memory, course, criteria, lost)
            verdict = _verdict(visit, evidence, memory, criteria)
            memory = _asking(_remember(memory, visit, evidence, criteria), verdict)
        yield verdict


def _before_or_at_baseline(visit: VisitMeasure, epoch: Epoch, criteria: ResponseCriteria) -> Verdict:
    if epoch.baseline is visit:
        nothing = epochs.value_of(visit, criteria.metric) == 0
        display = DisplayState.NONE_SEEN if nothing else DisplayState.NO_CHANGE
        return Verdict(visit, Category.SD, State.BASELINE, display, Evidence())
    too_early = epoch.eligible_on is None or visit.acquired_on < epoch.eligible_on
    unusable = epochs.why_not_judged(visit, criteria)
    if too_early or unusable is None:
        return Verdict(visit, Category.NE, State.CONTEXT, DisplayState.NOT_EVALUABLE, Evidence())
    return _not_evaluable(visit, Evidence(unusable=unusable))


def _not_evaluable(visit: VisitMeasure, evidence: Evidence) -> Verdict:
    return Verdict(visit, Category.NE, State.NOT_EVALUABLE, DisplayState.NOT_EVALUABLE, evidence)


def _evidence(
    visit: VisitMeasure,
    epoch: Epoch,
    memory: Memory,
    course: PatientCourse,
    criteria: ResponseCriteria,
    lost: str,
) -> Evidence:
    """Gather what a visit shows against its epoch's baseline and nadir."""
    baseline = epoch.baseline
    assert baseline is not None  # there is a memory only from the baseline on
    exempt = epochs.makes_new_tumours(course.syndrome, criteria.new_lesion)
    new_lesion = visit if visit.new_lesion and not exempt else memory.new_lesion
    elsewhere = exempt and (visit.new_lesion or visit.new_tumour_mm3 > 0)
    unusable = epochs.why_not_judged(visit, criteria) or comparison.series_break(visit, baseline)
    if unusable is not None:
        return Evidence(unusable=unusable, new_lesion=new_lesion, new_tumour_elsewhere=elsewhere, decline=lost)
    return Evidence(
        baseline=comparison.compare(visit, baseline, criteria.metric, memory.scans),
        nadir=comparison.compare(visit, memory.nadir, criteria.metric, memory.scans),
        previous=memory.previous,
        new_lesion=new_lesion,
        new_tumour_elsewhere=elsewhere,
        decline=lost,
        window=epochs.growth_window(course, visit.acquired_on, criteria),
        asked=memory.asked,
    )


def _verdict(visit: VisitMeasure, evidence: Evidence, memory: Memory, criteria: ResponseCriteria) -> Verdict:
    """Decide category, state and display of one scan after the baseline."""
    grown = _has_grown(visit, evidence, memory, criteria)
    if grown or evidence.new_lesion or evidence.decline:
        category = Category.PD
    elif evidence.nadir is None:
        return _not_evaluable(visit, evidence)
    else:
        category = _below_progression(evidence, criteria)
    only_growth = grown and not (evidence.new_lesion or evidence.decline)
    return Verdict(
        visit,
        category,
        _state(category, evidence, grown=grown, zero_seen=memory.zero_seen),
        display_of(evidence, criteria, grown=grown),
        evidence,
        grown=grown,
        preliminary=only_growth and evidence.window is not None,
    )


def _has_grown(visit: VisitMeasure, evidence: Evidence, memory: Memory, criteria: ResponseCriteria) -> bool:
    """Say whether growth by the criteria's rule is proven, ignoring windows and new lesions."""
    found = evidence.reference(criteria)
    if found is None:
        return False
    if evidence.nadir is not None and evidence.nadir.reference_value == 0:
        on_enough_slices = (visit.slices_spanned or 0) >= criteria.reappearance.min_slices
        return comparison.reappears(visit, criteria) and (on_enough_slices or memory.reappeared)
    return comparison.proven_growth(found, criteria)


def _below_progression(evidence: Evidence, criteria: ResponseCriteria) -> Category:
    """Choose among the categories of a comparable scan that is not progression.

    Tumour seen again after none was seen is no longer a response, even where smaller than at baseline.
    """
    against, nadir = evidence.baseline, evidence.nadir
    if against is None or nadir is None or against.reference_value == 0:
        return Category.SD
    if against.value == 0:
        return Category.CR
    measurable = comparison.at_least(against.reference_value, criteria.measurable.min_value)
    if nadir.reference_value == 0 or not measurable:
        return Category.SD
    if comparison.shrank_to(against, criteria.response.ratio):
        return Category.PR
    minor = criteria.minor_response
    is_minor = minor is not None and comparison.shrank_to(against, minor.ratio)
    return Category.MR if is_minor else Category.SD


def _state(category: Category, evidence: Evidence, *, grown: bool, zero_seen: bool) -> State:
    if category == Category.PD:
        if evidence.new_lesion and not grown and not evidence.decline:
            return State.DISTANT
        return State.RECURRENCE if zero_seen else State.PROGRESSION
    if evidence.nadir is not None and evidence.nadir.value == 0:
        return State.NO_EVIDENCE
    return State.RESPONSE if category in (Category.PR, Category.MR) else State.RESIDUAL_STABLE


def _remember(memory: Memory, visit: VisitMeasure, evidence: Evidence, criteria: ResponseCriteria) -> Memory:
    """Carry on what a visit adds; one that could not be compared adds only its new lesion."""
    if evidence.nadir is None:
        return replace(memory, new_lesion=evidence.new_lesion)
    smaller = evidence.nadir.value < evidence.nadir.reference_value
    return Memory(
        nadir=visit if smaller else memory.nadir,
        previous=visit,
        zero_seen=memory.zero_seen or evidence.nadir.value == 0,
        scans=(*memory.scans, visit),
        new_lesion=evidence.new_lesion,
        reappeared=comparison.reappears(visit, criteria),
        asked=memory.asked,
    )


def _asking(memory: Memory, verdict: Verdict) -> Memory:
    """Carry on the first of the scans in a row whose growth is possible and not proven."""
    if not verdict.is_judged:
        return memory
    open_growth = verdict.display == DisplayState.POSSIBLE_GROWTH and not verdict.grown
    return replace(memory, asked=(memory.asked or verdict.visit) if open_growth else None)


def _shows_nothing(verdict: Verdict) -> bool:
    judged = verdict.state == State.BASELINE or verdict.evidence.nadir is not None
    return judged and verdict.visit.volume_mm3 == 0


def _assessment(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> VisitJudgement:
    compared = verdict.compared_with(criteria)
    is_baseline = verdict.state == State.BASELINE
    baseline = verdict.visit if is_baseline else verdict.reference_visit("baseline")
    nadir = verdict.visit if is_baseline else verdict.reference_visit("nadir")
    interval = compared.interval if compared else None
    return VisitJudgement(
        session_id=verdict.visit.session_id,
        acquired_on=verdict.visit.acquired_on,
        criteria_id=criteria.criteria_id,
        criteria_version=criteria.version,
        category=verdict.category,
        state=verdict.state,
        display_state=verdict.display,
        confirmed=verdict.confirmed,
        provisional=verdict.is_provisional,
        epoch=epoch.number,
        baseline_session_id=baseline.session_id if baseline else None,
        nadir_session_id=nadir.session_id if nadir else None,
        previous_session_id=verdict.evidence.previous.session_id if verdict.evidence.previous else None,
        change_ratio=compared.ratio if compared else None,
        detection_limit_ratio=_detection_limit(compared),
        probability=_probability(verdict, criteria),
        reason=explanation.reason(verdict, course, epoch, criteria),
        change_low_ratio=interval.low if interval else None,
        change_high_ratio=interval.high if interval else None,
    )


def _detection_limit(compared: comparison.Comparison | None) -> float | None:
    """Return the factor, up or down, beyond which the reading would be called."""
    limit = compared.limit_ratio if compared is not None else None
    return None if limit is None else max(limit, 1 / limit)


def _probability(verdict: Verdict, criteria: ResponseCriteria) -> float | None:
    """Return how probable it is that the true change lies beyond the threshold of what is shown.

    That is the category's own threshold; where a shrinkage is shown that is no response, the mirror image of growth
    against the baseline, which the word rests on. None where no size decided.
    """
    compared, threshold = verdict.compared_with(criteria), verdict.threshold_ratio(criteria)
    if verdict.category == Category.SD and verdict.display in SHRUNK:
        compared, threshold = verdict.evidence.baseline, 1 / criteria.progression.ratio
    if compared is None or (verdict.category == Category.PD and not verdict.grown):
        return None
    return comparison.probability(compared, threshold)
