"""What each file's tests cost, and their order: the longest first in every process, so that none waits at the end.

`CORDTRACK_TEST_TIMES=tests/file_times.toml make test` writes the times anew. They are CPU seconds of one machine, those
of the commands, workers and servers that a test started included, and decide the order only: a file that is not among
them counts as short, and no test depends on the order.
"""

import contextlib
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

TIMES = Path(__file__).with_suffix(".toml")
LEAST = 2.0
"""Seconds below which a file is not worth a line."""


def recorded_times() -> dict[str, float]:
    """CPU seconds by file, as `tests/store/test_versions.py`, of the files that take longer than `LEAST`."""
    return {path: float(seconds) for path, seconds in tomllib.loads(TIMES.read_text()).items()}


def spent_so_far() -> float:
    """Return the CPU seconds of this process and of all that it started, directly or not: at work and ended."""
    process = psutil.Process()
    seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def write_times(path: Path, seconds: Mapping[str, float]) -> None:
    """Write seconds by file, the longest first."""
    longest = sorted(((taken, name) for name, taken in seconds.items() if taken > LEAST), reverse=True)
    path.write_text("".join(f'"{name}" = {taken:.0f}\n' for taken, name in longest))


def dealt(files: Sequence[str], times: Mapping[str, float], processes: int) -> list[str]:
    """Order `files`, one name a test, so that equal shares of the tests in turn begin with the longest files.

    pytest-xdist gives each of its processes an equal number of tests in the order of collection; one that has done its
    share takes over from the end of the longest queue. So each share holds long files first, the next longest in the
    share with least to do, and short ones fill it up. Returns each file once.
    """
    tests: dict[str, int] = defaultdict(int)
    for name in files:
        tests[name] += 1
    room = -(-len(files) // processes)
    shares: list[list[str]] = [[] for _ in range(processes)]
    load = [0.0] * processes
    held = [0] * processes
    for name in sorted(tests, key=lambda name: -times.get(name, 0.0)):
        free = [share for share in range(processes) if held[share] < room]
        share = min(free, key=lambda share: (load[share], held[share]))
        shares[share].append(name)
        load[share] += times.get(name, 0.0)
        held[share] += tests[name]
    return [name for share in shares for name in share]
