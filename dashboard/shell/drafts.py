"""What somebody had typed when their sign-in ended in mid-page, or when they loaded the page anew.

It is kept in the server's memory: by issuer and subject until the same person signs in again, and by the window it
was typed in, for the same person when that window is loaded anew. Nothing of it reaches a disk, and it is let go after
a working day, as soon as anybody is at a page. Whose sign-in goes on and who may only look now has it set aside in the
session, until they may write again; it is kept like the rest when that sign-in ends too. What is still being typed, and
what stands in a field beside a button of its own, a browser sends when the field or the button is left: the server
knows it from then on.

A field beside which somebody chooses what it is about has the choice in its key: fields that are not drawn lose what
was chosen, and a text must never come back onto another patient or lesion.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st

from dashboard.data import door, who
from dashboard.shell import typed_tables
from dashboard.shell.typed_tables import TypedTable
from pipeline.journal.roles import Deed

TYPED = {
    Deed.SIGN: ("why-", "said-", "same-", "cohort-name", "note-", "finding-why-", "finding-read-", "called-"),
    Deed.EDIT: ("archive-numbers", "of-", "on-"),
}
"""Beginnings of the keys of fields that people type into, by what has to be allowed for it."""
CHOSEN = ("lesion-", "withdrawn-", "mask-", "kind-said-", "finding-name-", "finding-term-", "names-")
"""Beginnings of the keys of what is chosen beside such a field, kept with the text so that it is found again."""
BROUGHT_BACK = "drafts-brought-back"
ASIDE = "drafts-aside"
HOURS = 12.0
MOST_KEPT = 1000
BESIDE = "-beside"
"""Ending of the key of a table that another tab has typed into otherwise: it is shown, and put into no table."""
_LOCK = Lock()
Typed = dict[str, str | TypedTable]
_DRAFTS: OrderedDict[tuple[str, str], tuple[float, Typed]] = OrderedDict()
"""What was typed and when it was kept, by person and window; no window for whoever's sign-in ended."""
WINDOW, WINDOW_ASKS, HEARD, GIVEN_BACK = "window", "window-asks", "window-heard", "window-given-back"
_window = st.components.v2.component(
    "cordtrack_window",
    html="<span></span>",
    js=Path(__file__).with_name("window.js").read_text(encoding="utf-8"),
)


def keep(identity: str) -> None:
    """Keep what stands in the fields of this session now or was set aside, for a person whose sign-in is over."""
    typed = _all_typed(identity)
    if not identity or not typed:
        return
    with _LOCK:
        before = _taken((identity, ""))  # of another tab
        beside = {f"{key}{BESIDE}": table for key, table in before.items() if _is_otherwise(table, typed.get(key))}
        _put((identity, ""), before | beside | typed)
        _DRAFTS.pop((identity, str(st.session_state.get(WINDOW))), None)  # it comes back once


def bring_back(identity: str) -> bool:
    """Put into the fields what the person had typed before; say whether there was anything. Once a session."""
    if BROUGHT_BACK in st.session_state:
        return False
    st.session_state[BROUGHT_BACK] = True
    with _LOCK:
        typed = _taken((identity, ""))
    return _put_into_fields(typed)


def follow_window() -> bool:
    """Keep what is typed in this window for when it is loaded anew; say whether something came back into its fields.

    Without a sign-in too: it is given back to the very window it was typed in, by a secret that this window holds.
    """
    window = st.session_state.setdefault(WINDOW, secrets.token_urlsafe(32))
    whose = (who.identity(), window)
    typed = _all_typed(whose[0])
    with _LOCK:
        _let_go()
        if typed:
            _put(whose, typed)
        else:
            _DRAFTS.pop(whose, None)
    data = {"window": window, "typed": bool(typed), "heard": st.session_state.get(HEARD, "")}
    with st.container(key="ct-window"):
        _window(key=WINDOW_ASKS, data=data, on_before_change=_give_back)
    return bool(st.session_state.pop(GIVEN_BACK, False))


def _give_back() -> None:
    """Put into the fields what was typed in this window before it was loaded anew: a callback.

    It is kept for the window it was typed in, too: a browser that makes a second one of it gives both its secret, and
    the first must not lose what stands in it.
    """
    before = str(st.session_state[WINDOW_ASKS].before)
    st.session_state[HEARD] = before
    with _LOCK:
        kept_at, typed = _DRAFTS.get((who.identity(), before), (0.0, {}))
        typed = typed if _is_recent(kept_at) else {}
    st.session_state[GIVEN_BACK] = _put_into_fields(typed and typed | _typed(TYPED))


def follow_roles() -> None:
    """Set aside what stands in fields that whoever is here may not fill any more; put it back where they may again.

    Before any field of a page is drawn.
    """
    for deed in TYPED:
        put_back(deed) if door.may(deed) else set_aside(deed)


def set_aside(deed: Deed) -> bool:
    """Keep in this session what stands in the fields of a deed, not drawn any more; say whether there is anything."""
    aside, at = st.session_state.setdefault(ASIDE, {}), (who.identity(), deed)
    aside[at] = {**aside.get(at, {}), **_typed([deed])}
    return bool(aside[at]) or (deed == Deed.EDIT and bool(typed_tables.unsaved()))


def put_back(deed: Deed) -> None:
    """Put what the same person had set aside into the fields of a deed, those that are not drawn already."""
    for key, value in st.session_state.get(ASIDE, {}).pop((who.identity(), deed), {}).items():
        if key not in st.session_state:
            st.session_state[key] = value


def _all_typed(identity: str) -> Typed:
    """Return what stands in the fields and tables of this session, and what somebody had set aside in it."""
    aside: Typed = {}
    for (whose, _), texts in st.session_state.get(ASIDE, {}).items():
        aside |= texts if whose == identity else {}
    return aside | _typed(TYPED) | typed_tables.unsaved()


def _put_into_fields(typed: Typed) -> bool:
    for key, value in typed.items():
        if isinstance(value, TypedTable):
            typed_tables.put(key, value)
        else:
            st.session_state[key] = value
    return bool(typed)


def _put(whose: tuple[str, str], typed: Typed) -> None:
    _DRAFTS[whose] = (time.monotonic(), typed)
    _DRAFTS.move_to_end(whose)
    while len(_DRAFTS) > MOST_KEPT:
        _DRAFTS.popitem(last=False)


def _is_otherwise(table: str | TypedTable, here: str | TypedTable | None) -> bool:
    if not isinstance(table, TypedTable) or not isinstance(here, TypedTable):
        return False
    return typed_tables.rows_of(table) != typed_tables.rows_of(here)


def _let_go() -> None:
    """Forget what is older than a working day; the oldest stands first."""
    while _DRAFTS and not _is_recent(next(iter(_DRAFTS.values()))[0]):
        _DRAFTS.popitem(last=False)


def _taken(whose: tuple[str, str]) -> Typed:
    kept_at, typed = _DRAFTS.pop(whose, (0.0, {}))
    return typed if _is_recent(kept_at) else {}


def _typed(deeds: Iterable[Deed]) -> dict[str, Any]:
    """Return the texts in the fields of deeds, and what is chosen where there is one."""
    begins = tuple(begin for deed in deeds for begin in TYPED.get(deed, ()))
    state = {str(key): value for key, value in st.session_state.items() if isinstance(value, str) and value}
    texts = {key: value for key, value in state.items() if key.startswith(begins)}
    return texts and {key: value for key, value in state.items() if key in texts or key.startswith(CHOSEN)}


def _is_recent(kept_at: float) -> bool:
    return time.monotonic() - kept_at <= HOURS * 3600
