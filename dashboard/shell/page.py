"""What every page has around it: styles, the notice that this is research, and which run is shown."""

from __future__ import annotations

import atexit
import gc
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.charts import theme
from dashboard.data import door, queries, study_jobs, who
from dashboard.shell import dark, guide
from dashboard.shell.news import news
from dashboard.shell.tour import tour
from dashboard.words import labels
from dashboard.words.markup import Html, join, tag
from pipeline.errors import CordtrackError, SettingsError, StoreError
from pipeline.journal.roles import Deed

STYLE = Path(__file__).parents[1] / "style.css"
PNG = "png"
"""Parameter of the address."""
PROJECTOR = "present"
NAMES_ONE = {"patient": "patient", PROJECTOR: "at"}
"""Pages about one patient, and the parameter of the address that names whom."""
LOADING = {
    "board": "the board",
    "patient": "the most urgent patient",
    "present": "the first patient",
    "cohort": "outcomes and figures of the cohort",
    "quality": "what waits for a person",
    "methods": "the rules",
    "study": "the study",
}
"""What a page loads, in words, by the name of its file."""
PLAIN_NAME = re.compile(r"sub-[A-Za-z0-9]{1,64}")
"""A name that may stand in a style sheet: it comes from the address, which anybody can write."""
NO_CLASS = re.compile(r"[^A-Za-z0-9_-]")
"""What Streamlit replaces in a key where it makes a class of it, with its hyphen."""


@dataclass(frozen=True)
class ShownStudy:
    """The study that is shown, and the criteria that judge it."""

    name: str
    is_synthetic: bool
    criteria_id: str
    criteria_name: str
    criteria_title: str
    is_adapted: bool


def study() -> ShownStudy:
    """Return the study that the store holds.

    Raises
    ------
    StoreError
        There is no store, or no finished run in it.
    """
    return _study(_study_info())


def show_page(draw: Callable[[ShownStudy], None]) -> None:
    """Put styles, notice and footer in place and draw a page; where results cannot be read, say what to do instead."""
    here = Path(draw.__code__.co_filename).stem
    _dress(here)
    try:
        info = _study_info()
        shown = _study(info)
    except CordtrackError as error:
        st.html(_notice())
        nothing_yet(str(error))
        return
    _around(shown, info)
    if here != PROJECTOR:  # its next patient is drawn from the results of then
        news()
    tour(here, shown.criteria_id)
    try:
        draw(shown)
    except SettingsError as error:  # whoever is here may not see it: no run changes that
        sentence(str(error))
    except CordtrackError as error:
        nothing_yet(str(error))
    _set_aside(draw.__code__.co_filename)


def show_workbench(draw: Callable[[], None]) -> None:
    """Draw a page that needs no results, with styles and notice; what cannot be done is said in its place."""
    _dress(Path(draw.__code__.co_filename).stem)
    synthetic = [labels.SYNTHETIC] if _is_synthetic() else []
    st.html(join([_notice(*synthetic), tag("div", str(queries.out_dir()), class_="ct-footer")]))
    try:
        draw()
    except CordtrackError as error:
        sentence(str(error))


def _dress(here: str) -> None:
    """Put the styles in place, and what a page that takes its time says is being loaded."""
    named = st.query_params.get(NAMES_ONE.get(here, ""), "")
    what = f"the results and scans of {named}" if PLAIN_NAME.fullmatch(named) else LOADING.get(here, here)
    st.html(STYLE)
    colours = dark.style() if dark.is_on() else ""
    st.html(tag("style", Html(f':root {{ --ct-loading: "Loading {what} …"; }} {colours}')))


@st.cache_resource(show_spinner=False)
def _set_aside(page: str) -> None:  # noqa: ARG001  # key of the cache: once a page, when it has loaded what it needs
    """Take what lives as long as the server, its modules mostly, out of the search for unused objects.

    A full search passes over all of it, and meanwhile no reader is answered: an eighth to a quarter of a second.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # at the end everything is let go


def today() -> date:
    """Return the reader's day."""
    return date.today()  # noqa: DTZ011  # the day on the reader's wall, which is what due dates are held against


def nothing_yet(message: str) -> None:
    """Say in place of a page what is missing and what to do."""
    todo = "To make results: cordtrack run STUDY_FOLDER OUT_DIR, then reload this page."
    if study_jobs.study_dir() is not None:
        todo = "The page Study makes results and says how far they are."
        if not door.may(Deed.READ, of_all=True):
            todo = "Whoever may see all patients makes results, on the page Study; reload this page then."
    grey = (tag("p", text, class_="ct-grey") for text in (message, todo))
    st.html(tag("div", tag("p", "Nothing to show", class_="ct-sentence"), *grey, class_="ct-empty"))


def sentence(*parts: str) -> None:
    """Write the line that answers the page's question."""
    st.html(tag("p", *parts, class_="ct-sentence"))


def section(title: str, note: str = "") -> None:
    """Head a part of a page, with a remark in grey."""
    place = f"ct-at-{title.lower().replace(' ', '-')}"
    st.html(tag("h2", title, " ", tag("span", note, class_="ct-grey"), class_=f"ct-section {place}"))


def remark(text: str, width: Literal["stretch", "content"] = "stretch") -> None:
    """Write a small grey line, as wide as its place or as its words."""
    st.html(tag("p", text, class_="ct-grey ct-small"), width=width)


def halves(
    widths: int | Sequence[float],
    key: str,
    gap: Literal["small", "large"] = "large",
    vertical_alignment: Literal["top", "center"] = "top",
) -> list[DeltaGenerator]:
    """Return parts of the page that stand beside each other, and below each other where the screen is narrow or zoomed.

    Parameters
    ----------
    widths
        How many, or the share of each.
    key
        Name of the place, one on a page.
    """
    with st.container(key=f"ct-halves-{key}"):
        return st.columns(widths, gap=gap, vertical_alignment=vertical_alignment)


def caution(text: str, width: Literal["stretch", "content"] = "stretch") -> None:
    """Write a line that nobody should overlook, with a mark before it."""
    st.html(tag("p", text, class_="ct-act"), width=width)


def figure(fig: go.Figure, key: str, alt: str, **settings: Any) -> None:
    """Show a figure in the house style, in the colours of the reader's ground, with words for who cannot see it."""
    config = theme.as_file(key, is_png=st.query_params.get(PNG) == "true")
    st.html(f"<style>.st-key-{NO_CLASS.sub('-', key)} {{ --ct-figure-height: {fig.layout.height:.0f}px; }}</style>")
    st.plotly_chart(dark.dressed(fig), config=config, theme=None, key=key, alt=alt, **settings)


def choose_image() -> None:
    """Offer to take figures away as PNG instead of SVG, by the camera of each figure; kept in the address."""
    st.toggle("figures as PNG", key=PNG, bind="query-params", help="What the camera above each figure saves; else SVG.")


def state_mark(style: labels.Look) -> Html:
    """Write a state as symbol and word in its colour."""
    return tag("span", f"{style.symbol}\u00a0{style.word}", class_="ct-state", style=f"color:{style.ink}")


def provenance(shown: ShownStudy) -> str:
    """Say in one line what something printed rests on: notice, study, rule, run, versions."""
    words = [labels.SYNTHETIC] if shown.is_synthetic else []
    info = _study_info()
    return " · ".join([*words, labels.NOT_FOR_TREATMENT, *_missing(info), *_made(shown, info)])


def _missing(info: pd.Series) -> tuple[str, ...]:
    """Say how many patients of the study are on no page, because nothing of theirs is published yet."""
    missing = int(info["unpublished_count"])
    if not missing:
        return ()
    return (f"{missing} of {labels.count(missing + int(info['patient_count']), 'patient')} without results yet",)


def _made(shown: ShownStudy, info: pd.Series) -> tuple[str, ...]:
    return (
        shown.name,
        f"judged by {shown.criteria_name}",
        f"run {info['run_id']} of {labels.day(info['finished_at'])}",
        f"cordtrack {info['cordtrack_version']}",
        f"data {str(info['content_sha256'])[:8]}",
    )


def _study_info() -> pd.Series:
    info = queries.query("study_info")
    if info.empty:
        raise StoreError("the store holds no finished run yet")
    return info.iloc[0]


def _is_synthetic() -> bool:
    """Say whether the study that is served is made up, by its folder, or by its results where there is none."""
    try:
        return study_jobs.is_synthetic() if study_jobs.study_dir() is not None else study().is_synthetic
    except CordtrackError:
        return False


def _study(info: pd.Series) -> ShownStudy:
    adapted = ", adapted" if info["is_adapted"] else ""
    return ShownStudy(
        name=str(info["name"]),
        is_synthetic=bool(info["is_synthetic"]),
        criteria_id=str(info["default_criteria_id"]),
        criteria_name=f"{info['default_criteria_id']} {info['criteria_version']}{adapted}",
        criteria_title=f"{info['criteria_title']}, version {info['criteria_version']}",
        is_adapted=bool(info["is_adapted"]),
    )


def _around(shown: ShownStudy, info: pd.Series) -> None:
    parts = _made(shown, info)
    notice = _notice(*_missing(info), *([labels.SYNTHETIC] if shown.is_synthetic else []))
    st.html(join([notice, tag("div", " · ".join(parts), class_="ct-footer")]))


def _notice(*words: str) -> Html:
    """Write the line at the top of every page; where nobody signs in, it says that names are only typed."""
    typed = [] if who.is_sign_in_on() else [labels.NAMES_TYPED]
    notice = " · ".join([*words, labels.NOT_FOR_TREATMENT, *typed])
    return tag("div", notice, guide.link(), class_="ct-notice")
