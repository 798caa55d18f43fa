"""Signing off one patient: accept, exclude, pin, correct, comment, undo; what was decided, by whom and when.

What is said about a mask is bound to the one that was on the page (see ``signing`` for how acts are done).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import acts, queries
from dashboard.patient import mask_correction
from dashboard.shell import page, signing
from dashboard.words import labels, sentences
from dashboard.words.markup import tag
from dashboard.words.table_rows import as_rows
from pipeline.core.records import JournalEntry
from pipeline.journal.decisions import ABOUT_MASKS, Act, ActKind, Standing
from pipeline.journal.sign_off import bound

NAMED = {
    ActKind.ACCEPT_MASK: "accepted the mask",
    ActKind.EXCLUDE_MASK: "excluded the mask",
    ActKind.EXCLUDE_VISIT: "excluded the visit",
    ActKind.PIN_BASELINE: "pinned the baseline",
    ActKind.CORRECT_LESION: "corrected the lesion",
    ActKind.WITHDRAW_LESION: "withdrew the new lesion",
    ActKind.CORRECT_MASK: "corrected the mask",
    ActKind.COMMENT: "comment",
    ActKind.NOTE: "note of the board",
    ActKind.DECISION: "decision of the board",
    ActKind.UNDO: "undid",
}
STANDS = {
    Standing.IN_FORCE: "",
    Standing.UNDONE: "undone",
    Standing.REPLACED: "decided anew later",
    Standing.LAPSED: "lapsed",
}
SHOWN = 8
UPDATING = "updating"
"""Where it is kept that somebody asked for the results to be brought up to date."""


def sign_off(patient_id: str, state: pd.Series) -> None:
    """Draw the part of the page in which a person decides."""
    page.section("Sign-off", "kept in the journal with name and time; undone only by a further entry")
    visits = queries.query("patient_visits", patient_id=patient_id)
    names = list(visits["session_id"])
    if not names:
        page.remark("There is no visit to sign.")
        return
    entries = acts.history(patient_id)
    _standing(patient_id, state, entries)
    left, right = st.columns(2)
    with left:
        signing.ask_name()
    days = dict(zip(names, visits["acquired_on"], strict=True))
    last = state["session_id"] if state["session_id"] in names else names[-1]
    session_id = right.selectbox(
        "Visit to sign",
        names,
        index=names.index(last),
        key=f"sign-{patient_id}",
        format_func=lambda name: f"{labels.day(days[name])}  {name}",
        label_visibility="collapsed",
    )
    _controls(patient_id, str(session_id))
    signing.answer()
    _history(patient_id, entries)


def show_masks(patient_id: str, session_id: str) -> dict[str, str]:
    """Say which masks of a visit are measured, and where each comes from."""
    rows = queries.query("patient_masks", patient_id=patient_id)
    here = rows[(rows["session_id"] == session_id) & rows["is_primary"]]
    words = ", ".join(
        f"{labels.compartment(row['compartment']).word} ({labels.MASK_ORIGINS.get(row['mask_origin'], 'unknown')})"
        for row in here.pipe(as_rows)
    )
    page.remark(f"Measured masks: {words}." if words else "This visit has no mask that is measured.")
    return dict(zip(here["compartment"], here["sha256"], strict=True))


def _standing(patient_id: str, state: pd.Series, entries: tuple[JournalEntry, ...]) -> None:
    waiting = acts.pending(patient_id, entries)
    if state["is_provisional"]:
        page.remark(
            "Provisional: the call rests on an automatic mask that nobody signed. Accepting its mask makes it final "
            "at the next run."
        )
    if not waiting:
        return
    verb = "waits" if waiting == 1 else "wait"
    with st.container(horizontal=True, vertical_alignment="center"):
        page.remark(f"{labels.count(waiting, 'decision')} {verb} for the next run; the page still shows the last one.")
        help_text = "Runs the pipeline; only what changed"
        st.button("Update the results now", key=f"apply-{patient_id}", help=help_text, on_click=_ask_for_update)
        if st.session_state.pop(UPDATING, False):
            with st.spinner("Updating the results …", show_time=True):
                signing.record(_update)
            st.rerun()


def _ask_for_update() -> None:
    st.session_state[UPDATING] = True


def _update() -> str:
    acts.take_effect()
    return "Done: the page shows the new results."


def _controls(patient_id: str, session_id: str) -> None:
    """Offer the acts on the chosen visit."""
    found = show_masks(patient_id, session_id)
    where = f"{patient_id}-{session_id}"

    def act(kind: ActKind, **said: Any) -> Act:
        digest = (
            found.get(str(said.get("compartment") or "tumour"))
            if kind in (*ABOUT_MASKS, ActKind.CORRECT_LESION)
            else None
        )
        return Act(kind, patient_id, session_id, mask_sha256=digest, **said)

    every = [act(ActKind.ACCEPT_MASK, compartment=name) for name in found]
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Accept",
            key=f"accept-{where}",
            disabled=not found,
            type="primary",
            on_click=signing.record,
            args=(partial(_put, *every),),
        )
        with st.popover("Exclude mask", disabled=not found):
            chosen = f"mask-{where}"
            st.selectbox("Mask", list(found), key=chosen, format_func=lambda it: labels.compartment(it).word)
            _with_reason(
                where,
                "Exclude this mask",
                lambda why: act(ActKind.EXCLUDE_MASK, compartment=signing.typed(chosen), reason=why),
            )
        with st.popover("Exclude visit"):
            _with_reason(where, "Exclude this visit", lambda why: act(ActKind.EXCLUDE_VISIT, reason=why))
        with st.popover("Pin baseline"):
            page.remark("Every later scan of its period is compared with this visit.")
            _with_reason(where, "Pin this visit", lambda why: act(ActKind.PIN_BASELINE, reason=why or None), False)
        with st.popover("Correct lesion"):
            _lesion(where, patient_id, session_id, act)
        with st.popover("Not tumour"):
            _withdrawal(where, patient_id, session_id, act)
        with st.popover("Comment"):
            _with_reason(where, "Write it down", lambda why: act(ActKind.COMMENT, reason=why))
    mask_correction.correct_mask(patient_id, session_id, list(found))


def _lesion(where: str, patient_id: str, session_id: str, act: Callable[..., Act]) -> None:
    rows = queries.query("patient_lesions", patient_id=patient_id)
    here = sorted(rows.loc[rows["session_id"] == session_id, "lesion_id"].unique())
    if not here:
        page.remark("No lesion was followed at this visit.")
        return
    now, then = f"lesion-{where}", f"same-{where}"
    st.selectbox("Lesion as it is called now", here, key=now)
    st.text_input("is from this visit on", key=then, placeholder="such as L1", max_chars=8)

    def correct() -> str:
        made = act(ActKind.CORRECT_LESION, lesion_id=signing.typed(now), same_as=signing.typed(then))
        return _put(bound(made, rows))

    st.button("Correct it", key=f"correct-{where}", on_click=signing.record, args=(correct,))


def _withdrawal(where: str, patient_id: str, session_id: str, act: Callable[..., Act]) -> None:
    """Offer to say that a new lesion is no tumour; what was judged on the day stays as it was said then."""
    rows = queries.query("patient_lesions", patient_id=patient_id)
    here = sorted(rows.loc[(rows["session_id"] == session_id) & rows["component_sha256"].notna(), "lesion_id"].unique())
    if not here:
        page.remark("No lesion was seen at this visit.")
        return
    page.remark("It is no new tumour, by histology for instance. What was judged on the day stays on record beside it.")
    chosen = f"withdrawn-{where}"
    st.selectbox("Lesion", here, index=len(here) - 1, key=chosen)
    _with_reason(
        where,
        "Withdraw the new lesion",
        lambda why: bound(act(ActKind.WITHDRAW_LESION, lesion_id=signing.typed(chosen), reason=why), rows),
    )


def _with_reason(where: str, verb: str, make: Callable[[str], Act], is_needed: bool = True) -> None:
    label = "Reason" if is_needed else "Reason, if there is one to say"
    key = f"why-{verb}-{where}"
    with st.form(f"{verb}-{where}", border=False, clear_on_submit=True):
        st.text_area(label, key=key, height=80, max_chars=600)
        st.form_submit_button(verb, on_click=signing.record, args=(lambda: _put(make(signing.typed(key))),))


def _put(*found: Act) -> str:
    written = acts.record(signing.reader(), *found)
    last = written[-1]
    return f"On record: {NAMED[ActKind(last.act)]}, {last.who}. It takes effect at the next run."


def _history(patient_id: str, entries: tuple[JournalEntry, ...]) -> None:
    if not entries:
        page.remark("Nothing was decided about this patient yet.")
        return
    groups = acts.together(entries)
    for group in groups[:SHOWN]:
        entry = group[0]
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.html(tag("p", _line(group), tag("span", _note(entry), class_="ct-grey"), class_="ct-small"))
        if entry.status == Standing.IN_FORCE and entry.act != ActKind.UNDO:
            undo = [Act(ActKind.UNDO, patient_id, each.session_id, undoes=each.entry_id) for each in group]
            work = partial(_put, *undo)
            right.button("Undo", key=f"undo-{entry.entry_id}", type="tertiary", on_click=signing.record, args=(work,))
    if len(groups) > SHOWN:
        page.remark(f"{labels.count(len(groups) - SHOWN, 'older decision')} in the journal.")


def _line(group: Sequence[JournalEntry]) -> str:
    entry = group[0]
    what = ", ".join(labels.compartment(each.compartment).word for each in reversed(group) if each.compartment)
    row = {"written_at": entry.written_at, "who": entry.who, "session_id": entry.session_id, "reason": entry.reason}
    named = {"act": NAMED[ActKind(entry.act)], "compartment": what or None, "lesion_id": entry.lesion_id}
    return sentences.act(row | named) + (f" is {entry.same_as}" if entry.same_as else "")


def _note(entry: JournalEntry) -> str:
    stands = STANDS[Standing(entry.status)]
    why = f": {entry.status_reason}" if entry.status == Standing.LAPSED else ""
    return f"  {stands}{why}" if stands else ""
