"""Extent of resection, twice: as the surgeon reported it, and as the scans before and after show it.

Solid tumour only, and the residual in millilitres beside the percentage, since the percentage alone says little. What
this module refuses: a percentage from an early post-operative scan, or from a scan long before the surgery.

References
----------
Constantini 2000 (164 children): subtotal 80 to 95 %, partial below 80 %, and more than 95 % as gross total in classic
series; a total resection also needs an MRI that shows no residual. Near total (95 % and more, a remnant seen) is the
word for what lies between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.core.vocabulary import PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge import division, epochs
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.size_words import size

OLDEST_SCAN_DAYS = 365
"""A scan older than this at surgery does not show what was operated on; a proposal, days."""

CERTAIN_RESIDUAL_MM3 = 100.0
"""Below this a residual is not reliably quantifiable and contradicts no surgeon, mm³ (0.1 mL, a proposal)."""

NONE_REMOVED = "No share removed can be seen, since the scan after surgery shows no less than the one before"

ORDER = ("GTR", "NTR", "STR", "PR")


@dataclass(frozen=True)
class ExtentOfResection:
    """One surgery.

    Attributes
    ----------
    extent_surgeon, extent_mri
        GTR, NTR, STR or PR; the surgeon's may be biopsy; None when not known.
    before, after
        The scans compared; None when there is none that may be.
    is_contradiction
        The two extents cannot both be right.
    reason
        What was compared, or why it could not be, in one sentence.
    """

    operated_on: date
    extent_surgeon: str | None
    extent_mri: str | None
    before: VisitMeasure | None
    after: VisitMeasure | None
    is_contradiction: bool
    reason: str

    @property
    def is_provisional(self) -> bool:
        """One of the sizes rests on an automatic mask that nobody signed."""
        return any(visit is not None and epochs.is_unsigned(visit) for visit in (self.before, self.after))


def resections(course: PatientCourse, criteria: ResponseCriteria) -> tuple[ExtentOfResection, ...]:
    """Return the extent of every surgery of a course, in date order.

    Parameters
    ----------
    criteria
        Whose rule for baselines says which scan after surgery may be compared.
    """
    courses = division.divided(course, criteria)
    visits = epochs.in_order(course.visits)
    surgeries = sorted((t for t in course.treatments if t.kind == TreatmentKind.SURGERY), key=lambda t: t.started_on)
    extents = []
    for surgery in surgeries:
        before = _before(surgery.started_on, visits, surgeries)
        baselines = (e.baseline for e in courses if e.opened_by == surgery and e.baseline is not None)
        extents.append(_resection(surgery, before, next(baselines, None)))
    return tuple(extents)


def extent_on_mri(before_mm3: float, residual_mm3: float) -> str:
    """Name the extent that two volumes show.

    Examples
    --------
    >>> [extent_on_mri(1000.0, residual_mm3) for residual_mm3 in (0.0, 50.0, 50.1, 200.0, 200.1)]
    ['GTR', 'NTR', 'STR', 'STR', 'PR']
    """
    if residual_mm3 == 0:
        return "GTR"
    if residual_mm3 <= 0.05 * before_mm3:
        return "NTR"
    return "STR" if residual_mm3 <= 0.20 * before_mm3 else "PR"


def contradicts(extent_surgeon: str | None, extent_mri: str, residual_mm3: float) -> bool:
    """Say whether surgeon and MRI cannot both be right: total with a residual, not total without, or two steps apart.

    Examples
    --------
    >>> contradicts("GTR", "NTR", 99.0), contradicts("GTR", "NTR", 100.0), contradicts("STR", "GTR", 0.0)
    (False, True, True)
    """
    if extent_surgeon is None:
        return False
    if extent_surgeon == "GTR":
        return residual_mm3 >= CERTAIN_RESIDUAL_MM3
    if residual_mm3 == 0:
        return True
    if extent_surgeon not in ORDER:
        return False
    return abs(ORDER.index(extent_surgeon) - ORDER.index(extent_mri)) > 1


def lesser_extent(extent_surgeon: str | None, extent_mri: str | None, *, is_contradiction: bool) -> str | None:
    """Return the extent that surgeon and scan leave: a total resection needs both, and where they clash the lesser.

    Examples
    --------
    >>> [lesser_extent("GTR", mri, is_contradiction=True) for mri in ("PR", None)]
    ['PR', 'NTR']
    >>> lesser_extent(None, "GTR", is_contradiction=False), lesser_extent(None, "PR", is_contradiction=False)
    (None, 'PR')
    """
    if extent_surgeon is None:
        return None if extent_mri == "GTR" else extent_mri
    if not is_contradiction or extent_surgeon not in ORDER:
        return extent_surgeon
    seen = extent_mri or "NTR"  # a residual was seen; how much of the tumour it is nobody knows
    return max(extent_surgeon, seen, key=ORDER.index)


def _before(
    operated_on: date, visits: Sequence[VisitMeasure], surgeries: Sequence[TreatmentEvent]
) -> VisitMeasure | None:
    """Return the last measured scan before a surgery and after the one before it, if it is not too old."""
    since = max((s.started_on for s in surgeries if s.started_on < operated_on), default=date.min)
    fit = [
        visit
        for visit in visits
        if since < visit.acquired_on < operated_on
        and (operated_on - visit.acquired_on).days <= OLDEST_SCAN_DAYS
        and visit.volume_mm3
        and epochs.why_not_usable(visit, Metric.VOLUME) is None
        and visit.bound_reason is None
    ]
    return fit[-1] if fit else None


def _resection(surgery: TreatmentEvent, before: VisitMeasure | None, after: VisitMeasure | None) -> ExtentOfResection:
    surgeon = surgery.extent
    report = f"the surgeon reports {surgeon}" if surgeon else "the surgeon's report is not known"
    residual_mm3 = after.volume_mm3 if after is not None else None
    if after is None or residual_mm3 is None:
        why = "no scan late enough after it measures the residual"
        return ExtentOfResection(
            surgery.started_on, surgeon, None, before, None, False, f"Not known on MRI: {why}; {report}."
        )
    left = f"residual {size(residual_mm3, Metric.VOLUME)} on {after.acquired_on}"
    if before is None or before.volume_mm3 is None:
        extent = "GTR" if residual_mm3 == 0 else None
        clash = contradicts(surgeon, extent or "NTR", residual_mm3) if surgeon == "GTR" or extent else False
        why = f"no scan measures the tumour in the {OLDEST_SCAN_DAYS} days before"
        words = f"{left}, percentage not known: {why}; {report}{_clash(clash)}."
        return ExtentOfResection(surgery.started_on, surgeon, extent, None, after, clash, words[0].upper() + words[1:])
    extent = extent_on_mri(before.volume_mm3, residual_mm3)
    clash = contradicts(surgeon, extent, residual_mm3)
    removed_mm3 = before.volume_mm3 - residual_mm3
    share = f"{100 * removed_mm3 / before.volume_mm3:.0f} % removed" if removed_mm3 > 0 else NONE_REMOVED
    words = (
        f"{share}: {size(before.volume_mm3, Metric.VOLUME)} on {before.acquired_on}, {left} "
        f"({extent} on MRI); {report}{_clash(clash)}."
    )
    return ExtentOfResection(surgery.started_on, surgeon, extent, before, after, clash, words)


def _clash(is_contradiction: bool) -> str:
    return ", which the scans contradict" if is_contradiction else ""
