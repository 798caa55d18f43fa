"""Choices kept in the address bar by their plain values, so that a link or a reload restores what was seen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

DRAW = "draw"
"""Of a patient's page: the visit whose drawing a link opens."""


def several(parameter: str, options: Sequence[str]) -> list[str]:
    """Return the values of a parameter that are options now, in the order of the options."""
    named = set(st.query_params.get_all(parameter))
    return [option for option in options if option in named]


def one(parameter: str, options: Sequence[str], default: str) -> str:
    """Return the value of a parameter when it is an option now, else the default."""
    named = st.query_params.get(parameter)
    return named if named in options else default


def follow(parameter: str, value: object) -> None:
    """Give the widget whose key is a parameter the value of the address, unless the widget wrote that itself.

    So a link, a reload and Back are followed, and what the reader chose just now is not undone. The widget takes no
    default of its own.
    """
    is_written = st.session_state.get(f"written-{parameter}") == st.query_params.get_all(parameter)
    if parameter not in st.session_state or not is_written:
        st.session_state[parameter] = value


def keep(parameter: str, chosen: Sequence[str]) -> None:
    """Write what was chosen into the address; nothing chosen leaves the parameter out."""
    st.session_state[f"written-{parameter}"] = list(chosen)
    if list(chosen) == st.query_params.get_all(parameter):
        return
    if chosen:
        st.query_params[parameter] = list(chosen)
    else:
        st.query_params.pop(parameter, None)


def switch(label: str, parameter: str, words: str | None = None) -> bool:
    """Offer a switch that the address keeps, and that Back turns again: each turn is a step of its own.

    Parameters
    ----------
    words
        What it does, on hover.
    """
    follow(parameter, st.query_params.get(parameter) == "true")
    is_on = st.toggle(label, key=parameter, help=words)
    keep(parameter, ["true"] if is_on else [])
    return is_on
