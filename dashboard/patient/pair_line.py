"""The change between the two visits that are open, whichever they are, with its interval."""

from __future__ import annotations

from dashboard.data import queries
from dashboard.words import labels
from dashboard.words.markup import Html, join, tag
from pipeline.core import wording
from pipeline.core.vocabulary import VisitMeasure
from pipeline.judge import course_text
from pipeline.judge.between import Between, between


def pair_line(patient_id: str, one: str, other: str) -> Html:
    """Say what solid tumour did from one visit to the other, the earlier first; empty where nothing can be said."""
    pair = queries.derived(_between, patient_id, one, other)
    if pair is None:
        return Html("")
    first, last = pair.earlier, pair.later
    days = f"{labels.day(first.acquired_on)} → {labels.day(last.acquired_on)}: "
    return tag("p", days, _which(pair), tag("b", _change(pair)), _rest(pair), class_="ct-pair")


def _between(patient_id: str, one: str, other: str) -> Between | None:
    courses = queries.query("patient_judged_course", patient_id=patient_id)
    return None if courses.empty else between(course_text.from_text(str(courses.iloc[0]["course"])), one, other)


def _which(pair: Between) -> str:
    """Name what is compared where a part of it is new, since the verdict and its curve may leave that out."""
    return "all tumour, new included, " if pair.earlier.new_tumour_mm3 or pair.later.new_tumour_mm3 else ""


def _change(pair: Between) -> str:
    sizes = f"{_size(pair.earlier, pair)} → {_size(pair.later, pair)}"
    if pair.compared is None or pair.compared.ratio is None or not pair.compared.ratio:
        return sizes
    return f"{sizes}, {labels.typeset(wording.change_of(pair.compared.ratio))}"


def _size(visit: VisitMeasure, pair: Between) -> str:
    if visit.volume_mm3 is None:
        return visit.missing_reason or labels.MISSING
    figures = labels.figures_beside(visit.volume_mm3, pair.earlier.volume_mm3, pair.later.volume_mm3)
    return labels.ml(visit.volume_mm3, figures)


def _rest(pair: Between) -> str:
    scan_pair = pair.compared
    if scan_pair is None or not scan_pair.ratio:
        return ""
    parts = [f" (95\u202f% CI {_interval(pair)})" if scan_pair.interval else " (no interval: an error is not known)"]
    if pair.crosses_surgery:
        parts.append("; surgery between them, so by these two scans alone")
    unsigned = [visit for visit in (pair.earlier, pair.later) if _is_unsigned(visit)]
    if unsigned:
        parts.append(f"; unsigned: {', '.join(labels.day(visit.acquired_on) for visit in unsigned)}")
    return join([*parts, "; between these two, not the verdict"])


def _is_unsigned(visit: VisitMeasure) -> bool:
    return visit.mask_origin == "automatic" and not visit.signed_off


def _interval(pair: Between) -> str:
    assert pair.compared is not None and pair.compared.interval is not None  # noqa: PT018  # the caller looked
    interval = pair.compared.interval
    return labels.typeset(wording.change_interval(100 * (interval.low - 1), 100 * (interval.high - 1)))
