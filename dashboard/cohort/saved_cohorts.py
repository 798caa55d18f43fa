"""Cohorts with a name: saved by a person, opened, compared and deleted; their patients are those of now."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from dashboard.cohort import filters
from dashboard.cohort.filters import SECOND, Cohort
from dashboard.data import acts, door
from dashboard.shell import drafts, page, signing
from dashboard.words import labels
from dashboard.words.markup import BREAK, Html, as_label, join, table, tag
from pipeline.journal.cohort_file import SavedCohort
from pipeline.journal.roles import Deed

KEY = "saved-cohorts"


def offer(shown: Cohort, criteria_id: str) -> None:
    """Offer to save whom the page shows, and what was saved before."""
    place = st.popover("Saved cohorts", key=KEY, on_change="rerun")
    if not place.open:
        return
    with place:
        signing.answer()
        if signing.offers(Deed.SIGN, "Saving a cohort"):
            signing.ask_name()
            _save(shown)
        saved = acts.saved_cohorts()
        for problem in saved.problems:
            st.warning(problem)
        if not saved.cohorts:
            page.remark("No cohort was saved yet.")
            return
        cohort_cells = [_row(one, criteria_id) for one in saved.cohorts]
        st.html(table(("name", "who they are", "n when saved", "n now"), cohort_cells))
        _chosen({one.name: one for one in saved.cohorts})


def _save(shown: Cohort) -> None:
    key = f"{KEY}-name"
    with st.form("save-cohort", border=False):
        left, right = st.columns([5, 2], vertical_alignment="bottom")
        left.text_input("Name", key=key, placeholder=f"a name for: {shown.name}", max_chars=80)
        right.form_submit_button("Save", on_click=_keep, args=(key, shown.filters, len(shown.rows)))


def _keep(key: str, chosen: dict[str, list[str]], count: int) -> None:
    def kept() -> str:
        return f"Saved: {acts.save_cohort(signing.reader(), signing.typed(key), chosen, count).name}, n = {count}."

    if signing.record(kept):
        drafts.empty(key)


def _row(one: SavedCohort, criteria_id: str) -> tuple[str, ...]:
    now = filters.select(filters.everyone_of(criteria_id), one.filters)
    count = len(now.rows)
    then = tag("span", str(one.patient_count), BREAK, tag("span", _by(one), class_="ct-grey ct-small"))
    changed: Html | str = str(count) if count == one.patient_count else tag("b", f"{count}, changed")
    missing = filters.gone(criteria_id, one.filters)
    if missing:
        changed = join([changed, tag("div", f"nobody has any more: {', '.join(missing)}", class_="ct-grey ct-small")])
    name = one.name if missing else tag("a", one.name, href=link(one), target="_self", class_="ct-link")
    return name, now.name, then, changed


def _by(one: SavedCohort) -> str:
    return f"{labels.day(one.saved_at)}, {one.who}"


def link(one: SavedCohort, other: SavedCohort | None = None) -> str:
    """Return the address that opens a cohort, or compares it with another."""
    named = filters.in_address(one.filters)
    if other is not None:
        named += filters.in_address(other.filters, SECOND)
    return f"cohort?{urlencode(named)}"


def _chosen(named: dict[str, SavedCohort]) -> None:
    """Offer what can be done with one or two of them."""
    names = st.multiselect("Choose two to compare, one to delete", list(named), max_selections=2, key=f"{KEY}-chosen")
    picked = [named[name] for name in names]
    if len(picked) == 2:
        words = f"Compare {picked[0].name} with {picked[1].name}"
        st.html(tag("a", words, href=link(*picked), target="_self", class_="ct-link"))
    elif picked and door.may(Deed.SIGN):
        verb = f"Delete {as_label(picked[0].name)}"
        st.button(verb, key=f"{KEY}-delete", type="tertiary", on_click=_delete, args=(picked[0],))


def _delete(one: SavedCohort) -> None:
    if signing.record(lambda: f"Deleted: {acts.delete_cohort(signing.reader(), one)}."):
        st.session_state[f"{KEY}-chosen"] = []
