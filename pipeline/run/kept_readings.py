"""What was read of the imported table, kept between runs: a file of the output folder that any run can make again.

It holds for the code that made it and for lines as they stood then. A file that is not whole, or that other code left,
is as good as none: all rows are read. What this module refuses: to take a number from a file whose digest does not fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pipeline.files import atomic, fingerprints
from pipeline.study.imported_reading import KeptReading

FILE = "imported_readings.json"


def read(out_dir: Path) -> dict[str, KeptReading]:
    """Return what this very code kept, by patient id; nothing where there is no such file, or it is not whole."""
    try:
        content = json.loads((out_dir / FILE).read_text(encoding="utf-8"))
        lists, digest = content["readings"], content["sha256"]
        if digest != _digest(lists):
            return {}
        return {
            name: KeptReading(lines, visits, (date.fromisoformat(first), date.fromisoformat(last)), tuple(sizes_mm3))
            for name, (lines, visits, first, last, sizes_mm3) in lists.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # absent, or written by another version: all rows are read


def write(out_dir: Path, readings: Mapping[str, KeptReading]) -> None:
    """Keep what was read.

    Raises
    ------
    StoreError
        The folder cannot be written, or is full.
    """
    lists = {
        name: [one.lines_sha256, one.visits_sha256, *(day.isoformat() for day in one.days), one.tumours_mm3]
        for name, one in readings.items()
    }
    content = {"sha256": _digest(lists), "readings": lists}
    atomic.write_text(out_dir / FILE, json.dumps(content, sort_keys=True) + "\n")


def _digest(lists: object) -> str:
    return fingerprints.of_values(lists, fingerprints.of_all_code())
