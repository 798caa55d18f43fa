"""How fast a tumour grows: doubling time, specific growth rate, relative rate and velocity of the diameter.

Rates come with the 95 % interval that the measurement error of the volumes implies; where that error is unknown, with
the interval of their scatter (three scans or more). What this module refuses: a rate across surgery or radiotherapy, a
rate from or to nothing, and any extrapolation: haemangioblastomas grow in leaps, so a rate says nothing of later scans.

References
----------
Mean diameter is that of the sphere of equal volume, (6 V / pi)^(1/3); glioma papers use (2 V)^(1/3), 1.5 % more.
Pallud 2013 for the velocity of diametric expansion; its bands are < 4, 4-8, 8-12 and >= 12 mm a year.
Lonser 2014, 10.3171/2014.1.JNS131431, for growth in leaps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import numpy as np
from scipy.stats import t as student

from pipeline.core.vocabulary import PatientCourse, State, VisitJudgement, VisitMeasure
from pipeline.judge.criteria import Metric
from pipeline.judge.epochs import why_not_usable
from pipeline.measure.measurement_error import Z_95, Interval

DAYS_PER_YEAR = 365.25

MIN_INTERVAL_DAYS = 28
"""Closer scans say more about measurement than about growth."""


@dataclass(frozen=True)
class Rate:
    """A rate with its 95 % interval, in the unit its name in :class:`Growth` says; interval None when unknown."""

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class Growth:
    """Growth over one stretch of a course.

    Attributes
    ----------
    first_session_id, last_session_id, scan_count, days
        What it was computed from.
    specific_per_year
        Slope of ln V on time (SGR), per year; rates are averaged on this scale, never doubling times.
    relative_percent_per_year
        Growth in percent a year, ``100 (exp(SGR) - 1)``.
    diameter_mm_per_year
        Slope of the mean diameter on time (velocity of diametric expansion), mm a year.
    doubling_time_days
        ``ln 2 / SGR``; negative is a halving time; None without any change.
    residual_sd
        Standard deviation of ln V about its line; None with two scans, which no line misses.
    error_sd
        Root mean square of the known measurement errors of ln V, to hold the scatter against: much more scatter
        than error means leaps or a wrong mask, not steady growth; None when an error is unknown.
    """

    first_session_id: str
    last_session_id: str
    scan_count: int
    days: int
    specific_per_year: Rate
    relative_percent_per_year: Rate
    diameter_mm_per_year: Rate
    doubling_time_days: float | None
    residual_sd: float | None
    error_sd: float | None


def doubling_time_days(specific_per_year: float) -> float | None:
    """Return the volume doubling time, days; negative for a halving time, None without change.

    Parameters
    ----------
    specific_per_year
        Specific growth rate ln(V2 / V1) a year.

    Examples
    --------
    >>> doubling_time_days(math.log(4.0))
    182.625
    """
    return math.log(2) / specific_per_year * DAYS_PER_YEAR if specific_per_year else None


def of_visits(visits: Sequence[VisitMeasure]) -> Growth | None:
    """Return the growth over scans of one epoch.

    Straight lines of ln V and of the mean diameter on time, each scan weighted by its known error. With three scans
    or more the interval widens where the scans scatter more than their errors explain (Birge ratio).

    Parameters
    ----------
    visits
        Usable visits in date order, without treatment in between; those without a known day are left out.

    Returns
    -------
    Growth or None
        None with fewer than two volumes over 0 or less than 28 days between first and last.
    """
    seen = [visit for visit in visits if visit.volume_mm3 and visit.acquired_by is None]
    if len(seen) < 2 or (seen[-1].acquired_on - seen[0].acquired_on).days < MIN_INTERVAL_DAYS:
        return None
    years = np.array([(visit.acquired_on - seen[0].acquired_on).days / DAYS_PER_YEAR for visit in seen])
    volumes_mm3 = np.array([visit.volume_mm3 for visit in seen], dtype=np.float64)
    errors = None
    if all(visit.volume_cv for visit in seen):
        errors = np.array([visit.volume_cv for visit in seen], dtype=np.float64)
    diameters_mm = (6 * volumes_mm3 / math.pi) ** (1 / 3)
    specific = _slope(years, np.log(volumes_mm3), errors)
    return Growth(
        first_session_id=seen[0].session_id,
        last_session_id=seen[-1].session_id,
        scan_count=len(seen),
        days=(seen[-1].acquired_on - seen[0].acquired_on).days,
        specific_per_year=specific,
        relative_percent_per_year=_relative(specific),
        diameter_mm_per_year=_slope(years, diameters_mm, None if errors is None else diameters_mm * errors / 3),
        doubling_time_days=doubling_time_days(specific.value),
        residual_sd=_residual_sd(years, np.log(volumes_mm3), errors),
        error_sd=None if errors is None else float(np.sqrt(np.mean(errors**2))),
    )


def length_velocity(days: Sequence[date], lengths_mm: Sequence[float], error_mm: float | None = None) -> Rate | None:
    """Return how fast a tumour grows along the cord, mm a year.

    Parameters
    ----------
    days, lengths_mm
        Scans of one epoch in date order and the length along the cord on each, mm.
    error_mm
        Measurement error (standard deviation) of one length, mm; None when unknown.

    Returns
    -------
    Rate or None
        None with fewer than two scans or less than 28 days between first and last.

    Examples
    --------
    >>> rate = length_velocity([date(2020, 1, 1), date(2022, 1, 1)], [40.0, 46.0], error_mm=1.0)
    >>> round(rate.value, 1), round(rate.interval.low, 1), round(rate.interval.high, 1)
    (3.0, 1.6, 4.4)
    """
    if len(days) < 2 or (days[-1] - days[0]).days < MIN_INTERVAL_DAYS:
        return None
    years = np.array([(day - days[0]).days / DAYS_PER_YEAR for day in days])
    lengths = np.asarray(lengths_mm, dtype=np.float64)
    return _slope(years, lengths, None if error_mm is None else np.full_like(lengths, error_mm))


def by_epoch(course: PatientCourse, assessments: Sequence[VisitJudgement]) -> dict[int, Growth]:
    """Return the growth of each epoch of a course, from its baseline on; never across treatment.

    Parameters
    ----------
    course
        The course that was judged.
    assessments
        What ``response.judge`` made of it; they say which scan belongs to which epoch.

    Returns
    -------
    dict
        Epoch number to growth; epochs without two measured tumours are absent.
    """
    visits = {visit.session_id: visit for visit in course.visits}
    judged = [a for a in assessments if a.state not in (State.CONTEXT, State.NOT_EVALUABLE)]
    rates = {}
    for epoch, group in groupby(judged, key=lambda a: a.epoch):
        in_epoch = [visits[a.session_id] for a in group]
        whole = (visit for visit in in_epoch if visit.bound_reason is None)
        growth = of_visits([visit for visit in whole if why_not_usable(visit, Metric.VOLUME) is None])
        if growth is not None:
            rates[epoch] = growth
    return rates


def _relative(specific: Rate) -> Rate:
    def percent(per_year: float) -> float:
        return 100 * math.expm1(min(per_year, 700.0))  # exp overflows just beyond

    interval = specific.interval
    if interval is None:
        return Rate(percent(specific.value), None)
    return Rate(percent(specific.value), Interval(percent(interval.low), percent(interval.high)))


def _slope(years: np.ndarray, values: np.ndarray, errors: np.ndarray | None) -> Rate:
    """Return the least-squares slope with its 95 % interval: from the known errors, else from the scatter."""
    slope, spread, residuals = _line(years, values, errors)
    freedom = len(values) - 2
    if errors is None and freedom < 1:
        return Rate(slope, None)
    if errors is None:
        scatter = math.sqrt(float(np.sum(residuals**2)) / freedom)
        half_width = float(student.ppf(0.975, freedom)) * scatter / math.sqrt(spread)
    else:
        birge = max(1.0, math.sqrt(float(np.sum((residuals / errors) ** 2)) / max(freedom, 1)))
        half_width = Z_95 * birge / math.sqrt(spread)
    return Rate(slope, Interval(slope - half_width, slope + half_width))


def _line(years: np.ndarray, values: np.ndarray, errors: np.ndarray | None) -> tuple[float, float, np.ndarray]:
    """Return the slope of the (weighted) straight line, the weighted spread of the times, and what the line misses."""
    weights = np.ones_like(values) if errors is None else errors**-2.0
    centred = years - np.average(years, weights=weights)
    spread = float(np.sum(weights * centred**2))
    slope = float(np.sum(weights * centred * values)) / spread
    return slope, spread, values - np.average(values, weights=weights) - slope * centred


def _residual_sd(years: np.ndarray, values: np.ndarray, errors: np.ndarray | None) -> float | None:
    if len(values) < 3:
        return None
    residuals = _line(years, values, errors)[2]
    return math.sqrt(float(np.sum(residuals**2)) / (len(values) - 2))
