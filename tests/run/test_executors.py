"""Patients worked on elsewhere: the numbers of a run at home, lost workers and a full queue told and survived.

About 20 s alone: one Dask cluster and a few processes of submitit's local queue.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import distributed
import pytest

from pipeline.context import schedule_files
from pipeline.core import records
from pipeline.errors import RemoteError, SettingsError
from pipeline.judge import criteria_files
from pipeline.run import step_notes, study_run, workers
from pipeline.run.executors import choice, errands, slurm_jobs
from pipeline.run.executors.dask_workers import DaskWorkers
from pipeline.run.executors.errands import Errand, ErrandAnswer
from pipeline.run.executors.slurm_jobs import SlurmJobs
from pipeline.run.run_settings import RunSettings
from pipeline.study import study_folder
from pipeline.study.import_numbers import import_table
from tests.places import ROOT

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import this file
TODAY = date(2024, 1, 1)
SIZES = "".join(f"p{n},{year}-01-01,tumour,{900 + 100 * n}\n" for n in (1, 2, 3) for year in (2020, 2021))
Rows = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Work:
    """What an executor is given."""

    patients: Sequence[study_folder.StudyPatient]
    rules: workers.Rules
    study: Path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder = tmp_path_factory.mktemp("executors")
    (folder / "volumes.csv").write_text(f"patient_id,date,compartment,volume_mm3\n{SIZES}", encoding="utf-8")
    import_table(folder / "volumes.csv", None, folder / "study", TODAY)
    study = study_folder.read_study(folder / "study", as_of=TODAY)
    rules = workers.Rules(criteria_files.load_all("imsct_adapted_v1"), schedule_files.load(None))
    return Work(study.patients, rules, folder / "study")


@pytest.fixture(scope="module")
def at_home(work: Work, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What a run in this very process finds."""
    out = tmp_path_factory.mktemp("at_home")
    return {p.patient.patient_id: workers.process_here(p, out, work.rules) for p in work.patients}


def finished(executor: choice.Executor, work: Work, out: Path) -> Rows:
    out.mkdir(exist_ok=True)
    return dict(executor.work_on(work.patients, work.rules, out))


def deadly(errand: Errand) -> ErrandAnswer:
    """Work on a patient; who gets the second one dies of it, the first time."""
    mark = errand.out_dir / "died_once"
    if errand.patient_id == "sub-p2" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return errands.run_errand(errand)


def of_quick_pulse(errand: Errand) -> ErrandAnswer:
    """Work on a patient; the worker's heartbeat is always under way, also when it ends, and then its disk is full."""
    worker = distributed.get_worker()
    ending, log = distributed.core.Status.closing, logging.getLogger("distributed.worker")

    async def beat() -> None:
        is_told = False
        while worker.status not in (distributed.core.Status.closed, distributed.core.Status.failed):
            if worker.status == ending and not is_told:
                is_told = True
                log.error("at the end", exc_info=OSError(errno.ENOSPC, "no space left"))
            await worker.heartbeat()

    worker.loop.add_callback(beat)
    log.error("at work", exc_info=ConnectionError("while it works"))
    return deadly(errand)


def always_deadly(errand: Errand) -> ErrandAnswer:
    if errand.patient_id == "sub-p2":
        os.kill(os.getpid(), signal.SIGKILL)
    return errands.run_errand(errand)


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="the test kills processes as POSIX does")


@needs_posix
def test_dask_workers_find_what_a_run_at_home_finds_also_when_one_is_killed(
    work: Work, at_home: Rows, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    executor = DaskWorkers(2, errand=of_quick_pulse)
    assert finished(executor, work, tmp_path / "out") == at_home
    assert (tmp_path / "out" / "died_once").exists(), "nobody died"
    words = capfd.readouterr().err
    assert not re.findall("heartbeat|CommClosedError|pool is closed", words, re.IGNORECASE), "a line that closes"
    assert "while it works" in words, "what goes wrong with a worker is said"
    assert "no space left" in words, "also while it ends"


@needs_posix
def test_jobs_of_a_queue_find_what_a_run_at_home_finds_also_when_one_is_killed(
    work: Work, at_home: Rows, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    executor = SlurmJobs(3, queue=slurm_jobs.ON_THIS_MACHINE, look_s=0.1, errand=deadly)
    assert finished(executor, work, out) == at_home
    assert (out / "died_once").exists(), "nobody died"
    assert not (out / step_notes.JOBS / "queue").exists(), "what the queue was given holds patients' data"


@needs_posix
def test_a_patient_that_is_lost_twice_is_told_and_never_a_result(work: Work, at_home: Rows, tmp_path: Path) -> None:
    executor = SlurmJobs(3, queue=slurm_jobs.ON_THIS_MACHINE, look_s=0.1, errand=always_deadly)
    rows = finished(executor, work, tmp_path / "out")
    assert rows["sub-p1"] == at_home["sub-p1"]
    (told,) = (row for row in rows["sub-p2"] if isinstance(row, records.Finding))
    assert told.code in study_run.TRIED_AGAIN
    assert "was lost 2 times (job " in told.message


def answers_of(chosen: Sequence[Errand]) -> list[ErrandAnswer]:
    return [ErrandAnswer(one.patient_id, (one.patient_id,)) for one in chosen]


@dataclass
class Job:
    """A job of a queue that is made up; preempted ones come back without an answer."""

    job_id: str
    chosen: Sequence[Errand]
    is_lost: bool
    paths: SimpleNamespace = field(default_factory=SimpleNamespace)

    def stderr(self) -> str:
        return "started\nerror: too much memory\nended\n"

    def done(self) -> bool:
        return True

    def result(self) -> list[ErrandAnswer]:
        if self.is_lost:
            raise RuntimeError("preempted")
        return answers_of(self.chosen)

    def cancel(self) -> None:
        pytest.fail("a job that ended is not cancelled")

    def __hash__(self) -> int:
        return hash(self.job_id)


class FullQueue:
    """Takes every second job, and loses the first that it took."""

    def __init__(self) -> None:
        self.asked = self.taken = 0

    def submit(self, _: object, chosen: Sequence[Errand]) -> Job:
        self.asked += 1
        if self.asked % 2:
            raise slurm_jobs._refusals()[0]("QOSMaxSubmitJobPerUserLimit")
        self.taken += 1
        return Job(str(self.taken), chosen, is_lost=self.taken == 1)


def test_a_full_queue_is_waited_for_and_a_preempted_job_sent_again(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_jobs, "_asked", lambda *_: "")
    queue = FullQueue()
    monkeypatch.setattr(SlurmJobs, "_queue", lambda *_: queue)
    rows = finished(SlurmJobs(3, look_s=0.0), work, tmp_path / "out")
    assert rows == {name: (name,) for name in ("sub-p1", "sub-p2", "sub-p3")}
    assert queue.taken == 4, "the lost one is sent once more"


@pytest.mark.parametrize("keeps_ended_jobs", [True, False])
def test_a_job_that_left_the_queue_without_an_answer_is_lost_and_one_whose_answer_is_here_is_not(
    keeps_ended_jobs: bool, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Slurm keeps nothing of ended jobs, nobody says that one died: the run waited for ever."""

    class Vanishing:
        taken = 0

        def submit(self, _: object, chosen: Sequence[Errand]) -> Job:
            self.taken += 1
            answer = tmp_path / f"{self.taken}.pkl"
            if self.taken > 1:
                answer.touch()
            job = Job(str(self.taken), chosen, is_lost=False)
            job.paths.result_pickle = answer
            monkeypatch.setattr(job, "done", answer.exists)
            return job

    def asked(name: str, *_: str) -> str | None:
        return "" if name == "squeue" or keeps_ended_jobs else None

    monkeypatch.setattr(slurm_jobs, "_asked", asked)
    monkeypatch.setattr(slurm_jobs, "ASK_S", 0.0)
    monkeypatch.setattr(slurm_jobs, "ON_THE_WAY_S", 0.0)
    queue = Vanishing()
    monkeypatch.setattr(SlurmJobs, "_queue", lambda *_: queue)
    given = [Errand(one, work.rules, tmp_path, "") for one in work.patients]
    answers = list(SlurmJobs(1, look_s=0.0)._send(given, tmp_path))
    assert [answer.lost for answer in answers] == ["job 1 left the queue without an answer: error: too much memory"] * 3
    queue.taken = 1
    assert [answer.lost for answer in SlurmJobs(1, look_s=0.0)._send(given, tmp_path)] == [None] * 3


def test_a_queue_that_does_not_answer_loses_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_jobs, "ON_THE_WAY_S", 0.0)
    monkeypatch.setattr(slurm_jobs, "_asked", lambda *_: None)
    assert slurm_jobs.QueueList().gone(["1"]) == frozenset()
    monkeypatch.setattr(slurm_jobs, "_asked", lambda *_: "1\n3\n")
    assert slurm_jobs.QueueList().gone(["1", "2"]) == {"2"}


def test_a_queue_that_takes_nothing_is_told_with_what_to_do(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def submit(self, *_: object) -> Job:
            raise slurm_jobs._refusals()[0]("partition down")

    monkeypatch.setattr(SlurmJobs, "_queue", lambda *_: Closed())
    with pytest.raises(RemoteError, match=r"found none for 0 s \(partition down\); what was finished is kept"):
        finished(SlurmJobs(1, look_s=0.0, patience_s=0.0), work, tmp_path / "out")


def test_no_scheduler_is_told_with_what_to_do(work: Work, tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9: expected Dask workers, found .*run again"):
        finished(DaskWorkers(1, "tcp://127.0.0.1:9", patience_s=1.0), work, tmp_path / "out")


def test_a_machine_that_would_give_other_numbers_refuses(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand = Errand(work.patients[0], work.rules, tmp_path, errands.program())
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    for name in workers.THREAD_LIMITS[:1] + workers.THREAD_LIMITS[2:]:
        monkeypatch.setenv(name, "1")
    assert "start the workers with ITK_GLOBAL" in str(errands.run_errand(errand).refusal)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "install the same version" in str(errands.run_errand(replace(errand, program="other")).refusal)
    assert "at the same path" in str(errands.run_errand(replace(errand, out_dir=tmp_path / "elsewhere")).refusal)
    answer = errands.run_errand(errand)
    assert answer.result_rows
    with pytest.raises(SettingsError, match="at the same path"):
        list(errands.sent(work.patients, work.rules, tmp_path / "nowhere", lambda sent: map(errands.run_errand, sent)))


def test_what_a_killed_process_left_half_written_goes_when_its_patient_is_worked_on(work: Work, tmp_path: Path) -> None:
    anat = tmp_path / "sub-p1" / "ses-01" / "anat"
    anat.mkdir(parents=True)
    left, just_begun, of_a_person = anat / ".12-34.a_nii_gz.nii", anat / ".12-35.b_json", anat / ".keep"
    for file in (left, just_begun, of_a_person):
        file.touch()
    for file in (left, of_a_person):
        os.utime(file, (0, 0))
    workers.process_here(work.patients[0], tmp_path, work.rules)
    assert sorted(anat.iterdir()) == [just_begun, of_a_person]


def test_an_errand_holds_the_names_of_its_own_lesions_only(work: Work) -> None:
    everybody = replace(work.rules, names={"sub-p1": work.rules.names_of("x"), "sub-p2": work.rules.names_of("x")})
    assert everybody.of_patient("sub-p1").names.keys() == {"sub-p1"}


def test_somebody_else_s_patient_is_sent_again_later(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in workers.THREAD_LIMITS:
        monkeypatch.setenv(name, "1")
    holding = (
        "import sys; from pathlib import Path; from pipeline.files.out_folder import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, tmp_path / step_notes.JOBS / "sub-p1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        answer = errands.run_errand(Errand(work.patients[0], work.rules, tmp_path, errands.program()))
        holder.communicate("")
    assert "is writing here" in str(answer.lost)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("cloud", "expected local, dask, dask:ADDRESS, slurm or slurm:OPTION=VALUE"),
        ("local:8", "expected local, dask"),
        ("slurm:partition", "expected name=value, found 'partition'"),
    ],
)
def test_an_executor_that_does_not_exist_is_refused(asked: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        choice.executor_of(asked, 1)


@pytest.mark.parametrize(("asked", "library"), [("dask", "distributed"), ("slurm", "submitit")])
def test_what_is_not_installed_is_named_with_its_remedy(
    asked: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SettingsError, match=rf"library {library}, found none; .*pip install 'cordtrack\[cluster\]'"):
        choice.executor_of(asked, 1)


def test_patients_without_scans_are_shared_among_all_jobs(work: Work, tmp_path: Path) -> None:
    given = [Errand(one, work.rules, tmp_path, "") for one in work.patients]
    assert [len(one) for jobs in (1, 2, 3, 9) for one in slurm_jobs.chunks(given, jobs)] == [3, 2, 1, 1, 1, 1, 1, 1, 1]


def test_a_run_asks_the_executor_that_it_was_told_to(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def chosen(words: str, jobs: int) -> choice.Executor:
        asked.append((words, jobs))
        return choice.LocalProcesses(jobs)

    monkeypatch.setattr(study_run, "executor_of", chosen)
    settings = RunSettings(work.study, tmp_path, "imsct_adapted_v1", None, 1, TODAY, datetime.combine(TODAY, time()))
    summary = study_run.run(replace(settings, executor="dask:tcp://x:1"), lambda *_: None)
    assert asked == [("dask:tcp://x:1", 1)]
    assert len(summary.computed) == 3
