"""``cordtrack serve``: the pages of a study at once, and a worker that does the runs asked for on them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from pipeline.cli import pages_command
from pipeline.errors import SettingsError
from pipeline.files import child_process

app = typer.Typer()
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOK_SECONDS = 0.5
END_SECONDS = 15.0
"""How long server and worker may take to end in order."""
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command(epilog="Example: cordtrack serve my_study my_output")
def serve(
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Study folder; made where there is none yet.")],
    out_dir: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder; made where there is none yet.")],
    host: Annotated[
        str, typer.Option(help="Address to serve on; another than this machine's own only with --sign-in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve on.")] = 8501,
    jobs: Annotated[int, typer.Option(min=1, help="Patients worked on at the same time.")] = max(
        1, (os.cpu_count() or 2) - 1
    ),
    sign_in: Annotated[
        Path | None, typer.Option(help="A .toml file that says how people sign in and which roles they have.")
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Ask for a run at once, as the page's button does.")] = False,
) -> None:
    """Open the pages of a study at once: check it, run it, watch the run, look at results; nothing else is needed."""
    environment, names = _sign_in(sign_in, host)
    for folder in (bids_dir, out_dir):
        if folder.exists() and not folder.is_dir():
            raise SettingsError(f"{folder}: expected a folder, found something else; name another place")
        folder.mkdir(parents=True, exist_ok=True)
    pages_command.check_address(host, port)
    environment = pages_command.server_environment(out_dir, bids_dir) | environment
    worker_command = child_process.module_command(
        "pipeline.service.worker", bids_dir.resolve(), out_dir.resolve(), str(jobs)
    )

    def start_worker() -> subprocess.Popen[bytes]:
        return subprocess.Popen(worker_command, env=child_process.child_environment(), cwd=out_dir)

    if run:
        from pipeline.service import asking  # noqa: PLC0415  # keeps --help quick

        asking.ask_for_run(bids_dir.resolve(), out_dir.resolve(), "")
    worker = start_worker()
    server = subprocess.Popen(pages_command.server_command(host, port, names), env=environment, cwd=pages_command.PAGES)
    try:
        if pages_command.is_answering(server, host, port):
            err.print(f"{bids_dir} at http://{host}:{port} (stop with Ctrl+C)", markup=False)
        while server.poll() is None:
            worker = _looked_after(worker, start_worker)
            time.sleep(LOOK_SECONDS)
        raise typer.Exit(server.returncode)
    finally:
        _end(server, worker)


def _sign_in(file: Path | None, host: str) -> tuple[dict[str, str], list[str]]:
    """Return what tells the pages how people sign in, and the name under which browsers ask for them."""
    if file is None:
        if host not in LOOPBACK:
            raise SettingsError(
                f"--host {host}: expected an address of this machine alone ({', '.join(LOOPBACK)}), for whoever "
                "reaches the pages could change the study and sign under any name; --sign-in FILE.toml lets people in "
                "by name (docs/security.md)"
            )
        return {}, []
    if importlib.util.find_spec("authlib") is None or importlib.util.find_spec("httpx") is None:
        raise SettingsError("--sign-in needs Authlib and httpx; install with: pip install 'cordtrack[sign-in]'")
    from pipeline.journal import sign_in_rules  # noqa: PLC0415  # keeps --help quick

    public = urlsplit(sign_in_rules.read(file).redirect_uri).hostname
    return {"CORDTRACK_SIGN_IN": str(file.resolve())}, [public] if public else []


def _looked_after(
    worker: subprocess.Popen[bytes], start_worker: Callable[[], subprocess.Popen[bytes]]
) -> subprocess.Popen[bytes]:
    """Return the worker, or another one in the place of one that ended: jobs are taken up where they were left."""
    if worker.poll() is None:
        return worker
    err.print(f"the worker ended with code {worker.returncode}; another one takes its jobs up", markup=False)
    time.sleep(2 * LOOK_SECONDS)
    return start_worker()


def _end(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
