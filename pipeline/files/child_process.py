"""What processes of ours inherit: where modules are looked for, never in the folder the user stands in; who may read.

``python -m`` and ``python -c`` put the current folder first, and so does an empty entry of ``PYTHONPATH``. There a
user's own ``pipeline/``, ``dashboard/``, ``streamlit.py`` or ``pandas.py`` would be run in place of ours. Programs of
our own are never looked for by name: they are this interpreter with this code.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

CODE = Path(__file__).resolve().parents[2]
"""The folder that holds ``pipeline`` and ``dashboard``: a checkout, or the site-packages of an installed wheel."""

SAFE_PATH = "PYTHONSAFEPATH"
"""Python's own switch (as ``python -P``) that keeps the current folder out; every process started inherits it."""

UMASK, PRIVATE = "CORDTRACK_UMASK", "077"
"""Rights that new files do not get, and what they are where nobody says."""

GRACE_SECONDS = 5.0
"""How long what is open may take to end before a process leaves all the same."""

SIGNAL_AT_PARENTS_DEATH = 1
"""Linux: ``PR_SET_PDEATHSIG`` of ``prctl``."""

STARTED_BY = "CORDTRACK_STARTED_BY"
"""Names the process that starts workers, for the server that they are forked from."""

INSTALLED = ("site-packages", "dist-packages")


def isolate() -> None:
    """Stop looking for modules in the current folder, in this process and in all that it starts from now on.

    For the workers of a run too: ``multiprocessing`` starts them with ``python -c`` and hands them this path.
    """
    os.environ[SAFE_PATH] = "1"
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the folder was removed meanwhile: nothing lies in it
        return
    if "PYTHONPATH" in os.environ:
        os.environ["PYTHONPATH"] = os.pathsep.join(_entries(os.environ))
    named = [Path(entry) for entry in _entries(os.environ)]
    if here != CODE and here.name not in INSTALLED and here not in named:
        sys.path[:] = [place for place in sys.path if Path(place).absolute() != here]


def keep_private() -> None:
    """Make what this process and all that it starts write from now on readable for its own user only.

    Scans, results, journal and keys are about patients. ``CORDTRACK_UMASK`` (three octal digits, as of the shell's
    ``umask``: 027 where a group shall read) says otherwise.
    """
    wanted = os.environ.get(UMASK, PRIVATE)
    if not re.fullmatch("[0-7]{3,4}", wanted):
        sys.exit(f"{UMASK}: expected three octal digits such as 027, found {wanted!r}")
    os.umask(int(wanted, 8))


def module_command(module: str, *arguments: str | Path) -> list[str]:
    """Return the command that runs a module of ours as a program; it goes with :func:`child_environment`.

    Examples
    --------
    >>> module_command("pipeline", "status", Path("out"))[1:]
    ['-P', '-m', 'pipeline', 'status', 'out']
    """
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def child_environment(code: Path = CODE) -> dict[str, str]:
    """Return this process's environment, made so that a child finds the very code that runs here.

    A checkout's folder is named in ``PYTHONPATH``, since ``python -P`` no longer finds it by standing in it; an
    installed wheel is found as it is, and naming its folder would put it before the standard library.

    Parameters
    ----------
    code
        The folder of the code.
    """
    named = [str(Path(entry).absolute()) for entry in _entries(os.environ)]
    if code.name not in INSTALLED:
        named = [str(code), *(entry for entry in named if entry != str(code))]
    environment = outside_environment()
    environment.pop("PYTHONPATH", None)
    return environment | {SAFE_PATH: "1"} | ({"PYTHONPATH": os.pathsep.join(named)} if named else {})


def outside_environment() -> dict[str, str]:
    """Return the environment for a program that is not ours, which may look for its modules as it is used to."""
    return {name: value for name, value in os.environ.items() if name != SAFE_PATH}


def end_with_parent(parent: int) -> None:
    """Let this process end when the one that started it is gone, be it killed."""

    def look_after() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    if hasattr(os, "fork"):  # elsewhere a parent's number stays when it is gone
        threading.Thread(target=look_after, daemon=True).start()


def killed_with_parent(parent: int | None = None) -> None:
    """Let the system kill this process at once when the thread that started it ends, whatever it is at; Linux only.

    A thread of its own (:func:`end_with_parent`) waits until compiled code lets it, which may take minutes.

    Parameters
    ----------
    parent
        Number of the process that started this one, where it is known: it may be gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL, 0, 0, 0)
        if parent is not None and os.getppid() != parent:
            os._exit(1)


def started_by() -> int | None:
    """Return the number of the process that starts workers, as it has left word; None where nobody did."""
    number = os.environ.get(STARTED_BY, "")
    return int(number) if number.isdigit() else None


def limit(*, memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    """Give this process so much memory, computing time and room for one file, and no more; no dump of its memory.

    Limits are the system's own: Linux holds to all of them, macOS to some, Windows has none.
    """
    try:
        import resource  # noqa: PLC0415  # not on Windows
    except ImportError:
        return
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # lower already, or not for this system
            resource.setrlimit(kind, (most, most))


def _entries(environment: Mapping[str, str]) -> list[str]:
    """Return the entries of ``PYTHONPATH`` that name a folder: an empty one means the current folder."""
    return [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
