"""Faults tried on a copy of the project, each in a forked process of its own.

Libraries are imported once; so are the project and the tests of a room for all faults inside functions, which are put
into the functions as they stand in memory (and into the file, for processes that tests start). A fault in what runs at
import has the project imported anew.
"""

from __future__ import annotations

import ast
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings

from tests.mutants.coverage import Coverage, LineWatcher
from tests.mutants.faults import Fault, with_fault
from tests.mutants.patching import is_run_at_import, put_into_functions

LIBRARIES = (
    "numpy", "pandas", "pyarrow", "scipy.ndimage", "scipy.optimize", "scipy.spatial", "scipy.stats", "SimpleITK",
    "nibabel", "duckdb", "hypothesis", "openpyxl", "filelock",
)  # fmt: skip
OF_THE_PROJECT = ("pipeline", "dashboard", "tests")
FEW_EXAMPLES = 5
SETTINGS_OF_PROPERTY = "_hypothesis_internal_use_settings"
"""Where hypothesis keeps the settings of a test; without it properties are tried in full, and more slowly."""

LEAST_CPU_S, TIMES_AS_LONG = 30, 5
"""Tests that take five times their usual CPU time (at least 30 s) hang, and a fault that makes them hang is found."""

LONGEST_S = 1200
"""By the clock, for tests that wait for another process."""

Place = tuple[str, Fault]
"""A file of the project and a fault in it."""


@dataclass(frozen=True)
class Trials:
    """The tests of a room, ready to be tried on faults in a copy of the project.

    ``quick_s`` limits the CPU time for each fault: the quickest tests are tried, with few examples of each property.
    """

    project: Path
    room: str
    tests: Sequence[str]
    quick_s: float = float("inf")

    def outcomes(self, places: Sequence[Place]) -> Iterator[tuple[Place, bool]]:
        """Yield each fault, and whether a test finds it; those that need no new import come first.

        Raises
        ------
        SystemExit
            The tests of the room fail without any fault.
        """
        for name in LIBRARIES:
            importlib.import_module(name)
        at_import = [(path, fault) for path, fault in places if is_run_at_import(self.project / path, fault)]
        inside = [place for place in places if place not in at_import]
        answers = _answers(lambda link: self.pytest(self.tests, _Session(self, inside, link)), None)
        coverage = next(answers, None)
        if not isinstance(coverage, Coverage):
            msg = f"{self.room}: expected its tests to pass without a fault; run them to see which fails"
            raise SystemExit(msg)
        yield from zip(inside, answers, strict=True)
        for path, fault in at_import:
            with self.in_place(path, fault):
                rounds = coverage.rounds(str(self.project / path), fault.line, self.quick_s)
                yield (path, fault), any(self._fails_anew(names, coverage.cpu_s(names)) for names in rounds)

    def pytest(self, arguments: Sequence[str], *plugins: object) -> int:
        """Run pytest in the copy, with the project imported anew from there."""
        os.chdir(self.project)
        os.environ["PYTHONPATH"] = str(self.project)
        os.environ["CORDTRACK_TEST_COLD"] = "1"  # what was kept of a function was made without the fault
        sys.path.insert(0, str(self.project))
        for name in tuple(sys.modules):
            if name.partition(".")[0] in OF_THE_PROJECT and not name.startswith("tests.mutants"):
                del sys.modules[name]
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow"]
        temporary = self.project.with_name(f"files-{os.getpid()}")
        few = [FewExamples()] if self.quick_s < float("inf") else []
        return int(pytest.main([*options, f"--basetemp={temporary}", *arguments], [*few, *plugins]))

    @contextmanager
    def in_place(self, path: str, fault: Fault) -> Iterator[str]:
        """Have the fault in its file for a while; gives the source without it."""
        file = self.project / path
        source = file.read_text(encoding="utf-8")
        file.write_text(ast.unparse(with_fault(source, fault)), encoding="utf-8")
        try:
            yield source
        finally:
            file.write_text(source, encoding="utf-8")

    def _fails_anew(self, names: Sequence[str], cpu_s: float) -> bool:
        return next(_answers(lambda link: link.send(self.pytest(["-x", *names])), cpu_s), None) != 0


class FewExamples:
    """A pytest plugin that has every property tried on few examples."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Lower the number of examples of those that have more."""
        for item in items:
            function = getattr(item, "obj", None)
            usual = getattr(function, SETTINGS_OF_PROPERTY, None)
            if isinstance(usual, settings):
                fewer = settings(usual, max_examples=min(usual.max_examples, FEW_EXAMPLES))
                setattr(function, SETTINGS_OF_PROPERTY, fewer)


class _Session:
    """A pytest plugin that, in place of one run of the collected tests, runs some of them for each fault."""

    def __init__(self, trials: Trials, places: Sequence[Place], link: Connection) -> None:
        self._trials, self._places, self._link = trials, places, link

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Send the coverage, then whether each fault was found."""
        coverage = next(_answers(lambda link: link.send(self._watch(session)), None), None)
        self._link.send(coverage)
        items = {item.nodeid: item for item in session.items}
        for path, fault in self._places if coverage else ():
            rounds = coverage.rounds(str(self._trials.project / path), fault.line, self._trials.quick_s)
            self._link.send(
                any(
                    self._fails(path, fault, [items[name] for name in names], coverage.cpu_s(names)) for names in rounds
                )
            )
        return True

    def _watch(self, session: pytest.Session) -> Coverage | None:
        watcher = LineWatcher(self._trials.project / "pipeline" / self._trials.room)
        session.config.pluginmanager.register(watcher)
        return watcher.coverage() if _all_pass(session.items) else None

    def _fails(self, path: str, fault: Fault, items: Sequence[pytest.Item], cpu_s: float) -> bool:
        with self._trials.in_place(path, fault) as source:

            def work(link: Connection) -> None:
                put_into_functions(self._trials.project / path, source, fault)
                link.send(_all_pass(items))

            return next(_answers(work, cpu_s), None) is not True


def _all_pass(items: Sequence[pytest.Item]) -> bool:
    """Run tests until one fails."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
            return False
    return True


def _answers(work: Callable[[Connection], object], cpu_s: float | None) -> Iterator[Any]:
    """Yield what a forked process sends until it ends, fails, or takes much longer than the tests usually take."""
    here, there = Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        _work_alone(work, there, cpu_s)
    there.close()
    until = time.monotonic() + LONGEST_S
    try:
        while here.poll(None if cpu_s is None else max(0.0, until - time.monotonic())):
            yield here.recv()
    except EOFError:
        return
    finally:
        os.killpg(child, signal.SIGKILL)  # and the servers of workers that it left, which would wait for it for ever
        os.waitpid(child, 0)
        here.close()


def _work_alone(work: Callable[[Connection], object], link: Connection, cpu_s: float | None) -> None:
    """Do the work of a forked process: in a group of its own, silent, with a limit on its CPU time."""
    try:
        os.setsid()
        if cpu_s is not None:
            limit = int(sum(os.times()[:2]) + max(LEAST_CPU_S, TIMES_AS_LONG * cpu_s)) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        work(link)
    finally:
        os._exit(0)
