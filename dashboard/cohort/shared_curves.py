"""Curves that may leave the hospital: no step, time or number at risk in them is that of fewer than five people.

A curve steps only at round times, and only once enough events have gathered; it ends where too few are followed. What
this module refuses: a share at a time with a few events that no step shows yet, a count whose rest is a few, and a
curve whose number of people, taken from the number in the table beside it, would leave a few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipeline.cohort import disclosure
from pipeline.cohort.survival import DAYS_PER_YEAR, CumulativeIncidence, KaplanMeier

Curve = KaplanMeier | CumulativeIncidence

NOTE = (
    f"For sharing the curve steps at the marks of the axis only, once {disclosure.FEWEST} events have gathered, so it "
    f"can lag by up to {disclosure.FEWEST - 1}; it ends where fewer than {disclosure.FEWEST} are followed; numbers at "
    "risk are rounded down to fives."
)
HALF = 0.5 + 1e-9
QUARTER_DAYS = DAYS_PER_YEAR / 4
QUARTERS_NOTE = "For sharing these numbers are from days rounded up to whole quarters of a year{}."
MANY = 20 * disclosure.FEWEST
"""Patients from which a curve is drawn without their number: one more or less of them moves a share by no more than a
percent, and shares are written in whole percents. Of fewer the shares tell the number; with the events beside them they
would of more too, so these are not given either."""
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
class TableCells:
    """What the table beside the curves tells of the same patients, counted before an outcome leaves somebody out.

    Attributes
    ----------
    wholes
        Patients in the table for each curve, by its name.
    total
        Patients in the table.
    are_columns
        Each curve has a column of its own; else they are cells of one characteristic, and the rest is not known.
    """

    wholes: Mapping[str, int]
    total: int
    are_columns: bool = False

    def hidden(self) -> frozenset[str]:
        """Return the curves whose cell the table hides, and those of the same number: which of equals is its choice.

        Examples
        --------
        >>> sorted(TableCells({"north": 30, "south": 9, "west": 3}, 42).hidden())
        ['south', 'west']
        >>> sorted(TableCells({"north": 30, "south": 9}, 42).hidden())  # of three it is not known
        ['south']
        """
        if self.are_columns:
            return frozenset()
        rest = self.total - sum(self.wholes.values())
        cells = [*self.wholes.values(), *([rest] if rest else [])]
        publishable = disclosure.suppress_small({str(place): count for place, count in enumerate(cells)}).values()
        most = max((count for count, shown in zip(cells, publishable, strict=True) if shown is None), default=0)
        return frozenset(name for name, whole in self.wholes.items() if whole <= most)


@dataclass(frozen=True)
class Withheld:
    """Names of curves that are not drawn at all, and of those drawn without numbers of patients and events."""

    curves: frozenset[str]
    counts: frozenset[str]


def withheld(sizes: Mapping[str, int], cells: TableCells) -> Withheld:
    """Choose what to hold back, so that no difference to the table of the same patients is that of a few.

    Parameters
    ----------
    sizes
        Patients on each curve.
    cells
        What the table tells of each of these curves.

    Raises
    ------
    KeyError
        The table does not name a curve: nothing could be held against it.

    Examples
    --------
    >>> table = TableCells({"north": 30, "south": 9, "west": 3}, 42)
    >>> sorted(withheld(table.wholes, table).curves)
    ['south', 'west']
    >>> withheld({"all": 157}, TableCells({"all": 160}, 160))
    Withheld(curves=frozenset(), counts=frozenset({'all'}))
    >>> withheld({"all": 57}, TableCells({"all": 60}, 60)).curves
    frozenset({'all'})
    """
    short = {name for name, size in sizes.items() if disclosure.is_small(cells.wholes[name] - size)}
    few = {name for name, size in sizes.items() if size < disclosure.FEWEST}
    curves = few | {name for name in short if sizes[name] < MANY} | (cells.hidden() & sizes.keys())
    counts = short - curves
    counted = sorted(sizes.keys() - curves - counts, key=lambda name: (sizes[name], name))
    while counted and disclosure.is_small(cells.total - sum(sizes[name] for name in counted)):
        curves.add(counted.pop(0))
    return Withheld(frozenset(curves), frozenset(counts))


def in_quarters(days: pd.Series, *, is_entry: bool = False) -> pd.Series:
    """Round days up to whole quarters of a year, those of an entry down, so that nobody comes in after going out.

    What is computed from them, as a p value, cannot tell whoever knows all others but one that person's day.

    Examples
    --------
    >>> in_quarters(pd.Series([0.0, 1.0, 91.0, 92.0])).tolist()
    [0.0, 91.3125, 91.3125, 182.625]
    """
    turned = np.floor if is_entry else np.ceil
    return days.astype(float).map(lambda day: float(turned(day / QUARTER_DAYS)) * QUARTER_DAYS)


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
