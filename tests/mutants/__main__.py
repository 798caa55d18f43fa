"""``python -m tests.mutants [--room judge] [--number 25] [--seed 1]``: the share of faults that some test finds.

Each fault is made in a copy of the project, one at a time. The tests of its room that run the faulty line are tried,
quickest first, then those that may depend on it; the first that fails ends the trial. What survives is printed with its
line: either a test is missing, or the line does not matter. A fault that changes nothing anybody could see is named in
``equivalent.toml`` with the reason, and is neither found nor missed. ``--quick 8`` spends 8 seconds of tests on a fault
at most: what survives then may still be found by slower ones, so that the share is a lower bound. Not part of the test
run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.faults import Fault, faults_of
from tests.mutants.trial import Trials
from tests.places import ROOT

ROOMS = {
    "measure": ["tests/measure", "tests/run/test_measured_error.py"],
    "journal": ["tests/journal"],
    "study": ["tests/study", "tests/tools/test_assess.py"],
    "lesions": ["tests/lesions", "tests/run/test_acts.py"],
    "judge": ["tests/judge", "tests/tools/test_assess.py"],
}
EXAMPLES = "tests/test_examples.py::test_the_examples_are_true[{}]"
"""The examples in a module's docstrings, which are tests too."""

EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class RoomScore:
    """What became of the faults of one room."""

    room: str
    seed: int
    made: int
    equivalent: int
    survivors: tuple[str, ...]

    def line(self) -> str:
        """Return a row of the table."""
        counted = self.made - self.equivalent
        killed = counted - len(self.survivors)
        share = f"{100 * killed / counted:.0f} %" if counted else "none"
        return f"| {self.room} | {self.seed} | {self.made} | {self.equivalent} | {killed} of {counted} | {share} |"


def main() -> None:
    """Make faults, run tests, print what was found and what was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--room", choices=ROOMS, action="append", help="all rooms unless named; may be repeated")
    parser.add_argument("--number", type=int, default=25, help="faults for each room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only modules whose name holds this")
    parser.add_argument(
        "--quick", type=float, default=float("inf"), metavar="S",
        help="for each fault only tests that run its line, the quickest that take so many seconds together, with few "
        "examples of each property: a walk through a whole room, whose score is a lower bound",
    )  # fmt: skip
    asked = parser.parse_args()
    for limit in ("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[limit] = "1"  # before any library is imported: each reads them once
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / ROOT.name
        shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "demo_output", "__pycache__"))
        chosen = asked.room or ROOMS
        scores = [score(project, room, asked) for room in chosen]
    print("\n| room | seed | faults made | change nothing | found by tests | share |\n|---|---|---|---|---|---|")
    for scored in scores:
        print(scored.line())


def score(project: Path, room: str, asked: argparse.Namespace) -> RoomScore:
    """Make faults in one room and count how many of them its tests find; what survives is printed at once."""
    every = [
        (path.relative_to(project).as_posix(), fault)
        for path in sorted((project / "pipeline" / room).glob("*.py"))
        if asked.only in path.stem
        for fault in faults_of(path.read_text(encoding="utf-8"))
    ]
    chosen = random.Random(asked.seed).sample(every, min(asked.number, len(every)))
    print(f"{room}: {len(chosen)} of {len(every)} faults", flush=True)
    without_effect = equivalent_faults()
    judged = [(path, fault) for path, fault in chosen if _key(path, fault) not in without_effect]
    trials = Trials(project, room, [*ROOMS[room], *_examples(project, room)], asked.quick)
    survivors = []
    for (path, fault), is_found in trials.outcomes(judged):
        if not is_found:
            survivors.append(f"{path}:{fault.line} in {fault.function}: {fault.before!r} -> {fault.after}")
            print(f"  survives: {survivors[-1]}", flush=True)
    return RoomScore(room, asked.seed, len(chosen), len(chosen) - len(judged), tuple(survivors))


def equivalent_faults() -> dict[tuple[str, ...], str]:
    """Return the faults that change nothing, by module, function, line, expression and change, with the reason."""
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("fault", [])
    return {
        tuple(each[part] for part in ("module", "function", "text", "before", "after")): each["why"] for each in entries
    }


def _key(path: str, fault: Fault) -> tuple[str, ...]:
    return path, fault.function, fault.text, fault.before, fault.after


def _examples(project: Path, room: str) -> Iterator[str]:
    for path in sorted((project / "pipeline" / room).glob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            yield EXAMPLES.format(path.relative_to(project).as_posix())


if __name__ == "__main__":
    main()
