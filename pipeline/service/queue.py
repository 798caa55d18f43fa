"""The queue between pages and worker: Huey on SQLite, in the output folder.

It hands over the number of a job and nothing else; what the job is and how it stands lies on disk (``jobs``), so that
an emptied queue loses nothing. Messages are JSON: nothing that lies in the folder is run as code.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from huey import SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from pipeline.service.jobs import QUEUE

REFILL_SECONDS = 3.0
DO = "do_job"
"""What a message of the queue asks for."""


class JsonMessages(Serializer):
    """Messages as JSON instead of pickles."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(bytes(data)))


def put(out_dir: Path, job_ids: Iterable[str]) -> None:
    """Put jobs at the end of the queue, by their numbers."""
    queue, do_job = _open(out_dir, _nobody)
    for job_id in job_ids:
        do_job(job_id)
    queue.storage.close()


def work(out_dir: Path, do: Callable[[str], None], waiting: Callable[[], Iterable[str]]) -> None:
    """Do one job after the other until this process is asked to end.

    Parameters
    ----------
    do
        Does the job of a number, unless it was done or begun before.
    waiting
        Returns the numbers of the jobs that are to be done; asked at the start, when what the queue held before is
        forgotten, and now and then while it is empty, so that a job that never reached the queue is done too.
    """
    queue, do_job = _open(out_dir, do)
    queue.flush()

    def refill() -> None:
        while True:
            if not queue.pending_count():
                for job_id in waiting():
                    do_job(job_id)
            time.sleep(REFILL_SECONDS)

    threading.Thread(target=refill, daemon=True).start()
    queue.create_consumer(workers=1, periodic=False, max_delay=0.5).run()


def _open(out_dir: Path, do: Callable[[str], None]) -> tuple[SqliteHuey, Callable[[str], object]]:
    place = out_dir / QUEUE
    place.mkdir(parents=True, exist_ok=True)
    queue = SqliteHuey(
        "cordtrack", filename=str(place / "queue.sqlite"), results=False, serializer=JsonMessages(), strict_fifo=True
    )

    @queue.task(name=DO)
    def do_job(job_id: str) -> None:
        do(job_id)

    return queue, do_job


def _nobody(job_id: str) -> None:
    raise NotImplementedError(f"{job_id}: pages put jobs into the queue, a worker takes them out")
