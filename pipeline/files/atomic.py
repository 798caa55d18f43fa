"""One way to write a file: whole or not at all, and kept through a power cut.

The content goes into a file of this process beside the target, reaches the disk, and only then takes the target's
name; whatever fails leaves the old file as it was and nothing half-written beside it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import StoreError

PARTIAL = re.compile(r"\.\d+-\d+\..+")
"""Names of files that are being written: process, thread, and the name to be."""

LEFT_AFTER_S = 3600.0
"""A file that nobody has written to for so long was left by a process that was killed."""


@contextmanager
def replacing(target: Path, *, extension: str = "", mode: int | None = None) -> Iterator[Path]:
    """Lend a path to write to; when the block ends well, what was written there becomes the target.

    Parameters
    ----------
    target
        Its folder is made when it does not exist.
    extension
        Added to the path that is lent, for libraries that tell the format by it.
    mode
        Rights of the file from its first byte on, such as 0o600 for a secret; None for the usual ones.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "a.txt") as partial:
    ...         _ = partial.write_text("whole")
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.txt']
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = f"{os.getpid()}-{threading.get_ident()}"  # pages serve people in threads
    partial = target.with_name(f".{writer}.{target.name.replace('.', '_')}{extension}")  # ITK reads the last dot
    try:
        if mode is not None:
            partial.unlink(missing_ok=True)  # rights are given to new files only
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        yield partial
        put_in_place(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file's content, whole or not at all (see :func:`replacing`)."""
    with replacing(target, mode=mode) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; nothing is touched when the file holds this text already."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    try:
        write_bytes(path, text.encode("utf-8"))
    except OSError as error:
        raise StoreError(
            f"{path.name}: could not be written in {path.parent} ({error.strerror}); "
            f"free some space or make the output folder writable, then run again"
        ) from error


def check_room(partial: Path, size: int) -> None:
    """Raise OSError where a file of that many bytes does not fit, for writers that do not say so."""
    if not hasattr(os, "posix_fallocate"):
        return
    with partial.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, size)
    partial.unlink()


def sweep_partial(folder: Path) -> None:
    """Remove what killed processes left half written in a folder and below, at any depth."""
    for leftover in folder.rglob(".*"):
        with suppress(FileNotFoundError):  # whoever writes it has just finished
            if PARTIAL.fullmatch(leftover.name) and time.time() - leftover.stat().st_mtime > LEFT_AFTER_S:
                leftover.unlink()


def put_in_place(finished: Path, target: Path) -> None:
    """Replace a file by a finished one of the same folder in one step that a power cut cannot undo."""
    _sync(finished)
    finished.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
