"""Runs asked for on the pages: none lost and none done twice, whoever is ended in between. About 20 s."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import api
from pipeline.service import asking, inputs_stamp, job_run, jobs, queue
from pipeline.service.jobs import Job, JobState

PATIENCE_S = 120.0


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A study of one patient without a scan, which a run is done with in a second, and an output folder."""
    study = tmp_path / "study"
    study.mkdir()
    (study / "participants.tsv").write_text("participant_id\nsub-01\n", encoding="utf-8")
    return study, tmp_path / "out"


def wait_for(is_so: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "nothing came of it"
        assert process is None or process.poll() is None, "the worker ended"
        time.sleep(0.05)


def worker(study: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-P", "-m", "pipeline.service.worker", str(study), str(out), "1"])


def as_it_stands(out: Path, job: Job) -> Job:
    stands = jobs.job_of(out, job.job_id)
    assert stands is not None
    return stands


def test_two_who_ask_get_one_job_until_something_changes(places: tuple[Path, Path]) -> None:
    study, out = places
    first, is_new = asking.ask_for_run(study, out, "A")
    second, is_another = asking.ask_for_run(study, out, "B", ["sub-01"])
    assert (first, is_new, is_another) == (second, True, False)
    jobs.begin(out, first.job_id, inputs_stamp.of_inputs(study, out))
    assert asking.ask_for_run(study, out, "B")[0].job_id == first.job_id
    (study / "participants.tsv").write_text("participant_id\nsub-01\nsub-02\n", encoding="utf-8")
    later, is_new = asking.ask_for_run(study, out, "B")
    assert is_new
    assert [job.job_id for job in jobs.every(out)] == [first.job_id, later.job_id]


def test_a_job_begins_once_and_one_that_was_stopped_never(places: tuple[Path, Path]) -> None:
    _, out = places
    job, _ = jobs.ask(out, (), "A", "x")
    assert jobs.begin(out, job.job_id, "x") is not None
    assert jobs.begin(out, job.job_id, "x") is None
    other, _ = jobs.ask(out, ("sub-01",), "A", "y")
    jobs.cancel(out, other.job_id, "B")
    assert jobs.begin(out, other.job_id, "y") is None
    assert as_it_stands(out, other).message == "stopped by B; what was finished is kept"


def test_what_a_killed_worker_leaves_is_taken_up_and_given_up_in_the_end(places: tuple[Path, Path]) -> None:
    _, out = places
    job, _ = jobs.ask(out, (), "A", "x")
    for _ in range(jobs.MOST_TRIES):
        assert jobs.begin(out, job.job_id, "x") is not None
        jobs.take_up_again(out)
    ended = as_it_stands(out, job)
    assert ended.state == JobState.FAILED
    assert "cordtrack run" in ended.message


def test_no_job_is_lost_with_the_queue_or_the_worker(places: tuple[Path, Path]) -> None:
    study, out = places
    job, _ = jobs.ask(out, (), "A", "x")  # a server that was killed before it put the job into the queue
    first = worker(study, out)
    wait_for(lambda: as_it_stands(out, job).state != JobState.QUEUED, first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    (out / "queue" / "queue.sqlite").unlink()
    second = worker(study, out)
    try:
        wait_for(lambda: not as_it_stands(out, job).is_open, second)
        ended = as_it_stands(out, job)
        assert ended.state == JobState.DONE, ended.message
        assert list(api.status(out)["patient"]) == ["sub-01"]  # by the run of the killed worker, or by the one after it
        assert ended.tries <= 2
    finally:
        second.terminate()
        assert second.wait(timeout=30) >= -signal.SIGTERM


def test_what_lies_in_the_queue_is_never_run_as_code(tmp_path: Path) -> None:
    message = queue.JsonMessages().serialize(queue.Message(*["x"] * len(queue.Message._fields)))
    assert message.startswith(b"[")
    with pytest.raises(ValueError, match=r"JSON|codec|Expecting"):
        queue.JsonMessages().deserialize(b"\x80\x04\x95\x00cposix\nsystem\n.")


def test_the_first_patients_of_many_are_published_first() -> None:
    names = [f"sub-{number}" for number in range(20)]
    assert list(map(len, job_run.batches(names, 2))) == [2, 4, 8]
    assert list(map(len, job_run.batches(names, job_run.first_of(2)))) == [1, 2, 4, 8]
    assert list(job_run.batches(names[:1], 2)) == []


def test_no_file_is_opened_to_see_that_a_study_changed(places: tuple[Path, Path]) -> None:
    study, out = places
    before = inputs_stamp.of_inputs(study, out)
    (study / "participants.tsv").chmod(0)
    assert inputs_stamp.of_inputs(study, out) == before
    (study / "participants.tsv").unlink()
    assert inputs_stamp.of_inputs(study, out) != before
