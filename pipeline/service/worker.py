"""The process that does the jobs of an output folder, one after the other, each in a process of its own.

Started by ``cordtrack serve`` and ended with it: ``python -P -m pipeline.service.worker STUDY OUT_DIR PARALLEL``. Only
one works on a folder; what one leaves behind that was killed, the next takes up.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.files import child_process
from pipeline.service import delivery_worker, inputs_stamp, jobs, newer_inputs, queue
from pipeline.service.jobs import JobState

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 60.0
"""How long a new worker waits for one that is ending."""


def serve_jobs(bids_dir: Path, out_dir: Path, parallel: int) -> None:
    """Do the jobs of a folder, and its deliveries beside them, until this process is asked to end."""
    (out_dir / jobs.QUEUE).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out_dir / jobs.QUEUE / jobs.WORKER_LOCK, timeout=PATIENCE_SECONDS):
            jobs.take_up_again(out_dir)
            delivery_worker.serve_deliveries(bids_dir, out_dir)
            newer_inputs.keep_looking(bids_dir, out_dir)
            queue.work(out_dir, partial(do_job, bids_dir, out_dir, parallel), partial(_waiting, out_dir))
    except Timeout:
        sys.exit(f"{out_dir}: another worker does the jobs of this folder")


def do_job(bids_dir: Path, out_dir: Path, parallel: int, job_id: str) -> None:
    """Do one job, unless it was done or stopped meanwhile; how it ends is put on record."""
    job = jobs.begin(out_dir, job_id, inputs_stamp.of_inputs(bids_dir, out_dir))
    if job is None:
        return
    folder = jobs.folder_of(out_dir, job_id)
    command = child_process.module_command(
        "pipeline.service.job_run", bids_dir, out_dir, folder, str(parallel), *job.participants
    )
    environment = child_process.child_environment() | {"OMP_NUM_THREADS": "1"}
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            command, env=environment, cwd=out_dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    is_to_end = False
    while child.poll() is None:
        time.sleep(LOOK_SECONDS)
        if not is_to_end and (stands := jobs.job_of(out_dir, job_id)) is not None and stands.is_to_end:
            is_to_end = True
            child.terminate()
    _put_down(out_dir, job_id, child.returncode, is_to_end=is_to_end)


def _waiting(out_dir: Path) -> list[str]:
    return [job.job_id for job in jobs.every(out_dir) if job.state == JobState.QUEUED]


def _put_down(out_dir: Path, job_id: str, code: int, *, is_to_end: bool) -> None:
    last = jobs.log_of(out_dir, job_id).strip().splitlines()[-1:] or [f"the run ended with code {code}"]
    if code == 0:
        jobs.end(out_dir, job_id, JobState.DONE, last[0])
    elif is_to_end:
        jobs.end(out_dir, job_id, JobState.CANCELLED, "")
    elif code < 0:
        words = "its process was ended by the system, often for lack of memory; free some memory, then run again"
        jobs.end(out_dir, job_id, JobState.FAILED, words)
    else:
        jobs.end(out_dir, job_id, JobState.FAILED, last[0])


if __name__ == "__main__":
    child_process.keep_private()
    child_process.end_with_parent(os.getppid())
    logging.basicConfig(level=logging.WARNING)
    serve_jobs(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
