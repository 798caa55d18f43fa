"""``cordtrack serve``: the pages of a study at once, and a worker that does the runs asked for on them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from pipeline.cli import pages_command
from pipeline.errors import SettingsError
from pipeline.files import child_process
from pipeline.journal import journal_key

app = typer.Typer()
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOK_SECONDS = 0.5
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
    scans_from: Annotated[
        list[Path] | None, typer.Option(help="A folder below which editors may choose folders to add scans from.")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="A .toml file that names the PACS from which editors may fetch scans.")
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Ask for a run at once, as the page's button does.")] = False,
) -> None:
    """Open the pages of a study at once: check it, run it, watch the run, look at results; nothing else is needed."""
    environment, names = _sign_in(sign_in, host)
    environment |= _scan_sources(scans_from or [], archive, (bids_dir, out_dir))
    for folder in (bids_dir, out_dir):
        if folder.exists() and not folder.is_dir():
            raise SettingsError(f"{folder}: expected a folder, found something else; name another place")
        folder.mkdir(parents=True, exist_ok=True)
    journal_key.check_place(out_dir, bids_dir)
    pages_command.check_address(host, port)
    if run:
        from pipeline.service import asking  # noqa: PLC0415  # keeps --help quick

        asking.ask_for_run(bids_dir.resolve(), out_dir.resolve(), "")
    environment = pages_command.server_environment(out_dir, bids_dir) | environment
    command = child_process.module_command("pipeline.service.worker", bids_dir.resolve(), out_dir.resolve(), str(jobs))
    pages = pages_command.server_command(host, port, names)
    with pages_command.ended_together() as processes:
        server = pages_command.start(processes, pages, environment, pages_command.PAGES)

        def start_worker() -> subprocess.Popen[bytes]:
            return pages_command.start(processes, command, environment, out_dir)

        raise typer.Exit(_look_after(server, start_worker, (host, port), str(bids_dir)))


def _scan_sources(roots: Sequence[Path], archive: Path | None, kept_out: tuple[Path, Path]) -> dict[str, str]:
    """Return what tells pages and worker where scans may be added from, besides what is dropped."""
    environment = {}
    if roots:
        from pipeline.service import scan_places  # noqa: PLC0415  # keeps --help quick

        private = kept_out[0].resolve().with_name(f"{kept_out[0].resolve().name}.private")
        environment[scan_places.ROOTS_VARIABLE] = scan_places.check_roots(roots, (*kept_out, private))
    if archive is not None:
        if importlib.util.find_spec("pynetdicom") is None:
            raise SettingsError("--archive needs pynetdicom; install with: pip install 'cordtrack[hospital]'")
        from pipeline.hospital.archive import archive_address  # noqa: PLC0415  # keeps --help quick

        archive_address.read_address(archive)
        environment["CORDTRACK_ARCHIVE"] = str(archive.resolve())
    return environment


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


def _look_after(
    server: subprocess.Popen[bytes], start: Callable[[], subprocess.Popen[bytes]], place: tuple[str, int], study: str
) -> int:
    """Have a worker beside the server until that ends; another one takes up the jobs of one that ended before."""
    worker = start()
    if pages_command.is_answering(server, *place):
        err.print(f"{study} at http://{place[0]}:{place[1]} (stop with Ctrl+C)", markup=False)
    while server.poll() is None:
        time.sleep(LOOK_SECONDS)
        if worker.poll() is not None:
            err.print(f"the worker ended with code {worker.returncode}; another one takes its jobs up", markup=False)
            time.sleep(2 * LOOK_SECONDS)
            worker = start()
    return int(server.returncode)
