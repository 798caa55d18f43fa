"""From patients with an outcome to curves, their figure and the words that say how they were made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import survival_figure
from dashboard.charts.cohort_figures import DAYS_PER_MONTH
from dashboard.cohort import shared_curves
from dashboard.cohort.filters import words_of
from dashboard.cohort.outcomes import FIRST, LATE, ShownOutcome
from dashboard.words import labels
from pipeline.cohort import disclosure, interval_censoring, survival
from pipeline.cohort.survival import DAYS_PER_YEAR, CumulativeIncidence, KaplanMeier, SurvivalAt
from pipeline.errors import SettingsError

EVERYONE = "all"
COMPARED = "compared"
"""Column that names the group of a patient where two groups of the reader's stand beside each other."""
MOST_GROUPS = len(survival_figure.COLOURS)
YEARS = (1, 2, 5)
FEWEST_EVENTS = 5
"""Events from which a median is given: of fewer, one more or less moves it by years."""
MOST_LIMITED = 500
"""Patients up to which the limits by Turnbull are computed; their time grows with the square of the number."""
MOST_TICKED = 200
"""Patients up to which each that was censored has a tick; of more the ticks would run into one."""
LIMITS_NOTE = "Dashed: the limits that the scans allow, since true progression lies between two of them (Turnbull)."
NOT_FOLLOWED = "not followed so long"

Curve = KaplanMeier | CumulativeIncidence


@dataclass(frozen=True)
class Curves:
    """Curves and the patients on them.

    Attributes
    ----------
    rows
        The patients on any curve; the column ``group`` names their curve.
    by_name
        The curves, the largest group first.
    months
        Ticks of the time axis, at which the numbers at risk are counted.
    outcome
        What they are curves of.
    refused
        Groups without a curve, with the reason in words.
    is_shared
        Small counts are hidden, and the curves are coarse.
    unshown_years
        Of each shared curve the years at which its share would tell of a few people.
    is_truncated
        Somebody came in after time zero, also where their days, being coarse, no longer tell.
    uncounted
        Shared curves whose numbers of patients and events would tell how few the others in the table are.
    """

    rows: pd.DataFrame
    by_name: Mapping[str, Curve]
    months: Sequence[float]
    outcome: ShownOutcome = field(default_factory=ShownOutcome)
    refused: Mapping[str, str] = field(default_factory=dict)
    is_shared: bool = False
    unshown_years: Mapping[str, frozenset[int]] = field(default_factory=dict)
    uncounted: frozenset[str] = frozenset()
    is_truncated: bool = False


def estimate(patients: pd.DataFrame, column: str | None, outcome: ShownOutcome | None = None) -> Curves:
    """Estimate one curve for all, or one for each value of a covariate (the largest groups where there are many).

    Parameters
    ----------
    patients
        Columns duration_days and is_event, where they matter entry_days and is_competing, and the covariate; rows
        without one of them are left out.
    """
    outcome = outcome or ShownOutcome()
    timed = patients.dropna(subset=["duration_days", "is_event"])
    timed = timed.assign(group=_groups(timed, column))
    if column is not None:
        timed = timed[timed["group"].isin(timed["group"].value_counts().index[:MOST_GROUPS])]
    if timed.empty:
        return Curves(timed, {}, (), outcome)
    months = survival_figure.month_ticks(float(timed["duration_days"].max()) / DAYS_PER_MONTH)
    by_name: dict[str, Curve] = {}
    refused: dict[str, str] = {}
    for name in timed["group"].value_counts().index:
        try:
            by_name[str(name)] = _curve(timed[timed["group"] == name], outcome)
        except SettingsError as error:
            refused[str(name)] = str(error)
    drawn = timed[timed["group"].astype(str).isin(by_name)]
    return Curves(drawn, by_name, months, outcome, refused, is_truncated=any(columns(drawn)[2]))


def _groups(patients: pd.DataFrame, column: str | None) -> pd.Series:
    """Return the name of each patient's curve, missing where the covariate is."""
    if column is None:
        return pd.Series(EVERYONE, index=patients.index)
    return patients[column].map(words_of(column), na_action="ignore")


def table_cells(patients: pd.DataFrame, column: str | None, total: int) -> shared_curves.TableCells:
    """Count whom the table beside the curves shows for each of them.

    Parameters
    ----------
    patients
        All that the curves are of, with or without an outcome; column as :func:`estimate` takes it.
    total
        Patients in the table, also those whose covariate is not known or told.
    """
    wholes = {str(name): int(count) for name, count in _groups(patients, column).value_counts().items()}
    return shared_curves.TableCells(wholes, total, are_columns=column == COMPARED)


def to_share(curves: Curves, cells: shared_curves.TableCells) -> Curves:
    """Leave out the curves of so few patients that they could point at a person, and let the others step coarsely.

    What is computed of the patients afterwards, tests and models, knows their days by the quarter of a year only.

    Parameters
    ----------
    cells
        What the table beside the curves tells, from :func:`table_cells`.
    """
    sizes = {name: curve.patient_count for name, curve in curves.by_name.items()}
    withheld = shared_curves.withheld(sizes, cells)
    fine = {name: curve for name, curve in curves.by_name.items() if name not in withheld.curves}
    patients = curves.rows[curves.rows["group"].astype(str).isin(fine)]
    years = {year: year * DAYS_PER_YEAR for year in YEARS}
    days = sorted({month * DAYS_PER_MONTH for month in curves.months} | set(years.values()))
    by_name: dict[str, Curve] = {}
    unshown: dict[str, frozenset[int]] = {}
    ends = 0.0
    for name, curve in fine.items():
        of_events = patients[(patients["group"].astype(str) == name) & patients["is_event"].astype(bool)][
            "duration_days"
        ]
        steps = shared_curves.steps_of(curve, of_events.tolist(), days)
        by_name[name] = shared_curves.coarsened(curve, steps)
        unshown[name] = frozenset(
            year for year, day in years.items() if day > steps.ends_days or day in steps.pending_days
        )
        ends = max(ends, steps.ends_days / DAYS_PER_MONTH)
    shown = sum(month <= ends for month in curves.months) + 1  # with the first mark that few or nobody reached
    coarse = patients.assign(duration_days=shared_curves.in_quarters(patients["duration_days"]))
    if "entry_days" in coarse:
        coarse = coarse.assign(entry_days=shared_curves.in_quarters(coarse["entry_days"], is_entry=True))
    return replace(
        curves, rows=coarse, by_name=by_name, months=list(curves.months)[:shown], refused={}, is_shared=True,
        unshown_years=unshown, uncounted=withheld.counts, is_truncated=any(columns(patients)[2]),
    )  # fmt: skip


def figure(curves: Curves, intervals: pd.DataFrame | None) -> go.Figure:
    """Draw the curves; a single one with the limits that the days between scans allow.

    Parameters
    ----------
    intervals
        Rows of the cohort_interval query: patient_id, after_days, until_days (missing when no event was seen);
        None where the figure has no limits.
    """
    groups = [_group(name, curves) for name in curves.by_name]
    limits = _limits(curves, intervals) if intervals is not None and has_limits(curves) else None
    transform = next(iter(curves.by_name.values())).ci_transform
    words = survival_figure.CurveWords(curves.outcome.wording.free, _since(curves.outcome))
    return survival_figure.survival(groups, curves.months, f"95\u202f% CI, {transform}", limits, words)


def has_limits(curves: Curves) -> bool:
    """Tell whether the figure shows what the days between scans allow: of one curve of what scans alone show."""
    is_seen_on_scans = curves.outcome == ShownOutcome("ttp", FIRST)
    return is_seen_on_scans and len(curves.by_name) == 1 and len(curves.rows) <= MOST_LIMITED and not curves.is_shared


def _since(outcome: ShownOutcome) -> str:
    return "months since time zero" if outcome.clock in (FIRST, LATE) else "months since the baseline scan"


def _has_ticks(curves: Curves) -> bool:
    return len(curves.rows) <= MOST_TICKED and not curves.is_shared and not curves.outcome.wording.is_competing


def _limits(curves: Curves, intervals: pd.DataFrame) -> pd.DataFrame:
    shown = intervals[intervals["patient_id"].isin(curves.rows["patient_id"])]
    until = shown["until_days"].fillna(math.inf)
    estimated = interval_censoring.turnbull([float(x) for x in shown["after_days"]], [float(x) for x in until])
    last = float(curves.rows["duration_days"].max())
    turns = {0.0, last, *estimated.low_days, *estimated.high_days}
    days = sorted({day + step for day in turns for step in (0.0, 0.01) if day + step <= last})
    shares = [estimated.at(day) for day in days]
    return pd.DataFrame(
        {"months": days, "low": [low for low, _ in shares], "high": [high for _, high in shares]}, dtype=float
    ).assign(months=lambda table: table["months"] / DAYS_PER_MONTH)


def method(curves: Curves, total: int, left_out: str = "") -> str:
    """Say how the curves were made, whom they leave out and what limits them."""
    if not curves.by_name:
        return ""
    outcome, patients = curves.outcome, curves.rows
    of_all = "" if curves.is_shared else f" of {total}"
    count = "n not shown" if curves.uncounted else f"n = {len(patients)}{of_all}"
    counted = ", ".join([count, *_events(patients, curves)])
    estimator = "Aalen-Johansen" if outcome.wording.is_competing else "Kaplan-Meier"
    title = f"{outcome.wording.title[0].lower()}{outcome.wording.title[1:]}"
    ticks = " (ticks)" if _has_ticks(curves) else ""
    transform = next(iter(curves.by_name.values())).ci_transform
    estimated = (
        f"{estimator} estimate of {title} ({counted}), {outcome.zero}, {outcome.wording.counted}; censored at "
        f"{outcome.wording.censored}{ticks}; 95\u202f% band by the {transform} transform."
    )
    sentences = [estimated]
    if curves.is_shared:
        sentences.append(shared_curves.NOTE)
    else:
        sentences.append(f"Median follow-up by reverse Kaplan-Meier: {months(follow_up_days(patients))}.")
    if left_out and not curves.is_shared:
        sentences.append(f"Left out: {left_out}.")
    sentences += [f"{labels.capital(labels.words(name))}: {why}." for name, why in curves.refused.items()]
    return " ".join([*sentences, LIMITS_NOTE if has_limits(curves) else outcome.wording.limit])


def _events(patients: pd.DataFrame, curves: Curves) -> list[str]:
    """Write how many events, and how many competing ones where they matter.

    For sharing nothing of several curves, whose sum would tell what is hidden of one, nor of one without its number.
    """
    if curves.is_shared and (len(curves.by_name) > 1 or curves.uncounted):
        return []
    words = {"event": int(patients["is_event"].sum())}
    if curves.outcome.wording.is_competing:
        words["competing event"] = int(patients["is_competing"].sum())
    if not curves.is_shared:
        return [labels.count(count, word) for word, count in words.items()]
    small = f"<{disclosure.FEWEST}"
    counts = shared_curves.counts(len(patients), *words.values())
    named = zip(words.items(), counts, strict=True)
    return [
        labels.count(count, word) if text == str(count)
        else f"{disclosure.HIDDEN if text == small else 'a number not shown of'} {word}s"
        for (word, count), text in named
    ]  # fmt: skip


def header(curves: Curves) -> tuple[str, ...]:
    """Return the names of the columns of the summary."""
    years = (f"at {labels.count(year, 'year')}" for year in YEARS)
    if curves.outcome.wording.is_competing:
        return ("", "n", "events", "competing", *years)
    return ("", "n", "events", "median, 95\u202f% CI", *years)


def summary(curves: Curves) -> list[tuple[str, ...]]:
    """Return each curve's name, n, events, median (or competing events) and share at the years, in words."""
    return [_summary(name, curve, curves) for name, curve in curves.by_name.items()]


def _summary(name: str, curve: Curve, curves: Curves) -> tuple[str, ...]:
    competing = () if isinstance(curve, KaplanMeier) else (curve.competing_count,)
    counted = tuple(map(str, (curve.event_count, *competing)))
    if curves.is_shared:
        counted = shared_curves.counts(curve.patient_count, curve.event_count, *competing)
    if name in curves.uncounted:
        counted = (disclosure.HIDDEN_TOO,) * len(counted)
    if isinstance(curve, KaplanMeier):
        third, shares = _median(curve, curves), [_at(share) for share in survival.at_years(curve, YEARS)]
    else:
        third, shares = counted[1], [_incidence_at(curve, year) for year in YEARS]
    unshown = curves.unshown_years.get(name, frozenset())
    shares = [disclosure.HIDDEN_TOO if year in unshown else share for year, share in zip(YEARS, shares, strict=True)]
    size = disclosure.HIDDEN_TOO if name in curves.uncounted else str(curve.patient_count)
    return (labels.words(name), size, counted[0], third, *shares)


def follow_up_days(patients: pd.DataFrame) -> float | None:
    """Return the median follow-up of patients with a known outcome (reverse Kaplan-Meier); None if not reached."""
    durations, events, entries = columns(patients)
    if "is_competing" in patients:
        events = [one or other for one, other in zip(events, patients["is_competing"].fillna(False), strict=True)]
    return _follow_up_days(tuple(durations), tuple(map(bool, events)), tuple(entries))


@lru_cache(maxsize=8)
def _follow_up_days(durations: tuple[float, ...], events: tuple[bool, ...], entries: tuple[float, ...]) -> float | None:
    """Remember the answer: figure and table of one page ask for the same patients."""
    return survival.reverse_km_median(durations, events, entries)


def months(days: float | None) -> str:
    """Write a time in months, or that it was not reached."""
    return "not reached" if days is None else f"{days / DAYS_PER_MONTH:.0f} months"


def _median(curve: KaplanMeier, curves: Curves) -> str:
    if curve.median_days is None:
        return disclosure.HIDDEN_TOO if curves.is_shared else "not reached"  # a step may be to come
    if curve.event_count < FEWEST_EVENTS:
        return f"not given below {FEWEST_EVENTS} events"
    low, high = months(curve.median_low_days), months(curve.median_high_days)
    by = "by " if curves.is_shared else ""  # the step may come late
    return f"{by}{months(curve.median_days)} ({low.removesuffix(' months')} to {high.removesuffix(' months')})"


def _at(share: SurvivalAt) -> str:
    if share.survival is None:
        return NOT_FOLLOWED
    return _written(share.survival, share.low, share.high)


def _incidence_at(curve: CumulativeIncidence, year: float) -> str:
    """Write the incidence at a year; with nobody left to have the event it stands as it is."""
    days = year * DAYS_PER_YEAR
    if curve.durations_days and days > max(curve.durations_days):
        return NOT_FOLLOWED
    incidence, low, high = curve.at(days)
    return _written(incidence, *((None, None) if low == high else (low, high)))


def _written(share: float, low: float | None, high: float | None) -> str:
    whole = f"{100 * share:.0f}\u202f%"
    return whole if low is None or high is None else f"{whole} ({100 * low:.0f} to {100 * high:.0f})"


def _curve(patients: pd.DataFrame, outcome: ShownOutcome) -> Curve:
    durations, events, entries = columns(patients)
    if outcome.wording.is_competing:
        competing = patients["is_competing"].astype(bool).tolist()
        return survival.cumulative_incidence(durations, events, competing, entries)
    return survival.kaplan_meier(durations, events, entries)


def columns(patients: pd.DataFrame) -> tuple[list[float], list[bool], list[float]]:
    """Return durations, events and entries of patients, as the estimates take them."""
    entries = patients["entry_days"].astype(float).tolist() if "entry_days" in patients else [0.0] * len(patients)
    return patients["duration_days"].astype(float).tolist(), patients["is_event"].astype(bool).tolist(), entries


def _group(name: str, curves: Curves) -> survival_figure.Group:
    curve, is_shared = curves.by_name[name], curves.is_shared
    shares = curve.survival if isinstance(curve, KaplanMeier) else curve.incidence
    steps = pd.DataFrame(
        {"months": curve.times_days, "share": shares, "low": curve.low, "high": curve.high}, dtype=float
    )
    steps["months"] /= DAYS_PER_MONTH
    censored, events = (_days(steps, named) for named in _patients_of(name, curves))
    followed = [curve.at_risk(month * DAYS_PER_MONTH) for month in curves.months]
    at_risk = [shared_curves.rounded(count) if is_shared else str(count) for count in followed]
    return survival_figure.Group(labels.words(name), steps, censored, events, at_risk)


def _patients_of(name: str, curves: Curves) -> tuple[pd.Series, pd.Series]:
    """Return who left a curve without an event and who with one, by day; nobody where no one is to be shown."""
    patients = curves.rows[curves.rows["group"].astype(str) == name]
    if not _has_ticks(curves):
        patients = patients.iloc[:0]
    is_event = patients["is_event"].astype(bool)
    by_day = [
        part.groupby("duration_days")["patient_id"].agg(tuple) for part in (patients[~is_event], patients[is_event])
    ]
    return by_day[0], by_day[1]


def _days(steps: pd.DataFrame, named: pd.Series) -> pd.DataFrame:
    """Return days as months, with the share of the curve there and who it was."""
    ended = named.index.to_numpy(dtype=float) / DAYS_PER_MONTH
    place = np.searchsorted(steps["months"].to_numpy(), ended, side="right") - 1
    share = np.where(place < 0, 1.0, steps["share"].to_numpy()[np.maximum(place, 0)])
    return pd.DataFrame({"months": ended, "share": share, "patients": list(named)})
