"""The output folder: what the last run was asked, and one pipeline at a time."""

from __future__ import annotations

import os
import shutil
import socket
import tomllib
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import StoreError

LOCK_NAME = ".cordtrack.lock"
"""File that a run locks in its output folder; it stays, and tells an output folder from any other."""
SETTINGS = "run.toml"
"""File of an output folder that says what its last run was asked to do."""


def settings_of(out_dir: Path) -> dict[str, Any]:
    """Read what the last run was asked to do, from ``run.toml`` in the output folder.

    Raises
    ------
    StoreError
        The folder holds no run, or the file is damaged.
    """
    path = out_dir / SETTINGS
    if not path.is_file():
        raise StoreError(f"{out_dir}: expected an output folder of cordtrack (with {SETTINGS}), found none; run first")
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: expected what the last run was asked, found a file that cannot be read ({error}); take it away "
            "and run again, with the options of that run"
        ) from error
    return settings


def study_of(out_dir: Path) -> Path:
    """Return the study that the last run of an output folder read.

    Raises
    ------
    StoreError
        The folder holds no run, or the file does not say.
    """
    bids_dir = settings_of(out_dir).get("bids_dir")
    if not isinstance(bids_dir, str) or not bids_dir:
        raise StoreError(
            f"{out_dir / SETTINGS}: expected the study of the last run (bids_dir), found none; take the file away and "
            "run again, with the options of that run"
        )
    return Path(bids_dir)


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


@dataclass(frozen=True, eq=False)
class OutputPlace:
    """An output folder as it was when a run began: a folder of that name that was made since is another one.

    The folder is held open for as long as this is kept. The system calls a folder by numbers that it gives to the next
    one once nobody holds the first, and some file systems number a folder anew when nobody holds it.

    Attributes
    ----------
    device, inode
        What the system calls it by; no other folder has the same while it is held.
    """

    path: Path
    device: int
    inode: int


def place_of(out_dir: Path) -> OutputPlace:
    """Return where an output folder is, and hold it; made when it does not exist.

    Raises
    ------
    StoreError
        It cannot be made.
    """
    handle = None
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        if hasattr(os, "O_DIRECTORY"):  # elsewhere no folder can be opened
            handle = os.open(out_dir, os.O_RDONLY | os.O_DIRECTORY)
        state = out_dir.stat() if handle is None else os.fstat(handle)
    except OSError as error:
        raise StoreError(
            f"{out_dir}: expected a folder that can be written, but it cannot be made ({error.strerror}); correct its "
            "permissions, free some space or choose another output folder"
        ) from error
    place = OutputPlace(out_dir, state.st_dev, state.st_ino)
    if handle is not None:
        weakref.finalize(place, os.close, handle)
    return place


def check_still_there(place: OutputPlace) -> None:
    """Refuse to go on in another folder than the one a run began in: what people put on record is in that one.

    Raises
    ------
    StoreError
        The folder was taken away, renamed, or its disk is no longer there.
    """
    try:
        state = place.path.stat()
    except OSError:
        state = None
    if state is None or (state.st_dev, state.st_ino) != (place.device, place.inode):
        raise StoreError(
            f"{place.path}: expected the output folder that this run began in, found "
            f"{'none' if state is None else 'another one in its place'}: it was moved or removed, or its disk is gone; "
            "nothing was published. Take away what is there now, put the folder back, and run again"
        )


def sweep(out_dir: Path, pattern: str) -> None:
    """Remove what killed runs left under a name of this pattern; whoever calls this holds the folder."""
    for leftover in out_dir.glob(pattern):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
