"""What somebody had typed when their sign-in ended in mid-page, or when they loaded the page anew.

It is kept in the server's memory: by issuer and subject until the same person signs in again, and by the window it
was typed in, for the same person when that window is loaded anew. Nothing of it reaches a disk, and it is let go after
a working day, as soon as anybody is at a page. Whose sign-in goes on and who may only look now has it set aside in the
session, until they may write again; it is kept like the rest when that sign-in ends too.

What is still being typed, and what stands in a field beside a button of its own, a browser sends when the field or the
button is left. Until the server has it, the browser keeps it for its window and gives it back, to the same person;
numbers of the hospital never, since they name people. Files that were chosen no browser chooses again: the server says
which they were.

A field beside which somebody chooses what it is about has the choice in its key: fields that are not drawn lose what
was chosen, and a text must never come back onto another patient or lesion.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st

from dashboard.data import door, who
from dashboard.shell import typed_tables
from dashboard.shell.typed_tables import TypedTable
from pipeline.journal.roles import Deed

NAMES_PEOPLE = "archive-numbers"
"""Of what nothing is left in a browser."""
TYPED = {
    Deed.READ: ("attendees",),
    Deed.SIGN: ("why-", "said-", "same-", "saved-cohorts-name", "note-", "finding-why-", "finding-read-", "called-"),
    Deed.EDIT: (NAMES_PEOPLE, "of-", "on-", "otherwise-"),
}
"""Beginnings of the keys of fields that people type into, by what has to be allowed for it."""
IN_BROWSER = tuple(begin for begins in TYPED.values() for begin in begins if begin != NAMES_PEOPLE)
"""Beginnings of the keys of fields whose text a browser keeps until the server has it."""
FILES = ("scans-", "drawn-")
"""Beginnings of the keys of fields for files."""
CHOSEN = ("lesion-", "withdrawn-", "mask-", "kind-said-", "finding-name-", "finding-term-", "names-")
"""Beginnings of the keys of what is chosen beside such a field, kept with the text so that it is found again."""
BROUGHT_BACK = "drafts-brought-back"
ASIDE = "drafts-aside"
HOURS = 12.0
MOST_KEPT = 1000
BESIDE = "-beside"
"""Ending of the key of a table that another tab has typed into otherwise: it is shown, and put into no table."""
BACK = "What you had typed {when} is in its fields again; nothing was written."
LOST = (
    "Files that you had chosen {when} were not used, and no browser chooses a file again; please choose anew: {names}."
)
SHOWN_FILES = 12
"""How many of them are named."""
SAID_SECONDS = 15.0
"""How long it is said again: a page that fits itself to its screen is drawn once more at once."""
MOST_LETTERS = 20_000
"""Of a text that a browser gives back."""
PLAIN = re.compile(r"[A-Za-z0-9_-]+")
"""What a class of the page may be called; of other keys Streamlit makes one that two of them can share."""
_LOCK = Lock()


@dataclass(frozen=True)
class ChosenFiles:
    """Files that somebody chose in a field and did not put to use."""

    names: tuple[str, ...]


Typed = dict[str, str | TypedTable | ChosenFiles]
_DRAFTS: OrderedDict[tuple[str, str], tuple[float, Typed]] = OrderedDict()
"""What was typed and when it was kept, by person and window; no window for whoever's sign-in ended."""
_EMPTIED: OrderedDict[str, dict[str, int]] = OrderedDict()
"""How often a field was emptied, its text being on record, by window and key: a browser never brings that back."""
WINDOW, WINDOW_ASKS, HEARD, GIVEN_BACK = "window", "window-asks", "window-heard", "window-given-back"
_window = st.components.v2.component(
    "cordtrack_window",
    html="<span></span>",
    js="\n".join(
        Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("window.js", "resting_pointer.js")
    ),  # one element of a page for all that is followed in its window
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


def bring_back(identity: str) -> str:
    """Put into the fields what the person had typed before; say what came back, if anything. Once a session."""
    if BROUGHT_BACK in st.session_state:
        return ""
    st.session_state[BROUGHT_BACK] = True
    with _LOCK:
        typed = _taken((identity, ""))
    return _put_into_fields(typed, "when your sign-in ended")


def follow_window() -> str:
    """Keep what is typed in this window for when it is loaded anew; say what came back into its fields, if anything.

    Without a sign-in too: it is given back to the very window it was typed in, by a secret that this window holds.
    """
    window, identity = _window_here(), who.identity()
    typed = _all_typed(identity)
    with _LOCK:
        _let_go()
        if typed:
            _put((identity, window), typed)
        else:
            _DRAFTS.pop((identity, window), None)
    data = {
        "window": window,
        "owner": _owner(identity),
        "typed": bool(typed),
        "heard": st.session_state.get(HEARD, ""),
        "begins": list(IN_BROWSER),
        "held": {key: text for key, text in typed.items() if key.startswith(IN_BROWSER)},
        "chosen": _texts(CHOSEN),
        "emptied": dict(_EMPTIED.get(window, {})),
        "files": any(isinstance(each, ChosenFiles) for each in typed.values()),
    }
    with st.container(key="ct-window"):
        # no callback: while the first drawing lasts, a callback finds nothing of the component in the session
        asked = _window(key=WINDOW_ASKS, data=data, on_before_change=_no_act).before
    if asked and str(asked["ask"]) != st.session_state.get(HEARD):
        _give_back(asked)
        st.rerun()  # for the browser to hear of it
    words, until = st.session_state.get(GIVEN_BACK, ("", 0.0))
    if until is None:  # it is said for the first time
        until = time.monotonic() + SAID_SECONDS
        st.session_state[GIVEN_BACK] = (words, until)
    return words if time.monotonic() < until else ""


def say_no_more() -> None:
    """Let go of the words about what came back: what stands in the fields now is another matter."""
    st.session_state.pop(GIVEN_BACK, None)


def plain(key: str) -> str:
    """Return the key of a field of which a browser can keep the text: one that a class of the page can be called.

    >>> plain("why-sub-01"), plain("why-Pin it-sub-01")
    ('why-sub-01', 'why-Pin-it-sub-01-34384b76')
    """
    if PLAIN.fullmatch(key):
        return key
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', key)}-{sha256(key.encode()).hexdigest()[:8]}"


def empty(key: str) -> None:
    """Empty a field whose text is on record now, in the browser too: a callback."""
    st.session_state[key] = ""
    with _LOCK:
        counts = _EMPTIED.setdefault(_window_here(), {})
        counts[key] = counts.get(key, 0) + 1
        while len(_EMPTIED) > MOST_KEPT:
            _EMPTIED.popitem(last=False)


def _window_here() -> str:
    return str(st.session_state.setdefault(WINDOW, secrets.token_urlsafe(32)))


def _owner(identity: str) -> str:
    """Return by what a browser tells one person from another; nothing where nobody signs in."""
    return sha256(identity.encode()).hexdigest() if identity else ""


def _no_act() -> None:
    """Let the page be drawn anew."""


def _give_back(asked: Mapping[str, Any]) -> None:
    """Put into the fields, before any is drawn, what was typed in this window before it was loaded anew.

    It is kept for the window it was typed in, too: a browser that makes a second one of it gives both its secret, and
    the first must not lose what stands in it.
    """
    st.session_state[HEARD] = str(asked["ask"])
    with _LOCK:
        kept_at, typed = _DRAFTS.get((who.identity(), str(asked["window"])), (0.0, {}))
        typed = typed if _is_recent(kept_at) else {}
    typed = (typed and typed | _typed(TYPED)) | _from_browser(asked.get("texts") or {})
    words = _put_into_fields(typed, "before this page was loaded anew")
    st.session_state[GIVEN_BACK] = (words, None)


def _from_browser(texts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return what a browser kept since the server did not have it yet: of this person, and not put on record since."""
    typed: dict[str, str] = {}
    for key, one in list(texts.items())[:MOST_KEPT]:
        text, count = one.get("text"), _EMPTIED.get(str(one.get("window")), {}).get(key, 0)
        is_theirs = one.get("owner") == _owner(who.identity()) and count <= int(one.get("emptied") or 0)
        if is_theirs and key.startswith(IN_BROWSER) and isinstance(text, str) and len(text) <= MOST_LETTERS:
            chosen = (one.get("chosen") or {}).items()
            typed |= {at: str(choice) for at, choice in chosen if at.startswith(CHOSEN)} | {key: text}
    return typed


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
    return aside | _typed(TYPED) | typed_tables.unsaved() | _chosen_files()


def _chosen_files() -> dict[str, ChosenFiles]:
    """Return the files that stand in fields of this session, by their keys."""
    fields = {str(key): value for key, value in st.session_state.items() if value and str(key).startswith(FILES)}
    files = {key: value if isinstance(value, list) else [value] for key, value in fields.items()}
    return {key: ChosenFiles(tuple(str(each.name) for each in chosen)) for key, chosen in files.items()}


def _put_into_fields(typed: Typed, when: str) -> str:
    """Put what was typed into its fields; say so, and which files have to be chosen again."""
    names: list[str] = []
    for key, value in typed.items():
        if isinstance(value, TypedTable):
            typed_tables.put(key, value)
        elif isinstance(value, ChosenFiles):
            names += value.names
        else:
            st.session_state[key] = value
    is_back = any(not isinstance(value, ChosenFiles) and value for value in typed.values())
    lost = LOST.format(when=when, names=", ".join(names[:SHOWN_FILES])) if names else ""
    if len(names) > SHOWN_FILES:
        lost = f"{lost[:-1]} and {len(names) - SHOWN_FILES} more."
    return " ".join(filter(None, (BACK.format(when=when) if is_back else "", lost)))


def _put(whose: tuple[str, str], typed: Typed) -> None:
    _DRAFTS[whose] = (time.monotonic(), typed)
    _DRAFTS.move_to_end(whose)
    while len(_DRAFTS) > MOST_KEPT:
        _DRAFTS.popitem(last=False)


def _is_otherwise(table: object, here: object) -> bool:
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
    texts = _texts(tuple(begin for deed in deeds for begin in TYPED.get(deed, ())))
    return texts and texts | _texts(CHOSEN)


def _texts(begins: tuple[str, ...]) -> dict[str, Any]:
    state = {str(key): value for key, value in st.session_state.items() if isinstance(value, str) and value}
    return {key: value for key, value in state.items() if key.startswith(begins)}


def _is_recent(kept_at: float) -> bool:
    return time.monotonic() - kept_at <= HOURS * 3600
