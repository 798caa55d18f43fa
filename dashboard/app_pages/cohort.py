"""Many patients at once: outcomes over time, best change, courses and follow-up, for whom the filters name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.charts import cohort_figures, crowded_figures, growth_figure
from dashboard.cohort import (
    courses,
    criteria_agreement,
    data_files,
    filters,
    group_comparison,
    growth_rates,
    outcomes,
    patients_table,
    saved_cohorts,
    survival_groups,
    table_one,
)
from dashboard.cohort.courses import Courses
from dashboard.cohort.filters import FILTERS, Cohort
from dashboard.cohort.outcomes import ShownOutcome
from dashboard.data import queries
from dashboard.shell import address, page
from dashboard.words import labels, sentences
from dashboard.words.markup import Html, table, tag
from pipeline.cohort import disclosure
from pipeline.cohort.agreement import Weights
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


@dataclass(frozen=True)
class Chosen:
    """How the outcome is shown: split by a covariate or as one curve, which outcome, and whether small counts hide."""

    by: str
    outcome: ShownOutcome
    is_shared: bool = False


SIGNED_ONLY = "Scans on automatic masks that nobody signed are left out, as in verdicts and curves."
GROUP_1_ONLY = (
    "the survival curve and the table of who they are show both groups, all other figures and tables group 1 only"
)
PALE = "Pale: on an automatic mask that nobody signed."


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
        by, outcome = grouped(), outcomes.choose()
        is_shared = st.toggle("for sharing", key="share", bind="query-params", help=SHARED)
        if not is_shared:
            saved_cohorts.offer(first, study.criteria_id)
        page.choose_image()
    shown = first.rows
    others = second if second.words else None
    with line:
        shown_patients(first, others, len(everyone), is_shared=is_shared)
    if shown.empty or (others is not None and others.rows.empty):
        page.remark("No patient matches these filters.")
        return
    criteria = queries.table("criteria")
    rules = criteria[criteria["criteria_id"] == study.criteria_id].iloc[0]
    if is_shared:
        page.remark(SHARED)
        outcome_curves(first, others, Chosen(by, outcome, is_shared=True), study)
        described(first, others, is_shared=True)
        methods(first, others, study)
        return
    if others is not None:
        page.remark(f"{labels.capital(GROUP_1_ONLY)}.")
    left, right = st.columns(2, gap="large")
    with left:
        outcome_curves(first, others, Chosen(by, outcome), study)
        waterfall(shown, rules, study)
        cysts(shown, study)
    with right:
        spider(shown, rules, study)
        growth(shown, study)
        swimmer(shown, study)
    described(first, others)
    agreement(shown, study)
    methods(first, others, study)
    figure_table(shown)


def shown_patients(first: Cohort, others: Cohort | None, total: int, *, is_shared: bool = False) -> None:
    """Say for whom the page speaks, with n, and warn where the numbers are too small for curves."""
    groups = [group for group in (first, others) if group is not None]
    named = [sentences.cohort(_counted(len(group.rows), total, is_shared), total, group.words) for group in groups]
    page.sentence("; compared with ".join(named))
    if is_shared:
        return
    if 0 < len(first.rows) < FEW:
        page.remark(f"Fewer than {FEW} patients: read each course, not the curves.")
    if others is not None:
        both = len(set(first.rows["patient_id"]) & set(others.rows["patient_id"]))
        if both:
            page.remark(f"{labels.count(both, 'patient is', 'patients are')} in both groups; the test assumes none is.")


def _counted(count: int, total: int, is_shared: bool) -> str:
    """Write how many of all; for sharing neither a few nor all but a few."""
    if not is_shared or count == total:
        return str(count)
    return disclosure.written([count, total - count], [str(count), ""])[0]


def grouped() -> str:
    """Offer to split the survival curve by a covariate, kept in the address."""
    choices = [TOGETHER, *FILTERS]
    address.follow("by", address.one("by", choices, TOGETHER))
    by = st.selectbox(
        "Survival curve",
        choices,
        key="by",
        format_func=lambda name: f"curves by {FILTERS[name].lower()}" if name in FILTERS else TOGETHER,
        width=230,
        label_visibility="collapsed",
    )
    address.keep("by", [] if by == TOGETHER else [by])
    return str(by)


def outcome_curves(first: Cohort, others: Cohort | None, chosen: Chosen, study: page.ShownStudy) -> None:
    """Show an outcome over time, for all, by one covariate or for two groups, with the numbers beside it."""
    shown, column = first.rows, chosen.by if chosen.by in FILTERS else None
    if others is not None:
        named = {f"{n}: {group.name}": group.rows for n, group in (("1", first), ("2", others))}
        shown = pd.concat([patients.assign(compared=name) for name, patients in named.items()])
        column = "compared"
    timed = outcomes.of_patients(shown, study.criteria_id, chosen.outcome)
    curves = survival_groups.estimate(timed.rows, column, chosen.outcome)
    if chosen.is_shared:
        curves = survival_groups.to_share(curves)
    comparison = group_comparison.compare(curves)
    note = f"{survival_groups.method(curves, len(shown), timed.left_out)} {comparison.sentence}".strip()
    has_limits = survival_groups.has_limits(curves)
    intervals = (
        queries.query("cohort_interval", criteria_id=study.criteria_id, endpoint_id="ttp") if has_limits else None
    )
    title, name = chosen.outcome.wording.title, chosen.outcome.wording.title.lower().replace(" ", "_")
    draw = partial(survival_groups.figure, curves, intervals)
    if _figure(title, len(curves.rows), note, name, draw, None if chosen.is_shared else lambda: curves.rows):
        numbers = [[name, *map(_unbroken, cells)] for name, *cells in survival_groups.summary(curves)]
        st.html(table(survival_groups.header(curves), numbers, "ct-table ct-small"))
        ratios = group_comparison.table_of(curves, comparison)
        if len(ratios):
            _words_table(ratios)
    elif not chosen.is_shared:
        page.remark(" ".join([timed.left_out and f"Left out: {timed.left_out}.", *curves.refused.values()]))


def _unbroken(cell: str) -> Html | str:
    """Keep a number on one line where columns are narrow; only an interval may go on to the next."""
    return cell if " " in cell else tag("span", cell, style="white-space:nowrap")


def waterfall(shown: pd.DataFrame, rules: pd.Series, study: page.ShownStudy) -> None:
    """Show the best change of each patient."""
    patients = shown.dropna(subset=["best_change_percent"])
    thresholds = {"progression": rules["progression_change_percent"], "response": rules["response_change_percent"]}
    note = (
        f"Lowest change of solid tumour volume from baseline at any later scan of the current period, one bar "
        f"per patient (n = {len(patients)} of {len(shown)}; the others have no later signed scan or no tumour at "
        f"baseline). {SIGNED_ONLY} "
        f"Bars end at {labels.percent(cohort_figures.CAP_PERCENT)}. Colour: state now. Dashed: thresholds of "
        f"{study.criteria_name}; progression is judged against the smallest scan, not the baseline."
    )
    draw = partial(cohort_figures.waterfall, patients, thresholds)
    if len(patients) > MOST_DRAWN:
        note = f"{note.replace('one bar per patient', 'patients by rank')} {TOO_MANY}"
        draw = partial(crowded_figures.ranked, patients["best_change_percent"], thresholds)
    _figure("Best change", len(patients), note, "best_change", draw, lambda: patients)


def spider(shown: pd.DataFrame, rules: pd.Series, study: page.ShownStudy) -> None:
    """Show the course of each patient relative to its baseline."""
    ratios = courses.courses(study.criteria_id, "tumour", shown["patient_id"])
    thresholds = {"progression": rules["progression_ratio"], "response": rules["response_ratio"]}
    note = (
        f"Solid tumour volume over that at baseline, current period, logarithmic axis: equal steps are equal relative "
        f"change (n = {ratios.patient_count} of {len(shown)}; a baseline of none seen has no ratio). "
        f"Colour and last mark: state now. {PALE}"
    )
    _courses("Course from baseline", ratios, shown, note, "course", thresholds)


def growth(shown: pd.DataFrame, study: page.ShownStudy) -> None:
    """Show how fast tumours of each histology grow between treatments; too few patients are refused in words."""
    if shown["histology"].count() > MOST_MODELLED and not _asked("Growth by histology", "growth-model"):
        return
    scans = queries.query("cohort_growth", criteria_id=study.criteria_id)
    scans = scans[scans["patient_id"].isin(shown["patient_id"])]
    try:
        rates = growth_rates.estimate(scans)
    except SettingsError as error:
        page.section("Growth by histology")
        page.remark(f"{labels.capital(str(error))}.")
        return
    draw = partial(growth_figure.growth, growth_rates.rows_of(rates))
    _figure("Growth by histology", len(scans), growth_rates.method(rates), "growth", draw, lambda: scans)


def _asked(title: str, key: str) -> bool:
    """Offer what takes a while, such as a model of thousands of patients; tell whether somebody wants it."""
    if st.session_state.get(key):
        return True
    page.section(title)
    return bool(st.toggle("compute for so many patients, which takes a while", key=key))


def swimmer(shown: pd.DataFrame, study: page.ShownStudy) -> None:
    """Show each patient's follow-up with treatments and states."""
    dated = shown.dropna(subset=["time_zero_on", "last_scan_on"])
    length = dated["last_scan_on"] - dated["time_zero_on"]
    swimmers = dated.loc[length.sort_values(ascending=False).index[:MOST_SWIMMERS]]
    judged = queries.of_patients("cohort_states", sorted(swimmers["patient_id"]), criteria_id=study.criteria_id)
    few = f", the {MOST_SWIMMERS} followed longest of {len(dated)}" if len(dated) > len(swimmers) else ""
    note = (
        f"Follow-up from time zero of time to progression to the last scan (n = {len(swimmers)} of {len(shown)}{few}). "
        f"Diamonds and bars: treatments; marks: state at each judged scan; an arrow means no event so far. {PALE} "
        f"Such a scan is neither event nor follow-up of the curve above."
    )
    draw = partial(cohort_figures.swimmer, swimmers, judged, queries.table("treatment"))
    _figure("Follow-up", len(swimmers), note, "follow_up", draw, lambda: swimmers)


def cysts(shown: pd.DataFrame, study: page.ShownStudy) -> None:
    """Show the course of each patient's cyst, which never decides a response."""
    ratios = courses.courses(study.criteria_id, "cyst", shown["patient_id"])
    note = (
        f"Cyst volume over that at baseline, current period, logarithmic axis (n = {ratios.patient_count} of "
        f"{len(shown)}; the others have no cyst at baseline). Cysts are followed and never scored. Colour: state of "
        f"the tumour now."
    )
    _courses("Cysts", ratios, shown, note, "cysts", {})


def _courses(
    title: str, ratios: Courses, shown: pd.DataFrame, note: str, name: str, thresholds: dict[str, float]
) -> None:
    def draw() -> go.Figure:
        if count > MOST_DRAWN:
            return crowded_figures.quantiles(ratios.stretches(), thresholds)
        return cohort_figures.spider(ratios.scans(), shown, thresholds)

    count = ratios.patient_count
    if count > MOST_DRAWN:
        note = f"{note} Line: median; bands: quartiles and tenths, by {crowded_figures.STEP_MONTHS} months. {TOO_MANY}"
    _figure(title, count, note, name, draw, ratios.scans)


def described(first: Cohort, others: Cohort | None, *, is_shared: bool = False) -> None:
    """Show who the patients are, one column for each group."""
    groups = {f"1: {first.name}": first.rows, f"2: {others.name}": others.rows} if others else {first.name: first.rows}
    characteristics = table_one.table_one(groups, is_shared=is_shared)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section("Who they are")
        data_files.offer(lambda: characteristics, "patients")
    _words_table(characteristics)
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
    weights = st.selectbox(
        "Kappa", list(Weights), key="weights", format_func=criteria_agreement.WEIGHTS.__getitem__, width=330,
        index=list(Weights).index(Weights(address.one("weights", list(Weights), Weights.NONE))),
    )  # fmt: skip
    address.keep("weights", [] if weights == Weights.NONE else [weights])
    panel = criteria_agreement.compare(verdicts, weights)
    data_files.offer(lambda: criteria_agreement.table(panel), "agreement")
    _words_table(criteria_agreement.table(panel, study.criteria_id))
    page.remark(f"{criteria_agreement.method(panel)} All pairs are in the files.")
    NOTES.append(("Agreement", criteria_agreement.method(panel)))


def _words_table(words: pd.DataFrame) -> None:
    st.html(table(list(words.columns), words.astype(str).to_numpy().tolist(), "ct-table ct-small"))


def methods(first: Cohort, others: Cohort | None, study: page.ShownStudy) -> None:
    """Offer what a paper would say about these figures, ready to copy."""
    with st.expander("Methods, ready to paste"):
        text = "\n\n".join(f"{title}. {note}" for title, note in NOTES)
        who = labels.capital(first.name)
        if others is not None:
            who = f"{who}, compared with {others.name}; {GROUP_1_ONLY}"
        st.code(f"{who}.\n\n{text}\n\n{page.provenance(study)}", language=None, wrap_lines=True)


def figure_table(shown: pd.DataFrame) -> None:
    """Offer the table behind all figures."""
    opened = st.expander(f"Table of the {labels.count(len(shown), 'patient')}", key="table", on_change="rerun")
    if opened.open:
        opened.dataframe(
            patients_table.patients_table(shown),
            hide_index=True,
            alt="One row per patient with covariates, volumes, state and outcome",
        )


def _figure(
    title: str,
    count: int,
    note: str,
    name: str,
    draw: Callable[[], go.Figure],
    make_table: Callable[[], pd.DataFrame] | None,
) -> bool:
    """Put a figure of so many under its title, with method and data; tell whether there was anything to draw."""
    if not count:
        page.section(title)
        page.remark("Nobody shown has the numbers for this figure.")
        return False
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section(title)
        if make_table is not None:
            data_files.offer(make_table, name)
    page.figure(draw(), f"figure-{name}", f"{title}. {note}")
    page.remark(note)
    NOTES.append((title, note))
    return True


page.show_page(show)
