"""Days, months and years as tables write them. The order of a date's parts is not guessed."""

from __future__ import annotations

import calendar
import re
from datetime import date

from pipeline.core.vocabulary import ANY_DAY

DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
PART_OF_DATE = re.compile(r"(\d{4})(?:-(\d{2}|[xX?0]{2}))?(?:-[xX?0]{2})?", re.ASCII)


def parse_days(text: str) -> tuple[date, date] | None:
    """Read a date, a month or a year as its first and last day; None for anything else.

    Examples
    --------
    >>> parse_days("2012-02"), parse_days("2012-02-xx") == parse_days("2012-02"), parse_days("02/2012")
    ((datetime.date(2012, 2, 1), datetime.date(2012, 2, 29)), True, None)
    """
    day = parse_date(text)
    if day is not None:
        return day, day
    match = PART_OF_DATE.fullmatch(text)
    if match is None or not 1900 <= int(match[1]) <= 2200:
        return None
    year, month = int(match[1]), match[2]
    if month is None or not month.isdigit() or month == "00":
        return date(year, 1, 1), date(year, 12, 31)
    if not 1 <= int(month) <= 12:
        return None
    return date(year, int(month), 1), date(year, int(month), calendar.monthrange(year, int(month))[1])


def written_days(first: date, last: date | None) -> str | None:
    """Write a day, or the span of days that it may be, as a table has it; None for any day at all.

    Examples
    --------
    >>> [written_days(*parse_days(text)) for text in ("2012", "2012-02", "2012-02-03")]
    ['2012', '2012-02', '2012-02-03']
    """
    if (first, last) == ANY_DAY:
        return None
    if last is None or last == first:
        return first.isoformat()
    return f"{first:%Y}" if first.month != last.month else f"{first:%Y-%m}"


def parse_date(text: str) -> date | None:
    """Read an ISO date, with or without a time of day; None for anything else.

    Examples
    --------
    >>> parse_date("2020-02-17T09:30:00"), parse_date("17.02.2020"), parse_date("2020-02-30")
    (datetime.date(2020, 2, 17), None, None)
    """
    match = DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:  # a day that no calendar has
        return None
