"""Notes about single lesions: what somebody saw of one at a visit, on record as a comment with the lesion's name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.data import acts, queries
from dashboard.shell import drafts, page, signing
from dashboard.words import labels
from dashboard.words.markup import tag
from dashboard.words.table_rows import as_rows
from pipeline.journal.decisions import Act, ActKind
from pipeline.journal.roles import Deed

LISTED = 6
NOTE, OF, LESION = "note-", "lesion-notes-of", "lesion-noted"
"""Keys of the fields; that of a note goes on with whose lesion and visit it is about, as the page names them."""
ABOUT = "lesions-of-notes"
"""Of what the notes of a session are, in words, by the keys of their fields."""


def lesion_notes() -> None:
    """Ask for a note about a lesion that the results name, and show the last ones about its patient."""
    page.remark("What you saw of one lesion at one visit. It changes no measure and no verdict.")
    if not signing.offers(Deed.SIGN, "A note"):
        return
    patients = [] if queries.publication() is None else sorted(queries.table("patient")["patient_id"])
    lesions = {}
    if patients:
        patient_id = str(st.selectbox("Whose lesion", patients, key=OF, width=260))
        lesions = _lesions(patient_id)
    if not lesions:
        page.remark("Lesions have names once a run has measured them.")
        return
    about = _about(patient_id, str(st.selectbox("Lesion and visit", list(lesions), key=LESION, width=420)))
    st.text_area("Note", key=about, height=80, max_chars=600, persist_state="session")
    _other_notes(about, patients)
    st.button(
        "Keep the note",
        key="keep-lesion-note",
        on_click=signing.record,
        args=(partial(_keep, patient_id, lesions),),
        kwargs={"where": "tables"},
    )
    earlier = [one for one in acts.history(patient_id) if one.act == ActKind.COMMENT and one.lesion_id][:LISTED]
    for entry in earlier:
        head = f"{entry.written_at:%Y-%m-%d} {entry.who}, {entry.lesion_id} at {entry.session_id}: "
        st.html(tag("p", head, tag("span", entry.reason or "", class_="ct-grey"), class_="ct-small"))


def _about(patient_id: str, lesion: str) -> str:
    """Return the key of the note about a lesion as the page names it."""
    words = f"{patient_id} {lesion}"
    key = drafts.plain(f"{NOTE}{words}")
    st.session_state.setdefault(ABOUT, {})[key] = words
    return key


def _other_notes(about: str, patients: Sequence[str]) -> None:
    """Show what was typed of other lesions and is not on record: it is to be found, also where its lesion is gone."""
    for key in sorted(map(str, st.session_state)):
        text = signing.typed(key) if key.startswith(f"{NOTE}sub-") and key != about else ""
        if text:
            page.remark(f"Typed, not on record, {_about_what(key, patients)}: {text}")


def _about_what(key: str, patients: Sequence[str]) -> str:
    """Return in words what a note is about, also where it came back into a session that has not shown its lesion."""
    for patient_id in patients:
        if key not in st.session_state.get(ABOUT, {}) and key.startswith(f"{NOTE}{patient_id}-"):
            for lesion in _lesions(patient_id):
                _about(patient_id, lesion)
    return str(st.session_state.get(ABOUT, {}).get(key, key.removeprefix(NOTE)))


def _lesions(patient_id: str) -> dict[str, tuple[str, str]]:
    """Return lesion and visit by what they are called, the latest visit first."""
    found_at = queries.query("patient_lesions", patient_id=patient_id)
    named = {}
    for row in reversed(list(found_at[found_at["component_id"].notna()].pipe(as_rows))):
        words = f"{row['lesion_id']} at {row['session_id']}, {labels.day(row['acquired_on'])}"
        named[words] = (str(row["lesion_id"]), str(row["session_id"]))
    return named


def _keep(patient_id: str, lesions: dict[str, tuple[str, str]]) -> str:
    """Put the note on record: a callback."""
    chosen = signing.typed(LESION)
    lesion_id, session_id = lesions[chosen]
    about = _about(patient_id, chosen)
    acts.record(
        signing.reader(),
        Act(ActKind.COMMENT, patient_id, session_id, lesion_id=lesion_id, reason=signing.typed(about) or None),
    )
    drafts.empty(about)
    return f"The note about {lesion_id} is on record."
