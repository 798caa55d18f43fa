"""Cohorts with a name on the Cohort page: saved, listed with both numbers, opened, compared, deleted. A minute."""

import shutil

import pytest

from dashboard.cohort import saved_cohorts
from dashboard.data import acts
from pipeline.journal import cohort_file as cohorts
from tests.dashboard.app_pages.test_pages import opened, text_of


@pytest.fixture
def own(tiny_out, tmp_path, monkeypatch):
    """A folder of this test's own: what is saved stays."""
    shutil.copytree(tiny_out, tmp_path / "out")
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path / "out"))
    return tmp_path / "out"


def looked_at(**address):
    at = opened("cohort", **address)
    at.session_state[saved_cohorts.KEY] = True
    return at.run()


def test_a_saved_cohort_is_listed_with_n_then_and_now(own):
    acts.save_cohort("A. Reader", "Southern", {"centre": ["South"]}, 2)
    assert "Southern" not in text_of(opened("cohort")), "nothing is read before somebody looks"
    text = text_of(looked_at())
    assert 'href="cohort?centre=South"' in text
    assert "A. Reader" in text
    assert "3, changed" in text, "two when it was saved, three now"


def test_what_nobody_has_any_more_is_said_and_not_opened(own):
    acts.save_cohort("A. Reader", "Western", {"centre": ["West"]}, 4)
    text = text_of(looked_at())
    assert "nobody has any more: West" in text
    assert "0, changed" in text
    assert 'href="cohort?centre=West"' not in text, "it would open on everybody"


def test_two_are_compared_and_one_is_deleted(own):
    acts.save_cohort("A. Reader", "Southern", {"centre": ["South"]}, 3)
    acts.save_cohort("A. Reader", "Adults", {"age": ["30-50"]}, 3)
    at = looked_at()
    at.multiselect(key="saved-cohorts-chosen").set_value(["Southern", "Adults"])
    assert "cohort?centre=South&amp;b_age=30-50" in text_of(at.run())
    at.multiselect(key="saved-cohorts-chosen").set_value(["Adults"])
    at.text_input(key="who").set_value("B. Reader")
    at.run()
    at.button(key="saved-cohorts-delete").click().run()
    assert [one.name for one in cohorts.read(own).cohorts] == ["Southern"]


def test_without_filters_or_a_name_nothing_is_saved_and_the_page_says_why(own):
    at = looked_at()
    at.text_input(key="who").set_value("A. Reader")
    next(one for one in at.text_input if one.label == "Name").set_value("Everybody")
    next(one for one in at.button if one.label == "Save").click().run()
    assert "choose patients first" in at.error[0].value
    assert cohorts.read(own).cohorts == ()
