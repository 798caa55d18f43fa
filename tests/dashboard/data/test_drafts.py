"""What somebody typed whose role is taken away in mid-page (about two seconds)."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import door
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
