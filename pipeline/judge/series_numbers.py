"""What all readings of a compartment since the baseline say at one scan, as the numbers that tables and exports show.

The home of every interval of a change: sentence, table, board, packet and export take theirs from here. What this
module refuses: an interval of two scans alone, where the course has more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, SeriesNumbers, VisitJudgement, VisitMeasure
from pipeline.judge import comparison
from pipeline.judge.criteria import Metric
from pipeline.judge.series_calls import SeriesChange
from pipeline.judge.verdict import Verdict
from pipeline.measure.measurement_error import ASSUMED


@dataclass(frozen=True)
class References:
    """The visits that a visit is compared with; None where there is none, or it is the visit itself."""

    baseline: VisitMeasure | None = None
    nadir: VisitMeasure | None = None
    previous: VisitMeasure | None = None
    smallest: VisitMeasure | None = None


def of_verdict(verdict: Verdict, measured: Mapping[str, VisitMeasure]) -> SeriesNumbers | None:
    """Return what the volumes of a course say at a judged visit; None where it was not compared.

    Parameters
    ----------
    verdict
        Of the visit.
    measured
        The visits as they were measured, whole, by session: a rule may judge less than all tumour.
    """
    evidence = verdict.evidence
    if evidence.baseline is None or evidence.nadir is None:
        return None

    def whole(visit: VisitMeasure | None) -> VisitMeasure | None:
        return measured[visit.session_id] if visit is not None else None

    nadir = evidence.nadir.reference
    references = References(
        whole(evidence.baseline.reference), whole(nadir), whole(evidence.previous), whole(evidence.smallest or nadir)
    )
    scans = [measured[scan.session_id] for scan in evidence.scans]
    return numbers_of(measured[verdict.visit.session_id], references, scans)


def numbers_of(visit: VisitMeasure, references: References, scans: Sequence[VisitMeasure]) -> SeriesNumbers:
    """Return the true volume at a visit and its changes, with 95 % intervals, as all readings tell them.

    Parameters
    ----------
    visit
        The scan that is spoken of.
    references
        What it is compared with.
    scans
        Comparable scans since the baseline; the others need not be among them.
    """
    changes = {
        name: _change(visit, reference, scans)
        for name in ("baseline", "nadir", "previous", "smallest")
        if (reference := getattr(references, name)) is not None
    }
    intervals = {name: (change.interval.low, change.interval.high) for name, change in changes.items() if change}
    numbers = SeriesNumbers(
        baseline=intervals.get("baseline"),
        nadir=intervals.get("nadir"),
        previous=intervals.get("previous"),
        smallest=intervals.get("smallest"),
        smallest_session_id=references.smallest.session_id if references.smallest else None,
    )
    first = next((change for change in changes.values() if change is not None), None)
    if first is None:
        return numbers
    size = first.series.smoothed(first.scan)
    return replace(numbers, volume_mm3=size.value, low_mm3=size.interval.low, high_mm3=size.interval.high)


def of_compartments(
    patient_id: str, judgements: Sequence[VisitJudgement], measurements: Sequence[records.Measurement]
) -> tuple[records.SeriesEstimate, ...]:
    """Return the numbers of every compartment at every judged visit; those of the tumour come with the judgement.

    Parameters
    ----------
    patient_id
        Whose visits they are.
    judgements
        Under one set of criteria; they say which visits each is compared with.
    measurements
        Of all compartments of all visits.
    """
    days = {one.session_id: one.acquired_on for one in judgements}
    compartments: dict[str, dict[str, VisitMeasure]] = {}
    for row in measurements:
        if row.session_id in days and row.compartment != Compartment.TUMOUR:
            compartments.setdefault(row.compartment, {})[row.session_id] = VisitMeasure(
                row.session_id,
                days[row.session_id],
                row.volume_mm3,
                row.volume_cv,
                row.cv_source == ASSUMED,
                bound_reason=row.bound_reason,
            )
    estimates = []
    for judged in judgements:
        by_compartment = {str(Compartment.TUMOUR): judged.series}
        for name, visits in compartments.items():
            by_compartment[name] = _beside(judged, visits)
        estimates += [
            _estimate(patient_id, judged, name, numbers)
            for name, numbers in by_compartment.items()
            if numbers is not None and numbers != SeriesNumbers()
        ]
    return tuple(estimates)


def _change(visit: VisitMeasure, reference: VisitMeasure, scans: Sequence[VisitMeasure]) -> SeriesChange | None:
    if visit.session_id == reference.session_id or visit.volume_mm3 is None or reference.volume_mm3 is None:
        return None
    return comparison.compare(visit, reference, Metric.VOLUME, scans).change


def _beside(judged: VisitJudgement, visits: Mapping[str, VisitMeasure]) -> SeriesNumbers | None:
    """Return the numbers of a compartment that is never judged, since the baseline of the tumour's course."""
    visit, baseline = visits.get(judged.session_id), visits.get(judged.baseline_session_id or "")
    if visit is None or judged.nadir_session_id is None:
        return None
    since = baseline.acquired_on if baseline is not None else visit.acquired_on
    scans = [one for one in visits.values() if since <= one.acquired_on <= visit.acquired_on and not one.bound_reason]
    references = References(baseline, visits.get(judged.nadir_session_id), visits.get(judged.previous_session_id or ""))
    nadir = references.nadir
    change = _change(visit, nadir, scans) if nadir is not None else None
    limit = change.limit_ratio if change is not None else None
    return replace(numbers_of(visit, references, scans), limit_ratio=max(limit, 1 / limit) if limit else None)


def _estimate(
    patient_id: str, judged: VisitJudgement, compartment: str, numbers: SeriesNumbers
) -> records.SeriesEstimate:
    unknown = (None, None)
    baseline, nadir = numbers.baseline or unknown, numbers.nadir or unknown
    previous, smallest = numbers.previous or unknown, numbers.smallest or unknown
    return records.SeriesEstimate(
        patient_id=patient_id,
        session_id=judged.session_id,
        criteria_id=judged.criteria_id,
        compartment=compartment,
        volume_mm3=numbers.volume_mm3,
        low_mm3=numbers.low_mm3,
        high_mm3=numbers.high_mm3,
        baseline_low_ratio=baseline[0],
        baseline_high_ratio=baseline[1],
        nadir_low_ratio=nadir[0],
        nadir_high_ratio=nadir[1],
        previous_low_ratio=previous[0],
        previous_high_ratio=previous[1],
        smallest_session_id=numbers.smallest_session_id,
        smallest_low_ratio=smallest[0],
        smallest_high_ratio=smallest[1],
        limit_ratio=numbers.limit_ratio,
    )
