"""What each series of a delivery is taken for, to be changed where it is not sure, and confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.data import scan_deliveries, table_changes
from dashboard.data.scan_deliveries import DeliveredSeries
from dashboard.shell import drafts, page, signing
from dashboard.study.delivery_progress import PLACE, came_by, forget_numbers
from dashboard.words import labels
from dashboard.words.markup import Html, as_label, join, tag
from pipeline.journal.roles import Deed
from pipeline.service.deliveries import Delivery
from pipeline.service.delivery_answers import SAME_AS, SKIP, WHY

UNDECIDED = "decide later"
NOT_SAID = "not said yet"
LEAVE_OUT = "leave out"
SAME, ANOTHER = "the same person as {}", "another person"
THERE = "in the study already"
IN_THE_STUDY, NEW_PERSON = "who is in the study", "who is new to the study"
NOTHING_NEW = "All of it is in the study already; nothing is to be added."
NOTHING_USABLE = "Nothing of it can be added; the reasons stand above."
MOST_ODD = 8
"""Sentences about what is odd that are shown; the others are counted."""
COLUMNS = ("", "person", "visit", "day", "taken for", "sure", "plane", "slices", "why")


def decide_on(delivery: Delivery) -> None:
    """Show what was decided about a delivery, and let whoever may decide on the rest."""
    series, odd = scan_deliveries.decisions(delivery)
    came = f"{labels.minute(delivery.asked_at)}, {came_by(delivery)}"
    page.section("Scans to decide on", " ".join(filter(None, (came, delivery.place))))
    if delivery.message:
        st.error(as_label(delivery.message))
    _say_whose(series)
    shown = [one for one in series if not _is_asked(one)]
    if shown:
        head = tag("tr", *(tag("th", text) for text in COLUMNS))
        st.html(tag("table", tag("thead", head), tag("tbody", join(map(_row, shown))), class_="ct-table"))
    for words in odd[:MOST_ODD]:
        page.remark(words)
    if len(odd) > MOST_ODD:
        page.remark(f"and {len(odd) - MOST_ODD} more of the kind.")
    if signing.offers(Deed.EDIT, "Deciding on them"):
        _decide(delivery, series)


def _say_whose(series: Sequence[DeliveredSeries]) -> None:
    """Say whose scans came: whoever brought a wrong disc sees somebody new, or more people than meant."""
    names = sorted({one.patient_id for one in series if one.patient_id})
    if not names:
        return
    here = set(table_changes.patients())
    words = "; ".join(f"{name}, {IN_THE_STUDY if name in here else NEW_PERSON}" for name in names)
    say = page.caution if len(names) > 1 else page.remark
    say(f"These scans are of {labels.count(len(names), 'person', 'people')}: {words}.")


def _decide(delivery: Delivery, series: Sequence[DeliveredSeries]) -> None:
    """Ask where a person must say what a series or who somebody is, and offer to add it all."""
    shown = [one for one in series if not _is_asked(one)]
    sure = [_called(one) for one in shown if one.outcome == "imported"]
    if len(sure) > 1:
        st.multiselect("Leave out", sure, key=f"out-{delivery.delivery_id}")
    _correct(delivery.delivery_id, series)
    for one in series:
        if _is_asked(one):
            _ask(delivery.delivery_id, one)
    doubles = scan_deliveries.doubles(delivery)
    for new, other in doubles:
        _ask_who(delivery.delivery_id, new, other)
    answers = _answers(delivery.delivery_id, series)
    added = {token for token, answer in answers.items() if answer["contrast"] != SKIP}
    count = len(added | {one.token for one in shown if one.outcome == "imported" and one.token not in answers})
    is_to_add = any(one.outcome == "imported" or _is_asked(one) for one in series)
    if not is_to_add:
        page.remark(NOTHING_NEW if any(one.outcome == "there" for one in series) else NOTHING_USABLE)
    with st.container(horizontal=True):
        if is_to_add:
            _offer_to_add(delivery.delivery_id, series, doubles, count)
        st.button(
            "Forget them",
            key=f"forget-{delivery.delivery_id}",
            type="tertiary",
            on_click=signing.record,
            args=(partial(_cancel, delivery.delivery_id, series),),
            kwargs={"where": PLACE},
        )


def _offer_to_add(
    delivery_id: str, series: Sequence[DeliveredSeries], doubles: Sequence[tuple[str, str]], count: int
) -> None:
    st.button(
        f"Add {labels.count(count, 'series', 'series')}",
        key=f"add-{delivery_id}",
        type="primary",
        disabled=not count or len(_people(delivery_id, doubles)) < len(doubles),
        on_click=signing.record,
        args=(partial(_confirm, delivery_id, series, doubles),),
        kwargs={"where": PLACE},
    )


def _answers(delivery_id: str, series: Sequence[DeliveredSeries]) -> dict[str, dict[str, str]]:
    """Return what the fields say now; nothing of a series that is left for later."""
    gone = set(st.session_state.get(f"out-{delivery_id}") or ())
    corrected = {one.token: _correction(delivery_id, one) for one in _corrected(delivery_id, series)}
    answers: dict[str, dict[str, str]] = {}
    for one in series:
        if _is_asked(one):
            choice = signing.typed(_key("is", delivery_id, one))
            if choice in (LEAVE_OUT, *one.choices):
                answers[one.token] = {"contrast": SKIP if choice == LEAVE_OUT else choice}
                answers[one.token] |= _whose(delivery_id, one) if one.is_nifti else {}
        elif one.token in corrected:
            answers[one.token] = corrected[one.token]
        elif one.outcome == "imported" and _called(one) in gone:
            answers[one.token] = {"contrast": SKIP}
        elif one.outcome == "imported" and one.is_nifti:
            answers[one.token] = {"contrast": one.contrast, "patient_id": one.patient_id, "day": one.day}
    return answers


def _correct(delivery_id: str, series: Sequence[DeliveredSeries]) -> None:
    """Let a person say otherwise of what the program was sure of, and why."""
    words = [_called(one) for one in series if one.may_be_otherwise and not _is_asked(one)]
    if words:
        st.multiselect("Take for something else", words, key=f"corrected-{delivery_id}", placeholder="none")
    for one in _corrected(delivery_id, series):
        _ask(delivery_id, one)


def _corrected(delivery_id: str, series: Sequence[DeliveredSeries]) -> list[DeliveredSeries]:
    """Return the series of which somebody says that they are not what they were taken for, and leaves none out."""
    chosen = set(st.session_state.get(f"corrected-{delivery_id}") or ())
    chosen -= set(st.session_state.get(f"out-{delivery_id}") or ())
    return [one for one in series if one.may_be_otherwise and not _is_asked(one) and _called(one) in chosen]


def _correction(delivery_id: str, one: DeliveredSeries) -> dict[str, str]:
    """Return what the fields say of a series that was sure; without a choice it is refused when all is added."""
    choice, why = signing.typed(_key("is", delivery_id, one)), signing.typed(_key("otherwise", delivery_id, one))
    whose = _whose(delivery_id, one) if one.is_nifti else {}
    return {"contrast": choice if choice in one.choices else "", WHY: why, **whose}


def _whose(delivery_id: str, one: DeliveredSeries) -> dict[str, str]:
    names = {"patient_id": _key("of", delivery_id, one), "day": _key("on", delivery_id, one)}
    return {name: signing.typed(key) for name, key in names.items()}


def _key(what: str, delivery_id: str, one: DeliveredSeries) -> str:
    return f"{what}-{delivery_id}-{one.token}"


def _confirm(delivery_id: str, series: Sequence[DeliveredSeries], doubles: Sequence[tuple[str, str]]) -> str:
    """Let it be added as the fields say now: a callback."""
    answers = {**_answers(delivery_id, series), **_people(delivery_id, doubles)}
    words = scan_deliveries.confirm(signing.reader(), delivery_id, answers)
    _empty(delivery_id, series)
    return words


def _cancel(delivery_id: str, series: Sequence[DeliveredSeries]) -> str:
    words = scan_deliveries.cancel(signing.reader(), delivery_id)
    _empty(delivery_id, series)
    return words


def _empty(delivery_id: str, series: Sequence[DeliveredSeries]) -> None:
    """Empty the fields of a delivery that is decided on: a callback."""
    forget_numbers()
    for one in series:
        if one.may_be_otherwise:
            drafts.empty(_key("otherwise", delivery_id, one))
        if one.is_nifti:
            drafts.empty(_key("of", delivery_id, one))
            drafts.empty(_key("on", delivery_id, one))


def _ask_who(delivery_id: str, new: str, other: str) -> None:
    """Ask whether somebody new is somebody who is there already: the headers cannot say it for certain."""
    page.caution(f"Is {new} {other}? Same name and date of birth, another patient ID. Nothing is added until you say.")
    page.remark(
        f"The same: these scans join those of {other} and are judged with them, now and whenever this ID comes again. "
        f"Another: they are a patient of their own, and never compared with {other}. Namesakes "
        "born on one day are rare and exist: look the IDs up where the hospital keeps them. The page cannot take the "
        "answer back; docs/hospital.md says how it is undone by hand."
    )
    options = [NOT_SAID, SAME.format(other), ANOTHER]
    st.radio(f"Who is {new}", options, key=f"who-{delivery_id}-{new}", horizontal=True, label_visibility="collapsed")


def _people(delivery_id: str, doubles: Sequence[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """Return what was said about people; nothing of those about whom nothing was."""
    said_of = {new: (other, signing.typed(f"who-{delivery_id}-{new}")) for new, other in doubles}
    return {
        new: {SAME_AS: other if words != ANOTHER else ""}
        for new, (other, words) in said_of.items()
        if words in (SAME.format(other), ANOTHER)
    }


def _is_asked(one: DeliveredSeries) -> bool:
    """Say whether a person must decide: not where a NIfTI file's name says all of it."""
    return one.is_open and one.outcome != "imported"


def _called(one: DeliveredSeries) -> str:
    what = (one.contrast or "left out", one.plane, one.token[:4])
    return " ".join(filter(None, (one.patient_id, one.day or one.session_id, *what)))


def _row(one: DeliveredSeries) -> Html:
    image = tag("img", src=f"data:image/png;base64,{one.picture}", alt="slices", height="112") if one.picture else ""
    sure = f"{float(one.confidence):.0%}" if one.confidence and one.outcome != "skipped" else ""
    outcome = THERE if one.outcome == "there" else one.outcome
    what = one.contrast if outcome == "imported" else " ".join(filter(None, (one.contrast, f"({outcome})")))
    reason = " ".join(filter(None, (one.name.rpartition("/")[2] if one.is_nifti else "", one.reason)))
    cells = (image, one.patient_id, one.session_id, one.day, what, sure, one.plane, one.slices, reason)
    return tag("tr", *(tag("td", cell) for cell in cells))


def _ask(delivery_id: str, one: DeliveredSeries) -> None:
    """Ask what a series is and, of NIfTI, whose and of which day; where the program was sure, also why."""
    is_sure = not _is_asked(one)
    left, right = st.columns([2, 3])
    if one.picture:
        left.image(one.png, width=420)
    options = [NOT_SAID, *one.choices] if is_sure else [UNDECIDED, *one.choices, LEAVE_OUT]
    usual = options.index(one.likely) if one.likely in one.choices else 0
    with right:
        page.remark(_question(one))
        with st.container(horizontal=True):
            if one.is_nifti:
                person, day = _key("of", delivery_id, one), _key("on", delivery_id, one)
                st.text_input("Person (a pseudonym)", value=one.patient_id, key=person, max_chars=40, width=190)
                st.text_input("Day of the scan", value=one.day, key=day, placeholder="2024-05-31", width=150)
            index = usual if one.is_nifti or not (one.confidence or is_sure) else 0
            st.selectbox("What it is", options, index=index, key=_key("is", delivery_id, one), width=180)
            if is_sure:
                st.text_input("Why", key=_key("otherwise", delivery_id, one), max_chars=200, width=360)


def _question(one: DeliveredSeries) -> str:
    who = one.name.rpartition("/")[2] if one.is_nifti else f"{one.patient_id} {one.session_id}"
    likely = f", likely {one.likely}" if one.likely else ""
    if not _is_asked(one):
        likely = f", taken for {one.contrast}" if one.outcome == "imported" else ", left out"
    return f"{who}: {one.plane} {one.slices} slices{likely} ({one.reason})"
