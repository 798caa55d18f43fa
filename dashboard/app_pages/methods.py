"""Every rule, formula and column in words, made from the files that the program itself uses."""

import streamlit as st

from dashboard.data import queries
from dashboard.methods import criteria_words, further_rules
from dashboard.shell import address, page
from dashboard.words import glossary, labels
from dashboard.words.markup import as_label, join, table, tag
from pipeline.cohort.kind_shares import LEAST_PEOPLE
from pipeline.judge.criteria_files import ResponseCriteria

ERROR_NOTE = (
    "Volumes err by a factor, so every volume carries a coefficient of variation (CV), whose source is named with the "
    "number. Its 95\u202f% interval multiplies and divides the volume by the same factor. No study of how well volumes "
    "of intramedullary tumours repeat was found: the errors are estimates."
)
SERIES_NOTE = (
    "Changes are never judged by two scans alone. All volumes since the baseline are weighed together, each with its "
    "own error and day, over the ways a tumour may have gone: unchanged, steadily growing or shrinking, in one or two "
    "jumps, or wandering. The interval of a change is where its true size lies with 95\u202f% by all of these. The "
    "probability is how likely the true change reaches the threshold, from how often each way is met everywhere; where "
    f"{LEAST_PEOPLE} people or more are in one kind of course, a second number says how likely it is by how often "
    "tumours grow among them. That one decides nothing, since another patient's scan moves it. Growth is beyond "
    "measurement error when all ways with growth together weigh so much against none that a tumour which never "
    "changes is called growing in fewer than 7 of 100 people over ten follow-ups; a single pair of scans at 95\u202f% "
    "would do so in up to half of them. The detection limit is the reading from which that would be so. The same "
    "numbers stand in sentences, tables, board, packet and exports, and decide what counts as an event; a category by "
    "a published rule is still computed from the readings and shown as such."
)
STATE_NOTE = (
    "A change is shown as sure when it passes the threshold and the measurement error of all scans, as possible when "
    "it passes only the threshold; possible growth is no event. Where a lesion is new or growing, or function worse, "
    "and the volume does not show it, the state says both: by volume stable; clinically worse since its first day. "
    "Not evaluable is never read as stable. Cyst, syrinx and oedema are followed, never scored."
)

KINDS = {
    "VARCHAR": "text",
    "DOUBLE": "number",
    "BIGINT": "whole number",
    "INTEGER": "whole number",
    "BOOLEAN": "yes or no",
    "TIMESTAMP": "day and time",
}
"""What the store's types are called."""


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    page.sentence(
        f"This study is judged by {study.criteria_title}. ",
        tag(
            "span",
            "No response criteria are validated for intramedullary tumours; every set is an adaptation.",
            class_="ct-grey",
        ),
    )
    packaged = queries.packaged_criteria()
    ids = [rule.criteria_id for rule in packaged]
    titles = {rule.criteria_id: rule.title.removesuffix(" (adapted)") for rule in packaged}
    chosen = st.pills(
        "Criteria",
        ids,
        default=address.one("criteria", ids, study.criteria_id if study.criteria_id in ids else ids[0]),
        key="criteria",
        required=True,
        format_func=lambda name: as_label(titles[name]),
        label_visibility="collapsed",
    )
    address.keep("criteria", [chosen])
    left, right = page.halves([1.6, 1], "methods")
    with left:
        criteria(packaged[ids.index(chosen)])
        dictionary()
    with right:
        states()
        errors()
        further()
        terms()


def criteria(rule: ResponseCriteria) -> None:
    """Say one set of criteria rule by rule, with its sources."""
    adapted = "adapted" if rule.is_adapted else "as published"
    page.section(rule.title, f"{rule.criteria_id} {rule.version}, {adapted}; {rule.source}")
    body = [
        (
            name,
            words,
            join([tag("span", source, class_="ct-small"), " ", tag("span", f"({mark})", class_="ct-grey ct-small")]),
        )
        for name, words, source, mark in criteria_words.in_words(rule)
    ]
    st.html(table(("rule", "in words", "source"), body))
    page.remark(f"Made from {rule.criteria_id}.toml, sha256 {rule.sha256[:12]}.")


def states() -> None:
    """Show the key of states and compartments."""
    page.section("States", "word, symbol and colour")
    looks = {**labels.DISPLAY_STATES, **labels.STATES}.values()
    st.html(tag("p", join([page.state_mark(style) for style in looks], "  ·  "), class_="ct-small"))
    page.remark(STATE_NOTE)
    page.section("Compartments")
    words = [
        tag("span", style.word, style=f"color:{style.ink};font-weight:600") for style in labels.COMPARTMENTS.values()
    ]
    st.html(tag("p", join(words, "  ·  "), class_="ct-small"))


def errors() -> None:
    """Show how measurement error is stated, and the formulas themselves."""
    page.section("Measurement error")
    page.remark(ERROR_NOTE)
    page.remark(SERIES_NOTE)
    said(further_rules.errors())
    with st.expander("The formulas as the store runs them"):
        st.code(queries.formulas(), language="sql", wrap_lines=True)


def further() -> None:
    """Say what is decided beside the criteria: alignment, the next scan, and what stands beside the verdict."""
    page.section("Alignment", "A compare at will, B look first, C not used")
    said(further_rules.certificate_words())
    rules = queries.packaged_schedules()
    overdue = f"overdue after {rules.overdue_ratio:g} intervals; information, not advice"
    page.section("When the next scan is due", f"{rules.surveillance_id} {rules.version}; {overdue}")
    said(further_rules.next_scans(rules))
    page.remark(f"Made from {rules.surveillance_id}.toml, sha256 {rules.sha256[:12]}; a study may bring its own.")
    page.section("Scanner and protocol", "said beside the numbers; no verdict depends on it")
    said(further_rules.drift())
    page.section("Beside the verdict")
    said(further_rules.beside())


def said(statements: list[further_rules.Said]) -> None:
    """Show rules with their sources."""
    body = [(name, words, tag("span", source, class_="ct-small ct-grey")) for name, words, source in statements]
    st.html(table(("rule", "in words", "source"), body, "ct-table ct-further"))


def terms() -> None:
    """Explain the words that pages use."""
    page.section("Words")
    st.html(table(("word", "meaning"), glossary.TERMS.items(), "ct-table ct-further"))


def dictionary() -> None:
    """Show what each column of each view means."""
    page.section("What each number means", "columns of the views, as exported")
    entries = queries.dictionary()
    views = sorted(entries["view"].unique())
    current = views.index(address.one("view", views, "measurement"))
    view = st.selectbox("View", views, index=current, key="view", width=260, label_visibility="collapsed")
    address.keep("view", [view])
    view_columns = entries[entries["view"] == view]
    kinds = view_columns["type"].map(lambda name: KINDS.get(name, str(name).lower()))
    body = view_columns[["column", "comment"]].assign(kind=kinds).itertuples(index=False)
    st.html(table(("column", "meaning and unit", "kind"), body, "ct-table ct-dictionary"))


page.show_page(show)
