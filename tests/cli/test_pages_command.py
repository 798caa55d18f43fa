"""``cordtrack dashboard`` ends when it is ended, serves this machine's names, and refuses what it cannot serve."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.page_visit import free_port, wait_until_healthy
from tests.places import ROOT

COMMAND = [sys.executable, "-P", "-m", "pipeline", "dashboard"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


def started(out: Path, port: int, *more: str) -> subprocess.Popen[bytes]:
    log = out.with_name(f"log-{port}")
    with log.open("wb") as stream:
        server = subprocess.Popen([*COMMAND, str(out), "--port", str(port), *more], env=ENVIRONMENT, stderr=stream)
    wait_until_healthy(f"http://127.0.0.1:{port}", server, log)
    return server


@pytest.fixture(scope="module")
def port(out: Path):
    port = free_port()
    server = started(out, port)
    yield port
    server.terminate()
    assert server.wait(timeout=30) == 128 + signal.SIGTERM


def is_served(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def status(port: int, path: str = "/", **headers: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_this_machine_s_names_are_served_and_no_other(port: int) -> None:
    assert status(port) == 200
    assert status(port, Host=f"localhost:{port}") == 200
    assert status(port, Host="rebound.example") == 421


def test_a_page_of_another_site_gets_no_session(port: int) -> None:
    stream = f"ws://127.0.0.1:{port}/_stcore/stream"
    with connect(stream, origin=f"http://127.0.0.1:{port}"):
        pass
    with pytest.raises(InvalidStatus, match="403"), connect(stream, origin="http://evil.example"):
        pass
    rebound = f"rebound.example:{port}"  # a name of another site that leads here
    here = socket.create_connection(("127.0.0.1", port))
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://{rebound}/_stcore/stream", origin=f"http://{rebound}", sock=here),
    ):
        pass


def test_the_server_s_own_numbers_are_closed_and_answers_say_what_they_may_load(port: int) -> None:
    assert status(port, "/_stcore/metrics") == 404
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
        assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a parent's number does not change there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_server_ends_with_its_command_however_that_ends(out: Path, number: signal.Signals) -> None:
    port = free_port()
    command = started(out, port)
    command.send_signal(number)
    command.wait(timeout=30)
    until = time.monotonic() + 30
    while is_served(port) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_served(port)


def refused(*arguments: str) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "expected an output folder of cordtrack, found no such folder" in refused(str(tmp_path / "absent"))


def test_an_address_that_is_taken_is_refused_and_another_port_helps(out: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = refused(str(out), "--port", str(other.getsockname()[1]))
    assert "expected an address that is free" in said
    assert "--port" in said
