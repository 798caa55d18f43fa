"""Who reads, and what became of the last thing they put on record: for every page on which something is decided.

Acts are callbacks, which run before the page is drawn: a button met in mid-page could be overtaken by the next click.
What a person typed or chose is read as it is at the click.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.data import door, who
from dashboard.shell import drafts
from dashboard.words.markup import as_label, tag
from pipeline.errors import CordtrackError
from pipeline.journal.roles import ALLOWED, Deed, VisitorRole

WHO = door.NAME_TYPED
"""Where the name of whoever reads is kept for the session."""
SAID = "said"
"""Where the answer to an act waits for the next run of the page."""
NO_NAME = "Your name, please: what you put on record is kept with it. Nothing was written yet."
NO_REASON = "A reason, please: it stands beside the verdict with your name. Nothing was written yet."


def ask_name() -> None:
    """Ask who reads, kept for the session over all pages; whoever signed in is not asked."""
    if who.is_sign_in_on():
        st.html(tag("p", who.visitor().name, class_="ct-small"), width="content")
        return
    st.text_input(
        "Your name",
        key=WHO,
        placeholder="your name",
        label_visibility="collapsed",
        persist_state="session",
        max_chars=80,
    )


def reader() -> str:
    """Return the name of whoever reads, verified where people sign in; empty when nobody gave one."""
    return who.visitor(typed(WHO)).name


def typed(key: str) -> str:
    """Return what stands in a field or is chosen in a list now, without blanks around it."""
    return str(st.session_state.get(key) or "").strip()


def record(work: Callable[[], str], *, where: str = "") -> bool:
    """Do something that is put on record, keep its answer or refusal, and say whether it was done: a callback.

    Parameters
    ----------
    where
        The part of the page in which the answer stands; empty for the page's usual place.
    """
    if not reader():
        st.session_state[SAID] = (False, NO_NAME, where)
        return False
    try:
        st.session_state[SAID] = (True, work(), where)
    except CordtrackError as error:
        st.session_state[SAID] = (False, str(error), where)
    return bool(st.session_state[SAID][0])


def offers(deed: Deed, what: str, *, of_all: bool = False) -> bool:
    """Say whether whoever is here may do something; where not, who may stands in place of its buttons.

    Parameters
    ----------
    what
        What is done there, such as "Adding scans".
    of_all
        It is about all patients.
    """
    if door.may(deed, of_all=of_all):
        drafts.put_back(deed)
        return True
    needed = " or ".join(sorted(ALLOWED[deed] - {VisitorRole.ADMIN}) or [VisitorRole.ADMIN])
    whom = "somebody who may see all patients" if door.may(deed) else f"the role {needed}"
    later = " What you had typed is kept for when you may." if drafts.set_aside(deed) else ""
    st.html(tag("p", f"{what} needs {whom}; ask whoever keeps the sign-in.{later}", class_="ct-grey ct-small"))
    return False


def say(words: str) -> None:
    """Say something on the page, where the answers to acts stand."""
    st.session_state[SAID] = (True, words, "")


def is_answered(besides: str) -> bool:
    """Say whether an answer to an act waits to be read; words that are said without one are none."""
    return SAID in st.session_state and st.session_state[SAID][1] != besides


def refuse(words: str) -> None:
    """Say in place of an act why nothing was written."""
    st.session_state[SAID] = (False, words, "")


def answer(where: str = "") -> None:
    """Say how the last act of this part of the page went, once."""
    with st.container():  # also without words: what stands below keeps its place, and what is open there stays open
        is_done, words, place = st.session_state.get(SAID, (True, "", where))
        if place == where and words:
            del st.session_state[SAID]
            (st.success if is_done else st.error)(as_label(words))
