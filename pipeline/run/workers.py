"""Patients worked on at the same time, each process with one thread, so that sums come out the same bit for bit.

Workers are forked from one small server process that has imported what they need, once for all of them. It is started
with the thread limits already set and without the current folder on its path: a user's own ``pipeline`` folder there is
never run. Where processes cannot be forked (Windows) each worker imports for itself.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from pipeline.context.surveillance import Surveillance
from pipeline.core.findings import WORKER_DIED, finding
from pipeline.core.piece_names import NamesGiven
from pipeline.files import atomic, child_process
from pipeline.files.out_folder import exclusive
from pipeline.judge.criteria_files import ResponseCriteria
from pipeline.mask_models import MaskSource
from pipeline.run import step_notes
from pipeline.run.step_notes import JOBS
from pipeline.study.study_folder import StudyPatient

THREAD_LIMITS = (
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
"""Set to 1 in every worker: several threads would add up in another order each time."""

START = "pipeline.run.worker_start"
"""Module that the server of the workers imports before all others."""

STORY, ALIGNING = "pipeline.run.patient_run", ("pipeline.align.rigid", "pipeline.run.worker_loops")
"""Modules imported once for all workers: the story of a patient, and ANTs and numba, which take seconds."""


@dataclass(frozen=True)
class Rules:
    """What every patient is measured and judged by.

    The criteria, those shown first at the front; the schedules of scans; and where masks come from that nobody drew
    (None: from the patient's other visits); ``names`` are those of the lesions, by patient.
    """

    criteria: tuple[ResponseCriteria, ...]
    schedules: Surveillance
    mask_source: MaskSource | None = None
    names: Mapping[str, NamesGiven] = field(default_factory=dict)

    def names_of(self, patient_id: str) -> NamesGiven:
        """Return the names that one patient's lesions have."""
        return self.names.get(patient_id, NamesGiven())

    def of_patient(self, patient_id: str) -> Rules:
        """Return the rules with the names of one patient's lesions only: what a process needs that works on it."""
        return replace(self, names={patient_id: self.names_of(patient_id)})


def work_on(
    patients: Sequence[StudyPatient], rules: Rules, out_dir: Path, jobs: int
) -> Generator[tuple[str, tuple[Any, ...]], None, None]:
    """Work on patients in parallel and yield each one's name and records as it is finished.

    A patient whose process dies is tried once more alone, then yielded with a finding that says so.
    """
    rest = {p.patient.patient_id: p for p in patients}
    for patient_id, result_rows in _in_processes(patients, rules, out_dir, min(jobs, len(patients))):
        del rest[patient_id]
        yield patient_id, result_rows
    for patient in tuple(rest.values()):
        for patient_id, result_rows in _in_processes([patient], rules, out_dir, 1):
            del rest[patient_id]
            yield patient_id, result_rows
    for patient in rest.values():
        name = patient.patient.patient_id
        message = f"{name}: the process that worked on this patient died (often for lack of memory)"
        died = finding(WORKER_DIED, message, patient_id=name)
        yield name, (patient.patient, died)


def _in_processes(
    patients: Sequence[StudyPatient], rules: Rules, out_dir: Path, jobs: int
) -> Generator[tuple[str, tuple[Any, ...]], None, None]:
    """Yield each patient's records as they are finished; stop early when a process dies."""
    context = worker_context([STORY, *(ALIGNING if jobs > 1 and _new_to_align(patients, out_dir) > 1 else ())])
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker, initargs=(out_dir,))
    try:
        with one_thread_each():
            futures: dict[Future[tuple[Any, ...]], str] = {
                pool.submit(_process, patient, out_dir, rules.of_patient(name)): name
                for patient in patients
                for name in (patient.patient.patient_id,)
            }
        for future in as_completed(futures):
            name = futures.pop(future)  # its records are let go once they are kept: a study has thousands
            try:
                yield name, future.result()
            except BrokenProcessPool:
                return
    except BaseException:  # this process is asked to end, or cannot use what workers make: nobody waits for the rest
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def worker_context(modules: Sequence[str]) -> BaseContext:
    """Return how workers are started: forked from a server that has imported these modules, where that can be done.

    The server lives as long as this process, so that only the first call decides what it imports.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([START, *modules])
    return context


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let processes that are started meanwhile use one thread, and import nothing from the current folder."""
    wanted = child_process.child_environment() | dict.fromkeys(THREAD_LIMITS, "1")
    wanted |= {child_process.STARTED_BY: str(os.getpid())}
    before = {name: os.environ.get(name) for name, value in wanted.items() if os.environ.get(name) != value}
    os.environ.update({name: wanted[name] for name in before})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _new_to_align(patients: Sequence[StudyPatient], out_dir: Path) -> int:
    """Return how many patients have scans to lay on one another and no results yet."""
    return sum(
        sum(len(visit.scans) for visit in one.visits) > 1 and not (out_dir / one.patient.patient_id).is_dir()
        for one in patients
    )


def end_with_parent() -> None:
    """Let this process end when the one that started it does, be it killed: nobody would take its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        child_process.killed_with_parent()  # the server that forked it, which ends with the run at once
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)  # at once: another run may be writing to the same folder already


def process_here(patient: StudyPatient, out_dir: Path, rules: Rules) -> tuple[Any, ...]:
    """Work on one patient in this process, which holds the patient meanwhile, and return its records.

    Raises
    ------
    StoreError
        Another process works on it.
    """
    keep_log(out_dir)
    return _process(patient, out_dir, rules)


def _start_worker(out_dir: Path) -> None:
    end_with_parent()
    keep_log(out_dir)


def keep_log(out_dir: Path) -> None:
    """Let this process write what it did not expect into the output folder."""
    handler_path = out_dir / "logs" / "unexpected.log"
    handler_path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        handlers=[logging.FileHandler(handler_path, delay=True, encoding="utf-8")],
        format="%(asctime)s %(name)s %(message)s",
        level=logging.WARNING,
    )


def _process(patient: StudyPatient, out_dir: Path, rules: Rules) -> tuple[Any, ...]:
    from pipeline.run.patient_run import process  # noqa: PLC0415  # only workers need it
    from pipeline.run.steps.patient_work import PatientPlan  # noqa: PLC0415

    name = patient.patient.patient_id
    plan = PatientPlan(patient, out_dir, rules.criteria, rules.schedules, rules.mask_source, rules.names_of(name))
    with exclusive(out_dir / JOBS / name), step_notes.noting(out_dir / JOBS / name) as on_step:
        atomic.sweep_partial(out_dir / name)
        return process(plan, on_step)
