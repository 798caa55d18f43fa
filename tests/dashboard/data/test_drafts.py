"""What somebody typed whose role, sign-in or page goes in mid-work, texts and cells (about four seconds)."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import acts, door, queries, who
from dashboard.patient import lesion_names_form
from dashboard.shell import drafts, sign_in
from dashboard.study import lesion_notes, table_forms
from pipeline.journal.lesion_acts import NameAnswer
from pipeline.journal.roles import Deed
from pipeline.service.study_forms import FormTable


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


def test_a_note_that_came_back_is_called_as_the_page_calls_its_lesion(allowed, lesions):
    at = AppTest.from_function(notes)
    at.session_state[drafts.plain("note-sub-02 L2 at ses-03")] = "grew into the canal"
    at.run()
    assert any("not on record, sub-02 L2 at ses-03: grew into the canal" in each.body for each in at.get("html"))


def one_table():
    import streamlit as st  # noqa: PLC0415  # this body is run as a page of its own

    from dashboard.data import who  # noqa: PLC0415
    from dashboard.shell import drafts  # noqa: PLC0415
    from dashboard.study import table_forms  # noqa: PLC0415

    if st.session_state.get("over"):
        drafts.keep(who.identity())
        return
    drafts.follow_window()
    drafts.follow_roles()
    drafts.bring_back(who.identity())
    if st.radio("Page", ["study", "board"]) == "study":
        table_forms._form("treatments.tsv")


@pytest.fixture
def table(allowed, monkeypatch):
    """The study's table of treatments as it stands, to be changed by the test, and what was saved of it."""
    stands = {"shown": FormTable("treatments.tsv", ("date", "kind"), ({"date": "2020", "kind": "surgery"},), "a" * 64)}
    monkeypatch.setattr(drafts, "_DRAFTS", type(drafts._DRAFTS)())
    monkeypatch.setattr(who, "identity", lambda: "issuer rita")
    monkeypatch.setattr(table_forms.signing, "reader", lambda: "Rita Reader")
    monkeypatch.setattr(table_forms.table_changes, "table", lambda _: stands["shown"])
    monkeypatch.setattr(table_forms.table_changes, "save", lambda _, __, rows: stands.update(saved=rows) or "saved")
    allowed.add(Deed.EDIT)
    return stands


def with_a_date(at, date):
    """Type a date into the first row."""
    (editor,) = at.data_editor
    changes = {"edited_rows": {0: {"date": date}}, "added_rows": [], "deleted_rows": []}
    at.session_state[editor.key] = changes
    return at.run()


def dates(at):
    (editor,) = at.data_editor
    return list(editor.value["date"])


def saved(at, table):
    next(one for one in at.button if one.label == "Save").click().run()
    return [row["date"] for row in table["saved"]]


def test_cells_come_back_from_another_page_and_are_saved_or_taken_back(table):
    at = with_a_date(AppTest.from_function(one_table).run(), "2021-03-04")
    for page in ("board", "study", "board", "study"):
        at.radio[0].set_value(page).run()
    assert dates(at) == ["2021-03-04"]
    assert saved(at, table) == ["2021-03-04"]
    at.radio[0].set_value("board").run()
    at.radio[0].set_value("study").run()
    assert dates(at) == ["2020"], "saved: nothing is left of it"
    at = with_a_date(at, "2022")
    next(one for one in at.button if one.label == "Undo what was typed").click().run()
    assert dates(at) == ["2020"]


def test_cells_come_back_with_the_role_and_whoever_may_not_is_shown_the_table(allowed, table):
    at = with_a_date(AppTest.from_function(one_table).run(), "2021-03-04")
    allowed.discard(Deed.EDIT)
    for _ in range(2):
        at.run()
        assert dates(at) == ["2020"]
        assert at.data_editor[0].proto.disabled
        assert any("What you had typed is kept" in each.body for each in at.get("html"))
    allowed.add(Deed.EDIT)
    at.run()
    assert dates(at) == ["2021-03-04"]
    assert saved(at, table) == ["2021-03-04"]


def test_cells_come_back_over_every_sign_in_and_to_nobody_else(table, monkeypatch):
    at = with_a_date(AppTest.from_function(one_table).run(), "2021-03-04")
    for _ in range(3):
        at.session_state["over"] = True
        at.run()
        monkeypatch.setattr(who, "identity", lambda: "issuer karl")
        assert dates(AppTest.from_function(one_table).run()) == ["2020"]
        monkeypatch.setattr(who, "identity", lambda: "issuer rita")
        at = AppTest.from_function(one_table).run()
        assert dates(at) == ["2021-03-04"], "also a second time"
    assert saved(at, table) == ["2021-03-04"]


def test_cells_of_two_tabs_over_a_sign_in_are_both_in_sight(table):
    tabs = [with_a_date(AppTest.from_function(one_table).run(), date) for date in ("2021-03-04", "2022-05-06")]
    for tab in tabs:
        tab.session_state["over"] = True
        tab.run()
    at = AppTest.from_function(one_table).run()
    assert dates(at) == ["2022-05-06"]
    said = [each.body for each in at.get("html") if "since you typed" in each.body]
    assert len(said) == 1
    assert "2021-03-04" in said[0]


def test_cells_typed_into_another_version_of_a_table_are_shown_and_put_into_none(table):
    at = with_a_date(AppTest.from_function(one_table).run(), "2021-03-04")
    rows = ({"date": "2020", "kind": "surgery"}, {"date": "2023", "kind": "radiotherapy"})
    table["shown"] = FormTable("treatments.tsv", ("date", "kind"), rows, "b" * 64)
    at.run()
    assert dates(at) == ["2020", "2023"]
    said = [each.body for each in at.get("html") if "changed since you typed" in each.body]
    assert len(said) == 1
    assert "2021-03-04</span>, kind surgery" in said[0]
    assert "2023" not in said[0], "what somebody else wrote"
    next(one for one in at.button if one.label == "Put this away").click().run()
    assert not [each for each in at.get("html") if "changed since you typed" in each.body]


@pytest.mark.parametrize(("person", "comes_back"), [("issuer rita", True), ("issuer karl", False), ("", False)])
def test_a_window_loaded_anew_gives_what_was_typed_to_the_same_person(table, monkeypatch, person, comes_back):
    at = with_a_date(AppTest.from_function(one_table).run(), "2021-03-04")
    window = at.session_state[drafts.WINDOW]
    monkeypatch.setattr(who, "identity", lambda: person)
    again = AppTest.from_function(asked_from_another_window)
    again.session_state["asked"] = window
    again.run()
    assert (dates(again) == ["2021-03-04"]) == comes_back


def test_a_window_of_which_the_browser_made_a_second_one_loses_nothing_when_it_is_loaded_anew(table):
    window = with_a_date(AppTest.from_function(one_table).run(), "2021-03-04").session_state[drafts.WINDOW]
    for _ in ("the second one", "the first one, loaded anew"):
        at = AppTest.from_function(asked_from_another_window)
        at.session_state["asked"] = window
        assert dates(at.run()) == ["2021-03-04"]


def asked_from_another_window():
    import streamlit as st  # noqa: PLC0415  # this body is run as a page of its own

    from dashboard.shell import drafts  # noqa: PLC0415
    from dashboard.study import table_forms  # noqa: PLC0415

    drafts._give_back({"ask": "one", "window": st.session_state["asked"], "texts": {}})
    table_forms._form("treatments.tsv")


def test_what_was_typed_is_let_go_after_a_working_day(table, monkeypatch):
    with_a_date(AppTest.from_function(one_table).run(), "2021-03-04")
    assert len(drafts._DRAFTS) == 1
    monkeypatch.setattr(drafts, "HOURS", 0.0)
    AppTest.from_function(one_table).run()
    assert not drafts._DRAFTS, "also of a window that never comes back"


def test_what_is_said_of_names_is_kept_with_what_is_chosen_beside_it():
    begins = {begin for begins in drafts.TYPED.values() for begin in begins}
    typed = (
        lesion_names_form._why("sub-01-ses-02", "L1", "right"),
        lesion_names_form._other("x", "L1", NameAnswer.ANOTHER),
    )
    assert all(key.startswith(tuple(begins)) for key in typed)
    assert lesion_names_form._other("x", "L1", NameAnswer.ONE).startswith(drafts.CHOSEN)
