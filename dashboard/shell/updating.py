"""Decisions that wait for the next run: how many, and the button that starts it, on every page that shows results."""

from __future__ import annotations

import streamlit as st

from dashboard.data import acts
from dashboard.shell import page, signing
from dashboard.words import labels

UPDATING = "updating"
"""Where it is kept that somebody asked for the results to be brought up to date."""


def offer_update(waiting: int, where: str) -> None:
    """Say how many decisions wait, and offer the run that lets them take effect; nothing where none waits.

    Parameters
    ----------
    where
        Name of the place, one on a page.
    """
    if not waiting:
        return
    verb = "waits" if waiting == 1 else "wait"
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"{labels.count(waiting, 'decision')} {verb} for the next run; the page still shows the last one."
        page.remark(words, "content")
        help_text = "Runs the pipeline; only what changed"
        st.button("Update the results now", key=f"apply-{where}", help=help_text, on_click=_ask_for_update)
        if st.session_state.pop(UPDATING, False):
            with st.spinner("Updating the results …", show_time=True):
                signing.record(_update, needs_name=False)
            st.rerun()


def _ask_for_update() -> None:
    st.session_state[UPDATING] = True


def _update() -> str:
    acts.take_effect()
    return "Done: the page shows the new results."
