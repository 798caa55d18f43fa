"""Patients worked on at the same time, each process with one thread, so that sums come out the same bit for bit."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pipeline.context.surveillance import Surveillance
from pipeline.core.findings import finding
from pipeline.judge.criteria_files import ResponseCriteria
from pipeline.mask_models import MaskSource
from pipeline.study.study_folder import StudyPatient

THREAD_LIMITS = (
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
"""Set to 1 in every worker: several threads would add up in another order each time."""


@dataclass(frozen=True)
class Rules:
    """What every patient is measured and judged by.

    The criteria, those shown first at the front; the schedules of scans; and where masks come from that nobody drew
    (None: from the patient's other visits).
    """

    criteria: tuple[ResponseCriteria, ...]
    schedules: Surveillance
    mask_source: MaskSource | None = None


def work_on(
    patients: Sequence[StudyPatient], rules: Rules, out_dir: Path, jobs: int
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Work on patients in parallel and yield each one's name and records as it is finished.

    A patient whose process dies is tried once more alone, then yielded with a finding that says so.
    """
    rest = {p.patient.patient_id: p for p in patients}
    for patient_id, rows in _in_processes(patients, rules, out_dir, min(jobs, len(patients))):
        del rest[patient_id]
        yield patient_id, rows
    for patient in tuple(rest.values()):
        for patient_id, rows in _in_processes([patient], rules, out_dir, 1):
            del rest[patient_id]
            yield patient_id, rows
    for patient in rest.values():
        name = patient.patient.patient_id
        message = f"{name}: the process that worked on this patient died (often for lack of memory)"
        died = finding("worker_died", message, patient_id=name)
        yield name, (patient.patient, died)


def _in_processes(
    patients: Sequence[StudyPatient], rules: Rules, out_dir: Path, jobs: int
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield each patient's records as they are finished; stop early when a process dies."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(out_dir,))
    futures: dict[Future[tuple[Any, ...]], str] = {
        pool.submit(_process, patient, out_dir, rules): patient.patient.patient_id for patient in patients
    }
    try:
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                return
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(out_dir: Path) -> None:
    for name in THREAD_LIMITS:
        os.environ[name] = "1"
    handler_path = out_dir / "logs" / "unexpected.log"
    handler_path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        handlers=[logging.FileHandler(handler_path, delay=True, encoding="utf-8")],
        format="%(asctime)s %(name)s %(message)s",
        level=logging.WARNING,
    )


def _process(patient: StudyPatient, out_dir: Path, rules: Rules) -> tuple[Any, ...]:
    from pipeline.run.patient_run import PatientPlan, process  # noqa: PLC0415  # ANTs takes seconds to import: only in workers

    return process(PatientPlan(patient, out_dir, rules.criteria, rules.schedules, rules.mask_source))
