"""A verdict in one plain sentence: the visits, the numbers with their units, the rule and how sure it is.

The parts are put together as data (``clauses``), in the one number format of ``wording``. What this module refuses:
advice, a fall held against the limit for growth, and a word for an order that the printed numbers do not show.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pipeline.core import wording
from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, TreatmentKind, VisitMeasure
from pipeline.core.written_day import WrittenDay
from pipeline.judge import circumstances, clauses, comparison, epochs
from pipeline.judge.clauses import Clause, ClauseKind, beside
from pipeline.judge.comparison import Comparison
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.epochs import Epoch, SeenBefore
from pipeline.judge.size_words import UNITS, size, subject
from pipeline.judge.verdict import Verdict

SEEN_KINDS = {
    SeenBefore.NO: ClauseKind.NEW_TUMOUR,
    SeenBefore.YES: ClauseKind.SEEN_AGAIN,
    SeenBefore.NOT_KNOWN: ClauseKind.PERHAPS_AGAIN,
}

two_figures = wording.significant
percent = wording.change_of


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def reason(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Say in one sentence why a visit was judged as it was."""
    return clauses.sentence(clauses_of(verdict, course, epoch, criteria))


def clauses_of(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> tuple[Clause, ...]:
    """Return the parts of a verdict, the main one first; no part is said twice."""
    main = replace(_main_clause(verdict, course, epoch, criteria), on=verdict.visit.acquired_on)
    return clauses.distinct((main, *_further_clauses(verdict, course, epoch, criteria)))


def _main_clause(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> Clause:
    if verdict.state == State.CONTEXT:
        return Clause(ClauseKind.NOT_JUDGED, "Shown, not judged", _why_context(verdict.visit, epoch))
    if verdict.state == State.BASELINE:
        return _baseline(verdict.visit, course, epoch, criteria)
    if not verdict.is_judged:
        words = "Not measured" if verdict.category == Category.PD else "Not evaluable"
        return Clause(ClauseKind.NOT_EVALUABLE, words, str(verdict.evidence.unusable))
    scan_pair = verdict.compared_with(criteria)
    assert scan_pair is not None  # a judged visit was compared
    if scan_pair.value == 0 or verdict.evidence.nadir is None:
        return _nothing_seen(verdict, scan_pair, criteria)
    if verdict.evidence.nadir.reference_value == 0:
        return _seen_again(verdict, criteria)
    return _changed(verdict, scan_pair, criteria)


def _why_context(visit: VisitMeasure, epoch: Epoch) -> str:
    opened_by = epoch.opened_by
    if opened_by is not None and opened_by.is_ongoing and opened_by.kind == TreatmentKind.RADIOTHERAPY:
        return f"made during {epoch.cause}, a scan after its end can be the baseline"
    too_soon = wording.count((epoch.eligible_on - visit.acquired_on).days, "day")
    if isinstance(visit.acquired_on, WrittenDay) or isinstance(epoch.eligible_on, WrittenDay):
        too_soon = "it is"
    return f"{too_soon} too soon after {epoch.cause}, a scan can be the baseline from {epoch.eligible_on} on"


def why_unjudged(verdict: Verdict, epoch: Epoch) -> str:
    """Say of a baseline made before its course why the course that it lies in does not judge it."""
    if verdict.state == State.CONTEXT:
        return f"in the course before not judged, {_why_context(verdict.visit, epoch)}"
    return f"in the course before not evaluable: {str(verdict.evidence.unusable).removesuffix(comparison.GO_ON)}"


def _baseline(visit: VisitMeasure, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> Clause:
    value = epochs.value_of(visit, criteria.metric)
    pinned_by = course.pinned_by.get(visit.session_id, "a person")
    words = f"Baseline, {circumstances.why_baseline(epoch, visit, pinned_by, criteria)}"
    return Clause(ClauseKind.BASELINE, words, _seen(visit, criteria), unit=UNITS[criteria.metric], value=value)


def _seen(visit: VisitMeasure, criteria: ResponseCriteria) -> str:
    value = epochs.value_of(visit, criteria.metric)
    if not value:
        return f"no {visit.subject} seen on {visit.acquired_on}"
    return f"{subject(visit, criteria.metric)} {size(value, criteria.metric)} on {visit.acquired_on}"


def _sizes_of(scan_pair: Comparison, criteria: ResponseCriteria, verdict: Verdict) -> Clause:
    """Return what a comparison says in numbers, without words."""
    return Clause(
        ClauseKind.CHANGE,
        "",
        reference_on=scan_pair.reference.acquired_on,
        reference=_reference(verdict, scan_pair),
        unit=UNITS[criteria.metric],
        value=scan_pair.value,
        reference_value=scan_pair.reference_value,
        ratio=scan_pair.ratio,
        low_ratio=scan_pair.interval.low if scan_pair.interval else None,
        high_ratio=scan_pair.interval.high if scan_pair.interval else None,
        limit_ratio=scan_pair.limit_ratio,
        rule_ratio=verdict.threshold_ratio(criteria),
    )


def _nothing_seen(verdict: Verdict, scan_pair: Comparison, criteria: ResponseCriteria) -> Clause:
    on, baseline, nothing = verdict.visit.acquired_on, verdict.evidence.baseline, verdict.visit.subject
    words = f"No {nothing} seen on {on}, as on {scan_pair.reference.acquired_on}"
    if verdict.category == Category.CR and baseline is not None:
        words = f"No {nothing} seen on {on}, though seen at the baseline of {baseline.reference.acquired_on}"
    elif scan_pair.reference_value:
        words = f"No {nothing} seen on {on}, though seen on {scan_pair.reference.acquired_on}"
    words += _refutes(verdict)
    return replace(_sizes_of(scan_pair, criteria, verdict), kind=ClauseKind.NONE_SEEN, words=words)


def _refutes(verdict: Verdict) -> str:
    """Answer an earlier possible growth that this scan does not show; empty where none was open."""
    asked = verdict.evidence.asked
    return "" if asked is None else f", the possible growth of {asked.acquired_on} is not confirmed"


def _seen_again(verdict: Verdict, criteria: ResponseCriteria) -> Clause:
    nadir = verdict.evidence.nadir
    assert nadir is not None  # the caller looked
    named = _capital(subject(verdict.visit, criteria.metric))
    words = (
        f"{named} {size(nadir.value, criteria.metric)} on {verdict.visit.acquired_on} "
        f"where none was seen on {nadir.reference.acquired_on}"
    )
    numbers = replace(_sizes_of(nadir, criteria, verdict), rule_ratio=None)
    kind = SEEN_KINDS[verdict.evidence.seen_before]
    is_exchanged = bool(verdict.evidence.exchanged)
    place = circumstances.exchanged if is_exchanged else circumstances.against_reappearance
    return replace(numbers, kind=kind, words=words, ruling=place(verdict, criteria))


def _changed(verdict: Verdict, scan_pair: Comparison, criteria: ResponseCriteria) -> Clause:
    assert scan_pair.ratio is not None  # the reference is not 0 here
    visit, metric = verdict.visit, criteria.metric
    numbers = _sizes_of(scan_pair, criteria, verdict)
    limits = (numbers.limit_ratio, numbers.rule_ratio, criteria.response.ratio)
    decimals = wording.decimals_apart(scan_pair.ratio, *limits)
    figures = wording.figures_beside(scan_pair.value, scan_pair.reference_value)
    words = (
        f"{_capital(subject(visit, metric))} {size(scan_pair.value, metric, figures)} on {visit.acquired_on} is "
        f"{percent(scan_pair.ratio, decimals)}{_interval_words(scan_pair)} against the {numbers.reference} "
        f"{size(scan_pair.reference_value, metric, figures)} of {scan_pair.reference.acquired_on}"
    )
    ruling = _rule_words(verdict, scan_pair, criteria, decimals)
    return replace(numbers, words=words, ruling=ruling, change=percent(scan_pair.ratio, decimals))


def _interval_words(scan_pair: Comparison) -> str:
    """Write the 95 % interval of the true change by all scans; say whose is which where the change lies outside it.

    The printed change is that of two readings. The other scans can make it improbable, as where two are days apart.
    """
    if scan_pair.interval is None or scan_pair.ratio is None:
        return ""
    low, high = scan_pair.interval.low, scan_pair.interval.high
    ends = wording.change_interval(100 * (low - 1), 100 * (high - 1))
    if low <= scan_pair.ratio <= high:
        return f" (95 % CI by all scans {ends})"
    return f" by the two readings (true change by all scans {ends}, 95 % CI)"


def _limit(ratio: float, decimals: int) -> str:
    """Write a limit with as many decimals as the change held against it, without idle zeros."""
    words = percent(ratio, decimals)
    return words if "." not in words else f"{words.removesuffix(' %').rstrip('0').rstrip('.')} %"


def _rule_words(verdict: Verdict, scan_pair: Comparison, criteria: ResponseCriteria, decimals: int) -> str:
    """Say where a change lies to the rule and to the error, true of the printed numbers."""
    rule = criteria.progression
    threshold = f"the {_limit(rule.ratio, decimals)} rule"
    error = _error_words(scan_pair, _reference(verdict, scan_pair), decimals)
    assert scan_pair.ratio is not None  # the caller looked
    if verdict.category in (Category.PR, Category.MR):
        limit = _limit(verdict.threshold_ratio(criteria), decimals)
        return f"reaches the {limit} rule of a {_response_name(verdict, criteria)}, {error}{_refutes(verdict)}"
    asked = f"the possible growth of {verdict.evidence.asked.acquired_on}" if verdict.evidence.asked else ""
    is_level = _limit(scan_pair.ratio, decimals) == _limit(rule.ratio, decimals)
    if not comparison.grew_by(scan_pair, rule.ratio):
        is_fall = percent(scan_pair.ratio, decimals).startswith("-")
        below = f"a fall, {error}" if is_fall else f"just below {threshold}" if is_level else f"below {threshold}"
        return f"{below}{_refutes(verdict)}"
    place = "reaches" if is_level else "beyond"
    if verdict.evidence.exchanged:
        return f"{place} {threshold} but {circumstances.exchanged(verdict, criteria)}"
    if verdict.evidence.same_day is not None:
        shown = circumstances.of_same_day(verdict.visit, verdict.evidence.same_day, criteria, asked)
        return f"{place} {threshold} but {shown}"
    if not verdict.grown:
        return f"{place} {threshold} but {_open_words(scan_pair, criteria, error, asked)}"
    joint = "and" if comparison.beyond_error(scan_pair) else "but"
    return f"{place} {threshold} {joint} {error}{circumstances.confirms(verdict)}"


def _open_words(scan_pair: Comparison, criteria: ResponseCriteria, error: str, asked: str) -> str:
    """Say why growth is only possible: ask for the next scan once, after that answer, and say what would decide."""
    rule, why = criteria.progression, _why_not_proven(scan_pair, criteria, error)
    if not asked:
        return f"{why}, confirm on the next scan"
    needed = scan_pair.reference_value + rule.min_change
    too_little = comparison.beyond_error(scan_pair)
    if not too_little and scan_pair.limit_ratio is not None:
        needed = max(needed, scan_pair.reference_value * scan_pair.limit_ratio)
    decided = "" if scan_pair.limit_ratio is None else f", a size of {size(needed, criteria.metric)} would decide"
    answer = "not decidable below that" if too_little else "not confirmed"
    return f"{why}: {asked} is {answer}{decided}"


def _why_not_proven(scan_pair: Comparison, criteria: ResponseCriteria, error: str) -> str:
    """Name every floor that a growth beyond the rule does not reach."""
    rule = criteria.progression
    floor = comparison.at_least(scan_pair.value - scan_pair.reference_value, rule.min_change)
    missed = [] if floor else [f"by less than {size(rule.min_change, criteria.metric)}"]
    if rule.beyond_error and not comparison.beyond_error(scan_pair):
        missed.append(error)
    return " and ".join(missed) or error


def _response_name(verdict: Verdict, criteria: ResponseCriteria) -> str:
    if verdict.category == Category.PR:
        return "partial response"
    minor = criteria.minor_response
    applies = f" (meant for {minor.applies_to})" if minor is not None and minor.applies_to else ""
    return f"minor response{applies}"


def _reference(verdict: Verdict, scan_pair: Comparison) -> str:
    return "baseline" if scan_pair is verdict.evidence.baseline else "nadir"


def _error_words(scan_pair: Comparison, reference: str, decimals: int = 0) -> str:
    """Say whether a change exceeds the error, against the limit on its own side.

    The limit guards against all looks of a series, the printed interval speaks of this one scan. They may part: a
    change inside the limit is not called *within measurement error* beside an interval that leaves out 0 %, and a fall
    beyond the limit says so where its interval holds 0 %; a growth whose interval does is not beyond it.
    """
    if scan_pair.limit_ratio is None or scan_pair.ratio is None:
        return "of unknown measurement error"
    if comparison.beyond_error(scan_pair) and abs(scan_pair.limit_ratio - 1) < comparison.ROUNDING:
        return "beyond measurement error by the other scans alone"
    limit = f"(limit {_limit(scan_pair.limit_ratio, decimals)})"
    holds_none = scan_pair.interval is None or scan_pair.interval.low <= 1 <= scan_pair.interval.high
    if not comparison.beyond_error(scan_pair):
        less = f"less than can be called a change from the {reference}"
        return f"{'within measurement error' if holds_none else less} {limit}"
    though = ", though the interval by all scans includes 0 %" if scan_pair.interval is not None and holds_none else ""
    return f"beyond measurement error {limit}{though}"


def _further_clauses(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> list[Clause]:
    evidence = verdict.evidence
    unsigned = "provisional: rests on an automatic mask nobody signed" if verdict.is_provisional else ""
    return [
        *beside(ClauseKind.SHRINKAGE, _shrinkage_words(verdict, criteria)),
        *beside(ClauseKind.NEW_LESION, _new_lesion_words(verdict)),
        *beside(ClauseKind.ELSEWHERE, _elsewhere_words(verdict, course)),
        *beside(ClauseKind.CLINICAL, f"clinical progression: {evidence.decline}" if evidence.decline else ""),
        *beside(ClauseKind.CONFIRMATION, second_look(verdict, criteria)),
        *beside(ClauseKind.REMARK, _before_words(verdict, epoch, criteria)),
        *beside(ClauseKind.REMARK, _fallen_words(verdict, criteria)),
        *beside(ClauseKind.REMARK, _smallest_words(verdict, epoch, criteria)),
        *circumstances.remarks(verdict, course, epoch, criteria),
        *circumstances.error_assumed(verdict, criteria),
        *beside(ClauseKind.PASSED_OVER, _passed_over_words(verdict, criteria)),
        *beside(ClauseKind.UNSIGNED, unsigned),
    ]


def _passed_over_words(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Name the unsigned scan that did not become the nadir of a signed one."""
    other = verdict.passed_over
    if other is None or not verdict.is_judged:
        return ""
    value = epochs.value_of(other, criteria.metric)
    assert value is not None  # it was a nadir
    return f"not compared with {size(value, criteria.metric)} of {other.acquired_on}, an automatic mask nobody signed"


def _elsewhere_words(verdict: Verdict, course: PatientCourse) -> str:
    if not verdict.evidence.new_tumour_elsewhere:
        return ""
    apart = verdict.visit.new_tumour_mm3
    left_out = f" ({size(apart, Metric.VOLUME)}, left out of the volume)" if apart else ""
    return f"new tumour elsewhere{left_out}, not progression in {course.syndrome}"


def _new_lesion_words(verdict: Verdict) -> str:
    new = verdict.evidence.new_lesion
    if new is None:
        return ""
    first = "seen" if new is verdict.visit else "first seen"
    what = "seeding along the meninges" if verdict.evidence.seeding else "new lesion"
    return f"{what} {first} on {new.acquired_on}: progression by the new-lesion rule"


def _before_words(verdict: Verdict, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Set a baseline that is no smaller than before the treatment beside the last scan before it.

    After radiotherapy both are always said; what surgery took away is told elsewhere.
    """
    before, treated, metric = verdict.evidence.before, epoch.opened_by, criteria.metric
    value = epochs.value_of(verdict.visit, metric)
    value_before = epochs.value_of(before, metric) if before is not None else None
    if before is None or treated is None or value is None or value_before is None:
        return ""
    if value < value_before and treated.kind != TreatmentKind.RADIOTHERAPY:
        return ""
    figures = wording.figures_beside(value, value_before)
    change = f"{percent(value / value_before)} against" if value_before else "after"
    scan = f"{size(value_before, metric, figures)} on {before.acquired_on}" if value_before else "none seen"
    return f"{change} {scan}, the last judged scan before the {treated.kind}"


def _fallen_words(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say of growth since the nadir that the tumour is smaller than on the scan before; empty where it is not."""
    previous, metric = verdict.evidence.previous, criteria.metric
    if previous is None or not verdict.is_judged or verdict.display not in circumstances.GROWN:
        return ""
    main_pair = verdict.compared_with(criteria)
    if main_pair is not None and main_pair.reference is previous:
        return ""  # the main clause says so
    scan_pair = comparison.compare(verdict.visit, previous, metric, verdict.evidence.scans)
    if scan_pair.ratio is None or scan_pair.ratio >= 1:
        return ""
    is_fall = comparison.beyond_error(scan_pair) or comparison.shrank_to(scan_pair, 1 / criteria.progression.ratio)
    before = f"{size(scan_pair.reference_value, metric)} of {previous.acquired_on}"
    return f"yet smaller than on the scan before, {percent(scan_pair.ratio)} against {before}" if is_fall else ""


def _smallest_words(verdict: Verdict, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Set the smallest size of an earlier course beside this course's own."""
    smallest = verdict.evidence.smallest
    if smallest is None or not verdict.is_judged:
        return ""
    value = epochs.value_of(smallest, criteria.metric)
    visit_value = epochs.value_of(verdict.visit, criteria.metric)
    assert value is not None  # it was the smallest
    change = f"{percent(visit_value / value)} against" if value and visit_value is not None else "above"
    least = f"{size(value, criteria.metric)} of {smallest.acquired_on}"
    since = " since the last surgery" if epoch.after_surgery_on else ""
    return f"{change} the smallest ever seen{since}, {least}"


def _shrinkage_words(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say what a shrinkage that is no response amounts to, and why it is none."""
    baseline = verdict.evidence.baseline
    shrunk = verdict.display in (DisplayState.SHRINKAGE, DisplayState.POSSIBLE_SHRINKAGE)
    if verdict.category != Category.SD or baseline is None or baseline.ratio is None or not shrunk:
        return ""
    decimals = wording.decimals_apart(baseline.ratio, baseline.limit_ratio, criteria.response.ratio)
    against = f"{percent(baseline.ratio, decimals)} against the baseline of {baseline.reference.acquired_on}"
    scan_pair = verdict.compared_with(criteria)
    is_said = scan_pair is not None and scan_pair.reference is baseline.reference and scan_pair.ratio is not None
    if verdict.evidence.no_response is not None:  # said among the circumstances
        return "" if is_said else against
    why = f"not a {_limit(criteria.response.ratio, decimals)} response"
    if comparison.shrank_to(baseline, criteria.response.ratio):
        why = f"no response: {_why_no_response(verdict, baseline, criteria)}"
    if is_said:
        return why
    return f"{against}, {_error_words(baseline, 'baseline', decimals)}, {why}"


def _why_no_response(verdict: Verdict, baseline: Comparison, criteria: ResponseCriteria) -> str:
    """Say why a fall that reaches the rule of a response is none."""
    least, nadir = criteria.measurable.min_value, verdict.evidence.nadir
    if nadir is not None and nadir.reference_value == 0:
        return f"tumour seen again, none was seen on {nadir.reference.acquired_on}"
    if not comparison.at_least(baseline.reference_value, least):
        figures = wording.figures_beside(baseline.reference_value, least)
        small = size(baseline.reference_value, criteria.metric, figures)
        return f"the baseline of {small} is too small to measure one by (from {size(least, criteria.metric)} on)"
    return "it has grown since its smallest size"


def second_look(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say how a preliminary progression or a response stands with its second scan, and which one is seen no more."""
    settled_on = verdict.settled_by.acquired_on if verdict.settled_by is not None else None
    if verdict.preliminary and verdict.evidence.new_lesion is None:
        stands = _preliminary_words(verdict, settled_on)
    else:
        stands = _response_words(verdict, criteria, settled_on)
    return "; ".join(words for words in (stands, _shown_no_more(verdict)) if words)


def _response_words(verdict: Verdict, criteria: ResponseCriteria, settled_on: date | None) -> str:
    """Say how a response stands with its second scan; nothing where there is none."""
    if verdict.category not in (Category.CR, Category.PR):
        return ""
    name = "complete" if verdict.category == Category.CR else "partial"
    if settled_on is not None:
        return f"{name} response, confirmed by the scan of {settled_on}"
    if criteria.confirmation.days == 0:
        return f"{name} response, for which these criteria ask for no second scan"
    if verdict.ended_by is not None:
        now = "shows tumour" if verdict.category == Category.CR else "shows it no more"
        return f"{name} response, not confirmed: {_later(verdict, verdict.ended_by)} {now}"
    return f"{name} response, unconfirmed until a scan {criteria.confirmation.days} days apart shows it too"


def _shown_no_more(verdict: Verdict) -> str:
    """Say that the next scan shows a progression no more, or that this scan shows no more the one before."""
    day = verdict.visit.acquired_on
    if verdict.category == Category.PD and verdict.ended_by is not None:
        return f"{_later(verdict, verdict.ended_by)} shows it no more"
    if verdict.ends is None:
        return ""
    before = verdict.ends.acquired_on
    where = f"on {before}" if before != day else "earlier on that day"
    return f"the progression read {where} is seen no more"


def _later(verdict: Verdict, other: VisitMeasure) -> str:
    """Name a later scan by its day, which tells it apart only where it is another one."""
    day = other.acquired_on
    return f"the scan of {day}" if day != verdict.visit.acquired_on else "a later scan of that day"


def _preliminary_words(verdict: Verdict, settled_on: date | None) -> str:
    which = circumstances.seen_where_none_was(verdict)
    if verdict.evidence.window:
        which = circumstances.window_words(*verdict.evidence.window)
    if settled_on is None:
        wait = f"{verdict.wait_days} days later or more " if verdict.wait_days > 1 else ""
        return f"preliminary, {which}, until a scan {wait}confirms it"
    if verdict.is_refuted:
        return f"{which} and not confirmed by the scan of {settled_on}, so stable disease"
    return f"{which}, confirmed by the scan of {settled_on}"
