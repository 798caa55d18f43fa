"""What a run leaves when it is kicked: its processes, its tables and its files; and at which step the kick came.

A run is started under a mark of its own in the environment, which all that it starts inherits, so that a process left
behind is seen whatever its parent is by then.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import SimpleITK

from pipeline.files import atomic, child_process
from pipeline.run import step_notes
from pipeline.store import reader

MARK = "CORDTRACK_KICKED_RUN"
PATIENCE_S = 1800
"""A run that takes longer hangs, on a machine with much other work too."""
LEAVE_WITHIN_S = 2.0
"""How soon all processes of a run that ended are gone."""
LOOK_S = 0.01
OF_EACH_RUN = frozenset({"run"})
"""Tables that say when a run was, which no two runs share."""
STARTING, PUBLISHING = "starting", "publishing"
"""What a run is at before the first step of a patient and after the last one."""

_numbers = itertools.count()


@dataclass
class KickedRun:
    """A run under way: its process, the output folder, the mark of all its processes, and where its words go."""

    process: subprocess.Popen[bytes]
    out: Path
    mark: str
    words: Path
    _sought: bool = field(default=False)

    @property
    def is_at_work(self) -> bool:
        return self.process.poll() is None

    @property
    def step(self) -> str:
        """The step that the first patient under way is at; what comes before and after the steps where none is."""
        notes = step_notes.notes(self.out / step_notes.JOBS)
        if notes:
            self._sought = True
            return notes[0].step
        return PUBLISHING if self._sought else STARTING

    def ended(self) -> str:
        """Wait for the run and return what it and its processes said, those left behind until then included."""
        self.process.wait(timeout=PATIENCE_S)
        return self.words.read_text(encoding="utf-8", errors="replace")

    def left_behind(self) -> list[str]:
        """Return the commands of the processes that are still there when all should be gone."""
        until = time.monotonic() + LEAVE_WITHIN_S
        while (names := processes_marked(self.mark)) and time.monotonic() < until:
            time.sleep(0.05)
        return names


def start(study: Path, out: Path, prepare: Callable[[], None] | None = None) -> KickedRun:
    command = child_process.module_command("pipeline", "run", study, out, "--jobs", "2", "--as-of", "2026-01-01")
    mark = f"{os.getpid()}-{next(_numbers)}"
    words = Path(tempfile.gettempdir()) / f"kicked_{mark}.txt"
    with words.open("wb") as stream:
        process = subprocess.Popen(
            command, env=child_process.child_environment() | {MARK: mark}, stdout=subprocess.DEVNULL, stderr=stream,
            preexec_fn=prepare,  # noqa: PLW1509  # this process has one thread
        )  # fmt: skip
    return KickedRun(process, out, mark, words)


def processes_marked(mark: str) -> list[str]:
    """Return the commands of all living processes under this mark."""
    names = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120]
                names += [command] if state != "Z" else []
    return names


@dataclass(frozen=True)
class Timeline:
    """What an undisturbed run was at, in order, with the seconds that each took."""

    steps: Sequence[tuple[str, float]]

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.steps)


def watched(study: Path, out: Path) -> tuple[Timeline, str]:
    """Run undisturbed, and return what the run was at and when, with its complaint if it ended with one."""
    run = start(study, out)
    began = last = time.monotonic()
    names, starts = [run.step], [began]
    while run.is_at_work:
        last = time.monotonic()
        if (step := run.step) != names[-1]:
            names.append(step)
            starts.append(last)
        time.sleep(LOOK_S)
    ends = [*starts[1:], last]
    steps = [(name, end - start) for name, start, end in zip(names, starts, ends, strict=True)]
    return Timeline(steps), complaint_of(run)


def complaint_of(run: KickedRun) -> str:
    words = run.ended()
    run.words.unlink()
    return "" if run.process.returncode == 0 else f"exit {run.process.returncode}: {words[-300:]}"


def wait_for_moment(run: KickedRun, timeline: Timeline, random: Random, turn: int) -> str:
    """Wait for a random moment of a step: each in turn, every second time one as often as it is long; return it."""
    names, seconds = zip(*timeline.steps, strict=True)
    place = random.choices(range(len(names)), seconds)[0] if turn % 2 else turn // 2 % len(names)
    while run.is_at_work and run.step != names[place]:
        time.sleep(LOOK_S / 2)
    until = time.monotonic() + random.uniform(0, seconds[place])
    while time.monotonic() < until and run.is_at_work and run.step == names[place]:
        time.sleep(LOOK_S / 2)
    return run.step if run.is_at_work else "ended"


def tables_of(out: Path) -> Mapping[str, str] | None:
    """Return the digest of each table; None where nothing is published."""
    database = reader.database_path(out)
    if not database.exists():
        return None
    return {name: digest for name, digest in reader.fingerprint(database).items() if name not in OF_EACH_RUN}


def files_of(out: Path) -> dict[str, str]:
    """Return the digest of each file of a patient and of the journal, by its place; of a transform, of its numbers.

    What a killed process left half written is no file yet: it bears a name of its own and goes an hour later.
    """
    places = [path for folder in (*out.glob("sub-*"), out / "journal") for path in folder.rglob("*") if path.is_file()]
    whole = [path for path in places if path.name != ".lock" and not atomic.PARTIAL.fullmatch(path.name)]
    return {path.relative_to(out).as_posix(): _digest(path) for path in whole}


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".h5" and not path.name.startswith("."):  # holds the time at which it was written
        transform = SimpleITK.ReadTransform(str(path))
        content = repr((transform.GetName(), transform.GetParameters(), transform.GetFixedParameters())).encode()
    return hashlib.sha256(content).hexdigest()
