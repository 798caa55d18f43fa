"""What the study folder holds that the published results do not, looked for beside the jobs so that no page waits.

Once files of the study, or the results, have changed and stand still, a process of its own compares them as a run would
(``run_plan``) and leaves word for the pages in the queue's folder. What this module refuses: to speak of results other
than those that it looked at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import CordtrackError
from pipeline.files import atomic, child_process, fingerprints
from pipeline.service import inputs_stamp, jobs
from pipeline.store import reader

NOTE = "newer.json"
EVERY_SECONDS = 5.0
"""Where a worker serves the study."""
EVERY_SECONDS_UNSERVED = 60.0
"""Where only results are shown, of a study that lies somewhere."""
REST = 20.0
"""To walk through the names of a study is followed by at least this many times its own length of rest."""
MOST_SECONDS = 3600.0
MODULE = "pipeline.service.newer_inputs"


@dataclass(frozen=True)
class NewerInputs:
    """What a run would work on though nobody decided anything.

    Attributes
    ----------
    results
        Mark of the published results that were looked at.
    patients
        Whose scans, masks or tables are not those that the results were made of, each with the reason in words.
    trouble
        Why the study could not be looked through; empty where it could.
    """

    results: str
    patients: Mapping[str, str]
    trouble: str = ""


def noted(out_dir: Path) -> NewerInputs | None:
    """Return what the last look at the results that are published now gave; None before there was one."""
    try:
        content = json.loads((out_dir / jobs.QUEUE / NOTE).read_text(encoding="utf-8"))
        note = NewerInputs(str(content["results"]), dict(content["patients"]), str(content["trouble"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return note if note.results == mark_of_results(out_dir) else None


def look(bids_dir: Path, out_dir: Path) -> NewerInputs:
    """Compare the study folder with the published results and leave word for the pages; reads every file once."""
    from pipeline.run import run_plan  # noqa: PLC0415  # all that a run needs, which the pages never do
    from pipeline.service import job_run  # noqa: PLC0415

    results, patients, trouble = mark_of_results(out_dir), {}, ""
    try:
        pending = run_plan.plan(job_run.settings_of(bids_dir, out_dir, 1)).pending
        patients = {one.patient_id: one.reason for one in pending if one.reason != run_plan.DECISIONS}
    except CordtrackError as error:
        trouble = str(error)
    note = NewerInputs(results, patients, trouble)
    (out_dir / jobs.QUEUE).mkdir(exist_ok=True)
    atomic.write_text(out_dir / jobs.QUEUE / NOTE, json.dumps(asdict(note), indent=1))
    return note


def keep_looking(bids_dir: Path, out_dir: Path, every_s: float = EVERY_SECONDS) -> None:
    """Look whenever something changed, until this process ends, beside whatever else it does.

    Parameters
    ----------
    every_s
        Rest between two walks through the names of the study, at the least.
    """
    looking = threading.Thread(target=_keep_looking, args=(bids_dir, out_dir, every_s), daemon=True)
    looking.name = "newer inputs"
    looking.start()


def keep_looking_unserved(out_dir: Path) -> None:
    """Look through the study that the last run worked on, once a minute at the most.

    Nothing is looked for where no run says which study that was, or where no note can be left for the pages, and they
    say so; a study that is no longer there is said by the look.
    """
    from pipeline.service import job_run  # noqa: PLC0415  # all that a run needs, which the pages never do

    named = job_run.last_asked(out_dir).get("bids_dir")
    if isinstance(named, str) and os.access(out_dir, os.W_OK):
        keep_looking(Path(named), out_dir, EVERY_SECONDS_UNSERVED)


def _keep_looking(bids_dir: Path, out_dir: Path, every_s: float) -> None:
    before = looked_at = ""
    while True:
        began = time.monotonic()
        mark = inputs_stamp.of_inputs(bids_dir, out_dir) + mark_of_results(out_dir)
        rest_s = max(every_s, REST * (time.monotonic() - began))
        if mark == before != looked_at and not any(job.is_open for job in jobs.every(out_dir)):
            _look_apart(bids_dir, out_dir)
            looked_at = mark
        before = mark
        time.sleep(rest_s)


def _look_apart(bids_dir: Path, out_dir: Path) -> None:
    """Look in a process of its own, which takes its memory with it; one that fails leaves the note as it was."""
    command = child_process.module_command(MODULE, bids_dir, out_dir)
    environment = child_process.child_environment() | {"OMP_NUM_THREADS": "1"}
    try:
        subprocess.run(
            command, env=environment, cwd=out_dir, stdin=subprocess.DEVNULL, timeout=MOST_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return


def mark_of_results(out_dir: Path) -> str:
    """Return what changes when a run publishes; empty where there are no results."""
    return "-".join(map(str, fingerprints.identity_of(reader.database_path(out_dir)) or ()))


if __name__ == "__main__":
    child_process.keep_private()
    look(Path(sys.argv[1]), Path(sys.argv[2]))
