"""How fast tumours of one histology grow in a cohort: a linear mixed model of ln volume (statsmodels).

Each patient has an own size and an own rate around those of the histology, so many scans of one patient do not count
as many patients. A patient brings one epoch (a stretch without surgery or radiotherapy in it): the one with the most
scans, the latest of equals. What this module refuses: growth across treatment, a rate for a histology with too few
patients, and volumes of 0, which have no logarithm and are left out and counted.

References
----------
Laird and Ware 1982, Biometrics 38:963-974. Intervals are Wald intervals by Student's t with one degree of freedom less
than the histology has patients, which is exact when all are scanned on the same days and cautious otherwise.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from pipeline.context.growth_rate import DAYS_PER_YEAR, doubling_time_days
from pipeline.errors import SettingsError

FEWEST_PATIENTS = 5
"""Patients a histology needs for a rate of its own; a proposal."""

FEWEST_SCANS = 3
"""Scans with tumour that such a patient has: two cannot tell growth from error; a proposal."""

ENOUGH = (
    f"expected {FEWEST_PATIENTS} patients or more with {FEWEST_SCANS} scans of measured tumour between two treatments"
)
"""The same in words."""


@dataclass(frozen=True)
class GrowthScan:
    """One measured solid tumour.

    Attributes
    ----------
    epoch
        Stretch of the patient's course without surgery or radiotherapy in it.
    volume_mm3
        None when unknown; 0 when nothing was seen.
    volume_cv
        Measurement error (standard deviation of ln V); None when unknown.
    """

    patient_id: str
    histology: str
    epoch: int
    acquired_on: date
    volume_mm3: float | None
    volume_cv: float | None = None


@dataclass(frozen=True)
class HistologyGrowth:
    """Growth of one histology.

    Attributes
    ----------
    specific_percent_per_year, low, high
        Specific growth rate (slope of ln V on time, SGR) in percent a year with its 95 % interval.
    relative_percent_per_year, relative_low, relative_high
        The same as growth in percent a year, ``100 (exp(SGR) - 1)``.
    doubling_time_days
        ``ln 2 / SGR``; negative is a halving time.
    """

    histology: str
    patient_count: int
    scan_count: int
    specific_percent_per_year: float
    low: float
    high: float
    relative_percent_per_year: float
    relative_low: float
    relative_high: float
    doubling_time_days: float | None


@dataclass(frozen=True)
class CohortGrowth:
    """Growth by histology, and what the model says beside it.

    Attributes
    ----------
    histologies
        One for each that could be estimated, by name.
    left_out
        Histology to the reason, in words, for the others.
    patient_sd_percent_per_year
        Standard deviation of the patients' own rates around that of their histology, percent a year.
    residual_sd, error_sd
        Scatter of ln V about each patient's line, and the root mean square of the known measurement errors; much
        more scatter than error means leaps or wrong masks. None when an error is unknown.
    empty_scan_count
        Scans without any tumour seen, which a rate cannot use.
    warnings
        What speaks against trusting the model, in words.
    """

    histologies: tuple[HistologyGrowth, ...]
    left_out: Mapping[str, str]
    patient_sd_percent_per_year: float
    residual_sd: float
    error_sd: float | None
    empty_scan_count: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Fit:
    """Fixed effects with their covariance, and the variances of the model."""

    slopes: NDArray[np.float64]
    errors: NDArray[np.float64]
    slope_sd: float
    residual_sd: float
    warnings: tuple[str, ...]


def by_histology(scans: Sequence[GrowthScan]) -> CohortGrowth:
    """Estimate how fast tumours of each histology grow.

    Parameters
    ----------
    scans
        Of all patients, in any order.

    Raises
    ------
    SettingsError
        No histology has ``FEWEST_PATIENTS`` patients with ``FEWEST_SCANS`` scans in one epoch.
    """
    courses = _courses(scans)
    counts = Counter(course[0].histology for course in courses.values())
    names = sorted(name for name, count in counts.items() if count >= FEWEST_PATIENTS)
    left_out = {name: _too_few(counts[name]) for name in sorted({s.histology for s in scans} - set(names))}
    if not names:
        counted = ", ".join(f"{name.replace('_', ' ')} {counts[name]}" for name in left_out) or "no scans"
        msg = f"growth of the cohort: {ENOUGH}, found {counted}. Choose more patients, or read each patient's own rate"
        raise SettingsError(msg)
    used = [course for course in courses.values() if course[0].histology in names]
    fit = _fitted(used, names)
    errors = [scan.volume_cv for course in used for scan in course]
    stated = [error for error in errors if error is not None]
    return CohortGrowth(
        histologies=tuple(_histology(name, index, used, fit) for index, name in enumerate(names)),
        left_out=left_out,
        patient_sd_percent_per_year=100 * fit.slope_sd,
        residual_sd=fit.residual_sd,
        error_sd=float(np.sqrt(np.mean(np.square(stated)))) if len(stated) == len(errors) else None,
        empty_scan_count=sum(scan.volume_mm3 == 0 for scan in scans),
        warnings=fit.warnings,
    )


def _courses(scans: Sequence[GrowthScan]) -> dict[str, list[GrowthScan]]:
    """Return each patient's epoch with the most scans, in date order; absent where it has too few."""
    epochs: defaultdict[tuple[str, int], list[GrowthScan]] = defaultdict(list)
    for scan in sorted(scans, key=lambda s: (s.patient_id, s.epoch, s.acquired_on)):
        if scan.volume_mm3:
            epochs[scan.patient_id, scan.epoch].append(scan)
    longest: dict[str, list[GrowthScan]] = {}
    for (patient_id, _), course in epochs.items():
        if len(course) >= max(FEWEST_SCANS, len(longest.get(patient_id, ()))):
            longest[patient_id] = course
    return longest


def _too_few(count: int) -> str:
    return f"{ENOUGH}, found {count}"


def _fitted(courses: Sequence[Sequence[GrowthScan]], names: Sequence[str]) -> _Fit:
    """Fit intercept and slope for each histology, random ones for each patient (restricted maximum likelihood)."""
    from statsmodels.regression.mixed_linear_model import MixedLM  # noqa: PLC0415  # a second that only growth costs

    blocks = [_design(course, names) for course in courses]
    fixed, random, values = (np.concatenate([block[i] for block in blocks]) for i in range(3))
    patients = np.concatenate([np.full(len(course), index) for index, course in enumerate(courses)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance at 0 is reported below, in words
        model = MixedLM(values, fixed, groups=patients, exog_re=random).fit(reml=True, method=["lbfgs", "powell"])
    covariance, scale = np.asarray(model.cov_re, dtype=np.float64), float(model.scale)
    slopes, errors = _slopes(blocks, covariance, scale)
    doubts = []
    if not model.converged:
        doubts.append("the model did not come to rest; read each patient's own rate")
    if covariance[1, 1] < 1e-6:
        doubts.append("patients of one histology do not differ in their rates beyond chance")
    return _Fit(slopes, errors, math.sqrt(max(covariance[1, 1], 0.0)), math.sqrt(scale), tuple(doubts))


def _design(
    course: Sequence[GrowthScan], names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return one patient's fixed effects (intercepts, then slopes), random effects, and ln volumes."""
    days = [(scan.acquired_on - course[0].acquired_on).days for scan in course]
    random = np.column_stack([np.ones(len(course)), np.array(days) / DAYS_PER_YEAR])
    is_histology = np.array([name == course[0].histology for name in names], dtype=np.float64)
    values = np.log([scan.volume_mm3 for scan in course if scan.volume_mm3])
    return np.hstack([random[:, :1] * is_histology, random[:, 1:] * is_histology]), random, values


def _slopes(
    blocks: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]],
    covariance: NDArray[np.float64],
    scale: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the slopes and their standard errors by generalised least squares, which a variance of 0 cannot upset."""
    count = blocks[0][0].shape[1]
    information, score = np.zeros((count, count)), np.zeros(count)
    for fixed, random, values in blocks:
        weights = np.linalg.inv(random @ covariance @ random.T + scale * np.eye(len(values)))
        information += fixed.T @ weights @ fixed
        score += fixed.T @ weights @ values
    spread = np.linalg.inv(information)
    return (spread @ score)[count // 2 :], np.sqrt(np.diag(spread))[count // 2 :]


def _histology(name: str, index: int, courses: Sequence[Sequence[GrowthScan]], fit: _Fit) -> HistologyGrowth:
    of_histology = [course for course in courses if course[0].histology == name]
    rate = float(fit.slopes[index])
    half_width = float(student.ppf(0.975, len(of_histology) - 1)) * float(fit.errors[index])
    low, high = rate - half_width, rate + half_width
    return HistologyGrowth(
        histology=name,
        patient_count=len(of_histology),
        scan_count=sum(map(len, of_histology)),
        specific_percent_per_year=100 * rate,
        low=100 * low,
        high=100 * high,
        relative_percent_per_year=100 * math.expm1(rate),
        relative_low=100 * math.expm1(low),
        relative_high=100 * math.expm1(min(high, 700.0)),  # exp overflows just beyond
        doubling_time_days=doubling_time_days(rate),
    )
