"""The output folder: what the last run was asked, and one pipeline at a time."""

from __future__ import annotations

import os
import shutil
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import StoreError

LOCK_NAME = ".cordtrack.lock"
"""File that a run locks in its output folder; it stays, and tells an output folder from any other."""


def settings_of(out_dir: Path) -> dict[str, Any]:
    """Read what the last run was asked to do, from ``run.toml`` in the output folder.

    Raises
    ------
    StoreError
        The folder holds no run.
    """
    path = out_dir / "run.toml"
    if not path.is_file():
        raise StoreError(f"{out_dir}: expected an output folder of cordtrack (with run.toml), found none; run first")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@contextmanager
def exclusive(out_dir: Path) -> Iterator[None]:
    """Hold an output folder against a second process; whoever holds it may enter again.

    Parameters
    ----------
    out_dir
        The output folder; made when it does not exist.

    Raises
    ------
    StoreError
        Another process holds it (the message names it), or the folder cannot be made or written.
    """
    holder = out_dir / ".cordtrack.holder"
    lock = FileLock(out_dir / LOCK_NAME, timeout=0, is_singleton=True)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
    except Timeout as error:
        who = holder.read_text(encoding="utf-8") if holder.is_file() else "another process"
        message = f"{out_dir}: {who} is writing here; wait until it has finished, or stop it, then run again"
        raise StoreError(message) from error
    except OSError as error:
        message = (
            f"{out_dir}: expected a folder that can be written, but it cannot ({error}); correct its permissions, "
            f"free some space or choose another output folder"
        )
        raise StoreError(message) from error
    try:
        yield
    finally:
        lock.release()


def sweep(out_dir: Path, pattern: str) -> None:
    """Remove what killed runs left under a name of this pattern; whoever calls this holds the folder."""
    for leftover in out_dir.glob(pattern):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
