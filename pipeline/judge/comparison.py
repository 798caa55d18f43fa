"""One visit against an earlier one: ratio, error and probability, under one metric.

Sizes are compared by multiplication (``value >= ratio * reference``), inclusive, never by dividing first:
1.4 - 1 is less than 0.4 in floating point.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.vocabulary import VisitMeasure
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.epochs import value_of
from pipeline.measure.imported_sizes import assumed_slices
from pipeline.measure.measurement_error import Interval, change_interval, detection_limit_ratio, probability_beyond

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
        Value over reference; None when the reference is 0.
    interval
        95 % interval of the ratio; None when it cannot be said.
    limit_ratio
        Smallest ratio beyond measurement error; None when the error of either is unknown.
    errors
        Coefficients of variation of reference and value; None when either is unknown.
    """

    reference: VisitMeasure
    value: float
    reference_value: float
    ratio: float | None
    interval: Interval | None
    limit_ratio: float | None
    errors: tuple[float, float] | None


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


def compare(visit: VisitMeasure, reference: VisitMeasure, metric: Metric) -> Comparison:
    """Compare one usable visit with another.

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
        return Comparison(reference, value, reference_value, None, None, None, None)
    ratio, errors = value / reference_value, _errors(visit, reference, metric)
    if value == 0 or errors is None:
        return Comparison(reference, value, reference_value, ratio, None, None, None)
    limit = detection_limit_ratio(*errors)
    interval = change_interval(ratio, *errors)
    return Comparison(reference, value, reference_value, ratio, interval, limit, errors)


def series_break(visit: VisitMeasure, baseline: VisitMeasure) -> str | None:
    """Say why a visit was scanned too differently from the baseline to be compared; None where it was not.

    Another sequence shows another outline. A scan without slices (isotropic) compares with any direction of slices:
    what thick slices cost against it is in the measurement error of the thick one.
    """
    sequences = {visit.contrast, baseline.contrast} - {None}
    planes = {visit.plane, baseline.plane}
    if len(sequences) == 2:
        own, other = visit.contrast, baseline.contrast
    elif len(planes) == 2 and not planes & {None, "isotropic"}:
        own, other = f"{visit.plane} slices", f"{baseline.plane} ones"
    else:
        return None
    return (
        f"measured on {own} but the baseline of {baseline.acquired_on} on {other}; "
        f"the two do not compare, pin a new baseline to go on from here"
    )


def grew_by(found: Comparison, ratio: float) -> bool:
    """Say whether the value reaches a ratio of a reference that is not 0."""
    return found.reference_value > 0 and at_least(found.value, ratio * found.reference_value)


def shrank_to(found: Comparison, ratio: float) -> bool:
    """Say whether the value is down to a ratio of a reference that is not 0."""
    return found.reference_value > 0 and at_most(found.value, ratio * found.reference_value)


def beyond_error(found: Comparison) -> bool:
    """Say whether the change exceeds the 95 % detection limit, either way; unknown error proves nothing."""
    if found.limit_ratio is None or found.ratio is None:
        return False
    return max(found.ratio, 1 / found.ratio) > found.limit_ratio


def proven_growth(found: Comparison, criteria: ResponseCriteria) -> bool:
    """Say whether the value reaches the criteria's growth *and* every floor they set."""
    rule = criteria.progression
    return (
        grew_by(found, rule.ratio)
        and at_least(found.value - found.reference_value, rule.min_change)
        and (beyond_error(found) or not rule.beyond_error)
    )


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


def probability(found: Comparison, threshold_ratio: float) -> float | None:
    """Return the probability that the true change lies beyond a threshold; None when it cannot be said."""
    if found.errors is None or found.ratio is None:
        return None
    return probability_beyond(found.ratio, threshold_ratio, *found.errors)


def _errors(visit: VisitMeasure, reference: VisitMeasure, metric: Metric) -> tuple[float, float] | None:
    if visit.volume_cv is None or reference.volume_cv is None:
        return None
    share = ERROR_SHARE[metric]
    return share * reference.volume_cv, share * visit.volume_cv
