"""Patients worked on by jobs of a Slurm queue, which submitit submits and watches.

A job that the queue preempts or stops in time goes back into the queue; one that dies is reported as lost: by what
Slurm keeps of ended jobs, or, on clusters that keep nothing, because it left the queue without an answer. Where the
queue takes no more jobs, those that it has are waited for, and then the others are submitted.
"""

from __future__ import annotations

import logging
import math
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import RemoteError, SettingsError
from pipeline.run import step_notes, workers
from pipeline.run.executors.errands import Errand, ErrandAnswer, run_errand, sent
from pipeline.study.study_folder import StudyPatient

SLURM, ON_THIS_MACHINE = "slurm", "local"
"""Kinds of queue that submitit knows: the second starts a process for each job, for tests."""

LOOK_S, PATIENCE_S = 5.0, 3600.0
"""How often jobs are looked at, and how long the queue may take no job while it has none of ours."""

ASK_S, ON_THE_WAY_S = 30.0, 60.0
"""How often the queue is asked which jobs it has, and how long the answer of one that left it may be on its way."""

SLURM_ANSWERS_S = 60.0
"""How long a command of Slurm may take."""

WITHOUT_SCANS = 50
"""Patients of a job, when nothing of them has to be aligned: seconds of work each."""


@dataclass(frozen=True)
class SlurmJobs:
    """Jobs of a queue.

    Attributes
    ----------
    jobs
        Jobs in the queue at the same time.
    options
        Parameters of submitit, such as ``slurm_partition`` and ``timeout_min``.
    queue
        ``slurm``, or ``local`` for processes of this machine.
    errand
        What a job does with each of its patients.
    """

    jobs: int
    options: Mapping[str, Any] = field(default_factory=dict)
    queue: str = SLURM
    look_s: float = LOOK_S
    patience_s: float = PATIENCE_S
    errand: Callable[[Errand], ErrandAnswer] = run_errand

    def __post_init__(self) -> None:
        """Refuse where the library is missing, before a study is read."""
        _submitit()

    def work_on(
        self, patients: Sequence[StudyPatient], rules: workers.Rules, out_dir: Path
    ) -> Generator[tuple[str, tuple[Any, ...]], None, None]:
        """Yield each patient's name and records as it is finished."""
        folder = out_dir.resolve() / step_notes.JOBS / "queue"
        try:
            yield from sent(patients, rules, out_dir, lambda errands: self._send(errands, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # it holds what the tables say of patients

    def _send(self, errands: Sequence[Errand], folder: Path) -> Iterator[ErrandAnswer]:
        queue, waiting = self._queue(folder), chunks(errands, self.jobs)
        submitted = _Submitted(QueueList() if self.queue == SLURM else None)
        try:
            while waiting or submitted.jobs:
                while waiting and len(submitted.jobs) < self.jobs:
                    if not self._submit(queue, waiting[0], submitted):
                        break
                    waiting.pop(0)
                yield from submitted.answers()
                if submitted.jobs or waiting:
                    time.sleep(self.look_s)
        finally:
            for job in submitted.jobs:
                job.cancel()

    def _submit(self, queue: Any, chunk: Sequence[Errand], submitted: _Submitted) -> bool:
        """Submit a job and say whether the queue took it; refuse when it takes none for long and has none of ours."""
        try:
            with workers.one_thread_each():
                job = queue.submit(Chunk(self.errand), tuple(chunk))
        except _refusals() as error:
            reason = " ".join(str(error).split())[:300]
            logging.getLogger(__name__).warning("the queue took no job: %s", reason)
            if not submitted.jobs and time.monotonic() - submitted.last_taken > self.patience_s:
                raise RemoteError(
                    f"{self.queue}: expected a queue that takes jobs, found none for {self.patience_s:g} s ({reason}); "
                    "what was finished is kept. Wait until it is less full, or ask for fewer --jobs, then run again"
                ) from error
            return False
        submitted.last_taken = time.monotonic()
        submitted.jobs[job] = [errand.patient_id for errand in chunk]
        return True

    def _queue(self, folder: Path) -> Any:
        try:
            queue = _submitit().AutoExecutor(folder=folder / "%j", cluster=self.queue)
            limits = [f"export {name}=1" for name in workers.THREAD_LIMITS]
            setup = {"slurm_setup": limits} if self.queue == SLURM else {}
            queue.update_parameters(name="cordtrack", timeout_min=240, cpus_per_task=1, **setup)
            queue.update_parameters(**self.options)
        except (RuntimeError, NameError, TypeError, ValueError, AssertionError) as error:
            words = " ".join(str(error).split())[:300]
            raise SettingsError(
                f"--executor {self.queue}: expected a queue on this machine and options that it knows, found: {words}; "
                "run this where sbatch is at hand, with options as sbatch has them"
            ) from error
        return queue


@dataclass
class _Submitted:
    """The jobs in the queue, each with its patients, and when the queue took the last one."""

    queue_list: QueueList | None = None
    jobs: dict[Any, list[str]] = field(default_factory=dict)
    last_taken: float = field(default_factory=time.monotonic)

    def answers(self) -> Iterator[ErrandAnswer]:
        """Yield what came of jobs that ended."""
        for job in [one for one in self.jobs if self._is_done(one)]:
            patients = self.jobs.pop(job)
            try:
                yield from job.result()
            except Exception as error:  # the job died, was cancelled, or left an answer nobody can read
                reason = f"job {job.job_id}: {' '.join(str(error).split())[:200]}"
                yield from (ErrandAnswer(name, lost=reason) for name in patients)
        gone = self.queue_list.gone([job.job_id for job in self.jobs]) if self.queue_list else frozenset()
        for job in [one for one in self.jobs if one.job_id in gone and not self._is_done(one)]:
            reason = f"job {job.job_id} left the queue without an answer: {_first_error(job)}"
            yield from (ErrandAnswer(name, lost=reason) for name in self.jobs.pop(job))

    def _is_done(self, job: Any) -> bool:
        if self.queue_list is None or self.queue_list.keeps_ended_jobs:
            return bool(job.done())
        return bool(job.paths.result_pickle.exists())


class QueueList:
    """Which jobs a Slurm queue has, and for how long one has been gone."""

    def __init__(self) -> None:
        self.keeps_ended_jobs = _asked("sacct", "--noheader", "--format=JobID") is not None
        self._gone_since: dict[str, float] = {}
        self._asked_at = -math.inf

    def gone(self, job_ids: Iterable[str]) -> frozenset[str]:
        """Return the jobs that left the queue so long ago that an answer of theirs would be here."""
        now = time.monotonic()
        if now - self._asked_at >= ASK_S:
            self._asked_at = now
            listed = _asked("squeue", "--noheader", "--me", "--format=%A")
            if listed is not None:
                there = set(listed.split())
                self._gone_since = {name: self._gone_since.get(name, now) for name in job_ids if name not in there}
        return frozenset(name for name, since in self._gone_since.items() if now - since >= ON_THE_WAY_S)


def _asked(*command: str) -> str | None:
    """Return what a command of Slurm prints; None where it is not there, fails or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SLURM_ANSWERS_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _first_error(job: Any) -> str:
    """Return the first error that a job that died left word of; Slurm writes there that it took too much memory."""
    lines = [line.strip() for line in (job.stderr() or "").splitlines() if "error" in line]
    return lines[0][:200] if lines else "it left no word"


@dataclass(frozen=True)
class Chunk:
    """What one job does: an errand after the other."""

    errand: Callable[[Errand], ErrandAnswer]

    def __call__(self, errands: tuple[Errand, ...]) -> list[ErrandAnswer]:
        """Return the answers of all errands."""
        return [self.errand(one) for one in errands]

    def checkpoint(self, errands: tuple[Errand, ...]) -> Any:
        """Go back into the queue when preempted; steps that were finished are on disk and are not done again."""
        return _submitit().helpers.DelayedSubmission(self, errands)


def chunks(errands: Sequence[Errand], jobs: int) -> list[tuple[Errand, ...]]:
    """Share errands among jobs: a patient with scans has one alone, others go together, so that all jobs have some."""
    alone = [one for one in errands if any(visit.scans for visit in one.patient.visits)]
    together = [one for one in errands if one not in alone] if alone else [*errands]
    size = max(1, min(WITHOUT_SCANS, -(-len(together) // max(1, jobs))))
    return [(one,) for one in alone] + [tuple(together[n : n + size]) for n in range(0, len(together), size)]


def options_in(words: str) -> dict[str, Any]:
    """Read options of sbatch, such as ``partition=short,time=120``; minutes and GB are whole numbers.

    Examples
    --------
    >>> options_in("partition=short,time=120,mem_gb=4")
    {'slurm_partition': 'short', 'timeout_min': 120, 'mem_gb': 4}

    Raises
    ------
    SettingsError
        One is no ``name=value``.
    """
    options: dict[str, Any] = {}
    for word in (one.strip() for one in words.split(",") if one.strip()):
        name, sign, value = word.partition("=")
        if not sign or not name or not value:
            raise SettingsError(f"--executor slurm:{words}: expected name=value, found '{word}'")
        plain = {"time": "timeout_min", "mem_gb": "mem_gb"}.get(name, f"slurm_{name}")
        options[plain] = int(value) if value.isdigit() else value
    return options


def _refusals() -> tuple[type[Exception], ...]:
    """Return what submitit raises where a queue takes no job."""
    errors = _submitit().core.utils
    return errors.FailedJobError, errors.FailedSubmissionError, subprocess.CalledProcessError, OSError


def _submitit() -> Any:
    try:
        import submitit  # noqa: PLC0415  # an extra that few install
    except ImportError as error:
        raise SettingsError(
            "--executor slurm: expected the library submitit, found none; install it with: pip install "
            "'cordtrack[cluster]'"
        ) from error
    return submitit
