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

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

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

BISECTIONS = 26
"""Halvings of the range in which a quantile lies: to 1e-6 of it."""


@dataclass(frozen=True)
class Answer:
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
        return np.asarray(np.sum(self.weights * stdtr(self.freedom, z), axis=1), dtype=np.float64)

    def expected(self) -> Floats:
        """Return the mean over histories, (m,)."""
        return np.asarray(np.sum(self.weights * self.mean, axis=1), dtype=np.float64)

    def quantile(self, share: float) -> Floats:
        """Return the value that the number stays below with this probability, (m,)."""
        reach = 12 * self.sd.max(axis=1) + 1.0
        low, high = self.mean.min(axis=1) - reach, self.mean.max(axis=1) + reach
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = 1 - self.probability_above(middle) < share
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2


@dataclass(frozen=True)
class Series:
    """Readings of ``m`` series of one design, in date order.

    Attributes
    ----------
    years
        Times of the ``n`` scans, ascending, (n,).
    logs
        ln of the volumes, (m, n); any unit.
    errors
        Stated standard deviations of the logs, (n,).
    freedom
        Degrees of freedom behind them.
    """

    years: Floats
    logs: Floats
    errors: Floats
    freedom: float = STATED_FREEDOM


@dataclass(frozen=True)
class _Family:
    """Histories with as many effects each, fitted: ``h`` of them with ``e`` effects.

    Attributes
    ----------
    basis
        What each effect adds to each scan, its weighted mean over the scans taken off, (h, n, e) or (1, n, e).
    means
        Of the effects, (m, h, e).
    covariances
        Of the effects, for errors as stated, (h, e, e).
    misfit
        Weighted squares left over, (m, h).
    log_evidence
        Logarithm of prior weight times likelihood but for the misfit, (h,).
    """

    basis: Floats
    means: Floats
    covariances: Floats
    misfit: Floats
    log_evidence: Floats


@dataclass(frozen=True)
class FittedSeries:
    """Series seen in one stance; ask :meth:`answer`."""

    series: Series
    families: tuple[_Family, ...]
    weights: Floats
    scales: Floats

    def answer(self, sums: Floats) -> Answer:
        """Return what the histories say of a weighted sum over the true log volumes.

        Parameters
        ----------
        sums
            Weights of the scans, (m, n); a change from scan 0 to 2 is ``[-1, 0, 1]``.
        """
        series = self.series
        precision = series.errors**-2
        total = precision.sum()
        level = series.logs @ precision / total
        whole = sums.sum(axis=1)
        means, variances = [], []
        for family in self.families:
            effects = np.einsum("mn,hne->mhe", sums, family.basis)
            means.append(np.sum(effects * family.means, axis=2) + (whole * level)[:, None])
            spread = np.sum(np.einsum("mhe,hef->mhf", effects, family.covariances) * effects, axis=2)
            variances.append(spread + (whole**2 / total)[:, None])
        variance = np.concatenate(variances, axis=1) * self.scales
        return Answer(
            np.concatenate(means, axis=1),
            np.sqrt(np.maximum(variance, 0.0)),
            series.freedom + len(series.years) - 1,
            self.weights,
        )


def fitted(series: Series, stance: Stance) -> FittedSeries:
    """Weigh every history by a stance's prior and by how well it foretells the readings."""
    families = (_jumping(series, stance), *(_wandering(series, walk) for walk in _walks(stance)))
    misfit = np.concatenate([family.misfit for family in families], axis=1)
    evidence = np.concatenate([family.log_evidence for family in families])
    freedom = series.freedom + len(series.years) - 1
    logs = evidence - freedom / 2 * np.log1p(misfit / series.freedom)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return FittedSeries(series, families, weights, (series.freedom + misfit) / freedom)


def _walks(stance: Stance) -> tuple[Normal, ...]:
    return {
        Stance.PEOPLE: series_histories.WANDERING,
        Stance.ANYBODY: series_histories.ANYBODY_WANDERING,
        Stance.ALARM: series_histories.ALARM_WANDERING,
    }[stance]


def _jumping(series: Series, stance: Stance) -> _Family:
    """Fit the histories of a straight line with jumps."""
    courses = series_histories.histories(series.years, stance)
    basis = _centred(series, np.column_stack([series.years, _steps(len(series.years)), np.zeros(len(series.years))]))
    effects = np.moveaxis(basis[:, courses.columns], 0, 1)
    return _fit(series, effects, courses.means, courses.precisions, courses.weights)


def _wandering(series: Series, walk: Normal) -> _Family:
    """Fit a random walk: a step before every scan, the larger the longer the time since the one before."""
    gaps = np.maximum(np.diff(series.years), series_histories.SHORTEST_YEARS)
    precisions = (walk.sd**-2 / gaps)[None]
    basis = _centred(series, _steps(len(series.years)))[None]
    return _fit(series, basis, np.zeros_like(precisions), precisions, np.array([walk.share]))


def _steps(scans: int) -> Floats:
    """Return a column of 0 before and 1 from each scan but the first on."""
    return np.tri(scans, scans, dtype=np.float64)[:, 1:]


def _centred(series: Series, basis: Floats) -> Floats:
    precision = series.errors**-2
    return np.asarray(basis - precision @ basis / precision.sum(), dtype=np.float64)


def _fit(series: Series, basis: Floats, means: Floats, precisions: Floats, priors: Floats) -> _Family:
    """Solve the normal equations of every history; the level is free and has been centred away."""
    precision = series.errors**-2
    logs = series.logs - (series.logs @ precision / precision.sum())[:, None]
    weighted = basis * precision[:, None]
    normal = np.swapaxes(weighted, 1, 2) @ basis + precisions[:, :, None] * np.eye(precisions.shape[1])
    covariances = np.linalg.inv(normal)
    right = np.einsum("mn,hne->mhe", logs, weighted) + precisions * means
    effects = np.einsum("hef,mhf->mhe", covariances, right)
    misfit = (
        (logs**2 @ precision)[:, None] + np.sum(precisions * means**2, axis=1) - np.sum(right * effects, axis=2)
    )
    determinant = np.linalg.slogdet(normal)[1]
    evidence = np.log(priors) + (np.log(precisions).sum(axis=1) - determinant) / 2
    return _Family(basis, effects, covariances, np.maximum(misfit, 0.0), evidence)
