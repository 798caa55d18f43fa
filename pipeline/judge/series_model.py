"""The true volume of one lesion over time, from readings with known errors, and what can be said of its changes.

Readings are ``ln V = true ln V + error``; each error has the standard deviation that was stated for its scan, times one
factor for the whole series that is near 1 (:data:`STATED_FREEDOM`). The true course is one of the histories of
:mod:`pipeline.judge.series_histories`; given one, everything is linear and Gaussian and in closed form, and the
histories are weighed by how well they foretell the readings. Many series of one design are done at once: ``m`` series
of ``n`` scans.

What this module refuses: volumes of 0 (a factor means nothing there) and readings without a stated error.

References
----------
Conjugate normal linear model averaged over models: Hoeting 1999, 10.1214/ss/1009212519. Scale of the errors: Student's
t by the inverse gamma prior, Gelman, Bayesian Data Analysis, chapter 14.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from pipeline.judge import series_histories
from pipeline.judge.series_histories import Floats, Normal, Stance

STATED_FREEDOM = 200.0
"""Degrees of freedom behind an error that a table or repeat reads state: it is taken at its word within 5 %."""

ASSUMED_FREEDOM = 8.0
"""The same where the geometric model assumed it: right within a quarter. The boundary error behind it is 0.25 mm,
published ones run from 0.11 to 0.5 mm (see ``pipeline.measure.measurement_error``), and much of it is the same on
every scan of a person, so that a series scatters less."""

SAME = 1e-9
"""Changes of the log volume below this are none."""

QUANTILE_STEPS = 60
QUANTILE_WITHIN = 1e-9
"""Steps after which the search for a quantile ends at the latest, and how near to it the search ends."""

NEGLIGIBLE = 1e-6
"""Histories of less weight than this are left out where only one series is asked."""


def student_cdf(freedom: float, z: Floats) -> Floats:
    """Return the distribution function of Student's t; within 0.0012 from nine degrees of freedom on, and quick.

    References
    ----------
    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.8.

    Examples
    --------
    >>> student_cdf(9.0, np.array([0.0, 2.262])).round(3).tolist()
    [0.5, 0.974]
    """
    return np.asarray(ndtr(_as_normal(freedom, z)), dtype=np.float64)


def _as_normal(freedom: float, z: Floats) -> Floats:
    """Return the standard normal deviate with the same distribution function; infinite ones stay."""
    with np.errstate(invalid="ignore"):
        normal = z * (1 - 1 / (4 * freedom)) / np.sqrt(1 + z**2 / (2 * freedom))
    return np.where(np.isinf(z), z, normal)


def _cdf_and_density(freedom: float, z: Floats) -> tuple[Floats, Floats]:
    """Return the distribution function of :func:`student_cdf` and its slope in ``z``, of finite ``z``."""
    widened = 1 + z**2 / (2 * freedom)
    shrunk = 1 - 1 / (4 * freedom)
    normal = z * shrunk / np.sqrt(widened)
    density = np.exp(-(normal**2) / 2) * (shrunk / math.sqrt(2 * math.pi)) / widened**1.5
    return np.asarray(ndtr(normal), dtype=np.float64), np.asarray(density, dtype=np.float64)


@dataclass(frozen=True)
class SeriesAnswer:
    """What each history says of one number (a sum over the log volumes); all (m, h)."""

    mean: Floats
    sd: Floats
    freedom: float
    weights: Floats

    def probability_above(self, limit: Floats | float) -> Floats:
        """Return the probability, (m,), that the number exceeds a limit, (m,) or one for all."""
        distance = self.mean - np.asarray(limit, dtype=np.float64).reshape(-1, 1)
        certain = np.where(distance > SAME, np.inf, -np.inf)
        z = np.divide(distance, self.sd, out=certain, where=self.sd > SAME)
        return np.clip(np.sum(self.weights * student_cdf(self.freedom, z), axis=1), 0.0, 1.0)

    def expected(self) -> Floats:
        """Return the mean over histories, (m,)."""
        return np.asarray(np.sum(self.weights * self.mean, axis=1), dtype=np.float64)

    def quantile(self, share: float) -> Floats:
        """Return the value that the number stays below with this probability, (m,): Newton's steps, kept in bounds."""
        spread = np.maximum(self.sd, SAME)
        reach = 12 * spread.max(axis=1) + 1.0
        low, high = self.mean.min(axis=1) - reach, self.mean.max(axis=1) + reach
        centre = self.expected()
        whole = np.sqrt(np.sum(self.weights * (spread**2 + (self.mean - centre[:, None]) ** 2), axis=1))
        tried = np.clip(centre + float(ndtri(share)) * whole, low, high)
        for _ in range(QUANTILE_STEPS):
            cdf, density = _cdf_and_density(self.freedom, (tried[:, None] - self.mean) / spread)
            above = np.sum(self.weights * cdf, axis=1) - share
            slope = np.sum(self.weights * density / spread, axis=1)
            low, high = np.where(above < 0, tried, low), np.where(above < 0, high, tried)
            step = tried - np.divide(above, slope, out=np.full_like(above, np.inf), where=slope > 0)
            better = np.where((step > low) & (step < high), step, (low + high) / 2)
            moved, tried = np.abs(better - tried).max(), better
            if moved < QUANTILE_WITHIN:
                break
        return np.asarray(tried, dtype=np.float64)


@dataclass(frozen=True)
class _Family:
    """Histories with as many effects each, solved but for the readings: ``h`` of them with ``e`` effects.

    Attributes
    ----------
    basis
        What each effect adds to each scan, its weighted mean over the scans taken off, (h, n, e).
    means, precisions
        What is expected of the effects, (h, e).
    covariances
        Of the effects, for errors as stated, (h, e, e).
    log_evidence
        Logarithm of prior weight times likelihood but for the misfit, (h,).
    """

    basis: Floats
    means: Floats
    precisions: Floats
    covariances: Floats
    log_evidence: Floats


@dataclass(frozen=True)
class Design:
    """Scans of a series seen in one stance, before any reading.

    Attributes
    ----------
    years
        Times of the ``n`` scans, ascending, (n,).
    errors
        Stated standard deviations of ln V, (n,).
    freedom
        Degrees of freedom behind them.
    families
        The histories.
    weight
        Of all histories together, before any reading.
    """

    years: Floats
    errors: Floats
    freedom: float
    families: tuple[_Family, ...]
    weight: float

    @property
    def precision(self) -> Floats:
        """Weight of each scan, (n,)."""
        return np.asarray(self.errors**-2, dtype=np.float64)


@dataclass(frozen=True)
class FittedSeries:
    """Readings of ``m`` series of one design; ask :meth:`answer`.

    ``log_likelihood`` is how well all histories together foretell the readings, up to what every design of the same
    scans has in common, (m,).
    """

    design: Design
    level: Floats
    effects: tuple[Floats, ...]
    weights: Floats
    scales: Floats
    log_likelihood: Floats

    def answer(self, sums: Floats) -> SeriesAnswer:
        """Return what the histories say of a weighted sum over the true log volumes.

        Parameters
        ----------
        sums
            Weights of the scans, (m, n); a change from scan 0 to 2 is ``[-1, 0, 1]``.
        """
        total, whole = self.design.precision.sum(), sums.sum(axis=1)
        means, variances = [], []
        for family, effects in zip(self.design.families, self.effects, strict=True):
            share = np.einsum("mn,hne->mhe", sums, family.basis)
            means.append(np.sum(share * effects, axis=2) + (whole * self.level)[:, None])
            spread = np.sum(np.einsum("mhe,hef->mhf", share, family.covariances) * share, axis=2)
            variances.append(spread + (whole**2 / total)[:, None])
        mean = np.concatenate(means, axis=1)
        sd = np.sqrt(np.maximum(np.concatenate(variances, axis=1) * self.scales, 0.0))
        weights, freedom = self.weights, self.design.freedom + len(self.design.years) - 1
        if len(weights) == 1:
            counted = weights[0] > NEGLIGIBLE
            mean, sd, weights = mean[:, counted], sd[:, counted], weights[:, counted]
        return SeriesAnswer(mean, sd, freedom, weights)


def designed(years: Floats, errors: Floats, stance: Stance, freedom: float = STATED_FREEDOM) -> Design:
    """Solve what can be solved of a series before its readings.

    Parameters
    ----------
    years
        Times of two or more scans, ascending, (n,).
    errors
        Stated standard deviations of ln V, (n,).
    stance
        Which question the histories are weighed for.
    freedom
        Degrees of freedom behind the errors.
    """
    courses = series_histories.histories(years, stance)
    nothing = np.zeros(len(years))
    lines = _centred(errors, np.column_stack([years, _steps(len(years)), nothing]))
    jumping = _family(
        errors, np.moveaxis(lines[:, courses.columns], 0, 1), courses.means, courses.precisions, courses.weights
    )
    walks = _walks(stance)
    walking = (_wandering(years, errors, walk) for walk in walks)
    weight = float(courses.weights.sum()) + sum(walk.share for walk in walks)
    return Design(years, errors, freedom, (jumping, *walking), weight)


def fitted(design: Design, logs: Floats) -> FittedSeries:
    """Weigh every history by its prior and by how well it foretells the readings.

    Parameters
    ----------
    design
        The scans.
    logs
        ln of the volumes of ``m`` series, any unit, (m, n).
    """
    precision = design.precision
    level = logs @ precision / precision.sum()
    rest = logs - level[:, None]
    squares = (rest**2 @ precision)[:, None]
    effects, misfits = [], []
    for family in design.families:
        right = np.einsum("mn,hne->mhe", rest * precision, family.basis) + family.precisions * family.means
        effects.append(np.einsum("hef,mhf->mhe", family.covariances, right))
        expected = np.sum(family.precisions * family.means**2, axis=1)
        misfits.append(np.maximum(squares + expected - np.sum(right * effects[-1], axis=2), 0.0))
    misfit = np.concatenate(misfits, axis=1)
    evidence = np.concatenate([family.log_evidence for family in design.families])
    freedom = design.freedom + len(design.years) - 1
    logs_of_weights = evidence - freedom / 2 * np.log1p(misfit / design.freedom)
    highest = logs_of_weights.max(axis=1, keepdims=True)
    weights = np.exp(logs_of_weights - highest)
    whole = weights.sum(axis=1, keepdims=True)
    log_likelihood = (highest + np.log(whole))[:, 0] - math.log(design.weight)
    scales = (design.freedom + misfit) / freedom
    return FittedSeries(design, level, tuple(effects), weights / whole, scales, log_likelihood)


def _walks(stance: Stance) -> tuple[Normal, ...]:
    return {
        Stance.PEOPLE: series_histories.WANDERING,
        Stance.ANYBODY: series_histories.ANYBODY_WANDERING,
        Stance.ALARM: series_histories.ALARM_WANDERING,
    }.get(stance, ())


def _wandering(years: Floats, errors: Floats, walk: Normal) -> _Family:
    """Solve a random walk: a step before every scan, the larger the longer the time since the one before."""
    gaps = np.maximum(np.diff(years), series_histories.SHORTEST_YEARS)
    precisions = (walk.sd**-2 / gaps)[None]
    basis = _centred(errors, _steps(len(years)))[None]
    return _family(errors, basis, np.zeros_like(precisions), precisions, np.array([walk.share]))


def _steps(scans: int) -> Floats:
    """Return a column of 0 before and 1 from each scan but the first on."""
    return np.tri(scans, scans, dtype=np.float64)[:, 1:]


def _centred(errors: Floats, basis: Floats) -> Floats:
    precision = errors**-2
    return np.asarray(basis - precision @ basis / precision.sum(), dtype=np.float64)


def _family(errors: Floats, basis: Floats, means: Floats, precisions: Floats, priors: Floats) -> _Family:
    """Solve the normal equations of every history; the level is free and has been centred away."""
    weighted = basis * (errors**-2)[:, None]
    normal = np.swapaxes(weighted, 1, 2) @ basis + precisions[:, :, None] * np.eye(precisions.shape[1])
    covariances = np.asarray(np.linalg.inv(normal), dtype=np.float64)
    determinant = np.asarray(np.linalg.slogdet(normal)[1], dtype=np.float64)
    evidence = np.log(priors) + (np.log(precisions).sum(axis=1) - determinant) / 2
    return _Family(basis, means, precisions, covariances, evidence)
