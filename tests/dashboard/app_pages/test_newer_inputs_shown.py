"""Scans and tables that the results shown lack are named on board, patient page, projector and packet."""

import json

import pytest

from dashboard.data import door
from dashboard.packet import content
from dashboard.shell import page
from pipeline.service import jobs, newer_inputs
from tests.dashboard.app_pages.test_pages import opened, words_of

NEW_VISIT = "new visit ses-07"


@pytest.fixture(autouse=True)
def no_note(tiny):
    """Other tests show the same results, of which nobody has looked for newer inputs."""
    yield
    (tiny / jobs.QUEUE / newer_inputs.NOTE).unlink(missing_ok=True)


@pytest.fixture
def served(tiny, tmp_path_factory, monkeypatch):
    """The tiny store behind pages that serve a study in which somebody has a new visit."""
    monkeypatch.setenv(door.STUDY_VARIABLE, str(tmp_path_factory.mktemp("study")))
    leave(tiny, {"sub-02": NEW_VISIT, "sub-90": "never worked on"})
    return tiny


def leave(out, patients, trouble=""):
    (out / jobs.QUEUE).mkdir(exist_ok=True)
    note = {"results": newer_inputs.mark_of_results(out), "patients": patients, "trouble": trouble}
    (out / jobs.QUEUE / newer_inputs.NOTE).write_text(json.dumps(note))
    return note


def test_the_board_names_everybody_and_offers_the_run(served):
    at = opened("board")
    assert f"Not in these results: sub-02 ({NEW_VISIT}); sub-90 (never worked on)." in words_of(at)
    assert "Update now" in [button.label for button in at.button]


def test_a_patients_page_projector_and_packet_say_it_of_that_patient_alone(served):
    at = opened("patient", patient="sub-02")
    assert f"Not in these results: {NEW_VISIT}." in words_of(at)
    assert f"Not in these results: {NEW_VISIT}." in words_of(opened("present", at="sub-02"))
    for other in ("patient", "present"):
        assert "Not in these results" not in words_of(opened(other, patient="sub-01", at="sub-01"))


def test_pages_without_a_worker_say_it_and_offer_no_run(tiny):
    assert "Not looked for yet: scans, masks and tables" in words_of(opened("board"))
    leave(tiny, {"sub-02": NEW_VISIT})
    for page_name in ("board", "patient", "present"):
        at = opened(page_name, patient="sub-02", at="sub-02")
        assert f"{NEW_VISIT}" in words_of(at)
        assert "Update now" not in [button.label for button in at.button]
    assert "Not looked for yet" not in words_of(opened("board"))


def test_the_packet_says_it_above_everything_else(served):
    study = page.ShownStudy("tiny", True, "imsct_adapted_v1", "imsct_adapted_v1 1", "Adapted", True)
    assert content.gather("sub-02", study).acts[0] == f"Not in these results: {NEW_VISIT}."
    assert "Not in these results" not in " ".join(content.gather("sub-01", study).acts)


def test_many_are_counted_and_what_was_looked_at_before_is_not_said(served):
    leave(served, {f"sub-9{number}": "never worked on" for number in range(8)})
    assert "sub-93, sub-94 and 3 other patients (never worked on)." in words_of(opened("board"))
    leave(served, {f"sub-9{number}": f"new visit ses-0{number}" for number in range(8)})
    assert "sub-94 (new visit ses-04); and 3 other patients." in words_of(opened("board"))
    note = leave(served, {"sub-02": NEW_VISIT}) | {"results": "others"}
    (served / jobs.QUEUE / newer_inputs.NOTE).write_text(json.dumps(note))
    assert "Not in these results" not in words_of(opened("board"))


def test_a_study_that_cannot_be_looked_through_is_said_on_the_board(served):
    leave(served, {}, "criteria.toml: expected a file, found none")
    assert "could not be looked through for what these results lack: criteria.toml" in words_of(opened("board"))


def test_while_the_run_goes_on_the_board_says_that_rather_than_that_nobody_looked(tiny):
    job_id = jobs.ask(tiny, (), "Dr. Anna", "stamp")[0].job_id
    assert "Not looked for yet" in words_of(opened("board")), "a run that waits has replaced nothing"
    assert jobs.begin(tiny, job_id, "stamp") is not None
    at_work = words_of(opened("board"))
    assert "A run goes on, whose results are shown when it ends. Until then nobody has looked for scans" in at_work
    assert "Not looked for yet" not in at_work
    jobs.end(tiny, job_id, jobs.JobState.DONE, "done")
    assert "Not looked for yet" in words_of(opened("board"))
