"""A short mark of everything a run reads, from the files' names, sizes and times: another mark, another run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

OWN = frozenset({"cordtrack"})
"""Folders of a study's derivatives that hold results of this program."""


def of_inputs(bids_dir: Path, out_dir: Path) -> str:
    """Return the mark of a study folder and of what people decided about it; no file is opened."""
    digest = hashlib.sha256()
    for path in (*sorted(_files(bids_dir)), out_dir / "journal" / "acts.jsonl"):
        try:
            status = path.stat()
        except OSError:
            continue
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        is_derivatives = Path(place).name == "derivatives"
        folders[:] = [name for name in folders if not name.startswith(".") and not (is_derivatives and name in OWN)]
        yield from (Path(place, name) for name in names)
