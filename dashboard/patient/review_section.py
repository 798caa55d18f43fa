"""Review of automatic masks that nobody signed, one visit after the other, by keyboard alone.

It adds nothing to what can be decided: *accept* is the act of the sign-off, on the visit whose scan is in sight, and
*edit* opens the drawing below it. What it saves is the way from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from dashboard.data import acts, door, queries
from dashboard.patient.least_sure_place import LeastSure, least_sure_place
from dashboard.patient.masks_waiting import signed_by_accepting, unsigned
from dashboard.shell import page, signing
from dashboard.viewer.opening import Opening
from dashboard.words import labels
from dashboard.words.markup import join, tag
from pipeline.core.records import JournalEntry
from pipeline.journal.roles import Deed

REVIEW = "review"
"""In the address while masks are reviewed, so that a link leads to the next one."""

KEYS = {"a": "review-Accept", "e": "review-Edit", "n": "review-Next"}
"""Keys of the review and the buttons that they press, also while a picture has the focus."""

UNSIGNED = "unsigned automatic mask"
Visit = tuple[str, str]


def is_on() -> bool:
    """Say whether masks are being reviewed."""
    return st.query_params.get(REVIEW) == "1"


def waiting(patient_id: str, entries: tuple[JournalEntry, ...]) -> list[Visit]:
    """Return all visits of the study whose automatic tumour mask waits for a person, patient by patient.

    Parameters
    ----------
    entries
        The journal of the patient shown, with what stands now; of the others what the queue of Quality says.
    """
    here = [(patient_id, session_id) for session_id in unsigned(patient_id, entries)]
    queue = queries.query("quality_review")
    queue = queue[(queue["kind"] == UNSIGNED) & (queue["patient_id"] != patient_id)]
    decided = acts.masks_decided()
    others = set(zip(queue["patient_id"].astype(str), queue["session_id"].astype(str), strict=True)) - set(decided)
    return sorted({*here, *others})


def following(visits: Sequence[Visit], current: Visit) -> Visit | None:
    """Return the visit to review after this one, the first again after the last; None where no other waits."""
    others = [visit for visit in visits if visit != current]
    return next((visit for visit in others if visit > current), others[0] if others else None)


def start(visit: Visit) -> None:
    """Make the review of a visit the address: a callback."""
    st.query_params.from_dict({"patient": visit[0], "now": visit[1], REVIEW: "1"})


def offer(patient_id: str, entries: tuple[JournalEntry, ...]) -> None:
    """Offer to review what nobody has signed; nothing where nothing waits or a review is under way."""
    visits = waiting(patient_id, entries)
    if is_on() or not visits or not door.may(Deed.SIGN):
        return
    here = [visit for visit in visits if visit[0] == patient_id]
    st.button(
        f"review {len(here)} unsigned" if here else f"review {len(visits)} unsigned of other patients",
        key=f"review-{patient_id}",
        type="tertiary",
        help="One after the other: a accepts, e edits, n is the next",
        on_click=start,
        args=((here or visits)[0],),
    )


def review(patient_id: str, shown: Sequence[str], accept: Callable[[str], Callable[[], str] | None]) -> None:
    """Draw the line above the scans: what is reviewed, how many are left, and the keys.

    Parameters
    ----------
    shown
        Visits whose scans are in sight.
    accept
        Returns of a visit what puts its acceptance on record; None where it cannot be accepted.
    """
    entries = acts.history(patient_id)
    visits = waiting(patient_id, entries)
    current = (patient_id, str(st.query_params.get("now") or (shown[-1] if shown else "")))
    after = following(visits, current)
    is_waiting = current in visits
    may_sign = door.may(Deed.SIGN)  # also whoever follows the address of somebody else's review
    work = accept(current[1]) if is_waiting and current[1] in shown and may_sign else None
    st.html(tag("p", *_words(visits, current, least_sure_place(*current) if is_waiting else None)))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        signing.ask_name()
        _button("Accept", "a", work is not None, partial(_accept, work, after), is_primary=True)
        _button("Edit", "e", bool(shown) and may_sign, partial(edit, current))
        _button("Next", "n", after is not None, partial(start, after or current))
        _button("End review", None, True, _end)
    if is_waiting and current[1] not in shown:
        page.remark("This visit's scan is not on the reference grid, so that it cannot be accepted here.")
    if work is not None:
        page.remark(signed_by_accepting(*current))
    signing.answer()


def opening_of_review(patient_id: str, session_id: str) -> Opening | None:
    """Return the slice to open at: where the outline is least sure; None where nothing says so."""
    place = least_sure_place(patient_id, session_id)
    return None if place is None else Opening("sagittal", place.place)


def is_editing(patient_id: str, session_id: str) -> bool:
    """Say whether the drawing of a visit was asked for by the key."""
    return bool(st.session_state.get(f"editing-{patient_id}-{session_id}"))


def _button(
    label: str, key: str | None, is_offered: bool, act: Callable[[], None], *, is_primary: bool = False
) -> None:
    st.button(
        label,
        key=f"review-{label}",
        shortcut=key,
        disabled=not is_offered,
        type="primary" if is_primary else "secondary",
        on_click=act,
    )


def _words(visits: Sequence[Visit], current: Visit, place: LeastSure | None) -> list[str]:
    here = sum(patient_id == current[0] for patient_id, _ in visits)
    left = f"{labels.count(len(visits), 'unsigned mask')} left" if visits else "No unsigned masks are left"
    others = len(visits) - here
    where = f", {here} of this patient" if others and here else ", of other patients" if others else ""
    words: list[str] = [tag("b", f"Review: {left}{where}. ")]
    if visits and current not in visits:
        words.append(f"{current[1]} has no mask to sign; n is the next. ")
    elif place is not None:
        words.append(tag("span", f"Opens where {place.words}.", class_="ct-grey"))
    return [join(words, "")]


def _accept(work: Callable[[], str] | None, after: Visit | None) -> None:
    """Put the acceptance on record and go on to the next: a callback."""
    if work is not None and signing.record(work) and after is not None:
        start(after)


def edit(visit: Visit) -> None:
    """Open the drawing of a visit: a callback, or before the drawing is shown."""
    where = f"{visit[0]}-{visit[1]}"
    st.session_state[f"editing-{where}"] = True
    st.session_state[f"here-{where}"] = True


def _end() -> None:
    st.query_params.pop(REVIEW, None)
