"""Many patients at once: time to progression, best change, courses and follow-up, for whom the filters name."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import address, data, frame, growth_rates, labels, sentences, survival_groups
from dashboard.charts import cohort as charts
from dashboard.charts import growth as growth_chart
from dashboard.charts import theme
from dashboard.markup import table
from pipeline.errors import SettingsError

FILTERS = {
    "histology": "Histology",
    "who_grade": "WHO grade",
    "first_surgery_extent": "First operation",
    "syndrome": "Syndrome",
    "centre": "Centre",
}
TOGETHER = "one survival curve"
FEW = 10  # below this number of patients the page says that curves can mislead


def show(study: frame.Study) -> None:
    """Draw the page."""
    everyone = data.query("cohort", criteria_id=study.criteria_id)
    line = st.container()
    with st.container(horizontal=True):
        shown, chosen = filtered(everyone)
        by = grouped()
    with line:
        frame.sentence(sentences.cohort(len(shown), len(everyone), chosen))
        if 0 < len(shown) < FEW:
            frame.remark(f"Fewer than {FEW} patients: read each course, not the curves.")
    if shown.empty:
        frame.remark("No patient matches these filters.")
        return
    criteria = data.table("criteria")
    rules = criteria[criteria["criteria_id"] == study.criteria_id].iloc[0]
    left, right = st.columns(2, gap="large")
    with left:
        progression(shown, by, study)
        waterfall(shown, rules, study)
    with right:
        spider(shown, rules, study)
        growth(shown, study)
        swimmer(shown, study)
    figure_table(shown)


def filtered(everyone: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Offer filters, kept in the address; return the patients that pass and the words for them."""
    shown, words = everyone, []
    with st.popover("Choose patients"):
        for column, label in FILTERS.items():
            options = sorted(everyone[column].dropna().unique())
            default = address.several(column, options)
            picked = st.multiselect(label, options, default=default, key=column, format_func=labels.words)
            address.keep(column, picked)
            if picked:
                shown = shown[shown[column].isin(picked)]
                words.append(f"{'grade ' if column == 'who_grade' else ''}{' or '.join(map(labels.words, picked))}")
    return shown, words


def grouped() -> str:
    """Offer to split the survival curve by a covariate, kept in the address."""
    choices = [TOGETHER, *FILTERS]
    by = st.selectbox(
        "Survival curve",
        choices,
        index=choices.index(address.one("by", choices, TOGETHER)),
        key="by",
        format_func=lambda name: f"curves by {FILTERS[name].lower()}" if name in FILTERS else TOGETHER,
        width=230,
        label_visibility="collapsed",
    )
    address.keep("by", [] if by == TOGETHER else [by])
    return str(by)


def progression(shown: pd.DataFrame, by: str, study: frame.Study) -> None:
    """Show time to progression, for all or by one covariate, with what a reader needs beside a curve."""
    curves = survival_groups.estimate(shown, by if by in FILTERS else None)
    note = survival_groups.method(curves, len(shown))
    intervals = data.query("cohort_interval", criteria_id=study.criteria_id, endpoint_id="ttp")
    draw = partial(survival_groups.figure, curves, intervals)
    if _figure("Time to progression", curves.rows, note, "time_to_progression", draw):
        years = (f"at {labels.count(year, 'year')}" for year in survival_groups.YEARS)
        header = ("", "n", "events", "median, 95\u202f% CI", *years)
        st.html(table(header, survival_groups.summary(curves), "ct-table ct-small"))


def waterfall(shown: pd.DataFrame, rules: pd.Series, study: frame.Study) -> None:
    """Show the best change of each patient."""
    rows = shown.dropna(subset=["best_change_percent"])
    thresholds = {"progression": rules["progression_change_percent"], "response": rules["response_change_percent"]}
    note = (
        f"Lowest change of solid tumour volume from baseline at any later scan of the current period, one bar per "
        f"patient (n = {len(rows)} of {len(shown)}; the others have no later scan or no tumour at baseline). "
        f"Bars end at {labels.percent(charts.CAP_PERCENT)}. Colour: state now. Dashed: thresholds of "
        f"{study.criteria_name}; progression is judged against the smallest scan, not the baseline."
    )
    _figure("Best change", rows, note, "best_change", lambda: charts.waterfall(rows, thresholds))


def spider(shown: pd.DataFrame, rules: pd.Series, study: frame.Study) -> None:
    """Show the course of each patient relative to its baseline."""
    courses = data.query("cohort_trajectory", criteria_id=study.criteria_id)
    courses = courses[courses["patient_id"].isin(shown["patient_id"])]
    courses = courses[courses["epoch"] == courses.groupby("patient_id")["epoch"].transform("max")]
    rows = courses.dropna(subset=["baseline_ratio"])
    thresholds = {"progression": rules["progression_ratio"], "response": rules["response_ratio"]}
    note = (
        f"Solid tumour volume over that at baseline, current period, logarithmic axis: equal steps are equal relative "
        f"change (n = {rows['patient_id'].nunique()} of {len(shown)}; a baseline of none seen has no ratio). "
        f"Colour and last mark: state now."
    )
    _figure("Course from baseline", rows, note, "course", lambda: charts.spider(rows, shown, thresholds))


def growth(shown: pd.DataFrame, study: frame.Study) -> None:
    """Show how fast tumours of each histology grow between treatments; too few patients are refused in words."""
    rows = data.query("cohort_growth", criteria_id=study.criteria_id)
    rows = rows[rows["patient_id"].isin(shown["patient_id"])]
    try:
        found = growth_rates.estimate(rows)
    except SettingsError as error:
        frame.section("Growth by histology")
        frame.remark(f"{labels.capital(str(error))}.")
        return
    draw = partial(growth_chart.growth, growth_rates.rows_of(found))
    _figure("Growth by histology", rows, growth_rates.method(found), "growth", draw)


def swimmer(shown: pd.DataFrame, study: frame.Study) -> None:
    """Show each patient's follow-up with treatments and states."""
    rows = shown.dropna(subset=["time_zero_on", "last_scan_on"])
    judged = data.table("assessment")
    judged = judged[judged["criteria_id"] == study.criteria_id]
    note = (
        f"Follow-up from time zero of time to progression to the last scan (n = {len(rows)} of {len(shown)}). "
        f"Diamonds and bars: treatments; marks: state at each judged scan; an arrow means no event so far."
    )
    _figure("Follow-up", rows, note, "follow_up", lambda: charts.swimmer(rows, judged, data.table("treatment")))


def figure_table(shown: pd.DataFrame) -> None:
    """Offer the table behind all figures."""
    with st.expander(f"Table of the {labels.count(len(shown), 'patient')}"):
        st.dataframe(shown, hide_index=True, alt="One row per patient with covariates, volumes, state and outcome")


def _figure(title: str, rows: pd.DataFrame, note: str, name: str, draw: Callable[[], go.Figure]) -> bool:
    """Put a figure under its title, with its method and its data; tell whether there was anything to draw."""
    if rows.empty:
        frame.section(title)
        frame.remark("Nobody shown has the numbers for this figure.")
        return False
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        frame.section(title)
        st.download_button(
            "Data (CSV)",
            data=lambda: data.csv(rows),
            file_name=f"{name}.csv",
            mime="text/csv",
            on_click="ignore",
            key=f"data-{name}",
            type="tertiary",
        )
    st.plotly_chart(draw(), config=theme.CONFIG, theme=None, key=f"figure-{name}", alt=f"{title}. {note}")
    frame.remark(note)
    return True


frame.show_page(show)
