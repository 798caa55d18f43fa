"""Visiting the pages without a browser: the HTTP and the websocket that a browser would use, one session a page."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

PATIENCE_S = 120
PAGES = ("", "patient", "cohort", "quality", "methods")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Start ``cordtrack dashboard`` from a folder, and give the address once it answers; stop all it started."""
    port = free_port()
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [*map(str, command), "--port", str(port)], cwd=folder, env=dict(environment), stdout=stream, stderr=stream,
            start_new_session=True,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(address, server, log)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


def wait_until_healthy(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                assert answer.read() == b"ok"
                return
        except OSError:  # not there yet, or too busy to answer
            time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))


def text_of(address: str, page: str = "", query: str = "") -> str:
    """Run a page as a browser does and return all that it sends, as text; an exception shown on it fails."""
    shown = []
    with connect(f"{address.replace('http', 'ws')}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as link:
        request = BackMsg()
        request.rerun_script.page_name = page
        request.rerun_script.query_string = query
        link.send(request.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(link.recv(timeout=PATIENCE_S))
            if message.WhichOneof("type") == "script_finished":
                assert message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY, shown
                return "\n".join(shown)
            if message.WhichOneof("type") == "delta":
                assert message.delta.new_element.WhichOneof("type") != "exception", message
                shown.append(str(message.delta))
