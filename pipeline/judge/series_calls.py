"""What one series of readings of a lesion says at one of its scans: volume, change, probability, limit and call.

Everything rests on the readings that are handed over: hand over those up to a day, and the answer is what could be
said on that day. What this module refuses: readings of 0 or without a stated error; the caller leaves them out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.judge.series_histories import ALARM_LIMIT_GROWTH, ALARM_LIMIT_SHRINKAGE, KINDS, Floats, Stance
from pipeline.judge.series_model import (
    ASSUMED_FREEDOM,
    STATED_FREEDOM,
    Design,
    FittedSeries,
    SeriesAnswer,
    designed,
    fitted,
)
from pipeline.measure.measurement_error import FARTHEST_LOG, Interval

Flags = NDArray[np.bool_]

DAYS_PER_YEAR = 365.25

SMALLEST_ERROR = 0.005
"""Stated errors below this are taken as this: no outline is drawn to half a percent of a volume."""

LIMIT_REACH = 8.0
"""The limit is looked for within so many standard deviations of a pair of readings."""

LIMIT_STEPS = 24
"""Readings tried at a time while the limit is looked for."""

LIMIT_PASSES = 4
"""Times that the limit is looked for, each between the two readings of the last time; half of them, unless the scan's
own reading lies between the last two."""

ROUNDING = 1e-9
"""Relative difference at which two sizes are the same."""

APART = 1.645
"""Standard deviations by which two readings alone differ where they alone tell a shrinkage: nine in ten of unchanged
pairs differ by less."""

ALL_TELL = 0.975
"""Least probability of a change's direction from all readings, of every growth and of a shrinkage that two readings
alone do not tell: the interval excludes 1."""


class ChangeCall(StrEnum):
    """What may be said of a scan against its references."""

    GROWTH = "definitive growth"
    POSSIBLE_GROWTH = "possible growth"
    NO_CHANGE = "no change"
    POSSIBLE_SHRINKAGE = "possible shrinkage"
    SHRINKAGE = "definitive shrinkage"


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; the unit is that of the question."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class ByKind:
    """How well each kind of ``series_histories.KINDS`` fits, 1 for the best, and how probable a change is in it."""

    likelihoods: tuple[float, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Thresholds:
    """Ratios to the reference from which a change counts: growth over 1, shrinkage under 1, both inclusive."""

    growth: float
    shrinkage: float


@dataclass(frozen=True)
class LesionSeries:
    """Readings of one lesion, in any order; scans are named by their place in it.

    Attributes
    ----------
    days
        Of the scans, from any day on.
    sizes
        Readings above 0, in one unit.
    errors
        Coefficients of variation (standard deviations of the logs) of the readings.
    is_assumed
        The errors are assumed (geometric model), not stated by a table or repeat reads.
    share
        Dimensions of the size over three: 1 for volumes, 2/3 for areas, 1/3 for lengths, since the histories are of
        volumes.

    Examples
    --------
    >>> quiet = LesionSeries((0, 365, 730), (1000.0, 1050.0, 980.0), (0.1, 0.1, 0.1))
    >>> quiet.call(2, 0, 2, Thresholds(1.4, 1 / 1.4)).value
    'no change'
    >>> round(quiet.probability(2, 0, 1.4), 3) < 0.01
    True
    """

    days: tuple[float, ...]
    sizes: tuple[float, ...]
    errors: tuple[float, ...]
    is_assumed: bool = False
    share: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.days) == len(self.sizes) == len(self.errors):
            msg = f"{len(self.days)} days, {len(self.sizes)} sizes and {len(self.errors)} errors: one each is needed"
            raise ValueError(msg)
        wrong = [size for size in (*self.sizes, *self.errors) if not 0 < size < math.inf]
        if wrong:
            msg = f"sizes and errors above 0 are needed, not {wrong[0]:g}; leave such a scan out of the series"
            raise ValueError(msg)

    def smoothed(self, scan: int) -> Estimate:
        """Return the size at a scan as all readings tell it, with its 95 % interval."""
        return self._estimate(self._sum({scan: 1.0}))

    def change(self, scan: int, reference: int) -> Estimate:
        """Return the ratio of the true sizes at two scans as all readings tell it, with its 95 % interval."""
        if scan == reference:
            return Estimate(1.0, Interval(1.0, 1.0))
        return self._estimate(self._sum({scan: 1.0, reference: -1.0}))

    def change_interval(self, scan: int, reference: int) -> Interval:
        """Return the 95 % interval of :meth:`change` alone."""
        return self._interval(self._sum({scan: 1.0, reference: -1.0}))

    def rate(self) -> Estimate | None:
        """Return the factor per year of a line through the true sizes with its 95 % interval; None for one day."""
        years = self._years - self._years.mean()
        if not years.any():
            return None
        return self._estimate(years / (years @ years))

    def probability(self, scan: int, reference: int, ratio: float) -> float:
        """Return how probable it is that the true ratio is at or beyond a threshold; above 1 is growth."""
        return self._probability(Stance.PEOPLE, scan, reference, ratio)

    def by_kind(self, scan: int, reference: int, ratio: float) -> ByKind:
        """Return how well each kind of :data:`KINDS` fits the readings, and the probability of a change in it."""
        logs = np.array([float(self._seen(kind).log_likelihood[0]) for kind in KINDS])
        return ByKind(
            tuple(np.exp(logs - logs.max()).tolist()),
            tuple(self._probability(kind, scan, reference, ratio) for kind in KINDS),
        )

    def has_grown(self, scan: int, reference: int) -> bool:
        """Say whether growth since a reference is beyond the error of the whole series."""
        return self._is_beyond(scan, reference, 1)

    def has_shrunk(self, scan: int, reference: int) -> bool:
        """Say whether shrinkage since a reference is beyond the error of the whole series."""
        return self._is_beyond(scan, reference, -1)

    def is_down_to(self, scan: int, reference: int, ratio: float) -> bool:
        """Say whether all readings together tell a ratio or less: the median of the true change."""
        answer = self._answer(Stance.ANYBODY, self._sum({scan: 1.0, reference: -1.0}))
        return bool(answer.probability_above(math.log(ratio) / self.share)[0] <= 0.5)

    def growth_limit(self, scan: int, reference: int) -> float:
        """Return the smallest reading at a scan, over that of a reference, from which growth would be called."""
        return self._limit(scan, reference, 1)

    def shrinkage_limit(self, scan: int, reference: int) -> float:
        """Return the largest reading at a scan, over that of a reference, down from which shrinkage would be called."""
        return self._limit(scan, reference, -1)

    def call(self, scan: int, baseline: int, nadir: int, thresholds: Thresholds) -> ChangeCall:
        """Return the call at a scan: what passes a threshold, and is or is not beyond the error of the series.

        Growth passes by its own reading, as rules have it; shrinkage also by what all readings together tell.
        """
        size = self.sizes[scan]
        if size >= thresholds.growth * self.sizes[nadir] * (1 - ROUNDING):
            return ChangeCall.GROWTH if self.has_grown(scan, nadir) else ChangeCall.POSSIBLE_GROWTH
        if size <= thresholds.shrinkage * self.sizes[baseline] * (1 + ROUNDING) or self.is_down_to(
            scan, baseline, thresholds.shrinkage
        ):
            return ChangeCall.SHRINKAGE if self.has_shrunk(scan, baseline) else ChangeCall.POSSIBLE_SHRINKAGE
        return ChangeCall.NO_CHANGE

    @cached_property
    def _order(self) -> tuple[int, ...]:
        """Places of the scans in order of days; of one day in order of size, whatever order they came in."""
        return tuple(sorted(range(len(self.days)), key=lambda scan: (self.days[scan], self.sizes[scan])))

    @cached_property
    def _years(self) -> Floats:
        days = np.array([self.days[scan] for scan in self._order], dtype=np.float64)
        return np.asarray((days - days[0]) / DAYS_PER_YEAR, dtype=np.float64)

    @cached_property
    def _logs(self) -> Floats:
        sizes = np.array([self.sizes[scan] for scan in self._order], dtype=np.float64)
        return np.asarray(np.log(sizes / sizes[0])[None] / self.share, dtype=np.float64)

    @cached_property
    def _errors(self) -> Floats:
        errors = np.array([self.errors[scan] for scan in self._order], dtype=np.float64)
        return np.maximum(errors / self.share, SMALLEST_ERROR)

    @cached_property
    def _answers(self) -> dict[tuple[Stance, bytes], SeriesAnswer]:
        """What was asked before: sentence, table and event ask the same of one series, under every set of criteria."""
        return {}

    @cached_property
    def _quantiles(self) -> dict[tuple[bytes, float], float]:
        return {}

    @cached_property
    def _alarms(self) -> dict[tuple[str, int, int, int], float]:
        return {}

    @cached_property
    def _calls(self) -> dict[tuple[int, int, int], bool]:
        return {}

    @cached_property
    def _designs(self) -> dict[Stance, Design]:
        return {}

    @cached_property
    def _fits(self) -> dict[Stance, FittedSeries]:
        return {}

    def _design(self, stance: Stance) -> Design:
        if stance not in self._designs:
            freedom = ASSUMED_FREEDOM if self.is_assumed else STATED_FREEDOM
            self._designs[stance] = designed(self._years, self._errors, stance, freedom)
        return self._designs[stance]

    def _seen(self, stance: Stance) -> FittedSeries:
        if stance not in self._fits:
            self._fits[stance] = fitted(self._design(stance), self._logs)
        return self._fits[stance]

    def _sum(self, weights: dict[int, float]) -> Floats:
        """Return weights of the scans in order of days."""
        by_scan = np.zeros(len(self.days))
        for scan, weight in weights.items():
            by_scan[scan] += weight
        return np.asarray(by_scan[list(self._order)], dtype=np.float64)

    def _estimate(self, sums: Floats) -> Estimate:
        return Estimate(self._quantile(sums, 0.5), self._interval(sums))

    def _interval(self, sums: Floats) -> Interval:
        return Interval(self._quantile(sums, 0.025), self._quantile(sums, 0.975))

    def _quantile(self, sums: Floats, share: float) -> float:
        key = (sums.tobytes(), share)
        if key not in self._quantiles:
            log = self._answer(Stance.ANYBODY, sums).quantile(share)
            unit = float(sums.sum()) * math.log(self.sizes[self._order[0]])
            self._quantiles[key] = _exp(float(log[0]) * self.share + unit)
        return self._quantiles[key]

    def _probability(self, stance: Stance, scan: int, reference: int, ratio: float) -> float:
        direction = 1 if ratio > 1 else -1
        sums = self._sum({scan: 1.0, reference: -1.0}) * direction
        limit = direction * math.log(ratio) / self.share
        return float(self._answer(stance, sums).probability_above(limit - ROUNDING)[0])

    def _answer(self, stance: Stance, sums: Floats) -> SeriesAnswer:
        key = (stance, sums.tobytes())
        if key not in self._answers:
            self._answers[key] = self._seen(stance).answer(sums[None])
        return self._answers[key]

    def _is_beyond(self, scan: int, reference: int, direction: int) -> bool:
        """Say whether growth (1) or shrinkage (-1) is beyond error with the readings as they are."""
        key = (scan, reference, direction)
        if scan != reference and key not in self._calls:
            self._calls[key] = bool(self._beyond(self._logs, scan, reference, direction)[0])
        return scan != reference and self._calls[key]

    def _limit(self, scan: int, reference: int, direction: int) -> float:
        key = ("limit", scan, reference, direction)
        if key not in self._alarms:
            self._alarms[key] = self._searched_limit(scan, reference, direction)
        return self._alarms[key]

    def _beyond(self, logs: Floats, scan: int, reference: int, direction: int) -> Flags:
        """Say whether growth (1) or shrinkage (-1) is beyond error, for each row of readings."""
        sums = np.tile(self._sum({scan: 1.0, reference: -1.0}) * direction, (len(logs), 1))
        spread = math.hypot(*(self._errors[self._order.index(one)] for one in (scan, reference)))
        return beyond_error(self._design(Stance.ALARM), self._design(Stance.ANYBODY), logs, sums, spread, direction)

    def _searched_limit(self, scan: int, reference: int, direction: int) -> float:
        """Look for the reading at which the call turns, all other readings as they are."""
        at, other = self._order.index(scan), self._order.index(reference)
        low, high = 0.0, LIMIT_REACH * math.hypot(self._errors[at], self._errors[other])
        reading = direction * float(self._logs[0, at] - self._logs[0, other])
        for passes in range(LIMIT_PASSES):
            if passes >= LIMIT_PASSES // 2 and not low < reading <= high:
                break  # fine enough to say on which side of the limit the reading lies
            tried = np.linspace(low, high, LIMIT_STEPS)
            logs = np.tile(self._logs, (LIMIT_STEPS, 1))
            logs[:, at] = self._logs[0, other] + direction * tried
            short = np.flatnonzero(~self._beyond(logs, scan, reference, direction))
            last = int(short[-1]) if len(short) else -1
            low, high = float(tried[max(last, 0)]), float(tried[min(last + 1, LIMIT_STEPS - 1)])
        return _exp(direction * high * self.share)


def _exp(log: float) -> float:
    """Return the exponential, no farther from 1 than two sizes can be from one another."""
    return math.exp(max(-FARTHEST_LOG, min(log, FARTHEST_LOG)))


def beyond_error(alarm: Design, anybody: Design, logs: Floats, sums: Floats, spread: float, direction: int) -> Flags:
    """Say, of each row of readings, whether a change is beyond the error of the whole series.

    Histories without a change between the two scans must be unlikely. After a rise that went back, or a fall, none is
    without a change, and either direction would be about as likely as the noise says: so all readings must tell the
    direction of a growth, whose 95 % interval then excludes none; of a shrinkage all must, or the two readings differ
    by themselves, for to ask for both would miss one halving in ten on its own scan.

    Parameters
    ----------
    alarm, anybody
        The design of the scans in these stances.
    logs, sums
        Log volumes of the readings, and weights whose sum over them is the change in the direction asked; (m, n).
    spread
        Standard deviation of the difference of the two readings.
    direction
        1 for growth, -1 for shrinkage.

    Returns
    -------
    numpy.ndarray
        (m,) of bool.
    """
    least = ALARM_LIMIT_GROWTH if direction > 0 else ALARM_LIMIT_SHRINKAGE
    beyond = np.asarray(fitted(alarm, logs).answer(sums).probability_above(0.0) >= least)
    is_asked = beyond if direction > 0 else beyond & (np.sum(sums * logs, axis=1) < APART * spread)
    asked = np.flatnonzero(is_asked)
    if len(asked):
        seen = fitted(anybody, logs[asked]).answer(sums[asked])
        beyond[asked] = seen.probability_above(0.0) >= ALL_TELL
    return beyond


@dataclass(frozen=True)
class SeriesChange:
    """The change at one scan of a series since another."""

    series: LesionSeries
    scan: int
    reference: int

    @property
    def is_growth(self) -> bool:
        """The reading is above that of the reference."""
        return self.series.sizes[self.scan] > self.series.sizes[self.reference]

    @property
    def is_beyond_error(self) -> bool:
        """What the reading shows, growth or shrinkage, is beyond the error of the whole series."""
        seen = self.series.has_grown if self.is_growth else self.series.has_shrunk
        return seen(self.scan, self.reference)

    @property
    def interval(self) -> Interval:
        """95 % interval of the true ratio."""
        return self.series.change_interval(self.scan, self.reference)

    @property
    def limit_ratio(self) -> float | None:
        """Reading over the reference's from which the call turns: over 1 for a growth, under 1 for a fall.

        None for a scan against itself.
        """
        if self.scan == self.reference:
            return None
        limit = self.series.growth_limit if self.is_growth else self.series.shrinkage_limit
        return limit(self.scan, self.reference)

    def probability(self, ratio: float) -> float:
        """Return how probable it is that the true ratio is at or beyond a threshold."""
        return self.series.probability(self.scan, self.reference, ratio)

    def by_kind(self, ratio: float) -> ByKind:
        """Return how well each kind of tumour fits, and how probable the change is in it."""
        return self.series.by_kind(self.scan, self.reference, ratio)
