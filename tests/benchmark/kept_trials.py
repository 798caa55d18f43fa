"""Trials of a benchmark in as many calls as they take: each is kept by its seed, and what is kept is not done again.

A file of lines holds the trials of one benchmark by one state of code, limits and libraries: other code begins anew, so
that no report mixes two programs. Several calls, one after the other or beside each other, fill the same file.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.description import limit_file
from pipeline.files import fingerprints
from tests.places import ROOT

FOLDER = ROOT / ".cache" / "benchmark"
DESCRIBES = ("pipeline.description.visit_description", "pipeline.cord.cord_finding")
MADE_BY = ("tests/benchmark/described_visits.py", "tests/benchmark/host_cords.py", "tests/benchmark/description.py")


def state_of_description(*more: str) -> str:
    """Return a digest of all that made-up visits and their descriptions depend on; ``more`` are further files."""
    digest = hashlib.sha256()
    painters = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "sample_data").glob("*.py"))
    for path in (*MADE_BY, *more, *painters):
        digest.update((ROOT / path).read_bytes())
    for word in (fingerprints.of_code(*DESCRIBES), fingerprints.of_values(limit_file.packaged())):
        digest.update(word.encode())
    digest.update(fingerprints.software().encode())
    return digest.hexdigest()


class KeptTrials:
    """The trials of one benchmark that are done, by their key.

    Parameters
    ----------
    name
        Of the benchmark.
    state
        Digest of what a trial depends on beside its key.
    folder
        Where the file lies.
    """

    def __init__(self, name: str, state: str, folder: Path = FOLDER) -> None:
        self.path = folder / f"{name}-{state[:12]}.jsonl"
        self._lock = self.path.with_suffix(".lock")

    def read(self) -> dict[str, Any]:
        """Return what each trial came to; a last line that was cut off while it was written counts as not done.

        Raises
        ------
        ValueError
            Another line cannot be read.
        """
        lines = self.path.read_text(encoding="utf-8").split("\n") if self.path.is_file() else [""]
        done: dict[str, Any] = {}
        for number, line in enumerate(lines[:-1], start=1):
            try:
                entry = json.loads(line)
                done[entry["key"]] = entry["result"]
            except (ValueError, KeyError, TypeError) as fault:
                msg = f"{self.path}, line {number}: expected a trial with key and result ({fault}); remove the line"
                raise ValueError(msg) from fault
        return done

    def done(self, keys: Sequence[str], make: Callable[[str], Any], most: int | None = None) -> Mapping[str, Any]:
        """Return the wanted trials that are done, after doing up to ``most`` of those that are not (all where None)."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._lock):
            self._end_the_last_line()
        before = self.read()
        waiting = [key for key in keys if key not in before][:most]
        for key in waiting:
            line = json.dumps({"key": key, "result": make(key)})
            with FileLock(self._lock), self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"{line}\n")
        after = self.read()
        if missing := [key for key in keys if key not in after]:
            sys.stderr.write(f"{len(keys) - len(missing)} of {len(keys)} trials are done; call again for the others\n")
        return {key: after[key] for key in keys if key in after}

    def _end_the_last_line(self) -> None:
        """Take away a line that was cut off while it was written."""
        if self.path.is_file():
            text = self.path.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]
            if whole != text:
                self.path.write_text(whole, encoding="utf-8")
