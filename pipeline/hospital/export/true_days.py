"""Texts of the study told with true days and without the pseudonym, for a person's own record.

Days stand in a study's texts as it writes them: ``2020-02-17``, ``20200217`` (visits and file names) and, for what is
known to a month, ``2020-02``. A month of shifted dates lies over two true ones; both are named.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta

DAYS = re.compile(r"(?<![\d.])(\d{4})(-?)(\d{2})\2(\d{2})(?![\d]|\.\d)")
MONTHS = re.compile(r"(?<![\d.-])((?:19|20)\d{2})-(0[1-9]|1[0-2])(?![\d-])")
SHORTEST_BARE = 4
"""A pseudonym of fewer letters, all digits, is replaced only with its ``sub-``: alone it is a part of dates."""


@dataclass(frozen=True)
class Retelling:
    """How a study's texts become those of a person's record.

    Attributes
    ----------
    patient_id
        The pseudonym, with ``sub-``.
    days
        Added to every day.
    called, bare
        What stands for the pseudonym, with and without ``sub-``.
    """

    patient_id: str
    days: int
    called: str = "this patient"
    bare: str = "this patient"

    def text(self, text: str, only: Container[date] | None = None) -> str:
        """Return a text with true days and without the pseudonym.

        Parameters
        ----------
        only
            Days to move, in what people wrote: they may mean the day of a meeting, too; None for all.
        """
        label = self.patient_id.removeprefix("sub-")
        plain = text.replace(self.patient_id, self.called)
        if len(label) >= SHORTEST_BARE or not label.isdigit():
            plain = re.sub(rf"(?<![0-9A-Za-z+]){re.escape(label)}(?![0-9A-Za-z+])", self.bare, plain)
        if not self.days:
            return plain
        whole = DAYS.sub(lambda match: self._day(match, only), plain)
        return whole if only is not None else MONTHS.sub(self._month, whole)

    def _day(self, match: re.Match[str], only: Container[date] | None) -> str:
        try:
            stated = date(int(match[1]), int(match[3]), int(match[4]))
            day = stated + timedelta(days=self.days)
        except (ValueError, OverflowError):
            return match[0]
        if only is not None and stated not in only:
            return match[0]
        return f"{day:%Y}{match[2]}{day:%m}{match[2]}{day:%d}"

    def _month(self, match: re.Match[str]) -> str:
        year, month = int(match[1]), int(match[2])
        last = calendar.monthrange(year, month)[1]
        ends = (date(year, month, day) + timedelta(days=self.days) for day in (1, last))
        return " to ".join(dict.fromkeys(f"{end:%Y}\N{HYPHEN}{end:%m}" for end in ends)).replace("\N{HYPHEN}", "-")
