"""Who is in a cohort: filters that the address keeps, and the words that say whom they leave.

Two cohorts can be compared; the filters of the second one carry a prefix in the address, so that a link holds both.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import address, data, labels

FILTERS = {
    "histology": "Histology",
    "who_grade": "WHO grade",
    "first_surgery_extent": "First operation",
    "syndrome": "Syndrome",
    "centre": "Centre",
    "sex": "Sex",
}
DAYS = ("first_scan_on", "last_scan_on", "time_zero_on")
SECOND = "b_"
"""How the parameters of the second cohort begin."""
RADIOTHERAPY = {"yes": "radiotherapy", "no": "no radiotherapy"}


@dataclass(frozen=True)
class Cohort:
    """The patients that pass, and the words for them; no words where nobody was left out."""

    rows: pd.DataFrame
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Say in short whom it holds."""
        return ", ".join(self.words) or "all patients"


def everyone_of(criteria_id: str) -> pd.DataFrame:
    """Return the rows of the cohort query, days as timestamps once and for all readers."""
    return data.derived(_everyone, criteria_id)


def _everyone(criteria_id: str) -> pd.DataFrame:
    rows = data.fresh("cohort", criteria_id=criteria_id)
    return rows.assign(**{name: pd.to_datetime(rows[name]) for name in DAYS})


def _options(criteria_id: str) -> dict[str, list[str]]:
    everyone = everyone_of(criteria_id)
    return {column: sorted(everyone[column].dropna().unique()) for column in FILTERS}


def choose(criteria_id: str, prefix: str = "") -> Cohort:
    """Offer every filter and return who passes all of them.

    Parameters
    ----------
    criteria_id
        Criteria whose verdicts are shown.
    prefix
        Of the parameters in the address.
    """
    everyone = everyone_of(criteria_id)
    shown, words, offered = everyone, [], data.derived(_options, criteria_id)
    for column, label in FILTERS.items():
        options = offered[column]
        if not options:
            continue
        picked = st.multiselect(
            label,
            options,
            default=address.several(prefix + column, options),
            key=prefix + column,
            format_func=labels.words,
        )
        address.keep(prefix + column, picked)
        if picked:
            shown = shown[shown[column].isin(picked)]
            words.append(f"{'grade ' if column == 'who_grade' else ''}{' or '.join(map(labels.words, picked))}")
    shown, more = _radiotherapy(shown, prefix)
    shown, years = _ages(everyone, shown, prefix)
    shown, dates = _dates(everyone, shown, prefix)
    return Cohort(shown, (*words, *more, *years, *dates))


def _radiotherapy(shown: pd.DataFrame, prefix: str) -> tuple[pd.DataFrame, list[str]]:
    key = f"{prefix}radiotherapy"
    names = list(RADIOTHERAPY)
    picked = st.pills(
        "Radiotherapy", names, default=address.one(key, names, "") or None, key=key,
        format_func=RADIOTHERAPY.__getitem__,
    )  # fmt: skip
    address.keep(key, [picked] if picked else [])
    if not picked:
        return shown, []
    return shown[shown["had_radiotherapy"] == (picked == "yes")], [RADIOTHERAPY[picked]]


def _ages(everyone: pd.DataFrame, shown: pd.DataFrame, prefix: str) -> tuple[pd.DataFrame, list[str]]:
    known = everyone["age_years"].dropna()
    if known.empty or known.min() == known.max():
        return shown, []
    low, high = int(known.min()), int(known.max()) + 1
    first, last = _span("Age, years", low, high, f"{prefix}age")
    if (first, last) == (low, high):
        return shown, []
    return shown[shown["age_years"].between(first, last)], [f"{first} to {last} years"]


def _dates(everyone: pd.DataFrame, shown: pd.DataFrame, prefix: str) -> tuple[pd.DataFrame, list[str]]:
    years = everyone["first_scan_on"].dt.year.dropna()
    if years.empty or years.min() == years.max():
        return shown, []
    low, high = int(years.min()), int(years.max())
    first, last = _span("First scan, year", low, high, f"{prefix}years")
    if (first, last) == (low, high):
        return shown, []
    return shown[shown["first_scan_on"].dt.year.between(first, last)], [f"first scan {first} to {last}"]


def _span(label: str, low: int, high: int, key: str) -> tuple[int, int]:
    """Offer a range and keep it in the address unless it is the whole."""
    named = st.query_params.get(key, "").split("-")
    first, last = (
        int(word) if word.isdigit() else end for word, end in zip([*named, "", ""], (low, high), strict=False)
    )
    first, last = max(low, min(first, high)), min(high, max(last, low))
    picked = st.slider(label, low, high, (min(first, last), max(first, last)), key=key)
    address.keep(key, [] if picked == (low, high) else [f"{picked[0]}-{picked[1]}"])
    return int(picked[0]), int(picked[1])
