"""Criteria in words, made from the very objects that judge; no number is written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboard.words.labels import NARROW, capital, two_figures
from pipeline.core.function_scales import scale_name
from pipeline.core.vocabulary import Category
from pipeline.judge import criteria
from pipeline.judge.criteria import Metric, ResponseCriteria

METRICS = {
    Metric.VOLUME: "solid tumour volume",
    Metric.PRODUCT: "sum of products of the two largest perpendicular axial diameters",
    Metric.LONGEST: "sum of longest diameters",
}
REFERENCES = {"nadir": "its smallest since the baseline, the baseline included", "baseline": "the baseline"}
MARKS = {
    "checked": "checked in the source",
    "second-hand": "seen second-hand, not in the source",
    "unchecked": "commonly cited, not looked up",
    "doubtful": "cited in conflicting ways",
    "proposal": "a proposal of this project",
}
TITLES = {
    "progression": "Progression",
    "response": "Partial response",
    "minor_response": "Minor response",
    "confirmation": "Confirmation of a response",
    "reappearance": "Tumour seen again",
    "measurable": "Large enough to respond",
    "baseline": "Baseline",
    "sequences": "Sequences needed",
    "new_lesion": "New lesion",
    "clinical": "Clinical progression",
    "radiotherapy_window": "After radiotherapy",
    "radiosurgery_window": "After radiosurgery",
    "immunotherapy_window": "After immunotherapy",
    "steroids": "Steroids",
    "mixed": "Enhancing and T2 tumour",
    "stable": "Stable disease as best response",
}


def in_words(rule: ResponseCriteria) -> list[tuple[str, str, str, str]]:
    """Say every rule that is set.

    Returns
    -------
    list
        Name, words, source, and how far the source was checked; in the order of a judgement.
    """
    clauses = criteria.sections(rule)
    return [
        (
            title,
            capital(SAYINGS[name](clauses[name], rule.metric)),
            clauses[name].source,
            MARKS[str(clauses[name].mark)],
        )
        for name, title in TITLES.items()
        if name in clauses
    ]


def _percent(ratio: float) -> str:
    return f"{abs(round(100 * (ratio - 1)))}{NARROW}%"


def _size(value: float, metric: Metric) -> str:
    if metric == Metric.VOLUME:
        return f"{two_figures(value / 1000)}{NARROW}mL"
    return f"{two_figures(value)}{NARROW}{'mm²' if metric == Metric.PRODUCT else 'mm'}"


def _progression(rule: criteria.Progression, metric: Metric) -> str:
    words = f"{METRICS[metric]} grows by {_percent(rule.ratio)} or more against {REFERENCES[str(rule.reference)]}"
    if rule.min_change:
        words += f", by at least {_size(rule.min_change, metric)}"
    if rule.beyond_error:
        words += ", and beyond the measurement error of all scans since the baseline"
    return f"{words}."


def _response(rule: criteria.Response, metric: Metric) -> str:
    whom = f" (meant for {rule.applies_to})" if rule.applies_to else ""
    return f"{METRICS[metric]} shrinks by {_percent(rule.ratio)} or more against the baseline{whom}."


def _confirmation(rule: criteria.Confirmation, _: Metric) -> str:
    if not rule.days:
        return "A complete or partial response counts at once, without a second scan."
    return f"A complete or partial response counts once a scan {rule.days} days apart or more shows it too."


def _reappearance(rule: criteria.Reappearance, _: Metric) -> str:
    return (
        f"Where none was seen, tumour counts again from {_size(rule.min_volume_mm3, Metric.VOLUME)} or "
        f"{rule.min_longest_mm:g}{NARROW}mm, on {rule.min_slices} slices or on two scans in a row; the progression is "
        f"then dated back to the first."
    )


def _measurable(rule: criteria.Measurable, metric: Metric) -> str:
    return f"A response can be called only from a baseline of {_size(rule.min_value, metric)} on."


def _baseline(rule: criteria.Baseline, _: Metric) -> str:
    return (
        f"The usable scan nearest to {rule.surgery_target_days} days after surgery, from day "
        f"{rule.after_surgery_days} on, unless it shows progression since an earlier one; the first at least "
        f"{rule.after_radiotherapy_days} days after the end of radiotherapy; the last "
        f"one before radiosurgery and before a line of systemic treatment; a scan that somebody pins. Each opens a "
        f"further course, and what was judged before it stands. A radiotherapy without a last day may have ended on "
        f"any of the first {rule.radiotherapy_course_days} days: what depends on it is not evaluable."
    )


def _new_lesion(rule: criteria.NewLesion, _: Metric) -> str:
    exempt = ", ".join(rule.exempt_syndromes)
    exception = f", except as a new tumour elsewhere in: {exempt}" if exempt else ""
    return f"An unequivocal new lesion is progression{exception}."


def _sequences(rule: criteria.Sequences, _: Metric) -> str:
    names = " and ".join(name.replace("_ce", " after contrast agent") for name in rule.mandatory)
    return f"A visit without a readable {names} scan is not evaluable, unless the rest proves progression."


def _clinical(rule: criteria.Clinical, _: Metric) -> str:
    scales = ", ".join(dict.fromkeys(scale_name(name) for name in rule.scale_ids))
    return (
        f"Function worse by {rule.worse_by_grades:g} grade or more at {rule.assessments} assessments in a row "
        f"({scales}), attributable to the tumour, is progression."
    )


def _steroids(rule: criteria.Steroids, _: Metric) -> str:
    return (
        f"A partial response needs a steroid dose of the baseline's or less, a complete one none above "
        f"{rule.physiologic_mg:g}{NARROW}mg of dexamethasone a day; an unknown dose begun since is no response."
    )


def _mixed(rule: criteria.Mixed, _: Metric) -> str:
    beside_stable = "partial response" if rule.complete_beside_stable == Category.PR else "stable disease"
    return (
        "Where both were measured they are judged apart, then together: progression of either is progression, a "
        "partial or minor response of one counts where the other is stable, complete response needs both gone; a part "
        f"that is gone takes the category of the other, {beside_stable} beside a stable one. One that cannot be judged "
        "leaves both not evaluable, unless the other has progressed. Solid tumour alone decides the state."
    )


def _stable(rule: criteria.Stable, _: Metric) -> str:
    return f"Stable disease counts as a best response from {rule.min_days} days after the start of its course on."


def _window(what: str) -> Callable[[criteria.Window, Metric], str]:
    return lambda rule, _: (
        f"Within {rule.days} days {what}, growth or a new lesion is preliminary until a scan "
        f"{rule.confirmation_days} days later or more confirms it; the progression is then dated back to the first."
    )


SAYINGS: dict[str, Callable[[Any, Metric], str]] = {
    "progression": _progression,
    "response": _response,
    "minor_response": _response,
    "confirmation": _confirmation,
    "reappearance": _reappearance,
    "measurable": _measurable,
    "baseline": _baseline,
    "sequences": _sequences,
    "new_lesion": _new_lesion,
    "clinical": _clinical,
    "radiotherapy_window": _window("of the end of radiotherapy"),
    "radiosurgery_window": _window("of radiosurgery"),
    "immunotherapy_window": _window("of the first day of immunotherapy"),
    "steroids": _steroids,
    "mixed": _mixed,
    "stable": _stable,
}
