"""Curves that may leave the hospital: no step, time or number at risk in them is that of fewer than five people.

A curve steps only at round times, and only once enough events have gathered; it ends where too few are followed. What
this module refuses: a share at a time with a few events that no step shows yet, a count whose rest is a few, and a
curve whose number of people, taken from the number in the table beside it, would leave a few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.cohort import disclosure
from pipeline.cohort.survival import CumulativeIncidence, KaplanMeier

Curve = KaplanMeier | CumulativeIncidence

NOTE = (
    f"For sharing the curve steps at the marks of the axis only, once {disclosure.FEWEST} events have gathered, so it "
    f"can lag by up to {disclosure.FEWEST - 1}; it ends where fewer than {disclosure.FEWEST} are followed; numbers at "
    "risk are rounded down to fives."
)
HALF = 0.5 + 1e-9
MANY = 4 * disclosure.FEWEST
"""Patients from which a curve, in whole percent, does not tell how many they are."""
NO_CURVE = (
    f"For sharing no curve is drawn here: what it leaves out of the patients in the table would be fewer than "
    f"{disclosure.FEWEST}, or it would be of so few itself."
)


@dataclass(frozen=True)
class Steps:
    """Where a curve may step.

    Attributes
    ----------
    days
        Days of the steps, the first one 0.
    ends_days
        Last day on which enough are followed; 0 where they never are.
    pending_days
        Days asked about at which a few events have come since the last step.
    """

    days: tuple[float, ...]
    ends_days: float
    pending_days: frozenset[float]


@dataclass(frozen=True)
class Withheld:
    """Names of curves that are not drawn at all, and of those that are drawn without their number of patients."""

    curves: frozenset[str]
    counts: frozenset[str]


def withheld(sizes: Mapping[str, int], wholes: Mapping[str, int], total: int) -> Withheld:
    """Choose what to hold back, so that no difference to the table of the same patients is that of a few.

    Parameters
    ----------
    sizes
        Patients on each curve.
    wholes
        Patients in the table for each curve, where each has a column of its own; empty where the curves share one.
    total
        Patients in the table.

    Examples
    --------
    >>> sorted(withheld({"north": 30, "south": 9, "west": 3}, {}, 42).curves)  # as the table does, which hides 9 too
    ['south', 'west']
    >>> withheld({"all": 57}, {"all": 60}, 60)
    Withheld(curves=frozenset(), counts=frozenset({'all'}))
    """
    short = {name for name, size in sizes.items() if disclosure.is_small(wholes.get(name, size) - size)}
    counts = {name for name in short if sizes[name] >= MANY}
    curves = {name for name, size in sizes.items() if size < disclosure.FEWEST} | (short - counts)
    drawn = sorted(sizes.keys() - curves, key=lambda name: (sizes[name], name))
    while not wholes and drawn and disclosure.is_small(total - sum(sizes[name] for name in drawn)):
        curves.add(drawn.pop(0))
    return Withheld(frozenset(curves), frozenset(counts))


def steps_of(curve: Curve, event_days: Sequence[float], days: Sequence[float]) -> Steps:
    """Choose among days those at which a curve may step.

    Parameters
    ----------
    event_days
        Day of each event that the curve steps at.
    days
        Round days in ascending order.
    """
    events = np.sort(np.asarray(event_days, dtype=float))
    followed = [day for day in days if curve.at_risk(day) >= disclosure.FEWEST]
    taken, pending, counted = [0.0], set(), int(np.count_nonzero(events <= 0))
    for day in followed:
        gathered = int(np.count_nonzero(events <= day)) - counted
        if gathered >= disclosure.FEWEST:
            taken.append(float(day))
            counted += gathered
        elif gathered:
            pending.add(float(day))
    return Steps(tuple(taken), max(followed, default=0.0), frozenset(pending))


def coarsened(curve: Curve, steps: Steps) -> Curve:
    """Return a curve that steps where it may, with a median read from it; durations stay, for numbers at risk."""
    ends = steps.ends_days
    days = [*steps.days, ends] if ends > steps.days[-1] else [*steps.days]
    values = [(1.0, 1.0, 1.0) if isinstance(curve, KaplanMeier) else (0.0, 0.0, 0.0)]
    values += [curve.at(day) for day in steps.days[1:]]
    values += [values[-1]] * (len(days) - len(values))
    columns = [list(column) for column in zip(*values, strict=True)]
    shares, low, high = (tuple(map(whole_percent, column)) for column in columns)  # finer, it would tell n
    if isinstance(curve, CumulativeIncidence):
        return replace(curve, times_days=tuple(days), incidence=shares, low=low, high=high)
    below = [next((day for day, share in zip(days, band, strict=True) if share <= HALF), None) for band in columns]
    return replace(
        curve, times_days=tuple(days), survival=shares, low=low, high=high, censored_days=(),
        median_days=below[0], median_low_days=below[1], median_high_days=below[2],
    )  # fmt: skip


def whole_percent(share: float) -> float:
    """Round a share to whole percent, as the tables write it.

    Examples
    --------
    >>> whole_percent(0.825)  # and not 0.83
    0.82
    """
    return float(f"{100 * share:.0f}") / 100


def rounded(count: int) -> str:
    """Write a number at risk, rounded down to a multiple of five."""
    if disclosure.is_small(count):
        return f"<{disclosure.FEWEST}"
    return str(count - count % disclosure.FEWEST)


def counts(total: int, *parts: int) -> tuple[str, ...]:
    """Write counts out of a total; where the rest is a few and could be had from them, the first is not shown.

    Examples
    --------
    >>> counts(20, 12), counts(20, 3), counts(20, 18), counts(40, 12, 3)
    (('12',), ('<5',), ('not shown',), ('12', '<5'))
    """
    words = [f"<{disclosure.FEWEST}" if disclosure.is_small(part) else str(part) for part in parts]
    if disclosure.is_small(total - sum(parts)) and not any(map(disclosure.is_small, parts)):
        words[0] = disclosure.HIDDEN_TOO
    return tuple(words)
