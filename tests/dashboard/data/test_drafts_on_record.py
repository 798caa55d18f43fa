"""A field whose text is on record is empty: nothing of it comes back as if nobody had written it (three seconds)."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import acts, door, queries
from dashboard.patient import finding_correction, lesion_names_form, signing_section
from dashboard.shell import drafts
from pipeline.core.finding_terms import TERMS, LesionFinding


def a_correction_of_a_lesion():
    from dashboard.patient import signing_section  # noqa: PLC0415  # this body is run as a page of its own
    from pipeline.journal.decisions import Act  # noqa: PLC0415

    of = ("sub-01", "ses-02", "imsct_adapted_v1")
    signing_section._lesion("sub-01-ses-02", of, lambda kind, **more: Act(kind, "sub-01", **more))


def a_name_of_a_lesion():
    from dashboard.patient import lesion_names_form  # noqa: PLC0415  # this body is run as a page of its own
    from pipeline.journal.decisions import Act  # noqa: PLC0415

    lesion_names_form.form(
        ("sub-01", "ses-02", "rule"), lambda kind, **more: Act(kind, "sub-01", **more), lambda *_: "On record."
    )


def a_finding():
    from dashboard.patient import finding_correction  # noqa: PLC0415  # this body is run as a page of its own
    from dashboard.words import description_words  # noqa: PLC0415
    from pipeline.core.finding_terms import TERMS, LesionFinding  # noqa: PLC0415

    name = next(one for one in description_words.NAMES if LesionFinding(one) not in TERMS)
    finding_correction._form("sub-01", "ses-02", "L1", {name: {"reason": "not told"}})


def typed_left(at):
    begins = tuple(begin for every in drafts.TYPED.values() for begin in every)
    return {one.key: one.value for one in (*at.text_input, *at.text_area) if one.key.startswith(begins) and one.value}


@pytest.mark.parametrize(
    ("page", "button"),
    [
        (a_correction_of_a_lesion, "Correct it"),
        (a_name_of_a_lesion, "Settle the names"),
        (a_finding, "Put it on record"),
    ],
)
@pytest.mark.parametrize("is_refused", [False, True])
def test_every_text_of_an_act_goes_once_it_is_on_record_and_not_before(monkeypatch, page, button, is_refused):
    lesions = pd.DataFrame({"session_id": ["ses-02"] * 2, "lesion_id": ["L1", "L2"]})
    monkeypatch.setattr(queries, "query", lambda *_, **__: lesions)
    for module in (signing_section, lesion_names_form):
        monkeypatch.setattr(module, "bound", lambda act, _: act)
    monkeypatch.setattr(signing_section, "_put", lambda *_: "On record.")
    monkeypatch.setattr(lesion_names_form, "of_table", lambda *_: ["L1", "L2"])
    monkeypatch.setattr(lesion_names_form, "names_preview", lambda *_: "")
    monkeypatch.setattr(signing_section, "lesion_preview", lambda *_: "")
    monkeypatch.setattr(finding_correction.description_words, "is_told", lambda _: False)
    monkeypatch.setattr(acts, "record", lambda *_: [type("Entry", (), {"who": "Rita"})])
    monkeypatch.setattr(door, "may", lambda *_, **__: True)
    monkeypatch.setattr(signing_section.signing, "reader", lambda: "" if is_refused else "Rita")
    at = AppTest.from_function(page).run()
    assert not at.exception, at.exception
    if at.radio:
        at.radio[0].set_value("another lesion").run()
    for field in [*at.text_input, *at.text_area]:
        field.set_value("L7")
    at.run()
    assert len(typed_left(at)) == len(at.text_input) + len(at.text_area)
    next(one for one in at.button if one.label == button).click().run()
    assert not at.exception, at.exception
    assert bool(typed_left(at)) == is_refused


def test_a_finding_of_free_words_is_among_them():
    assert any(LesionFinding(name) not in TERMS for name in finding_correction.description_words.NAMES)


def a_page_loaded_anew():
    import time  # noqa: PLC0415  # this body is run as a page of its own

    import streamlit as st  # noqa: PLC0415

    from dashboard.shell import drafts, sign_in, signing  # noqa: PLC0415

    if "begun" not in st.session_state:
        st.session_state[drafts.GIVEN_BACK] = ("It is back; nothing was written.", time.monotonic() + 60)
    st.session_state["begun"] = True
    if sign_in.is_let_in():
        signing.answer()
        st.button("Keep", on_click=signing.record, args=(lambda: "Kept: 1 note.",))


def test_after_an_act_nothing_is_said_of_what_came_back_before_it(monkeypatch):
    monkeypatch.setattr(door, "enter", lambda *_: type("Person", (), {"identity": ""}))
    monkeypatch.setattr(door, "may", lambda *_, **__: True)
    monkeypatch.setattr(signing_section.signing, "reader", lambda: "Rita")
    at = AppTest.from_function(a_page_loaded_anew).run()
    said = [[one.value for one in (*at.success, *at.error, *at.info)]]
    for step in (at.run, lambda: at.button[0].click().run(), at.run, at.run):
        step()
        said.append([one.value for one in (*at.success, *at.error, *at.info)])
    assert not at.exception, at.exception
    assert said == [["It is back; nothing was written."]] * 2 + [["Kept\\: 1 note."], [], []]
