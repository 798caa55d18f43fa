"""Asking for a run: what the pages call, so that whoever presses a button gets the job that does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.service import inputs_stamp, jobs, queue
from pipeline.service.jobs import Job


def ask_for_run(bids_dir: Path, out_dir: Path, who: str, participants: Sequence[str] = ()) -> tuple[Job, bool]:
    """Return the job that brings results up to date, and whether it is a new one.

    Parameters
    ----------
    participants
        For whom; empty for all.

    Raises
    ------
    StoreError
        The output folder cannot be written.
    """
    job, is_new = jobs.ask(out_dir, participants, who, inputs_stamp.of_inputs(bids_dir, out_dir))
    if is_new:
        queue.put(out_dir, [job.job_id])
    return job, is_new
