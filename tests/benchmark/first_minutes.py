"""What a newcomer waits for: an empty study's page, the sample study's first patient, and movement in between."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.files import child_process
from pipeline.store import reader
from tests.dashboard.browser.driving import CHROMIUM, FLAGS
from tests.page_visit import free_port, wait_until_healthy
from tests.places import SAMPLE

TARGETS_S = {"page": 3, "first patient": 90, "without movement": 2}
PATIENCE_S = 1800
LOOK_S = 0.2
LOOP = 10_000_000
USUAL_LOOP_S = 0.55
"""Seconds that the plain loop takes on the machine of the targets."""


@dataclass
class Watched:
    """What somebody saw who looked at a page all the time: seconds since the start."""

    words: str = ""
    moved_at: float = field(default_factory=time.monotonic)
    longest_s: float = 0.0
    longest_at: str = ""

    def look(self, words: str) -> None:
        """Note what the page shows now."""
        now = time.monotonic()
        if now - self.moved_at > self.longest_s:
            self.longest_s, self.longest_at = now - self.moved_at, self.words
        if words != self.words:
            self.words, self.moved_at = words, now


def loop_s() -> float:
    """Return how long a plain loop takes, which tells a slow or busy machine from a slow program."""
    began, count = time.perf_counter(), 0
    for number in range(LOOP):
        count += number
    return time.perf_counter() - began


@contextmanager
def served(study: Path, out: Path, *more: str) -> Iterator[tuple[str, float]]:
    """Serve a study as ``make demo`` does once it is set up; give the address and how long it took to answer."""
    port, began = free_port(), time.monotonic()
    command = child_process.module_command("pipeline", "serve", study, out, "--port", str(port), "--jobs", "2", *more)
    with (out.with_name("log")).open("wb") as log:
        server = subprocess.Popen(command, env=child_process.child_environment(), stdout=log, stderr=log)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", server, out.with_name("log"))
        yield f"http://127.0.0.1:{port}", time.monotonic() - began
    finally:
        server.terminate()
        server.wait(timeout=60)


def drawn(page: Any, address: str, words: str) -> float:
    """Open a page and return the seconds until these words and all else stand on it."""
    began = time.monotonic()
    page.goto(address)
    page.get_by_text(words).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    return time.monotonic() - began


def empty_study(browser: Any, folder: Path) -> tuple[float, float, float]:
    """Return seconds until the server of an empty study answers, its page is drawn, and is drawn once more."""
    folder.mkdir()
    with served(folder / "study", folder / "out") as (address, answers_s):
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE_S)
        first_s = drawn(page, f"{address}/study", "This study is empty")
        again_s = drawn(page, f"{address}/study", "This study is empty")
        page.close()
    return answers_s, first_s, again_s


def first_patient(browser: Any, folder: Path) -> tuple[float, float, Watched]:
    """Return seconds from the start until somebody is published, and is on the Board, and what page Study showed."""
    folder.mkdir()
    shutil.copytree(SAMPLE / "study", folder / "study")
    began = time.monotonic()
    with served(folder / "study", folder / "out", "--run") as (address, _):
        page, board = browser.new_page(), browser.new_page()
        for one in (page, board):
            one.set_default_timeout(1000 * PATIENCE_S)
        page.goto(f"{address}/study")
        page.get_by_test_id("stProgress").first.wait_for()
        watched = Watched()
        while not reader.database_path(folder / "out").is_file():
            watched.look(" ".join(page.locator("[data-testid=stMain]").all_inner_texts()))
            time.sleep(LOOK_S)
        published_s = time.monotonic() - began
        board.goto(f"{address}/board")
        board.get_by_role("link", name="sub-demo").first.wait_for()
        shown_s = time.monotonic() - began
    return published_s, shown_s, watched


def main() -> int:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # an extra of the tests

    if CHROMIUM is None:
        print("no Chromium is installed: first minutes were not measured", file=sys.stderr)
        return 1
    speed_s = loop_s()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        answers_s, first_s, again_s = empty_study(browser, Path(place) / "empty")
        published_s, shown_s, watched = first_patient(browser, Path(place) / "sample")
        browser.close()
    slower, after_s = speed_s / USUAL_LOOP_S, loop_s()
    load = os.getloadavg()[1]
    print("## First minutes\n")
    print(
        f"What `make demo` does once it is set up, with a browser beside it. A plain loop of {LOOP:,} steps took "
        f"{speed_s:.1f} s before and {after_s:.1f} s after (usual machine: {USUAL_LOOP_S:g} s, so this one is about "
        f"{slower:.0f} times slower), load {load:.0f} on {os.cpu_count()} cores. Targets are for the usual machine.\n"
    )
    print("| what | seconds | by the usual machine, about | target |\n|---|---|---|---|")
    for what, seconds, target in (
        ("the server of an empty study answers", answers_s, ""),
        ("its page Study is drawn, the first one of this server", first_s, TARGETS_S["page"]),
        ("the same page again", again_s, TARGETS_S["page"]),
        ("the first patient of the sample study is published", published_s, ""),
        ("and on the Board", shown_s, TARGETS_S["first patient"]),
        ("longest time in which nothing on page Study moved", watched.longest_s, TARGETS_S["without movement"]),
    ):
        print(f"| {what} | {seconds:.1f} | {seconds / slower:.1f} | {target} |")
    print(f"\nWhat stood still longest: {watched.longest_at[:160]!r}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
