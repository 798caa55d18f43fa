"""Who the patients of a cohort are, as in the first table of a paper: counts with shares, medians with quartiles."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from dashboard.cohort import first_findings, survival_groups
from dashboard.cohort.filters import FILTERS
from dashboard.words import labels
from pipeline.cohort import disclosure
from pipeline.cohort.finding_groups import NOT_TOLD

DAYS_PER_MONTH = 30.4375
NONE_IS_NONE = "syndrome"
"""An empty cell of this column means that none is known, so shares are of all patients."""
FEWEST_WITH_QUARTILES = 4 * disclosure.FEWEST
"""Patients from which medians and quartiles are shared, so that each quarter holds as many as a count must."""
METHOD = (
    "Counts with percent of the patients for whom it is known; medians with the first and third quartile; follow-up is "
    "the median by reverse Kaplan-Meier; groups are described, not tested against each other."
)


def table_one(cohorts: Mapping[str, pd.DataFrame], *, is_shared: bool = False) -> pd.DataFrame:
    """Describe one or more cohorts.

    Parameters
    ----------
    cohorts
        Name to rows of the cohort query.
    is_shared
        Hide small counts, and everything about a cohort that is itself small.

    Returns
    -------
    DataFrame
        Columns ``characteristic`` and one for each cohort, words only; what is unknown has its own row.
    """
    if is_shared:
        cohorts = {name: patients for name, patients in cohorts.items() if len(patients) >= disclosure.FEWEST}
    lines: dict[str, dict[str, str]] = {"patients": {name: str(len(patients)) for name, patients in cohorts.items()}}
    lines["age, years"] = {
        name: _median(patients["age_years"], is_shared=is_shared) for name, patients in cohorts.items()
    }
    for column, label in {"sex": "Sex", **FILTERS}.items():
        lines |= _counts(cohorts, column, label, is_shared=is_shared)
    lines["radiotherapy"] = {
        name: _of_all(int(patients["had_radiotherapy"].sum()), len(patients), is_shared=is_shared)
        for name, patients in cohorts.items()
    }
    lines["tumour at baseline, mL"] = {
        name: _median(patients["baseline_volume_mm3"] / 1000, is_shared=is_shared) for name, patients in cohorts.items()
    }
    lines["scans for each patient"] = {
        name: _median(patients["usable_visit_count"], is_shared=is_shared) for name, patients in cohorts.items()
    }
    lines["follow-up, months"] = {name: _follow_up(patients, is_shared=is_shared) for name, patients in cohorts.items()}
    body = [{"characteristic": label, **cells} for label, cells in lines.items()]
    return pd.DataFrame(body, columns=["characteristic", *cohorts])


def finding_rows(cohorts: Mapping[str, pd.DataFrame], *, is_shared: bool = False) -> pd.DataFrame:
    """Describe what the MRI first said of one or more cohorts, as :func:`table_one` does; empty where nothing was told.

    Parameters
    ----------
    cohorts
        Name to rows of the cohort query with the columns of :data:`first_findings.FINDINGS`.
    """
    if is_shared:
        cohorts = {name: patients for name, patients in cohorts.items() if len(patients) >= disclosure.FEWEST}
    lines: dict[str, dict[str, str]] = {}
    if cohorts:
        for column, groups in first_findings.told(pd.concat(list(cohorts.values()))).items():
            named = {f"{first_findings.FINDINGS[column]}: {group}": group for group in groups}
            lines |= {line: {} for line in named}
            for cohort, patients in cohorts.items():
                cells = _finding_cells(patients[column], groups, is_shared=is_shared)
                for line, cell in zip(named, cells, strict=True):
                    lines[line][cohort] = cell
    body = [{"characteristic": label, **cells} for label, cells in lines.items()]
    return pd.DataFrame(body, columns=["characteristic", *cohorts])


def _finding_cells(column: pd.Series, groups: list[str], *, is_shared: bool) -> list[str]:
    """Write how many are in each group, with shares of those of whom the finding was told at all."""
    stated = [group for group in groups if group != NOT_TOLD]
    counts = [int((column == group).sum()) for group in stated]
    missing = int((column == NOT_TOLD).sum()) if NOT_TOLD in groups else None
    return _cells(counts, missing, sum(counts), is_shared=is_shared)


def _cells(counts: list[int], missing: int | None, total: int, *, is_shared: bool) -> list[str]:
    """Write counts with their share of a total, and last of how many it is not known where that has a row.

    For sharing shares are left out where a cell is hidden and some are not known: count and share give the total away,
    and with it the hidden cell.
    """
    words = [_share(count, total) for count in counts]
    if missing is None:
        return disclosure.written(counts, words) if is_shared else words
    every = [*counts, missing]
    if not is_shared:
        return [*words, str(missing)]
    plain = list(map(str, every))
    hidden = any(cell != text for cell, text in zip(disclosure.written(every, plain), plain, strict=True))
    return disclosure.written(every, plain if hidden else [*words, str(missing)])


def _counts(
    cohorts: Mapping[str, pd.DataFrame], column: str, label: str, *, is_shared: bool
) -> dict[str, dict[str, str]]:
    """Return a line for each value of a covariate, and one for those without."""
    if not cohorts:
        return {}
    seen = {cohort: patients[column].value_counts() for cohort, patients in cohorts.items()}
    values = list(pd.concat([patients[column] for patients in cohorts.values()]).value_counts().index)
    names = [f"{label}: {_named(column, value)}" for value in values]
    missing = {cohort: len(patients) - int(seen[cohort].sum()) for cohort, patients in cohorts.items()}
    if any(missing.values()):
        names.append(f"{label}: {'none known' if column == NONE_IS_NONE else 'not known'}")
    lines: dict[str, dict[str, str]] = {name: {} for name in names}
    for cohort, patients in cohorts.items():
        counts = [int(seen[cohort].get(value, 0)) for value in values]
        total = len(patients) if column == NONE_IS_NONE else len(patients) - missing[cohort]
        cells = _cells(counts, missing[cohort] if any(missing.values()) else None, total, is_shared=is_shared)
        for name, cell in zip(names, cells, strict=True):
            lines[name][cohort] = cell
    return lines


def _named(column: str, value: object) -> str:
    return labels.extent(value) if column == "first_surgery_extent" else labels.words(value)


def _of_all(count: int, total: int, *, is_shared: bool) -> str:
    """Write how many of all; with those without, these are the two cells of one characteristic."""
    words = _share(count, total)
    return disclosure.written([count, total - count], [words, ""])[0] if is_shared else words


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.0f}{labels.NARROW}%)" if total else "0"


def _median(values: pd.Series, *, is_shared: bool) -> str:
    numbers = values.dropna()
    if numbers.empty:
        return labels.MISSING
    if is_shared and len(numbers) < FEWEST_WITH_QUARTILES:
        return disclosure.HIDDEN_TOO  # of few patients each quartile is the number of one of them
    low, middle, high = (labels.two_figures(float(value)) for value in numbers.quantile([0.25, 0.5, 0.75]))
    return f"{middle} ({low} to {high})"


def _follow_up(patients: pd.DataFrame, *, is_shared: bool) -> str:
    followed = patients.dropna(subset=["duration_days", "is_event"])
    if followed.empty:
        return labels.MISSING
    if is_shared and len(followed) < FEWEST_WITH_QUARTILES:
        return disclosure.HIDDEN_TOO
    days = survival_groups.follow_up_days(followed)
    return "not reached" if days is None else f"{days / DAYS_PER_MONTH:.0f}"
