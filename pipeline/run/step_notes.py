"""Which step each patient is at while a run works on it: a small file per patient, gone when it is finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

JOBS = ".jobs"
"""Folder of the output folder in which each patient that is worked on is held against every other process."""

NOTE = ".step.json"


@dataclass(frozen=True)
class StepNote:
    """The step that a patient is at: steps done, steps in all, the name of the one begun, and when (s since 1970)."""

    patient_id: str
    done: int
    total: int
    step: str
    at_s: float


@contextmanager
def noting(folder: Path) -> Iterator[Callable[[int, int, str], None]]:
    """Lend what notes a step in a patient's folder; a note that cannot be written stops no work.

    The file stays open: a file emptied and closed anew at each step is written to the disk each time.
    """
    with ExitStack() as stack:
        stack.callback(_remove, folder / NOTE)
        stream: TextIO | None = None
        with suppress(OSError):
            stream = (folder / NOTE).open("w", encoding="utf-8")
            stack.callback(_close, stream)

        def note(done: int, total: int, step: str) -> None:
            if stream is not None:
                with suppress(OSError):
                    stream.seek(0)
                    stream.write(json.dumps([done, total, step]))
                    stream.truncate()
                    stream.flush()

        yield note


def _close(stream: TextIO) -> None:
    with suppress(OSError):  # what could not be written before, on a full disk
        stream.close()


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)


def notes(folder: Path) -> tuple[StepNote, ...]:
    """Return what is noted of the patients of a run, by patient; what is just being written is left out."""
    listed = []
    for file in sorted(folder.glob(f"*/{NOTE}")):
        with suppress(OSError, ValueError):
            done, total, step = json.loads(file.read_text(encoding="utf-8"))
            listed.append(StepNote(file.parent.name, done, total, step, file.stat().st_mtime))
    return tuple(listed)
