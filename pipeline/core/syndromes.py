"""Syndromes as codes: what a word in a table means for the rule of new lesions.

A name beside *negative*, *no* or *excluded* is no syndrome, one beside *suspected* or *not tested* is not known. What
this module refuses: to take a name that it does not know for none.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum


class Syndrome(StrEnum):
    """A tumour syndrome as it is stored and compared."""

    VHL = "VHL"
    NF1 = "NF1"
    NF2 = "NF2"
    NONE = "none"
    UNKNOWN = "unknown"


_NF = r"\b(?:nf|neurofibromatos[ei]s)[\s_,.:\-\u2010-\u2015]*(?:type|typ)?[\s_.:\-]*"
NAMES = (
    (Syndrome.VHL, re.compile(r"\bv\.?h\.?l|hippel|lindau")),
    (Syndrome.NF2, re.compile(rf"{_NF}(?:2|ii)(?![i\d])")),
    (Syndrome.NF1, re.compile(rf"{_NF}(?:1|i)(?![i\d])|recklinghausen")),
)
"""How each syndrome is written, in lower case."""

UNCERTAIN = re.compile(
    r"\?|\b(?:suspect\w*|possibl[ey]|probabl[ey]|likely|query|unclear|unknown|pending|untested|family|relative\w*)\b"
    r"|\b(?:not|never)\s+(?:been\s+)?(?:tested|known|excluded|done|ruled)"
)
ABSENT = re.compile(
    r"\b(?:negative|neg|no|not|non|none|neither|nor|without|excluded|absent|denied|ruled\s+out|free|sporadic)\b"
    r"|\(-\)|[a-z\d]\s?-(?:ve\b|$)"
)


@functools.lru_cache(maxsize=1024)  # the same few cells are asked about at every visit, by every rule
def syndromes_in(text: str | None) -> frozenset[Syndrome]:
    """Return the syndromes that a cell names.

    Parameters
    ----------
    text
        As somebody wrote it; parts between commas and semicolons speak for themselves.

    Returns
    -------
    frozenset of Syndrome
        Never empty; ``none`` and ``unknown`` only alone. Without any text it is ``unknown``.

    Examples
    --------
    >>> [sorted(map(str, syndromes_in(text))) for text in ("NF 2", "VHL negative", "suspected VHL", "Gardner", None)]
    [['NF2'], ['none'], ['unknown'], ['unknown'], ['unknown']]
    >>> sorted(map(str, syndromes_in("VHL negative; neurofibromatosis type II")))
    ['NF2']
    """
    words = (text or "").lower().strip()
    read = [_part(part.strip()) for part in re.split(r"[;,]", words) if part.strip()]
    named = frozenset(code for part in read for code in part) - {Syndrome.NONE, Syndrome.UNKNOWN}
    if named:
        return named
    is_none = bool(read) and all(part == {Syndrome.NONE} for part in read)
    return frozenset({Syndrome.NONE if is_none else Syndrome.UNKNOWN})


def coded(text: str | None) -> str | None:
    """Return a cell as codes joined by a blank; None where it is empty.

    Examples
    --------
    >>> coded("von Hippel-Lindau"), coded("no syndrome"), coded(None)
    ('VHL', 'none', None)
    """
    return " ".join(sorted(syndromes_in(text))) if text and text.strip() else None


def _part(words: str) -> set[Syndrome]:
    if UNCERTAIN.search(words):
        return {Syndrome.UNKNOWN}
    if ABSENT.search(words):
        return {Syndrome.NONE}
    return {code for code, pattern in NAMES if pattern.search(words)} or {Syndrome.UNKNOWN}
