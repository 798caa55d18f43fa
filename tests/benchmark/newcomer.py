"""How soon somebody new sees something: an empty study's page, the sample study's first patient, a run's progress.

What a clone that is set up does at ``make demo``, with a browser beside it. A machine has other work: beside each time
stand the seconds of processor that the server and its children took, and what a plain loop takes at that hour.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.dashboard.browser.driving import CHROMIUM, FLAGS
from tests.page_visit import free_port, wait_until_healthy
from tests.places import ROOT, SAMPLE

PATIENCE_MS = 1_200_000
LOOK_MS = 100
LOOP_STEPS = 10_000_000
TARGETS_S = {"page of an empty study": 3.0, "first patient of the sample study": 90.0, "longest without progress": 2.0}


@dataclass
class Served:
    """A study that is served: its address, its first process, when it was started."""

    address: str
    process: subprocess.Popen[bytes]
    began_s: float

    def cpu_s(self) -> float:
        """Return the seconds of processor that the server, its children and those of them that ended took."""
        ticks, tree = 0, {self.process.pid}
        for stat in _stats():
            if int(stat[3]) in tree or int(stat[0]) in tree:
                tree.add(int(stat[0]))
                ticks += sum(map(int, stat[13:17]))
        return ticks / os.sysconf("SC_CLK_TCK")


def _stats() -> list[list[str]]:
    """Return the numbers of every process as Linux tells them, a parent before its children."""
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            continue
        stats.append([text.split(" ", 1)[0], "", *text.rpartition(") ")[2].split()])
    return sorted(stats, key=lambda stat: int(stat[0]))


@contextmanager
def served(study: Path, out: Path, *options: str) -> Iterator[Served]:
    """Start ``cordtrack serve``."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "pipeline", "serve", str(study), str(out), "--port", str(port), *options]
    began_s = time.monotonic()
    with out.with_suffix(".log").open("wb") as log:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, process, out.with_suffix(".log"))
        yield Served(address, process, began_s)
    finally:
        process.terminate()
        process.wait(timeout=120)


def empty_page(browser: Any, place: Path) -> list[tuple[str, float, float]]:
    """Return how long the page of an empty study takes: the first, and another one."""
    measured = []
    with served(place / "empty", place / "empty-out") as study:
        for what in ("page of an empty study", "the same, opened again"):
            page = browser.new_page(viewport={"width": 1480, "height": 1000})
            before_s, cpu_s = time.monotonic(), study.cpu_s()
            page.goto(study.address)
            page.get_by_text("This study is empty").wait_for(timeout=PATIENCE_MS)
            page.get_by_role("button", name="Look through them").wait_for(timeout=PATIENCE_MS)
            measured.append((what, time.monotonic() - before_s, study.cpu_s() - cpu_s))
            page.close()
    return measured


def first_patient(browser: Any, place: Path) -> list[tuple[str, float, float]]:
    """Return when the sample study's first patient is on the page, and how long a run says nothing new at most."""
    gaps, last, changed_s = [0.0], "", None
    with served(SAMPLE / "study", place / "out", "--jobs", "2", "--run") as study:
        page = browser.new_page(viewport={"width": 1480, "height": 1000})
        page.goto(study.address)
        patients = page.get_by_role("link", name=re.compile(r"^sub-demo\d+$"))
        progress = page.get_by_test_id("stProgress")
        while not patients.count():
            text = " ".join(progress.all_inner_texts())
            if text != last:
                gaps += [] if changed_s is None else [time.monotonic() - changed_s]
                last, changed_s = text, time.monotonic()
            if time.monotonic() - study.began_s > PATIENCE_MS / 1000:
                raise TimeoutError("no patient of the sample study came")
            if study_is_shown(page):
                page.goto(study.address)  # the Board, once there is one
            page.wait_for_timeout(LOOK_MS)
        seconds, cpu_s = time.monotonic() - study.began_s, study.cpu_s()
        page.close()
    return [("first patient of the sample study", seconds, cpu_s), ("longest without progress", max(gaps), 0.0)]


def study_is_shown(page: Any) -> bool:
    """Say whether the page says that a patient is finished."""
    return page.get_by_text(re.compile(r"^[1-9]\d* of \d+ patients")).count() > 0


def plain_loop_s() -> float:
    """Return how long a loop that does nothing takes here and now."""
    before_s = time.monotonic()
    for _ in range(LOOP_STEPS):
        pass
    return time.monotonic() - before_s


def main() -> int:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # its browser is not everywhere

    loop_s = [plain_loop_s()]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        (Path(folder) / "empty").mkdir()
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        measured = [*empty_page(browser, Path(folder)), *first_patient(browser, Path(folder))]
        browser.close()
    loop_s.append(plain_loop_s())
    print("## Somebody new at the pages\n\n| what | s | processor s | goal, s |\n|---|---|---|---|")
    for what, seconds, cpu_s in measured:
        goal = f"{TARGETS_S[what]:.0f}" if what in TARGETS_S else ""
        print(f"| {what} | {seconds:.1f} | {f'{cpu_s:.1f}' if cpu_s else ''} | {goal} |")
    said = " before, ".join(f"{seconds:.2f} s" for seconds in loop_s)
    print(f"\nA plain loop of {LOOP_STEPS:,} steps took {said} after.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
