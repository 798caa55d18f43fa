"""What stands beside a verdict in its sentence: treatments that may explain it, windows, days that are not known.

Here is also what the rule for tumour seen where none was says, and which earlier scan a later one answers.

Each function returns a clause, or empty text where there is nothing to say.
"""

from __future__ import annotations

from pipeline.core import wording
from pipeline.core.vocabulary import (
    Category,
    CourseKind,
    DisplayState,
    PatientCourse,
    State,
    TreatmentEvent,
    TreatmentKind,
    VisitMeasure,
)
from pipeline.core.written_day import WrittenDay
from pipeline.judge import comparison, decline, epochs, exposure, lesion_exchange
from pipeline.judge.clauses import Clause, ClauseKind, beside
from pipeline.judge.criteria import ResponseCriteria, Window
from pipeline.judge.epochs import Epoch, SeenBefore, value_of
from pipeline.judge.questions import FIRST_SEEN, PERHAPS_SEEN
from pipeline.judge.size_words import size
from pipeline.judge.verdict import Verdict

SEEN_WORDS = {
    SeenBefore.NO: FIRST_SEEN,
    SeenBefore.YES: "tumour seen again",
    SeenBefore.NOT_KNOWN: PERHAPS_SEEN,
}
SHRUNK = (DisplayState.SHRINKAGE, DisplayState.POSSIBLE_SHRINKAGE, DisplayState.NONE_SEEN)
GROWN = (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)

GROWTH_IS_OPEN = "growth is open until"
"""What is said of a lesion that gained what others lost; who or what settles it follows."""


def remarks(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> list[Clause]:
    """Return what is said beside a verdict, in order; what concerns sizes only where the visit is judged."""
    clauses = [
        *beside(ClauseKind.REMARK, days_not_known(verdict)),
        *beside(ClauseKind.UNJUDGED_LESION, uncounted(verdict)),
        *beside(ClauseKind.REMARK, withdrawn(verdict)),
        *beside(ClauseKind.REMARK, verdict.evidence.unjudged),
        *beside(ClauseKind.REMARK, opens_pinned(verdict, course, epoch)),
        *beside(ClauseKind.REMARK, known_seeding(verdict)),
        *beside(ClauseKind.EXCHANGE, exchanged_beside(verdict, criteria)),
        *beside(ClauseKind.REMARK, worse_after(verdict, course, epoch, criteria)),
    ]
    if verdict.is_judged:
        clauses += [
            *beside(ClauseKind.REMARK, unread_before(verdict, course, criteria)),
            *beside(ClauseKind.REMARK, old_baseline(verdict, epoch, criteria)),
            *beside(ClauseKind.REMARK, no_response(verdict)),
            *(Clause(ClauseKind.TREATMENT, words) for words in treatments_beside(verdict, course)),
            *(Clause(ClauseKind.TREATMENT, words) for words in ended_before(verdict, course)),
            *(Clause(ClauseKind.TREATMENT, words) for words in under(verdict, course)),
            *beside(ClauseKind.REMARK, possible_in_window(verdict)),
            *beside(ClauseKind.REMARK, unattributed(verdict, course, epoch, criteria)),
            *beside(ClauseKind.REMARK, worse_once(verdict, course, epoch, criteria)),
        ]
    return [*clauses, *beside(ClauseKind.CONFIRMATION, lesion_waits(verdict))]


def window_words(window: Window, treatment: TreatmentEvent) -> str:
    """Name a window by what opened it."""
    if treatment.kind == TreatmentKind.RADIOTHERAPY:
        return f"within {window.days} days of the end of radiotherapy"
    return f"within {window.days} days of {exposure.name_of(treatment)} begun {treatment.started_on}"


def why_baseline(epoch: Epoch, visit: VisitMeasure, pinned_by: str, criteria: ResponseCriteria) -> str:
    """Say why a scan is the baseline of its course, or was until one nearer to the day of the rule was made."""
    best = f"{criteria.baseline.surgery_target_days} days after {epoch.cause}"
    if epoch.baseline is not None and any(visit is earlier for earlier in epoch.superseded):
        return f"until the scan of {epoch.baseline.acquired_on}, which is nearer to {best}"
    if epoch.superseded:
        return f"the usable scan nearest to {best}, in place of that of {epoch.superseded[-1].acquired_on}"
    if epoch.kind == CourseKind.PINNED:
        return f"pinned by {pinned_by}"
    if epoch.kind == CourseKind.WATCHED:
        return "first usable scan of a tumour that was only watched"
    if epoch.kind not in (CourseKind.LINE, CourseKind.AFTER_RADIOSURGERY):
        return f"first usable scan late enough after {epoch.cause}"
    none_before = f"first usable scan after {epoch.cause}, none before it"
    return none_before if epoch.has_own_baseline else f"last usable scan before {epoch.cause}"


def days_not_known(verdict: Verdict) -> str:
    """Say that a day which is not known changes nothing here."""
    days = verdict.days_that_decide
    return f"unchanged by what is not known: {days}" if days else ""


def withdrawn(verdict: Verdict) -> str:
    """Say that what was called a new lesion here is none, and that its piece may still be part of the size."""
    words = verdict.visit.withdrawn_words
    if not words:
        return ""
    holds_it = verdict.visit.volume_mm3 and not verdict.visit.new_tumour_mm3
    return f"{words}, a size measured here may hold it until that is corrected" if holds_it else words


def opens_pinned(verdict: Verdict, course: PatientCourse, epoch: Epoch) -> str:
    """Say that a scan judged in one course is also the baseline that a person pinned for the next."""
    name = verdict.visit.session_id
    if epoch.is_pinned and epoch.baseline is verdict.visit:
        return ""  # said already
    is_pinned = name in course.pinned_baselines and (verdict.is_judged or verdict.state == State.BASELINE)
    return f"also the baseline from here on, pinned by {course.pinned_by.get(name, 'a person')}" if is_pinned else ""


def known_seeding(verdict: Verdict) -> str:
    """Say that seeding which was there before is seen still: whether there is more of it no size tells."""
    is_new = verdict.evidence.seeding or verdict.state in (State.BASELINE, State.CONTEXT)
    seen = verdict.visit.leptomeningeal is True and verdict.is_judged
    return "seeding along the meninges seen before is seen still, compare it by eye" if seen and not is_new else ""


def uncounted(verdict: Verdict) -> str:
    """Say that a new lesion was marked where nothing is judged, lest it be overlooked."""
    marked = verdict.visit.new_lesion or verdict.visit.leptomeningeal
    unjudged = verdict.state in (State.BASELINE, State.CONTEXT) or (
        verdict.state == State.NOT_EVALUABLE and verdict.evidence.new_lesion is None
    )
    what = "seeding" if verdict.visit.leptomeningeal else "a new lesion"
    return f"{what} is marked on this scan and not judged: look at it" if marked and unjudged else ""


def old_baseline(verdict: Verdict, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Say that a line of treatment is judged from a scan long before it."""
    baseline, opened_by = verdict.reference_visit("baseline"), epoch.opened_by
    if epoch.kind != CourseKind.LINE or baseline is None or opened_by is None:
        return ""
    days = (opened_by.started_on - baseline.acquired_on).days
    if days <= criteria.baseline.before_line_days:
        return ""
    is_known = not isinstance(opened_by.started_on, WrittenDay) and not isinstance(baseline.acquired_on, WrittenDay)
    before = f"{days} days before" if is_known else f"more than {criteria.baseline.before_line_days} days before"
    return f"judged from the scan of {baseline.acquired_on}, {before} {epoch.cause}"


def no_response(verdict: Verdict) -> str:
    """Say what leaves no response of a shrinkage that reaches the rule of one, or a partial one where none is seen."""
    reason = verdict.evidence.no_response
    name = "no complete response" if verdict.category == Category.PR else "no response"
    return f"{name}: {reason}" if reason else ""


def treatments_beside(verdict: Verdict, course: PatientCourse) -> list[str]:
    """Name what began since the baseline and may explain a shrinkage."""
    baseline = verdict.reference_visit("baseline")
    shrunk = verdict.category in (Category.CR, Category.PR, Category.MR) or verdict.display in SHRUNK
    if baseline is None or not shrunk or verdict.category == Category.PD:
        return []
    if (
        verdict.display == DisplayState.NONE_SEEN
        and verdict.category == Category.SD
        and not verdict.evidence.no_response
    ):
        return []  # none before and none now is no shrinkage
    named = exposure.named_beside(course, baseline.acquired_on, verdict.visit.acquired_on)
    return [
        f"{exposure.name_of(treatment)} begun {treatment.started_on} may explain it"
        for treatment in named
        if not (verdict.evidence.no_response and treatment.kind == TreatmentKind.STEROID)
    ]


def under(verdict: Verdict, course: PatientCourse) -> list[str]:
    """Name steroids that are given and drainages done, which no course tells, where nothing else names them."""
    on, explained = verdict.visit.acquired_on, " ".join([*treatments_beside(verdict, course), no_response(verdict)])
    named = []
    for treatment in exposure.without_course(course, on):
        begun = f"begun {treatment.started_on}"
        if treatment.kind == TreatmentKind.DRAINAGE:
            named.append(f"after {treatment.written or exposure.name_of(treatment)} of {treatment.started_on}")
        elif begun not in explained:
            named.append(f"on {exposure.name_of(treatment)} {begun}")
    return named


def unattributed(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Say that function is worse and nobody put it down to the tumour, so that it does not count."""
    lost = decline.unattributed_at(course, epoch, criteria.clinical, verdict.visit.acquired_on)
    return f"function is worse, not counted since it is not put down to the tumour: {lost}" if lost else ""


def worse_after(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Say beside the last scan that a loss of function was proven after it; as judged then nobody knew."""
    on = verdict.visit.acquired_on
    if any(visit.acquired_on > on for visit in course.visits):
        return ""
    proven_on, lost = decline.proven_after(course, epoch, criteria.clinical, on)
    return f"clinically worse, proven on {proven_on} after this scan, progression from that day: {lost}" if lost else ""


def ended_before(verdict: Verdict, course: PatientCourse) -> list[str]:
    """Name what was stopped since the nadir and may have held a tumour down before."""
    nadir = verdict.reference_visit("nadir")
    if nadir is None or verdict.display not in GROWN:
        return []
    stopped = exposure.stopped_between(course, nadir.acquired_on, verdict.visit.acquired_on)
    return [f"{exposure.name_of(t)} stopped {t.ended_on}" for t in stopped]


def possible_in_window(verdict: Verdict) -> str:
    """Name the window that a possible growth lies in."""
    window = verdict.evidence.window
    if window is None or verdict.preliminary or verdict.display != DisplayState.POSSIBLE_GROWTH:
        return ""
    return f"{window_words(*window)}, where swelling is usual"


def lesion_waits(verdict: Verdict) -> str:
    """Say what a new lesion inside a window waits for."""
    window, lesion = verdict.evidence.window, verdict.evidence.new_lesion
    if not verdict.preliminary or lesion is None or window is None:
        return ""
    if verdict.settled_by is not None:
        return f"{window_words(*window)}, marked again on {verdict.settled_by.acquired_on}"
    return (
        f"preliminary, {window_words(*window)}, until a scan {verdict.wait_days} days later or more shows the new "
        f"lesion again"
    )


def confirms(verdict: Verdict) -> str:
    """Answer an earlier possible growth that this scan proves; empty where none was open."""
    asked = verdict.evidence.asked
    return "" if asked is None else f", which confirms the possible growth of {asked.acquired_on}"


def seen_where_none_was(verdict: Verdict) -> str:
    """Name tumour on a scan after one without: one that comes again, or the first that is known of.

    Whether it is the first of a person nobody can tell from a study: treatments may not have been written down.
    """
    return SEEN_WORDS[verdict.evidence.seen_before]


def unread_before(verdict: Verdict, course: PatientCourse, criteria: ResponseCriteria) -> str:
    """Name the scans for which nobody knows whether tumour was seen before; empty where that is known."""
    is_asked = verdict.is_seen_where_none_was and verdict.evidence.seen_before == SeenBefore.NOT_KNOWN
    unread = epochs.unread_before(verdict.visit, course, criteria) if is_asked else ()
    if not unread:
        return ""
    scans = wording.count(len(unread), "scan")
    on = f"the scan of {unread[0].acquired_on}" if len(unread) == 1 else f"{scans} from {unread[0].acquired_on} on"
    return f"not known whether tumour was seen before, {on} cannot say"


def error_assumed(verdict: Verdict, criteria: ResponseCriteria) -> tuple[Clause, ...]:
    """Say that the error of the sizes that a verdict rests on is assumed, and how large; nothing where it was stated.

    Only where an error decides: between two sizes of which neither is 0. Every scan since the baseline counts, for the
    limit rests on all.
    """
    scan_pair = verdict.compared_with(criteria)
    if scan_pair is None or scan_pair.change is None:
        return ()
    scans = {one.session_id: one for one in (*verdict.evidence.scans, scan_pair.reference, verdict.visit)}
    with_error = [one for one in scans.values() if one.volume_cv and epochs.value_of(one, criteria.metric)]
    share = 100 * comparison.ERROR_SHARE[criteria.metric]
    errors = [share * (one.volume_cv or 0.0) for one in with_error if one.cv_is_assumed]
    if not errors:
        return ()
    ends = list(dict.fromkeys(wording.significant(end) for end in (min(errors), max(errors))))
    of_some = "" if len(errors) == len(with_error) else f" on {len(errors)} of {len(with_error)} scans"
    words = f"error assumed{of_some}: {' to '.join(ends)} %"
    return (Clause(ClauseKind.ERROR, words, unit="%", value=max(errors)),)


def exchanged(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say what other lesions lost as this one grew, and what would settle which is which: a person, or a later scan."""
    exchanges = verdict.evidence.exchanged
    words = f"{lesion_exchange.words(exchanges, criteria.metric)}, {GROWTH_IS_OPEN}"
    person = "a person says which lesion is which"
    if verdict.visit.mask_origin is not None:
        return f"{words} {person}"
    unread = list(dict.fromkeys(name for one in exchanges for name in one.unread))
    if unread:
        return f"{words} the table has a row of {' and '.join(unread)} again, or {person}"
    return f"{words} a later scan shows more, or {person}"


def exchanged_beside(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say what a lesion exchanged with others on this scan, or since what it is held against, if nothing else says it.

    A growth or a response that is one without the exchange stands, and says so.
    """
    reference = verdict.compared_with(criteria)
    since = lesion_exchange.since(verdict.visit, reference.reference, criteria.metric) if reference else ()
    here = (e for e in verdict.visit.exchanges if e.on == verdict.visit.acquired_on and e.metric == criteria.metric)
    words = lesion_exchange.words(tuple(dict.fromkeys((*since, *here))), criteria.metric)
    if not words or verdict.evidence.exchanged or words in (verdict.evidence.no_response or ""):
        return ""
    stands = verdict.grown or verdict.category == Category.CR
    if verdict.category == Category.PR and reference is not None:
        left = lesion_exchange.without(verdict.visit, reference.reference, criteria.metric)
        stands = epochs.value_of(left, criteria.metric) != 0
    return f"{words}, and without that the same is called" if stands else words


def against_reappearance(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say where tumour seen where none was lies to its rule, and what of the rule it does not reach."""
    rule, visit, asked = criteria.reappearance, verdict.visit, verdict.evidence.asked
    if rule is None:
        return f"progression without any limit of size in these criteria{confirms(verdict)}"
    sizes = f"{wording.volume(rule.min_volume_mm3)} or {rule.min_longest_mm:g} mm"
    limit = f"{sizes}, on {rule.min_slices} slices or on two scans"
    seen = seen_where_none_was(verdict)
    if verdict.grown:
        return f"reaches the rule for {seen} ({limit}){confirms(verdict)}"
    if verdict.preliminary:
        return f"reaches the rule for {seen} ({limit}), on one scan only{confirms(verdict)}"
    if comparison.reappears(visit, criteria):
        seen_on = "an unknown number of slices"
        if visit.slices_spanned is not None:
            seen_on = wording.count(visit.slices_spanned, "slice")
        return (
            f"reaches the sizes of the rule for {seen} ({sizes}), but on one scan and {seen_on}, where the "
            f"rule asks for {rule.min_slices} slices or two scans, confirm on the next scan"
        )
    below = f"does not reach the sizes of the rule for {seen} ({sizes})"
    if asked is None:
        return f"{below}, confirm on the next scan"
    return f"{below}, as on {asked.acquired_on}, not decidable below {wording.volume(rule.min_volume_mm3)}"


def worse_once(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Say that function is worse at the last assessment and not proven to be, so that it does not count yet."""
    lost = decline.seen_once(course, epoch, criteria.clinical, verdict.visit.acquired_on)
    return f"function may be worse, to be shown by a further assessment: {lost}" if lost else ""


def of_same_day(visit: VisitMeasure, other: VisitMeasure, criteria: ResponseCriteria, asked: str) -> str:
    """Say what another scan of the day shows instead of growth, and that a further one decides.

    Which of the two came first is told only where the times of both are known.
    """
    value = value_of(other, criteria.metric)
    assert value is not None  # it was compared
    is_ordered = visit.acquired_at is not None and other.acquired_at is not None
    which = "the scan before it on that day" if is_ordered else "another scan of that day"
    words = f"{which} shows {size(value, criteria.metric)}"
    return f"{words}: {asked} is not confirmed" if asked else f"{words}, confirm on the next scan"
