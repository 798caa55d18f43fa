"""Who reads, and what became of the last thing they put on record: for every page on which something is decided.

Acts are callbacks, which run before the page is drawn: a button met in mid-page could be overtaken by the next click.
What a person typed or chose is read as it is at the click.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.data import acts
from dashboard.words.markup import as_label
from pipeline.errors import CordtrackError

WHO = "who"
"""Where the name of whoever reads is kept for the session."""
SAID = "said"
"""Where the answer to an act waits for the next run of the page."""


def ask_name() -> None:
    """Ask who reads; kept for the session, over all pages."""
    st.text_input(
        "Your name",
        key=WHO,
        placeholder="your name",
        label_visibility="collapsed",
        persist_state="session",
        max_chars=80,
    )


def reader() -> str:
    """Return the name of whoever reads; empty when nobody gave one."""
    return typed(WHO)


def typed(key: str) -> str:
    """Return what stands in a field or is chosen in a list now, without blanks around it."""
    return str(st.session_state.get(key) or "").strip()


def accept_visit(patient_id: str, session_id: str) -> None:
    """Accept every mask of a visit, from a list: a callback."""
    where = f"{patient_id} {session_id}"
    record(lambda: f"On record: {len(acts.accept(reader(), patient_id, session_id))} of {where} accepted.")


def record(work: Callable[[], str]) -> bool:
    """Do something that is put on record, keep its answer or refusal, and say whether it was done: a callback."""
    try:
        st.session_state[SAID] = (True, work())
    except CordtrackError as error:
        st.session_state[SAID] = (False, str(error))
    return bool(st.session_state[SAID][0])


def answer() -> None:
    """Say how the last act went, once."""
    is_done, words = st.session_state.pop(SAID, (True, ""))
    if words:
        (st.success if is_done else st.error)(as_label(words))
