"""The ``cordtrack`` command as a user types it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.places import ROOT


def cordtrack(*arguments: str | Path, expect: int = 0) -> str:
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def run(study: Path, out: Path, *more: str) -> str:
    return cordtrack("run", study, out, "--as-of", "2026-01-01", "--jobs", "2", *more)
