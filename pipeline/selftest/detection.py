"""What implanted growth says about a protocol: bias, spread, intervals that hold, false changes, detection limit.

Pure arithmetic on pairs of known truth. Pairs that could not be measured are counted, never left out without a word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.measure import measurement_error

POWER_Z = 0.8416
"""Normal quantile of 0.8: growth counts as found reliably when four of five such scans would show it."""

LEAST_PAIRS, LEAST_GROWTHS = 5, 3
"""Assessable pairs, and different true growths among them, that a limit is computed from."""

LEAST_SLOPE = 0.2
"""Where measured growth follows true growth by less than this, no limit is computed."""


class Way(StrEnum):
    """Where the later mask comes from."""

    GIVEN = "given"
    FOUND = "found_again"


class Told(StrEnum):
    """What a pair of volumes says beyond its stated error."""

    GROWTH = "growth"
    SHRINKAGE = "shrinkage"
    NOTHING = "no change beyond error"
    FAILED = "not assessable"


@dataclass(frozen=True)
class Reading:
    """One measured volume, mm³, and its stated error; without a volume the reason says why."""

    volume_mm3: float | None
    cv: float | None
    missing_reason: str | None = None


@dataclass(frozen=True)
class Pair:
    """One implanted pair of visits, read in one way.

    Attributes
    ----------
    way
        Where the later mask comes from; the first is always given.
    volume_ml, growth_percent
        What was asked for.
    first_true_mm3, later_true_mm3
        What was implanted.
    first, later
        What was measured.
    """

    way: Way
    volume_ml: float
    growth_percent: float
    first_true_mm3: float
    later_true_mm3: float
    first: Reading
    later: Reading

    @property
    def missing_reason(self) -> str | None:
        """Why there is no change to tell; None when there is one."""
        for name, one in (("first", self.first), ("later", self.later)):
            if one.missing_reason or not one.volume_mm3 or one.cv is None:
                return one.missing_reason or f"{name} visit: nothing was measured"
        return None

    @property
    def is_assessable(self) -> bool:
        """Whether both volumes were measured."""
        return self.missing_reason is None

    @property
    def true_ratio(self) -> float:
        """True later volume over true first volume."""
        return self.later_true_mm3 / self.first_true_mm3

    @property
    def _measured(self) -> tuple[float, float, float, float]:
        """Both volumes (mm³), then both errors, of an assessable pair."""
        a, b = self.first, self.later
        assert a.volume_mm3 is not None  # is_assessable
        assert b.volume_mm3 is not None
        assert a.cv is not None
        assert b.cv is not None
        return a.volume_mm3, b.volume_mm3, a.cv, b.cv

    @property
    def ratio(self) -> float:
        """Measured later volume over measured first volume, of an assessable pair."""
        first, later, _, _ = self._measured
        return later / first

    @property
    def limit_ratio(self) -> float:
        """Smallest ratio beyond the stated error, of an assessable pair."""
        _, _, first, later = self._measured
        return measurement_error.detection_limit_ratio(first, later)

    @property
    def log_error(self) -> float:
        """How far the measured change is off, on the log scale, of an assessable pair."""
        return math.log(self.ratio / self.true_ratio)

    @property
    def change_holds(self) -> bool:
        """Whether the stated 95 % interval of the change holds the true one, of an assessable pair."""
        return abs(self.log_error) <= math.log(self.limit_ratio)

    @property
    def volume_holds(self) -> bool:
        """Whether the stated 95 % interval of the later volume holds the true one, of an assessable pair."""
        _, later, _, cv = self._measured
        interval = measurement_error.volume_interval(later, cv)
        return interval.low <= self.later_true_mm3 <= interval.high

    @property
    def told(self) -> Told:
        """What the pair says beyond its stated error."""
        if not self.is_assessable:
            return Told.FAILED
        if self.ratio > self.limit_ratio:
            return Told.GROWTH
        return Told.SHRINKAGE if self.ratio * self.limit_ratio < 1 else Told.NOTHING


@dataclass(frozen=True)
class Performance:
    """How pairs of one first volume, read in one way, came out; percentages are of volumes, on the log scale.

    Attributes
    ----------
    pairs, failed
        Pairs implanted, and those of them that gave no change.
    bias_percent, spread_percent
        Mean and standard deviation of the error of the measured change.
    volume_bias_percent
        Mean error of the later volume itself.
    slope
        Measured change per true change, both as logarithms: 1 is right, 0 hides every change.
    volumes_held, changes_held
        Stated 95 % intervals that held the truth, of the assessable pairs.
    unchanged, false_changes
        Assessable pairs without growth, and those of them in which a change was told.
    told
        For each growth asked for (percent): pairs in which a change of the right direction was told, and pairs.
    stated_limit_percent
        Smallest growth beyond the stated error; the median over pairs.
    found_from_percent
        True growth from which four of five scans would show growth; None where that is more than was tried or
        cannot be computed, as ``limit_note`` says.
    """

    way: Way
    volume_ml: float
    pairs: int
    failed: int
    bias_percent: float | None
    spread_percent: float | None
    volume_bias_percent: float | None
    slope: float | None
    volumes_held: int
    changes_held: int
    unchanged: int
    false_changes: int
    told: dict[float, tuple[int, int]]
    stated_limit_percent: float | None
    found_from_percent: float | None
    limit_note: str | None


def performances(pairs: Iterable[Pair]) -> tuple[Performance, ...]:
    """Summarise pairs by way and first volume, in the order given masks first, small volumes first."""
    every = list(pairs)
    keys = sorted({(way, pair.volume_ml) for pair in every for way in Way if pair.way == way}, key=lambda k: k[1])
    return tuple(
        performance([pair for pair in every if (pair.way, pair.volume_ml) == (way, volume)])
        for way in Way
        for pair_way, volume in keys
        if pair_way == way
    )


def performance(pairs: Sequence[Pair]) -> Performance:
    """Summarise pairs of one way and one first volume."""
    good = [pair for pair in pairs if pair.is_assessable]
    errors = np.array([pair.log_error for pair in good])
    log_errors = np.array([math.log(float(pair.later.volume_mm3 or 0) / pair.later_true_mm3) for pair in good])
    still = [pair for pair in good if pair.growth_percent == 0]
    growths = sorted({pair.growth_percent for pair in pairs})
    slope, found_from, note = _limit(good, max(growths))
    return Performance(
        way=pairs[0].way,
        volume_ml=pairs[0].volume_ml,
        pairs=len(pairs),
        failed=len(pairs) - len(good),
        bias_percent=_percent(float(errors.mean())) if good else None,
        spread_percent=_percent(float(errors.std(ddof=1))) if len(good) > 1 else None,
        volume_bias_percent=_percent(float(log_errors.mean())) if good else None,
        slope=slope,
        volumes_held=sum(pair.volume_holds for pair in good),
        changes_held=sum(pair.change_holds for pair in good),
        unchanged=len(still),
        false_changes=sum(pair.told != Told.NOTHING for pair in still),
        told={growth: _told_right(pairs, growth) for growth in growths if growth != 0},
        stated_limit_percent=_percent(float(np.median([math.log(p.limit_ratio) for p in good]))) if good else None,
        found_from_percent=found_from,
        limit_note=note,
    )


def _told_right(pairs: Sequence[Pair], growth: float) -> tuple[int, int]:
    grown_alike = [pair for pair in pairs if pair.growth_percent == growth]
    return sum(pair.told == (Told.GROWTH if growth > 0 else Told.SHRINKAGE) for pair in grown_alike), len(grown_alike)


def _limit(good: Sequence[Pair], largest_percent: float) -> tuple[float | None, float | None, str | None]:
    """Return the slope of measured on true change, the growth found in four of five scans, %, or why there is none.

    Measured log change is taken as a line over true log change with normal error around it.
    """
    true = np.array([math.log(pair.true_ratio) for pair in good])
    if len(good) < LEAST_PAIRS or len(np.unique(np.round(true, 3))) < LEAST_GROWTHS:
        return None, None, "too few pairs could be measured"
    measured = np.array([math.log(pair.ratio) for pair in good])
    slope, offset = (float(part) for part in np.polyfit(true, measured, 1))
    if slope < LEAST_SLOPE:
        return slope, None, "measured change hardly follows true change"
    error = float(np.sqrt(np.sum((measured - offset - slope * true) ** 2) / (len(good) - 2)))
    stated = float(np.median([math.log(pair.limit_ratio) for pair in good]))
    percent = _percent((stated + POWER_Z * error - offset) / slope)
    if percent > largest_percent:
        return slope, None, f"more than the {largest_percent:.0f} % that were tried"
    return slope, percent, None


def _percent(log_ratio: float) -> float:
    return 100 * math.expm1(log_ratio)
