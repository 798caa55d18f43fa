"""Take the pictures of the pages again: python docs/screenshots/take.py OUT_DIR (needs Chromium and playwright)."""

import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

HERE = Path(__file__).parent
PAGES = {
    "board": ("", "light"),
    "board-dark": ("", "dark"),
    "projector": ("present", "light"),
    "patient": ("patient?patient=sub-demo03", "light"),
    "patient-response": ("patient?patient=sub-demo05", "light"),
    "patient-blend": ("patient?patient=sub-demo02&plain=1", "light"),
    "cohort": ("cohort", "light"),
    "quality": ("quality", "light"),
    "methods": ("methods", "light"),
}
"""Address and ground of each picture."""
HEIGHTS = {"patient": 1560, "quality": 2300}
"""Pixels of the pictures that show more than a screen does, which is 1000."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 90_000
SETTLING_MS = 8_000
"""For the last parts of a page to be drawn, which on a busy machine come after it says that it is done."""


def reach(page: Page, address: str) -> None:
    """Wait until the server answers."""
    for _ in range(60):
        with suppress(Error):
            page.goto(address)
            return
        page.wait_for_timeout(500)


def take(page: Page, name: str, url: str) -> None:
    """Open a page, wait until it stands still, and save what a reader sees first."""
    page.goto(url)
    page.locator(".ct-footer").wait_for()
    if name.startswith(("patient", "projector")):
        page.locator(".volumes[data-ready=true], .slices:not([hidden]) canvas").first.wait_for()
    if name == "patient-blend":
        page.get_by_role("button", name="blend", exact=True).click()
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')")
    page.wait_for_timeout(SETTLING_MS)
    page.screenshot(path=HERE / f"{name}.png")


def main() -> None:
    """Serve the output folder and take every picture."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-m", "dashboard.server", "127.0.0.1", str(port)]
    environment = os.environ | {"CORDTRACK_OUT": str(Path(sys.argv[1]).resolve())}
    pages = HERE.parent.parent / "dashboard"
    server = subprocess.Popen(command, env=environment, cwd=pages, stdout=subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for name, (address, ground) in PAGES.items():
                size = {"width": 1480, "height": HEIGHTS.get(name, 1000)}
                page = browser.new_page(viewport=size, color_scheme=ground)
                page.set_default_timeout(PATIENCE_MS)
                reach(page, f"http://127.0.0.1:{port}/_stcore/health")
                take(page, name, f"http://127.0.0.1:{port}/{address}")
                page.close()
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
