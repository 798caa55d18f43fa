"""Who looked at whom and what was taken away, for admins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import pandas as pd
import streamlit as st

from dashboard.data import door, who
from dashboard.shell import data_files, page
from dashboard.words import labels
from pipeline.journal.access_log import Access
from pipeline.journal.roles import Deed, VisitorRole

SHOWN = 200
HEADS = ("when", "who", "what", "patient")
FILE_HEADS = ("at", "who", "identity", "what", "patient_id", "problem")
NOT_NAMED = "not named"
NO_SIGN_IN = "no sign-in"
WIDTH = 240
Naming = Callable[[Access], str]


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
        if lines or problems:
            _log(lines, problems)
        else:
            page.remark("Nobody yet.")


def access_table(lines: Iterable[Access], name_of: Naming) -> pd.DataFrame:
    """Return the log as it is read: columns of :data:`HEADS`, words only, nothing where no single patient is meant."""
    cells = [(labels.minute(line.at), name_of(line), line.what, line.patient_id or "") for line in lines]
    return pd.DataFrame(cells, columns=list(HEADS))


def file_table(lines: Iterable[Access], problems: Iterable[str]) -> pd.DataFrame:
    """Return the log as it is on record: columns of :data:`FILE_HEADS`, text.

    Moments are UTC to the second, ending with Z; identity is issuer and subject of the sign-in, empty without one. What
    is wrong with the record stands in rows of its own, of which nothing else is known.
    """
    cells = [
        (f"{line.at.isoformat(timespec='seconds')}Z", line.who, line.identity, line.what, line.patient_id or "", "")
        for line in lines
    ]
    cells += [("", "", "", "", "", problem) for problem in problems]
    return pd.DataFrame(cells, columns=list(FILE_HEADS), dtype=object)


def naming(lines: Iterable[Access]) -> Naming:
    """Return what somebody is called so that nobody else of the log is: with the identity where a name has several."""
    identities = defaultdict(set)
    for line in lines:
        identities[line.who].add(line.identity)

    def name_of(line: Access) -> str:
        name = line.who or NOT_NAMED
        return name if len(identities[line.who]) < 2 else f"{name} ({line.identity or NO_SIGN_IN})"

    return name_of


def _log(lines: tuple[Access, ...], problems: tuple[str, ...]) -> None:
    """Show the latest lines of whom was asked for, say of how many, and offer all of them."""
    name_of = naming(lines)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = _choice("who", {name_of(line) for line in lines}, "everybody")
        patient = _choice("patient", {line.patient_id for line in lines if line.patient_id}, "all patients")
        chosen = [line for line in lines if name in (None, name_of(line)) and patient in (None, line.patient_id)]
        data_files.offer(lambda: file_table(chosen, problems), "who_looked_at_what", Deed.ADMINISTER)
    page.remark(
        f"The latest {min(SHOWN, len(chosen))} of {labels.count(len(chosen), 'line')}; the files hold all of them, "
        "with identity and seconds (UTC), and a row for each thing that is wrong with the record."
    )
    alt = "One line for each time a patient was opened or a file taken away"
    st.dataframe(access_table(chosen[:SHOWN], name_of), hide_index=True, alt=alt)


def _choice(head: str, names: set[str], words: str) -> str | None:
    return st.selectbox(head.capitalize(), sorted(names), None, key=f"access-{head}", placeholder=words, width=WIDTH)
