"""Runs that several tests look at, finished once and kept between test runs by the program's own rules.

A run does only what changed: what a step's code, inputs and libraries left on disk is taken, everything else is made
anew. So what lies in the cache is right whenever the program keeps its promise, which tests of their own hold it to.
``CORDTRACK_TEST_COLD=1`` starts from nothing; ``CORDTRACK_TEST_CACHE`` names another folder.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from filelock import FileLock

from tests.command import run

CACHE = Path(os.environ.get("CORDTRACK_TEST_CACHE") or Path.home() / ".cache" / "cordtrack-tests")
COLD = os.environ.get("CORDTRACK_TEST_COLD", "0") not in {"", "0"}
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
    out = CACHE / name
    out.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(out.with_name(f"{name}.lock")):
        done = out.with_name(f"{name}.session")
        if not done.is_file() or done.read_text(encoding="utf-8") != SESSION:
            if COLD:
                shutil.rmtree(out, ignore_errors=True)
            run(study, out, *more)
            done.write_text(SESSION, encoding="utf-8")
    return out


def copy_of_run(folder: Path, name: str, study: Path, *more: str) -> Path:
    """Return a copy of a finished run, for a test to change."""
    return Path(shutil.copytree(finished_run(name, study, *more), folder))
