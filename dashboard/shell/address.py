"""Choices kept in the address bar by their plain values, so that a link or a reload restores what was seen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def several(parameter: str, options: Sequence[str]) -> list[str]:
    """Return the values of a parameter that are options now, in the order of the options."""
    named = set(st.query_params.get_all(parameter))
    return [option for option in options if option in named]


def one(parameter: str, options: Sequence[str], default: str) -> str:
    """Return the value of a parameter when it is an option now, else the default."""
    named = st.query_params.get(parameter)
    return named if named in options else default


def keep(parameter: str, chosen: Sequence[str]) -> None:
    """Write what was chosen into the address; nothing chosen leaves the parameter out."""
    if list(chosen) == st.query_params.get_all(parameter):
        return
    if chosen:
        st.query_params[parameter] = list(chosen)
    else:
        st.query_params.pop(parameter, None)
