"""No process of ours speaks to another machine, but for the commands that are asked to: commands, workers and pages.

Each Python that is started notes whom it wants to reach, and is refused whoever is not this machine (about 40 s).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from pipeline.core.volume import Volume
from pipeline.files import child_process, images
from tests import page_visit
from tests.places import ROOT

LOCAL = ("127.0.0.1", "::1", "localhost", "")
WATCH = f"""
import json, os, sys

def watch(event, arguments):
    if not event.startswith("socket."):
        return
    name = event.removeprefix("socket.")
    if name in ("connect", "sendto", "sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""  # else a socket of this machine, named by a path
    elif name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo"):
        host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host or ""
    with open(os.environ["WHOM"], "a") as notes:
        notes.write(json.dumps([name, host, sys.argv]) + chr(10))
    if host not in {LOCAL}:
        raise OSError("nobody asked for this connection")

sys.addaudithook(watch)
with open(os.environ["WHOM"], "a") as notes:
    notes.write(json.dumps(["started", "", getattr(sys, "orig_argv", [])]) + chr(10))
"""
VOLUMES = "patient_id,date,compartment,volume_mm3\np1,2020-01-01,tumour,1000\np1,2021-01-01,tumour,1600\n"


class Watched:
    """Commands that are run with somebody who notes whom they want to reach."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notes = folder, folder / "whom"
        (folder / "watch").mkdir()
        (folder / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
        named = os.pathsep.join((str(folder / "watch"), str(ROOT)))
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "")
        self.environment = {**os.environ, **proxies, "PYTHONPATH": named, "WHOM": str(self.notes)}

    def command(self, *arguments: str | Path) -> None:
        done = subprocess.run(
            child_process.module_command("pipeline", *arguments), cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode in (0, 3), done.stdout + done.stderr

    def lines(self) -> list[tuple[str, str, list[str]]]:
        return [tuple(json.loads(line)) for line in self.notes.read_text(encoding="utf-8").splitlines()]

    def outside(self) -> list[tuple[str, str, list[str]]]:
        return [line for line in self.lines() if line[1] not in LOCAL]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "socket.create_connection(('192.0.2.1', 9), timeout=0.01)",
        "socket.getaddrinfo('elsewhere.example', 80)",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
        "urllib.request.urlopen('http://elsewhere.example')",
    ],
)
def test_somebody_who_calls_outside_is_noticed(watched: Watched, code: str) -> None:
    words = f"import socket, urllib.request; {code}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", words], env=watched.environment, capture_output=True, text=True, check=False
    )
    assert "nobody asked for this connection" in done.stderr
    assert {line[1] for line in watched.outside()} <= {"192.0.2.1", "elsewhere.example"}
    assert watched.outside()


@pytest.mark.slow
def test_commands_their_workers_and_the_pages_reach_nobody_but_this_machine(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "volumes.csv").write_text(VOLUMES, encoding="utf-8")
    drawn = (np.indices((8, 8, 8)) < 3).all(axis=0)
    images.save(Volume(drawn.astype(np.uint8), np.eye(4)), tmp_path / "mask.nii.gz")
    watched.command("import", "volumes.csv", "study", "--as-of", "2026-01-01")
    watched.command("run", "study", "out", "--as-of", "2026-01-01", "--jobs", "2")
    watched.command("measure", "mask.nii.gz")
    watched.command("assess", "volumes.csv", "-o", "judged.csv", "--as-of", "2026-01-01")
    watched.command("export", "out", "--table", "measurement", "-o", "measurement.csv")
    command = child_process.module_command("pipeline", "dashboard", "out")
    with page_visit.serving(command, tmp_path, watched.environment, tmp_path / "log") as address:
        assert "sub-p1" in page_visit.text_of(address, "patient", "patient=sub-p1")
        socket_of = f"{address.replace('http', 'ws')}/_stcore/stream"
        for headers in ({"Origin": "http://elsewhere.example"}, {"Origin": "null"}, {"Host": "elsewhere.example"}):
            with pytest.raises((WebSocketException, ConnectionError)):
                connect(socket_of, subprotocols=["streamlit"], additional_headers=headers).recv(timeout=20)
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20)
    started = [" ".join(line[2]) for line in watched.lines() if line[0] == "started"]
    for words in ("pipeline run", "pipeline measure", "pipeline assess", "dashboard.server"):
        assert any(words in command_line for command_line in started), (words, started)
    assert len(started) > len(["import", "run", "measure", "assess", "export", "dashboard", "server"]), (
        "workers are watched, too"
    )
    assert watched.outside() == []
