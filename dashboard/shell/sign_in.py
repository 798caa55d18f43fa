"""Signing in and out by OpenID Connect, and what stands in place of the pages for whoever may not see them."""

from __future__ import annotations

import streamlit as st

from dashboard.data import door, who
from dashboard.shell import drafts, page, signing
from dashboard.words.markup import as_label
from pipeline.errors import CordtrackError
from pipeline.journal.roles import Deed


def is_let_in() -> bool:
    """Say whether whoever is here may look; offer to sign out where people sign in."""
    try:
        person = door.enter(Deed.READ)
    except CordtrackError:
        drafts.keep(who.identity())
        return False
    came_back = drafts.follow_window()
    if came_back and signing.is_answered(came_back):  # an act since then: nothing more is said of what came back
        drafts.say_no_more()
        came_back = ""
    drafts.follow_roles()
    if person.identity:
        came_back = " ".join(filter(None, (came_back, drafts.bring_back(person.identity))))
    if came_back:
        signing.say(came_back)
    if person.identity:
        with st.container(key="ct-who"):
            words = f"{person.name} ({', '.join(sorted(person.roles))}): sign out"
            st.button(as_label(words), key="sign-out", type="tertiary", on_click=_leave)
    return True


def ask() -> None:
    """Ask to sign in; say to whom signed in and has no role, or whose sign-in is over, what to do."""
    page.show_workbench(_ask)


def _leave() -> None:
    """Sign out, what was typed being kept: a callback."""
    drafts.keep(who.identity())
    who.leave()
    st.logout()


def _ask() -> None:
    if not who.claims():
        page.sentence("Please sign in.")
    else:
        person = who.visitor()
        is_over = "Your sign-in is over or was taken away; sign in again."
        page.sentence(f"{person.name} has no role here; ask whoever keeps the sign-in." if person.name else is_over)
        st.button("Sign out", key="sign-out", on_click=_leave)
    st.button("Sign in", key="sign-in", type="primary", on_click=st.login)
