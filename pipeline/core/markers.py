"""Molecular markers as codes: what a word in a table means for MYCN and H3 K27.

Uncertain words (suspected, pending, not tested) and words that nobody knows are *unknown*. What this module refuses:
to take what it does not understand for a negative result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mycn(StrEnum):
    """MYCN as it is stored."""

    AMPLIFIED = "amplified"
    NOT_AMPLIFIED = "not amplified"
    UNKNOWN = "unknown"


class H3K27(StrEnum):
    """Lysine 27 of histone H3 as it is stored."""

    ALTERED = "altered"
    WILD_TYPE = "wild type"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Marker:
    """How the results of one marker are written: whole cells, in lower case."""

    positive: str
    negative: str
    unknown: str
    positive_words: re.Pattern[str]
    negative_words: re.Pattern[str]


_POSITIVE = r"yes|y|true|1|\+|pos(?:itive)?|present|detected|"
_NEGATIVE = (
    r"no|n|false|0|-|\(-\)|neg(?:ative)?|absent|none|not\s+(?:detected|present)|normal|"
    r"w\.?t\.?|wild[\s-]?type|unmutated|not\s+mutated|"
)
MARKERS: Mapping[str, Marker] = {
    "mycn": Marker(
        Mycn.AMPLIFIED, Mycn.NOT_AMPLIFIED, Mycn.UNKNOWN,
        re.compile(rf"(?:{_POSITIVE}ampl?(?:ified|ification)?|ampl?(?:ified|ification)?[\s-]+(?:present|detected))"),
        re.compile(
            rf"(?:{_NEGATIVE}(?:not|non|un)[\s-]*amp(?:lified|l)?|no(?:\s+mycn)?\s+amplification|"
            r"without\s+amplification|diploid|balanced)"
        ),
    ),
    "h3_k27": Marker(
        H3K27.ALTERED, H3K27.WILD_TYPE, H3K27.UNKNOWN,
        re.compile(
            rf"(?:{_POSITIVE}altered|mutant|mutated|mutation|(?:h3(?:[.\s-]?[13])?[\s-]*)?k27(?:m|i)"
            r"(?:[\s-]*(?:mutant|mutated|altered|positive|pos|\+))?|h3[\s-]*k27[\s-]*(?:mutant|mutated|altered))"
        ),
        re.compile(
            rf"(?:{_NEGATIVE}not\s+altered|unaltered|h3[\s-]*(?:k27[\s-]*)?(?:wt|wild[\s-]?type)|"
            r"(?:h3[\s-]*)?k27m?[\s-]*(?:wt|wild[\s-]?type|negative|neg))"
        ),
    ),
}  # fmt: skip
"""By the column of ``participants.tsv``."""

UNCERTAIN = re.compile(
    r"\?|\b(?:suspect\w*|possibl[ey]|probabl[ey]|likely|query|unclear|unknown|pending|untested|equivocal|inconclusive)\b"
    r"|\bnot\s+(?:been\s+)?(?:tested|known|done|available|determined|assessed)"
)


def coded(column: str, text: str | None) -> str | None:
    """Return a cell as a code; None where it is empty.

    Parameters
    ----------
    column
        One of ``MARKERS``.

    Examples
    --------
    >>> [coded("mycn", text) for text in ("amplified", "non-amplified", "gain", "not tested", None)]
    ['amplified', 'not amplified', 'unknown', 'unknown', None]
    >>> [coded("h3_k27", text) for text in ("H3.3 K27M", "wt", "K27me3 loss")]
    ['altered', 'wild type', 'unknown']
    """
    words = " ".join((text or "").lower().split())
    if not words:
        return None
    marker = MARKERS[column]
    if UNCERTAIN.search(words):
        return str(marker.unknown)
    if marker.positive_words.fullmatch(words):
        return str(marker.positive)
    return str(marker.negative if marker.negative_words.fullmatch(words) else marker.unknown)


def is_understood(column: str, text: str) -> bool:
    """Say whether a cell is a result, or a word that says that there is none."""
    return coded(column, text) != MARKERS[column].unknown or UNCERTAIN.search(text.lower()) is not None
