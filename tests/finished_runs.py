"""What takes long and several tests look at, finished once and kept between test runs by the program's own rules.

A run does only what changed: what a step's code, inputs and libraries left on disk is taken, everything else is made
anew. So what lies in the cache is right whenever the program keeps its promise, which tests of their own hold it to.
An alignment or a self-test that a test asks for outside of a run is kept by the same three: code, inputs, libraries.
``CORDTRACK_TEST_COLD=1`` starts from nothing; ``CORDTRACK_TEST_CACHE`` names another folder.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from pipeline.files import fingerprints
from tests.command import run

CACHE = Path(os.environ.get("CORDTRACK_TEST_CACHE") or Path.home() / ".cache" / "cordtrack-tests")
COLD = os.environ.get("CORDTRACK_TEST_COLD", "0") not in {"", "0"}
DAYS_UNUSED = 7
"""After which a kept value is thrown away: code or inputs are others by now."""

SESSION = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))


@cache
def finished_run(name: str, study: Path, *more: str) -> Path:
    """Return the output folder of a finished run, which tests may read and never change.

    Parameters
    ----------
    name
        Of the folder in the cache; one name for one study and one set of options.
    study
        The study folder.
    more
        Further options of ``cordtrack run``.
    """
    return kept_folder(name, lambda out: run(study, out, *more))


def kept_folder(name: str, bring_up_to_date: Callable[[Path], object]) -> Path:
    """Return a folder of the cache, brought up to date once in each session of tests.

    Parameters
    ----------
    name
        Of the folder in the cache.
    bring_up_to_date
        Makes what the folder holds, or what has changed of it, by the rules of a run; it is given the folder.
    """
    folder = CACHE / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{name}.lock")):
        done = folder.with_name(f"{name}.session")
        if not done.is_file() or done.read_text(encoding="utf-8") != SESSION:
            if COLD:
                shutil.rmtree(folder, ignore_errors=True)
            bring_up_to_date(folder)
            done.write_text(SESSION, encoding="utf-8")
    return folder


def copy_of_run(folder: Path, name: str, study: Path, *more: str) -> Path:
    """Return a copy of a finished run, for a test to change."""
    return Path(shutil.copytree(finished_run(name, study, *more), folder))


Value = TypeVar("Value")


def finished(make: Callable[..., Value], *inputs: Any, code: tuple[str, ...] = (), **named: Any) -> Value:
    """Return what a function makes of its inputs; made once for as long as code, inputs and libraries are the same.

    Parameters
    ----------
    make
        A function whose result depends on nothing else, to the last bit.
    inputs, named
        Its arguments, which are compared by content.
    code
        Modules that the result depends on, with all that they import of this program; that of the function by itself.
    """
    modules = code or (make.__module__,)
    made_of = (make.__qualname__, fingerprints.of_code(*modules), fingerprints.software(), sys.version)
    key = hashlib.sha256(pickle.dumps((made_of, inputs, sorted(named.items())))).hexdigest()
    folder = CACHE / "values"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key}.pickle"
    with FileLock(path.with_suffix(".lock")):
        if COLD or not path.is_file():
            throw_away_unused(folder)
            result = make(*inputs, **named)
            path.with_suffix(".new").write_bytes(pickle.dumps(result))
            path.with_suffix(".new").replace(path)
            return result
        path.touch()
        return pickle.loads(path.read_bytes())  # type: ignore[no-any-return]


def throw_away_unused(folder: Path) -> None:
    """Remove what no test asked for in a week."""
    for path in folder.iterdir():
        if path.stat().st_mtime < time.time() - DAYS_UNUSED * 86400:
            path.unlink(missing_ok=True)
