"""Forms for people, visits, treatments and function: a table edited in place and saved as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import table_changes
from dashboard.shell import page, signing, typed_tables
from dashboard.study.lesion_notes import lesion_notes
from dashboard.words import labels
from dashboard.words.form_titles import TABS
from dashboard.words.markup import tag
from pipeline.core.neuraxis_form import ITEMS, LEVELS
from pipeline.core.vocabulary import TreatmentKind
from pipeline.errors import CordtrackError
from pipeline.journal.roles import Deed
from pipeline.service.study_forms import FormTable, sessions_of

NOTES_TAB = "Lesion notes"
NOTES = {
    "People": "One row per person, sub-01 or the like; level such as C4-C6. What is not known stays empty.",
    "Visits": "One row per visit: ses-01 and the day of the scan; a month (2012-05) or a year will do.",
    "Treatments": "One row per treatment; a steroid with its daily dose as dexamethasone in dose_mg.",
    "Neuraxis": "One row per visit, by session_id or day: which levels were imaged, and what was seen of seeding.",
    "Function": "One row per examination: mmccormick for the modified McCormick scale, or another scale's name.",
}
CHOICES: Mapping[str, list[str]] = {
    "sex": ["F", "M", "O"],
    "kind": [str(kind) for kind in TreatmentKind if kind != TreatmentKind.UNKNOWN],
    "extent": ["GTR", "NTR", "STR", "PR", "biopsy"],
    "syndrome": ["VHL", "NF1", "NF2", "none", "unknown"],
    "leptomeningeal": ["yes", "no", "not imaged"],
    **{level: ["yes", "partly", "no"] for level in LEVELS},
    "contrast": ["yes", "no"],
    **{item: ["present", "absent", "NE"] for item in ITEMS},
}
LISTED = 6
PLACE = "tables"
"""Where answers to what is done in the forms stand."""


def table_forms() -> None:
    """Show the study's tables, to be changed by whoever may."""
    page.section("People and treatments", "checked as a run checks them; the version before is kept, with who and when")
    *tabs, notes_tab = st.tabs([*TABS, NOTES_TAB], key="study-tables", on_change="rerun")
    with notes_tab:
        lesion_notes()
    for tab, (title, name) in zip(tabs, TABS.items(), strict=True):
        with tab:
            page.remark(NOTES[title])
            try:
                _form(name or _sessions())
            except CordtrackError as error:
                page.remark(str(error))
    signing.answer(PLACE)
    changes = table_changes.history()[:LISTED]
    for one in changes:
        words = f"{labels.minute(one['written_at'])}  {one['table']} changed by {one['who']}"
        st.html(tag("p", words, class_="ct-grey ct-small"))


def _sessions() -> str:
    people = table_changes.patients()
    if not people:
        page.remark("Add a person first.")
        return ""
    return sessions_of(str(st.selectbox("Whose visits", people, key="visits-of", width=260)))


def _form(name: str) -> None:
    if not name:
        return
    shown = table_changes.table(name)
    version = typed_tables.key_of(name, shown.sha256)
    if not signing.offers(Deed.EDIT, "Changing tables"):
        _editor(shown, f"{version}-shown", is_for_looking=True)
        return
    key, start = typed_tables.begun(version, shown.rows)
    _editor(replace(shown, rows=start), key)
    is_typed = typed_tables.note(version).is_typed
    with st.container(horizontal=True, gap="small"):
        st.button("Save", key=f"save-{key}", on_click=_save, args=(version, replace(shown, rows=start)))
        if is_typed:
            st.button("Undo what was typed", key=f"unsaved-{key}", type="tertiary",
                      on_click=typed_tables.forget, args=(version,))  # fmt: skip
    for other, words in typed_tables.of_other_versions(name, version).items():
        why = "The table was changed since you typed, or you typed in two windows"
        page.remark(f"{why}: {words}. It is not saved; type it again where it holds.")
        st.button("Put this away", key=f"away-{other}", type="tertiary", on_click=typed_tables.forget, args=(other,))


def _editor(shown: FormTable, key: str, *, is_for_looking: bool = False) -> None:
    content = pd.DataFrame([dict(row) for row in shown.rows], columns=list(shown.columns), dtype="str").fillna("")
    st.data_editor(
        content,
        key=key,
        num_rows="dynamic",
        hide_index=True,
        disabled=is_for_looking,
        placeholder="",  # of a cell nobody filled: "None" would be an answer
        column_config={column: _column(shown.name, column, content[column]) for column in shown.columns},
    )


def _column(table: str, name: str, cells: pd.Series[str]) -> Any:
    is_whose = name == "participant_id" and table != TABS["People"]
    choices = table_changes.patients() if is_whose else CHOICES.get(name, [])
    if choices and set(cells) <= {"", *choices}:  # other words stay as they are, and can be changed
        return st.column_config.SelectboxColumn(name, options=["", *choices])
    return st.column_config.TextColumn(name, required=False, max_chars=200)


def _save(version: str, shown: FormTable) -> None:
    """Save what was changed in a form: a callback.

    Parameters
    ----------
    version
        Key of the table's version.
    shown
        The table as its editor was given it.
    """
    changes = typed_tables.note(version).changes
    if signing.record(partial(_write, shown, changes), where=PLACE):
        typed_tables.forget(version)


def _write(shown: FormTable, changes: Mapping[str, Any]) -> str:
    return table_changes.save(signing.reader(), shown, typed_tables.as_left(shown.rows, changes))
