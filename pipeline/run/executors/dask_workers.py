"""Patients worked on by Dask workers: those of a scheduler with an address, or some of this machine's own.

Dask moves the work of a worker that died to another one; who kills several of them is reported as lost. What this
module refuses: to wait for ever for workers that do not come.
"""

from __future__ import annotations

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

LOOK_S = 5.0
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
                            n_workers=self.jobs, threads_per_worker=1, processes=True, dashboard_address=None
                        )
                    address = stack.enter_context(cluster)
                client = stack.enter_context(distributed.Client(address, timeout=min(30.0, self.patience_s)))
            except (OSError, ValueError) as error:
                raise _unanswered(self.address, str(error)) from error
            yield client


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
