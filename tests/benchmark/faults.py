"""What becomes of the results when a run is kicked: killed, out of room, shut out, run twice, with a clock set back.

Each trial begins with published results, changes every patient of the study, disturbs the run that takes the change
in, looks at the store, and runs once more undisturbed. The moments are random, by a seed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pipeline.errors import CordtrackError
from pipeline.files import child_process
from pipeline.store import reader
from tests.benchmark.growing_study import write_study
from tests.small_sample import two_visits

TIMES, TIMES_WITH_SCANS = 12, 3
PATIENTS = 12
DAC_OVERRIDE, DROP_FROM_BOUNDING_SET = 1, 24
"""Linux: the right of root to write where nobody may, and the call that gives it up."""
PATIENCE_S = 1800
"""A run that takes longer hangs, on a machine with much other work too."""
OF_EACH_RUN = frozenset({"run"})
"""Tables that say when a run was, which no two runs share."""


@dataclass
class Tally:
    """What came of the trials of one fault."""

    trials: int = 0
    at_work: int = 0
    unreadable: int = 0
    lost_rows: int = 0
    mixed: int = 0
    other_numbers: int = 0
    tracebacks: int = 0
    notes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return self.unreadable + self.lost_rows + self.mixed + self.other_numbers + self.tracebacks

    @property
    def row(self) -> str:
        cells = (self.trials, self.at_work, self.unreadable, self.lost_rows, self.mixed, self.other_numbers)
        return " | ".join(map(str, (*cells, self.tracebacks)))


@dataclass(frozen=True)
class Case:
    """A study before and after it was changed, with the results of both, undisturbed."""

    study: Path
    before: Path | None
    states: tuple[Mapping[str, str] | None, Mapping[str, str]]
    seconds: float
    folder: Path

    def fresh(self) -> Path:
        """Return an output folder as it is before the run that is disturbed."""
        out = self.folder / "out"
        if out.is_mount():
            subprocess.run(["umount", out], check=True)
        shutil.rmtree(out, ignore_errors=True)
        if self.before is not None:
            shutil.copytree(self.before, out)
        return out


def start(study: Path, out: Path, prepare: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    command = child_process.module_command("pipeline", "run", study, out, "--jobs", "2", "--as-of", "2026-01-01")
    return subprocess.Popen(
        command, env=child_process.child_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=prepare,  # noqa: PLW1509  # this process has one thread
    )  # fmt: skip


def ended(run: subprocess.Popen[str]) -> str:
    """Wait for a run and return what it said."""
    return run.communicate(timeout=PATIENCE_S)[1]


def undisturbed(study: Path, out: Path) -> str:
    run = start(study, out)
    words = ended(run)
    return "" if run.returncode == 0 else f"exit {run.returncode}: {words[-300:]}"


def state_of(out: Path) -> Mapping[str, str] | None:
    """Return the digest of each table; None where nothing is published."""
    database = reader.database_path(out)
    if not database.exists():
        return None
    return {name: digest for name, digest in reader.fingerprint(database).items() if name not in OF_EACH_RUN}


def killed(number: signal.Signals, *, is_to_all: bool = False) -> Callable[[Case, Path, Random], tuple[bool, str]]:
    """Send a signal at a random moment, to the run alone or to all its processes, as a terminal does."""

    def disturb(case: Case, out: Path, random: Random) -> tuple[bool, str]:
        run = start(case.study, out, os.setpgrp)
        time.sleep(random.uniform(0, 1.1 * case.seconds))
        was_at_work = run.poll() is None
        if is_to_all and was_at_work:
            os.killpg(run.pid, number)
        else:
            run.send_signal(number)
        return was_at_work, ended(run)

    return disturb


def one_process_killed(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    """Kill one of the processes that a run has started, be it a worker or the server that they are forked from."""
    run = start(case.study, out)
    time.sleep(random.uniform(0, 1.1 * case.seconds))
    was_hit = False
    while run.poll() is None and not was_hit:
        helpers = sorted(_descendants(run.pid))
        for pid in [random.choice(helpers)] if helpers else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                was_hit = True
        time.sleep(0 if was_hit else 0.05)
    return was_hit, ended(run)


def _helpers_of(run: subprocess.Popen[str]) -> list[int]:
    """Return the processes that a run has started, once there are some; none where it ended before."""
    while run.poll() is None:
        if helpers := sorted(_descendants(run.pid)):
            return helpers
        time.sleep(0.05)
    return []


def _descendants(pid: int) -> set[int]:
    """Return the processes that one has started, and those that these have."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    below: set[int] = set()
    for _ in range(3):
        below |= {child for child, parent in parents.items() if parent in {pid, *below}}
    return below


def no_room(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    """Let no file grow beyond a random size, as a disk that is full; half of them small."""
    most = int(10 ** random.uniform(2, 6.7))
    run = start(case.study, out, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    words = ended(run)
    return run.returncode != 0, words


def full_disk(case: Case, out: Path, random: Random) -> tuple[bool, str]:
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
    words = ended(run)
    subprocess.run(["mount", "-o", "remount,size=2g", out], check=True)
    return run.returncode != 0, words


def vanished(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    """Take the output folder away at a random moment, as a disk that is pulled, and bring it back afterwards."""
    run = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    was_at_work = run.poll() is None
    away = out.with_name("away")
    shutil.rmtree(away, ignore_errors=True)
    out.rename(away)
    words = ended(run)
    shutil.rmtree(out, ignore_errors=True)
    away.rename(out)
    return was_at_work, words


def stopped_for_a_while(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    """Let one of the processes that a run has started stand still, as on a machine that is swapping, then go on."""
    run = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    helpers = _helpers_of(run)
    for pid in [random.choice(helpers)] if helpers else []:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(random.uniform(1, 8))
            os.kill(pid, signal.SIGCONT)
    return bool(helpers), ended(run)


def out_of_memory(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    """Give one of the processes that a run has started little more memory than it has taken by a random moment."""
    run = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    helpers = _helpers_of(run)
    for pid in [random.choice(helpers)] if helpers else []:
        with contextlib.suppress(OSError):
            taken = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
            most = taken + random.randrange(0, 64 << 20)
            resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    return bool(helpers), ended(run)


def _without_root_s_rights() -> None:
    ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, DAC_OVERRIDE, 0, 0, 0)


def _set_writable(out: Path, *, writable: bool) -> None:
    for path in (out, *out.rglob("*")):
        if path.is_dir():
            path.chmod(0o700 if writable else 0o500)


def read_only(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    """Take the right to write away from the folder at a random moment, or before the run begins."""
    run = start(case.study, out, _without_root_s_rights)
    time.sleep(max(0.0, random.uniform(-0.3, 1.0) * case.seconds))
    _set_writable(out, writable=False)
    words = ended(run)
    _set_writable(out, writable=True)
    return run.returncode != 0, words


def two_at_once(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    first = start(case.study, out)
    time.sleep(random.uniform(0, case.seconds))
    was_at_work = first.poll() is None
    second = start(case.study, out)
    return was_at_work, ended(first) + ended(second)


def clock_set_back(case: Case, out: Path, random: Random) -> tuple[bool, str]:
    """Let all that was written before lie in the future, as after a clock was set back by up to ten years."""
    later = time.time() + random.uniform(60, 3.2e8)
    for path in (*out.rglob("*"), *case.study.rglob("*")):
        os.utime(path, (later, later))
    run = start(case.study, out)
    return True, ended(run)


FAULTS: Mapping[str, Callable[[Case, Path, Random], tuple[bool, str]]] = {
    "killed (SIGKILL)": killed(signal.SIGKILL),
    "asked to end (SIGTERM)": killed(signal.SIGTERM),
    "Ctrl+C, as a terminal sends it": killed(signal.SIGINT, is_to_all=True),
    "one of its processes killed (SIGKILL)": one_process_killed,
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
    "killed (SIGKILL)", "asked to end (SIGTERM)", "Ctrl+C, as a terminal sends it",
    "one of its processes killed (SIGKILL)", "no room for a file of more than 0.1 kB to 5 MB", "a disk that is full",
    "the output folder taken away", "one of its processes stopped for a while", "one of its processes out of memory",
)  # fmt: skip


def tried(case: Case, name: str, times: int, random: Random) -> Tally:
    tally = Tally()
    for _ in range(times):
        out = case.fresh()
        out.mkdir(exist_ok=True)
        was_at_work, words = FAULTS[name](case, out, random)
        tally.trials += 1
        tally.at_work += was_at_work
        tally.said.append(words.strip()[-400:] or "nothing")
        tally.tracebacks += "Traceback" in words
        tally.notes += [words[-1500:]] if "Traceback" in words else []
        _look_at(case, out, tally)
    return tally


def _look_at(case: Case, out: Path, tally: Tally) -> None:
    """Look at the store as the fault left it, and again after a run that nobody disturbed."""
    try:
        state = state_of(out)
    except CordtrackError as error:
        tally.unreadable += 1
        tally.notes.append(str(error))
        state = case.states[0]
    tally.lost_rows += state is None and case.states[0] is not None
    tally.mixed += state is not None and state not in case.states
    complaint = undisturbed(case.study, out)
    if complaint or state_of(out) != case.states[1]:
        tally.other_numbers += 1
        tally.notes.append(complaint or "the next run published other numbers")


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
    began = time.monotonic()
    _expect_well(undisturbed(study, after))
    states = state_of(before), state_of(after)
    assert states[1] is not None
    assert states[0] != states[1]
    return Case(study, before, (states[0], states[1]), time.monotonic() - began, folder)


def with_scans(folder: Path) -> Case:
    """Two visits of a patient of the sample study, from nothing."""
    folder.mkdir()
    study = two_visits(folder / "study")
    began = time.monotonic()
    _expect_well(undisturbed(study, folder / "after"))
    state = state_of(folder / "after")
    assert state is not None
    return Case(study, None, (None, state), time.monotonic() - began, folder)


def _expect_well(complaint: str) -> None:
    assert not complaint, complaint


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="trials of each fault on imported numbers")
    parser.add_argument("--times-with-scans", type=int, default=TIMES_WITH_SCANS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--with-words", action="store_true", help="also what each disturbed run said, on stderr")
    parser.add_argument("--only", action="append", default=[], help="words of what is done; repeatable")
    arguments = parser.parse_args()
    print("## Runs that are kicked\n")
    print(f"{PATIENTS} patients of imported numbers that all get a visit more; two visits with scans, from nothing.")
    print("*Hit* are trials in which the run was still at work or was stopped. A store that is neither the one before")
    print("nor the one after is *mixed*; *other numbers*: those of the next, undisturbed run differ from a run that")
    print("nothing ever happened to.\n")
    print("| study | what was done | trials | hit | unreadable | lost | mixed | other numbers | tracebacks |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    random, faults = Random(arguments.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        case = imported(Path(folder) / "numbers") if arguments.times else None
        scans = with_scans(Path(folder) / "scans") if arguments.times_with_scans else None
        plan: list[tuple[str, Case | None, str, int]] = [("numbers", case, name, arguments.times) for name in FAULTS]
        plan += [("scans", scans, name, arguments.times_with_scans) for name in WITH_SCANS]
        for kind, one, name, times in plan:
            is_wanted = not arguments.only or any(words in name for words in arguments.only)
            if one is None or not times or not is_wanted:
                continue
            tally = tried(one, name, times, random)
            print(f"| {kind} | {name} | {tally.row} |", flush=True)
            if arguments.with_words:
                print("\n".join(tally.said), file=sys.stderr)
            print("\n".join(tally.notes), file=sys.stderr, flush=True, end="\n" if tally.notes else "")
            faults += tally.faults
    print(f"\n{faults} faults.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
