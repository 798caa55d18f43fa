"""A verdict in one plain sentence: the visits, the numbers with their units, the rule and how sure it is.

The parts are put together as data (``clauses``), in the one number format of ``wording``. What this module refuses:
advice, a fall held against the limit for growth, and a word for an order that the printed numbers do not show.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pipeline.core import wording
from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, TreatmentKind, VisitMeasure
from pipeline.judge import clauses, comparison, epochs
from pipeline.judge.clauses import Clause, ClauseKind, beside
from pipeline.judge.comparison import Comparison
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.epochs import Epoch
from pipeline.judge.verdict import Verdict

SUBJECT = {
    Metric.VOLUME: "Solid tumour",
    Metric.PRODUCT: "Product of axial diameters",
    Metric.LONGEST: "Sum of longest diameters",
}
UNITS = {Metric.VOLUME: "mm³", Metric.PRODUCT: "mm²", Metric.LONGEST: "mm"}
SIZES = {Metric.VOLUME: wording.volume, Metric.PRODUCT: wording.area, Metric.LONGEST: wording.length}

two_figures = wording.significant
percent = wording.change_of


def size(value: float, metric: Metric, figures: int = wording.FIGURES) -> str:
    """Write a size in the unit people use: mL for volumes."""
    return SIZES[metric](value, figures)


def reason(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Say in one sentence why a visit was judged as it was."""
    return clauses.sentence(clauses_of(verdict, course, epoch, criteria))


def clauses_of(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> tuple[Clause, ...]:
    """Return the parts of a verdict, the main one first; no part is said twice."""
    main = replace(_main_clause(verdict, course, epoch, criteria), on=verdict.visit.acquired_on)
    return clauses.distinct((main, *_further_clauses(verdict, course, criteria)))


def _main_clause(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> Clause:
    if verdict.state == State.CONTEXT:
        return Clause(ClauseKind.NOT_JUDGED, "Shown, not judged", _why_context(verdict.visit, epoch))
    if verdict.state == State.BASELINE:
        return _baseline(verdict.visit, course, epoch, criteria)
    if not verdict.is_judged:
        words = "Not measured" if verdict.category == Category.PD else "Not evaluable"
        return Clause(ClauseKind.NOT_EVALUABLE, words, str(verdict.evidence.unusable))
    compared = verdict.compared_with(criteria)
    assert compared is not None  # a judged visit was compared
    if compared.value == 0 or verdict.evidence.nadir is None:
        return _nothing_seen(verdict, compared, criteria)
    if verdict.evidence.nadir.reference_value == 0:
        return _seen_again(verdict, criteria)
    return _changed(verdict, compared, criteria)


def _why_context(visit: VisitMeasure, epoch: Epoch) -> str:
    if epoch.baseline is not None and visit.acquired_on <= epoch.baseline.acquired_on and epoch.is_pinned:
        return f"before the baseline of {epoch.baseline.acquired_on} that a person pinned"
    if epoch.eligible_on is None:
        return "before the first surgery or radiotherapy, which sets a new baseline"
    days = (epoch.eligible_on - visit.acquired_on).days
    too_soon = wording.count(days, "day")
    return f"{too_soon} too soon after {epoch.cause}, a scan can be the baseline from {epoch.eligible_on} on"


def _why_baseline(visit: VisitMeasure, course: PatientCourse, epoch: Epoch) -> str:
    if epoch.is_pinned:
        return f"pinned by {course.pinned_by.get(visit.session_id, 'a person')}"
    if not epoch.cause:
        return "first usable scan of a tumour that was only watched"
    return f"first usable scan late enough after {epoch.cause}"


def _baseline(visit: VisitMeasure, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> Clause:
    value = epochs.value_of(visit, criteria.metric)
    words = f"Baseline, {_why_baseline(visit, course, epoch)}"
    return Clause(ClauseKind.BASELINE, words, _seen(visit, criteria), unit=UNITS[criteria.metric], value=value)


def _seen(visit: VisitMeasure, criteria: ResponseCriteria) -> str:
    value = epochs.value_of(visit, criteria.metric)
    if not value:
        return f"no solid tumour seen on {visit.acquired_on}"
    subject = SUBJECT[criteria.metric].lower()
    return f"{subject} {size(value, criteria.metric)} on {visit.acquired_on}"


def _sizes_of(compared: Comparison, criteria: ResponseCriteria, verdict: Verdict) -> Clause:
    """Return what a comparison says in numbers, without words."""
    limit = compared.limit_ratio
    if limit is not None and compared.ratio is not None and compared.ratio < 1:
        limit = 1 / limit
    return Clause(
        ClauseKind.CHANGE,
        "",
        reference_on=compared.reference.acquired_on,
        reference="baseline" if compared is verdict.evidence.baseline else "nadir",
        unit=UNITS[criteria.metric],
        value=compared.value,
        reference_value=compared.reference_value,
        ratio=compared.ratio,
        low_ratio=compared.interval.low if compared.interval else None,
        high_ratio=compared.interval.high if compared.interval else None,
        limit_ratio=limit,
        rule_ratio=verdict.threshold_ratio(criteria),
    )


def _nothing_seen(verdict: Verdict, compared: Comparison, criteria: ResponseCriteria) -> Clause:
    on, baseline = verdict.visit.acquired_on, verdict.evidence.baseline
    words = f"No solid tumour seen on {on}, as on {compared.reference.acquired_on}"
    if verdict.category == Category.CR and baseline is not None:
        words = f"No solid tumour seen on {on}, though seen at the baseline of {baseline.reference.acquired_on}"
    elif compared.reference_value:
        words = f"No solid tumour seen on {on}, though seen on {compared.reference.acquired_on}"
    return replace(_sizes_of(compared, criteria, verdict), kind=ClauseKind.NONE_SEEN, words=words)


def _seen_again(verdict: Verdict, criteria: ResponseCriteria) -> Clause:
    nadir = verdict.evidence.nadir
    assert nadir is not None  # the caller looked
    words = (
        f"{SUBJECT[criteria.metric]} {size(nadir.value, criteria.metric)} on {verdict.visit.acquired_on} "
        f"where none was seen on {nadir.reference.acquired_on}"
    )
    numbers = replace(_sizes_of(nadir, criteria, verdict), rule_ratio=None)
    return replace(numbers, kind=ClauseKind.SEEN_AGAIN, words=words, ruling=_seen_again_words(verdict, criteria))


def _seen_again_words(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say where tumour seen again lies to its rule, and what of the rule it does not reach."""
    rule, visit = criteria.reappearance, verdict.visit
    sizes = f"{wording.volume(rule.min_volume_mm3)} and {rule.min_longest_mm:g} mm"
    if verdict.grown:
        return f"reaches the rule for tumour seen again ({sizes}, on {rule.min_slices} slices or on two scans)"
    if comparison.reappears(visit, criteria):
        seen_on = "an unknown number of slices"
        if visit.slices_spanned is not None:
            seen_on = wording.count(visit.slices_spanned, "slice")
        return (
            f"reaches the sizes of the rule for tumour seen again ({sizes}), but on one scan and {seen_on}, where the "
            f"rule asks for {rule.min_slices} slices or two scans; confirm on the next scan"
        ).replace("; ", ", ")
    return f"does not reach the sizes of the rule for tumour seen again ({sizes}), confirm on the next scan"


def _changed(verdict: Verdict, compared: Comparison, criteria: ResponseCriteria) -> Clause:
    assert compared.ratio is not None  # the reference is not 0 here
    visit, metric = verdict.visit, criteria.metric
    numbers = _sizes_of(compared, criteria, verdict)
    limits = (numbers.limit_ratio, numbers.rule_ratio, criteria.response.ratio)
    decimals = wording.decimals_apart(compared.ratio, *limits)
    figures = wording.figures_beside(compared.value, compared.reference_value)
    interval = ""
    if compared.interval is not None:
        ends = wording.change_interval(100 * (compared.interval.low - 1), 100 * (compared.interval.high - 1))
        interval = f" (95 % CI {ends})"
    words = (
        f"{SUBJECT[metric]} {size(compared.value, metric, figures)} on {visit.acquired_on} is "
        f"{percent(compared.ratio, decimals)}{interval} against the {numbers.reference} "
        f"{size(compared.reference_value, metric, figures)} of {compared.reference.acquired_on}"
    )
    ruling = _rule_words(verdict, compared, criteria, decimals)
    return replace(numbers, words=words, ruling=ruling, change=percent(compared.ratio, decimals))


def _limit(ratio: float, decimals: int) -> str:
    """Write a limit with as many decimals as the change held against it, without idle zeros."""
    words = percent(ratio, decimals)
    return words if "." not in words else f"{words.removesuffix(' %').rstrip('0').rstrip('.')} %"


def _rule_words(verdict: Verdict, compared: Comparison, criteria: ResponseCriteria, decimals: int) -> str:
    """Say where a change lies to the rule and to the error, true of the printed numbers."""
    rule = criteria.progression
    threshold = f"the {_limit(rule.ratio, decimals)} rule"
    error = _error_words(compared, decimals)
    assert compared.ratio is not None  # the caller looked
    if verdict.category in (Category.PR, Category.MR):
        limit = _limit(verdict.threshold_ratio(criteria), decimals)
        return f"reaches the {limit} rule of a {_response_name(verdict, criteria)}, {error}"
    if not comparison.grew_by(compared, rule.ratio):
        if percent(compared.ratio, decimals).startswith("-"):
            return f"a fall, {error}"
        is_level = _limit(compared.ratio, decimals) == _limit(rule.ratio, decimals)
        return f"just below {threshold}" if is_level else f"below {threshold}"
    place = "reaches" if _limit(compared.ratio, decimals) == _limit(rule.ratio, decimals) else "beyond"
    if not verdict.grown:
        return f"{place} {threshold} but {_why_not_proven(compared, criteria, error)}, confirm on the next scan"
    joint = "and" if comparison.beyond_error(compared) else "but"
    return f"{place} {threshold} {joint} {error}"


def _why_not_proven(compared: Comparison, criteria: ResponseCriteria, error: str) -> str:
    """Name every floor that a growth beyond the rule does not reach."""
    rule = criteria.progression
    floor = comparison.at_least(compared.value - compared.reference_value, rule.min_change)
    missed = [] if floor else [f"by less than {size(rule.min_change, criteria.metric)}"]
    if rule.beyond_error and not comparison.beyond_error(compared):
        missed.append(error)
    return " and ".join(missed) or error


def _response_name(verdict: Verdict, criteria: ResponseCriteria) -> str:
    if verdict.category == Category.PR:
        return "partial response"
    minor = criteria.minor_response
    applies = f" (meant for {minor.applies_to})" if minor is not None and minor.applies_to else ""
    return f"minor response{applies}"


def _error_words(compared: Comparison, decimals: int = 0) -> str:
    """Say whether a change exceeds the error, against the limit on its own side."""
    if compared.limit_ratio is None or compared.ratio is None:
        return "of unknown measurement error"
    limit = 1 / compared.limit_ratio if compared.ratio < 1 else compared.limit_ratio
    place = "beyond" if comparison.beyond_error(compared) else "within"
    return f"{place} measurement error (limit {_limit(limit, decimals)})"


def _further_clauses(verdict: Verdict, course: PatientCourse, criteria: ResponseCriteria) -> list[Clause]:
    evidence = verdict.evidence
    new = evidence.new_lesion
    first = "seen" if new is verdict.visit else "first seen"
    seen = f"new lesion {first} on {new.acquired_on}: progression by the new-lesion rule" if new is not None else ""
    unsigned = "provisional: rests on an automatic mask nobody signed" if verdict.is_provisional else ""
    return [
        *beside(ClauseKind.SHRINKAGE, _shrinkage_words(verdict, criteria)),
        *beside(ClauseKind.UNJUDGED_LESION, _uncounted_lesion(verdict)),
        *beside(ClauseKind.NEW_LESION, seen),
        *beside(ClauseKind.ELSEWHERE, _elsewhere_words(verdict, course)),
        *beside(ClauseKind.CLINICAL, f"clinical progression: {evidence.decline}" if evidence.decline else ""),
        *beside(ClauseKind.CONFIRMATION, second_look(verdict, criteria)),
        *beside(ClauseKind.TREATMENT, _steroid_note(verdict, course)),
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


def _uncounted_lesion(verdict: Verdict) -> str:
    """Say that a new lesion was marked where nothing is judged, lest it be overlooked."""
    unjudged = verdict.state in (State.BASELINE, State.CONTEXT)
    return (
        "a new lesion is marked on this scan and not judged: look at it"
        if verdict.visit.new_lesion and unjudged
        else ""
    )


def _shrinkage_words(verdict: Verdict, criteria: ResponseCriteria) -> str:
    """Say what a shrinkage that is no response amounts to, and why it is none."""
    baseline = verdict.evidence.baseline
    shrunk = verdict.display in (DisplayState.SHRINKAGE, DisplayState.POSSIBLE_SHRINKAGE)
    if verdict.category != Category.SD or baseline is None or baseline.ratio is None or not shrunk:
        return ""
    limit = 1 / baseline.limit_ratio if baseline.limit_ratio is not None else None
    decimals = wording.decimals_apart(baseline.ratio, limit, criteria.response.ratio)
    why = f"not a {_limit(criteria.response.ratio, decimals)} response"
    if comparison.shrank_to(baseline, criteria.response.ratio):
        why = f"no response: {_why_no_response(verdict, baseline, criteria)}"
    compared = verdict.compared_with(criteria)
    if compared is not None and compared.reference is baseline.reference and compared.ratio is not None:
        return why
    against = f"{percent(baseline.ratio, decimals)} against the baseline of {baseline.reference.acquired_on}"
    return f"{against}, {_error_words(baseline, decimals)}, {why}"


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
    """Say how a preliminary progression or a response stands with its second scan."""
    settled_on = verdict.settled_by.acquired_on if verdict.settled_by is not None else None
    if verdict.preliminary and verdict.evidence.window is not None:
        return _window_words(verdict, settled_on)
    if verdict.category not in (Category.CR, Category.PR):
        return ""
    name = "complete" if verdict.category == Category.CR else "partial"
    if settled_on is not None:
        return f"{name} response, confirmed by the scan of {settled_on}"
    return f"{name} response, unconfirmed until a scan {criteria.confirmation.days} days apart shows it too"


def _window_words(verdict: Verdict, settled_on: date | None) -> str:
    assert verdict.evidence.window is not None  # the caller looked
    window, treatment = verdict.evidence.window
    which = f"within {window.days} days of {treatment.kind} begun {treatment.started_on}"
    if treatment.kind == TreatmentKind.RADIOTHERAPY:
        which = f"within {window.days} days of the end of radiotherapy"
    if settled_on is None:
        return f"preliminary, {which}, until a scan {window.confirmation_days} days later or more confirms it"
    if verdict.is_refuted:
        return f"{which} and not confirmed by the scan of {settled_on}, so stable disease"
    return f"{which}, confirmed by the scan of {settled_on}"


def _steroid_note(verdict: Verdict, course: PatientCourse) -> str:
    baseline = verdict.evidence.baseline
    if baseline is None or verdict.category not in (Category.CR, Category.PR):
        return ""
    on, since = verdict.visit.acquired_on, baseline.reference.acquired_on
    for kind in (TreatmentKind.STEROID, TreatmentKind.BEVACIZUMAB):
        found = epochs.running(course, kind, since, on)
        if found is not None:
            return f"{kind} begun {found.started_on} may explain it"
    return ""
