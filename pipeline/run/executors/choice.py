"""The one interface of all executors, and which one a run was asked for by name.

An executor has one method: :meth:`Executor.work_on` takes patients and yields the name and the records of each as it is
finished, in any order, every patient once. A patient that was lost twice (a killed worker, a job that the queue ended)
comes back with a finding ``worker_died``, which is no result: the next run tries it again.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import SettingsError
from pipeline.run import workers
from pipeline.study.study_folder import StudyPatient

LOCAL, DASK, SLURM = "local", "dask", "slurm"


class Executor(Protocol):
    """Works on patients somewhere."""

    def work_on(
        self, patients: Sequence[StudyPatient], rules: workers.Rules, out_dir: Path
    ) -> Generator[tuple[str, tuple[Any, ...]], None, None]:
        """Yield each patient's name and records as it is finished.

        Raises
        ------
        RemoteError
            Nobody there takes work: no scheduler, no worker, no queue.
        SettingsError
            Those there would give other numbers, or cannot see the files; the message says what to do.
        """
        ...


@dataclass(frozen=True)
class LocalProcesses:
    """Processes of this machine, as many as ``jobs`` at the same time."""

    jobs: int

    def work_on(
        self, patients: Sequence[StudyPatient], rules: workers.Rules, out_dir: Path
    ) -> Generator[tuple[str, tuple[Any, ...]], None, None]:
        """Yield each patient's name and records as it is finished."""
        return workers.work_on(patients, rules, out_dir, self.jobs)


def executor_of(asked: str, jobs: int) -> Executor:
    """Return the executor that a run was asked for.

    Parameters
    ----------
    asked
        ``local``; ``dask`` (workers on this machine, as many as ``jobs``) or ``dask:ADDRESS`` of a scheduler;
        ``slurm`` or ``slurm:OPTION=VALUE,...`` with parameters of sbatch, such as ``slurm:partition=short,time=120``.
    jobs
        Patients worked on at the same time; of a scheduler with an address, its workers decide.

    Raises
    ------
    SettingsError
        There is no such executor, or what it needs is not installed.
    """
    name, _, details = asked.partition(":")
    if name == LOCAL and not details:
        return LocalProcesses(jobs)
    if name == DASK:
        from pipeline.run.executors.dask_workers import DaskWorkers  # noqa: PLC0415  # an extra that few install

        return DaskWorkers(jobs, details or None)
    if name == SLURM:
        from pipeline.run.executors.slurm_jobs import SlurmJobs, options_in  # noqa: PLC0415

        return SlurmJobs(jobs, options_in(details))
    raise SettingsError(f"--executor {asked}: expected local, dask, dask:ADDRESS, slurm or slurm:OPTION=VALUE,...")
