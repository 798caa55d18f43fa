"""Many patients at once: time to progression, best change, courses and follow-up, for whom the filters name."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.charts import cohort_figures as charts
from dashboard.charts import crowded_figures
from dashboard.charts import growth_figure as growth_chart
from dashboard.cohort import courses as cohort_courses
from dashboard.cohort import (
    criteria_agreement,
    data_files,
    filters,
    growth_rates,
    saved_cohorts,
    survival_groups,
    table_one,
)
from dashboard.cohort.courses import Courses
from dashboard.cohort.filters import FILTERS, Cohort
from dashboard.data import queries
from dashboard.shell import address, page
from dashboard.words import labels, sentences
from dashboard.words.markup import table
from pipeline.cohort import disclosure
from pipeline.errors import SettingsError

NOTES: list[tuple[str, str]] = []
"""Title and method of what this run of the page has drawn; the file is run anew for each reader and each time."""
TOGETHER = "one survival curve"
MOST_DRAWN = 200
MOST_SWIMMERS = 60
MOST_MODELLED = 500
TOO_MANY = f"More than {MOST_DRAWN} patients are not drawn one by one; choose fewer, or take the data."
SHARED = (
    f"Counts below {disclosure.FEWEST} are hidden, smaller groups left out, and nothing is offered that shows one "
    "person. Two tables of overlapping groups can still be compared: share one."
)
FEW = 10  # below this number of patients the page says that curves can mislead


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    everyone = filters.everyone_of(study.criteria_id)
    line = st.container()
    with st.container(horizontal=True):
        with st.popover("Choose patients"):
            first = filters.choose(study.criteria_id)
        with st.popover("Compare with"):
            page.remark("A second group; the address holds both.")
            second = filters.choose(study.criteria_id, filters.SECOND)
        by = grouped()
        is_shared = st.toggle("for sharing", key="share", bind="query-params", help=SHARED)
        if not is_shared:
            saved_cohorts.offer(first, study.criteria_id)
        page.choose_image()
    shown = first.rows
    others = second if second.words else None
    with line:
        said(first, others, len(everyone))
    if shown.empty or (others is not None and others.rows.empty):
        page.remark("No patient matches these filters.")
        return
    criteria = queries.table("criteria")
    rules = criteria[criteria["criteria_id"] == study.criteria_id].iloc[0]
    if is_shared:
        page.remark(SHARED)
        progression(first, others, by, study, is_shared=True)
        described(first, others, is_shared=True)
        methods(first, study)
        return
    left, right = st.columns(2, gap="large")
    with left:
        progression(first, others, by, study)
        waterfall(shown, rules, study)
        cysts(shown, study)
    with right:
        spider(shown, rules, study)
        growth(shown, study)
        swimmer(shown, study)
    described(first, others)
    agreement(shown, study)
    methods(first, study)
    figure_table(shown)


def said(first: Cohort, others: Cohort | None, total: int) -> None:
    """Say for whom the page speaks, with n, and warn where the numbers are too small for curves."""
    text = sentences.cohort(len(first.rows), total, first.words)
    if others is not None:
        text += f"; compared with {sentences.cohort(len(others.rows), total, others.words)}"
    page.sentence(text)
    if 0 < len(first.rows) < FEW:
        page.remark(f"Fewer than {FEW} patients: read each course, not the curves.")
    if others is not None:
        both = len(set(first.rows["patient_id"]) & set(others.rows["patient_id"]))
        if both:
            page.remark(f"{labels.count(both, 'patient is', 'patients are')} in both groups; the test assumes none is.")


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


def progression(
    first: Cohort, others: Cohort | None, by: str, study: page.ShownStudy, *, is_shared: bool = False
) -> None:
    """Show time to progression, for all, by one covariate or for two groups, with the numbers beside it."""
    shown, column = first.rows, by if by in FILTERS else None
    if others is not None:
        named = {f"{n}: {group.name}": group.rows for n, group in (("1", first), ("2", others))}
        shown = pd.concat([rows.assign(compared=name) for name, rows in named.items()])
        column = "compared"
    curves = survival_groups.estimate(shown, column)
    if is_shared:
        curves = survival_groups.to_share(curves)
    note = survival_groups.method(curves, len(shown))
    intervals = queries.query("cohort_interval", criteria_id=study.criteria_id, endpoint_id="ttp")
    draw = partial(survival_groups.figure, curves, intervals)
    rows = None if is_shared else lambda: curves.rows
    if _figure("Time to progression", len(curves.rows), note, "time_to_progression", draw, rows):
        years = (f"at {labels.count(year, 'year')}" for year in survival_groups.YEARS)
        header = ("", "n", "events", "median, 95\u202f% CI", *years)
        st.html(table(header, survival_groups.summary(curves), "ct-table ct-small"))


def waterfall(shown: pd.DataFrame, rules: pd.Series, study: page.ShownStudy) -> None:
    """Show the best change of each patient."""
    rows = shown.dropna(subset=["best_change_percent"])
    thresholds = {"progression": rules["progression_change_percent"], "response": rules["response_change_percent"]}
    note = (
        f"Lowest change of solid tumour volume from baseline at any later scan of the current period, one bar per "
        f"patient (n = {len(rows)} of {len(shown)}; the others have no later scan or no tumour at baseline). "
        f"Bars end at {labels.percent(charts.CAP_PERCENT)}. Colour: state now. Dashed: thresholds of "
        f"{study.criteria_name}; progression is judged against the smallest scan, not the baseline."
    )
    draw = partial(charts.waterfall, rows, thresholds)
    if len(rows) > MOST_DRAWN:
        note = f"{note.replace('one bar per patient', 'patients by rank')} {TOO_MANY}"
        draw = partial(crowded_figures.ranked, rows["best_change_percent"], thresholds)
    _figure("Best change", len(rows), note, "best_change", draw, lambda: rows)


def spider(shown: pd.DataFrame, rules: pd.Series, study: page.ShownStudy) -> None:
    """Show the course of each patient relative to its baseline."""
    courses = cohort_courses.courses(study.criteria_id, "tumour", shown["patient_id"])
    thresholds = {"progression": rules["progression_ratio"], "response": rules["response_ratio"]}
    note = (
        f"Solid tumour volume over that at baseline, current period, logarithmic axis: equal steps are equal relative "
        f"change (n = {courses.patient_count} of {len(shown)}; a baseline of none seen has no ratio). "
        f"Colour and last mark: state now."
    )
    _courses("Course from baseline", courses, shown, note, "course", thresholds)


def growth(shown: pd.DataFrame, study: page.ShownStudy) -> None:
    """Show how fast tumours of each histology grow between treatments; too few patients are refused in words."""
    if shown["histology"].count() > MOST_MODELLED and not _asked("Growth by histology", "growth-model"):
        return
    rows = queries.query("cohort_growth", criteria_id=study.criteria_id)
    rows = rows[rows["patient_id"].isin(shown["patient_id"])]
    try:
        found = growth_rates.estimate(rows)
    except SettingsError as error:
        page.section("Growth by histology")
        page.remark(f"{labels.capital(str(error))}.")
        return
    draw = partial(growth_chart.growth, growth_rates.rows_of(found))
    _figure("Growth by histology", len(rows), growth_rates.method(found), "growth", draw, lambda: rows)


def _asked(title: str, key: str) -> bool:
    """Offer what takes a while, such as a model of thousands of patients; tell whether somebody wants it."""
    if st.session_state.get(key):
        return True
    page.section(title)
    return bool(st.toggle("compute for so many patients, which takes a while", key=key))


def swimmer(shown: pd.DataFrame, study: page.ShownStudy) -> None:
    """Show each patient's follow-up with treatments and states."""
    known = shown.dropna(subset=["time_zero_on", "last_scan_on"])
    length = known["last_scan_on"] - known["time_zero_on"]
    rows = known.loc[length.sort_values(ascending=False).index[:MOST_SWIMMERS]]
    judged = queries.of_patients("cohort_states", sorted(rows["patient_id"]), criteria_id=study.criteria_id)
    few = f", the {MOST_SWIMMERS} followed longest of {len(known)}" if len(known) > len(rows) else ""
    note = (
        f"Follow-up from time zero of time to progression to the last scan (n = {len(rows)} of {len(shown)}{few}). "
        f"Diamonds and bars: treatments; marks: state at each judged scan; an arrow means no event so far."
    )
    draw = partial(charts.swimmer, rows, judged, queries.table("treatment"))
    _figure("Follow-up", len(rows), note, "follow_up", draw, lambda: rows)


def cysts(shown: pd.DataFrame, study: page.ShownStudy) -> None:
    """Show the course of each patient's cyst, which never decides a response."""
    courses = cohort_courses.courses(study.criteria_id, "cyst", shown["patient_id"])
    note = (
        f"Cyst volume over that at baseline, current period, logarithmic axis (n = {courses.patient_count} of "
        f"{len(shown)}; the others have no cyst at baseline). Cysts are followed and never scored. Colour: state of "
        f"the tumour now."
    )
    _courses("Cysts", courses, shown, note, "cysts", {})


def _courses(
    title: str, courses: Courses, shown: pd.DataFrame, note: str, name: str, thresholds: dict[str, float]
) -> None:
    def draw() -> go.Figure:
        if count > MOST_DRAWN:
            return crowded_figures.quantiles(courses.stretches(), thresholds)
        return charts.spider(courses.scans(), shown, thresholds)

    count = courses.patient_count
    if count > MOST_DRAWN:
        note = f"{note} Line: median; bands: quartiles and tenths, by {crowded_figures.STEP_MONTHS} months. {TOO_MANY}"
    _figure(title, count, note, name, draw, courses.scans)


def described(first: Cohort, others: Cohort | None, *, is_shared: bool = False) -> None:
    """Show who the patients are, one column for each group."""
    groups = {f"1: {first.name}": first.rows, f"2: {others.name}": others.rows} if others else {first.name: first.rows}
    made = table_one.table_one(groups, is_shared=is_shared)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section("Who they are")
        data_files.offer(lambda: made, "patients")
    st.html(table(list(made.columns), made.astype(str).to_numpy().tolist(), "ct-table ct-small"))
    page.remark(table_one.METHOD)
    NOTES.append(("Table", table_one.METHOD))


def agreement(shown: pd.DataFrame, study: page.ShownStudy) -> None:
    """Show how far the criteria agree, once somebody asks: it compares every verdict with every other."""
    page.section("Agreement of criteria")
    if not st.toggle("compare all criteria", key="agreement", bind="query-params"):
        return
    verdicts = queries.query("cohort_agreement")
    verdicts = verdicts[verdicts["patient_id"].isin(shown["patient_id"])]
    if len(verdicts) > criteria_agreement.MOST:
        page.remark(f"{len(verdicts):,} verdicts are too many to compare here; choose fewer patients.")
        return
    found = criteria_agreement.compare(verdicts)
    made = criteria_agreement.table(found, study.criteria_id)
    data_files.offer(lambda: criteria_agreement.table(found), "agreement")
    st.html(table(list(made.columns), made.astype(str).to_numpy().tolist(), "ct-table ct-small"))
    page.remark(f"{criteria_agreement.method(found)} All pairs are in the files.")
    NOTES.append(("Agreement", criteria_agreement.method(found)))


def methods(first: Cohort, study: page.ShownStudy) -> None:
    """Offer what a paper would say about these figures, ready to copy."""
    with st.expander("Methods, ready to paste"):
        text = "\n\n".join(f"{title}. {note}" for title, note in NOTES)
        who = labels.capital(first.name)
        st.code(f"{who}.\n\n{text}\n\n{page.provenance(study)}", language=None, wrap_lines=True)


def figure_table(shown: pd.DataFrame) -> None:
    """Offer the table behind all figures."""
    opened = st.expander(f"Table of the {labels.count(len(shown), 'patient')}", key="table", on_change="rerun")
    if opened.open:
        opened.dataframe(shown, hide_index=True, alt="One row per patient with covariates, volumes, state and outcome")


def _figure(
    title: str, count: int, note: str, name: str, draw: Callable[[], go.Figure], rows: Callable[[], pd.DataFrame] | None
) -> bool:
    """Put a figure of so many under its title, with method and data; tell whether there was anything to draw."""
    if not count:
        page.section(title)
        page.remark("Nobody shown has the numbers for this figure.")
        return False
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section(title)
        if rows is not None:
            data_files.offer(rows, name)
    page.figure(draw(), f"figure-{name}", f"{title}. {note}")
    page.remark(note)
    NOTES.append((title, note))
    return True


page.show_page(show)
