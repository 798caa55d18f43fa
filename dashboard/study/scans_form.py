"""Adding scans: files that somebody drops, a folder of the server, or the archive; looked through, then decided on."""

from __future__ import annotations

import streamlit as st

from dashboard.data import scan_deliveries
from dashboard.shell import page, signing
from dashboard.study.delivery_decisions import decide_on
from dashboard.study.delivery_progress import ARCHIVE_NUMBERS, NUMBERS_ASKED, PLACE, came_by, deliveries_watched
from dashboard.study.next_step import next_step
from dashboard.words import labels
from dashboard.words.markup import tag
from pipeline.journal.roles import Deed
from pipeline.service.deliveries import Delivery, DeliveryState

ROUND = "delivery-round"
"""How many deliveries came before in this session: each has a field of its own."""
FILES, FOLDER, ARCHIVE = "Files", "A folder of the server", "The PACS"
WORDS = {DeliveryState.ADDED: "added", DeliveryState.FAILED: "not added", DeliveryState.CANCELLED: "forgotten"}


def scans_form() -> None:
    """Ask for scans, show what each is taken for, and let them be added once somebody has decided."""
    page.section("Add scans", "DICOM or NIfTI, under pseudonyms; nothing is added before you say so")
    if signing.offers(Deed.EDIT, "Adding scans"):
        _ways()
    signing.answer(PLACE)
    deliveries_watched()
    for delivery in scan_deliveries.going_on():
        if delivery.state == DeliveryState.LOOKED:
            decide_on(delivery)
    offered: frozenset[str] = frozenset()
    for delivery in scan_deliveries.ended():
        st.html(tag("p", *_line(delivery), class_="ct-small"))
        offered |= next_step(delivery, offered)


def _ways() -> None:
    """Ask for scans in each of the ways that this server knows."""
    ways = {FILES: _files}
    if scan_deliveries.folders():
        ways[FOLDER] = _folder
    if scan_deliveries.has_archive():
        ways[ARCHIVE] = _archive
    if len(ways) == 1:
        _files()
    else:
        for tab, ask in zip(st.tabs(list(ways)), ways.values(), strict=True):
            with tab:
                ask()


def _files() -> None:
    number = st.session_state.setdefault(ROUND, 0)
    key = f"scans-{number}"
    st.file_uploader(
        "DICOM or NIfTI files, or a zip archive of them", accept_multiple_files=True, key=key,
        label_visibility="collapsed",
    )  # fmt: skip
    st.button(
        "Look through them",
        key=f"look-{number}",
        disabled=not st.session_state.get(key),  # a click before they are here would bring none
        on_click=signing.record,
        args=(lambda: _bring_files(key),),
        kwargs={"where": PLACE},
    )


def _bring_files(key: str) -> str:
    """Lay aside what was dropped: a callback."""
    files = [(file.name, file.getbuffer()) for file in st.session_state.get(key) or ()]
    words = scan_deliveries.bring_files(signing.reader(), files)
    st.session_state[ROUND] += 1
    return words


def _folder() -> None:
    chosen = st.selectbox("Folder", scan_deliveries.folders(), index=None, key="scan-folder", width=480)
    st.button(
        "Look through it",
        key="look-folder",
        disabled=chosen is None,
        on_click=signing.record,
        args=(lambda: scan_deliveries.bring_folder(signing.reader(), signing.typed("scan-folder")),),
        kwargs={"where": PLACE},
    )


def _archive() -> None:
    st.text_area("Patient numbers as the hospital writes them, one a line", key=ARCHIVE_NUMBERS, width=480, height=100)
    st.button(
        "Fetch their scans",
        key="look-archive",
        on_click=signing.record,
        args=(_ask_archive,),
        kwargs={"where": PLACE},
    )


def _ask_archive() -> str:
    """Ask the archive for those whose numbers were typed: a callback."""
    words = scan_deliveries.bring_from_archive(signing.reader(), signing.typed(ARCHIVE_NUMBERS))
    st.session_state[NUMBERS_ASKED] = st.session_state.get(ARCHIVE_NUMBERS)
    return words


def _line(delivery: Delivery) -> tuple[str, ...]:
    head = f"{labels.minute(delivery.asked_at)}  {WORDS[delivery.state]}, {came_by(delivery)}: "
    return head, tag("span", delivery.message, class_="ct-grey")
