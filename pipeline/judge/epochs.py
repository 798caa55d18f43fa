"""Which scans can be compared with which: what an epoch is, and which visits can be used at all.

An epoch is one course of a patient's history (watched, after surgery, under a line of treatment); how a history is
divided into them is in ``division``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from enum import StrEnum
from itertools import takewhile

from pipeline.core.syndromes import Syndrome, syndromes_in
from pipeline.core.vocabulary import (
    ENHANCING,
    CourseKind,
    MaskOrigin,
    PatientCourse,
    TreatmentEvent,
    TreatmentKind,
    VisitMeasure,
)
from pipeline.judge.criteria import Metric, NewLesion, ResponseCriteria, Sequences

NOT_OF_TUMOUR = frozenset({TreatmentKind.STEROID, TreatmentKind.DRAINAGE})
"""Treatments that nobody needs a tumour for."""
ROUNDING_MM3 = 1e-6
"""What two sums of the same voxels may differ by, mm³."""


@dataclass(frozen=True)
class Epoch:
    """A stretch of a course whose scans may be compared.

    Attributes
    ----------
    number
        0 for the first, then counting up.
    cause
        What opened it, in words; empty for the first.
    starts_on, ends_before
        First day whose scans belong to it, and the first day whose scans no longer do.
    eligible_on
        First day whose scans may be its baseline.
    after_surgery_on
        Latest surgery at or before its start; None when there was none.
    visits
        Its scans in date order.
    baseline
        None when no scan satisfies the rules. Before radiosurgery or a line of treatment, or pinned, it is a scan of
        an earlier epoch, which keeps its own verdict there.
    kind
        What opened it.
    opened_by
        The treatment that did; None for the first and for a pinned one.
    line
        Number of the line of systemic treatment; 0 where it is none.
    superseded
        Earlier scans after surgery that were the baseline until one nearer to the day of the rule was made.
    """

    number: int
    cause: str
    starts_on: date
    ends_before: date
    eligible_on: date
    after_surgery_on: date | None
    visits: tuple[VisitMeasure, ...] = ()
    baseline: VisitMeasure | None = None
    kind: CourseKind = CourseKind.WATCHED
    opened_by: TreatmentEvent | None = None
    line: int = 0
    superseded: tuple[VisitMeasure, ...] = ()

    @property
    def is_pinned(self) -> bool:
        """A person chose the baseline."""
        return self.kind == CourseKind.PINNED

    @property
    def has_own_baseline(self) -> bool:
        """The baseline is one of its own scans."""
        return any(visit is self.baseline for visit in self.visits)


def in_order(visits: Iterable[VisitMeasure]) -> tuple[VisitMeasure, ...]:
    """Return visits by date, then by time where it is known, then by name, whatever order they came in."""
    return tuple(sorted(visits, key=lambda v: (v.acquired_on, v.acquired_at or time.min, v.session_id)))


def value_of(visit: VisitMeasure, metric: Metric) -> float | None:
    """Return what is compared, in the metric's unit; an empty mask has a size of 0 by any metric."""
    if visit.volume_mm3 == 0:
        return 0.0
    if metric == Metric.VOLUME:
        return visit.volume_mm3
    return visit.product_mm2 if metric == Metric.PRODUCT else visit.longest_mm


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
    if not (visit.new_lesion or visit.leptomeningeal):
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


class SeenBefore(StrEnum):
    """Whether tumour on a scan is one that came again."""

    NO = "no"
    YES = "yes"
    NOT_KNOWN = "not known"


def seen_before(visit: VisitMeasure, course: PatientCourse, criteria: ResponseCriteria) -> SeenBefore:
    """Say whether tumour on a scan was there before, or would be the first that anybody saw in a person.

    The first: every scan before it is known to show none (``shows_none``), the scans since its first sighting aside,
    and no treatment of a tumour is known to have begun by that sighting, surgery of whatever extent and a treatment
    that is not understood included; steroids and drainage treat none. A part that enhances is of a tumour that was
    there. Where a scan before it was not measured, or not whole, and nothing else tells, it is not known. Of two scans
    on one day either may be the earlier.
    """
    before, sightings = _before_and_since(visit, course, criteria)
    came_again = any(value_of(one, criteria.metric) == 0 for one in sightings[:-1])
    first_seen_on = sightings[0].acquired_on
    treated = {one.kind for one in course.treatments if one.started_on <= first_seen_on} - NOT_OF_TUMOUR
    if visit.subject == ENHANCING or not before or came_again or treated or any(map(_shows_some, before)):
        return SeenBefore.YES
    return SeenBefore.NO if all(shows_none(one, criteria) for one in before) else SeenBefore.NOT_KNOWN


def unread_before(visit: VisitMeasure, course: PatientCourse, criteria: ResponseCriteria) -> tuple[VisitMeasure, ...]:
    """Return the scans before tumour was first seen that cannot say whether there was some."""
    before, _ = _before_and_since(visit, course, criteria)
    return tuple(one for one in before if not shows_none(one, criteria) and not _shows_some(one))


def _before_and_since(
    visit: VisitMeasure, course: PatientCourse, criteria: ResponseCriteria
) -> tuple[tuple[VisitMeasure, ...], tuple[VisitMeasure, ...]]:
    """Return the scans until tumour was first measured, and those from then on until a scan, that one included.

    What nobody signed says nothing of a signed scan, but for a new lesion that a person marked.
    """
    counted = [
        one for one in (*course.undated, *course.visits) if is_unsigned(visit) or not is_unsigned(one) or one.new_lesion
    ]
    earlier = in_order(
        one for one in counted if one.acquired_on <= visit.acquired_on and one.session_id != visit.session_id
    )
    before = tuple(takewhile(lambda one: not value_of(one, criteria.metric), earlier))
    return before, (*earlier[len(before) :], visit)


def shows_none(visit: VisitMeasure, criteria: ResponseCriteria) -> bool:
    """Say whether a scan is known to show no tumour: a whole size of zero, and no part and no mark of one beside it."""
    if value_of(visit, criteria.metric) != 0 or why_no_reference(visit, criteria) is not None:
        return False
    return not _shows_some(visit)


def _shows_some(visit: VisitMeasure) -> bool:
    """Say whether a scan shows a part or a mark of tumour, whatever its size is."""
    parts = (part.volume_mm3 for part in (visit.cyst, visit.enhancing) if part is not None)
    sizes = (visit.volume_mm3, visit.product_mm2, visit.longest_mm, visit.enhancing_mm3, visit.new_tumour_mm3, *parts)
    return any(sizes) or visit.new_lesion or visit.leptomeningeal is True


def makes_new_tumours(syndrome: str | None, rule: NewLesion) -> bool:
    """Say whether a patient's syndrome makes new tumours by itself, so that a new one is not progression.

    Examples
    --------
    >>> from pipeline.judge.criteria import Mark
    >>> makes_new_tumours("von Hippel-Lindau", NewLesion("", Mark.PROPOSAL, ("VHL",)))
    True
    """
    exempt = frozenset(code for word in rule.exempt_syndromes for code in syndromes_in(word))
    return bool(syndromes_in(syndrome) & exempt - {Syndrome.NONE, Syndrome.UNKNOWN})


def followed_tumours(course: PatientCourse, criteria: ResponseCriteria) -> PatientCourse:
    """Leave new tumours out of what is judged, in syndromes that make them; elsewhere change nothing.

    Diameters summed over old and new tumours cannot be taken apart and become unknown.
    """
    if not makes_new_tumours(course.syndrome, criteria.new_lesion):
        return course
    return replace(course, visits=tuple(_without_new_tumours(visit) for visit in course.visits))


def left_out_mm3(course: PatientCourse, criteria: ResponseCriteria) -> dict[str, float]:
    """Return the volume of new tumours that is left out of what is judged, mm³, by visit of those with any."""
    judged = followed_tumours(course, criteria)
    return {
        visit.session_id: visit.volume_mm3 - rest.volume_mm3
        for visit, rest in zip(course.visits, judged.visits, strict=True)
        if visit.volume_mm3 is not None and rest.volume_mm3 is not None and visit.volume_mm3 > rest.volume_mm3
    }


def _without_new_tumours(visit: VisitMeasure) -> VisitMeasure:
    if not visit.new_tumour_mm3 or visit.volume_mm3 is None:
        return visit
    left_mm3 = max(visit.volume_mm3 - visit.new_tumour_mm3, 0.0)
    if left_mm3 < ROUNDING_MM3:
        return replace(visit, volume_mm3=0.0, volume_cv=None, product_mm2=None, longest_mm=None)
    return replace(visit, volume_mm3=left_mm3, product_mm2=None, longest_mm=None)
