"""Who is at this page, and whose results they may see: asked anew each time, from the verified token and the file.

Below ``queries``, so that nothing is read of a patient whom the person may not see.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from pipeline.files.fingerprints import Identity, identity_of
from pipeline.journal import sign_in_rules
from pipeline.journal.roles import Visitor, VisitorRole
from pipeline.journal.sign_in_rules import SignInRules

SIGN_IN_VARIABLE = "CORDTRACK_SIGN_IN"
"""Environment variable that names the file about the sign-in."""
MOST_LEFT = 10_000
_LEFT: dict[tuple[str, ...], None] = {}
"""Sign-ins that people have ended, by issuer, subject and when: tabs that are open still hold them."""
_ACTING: ContextVar[Visitor | None] = ContextVar("acting", default=None)


def is_sign_in_on() -> bool:
    """Say whether people have to sign in."""
    return bool(os.environ.get(SIGN_IN_VARIABLE))


def visitor(typed_name: str = "") -> Visitor:
    """Return who is at this page now; nobody, with an empty name, where a sign-in is due."""
    acting = _ACTING.get()
    if acting is not None:
        return acting
    return by_claims(claims() if is_sign_in_on() else {}, typed_name)


def by_claims(token_claims: Mapping[str, Any], typed_name: str = "") -> Visitor:
    """Return who a verified token's claims speak of, by the rules as they are now."""
    named = os.environ.get(SIGN_IN_VARIABLE)
    if not named:
        return Visitor(typed_name.strip(), roles=frozenset(VisitorRole))
    if _sign_in_of(token_claims) in _LEFT:
        return sign_in_rules.NOBODY
    return sign_in_rules.person_of(token_claims, _rules(named, identity_of(Path(named))), time.time())


@contextmanager
def acting_as(person: Visitor) -> Iterator[None]:
    """Let what is done within be done for whoever asked for it, as a file that is made when it is fetched."""
    token = _ACTING.set(person)
    try:
        yield
    finally:
        _ACTING.reset(token)


def leave() -> None:
    """End the sign-in of whoever is here in every tab that it was opened in, not in this one alone."""
    _LEFT[_sign_in_of(claims())] = None
    while len(_LEFT) > MOST_LEFT:
        _LEFT.pop(next(iter(_LEFT)))


def origin() -> str:
    """Return the public address of the pages, as the file about the sign-in has it; empty where nobody signs in."""
    named = os.environ.get(SIGN_IN_VARIABLE)
    return _rules(named, identity_of(Path(named))).redirect_uri if named else ""


def _sign_in_of(token_claims: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(token_claims.get(name)) for name in ("iss", "sub", "iat"))


def claims() -> Mapping[str, Any]:
    """Return what the verified token of whoever signed in says; empty where nobody did."""
    return dict(st.user) if getattr(st.user, "is_logged_in", False) else {}


def identity() -> str:
    """Return issuer and subject of the token, also of one that is over; empty where nobody signed in."""
    issuer, subject = claims().get("iss"), claims().get("sub")
    return f"{issuer} {subject}" if issuer and subject else ""


@lru_cache(maxsize=1)
def _rules(file: str, mark: Identity | None) -> SignInRules:  # noqa: ARG001  # read anew when it changes
    return sign_in_rules.read(Path(file))
