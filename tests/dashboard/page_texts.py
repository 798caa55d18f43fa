"""What the pages say, as text, without a browser: the page's own functions run, and what they write is kept.

Drawings, scans and the forms in which acts are entered are left out; everything else of the page is run as it is.
"""

from __future__ import annotations

import html
import importlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from unittest.mock import patch

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.board import board_table, meeting
from dashboard.board.board_rows import board_rows
from dashboard.packet import content
from dashboard.shell import page
from dashboard.words import sentences
from tests.awkward_patients import AS_OF

DRAWN = {
    "patient": ("course", "scans", "sign_off", "profile", "downloads", "selector", "details"),
    "present": ("course", "scans", "_step", "_notes", "_keys"),
}
"""Parts of the pages that draw or ask."""
LINE = "¶"


@contextmanager
def written() -> Iterator[list[str]]:
    """Keep what is written to a page meanwhile, one text for each piece of markup."""
    pieces: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(patch.object(st, "html", lambda body, **_: pieces.append(text_of(str(body)))))
        inside = patch.object(DeltaGenerator, "html", lambda _, body, **__: pieces.append(text_of(str(body))))
        stack.enter_context(inside)
        stack.enter_context(patch.object(board_table, "_pick", lambda _: None))
        yield pieces


def text_of(markup: str) -> str:
    """Return the words of markup; cells, lines and blocks stand apart by a sign, hidden words are left out."""
    markup = re.sub("<(style|svg).*?</\\1>", "", markup, flags=re.DOTALL)
    markup = re.sub("</(?:th|td|tr|p|div|dt|dd|h2)>|<br>|<summary[^>]*>|</summary>", LINE, markup)
    markup = re.sub('</span>(?=<span class="ct-line")', LINE, markup)
    words = html.unescape(re.sub("<[^>]*>", "", markup)).replace("\u200b", "")
    return LINE.join(part for part in (" ".join(piece.split()) for piece in words.split(LINE)) if part)


def board_pieces(study: page.ShownStudy, day: date) -> dict[str, list[str]]:
    """Return what the board says: of each patient the cells of the row, and under no name its first sentence."""
    rows = board_rows(study.criteria_id, day)
    said = {"": [sentences.board(rows)]}
    with written() as pieces, patch.object(board_table, "listen", lambda: None):
        effects = board_table.queries.query("act_effects", criteria_id=study.criteria_id)
        board_table.listed(rows, effects)
    names = list(rows["patient_id"])
    said |= dict(zip(names, ([piece] for piece in pieces[1:]), strict=True))
    return said


def page_pieces(name: str, study: page.ShownStudy, patient_id: str) -> list[str]:
    """Return what the Patient page or the projector (``present``) says about a patient."""
    with patch.object(page, "show_page"):
        module = importlib.import_module(f"dashboard.app_pages.{name}")
    st.query_params.from_dict({"patient": patient_id, "at": patient_id, meeting.PICKED: patient_id})
    with ExitStack() as stack:
        pieces = stack.enter_context(written())
        for part in DRAWN[name]:
            stack.enter_context(patch.object(module, part, lambda *_, **__: None))
        module.show(study)
    return [piece for piece in pieces if piece]


def packet_pieces(study: page.ShownStudy, patient_id: str) -> list[str]:
    """Return what the printed packet says, its drawings left out; cells of a row stand apart by a sign."""
    with patch.object(content, "_timeline", lambda *_: ""), patch.object(content, "_slices", lambda *_: ("", "")):
        gathered = content.gather(patient_id, study, printed_on=AS_OF)
    tables = (
        gathered.numbers,
        gathered.lesions,
        gathered.beside,
        gathered.description,
        gathered.criteria,
        gathered.sources,
    )
    facts = gathered.facts or "nothing is known of this patient"  # so that each line keeps its place
    glance = (f"{word} {words}" for word, words in gathered.glance)
    lines = [facts, gathered.word, gathered.sentence, *glance, *gathered.acts, gathered.caveats, *gathered.sign_off]
    return [" ".join(line.split()) for line in (*lines, *(LINE.join(row) for rows in tables for row in rows)) if line]


def pieces_of(name: str, study: page.ShownStudy, patient_id: str) -> list[str]:
    """Return what the page of a name says about a patient: ``patient``, ``present`` or ``packet``."""
    return packet_pieces(study, patient_id) if name == "packet" else page_pieces(name, study, patient_id)
