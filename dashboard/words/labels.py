"""Words, units, colours and symbols: the one table from which every page and figure speaks.

Numbers are shown with two significant figures, volumes in mL, dates as ISO. A missing number is said in
words, never shown as 0 or as an empty cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from pipeline.core import wording
from pipeline.core.function_scales import SCALES, scale_name
from pipeline.core.wording import count, typeset
from pipeline.judge import certainty
from pipeline.judge.clauses import from_json, of_total

__all__ = ["SCALES", "count", "scale_name", "typeset"]

NOT_FOR_TREATMENT = "Research use, not for treatment decisions"
NAMES_TYPED = "names are not verified"
SYNTHETIC = "Synthetic data"
INK = "#1D2733"
GREY = "#5F6B76"
PALE = "#9AA4AE"
GRID = "#E8EBEE"
SHADE = "#EEF0F3"
MISSING = "not measured"
NARROW = wording.NARROW


@dataclass(frozen=True)
class Look:
    """How one state is told: always word, symbol and colour together.

    Attributes
    ----------
    colour, ink
        Of marks, and of words, which need more contrast.
    marker
        Plotly marker of the same shape as the symbol.
    """

    word: str
    symbol: str
    colour: str
    ink: str
    marker: str


@dataclass(frozen=True)
class CompartmentLook:
    """How one compartment is drawn; these colours are never used for a state.

    Attributes
    ----------
    colour, ink
        Of lines and outlines, and of words, which need more contrast.
    """

    word: str
    colour: str
    ink: str
    dash: str
    width: float


DISPLAY_STATES = {
    "growth": Look("growing", "▲", "#B2182B", "#B2182B", "triangle-up"),
    "possible_growth": Look("possible growth", "△", "#EF8A62", "#B9472F", "triangle-up-open"),
    "not_evaluable": Look("not evaluable", "◌", "#9AA4AE", "#5F6B76", "circle-open-dot"),
    "possible_shrinkage": Look("possible shrinkage", "▽", "#67A9CF", "#2F7CA8", "triangle-down-open"),
    "shrinkage": Look("shrinking", "▼", "#2166AC", "#2166AC", "triangle-down"),
    "no_change": Look("no change detected", "●", "#5F6B76", "#5F6B76", "circle"),
    "none_seen": Look("none seen", "○", "#5F6B76", "#5F6B76", "circle-open"),
    certainty.GROWTH_BELOW_RULE: Look("growth below the rule", "▴", "#5F6B76", "#5F6B76", "triangle-ne"),
    certainty.FALL_BELOW_RULE: Look("fall below the rule", "▾", "#5F6B76", "#5F6B76", "triangle-se"),
    certainty.TOO_UNCERTAIN: Look("too uncertain to tell", "⊗", "#5F6B76", "#5F6B76", "circle-x-open"),
}
"""By display state, and by the kinds of *no change* that an interval tells apart (``judge/certainty.py``)."""
STATES = {
    "recurrence": Look("recurrence", "◆", "#B2182B", "#B2182B", "diamond"),
    "distant": Look("new lesion elsewhere", "◆", "#B2182B", "#B2182B", "diamond"),
    "baseline": Look("baseline", "●", "#5F6B76", "#5F6B76", "circle"),
    "context": Look("before baseline", "◌", "#9AA4AE", "#5F6B76", "circle-open-dot"),
}
"""States of the disease that are told in their own words whatever the size of the change."""
WORSE = Look("worse", "◆", "#B2182B", "#B2182B", "diamond")
"""Of a patient in whom something is worse that the volume does not show."""
VOLUME_WORDS = {"no change detected": "stable", "before baseline": "not judged"}
"""States by volume where something else stands beside them."""
NO_STATE = Look("not judged", "◌", "#9AA4AE", "#5F6B76", "circle-open-dot")

SEVERITIES = {
    "error": Look("left out", "✕", "#B2182B", "#B2182B", "x"),
    "warning": Look("look", "!", "#8A5A00", "#8A5A00", "diamond-tall"),
    "note": Look("note", "·", "#5F6B76", "#5F6B76", "circle"),
}
COMPARTMENTS = {
    "tumour": CompartmentLook("tumour", "#D81B60", "#C2185B", "solid", 2.5),
    "enhancing": CompartmentLook("enhancing", "#D81B60", "#C2185B", "dashdot", 1.8),
    "cyst": CompartmentLook("cyst", "#1E88E5", "#1565C0", "dot", 1.8),
    "syrinx": CompartmentLook("syrinx", "#00ACC1", "#00707F", "dot", 1.8),
    "oedema": CompartmentLook("oedema", "#C79A00", "#7A5E00", "dash", 1.8),
    "cavity": CompartmentLook("cavity", "#8E8E8E", "#666666", "dash", 1.8),
    "haemorrhage": CompartmentLook("haemorrhage", "#8D6E63", "#6D4C41", "dash", 1.8),
    "cord": CompartmentLook("cord", "#00897B", "#00695C", "solid", 1.0),
}
"""In the order of the label values in the display masks: the first is 1."""

CATEGORIES = {
    "CR": "complete response",
    "PR": "partial response",
    "MR": "minor response",
    "SD": "stable disease",
    "PD": "progressive disease",
    "NE": "not evaluable",
}
MASK_ORIGINS = {
    "manual": "drawn by hand",
    "edited": "edited by hand",
    "automatic": "automatic",
    "imported": "imported number",
}
CV_SOURCES = {
    "repeat_reads": "repeat reads of this study",
    "published": "published repeat reads",
    "automatic_spread": "spread of automatic masks",
    "geometric_model": "a model of the outline, assumed and not measured",
    "imported": "imported with the number",
}
ALIGNMENTS = {
    "A": "aligned A",
    "B": "aligned B",
    "C": "poorly aligned (C): places do not match",
    None: "alignment not graded",
}
TREATMENTS = {
    "surgery": ("surgery", "#1D2733"),
    "radiotherapy": ("radiotherapy", "#7B4FA0"),
    "radiosurgery": ("radiosurgery", "#7B4FA0"),
    "chemotherapy": ("chemotherapy", "#4E7F3B"),
    "bevacizumab": ("bevacizumab", "#9C6B1F"),
    "immunotherapy": ("immunotherapy", "#2F7F7A"),
    "targeted": ("targeted therapy", "#4E7F3B"),
    "steroid": ("steroid", "#697280"),
    "drainage": ("shunt or drainage", "#697280"),
    "other": ("other treatment", "#697280"),
    "unknown": ("unknown treatment", "#697280"),
}
EXTENTS = {
    "GTR": "gross total",
    "NTR": "near total",
    "STR": "subtotal",
    "PR": "partial",
    "biopsy": "biopsy",
}
"""Extent of an operation in words: PR could be read as partial response."""


def is_known(value: Any) -> bool:
    """Tell whether a cell of a table holds a value: not None, NaN or NaT."""
    return value is not None and not bool(pd.isna(value))


def look(state: Any, display_state: Any) -> Look:
    """Return the word, symbol and colour of a judged visit; unjudged ones have their own."""
    if is_known(state) and state in STATES:
        return STATES[state]
    if is_known(display_state):
        return DISPLAY_STATES[display_state]
    return NO_STATE


def finer_state(row: Mapping[Any, Any] | pd.Series) -> Any:
    """Return the display state of a row, *no change* told apart by its interval (``judge/certainty.py``).

    Parameters
    ----------
    row
        Columns display_state and clauses; without the second the display state stands. Or shown_state, where it was
        asked for already.
    """
    if is_known(row.get("shown_state")):
        return row["shown_state"]
    stored, display_state = row.get("clauses"), row["display_state"]
    if display_state != "no_change" or not is_known(stored):
        return display_state
    return certainty.finer(display_state, of_total(from_json(str(stored))))


def look_of(row: Mapping[Any, Any] | pd.Series) -> Look:
    """Return the word, symbol and colour of a row of verdicts: columns state, display_state and clauses."""
    return look(row["state"], finer_state(row))


def category_look(row: Mapping[Any, Any]) -> Look:
    """Return symbol and colour of a category: a stable verdict is never shown as a shrinkage."""
    look = look_of(row)
    is_shrunk = row["display_state"] in ("shrinkage", "possible_shrinkage")
    return DISPLAY_STATES["no_change"] if row["category"] == "SD" and is_shrunk else look


def standing(row: Mapping[Any, Any] | pd.Series) -> Look:
    """Return how a patient stands in one state: by volume, and what is worse that the volume does not show.

    Parameters
    ----------
    row
        Columns state, display_state, clauses and beside.
    """
    by_volume = look_of(row)
    if not is_known(row["beside"]):
        return by_volume
    is_grown = by_volume.colour == WORSE.colour or row["display_state"] == "possible_growth"
    volume_words = by_volume.word if is_grown else f"by volume {VOLUME_WORDS.get(by_volume.word, by_volume.word)}"
    colours = by_volume if by_volume.colour == WORSE.colour else WORSE
    return replace(colours, word=f"{volume_words}; {typeset(str(row['beside']))}")


def compartment(name: str) -> CompartmentLook:
    """Return the look of a compartment."""
    return COMPARTMENTS[name]


def sequence(contrast: str) -> str:
    """Write what a scan shows as radiologists name it.

    >>> sequence("T1w_ce"), sequence("T2w")
    ('T1w + contrast', 'T2w')
    """
    return contrast.replace("_ce", " + contrast")


def two_figures(value: float) -> str:
    """Write a number with two significant figures, without an exponent.

    >>> two_figures(1480), two_figures(0.795), two_figures(9.96), two_figures(0)
    ('1500', '0.80', '10', '0')
    """
    return wording.typeset(wording.significant(value))


def ml(volume_mm3: Any, figures: int = wording.FIGURES) -> str:
    r"""Write a volume in mL; 0 is ``none seen`` and a missing one ``not measured``.

    >>> ml(1480.0), ml(0.0), ml(None)
    ('1.5\u202fmL', 'none seen', 'not measured')
    """
    if not is_known(volume_mm3):
        return MISSING
    return "none seen" if volume_mm3 == 0 else wording.volume(volume_mm3, figures).replace(" ", NARROW)


def figures_beside(volume_mm3: Any, *references_mm3: Any) -> int:
    """Return how many figures volumes need beside the changes between them (see ``wording.figures_beside``)."""
    if not is_known(volume_mm3):
        return wording.FIGURES
    return wording.figures_beside(volume_mm3, *(value for value in references_mm3 if is_known(value)))


def ml_interval(low_mm3: Any, high_mm3: Any) -> str:
    """Write a 95 % interval in mL; empty when it is unknown."""
    return wording.volume_interval(low_mm3, high_mm3) if is_known(low_mm3) and is_known(high_mm3) else ""


def signed_alike(*values: float) -> tuple[str, ...]:
    """Write signed numbers that belong together with the same decimals, as ``wording`` does."""
    return tuple(map(wording.typeset, wording.signed_alike(*values)))


def percent(value: Any) -> str:
    r"""Write a change in percent with its sign; ``−100 %`` is kept for what is truly gone.

    >>> percent(87.3), percent(-12.4), percent(-99.8), percent(154.0), percent(None)
    ('+87\u202f%', '−12\u202f%', '−99\u202f%', '+150\u202f%', 'not known')
    """
    return wording.typeset(wording.change(value)) if is_known(value) else "not known"


def percent_interval(low: Any, high: Any) -> str:
    """Write a 95 % interval of a change; empty when it is unknown."""
    return wording.typeset(wording.change_interval(low, high)) if is_known(low) and is_known(high) else ""


def limit(value: Any) -> str:
    """Write a detection limit: an unsigned percentage."""
    return percent(value).removeprefix("+")


def probability(value: Any) -> str:
    r"""Write a probability; never 0 or 100 %.

    >>> probability(0.97), probability(0.9999), probability(None)
    ('97\u202f%', 'above 99\u202f%', 'not known')
    """
    if not is_known(value):
        return "not known"
    if value > 0.99:
        return f"above 99{NARROW}%"
    if value < 0.01:
        return f"below 1{NARROW}%"
    return f"{round(100 * value)}{NARROW}%"


def day(value: Any) -> str:
    """Write a date as ISO; a missing one in words."""
    if not is_known(value):
        return "no date"
    return wording.day(pd.Timestamp(value))


def waiting(decisions: int) -> str:
    """Say how many decisions wait.

    >>> waiting(1), waiting(2)
    ('1 decision waits for the next run', '2 decisions wait for the next run')
    """
    return f"{count(decisions, 'decision')} {'waits' if decisions == 1 else 'wait'} for the next run"


def minute(value: datetime | str) -> str:
    """Write a moment, UTC, as day and minute on the clock of this machine.

    Parameters
    ----------
    value
        UTC, with or without saying so; or as ISO text that ends with Z.
    """
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone():%Y-%m-%d %H:%M}"


def of_day(value: Any) -> str:
    """Write *of* a date, for a sentence; a missing one in words.

    Examples
    --------
    >>> of_day("2020-02-01"), of_day(None)
    ('of 2020-02-01', '(day not known)')
    """
    return f"of {day(value)}" if is_known(value) else "(day not known)"


def month(value: Any) -> str:
    """Write year and month of a date, where room is short; a missing one in words."""
    return f"{pd.Timestamp(value):%Y-%m}" if is_known(value) else day(value)


def extent(code: Any) -> str:
    """Write the extent of an operation in words; a missing one too.

    >>> extent("PR"), extent(None)
    ('partial', 'not given')
    """
    return EXTENTS.get(str(code), words(code))


def extents_in_words(text: str) -> str:
    """Write the extents of operations that a text names by their codes in words, where PR could be partial response.

    >>> extents_in_words("residual 0.40 mL (STR on MRI); the surgeon reports PR.")
    'residual 0.40 mL (subtotal on MRI); the surgeon reports partial.'
    """
    codes = "|".join(EXTENTS)
    pattern = rf"(?<=reports )({codes})\b|(?<=taken for )({codes})\b|(?<=\()({codes})(?= on MRI)"
    return re.sub(pattern, lambda code: EXTENTS[code[0]], text)


def words(value: Any, unknown: str = "not given") -> str:
    """Write a word from the data as it is, with underscores as spaces; a missing or empty one in words.

    >>> words("brain_stem"), words(None), words("")
    ('brain stem', 'not given', 'not given')
    """
    return str(value).replace("_", " ") if is_known(value) and str(value).strip() else unknown


def capital(text: str) -> str:
    """Begin a text with a capital and leave the rest as it is."""
    return text[:1].upper() + text[1:]
