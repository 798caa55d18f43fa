"""A verdict in one plain sentence: the visits, the numbers with their units, the rule and how sure it is.

Numbers for people have two significant figures. What this module refuses: advice.
"""

from __future__ import annotations

import math
from datetime import date

from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, TreatmentKind, VisitMeasure
from pipeline.judge import comparison, epochs
from pipeline.judge.comparison import Comparison
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.epochs import Epoch
from pipeline.judge.verdict import Verdict

SUBJECT = {
    Metric.VOLUME: "Solid tumour",
    Metric.PRODUCT: "Product of axial diameters",
    Metric.LONGEST: "Sum of longest diameters",
}


def two_figures(number: float) -> str:
    """Write a number with two significant figures and no exponent.

    Examples
    --------
    >>> [two_figures(x) for x in (0, 0.0786, 1.52, 87.3, 154)]
    ['0', '0.079', '1.5', '87', '150']
    """
    if number == 0:
        return "0"
    digits = 1 - math.floor(math.log10(abs(number)))
    rounded = round(number, digits)
    digits = 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:.{max(digits, 0)}f}"


def percent(ratio: float) -> str:
    """Write a ratio as a signed change.

    Examples
    --------
    >>> percent(1.87), percent(0.35), percent(1.0)
    ('+87 %', '-65 %', '0 %')
    """
    change = 100 * (ratio - 1)
    words = two_figures(change if abs(change) >= 0.5 else 0.0)
    return f"{'+' if change >= 0.5 else ''}{words} %"


def size(value: float, metric: Metric) -> str:
    """Write a size in the unit people use: mL for volumes."""
    if metric == Metric.VOLUME:
        return f"{two_figures(value / 1000)} mL"
    return f"{two_figures(value)} {'mm²' if metric == Metric.PRODUCT else 'mm'}"


def reason(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> str:
    """Say in one sentence why a visit was judged as it was."""
    parts = [_main_clause(verdict, course, epoch, criteria), *_further_clauses(verdict, course, criteria)]
    return "; ".join(part for part in parts if part) + "."


def _main_clause(verdict: Verdict, course: PatientCourse, epoch: Epoch, criteria: ResponseCriteria) -> str:
    if verdict.state == State.CONTEXT:
        return f"Shown, not judged: {_why_context(verdict.visit, epoch)}"
    if verdict.state == State.BASELINE:
        return f"Baseline, {_why_baseline(verdict.visit, course, epoch)}: {_seen(verdict.visit, criteria)}"
    if not verdict.is_judged:
        return f"{'Not measured' if verdict.category == Category.PD else 'Not evaluable'}: {verdict.evidence.unusable}"
    compared = verdict.compared_with(criteria)
    assert compared is not None  # a judged visit was compared
    if compared.value == 0 or verdict.evidence.nadir is None:
        return _nothing_seen(verdict, compared)
    if verdict.evidence.nadir.reference_value == 0:
        return _seen_again(verdict, criteria)
    return _changed(verdict, compared, criteria)


def _why_context(visit: VisitMeasure, epoch: Epoch) -> str:
    if epoch.baseline is not None and visit.acquired_on <= epoch.baseline.acquired_on and epoch.is_pinned:
        return f"before the baseline of {epoch.baseline.acquired_on} that a person pinned"
    if epoch.eligible_on is None:
        return "before the first surgery or radiotherapy, which sets a new baseline"
    days = (epoch.eligible_on - visit.acquired_on).days
    return f"{days} days too soon after {epoch.cause}, a scan can be the baseline from {epoch.eligible_on} on"


def _why_baseline(visit: VisitMeasure, course: PatientCourse, epoch: Epoch) -> str:
    if epoch.is_pinned:
        return f"pinned by {course.pinned_by.get(visit.session_id, 'a person')}"
    if not epoch.cause:
        return "first usable scan of a tumour that was only watched"
    return f"first usable scan late enough after {epoch.cause}"


def _seen(visit: VisitMeasure, criteria: ResponseCriteria) -> str:
    value = epochs.value_of(visit, criteria.metric)
    if not value:
        return f"no solid tumour seen on {visit.acquired_on}"
    subject = SUBJECT[criteria.metric].lower()
    return f"{subject} {size(value, criteria.metric)} on {visit.acquired_on}"


def _nothing_seen(verdict: Verdict, compared: Comparison) -> str:
    on, baseline = verdict.visit.acquired_on, verdict.evidence.baseline
    if verdict.category == Category.CR and baseline is not None:
        return f"No solid tumour seen on {on}, though seen at the baseline of {baseline.reference.acquired_on}"
    return f"No solid tumour seen on {on}, as on {compared.reference.acquired_on}"


def _seen_again(verdict: Verdict, criteria: ResponseCriteria) -> str:
    rule, nadir = criteria.reappearance, verdict.evidence.nadir
    assert nadir is not None  # the caller looked
    words = (
        f"{SUBJECT[criteria.metric]} {size(nadir.value, criteria.metric)} on {verdict.visit.acquired_on} "
        f"where none was seen on {nadir.reference.acquired_on}"
    )
    limit = (
        f"{two_figures(rule.min_volume_mm3 / 1000)} mL and {rule.min_longest_mm:g} mm, "
        f"on {rule.min_slices} slices or on two scans"
    )
    if verdict.grown:
        return f"{words}: reaches the rule for tumour seen again ({limit})"
    below = f"{words}: below the rule for tumour seen again ({limit})"
    if verdict.evidence.asked is None:
        return f"{below}, confirm on the next scan"
    floor = size(rule.min_volume_mm3, Metric.VOLUME)
    return f"{below}, as on {verdict.evidence.asked.acquired_on}: not decidable below {floor}"


def _changed(verdict: Verdict, compared: Comparison, criteria: ResponseCriteria) -> str:
    assert compared.ratio is not None  # the reference is not 0 here
    visit, metric = verdict.visit, criteria.metric
    interval = ""
    if compared.interval is not None:
        low, high = percent(compared.interval.low), percent(compared.interval.high)
        interval = f" (95 % CI by all scans {low.removesuffix(' %')} to {high})"
    name = "baseline" if compared is verdict.evidence.baseline else "nadir"
    return (
        f"{SUBJECT[metric]} {size(compared.value, metric)} on {visit.acquired_on} is {percent(compared.ratio)}"
        f"{interval} against the {name} {size(compared.reference_value, metric)} of "
        f"{compared.reference.acquired_on}: {_rule_words(verdict, compared, criteria)}"
    )


def _rule_words(verdict: Verdict, compared: Comparison, criteria: ResponseCriteria) -> str:
    rule = criteria.progression
    threshold = f"the {percent(rule.ratio)} rule"
    if verdict.category in (Category.PR, Category.MR):
        limit = percent(verdict.threshold_ratio(criteria))
        return f"reaches the {limit} rule of a {_response_name(verdict, criteria)}, {_error_words(compared)}"
    asked = f"the possible growth of {verdict.evidence.asked.acquired_on}" if verdict.evidence.asked else ""
    if not comparison.grew_by(compared, rule.ratio):
        rounded_onto_it = compared.ratio is not None and percent(compared.ratio) == percent(rule.ratio)
        below = f"just below {threshold}" if rounded_onto_it else f"below {threshold}"
        return f"{below}, {asked} is not confirmed" if asked else below
    if not verdict.grown:
        return f"beyond {threshold} but {_open_words(compared, criteria, asked)}"
    joint = "and" if comparison.beyond_error(compared) else "but"
    answer = f", which confirms {asked}" if asked else ""
    return f"beyond {threshold} {joint} {_error_words(compared)}{answer}"


def _open_words(compared: Comparison, criteria: ResponseCriteria, asked: str) -> str:
    """Say why growth is only possible; a first time ask for the next scan, after that answer and say what decides."""
    rule = criteria.progression
    too_little = comparison.beyond_error(compared)
    why = f"by less than {size(rule.min_change, criteria.metric)}" if too_little else _error_words(compared)
    if not asked:
        return f"{why}, confirm on the next scan"
    needed = compared.reference_value + rule.min_change
    if not too_little and compared.limit_ratio is not None:
        needed = max(needed, compared.reference_value * compared.limit_ratio)
    decided = "" if compared.limit_ratio is None else f", a size of {size(needed, criteria.metric)} would decide"
    if too_little:
        return f"{why}: {asked} is not decidable below that{decided}"
    return f"{why}: {asked} is not confirmed{decided}"


def _response_name(verdict: Verdict, criteria: ResponseCriteria) -> str:
    if verdict.category == Category.PR:
        return "partial response"
    minor = criteria.minor_response
    applies = f" (meant for {minor.applies_to})" if minor is not None and minor.applies_to else ""
    return f"minor response{applies}"


def _error_words(compared: Comparison) -> str:
    if compared.limit_ratio is None:
        return "of unknown measurement error"
    if comparison.beyond_error(compared) and abs(compared.limit_ratio - 1) < comparison.ROUNDING:
        return "beyond measurement error by the other scans alone"
    place = "beyond" if comparison.beyond_error(compared) else "within"
    return f"{place} measurement error (limit {percent(compared.limit_ratio)})"


def _further_clauses(verdict: Verdict, course: PatientCourse, criteria: ResponseCriteria) -> list[str]:
    evidence = verdict.evidence
    new = evidence.new_lesion
    first = "seen" if new is verdict.visit else "first seen"
    return [
        _shrinkage_words(verdict, criteria),
        _uncounted_lesion(verdict),
        f"new lesion {first} on {new.acquired_on}: progression by the new-lesion rule" if new is not None else "",
        _elsewhere_words(verdict, course),
        f"clinical progression: {evidence.decline}" if evidence.decline else "",
        second_look(verdict, criteria),
        _steroid_note(verdict, course),
        _passed_over_words(verdict, criteria),
        "provisional: rests on an automatic mask nobody signed" if verdict.is_provisional else "",
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
    """Say what a shrinkage that is no response amounts to."""
    baseline = verdict.evidence.baseline
    shrunk = verdict.display in (DisplayState.SHRINKAGE, DisplayState.POSSIBLE_SHRINKAGE)
    if verdict.category != Category.SD or baseline is None or baseline.ratio is None or not shrunk:
        return ""
    against = f"{percent(baseline.ratio)} against the baseline of {baseline.reference.acquired_on}"
    return f"{against}, {_error_words(baseline)}, not a {percent(criteria.response.ratio)} response"


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
