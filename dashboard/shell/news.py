"""What is new since a page was drawn, in the head of every page: later results, and decisions that wait for a run.

Looked up every ten seconds without the rest of the page, so that a tab left open does not show old numbers unsaid.
"""

from __future__ import annotations

import streamlit as st

from dashboard.data import acts, queries
from dashboard.words import labels
from dashboard.words.markup import tag
from pipeline.files.fingerprints import Identity

EVERY_SECONDS = 10


def news() -> None:
    """Put the place into the head of the page; it stays empty while there is nothing to say."""
    with st.container(key="ct-news", horizontal=True, gap="small", width="content"):
        st.fragment(_news, run_every=EVERY_SECONDS)(queries.publication())


def _news(drawn_from: Identity | None) -> None:
    if queries.publication() != drawn_from:
        help_text = "A run has ended since this page was drawn; what you see are the results before it."
        if st.button("New results: show them", key="show-new", type="tertiary", help=help_text):
            st.rerun()
        return  # what waits is counted against the results shown
    waiting = acts.waiting()
    if waiting:
        st.html(tag("span", labels.waiting(waiting), role="status", class_="ct-small ct-grey"), width="content")
