"""Who looked at whom and what was taken away, for admins."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.data import door, who
from dashboard.shell import data_files, page
from dashboard.words import labels
from pipeline.journal.access_log import Access
from pipeline.journal.roles import VisitorRole

SHOWN = 200
HEADS = ("when", "who", "what", "patient")
NOT_NAMED = "not named"
WIDTH = 240


def access_section() -> None:
    """Show the reading log to an admin, the latest lines first; nothing to anybody else."""
    if VisitorRole.ADMIN not in who.visitor().roles:
        return
    opened = st.expander("Who looked at what", key="access", on_change="rerun")
    if not opened.open:
        return
    with opened:
        lines, problems = door.access_lines()
        for problem in problems:
            page.remark(problem)
        log = access_table(lines)
        if log.empty:
            page.remark("Nobody yet.")
            return
        _log(log)


def access_table(lines: tuple[Access, ...]) -> pd.DataFrame:
    """Return the log as it is read: columns of :data:`HEADS`, words only, nothing where no single patient is meant."""
    cells = [(labels.minute(line.at), line.who or NOT_NAMED, line.what, line.patient_id or "") for line in lines]
    return pd.DataFrame(cells, columns=list(HEADS))


def _log(log: pd.DataFrame) -> None:
    """Show the latest lines of whom was asked for, say of how many, and offer all of them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = log
        for head, words in (("who", "everybody"), ("patient", "all patients")):
            names = sorted(set(log[head]) - {""})
            name = st.selectbox(head.capitalize(), names, None, key=f"access-{head}", placeholder=words, width=WIDTH)
            chosen = chosen if name is None else chosen[chosen[head] == name]
        data_files.offer(lambda: chosen, "who_looked_at_what")
    page.remark(f"The latest {min(SHOWN, len(chosen))} of {labels.count(len(chosen), 'line')}; the files hold all.")
    alt = "One line for each time a patient was opened or a file taken away"
    st.dataframe(chosen.head(SHOWN), hide_index=True, alt=alt)
