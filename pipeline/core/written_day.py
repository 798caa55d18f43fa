"""A day of which only a month or a year is known: a date to reckon with that says in words what was written.

What this module refuses: to print a day that nobody wrote down.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Self

from pipeline.core.vocabulary import ANY_DAY


class WrittenDay(date):
    """One possible day of a span, which in text is what was written of it.

    Attributes
    ----------
    written
        Such as ``2019-05``.
    last
        Last day that it may be.
    """

    written: str
    last: date

    def __new__(cls, year: int, month: int, day: int, written: str = "", last: date | None = None) -> Self:
        """Make one of a possible day."""
        self = super().__new__(cls, year, month, day)
        self.written = written or self.isoformat()
        self.last = last or date(year, month, day)
        return self

    def __str__(self) -> str:
        """Return what was written."""
        return self.written

    def __format__(self, form: str) -> str:
        """Return what was written, unless parts of the day are asked for."""
        return self.written if not form else super().__format__(form)

    def __repr__(self) -> str:
        """Return the possible day and what was written."""
        return f"WrittenDay({self.isoformat()}, {self.written!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Let worker processes have it."""
        return type(self), (self.year, self.month, self.day, self.written, self.last)

    def __add__(self, other: timedelta) -> Self:
        """Return so many days later, in words too."""
        day = date.fromordinal(self.toordinal() + other.days)
        last = date.fromordinal(min(self.last.toordinal() + other.days, date.max.toordinal()))
        return type(self)(day.year, day.month, day.day, f"{other.days} days after {self.written}", last)


def written(day: date, first: date, last: date) -> WrittenDay:
    """Return a possible day of a span that knows the span.

    >>> str(written(date(2019, 5, 7), date(2019, 5, 1), date(2019, 5, 31)))
    '2019-05'
    """
    return WrittenDay(day.year, day.month, day.day, span(first, last), last)


def span(first: date, last: date) -> str:
    """Write a span of possible days as it was written: a year, a month, two days, or no date at all.

    >>> span(date(2012, 1, 1), date(2012, 12, 31)), span(date(2012, 2, 1), date(2012, 2, 29))
    ('2012', '2012-02')
    >>> span(date(2012, 2, 1), date(2012, 3, 5)), span(date(2012, 2, 3), date(2012, 2, 3))
    ('a day between 2012-02-01 and 2012-03-05', '2012-02-03')
    """
    if (first, last) == ANY_DAY:
        return "an unknown day"
    if first == last:
        return f"{first:%Y-%m-%d}"
    if (first.month, first.day, last.month, last.day, first.year) == (1, 1, 12, 31, last.year):
        return f"{first.year:04d}"
    whole_month = first.day == 1 and last == first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return f"{first:%Y-%m}" if whole_month else f"a day between {first:%Y-%m-%d} and {last:%Y-%m-%d}"


def first_possible(day: date) -> date:
    """Return a day as any other date, for what is stored: the first that may be meant."""
    return date(day.year, day.month, day.day)


def last_possible(day: date | None) -> date | None:
    """Return the last day that may be meant; None where the day itself is known."""
    return day.last if isinstance(day, WrittenDay) and day.last != day else None
