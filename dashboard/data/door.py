"""Who is at the pages, and the door that everything goes through which is put on record, changed, run or listed.

Where a sign-in is configured, a person is who the verified token says, with the roles that its claims give; what was
typed counts for nothing. Without one a name is what was typed, and the pages listen on this machine alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.data import queries
from pipeline.journal import roles, sign_in_rules
from pipeline.journal.roles import Deed, Person, Role
from pipeline.journal.sign_in_rules import SignInRules

SIGN_IN_VARIABLE = "CORDTRACK_SIGN_IN"
"""Environment variable that names the file about the sign-in."""


def is_sign_in_on() -> bool:
    """Say whether people have to sign in."""
    return bool(os.environ.get(SIGN_IN_VARIABLE))


def visitor(typed_name: str = "") -> Person:
    """Return who is at this page now; nobody, with an empty name, where a sign-in is due."""
    named = os.environ.get(SIGN_IN_VARIABLE)
    if not named:
        return Person(typed_name.strip(), roles=frozenset(Role))
    return sign_in_rules.person_of(claims(), _rules(named, queries.identity_of(Path(named))), time.time())


def enter(deed: Deed, typed_name: str = "") -> Person:
    """Return who is at this page when they may do what they want to do.

    Raises
    ------
    SettingsError
        They may not; nothing was done.
    """
    return roles.check(visitor(typed_name), deed)


def claims() -> Mapping[str, Any]:
    """Return what the verified token of whoever signed in says; empty where nobody did."""
    return dict(st.user) if st.user.is_logged_in else {}


@lru_cache(maxsize=1)
def _rules(file: str, identity: queries.Identity | None) -> SignInRules:  # noqa: ARG001  # read anew when it changes
    return sign_in_rules.read(Path(file))
