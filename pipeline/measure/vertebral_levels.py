"""The vertebral level of a place along the cord, from labels that somebody or something put on the discs.

Numbers follow the Spinal Cord Toolbox: disc ``n`` lies above vertebra ``n``, counted from C1 = 1, so that 3 is C2/C3,
8 is C7/T1, 20 is T12/L1 and 25 is L5/S1. A label is a label with error: those that skip a number, stand in the wrong
order or at an impossible distance give no level, a place at a disc is said to be at that disc, and nothing is said of
vertebrae beyond the labelled ones but that it lies above or below them.

References
----------
Spinal Cord Toolbox, *Point labeling conventions* and *sct_label_vertebrae* (C2/C3 is 3; 49, 50 and 60 are the
pontomedullary groove and junction and the conus); a discussion in its repository (where 1 is to be put is not settled).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.cord import CentreLine

FIRST_DISC, LAST_DISC = 2, 25
"""Numbers that are used: C1/C2 to L5/S1."""

NOT_DISCS = frozenset({1, 49, 50, 60})
"""Numbers of the convention that stand for no disc; they are understood and left out."""

AT_DISC_MM = 2.5
"""A place this near the middle of a disc is at the disc, not in a vertebra: half the height of a cervical disc, mm."""

NEAREST_MM, FARTHEST_MM = 6.0, 50.0
"""Possible distances from one disc to the next, from an infant's neck to a tall adult's lumbar spine, mm. This
project's own limits."""

MOST_UNLIKE = 1.6
"""How many times the neighbouring distance one may be, or the reverse: a number left out halves it, a disc left out
doubles it. This project's own limit."""

SPANS_THE_DENS = 2
"""The distance below this disc holds the dens and is like no other."""

LEAST_COSINE = 0.5
"""A centre line that leans further than this from the discs' own course does not run along them."""

Points = Mapping[int, NDArray[np.float64]]
"""Disc number to its place, RAS+ mm, shape ``(3,)``."""


@dataclass(frozen=True)
class Levels:
    """Where the labelled discs cross a centre line: number to position, mm towards the head; numbers ascend."""

    positions_mm: Mapping[int, float]


def vertebra(number: int) -> str:
    """Name a vertebra by its number.

    Examples
    --------
    >>> [vertebra(n) for n in (1, 7, 8, 19, 20, 25)]
    ['C1', 'C7', 'T1', 'T12', 'L1', 'S1']
    """
    for letter, before, last in (("C", 0, 7), ("T", 7, 19), ("L", 19, 24), ("S", 24, 29)):
        if before < number <= last:
            return f"{letter}{number - before}"
    msg = f"expected a vertebra from 1 (C1) to 29 (S5), found {number}"
    raise ValueError(msg)


def disc(number: int) -> str:
    """Name a disc by the vertebrae above and below it.

    Examples
    --------
    >>> [disc(n) for n in (2, 3, 8, 20, 25)]
    ['C1/C2', 'C2/C3', 'C7/T1', 'T12/L1', 'L5/S1']
    """
    return f"{vertebra(number - 1)}/{vertebra(number)}"


def doubt_of(discs: Points) -> str | None:
    """Say in words why labels cannot be trusted; None when order and distances are possible.

    Parameters
    ----------
    discs
        In one visit's own world.
    """
    numbers = sorted(discs)
    falls = [discs[lower][2] < discs[upper][2] for upper, lower in pairwise(numbers)]
    if falls and not any(falls):
        return "the numbers grow towards the head; they must grow towards the feet"
    for (upper, lower), is_below in zip(pairwise(numbers), falls, strict=True):
        if not is_below:
            return f"{_label(lower)} lies above {_label(upper)}"
    steps = {
        upper: float(np.linalg.norm(discs[upper] - discs[lower])) / (lower - upper)
        for upper, lower in pairwise(numbers)
    }
    return _odd_step(steps, dict(pairwise(numbers)))


def missing_between(discs: Points) -> tuple[int, ...]:
    """Return the numbers of discs without a label between labelled ones."""
    return tuple(number for number in range(min(discs), max(discs)) if number not in discs) if discs else ()


def placed(discs: Points, line: CentreLine) -> Levels | None:
    """Find where the discs' planes cross the centre line.

    A label lies at the back of its disc, a centimetre before the cord. It is carried back at right angles to the
    course of the labels themselves, since a line taken from a short lesion may lean.

    Parameters
    ----------
    discs
        In the reference space, RAS+ mm.
    line
        Beyond its ends it is taken to go on straight.

    Returns
    -------
    Levels or None
        None when the line does not run along the discs, or they do not follow each other on it.
    """
    numbers = sorted(discs)
    places = np.array([discs[number] for number in numbers])
    course = -np.gradient(places, axis=0) if len(numbers) > 1 else np.array([[0.0, 0.0, 1.0]])
    course /= np.linalg.norm(course, axis=1, keepdims=True)
    crossings_mm = [_crossing_mm(line, place, along) for place, along in zip(places, course, strict=True)]
    positions_mm = [position for position in crossings_mm if position is not None]
    if len(positions_mm) < len(numbers) or any(lower >= upper for upper, lower in pairwise(positions_mm)):
        return None
    return Levels(dict(zip(numbers, positions_mm, strict=True)))


def level_at(levels: Levels, position_mm: float) -> str | None:
    """Name the level of a place on the centre line.

    Between disc ``n`` and disc ``n + 1`` lies vertebra ``n``. Beyond the labels one vertebra is named for half its
    height, taken from the next one; further away only on which side.

    Returns
    -------
    str or None
        ``C4``; ``C4/C5`` at a disc; ``above C3`` or ``below T1``; None between two labels with a disc between them
        that has none.

    Examples
    --------
    >>> levels = Levels({3: 40.0, 4: 22.0, 6: -14.0})
    >>> [level_at(levels, place) for place in (60.0, 45.0, 30.0, 23.0, 0.0, -20.0, -40.0)]
    ['above C3', 'C2', 'C3', 'C3/C4', None, 'C6', 'below C5']
    """
    numbers = sorted(levels.positions_mm)
    nearest = min(numbers, key=lambda number: abs(levels.positions_mm[number] - position_mm))
    if abs(levels.positions_mm[nearest] - position_mm) <= AT_DISC_MM:
        return disc(nearest)
    first, last = numbers[0], numbers[-1]
    if position_mm > levels.positions_mm[first]:
        beyond_mm = position_mm - levels.positions_mm[first]
        return vertebra(first - 1) if beyond_mm <= _half_mm(levels, numbers[:2]) else f"above {vertebra(first)}"
    if position_mm < levels.positions_mm[last]:
        beyond_mm = levels.positions_mm[last] - position_mm
        return vertebra(last) if beyond_mm <= _half_mm(levels, numbers[-2:]) else f"below {vertebra(last - 1)}"
    upper = max(number for number in numbers if levels.positions_mm[number] > position_mm)
    return vertebra(upper) if upper + 1 in levels.positions_mm else None


def shift_mm(levels: Levels, other: Levels) -> tuple[float, int] | None:
    """Return how far other labels lie from these along the line (median, mm, towards the head), and by how many discs.

    None when no disc has a label in both.
    """
    common = levels.positions_mm.keys() & other.positions_mm.keys()
    if not common:
        return None
    differences = [other.positions_mm[number] - levels.positions_mm[number] for number in common]
    return float(np.median(differences)), len(common)


def step_mm(levels: Levels) -> float:
    """Return the usual distance from one disc to the next, mm; the smallest possible one when only one has a label."""
    steps = [_step(levels, pair) for pair in pairwise(sorted(levels.positions_mm))]
    return float(np.median(steps)) if steps else NEAREST_MM


def _step(levels: Levels, pair: tuple[int, int]) -> float:
    upper, lower = pair
    return (levels.positions_mm[upper] - levels.positions_mm[lower]) / (lower - upper)


def _half_mm(levels: Levels, end: list[int]) -> float:
    """Return half the distance between discs at one end of the labels, mm; 0 when there is only one label."""
    return _step(levels, (end[0], end[1])) / 2 if len(end) > 1 else 0.0


def _label(number: int) -> str:
    return f"{number} ({disc(number)})"


def _odd_step(steps: Mapping[int, float], below: Mapping[int, int]) -> str | None:
    """Say which distance is impossible by itself or beside its neighbours; ``steps`` by upper disc, mm a vertebra."""
    for upper, step in steps.items():
        if not NEAREST_MM <= step <= FARTHEST_MM:
            where = f"{_label(upper)} and {_label(below[upper])} lie {step:.1f} mm a vertebra apart"
            return f"{where}, expected {NEAREST_MM:g} to {FARTHEST_MM:g} mm"
    alike = [(upper, step) for upper, step in steps.items() if upper != SPANS_THE_DENS]
    for (upper, step), (next_upper, next_step) in pairwise(alike):
        if max(step, next_step) > MOST_UNLIKE * min(step, next_step):
            return (
                f"from {_label(upper)} to {_label(below[upper])} there are {step:.1f} mm a vertebra and from "
                f"{_label(next_upper)} to {_label(below[next_upper])} {next_step:.1f} mm; "
                "a number or a disc was left out"
            )
    return None


def _crossing_mm(line: CentreLine, place_mm: NDArray[np.float64], along: NDArray[np.float64]) -> float | None:
    """Return where a line crosses the plane through a place at right angles to a direction, mm."""
    heights_mm = (line.points_mm - place_mm) @ along
    crossings = np.flatnonzero((heights_mm[:-1] < 0) & (heights_mm[1:] >= 0))
    if len(crossings):
        distances_mm = np.linalg.norm(line.points_mm[crossings] - place_mm, axis=1)
        at = crossings[np.argmin(distances_mm)]
    else:
        at = 0 if heights_mm[0] >= 0 else len(heights_mm) - 1
    lean = float(line.tangents[at] @ along)
    return float(line.positions_mm[at] - heights_mm[at] / lean) if lean >= LEAST_COSINE else None
