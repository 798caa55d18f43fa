"""Who is at the pages, and the door that everything goes through which is put on record, changed, run or listed.

Where a sign-in is configured, a person is who the verified token says, with the roles that its claims give; what was
typed counts for nothing. Without one a name is what was typed, and the pages listen on this machine alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import streamlit as st

from dashboard.data import queries, who
from dashboard.data.who import acting_as, visitor
from pipeline.errors import SettingsError
from pipeline.journal import access_log, roles
from pipeline.journal.access_log import Access, ReadMonths
from pipeline.journal.roles import Deed, Visitor

STUDY_VARIABLE = "CORDTRACK_STUDY"
"""Environment variable that names the study folder, where runs can be asked for and reading is on record."""
NAME_TYPED = "who"
"""Where the name that somebody typed is kept for the session."""
OPENED = "opened"
_months: ReadMonths = {}
"""The reading log as it was read last: a page asks for it again at every press."""
T = TypeVar("T")


def enter(deed: Deed, typed_name: str = "") -> Visitor:
    """Return who is at this page when they may do what they want to do.

    Raises
    ------
    SettingsError
        They may not; nothing was done.
    """
    return roles.check(visitor(typed_name), deed)


def may(deed: Deed, *, of_all: bool = False) -> bool:
    """Say whether whoever is here may do something, for what is offered; each deed is checked again.

    Parameters
    ----------
    of_all
        It is about all patients, which is not for those who see some of them only.
    """
    try:
        person = roles.check(visitor(), deed)
        if of_all:
            roles.check_whole_study(person)
    except SettingsError:
        return False
    return True


def opened(patient_id: str) -> None:
    """Put on record, once a session, that whoever is here looks at a patient.

    Raises
    ------
    SettingsError
        They may not see that patient.
    StoreError
        It cannot be put on record, so nothing is shown.
    """
    queries.check_shown(patient_id)
    if patient_id not in st.session_state.setdefault(OPENED, set()):
        _note(visitor(_typed()), "opened", patient_id)
        st.session_state[OPENED].add(patient_id)


def taking(what: str, make: Callable[[], T], patient_id: str | None = None, deed: Deed = Deed.READ) -> Callable[[], T]:
    """Return what makes a download for whoever is here now, and puts on record that they took it away.

    It is made when it is fetched: whose role was taken away meanwhile, or who may see others since the page was drawn,
    does not get it.

    Parameters
    ----------
    deed
        What somebody has to be allowed to do to get it; the roles of when it is fetched count.
    """
    token_claims, typed_name = who.claims() if who.is_sign_in_on() else {}, _typed()
    limit_then = visitor(typed_name).limit

    def noting() -> T:
        person = roles.check(who.by_claims(token_claims, typed_name), deed)
        if person.limit != limit_then:  # rows that the page had read may lie in what makes it
            raise SettingsError("which patients you may see has changed since; load the page again. Nothing was taken.")
        _note(person, f"took away: {what}", patient_id)
        with acting_as(person):
            return make()

    return noting


def enter_whole_study(typed_name: str = "") -> Visitor:
    """Return who is at this page when they may see what is about all patients.

    Raises
    ------
    SettingsError
        They may see some of them only.
    """
    person = enter(Deed.READ, typed_name)
    roles.check_whole_study(person)
    return person


def enter_for(deed: Deed, patient_id: str, typed_name: str = "") -> Visitor:
    """Return who is at this page when they may do something about a patient.

    Raises
    ------
    SettingsError
        They may not do it, or not see the patient.
    """
    person = enter(deed, typed_name)
    queries.check_shown(patient_id)
    return person


def access_lines() -> tuple[tuple[Access, ...], tuple[str, ...]]:
    """Return who looked at what, the latest first, and what is wrong with the record, for whoever may know.

    Raises
    ------
    SettingsError
        The person may not see it.
    """
    enter(Deed.ADMINISTER)
    return access_log.every(queries.out_dir(), _months)


def _note(person: Visitor, what: str, patient_id: str | None) -> None:
    """Add a line where a study is served; pages that only show results may lie on a disk that nobody can write to."""
    if os.environ.get(STUDY_VARIABLE):
        at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        access_log.note(queries.out_dir(), person, what, patient_id, at)


def _typed() -> str:
    return str(st.session_state.get(NAME_TYPED) or "").strip()
