"""The dark ground: every colour of the light one has its partner here, chosen to keep its meaning and its contrast.

Figures and markup are made in the colours of ``labels``; on a dark ground they are exchanged at the very end, so that
no page and no figure needs to know about it.
"""

from __future__ import annotations

import re

import plotly.graph_objects as go
import streamlit as st

from dashboard.words import labels

GROUND = "#12161B"
PARTNERS = {
    labels.INK: "#E6EAEE",
    labels.GREY: "#A9B3BD",
    labels.PALE: "#7D8893",
    labels.GRID: "#2A313A",
    labels.SHADE: "#1E252D",
    "#FFFFFF": GROUND,
    "#B2182B": "#F27A72",
    "#EF8A62": "#F4A582",
    "#B9472F": "#F4A582",
    "#67A9CF": "#8CC5E3",
    "#2F7CA8": "#8CC5E3",
    "#2166AC": "#7DB4F0",
    "#8A5A00": "#E0B35A",
    "#D81B60": "#F2699A",
    "#1E88E5": "#5FB0F5",
    "#00ACC1": "#4CCBDB",
    "#C79A00": "#DDB93C",
    "#8E8E8E": "#ABABAB",
    "#8D6E63": "#BCA199",
    "#00897B": "#3FB8AB",
    "#C2185B": "#F2699A",
    "#1565C0": "#5FB0F5",
    "#00707F": "#4CCBDB",
    "#7A5E00": "#DDB93C",
    "#666666": "#ABABAB",
    "#6D4C41": "#BCA199",
    "#00695C": "#3FB8AB",
    "#1F4E8C": "#8AB4F0",
    "#7B4FA0": "#B894D6",
    "#4E7F3B": "#8FC27A",
    "#9C6B1F": "#D3A35A",
    "#2F7F7A": "#6DBDB7",
    "#697280": "#A7ADB6",
}
"""Colour on the light ground to colour on the dark one; keys in capitals."""
RGBA = re.compile(r"rgba\((\d+),(\d+),(\d+),")
HEX = re.compile(r"#[0-9A-Fa-f]{6}")


def is_on() -> bool:
    """Tell whether the reader's browser shows a dark ground."""
    return bool(st.context.theme.type == "dark")


def dressed(fig: go.Figure) -> go.Figure:
    """Return the figure in the colours of the ground that it will stand on."""
    return go.Figure(_exchange(fig.to_plotly_json())) if is_on() else fig


def on_ground(drawing: str) -> str:
    """Return a drawing in the colours of the ground that it will stand on."""
    return exchanged(drawing) if is_on() else drawing


def exchanged(text: str) -> str:
    """Exchange every colour that is written in a text, as ``#RRGGBB`` or as the start of an ``rgba``.

    >>> exchanged("color:#b2182b; background:rgba(178,24,43,0.12)")
    'color:#F27A72; background:rgba(242,122,114,0.12)'
    """
    written = HEX.sub(lambda match: PARTNERS.get(match.group().upper(), match.group()), text)
    return RGBA.sub(_rgba, written)


def style() -> str:
    """Return the rules that turn the styles of the pages over, for markup whose colours are written in it too."""
    inline = "\n".join(
        f'[style*="color:{light}"]:not([style*="background"]) {{ color: {dark} !important; }}'
        for light, dark in PARTNERS.items()
    )
    return (
        f":root {{ --ct-ink: {PARTNERS[labels.INK]}; --ct-grey: {PARTNERS[labels.GREY]}; "
        f"--ct-rule: {PARTNERS[labels.GRID]}; --ct-ground: {GROUND}; --ct-link: {PARTNERS['#1F4E8C']}; "
        f"--ct-on-link: {GROUND}; --ct-flag: {PARTNERS['#8A5A00']}; }}\n{inline}"
    )


def _exchange(value: object) -> object:
    """Exchange the colours in the plain values of a figure; arrays of numbers stay as they are."""
    if isinstance(value, str):
        return exchanged(value)
    if isinstance(value, dict):
        return {key: _exchange(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exchange(one) for one in value]
    return value


def _rgba(match: re.Match[str]) -> str:
    light = "#" + "".join(f"{int(part):02X}" for part in match.groups())
    dark = PARTNERS.get(light)
    if dark is None:
        return match.group()
    return f"rgba({','.join(str(int(dark[at : at + 2], 16)) for at in (1, 3, 5))},"
