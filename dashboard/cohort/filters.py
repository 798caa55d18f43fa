"""Who is in a cohort: filters that the address keeps, and the words that say whom they leave.

Two cohorts can be compared; the filters of the second one carry a prefix in the address, so that a link holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard.cohort import first_findings
from dashboard.cohort.first_findings import FINDINGS
from dashboard.data import queries
from dashboard.shell import address
from dashboard.words import labels
from dashboard.words.table_rows import as_rows

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
TENS = 10
RADIOTHERAPY = {"yes": "radiotherapy", "no": "no radiotherapy"}


Filters = Mapping[str, Sequence[str]]
"""Parameter of the address to its values; what is not named does not filter."""


@dataclass(frozen=True)
class Cohort:
    """The patients that pass, the filters, and the words for them; no words where nobody was left out."""

    rows: pd.DataFrame
    filters: Filters
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """Say in short whom it holds."""
        return ", ".join(self.words) or "all patients"


def everyone_of(criteria_id: str) -> pd.DataFrame:
    """Return the rows of the cohort query, days as timestamps once and for all readers."""
    return queries.derived(_everyone, criteria_id)


def _everyone(criteria_id: str) -> pd.DataFrame:
    patients = queries.fresh("cohort", criteria_id=criteria_id)
    shown_states = [labels.finer_state(row) for row in patients[["display_state", "clauses"]].pipe(as_rows)]
    days = {name: pd.to_datetime(patients[name]) for name in DAYS}
    stated = patients.drop(columns="clauses").assign(shown_state=shown_states, **days)
    return first_findings.joined(stated, queries.fresh("cohort_finding", criteria_id=criteria_id))


def options(criteria_id: str) -> dict[str, list[str]]:
    """Return what can be chosen: the values of each covariate, and the groups of each finding that was ever told."""
    return queries.derived(_options, criteria_id)


def _options(criteria_id: str) -> dict[str, list[str]]:
    everyone = everyone_of(criteria_id)
    covariates = {column: sorted(everyone[column].dropna().unique()) for column in FILTERS}
    return covariates | dict(first_findings.told(everyone))


def choose(criteria_id: str, prefix: str = "", *, is_shared: bool = False) -> Cohort:
    """Offer every filter and return who passes all of them.

    Parameters
    ----------
    criteria_id
        Criteria whose verdicts are shown.
    prefix
        Of the parameters in the address.
    is_shared
        No range tells who is youngest or oldest, or the first or last year.
    """
    everyone, offered = everyone_of(criteria_id), options(criteria_id)
    chosen = {column: _several(column, prefix + column, offered[column]) for column in FILTERS}
    chosen |= _findings(offered, prefix)
    chosen["radiotherapy"] = _radiotherapy(f"{prefix}radiotherapy")
    for name, span in _spans(everyone, is_shared=is_shared):
        chosen[name] = _span(span, prefix + name)
    return select(everyone, {parameter: values for parameter, values in chosen.items() if values})


def in_force(criteria_id: str, prefix: str = "", *, is_shared: bool = False) -> Cohort:
    """Return who passes the filters of the address, without offering any; the parameters are those of ``choose``."""
    everyone, offered = everyone_of(criteria_id), options(criteria_id)
    named = {column: address.several(prefix + column, groups) for column, groups in offered.items()}
    named["radiotherapy"] = address.several(f"{prefix}radiotherapy", list(RADIOTHERAPY))[:1]
    for name, span in _spans(everyone, is_shared=is_shared):
        named[name] = span.written(*_ends_named(prefix + name, span))
    return select(everyone, {parameter: values for parameter, values in named.items() if values})


def select(everyone: pd.DataFrame, filters: Filters) -> Cohort:
    """Return who passes filters.

    Parameters
    ----------
    everyone
        Rows of the cohort query.
    """
    shown, words = everyone, []
    for column in FILTERS:
        if picked := filters.get(column):
            shown = shown[shown[column].isin(picked)]
            words.append(f"{'grade ' if column == 'who_grade' else ''}{' or '.join(map(words_of(column), picked))}")
    for column in FINDINGS:
        if picked := filters.get(column):
            shown = shown[shown[column].isin(picked)]
            words.append(first_findings.named(column, " or ".join(picked)))
    for given in filters.get("radiotherapy", ()):
        shown = shown[shown["had_radiotherapy"] == (given == "yes")]
        words.append(RADIOTHERAPY[given])
    for span in filters.get("age", ()):
        first, last = map(int, span.split("-"))
        shown = shown[shown["age_years"].between(first, last)]
        words.append(f"{first} to {last} years")
    for span in filters.get("years", ()):
        first, last = map(int, span.split("-"))
        shown = shown[shown["first_scan_on"].dt.year.between(first, last)]
        words.append(f"first scan {first} to {last}")
    return Cohort(shown, filters, tuple(words))


def words_of(column: str) -> Callable[[str], str]:
    """Return how the values of a filter are written: extents of operations are no codes."""
    return labels.extent if column == "first_surgery_extent" else labels.words


def gone(criteria_id: str, filters: Filters) -> list[str]:
    """Return the words for what filters name and no patient of the study has any more."""
    offered = options(criteria_id)
    return [
        first_findings.named(column, one) if column in FINDINGS else words_of(column)(one)
        for column in (*FILTERS, *FINDINGS)
        for one in filters.get(column, ())
        if one not in offered.get(column, ())
    ]


def in_address(filters: Filters, prefix: str = "") -> list[tuple[str, str]]:
    """Return the parameters that bring filters back."""
    return [(prefix + parameter, one) for parameter, values in filters.items() for one in values]


def _several(column: str, key: str, options: list[str]) -> list[str]:
    if not options:
        return []
    address.follow(key, address.several(key, options))
    picked = st.multiselect(
        (FILTERS | FINDINGS)[column],
        options,
        key=key,
        format_func=words_of(column),
        select_all=False,  # or Enter on the open list takes all: "gross total or partial or ...", which chooses nobody
        wrap=True,  # every choice is seen whole
    )
    address.keep(key, picked)
    return list(picked)


def _findings(offered: Mapping[str, list[str]], prefix: str) -> dict[str, list[str]]:
    """Offer the findings that were told of anybody, folded away until one is chosen."""
    stated = [column for column in FINDINGS if column in offered]
    if not stated:
        return {}
    is_chosen = any(st.query_params.get(prefix + column) for column in stated)
    with st.expander("What the MRI first said", expanded=is_chosen):
        return {column: _several(column, prefix + column, offered[column]) for column in stated}


def _radiotherapy(key: str) -> list[str]:
    names = list(RADIOTHERAPY)
    address.follow(key, address.one(key, names, "") or None)
    picked = st.pills("Radiotherapy", names, key=key, format_func=RADIOTHERAPY.__getitem__)
    address.keep(key, [picked] if picked else [])
    return [picked] if picked else []


@dataclass(frozen=True)
class _Span:
    """A range that can be chosen.

    Attributes
    ----------
    met
        Lowest and highest that any patient has.
    ends
        Of the range: those met, or for sharing the tens around them.
    """

    label: str
    met: tuple[int, int]
    ends: tuple[int, int]

    def widened(self, first: int, last: int) -> tuple[int, int]:
        """Return a part of the range, up to its end where nobody is beyond: so it does not tell who is the last."""
        low, high = self.ends
        first, last = max(low, min(first, high)), min(high, max(last, low))
        first, last = min(first, last), max(first, last)
        return low if first <= self.met[0] else first, high if last >= self.met[1] else last

    def written(self, first: int, last: int) -> list[str]:
        """Write a part of the range for the address; nothing when it is the whole."""
        return [] if (first, last) == self.ends else [f"{first}-{last}"]


def _spans(everyone: pd.DataFrame, *, is_shared: bool) -> Iterator[tuple[str, _Span]]:
    """Yield the ranges that can be chosen, with their parameter; none where everybody is the same."""
    ages, years = everyone["age_years"].dropna(), everyone["first_scan_on"].dt.year.dropna()
    met = {}
    if len(ages) and ages.min() != ages.max():
        met["age", "Age, years"] = (int(ages.min()), int(ages.max()) + 1)
    if len(years) and years.min() != years.max():
        met["years", "First scan, year"] = (int(years.min()), int(years.max()))
    for (parameter, label), (low, high) in met.items():
        ends = (low // TENS * TENS, -(-high // TENS) * TENS) if is_shared else (low, high)
        yield parameter, _Span(label, (low, high), ends)


def _ends_named(key: str, span: _Span) -> tuple[int, int]:
    """Return the range that the address names, inside the whole; what is no number is the whole's end."""
    named = [*st.query_params.get(key, "").split("-"), "", ""]
    first, last = (int(word) if word.isdigit() else end for word, end in zip(named, span.ends, strict=False))
    return span.widened(first, last)


def _span(span: _Span, key: str) -> list[str]:
    """Offer a range and keep it in the address; nothing when it is the whole."""
    address.follow(key, _ends_named(key, span))
    if st.session_state.get(f"ends-{key}") != span.ends:  # those the slider had before are not a choice of the reader
        st.session_state[key], st.session_state[f"ends-{key}"] = _ends_named(key, span), span.ends
    picked = st.slider(span.label, *span.ends, key=key)
    chosen = span.written(*span.widened(*picked))
    address.keep(key, chosen)
    return chosen
