"""Who is at the pages, and the door that everything goes through which is put on record, changed, run or listed.

Where a sign-in is configured, a person is who the verified token says, with the roles that its claims give; what was
typed counts for nothing. Without one a name is what was typed, and the pages listen on this machine alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from dashboard.data import queries
from pipeline.journal import access_log, roles, sign_in_rules
from pipeline.journal.access_log import Access
from pipeline.journal.roles import Deed, Visitor, VisitorRole
from pipeline.journal.sign_in_rules import SignInRules

STUDY_VARIABLE = "CORDTRACK_STUDY"
"""Environment variable that names the study folder, where runs can be asked for and reading is on record."""
SIGN_IN_VARIABLE = "CORDTRACK_SIGN_IN"
"""Environment variable that names the file about the sign-in."""
NAME_TYPED = "who"
"""Where the name that somebody typed is kept for the session."""
OPENED = "opened"
T = TypeVar("T")


def is_sign_in_on() -> bool:
    """Say whether people have to sign in."""
    return bool(os.environ.get(SIGN_IN_VARIABLE))


def visitor(typed_name: str = "") -> Visitor:
    """Return who is at this page now; nobody, with an empty name, where a sign-in is due."""
    named = os.environ.get(SIGN_IN_VARIABLE)
    if not named:
        return Visitor(typed_name.strip(), roles=frozenset(VisitorRole))
    return sign_in_rules.person_of(claims(), _rules(named, queries.identity_of(Path(named))), time.time())


def enter(deed: Deed, typed_name: str = "") -> Visitor:
    """Return who is at this page when they may do what they want to do.

    Raises
    ------
    SettingsError
        They may not; nothing was done.
    """
    return roles.check(visitor(typed_name), deed)


def opened(patient_id: str) -> None:
    """Put on record, once a session, that whoever is here looks at a patient.

    Raises
    ------
    StoreError
        It cannot be put on record, so nothing is shown.
    """
    if patient_id not in st.session_state.setdefault(OPENED, set()):
        _note(visitor(_typed()), "opened", patient_id)
        st.session_state[OPENED].add(patient_id)


def taking(what: str, make: Callable[[], T], patient_id: str | None = None) -> Callable[[], T]:
    """Return what makes a download, and puts on record that whoever is here now took it away."""
    person = visitor(_typed())

    def noting() -> T:
        _note(person, f"took away: {what}", patient_id)
        return make()

    return noting


def latest_access(most: int) -> tuple[tuple[Access, ...], tuple[str, ...]]:
    """Return who looked at what last, and what is wrong with the record, for whoever may know.

    Raises
    ------
    SettingsError
        The person may not see it.
    """
    enter(Deed.ADMINISTER)
    return access_log.latest(queries.out_dir(), most)


def _note(person: Visitor, what: str, patient_id: str | None) -> None:
    """Add a line where a study is served; pages that only show results may lie on a disk that nobody can write to."""
    if os.environ.get(STUDY_VARIABLE):
        at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        access_log.note(queries.out_dir(), person, what, patient_id, at)


def _typed() -> str:
    return str(st.session_state.get(NAME_TYPED) or "").strip()


def claims() -> Mapping[str, Any]:
    """Return what the verified token of whoever signed in says; empty where nobody did."""
    return dict(st.user) if st.user.is_logged_in else {}


@lru_cache(maxsize=1)
def _rules(file: str, identity: queries.Identity | None) -> SignInRules:  # noqa: ARG001  # read anew when it changes
    return sign_in_rules.read(Path(file))
