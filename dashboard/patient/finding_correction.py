"""Findings that a reader reads otherwise: said with name and reason, beside what was measured; both stand.

What this module refuses: a correction without a reason, and a term that the finding does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.data import acts, door
from dashboard.shell import drafts, page, signing
from dashboard.words import description_words, labels
from dashboard.words.markup import join, tag
from pipeline.core.finding_terms import TERMS, LesionFinding
from pipeline.core.records import JournalEntry
from pipeline.journal.decisions import CANNOT_TELL, Act, ActKind, Standing
from pipeline.journal.roles import Deed

Corrections = Mapping[tuple[str, str, str], JournalEntry]
"""Visit, lesion and finding to the entry by which a reader reads it otherwise."""


def corrections(patient_id: str) -> Corrections:
    """Return what readers read otherwise and nobody undid or read anew, those among it that no run knows yet."""
    return {
        (str(entry.session_id), str(entry.lesion_id), str(entry.finding)): entry
        for entry in acts.history(patient_id)
        if entry.act == ActKind.CORRECT_FINDING and entry.status == Standing.IN_FORCE
    }


def said(entry: JournalEntry, row: Mapping[Any, Any] | None) -> str:
    """Write a correction with who, when and why, and what was measured.

    Parameters
    ----------
    row
        Of the patient_description query; None where the results no longer have the finding.
    """
    measured = description_words.short(row) if row is not None and description_words.is_told(row) else "nothing told"
    who = f"{entry.who}, {labels.day(entry.written_at)}"
    return f"{entry.corrected_to} ({who}: {entry.reason}); measured: {measured}"


def stated(patient_id: str, session_id: str, lesion_id: str, here: description_words.Rows) -> None:
    """Show what readers read otherwise at a visit, and offer to say so."""
    standing = corrections(patient_id)
    lines = [
        tag("p", tag("b", f"{description_words.NAMES[name]}, as read: "), labels.typeset(said(entry, here.get(name))),
            class_="ct-small")
        for (visit, lesion, name), entry in standing.items()
        if (visit, lesion) == (session_id, lesion_id)
    ]  # fmt: skip
    if lines:
        st.html(join(lines))
    if not door.may(Deed.SIGN):
        return
    with st.popover("Correct a finding"):
        _form(patient_id, session_id, lesion_id, here)


def _form(patient_id: str, session_id: str, lesion_id: str, here: description_words.Rows) -> None:
    """Ask which finding, what it is and why; what was typed stays until it is on record."""
    where = f"{patient_id}-{session_id}-{lesion_id}"
    names = [name for name, _ in description_words.table_names(description_words.NAMES) if name in here]
    name = st.selectbox("Finding", names, key=f"finding-name-{where}", format_func=description_words.NAMES.__getitem__)
    measured = here.get(name)
    if measured is None:
        return
    is_told = description_words.is_told(measured)
    page.remark(
        f"Measured: {description_words.short(measured) if is_told else measured['reason']}. Both stay on record."
    )
    terms = TERMS.get(LesionFinding(name))
    read = drafts.plain(f"finding-{'term' if terms else 'read'}-{where}-{name}")
    why = drafts.plain(f"finding-why-{where}-{name}")
    if terms:
        st.selectbox("As you read it", [*terms, CANNOT_TELL], key=read)
    else:
        st.text_input("As you read it", key=read, max_chars=60, persist_state="session")
    st.text_area("Reason", key=why, height=80, max_chars=600, persist_state="session")
    st.button(
        "Put it on record", key=f"finding-put-{where}", on_click=_put,
        args=((patient_id, session_id, lesion_id), name, read, why),
    )  # fmt: skip


def _put(of: tuple[str, str, str], name: str, read: str, why: str) -> None:
    """Put a correction on record: a callback.

    Parameters
    ----------
    of
        Patient, visit and lesion.
    read, why
        Keys of the fields; both name the finding, so that a reason given for one is not that of another.
    """
    patient_id, session_id, lesion_id = of
    reason = signing.typed(why)
    if not reason:
        signing.refuse(signing.NO_REASON)
        return
    act = Act(
        ActKind.CORRECT_FINDING, patient_id, session_id, lesion_id=lesion_id, finding=name,
        corrected_to=signing.typed(read), reason=reason,
    )  # fmt: skip

    def work() -> str:
        written = acts.record(signing.reader(), act)
        return f"On record: {description_words.NAMES[name]} read as {act.corrected_to}, {written[-1].who}."

    if signing.record(work):
        drafts.empty(why)
        if LesionFinding(name) not in TERMS:
            drafts.empty(read)
