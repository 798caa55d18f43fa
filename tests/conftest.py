"""Settings for all tests: property tests draw the same examples each time and are never judged by the clock.

Tests run side by side, one process a core, so each keeps to one thread, as the workers of a run do; the
slow tests go first (file_times.py), so that no core waits for them at the end.
"""

import gc
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

for limit in ("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[limit] = "1"  # before numpy is imported: it reads them once

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from tests.file_times import dealt, recorded_times, spent_so_far, write_times  # noqa: E402

settings.register_profile("cordtrack", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cordtrack")

TIMES = os.environ.get("CORDTRACK_TEST_TIMES")
_SECONDS: dict[str, float] = defaultdict(float)
_SPENT: dict[str, float] = {}


def pytest_sessionstart() -> None:
    """Let the workers of all tests' runs be forked from one server, in each of the processes that share the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.command import start_workers  # noqa: PLC0415  # a few files alone may do without

        start_workers()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage among thousands of modules and tests that stay to the end: not as they come, nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    """Let everything go at the end, so that libraries do not report what is still held."""
    gc.unfreeze()


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first in each process's share."""
    names = [_file(item.nodeid) for item in items]
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    place = {name: index for index, name in enumerate(dealt(names, recorded_times(), processes))}
    items.sort(key=lambda item: place[_file(item.nodeid)])


if TIMES:

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport() -> Iterator[None]:
        """Note what setting up, doing and ending a test cost since the last was noted."""
        report = yield
        spent = spent_so_far()
        report.cpu_seconds = spent - _SPENT.get("before", spent)
        _SPENT["before"] = spent
        return report

    def pytest_runtest_logreport(report: pytest.TestReport) -> None:
        """Add up what each file's tests cost."""
        _SECONDS[_file(report.nodeid)] += report.cpu_seconds


def pytest_sessionfinish() -> None:
    """Write the times where that was asked for, from the process that hears of all tests."""
    if TIMES and "PYTEST_XDIST_WORKER" not in os.environ:
        write_times(Path(TIMES), _SECONDS)
