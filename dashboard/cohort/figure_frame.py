"""A figure under its title, with its method and a menu to take it away; a click on a mark opens that patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.charts.theme import PNG_SCALE
from dashboard.shell import data_files, page

_images = st.components.v2.component(
    "cordtrack_figure_images",
    html='<span class="ct-images"><button type="button" data-kind="svg">SVG</button> '
    '<button type="button" data-kind="png">PNG</button></span>',
    css="button { font: inherit; color: var(--st-text-color); background: none; cursor: pointer; "
    "padding: 0.25rem 0.8rem; border: 1px solid var(--st-border-color); border-radius: 0.5rem; }",
    js=Path(__file__).with_name("figure_images.js").read_text(encoding="utf-8"),
)
_marks = st.components.v2.component(
    "cordtrack_figure_marks",
    html='<span class="ct-keys"></span>',
    js=Path(__file__).with_name("figure_marks.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class CohortFigure:
    """A figure of many patients and what is said and given with it.

    Attributes
    ----------
    count
        How many it shows; without any, words stand in its place.
    note
        Whom it shows and how it was made: the sentence for a paper.
    name
        Of its files, and of the figure on its page.
    make_table
        Makes the rows behind it; None where they would show single people.
    nothing
        What is said where it shows nobody.
    """

    title: str
    count: int
    note: str
    name: str
    draw: Callable[[], go.Figure]
    make_table: Callable[[], pd.DataFrame] | None
    nothing: str = "Nobody shown has the numbers for this figure."


def lead_from_marks() -> None:
    """Let a click on a mark open its patient, and the line under the pointer stand out from the others."""
    _marks(key="figure-marks", height=1)


def framed(shown: CohortFigure, notes: list[tuple[str, str]]) -> bool:
    """Put a figure under its title, with method and menu; tell whether there was anything to draw.

    Parameters
    ----------
    notes
        Title and method of what the page has drawn; this figure is added.
    """
    if not shown.count:
        page.section(shown.title)
        page.remark(shown.nothing)
        return False
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section(shown.title)
        _menu(shown)
    key = f"figure-{shown.name}"
    page.figure(shown.draw(), key, f"{shown.title}. {shown.note}")
    page.remark(shown.note)
    notes.append((shown.title, shown.note))
    return True


@st.fragment
def _menu(shown: CohortFigure) -> None:
    """Offer drawing, rows and sentence; filled when it is opened, without the rest of the page."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        menu = st.popover("Take away", type="tertiary", key=f"take-{shown.name}", on_change="rerun")
    if not menu.open:
        return
    with menu:
        data = {"figure": f"figure-{shown.name}", "name": shown.name, "scale": PNG_SCALE}
        _images(key=f"images-{shown.name}", data=data, height="content")
        if shown.make_table is not None:
            data_files.offer(shown.make_table, shown.name)
        page.remark("The sentence for the methods:")
        st.code(f"{shown.title}. {shown.note}", language=None, wrap_lines=True)
