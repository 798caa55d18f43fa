"""The cord's section by vertebral level, against healthy people's and against the same person's before.

It takes the areas along the cord that a visit's profile holds (:mod:`pipeline.measure.cord`), the lesion counted in.
What it refuses: a level that the cord mask covers in part, a word on C1 and on T12 and below (the skull's base, and the
conus, which ends higher in one person than in another), and a place without labelled discs beside healthy people's.

References
----------
Valosek 2024 (10.1162/imag_a_00075), *PAM50-normalized-metrics* (MIT licence): area of the cord by level in 261 healthy
people (T2w; 203 cervical to upper thoracic, 58 whole spine), and at C2 to C4 of people scanned again over years.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from pipeline.measure.measurement_error import Z_95
from pipeline.measure.vertebral_levels import Levels

NORMAL_MM2: Mapping[int, tuple[float, float, float]] = MappingProxyType({
    2: (60.2, 70.8, 85.7),
    3: (58.8, 71.8, 87.7),
    4: (62.0, 75.9, 93.6),
    5: (60.9, 75.0, 94.0),
    6: (55.1, 68.0, 86.0),
    7: (43.7, 55.4, 74.1),
    8: (37.2, 46.0, 59.0),
    9: (32.9, 41.4, 53.3),
    10: (29.5, 37.6, 49.1),
    11: (30.0, 35.4, 48.2),
    12: (27.8, 34.4, 44.0),
    13: (27.4, 34.5, 43.2),
    14: (27.2, 35.2, 43.6),
    15: (29.9, 36.9, 45.0),
    16: (32.3, 38.3, 49.8),
    17: (33.3, 41.3, 56.3),
    18: (34.2, 48.4, 64.3),
})  # fmt: skip
"""2.5, 50 and 97.5 % of healthy people, mm², by vertebra (C1 is 1): both groups down to T3 (10), the 58 of the whole
spine below, where the others' scans end."""

BEYOND_Z = 3.0
"""From here on a section is called expanded or thin: of the healthy 2.3 % have any such level, with a band taken from
one half of them 6.9 and 3.1 % of the other half. At 1.96, the band's own edge, one in five has one."""

DRIFT_A_YEAR = -0.004
"""Share by which a healthy adult's cord becomes thinner in a year."""

CHANGE_LIMIT = 0.15
"""ln of the ratio from which one of up to :data:`LEVELS_OF_LIMIT` levels has changed beyond error, drift taken out:
2.5 and 3.5 % of two halves of unchanged people lie beyond (95 % below 0.117 and 0.135)."""

LEVELS_OF_LIMIT = 3
LEAST_COVERED = 0.8
"""Share of a level that the scan must reach."""

LEAST_OF_MEDIAN = 0.5
"""Where the section falls below this share of the level's own median the mask ends there; the level is not whole."""

FARTHEST_DISCS = 2
"""Between labels farther apart than so many discs a level is a guess: vertebrae of the neck are half as high."""

STRETCH_MM = 20.0
"""Length of a place along the cord where no discs are labelled: about a vertebra, mm."""


class SectionWord(StrEnum):
    """What a section is called beside healthy people's or the person's own before."""

    EXPANDED = "expanded"
    PERHAPS_EXPANDED = "perhaps expanded"
    WITHIN = "within the healthy band"
    PERHAPS_THIN = "perhaps thin"
    THIN = "thin"
    WIDER = "wider"
    PERHAPS_WIDER = "perhaps wider"
    UNCHANGED = "no change beyond error"
    PERHAPS_THINNER = "perhaps thinner"
    THINNER = "thinner"


@dataclass(frozen=True)
class SectionChange:
    """How a section changed between two visits.

    Attributes
    ----------
    change
        Share of the first section, what healthy ageing explains taken out.
    limits
        Smallest and largest share that error alone explains.
    """

    change: float
    limits: tuple[float, float]
    word: SectionWord


def level_places(levels: Levels) -> dict[int, tuple[float, float]]:
    """Return the vertebrae between two neighbouring labelled discs: number to lower and upper end, mm along the line.

    Examples
    --------
    >>> level_places(Levels({3: 40.0, 4: 22.0, 6: -14.0}))
    {3: (22.0, 40.0)}
    """
    places = levels.positions_mm
    return {upper: (places[lower], places[upper]) for upper, lower in pairwise(sorted(places)) if lower == upper + 1}


def stretch_places(position_mm: NDArray[np.float64]) -> dict[int, tuple[float, float]]:
    """Return places of :data:`STRETCH_MM` along the line, counted from its own zero towards the head.

    Parameters
    ----------
    position_mm
        Shape ``(N,)``, mm along the line.

    Examples
    --------
    >>> stretch_places(np.array([-3.0, 25.0]))
    {-1: (-20.0, 0.0), 0: (0.0, 20.0), 1: (20.0, 40.0)}
    """
    cells = np.floor(position_mm / STRETCH_MM).astype(int)
    span = range(int(cells.min()), int(cells.max()) + 1) if len(cells) else range(0)
    return {cell: (cell * STRETCH_MM, (cell + 1) * STRETCH_MM) for cell in span}


def mean_areas(
    position_mm: NDArray[np.float64], area_mm2: NDArray[np.float64], places: Mapping[int, tuple[float, float]]
) -> dict[int, float]:
    """Return the mean section of each place that scan and cord mask cover as a whole, mm².

    Parameters
    ----------
    position_mm, area_mm2
        Shape ``(N,)``; the cord's profile, every millimetre, NaN where the scan does not reach.
    places
        As :func:`level_places` or :func:`stretch_places` returns them.
    """
    areas = {}
    for number, (low_mm, high_mm) in places.items():
        sections = area_mm2[(position_mm >= low_mm) & (position_mm < high_mm)]
        seen = sections[np.isfinite(sections)]
        if len(seen) < LEAST_COVERED * (high_mm - low_mm):
            continue
        if seen.min() >= LEAST_OF_MEDIAN * np.median(seen) and seen.min() > 0:
            areas[number] = float(seen.mean())
    return areas


def z_of(number: int, area_mm2: float) -> float | None:
    """Return by how many deviations of healthy people a section lies beside their median; None where there is no band.

    The deviation is that of ln area, taken from the 97.5 % above the median and from the 2.5 % below it.

    Examples
    --------
    >>> round(z_of(5, 94.0), 2), round(z_of(5, 60.9), 2), z_of(20, 30.0)
    (1.96, -1.96, None)
    """
    if number not in NORMAL_MM2 or area_mm2 <= 0:
        return None
    low, median, high = NORMAL_MM2[number]
    ratio = float(np.log(area_mm2 / median))
    deviation = float(np.log(high / median) if ratio > 0 else np.log(median / low)) / Z_95
    return ratio / deviation


def disc_numbers(levels: Levels, position_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far down the spine places along the line lie, counted in discs, shape ``(N,)``; NaN where none tells.

    Disc ``n`` is ``n``, the middle of vertebra ``n`` is ``n + 0.5``. Beyond the labels nothing is known, but that what
    lies below a disc without a band below it has none either (infinity), and above C1/C2 nothing has (1). Between
    labels more than :data:`FARTHEST_DISCS` apart no level with a band is told; a place that may lie beyond all bands
    stays there.

    Examples
    --------
    >>> disc_numbers(Levels({3: 40.0, 4: 22.0, 6: -14.0}), np.array([50.0, 31.0, 4.0, -20.0])).tolist()
    [nan, 3.5, 5.0, nan]
    >>> disc_numbers(Levels({2: 40.0, 19: -300.0}), np.array([50.0, 0.0, -310.0])).tolist()
    [1.0, nan, inf]
    """
    numbers = sorted(levels.positions_mm, reverse=True)
    places = [levels.positions_mm[number] for number in numbers]
    lowest = np.inf if numbers[0] > max(NORMAL_MM2) else np.nan
    highest = 1.0 if numbers[-1] <= min(NORMAL_MM2) else np.nan
    discs = np.interp(position_mm, places, np.array(numbers, dtype=float), left=lowest, right=highest)
    for lower, upper in pairwise(numbers):
        if lower - upper > FARTHEST_DISCS:
            low_mm, high_mm = levels.positions_mm[lower], levels.positions_mm[upper]
            is_guess = (position_mm > low_mm) & (position_mm < high_mm) & np.isfinite(normal_mm2(discs))
            discs = np.where(is_guess, np.nan, discs)
    return np.asarray(discs, dtype=np.float64)


def normal_mm2(discs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return healthy people's median section at places counted in discs, mm², shape ``(N,)``; NaN where is no band.

    ln area runs straight from the middle of one vertebra to that of the next.

    Examples
    --------
    >>> normal_mm2(np.array([1.5, 5.5, 7.0, 19.5, np.nan])).round(1).tolist()
    [nan, 75.0, 61.4, nan, nan]
    """
    numbers = np.array(sorted(NORMAL_MM2), dtype=float)
    medians = np.log([NORMAL_MM2[int(number)][1] for number in numbers])
    usual = np.exp(np.interp(discs, numbers + 0.5, medians))
    return np.asarray(np.where((discs >= numbers[0]) & (discs <= numbers[-1] + 1), usual, np.nan))


def word_of(z: float) -> SectionWord:
    """Return what a section is called by its place among healthy people's.

    Examples
    --------
    >>> [str(word_of(z)) for z in (-3.2, -2.5, 0.0, 2.0, 3.0)]
    ['thin', 'perhaps thin', 'within the healthy band', 'perhaps expanded', 'expanded']
    """
    if abs(z) <= Z_95:
        return SectionWord.WITHIN
    if abs(z) < BEYOND_Z:
        return SectionWord.PERHAPS_EXPANDED if z > 0 else SectionWord.PERHAPS_THIN
    return SectionWord.EXPANDED if z > 0 else SectionWord.THIN


def changes(
    before_mm2: Mapping[int, float], after_mm2: Mapping[int, float], years: float, *, is_same_protocol: bool
) -> dict[int, SectionChange]:
    """Return how the sections of the same places changed between two visits of one person.

    The limit grows with the number of places that are looked at, so that it is passed by chance no more often.

    Parameters
    ----------
    before_mm2, after_mm2
        Place to mean section, as :func:`mean_areas` returns it.
    years
        From the first to the second visit.
    is_same_protocol
        Scanner and protocol are known to be the same; else no change is more than perhaps one.
    """
    common = [number for number in before_mm2 if number in after_mm2]
    limit = change_limit(len(common))
    drift = np.log1p(DRIFT_A_YEAR) * years
    section_changes = {}
    for number in common:
        ratio = float(np.log(after_mm2[number] / before_mm2[number]) - drift)
        word = SectionWord.UNCHANGED
        if ratio > limit:
            word = SectionWord.WIDER if is_same_protocol else SectionWord.PERHAPS_WIDER
        elif ratio < -limit:
            word = SectionWord.THINNER if is_same_protocol else SectionWord.PERHAPS_THINNER
        limits = (float(np.expm1(-limit)), float(np.expm1(limit)))
        section_changes[number] = SectionChange(float(np.expm1(ratio)), limits, word)
    return section_changes


def change_limit(place_count: int) -> float:
    """Return the ln ratio that error alone explains when so many places are looked at.

    Beyond three places it grows as the limits of independent normal errors do (Bonferroni); no data of ours has more.

    Examples
    --------
    >>> [round(change_limit(count), 3) for count in (1, 3, 7, 17)]
    [0.15, 0.15, 0.169, 0.186]
    """
    tested = max(place_count, LEVELS_OF_LIMIT)
    return float(CHANGE_LIMIT * norm.isf(0.025 / tested) / norm.isf(0.025 / LEVELS_OF_LIMIT))
