"""One visit against an earlier one: ratio, error and probability, under one metric.

Sizes are compared by multiplication (``value >= ratio * reference``), inclusive, never by dividing first:
1.4 - 1 is less than 0.4 in floating point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.core.vocabulary import VisitMeasure
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.epochs import value_of
from pipeline.judge.series_calls import LesionSeries, SeriesChange
from pipeline.measure.imported_sizes import assumed_slices
from pipeline.measure.measurement_error import Interval

ROUNDING = 1e-9
"""Relative difference at which two sizes are the same: voxel counts times a voxel volume are not exact."""

ERROR_SHARE = {Metric.VOLUME: 1.0, Metric.PRODUCT: 2 / 3, Metric.LONGEST: 1 / 3}
"""How much of a volume's relative error a lower dimension carries when the whole outline moves."""


@dataclass(frozen=True)
class Comparison:
    """A visit compared with a reference visit.

    Attributes
    ----------
    value, reference_value
        In the metric's unit.
    ratio
        Reading over reading; None when the reference is 0.
    change
        What all readings since the baseline say of the true change; None where the error of either is unknown or one
        of the two is 0.
    """

    reference: VisitMeasure
    value: float
    reference_value: float
    ratio: float | None
    change: SeriesChange | None

    @property
    def interval(self) -> Interval | None:
        """95 % interval of the true ratio; None when it cannot be said."""
        return self.change.interval if self.change is not None else None

    @property
    def limit_ratio(self) -> float | None:
        """Smallest reading over the reference's that is beyond error, over 1 for a growth and under 1 for a fall."""
        return self.change.limit_ratio if self.change is not None else None


def at_least(value: float, limit: float) -> bool:
    """Say whether a size reaches a limit, inclusive.

    Examples
    --------
    >>> at_least(1.4 * 30, 42.0), at_least(41.9999, 42.0)
    (True, False)
    """
    return value >= limit * (1 - ROUNDING)


def at_most(value: float, limit: float) -> bool:
    """Say whether a size is within a limit, inclusive."""
    return value <= limit * (1 + ROUNDING)


def compare(
    visit: VisitMeasure, reference: VisitMeasure, metric: Metric, since: Sequence[VisitMeasure] = ()
) -> Comparison:
    """Compare one usable visit with another.

    Parameters
    ----------
    visit, reference
        The two.
    metric
        What is compared.
    since
        Comparable visits since the baseline, whose readings say how sure the change is; the two need not be among
        them.

    Raises
    ------
    ValueError
        Either visit has no size under this metric.
    """
    value, reference_value = value_of(visit, metric), value_of(reference, metric)
    if value is None or reference_value is None:
        msg = f"{visit.session_id} and {reference.session_id}: both need a size to be compared"
        raise ValueError(msg)
    if reference_value == 0:
        return Comparison(reference, value, reference_value, None, None)
    return Comparison(
        reference, value, reference_value, value / reference_value, _change(visit, reference, metric, since)
    )


GO_ON = ", pin a new baseline to go on from here"
"""What to do about a break in the series; left out where it has been done."""


def series_break(visit: VisitMeasure, baseline: VisitMeasure) -> str | None:
    """Say why a visit was scanned too differently from the baseline to be compared; None where it was not.

    Another sequence shows another outline. A scan without slices (isotropic) compares with any direction of slices:
    what thick slices cost against it is in the measurement error of the thick one.
    """
    sequences = {visit.contrast, baseline.contrast} - {None}
    planes = {visit.plane, baseline.plane}
    if len(sequences) == 2:
        at_visit, other = visit.contrast, baseline.contrast
    elif len(planes) == 2 and not planes & {None, "isotropic"}:
        at_visit, other = f"{visit.plane} slices", f"{baseline.plane} ones"
    else:
        return None
    return (
        f"measured on {at_visit} but the baseline of {baseline.acquired_on} on {other}; the two do not compare{GO_ON}"
    )


def grew_by(scan_pair: Comparison, ratio: float) -> bool:
    """Say whether the value reaches a ratio of a reference that is not 0."""
    return scan_pair.reference_value > 0 and at_least(scan_pair.value, ratio * scan_pair.reference_value)


def shrank_to(scan_pair: Comparison, ratio: float) -> bool:
    """Say whether the value is down to a ratio of a reference that is not 0."""
    return scan_pair.reference_value > 0 and at_most(scan_pair.value, ratio * scan_pair.reference_value)


def is_down_to(scan_pair: Comparison, ratio: float) -> bool:
    """Say whether the value, or what all readings together tell of it, is down to a ratio of the reference."""
    if shrank_to(scan_pair, ratio):
        return True
    return scan_pair.change is not None and scan_pair.change.series.is_down_to(
        scan_pair.change.scan, scan_pair.change.reference, ratio
    )


def beyond_error(scan_pair: Comparison) -> bool:
    """Say whether the change exceeds the error of the whole series, either way; unknown error proves nothing."""
    return scan_pair.change is not None and scan_pair.change.is_beyond_error


def proven_growth(scan_pair: Comparison, criteria: ResponseCriteria) -> bool:
    """Say whether the value reaches the criteria's growth *and* every floor they set."""
    rule = criteria.progression
    return (
        grew_by(scan_pair, rule.ratio)
        and at_least(scan_pair.value - scan_pair.reference_value, rule.min_change)
        and (beyond_error(scan_pair) or not rule.beyond_error)
    )


def progression_level(reference: float, criteria: ResponseCriteria) -> float | None:
    """Return the smallest size that is progression by the criteria's ratio and smallest growth.

    Parameters
    ----------
    reference
        Size of the nadir or baseline that the criteria hold growth against, in the metric's unit.

    Returns
    -------
    float or None
        In the metric's unit; None from nothing, from where no ratio tells growth. Whether the growth must exceed
        measurement error as well depends on the scan that shows it.
    """
    rule = criteria.progression
    return max(reference * rule.ratio, reference + rule.min_change) if reference > 0 else None


def reappears(visit: VisitMeasure, criteria: ResponseCriteria) -> bool:
    """Say whether tumour seen again is large enough: by volume or by its longest diameter, where that was measured."""
    rule = criteria.reappearance
    if rule is None:
        return bool(value_of(visit, criteria.metric))
    by_volume = visit.volume_mm3 is not None and at_least(visit.volume_mm3, rule.min_volume_mm3)
    return by_volume or (visit.longest_mm is not None and at_least(visit.longest_mm, rule.min_longest_mm))


def on_enough_slices(visit: VisitMeasure, criteria: ResponseCriteria) -> bool:
    """Say whether one scan shows tumour on enough slices; where nobody counted them, as many as its volume implies."""
    if criteria.reappearance is None:
        return True
    slices = visit.slices_spanned or (assumed_slices(visit.volume_mm3) if visit.volume_mm3 else 0)
    return slices >= criteria.reappearance.min_slices


def probability(scan_pair: Comparison, threshold_ratio: float) -> float | None:
    """Return the probability that the true change lies beyond a threshold; None when it cannot be said."""
    return scan_pair.change.probability(threshold_ratio) if scan_pair.change is not None else None


def _change(
    visit: VisitMeasure, reference: VisitMeasure, metric: Metric, since: Sequence[VisitMeasure]
) -> SeriesChange | None:
    """Put two visits among the readings since the baseline; those of 0 or of unknown error are no readings."""
    scans = {scan.session_id: scan for scan in (*since, reference, visit)}
    readings = [scan for scan in scans.values() if value_of(scan, metric) and scan.volume_cv]
    names = [scan.session_id for scan in readings]
    if visit.session_id not in names or reference.session_id not in names:
        return None
    series = _series(
        tuple(float(scan.acquired_on.toordinal()) for scan in readings),
        tuple(float(value_of(scan, metric) or 0.0) for scan in readings),
        tuple(ERROR_SHARE[metric] * (scan.volume_cv or 0.0) for scan in readings),
        any(scan.cv_is_assumed for scan in readings),
        ERROR_SHARE[metric],
    )
    return SeriesChange(series, names.index(visit.session_id), names.index(reference.session_id))


@lru_cache(maxsize=512)
def _series(
    days: tuple[float, ...], sizes: tuple[float, ...], errors: tuple[float, ...], is_assumed: bool, share: float
) -> LesionSeries:
    """Return the same series for baseline and nadir, and for every set of criteria, so that it is fitted once."""
    return LesionSeries(days, sizes, errors, is_assumed, share)
