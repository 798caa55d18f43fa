"""What a follow-up schedule may depend on, read from the words that people write.

A grade written as a range is any grade of it, one with a question mark is none. What this module refuses: to take one
of several grades, or a tumour that is named only to be ruled out.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_NUMBER = r"(?:who|cns|grade|grad|g|°|\s)*(iv|iii|ii|i|[1-4])(?![a-z0-9])"
GRADE = re.compile(_NUMBER)
ANOTHER = re.compile(rf"\s*(?:-+>?|\u2013|/|→|\bor\b|\bto\b|\band\b|\boder\b|\bbis\b|,)\s*{_NUMBER}")
GRADE_BY_NAME = (("anaplas", 3), ("glioblastom", 4))
"""Names of tumours that say their grade, which counts where none is written."""
UNCERTAIN_NAME = re.compile(
    r"\?|\b(?:suspect\w*|possibl[ey]|probabl[ey]|presum\w*|likely|query|versus|vs|or|unclear|not|no|excluded)\b"
)


@dataclass(frozen=True)
class PatientFacts:
    """What a schedule may depend on; None and *unknown* are not known, and never fit a condition.

    ``extent`` is that of the last operation: None too where nobody operated, which ``is_operated`` tells.
    """

    histology: str | None = None
    who_grade: str | None = None
    extent: str | None = None
    syndrome: str | None = None
    age_years: float | None = None
    mycn: str | None = None
    h3_k27: str | None = None
    is_growing: bool | None = None
    is_operated: bool = True

    @property
    def grades(self) -> frozenset[int]:
        """The grades that it may have by what is written, else by its name; empty where nothing tells."""
        written = grades_in(self.who_grade)
        if written or (self.who_grade or "").strip():
            return written
        name = plain(self.histology)
        return frozenset(grade for word, grade in GRADE_BY_NAME if word in name and self.has_sure_name)

    @property
    def has_sure_name(self) -> bool:
        """Nothing beside the name of the tumour says that it may be another."""
        return UNCERTAIN_NAME.search(plain(self.histology)) is None


def grades_in(text: str | None) -> frozenset[int]:
    """Read a WHO grade, written in any of the usual ways: every grade of a range, none where it cannot be told.

    Examples
    --------
    >>> [sorted(grades_in(text)) for text in ("2", "II", "WHO grade 3", "G4", "III-IV", "2 or 3", "2?", "high", None)]
    [[2], [2], [3], [4], [3, 4], [2, 3], [], [], []]
    """
    words = (text or "").strip().lower()
    first = GRADE.match(words)
    if first is None or "?" in words:
        return frozenset()
    numbers = [_number(first[1])]
    end = first.end()
    while (further := ANOTHER.match(words, end)) is not None:
        numbers.append(_number(further[1]))
        end = further.end()
    return frozenset(range(min(numbers), max(numbers) + 1))


def plain(text: str | None) -> str:
    """Return words in lower case without accents.

    Examples
    --------
    >>> plain("Hämangioblastom"), plain("Épendymome"), plain(None)
    ('hamangioblastom', 'ependymome', '')
    """
    parts = unicodedata.normalize("NFKD", (text or "").lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _number(written: str) -> int:
    return ROMAN[written] if written in ROMAN else int(written)
