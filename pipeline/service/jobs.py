"""Runs that people asked for on the pages: what was asked, by whom, how far it is, how it ended.

One folder a job in ``OUT_DIR/queue/jobs``: ``job.json`` says what was asked and what became of it, ``progress.json``
how far it is, ``log.txt`` what the run printed. A job is on disk before it is in the queue, so that none is lost with
a server or a worker; two people who ask for the same while nothing has changed in between get one job.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import StoreError
from pipeline.files import atomic

QUEUE = "queue"
PATIENCE_SECONDS = 10.0
WORKER_LOCK = ".worker"
"""Held by the one worker of a folder."""
MOST_KEPT = 100
"""Jobs that have ended and are still listed; older ones are removed."""
MOST_TRIES = 10
"""A job whose worker is ended, in order or not, is begun this often."""


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class Job:
    """One run that was asked for.

    Attributes
    ----------
    participants
        Whom it is about; empty for all patients.
    stamp
        What the study and the journal looked like when it was asked for, later when it began: what was changed since
        is not in it.
    asked_at, began_at, ended_at
        UTC without a time zone.
    message
        How it ended, in one sentence; of a failed one what to do as well.
    tries
        How often it was begun.
    """

    job_id: str
    participants: tuple[str, ...]
    asked_by: str
    asked_at: datetime
    stamp: str
    state: JobState = JobState.QUEUED
    began_at: datetime | None = None
    ended_at: datetime | None = None
    message: str = ""
    is_to_end: bool = False
    tries: int = 0

    @property
    def is_open(self) -> bool:
        """It waits or is worked on."""
        return self.state in OPEN


@dataclass(frozen=True)
class Progress:
    """How far a job is: patients done, patients in all, and a sentence about what it waits for or does."""

    done: int = 0
    total: int = 0
    words: str = ""


def now() -> datetime:
    """Return the time, UTC without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def folder_of(out_dir: Path, job_id: str) -> Path:
    """Return the folder of one job."""
    return out_dir / QUEUE / "jobs" / job_id


def ask(out_dir: Path, participants: Sequence[str], who: str, stamp: str) -> tuple[Job, bool]:
    """Return the job that does what is asked, and whether it is a new one.

    An open job for the same patients (or for all) whose ``stamp`` is that of now does it already, and so does one that
    has not begun: it will see what there is when it begins.

    Raises
    ------
    StoreError
        The output folder cannot be written.
    """
    wanted = tuple(sorted(participants))
    with changing(out_dir / QUEUE):
        for job in reversed(every(out_dir)):
            covers = not job.participants or (wanted and set(wanted) <= set(job.participants))
            if job.is_open and not job.is_to_end and covers and (job.state == JobState.QUEUED or job.stamp == stamp):
                return job, False
        job = Job(fresh_id(), wanted, who.strip(), now(), stamp)
        _write(out_dir, job)
        _tidy(out_dir)
    return job, True


def every(out_dir: Path) -> tuple[Job, ...]:
    """Return all jobs, in the order in which they were asked for; what cannot be read is left out."""
    folders = sorted((out_dir / QUEUE / "jobs").glob("*/job.json"))
    return tuple(sorted(filter(None, map(_read, folders)), key=lambda job: (job.asked_at, job.job_id)))


def job_of(out_dir: Path, job_id: str) -> Job | None:
    """Return one job as it stands now; None where there is none."""
    return _read(folder_of(out_dir, job_id) / "job.json")


def cancel(out_dir: Path, job_id: str, who: str) -> Job | None:
    """Let a job end: at once where it waits, as soon as its process has closed what is open where it runs."""
    with changing(out_dir / QUEUE):
        job = job_of(out_dir, job_id)
        if job is None or not job.is_open:
            return job
        message = f"stopped by {who.strip() or 'somebody'}; what was finished is kept"
        if job.state == JobState.QUEUED:
            job = replace(job, state=JobState.CANCELLED, ended_at=now(), message=message)
        else:
            job = replace(job, is_to_end=True, message=message)
        _write(out_dir, job)
    return job


def begin(out_dir: Path, job_id: str, stamp: str) -> Job | None:
    """Mark a waiting job as begun; None where it is to be done no more. Done once, whoever asks how often."""
    with changing(out_dir / QUEUE):
        job = job_of(out_dir, job_id)
        if job is None or job.state != JobState.QUEUED:
            return None
        job = replace(job, state=JobState.RUNNING, began_at=now(), stamp=stamp, tries=job.tries + 1)
        _write(out_dir, job)
    return job


def end(out_dir: Path, job_id: str, state: JobState, message: str) -> None:
    """Put on record how a job ended."""
    with changing(out_dir / QUEUE):
        job = job_of(out_dir, job_id)
        if job is not None and job.state == JobState.RUNNING:
            words = job.message if state == JobState.CANCELLED else message
            _write(out_dir, replace(job, state=state, ended_at=now(), message=words))


def take_up_again(out_dir: Path) -> None:
    """Let the jobs that a worker left behind when it was ended wait again, in their old place.

    Called by the only worker of a folder before it begins: what is marked as running has nobody who runs it.
    """
    with changing(out_dir / QUEUE):
        for job in every(out_dir):
            if job.state == JobState.RUNNING and job.is_to_end:
                _write(out_dir, replace(job, state=JobState.CANCELLED, ended_at=now()))
            elif job.state == JobState.RUNNING and job.tries >= MOST_TRIES:
                words = f"begun {job.tries} times, and each time its process was ended (often for lack of memory); "
                words += "free some memory or run it from a terminal: cordtrack run"
                _write(out_dir, replace(job, state=JobState.FAILED, ended_at=now(), message=words))
            elif job.state == JobState.RUNNING:
                _write(out_dir, replace(job, state=JobState.QUEUED))


def progress_of(out_dir: Path, job_id: str) -> Progress:
    """Return how far a job is; zeros where it has not said yet."""
    try:
        return Progress(**json.loads((folder_of(out_dir, job_id) / "progress.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Progress()


def has_worker(out_dir: Path) -> bool:
    """Say whether a worker does the jobs of a folder now: it holds the folder's lock."""
    try:
        with FileLock(out_dir / QUEUE / WORKER_LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def note_progress(folder: Path, progress: Progress) -> None:
    """Say how far a job is, in the job's folder."""
    atomic.write_text(folder / "progress.json", json.dumps(asdict(progress)))


def log_of(out_dir: Path, job_id: str, most_bytes: int = 20_000) -> str:
    """Return the end of what a job's run has printed."""
    try:
        with (folder_of(out_dir, job_id) / "log.txt").open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - most_bytes))
            return stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


@contextmanager
def changing(place: Path) -> Iterator[None]:
    """Hold a folder of the queue while something in it is changed.

    Raises
    ------
    StoreError
        Another program holds it and does not end, or nothing can be written there.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / ".lock", timeout=PATIENCE_SECONDS):
            yield
    except Timeout as error:
        raise StoreError(f"{place}: another program is writing here and does not finish; try again later") from error
    except OSError as error:
        raise StoreError(
            f"{place}: nothing can be kept here ({error.strerror}); free some space or correct the folder's permissions"
        ) from error


def fresh_id() -> str:
    """Return an id that comes after those of before: jobs of one second keep their order."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def _write(out_dir: Path, job: Job) -> None:
    content = {name: str(value) if isinstance(value, datetime) else value for name, value in asdict(job).items()}
    atomic.write_text(folder_of(out_dir, job.job_id) / "job.json", json.dumps(content, indent=1) + "\n")


def _read(path: Path) -> Job | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("asked_at", "began_at", "ended_at"):
            content[name] = content[name] and datetime.fromisoformat(content[name])
        content |= {"participants": tuple(content["participants"]), "state": JobState(content["state"])}
        return Job(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _tidy(out_dir: Path) -> None:
    """Remove the oldest of the jobs that have ended, beyond those that are still listed."""
    ended = [job for job in every(out_dir) if not job.is_open]
    for job in ended[: max(0, len(ended) - MOST_KEPT)]:
        folder = folder_of(out_dir, job.job_id)
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
