"""Many patients at once: outcomes over time, best change, courses and follow-up, for whom the filters name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cohort import (
    criteria_agreement,
    filters,
    first_findings,
    group_comparison,
    outcomes,
    patient_figures,
    patients_table,
    saved_cohorts,
    shared_curves,
    survival_groups,
    table_one,
)
from dashboard.cohort.figure_frame import CohortFigure, framed, lead_from_marks
from dashboard.cohort.filters import FILTERS, Cohort
from dashboard.cohort.first_findings import FINDINGS
from dashboard.cohort.outcomes import ShownOutcome
from dashboard.data import queries
from dashboard.shell import address, data_files, page
from dashboard.words import labels, sentences
from dashboard.words.markup import Html, table, tag
from pipeline.cohort import disclosure
from pipeline.cohort.agreement import Weights

NOTES: list[tuple[str, str]] = []
"""Title and method of what this run of the page has drawn; the file is run anew for each reader and each time."""
TOGETHER = "one survival curve"
PANEL = "choose"
"""Parameter of the address: the filters stand beside the figures."""
PANEL_WIDTHS = [1.2, 4.4]
SHARED = (
    f"Counts below {disclosure.FEWEST} are hidden, smaller groups left out, and nothing is offered that shows one "
    "person. Two tables of overlapping groups can still be compared: share one."
)
SOME_IN_BOTH = (
    "For sharing these two groups are not shown side by side: some patients are in both, not all, and the difference "
    "of two counts could tell of a few. Choose groups that share nobody, or one group."
)
FEW = 10  # below this number of patients the page says that curves can mislead


@dataclass(frozen=True)
class Chosen:
    """How the outcome is shown: split by a covariate or as one curve, which outcome, and whether small counts hide."""

    by: str
    outcome: ShownOutcome
    is_shared: bool = False


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    everyone = filters.everyone_of(study.criteria_id)
    line = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        is_open = address.switch("choose patients", PANEL, "Filters beside the figures")
        by, outcome = grouped(filters.options(study.criteria_id)), outcomes.choose()
        is_shared = address.switch("for sharing", "share", SHARED)
        saving = st.container(width="content")
    panel, body = page.halves(PANEL_WIDTHS, "panel") if is_open else (None, st.container())
    first, second = chosen_patients(study, panel, len(everyone), is_shared=is_shared)
    with saving:
        if not is_shared:
            saved_cohorts.offer(first, study.criteria_id)
    others = second if second.words else None
    if (
        is_shared
        and others is not None
        and disclosure.overlap_in_part(*(set(g.rows["patient_id"]) for g in (first, others)))
    ):
        page.remark(SOME_IN_BOTH)
        return
    with line:
        shown_patients(first, others, len(everyone), is_shared=is_shared)
    with body:
        if first.rows.empty or (others is not None and others.rows.empty):
            page.remark("No patient matches these filters.")
            return
        figures(first, others, Chosen(by, outcome, is_shared), study)


def chosen_patients(
    study: page.ShownStudy, panel: DeltaGenerator | None, total: int, *, is_shared: bool
) -> tuple[Cohort, Cohort]:
    """Return both groups as the address names them; with a panel the filters stand in it, each group with its n.

    For sharing without: each turn of a filter would show two n of overlapping groups, refused or not.
    """
    if panel is None:
        first, second = (
            filters.in_force(study.criteria_id, prefix, is_shared=is_shared) for prefix in ("", filters.SECOND)
        )
        return first, second
    groups = []
    for prefix, title in (("", "Patients"), (filters.SECOND, "Compared with")):
        with panel:
            head = st.container()
            group = filters.choose(study.criteria_id, prefix, is_shared=is_shared)
            with head:
                is_anybody = prefix and not group.words
                count = "" if is_shared else f"n = {len(group.rows)} of {total}"
                page.section(title, "nobody yet" if is_anybody else count)
        groups.append(group)
    return groups[0], groups[1]


def figures(first: Cohort, others: Cohort | None, chosen: Chosen, study: page.ShownStudy) -> None:
    """Draw everything below the choices: one group over two columns, two groups a column each."""
    if chosen.is_shared:
        page.remark(SHARED)
        outcome_curves(first, others, chosen, study)
        described(first, others, is_shared=True)
        methods(first, others, study)
        return
    lead_from_marks()
    criteria = queries.table("criteria")
    rules = criteria[criteria["criteria_id"] == study.criteria_id].iloc[0]
    group = partial(patient_figures.ShownGroup, study=study, rules=rules, notes=NOTES)
    if others is None:
        one = group(first.rows)
        left, right = page.halves(2, "figures")
        with left:
            outcome_curves(first, others, chosen, study)
            patient_figures.waterfall(one)
        with right:
            patient_figures.spider(one)
            is_as_long = patient_figures.growth(one)
            patient_figures.swimmer(one)
        with left if is_as_long else right:
            patient_figures.cysts(one)
    else:
        outcome_curves(first, others, chosen, study)
        side_by_side(group(first.rows, name=f"1: {first.name}"), group(others.rows, name=f"2: {others.name}", number=2))
    described(first, others)
    agreement(first, others, study)
    methods(first, others, study)
    figure_table(first, others)


def side_by_side(*groups: patient_figures.ShownGroup) -> None:
    """Draw every figure of each group, the groups beside each other."""
    for draw in (
        patient_figures.waterfall,
        patient_figures.spider,
        patient_figures.growth,
        patient_figures.swimmer,
        patient_figures.cysts,
    ):
        for column, group in zip(page.halves(len(groups), draw.__name__), groups, strict=True):
            with column:
                draw(group)


def shown_patients(first: Cohort, others: Cohort | None, total: int, *, is_shared: bool = False) -> None:
    """Say for whom the page speaks, with n, and warn where the numbers are too small for curves."""
    groups = [group for group in (first, others) if group is not None]
    named = []
    for group in groups:
        of_total = total if group.words and not (is_shared and others is not None) else None
        named.append(sentences.cohort(_counted(len(group.rows), of_total, is_shared=is_shared), group.words))
    page.sentence("; compared with ".join(named))
    if is_shared:
        return
    if 0 < len(first.rows) < FEW:
        page.remark(f"Fewer than {FEW} patients: read each course, not the curves.")
    if others is not None:
        both = len(set(first.rows["patient_id"]) & set(others.rows["patient_id"]))
        if both:
            page.remark(f"{labels.count(both, 'patient is', 'patients are')} in both groups; the test assumes none is.")


def _counted(count: int, total: int | None, *, is_shared: bool) -> str:
    """Write how many, of all where a total is given; for sharing not a few, nor a total that tells how few are left."""
    if is_shared and count < disclosure.FEWEST:
        return disclosure.HIDDEN
    is_told = total is not None and not (is_shared and total - count < disclosure.FEWEST)
    return f"{count} of {total}" if is_told else str(count)


def grouped(offered: Mapping[str, list[str]]) -> str:
    """Offer to split the survival curve by a covariate or a finding that was ever told, kept in the address."""
    labelled = FILTERS | {column: label for column, label in FINDINGS.items() if column in offered}
    choices = [TOGETHER, *labelled]
    address.follow("by", address.one("by", choices, TOGETHER))
    by = st.selectbox(
        "Survival curve",
        choices,
        key="by",
        format_func=lambda name: f"curves by {_in_a_sentence(labelled[name])}" if name in labelled else TOGETHER,
        width=230,
        label_visibility="collapsed",
    )
    address.keep("by", [] if by == TOGETHER else [by])
    return str(by)


def _in_a_sentence(label: str) -> str:
    """Write what a covariate is called as within a sentence: T1w, T2w and WHO keep their capitals."""
    return label if label[1:2].isupper() or label[1:2].isdigit() else label.lower()


def outcome_curves(first: Cohort, others: Cohort | None, chosen: Chosen, study: page.ShownStudy) -> None:
    """Show an outcome over time, for all, by one covariate or for two groups, with the numbers beside it."""
    shown, column = first.rows, chosen.by if chosen.by != TOGETHER else None
    untold = ""
    if others is not None:
        named = {f"{n}: {group.name}": group.rows for n, group in (("1", first), ("2", others))}
        shown = pd.concat([patients.assign(**{survival_groups.COMPARED: name}) for name, patients in named.items()])
        if column:
            split = _in_a_sentence((FILTERS | FINDINGS)[column])
            page.remark(f"The curve compares the two groups, so it is not split by {split}.")
        column = survival_groups.COMPARED
    total = len(shown)
    if column in FINDINGS:
        shown, untold = first_findings.for_curves(shown, column)
    timed = outcomes.of_patients(shown, study.criteria_id, chosen.outcome)
    curves = survival_groups.estimate(timed.rows, column, chosen.outcome)
    if chosen.is_shared:
        curves = survival_groups.to_share(curves, survival_groups.table_cells(shown, column, total))
    comparison = group_comparison.compare(curves)
    left_out = ", ".join(filter(None, (untold, timed.left_out)))
    note = f"{survival_groups.method(curves, total, left_out)} {comparison.sentence}".strip()
    has_limits = survival_groups.has_limits(curves)
    intervals = (
        queries.query("cohort_interval", criteria_id=study.criteria_id, endpoint_id="ttp") if has_limits else None
    )
    title, name = chosen.outcome.wording.title, chosen.outcome.wording.title.lower().replace(" ", "_")
    draw = partial(survival_groups.figure, curves, intervals)
    make_table = None if chosen.is_shared else lambda: curves.rows
    drawn = CohortFigure(title, len(curves.rows), note, name, draw, make_table)
    if chosen.is_shared:
        drawn = replace(drawn, nothing=shared_curves.NO_CURVE)
    if framed(drawn, NOTES):
        numbers = [[name, *map(_unbroken, cells)] for name, *cells in survival_groups.summary(curves)]
        st.html(table(survival_groups.header(curves), numbers, "ct-table ct-small"))
        ratios = group_comparison.table_of(curves, comparison)
        if len(ratios):
            _words_table(ratios)
    elif not chosen.is_shared:
        page.remark(" ".join([left_out and f"Left out: {left_out}.", *curves.refused.values()]))


def _unbroken(cell: str) -> Html:
    """Keep a number on one line where columns are narrow, and words whole; only between words a line may end."""
    return tag("span", cell, style="overflow-wrap:normal" if " " in cell else "white-space:nowrap")


def described(first: Cohort, others: Cohort | None, *, is_shared: bool = False) -> None:
    """Show who the patients are, one column for each group."""
    groups = {f"1: {first.name}": first.rows, f"2: {others.name}": others.rows} if others else {first.name: first.rows}
    characteristics = table_one.table_one(groups, is_shared=is_shared)
    stated = table_one.finding_rows(groups, is_shared=is_shared)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section("Who they are")
        data_files.offer(lambda: pd.concat([characteristics, stated]), "patients")
    _in_columns(characteristics, "who", is_single=others is None)
    page.remark(table_one.METHOD)
    NOTES.append(("Table", table_one.METHOD))
    if len(stated):
        page.section("What the MRI first said")
        _in_columns(stated, "says", is_single=others is None)
        page.remark(first_findings.METHOD)
        NOTES.append(("What the MRI first said", first_findings.METHOD))


def _in_columns(words: pd.DataFrame, place: str, *, is_single: bool) -> None:
    """Show a table of one group in two columns, since its numbers need half the width."""
    if not is_single:
        _words_table(words)
        return
    half = -(-len(words) // 2)
    for column, part in zip(page.halves(2, place), (words[:half], words[half:]), strict=True):
        with column:
            _words_table(part)


def agreement(first: Cohort, others: Cohort | None, study: page.ShownStudy) -> None:
    """Show how far the criteria agree, once somebody asks: it compares every verdict with every other."""
    everybody = first.rows if others is None else _both(first, others)
    page.section("Agreement of criteria", "" if others is None else "in both groups together")
    if not address.switch("compare all criteria", "agreement"):
        return
    verdicts = queries.query("cohort_agreement")
    verdicts = verdicts[verdicts["patient_id"].isin(everybody["patient_id"])]
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
            who = f"{who}, compared with {others.name}; each figure says which group it shows"
        st.code(f"{who}.\n\n{text}\n\n{page.provenance(study)}", language=None, wrap_lines=True)


def figure_table(first: Cohort, others: Cohort | None) -> None:
    """Offer the table behind all figures; who is in a group of two is said in its first column."""
    shown = first.rows if others is None else _both(first, others)
    opened = st.expander(f"Table of the {labels.count(len(shown), 'patient')}", key="table", on_change="rerun")
    if opened.open:
        readable = patients_table.patients_table(shown)
        if others is not None:
            readable.insert(0, "group", _groups_of(shown, first, others))
        words = "One row per patient with covariates, volumes, state and outcome"
        opened.dataframe(readable, hide_index=True, alt=words)


def _both(first: Cohort, others: Cohort) -> pd.DataFrame:
    """Return who is in one group or the other, each once."""
    return pd.concat([first.rows, others.rows]).drop_duplicates("patient_id")


def _groups_of(shown: pd.DataFrame, first: Cohort, others: Cohort) -> list[str]:
    members = [set(group.rows["patient_id"]) for group in (first, others)]
    return [
        " and ".join(str(number) for number, names in enumerate(members, 1) if name in names)
        for name in shown["patient_id"]
    ]


page.show_page(show)
