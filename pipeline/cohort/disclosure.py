"""Counts that leave the hospital: small cells are withheld, since they can point at a person.

What this module refuses: a withheld count that a total would give away. What it cannot do: guard against comparing two
tables of overlapping groups made at different times; of two groups at once :func:`overlap_in_part` tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

FEWEST = 5
"""Smallest count that is shown in a shared export."""

HIDDEN = f"fewer than {FEWEST}"
HIDDEN_TOO = "not shown"


def suppress_small(counts: Mapping[str, int], fewest: int = FEWEST) -> dict[str, int | None]:
    """Withhold counts under a limit, and the next smallest where a single one could be had from the total.

    Parameters
    ----------
    counts
        The cells of one row or column whose total is known, name to number of patients.
    fewest
        Smallest count that is shown.

    Returns
    -------
    dict
        The same names in the same order; None for withheld counts.

    Examples
    --------
    >>> suppress_small({"ependymoma": 40, "astrocytoma": 12, "other": 3})
    {'ependymoma': 40, 'astrocytoma': None, 'other': None}
    >>> suppress_small({"ependymoma": 40, "astrocytoma": 2, "other": 3})
    {'ependymoma': 40, 'astrocytoma': None, 'other': None}
    """
    withheld = {name for name, count in counts.items() if count < fewest}
    shown = {name: count for name, count in counts.items() if name not in withheld}
    if len(withheld) == 1 and shown:
        withheld.add(min(shown, key=lambda name: shown[name]))
    return {name: None if name in withheld else count for name, count in counts.items()}


def is_small(count: int) -> bool:
    """Say whether a count on a curve could point at a person; where nobody is left the curve itself ends."""
    return 0 < count < FEWEST


def written(counts: Sequence[int], words: Sequence[str]) -> list[str]:
    """Return the words of one characteristic's cells, with those that must not be shown replaced.

    Parameters
    ----------
    counts, words
        Of each cell, in one order; together the cells add up to a total that is known.

    Examples
    --------
    >>> written([12, 3, 8], ["12 (52 %)", "3 (13 %)", "8 (35 %)"])
    ['12 (52 %)', 'fewer than 5', 'not shown']
    """
    publishable = suppress_small({str(place): count for place, count in enumerate(counts)}).values()
    return [
        text if shown is not None else HIDDEN if count < FEWEST else HIDDEN_TOO
        for text, count, shown in zip(words, counts, publishable, strict=True)
    ]


def overlap_in_part(one: AbstractSet[str], other: AbstractSet[str]) -> bool:
    """Say whether some patients, not all, are in both of two groups.

    Their tables beside each other are then a cross table: however many are in one only, each cell of one less that of
    the other can be the number of a few.

    Examples
    --------
    >>> overlap_in_part({"a", "b", "c"}, {"a", "b"}), overlap_in_part({"a", "b"}, {"b", "c"})
    (True, True)
    >>> overlap_in_part({"a", "b"}, {"a", "b"}), overlap_in_part({"a", "b"}, {"c", "d"})
    (False, False)
    """
    return bool(one & other) and one != other
