"""What somebody had typed when their sign-in ended in mid-page: kept in the server's memory until they sign in again.

For the same person only, by issuer and subject; nothing of it reaches a disk, and it is let go after a working day.
Whose sign-in goes on and who may only look now has it set aside in the session, until they may write again; it is
kept like the rest when that sign-in ends too.

A field beside which somebody chooses what it is about has the choice in its key: fields that are not drawn lose what
was chosen, and a text must never come back onto another patient or lesion.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

import streamlit as st

from dashboard.data import who
from pipeline.journal.roles import Deed

TYPED = {
    Deed.SIGN: ("why-", "said-", "same-", "cohort-name", "note-"),
    Deed.EDIT: ("archive-numbers", "of-", "on-"),
}
"""Beginnings of the keys of fields that people type into, by what has to be allowed for it."""
CHOSEN = ("lesion-", "withdrawn-", "mask-", "kind-said-")
"""Beginnings of the keys of what is chosen beside such a field, kept with the text so that it is found again."""
EDITED = "form-"
"""Beginning of the keys of tables that people edit, whose changes are brought back by :func:`changes_of`."""
BROUGHT_BACK = "drafts-brought-back"
ASIDE = "drafts-aside"
HOURS = 12.0
MOST_PEOPLE = 200
_LOCK = Lock()
_DRAFTS: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()


def keep(identity: str) -> None:
    """Keep what stands in the fields of this session now or was set aside, for a person whose sign-in is over."""
    edited = {str(key): value for key, value in st.session_state.items() if str(key).startswith(EDITED)}
    aside: dict[str, Any] = {}
    for (whose, _), texts in st.session_state.get(ASIDE, {}).items():
        aside |= texts if whose == identity else {}
    typed = aside | _typed(TYPED) | {key: value for key, value in edited.items() if _is_edited(value)}
    if not identity or not typed:
        return
    with _LOCK:
        kept_at, before = _DRAFTS.get(identity, (0.0, {}))  # of another tab
        _DRAFTS[identity] = (time.monotonic(), (before if _is_recent(kept_at) else {}) | typed)
        _DRAFTS.move_to_end(identity)
        while len(_DRAFTS) > MOST_PEOPLE:
            _DRAFTS.popitem(last=False)


def bring_back(identity: str) -> bool:
    """Put into the fields what the person had typed before; say whether there was anything. Once a session."""
    if BROUGHT_BACK in st.session_state:
        return False
    st.session_state[BROUGHT_BACK] = {}
    with _LOCK:
        kept_at, typed = _DRAFTS.pop(identity, (0.0, {}))
    if not typed or not _is_recent(kept_at):
        return False
    for key, value in typed.items():
        if key.startswith(EDITED):
            st.session_state[BROUGHT_BACK][key] = value
        else:
            st.session_state[key] = value
    return True


def set_aside(deed: Deed) -> bool:
    """Keep in this session what stands in the fields of a deed, not drawn any more; say whether there is anything."""
    aside, at = st.session_state.setdefault(ASIDE, {}), (who.identity(), deed)
    aside[at] = {**aside.get(at, {}), **_typed([deed])}
    return bool(aside[at])


def put_back(deed: Deed) -> None:
    """Put what the same person had set aside into the fields of a deed, those that are not drawn already."""
    for key, value in st.session_state.get(ASIDE, {}).pop((who.identity(), deed), {}).items():
        if key not in st.session_state:
            st.session_state[key] = value


def changes_of(key: str) -> Mapping[str, Any]:
    """Return the changes of a table that were brought back; none where there are none."""
    changes: Mapping[str, Any] = st.session_state.get(BROUGHT_BACK, {}).get(key, {})
    return changes


def _typed(deeds: Iterable[Deed]) -> dict[str, Any]:
    """Return the texts in the fields of deeds, and what is chosen where there is one."""
    begins = tuple(begin for deed in deeds for begin in TYPED.get(deed, ()))
    state = {str(key): value for key, value in st.session_state.items() if isinstance(value, str) and value}
    texts = {key: value for key, value in state.items() if key.startswith(begins)}
    return texts and {key: value for key, value in state.items() if key in texts or key.startswith(CHOSEN)}


def _is_recent(kept_at: float) -> bool:
    return time.monotonic() - kept_at <= HOURS * 3600


def _is_edited(value: object) -> bool:
    parts = ("edited_rows", "added_rows", "deleted_rows")
    return isinstance(value, Mapping) and any(value.get(part) for part in parts)
