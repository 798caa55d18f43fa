"""Which tests run which lines of a room, and which of them can find a fault in a line."""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

STARTS_PROCESSES_S = 0.3
"""A test whose children take this much CPU time runs lines that are not seen from its own process."""

MOST_CALLS = 100
"""So many calls of one function are watched in each test: the rest run the same lines, and watching is slow."""


@dataclass(frozen=True)
class Coverage:
    """Which tests run which lines of a room.

    Attributes
    ----------
    tests
        For each line of each file, the names of the tests that run it.
    seconds
        CPU time of each test with its children.
    starting
        Tests that start processes of their own, whose lines are not seen.
    """

    tests: dict[tuple[str, int], frozenset[str]]
    seconds: dict[str, float]
    starting: frozenset[str]

    def rounds(self, path: str, line: int, quick_s: float = float("inf")) -> list[list[str]]:
        """Return the tests that can find a fault in a line: those that run it, quickest first, then the others.

        A limit on their CPU time leaves the quickest of those that run the line, or its module, and no others.

        A line that no test runs is one of the module's own, run at import, or is run in another process only: all
        tests that use the module are tried, then all others. For any other line those that only share its files (what
        they look at may have been made by a test before) and those that start processes come last.
        """
        covering = self.tests.get((path, line), frozenset())
        if covering:
            files = {name.partition("::")[0] for name in covering}
            others = {name for name in self.seconds if name.partition("::")[0] in files} | self.starting
        else:
            covering = frozenset().union(*(names for (file, _), names in self.tests.items() if file == path))
            others = set(self.seconds)
        rounds = [sorted(names, key=self.seconds.__getitem__) for names in (covering, others - covering) if names]
        if quick_s == float("inf"):
            return rounds
        until = accumulate(self.seconds[name] for name in rounds[0])
        return [[name for name, cpu_s in zip(rounds[0], until, strict=True) if cpu_s <= quick_s] or rounds[0][:1]]

    def cpu_s(self, names: Iterable[str]) -> float:
        """Return the CPU time that tests take without a fault, in seconds."""
        return sum(self.seconds[name] for name in names)


class LineWatcher:
    """A pytest plugin that notes which lines below a folder each test runs, and how much CPU time it takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}{os.sep}"
        self._run: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self._prepared: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self._seconds: dict[str, float] = {}
        self._starting: set[str] = set()
        self._now: set[tuple[str, int]] = set()
        self._calls: Counter[CodeType] = Counter()

    def coverage(self) -> Coverage:
        """Return what was noted; lines run by fixtures count for all tests of the file, which may share them."""
        tests = defaultdict(set)
        for name in self._seconds:
            for place in self._run[name] | self._prepared[_file_of(name)]:
                tests[place].add(name)
        frozen = {place: frozenset(names) for place, names in tests.items()}
        return Coverage(frozen, self._seconds, frozenset(self._starting))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Note what fixtures run."""
        yield from self._watched(item, self._prepared[_file_of(item.nodeid)])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Note what the test runs."""
        yield from self._watched(item, self._run[item.nodeid])

    def _watched(self, item: pytest.Item, lines: set[tuple[str, int]]) -> Generator[None, Any, None]:
        before = os.times()
        self._now = lines
        self._calls.clear()
        sys.settrace(self._called)
        yield
        sys.settrace(None)
        after = os.times()
        here, below = (sum(after[first : first + 2]) - sum(before[first : first + 2]) for first in (0, 2))
        self._seconds[item.nodeid] = self._seconds.get(item.nodeid, 0.0) + here + below
        if below > STARTS_PROCESSES_S:
            self._starting.add(item.nodeid)

    def _called(self, frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(self._folder):
            return None
        self._calls[frame.f_code] += 1
        return self._ran if self._calls[frame.f_code] <= MOST_CALLS else None

    def _ran(self, frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        if event == "line":
            self._now.add((frame.f_code.co_filename, frame.f_lineno))
        return self._ran


def _file_of(test: str) -> str:
    return test.partition("::")[0]
