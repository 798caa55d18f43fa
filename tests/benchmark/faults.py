"""What becomes of the results when a run is kicked: killed, out of room, shut out, run twice, with a clock set back.

Each trial begins with published results, changes every patient of the study, disturbs the run that takes the change
in, looks at its processes, the store and the files, and runs once more undisturbed. The moments are random, by a seed;
with scans, every second one lies in the next step of the list.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import itertools
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pipeline.errors import CordtrackError
from tests.benchmark import kicked_runs
from tests.benchmark.growing_study import write_study
from tests.benchmark.kicked_runs import KickedRun, Timeline, files_of, start, tables_of
from tests.small_sample import two_visits

TIMES, TIMES_WITH_SCANS = 12, 3
PATIENTS = 12
DAC_OVERRIDE, DROP_FROM_BOUNDING_SET = 1, 24
"""Linux: the right of root to write where nobody may, and the call that gives it up."""
ENDED_BY = "cordtrack: ended by "
"""How the one sentence of a run that was asked to end begins."""


@dataclass(frozen=True)
class Kick:
    """What was done to a run: whether it was still at work, at which step, and whether it has one sentence to say."""

    was_at_work: bool
    runs: tuple[KickedRun, ...]
    step: str = ""
    is_asked_to_end: bool = False


@dataclass
class Tally:
    """What came of the trials of one fault."""

    trials: int = 0
    at_work: int = 0
    left_behind: int = 0
    unreadable: int = 0
    lost_rows: int = 0
    mixed: int = 0
    other_numbers: int = 0
    other_words: int = 0
    notes: list[str] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> tuple[int, ...]:
        kept = (self.left_behind, self.unreadable, self.lost_rows, self.mixed, self.other_numbers)
        return (*kept, self.other_words)

    @property
    def row(self) -> str:
        return " | ".join(map(str, (self.trials, self.at_work, *self.counts)))


@dataclass(frozen=True)
class State:
    """What stands in an output folder: the digests of the published tables (None: no store) and of all files."""

    tables: Mapping[str, str] | None
    files: Mapping[str, str]

    @classmethod
    def of(cls, out: Path) -> State:
        return cls(tables_of(out), files_of(out))


@dataclass(frozen=True)
class Case:
    """A study before and after it was changed, with the results of both, undisturbed."""

    study: Path
    before: Path | None
    states: tuple[State, State]
    timeline: Timeline
    folder: Path
    turns: Iterator[int] = field(default_factory=itertools.count)

    @property
    def seconds(self) -> float:
        return self.timeline.seconds

    def wait(self, run: KickedRun, random: Random) -> str:
        """Wait for a random moment of a run, and return the step that it is at then."""
        if self.before is None:
            return kicked_runs.wait_for_moment(run, self.timeline, random, next(self.turns))
        time.sleep(random.uniform(0, 1.1 * self.seconds))
        return run.step

    def fresh(self) -> Path:
        """Return an output folder as it is before the run that is disturbed."""
        out = self.folder / "out"
        if out.is_mount():
            subprocess.run(["umount", out], check=True)
        shutil.rmtree(out, ignore_errors=True)
        if self.before is not None:
            shutil.copytree(self.before, out)
        return out


def undisturbed(study: Path, out: Path) -> str:
    return kicked_runs.complaint_of(start(study, out))


def killed(number: signal.Signals, *, is_to_all: bool = False) -> Callable[[Case, Path, Random], Kick]:
    """Send a signal at a random moment, to the run alone or to all its processes, as a terminal does."""

    def disturb(case: Case, out: Path, random: Random) -> Kick:
        run = start(case.study, out, os.setpgrp)
        step = case.wait(run, random)
        was_at_work = run.is_at_work
        if is_to_all and was_at_work:
            os.killpg(run.process.pid, number)
        else:
            run.process.send_signal(number)
        return Kick(was_at_work, (run,), step, is_asked_to_end=number != signal.SIGKILL)

    return disturb


def one_process_killed(helpers_of: Callable[[int], set[int]]) -> Callable[[Case, Path, Random], Kick]:
    """Kill one of the processes that a run has started, once there is one."""

    def disturb(case: Case, out: Path, random: Random) -> Kick:
        run = start(case.study, out)
        case.wait(run, random)
        step, was_hit = "", False
        while run.is_at_work and not was_hit:
            helpers = sorted(helpers_of(run.process.pid))
            for pid in [random.choice(helpers)] if helpers else []:
                with contextlib.suppress(ProcessLookupError):
                    step = run.step
                    os.kill(pid, signal.SIGKILL)
                    was_hit = True
            time.sleep(0 if was_hit else 0.02)
        return Kick(was_hit, (run,), step)

    return disturb


def _helpers_of(run: KickedRun) -> list[int]:
    """Return the processes that a run has started, once there are some; none where it ended before."""
    while run.is_at_work:
        if helpers := sorted(_descendants(run.process.pid)):
            return helpers
        time.sleep(0.05)
    return []


def _descendants(pid: int) -> set[int]:
    """Return the processes that one has started, and those that these have."""
    below: set[int] = set()
    for _ in range(3):
        below |= _children({pid, *below})
    return below


def _workers(pid: int) -> set[int]:
    """Return the workers of a run, which the server that it has started has forked."""
    return _children(_children({pid}))


def _children(pids: set[int]) -> set[int]:
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            parents |= {} if state == "Z" else {int(status.parent.name): int(parent)}
    return {child for child, parent in parents.items() if parent in pids}


def no_room(case: Case, out: Path, random: Random) -> Kick:
    """Let no file grow beyond a random size, as a disk that is full; half of them small."""
    most = int(10 ** random.uniform(2, 6.7))
    run = start(case.study, out, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    run.ended()
    return Kick(run.process.returncode != 0, (run,))


def full_disk(case: Case, out: Path, random: Random) -> Kick:
    """Put the results on a disk of their own (in memory, which takes root) with little room left; then widen it."""
    aside = out.with_name("kept")
    shutil.rmtree(aside, ignore_errors=True)
    out.rename(aside)
    out.mkdir()
    taken = sum(path.stat().st_size for path in aside.rglob("*"))
    size = taken + 4096 * sum(1 for _ in aside.rglob("*")) + int(10 ** random.uniform(3, 6.7))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", out], check=True)
    shutil.copytree(aside, out, dirs_exist_ok=True)
    run = start(case.study, out)
    run.ended()
    subprocess.run(["mount", "-o", "remount,size=2g", out], check=True)
    return Kick(run.process.returncode != 0, (run,))


def vanished(case: Case, out: Path, random: Random) -> Kick:
    """Take the output folder away at a random moment, as a disk that is pulled, and bring it back afterwards."""
    run = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    was_at_work = run.is_at_work
    away = out.with_name("away")
    shutil.rmtree(away, ignore_errors=True)
    out.rename(away)
    run.ended()
    shutil.rmtree(out, ignore_errors=True)
    away.rename(out)
    return Kick(was_at_work, (run,))


def stopped_for_a_while(case: Case, out: Path, random: Random) -> Kick:
    """Let one of the processes that a run has started stand still, as on a machine that is swapping, then go on."""
    run = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    helpers = _helpers_of(run)
    for pid in [random.choice(helpers)] if helpers else []:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(random.uniform(1, 8))
            os.kill(pid, signal.SIGCONT)
    return Kick(bool(helpers), (run,))


def out_of_memory(case: Case, out: Path, random: Random) -> Kick:
    """Give one of the processes that a run has started little more memory than it has taken by a random moment."""
    run = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    helpers = _helpers_of(run)
    for pid in [random.choice(helpers)] if helpers else []:
        with contextlib.suppress(OSError):
            taken = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
            most = taken + random.randrange(0, 64 << 20)
            resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    return Kick(bool(helpers), (run,))


def _without_root_s_rights() -> None:
    ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, DAC_OVERRIDE, 0, 0, 0)


def _set_writable(out: Path, *, writable: bool) -> None:
    for path in (out, *out.rglob("*")):
        if path.is_dir():
            path.chmod(0o700 if writable else 0o500)


def read_only(case: Case, out: Path, random: Random) -> Kick:
    """Take the right to write away from the folder at a random moment, or before the run begins."""
    run = start(case.study, out, _without_root_s_rights)
    time.sleep(max(0.0, random.uniform(-0.3, 1.0) * case.seconds))
    _set_writable(out, writable=False)
    run.ended()
    _set_writable(out, writable=True)
    return Kick(run.process.returncode != 0, (run,))


def two_at_once(case: Case, out: Path, random: Random) -> Kick:
    first = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    was_at_work = first.is_at_work
    second = start(case.study, out)
    return Kick(was_at_work, (first, second))


def clock_set_back(case: Case, out: Path, random: Random) -> Kick:
    """Let all that was written before lie in the future, as after a clock was set back by up to ten years."""
    later = time.time() + random.uniform(60, 3.2e8)
    for path in (*out.rglob("*"), *case.study.rglob("*")):
        os.utime(path, (later, later))
    return Kick(was_at_work=True, runs=(start(case.study, out),))


FAULTS: Mapping[str, Callable[[Case, Path, Random], Kick]] = {
    "run killed (SIGKILL)": killed(signal.SIGKILL),
    "asked to end (SIGTERM)": killed(signal.SIGTERM),
    "Ctrl+C, as a terminal sends it": killed(signal.SIGINT, is_to_all=True),
    "a worker killed (SIGKILL)": one_process_killed(_workers),
    "one of its processes killed (SIGKILL)": one_process_killed(_descendants),
    "no room for a file of more than 0.1 kB to 5 MB": no_room,
    "a disk that is full": full_disk,
    "the output folder turns read-only": read_only,
    "the output folder taken away": vanished,
    "one of its processes stopped for a while": stopped_for_a_while,
    "one of its processes out of memory": out_of_memory,
    "a second run on the same output": two_at_once,
    "a clock set back": clock_set_back,
}
WITH_SCANS = (
    "run killed (SIGKILL)", "asked to end (SIGTERM)", "Ctrl+C, as a terminal sends it", "a worker killed (SIGKILL)",
    "one of its processes killed (SIGKILL)", "no room for a file of more than 0.1 kB to 5 MB", "a disk that is full",
    "the output folder taken away", "one of its processes stopped for a while", "one of its processes out of memory",
)  # fmt: skip


def tried(case: Case, name: str, tally: Tally, random: Random) -> None:
    """Kick a run once, and note what came of it."""
    out = case.fresh()
    out.mkdir(exist_ok=True)
    kick = FAULTS[name](case, out, random)
    words = "".join(run.ended() for run in kick.runs)
    left_behind = [command for run in kick.runs for command in run.left_behind()]
    is_as_expected = _is_as_expected(words, kick)
    tally.trials += 1
    tally.at_work += kick.was_at_work
    tally.steps[kick.step] += 1
    tally.left_behind += bool(left_behind)
    tally.other_words += not is_as_expected
    tally.notes += [f"{kick.step}, said: {words.strip()[-400:] or 'nothing'}"]
    tally.notes += [f"left behind: {left_behind}"] if left_behind else []
    tally.notes += [] if is_as_expected else [f"other words: {words[-1500:] or 'none'}"]
    _look_at(case, out, tally)
    for run in kick.runs:
        run.words.unlink()


def _is_as_expected(words: str, kick: Kick) -> bool:
    """Say whether a run said what it should: no traceback, and one sentence where it was asked to end."""
    if not kick.is_asked_to_end or not kick.was_at_work:
        return "Traceback" not in words
    lines = [line for line in words.splitlines() if line.strip()]
    return len(lines) == 1 and lines[0].startswith(ENDED_BY)


def _look_at(case: Case, out: Path, tally: Tally) -> None:
    """Look at the results as the fault left them, and again after a run that nobody disturbed."""
    before, after = case.states
    tables = before.tables
    try:
        tables = tables_of(out)
    except CordtrackError as error:
        tally.unreadable += 1
        tally.notes.append(str(error))
    in_place = {place: digest for place, digest in files_of(out).items() if not Path(place).name.startswith(".")}
    halves = [place for place, one in in_place.items() if one not in (before.files.get(place), after.files.get(place))]
    tally.lost_rows += tables is None and before.tables is not None
    tally.mixed += (tables is not None and tables not in (before.tables, after.tables)) or bool(halves)
    tally.notes += [f"half published: {halves}"] if halves else []
    complaint = undisturbed(case.study, out)
    state = State.of(out)
    if complaint or state != after:
        tally.other_numbers += 1
        places = {place for place, _ in state.files.items() ^ after.files.items()}
        same = "the same" if state.tables == after.tables else "other"
        tally.notes.append(f"{complaint or f'next run: {same} tables, other files: {sorted(places)}'}")


def imported(folder: Path) -> Case:
    """Patients with imported numbers; each gets one more visit after the first run."""
    study, before = folder / "study", folder / "before"
    write_study(study, PATIENTS)
    _expect_well(undisturbed(study, before))
    names = [line.split("\t")[0] for line in (study / "participants.tsv").read_text().splitlines()[1:]]
    with (study / "phenotype" / "cordtrack_volumes.tsv").open("a", encoding="utf-8") as table:
        table.writelines(f"{name}\t2025-12-01\ttumour\t812.0\t0.1\n" for name in names)
    after = folder / "after"
    shutil.copytree(before, after)
    timeline, complaint = kicked_runs.watched(study, after)
    _expect_well(complaint)
    states = State.of(before), State.of(after)
    assert states[0].tables != states[1].tables
    return Case(study, before, states, timeline, folder)


def with_scans(folder: Path, first_turn: int) -> Case:
    """Two visits of a patient of the sample study, from nothing."""
    folder.mkdir()
    study = two_visits(folder / "study")
    for scan in study.rglob("*_ce-*"):  # laying it on the other costs as much as all else
        scan.unlink()
    timeline, complaint = kicked_runs.watched(study, folder / "after")
    _expect_well(complaint)
    state = State.of(folder / "after")
    assert state.tables is not None
    return Case(study, None, (State(None, {}), state), timeline, folder, itertools.count(first_turn))


def _expect_well(complaint: str) -> None:
    assert not complaint, complaint


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="trials of each fault on imported numbers")
    parser.add_argument("--times-with-scans", type=int, default=TIMES_WITH_SCANS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--turn", type=int, default=0, help="twice the number of the step that is the first in turn")
    parser.add_argument("--only", action="append", default=[], help="words of what is done; repeatable")
    arguments = parser.parse_args()
    print("## Runs that are kicked\n")
    print(f"{PATIENTS} patients of imported numbers that all get a visit more; two visits with scans, from nothing.")
    print("*Hit*: the run was still at work, or was stopped by it. *Left behind*: a process was still there")
    print("after 2 s. A store that is neither the one before nor the one after is *mixed*, or a file of either. *Other")
    print("numbers*: tables or files after the next, undisturbed run differ from those of a run that nothing ever")
    print("happened to. *Other words*: a traceback, or not one sentence where the run was asked to end.\n")
    heads = "trials | hit | left behind | unreadable | lost | mixed | other numbers | other words"
    print(f"| study | what was done | {heads} |\n|---|---|---|---|---|---|---|---|---|---|", flush=True)
    random = Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        case = imported(Path(folder) / "numbers") if arguments.times else None
        scans = with_scans(Path(folder) / "scans", arguments.turn) if arguments.times_with_scans else None
        plan: list[tuple[Case | None, str, int]] = [(case, name, arguments.times) for name in FAULTS]
        plan += [(scans, name, arguments.times_with_scans) for name in WITH_SCANS]
        plan = [one for one in plan if not arguments.only or any(words in one[1] for words in arguments.only)]
        tallies = _all_tried(plan, random)
    print(f"\n{sum(sum(tally.counts) for tally in tallies)} faults.\n")
    return 1 if any(sum(tally.counts) for tally in tallies) else 0


def _all_tried(plan: Sequence[tuple[Case | None, str, int]], random: Random) -> list[Tally]:
    """Try every fault in turn, so that one that is broken off has tried all of them about as often."""
    tallies = [Tally() for _ in plan]
    try:
        for turn in range(max(times for _, _, times in plan)):
            for tally, (case, name, times) in zip(tallies, plan, strict=True):
                if case is None or turn >= times:
                    continue
                tried(case, name, tally, random)
                print(f"{name}, {turn + 1}: {'; '.join(tally.notes)}", file=sys.stderr, flush=True)
                tally.notes.clear()
    finally:
        for tally, (case, name, _) in zip(tallies, plan, strict=True):
            if case is not None and tally.trials:
                print(f"| {'scans' if case.before is None else 'numbers'} | {name} | {tally.row} |", flush=True)
                print(f"{name}: {dict(tally.steps)}", file=sys.stderr, flush=True)
    return tallies


if __name__ == "__main__":
    sys.exit(main())
