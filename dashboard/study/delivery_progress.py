"""Deliveries that are looked through or added: how far each is, and the button that ends it.

Drawn anew every two seconds without the rest of the page; when a step ends, the page is drawn anew as a whole.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.data import door, scan_deliveries, study_jobs, who
from dashboard.shell import page, signing
from dashboard.words import labels
from pipeline.journal.roles import Deed
from pipeline.service.deliveries import Delivery, DeliveryKind, DeliveryState

EVERY_SECONDS = 1.5  # and the page needs some more to show it: something moves every two seconds
SEEN = "deliveries-seen"
PLACE = "scans"
"""Where answers to what is done with deliveries stand."""
ARCHIVE_NUMBERS, NUMBERS_ASKED = "archive-numbers", "archive-numbers-asked"
"""Where the numbers stand of those whom somebody asks the archive for, and those that were asked for last."""
OF_SERIES = "scans"
"""Of an import that makes a scan of each series; its other steps count files."""
WORDS = {
    DeliveryState.TO_LOOK: "Waits to be looked through",
    DeliveryState.LOOKING: "Looking through the scans",
    DeliveryState.TO_ADD: "Waits to be added",
    DeliveryState.ADDING: "Adding the scans",
}


def deliveries_watched() -> None:
    """Show the deliveries that are worked on; nothing where there is none."""
    going_on = scan_deliveries.going_on()
    st.session_state[SEEN] = _mark(going_on)
    is_busy = any(delivery.is_at_work for delivery in going_on)
    st.fragment(_shown, run_every=EVERY_SECONDS if is_busy else 5 * EVERY_SECONDS)()


def came_by(delivery: Delivery) -> str:
    """Say who brought scans, or asked the archive for them."""
    verb = "asked for" if delivery.kind == DeliveryKind.ARCHIVE else "brought"
    return f"{verb} by {delivery.asked_by or 'somebody'}"


def forget_numbers() -> None:
    """Empty the field of what the archive was asked for, which names people: a callback.

    What was typed since stays.
    """
    if st.session_state.get(ARCHIVE_NUMBERS) == st.session_state.pop(NUMBERS_ASKED, None):
        st.session_state[ARCHIVE_NUMBERS] = ""


def _shown() -> None:
    going_on = scan_deliveries.going_on()
    if _mark(going_on) != st.session_state.get(SEEN):
        st.rerun()
    for delivery in going_on:
        if delivery.is_at_work:
            _show(delivery)


def _mark(going_on: tuple[Delivery, ...]) -> tuple[object, ...]:
    states = ((delivery.delivery_id, delivery.state) for delivery in going_on)
    return (*states, bool(who.visitor().roles))


def _show(delivery: Delivery) -> None:
    step = scan_deliveries.progress(delivery)
    if not study_jobs.has_worker():
        page.remark("No worker is there to do it; start one with: cordtrack serve STUDY_FOLDER OUT_DIR")
    words = f"{WORDS[delivery.state]} {came_by(delivery)}"
    if step.total:
        many = ("series", "series") if step.words == OF_SERIES else ("file", "files")
        words += f": {step.words}, {step.done} of {labels.count(step.total, *many)}"
    elif step.words:
        words += f": {step.words}"
    st.progress(min(1.0, step.done / step.total) if step.total else 0.0, text=f"{words} …")
    if not delivery.is_to_end and door.may(Deed.EDIT):
        st.button(
            "Stop it",
            key=f"stop-{delivery.delivery_id}",
            type="tertiary",
            on_click=signing.record,
            args=(partial(_cancel, delivery.delivery_id),),
            kwargs={"where": PLACE},
        )


def _cancel(delivery_id: str) -> str:
    return scan_deliveries.cancel(signing.reader(), delivery_id)
