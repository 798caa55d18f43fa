"""The order of the board: by urgency, or by the column whose head was chosen; the address keeps it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard.shell import address
from dashboard.words.markup import Html, tag

URGENCY = "urgency"
KEYS = {
    "state": ("state_place", True),
    "volume": ("tumour_volume_mm3", False),
    "change": ("change_percent", False),
    "scan": ("last_scan_on", False),
    URGENCY: ("", True),
}
"""Columns that can be chosen, by their names in the address: what is sorted by, and whether it rises."""

_keys = st.components.v2.component(
    "cordtrack_board_keys",
    html='<span class="ct-keys"></span>',
    js=Path(__file__).with_name("board_keys.js").read_text(encoding="utf-8"),
)


def chosen() -> tuple[str, bool]:
    """Return the column that the address names, and whether its order is turned round."""
    return address.one("sort", list(KEYS), URGENCY), st.query_params.get("turned") == "1"


def listen() -> None:
    """Let keys and clicks work on the list: arrows, Enter, "/", whole rows, and heads to sort by."""
    _keys(key="board-keys", on_sort_change=_sort, height=1)


def _sort() -> None:
    """Sort by the head that was clicked, the other way round at the second click: a callback."""
    name = st.session_state["board-keys"].sort
    if name not in KEYS:
        return
    now, is_turned = chosen()
    turn = name == now and not is_turned
    address.keep("sort", [] if name == URGENCY and not turn else [name])
    address.keep("turned", ["1"] if turn else [])


def head(name: str, words: str) -> Html:
    """Write a head that sorts, with a sign of the order now."""
    now, is_turned = chosen()
    column, is_rising = KEYS[name]
    sign = ""
    if name == now and column:
        sign = "\u2009↑" if is_rising != is_turned else "\u2009↓"
    title = "back to the order of urgency" if name == URGENCY else "sort by this; again for the other way round"
    return tag("span", words, sign, role="button", tabindex="0", title=title, class_="ct-sort", **{"data-sort": name})


def ordered(patients: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order chosen; who has no value comes last, whichever way round."""
    name, is_turned = chosen()
    column, is_rising = KEYS[name]
    if not column:
        return patients.iloc[::-1] if is_turned else patients
    place = patients[column].sort_values(ascending=is_rising != is_turned, kind="stable", na_position="last").index
    return patients.loc[place]
