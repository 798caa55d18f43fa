"""Which scans can be compared with which: epochs, baselines and treatment windows.

An epoch is a stretch of a patient's course without surgery or radiotherapy in it; baseline and nadir never cross
its ends. What this module refuses: guessing a baseline where no scan satisfies the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from pipeline.core.vocabulary import MaskOrigin, PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge.criteria import Baseline, Metric, NewLesion, ResponseCriteria, Sequences, Window

ROUNDING_MM3 = 1e-6
"""What two sums of the same voxels may differ by, mm³."""


@dataclass(frozen=True)
class Epoch:
    """A stretch of a course whose scans may be compared.

    Attributes
    ----------
    number
        0 before the first surgery or radiotherapy, then counting up.
    cause
        What opened it, in words; empty for the first.
    starts_on, ends_before
        First day whose scans belong to it, and the first day whose scans no longer do.
    eligible_on
        First day whose scans may be its baseline; None when no scan may (before the first treatment).
    after_surgery_on
        Latest surgery at or before its start; None when there was none.
    visits
        Its scans in date order.
    baseline
        None when no scan satisfies the rules.
    is_pinned
        A person chose the baseline.
    """

    number: int
    cause: str
    starts_on: date
    ends_before: date
    eligible_on: date | None
    after_surgery_on: date | None
    visits: tuple[VisitMeasure, ...] = ()
    baseline: VisitMeasure | None = None
    is_pinned: bool = False


def in_order(visits: Iterable[VisitMeasure]) -> tuple[VisitMeasure, ...]:
    """Return visits by date, then by name, whatever order they came in."""
    return tuple(sorted(visits, key=lambda visit: (visit.acquired_on, visit.session_id)))


def value_of(visit: VisitMeasure, metric: Metric) -> float | None:
    """Return what is compared, in the metric's unit; an empty mask has a size of 0 by any metric."""
    if visit.volume_mm3 == 0:
        return 0.0
    return {Metric.VOLUME: visit.volume_mm3, Metric.PRODUCT: visit.product_mm2, Metric.LONGEST: visit.longest_mm}[
        metric
    ]


def is_unsigned(visit: VisitMeasure) -> bool:
    """Say whether a measure rests on an automatic mask that nobody signed off."""
    return visit.mask_origin == MaskOrigin.AUTOMATIC and not visit.signed_off


def signed_alone(epoch: Epoch) -> Epoch | None:
    """Return an epoch without the scans that nobody signed; None when its baseline is one of them, or there are none.

    A scan on which a new lesion was marked stays without its sizes: the mark is not a matter of outlines.
    """
    if epoch.baseline is None or is_unsigned(epoch.baseline) or not any(map(is_unsigned, epoch.visits)):
        return None
    visits = (_mark_alone(visit) if is_unsigned(visit) else visit for visit in epoch.visits)
    return replace(epoch, visits=tuple(visit for visit in visits if visit is not None))


def _mark_alone(visit: VisitMeasure) -> VisitMeasure | None:
    if not visit.new_lesion:
        return None
    reason = "nobody signed its automatic mask"
    return replace(visit, volume_mm3=None, product_mm2=None, longest_mm=None, missing_reason=reason)


def why_not_usable(visit: VisitMeasure, metric: Metric) -> str | None:
    """Return why a visit cannot be compared with any other, in words; None when it can.

    Examples
    --------
    >>> why_not_usable(VisitMeasure("ses-1", date(2020, 1, 1), None, missing_reason="no mask"), Metric.VOLUME)
    'no mask'
    """
    value = value_of(visit, metric)
    if value is None:
        has_size = any(size is not None for size in (visit.volume_mm3, visit.product_mm2, visit.longest_mm))
        if has_size and metric != Metric.VOLUME:
            return "the diameters that these criteria compare were not measured"
        return visit.missing_reason or "the tumour was not measured and nobody said why"
    if not 0 <= value < float("inf"):
        return f"the measure is not a possible size ({value:g})"
    if is_unsigned(visit) and visit.certificate == "C":
        return "its automatic mask rests on an alignment of grade C; draw or sign the mask"
    return None


def why_not_judged(visit: VisitMeasure, criteria: ResponseCriteria) -> str | None:
    """Return why criteria cannot use a visit, as baseline or against one, in words; None when they can."""
    return why_not_usable(visit, criteria.metric) or missing_sequence(visit, criteria.sequences)


def why_no_reference(visit: VisitMeasure, criteria: ResponseCriteria) -> str | None:
    """Return why later visits cannot be compared with a visit, in words; None when they can.

    A size that is a lower bound may be judged where it proves growth, and is no ground for anything else.
    """
    return why_not_judged(visit, criteria) or lower_bound(visit)


def lower_bound(visit: VisitMeasure) -> str | None:
    """Return why a visit's sizes are lower bounds, in words; None where they are whole.

    Examples
    --------
    >>> lower_bound(VisitMeasure("ses-1", date(2020, 1, 1), 900.0, bound_reason="its mask reaches the edge"))
    'the tumour measured is only a lower bound: its mask reaches the edge'
    """
    return visit.bound_reason and f"the tumour measured is only a lower bound: {visit.bound_reason}"


def missing_sequence(visit: VisitMeasure, rule: Sequences | None) -> str | None:
    """Return why a visit lacks a sequence that the criteria ask for, in words; None when it has all.

    Imported numbers come without sequences, and are taken at their word.

    Examples
    --------
    >>> from pipeline.judge.criteria import Mark
    >>> rule = Sequences("RECIST", Mark.PROPOSAL, mandatory=("T2w",))
    >>> missing_sequence(VisitMeasure("ses-1", date(2020, 1, 1), 900.0, contrasts=frozenset({"T1w"})), rule)
    'these criteria need a T2w scan and this visit has only T1w'
    """
    if rule is None or visit.contrasts is None:
        return None
    missing = [name for name in rule.mandatory if name not in visit.contrasts]
    if not missing:
        return None
    there = ", ".join(sorted(visit.contrasts)) or "none that can be read"
    return f"these criteria need a {' and a '.join(missing)} scan and this visit has only {there}"


def makes_new_tumours(syndrome: str | None, rule: NewLesion) -> bool:
    """Say whether a patient's syndrome makes new tumours by itself, so that a new one is not progression.

    Examples
    --------
    >>> from pipeline.judge.criteria import Mark
    >>> makes_new_tumours("von Hippel-Lindau", NewLesion("", Mark.PROPOSAL, ("vhl", "hippel")))
    True
    """
    return any(word in (syndrome or "").lower() for word in rule.exempt_syndromes)


def followed_tumours(course: PatientCourse, criteria: ResponseCriteria) -> PatientCourse:
    """Leave new tumours out of what is judged, in syndromes that make them; elsewhere change nothing.

    Diameters summed over old and new tumours cannot be taken apart and become unknown.
    """
    if not makes_new_tumours(course.syndrome, criteria.new_lesion):
        return course
    return replace(course, visits=tuple(_without_new_tumours(visit) for visit in course.visits))


def _without_new_tumours(visit: VisitMeasure) -> VisitMeasure:
    if not visit.new_tumour_mm3 or visit.volume_mm3 is None:
        return visit
    left_mm3 = max(visit.volume_mm3 - visit.new_tumour_mm3, 0.0)
    if left_mm3 < ROUNDING_MM3:
        return replace(visit, volume_mm3=0.0, volume_cv=None, product_mm2=None, longest_mm=None)
    return replace(visit, volume_mm3=left_mm3, product_mm2=None, longest_mm=None)


def epochs(course: PatientCourse, criteria: ResponseCriteria) -> tuple[Epoch, ...]:
    """Divide a course at each surgery, radiotherapy and pinned baseline, and choose each epoch's baseline.

    A scan on the day of surgery belongs to what follows (before or after it cannot be known) and one on the first
    day of radiotherapy to what precedes.

    Parameters
    ----------
    course
        Visits and treatments in any order.
    criteria
        Whose baseline rule and metric apply.

    Returns
    -------
    tuple of Epoch
        In date order, epochs without scans included.
    """
    visits = in_order(course.visits)
    found: list[Epoch] = []
    for epoch in _treatment_epochs(course.treatments, criteria.baseline):
        own = tuple(v for v in visits if epoch.starts_on <= v.acquired_on < epoch.ends_before)
        found += _with_baselines(replace(epoch, visits=own), set(course.pinned_baselines), criteria)
    return tuple(replace(epoch, number=number) for number, epoch in enumerate(found))


def _treatment_epochs(treatments: Iterable[TreatmentEvent], rule: Baseline) -> Iterator[Epoch]:
    opened = [Epoch(0, "", date.min, date.max, date.min, None)]
    for treatment in sorted(treatments, key=lambda t: (t.started_on, t.kind)):
        if treatment.kind in (TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY):
            opened.append(_opened_by(treatment, opened[-1], rule))
    if len(opened) > 1:
        opened[0] = replace(opened[0], eligible_on=None)
    for epoch, following in pairwise(opened):
        yield replace(epoch, ends_before=following.starts_on)
    yield opened[-1]


def _opened_by(treatment: TreatmentEvent, previous: Epoch, rule: Baseline) -> Epoch:
    wait = previous.eligible_on or date.min
    if treatment.kind == TreatmentKind.SURGERY:
        return Epoch(
            number=0,
            cause=f"the surgery of {treatment.started_on}",
            starts_on=treatment.started_on,
            ends_before=date.max,
            eligible_on=max(wait, treatment.started_on + timedelta(days=rule.after_surgery_days)),
            after_surgery_on=treatment.started_on,
        )
    ended_on = last_day(treatment, rule)
    return Epoch(
        number=0,
        cause=f"the radiotherapy that ended {'about ' if treatment.ended_on is None else ''}{ended_on}",
        starts_on=treatment.started_on + timedelta(days=1),
        ends_before=date.max,
        eligible_on=max(wait, ended_on + timedelta(days=rule.after_radiotherapy_days)),
        after_surgery_on=previous.after_surgery_on,
    )


def last_day(treatment: TreatmentEvent, rule: Baseline) -> date:
    """Return the last day of a treatment, assuming a usual course where it is not recorded."""
    return treatment.ended_on or treatment.started_on + timedelta(days=rule.radiotherapy_course_days)


def _with_baselines(epoch: Epoch, pinned: set[str], criteria: ResponseCriteria) -> Iterator[Epoch]:
    """Choose the baseline of an epoch; each pinned scan after the first opens an epoch of its own."""
    usable = [visit for visit in epoch.visits if why_no_reference(visit, criteria) is None]
    pins = [visit for visit in usable if visit.session_id in pinned]
    if not pins:
        allowed = (v for v in usable if epoch.eligible_on is not None and v.acquired_on >= epoch.eligible_on)
        yield replace(epoch, baseline=next(allowed, None))
        return
    starts = [0, *(epoch.visits.index(pin) for pin in pins[1:]), len(epoch.visits)]
    for pin, (start, stop) in zip(pins, pairwise(starts), strict=True):
        yield replace(
            epoch,
            starts_on=epoch.starts_on if start == 0 else pin.acquired_on,
            ends_before=epoch.ends_before if stop == len(epoch.visits) else epoch.visits[stop].acquired_on,
            visits=epoch.visits[start:stop],
            baseline=pin,
            is_pinned=True,
        )


def growth_window(course: PatientCourse, on: date, criteria: ResponseCriteria) -> tuple[Window, TreatmentEvent] | None:
    """Return the window in which growth on a day is only preliminary, and the treatment that opened it."""
    for window, kind in (
        (criteria.radiotherapy_window, TreatmentKind.RADIOTHERAPY),
        (criteria.immunotherapy_window, TreatmentKind.IMMUNOTHERAPY),
    ):
        for treatment in course.treatments:
            if window is not None and treatment.kind == kind and treatment.started_on < on:
                counted_from = treatment.started_on
                if kind == TreatmentKind.RADIOTHERAPY:
                    counted_from = last_day(treatment, criteria.baseline)
                if on <= counted_from + timedelta(days=window.days):
                    return window, treatment
    return None


def running(course: PatientCourse, kind: TreatmentKind, since: date, on: date) -> TreatmentEvent | None:
    """Return a treatment of a kind that began after one day and was not over on another."""
    for treatment in course.treatments:
        over = treatment.ended_on is not None and treatment.ended_on < on
        if treatment.kind == kind and since < treatment.started_on <= on and not over:
            return treatment
    return None
