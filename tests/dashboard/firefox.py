"""A Firefox out of sight, driven by its own remote protocol (Marionette) over a socket; no driver program is needed.

Headless Firefox draws no WebGL2. Where Xvfb is installed, it runs on a screen of that instead, drawn in software.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 240
QUIET = {
    "app.update.auto": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "webgl.force-enabled": True,
}
"""So that it asks the network for nothing of its own, and draws WebGL2 in software too."""

DEEP = """
const all = (selector, root = document) => [...root.querySelectorAll(selector),
  ...[...root.querySelectorAll('*')].filter((e) => e.shadowRoot).flatMap((e) => all(selector, e.shadowRoot))];
"""
"""Finds elements inside the shadow roots of components too."""


class Firefox:
    """One window of a running Firefox."""

    def __init__(self, port: int) -> None:
        self.socket = _connected(port)
        self.count = 0
        self._read()
        self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self.ask("WebDriver:SetWindowRect", width=1100, height=900)

    def ask(self, command: str, **parameters: Any) -> Any:
        """Send a command, return its answer, and fail the test with Firefox's own words."""
        self.count += 1
        message = json.dumps([0, self.count, command, parameters]).encode()
        self.socket.sendall(str(len(message)).encode() + b":" + message)
        _, _, error, answer = self._read()
        assert error is None, f"{command}: {error}"
        return answer.get("value", answer) if isinstance(answer, dict) else answer

    def open(self, url: str) -> None:
        self.ask("WebDriver:Navigate", url=url)

    def run(self, script: str) -> Any:
        """Return what a script of the page returns; it may call ``all(selector)``."""
        return self.ask("WebDriver:ExecuteScript", script=DEEP + script, args=[], newSandbox=True)

    def wait_for(self, script: str) -> Any:
        """Wait until a script returns something true."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = self.run(script)
            if found:
                return found
            time.sleep(0.2)
        text = self.run("return document.body.innerText")
        pytest.fail(f"{script!r} stayed untrue for {PATIENCE_S} s; the page reads: {text[:400]}")

    def press(self, *keys: str) -> None:
        """Press keys one after the other where the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def click(self, element: str) -> None:
        """Bring the pointer to the middle of what a script returns, and click there as a hand does."""
        box = f"const box = ({element}).getBoundingClientRect();"
        self.run(f"({element}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.run(f"{box} return [box.x + box.width / 2, box.y + box.height / 2].map(Math.round)")
        moves = [{"type": "pointerMove", "x": x + off, "y": y, "origin": "viewport"} for off in (9, 4, 0)]
        pressed = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        actions = [{"type": "pointer", "id": "hand", "actions": [*moves, *pressed]}]
        self.ask("WebDriver:PerformActions", actions=actions)

    def address(self) -> str:
        return str(self.run("return location.href"))

    def screenshot(self) -> bytes:
        return base64.b64decode(self.ask("WebDriver:TakeScreenshot", full=False))

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._bytes(1)
        return json.loads(self._bytes(int(length[:-1])))

    def _bytes(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.socket.recv(count - len(found))
            assert piece, "Firefox went away"
            found += piece
        return found


@contextmanager
def running(profile: Path) -> Iterator[Firefox]:
    """Start Firefox with an empty profile; without one on this machine the test is skipped, in words."""
    program = shutil.which("firefox") or shutil.which("firefox-esr")
    if program is None:
        pytest.skip("no Firefox on this machine: the viewer was not looked at in it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    profile.mkdir()
    settings = QUIET | {"marionette.port": port}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [program, "--marionette", "--no-remote", "--profile", str(profile)]
    environment = os.environ | {"HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    with _screen() as display, (profile / "said").open("w") as said:
        how = {"DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1"} if display else {"MOZ_HEADLESS": "1"}
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment | how)
        try:
            yield Firefox(port)
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def _screen() -> Iterator[str | None]:
    """Start a screen that nobody sees, and give its name; None where there is none."""
    program = shutil.which("Xvfb")
    if program is None:
        yield None
        return
    command = [program, "-displayfd", "1", "-screen", "0", "1280x1000x24", "+extension", "GLX"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield f":{process.stdout.readline().strip()}"
        process.terminate()


def _connected(port: int) -> socket.socket:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"Firefox did not answer within {PATIENCE_S} s")
