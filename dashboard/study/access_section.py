"""Who looked at whom and what was taken away, for admins."""

from __future__ import annotations

import streamlit as st

from dashboard.data import door, who
from dashboard.shell import page
from dashboard.words import labels
from dashboard.words.markup import join, tag
from pipeline.journal.roles import VisitorRole

SHOWN = 100


def access_section() -> None:
    """Show the last lines of the reading log to an admin; nothing to anybody else."""
    if VisitorRole.ADMIN not in who.visitor().roles:
        return
    with st.expander("Who looked at what"):
        lines, problems = door.latest_access(SHOWN)
        for problem in problems:
            page.remark(problem)
        if not lines:
            page.remark("Nobody yet.")
        cells = (
            tag(
                "tr",
                tag("td", labels.minute(line.at)),
                tag("td", line.who or "not named"),
                tag("td", line.what),
                tag("td", line.patient_id or ""),
            )
            for line in lines
        )
        st.html(tag("table", tag("tbody", join(cells)), class_="ct-table"))
