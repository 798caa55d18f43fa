"""Patients worked on by Dask workers: those of a scheduler with an address, or some of this machine's own.

Dask moves the work of a worker that died to another one; who kills several of them is reported as lost. What this
module refuses: to wait for ever for workers that do not come. Workers that it has started say nothing of lines that
close because they themselves end; whatever else goes wrong with them they say.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import RemoteError, SettingsError
from pipeline.run import workers
from pipeline.run.executors.errands import Errand, ErrandAnswer, run_errand, sent
from pipeline.study.study_folder import StudyPatient

PATIENCE_S = 300.0
"""How long nobody may be there who works."""

HERE = "127.0.0.1"
"""Where workers of this machine are spoken to: by nobody from outside."""

LOOK_S = 5.0
SPEAKERS = ("distributed", "tornado", "tornado.application")
"""Loggers of a worker that write on the terminal by themselves."""
ENDING = frozenset({"closing_gracefully", "closing", "closed"})
"""States of a worker that was told to end; its line to the scheduler may be cut at any moment then."""
AT_LEAST, EACH = 16, 4
"""How many errands are on their way: for each worker, and at least; more would only fill memory."""


@dataclass(frozen=True)
class DaskWorkers:
    """Workers of the scheduler at ``address``; without one, ``jobs`` workers of this machine for as long as it takes.

    ``errand`` is what each worker does with a patient.
    """

    jobs: int
    address: str | None = None
    patience_s: float = PATIENCE_S
    errand: Callable[[Errand], ErrandAnswer] = run_errand

    def __post_init__(self) -> None:
        """Refuse where the libraries are missing, before a study is read."""
        _distributed()

    def work_on(
        self, patients: Sequence[StudyPatient], rules: workers.Rules, out_dir: Path
    ) -> Generator[tuple[str, tuple[Any, ...]], None, None]:
        """Yield each patient's name and records as it is finished."""
        return sent(patients, rules, out_dir, self._send)

    def _send(self, errands: Sequence[Errand]) -> Iterator[ErrandAnswer]:
        with self._client() as client:
            waiting = [*errands]
            on_the_way: dict[Any, str] = {}
            while waiting or on_the_way:
                workers_now = _workers_of(client, self.patience_s, self.address)
                while waiting and len(on_the_way) < max(AT_LEAST, EACH * workers_now):
                    errand = waiting.pop(0)
                    on_the_way[client.submit(self.errand, errand, pure=False)] = errand.patient_id
                for future in _some_of(on_the_way):
                    yield _answer(future, on_the_way.pop(future))

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """Connect to the scheduler, or start one with workers that have one thread each."""
        distributed, dask = _distributed()
        limits = dict.fromkeys(workers.THREAD_LIMITS, "1")
        with ExitStack() as stack:
            stack.enter_context(dask.config.set({"distributed.nanny.pre-spawn-environ": limits}))
            address: Any = self.address
            try:
                if address is None:
                    with workers.one_thread_each():
                        cluster = distributed.LocalCluster(
                            n_workers=self.jobs,
                            threads_per_worker=1,
                            processes=True,
                            host=HERE,
                            dashboard_address=f"{HERE}:0",
                            silence_logs=logging.ERROR,
                        )
                    address = stack.enter_context(cluster)
                client = stack.enter_context(distributed.Client(address, timeout=min(30.0, self.patience_s)))
                if self.address is None:
                    client.register_worker_callbacks(end_in_silence)
            except (OSError, ValueError) as error:
                raise _unanswered(self.address, str(error)) from error
            yield client


def end_in_silence(dask_worker: Any) -> None:
    """Let a worker, once it ends, say nothing of its heartbeat that no longer gets through; called in the worker."""

    def is_news(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return dask_worker.status.name not in ENDING or not _is_closed_line(error)

    for handler in {handler for name in SPEAKERS for handler in logging.getLogger(name).handlers}:
        handler.addFilter(is_news)


def _is_closed_line(error: BaseException | None) -> bool:
    """Say whether an error is only that of a line to the scheduler that is closed, or of all of them together."""
    distributed, _ = _distributed()
    is_pool = isinstance(error, RuntimeError) and str(error) == "ConnectionPool is closed"
    return is_pool or isinstance(error, distributed.comm.CommClosedError | ConnectionError)


def _workers_of(client: Any, patience_s: float, address: str | None) -> int:
    """Return how many workers there are, once there is one."""
    until = time.monotonic() + patience_s
    while True:
        try:
            number = len(client.scheduler_info(n_workers=-1)["workers"])
        except OSError as error:
            raise _unanswered(address, str(error)) from error
        if number:
            return number
        if time.monotonic() > until:
            raise _unanswered(address, f"no worker for {patience_s:g} s")
        time.sleep(min(LOOK_S, patience_s))


def _some_of(futures: Any) -> list[Any]:
    """Return those that are done, some seconds from now at the latest."""
    distributed, _ = _distributed()
    try:
        return [*distributed.wait([*futures], timeout=LOOK_S, return_when="FIRST_COMPLETED").done]
    except TimeoutError:
        return []
    except distributed.client.FuturesCancelledError:
        return [future for future in futures if future.cancelled()]


def _answer(future: Any, patient_id: str) -> ErrandAnswer:
    """Return what came of an errand; whatever went wrong on the way, it may be sent again."""
    try:
        answer: ErrandAnswer = future.result()
    except Exception as error:  # of any library on the way: the worker died, or its answer was lost
        return ErrandAnswer(patient_id, lost=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    return answer


def _unanswered(address: str | None, what_came: str) -> RemoteError:
    where = address or "workers of this machine"
    return RemoteError(
        f"{where}: expected Dask workers, found {what_came}; what was finished is kept. Look whether scheduler and "
        "workers are up, then run again"
    )


def _distributed() -> tuple[Any, Any]:
    try:
        import dask  # noqa: PLC0415  # an extra that few install
        import distributed  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            "--executor dask: expected the library distributed, found none; install it with: pip install "
            "'cordtrack[cluster]'"
        ) from error
    return distributed, dask
