"""The process of one job: a run, published as patients are finished, that says how far it is.

``python -P -m pipeline.service.job_run STUDY OUT_DIR JOB_FOLDER PARALLEL [PATIENT ...]``. The first patients of a new
study are published as soon as they are there; then ever more at once, since each publication has its price. What it
prints last is how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import Timeout

from pipeline.errors import CordtrackError, StoreError
from pipeline.files import child_process, out_folder
from pipeline.judge.criteria_files import DEFAULT_CRITERIA_ID
from pipeline.run import run_plan, study_run
from pipeline.run.run_plan import PlannedPatient
from pipeline.run.run_settings import RunSettings
from pipeline.service import jobs
from pipeline.service.jobs import Progress

WAIT_SECONDS = 1.0
SMALL_MACHINE = 2
"""Patients worked on at the same time, on a machine that has no core to spare for the pages."""


def settings_of(bids_dir: Path, out_dir: Path, parallel: int, participants: Sequence[str] = ()) -> RunSettings:
    """Return what a run is asked: what the last one was, of the study that is served."""
    last = last_asked(out_dir)
    return RunSettings(
        bids_dir=bids_dir,
        out_dir=out_dir,
        criteria_id=str(last.get("criteria_id", DEFAULT_CRITERIA_ID)),
        participants=frozenset(participants) or None,
        jobs=parallel,
        as_of=datetime.now().astimezone().date(),
        finished_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        schedules=Path(last["schedules"]) if "schedules" in last else None,
        masks_from=str(last.get("masks_from", "given")),
    )


def run_job(settings: RunSettings, folder: Path) -> str:
    """Do what is asked, saying in the job's folder how far it is; return how it ended, in a sentence."""
    _say(folder, 0, 0, "reading the study")
    plan = run_plan.plan(settings)
    names = quickest_first(plan.pending, settings.jobs)
    done: list[str] = []

    def show(_done: int, _total: int, name: str) -> None:
        done.append(name)
        _say(folder, len(done), len(names), f"{name} is done")

    _say(folder, 0, len(names), "")
    for batch in batches(names, first_of(settings.jobs)):
        _when_free(replace(settings, participants=frozenset(batch)), show, folder)
    is_published = _when_free(settings, show, folder)
    _say(folder, len(done), len(names), "")
    if not done:
        return "results published" if is_published else "nothing had changed: all patients are up to date"
    return f"{len(done)} {'patient' if len(done) == 1 else 'patients'} computed, results published"


def first_of(parallel: int) -> int:
    """Return how many patients are published first: one on a small machine, whose pages somebody waits for meanwhile.

    Examples
    --------
    >>> first_of(2), first_of(16)
    (1, 16)
    """
    return 1 if parallel <= SMALL_MACHINE else parallel


def quickest_first(pending: Sequence[PlannedPatient], parallel: int) -> list[str]:
    """Return whom a run works on: those of fewest visits as the first to be published, all others in their order.

    Examples
    --------
    >>> quickest_first([PlannedPatient("a", "", 6), PlannedPatient("b", "", 4), PlannedPatient("c", "", 5)], 2)
    ['b', 'a', 'c']
    """
    quickest = sorted(pending, key=lambda one: one.visit_count)[: first_of(parallel)]
    return [one.patient_id for one in (*quickest, *(one for one in pending if one not in quickest))]


def batches(names: Sequence[str], first: int) -> Iterator[Sequence[str]]:
    """Yield patients in ever larger groups, all of the last being left to the run that ends the job.

    Examples
    --------
    >>> [len(batch) for batch in batches("abcdefghijkl", 2)]
    [2, 4]
    """
    begin, size = 0, first
    while begin + size < len(names):
        yield names[begin : begin + size]
        begin, size = begin + size, 2 * size


def _when_free(settings: RunSettings, show: Callable[[int, int, str], None], folder: Path) -> bool:
    """Run, waiting while another process holds the output folder; say whether results were published."""
    while True:
        try:
            return study_run.run(replace(settings, finished_at=jobs.now()), show).is_published
        except StoreError as error:
            if not isinstance(error.__cause__, Timeout):
                raise
            _say(folder, 0, 0, f"waits: {error}")
            time.sleep(WAIT_SECONDS)


def _say(folder: Path, done: int, total: int, words: str) -> None:
    jobs.note_progress(folder, Progress(done, total, words))


def last_asked(out_dir: Path) -> dict[str, Any]:
    """Return what the last run of an output folder was asked; empty where none says."""
    return out_folder.settings_of(out_dir) if (out_dir / out_folder.SETTINGS).is_file() else {}


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # in order: what is open is closed on the way, workers included


def main(arguments: Sequence[str]) -> None:
    """Run the job named on the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    bids_dir, out_dir, folder, parallel, *participants = arguments
    try:
        ended = run_job(settings_of(Path(bids_dir), Path(out_dir), int(parallel), participants), Path(folder))
    except CordtrackError as error:
        sys.exit(str(error))
    print(ended)  # noqa: T201  # into the job's log


if __name__ == "__main__":
    child_process.isolate()
    child_process.keep_private()
    child_process.end_with_parent(os.getppid())
    main(sys.argv[1:])
