"""Page Study without a browser: what comes after scans were added, and that a run which lasts shows that it goes on."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dashboard.data import door, study_jobs
from dashboard.data.scan_deliveries import DeliveredSeries
from dashboard.study import access_section, delivery_decisions, next_step
from pipeline.journal import access_log
from pipeline.journal.roles import Deed, Visitor
from pipeline.run.run_plan import PlannedPatient, RunPlan
from pipeline.service import deliveries, jobs
from pipeline.service.deliveries import Delivery, DeliveryKind, DeliveryState
from pipeline.service.jobs import JobState
from tests.dashboard.app_pages.test_pages import opened, words_of
from tests.factories import copy_tiny

NEW = ("sub-01", "sub-90")


@pytest.fixture
def out(tmp_path, monkeypatch):
    """Results of some patients, and a study to which scans of one of them and of somebody new were added."""
    out, study = tmp_path / "out", tmp_path / "study"
    copy_tiny(out)
    study.mkdir()
    (study / "dataset_description.json").write_text('{"Name": "added", "BIDSVersion": "1.11.1"}')
    (study / "participants.tsv").write_text("participant_id\n" + "\n".join(NEW) + "\n")
    for name in NEW:
        (study / name).mkdir()
    monkeypatch.setenv("CORDTRACK_OUT", str(out))
    monkeypatch.setenv(door.STUDY_VARIABLE, str(study))
    monkeypatch.setattr(jobs, "has_worker", lambda _: True)
    delivery = Delivery("20240101-a", DeliveryKind.ARCHIVE, "", "A", "", jobs.now(), DeliveryState.ADDED)
    deliveries.begin(out, delivery)
    deliveries.record(out, delivery, [f"{name}/ses-1/anat/{name}_ses-1_T2w.nii.gz" for name in NEW], jobs.now())
    return out


def test_whose_scans_were_added_is_run_by_one_click_and_then_opened(out, monkeypatch):
    pending = tuple(PlannedPatient(name, "never worked on") for name in NEW)
    monkeypatch.setattr(study_jobs, "plan", lambda: RunPlan(pending, ()))
    at = opened("study")
    assert "added: no visit yet, 3 things to look at." in words_of(at), "not that nothing is wrong"
    assert "Next: aligned, measured and judged (never worked on)." in words_of(at)
    at.text_input(key=door.NAME_TYPED).set_value("Dr. A")
    (run,) = [button for button in at.button if button.label == "Run sub-01, sub-90"]
    run.click().run()
    (job,) = jobs.every(out)
    assert (job.participants, job.asked_by) == (NEW, "Dr. A")
    assert next_step.UNDER_WAY.format("sub-01, sub-90") in words_of(at)
    jobs.end(out, job.job_id, JobState.DONE, "")
    jobs.cancel(out, job.job_id, "A")
    monkeypatch.setattr(study_jobs, "plan", lambda: RunPlan(pending[1:], NEW[:1]))
    at = opened("study")
    assert "Run sub-90" in [button.label for button in at.button], "who is done is not run again"
    assert next(link.proto.label.replace("\\", "") for link in at.get("page_link")) == "Draw the tumour of sub-01"


def test_nothing_is_offered_for_people_who_left_the_study(out, monkeypatch):
    monkeypatch.setattr(study_jobs, "plan", lambda: RunPlan((PlannedPatient("sub-90", "never worked on"),), ()))
    for name in NEW:
        (out.with_name("study") / name).rmdir()
    assert not [button for button in opened("study").button if button.label.startswith("Run sub-")]


def looked(out, *brought):
    """A delivery that was looked through, its series by person, outcome and how sure each is."""
    delivery = Delivery("20240102-a", DeliveryKind.DROP, "", "A", "", jobs.now(), DeliveryState.LOOKED)
    deliveries.begin(out, delivery)
    usual = dict.fromkeys(DeliveredSeries.__dataclass_fields__, "") | {"is_open": False, "is_nifti": False}
    series = [
        usual | {"token": f"t{number}", "patient_id": name, "outcome": outcome, "contrast": "T2w", "confidence": sure}
        for number, (name, outcome, sure) in enumerate(brought)
    ]
    file = deliveries.folder_of(out, delivery.delivery_id) / deliveries.DECISIONS
    file.write_text(json.dumps({"series": series, "odd": [], "doubles": []}))
    return opened("study")


def test_whose_scans_came_is_said_so_that_a_wrong_disc_is_seen(out):
    at = looked(out, ("sub-01", "imported", "0.90"), ("sub-zz", "imported", "0.90"), ("sub-01", "skipped", "0.00"))
    words = "These scans are of 2 people: sub-01, who is in the study; sub-zz, who is new to the study."
    assert words in words_of(at)
    assert "90%" in words_of(at)
    assert "0%<" not in words_of(at).replace("90%<", ""), "how sure is no question where nothing is taken"


def test_a_delivery_that_the_study_has_is_said_to_be_there_and_offers_no_button_that_adds_nothing(out):
    at = looked(out, ("sub-01", "there", "0.90"))
    assert delivery_decisions.NOTHING_NEW in words_of(at)
    assert [button.label for button in at.button if button.label.startswith(("Add", "Forget"))] == ["Forget them"]


def answered(out):
    (delivery,) = (one for one in deliveries.every(out) if one.state == DeliveryState.TO_ADD)
    return delivery.answers


def test_a_series_that_was_sure_is_called_otherwise_with_a_reason_only(out):
    at = looked(out, ("sub-01", "imported", "0.90"), ("sub-01", "imported", "0.95"))
    at.text_input(key=door.NAME_TYPED).set_value("Dr. A")
    at.multiselect(key="corrected-20240102-a").set_value(["sub-01 T2w t0"]).run()
    assert "taken for T2w" in words_of(at)

    def add():
        next(button for button in at.button if button.label.startswith("Add ")).click().run()
        assert not at.exception
        return [one.value.replace("\\", "") for one in at.error]

    assert add() == ["sub-01 T2w: say what it is, or leave it as it was taken; nothing was added"]
    at.selectbox(key="is-20240102-a-t0").set_value("STIR")
    assert add() == ["sub-01 T2w: say why it is not what it was taken for; nothing was added"]
    at.text_input(key="otherwise-20240102-a-t0").set_value("the console says TIRM")
    assert add() == []
    assert answered(out) == {"t0": {"contrast": "STIR", "why": "the console says TIRM"}}


def test_a_person_of_two_deliveries_is_offered_to_be_run_once(out, monkeypatch):
    pending = tuple(PlannedPatient(name, "never worked on") for name in NEW)
    monkeypatch.setattr(study_jobs, "plan", lambda: RunPlan(pending, ()))
    later = Delivery("20240103-a", DeliveryKind.DROP, "", "A", "", jobs.now(), DeliveryState.ADDED)
    deliveries.begin(out, later)
    deliveries.record(out, later, ["sub-01/ses-2/anat/sub-01_ses-2_T2w.nii.gz"], jobs.now())
    labels = [button.label for button in opened("study").button]
    assert [label for label in labels if label.startswith("Run ")] == ["Run sub-01", "Run sub-90"]


def test_what_is_wrong_with_a_table_names_the_form_that_mends_it(out):
    assert "(here: below, in the form Treatments)" in words_of(opened("study"))


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (jobs.Progress(), "The run reads the study, 1 min .. s so far"),
        (
            jobs.Progress(0, 0, "waits: process 7 is writing here; run again"),
            "Another run .* by itself .*1 min .. s so",
        ),
        (jobs.Progress(1, 3), "1 of 3 patients, 1 min .. s so far"),
        (jobs.Progress(3, 3), "3 of 3 patients, 1 min .. s so far, publishing the results"),
    ],
)
def test_a_run_that_lasts_shows_that_it_goes_on(out, monkeypatch, progress, words):
    job, _ = jobs.ask(out, (), "A", "")
    began = replace(job, state=JobState.RUNNING, began_at=jobs.now() - timedelta(seconds=100))
    monkeypatch.setattr(jobs, "every", lambda _: (began,))
    monkeypatch.setattr(jobs, "progress_of", lambda *_: progress)
    monkeypatch.setattr(study_jobs, "plan", lambda: RunPlan((), NEW))
    (text,) = [one.proto.text for one in opened("study").get("progress")]
    assert re.match(words, text), text


def log_of(at):
    return [shown.value for shown in at.dataframe if list(shown.value.columns) == list(access_section.HEADS)]


def test_an_admin_reads_who_looked_at_whom_by_person_and_patient_and_takes_all_lines_away(out, monkeypatch):
    monkeypatch.setattr(access_section, "SHOWN", 3)
    for minute, (name, patient) in enumerate([("A", "sub-01"), ("B", "sub-02"), ("A", "sub-02"), ("A", None)] * 2):
        access_log.note(out, Visitor(name, name), "opened", patient, datetime(2026, 1, 30, 10, minute))  # noqa: DTZ001
    at = opened("study")
    assert not log_of(at), "nothing is read before somebody asks"
    at.session_state["access"] = True
    at.run()
    assert not at.exception
    (log,) = log_of(at)
    assert list(log["who"]) == ["A", "A", "B"]
    assert list(log["patient"]) == ["", "sub-02", "sub-02"]
    assert "The latest 3 of 8 lines" in words_of(at)
    at.selectbox(key="access-who").set_value("A").run()
    at.selectbox(key="access-patient").set_value("sub-02").run()
    assert list(log_of(at)[0]["patient"]) == ["sub-02"] * 2
    assert "The latest 2 of 2 lines" in words_of(at)
    assert "CSV" in [button.proto.label for button in at.get("download_button")]


def test_people_of_one_name_are_told_apart_and_the_files_hold_what_is_on_record(out):
    people = (Visitor("A", "https://idp 1"), Visitor("A", "https://idp 2"), Visitor("B", "https://idp 3"), Visitor(""))
    for second, person in enumerate(people):
        access_log.note(out, person, "opened", "sub-01", datetime(2026, 1, 30, 10, 0, second))  # noqa: DTZ001
    (file,) = (out / "access").iterdir()
    file.write_text(file.read_text(encoding="utf-8") + '{"torn\n', encoding="utf-8")
    lines, problems = access_log.every(out)
    taken = access_section.file_table(lines, problems)
    assert list(taken["at"]) == [f"2026-01-30T10:00:0{second}Z" for second in (3, 2, 1, 0)] + [""]
    assert list(taken["identity"]) == ["", "https://idp 3", "https://idp 2", "https://idp 1", ""]
    assert [bool(problem) for problem in taken["problem"]] == [False] * 4 + [True]
    at = opened("study")
    at.session_state["access"] = True
    at.run()
    assert at.selectbox(key="access-who").options == ["A (https://idp 1)", "A (https://idp 2)", "B", "not named"]
    at.selectbox(key="access-who").set_value("A (https://idp 2)").run()
    assert "The latest 1 of 1 line;" in words_of(at)
    assert list(log_of(at)[0]["who"]) == ["A (https://idp 2)"]


def test_the_reading_log_is_taken_away_by_admins_alone(out, monkeypatch):
    access_log.note(out, Visitor("A"), "opened", "sub-01", datetime(2026, 1, 30, 10))  # noqa: DTZ001
    taking, deeds = door.taking, []

    def noting(what, make, *arguments, **named):
        deeds.extend([named.get("deed")] if what == "who_looked_at_what" else [])
        return taking(what, make, *arguments, **named)

    monkeypatch.setattr(door, "taking", noting)
    at = opened("study")
    at.session_state["access"] = True
    at.run()
    assert set(deeds) == {Deed.ADMINISTER}
