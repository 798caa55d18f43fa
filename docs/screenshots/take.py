"""Take the pictures of the pages again: python docs/screenshots/take.py OUT_DIR (needs Chromium and playwright)."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
PAGES = {
    "board": "",
    "patient": "patient?patient=sub-demo03",
    "patient-response": "patient?patient=sub-demo05",
    "cohort": "cohort",
    "quality": "quality",
    "methods": "methods",
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 90_000


def take(page: Page, name: str, url: str) -> None:
    """Open a page, wait until it stands still, and save what a reader sees first."""
    page.goto(url)
    page.locator(".ct-footer").wait_for()
    if name.startswith("patient"):
        page.locator("canvas").first.wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')")
    page.wait_for_timeout(2500)
    page.screenshot(path=HERE / f"{name}.png")


def main() -> None:
    """Serve the output folder and take every picture."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = HERE.parent.parent / "dashboard" / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port)]
    environment = os.environ | {"CORDTRACK_OUT": str(Path(sys.argv[1]).resolve())}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1480, "height": 1000})
            page.set_default_timeout(PATIENCE_MS)
            page.wait_for_timeout(8000)
            for name, address in PAGES.items():
                take(page, name, f"http://127.0.0.1:{port}/{address}")
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
