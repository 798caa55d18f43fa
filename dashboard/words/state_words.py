"""The words by which rows of patients are found: those that their states show, without days and names of lesions.

A patient may stand in several at once, "by volume stable; clinically worse since 2023-03-14": such a row is found by
each of them, and a word finds no row that does not show it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.words import labels
from dashboard.words.table_rows import as_rows

BY_VOLUME = "by volume "
LOOKS = {look.word: look for look in (*labels.STATES.values(), *labels.DISPLAY_STATES.values(), labels.NO_STATE)}
WORST = ("recurrence", "new lesion elsewhere", "growing", "possible growth")
"""What comes first; then what is worse beside the volume, and then the rest."""
LADDER = (*WORST, labels.WORSE.word, *(word for word in LOOKS if word not in WORST), BY_VOLUME)


def shown(row: Mapping[Any, Any] | pd.Series) -> tuple[str, ...]:
    """Return the words of a row's state, in the order in which it shows them.

    Parameters
    ----------
    row
        As for ``labels.standing``.
    """
    return tuple(dict.fromkeys(_in_general(part) for part in labels.standing(row).word.split("; ")))


def counted(patients: pd.DataFrame) -> dict[str, int]:
    """Return every word that rows show, the worst first, with how many rows show it.

    Parameters
    ----------
    patients
        With the column state_words.
    """
    numbers = Counter(word for row in patients.pipe(as_rows) for word in row["state_words"])
    return {word: numbers[word] for word in sorted(numbers, key=lambda one: (place([one]), one))}


def place(state_words: tuple[str, ...] | list[str]) -> int:
    """Return where a row stands that shows these words: 0 for the worst."""
    return min(_place(word) for word in state_words)


def symbol(word: str) -> str:
    """Return the symbol of a word; what is worse beside the volume has one of its own."""
    return LOOKS.get(word, labels.WORSE).symbol


def _place(word: str) -> int:
    if word in LOOKS:
        return LADDER.index(word)
    return LADDER.index(BY_VOLUME if word.startswith(BY_VOLUME) else labels.WORSE.word)


def _in_general(words: str) -> str:
    """Leave out since when, and which lesion.

    >>> _in_general("clinically worse since 2023-03-14"), _in_general("new lesion B"), _in_general("lesion L2 growing")
    ('clinically worse', 'new lesion', 'lesion growing')
    """
    without_day = re.sub(r"\s+since\s+\d{4}-\d\d-\d\d$", "", words)
    return re.sub(r"\blesion(?! elsewhere\b)\s+\S+", "lesion", without_day)
