"""How quickly the pages answer on 10,000 made-up patients, how much the server holds, and how soon scans are seen."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.cli.pages_command import SERVER_ENVIRONMENT
from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.store import publish, reader
from pipeline.study import study_folder
from tests.benchmark.store import PATIENTS, rows
from tests.benchmark.synthetic_cohort import VISITS
from tests.places import ROOT

APP = ROOT / "dashboard" / "app.py"
REPEATS = 20
USERS = 20
PATIENCE_MS = 120_000
TARGET_MS, TARGET_FIRST_S, TARGET_MB, TARGET_VIEWER_S = 300, 3, 1000, 4
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SCANNED = "sub-00001"
PUBLISH = "publish"
"""Argument that makes this program publish the store of the other argument, as a run does."""


def reruns_ms(page: str, addresses: list[dict[str, str]]) -> list[tuple[float, float]]:
    """Time the runs of a page's script, one after the other, each with another address: wall and CPU time, ms."""
    from streamlit.runtime.scriptrunner.script_cache import ScriptCache  # noqa: PLC0415
    from streamlit.testing.v1 import AppTest, app_test  # noqa: PLC0415  # wants the folder in the environment

    compiled = ScriptCache()
    app_test.ScriptCache = lambda: compiled  # type: ignore[assignment,misc]  # a server compiles a page once, too
    at = AppTest.from_file(str(APP), default_timeout=120)
    at.switch_page(f"app_pages/{page}.py")
    at.run()
    times = []
    for address in addresses:
        at.query_params.clear()
        for name, value in address.items():
            at.query_params[name] = value
        started, cpu_started = time.perf_counter(), time.process_time()
        at.run()
        times.append((1000 * (time.perf_counter() - started), 1000 * (time.process_time() - cpu_started)))
        assert not at.exception, at.exception
    return times


def save_scans(out: Path) -> None:
    """Put two scans of usual size with masks beside the store, as a run would."""
    i, j, k = np.indices((48, 384, 384))
    for session, radius in (("ses-01", 12), ("ses-10", 16)):
        tumour = ((i - 24) * 1.5) ** 2 + (j - 190) ** 2 + ((k - 200) / 2) ** 2 < radius**2
        scan = (200 + 150 * np.sin(j / 9.0) + 400 * tumour).astype(np.int16)
        names = {"patient_id": SCANNED, "session_id": session, "extension": ".nii.gz", "space": "reference"}
        grid = np.diag([1.1, 0.7, 0.7, 1.0])
        images.save(Volume(scan, grid), out / study_folder.derivative_path(**names, suffix="T2w"))
        images.save(Volume(tumour.astype(np.uint8), grid), out / study_folder.derivative_path(**names, suffix="dseg"))


@contextmanager
def serving(out: Path) -> Iterator[tuple[str, int]]:
    """Serve an output folder; the address and the process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-m", "dashboard.server", "127.0.0.1", str(port)]
    environment = SERVER_ENVIRONMENT | os.environ | {"CORDTRACK_OUT": str(out)}
    server = subprocess.Popen(command, env=environment, cwd=APP.parent, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            server.kill()


def resident_mb(pid: int) -> float:
    """Memory that a process holds now, MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def browsing(address: str, pid: int, out: Path) -> list[str]:
    """Open pages in a real browser: first page, scans, and many readers at once, while a run publishes."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only where Chromium is

    lines, wrong = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        first = []
        for _ in range(3):
            page = browser.new_page()
            started = time.perf_counter()
            page.goto(address)
            page.get_by_text("an open question.").first.wait_for(timeout=PATIENCE_MS)
            first.append(time.perf_counter() - started)
            page.close()
        lines.append(
            f"| first page (Board), from the address to the sentence | {min(first):.1f} s | {TARGET_FIRST_S} s |"
        )
        lines.append(_scans(browser, address))
        pages = [browser.new_page() for _ in range(USERS)]
        for page in pages:
            page.on("pageerror", lambda error: wrong.append(str(error)))
        started = time.perf_counter()
        for round_ in range(2):
            wrong += _visits(pages, address, round_)
        seconds = time.perf_counter() - started
        said = f"{len(wrong)} (in {seconds:.0f} s)"
        lines.append(f"| {USERS} readers at once, {2 * USERS} pages: errors | {said} | 0 |")
        lines.append(f"| memory of the server after that | {resident_mb(pid):.0f} MB | {TARGET_MB} MB |")
        lines.append(_while_published(pages, address, out, wrong))
        lines.append(f"| memory of the server after that | {resident_mb(pid):.0f} MB | {TARGET_MB} MB |")
        browser.close()
    return lines


def _visits(pages: list[Any], address: str, round_: int) -> list[str]:
    """Let every reader open a page at the same time; what the pages show of errors."""
    places = ("", "cohort", f"patient?patient={SCANNED}&plain=1", "quality")
    for number, page in enumerate(pages):
        page.goto(f"{address}/{places[(number + round_) % len(places)]}", wait_until="commit")
    for page in pages:
        page.locator(".ct-footer").wait_for(timeout=PATIENCE_MS)
    return [text for page in pages for text in page.locator("[data-testid=stException], .ct-empty").all_inner_texts()]


def _while_published(pages: list[Any], address: str, out: Path, wrong: list[str]) -> str:
    """Let the readers go on while a run puts another store in place, and once more when it has."""
    before, rounds = reader.database_path(out).stat().st_ino, 0
    run = subprocess.Popen([sys.executable, "-m", "tests.benchmark.pages", PUBLISH, str(out)], cwd=ROOT)
    wrong.clear()
    while run.poll() is None:
        wrong += _visits(pages, address, rounds)
        rounds += 1
    wrong += _visits(pages, address, rounds)
    assert run.returncode == 0, "the store was not published"
    assert reader.database_path(out).stat().st_ino != before, "no other file was put in place"
    return f"| the same while a run publishes, {(rounds + 1) * USERS} pages: errors | {len(wrong)} | 0 |"


def _scans(browser: object, address: str) -> str:
    ready, step = [], []
    for _ in range(3):
        page = browser.new_page(viewport={"width": 1480, "height": 1000})  # type: ignore[attr-defined]
        page.goto(f"{address}/patient?patient={SCANNED}")
        viewer = page.locator(".volumes[data-ready-ms]")
        viewer.wait_for(timeout=PATIENCE_MS)
        ready.append(int(viewer.get_attribute("data-ready-ms")) / 1000)
        page.locator(".volumes canvas").first.focus()
        for _ in range(5):
            started = time.perf_counter()
            page.keyboard.press("ArrowRight")
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            step.append(1000 * (time.perf_counter() - started))
        page.close()
    return (
        f"| two visits with masks in the 3D viewer, software rendering | {statistics.median(ready):.1f} s (best "
        f"{min(ready):.1f} s), a slice step {statistics.median(step):.0f} ms | {TARGET_VIEWER_S} s |"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        publish.publish(out, list(rows(PATIENTS)))
        save_scans(out)
        os.environ["CORDTRACK_OUT"] = str(out)
        print("## The pages\n")
        print(
            f"On {PATIENTS:,} made-up patients and {PATIENTS * VISITS:,} visits. A rerun is one run of the page's "
            f"script with another address, {REPEATS} of each; the p95 is the second longest.\n"
        )
        print("| what | measured | target |\n|---|---|---|")
        asked = {
            "board": [{"page": str(n + 2)} for n in range(REPEATS)],
            "patient": [{"patient": f"sub-{37 * n:05d}"} for n in range(REPEATS)],
            "cohort": [{"histology": "ependymoma", "age": f"{n}-90"} for n in range(REPEATS)],
        }
        for page, addresses in asked.items():
            found = reruns_ms(page, addresses)
            ordered = (sorted(wall for wall, _ in found), sorted(cpu for _, cpu in found))
            words = [f"{statistics.median(times):.0f}, {times[-2]:.0f} ms" for times in ordered]
            print(f"| rerun of {page.capitalize()}: median, p95 | {words[0]} (CPU {words[1]}) | {TARGET_MS} ms |")
        if shutil.which("chromium") is None:
            print("| in a browser | not measured: no Chromium here | |")
        else:
            with serving(out) as (address, pid):
                print("\n".join(browsing(address, pid, out)))
        print()


if __name__ == "__main__":
    if sys.argv[1:2] == [PUBLISH]:
        publish.publish(Path(sys.argv[2]), list(rows(PATIENTS)))
    else:
        main()
