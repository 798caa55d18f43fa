"""``python -m tests.mutants [--room judge] [--count 40] [--seed 1]``: the share of faults that some test finds.

Each fault is made in a copy of the project, one at a time, and the tests of its room are run until one fails. What
survives is printed with its line: either a test is missing, or the line does not matter. Not part of the test run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.faults import Fault, faults_of, with_fault
from tests.places import ROOT

ROOMS = {
    "judge": ["tests/judge", "tests/tools/test_assess.py"],
    "measure": ["tests/measure", "tests/run/test_measured_error.py"],
    "lesions": ["tests/lesions", "tests/run/test_acts.py"],
    "journal": ["tests/journal"],
    "study": ["tests/study"],
}
LONGEST_S = 300
"""A fault that makes the tests hang is found: they do not end as they should."""


def main() -> None:
    """Make faults, run tests, print what was found and what was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--room", choices=ROOMS, action="append")
    parser.add_argument("--count", type=int, default=20, help="faults for each room")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / ROOT.name
        shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "demo_output", "__pycache__"))
        for room in asked.room or ROOMS:
            print(f"{room}: {score(project, room, asked.count, asked.seed)}")


def score(project: Path, room: str, count: int, seed: int) -> str:
    """Make faults in one room and return how many of them its tests find, in words."""
    every = [
        (path, fault)
        for path in sorted((project / "pipeline" / room).glob("*.py"))
        for fault in faults_of(path.read_text(encoding="utf-8"))
    ]
    chosen = random.Random(seed).sample(every, min(count, len(every)))
    killed = 0
    for path, fault in chosen:
        if finds(project, path, fault, ROOMS[room]):
            killed += 1
        else:
            print(f"  survives: {path.relative_to(project)}:{fault.line} {fault.before!r} -> {fault.after}", flush=True)
    return f"{killed} of {len(chosen)} faults found (of {len(every)} that can be made; seed {seed})"


def finds(project: Path, path: Path, fault: Fault, tests: list[str]) -> bool:
    """Say whether a test fails with a fault in place; the file is put back."""
    source = path.read_text(encoding="utf-8")
    path.write_text(with_fault(source, fault), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests]
    try:
        done = subprocess.run(
            command, cwd=project, env={**os.environ, "PYTHONPATH": str(project)}, capture_output=True,
            timeout=LONGEST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(source, encoding="utf-8")
    return done.returncode != 0


if __name__ == "__main__":
    main()
