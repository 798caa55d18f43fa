"""Settings for all tests: property tests draw the same examples each time and are never judged by the clock.

Tests run side by side, one process a core, so each keeps to one thread, as the workers of a run do; files with most
slow tests go first, so that no core waits for them at the end.
"""

import os
from collections import Counter

for limit in ("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[limit] = "1"  # before numpy is imported: it reads them once

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile("cordtrack", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cordtrack")


def pytest_sessionstart() -> None:
    """Let the workers of all tests' runs be forked from one server, in each of the processes that share the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.command import start_workers  # noqa: PLC0415  # a few files alone may do without

        start_workers()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with most slow tests first."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])
