"""What the visits of a table of imported sizes are called: for good, since acts of people speak of them.

A visit bears its day; where another scan of the day was there before it, or came with it, its time too. An import
writes the name into the rows. What this module refuses: a written name that says another day or time than its row, and
one name for two visits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import count

from pipeline.study.own_numbers import GivenVisit
from pipeline.study.visits import StudyVisit

UNDATED = "ses-importedundated"
"""Beginning of the names of visits whose day nobody can tell; a number follows."""

DATED = "ses-imported"
"""Beginning of the names of all others; the day follows."""

WITH_TIME = re.compile(r"(ses-imported\d+)t(\d{6})")
"""The name of one of several visits of a day."""


def named(given: Iterable[GivenVisit]) -> list[tuple[GivenVisit, str]]:
    """Return a patient's visits of a table in the order in which they were given, with what each is called.

    Names that their rows bear stand. Others follow from what was given before them.
    """
    visits = sorted(given, key=lambda one: one.first_given.order)
    written = _written_names(visits)
    names = {name for name in written if name is not None}
    called = []
    for one, name in zip(visits, written, strict=True):
        called.append((one, name or _new_name(one, visits, names)))
        names.add(called[-1][1])
    return called


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name, longer where the study calls another visit so."""
    while name in taken:
        name += "x"
    return name


def name_now(session_id: str, visits: Iterable[StudyVisit], digest: str | None = None) -> str:
    """Return what a visit is called now that rows were moved or taken out, or an earlier version named it otherwise.

    Parameters
    ----------
    session_id
        As somebody called it; returned as it is where a visit is called so, or none of that day and time is found.
    visits
        Of the patient; looked at only for such a name, or where there is a digest.
    digest
        Of the scan that somebody spoke of (``first_given.scan_digest``); None where they spoke of the name alone.
    """
    timed = WITH_TIME.fullmatch(session_id)
    if timed is None and digest is None:
        return session_id
    by_name = {visit.session_id: visit for visit in visits}
    if digest is not None:
        here = by_name.get(session_id)
        bearers = [name for name, visit in by_name.items() if digest in visit.table_scans]
        return bearers[0] if len(bearers) == 1 and (here is None or digest not in here.table_scans) else session_id
    assert timed is not None
    plain = by_name.get(timed[1])
    is_same = plain is not None and plain.acquired_at is not None and f"{plain.acquired_at:%H%M%S}" == timed[2]
    return timed[1] if session_id not in by_name and is_same else session_id


def _written_names(visits: Sequence[GivenVisit]) -> list[str | None]:
    """Return the name that each visit's rows bear; none where it does not fit, or an earlier visit bears it."""
    names: list[str | None] = []
    for one in visits:
        fitting = (name for name in one.first_given.names if name not in names and _fits(name, one))
        names.append(next(fitting, None))
    return names


def _fits(name: str, one: GivenVisit) -> bool:
    if not one.is_placed:
        return re.fullmatch(rf"{UNDATED}\d+", name) is not None
    parts = re.fullmatch(rf"{_by_day(one)}(?:t(\d{{6}}))?x*", name)
    return parts is not None and (
        parts[1] is None or parts[1] in {f"{clock:%H%M%S}" for clock in one.first_given.times}
    )


def _new_name(one: GivenVisit, visits: Iterable[GivenVisit], names: Collection[str]) -> str:
    if not one.is_placed:
        return next(name for number in count(1) if (name := f"{UNDATED}{number}") not in names)
    name, clock = _by_day(one), one.first_given.at or one.acquired_at
    has_time = clock is not None and (name in names or not _was_alone(one, visits))
    return free_name(f"{name}t{clock:%H%M%S}" if has_time else name, names)


def _by_day(one: GivenVisit) -> str:
    return f"{DATED}{''.join(letter for letter in str(one.acquired_on) if letter.isdigit())}"


def _was_alone(one: GivenVisit, visits: Iterable[GivenVisit]) -> bool:
    """Say whether no other visit of the day had been given when this one first was."""
    day, order = str(one.acquired_on), one.first_given.order
    return not any(
        other is not one and str(other.acquired_on) == day and other.first_given.order <= order for other in visits
    )
