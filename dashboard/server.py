"""The process that serves the pages: Streamlit behind the guard, for as long as whoever started it is there.

Started by ``cordtrack dashboard``; ``python -P -m dashboard.server HOST PORT [NAME ...]`` with the output folder in the
environment. A server whose starter was killed would serve on unseen, so it looks after its parent each second.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit import runtime
from streamlit.components.v2 import manifest_scanner

from dashboard.data import who
from dashboard.guard import Guard
from dashboard.shell import guide
from dashboard.signed_requests import SignedRequests, cookie_claims
from dashboard.upload_limits import MOST_FILE_MEGABYTES, HeldFiles, UploadLimits
from pipeline.files.child_process import end_with_parent

SCRIPT = Path(__file__).with_name("app.py")


OPENED_FIRST = (
    "dashboard.shell.page", "dashboard.shell.job_progress", "dashboard.study.run_section", "dashboard.study.scans_form",
    "dashboard.study.table_forms", "dashboard.board.board_table",
)  # fmt: skip
"""What the pages that are opened first need: most of the time of a first page is spent on loading it."""

OPENED_NEXT = ("dashboard.patient.course",)
"""What reads and draws scans, which takes as long again: loaded when whoever came at once has seen a page."""

FIRST_PAGE_S = 3.0


def serve(host: str, port: int, names: Sequence[str]) -> None:
    """Serve the pages until this process is asked to end.

    Parameters
    ----------
    names
        Host names that are answered to, beside ``host`` and those of this machine alone.
    """
    sys.argv = [str(SCRIPT)]  # Streamlit reads the settings that lie beside it
    middleware = [
        Middleware(Guard, names=(host, *names)),
        Middleware(SignedRequests, claims_of=cookie_claims),
        Middleware(UploadLimits, held=held),
    ]
    app = st.App(SCRIPT, routes=[*guide.routes(), Route("/board", to_board)], middleware=middleware)
    settings = {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": MOST_FILE_MEGABYTES,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": host,
    }
    if who.is_sign_in_on():
        settings["secrets.files"] = [os.environ[who.SIGN_IN_VARIABLE]]
    threading.Thread(target=load_ahead, daemon=True, name="load ahead").start()
    manifest_scanner.scan_component_manifests = no_manifests
    app.run(config=settings)


def no_manifests(max_workers: int | None = None) -> list[tuple[manifest_scanner.ComponentManifest, Path]]:  # noqa: ARG001
    """Stand in for the search of every installed package for components: those of the pages come with their pages.

    The search reads the description of each package, which takes a quarter of a second of the time to a first page.
    """
    return []


def to_board(request: Request) -> RedirectResponse:
    """Lead an address that names the board to it: it is the first page, which has no name of its own."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"./{query}")


def load_ahead() -> None:
    """Load what the first pages need while nobody has opened one yet; whoever comes meanwhile waits for no more."""
    for name in OPENED_FIRST:
        importlib.import_module(name)
    time.sleep(FIRST_PAGE_S)
    for name in OPENED_NEXT:
        importlib.import_module(name)


def held(session_id: str) -> HeldFiles:
    """Return what the server holds in memory of files that were brought: of one session, and of all."""
    if not runtime.exists():
        return HeldFiles(0, 0)
    sessions = dict(runtime.get_instance().uploaded_file_mgr.file_storage)
    sizes = {session: [len(file.data) for file in list(files.values())] for session, files in sessions.items()}
    return HeldFiles(len(sizes.get(session_id, ())), sum(map(sum, sizes.values())))


if __name__ == "__main__":
    end_with_parent(os.getppid())
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
