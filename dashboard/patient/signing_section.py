"""Signing off one patient: accept, exclude, pin, correct, comment, undo; what was decided, by whom and when.

What is said about a mask is bound to the one that was on the page (see ``signing`` for how acts are done).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import acts, door, queries
from dashboard.patient import lesion_names_form, mask_correction, review_section
from dashboard.patient.act_preview import lesion_preview, preview
from dashboard.patient.masks_waiting import has_masks, measured_masks, signed_by_accepting, unsigned
from dashboard.patient.scan_panes import excluded_compartments
from dashboard.patient.scan_section import show_instead
from dashboard.shell import drafts, page, signing
from dashboard.shell.updating import offer_update
from dashboard.words import labels, sentences
from dashboard.words.markup import tag
from dashboard.words.table_rows import as_rows
from pipeline.core.records import JournalEntry
from pipeline.journal.decisions import ABOUT_MASKS, TUMOUR, Act, ActKind, Standing
from pipeline.journal.roles import Deed
from pipeline.journal.sign_off import bound

NAMED = {
    ActKind.ACCEPT_MASK: "accepted the mask",
    ActKind.EXCLUDE_MASK: "excluded the mask",
    ActKind.EXCLUDE_VISIT: "excluded the visit",
    ActKind.PIN_BASELINE: "pinned the baseline",
    ActKind.CORRECT_LESION: "corrected the lesion",
    ActKind.WITHDRAW_LESION: "withdrew the new lesion",
    ActKind.NAME_LESIONS: "settled names of lesions",
    ActKind.CORRECT_MASK: "corrected the mask",
    ActKind.CORRECT_FINDING: "read a finding otherwise",
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


def sign_off(patient_id: str, state: pd.Series, criteria_id: str, shown: Sequence[str]) -> None:
    """Draw the part of the page in which a person decides, about the visit whose scan is shown.

    Parameters
    ----------
    shown
        The visits whose scans are shown, the oldest first; only a mask that is in sight can be accepted.
    """
    visits = queries.query("patient_visits", patient_id=patient_id)
    names = list(visits["session_id"])
    if not names:
        page.section("Sign-off", "kept in the journal with name and time")
        page.remark("There is no visit to sign.")
        return
    entries = acts.history(patient_id)
    days = dict(zip(names, visits["acquired_on"], strict=True))
    offered = (st.query_params.get("now"), *reversed(shown), state["session_id"])
    usual = next((name for name in offered if name in names), names[-1])
    page.section("Sign-off", "of the visit shown; kept in the journal with name and time")
    _standing(patient_id, state, entries)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not review_section.is_on():
            signing.ask_name()
        session_id = st.selectbox(
            "Visit to sign",
            names,
            index=names.index(usual),
            key=f"sign-{patient_id}-{usual}",
            format_func=lambda name: f"{labels.day(days[name])}  {name}",
            label_visibility="collapsed",
            width=210,
        )
        if not review_section.is_on():
            _next_unsigned(patient_id, str(session_id), entries)
            review_section.offer(patient_id, entries)
    if session_id != usual:
        show_instead("now", str(session_id))
        st.rerun()
    is_hidden = session_id not in shown and queries.aligned_scan(patient_id, str(session_id)) is not None
    digests = show_masks(patient_id, str(session_id))
    if signing.offers(Deed.SIGN, "Signing, correcting or commenting"):
        _controls(patient_id, str(session_id), criteria_id, digests, is_hidden=is_hidden)
    mask_correction.correct_mask(patient_id, str(session_id), list(digests), criteria_id)
    signing.answer()
    _history(patient_id, entries)


def _next_unsigned(patient_id: str, session_id: str, entries: tuple[JournalEntry, ...]) -> None:
    """Offer the next visit with an automatic tumour mask that nobody has signed or excluded, this one aside."""
    waiting = unsigned(patient_id, entries)
    others = [name for name in waiting if name != session_id]
    following = [name for name in waiting if name > session_id] or others
    none_waits = "all masks signed" if has_masks(patient_id) else "no mask to sign"
    st.button(
        f"next unsigned ({len(waiting)})" if waiting else none_waits,
        key=f"next-unsigned-{patient_id}",
        type="tertiary",
        disabled=not others,
        on_click=show_instead,
        args=("now", following[0] if following else session_id),
    )


def show_masks(patient_id: str, session_id: str) -> dict[str, str]:
    """Say which masks of a visit are measured, where each comes from, and why one has no size."""
    masks = queries.query("patient_masks", patient_id=patient_id)
    here = masks[(masks["session_id"] == session_id) & masks["is_primary"]]
    out_of_use = excluded_compartments(patient_id, session_id)
    words = ", ".join(
        f"{labels.compartment(row['compartment']).word} ({labels.MASK_ORIGINS.get(row['mask_origin'], 'unknown')}"
        f"{', excluded' if row['compartment'] in out_of_use else ''})"
        for row in here.pipe(as_rows)
    )
    page.remark(f"Measured masks: {words}." if words else "This visit has no mask that is measured.")
    for reason in _without_size(patient_id, session_id, list(here["compartment"])):
        page.remark(reason)
    return measured_masks(patient_id, session_id)


def _without_size(patient_id: str, session_id: str, compartments: Sequence[str]) -> Iterator[str]:
    """Yield why masks that lie here have no size, each reason once: whoever accepts one must have read it."""
    sizes = queries.query("patient_measurements", patient_id=patient_id)
    here = sizes[(sizes["session_id"] == session_id) & sizes["compartment"].isin(compartments)]
    unmeasured = here[here["missing_reason"].notna() & ~here["is_excluded"].astype(bool)]
    for reason, of_reason in unmeasured.groupby("missing_reason", sort=False):
        names = " and ".join(labels.compartment(name).word for name in of_reason["compartment"])
        yield f"No size of {names}: {reason}."


def acceptance(patient_id: str, session_id: str) -> Callable[[], str] | None:
    """Return what puts the acceptance of a visit's masks on record; None where it has none."""
    digests = measured_masks(patient_id, session_id)
    every = [
        Act(ActKind.ACCEPT_MASK, patient_id, session_id, compartment=name, mask_sha256=digest)
        for name, digest in digests.items()
    ]
    return partial(_put, *every) if every else None


def _standing(patient_id: str, state: pd.Series, entries: tuple[JournalEntry, ...]) -> None:
    waiting = acts.pending(patient_id, entries)
    if state["is_provisional"]:
        page.remark(
            "Provisional: the call rests on an automatic mask that nobody signed. Accepting its mask makes it final "
            "at the next run."
        )
    offer_update(waiting, patient_id, patient_id)


def _controls(
    patient_id: str, session_id: str, criteria_id: str, digests: Mapping[str, str], *, is_hidden: bool
) -> None:
    """Offer the acts on the chosen visit, each with what it would change; what is hidden cannot be accepted."""
    where = f"{patient_id}-{session_id}"

    def act(kind: ActKind, **more: Any) -> Act:
        is_of_mask = kind in (*ABOUT_MASKS, ActKind.CORRECT_LESION)
        digest = digests.get(str(more.get("compartment") or TUMOUR)) if is_of_mask else None
        return Act(kind, patient_id, session_id, mask_sha256=digest, **more)

    accept = acceptance(patient_id, session_id)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Accept",
            key=f"accept-{where}",
            disabled=accept is None or is_hidden,
            type="primary",
            help=_accepting(patient_id, session_id, criteria_id, is_hidden),
            on_click=signing.record,
            args=(accept,),
        )
        _with_effect(where, (patient_id, session_id, criteria_id), list(digests), act)
        with _opened("Correct lesion", where) as is_open:
            if is_open:
                _lesion(where, (patient_id, session_id, criteria_id), act)
        if lesion_names_form.of_table(patient_id, session_id):
            with _opened("Lesion names", where) as is_open:
                if is_open:
                    lesion_names_form.form((patient_id, session_id, criteria_id), act, _put)
        with _opened("Not tumour", where) as is_open:
            if is_open:
                page.remark(preview(patient_id, criteria_id, str(ActKind.WITHDRAW_LESION), session_id))
                _withdrawal(where, patient_id, session_id, act)
        with _opened("Comment", where) as is_open:
            if is_open:
                _with_reason(where, "Write it down", lambda why: act(ActKind.COMMENT, reason=why))


@contextmanager
def _opened(label: str, where: str, *, disabled: bool = False) -> Iterator[bool]:
    """Offer a form behind a button; it is made, and what it would change judged, once it is opened.

    It stays then: closing it to look at a scan must not lose what was typed.
    """
    key = f"{label}-{where}"
    menu = st.popover(label, disabled=disabled, key=key, on_change="rerun")
    if menu.open:
        st.session_state[f"was-{key}"] = True
    with menu:
        yield bool(st.session_state.get(f"was-{key}"))


def _with_effect(where: str, of: tuple[str, str, str], compartments: Sequence[str], act: Callable[..., Act]) -> None:
    """Offer to exclude and to pin, each with what it would change, of a patient's visit under some criteria."""
    patient_id, session_id, criteria_id = of

    def effect(kind: ActKind, compartment: str = TUMOUR) -> None:
        if words := preview(patient_id, criteria_id, str(kind), session_id, compartment):
            page.remark(words)

    with _opened("Exclude mask", where, disabled=not compartments) as is_open:
        if is_open:
            chosen = f"mask-{where}"
            tumour_first = sorted(compartments, key=lambda name: name != TUMOUR)
            name = st.selectbox("Mask", tumour_first, key=chosen, format_func=lambda it: labels.compartment(it).word)
            if name is not None:
                effect(ActKind.EXCLUDE_MASK, name)
            _with_reason(
                where,
                "Exclude this mask",
                lambda why: act(ActKind.EXCLUDE_MASK, compartment=signing.typed(chosen), reason=why),
                chosen,
            )
    with _opened("Exclude visit", where) as is_open:
        if is_open:
            effect(ActKind.EXCLUDE_VISIT)
            _with_reason(where, "Exclude this visit", lambda why: act(ActKind.EXCLUDE_VISIT, reason=why))
    with _opened("Pin baseline", where) as is_open:
        if is_open:
            page.remark("Every later scan of its period is compared with this visit.")
            effect(ActKind.PIN_BASELINE)
            _with_reason(where, "Pin this visit", lambda why: act(ActKind.PIN_BASELINE, reason=why))


def _accepting(patient_id: str, session_id: str, criteria_id: str, is_hidden: bool) -> str:
    if is_hidden:
        return "A mask can be accepted only while its scan is shown."
    signed = signed_by_accepting(patient_id, session_id)
    if not measured_masks(patient_id, session_id):
        return signed
    return f"{signed} {preview(patient_id, criteria_id, str(ActKind.ACCEPT_MASK), session_id)}"


def _lesion(where: str, of: tuple[str, str, str], act: Callable[..., Act]) -> None:
    patient_id, session_id, criteria_id = of
    lesions = queries.query("patient_lesions", patient_id=patient_id)
    here = sorted(lesions.loc[lesions["session_id"] == session_id, "lesion_id"].unique())
    if not here:
        page.remark("No lesion was followed at this visit.")
        return
    now, then = f"lesion-{where}", f"same-{where}"
    lesion = st.selectbox("Lesion as it is called now", here, key=now)
    same_as = drafts.plain(f"{then}-{lesion}")
    st.text_input("is from this visit on", key=same_as, placeholder="such as L1", max_chars=8, persist_state="session")
    if words := lesion_preview(patient_id, criteria_id, session_id, (lesion, signing.typed(same_as))):
        page.remark(words)

    def correct() -> None:
        chosen = signing.typed(now)
        typed_in = drafts.plain(f"{then}-{chosen}")
        correction = act(ActKind.CORRECT_LESION, lesion_id=chosen, same_as=signing.typed(typed_in))
        if signing.record(lambda: _put(bound(correction, lesions))):
            drafts.empty(typed_in)

    st.button("Correct it", key=f"correct-{where}", on_click=correct)


def _withdrawal(where: str, patient_id: str, session_id: str, act: Callable[..., Act]) -> None:
    """Offer to say that a new lesion is no tumour; what was judged on the day stays as it was said then."""
    lesions = queries.query("patient_lesions", patient_id=patient_id)
    here = sorted(
        lesions.loc[(lesions["session_id"] == session_id) & lesions["component_sha256"].notna(), "lesion_id"].unique()
    )
    if not here:
        page.remark("No lesion was seen at this visit.")
        return
    page.remark("It is no new tumour, by histology for instance. What was judged on the day stays on record beside it.")
    chosen = f"withdrawn-{where}"
    st.selectbox("Lesion", here, index=len(here) - 1, key=chosen)
    _with_reason(
        where,
        "Withdraw the new lesion",
        lambda why: bound(act(ActKind.WITHDRAW_LESION, lesion_id=signing.typed(chosen), reason=why), lesions),
        chosen,
    )


def _with_reason(where: str, verb: str, make: Callable[[str], Act], chosen: str = "") -> None:
    """Ask why; what was typed stays until it is on record.

    Parameters
    ----------
    chosen
        Key of the list from which is chosen what the reason is about; empty where there is none.
    """
    key = f"why-{verb}-{where}"
    with st.form(f"{verb}-{where}", border=False):
        st.text_area("Reason", key=_of_chosen(key, chosen), height=80, max_chars=600, persist_state="session")
        st.form_submit_button(verb, on_click=_put_with_reason, args=(key, make, chosen))


def _of_chosen(key: str, chosen: str) -> str:
    """Return the key of the reason for what is chosen now: given for one lesion, it is not that of another."""
    return drafts.plain(f"{key}-{signing.typed(chosen)}" if chosen else key)


def _put_with_reason(key: str, make: Callable[[str], Act], chosen: str) -> None:
    """Put an act on record with its reason: a callback."""
    key = _of_chosen(key, chosen)
    why = signing.typed(key)
    if not why:
        signing.refuse(signing.NO_REASON)
    elif signing.record(lambda: _put(make(why))):
        drafts.empty(key)


def _put(*new_acts: Act) -> str:
    written = acts.record(signing.reader(), *new_acts)
    last = written[-1]
    names = " and ".join(labels.compartment(entry.compartment).word for entry in written if entry.compartment)
    of_what = f" ({names})" if names else ""
    return f"On record: {NAMED[ActKind(last.act)]}{of_what}, {last.who}. It waits for the next run."


def _history(patient_id: str, entries: tuple[JournalEntry, ...]) -> None:
    if not entries:
        page.remark("Nothing was decided about this patient yet.")
        return
    groups = acts.together(entries)
    for group in groups[:SHOWN]:
        entry = group[0]
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.html(tag("p", _line(group), tag("span", _note(entry), class_="ct-grey"), class_="ct-small"))
        if entry.status == Standing.IN_FORCE and entry.act != ActKind.UNDO and door.may(Deed.SIGN):
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
    if entry.act == ActKind.NAME_LESIONS:
        return f"{sentences.act(row | named)} and {entry.same_as}: {entry.corrected_to}"
    read = f": {entry.finding} is {entry.corrected_to}" if entry.corrected_to else ""
    return sentences.act(row | named) + (f" is {entry.same_as}" if entry.same_as else read)


def _note(entry: JournalEntry) -> str:
    stands = STANDS[Standing(entry.status)]
    why = f": {entry.status_reason}" if entry.status == Standing.LAPSED else ""
    return f"  {stands}{why}" if stands else ""
