"""The ``cordtrack`` command as a user types it: in this process, or where a test is about processes, in its own.

A process of its own imports everything anew: two to five seconds of computing a run, of which the test looks at none.
Here the program begins where its process would (``commands.main``) and what it prints and how it ends is taken; the
workers of its runs are processes all the same, forked from one server for all the runs of this process.
"""

from __future__ import annotations

import io
import multiprocessing.forkserver
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from pipeline.cli import commands, ending
from pipeline.run import workers
from tests.places import ROOT


def typed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What a command prints and how it ends, without a process of its own."""
    words, printed, complaint = list(map(str, arguments)), io.StringIO(), io.StringIO()
    if words[0] in {"run", "selftest"}:
        start_workers()
    with redirect_stdout(printed), redirect_stderr(complaint), as_the_program(words):
        try:
            commands.main()
        except SystemExit as end:
            code = end.code
        except Exception:
            traceback.print_exc()  # as Python does for a process, and ends it with 1
            code = 1
        else:
            code = 0
    if isinstance(code, str):
        complaint.write(code)
    number = code if isinstance(code, int) else int(code is not None)
    return subprocess.CompletedProcess(words, number, printed.getvalue(), complaint.getvalue())


@contextmanager
def as_the_program(words: list[str]) -> Iterator[None]:
    """The command line and what signals do, as the program sets them; afterwards as they were."""
    handlers = {number: signal.getsignal(number) for number in ending.ENDING}
    try:
        with mock.patch.object(sys, "argv", ["cordtrack", *words]):
            yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@cache
def start_workers() -> None:
    """Start the server that workers of all runs of this process are forked from, with ANTs and what it aligned before.

    To be called before the first run, which may align nothing and would start a server without.
    """
    workers.worker_context([workers.STORY, *workers.ALIGNING, "tests.kept_alignments"])
    with workers.one_thread_each():
        multiprocessing.forkserver.ensure_running()


def started(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What a command prints and how it ends, in a process of its own."""
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def script_beside(script: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script that starts the command again and again: it and every ``cordtrack`` that it starts, in this process.

    Parameters
    ----------
    script
        A Python file that takes the path of the program as its argument and starts it with ``subprocess.run``.
    folder
        Where what stands for the program is put.
    """
    program = folder / "cordtrack"
    program.write_text("#!/bin/sh\nexit 99\n", encoding="utf-8")
    program.chmod(0o755)
    start = subprocess.run

    def stand_in(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        if Path(command[0]) != program:
            return start(command, **how)
        with chdir(how.get("cwd") or Path.cwd()):
            return typed(*command[1:])

    code_of_script = compile(script.read_text(encoding="utf-8"), script, "exec")
    printed, code = io.StringIO(), None
    with (
        redirect_stdout(printed),
        mock.patch.object(subprocess, "run", stand_in),
        mock.patch.object(sys, "argv", [str(script), str(program)]),
        mock.patch.object(sys, "path", [str(script.parent), *sys.path]),
    ):
        try:
            exec(code_of_script, {"__name__": "__main__", "__file__": str(script)})
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess([str(script)], int(code or 0), printed.getvalue(), "")


def cordtrack(*arguments: str | Path, expect: int = 0) -> str:
    done = typed(*arguments)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def run(study: Path, out: Path, *more: str) -> str:
    return cordtrack("run", study, out, "--as-of", "2026-01-01", "--jobs", "2", *more)
