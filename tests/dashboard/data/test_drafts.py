"""What somebody typed whose role is taken away in mid-page (about two seconds)."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import acts, door, queries, who
from dashboard.shell import drafts, sign_in
from dashboard.study import lesion_notes
from pipeline.journal.roles import Deed


def two_pages():
    import streamlit as st  # noqa: PLC0415  # this body is run as a page of its own

    from dashboard.shell import signing  # noqa: PLC0415
    from pipeline.journal.roles import Deed  # noqa: PLC0415

    place = st.radio("Page", ["present", "board"])
    signing.offers(Deed.RUN, "A run")
    if place == "present" and signing.offers(Deed.SIGN, "A note"):
        st.text_input("Note", key="said-sub-01")


@pytest.fixture
def allowed(monkeypatch):
    """What whoever is here may do, to be changed by the test."""
    deeds = {Deed.SIGN}
    monkeypatch.setattr(door, "may", lambda deed, **_: deed in deeds)
    return deeds


def test_a_note_comes_back_with_the_role_it_needs(allowed):
    at = AppTest.from_function(two_pages).run()
    at.text_input[0].set_value("a decision of the board").run()
    allowed.clear()
    for _ in range(2):
        at.run()
        assert not at.text_input
        assert any("What you had typed is kept" in each.body for each in at.get("html"))
    allowed.add(Deed.RUN)
    at.run()
    assert not at.text_input, "another role brings no field back"
    allowed.add(Deed.SIGN)
    at.run()
    assert at.text_input[0].value == "a decision of the board"
    assert not any("What you had typed" in each.body for each in at.get("html"))


def test_what_was_kept_on_record_does_not_come_back(allowed):
    at = AppTest.from_function(two_pages).run()
    at.text_input[0].set_value("said once").run()
    at.session_state["said-sub-01"] = ""
    at.run()
    at.radio[0].set_value("board").run()
    at.radio[0].set_value("present").run()
    assert at.text_input[0].value == "", "a role that lacks something else sets nothing aside"


def two_people():
    import streamlit as st  # noqa: PLC0415  # this body is run as a page of its own

    from dashboard.data import who  # noqa: PLC0415
    from dashboard.shell import drafts, signing  # noqa: PLC0415
    from pipeline.journal.roles import Deed  # noqa: PLC0415

    if st.session_state.get("over"):
        drafts.keep(who.identity())
        return
    drafts.bring_back(who.identity())
    if signing.offers(Deed.SIGN, "A note"):
        st.segmented_control("Kind", ("note", "decision"), key="kind-said-sub-01", default="note", required=True)
        st.text_input("Note", key="said-sub-01")


def test_what_was_set_aside_is_kept_over_a_sign_in_for_nobody_else(allowed, monkeypatch):
    monkeypatch.setattr(drafts, "_DRAFTS", type(drafts._DRAFTS)())
    monkeypatch.setattr(who, "identity", lambda: "issuer rita")
    at = AppTest.from_function(two_people).run()
    at.text_input[0].set_value("agreed at the board")
    at.session_state["kind-said-sub-01"] = "decision"
    at.run()
    allowed.clear()
    at.run()
    at.run()
    at.session_state["over"] = True
    at.run()
    allowed.add(Deed.SIGN)
    monkeypatch.setattr(who, "identity", lambda: "issuer karl")
    assert not AppTest.from_function(two_people).run().text_input[0].value
    at.session_state["over"] = False
    assert not at.run().text_input[0].value, "in the same window somebody else"
    monkeypatch.setattr(who, "identity", lambda: "issuer rita")
    again = AppTest.from_function(two_people).run()
    assert again.text_input[0].value == "agreed at the board"
    assert again.session_state["kind-said-sub-01"] == "decision"


def test_whoever_signs_out_keeps_what_was_typed(monkeypatch):
    done = []
    monkeypatch.setattr(who, "identity", lambda: "issuer rita")
    monkeypatch.setattr(drafts, "keep", lambda whose: done.append(f"kept for {whose}"))
    monkeypatch.setattr(who, "leave", lambda: done.append("left"))
    monkeypatch.setattr(sign_in.st, "logout", lambda: done.append("out"))
    sign_in._leave()
    assert done == ["kept for issuer rita", "left", "out"]


def notes():
    from dashboard.study import lesion_notes  # noqa: PLC0415  # this body is run as a page of its own

    lesion_notes.lesion_notes()


@pytest.fixture
def lesions(monkeypatch):
    """Lesions of two patients as the page names them, to be changed by the test."""
    named = {
        "sub-01": {"L1 at ses-02": ("L1", "ses-02")},
        "sub-02": {"L1 at ses-03": ("L1", "ses-03"), "L2 at ses-03": ("L2", "ses-03")},
    }
    monkeypatch.setattr(queries, "publication", lambda: "now")
    monkeypatch.setattr(queries, "table", lambda _: pd.DataFrame({"patient_id": list(named)}))
    monkeypatch.setattr(lesion_notes, "_lesions", named.__getitem__)
    monkeypatch.setattr(acts, "history", lambda _: ())
    return named


def typed_about_the_second(at):
    at.selectbox(key=lesion_notes.OF).set_value("sub-02").run()
    at.selectbox(key=lesion_notes.LESION).set_value("L2 at ses-03").run()
    return at.text_area[0].set_value("grew into the canal").run()


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_note_comes_back_to_the_lesion_that_it_is_about_and_to_no_other(allowed, lesions, monkeypatch, is_gone):
    written = []
    monkeypatch.setattr(acts, "record", lambda _, act: written.append(act))
    monkeypatch.setattr(lesion_notes.signing, "reader", lambda: "Rita Reader")
    at = typed_about_the_second(AppTest.from_function(notes).run())
    allowed.clear()
    at.run()
    at.run()
    allowed.add(Deed.SIGN)
    if is_gone:
        del lesions["sub-02"]["L2 at ses-03"]
    at.run()
    if is_gone:
        assert not at.text_area[0].value, "the lesion is gone: another is chosen"
        assert any("sub-02 L2 at ses-03: grew into the canal" in each.body for each in at.get("html")), "to copy"
        return
    assert (at.selectbox(key=lesion_notes.OF).value, at.text_area[0].value) == ("sub-02", "grew into the canal")
    at.button(key="keep-lesion-note").click().run()
    (act,) = written
    assert (act.patient_id, act.lesion_id, act.reason) == ("sub-02", "L2", "grew into the canal")


def test_a_note_is_not_carried_onto_the_lesion_that_is_chosen_next(allowed, lesions):
    at = typed_about_the_second(AppTest.from_function(notes).run())
    at.selectbox(key=lesion_notes.LESION).set_value("L1 at ses-03").run()
    assert not at.text_area[0].value
    at.selectbox(key=lesion_notes.LESION).set_value("L2 at ses-03").run()
    assert at.text_area[0].value == "grew into the canal"
