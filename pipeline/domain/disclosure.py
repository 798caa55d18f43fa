"""Which counts of a summary may leave the house: small ones could point at a person.

Counts from 1 to 4 are hidden, the usual rule of clinical registries for tables that are shared. Where exactly one cell
of a characteristic would be hidden it could be read off the total, so the smallest other one is hidden too. What this
module does not do: guard against comparing two tables of overlapping groups.
"""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 5
"""Smallest count, other than 0, that is shown."""

HIDDEN = f"fewer than {LEAST}"
HIDDEN_TOO = "not shown"


def is_small(count: int) -> bool:
    """Say whether a count is hidden by itself."""
    return 0 < count < LEAST


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
    >>> written([12, 3, 2], ["12", "3", "2"])
    ['12', 'fewer than 5', 'fewer than 5']
    """
    cells = [HIDDEN if is_small(count) else text for count, text in zip(counts, words, strict=True)]
    if cells.count(HIDDEN) == 1:
        others = [place for place, count in enumerate(counts) if count >= LEAST]
        if others:
            cells[min(others, key=lambda place: counts[place])] = HIDDEN_TOO
    return cells
