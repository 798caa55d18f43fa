"""Which habit of a maker a series shows: parts of a Dixon acquisition, maps, flow, stitched images and the like.

The habits stand in ``makers_habits.toml``, each with its source. A word counts as a whole word only: letters within
one say nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pipeline.files import toml_rules
from pipeline.hospital.read.instances import SeriesAcquisition

FILE = "makers_habits.toml"
DIXON_PARTS = frozenset({"in_phase", "opposed", "fat", "water"})
SEPARATORS = re.compile(r"[_\-:()\[\],;=]+")


@dataclass(frozen=True)
class Habit:
    """One row of the table; the file says what each column means."""

    id: str
    means: str
    says: str
    source: str
    image_type: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    words: str | None = None
    needs: str | None = None
    unless: str | None = None
    is_sure: bool = False


@dataclass(frozen=True)
class HabitTable:
    """The table of habits, in order."""

    habit: tuple[Habit, ...] = ()


@cache
def table() -> tuple[Habit, ...]:
    """Return all habits."""
    filled: HabitTable = toml_rules.fill(HabitTable, toml_rules.packaged("pipeline.hospital.read", FILE), FILE)
    return filled.habit


def spaced(words: str) -> str:
    """Return a name in lower case, with blanks where makers put underscores and other separators.

    Examples
    --------
    >>> spaced("t2_tse_dixon_sag_F")
    't2 tse dixon sag f'
    """
    return " ".join(SEPARATORS.sub(" ", words.lower()).split())


def habits_of(acquisition: SeriesAcquisition) -> tuple[Habit, ...]:
    """Return the habits that a series shows, those of its header before those of its name.

    Where the header says which image of a Dixon acquisition it is, the name is not asked.
    """
    by_header = tuple(habit for habit in table() if _is_in_header(habit, acquisition))
    by_name = tuple(habit for habit in table() if habit not in by_header and _is_in_name(habit, acquisition))
    parts = {habit.means for habit in by_header} & DIXON_PARTS
    if parts:
        by_name = tuple(habit for habit in by_name if habit.means not in DIXON_PARTS)
    named = {habit.means for habit in (*by_header, *by_name)}
    is_part_named = named & DIXON_PARTS or "map" in named
    return tuple(habit for habit in (*by_header, *by_name) if not (habit.means == "dixon" and is_part_named))


def part_of(habits: tuple[Habit, ...]) -> str | None:
    """Return which image of a Dixon acquisition a series is; ``dixon`` when several or none are said, None without."""
    parts = {habit.means for habit in habits} & DIXON_PARTS
    if len(parts) > 1 or any(habit.means == "dixon" for habit in habits):
        return "dixon"
    return next(iter(parts), None)


def _is_in_header(habit: Habit, acquisition: SeriesAcquisition) -> bool:
    types = any(re.fullmatch(pattern, value) for pattern in habit.image_type for value in acquisition.image_type[2:])
    unit = acquisition.units.lower()
    return types or any(re.fullmatch(pattern, unit) for pattern in habit.units if unit)


def _is_in_name(habit: Habit, acquisition: SeriesAcquisition) -> bool:
    words = spaced(acquisition.description)
    if habit.words is None or re.search(habit.words, words) is None:
        return False
    if (
        habit.needs is not None
        and re.search(habit.needs, f"{words} {spaced(' '.join(acquisition.image_type))}") is None
    ):
        return False
    return habit.unless is None or re.search(habit.unless, words) is None
