"""``cordtrack dashboard``: the pages of an output folder, served until this command is ended."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli import ending
from pipeline.errors import SettingsError
from pipeline.files import child_process
from pipeline.journal import journal_key

app = typer.Typer()
SERVER_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
"""Of the dashboard's process, unless set already: with an arena for each thread glibc keeps what nobody uses."""
PAGES = child_process.CODE / "dashboard"
EVERYWHERE = ("0.0.0.0", "::")  # only named
END_SECONDS = 15.0
"""How long server and worker may take to end in order."""
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command(epilog="Example: cordtrack dashboard my_output --port 8501")
def dashboard(
    out_dir: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder of cordtrack.")],
    host: Annotated[str, typer.Option(help="Address to serve on; 127.0.0.1 keeps it on this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve on.")] = 8501,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name under which browsers may ask for the pages, beside this machine's.")
    ] = None,
) -> None:
    """Serve the dashboard of an output folder."""
    if not out_dir.is_dir():
        raise SettingsError(
            f"{out_dir}: expected an output folder of cordtrack, found no such folder; "
            "name the folder that cordtrack run wrote to"
        )
    journal_key.check_place(out_dir)
    check_address(host, port)
    # Streamlit reads settings from the folder it is started in: only ours count.
    command, environment = server_command(host, port, allow_host), server_environment(out_dir)
    with ended_together() as processes:
        server = start(processes, command, environment, PAGES)
        if is_answering(server, host, port):
            err.print(f"Dashboard of {out_dir} at http://{host}:{port} (stop with Ctrl+C)", markup=False)
            _look_for_newer_inputs(out_dir.resolve())
        raise typer.Exit(server.wait())


def _look_for_newer_inputs(out_dir: Path) -> None:
    from pipeline.service import newer_inputs  # noqa: PLC0415  # what a run needs is loaded once the pages answer

    newer_inputs.keep_looking_unserved(out_dir)


def server_command(host: str, port: int, allow_host: Sequence[str] | None) -> list[str]:
    """Return the command of the process that serves the pages."""
    return child_process.module_command("dashboard.server", host, str(port), *(allow_host or ()))


def server_environment(out_dir: Path, bids_dir: Path | None = None) -> dict[str, str]:
    """Return its environment: which output folder is shown, and of which study, where runs can be asked for."""
    study = {} if bids_dir is None else {"CORDTRACK_STUDY": str(bids_dir.resolve())}
    environment = SERVER_ENVIRONMENT | child_process.child_environment()
    for name in ("CORDTRACK_STUDY", "CORDTRACK_SIGN_IN", "CORDTRACK_SCAN_ROOTS", "CORDTRACK_ARCHIVE"):
        environment.pop(name, None)
    return environment | study | {"CORDTRACK_OUT": str(out_dir.resolve())}


@contextmanager
def ended_together() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Lend a list; what was started into it ends in order at last, or is ended: one that was stopped never would."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def start(
    processes: list[subprocess.Popen[bytes]], command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    """Start a program and note it among those that are ended together, whatever comes in between."""
    with ending.undisturbed():
        processes.append(subprocess.Popen(command, env=environment, cwd=folder))
    return processes[-1]


def check_address(host: str, port: int) -> None:
    """Refuse an address that is taken."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        raise SettingsError(
            f"{host}:{port}: expected an address that is free, found one that cannot be served on "
            f"({error.strerror or error}); stop what is served there or choose another --port"
        ) from error


def is_answering(server: subprocess.Popen[bytes], host: str, port: int) -> bool:
    """Wait until the server answers; say False when it ends before."""
    near = "127.0.0.1" if host in EVERYWHERE else host
    name = f"[{near}]" if ":" in near else near
    address = f"http://{name}:{port}/_stcore/health"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine needs no proxy
    while server.poll() is None:
        try:
            with direct.open(address, timeout=5):
                return True
        except OSError:
            time.sleep(0.1)
    return False
