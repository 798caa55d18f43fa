"""Figures of one group of patients, each patient a mark: best change, course, growth, follow-up and cysts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.charts import cohort_figures, crowded_figures, growth_figure, lanes
from dashboard.cohort import courses, growth_rates
from dashboard.cohort.courses import Courses
from dashboard.cohort.figure_frame import CohortFigure, framed
from dashboard.data import queries
from dashboard.patient import judged_volumes
from dashboard.shell import page
from dashboard.words import labels
from pipeline.errors import SettingsError

MOST_DRAWN = 200
MOST_SWIMMERS = 60
MOST_MODELLED = 500
TOO_MANY = f"More than {MOST_DRAWN} patients are not drawn one by one; choose fewer, or take the data."
SIGNED_ONLY = "Scans on automatic masks that nobody signed are left out, as in verdicts and curves."
PALE = "Pale: on an automatic mask that nobody signed."


@dataclass(frozen=True)
class ShownGroup:
    """One group of patients as figures show it.

    Attributes
    ----------
    patients
        Rows of the cohort query.
    name
        Which group it is, where there are two; empty where there is one.
    number
        Of the group, where there are two.
    notes
        Title and method of what the page has drawn.
    """

    patients: pd.DataFrame
    study: page.ShownStudy
    rules: pd.Series
    name: str = ""
    number: int = 1
    notes: list[tuple[str, str]] = field(default_factory=list)

    def titled(self, title: str) -> str:
        """Say in a title which group is shown."""
        return f"{title}, {self.name}" if self.name else title

    def draw(self, figure: CohortFigure) -> None:
        """Draw a figure of this group, under a title and a name of its own."""
        suffix = "" if self.number == 1 else f"_{self.number}"
        whom = f"Shown: {self.name}. " if self.name else ""
        framed(
            CohortFigure(
                self.titled(figure.title), figure.count, f"{whom}{figure.note}", f"{figure.name}{suffix}", figure.draw,
                figure.make_table,
            ),
            self.notes,
        )  # fmt: skip


def waterfall(group: ShownGroup) -> None:
    """Show the best change of each patient."""
    shown, rules = group.patients, group.rules
    patients = shown.dropna(subset=["judged_best_change_percent"])
    thresholds = {"progression": rules["progression_change_percent"], "response": rules["response_change_percent"]}
    note = (
        f"Lowest change of solid tumour volume from baseline at any later scan of the current period, one bar "
        f"per patient (n = {len(patients)} of {len(shown)}; the others have no later signed scan or no tumour at "
        f"baseline). {SIGNED_ONLY} {_left_out(group)}"
        f"Bars end at {labels.percent(cohort_figures.CAP_PERCENT)}. Colour: state now. Dashed: thresholds of "
        f"{group.study.criteria_name}; progression is judged against the smallest scan, not the baseline."
    )
    draw = partial(cohort_figures.waterfall, patients, thresholds)
    if len(patients) > MOST_DRAWN:
        note = f"{note.replace('one bar per patient', 'patients by rank')} {TOO_MANY}"
        draw = partial(crowded_figures.ranked, patients["judged_best_change_percent"], thresholds)
    group.draw(CohortFigure("Best change", len(patients), note, "best_change", draw, lambda: patients))


def spider(group: ShownGroup) -> None:
    """Show the course of each patient relative to its baseline."""
    shown, rules = group.patients, group.rules
    ratios = courses.courses(group.study.criteria_id, "tumour", shown["patient_id"])
    thresholds = {"progression": rules["progression_ratio"], "response": rules["response_ratio"]}
    note = (
        f"Solid tumour volume over that at baseline, current period, logarithmic axis: equal steps are equal relative "
        f"change (n = {ratios.patient_count} of {len(shown)}; a baseline of none seen has no ratio). "
        f"Colour and last mark: state now. {PALE} {_left_out(group)}"
    ).strip()
    _courses(group, "Course from baseline", ratios, (note, "course"), thresholds)


def _left_out(group: ShownGroup) -> str:
    """Say of how many new tumours are left out, as the criteria leave them out: the dashed lines are of the rest."""
    apart = judged_volumes.of_everybody(group.study.criteria_id)["patient_id"]
    count = int(group.patients["patient_id"].isin(apart).sum())
    return f"New tumours that the rule leaves out are left out here (n = {count}). " if count else ""


def growth(group: ShownGroup) -> bool:
    """Show how fast tumours of each histology grow between treatments; too few patients are refused in words.

    Returns
    -------
    bool
        Whether there is a figure.
    """
    shown, title = group.patients, "Growth by histology"
    if shown["histology"].count() > MOST_MODELLED and not _asked(group.titled(title), f"growth-model-{group.number}"):
        return False
    scans = queries.query("cohort_growth", criteria_id=group.study.criteria_id)
    scans = scans[scans["patient_id"].isin(shown["patient_id"])]
    try:
        rates = growth_rates.estimate(scans)
    except SettingsError as error:
        page.section(group.titled(title))
        page.remark(f"{labels.capital(str(error))}.")
        return False
    draw = partial(growth_figure.growth, growth_rates.rows_of(rates))
    group.draw(CohortFigure(title, len(scans), growth_rates.method(rates), "growth", draw, lambda: scans))
    return True


def _asked(title: str, key: str) -> bool:
    """Offer what takes a while, such as a model of thousands of patients; tell whether somebody wants it."""
    if st.session_state.get(key):
        return True
    page.section(title)
    return bool(st.toggle("compute for so many patients, which takes a while", key=key))


def swimmer(group: ShownGroup) -> None:
    """Show each patient's follow-up with treatments and states."""
    shown = group.patients
    dated = shown.dropna(subset=["time_zero_on", "last_scan_on"])
    length = dated["last_scan_on"] - dated["time_zero_on"]
    swimmers = dated.loc[length.sort_values(ascending=False).index[:MOST_SWIMMERS]]
    judged = queries.of_patients("cohort_states", sorted(swimmers["patient_id"]), criteria_id=group.study.criteria_id)
    treatments = queries.table("treatment")
    undrawn = len(lanes.unplaced_words(treatments[treatments["patient_id"].isin(swimmers["patient_id"])]))
    few = f", the {MOST_SWIMMERS} followed longest of {len(dated)}" if len(dated) > len(swimmers) else ""
    note = (
        f"Follow-up from time zero of time to progression to the last scan (n = {len(swimmers)} of {len(shown)}{few}). "
        f"Diamonds and bars: treatments; marks: state at each judged scan; an arrow means no event so far. {PALE} "
        f"Such a scan is neither event nor follow-up of the curve above."
        + (f" Treatments on an unknown day are not drawn (n = {undrawn})." if undrawn else "")
    )
    draw = partial(cohort_figures.swimmer, swimmers, judged, treatments)
    group.draw(CohortFigure("Follow-up", len(swimmers), note, "follow_up", draw, lambda: swimmers))


def cysts(group: ShownGroup) -> None:
    """Show the course of each patient's cyst, which never decides a response."""
    shown = group.patients
    ratios = courses.courses(group.study.criteria_id, "cyst", shown["patient_id"])
    note = (
        f"Cyst volume over that at baseline, current period, logarithmic axis (n = {ratios.patient_count} of "
        f"{len(shown)}; the others have no cyst at baseline). Cysts are followed and never scored. Colour: state of "
        f"the tumour now."
    )
    _courses(group, "Cysts", ratios, (note, "cysts"), {})


def _courses(
    group: ShownGroup, title: str, ratios: Courses, words: tuple[str, str], thresholds: dict[str, float]
) -> None:
    """Draw courses of so many patients, with the note and the name of the files."""
    note, name = words
    count = ratios.patient_count

    def draw() -> go.Figure:
        if count > MOST_DRAWN:
            return crowded_figures.quantiles(ratios.stretches(), thresholds)
        return cohort_figures.spider(ratios.scans(), group.patients, thresholds)

    if count > MOST_DRAWN:
        note = f"{note} Line: median; bands: quartiles and tenths, by {crowded_figures.STEP_MONTHS} months. {TOO_MANY}"
    group.draw(CohortFigure(title, count, note, name, draw, ratios.scans))
