"""What somebody had typed when their sign-in ended in mid-page: kept in the server's memory until they sign in again.

For the same person only, by issuer and subject; nothing of it reaches a disk, and it is let go after a working day.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

import streamlit as st

TYPED = ("why-", "said-", "same-", "cohort-name", "note-", "archive-numbers", "of-", "on-")
"""Beginnings of the keys of fields that people type into."""
EDITED = "form-"
"""Beginning of the keys of tables that people edit, whose changes are brought back by :func:`changes_of`."""
BROUGHT_BACK = "drafts-brought-back"
HOURS = 12.0
MOST_PEOPLE = 200
_LOCK = Lock()
_DRAFTS: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()


def keep(identity: str) -> None:
    """Keep what stands in the fields of this session now, for a person whose sign-in is over."""
    state = {str(key): value for key, value in st.session_state.items()}
    typed = {key: value for key, value in state.items() if key.startswith(TYPED) and isinstance(value, str) and value}
    typed |= {key: value for key, value in state.items() if key.startswith(EDITED) and _is_edited(value)}
    if not identity or not typed:
        return
    with _LOCK:
        _DRAFTS[identity] = (time.monotonic(), typed)
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
    if not typed or time.monotonic() - kept_at > HOURS * 3600:
        return False
    for key, value in typed.items():
        if key.startswith(EDITED):
            st.session_state[BROUGHT_BACK][key] = value
        else:
            st.session_state[key] = value
    return True


def changes_of(key: str) -> Mapping[str, Any]:
    """Return the changes of a table that were brought back; none where there are none."""
    changes: Mapping[str, Any] = st.session_state.get(BROUGHT_BACK, {}).get(key, {})
    return changes


def _is_edited(value: object) -> bool:
    parts = ("edited_rows", "added_rows", "deleted_rows")
    return isinstance(value, Mapping) and any(value.get(part) for part in parts)
