"""The verdicts on the scans of one course, in date order, before any second look.

What this module refuses: a percentage of nothing, and a nadir from a visit that could not be judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.core.exchange import Exchange
from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, TreatmentEvent, VisitMeasure
from pipeline.judge import comparison, decline, epochs, exposure, lesion_exchange
from pipeline.judge.criteria import ResponseCriteria, Window
from pipeline.judge.display_state import display_of
from pipeline.judge.epochs import Epoch, SeenBefore
from pipeline.judge.verdict import Evidence, Verdict

NON_ENHANCING = "non-enhancing"
"""Where a minor response is meant for such tumour, it must be known to be."""


@dataclass(frozen=True)
class Earlier:
    """What earlier courses leave to the next.

    ``zero_seen`` and ``smallest``: whether none was seen since the last surgery, and the smallest size since. ``last``:
    the last scan judged, whatever was done since.
    """

    zero_seen: bool = False
    smallest: VisitMeasure | None = None
    last: VisitMeasure | None = None


@dataclass(frozen=True)
class Memory:
    """What earlier visits of an epoch leave to the next one; ``scans`` are those that compare, from the baseline on.

    ``seen_last``: the last judged scan showed tumour. ``lesion_repeated``: a new lesion was marked again late enough.
    ``seeded``: the last scan on which somebody looked showed seeding, so that to see it again is nothing new.
    """

    nadir: VisitMeasure
    previous: VisitMeasure
    zero_seen: bool
    new_lesion: VisitMeasure | None = None
    seeding: bool = False
    lesion_repeated: bool = False
    seen_last: bool = False
    scans: tuple[VisitMeasure, ...] = ()
    asked: VisitMeasure | None = None
    seeded: bool = False


def of_epoch(course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria, earlier: Earlier) -> Iterator[Verdict]:
    """Yield a verdict for each scan of one epoch, before confirmation."""
    memory = None
    if epoch.baseline is not None and not epoch.has_own_baseline:
        memory = _first_memory(epoch.baseline, criteria, earlier)
    changes = decline.declines(course, epoch, criteria.clinical)
    for visit in epoch.visits:
        unknown = exposure.not_understood(course, visit.acquired_on)
        if unknown is not None:
            evidence = Evidence(unusable=exposure.unknown_words(unknown), undecided=True)
            yield _not_evaluable(visit, evidence)
        elif memory is None:
            verdict = before_or_at_baseline(visit, epoch, criteria, earlier.last)
            if visit is epoch.baseline:
                memory = _first_memory(visit, criteria, earlier)
            yield verdict
        else:
            memory = replace(memory, lesion_repeated=_repeated(visit, memory, course, criteria))
            lost = decline.decline_at(changes, visit.acquired_on)
            evidence = _evidence(visit, epoch, memory, course, criteria, lost)
            if visit.bound_reason is not None and not _shows_growth(visit, evidence, memory, criteria):
                evidence = _without_sizes(evidence, visit)
            evidence = replace(evidence, smallest=_smaller_before(evidence, earlier, criteria))
            verdict = _verdict(visit, evidence, memory, epoch, course, criteria)
            memory = _asking(_remember(memory, visit, evidence), verdict)
            yield verdict


def _first_memory(baseline: VisitMeasure, criteria: ResponseCriteria, earlier: Earlier) -> Memory:
    nothing = epochs.value_of(baseline, criteria.metric) == 0
    seeded = baseline.leptomeningeal is True
    return Memory(baseline, baseline, earlier.zero_seen or nothing, scans=(baseline,), seeded=seeded)


def before_or_at_baseline(
    visit: VisitMeasure, epoch: Epoch, criteria: ResponseCriteria, last: VisitMeasure | None = None
) -> Verdict:
    """Return what is said of the baseline of an epoch, of one that it superseded, and of another scan before it.

    Parameters
    ----------
    last
        The last scan that an earlier course judged.
    """
    if epoch.baseline is visit or any(visit is earlier for earlier in epoch.superseded):
        nothing = epochs.value_of(visit, criteria.metric) == 0
        display = DisplayState.NONE_SEEN if nothing else DisplayState.NO_CHANGE
        compares = last is not None and last is not visit and comparison.series_break(visit, last) is None
        return Verdict(visit, Category.SD, State.BASELINE, display, Evidence(before=last if compares else None))
    unusable = epochs.why_no_reference(visit, criteria)
    if visit.acquired_on < epoch.eligible_on or unusable is None:
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
    seeds = visit.leptomeningeal is True and not memory.seeded
    seeding = memory.seeding or seeds
    counts = seeds or (visit.new_lesion and not exempt)
    new_lesion = memory.new_lesion or (visit if counts else None)
    is_new = visit.new_lesion or (visit.new_tumour_mm3 > 0 and visit.withdrawn_on is None)
    elsewhere = exempt and is_new and visit.leptomeningeal is not True
    unusable = epochs.why_not_judged(visit, criteria) or comparison.series_break(visit, baseline)
    shared = Evidence(
        new_lesion=new_lesion,
        new_tumour_elsewhere=elsewhere,
        decline=lost,
        seeding=seeding,
        seen_before=epochs.seen_before(visit, course, criteria),
    )
    window = exposure.growth_window(course, visit.acquired_on, criteria)
    shared = replace(shared, window=_lesion_window(shared, memory, course, criteria) or window)
    if unusable is not None:
        return replace(shared, unusable=unusable)
    return replace(
        shared,
        baseline=comparison.compare(visit, baseline, criteria.metric, memory.scans),
        nadir=comparison.compare(visit, memory.nadir, criteria.metric, memory.scans),
        previous=memory.previous,
        asked=memory.asked,
        scans=memory.scans,
    )


def _without_sizes(evidence: Evidence, visit: VisitMeasure) -> Evidence:
    """Return the evidence of a visit whose size is a lower bound and proves no growth: it proves nothing then."""
    why = evidence.unusable or epochs.lower_bound(visit)
    return replace(evidence, baseline=None, nadir=None, previous=None, asked=None, unusable=why)


def _smaller_before(evidence: Evidence, earlier: Earlier, criteria: ResponseCriteria) -> VisitMeasure | None:
    """Return the smallest scan of earlier courses since the last surgery, where it is below this course's nadir."""
    if earlier.smallest is None or evidence.nadir is None:
        return None
    smallest = epochs.value_of(earlier.smallest, criteria.metric)
    is_smaller = smallest is not None and smallest < min(evidence.nadir.reference_value, evidence.nadir.value)
    return earlier.smallest if is_smaller else None


def _verdict(
    visit: VisitMeasure,
    evidence: Evidence,
    memory: Memory,
    epoch: Epoch,
    course: PatientCourse,
    criteria: ResponseCriteria,
) -> Verdict:
    """Decide category, state and display of one scan after the baseline."""
    grown, once = _has_grown(visit, evidence, memory, criteria)
    same_day = _same_day(visit, evidence, criteria) if grown else None
    if same_day is not None:
        grown, evidence = False, replace(evidence, same_day=same_day)
    exchanged = _exchanged(visit, evidence, memory, criteria) if grown or once else ()
    if exchanged:
        grown = once = False
        evidence = replace(evidence, exchanged=exchanged)
    if not (grown or once or evidence.new_lesion or evidence.decline) and evidence.nadir is None:
        return _not_evaluable(visit, evidence)
    category, hindrance = Category.PD, None
    if not (grown or once or evidence.new_lesion or evidence.decline):
        category, hindrance = _below_progression(visit, evidence, course, criteria)
    evidence = replace(evidence, no_response=hindrance)
    quiet = _quiet_state(category, evidence, is_residual=bool(epoch.after_surgery_on) and not memory.zero_seen)
    here = exposure.growth_window(course, visit.acquired_on, criteria)
    waits = _waits(evidence, here, _lesion_window(evidence, memory, course, criteria), grown=grown, once=once)
    wait_days = None if None in waits else max((days for days in waits if days is not None), default=None)
    return Verdict(
        visit,
        category,
        _progressed(evidence, grown=grown or once, zero_seen=memory.zero_seen) if category == Category.PD else quiet,
        display_of(evidence, criteria, grown=grown),
        evidence,
        grown=grown,
        preliminary=wait_days is not None,
        wait_days=wait_days or 0,
        quiet_state=quiet,
    )


def _has_grown(
    visit: VisitMeasure, evidence: Evidence, memory: Memory, criteria: ResponseCriteria
) -> tuple[bool, bool]:
    """Say whether growth by the criteria's rule is proven, and whether tumour seen again on one scan may be."""
    against = evidence.reference(criteria)
    if against is None:
        return False, False
    if evidence.nadir is not None and evidence.nadir.reference_value == 0:
        again = evidence.nadir.value > 0 and comparison.reappears(visit, criteria)
        sure = again and (memory.seen_last or comparison.on_enough_slices(visit, criteria))
        sure = sure and (memory.seen_last or _before_on_day(visit, evidence, criteria) is None)
        return sure, again and not sure
    return comparison.proven_growth(against, criteria), False


def _shows_growth(visit: VisitMeasure, evidence: Evidence, memory: Memory, criteria: ResponseCriteria) -> bool:
    """Say whether a scan shows growth, or tumour again, that no other scan of its day speaks against."""
    return any(_has_grown(visit, evidence, memory, criteria)) and _same_day(visit, evidence, criteria) is None


def _before_on_day(visit: VisitMeasure, evidence: Evidence, criteria: ResponseCriteria) -> VisitMeasure | None:
    """Return the scan before it where that is of the same day: no tumour grows within hours.

    Only of criteria that hold growth against measurement error; others take each reading as it is.
    """
    other = evidence.previous
    if other is None or not criteria.progression.beyond_error:
        return None
    is_of_day = other.acquired_on == visit.acquired_on and visit.acquired_by is None and other.acquired_by is None
    return other if is_of_day else None


def _same_day(visit: VisitMeasure, evidence: Evidence, criteria: ResponseCriteria) -> VisitMeasure | None:
    """Return the scan before it on its day where that does not show its growth, as where that is what it grew from."""
    against, other = evidence.reference(criteria), _before_on_day(visit, evidence, criteria)
    if against is None or other is None or against.reference_value == 0:
        return None
    if other.session_id == against.reference.session_id:
        return other
    before = comparison.compare(other, against.reference, criteria.metric)
    return None if comparison.grew_by(before, criteria.progression.ratio) else other


def _exchanged(
    visit: VisitMeasure, evidence: Evidence, memory: Memory, criteria: ResponseCriteria
) -> tuple[Exchange, ...]:
    """Return what others lost as a lesion grew, where it has not grown by the rule without that; empty elsewhere."""
    against = evidence.nadir if evidence.nadir and evidence.nadir.reference_value == 0 else evidence.reference(criteria)
    if against is None:
        return ()
    taken = tuple(e for e in lesion_exchange.since(visit, against.reference, criteria.metric) if e.size > 0)
    if not taken:
        return ()
    left, metric = lesion_exchange.without(visit, against.reference, criteria.metric), criteria.metric

    def compared(scan_pair: comparison.Comparison | None) -> comparison.Comparison | None:
        if scan_pair is None:
            return None
        reference = scan_pair.reference
        scans = [lesion_exchange.without(scan, reference, metric) for scan in evidence.scans]
        return comparison.compare(lesion_exchange.without(visit, reference, metric), reference, metric, scans)

    apart = replace(evidence, baseline=compared(evidence.baseline), nadir=compared(evidence.nadir))
    return () if any(_has_grown(left, apart, memory, criteria)) else taken


def _lesion_window(
    evidence: Evidence, memory: Memory, course: PatientCourse, criteria: ResponseCriteria
) -> tuple[Window, TreatmentEvent] | None:
    """Return the window in which a new lesion was first seen that nobody marked again since."""
    if evidence.new_lesion is None or memory.lesion_repeated:
        return None
    return exposure.growth_window(course, evidence.new_lesion.acquired_on, criteria)


def _waits(
    evidence: Evidence,
    here: tuple[Window, TreatmentEvent] | None,
    lesion: tuple[Window, TreatmentEvent] | None,
    *,
    grown: bool,
    once: bool,
) -> list[int | None]:
    """Return how much later a second scan must confirm each reason for progression; None for one that needs none."""
    if evidence.decline or evidence.seeding:
        return [None]
    waits: list[int | None] = []
    if grown or once:
        waits.append(here[0].confirmation_days if here else 1 if once else None)
    if evidence.new_lesion is not None:
        waits.append(lesion[0].confirmation_days if lesion else None)
    return waits


def _below_progression(
    visit: VisitMeasure, evidence: Evidence, course: PatientCourse, criteria: ResponseCriteria
) -> tuple[Category, str | None]:
    """Choose among the categories of a comparable scan that is not progression, and say what hinders a better one.

    Tumour seen again after none was seen is no longer a response, even where smaller than at baseline.
    """
    against, nadir = evidence.baseline, evidence.nadir
    if against is None or nadir is None or against.reference_value == 0:
        return Category.SD, None
    since, on = against.reference.acquired_on, visit.acquired_on
    given = _given_away(visit, against, criteria.response.ratio, criteria)
    if given is not None:
        return Category.SD, given
    hindrance = None
    if against.value == 0:
        hindrance = _given_away(visit, against, 0.0, criteria)
        hindrance = hindrance or exposure.steroids_hinder(course, since, on, criteria.steroids, complete=True)
        if hindrance is None:
            return Category.CR, None
    is_seen_again = nadir.reference_value == 0 and against.value > 0
    if is_seen_again or not comparison.at_least(against.reference_value, criteria.measurable.min_value):
        return Category.SD, hindrance
    dose = exposure.steroids_hinder(course, since, on, criteria.steroids, complete=False)
    if comparison.shrank_to(against, criteria.response.ratio):
        return (Category.PR, hindrance) if dose is None else (Category.SD, dose)
    return _minor(visit, against, course, criteria, dose)


def _given_away(
    visit: VisitMeasure, against: comparison.Comparison, ratio: float, criteria: ResponseCriteria
) -> str | None:
    """Say what other lesions gained as one fell to a share that it does not reach without that; None elsewhere."""
    since = lesion_exchange.since(visit, against.reference, criteria.metric)
    given = -sum(one.size for one in since)
    if given <= comparison.ROUNDING * against.reference_value or not comparison.shrank_to(against, ratio):
        return None
    if comparison.at_most(against.value + given, ratio * against.reference_value):
        return None
    return lesion_exchange.words([one for one in since if one.size < 0], criteria.metric)


def _minor(
    visit: VisitMeasure,
    against: comparison.Comparison,
    course: PatientCourse,
    criteria: ResponseCriteria,
    dose: str | None,
) -> tuple[Category, str | None]:
    """Choose between minor response and stable disease; ``dose`` says what steroids hinder."""
    minor = criteria.minor_response
    if minor is None or not comparison.shrank_to(against, minor.ratio):
        return Category.SD, None
    given = _given_away(visit, against, minor.ratio, criteria)
    if given is not None:
        return Category.SD, given
    if dose is None and NON_ENHANCING in minor.applies_to and not _is_non_enhancing(visit, against, course):
        dose = f"would be a minor response were it known to be {minor.applies_to}"
        if _enhances(visit, course):
            dose = f"would be a minor response were it {minor.applies_to}, and it is known to enhance"
    return (Category.MR, None) if dose is None else (Category.SD, dose)


def _enhances(visit: VisitMeasure, course: PatientCourse) -> bool:
    return bool(visit.enhancing_mm3) or course.is_enhancing is True


def _is_non_enhancing(visit: VisitMeasure, against: comparison.Comparison, course: PatientCourse) -> bool:
    if _enhances(visit, course):
        return False
    return course.is_enhancing is False or (course.is_enhancing is None and against.reference.enhancing_mm3 == 0)


def _progressed(evidence: Evidence, *, grown: bool, zero_seen: bool) -> State:
    if evidence.new_lesion and not grown and not evidence.decline:
        return State.DISTANT
    return State.RECURRENCE if zero_seen and evidence.seen_before == SeenBefore.YES else State.PROGRESSION


def _quiet_state(category: Category, evidence: Evidence, *, is_residual: bool) -> State:
    """Return the state of a scan without progression."""
    if evidence.nadir is None:
        return State.NOT_EVALUABLE
    if evidence.nadir.value == 0:
        return State.NO_EVIDENCE
    if category in (Category.PR, Category.MR):
        return State.RESPONSE
    if evidence.nadir.reference_value == 0:
        return State.SEEN_AGAIN
    return State.RESIDUAL_STABLE if is_residual else State.STABLE


def _remember(memory: Memory, visit: VisitMeasure, evidence: Evidence) -> Memory:
    """Carry on what a visit adds; one that could not be compared adds only its new lesion."""
    seeded = memory.seeded if visit.leptomeningeal is None else visit.leptomeningeal
    marked = replace(memory, new_lesion=evidence.new_lesion, seeding=evidence.seeding, seeded=seeded)
    nadir = evidence.next_nadir(visit)
    if evidence.nadir is None or nadir is None:
        return marked
    return replace(
        marked,
        nadir=nadir,
        previous=visit,
        zero_seen=memory.zero_seen or evidence.nadir.value == 0,
        seen_last=evidence.nadir.value > 0,
        scans=memory.scans if visit.bound_reason else (*memory.scans, visit),
    )


def _asking(memory: Memory, verdict: Verdict) -> Memory:
    """Carry on the first of the scans in a row whose growth is possible and not proven."""
    if not verdict.is_judged:
        return memory
    open_growth = verdict.display == DisplayState.POSSIBLE_GROWTH and not (verdict.grown or verdict.evidence.exchanged)
    return replace(memory, asked=(memory.asked or verdict.visit) if open_growth else None)


def _repeated(visit: VisitMeasure, memory: Memory, course: PatientCourse, criteria: ResponseCriteria) -> bool:
    """Say whether a new lesion was marked again, by now, late enough after the first mark to confirm it."""
    if memory.lesion_repeated or memory.new_lesion is None or not visit.new_lesion:
        return memory.lesion_repeated
    first = exposure.growth_window(course, memory.new_lesion.acquired_on, criteria)
    days = (visit.acquired_on - memory.new_lesion.acquired_on).days
    return first is None or days >= first[0].confirmation_days
